/* What rules want of a real table: columns, types, old values. */
#include "logged.h"
#include "rule_fixture.h"

#define INT4 23
#define BOOL 16

static void judge(struct fixture *f)
{
    complaints_free(&f->complaints);
    for (unsigned i = 0; i < f->relation.n_columns; i++)
        f->columns[i].type = f->columns[i].type ? f->columns[i].type : INT4;
    ruleset_judge(f->set, &f->relation, true, &f->complaints);
}

static void advise(struct fixture *f)
{
    complaints_free(&f->complaints);
    ruleset_advise(f->set, &f->relation, &f->complaints);
}

/* The complaint begins so, and it is the only one. */
static void only(struct fixture *f, enum severity severity, const char *text)
{
    if (f->complaints.n != 1)
        complaints_print(&f->complaints, stderr);
    assert_int_equal(f->complaints.n, 1);
    assert_int_equal(f->complaints.list[0].severity, severity);
    if (strncmp(f->complaints.list[0].text, text, strlen(text)) != 0)
        assert_string_equal(f->complaints.list[0].text, text);
}

#define ALL "all = { action = \"scan\"; match = \"c:*\"; }; };"
#define TRIGGER(text) "c = { key = \"c:{k}\"; triggers = ( { table = \"t\"; " text " } ); " ALL
#define BIND(text) TRIGGER("bind = { k = \"" text "\"; };")

static void an_expression_needs_the_old_values_of_its_columns(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("id + x"));
    table(f, "*id", "x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR,
         "key c:{k} takes column x, whose old value the replica identity of "
         "public.t does not send");
}

static void a_delete_alone_needs_old_values(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("on = \"delete\"; bind = { k = \"x\"; };"));
    table(f, "*id", "x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR, "key c:{k} takes column x");
}

static void rows_new_needs_no_old_values(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("rows = \"new\"; bind = { k = \"id + x\"; };"));
    table(f, "*id", "x", NULL);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void old_names_an_old_value_even_with_rows_new(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("rows = \"new\"; bind = { k = \"old.x + 1\"; };"));
    table(f, "*id", "x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR, "key c:{k} takes column x, whose old value");
}

static void new_names_no_old_value(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("on = \"update\"; bind = { k = \"new.x + 1\"; };"));
    table(f, "*id", "x", NULL);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void a_lookup_needs_the_old_values_of_its_parameters(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("lookup = \"SELECT k FROM p WHERE a = {x}\";"));
    table(f, "*id", "x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR, "the lookup of c takes column x, whose old value");
}

static void what_a_lookup_gives_the_table_need_not_have(void **state)
{
    struct fixture *f = *state;
    rules(f,
          TRIGGER("lookup = \"SELECT k FROM p WHERE a = {id}\";") "d = { key = \"d:{k}\"; triggers "
                                                                  "= ( { table = \"t\"; "
                                                                  "lookup = \"SELECT * FROM p "
                                                                  "WHERE a = {id}\"; } ); " ALL);
    table(f, "*id", NULL, NULL);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void what_neither_a_lookup_nor_the_table_gives_is_missing(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("lookup = \"SELECT 1 FROM p WHERE a = {id}\";"));
    table(f, "*id", NULL, NULL);
    judge(f);
    only(f, SEVERITY_WARNING, "table public.t has no column k");
}

static void a_parameter_of_a_lookup_that_is_missing_is_said(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("lookup = \"SELECT k FROM p WHERE a = {idd}\";"));
    table(f, "*id", NULL, NULL);
    judge(f);
    only(f, SEVERITY_WARNING, "table public.t has no column idd (did you mean id?)");
}

static void has(struct fixture *f, const char *part)
{
    assert_int_equal(f->complaints.n, 1);
    if (!strstr(f->complaints.list[0].text, part))
        assert_string_equal(f->complaints.list[0].text, part);
}

static void a_parameter_that_is_no_column_may_be_bound(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER(""));
    table(f, "*id", NULL, NULL);
    judge(f);
    has(f, "has no column k; until it has, each change clears the cache's all; "
           "or bind it, as in bind = { k = \"id\"; }");
    ruleset_free(f->set);
    rules(f, "c = { key = \"c:{tenant}\"; triggers = \"tenant_*.t\"; " ALL);
    f->relation.schema = "tenant_a";
    judge(f);
    has(f, "; or bind it, as in bind = { tenant = \"table_schema()\"; }");
}

