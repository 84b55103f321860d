/* The pipeline under random schedules. */
#include "fake_lookups.h"
#include "fake_rules.h"

/* One seed: units, answers, errors, breaks and visibility in random order; then everything heals.
 * No token may be confirmed before its ops were answered, nor an op leave or a question be asked
 * before its unit is seen; no older value may come over a newer one; and in the end all is
 * confirmed, and the key that was set is what the last unit left.
 *
 * And where the store fails over, again and again, to a replica that lacks what it did lately: in
 * the end all is done there as well. */
#define UNITS 60
#define SLOTS 64 /* more questions are not out at once */
#define SEEDS 1000

static unsigned seed;
static bool fails_over;

enum kind { DELETES, ASKS, DELETES_AGAIN, SETS, DROPS, SETS_ASKED, N_KINDS };

struct model {
    struct fixture f;
    struct fake_lookups lookups;
    uint64_t next;            /* unit to be given; unit n has xid n, token n and key k:n */
    uint64_t seen;            /* all units below are visible */
    unsigned done[UNITS + 1]; /* how often its op was done since its unit became visible */
    uint64_t value;           /* of the key `s`, as units set it; 0: none */
    uint64_t newest;          /* that was there since the stream began */
    unsigned n_void;          /* batches that were out when it began */
    bool scanned;
    uint64_t answers[SLOTS]; /* to questions that are out, by their numbers */
    struct {
        unsigned done[UNITS + 1];
        uint64_t value;
        int64_t at_ms;
    } replica; /* what it had when it was in step */
};

static bool looks_up_values(void)
{
    return seed % 2;
}

static enum kind kind_of(uint64_t n)
{
    static const enum kind kinds[] = {DELETES, ASKS,  SETS,       DELETES_AGAIN,
                                      SETS,    DROPS, SETS_ASKED, SETS_ASKED};
    return kinds[(n * 2654435761U >> 7) % (looks_up_values() ? 8 : 6)];
}

static bool writes_s(uint64_t n)
{
    return kind_of(n) == SETS || kind_of(n) == DROPS || kind_of(n) == SETS_ASKED;
}

static bool asks(uint64_t n)
{
    return kind_of(n) == ASKS || kind_of(n) == SETS_ASKED;
}

/* The newest unit up to n that wrote what `s` is made of; 0: none. */
static uint64_t written(uint64_t n)
{
    while (n && !writes_s(n))
        n--;
    return n;
}

/* PostgreSQL answers what could be seen when it was asked. */
static void ask(struct lookups *lookups, const struct lookup *lookup, const struct value *params,
                uint64_t question)
{
    struct model *m = (struct model *)(void *)((char *)lookups - offsetof(struct model, lookups));
    m->answers[question % SLOTS] = written(m->seen - 1);
    lookups_ask(lookups, lookup, params, question);
}

static const struct lookups_ops asking_ops = {.ask = ask, .forget = lookups_forget};

static void give_unit(struct model *m)
{
    static const char *const rows[N_KINDS] = {
        [DELETES] = "0 delete k:%ju",           [ASKS] = "? 0 delete k:%ju",
        [DELETES_AGAIN] = "0 delete k:%ju +50", [SETS] = "0 set s=%ju;0 delete k:%ju",
        [DROPS] = "0 delete s;0 delete k:%ju",  [SETS_ASKED] = "? 0 set s=@@,0 delete k:%ju",
    };
    char row[64], number[32], *at;
    snprintf(row, sizeof row, "%s", rows[kind_of(m->next)]);
    snprintf(number, sizeof number, "%ju", (uintmax_t)m->next);
    while ((at = strstr(row, "%ju"))) {
        char rest[64];
        snprintf(rest, sizeof rest, "%s", at + 3);
        snprintf(at, sizeof row - (size_t)(at - row), "%s%s", number, rest);
    }
    unit(&m->f, (uint32_t)m->next, "t", row, m->next);
    m->next++;
}

