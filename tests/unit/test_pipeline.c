#include "flow/pipeline.h"

#include "fake_store.h"

#include <stdlib.h>
#include <unistd.h>

#define SECOND 1000

struct fake_source {
    struct source source;
    uint64_t confirmed;
    bool paused;
    bool asked;
    bool detached;
};

static void source_confirm(struct source *source, uint64_t token)
{
    struct fake_source *fake = (struct fake_source *)source;
    assert_true(token >= fake->confirmed);
    fake->confirmed = token;
}

static void source_pause(struct source *source, bool paused)
{
    ((struct fake_source *)source)->paused = paused;
}

static void source_ask(struct source *source)
{
    struct fake_source *fake = (struct fake_source *)source;
    assert_false(fake->asked);
    fake->asked = true;
}

static void source_detach(struct source *source, const char *reason)
{
    (void)reason;
    ((struct fake_source *)source)->detached = true;
}

static void source_attach(struct source *source)
{
    ((struct fake_source *)source)->detached = false;
}

static const struct source_ops fake_source_ops = {
    .confirm = source_confirm,
    .pause = source_pause,
    .ask = source_ask,
    .detach = source_detach,
    .attach = source_attach,
};

struct fixture {
    struct fake_source source;
    struct fake_store store, other;
    struct pipeline *pipeline;
    const struct source_events *say;
    const struct store_events *store_says;
    int64_t now_ms;
};

static int64_t clock_ms(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static struct ruleset *load(const char *text, const struct rule_store *stores, unsigned n_stores)
{
    char path[] = "/tmp/test_pipeline_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    const char *globs[] = {path};
    struct complaints complaints = {0};
    struct ruleset *ruleset = ruleset_load(globs, 1, stores, n_stores, false, &complaints);
    complaints_print(&complaints, stderr);
    complaints_free(&complaints);
    unlink(path);
    assert_non_null(ruleset);
    return ruleset;
}

static const char RULES[] = "cdcd = 1; app = \"t\"; store = \"one\";\n"
                            "caches = {\n"
                            "  c = { key = \"k:{id}\"; triggers = \"t\";\n"
                            "        all = { action = \"scan\"; match = \"k:*\"; }; };\n"
                            "  two = { key = \"o:{id}\"; store = \"other\"; triggers = \"u\"; };\n"
                            "  pair = { keys = [ \"block:{id}\", \"semaphore\" ];\n"
                            "           store = \"other\"; triggers = \"v\"; };\n"
                            "};\n";

static void open_with(struct fixture *f, bool gate, unsigned n_servers)
{
    static const struct rule_store stores[] = {
        {.name = "one", .prefix = "", .type = "fake", .actions = 7},
        {.name = "other", .prefix = "", .type = "fake", .actions = 7},
    };
    *f = (struct fixture){.source.source.ops = &fake_source_ops, .now_ms = 1000};
    struct pipeline_opts opts = {
        .gate = gate,
        .batch_ops = 4,
        .buffer_bytes = 1 << 20,
        .retry_min_ms = 100,
        .retry_max_ms = 1000,
        .detach_after_ms = 10 * SECOND,
        .now_ms = clock_ms,
        .ctx = f,
    };
    f->pipeline = pipeline_make(&opts, load(RULES, stores, 2));
    f->say = pipeline_source_events();
    f->store_says = pipeline_store_events();
    fake_open(&f->store, 1);
    fake_open(&f->other, n_servers);
    pipeline_add_store(f->pipeline, &f->store.store);
    pipeline_add_store(f->pipeline, &f->other.store);
    pipeline_set_source(f->pipeline, &f->source.source);
    f->store_says->up(f->pipeline, &f->store.store, 0);
    for (unsigned i = 0; i < n_servers; i++)
        f->store_says->up(f->pipeline, &f->other.store, i);
}

static void change(struct fixture *f, enum change_op op, const char *table, const char *id)
{
    static const struct column columns[] = {{.name = "id", .type = 23, .in_identity = true}};
    struct relation relation = {
        .oid = (uint32_t)table[0],
        .version = (uint64_t)table[0],
        .schema = "public",
        .name = table,
        .n_columns = 1,
        .columns = columns,
    };
    struct value row = {.kind = VALUE_ABSENT};
    if (id)
        row = (struct value){.text = id, .len = (uint32_t)strlen(id), .kind = VALUE_TEXT};
    struct change c = {.op = op, .relation = &relation};
    c.new_row = op == CHANGE_INSERT || op == CHANGE_UPDATE ? &row : NULL;
    c.old_row = op == CHANGE_DELETE ? &row : NULL;
    f->say->change(f->pipeline, &c);
}

static void unit(struct fixture *f, uint32_t xid, const char *table, const char *id, uint64_t token)
{
    f->say->begin(f->pipeline, xid);
    change(f, CHANGE_INSERT, table, id);
    f->say->commit(f->pipeline, token);
}

static void see(struct fixture *f, uint64_t xmax)
{
    struct snapshot snapshot = {.xmax = xmax};
    assert_true(f->source.asked);
    f->source.asked = false;
    f->say->snapshot(f->pipeline, &snapshot);
}

static void answer(struct fixture *f, struct fake_store *fake, unsigned server)
{
    f->store_says->answered(f->pipeline, &fake->store, server, fake_do(fake, server));
}

static void a_unit_is_confirmed_when_its_ops_are_answered(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    unit(&f, 1, "t", "3", 10);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:3;|");
    assert_int_equal(f.source.confirmed, 0);
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void nothing_leaves_before_it_is_visible(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, true, 1);
    unit(&f, 7, "t", "3", 10);
    pipeline_turn(f.pipeline);
    see(&f, 7);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "");
    f.now_ms += 1;
    pipeline_turn(f.pipeline);
    see(&f, 8);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:3;|");
    pipeline_free(f.pipeline);
}

