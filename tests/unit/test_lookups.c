/* Questions on their way: when they are asked, what their answers do, and what waits for them. */
#include "fake_lookups.h"
#include "fake_rules.h"

static struct fake_lookups lookups;

static int open_gated(void **state, bool gate)
{
    static struct fixture f;
    open_rules(&f, gate, 1, fake_rules(""));
    lookups = (struct fake_lookups){.lookups.ops = &fake_lookups_ops};
    pipeline_set_lookups(f.pipeline, &lookups.lookups);
    *state = &f;
    return 0;
}

static int setup(void **state)
{
    return open_gated(state, true);
}

static int setup_without_gate(void **state)
{
    return open_gated(state, false);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    pipeline_free(f->pipeline);
    assert_int_equal(n_rulesets, 0);
    return 0;
}

static void see_all(struct fixture *f)
{
    pipeline_turn(f->pipeline);
    if (f->source.asked)
        see(f, 1000000);
    pipeline_turn(f->pipeline);
}

static void visible_unit(struct fixture *f, const char *row, uint64_t token)
{
    unit(f, (uint32_t)token, "t", row, token);
    see_all(f);
}

static void reply(struct fixture *f, unsigned place, const char *failed)
{
    struct answer answer = {.failed = failed};
    pipeline_answered(f->pipeline, lookups_take(&lookups, place), &answer);
    pipeline_turn(f->pipeline);
}

static void do_all(struct fixture *f)
{
    pipeline_turn(f->pipeline);
    while (f->store.n_out[0] || f->other.n_out[0]) {
        if (f->store.n_out[0])
            answer(f, &f->store, 0);
        if (f->other.n_out[0])
            answer(f, &f->other, 0);
        pipeline_turn(f->pipeline);
    }
}

static const char *asked(void)
{
    static char said[sizeof lookups.said];
    memcpy(said, lookups.said, sizeof said);
    lookups.said[0] = '\0';
    return said;
}

static void a_question_is_asked_when_its_unit_is_visible(void **state)
{
    struct fixture *f = *state;
    unit(f, 7, "t", "? 0 delete a", 10);
    pipeline_turn(f->pipeline);
    see(f, 7);
    pipeline_turn(f->pipeline);
    assert_int_equal(lookups.n_asked, 0);
    f->now_ms += 1;
    pipeline_turn(f->pipeline);
    see(f, 8);
    pipeline_turn(f->pipeline);
    assert_string_equal(asked(), "0 delete a|");
}

static void without_a_gate_ops_leave_at_once_and_questions_wait(void **state)
{
    struct fixture *f = *state;
    unit(f, 7, "t", "0 delete a;? 0 delete b", 10);
    pipeline_turn(f->pipeline);
    assert_string_equal(fake_said(&f->store), "delete a;|");
    assert_int_equal(lookups.n_asked, 0);
    see(f, 8);
    pipeline_turn(f->pipeline);
    assert_int_equal(lookups.n_asked, 1);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->store), "delete b;|");
}

static void without_questions_and_without_a_gate_nobody_asks_what_is_visible(void **state)
{
    struct fixture *f = *state;
    unit(f, 7, "t", "0 delete a", 10);
    pipeline_turn(f->pipeline);
    assert_false(f->source.asked);
}

static void a_unit_is_confirmed_when_the_ops_of_its_answers_are_done(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? 0 delete a", 10);
    visible_unit(f, "0 delete b", 20);
    do_all(f);
    assert_string_equal(fake_said(&f->store), "delete b;|");
    assert_int_equal(f->source.confirmed, 0);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->store), "delete a;|");
    assert_int_equal(f->source.confirmed, 0);
    do_all(f);
    assert_int_equal(f->source.confirmed, 20);
}

static void an_answer_without_keys_finishes_the_unit(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? ", 10);
    visible_unit(f, "? ,", 20);
    assert_int_equal(lookups.n_out, 2);
    reply(f, 1, NULL);
    assert_int_equal(f->source.confirmed, 0);
    reply(f, 0, NULL);
    assert_int_equal(f->source.confirmed, 20);
}

static void keys_of_an_answer_keep_their_stages(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? 0 delete block,0 delete semaphore @1", 10);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->store), "delete block;|");
    answer(f, &f->store, 0);
    pipeline_turn(f->pipeline);
    assert_string_equal(fake_said(&f->store), "delete semaphore;|");
    do_all(f);
    assert_int_equal(f->source.confirmed, 10);
}

