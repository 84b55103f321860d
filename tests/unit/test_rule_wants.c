/* What rules want of a table's rows, before the table is known. */
#include "rule_fixture.h"

#define ALL "all = { action = \"scan\"; match = \"*\"; }; };"

static void other_rules(struct fixture *f, const char *caches)
{
    ruleset_free(f->set);
    rules(f, caches);
}

static void on_trigger(void *ctx, const struct rule_wanter *wanter)
{
    buf_printf(ctx, "[%s%s%s] ", wanter->cache, wanter->any_update ? " any" : "",
               wanter->row & RULE_WANTS_OLD ? " old row"
               : wanter->row                ? " row"
                                            : "");
}

static void on_column(void *ctx, const char *column, unsigned want)
{
    buf_printf(ctx, "%s%s%s%s ", column, want & RULE_WANTS_OLD ? "/old" : "",
               want & RULE_COMPARES_OLD ? "/compared" : "",
               want & RULE_WANTS_PERHAPS ? "/perhaps" : "");
}

static void wants(struct fixture *f, const char *table)
{
    static const struct rule_want_sink sink = {on_trigger, on_column};
    f->got.len = 0;
    ruleset_wants(f->set, "public", table, &sink, &f->got);
}

static void a_key_wants_the_old_value_of_its_columns(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{k}:{id}\"; triggers = ( { table = \"t\"; "
             "bind = { k = \"x || old.y || new.z\"; }; } ); " ALL);
    wants(f, "t");
    expect("[c any] x/old y/old z id/old ");
}

static void what_is_set_is_of_the_new_row(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; action = \"set\"; value = \"{a}\"; triggers = \"t\"; " ALL);
    wants(f, "t");
    expect("[c any] id/old a ");
    other_rules(f, "c = { key = \"c:{id}\"; action = \"set\"; value = \"{row|json}\"; "
                   "triggers = \"t\"; " ALL);
    wants(f, "t");
    expect("[c any row] id/old ");
}

static void a_key_of_the_whole_row_wants_the_old_row(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{row|json|md5}\"; triggers = \"t\"; " ALL);
    wants(f, "t");
    expect("[c any old row] ");
}

static void a_trigger_that_takes_no_old_row_wants_no_old_value(void **state)
{
    struct fixture *f = *state;
    rules(f,
          "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; rows = \"new\"; when = \"a\"; }, "
          "{ table = \"u\"; on = \"insert\"; when = \"b\"; } ); " ALL);
    wants(f, "t");
    expect("[c any] a id ");
    wants(f, "u");
    expect("[c] b id ");
}

static void columns_are_compared_and_count_no_other_update(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c\"; triggers = ( { table = \"t\"; columns = [ \"a\", \"b\" ]; "
             "when = \"changed(d)\"; } ); }; ");
    wants(f, "t");
    expect("[c] d d/compared a/compared b/compared ");
}

static void a_lookup_wants_old_values_and_what_it_gives_is_no_column(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{slug}\"; triggers = ( { table = \"t\"; "
             "lookup = \"SELECT slug FROM p WHERE a = {id}\"; } ); " ALL);
    wants(f, "t");
    expect("[c any] id/old ");
    other_rules(f, "c = { key = \"c:{slug}\"; triggers = ( { table = \"t\"; "
                   "lookup = \"SELECT * FROM p WHERE a = {id}\"; } ); " ALL);
    wants(f, "t");
    expect("[c any] id/old slug/old/perhaps ");
}

static void the_whole_cache_needs_no_column_of_the_key(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = ( \"t\", { table = \"u\"; target = \"all\"; "
             "when = \"a\"; } ); " ALL);
    wants(f, "u");
    expect("[c any] a/compared ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_key_wants_the_old_value_of_its_columns),
        TEST(what_is_set_is_of_the_new_row),
        TEST(a_key_of_the_whole_row_wants_the_old_row),
        TEST(a_trigger_that_takes_no_old_row_wants_no_old_value),
        TEST(columns_are_compared_and_count_no_other_update),
        TEST(a_lookup_wants_old_values_and_what_it_gives_is_no_column),
        TEST(the_whole_cache_needs_no_column_of_the_key),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