static void a_unit_without_ops_waits_for_those_before_it(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    unit(&f, 1, "t", "3", 10);
    unit(&f, 2, "nobody", "3", 20);
    f.say->reached(f.pipeline, 30);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 30);
    unit(&f, 3, "nobody", "3", 40);
    assert_int_equal(f.source.confirmed, 40);
    pipeline_free(f.pipeline);
}

static void a_large_unit_leaves_while_it_is_read(void **state)
{
    (void)state;
    struct fixture f;
    char id[16];
    open_with(&f, true, 1);
    f.say->begin(f.pipeline, 7);
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof id, "%d", i);
        change(&f, CHANGE_INSERT, "t", id);
    }
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "");
    see(&f, 8);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:0;delete k:1;delete k:2;delete k:3;|");
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    f.say->commit(f.pipeline, 10);
    pipeline_turn(f.pipeline);
    assert_false(f.source.asked);
    assert_string_equal(fake_said(&f.store), "delete k:4;delete k:5;|");
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void one_dead_store_does_not_delay_the_other(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.store.ready[0] = false;
    f.store_says->down(f.pipeline, &f.store.store, 0, "killed");
    unit(&f, 1, "t", "3", 10);
    unit(&f, 2, "u", "4", 20);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete o:4;|");
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    f.store.ready[0] = true;
    f.store_says->up(f.pipeline, &f.store.store, 0);
    pipeline_turn(f.pipeline);
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 20);
    pipeline_free(f.pipeline);
}

