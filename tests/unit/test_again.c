/* What a store acknowledged and may have lost. */
#include "fake_pipeline.h"

#include "base/log.h"
#include "model/stats.h"

#define KEEP_MS (60 * SECOND)

static void open_kept(struct fixture *f)
{
    open_keeping(f, false, 1, load(RULES, STORES, 2), KEEP_MS);
}

/* A unit whose op was acknowledged, and which is confirmed. */
static void do_unit(struct fixture *f, const char *table, const char *id, uint64_t token)
{
    unit(f, 1, table, id, token);
    pipeline_turn(f->pipeline);
    answer(f, strcmp(table, "t") == 0 ? &f->store : &f->other, 0);
    pipeline_turn(f->pipeline);
    assert_int_equal(f->source.confirmed, token);
    fake_said(&f->store);
}

static void renew(struct fixture *f, int64_t since_ms)
{
    f->store_says->renewed(f->pipeline, &f->store.store, 0, since_ms);
    pipeline_turn(f->pipeline);
}

static void what_was_confirmed_is_sent_again(void **state)
{
    struct fixture f;
    (void)state;
    open_kept(&f);
    do_unit(&f, "t", "1", 10);
    do_unit(&f, "t", "2", 20);
    renew(&f, 0);
    assert_string_equal(fake_said(&f.store), "delete k:1;delete k:2;|");
    pipeline_free(f.pipeline);
}

static void a_store_that_loses_nothing_is_sent_nothing_again(void **state)
{
    struct fixture f;
    (void)state;
    open_kept(&f);
    do_unit(&f, "u", "1", 10);
    f.store_says->renewed(f.pipeline, &f.other.store, 0, 0);
    fake_said(&f.other);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "");
    pipeline_free(f.pipeline);
}

static void what_is_not_acknowledged_again_stays(void **state)
{
    struct fixture f;
    (void)state;
    open_kept(&f);
    do_unit(&f, "t", "1", 10);
    renew(&f, 0);
    struct batch *batch = fake_take(&f.store, 0);
    batch->status = BATCH_LOST;
    f.store_says->answered(f.pipeline, &f.store.store, 0, batch);
    fake_said(&f.store);
    renew(&f, 0);
    assert_string_equal(fake_said(&f.store), "delete k:1;|");
    answer(&f, &f.store, 0);
    renew(&f, 0);
    assert_string_equal(fake_said(&f.store), "delete k:1;|");
    pipeline_free(f.pipeline);
}

static void a_source_that_begins_again_does_not_make_it_forgotten(void **state)
{
    struct fixture f;
    (void)state;
    open_kept(&f);
    do_unit(&f, "t", "1", 10);
    f.say->again(f.pipeline, "lost");
    renew(&f, 0);
    fake_said(&f.store);
    f.say->again(f.pipeline, "lost");
    struct batch *batch = fake_take(&f.store, 0);
    batch->status = BATCH_LOST;
    f.store_says->answered(f.pipeline, &f.store.store, 0, batch);
    f.say->again(f.pipeline, "lost");
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:1;|");
    pipeline_free(f.pipeline);
}

static void the_end_waits_for_what_goes_again(void **state)
{
    struct fixture f;
    (void)state;
    open_kept(&f);
    do_unit(&f, "t", "1", 10);
    renew(&f, 0);
    pipeline_drain(f.pipeline);
    assert_false(pipeline_drained(f.pipeline));
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_true(pipeline_drained(f.pipeline));
    pipeline_free(f.pipeline);
}

static void a_long_window_goes_again_a_few_batches_at_a_time(void **state)
{
    struct fixture f;
    char id[16];
    (void)state;
    open_kept(&f);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "%u", i);
        do_unit(&f, "t", id, i + 1);
    }
    uint64_t again = stats()->again;
    renew(&f, 0);
    assert_int_equal(stats()->again - again, 16);
    for (unsigned i = 0; i < 25; i++) {
        answer(&f, &f.store, 0);
        pipeline_turn(f.pipeline);
    }
    assert_int_equal(stats()->again - again, 100);
    assert_int_equal(f.store.n_out[0], 0);
    pipeline_free(f.pipeline);
}

static void new_ops_leave_between_those_that_go_again(void **state)
{
    struct fixture f;
    (void)state;
    open_kept(&f);
    for (unsigned i = 0; i < 20; i++)
        do_unit(&f, "t", i % 2 ? "1" : "2", i + 1);
    f.store.ready[0] = false;
    renew(&f, 0);
    unit(&f, 2, "t", "new", 100);
    f.store.ready[0] = true;
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:2;delete k:1;|delete k:new;|");
    answer(&f, &f.store, 0);
    answer(&f, &f.store, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 100);
    pipeline_free(f.pipeline);
}

static void a_set_that_was_refused_was_a_delete_and_goes_again(void **state)
{
    static const char sets[] = "cdcd = 1; app = \"t\"; store = \"one\";\n"
                               "caches = { s = { key = \"s:{id}\"; triggers = \"t\";\n"
                               "                action = \"set\"; value = \"v\"; }; };\n";
    struct fixture f;
    (void)state;
    open_keeping(&f, false, 1, load(sets, STORES, 2), KEEP_MS);
    unit(&f, 1, "t", "1", 10);
    pipeline_turn(f.pipeline);
    struct batch *batch = fake_take(&f.store, 0);
    batch->ops[0].result = RESULT_REFUSED;
    batch->status = BATCH_DONE;
    f.store_says->answered(f.pipeline, &f.store.store, 0, batch);
    fake_said(&f.store);
    renew(&f, 0);
    assert_string_equal(fake_said(&f.store), "delete s:1;|");
    pipeline_free(f.pipeline);
}

static void what_is_not_kept_any_more_is_a_gap_of_this_store_alone(void **state)
{
    struct fixture f;
    uint64_t gaps = stats()->gaps;
    (void)state;
    open_kept(&f);
    do_unit(&f, "t", "1", 10);
    do_unit(&f, "u", "1", 20);
    fake_said(&f.other);
    f.now_ms += 2 * KEEP_MS;
    do_unit(&f, "t", "2", 30);
    renew(&f, f.now_ms - KEEP_MS);
    assert_string_equal(fake_said(&f.store), "delete k:2;|");
    assert_int_equal(stats()->gaps, gaps);
    answer(&f, &f.store, 0);
    renew(&f, 1);
    assert_string_equal(fake_said(&f.store), "scan k:*;|delete k:2;|");
    assert_string_equal(fake_said(&f.other), "");
    assert_int_equal(stats()->gaps, gaps + 1);
    pipeline_free(f.pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_confirmed_is_sent_again),
        cmocka_unit_test(a_store_that_loses_nothing_is_sent_nothing_again),
        cmocka_unit_test(what_is_not_acknowledged_again_stays),
        cmocka_unit_test(a_source_that_begins_again_does_not_make_it_forgotten),
        cmocka_unit_test(the_end_waits_for_what_goes_again),
        cmocka_unit_test(a_long_window_goes_again_a_few_batches_at_a_time),
        cmocka_unit_test(new_ops_leave_between_those_that_go_again),
        cmocka_unit_test(a_set_that_was_refused_was_a_delete_and_goes_again),
        cmocka_unit_test(what_is_not_kept_any_more_is_a_gap_of_this_store_alone),
    };
    log_level_set(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