static void equal_questions_of_a_part_are_asked_once(void **state)
{
    struct fixture *f = *state;
    f->say->begin(f->pipeline, 7);
    change(f, CHANGE_INSERT, "t", "? 0 delete a;? 0 delete b;? 0 delete a");
    change(f, CHANGE_INSERT, "t", "? 0 delete b;? 0 delete");
    f->say->commit(f->pipeline, 10);
    see_all(f);
    assert_string_equal(asked(), "0 delete a|0 delete b|0 delete|");
}

static void a_failed_lookup_clears_all_and_so_does_one_with_too_many_rows(void **state)
{
    struct fixture *f = *state;
    struct answer too_many = {.too_many = true};
    visible_unit(f, "? 0 delete a", 10);
    reply(f, 0, "no such table");
    assert_string_equal(fake_said(&f->store), "scan all;|");
    do_all(f);
    assert_int_equal(f->source.confirmed, 10);
    f->now_ms += SECOND;
    visible_unit(f, "? 0 delete a", 20);
    pipeline_answered(f->pipeline, lookups_take(&lookups, 0), &too_many);
    do_all(f);
    assert_string_equal(fake_said(&f->store), "scan all;|");
    assert_int_equal(f->source.confirmed, 20);
}

static void what_fails_slowly_is_not_asked_for_each_row(void **state)
{
    struct fixture *f = *state;
    char row[64];
    f->say->begin(f->pipeline, 7);
    for (int i = 0; i < 1000; i++) {
        snprintf(row, sizeof row, "? 0 delete %d", i);
        change(f, CHANGE_INSERT, "t", row);
    }
    f->say->commit(f->pipeline, 10);
    see_all(f);
    f->now_ms += 5 * SECOND;
    while (lookups.n_out)
        reply(f, 0, "timeout");
    assert_in_range(lookups.n_asked, 1, 64);
    f->now_ms += SECOND;
    do_all(f);
    assert_int_equal(f->source.confirmed, 10);
    visible_unit(f, "? 0 delete a", 20);
    assert_int_equal(lookups.n_out, 1);
}

static void without_a_connection_every_lookup_fails(void **state)
{
    struct fixture *f = *state;
    pipeline_set_lookups(f->pipeline, NULL);
    visible_unit(f, "? 0 delete a", 10);
    assert_string_equal(fake_said(&f->store), "scan all;|");
    do_all(f);
    assert_int_equal(f->source.confirmed, 10);
}

static void an_answer_for_a_dead_store_does_not_delay_the_other(void **state)
{
    struct fixture *f = *state;
    f->store.ready[0] = false;
    f->store_says->down(f->pipeline, &f->store.store, 0, "killed");
    visible_unit(f, "? 0 delete a,1 delete b,1 delete c @1", 10);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->other), "delete b;|");
    do_all(f);
    assert_string_equal(fake_said(&f->other), "delete c;|");
    assert_int_equal(f->source.confirmed, 0);
}

static void questions_are_forgotten_when_the_stream_begins_again(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? 0 delete a", 10);
    unit(f, 8, "t", "? 0 delete b", 20);
    f->say->begin(f->pipeline, 9);
    change(f, CHANGE_INSERT, "t", "? 0 delete c");
    f->source.asked = false;
    f->say->again(f->pipeline, "cut");
    assert_int_equal(lookups.n_out, 0);
    f->say->streaming(f->pipeline);
    visible_unit(f, "? 0 delete d", 10);
    assert_string_equal(asked(), "0 delete a|0 delete d|");
    reply(f, 0, NULL);
    do_all(f);
    assert_string_equal(fake_said(&f->store), "delete d;|");
    assert_int_equal(f->source.confirmed, 10);
}

static void only_so_many_questions_are_out_at_once(void **state)
{
    struct fixture *f = *state;
    char row[64];
    for (int i = 0; i < 500; i++) {
        snprintf(row, sizeof row, "? 0 delete %d", i);
        visible_unit(f, row, (uint64_t)i + 1);
        assert_in_range(lookups.n_out, 1, 64);
    }
    while (lookups.n_out) {
        reply(f, lookups.n_out / 2, NULL);
        do_all(f);
        fake_said(&f->store);
    }
    assert_int_equal(lookups.n_asked, 500);
    assert_int_equal(f->source.confirmed, 500);
}