static void on_a_fleet_the_second_key_waits_for_every_answer_to_the_first(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 2);
    f.store.ready[0] = false;
    unit(&f, 1, "v", "3", 10);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete block:3;|delete block:3;|");
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "");
    answer(&f, &f.other, 1);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete semaphore;|delete semaphore;|");
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    answer(&f, &f.other, 1);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void on_one_server_all_keys_leave_in_order(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.say->begin(f.pipeline, 1);
    change(&f, CHANGE_INSERT, "v", "1");
    change(&f, CHANGE_INSERT, "v", "2");
    f.say->commit(f.pipeline, 10);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete block:1;delete block:2;delete semaphore;|");
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void what_was_staged_is_void_when_the_stream_begins_again(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, true, 1);
    unit(&f, 7, "t", "1", 10);
    pipeline_turn(f.pipeline);
    see(&f, 8);
    pipeline_turn(f.pipeline);
    unit(&f, 8, "t", "2", 20);
    f.say->begin(f.pipeline, 9);
    change(&f, CHANGE_INSERT, "t", "3");
    fake_said(&f.store);
    f.source.asked = false;
    f.say->again(f.pipeline, "cut");
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    assert_string_equal(fake_said(&f.store), "");
    f.say->streaming(f.pipeline);
    unit(&f, 7, "t", "1", 10);
    pipeline_turn(f.pipeline);
    see(&f, 8);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:1;|");
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void ops_that_have_not_left_are_void_when_the_stream_begins_again(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.store.ready[0] = false;
    unit(&f, 7, "t", "1", 10);
    pipeline_turn(f.pipeline);
    f.say->again(f.pipeline, "cut");
    f.store.ready[0] = true;
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "");
    pipeline_free(f.pipeline);
}

static void a_gap_clears_every_cache_even_if_the_stream_breaks(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.say->gap(f.pipeline, "slot was lost");
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "scan k:*;|");
    assert_string_equal(fake_said(&f.other), "delete semaphore;|");
    f.say->again(f.pipeline, "cut");
    f.say->streaming(f.pipeline);
    answer(&f, &f.store, 0);
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "scan k:*;|");
    answer(&f, &f.store, 0);
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    f.say->again(f.pipeline, "cut");
    f.say->streaming(f.pipeline);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "");
    pipeline_free(f.pipeline);
}

static void in_doubt_a_cache_is_cleared_once_a_second(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    for (uint64_t token = 10; token <= 30; token += 10) {
        f.say->begin(f.pipeline, 1);
        change(&f, CHANGE_DELETE, "t", NULL);
        change(&f, CHANGE_DELETE, "t", NULL);
        f.say->commit(f.pipeline, token);
        pipeline_turn(f.pipeline);
    }
    assert_string_equal(fake_said(&f.store), "scan k:*;|");
    answer(&f, &f.store, 0);
    assert_int_equal(pipeline_turn(f.pipeline), SECOND);
    assert_int_equal(f.source.confirmed, 10);
    f.now_ms += SECOND;
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "scan k:*;|");
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 30);
    pipeline_free(f.pipeline);
}

static void reading_stops_while_too_much_waits(void **state)
{
    (void)state;
    struct fixture f;
    char id[32];
    open_with(&f, false, 1);
    f.store.ready[0] = false;
    f.store_says->down(f.pipeline, &f.store.store, 0, "killed");
    uint64_t token = 1;
    for (; token < 100000 && !f.source.paused; token++) {
        snprintf(id, sizeof id, "%ju", (uintmax_t)token);
        unit(&f, 1, "t", id, token);
    }
    assert_true(f.source.paused);
    f.store.ready[0] = true;
    f.store_says->up(f.pipeline, &f.store.store, 0);
    for (int i = 0; i < 100000 && f.source.confirmed < token - 1; i++) {
        pipeline_turn(f.pipeline);
        while (f.store.n_out[0])
            answer(&f, &f.store, 0);
        f.store.said[0] = '\0';
    }
    assert_int_equal(f.source.confirmed, token - 1);
    pipeline_turn(f.pipeline);
    assert_false(f.source.paused);
    pipeline_free(f.pipeline);
}

static void the_stream_is_left_when_every_store_is_down_for_long(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.store.ready[0] = f.other.ready[0] = false;
    f.store_says->down(f.pipeline, &f.store.store, 0, "killed");
    f.store_says->down(f.pipeline, &f.other.store, 0, "killed");
    f.now_ms += 20 * SECOND;
    pipeline_turn(f.pipeline);
    assert_false(f.source.detached);
    unit(&f, 1, "t", "1", 10);
    pipeline_turn(f.pipeline);
    assert_true(f.source.detached);
    f.say->again(f.pipeline, "left");
    f.store.ready[0] = true;
    f.store_says->up(f.pipeline, &f.store.store, 0);
    assert_false(f.source.detached);
    pipeline_free(f.pipeline);
}

