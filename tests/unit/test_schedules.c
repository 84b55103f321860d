/* The pipeline under random schedules. */
#include "fake_pipeline.h"

/* One seed: units, answers, errors, breaks and visibility in random order; then everything heals.
 * No token may be confirmed before its ops were answered, nor an op leave before its unit is seen,
 * and in the end all is confirmed. */
#define UNITS 60
#define SEEDS 3000

static unsigned seed;

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
    for (seed = 1; seed <= SEEDS; seed++) {
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
        cmocka_unit_test_teardown(no_schedule_confirms_what_is_not_done, say_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