static void a_bound_column_that_is_missing_is_not_to_be_bound(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("nothing"));
    table(f, "*id", NULL, NULL);
    judge(f);
    only(f, SEVERITY_WARNING, "table public.t has no column nothing");
    assert_null(strstr(f->complaints.list[0].text, "bind it"));
}

#define LOOKUP "lookup = \"SELECT 1 FROM p WHERE a = {k}\"; "

static void a_lookup_that_takes_what_bind_names_is_told_to_take_the_column(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER(LOOKUP "bind = { k = \"id\"; };"));
    table(f, "*id", NULL, NULL);
    judge(f);
    has(f, "a lookup takes columns, not what bind names: write {id}");
    ruleset_free(f->set);
    rules(f, TRIGGER(LOOKUP "bind = { k = \"id + 1\"; };"));
    judge(f);
    has(f, "a lookup takes columns, not what bind names: write the expression in the query");
}

static void a_weak_identity_that_is_accepted_is_said_to_clear_all(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("x"));
    table(f, "*id", "x", NULL);
    judge(f);
    has(f, "or a DELETE, would leave the old key; ALTER TABLE");
    complaints_free(&f->complaints);
    ruleset_judge(f->set, &f->relation, false, &f->complaints);
    has(f, "or a DELETE, clears the cache's all; ALTER TABLE");
}

static void columns_of_a_weak_identity_are_one_warning(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; on = \"update\"; "
             "columns = [ \"x\", \"id\", \"y\" ]; } ); " ALL);
    table(f, "*id", "x", "y");
    advise(f);
    only(f, SEVERITY_WARNING,
         "columns compares x, y with their old values, which the replica identity of public.t");
}

static void an_expression_that_does_not_fit_is_an_error(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("when = \"x\"; bind = { k = \"id\"; };"));
    table(f, "*id", "*x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR, "when does not fit table public.t: ");
    assert_non_null(strstr(f->complaints.list[0].text, "; until it does, it counts as true"));
    f->columns[1].type = BOOL;
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void a_missing_column_of_an_expression_is_a_warning(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("when = \"y > 5\"; bind = { k = \"id\"; };"));
    table(f, "*id", NULL, NULL);
    judge(f);
    only(f, SEVERITY_WARNING, "table public.t has no column y; until it has, it counts as true");
}

static void values_of_set_need_no_old_values(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = \"t\"; action = \"set\"; value = \"{x}\"; " ALL);
    table(f, "*id", "x", NULL);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void messages_of_publish_need_old_values(void **state)
{
    struct fixture *f = *state;
    rules(f,
          "c = { triggers = \"t\"; action = \"publish\"; channel = \"c\"; message = \"{x}\"; " ALL);
    table(f, "*id", "x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR, "message {x} takes column x, whose old value");
}

static void a_key_of_the_whole_row_needs_every_old_value(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{row|json|md5}\"; triggers = \"t\"; " ALL);
    table(f, "*id", "x", "y");
    judge(f);
    only(f, SEVERITY_ERROR, "key c:{row|json|md5} takes column x, whose old value");
    table(f, "*id", "*x", "*y");
    judge(f);
    assert_int_equal(f->complaints.n, 0);
}

static void elements_of_each_are_complained_of_once(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { each = { l = [ \"a\", \"b\" ]; }; key = \"c:{l}:{x}\"; triggers = \"t\"; " ALL);
    table(f, "*id", "x", NULL);
    judge(f);
    only(f, SEVERITY_ERROR, "key c:a:{x} takes column x");
}

static void a_condition_on_an_old_value_that_is_not_sent_is_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("when = \"x > 5\"; bind = { k = \"id\"; };"));
    table(f, "*id", "x", NULL);
    judge(f);
    assert_int_equal(f->complaints.n, 0);
    advise(f);
    only(f, SEVERITY_WARNING,
         "when reads the old value of x, which the replica identity of "
         "public.t does not send: it counts as true for every UPDATE");
}

static void old_values_that_a_condition_wants_are_one_warning(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("when = \"x > y AND old.x <> 5 AND changed(y)\"; bind = { k = \"id\"; };"));
    table(f, "*id", "x", "y");
    advise(f);
    only(f, SEVERITY_WARNING, "when reads the old values of x, y, which the replica identity");
}

static void columns_that_cannot_be_compared_are_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("columns = [ \"id\", \"x\" ]; bind = { k = \"id\"; };"));
    table(f, "*id", "x", NULL);
    advise(f);
    only(f, SEVERITY_WARNING, "columns compares x with its old value");
}