static void fewer_questions_are_out_when_answers_take_long(void **state)
{
    struct fixture *f = *state;
    char row[64];
    for (int i = 0; i < 500; i++) {
        snprintf(row, sizeof row, "? 0 delete %d", i);
        unit(f, 1, "t", row, (uint64_t)i + 1);
    }
    see_all(f);
    for (int i = 0; i < 100; i++)
        reply(f, 0, NULL);
    assert_int_equal(lookups.n_out, 64);
    f->now_ms += 2 * SECOND;
    while (lookups.n_out > 1)
        reply(f, 0, NULL);
    f->now_ms += 2 * SECOND;
    reply(f, 0, NULL);
    assert_int_equal(lookups.n_out, 1);
    reply(f, 0, NULL);
    assert_int_equal(lookups.n_out, 2);
}

static void questions_that_wait_are_counted(void **state)
{
    struct fixture *f = *state;
    char row[64];
    uint64_t token = 1;
    for (; token < 100000 && !f->source.paused; token++) {
        snprintf(row, sizeof row, "? 0 delete %ju", (uintmax_t)token);
        unit(f, (uint32_t)token, "t", row, token);
    }
    assert_true(f->source.paused);
    assert_in_range(token, 1000, 50000);
}

/* The rows are given only while the source is not paused, as PostgreSQL would. */
static void a_unit_that_asks_more_than_the_buffer_holds_is_finished(void **state)
{
    struct fixture *f = *state;
    char row[64];
    bool was_paused = false;
    f->say->begin(f->pipeline, 7);
    for (int i = 0; i < 100000;) {
        if (!f->source.paused) {
            snprintf(row, sizeof row, "? 0 delete %d", i++);
            change(f, CHANGE_INSERT, "t", row);
            continue;
        }
        was_paused = true;
        see_all(f);
        assert_true(lookups.n_out > 0);
        while (lookups.n_out)
            reply(f, 0, NULL), do_all(f), fake_said(&f->store);
    }
    assert_true(was_paused);
    f->say->commit(f->pipeline, 10);
    see_all(f);
    while (lookups.n_out)
        reply(f, 0, NULL), do_all(f), fake_said(&f->store);
    assert_int_equal(lookups.n_asked, 100000);
    assert_int_equal(f->source.confirmed, 10);
}

static void no_questions_are_asked_while_stores_take_nothing(void **state)
{
    struct fixture *f = *state;
    char row[64];
    f->store.ready[0] = false;
    f->say->begin(f->pipeline, 7);
    change(f, CHANGE_INSERT, "t", "0 delete 0");
    see_all(f);
    for (int i = 0; i < 100000 && !f->source.paused; i++) {
        snprintf(row, sizeof row, "0 delete %d", i);
        change(f, CHANGE_INSERT, "t", row);
    }
    f->say->commit(f->pipeline, 10);
    assert_true(f->source.paused);
    visible_unit(f, "? 0 delete a", 20);
    assert_int_equal(lookups.n_out, 0);
    f->store.ready[0] = true;
    pipeline_turn(f->pipeline);
    while (f->store.n_out[0] && !lookups.n_out) {
        answer(f, &f->store, 0);
        fake_said(&f->store);
        pipeline_turn(f->pipeline);
    }
    assert_int_equal(lookups.n_out, 1);
}

static void a_set_that_was_looked_up_does_not_undo_what_left_meanwhile(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? 0 set a=old", 10);
    visible_unit(f, "0 set a=new", 20);
    do_all(f);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->store), "set a=new;|delete a;|");
    do_all(f);
    visible_unit(f, "? 0 set a=newer", 30);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->store), "set a=newer;|");
}

static void an_answer_is_given_to_the_rules_that_asked(void **state)
{
    struct fixture *f = *state;
    struct err good = {0};
    visible_unit(f, "? 0 delete a", 10);
    pipeline_reload(f->pipeline, fake_rules("new:"));
    f->say->tables_set(f->pipeline, &good);
    assert_int_equal(n_rulesets, 2);
    visible_unit(f, "? 0 delete b", 20);
    reply(f, 0, NULL);
    reply(f, 0, NULL);
    assert_string_equal(fake_said(&f->store), "delete a;|delete new:b;|");
    do_all(f);
    assert_int_equal(n_rulesets, 1);
    assert_int_equal(f->source.confirmed, 20);
}