static void apply(struct model *m, const struct batch_op *op, bool is_void)
{
    if (op->key_len == 3 && memcmp(op->key, "all", 3) == 0) {
        /* A question may fail, or is not asked where others have just failed. */
        for (unsigned n = 1; n < m->seen; n++)
            m->done[n] += asks(n);
        m->value = 0;
        m->scanned = true;
    } else if (op->key[0] == 's') {
        m->value = op->action == OP_SET ? strtoull(op->value, NULL, 10) : 0;
        /* What was looked up is newer than what rows of its time say. */
        if (op->action == OP_SET && !is_void && !looks_up_values())
            assert_true(m->value >= m->newest);
        if (m->value && !is_void)
            m->newest = m->value;
    } else {
        uint64_t n = strtoull(op->key + 2, NULL, 10);
        assert_true(n < m->seen);
        m->done[n]++;
    }
}

static void answer_somehow(struct model *m, enum batch_status status)
{
    if (m->f.store.n_out[0] == 0)
        return;
    struct batch *batch = fake_do(&m->f.store, 0);
    batch->status = status;
    for (unsigned i = 0; i < batch->n; i++) {
        if (status != BATCH_DONE && (i == 0 || rand() % 2))
            batch->ops[i].result = RESULT_NONE;
        /* Whether it was done before the connection was lost is not known. */
        if (batch->ops[i].result == RESULT_HIT || (status == BATCH_LOST && rand() % 2))
            apply(m, &batch->ops[i], m->n_void > 0);
    }
    m->n_void -= m->n_void > 0;
    m->f.store_says->answered(m->f.pipeline, &m->f.store.store, 0, batch);
}

static void answer_a_question(struct model *m, bool failed)
{
    char text[24];
    struct value row = {.text = text, .kind = VALUE_TEXT};
    struct answer answer = {.failed = failed ? "it broke" : NULL, .rows = &row, .n_rows = 1};
    if (m->lookups.n_out == 0)
        return;
    uint64_t question = lookups_take(&m->lookups, (unsigned)rand() % m->lookups.n_out);
    row.len = (uint32_t)snprintf(text, sizeof text, "%ju", (uintmax_t)m->answers[question % SLOTS]);
    pipeline_answered(m->f.pipeline, question, &answer);
}

/* What was asked since the last look. */
static void note_questions(struct model *m)
{
    for (const char *at = m->lookups.said; (at = strstr(at, "k:")); at++) {
        uint64_t n = strtoull(at + 2, NULL, 10);
        assert_true(n < m->seen);
    }
    m->lookups.said[0] = '\0';
}

static void break_stream(struct model *m)
{
    m->f.source.asked = false;
    m->f.say->again(m->f.pipeline, "cut");
    m->f.say->streaming(m->f.pipeline);
    m->next = m->f.source.confirmed + 1;
    m->newest = 0;
    m->n_void = m->f.store.n_out[0];
}

static void come_in_step(struct model *m)
{
    memcpy(m->replica.done, m->done, sizeof m->done);
    m->replica.value = m->value;
    m->replica.at_ms = m->f.now_ms;
}

static void fail_over(struct model *m)
{
    struct store *store = &m->f.store.store;
    while (m->f.store.n_out[0] > 0)
        answer_somehow(m, BATCH_LOST);
    m->f.store_says->down(m->f.pipeline, store, 0, "killed");
    memcpy(m->done, m->replica.done, sizeof m->done);
    m->value = m->replica.value;
    m->newest = 0;
    m->f.store_says->renewed(m->f.pipeline, store, 0, m->replica.at_ms);
    m->f.store_says->up(m->f.pipeline, store, 0);
}

