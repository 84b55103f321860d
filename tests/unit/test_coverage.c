#include "logged.h"
#include "source/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OID 5000

/* A database with one table, and how often each event came. */
struct fixture {
    struct coverage *coverage;
    struct catalog catalog;
    struct catalog_table table;
    unsigned n_tables;
    unsigned n_appeared;
    bool object;         /* to each table */
    const char *missing; /* a column of each late table */
};

static struct fixture fixture;

static const struct source_table wanted = {"public", "t", "blog.cfg", 7};

static void on_table(void *ctx, const struct relation *relation, struct complaints *complaints)
{
    (void)ctx;
    assert_int_equal(relation->oid, fixture.table.relation.oid);
    fixture.n_tables++;
    if (fixture.object)
        complain_code(complaints, EX_DATAERR, "blog.cfg", 7, "no such column");
}

static void on_late_table(void *ctx, const struct relation *relation, struct complaints *complaints)
{
    on_table(ctx, relation, complaints);
    if (fixture.missing)
        complain(complaints, SEVERITY_WARNING, "blog.cfg", 7, "table public.t has no column %s; x",
                 fixture.missing);
}

static void on_appeared(void *ctx, const struct relation *relation)
{
    (void)ctx;
    (void)relation;
    fixture.n_appeared++;
}

static int setup(void **state)
{
    static const struct source_events events = {
        .table = on_table, .late_table = on_late_table, .appeared = on_appeared};
    (void)state;
    fixture = (struct fixture){
        .coverage = coverage_make(&events, NULL, true, &wanted, 1),
        .catalog = {.n_tables = 1, .publication = {.exists = true, .via_root = true}, .xmax = 100},
        .table = {.kind = TABLE_ORDINARY,
                  .name_sql = "public.t",
                  .logged = true,
                  .published = true,
                  .has_identity = true,
                  .relation = {.oid = OID}},
    };
    fixture.catalog.tables = &fixture.table;
    fixture.catalog.publication.name_sql = "cdcd";
    fixture.catalog.xmin = fixture.catalog.xmax;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    coverage_free(fixture.coverage);
    return 0;
}

static unsigned compare(void)
{
    fixture.n_appeared = 0;
    coverage_compare(fixture.coverage, &fixture.catalog, 0);
    return fixture.n_appeared;
}

static void take_table_away(void)
{
    fixture.table.kind = TABLE_MISSING;
    fixture.table.published = false;
}

static void bring_table_back(uint32_t oid)
{
    fixture.table.kind = TABLE_ORDINARY;
    fixture.table.published = true;
    fixture.table.relation.oid = oid;
}

static void a_table_that_was_there_does_not_appear(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    assert_int_equal(compare(), 0);
}

static void a_table_that_was_missing_appears_once(void **state)
{
    (void)state;
    take_table_away();
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    assert_int_equal(compare(), 0);
    bring_table_back(OID);
    assert_int_equal(compare(), 1);
    assert_int_equal(fixture.n_tables, 1);
    assert_int_equal(compare(), 0);
}

static void appear_lacking_a_column(void *ctx)
{
    (void)ctx;
    fixture.missing = "slug";
    assert_int_equal(compare(), 1);
}

static void what_a_late_table_lacks_is_logged_by_who_takes_it(void **state)
{
    (void)state;
    take_table_away();
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    bring_table_back(OID);
    assert_int_equal(logged(NULL, appear_lacking_a_column, "no column"), 0);
}

static void another_table_of_the_same_name_appears(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    bring_table_back(OID + 1);
    assert_int_equal(compare(), 1);
}

static void a_table_that_left_the_publication_appears_when_it_is_back(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    fixture.table.published = false;
    assert_int_equal(compare(), 0);
    fixture.table.published = true;
    assert_int_equal(compare(), 1);
}

static void added_under_an_old_slot_it_appears(void **state)
{
    (void)state;
    fixture.table.published = false;
    coverage_note(fixture.coverage, &fixture.catalog, true, false);
    fixture.table.published = true;
    /* An attempt that failed was noted; the next finds the table published. */
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    assert_int_equal(compare(), 1);
}

static void added_before_the_slot_was_made_it_does_not(void **state)
{
    (void)state;
    fixture.table.published = false;
    coverage_note(fixture.coverage, &fixture.catalog, true, true);
    fixture.table.published = true;
    assert_int_equal(compare(), 0);
}

static void it_appears_again_when_those_who_may_have_written_before_are_done(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    bring_table_back(OID + 1);
    fixture.catalog.xmin = 90;
    assert_int_equal(compare(), 1);
    fixture.catalog.xmin = 99;
    fixture.catalog.xmax = 200;
    assert_int_equal(compare(), 0);
    fixture.catalog.xmin = 100;
    assert_int_equal(compare(), 1);
    assert_int_equal(compare(), 0);
}

