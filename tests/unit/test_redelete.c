/* Ops that are done again some time after they were done. */
#include "fake_rules.h"

static int setup(void **state)
{
    static struct fixture f;
    open_rules(&f, true, 1, fake_rules(""));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    pipeline_free(f->pipeline);
    assert_int_equal(n_rulesets, 0);
    return 0;
}

/* A unit whose ops leave at once. */
static void visible_unit(struct fixture *f, const char *row, uint64_t token)
{
    unit(f, (uint32_t)token, "t", row, token);
    pipeline_turn(f->pipeline);
    if (f->source.asked)
        see(f, token + 1);
    pipeline_turn(f->pipeline);
}

static void turn_at(struct fixture *f, int64_t ms)
{
    f->now_ms = ms;
    pipeline_turn(f->pipeline);
}

static void answer_at(struct fixture *f, struct fake_store *store, int64_t ms)
{
    f->now_ms = ms;
    answer(f, store, 0);
    pipeline_turn(f->pipeline);
}

static void an_op_is_done_again_before_its_unit_is_confirmed(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete a +500;0 delete b", 10);
    assert_string_equal(fake_said(&f->store), "delete a;delete b;|");
    answer_at(f, &f->store, 1100);
    turn_at(f, 1599);
    assert_string_equal(fake_said(&f->store), "");
    assert_int_equal(f->source.confirmed, 0);
    turn_at(f, 1600);
    assert_string_equal(fake_said(&f->store), "delete a;|");
    assert_int_equal(f->source.confirmed, 0);
    answer_at(f, &f->store, 1700);
    assert_int_equal(f->source.confirmed, 10);
}

static void the_loop_wakes_when_it_is_time(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete a +500", 10);
    f->now_ms = 1100;
    answer(f, &f->store, 0);
    assert_int_equal(pipeline_turn(f->pipeline), 500);
}

static void what_was_not_answered_is_not_done_again(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete a +500", 10);
    turn_at(f, 9000);
    assert_string_equal(fake_said(&f->store), "delete a;|");
    answer_at(f, &f->store, 9000);
    turn_at(f, 9500);
    assert_string_equal(fake_said(&f->store), "delete a;|");
}

static void each_op_has_its_own_time(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete a +500;0 delete b +200", 10);
    fake_said(&f->store);
    answer_at(f, &f->store, 1000);
    turn_at(f, 1200);
    assert_string_equal(fake_said(&f->store), "delete b;|");
    answer_at(f, &f->store, 1210);
    turn_at(f, 1500);
    assert_string_equal(fake_said(&f->store), "delete a;|");
    answer_at(f, &f->store, 1510);
    assert_int_equal(f->source.confirmed, 10);
}

static void keys_are_done_again_in_their_order(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete block +500;0 delete semaphore @1 +500", 10);
    answer_at(f, &f->store, 1000);
    answer_at(f, &f->store, 1000);
    assert_string_equal(fake_said(&f->store), "delete block;|delete semaphore;|");
    turn_at(f, 1500);
    assert_string_equal(fake_said(&f->store), "delete block;|");
    answer_at(f, &f->store, 1500);
    assert_string_equal(fake_said(&f->store), "delete semaphore;|");
    answer_at(f, &f->store, 1500);
    assert_int_equal(f->source.confirmed, 10);
}

static void others_do_not_wait_for_what_is_done_again(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete a +500", 10);
    visible_unit(f, "0 delete b", 20);
    assert_string_equal(fake_said(&f->store), "delete a;|delete b;|");
    answer_at(f, &f->store, 1000);
    answer_at(f, &f->store, 1000);
    assert_int_equal(f->source.confirmed, 0);
    turn_at(f, 1500);
    answer_at(f, &f->store, 1500);
    assert_int_equal(f->source.confirmed, 20);
}

static void a_set_is_not_done_again(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 set a=1 +500", 10);
    answer_at(f, &f->store, 1000);
    assert_int_equal(f->source.confirmed, 10);
    turn_at(f, 2000);
    assert_string_equal(fake_said(&f->store), "set a=1;|");
}

static void it_is_void_when_the_stream_begins_again(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "0 delete a +500", 10);
    answer_at(f, &f->store, 1000);
    fake_said(&f->store);
    f->say->again(f->pipeline, "cut");
    turn_at(f, 2000);
    assert_string_equal(fake_said(&f->store), "");
    assert_int_equal(f->source.confirmed, 0);
}

static void what_waits_to_be_done_again_is_counted(void **state)
{
    struct fixture *f = *state;
    char row[64];
    uint64_t token = 1;
    for (; token < 100000 && !f->source.paused; token++) {
        snprintf(row, sizeof row, "0 delete %ju +3600000", (uintmax_t)token);
        visible_unit(f, row, token);
        while (f->store.n_out[0])
            answer(f, &f->store, 0);
        fake_said(&f->store);
    }
    assert_true(f->source.paused);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_op_is_done_again_before_its_unit_is_confirmed),
        TEST(the_loop_wakes_when_it_is_time),
        TEST(what_was_not_answered_is_not_done_again),
        TEST(each_op_has_its_own_time),
        TEST(keys_are_done_again_in_their_order),
        TEST(others_do_not_wait_for_what_is_done_again),
        TEST(a_set_is_not_done_again),
        TEST(it_is_void_when_the_stream_begins_again),
        TEST(what_waits_to_be_done_again_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
