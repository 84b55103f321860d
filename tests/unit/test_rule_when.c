/* Conditions and expressions of triggers: for which image they hold, and what doubt and errors do.
 */
#include "rule_fixture.h"

#define INT4 23
#define TEXT 25
#define BOOL 16

/* Gives the table's columns these types. */
static void types(struct fixture *f, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t oids[] = {a, b, c};
    f->relation.version++;
    for (unsigned i = 0; i < f->relation.n_columns; i++) {
        f->columns[i].type = oids[i];
        f->columns[i].typmod = -1;
    }
}

#define ALL "all = { action = \"scan\"; match = \"c:*\"; }; };"
#define WHEN(text) \
    "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; when = \"" text "\"; } ); " ALL
#define BIND(text) \
    "c = { key = \"c:{k}\"; triggers = ( { table = \"t\"; bind = { k = \"" text "\"; }; } ); " ALL

static void table_of_flags(struct fixture *f)
{
    table(f, "*id", "*shown", NULL);
    types(f, INT4, BOOL, 0);
}

static void a_condition_is_asked_of_each_image(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("shown"));
    table_of_flags(f);
    change(f, CHANGE_UPDATE, "7 t", "8 f");
    expect("redis delete c:7 old 0\n");
    change(f, CHANGE_UPDATE, "7 f", "8 t");
    expect("redis delete c:8 new 0\n");
    change(f, CHANGE_UPDATE, "7 f", "8 f");
    expect("");
    change(f, CHANGE_UPDATE, "7 t", "7 t");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 t", "7 f");
    expect("redis delete c:7 old 0\n");
}

static void null_is_not_true(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("shown"));
    table_of_flags(f);
    change(f, CHANGE_INSERT, NULL, "7 NULL");
    expect("");
}

static void both_images_can_be_named(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("new.shown OR old.shown"));
    table_of_flags(f);
    change(f, CHANGE_UPDATE, "7 t", "7 f");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 f", "7 f");
    expect("");
    change(f, CHANGE_INSERT, NULL, "7 t");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_DELETE, "7 t", NULL);
    expect("redis delete c:7 old 0\n");
}

static void a_condition_in_doubt_counts_as_true(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("shown"));
    table(f, "*id", "shown", NULL);
    types(f, INT4, BOOL, 0);
    change(f, CHANGE_UPDATE, NULL, "7 f");
    expect("redis delete c:7 old 0\n");
    change(f, CHANGE_DELETE, "7 -", NULL);
    expect("redis delete c:7 old 0\n");
    change(f, CHANGE_UPDATE, "7 f", "7 ~");
    expect("redis delete c:7 new 0\n");
    assert_int_equal(stats()->rule_errors, 0);
}

static void a_condition_that_fails_counts_as_true_and_is_counted(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("10 / id > 100"));
    table_of_flags(f);
    change(f, CHANGE_INSERT, NULL, "0 t");
    expect("redis delete c:0 new 0\n");
    assert_int_equal(stats()->rule_errors, 1);
    change(f, CHANGE_INSERT, NULL, "5 t");
    expect("");
    assert_int_equal(stats()->rule_errors, 1);
}

static void a_condition_that_does_not_fit_the_table_counts_as_true(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("shown"));
    table(f, "*id", "*shown", NULL);
    types(f, INT4, INT4, 0);
    change(f, CHANGE_INSERT, NULL, "7 0");
    expect("redis delete c:7 new 0\n");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete c:7 new 0\n");
}

static void a_condition_decides_over_all_too(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; when = \"shown\"; "
             "target = \"all\"; } ); " ALL);
    table_of_flags(f);
    change(f, CHANGE_UPDATE, "7 f", "7 f");
    expect("");
    change(f, CHANGE_UPDATE, "7 t", "7 f");
    expect("redis scan c:* all 0\n");
}

static void truncate_clears_whatever_the_condition(void **state)
{
    struct fixture *f = *state;
    rules(f, WHEN("false") "d = { triggers = ( { table = \"t\"; when = \"id = 5\"; } ); };");
    table_of_flags(f);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0\nredis delete d all 0\n");
}

static void rows_and_condition_are_both_needed(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; when = \"shown\"; "
             "rows = \"new\"; } ); " ALL);
    table_of_flags(f);
    change(f, CHANGE_UPDATE, "7 t", "8 f");
    expect("");
    change(f, CHANGE_UPDATE, "7 f", "8 t");
    expect("redis delete c:8 new 0\n");
}

static void a_parameter_is_an_expression_over_the_image(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("id / 10"));
    table_of_flags(f);
    change(f, CHANGE_UPDATE, "71 t", "85 t");
    expect("redis delete c:7 old 0\nredis delete c:8 new 0\n");
    change(f, CHANGE_UPDATE, "71 t", "75 t");
    expect("redis delete c:7 new 0\n");
}