static void conditions_on_rows_that_only_come_are_not(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("on = \"insert\"; when = \"x > 5\"; bind = { k = \"id\"; };"));
    table(f, "*id", "x", NULL);
    advise(f);
    assert_int_equal(f->complaints.n, 0);
}

/* The table t(id, x, y), of which x may be large. */
static void large_table(struct fixture *f, const char *x)
{
    static const bool large[] = {false, true, false};
    table(f, "*id", x, "y");
    f->relation.large = large;
    advise(f);
}

static void a_key_of_a_large_value_is_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = ( { table = \"t\"; rows = \"new\"; } ); " ALL);
    large_table(f, "x");
    only(f, SEVERITY_WARNING,
         "parameter x of the key of c takes column x of public.t, whose values may be stored out "
         "of line: an UPDATE that leaves one as it was does not send it, and clears the cache's "
         "all; ALTER TABLE public.t REPLICA IDENTITY FULL (the old row has it then), or take "
         "another column");
    large_table(f, "*x");
    assert_int_equal(f->complaints.n, 0);
}

static void an_expression_over_a_large_value_is_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{k}\"; triggers = ( { table = \"t\"; rows = \"new\"; "
             "bind = { k = \"lower(x)\"; }; } ); };");
    large_table(f, "x");
    only(f, SEVERITY_WARNING, "parameter k of the key of c takes column x of public.t");
    assert_non_null(strstr(f->complaints.list[0].text, "leaves the key, for there is no all"));
}

static void a_condition_on_a_large_new_value_is_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { triggers = ( { table = \"t\"; when = \"new.x = 'a'\"; } ); };");
    large_table(f, "x");
    only(f, SEVERITY_WARNING,
         "when takes column x of public.t, whose values may be stored out of line: an UPDATE that "
         "leaves one as it was does not send it, and when counts as true");
    large_table(f, "*x");
    assert_int_equal(f->complaints.n, 0);
}

static void a_lookup_of_a_large_value_is_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{k}\"; triggers = ( { table = \"t\"; rows = \"new\"; "
             "lookup = \"SELECT k FROM p WHERE a = {x}\"; } ); " ALL);
    large_table(f, "x");
    only(f, SEVERITY_WARNING, "the lookup takes column x of public.t");
}

static void large_values_that_no_update_brings_are_not_advised(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = ( { table = \"t\"; on = \"insert\"; "
             "when = \"new.x > ''\"; } ); " ALL
             "d = { key = \"d:{id}\"; action = \"set\"; value = \"{x}\"; "
             "triggers = \"t\"; " ALL
             "e = { key = \"e:{x}\"; triggers = ( { table = \"t\"; target = \"all\"; }, "
             "{ table = \"u\"; } ); " ALL);
    large_table(f, "x");
    assert_int_equal(f->complaints.n, 0);
}

static void wildcards_are_judged_with_each_table(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = \"*.t\"; " ALL);
    table(f, "*id", "x", NULL);
    f->relation.schema = "tenant_1";
    judge(f);
    only(f, SEVERITY_ERROR,
         "key c:{x} takes column x, whose old value the replica identity of "
         "tenant_1.t does not send");
}

static void define_often(void *ctx)
{
    struct fixture *f = ctx;
    for (unsigned i = 0; i < 5; i++) {
        f->relation.version++;
        change(f, CHANGE_INSERT, NULL, "7 8");
    }
}

static void the_same_is_said_of_a_table_once(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = \"t\"; " ALL);
    table(f, "*id", "x", NULL);
    assert_int_equal(logged(f, define_often, "takes column x"), 1);
    f->columns[1].name = "y";
    assert_int_equal(logged(f, define_often, "has no column x"), 1);
}

static void appear_and_change(void *ctx)
{
    struct fixture *f = ctx;
    complaints_free(&f->complaints);
    ruleset_warn(f->set, &f->relation, &f->complaints);
    assert_int_equal(f->complaints.n, 1);
    define_often(f);
}

static void a_weak_table_that_appears_is_warned_of_once_as_an_accepted_one(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = \"t\"; " ALL);
    table(f, "*id", "x", NULL);
    assert_int_equal(logged(f, appear_and_change, "warning "), 1);
    f->relation.oid++;
    assert_int_equal(logged(f, appear_and_change, "a DELETE, clears the cache's all"), 1);
}

static void what_was_mended_is_said_again_when_it_is_back(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = \"t\"; " ALL);
    table(f, "*id", "x", NULL);
    assert_int_equal(logged(f, define_often, "takes column x"), 1);
    f->columns[1].in_identity = true;
    assert_int_equal(logged(f, define_often, "takes column x"), 0);
    f->columns[1].in_identity = false;
    assert_int_equal(logged(f, define_often, "takes column x"), 1);
}