static void a_unit_that_waits_for_an_answer_is_waited_for_at_the_end(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? 0 delete a", 10);
    pipeline_drain(f->pipeline);
    assert_false(pipeline_drained(f->pipeline));
    reply(f, 0, NULL);
    do_all(f);
    assert_true(pipeline_drained(f->pipeline));
}

/* Its connection may be to the server that is no primary any more. */
static void lookups_hear_that_the_stream_begins_again_though_none_is_out(void **state)
{
    struct fixture *f = *state;
    f->say->again(f->pipeline, "cut");
    assert_int_equal(lookups.n_forgets, 1);
}

static void what_fails_quickly_is_asked_again_at_once(void **state)
{
    struct fixture *f = *state;
    visible_unit(f, "? 0 delete a", 10);
    reply(f, 0, "division by zero");
    visible_unit(f, "? 0 delete b", 20);
    assert_int_equal(lookups.n_out, 1);
}

static void questions_that_may_be_asked_are_counted_too(void **state)
{
    struct fixture *f = *state;
    char row[64];
    uint64_t token = 1;
    for (; token < 100000 && !f->source.paused; token++) {
        snprintf(row, sizeof row, "? 0 delete %ju", (uintmax_t)token);
        unit(f, (uint32_t)token, "t", row, token);
        if (token % 100 == 0)
            see_all(f);
    }
    assert_true(f->source.paused);
    assert_in_range(token, 1000, 5000);
}

/* The ninth question is asked when eight were out and one is answered, and `z` has left; ops of
 * answers leave four at a time, so that its own come with those of the first. */
static void what_comes_with_a_newer_value_is_distrusted_all_the_same(void **state)
{
    struct fixture *f = *state;
    const char *said;
    unit(f, 99, "t", "0 delete z", 10);
    unit(f, 2, "t",
         "? 0 set a=1;? 0 set b=1;? 0 set c=1;? 0 set d=1;? 0 set e=1;"
         "? 0 set f=1;? 0 set g=1;? 0 set h=1;? 0 set i=1",
         20);
    pipeline_turn(f->pipeline);
    see(f, 50);
    pipeline_turn(f->pipeline);
    assert_int_equal(lookups.n_out, 8);
    f->now_ms += 50;
    see_all(f);
    for (int i = 0; i < 4; i++)
        reply(f, 1, NULL);
    assert_int_equal(lookups.n_out, 5);
    reply(f, 4, NULL);
    while (lookups.n_out)
        reply(f, 0, NULL);
    do_all(f);
    said = fake_said(&f->store);
    assert_non_null(strstr(said, "delete a;"));
    assert_null(strstr(said, "set a"));
    assert_int_equal(f->source.confirmed, 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_WITHOUT_GATE(name) cmocka_unit_test_setup_teardown(name, setup_without_gate, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lookups_hear_that_the_stream_begins_again_though_none_is_out),
        TEST(a_question_is_asked_when_its_unit_is_visible),
        TEST_WITHOUT_GATE(without_a_gate_ops_leave_at_once_and_questions_wait),
        TEST_WITHOUT_GATE(without_questions_and_without_a_gate_nobody_asks_what_is_visible),
        TEST(a_unit_is_confirmed_when_the_ops_of_its_answers_are_done),
        TEST(an_answer_without_keys_finishes_the_unit),
        TEST(keys_of_an_answer_keep_their_stages),
        TEST(equal_questions_of_a_part_are_asked_once),
        TEST(a_failed_lookup_clears_all_and_so_does_one_with_too_many_rows),
        TEST(what_fails_slowly_is_not_asked_for_each_row),
        TEST(without_a_connection_every_lookup_fails),
        TEST(an_answer_for_a_dead_store_does_not_delay_the_other),
        TEST(questions_are_forgotten_when_the_stream_begins_again),
        TEST(only_so_many_questions_are_out_at_once),
        TEST(fewer_questions_are_out_when_answers_take_long),
        TEST(questions_that_wait_are_counted),
        TEST(a_unit_that_asks_more_than_the_buffer_holds_is_finished),
        TEST(no_questions_are_asked_while_stores_take_nothing),
        TEST(a_set_that_was_looked_up_does_not_undo_what_left_meanwhile),
        TEST(an_answer_is_given_to_the_rules_that_asked),
        TEST(a_unit_that_waits_for_an_answer_is_waited_for_at_the_end),
        TEST(what_fails_quickly_is_asked_again_at_once),
        TEST(questions_that_may_be_asked_are_counted_too),
        TEST(what_comes_with_a_newer_value_is_distrusted_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
