/* What rules want of a table of which its source does not give all. */
#include "rule_fixture.h"

#define INT4 23

static void judge(struct fixture *f)
{
    complaints_free(&f->complaints);
    for (unsigned i = 0; i < f->relation.n_columns; i++)
        f->columns[i].type = INT4;
    ruleset_judge(f->set, &f->relation, true, &f->complaints);
}

/* The complaint is so, and it is the only one. */
static void only(struct fixture *f, enum severity severity, const char *text)
{
    assert_int_equal(f->complaints.n, 1);
    assert_int_equal(f->complaints.list[0].severity, severity);
    assert_string_equal(f->complaints.list[0].text, text);
}

#define ALL "all = { action = \"scan\"; match = \"c:*\"; }; };"
#define TRIGGER(text) "c = { key = \"c:{k}\"; triggers = ( { table = \"t\"; " text " } ); " ALL

/* The table has x, which is not given. */
static void leave_out_x(struct fixture *f)
{
    static const char *const names[] = {"y", "x"};
    table(f, "*id", NULL, NULL);
    f->relation.left_out =
        (struct left_out){.names = names, .n = 2, .where = "watched", .remedy = "SELECT w()"};
}

static void a_column_that_is_left_out_is_not_called_missing(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("bind = { k = \"x\"; };"));
    leave_out_x(f);
    judge(f);
    only(f, SEVERITY_WARNING,
         "column x of table public.t is not watched; until it is, each change clears the cache's "
         "all; SELECT w()");
}

static void a_condition_that_reads_it_counts_as_true(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("when = \"x > 1\"; bind = { k = \"id\"; };"));
    leave_out_x(f);
    judge(f);
    only(f, SEVERITY_WARNING,
         "column x of table public.t is not watched; until it is, it counts as true; SELECT w()");
}

static void a_parameter_that_is_named_like_it_need_not_be_bound(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = \"t\"; " ALL);
    leave_out_x(f);
    judge(f);
    only(f, SEVERITY_WARNING,
         "column x of table public.t is not watched; until it is, each change clears the cache's "
         "all; SELECT w()");
}

static void where_an_update_of_it_alone_is_missed_it_is_an_error(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("columns = [ \"id\" ]; bind = { k = \"x\"; };"));
    leave_out_x(f);
    f->relation.updates_of_these = true;
    judge(f);
    only(f, SEVERITY_ERROR,
         "column x of table public.t is not watched; until it is, each change clears the cache's "
         "all, and an UPDATE of it alone is missed; SELECT w()");
}

static void of_a_table_that_nobody_named_it_is_a_warning(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{k}\"; triggers = ( { table = \"*.t\"; columns = [ \"id\" ]; "
             "bind = { k = \"x\"; }; } ); " ALL);
    leave_out_x(f);
    f->relation.updates_of_these = true;
    judge(f);
    assert_int_equal(f->complaints.n, 1);
    assert_int_equal(f->complaints.n_errors, 0);
}

/* The outbox gives only UPDATEs that change one of the columns. */
static void give_updates_of_these(struct fixture *f)
{
    table(f, "*id", "*x", NULL);
    f->relation.updates_of_these = true;
    f->relation.updates_sql = "SELECT cdcd.watch(x, any_update => true)";
}

static void updates_that_count_and_are_not_given_are_an_error(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("bind = { k = \"x\"; };"));
    give_updates_of_these(f);
    judge(f);
    only(f, SEVERITY_ERROR,
         "cache c counts every UPDATE of public.t, of which those that change no watched column "
         "would be missed; SELECT cdcd.watch(x, any_update => true), or name in columns what the "
         "cache is made of");
    f->relation.updates_of_these = false;
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void without_a_call_that_gives_them_the_other_remedy_stands_alone(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("bind = { k = \"x\"; };"));
    give_updates_of_these(f);
    f->relation.updates_sql = NULL;
    judge(f);
    only(f, SEVERITY_ERROR,
         "cache c counts every UPDATE of public.t, of which those that change no watched column "
         "would be missed; name in columns what the cache is made of");
}

static void updates_of_columns_that_are_given_are_enough_for_those(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("columns = [ \"x\" ]; bind = { k = \"id\"; };"));
    give_updates_of_these(f);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void who_counts_no_update_needs_none(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("on = [ \"insert\", \"delete\" ]; bind = { k = \"id\"; };"));
    give_updates_of_these(f);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_column_that_is_left_out_is_not_called_missing),
        TEST(a_condition_that_reads_it_counts_as_true),
        TEST(a_parameter_that_is_named_like_it_need_not_be_bound),
        TEST(where_an_update_of_it_alone_is_missed_it_is_an_error),
        TEST(of_a_table_that_nobody_named_it_is_a_warning),
        TEST(updates_that_count_and_are_not_given_are_an_error),
        TEST(without_a_call_that_gives_them_the_other_remedy_stands_alone),
        TEST(updates_of_columns_that_are_given_are_enough_for_those),
        TEST(who_counts_no_update_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