/* One seed: units, answers, errors, breaks and visibility in random order; then everything heals.
 * No token may be confirmed before its ops were answered, nor an op leave before its unit is seen,
 * and in the end all is confirmed. */
#define UNITS 60

struct model {
    struct fixture f;
    uint64_t next;        /* unit to be given; unit n has xid n, token n and key k:n */
    uint64_t seen;        /* all units below are visible */
    bool done[UNITS + 1]; /* its key was deleted since its unit became visible */
};

static void note_answer(struct model *m, const struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++) {
        uint64_t n = strtoull(batch->ops[i].key + 2, NULL, 10);
        assert_true(n < m->seen);
        m->done[n] |= batch->ops[i].result == RESULT_HIT;
    }
}

static void answer_somehow(struct model *m, enum batch_status status)
{
    if (m->f.store.n_out[0] == 0)
        return;
    struct batch *batch = fake_do(&m->f.store, 0);
    batch->status = status;
    for (unsigned i = 0; i < batch->n; i++)
        if (status != BATCH_DONE && (i == 0 || rand() % 2))
            batch->ops[i].result = RESULT_NONE;
    note_answer(m, batch);
    m->f.store_says->answered(m->f.pipeline, &m->f.store.store, 0, batch);
}

static void step(struct model *m, int what)
{
    char id[16];
    snprintf(id, sizeof id, "%ju", (uintmax_t)m->next);
    switch (what) {
    case 0:
    case 1:
    case 2:
        if (m->next <= UNITS && !m->f.source.paused)
            unit(&m->f, (uint32_t)m->next, "t", id, m->next), m->next++;
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
        answer_somehow(m, (enum batch_status)(BATCH_LOST + rand() % 3));
        break;
    case 8:
        if (rand() % 8)
            break;
        m->f.source.asked = false;
        m->f.say->again(m->f.pipeline, "cut");
        m->f.say->streaming(m->f.pipeline);
        m->next = m->f.source.confirmed + 1;
        break;
    case 9:
        m->f.now_ms += rand() % 200;
        break;
    }
}

static void no_schedule_confirms_what_is_not_done(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 3000; seed++) {
        struct model m = {.next = 1, .seen = 1};
        open_with(&m.f, true, 1);
        srand(seed);
        for (int i = 0; i < 2000 && m.f.source.confirmed < UNITS; i++) {
            step(&m, i < 1500 ? rand() % 10 : rand() % 7);
            if (i >= 1500)
                m.f.now_ms += 100;
            pipeline_turn(m.f.pipeline);
            m.f.store.said[0] = '\0';
            for (uint64_t n = 1; n <= m.f.source.confirmed; n++)
                assert_true(m.done[n]);
        }
        assert_int_equal(m.f.source.confirmed, UNITS);
        pipeline_free(m.f.pipeline);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_confirmed_when_its_ops_are_answered),
        cmocka_unit_test(nothing_leaves_before_it_is_visible),
        cmocka_unit_test(a_unit_without_ops_waits_for_those_before_it),
        cmocka_unit_test(a_large_unit_leaves_while_it_is_read),
        cmocka_unit_test(one_dead_store_does_not_delay_the_other),
        cmocka_unit_test(on_a_fleet_the_second_key_waits_for_every_answer_to_the_first),
        cmocka_unit_test(on_one_server_all_keys_leave_in_order),
        cmocka_unit_test(what_was_staged_is_void_when_the_stream_begins_again),
        cmocka_unit_test(ops_that_have_not_left_are_void_when_the_stream_begins_again),
        cmocka_unit_test(a_gap_clears_every_cache_even_if_the_stream_breaks),
        cmocka_unit_test(in_doubt_a_cache_is_cleared_once_a_second),
        cmocka_unit_test(reading_stops_while_too_much_waits),
        cmocka_unit_test(the_stream_is_left_when_every_store_is_down_for_long),
        cmocka_unit_test(no_schedule_confirms_what_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