static void what_is_wrong_with_a_table_refuses_it_with_its_code(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(coverage_judge(fixture.coverage, &fixture.catalog, &err), 0);
    fixture.object = true;
    assert_int_equal(coverage_judge(fixture.coverage, &fixture.catalog, &err), -1);
    assert_int_equal(err.code, EX_DATAERR);
}

static void a_table_that_is_missing_refuses_nothing(void **state)
{
    struct err err = {0};
    (void)state;
    take_table_away();
    assert_int_equal(coverage_judge(fixture.coverage, &fixture.catalog, &err), 0);
    assert_int_equal(fixture.n_tables, 0);
}

static void a_list_that_is_refused_leaves_the_old_one(void **state)
{
    const struct source_table other = {"public", "u", "blog.cfg", 9};
    const struct wanted_list *old = coverage_list(fixture.coverage);
    (void)state;
    coverage_want(fixture.coverage, &other, 1);
    assert_non_null(coverage_take_next(fixture.coverage));
    coverage_refuse(fixture.coverage);
    assert_ptr_equal(coverage_list(fixture.coverage), old);
    assert_null(coverage_take_next(fixture.coverage));
}

static void a_list_that_is_adopted_keeps_what_is_covered(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    coverage_want(fixture.coverage, &wanted, 1);
    assert_non_null(coverage_take_next(fixture.coverage));
    coverage_adopt(fixture.coverage, &fixture.catalog, false);
    assert_int_equal(compare(), 0);
}

static void adopt(const struct source_table *tables, unsigned n)
{
    coverage_want(fixture.coverage, tables, n);
    assert_non_null(coverage_take_next(fixture.coverage));
    coverage_adopt(fixture.coverage, &fixture.catalog, false);
}

static void a_table_that_came_right_before_a_list_was_adopted_appears(void **state)
{
    (void)state;
    take_table_away();
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    bring_table_back(OID);
    adopt(&wanted, 1);
    assert_int_equal(compare(), 1);
    assert_int_equal(compare(), 0);
}

static void a_table_that_nobody_wanted_before_does_not(void **state)
{
    const struct source_table other = {"public", "u", "blog.cfg", 9};
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    adopt(&other, 1);
    assert_int_equal(compare(), 0);
}

static void before_the_first_stream_none_appears(void **state)
{
    (void)state;
    adopt(&wanted, 1);
    assert_int_equal(compare(), 0);
}