static void step(struct model *m, int what)
{
    switch (what) {
    case 0:
    case 1:
    case 2:
        if (m->next <= UNITS && !m->f.source.paused)
            give_unit(m);
        break;
    case 3:
        m->seen = m->seen < m->next ? m->seen + 1 : m->seen;
        break;
    case 4:
        if (m->f.source.asked)
            see(&m->f, m->seen);
        break;
    case 5:
    case 6:
        answer_somehow(m, BATCH_DONE);
        break;
    case 7:
        answer_a_question(m, false);
        break;
    case 8:
        answer_somehow(m, (enum batch_status)(BATCH_LOST + rand() % 3));
        break;
    case 9:
        answer_a_question(m, rand() % 4 == 0);
        break;
    case 10:
        if (rand() % 8 == 0)
            break_stream(m);
        if (fails_over && rand() % 8 == 0)
            fail_over(m);
        else if (fails_over && rand() % 8 == 0)
            come_in_step(m);
        break;
    case 11:
        m->f.now_ms += rand() % 200;
        break;
    }
}

static void check(struct model *m)
{
    note_questions(m);
    m->f.store.said[0] = '\0';
    for (uint64_t n = 1; !fails_over && n <= m->f.source.confirmed; n++)
        assert_true(m->done[n] >= (kind_of(n) == DELETES_AGAIN ? 2 : 1));
}

/* Only a scan may leave the key without what the last unit set, or a value that was looked up and
 * came late; and only what was looked up later may fill it again. */
static void check_end(const struct model *m)
{
    uint64_t last = written(UNITS);
    assert_int_equal(m->f.source.confirmed, UNITS);
    if (m->value)
        assert_int_equal(m->value, last);
    if (!looks_up_values() && !m->scanned)
        assert_int_equal(m->value, kind_of(last) == SETS ? last : 0);
}

/* What a replica lacked is done there; what was set may be deleted for that. */
static void check_after_failovers(struct model *m)
{
    pipeline_drain(m->f.pipeline);
    for (int i = 0; i < 1000 && !pipeline_drained(m->f.pipeline); i++) {
        answer_somehow(m, BATCH_DONE);
        pipeline_turn(m->f.pipeline);
        m->f.now_ms += 100;
    }
    assert_true(pipeline_drained(m->f.pipeline));
    for (uint64_t n = 1; n <= UNITS; n++)
        assert_true(m->done[n] >= 1);
    if (m->value)
        assert_int_equal(m->value, written(UNITS));
}

static void run_seed(void)
{
    struct model m = {.next = 1, .seen = 1};
    open_keeping(&m.f, true, 1, fake_rules(""), fails_over ? INT32_MAX : 0);
    m.lookups.lookups.ops = &asking_ops;
    pipeline_set_lookups(m.f.pipeline, &m.lookups.lookups);
    srand(seed);
    for (int i = 0; i < 3000 && m.f.source.confirmed < UNITS; i++) {
        step(&m, i < 1500 ? rand() % 12 : rand() % 8);
        if (i >= 1500)
            m.f.now_ms += 100;
        pipeline_turn(m.f.pipeline);
        check(&m);
    }
    if (fails_over)
        check_after_failovers(&m);
    else
        check_end(&m);
    pipeline_free(m.f.pipeline);
    assert_int_equal(n_rulesets, 0);
}

static void no_schedule_confirms_what_is_not_done_or_sets_what_is_older(void **state)
{
    (void)state;
    for (seed = 1; seed <= SEEDS; seed++)
        run_seed();
}

static void no_failover_leaves_undone_what_was_confirmed(void **state)
{
    (void)state;
    fails_over = true;
    for (seed = 1; seed <= SEEDS; seed++)
        run_seed();
}

/* Runs after a failure too. */
static int say_seed(void **state)
{
    (void)state;
    if (seed <= SEEDS)
        print_error("failed with seed %u\n", seed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(no_schedule_confirms_what_is_not_done_or_sets_what_is_older,
                                  say_seed),
        cmocka_unit_test_teardown(no_failover_leaves_undone_what_was_confirmed, say_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
