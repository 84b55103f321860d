#include "fake_pipeline.h"

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

static void a_later_key_leaves_when_the_earlier_ones_were_answered(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.say->begin(f.pipeline, 1);
    change(&f, CHANGE_INSERT, "v", "1");
    change(&f, CHANGE_INSERT, "v", "2");
    f.say->commit(f.pipeline, 10);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete block:1;delete block:2;|");
    struct batch *batch = fake_do(&f.other, 0);
    batch->ops[1].result = RESULT_NONE;
    batch->status = BATCH_REFUSED;
    f.store_says->answered(f.pipeline, &f.other.store, 0, batch);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete block:2;|");
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete semaphore;|");
    assert_int_equal(f.source.confirmed, 0);
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void keys_of_one_change_stay_in_order_in_a_large_unit(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.say->begin(f.pipeline, 1);
    change(&f, CHANGE_INSERT, "w", "1");
    change(&f, CHANGE_INSERT, "w", "2");
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete x:1;delete x:2;|");
    f.say->commit(f.pipeline, 10);
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete y:1;delete y:2;|");
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete z:1;delete z:2;|");
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

static void later_keys_that_wait_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    char id[32];
    struct err good = {0};
    open_with(&f, false, 2);
    pipeline_reload(f.pipeline, load("cdcd = 1; app = \"t\"; store = \"other\"; caches = {\n"
                                     "c = { keys = [ \"posts\", \"post:{id}\" ];\n"
                                     "triggers = \"t\"; }; };\n",
                                     STORES, 2));
    f.say->tables_set(f.pipeline, &good);
    f.other.ready[1] = false;
    f.store_says->down(f.pipeline, &f.other.store, 1, "killed");
    uint64_t token = 1;
    for (; token < 100000 && !f.source.paused; token++) {
        snprintf(id, sizeof id, "%ju", (uintmax_t)token);
        unit(&f, 1, "t", id, token);
        pipeline_turn(f.pipeline);
        while (f.other.n_out[0])
            answer(&f, &f.other, 0);
        f.other.said[0] = '\0';
    }
    assert_true(f.source.paused);
    pipeline_free(f.pipeline);
}

static void what_is_owed_is_waited_for_at_the_end(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.store.ready[0] = false;
    f.store_says->down(f.pipeline, &f.store.store, 0, "killed");
    f.say->gap(f.pipeline, "slot was lost");
    pipeline_drain(f.pipeline);
    pipeline_turn(f.pipeline);
    assert_false(pipeline_drained(f.pipeline));
    f.store.ready[0] = true;
    f.store_says->up(f.pipeline, &f.store.store, 0);
    pipeline_turn(f.pipeline);
    answer(&f, &f.store, 0);
    answer(&f, &f.other, 0);
    pipeline_turn(f.pipeline);
    assert_true(pipeline_drained(f.pipeline));
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

static struct ruleset *other_rules(const char *key)
{
    char text[200];
    snprintf(text, sizeof text,
             "cdcd = 1; app = \"t\"; store = \"one\";\n"
             "caches = { c = { key = \"%s:{id}\"; triggers = \"t\"; }; };\n",
             key);
    return load(text, STORES, 2);
}

static void other_rules_hold_when_the_source_agrees_and_no_unit_is_open(void **state)
{
    (void)state;
    struct fixture f;
    struct err good = {0};
    open_with(&f, false, 1);
    pipeline_reload(f.pipeline, other_rules("new"));
    unit(&f, 1, "t", "1", 10);
    f.say->begin(f.pipeline, 2);
    f.say->tables_set(f.pipeline, &good);
    change(&f, CHANGE_INSERT, "t", "2");
    f.say->commit(f.pipeline, 20);
    unit(&f, 3, "t", "3", 30);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:1;delete k:2;delete new:3;|");
    pipeline_free(f.pipeline);
}

static void rules_that_the_source_refuses_do_not_hold(void **state)
{
    (void)state;
    struct fixture f;
    struct err refusal = {.code = EX_CONFIG, .text = "no such table"};
    open_with(&f, false, 1);
    pipeline_reload(f.pipeline, other_rules("new"));
    f.say->tables_set(f.pipeline, &refusal);
    unit(&f, 1, "t", "1", 10);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete k:1;|");
    pipeline_free(f.pipeline);
}

static void a_second_reload_waits_for_the_answer_to_the_first(void **state)
{
    (void)state;
    struct fixture f;
    struct err good = {0};
    open_with(&f, false, 1);
    pipeline_reload(f.pipeline, other_rules("first"));
    pipeline_reload(f.pipeline, other_rules("second"));
    pipeline_reload(f.pipeline, other_rules("third"));
    assert_int_equal(f.source.n_asked_tables, 1);
    f.say->tables_set(f.pipeline, &good);
    unit(&f, 1, "t", "1", 10);
    assert_int_equal(f.source.n_asked_tables, 2);
    f.say->tables_set(f.pipeline, &good);
    unit(&f, 2, "t", "2", 20);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "delete first:1;delete third:2;|");
    pipeline_free(f.pipeline);
}

static void what_is_owed_survives_two_breaks_running(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, false, 1);
    f.store.ready[0] = false;
    f.say->gap(f.pipeline, "slot was lost");
    f.say->again(f.pipeline, "cut");
    f.say->again(f.pipeline, "cut");
    f.store.ready[0] = true;
    f.say->streaming(f.pipeline);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.store), "scan k:*;|");
    pipeline_free(f.pipeline);
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
        cmocka_unit_test(a_later_key_leaves_when_the_earlier_ones_were_answered),
        cmocka_unit_test(keys_of_one_change_stay_in_order_in_a_large_unit),
        cmocka_unit_test(what_was_staged_is_void_when_the_stream_begins_again),
        cmocka_unit_test(ops_that_have_not_left_are_void_when_the_stream_begins_again),
        cmocka_unit_test(a_gap_clears_every_cache_even_if_the_stream_breaks),
        cmocka_unit_test(in_doubt_a_cache_is_cleared_once_a_second),
        cmocka_unit_test(reading_stops_while_too_much_waits),
        cmocka_unit_test(later_keys_that_wait_are_counted),
        cmocka_unit_test(what_is_owed_is_waited_for_at_the_end),
        cmocka_unit_test(the_stream_is_left_when_every_store_is_down_for_long),
        cmocka_unit_test(other_rules_hold_when_the_source_agrees_and_no_unit_is_open),
        cmocka_unit_test(rules_that_the_source_refuses_do_not_hold),
        cmocka_unit_test(a_second_reload_waits_for_the_answer_to_the_first),
        cmocka_unit_test(what_is_owed_survives_two_breaks_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