static void a_list_that_was_abandoned_is_wanted_again(void **state)
{
    const struct source_table other = {"public", "u", "blog.cfg", 9};
    (void)state;
    coverage_want(fixture.coverage, &other, 1);
    const struct wanted_list *list = coverage_take_next(fixture.coverage);
    coverage_abandon(fixture.coverage);
    assert_ptr_equal(coverage_take_next(fixture.coverage), list);
    coverage_want(fixture.coverage, &wanted, 1);
    coverage_abandon(fixture.coverage);
    list = coverage_take_next(fixture.coverage);
    assert_string_equal(list->tables[0].name, "t");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void a_list_that_is_adopted_keeps_what_may_have_been_written_unseen(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    bring_table_back(OID + 1);
    fixture.catalog.xmin = 90;
    assert_int_equal(compare(), 1);
    adopt(&wanted, 1);
    assert_int_equal(compare(), 0);
    fixture.catalog.xmin = fixture.catalog.xmax;
    assert_int_equal(compare(), 1);
}

/* The outbox: the table has triggers, and its stamp tells them. */
static void watch(const char *stamp)
{
    fixture.catalog.mode = SOURCE_OUTBOX;
    fixture.catalog.outbox_version = CATALOG_OUTBOX_VERSION;
    fixture.table.watched = fixture.table.published = true;
    fixture.table.stamp = stamp;
}

static void unwatch(void)
{
    fixture.catalog.mode = SOURCE_OUTBOX;
    fixture.catalog.outbox_version = CATALOG_OUTBOX_VERSION;
    fixture.table.watched = fixture.table.published = false;
    fixture.table.stamp = "";
}

static void what_is_watched_at_the_first_look_does_not_appear(void **state)
{
    (void)state;
    watch("1");
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    assert_int_equal(compare(), 0);
    assert_int_equal(compare(), 0);
}

static void compare_once(void *ctx)
{
    (void)ctx;
    assert_int_equal(compare(), 1);
}

static void compare_lost(void *ctx)
{
    (void)ctx;
    assert_int_equal(compare(), 0);
}

static void of_a_table_whose_changes_come_no_more_the_cause_is_logged(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    take_table_away();
    assert_int_equal(
        logged(NULL, compare_lost, "come no more table=public.t reason=\"table public.t does not"),
        1);
}

static void without_a_cause_it_says_where_to_ask(void **state)
{
    (void)state;
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    fixture.table.published = false; /* it could be added */
    assert_int_equal(logged(NULL, compare_lost,
                            "come no more table=public.t remedy=\"cdcd check --live says why\""),
                     1);
}

static void a_table_whose_triggers_were_touched_appears_once(void **state)
{
    (void)state;
    watch("1");
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    watch("2");
    fixture.catalog.xmin = 90; /* of no matter: its writers were locked out */
    assert_int_equal(logged(NULL, compare_once, "disabled for a time"), 1);
    fixture.catalog.xmin = 100;
    assert_int_equal(compare(), 0);
}

static void a_table_that_is_watched_again_appears(void **state)
{
    (void)state;
    watch("1");
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    unwatch();
    assert_int_equal(compare(), 0);
    watch("2");
    assert_int_equal(logged(NULL, compare_once, "disabled for a time"), 0);
    assert_int_equal(compare(), 0);
}

static void a_table_that_is_watched_later_appears(void **state)
{
    (void)state;
    unwatch();
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    assert_int_equal(compare(), 0);
    watch("1");
    assert_int_equal(compare(), 1);
    assert_int_equal(compare(), 0);
}

static void triggers_that_were_touched_while_a_list_was_adopted_are_noticed(void **state)
{
    (void)state;
    watch("1");
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    watch("2");
    adopt(&wanted, 1);
    assert_int_equal(compare(), 1);
    adopt(&wanted, 1);
    assert_int_equal(compare(), 0);
}

static void triggers_that_were_touched_while_the_connection_was_lost_are_noticed(void **state)
{
    (void)state;
    watch("1");
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    watch("2");
    coverage_lose(fixture.coverage, &fixture.catalog);
    assert_int_equal(compare(), 1);
}

static void warn(void *ctx)
{
    (void)ctx;
    coverage_warn(fixture.coverage, &fixture.catalog);
}

static void an_outbox_that_cannot_be_read_now_is_told_once_and_nothing_appears(void **state)
{
    (void)state;
    watch("1");
    coverage_note(fixture.coverage, &fixture.catalog, false, false);
    unwatch();
    fixture.catalog.outbox_version = -1;
    fixture.catalog.outbox_grants = "GRANT cdcd_reader TO x";
    fixture.catalog.server.role_sql = fixture.catalog.server.database_sql = "x";
    assert_int_equal(logged(NULL, warn, "may not read the outbox of database x; GRANT"), 1);
    assert_int_equal(logged(NULL, warn, "outbox"), 0);
    assert_int_equal(compare(), 0);
    watch("1");
    assert_int_equal(compare(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_table_that_was_there_does_not_appear),
        TEST(a_table_that_was_missing_appears_once),
        TEST(what_a_late_table_lacks_is_logged_by_who_takes_it),
        TEST(another_table_of_the_same_name_appears),
        TEST(a_table_that_left_the_publication_appears_when_it_is_back),
        TEST(added_under_an_old_slot_it_appears),
        TEST(added_before_the_slot_was_made_it_does_not),
        TEST(it_appears_again_when_those_who_may_have_written_before_are_done),
        TEST(what_is_wrong_with_a_table_refuses_it_with_its_code),
        TEST(a_table_that_is_missing_refuses_nothing),
        TEST(a_list_that_is_refused_leaves_the_old_one),
        TEST(a_list_that_is_adopted_keeps_what_is_covered),
        TEST(a_table_that_came_right_before_a_list_was_adopted_appears),
        TEST(a_table_that_nobody_wanted_before_does_not),
        TEST(before_the_first_stream_none_appears),
        TEST(a_list_that_was_abandoned_is_wanted_again),
        TEST(a_list_that_is_adopted_keeps_what_may_have_been_written_unseen),
        TEST(an_outbox_that_cannot_be_read_now_is_told_once_and_nothing_appears),
        TEST(what_is_watched_at_the_first_look_does_not_appear),
        TEST(of_a_table_whose_changes_come_no_more_the_cause_is_logged),
        TEST(without_a_cause_it_says_where_to_ask),
        TEST(a_table_whose_triggers_were_touched_appears_once),
        TEST(a_table_that_is_watched_again_appears),
        TEST(a_table_that_is_watched_later_appears),
        TEST(triggers_that_were_touched_while_a_list_was_adopted_are_noticed),
        TEST(triggers_that_were_touched_while_the_connection_was_lost_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