static void fail_often(void *ctx)
{
    struct fixture *f = ctx;
    for (unsigned i = 0; i < 5; i++)
        change(f, CHANGE_INSERT, NULL, "0 secret");
}

static void a_rule_that_fails_is_said_once_a_minute_and_without_values(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("bind = { k = \"10 / id || x\"; };"));
    table(f, "*id", "*x", NULL);
    f->columns[0].type = INT4;
    f->columns[1].type = 25;
    assert_int_equal(logged(f, fail_often, "bind failed, its key is in doubt cache=c rule="), 1);
    assert_int_equal(stats()->rule_errors, 5);
    assert_int_equal(logged(f, fail_often, "secret"), 0);
}

static void find_many(void *ctx)
{
    struct fixture *f = ctx;
    const struct answer many = {.too_many = true};
    change(f, CHANGE_INSERT, NULL, "7 8");
    for (unsigned i = 0; i < 5; i++)
        ruleset_answer(f->set, f->context + 1, f->context_len, &many, on_op, f);
}

static void too_many_rows_are_said_once_a_minute(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{slug}\"; triggers = ( { table = \"t\"; limit = 5; "
             "lookup = \"SELECT slug FROM p WHERE x = {id}\"; } ); " ALL);
    table(f, "*id", "*x", NULL);
    assert_int_equal(logged(f, find_many, "more rows than its limit, its cache is cleared"), 1);
    assert_int_equal(logged(f, find_many, "more rows"), 0);
}

static void fail_first(void *ctx)
{
    struct fixture *f = ctx;
    change(f, CHANGE_INSERT, NULL, "0 secret");
}

static void the_reason_of_a_failure_is_said(void **state)
{
    struct fixture *f = *state;
    rules(f, TRIGGER("bind = { k = \"x::text || 10 / id\"; };"));
    table(f, "*id", "*x", NULL);
    f->columns[0].type = INT4;
    f->columns[1].type = 25;
    assert_int_equal(logged(f, fail_first, "reason=\"division by zero\" suppressed=0"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_expression_needs_the_old_values_of_its_columns),
        TEST(a_delete_alone_needs_old_values),
        TEST(rows_new_needs_no_old_values),
        TEST(old_names_an_old_value_even_with_rows_new),
        TEST(new_names_no_old_value),
        TEST(a_lookup_needs_the_old_values_of_its_parameters),
        TEST(what_a_lookup_gives_the_table_need_not_have),
        TEST(what_neither_a_lookup_nor_the_table_gives_is_missing),
        TEST(a_parameter_of_a_lookup_that_is_missing_is_said),
        TEST(a_parameter_that_is_no_column_may_be_bound),
        TEST(a_bound_column_that_is_missing_is_not_to_be_bound),
        TEST(a_lookup_that_takes_what_bind_names_is_told_to_take_the_column),
        TEST(a_weak_identity_that_is_accepted_is_said_to_clear_all),
        TEST(columns_of_a_weak_identity_are_one_warning),
        TEST(an_expression_that_does_not_fit_is_an_error),
        TEST(a_missing_column_of_an_expression_is_a_warning),
        TEST(values_of_set_need_no_old_values),
        TEST(messages_of_publish_need_old_values),
        TEST(a_key_of_the_whole_row_needs_every_old_value),
        TEST(elements_of_each_are_complained_of_once),
        TEST(a_condition_on_an_old_value_that_is_not_sent_is_advised),
        TEST(old_values_that_a_condition_wants_are_one_warning),
        TEST(columns_that_cannot_be_compared_are_advised),
        TEST(conditions_on_rows_that_only_come_are_not),
        TEST(a_key_of_a_large_value_is_advised),
        TEST(an_expression_over_a_large_value_is_advised),
        TEST(a_condition_on_a_large_new_value_is_advised),
        TEST(a_lookup_of_a_large_value_is_advised),
        TEST(large_values_that_no_update_brings_are_not_advised),
        TEST(wildcards_are_judged_with_each_table),
        TEST(the_same_is_said_of_a_table_once),
        TEST(a_weak_table_that_appears_is_warned_of_once_as_an_accepted_one),
        TEST(what_was_mended_is_said_again_when_it_is_back),
        TEST(a_rule_that_fails_is_said_once_a_minute_and_without_values),
        TEST(too_many_rows_are_said_once_a_minute),
        TEST(the_reason_of_a_failure_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