static void an_expression_that_is_null_gives_no_key(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("nullif(id, 5)"));
    table_of_flags(f);
    change(f, CHANGE_INSERT, NULL, "5 t");
    expect("");
    change(f, CHANGE_INSERT, NULL, "6 t");
    expect("redis delete c:6 new 0\n");
}

static void an_expression_in_doubt_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("id + x"));
    table(f, "*id", "x", NULL);
    types(f, INT4, INT4, 0);
    change(f, CHANGE_DELETE, "7 -", NULL);
    expect("redis scan c:* all 0 doubt\n");
    assert_int_equal(stats()->rule_errors, 0);
}

static void an_expression_that_fails_clears_all_and_is_counted(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("10 / id"));
    table_of_flags(f);
    change(f, CHANGE_INSERT, NULL, "0 t");
    expect("redis scan c:* all 0 doubt\n");
    assert_int_equal(stats()->rule_errors, 1);
}

static void an_expression_that_does_not_fit_the_table_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, BIND("id + 1"));
    table(f, "*id", NULL, NULL);
    types(f, BOOL, 0, 0);
    change(f, CHANGE_INSERT, NULL, "t");
    expect("redis scan c:* all 0 doubt\n");
}

static void the_table_names_itself(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{s}:{id}\"; triggers = ( { table = \"tenant_?.t\"; "
             "bind = { s = \"table_schema()\"; }; } ); " ALL);
    table_of_flags(f);
    f->relation.schema = "tenant_a";
    change(f, CHANGE_INSERT, NULL, "7 t");
    expect("redis delete c:tenant_a:7 new 0\n");
    f->relation.schema = "tenant_b";
    f->relation.oid++;
    f->relation.version++;
    change(f, CHANGE_INSERT, NULL, "7 t");
    expect("redis delete c:tenant_b:7 new 0\n");
}

static void a_lookup_keeps_what_expressions_gave(void **state)
{
    struct fixture *f = *state;
    const char *name = "slug";
    const uint32_t type = TEXT;
    struct value row = {"s", 1, VALUE_TEXT};
    struct answer answer = {.names = &name, .types = &type, .n_columns = 1};
    answer.rows = &row;
    answer.n_rows = 1;
    rules(f,
          "c = { key = \"c:{k}:{slug}\"; triggers = ( { table = \"t\"; when = \"shown\"; "
          "bind = { k = \"id * 2\"; }; lookup = \"SELECT slug FROM p WHERE a = {id}\"; } ); " ALL);
    table_of_flags(f);
    change(f, CHANGE_INSERT, NULL, "7 f");
    expect("");
    change(f, CHANGE_INSERT, NULL, "7 t");
    expect("ask new 7\n");
    f->got.len = 0;
    ruleset_answer(f->set, f->context + 1, f->context_len, &answer, on_op, f);
    expect("redis delete c:14:s new 0\n");
}

static void collect(void *ctx, const char *column)
{
    buf_printf(ctx, "%s ", column);
}

static void columns_of_expressions_are_read(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{k}:{id}\"; triggers = ( { table = \"t\"; when = \"new.a OR b\"; "
             "bind = { k = \"x || y\"; }; lookup = \"SELECT 1 FROM p WHERE a = {z}\"; } ); " ALL);
    ruleset_columns(f->set, "public", "t", collect, &f->got);
    expect("a b x y id z ");
}

static void a_rule_that_takes_the_row_reads_every_column(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; action = \"set\"; value = \"{row|json}\"; "
             "triggers = ( \"t\", { table = \"u\"; target = \"all\"; } ); " ALL);
    assert_true(ruleset_columns(f->set, "public", "t", collect, &f->got));
    expect("id ");
    assert_false(ruleset_columns(f->set, "public", "u", collect, &f->got));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_condition_is_asked_of_each_image),
        TEST(null_is_not_true),
        TEST(both_images_can_be_named),
        TEST(a_condition_in_doubt_counts_as_true),
        TEST(a_condition_that_fails_counts_as_true_and_is_counted),
        TEST(a_condition_that_does_not_fit_the_table_counts_as_true),
        TEST(a_condition_decides_over_all_too),
        TEST(truncate_clears_whatever_the_condition),
        TEST(rows_and_condition_are_both_needed),
        TEST(a_parameter_is_an_expression_over_the_image),
        TEST(an_expression_that_is_null_gives_no_key),
        TEST(an_expression_in_doubt_clears_all),
        TEST(an_expression_that_fails_clears_all_and_is_counted),
        TEST(an_expression_that_does_not_fit_the_table_clears_all),
        TEST(the_table_names_itself),
        TEST(a_lookup_keeps_what_expressions_gave),
        TEST(columns_of_expressions_are_read),
        TEST(a_rule_that_takes_the_row_reads_every_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
