/* What other rules do to ops, questions and clearings that are on their way. */
#include "fake_lookups.h"
#include "fake_rules.h"

static struct fake_lookups lookups;

static int setup(void **state)
{
    static struct fixture f;
    open_rules(&f, true, 1, fake_rules("old:"));
    lookups = (struct fake_lookups){.lookups.ops = &fake_lookups_ops};
    pipeline_set_lookups(f.pipeline, &lookups.lookups);
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

static void reload(struct fixture *f, const char *name)
{
    struct err good = {0};
    pipeline_reload(f->pipeline, fake_rules(name));
    f->say->tables_set(f->pipeline, &good);
}

static void see_up_to(struct fixture *f, uint64_t xmax)
{
    f->now_ms += 50;
    pipeline_turn(f->pipeline);
    see(f, xmax);
    pipeline_turn(f->pipeline);
}

static void reply(struct fixture *f)
{
    struct answer good = {0};
    pipeline_answered(f->pipeline, lookups_take(&lookups, 0), &good);
    pipeline_turn(f->pipeline);
}

static const struct relation appeared = {.schema = "public", .name = "u"};

static void rules_that_come_next_clear_what_appears_too(void **state)
{
    struct fixture *f = *state;
    f->say->begin(f->pipeline, 1);
    reload(f, "new:");
    f->say->appeared(f->pipeline, &appeared);
    pipeline_turn(f->pipeline);
    assert_string_equal(fake_said(&f->store), "scan old:all;scan new:all;|");
}

static void rules_that_come_next_clear_after_a_gap_too(void **state)
{
    struct fixture *f = *state;
    f->say->begin(f->pipeline, 1);
    reload(f, "new:");
    f->say->again(f->pipeline, "cut");
    f->say->streaming(f->pipeline);
    f->say->gap(f->pipeline, "slot was lost");
    pipeline_turn(f->pipeline);
    assert_string_equal(fake_said(&f->store), "scan old:all;scan new:all;|");
}

static void rules_that_hold_clear_once(void **state)
{
    struct fixture *f = *state;
    reload(f, "new:");
    f->say->appeared(f->pipeline, &appeared);
    pipeline_turn(f->pipeline);
    assert_string_equal(fake_said(&f->store), "scan new:all;|");
}

static void a_question_is_answered_by_the_rules_that_asked_it(void **state)
{
    struct fixture *f = *state;
    unit(f, 1, "t", "? 0 delete a", 10);
    see_up_to(f, 2);
    reload(f, "new:");
    reload(f, "newer:");
    assert_int_equal(n_rulesets, 2);
    reply(f);
    assert_string_equal(fake_said(&f->store), "delete old:a;|");
    assert_int_equal(n_rulesets, 1);
    answer(f, &f->store, 0);
    pipeline_turn(f->pipeline);
    assert_int_equal(f->source.confirmed, 10);
}

static void a_value_that_was_looked_up_by_other_rules_is_not_set(void **state)
{
    struct fixture *f = *state;
    unit(f, 1, "t", "? 0 set a=1", 10);
    see_up_to(f, 2);
    reload(f, "new:");
    reply(f);
    assert_string_equal(fake_said(&f->store), "delete old:a;|");
}

/* The first unit waits for a standby, say; the value does not know of it. */
static void a_value_looked_up_before_an_op_of_other_rules_left_is_not_set(void **state)
{
    struct fixture *f = *state;
    unit(f, 7, "t", "0 delete a", 10);
    reload(f, "");
    unit(f, 2, "t", "? 0 set old:a=1", 20);
    see_up_to(f, 5);
    assert_int_equal(lookups.n_out, 1);
    see_up_to(f, 8);
    reply(f);
    assert_string_equal(fake_said(&f->store), "delete old:a;|delete old:a;|");
}

static void a_value_looked_up_after_it_left_is_set(void **state)
{
    struct fixture *f = *state;
    unit(f, 1, "t", "0 delete a", 10);
    reload(f, "");
    see_up_to(f, 2);
    answer(f, &f->store, 0);
    unit(f, 2, "t", "? 0 set old:a=1", 20);
    see_up_to(f, 3);
    reply(f);
    assert_string_equal(fake_said(&f->store), "delete old:a;|set old:a=1;|");
}

static void a_value_that_old_rules_asked_for_after_the_reload_is_not_set(void **state)
{
    struct fixture *f = *state;
    unit(f, 1, "t", "? 0 set a=1", 10);
    reload(f, "new:");
    see_up_to(f, 2);
    reply(f);
    assert_string_equal(fake_said(&f->store), "delete old:a;|");
}

static void of_two_reloads_in_one_unit_the_last_holds_and_the_other_is_freed(void **state)
{
    struct fixture *f = *state;
    f->say->begin(f->pipeline, 1);
    reload(f, "new:");
    reload(f, "newer:");
    assert_int_equal(n_rulesets, 2);
    f->say->commit(f->pipeline, 10);
    unit(f, 2, "t", "0 delete a", 20);
    assert_int_equal(n_rulesets, 1);
    see_up_to(f, 3);
    assert_string_equal(fake_said(&f->store), "delete newer:a;|");
}

static void assert_judged(struct fixture *f, const char *by)
{
    struct complaints complaints = {0};
    f->say->table(f->pipeline, &appeared, &complaints);
    assert_int_equal(complaints.n, 1);
    assert_string_equal(complaints.list[0].text, by);
    complaints_free(&complaints);
}

static void tables_are_judged_by_the_newest_rules(void **state)
{
    struct fixture *f = *state;
    struct err good = {0};
    f->say->begin(f->pipeline, 1);
    assert_judged(f, "judged by old:");
    pipeline_reload(f->pipeline, fake_rules("new:"));
    assert_judged(f, "judged by new:");
    f->say->tables_set(f->pipeline, &good);
    assert_judged(f, "judged by new:");
    pipeline_reload(f->pipeline, fake_rules("newer:"));
    assert_judged(f, "judged by newer:");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rules_that_come_next_clear_what_appears_too),
        TEST(rules_that_come_next_clear_after_a_gap_too),
        TEST(rules_that_hold_clear_once),
        TEST(a_question_is_answered_by_the_rules_that_asked_it),
        TEST(a_value_that_was_looked_up_by_other_rules_is_not_set),
        TEST(a_value_looked_up_before_an_op_of_other_rules_left_is_not_set),
        TEST(a_value_looked_up_after_it_left_is_set),
        TEST(a_value_that_old_rules_asked_for_after_the_reload_is_not_set),
        TEST(of_two_reloads_in_one_unit_the_last_holds_and_the_other_is_freed),
        TEST(tables_are_judged_by_the_newest_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
