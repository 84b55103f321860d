/* What is wrong with an outbox, and the SQL that mends it. */
#include "source/remedy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALL "SELECT cdcd.watch('public.t')"
#define AS_IT_IS "SELECT cdcd.watch('public.t', ARRAY['id'])"

/* A database in which all is well, though it could not replicate, with one table. */
struct fixture {
    struct catalog catalog;
    struct catalog_table table;
    struct wanted wanted;
    struct complaints complaints;
    struct err err;
};

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture = (struct fixture){
        .catalog = {.mode = SOURCE_OUTBOX,
                    .outbox_version = CATALOG_OUTBOX_VERSION,
                    .server = {.version = 120000,
                               .wal_level = "replica",
                               .database_sql = "blog",
                               .role_sql = "reader"},
                    .n_tables = 1},
        .table = {.kind = TABLE_ORDINARY,
                  .name_sql = "public.t",
                  .logged = true,
                  .published = true,
                  .has_identity = true,
                  .watched = true,
                  .stamp = "1",
                  .watch_sql = AS_IT_IS,
                  .watch_all_sql = ALL},
        .wanted = {.schema = "public", .name = "t", .file = "blog.cfg", .line = 7},
    };
    fixture.catalog.tables = &fixture.table;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    complaints_free(&fixture.complaints);
    return 0;
}

static void assert_server(int code, const char *saying)
{
    int result = remedy_server(&fixture.catalog, true, &fixture.err);
    assert_int_equal(result, code ? -1 : 0);
    assert_int_equal(fixture.err.code, code);
    if (saying && !strstr(fixture.err.text, saying))
        fail_msg("no \"%s\" in: %s", saying, fixture.err.text);
}

/* The only complaint, if there is to be one. */
static void assert_complaint(enum severity severity, const char *saying)
{
    assert_int_equal(fixture.complaints.n, saying ? 1 : 0);
    if (!saying)
        return;
    const struct complaint *one = &fixture.complaints.list[0];
    assert_int_equal(one->severity, severity);
    if (!strstr(one->text, saying))
        fail_msg("no \"%s\" in: %s", saying, one->text);
}

static void assert_table(enum severity severity, const char *saying)
{
    remedy_table(&fixture.catalog, 0, &fixture.wanted, true, &fixture.complaints);
    assert_complaint(severity, saying);
}

static void neither_wal_level_nor_slot_nor_publication_is_wanted(void **state)
{
    struct buf sql = {0};
    (void)state;
    assert_server(0, NULL);
    remedy_server_all(&fixture.catalog, false, "cdcd.cfg", &fixture.complaints);
    assert_table(SEVERITY_ERROR, NULL);
    assert_false(remedy_publication_sql(&fixture.catalog, &sql));
    assert_int_equal(remedy_operations(&fixture.catalog, false, &fixture.err), 0);
    assert_true(remedy_is_covered(&fixture.catalog, &fixture.table));
    buf_free(&sql);
}

static void an_old_server_is_refused(void **state)
{
    (void)state;
    fixture.catalog.server.version = 110022;
    assert_server(EX_CONFIG, "PostgreSQL 11 is too old");
}

static void without_the_schema_the_files_are_named(void **state)
{
    (void)state;
    fixture.catalog.outbox_version = 0;
    assert_server(EX_CONFIG, "not in database blog, nor is there its role; run there, as a role "
                             "that may create roles: psql -v ON_ERROR_STOP=1 -d blog -f "
                             "sql/003_outbox_role.sql; then, as the owner of its tables: psql -v "
                             "ON_ERROR_STOP=1 -d blog -f sql/004_outbox.sql");
}

static void with_a_role_of_another_database_only_the_schema_is_missing(void **state)
{
    (void)state;
    fixture.catalog.outbox_version = 0;
    fixture.catalog.outbox_role = true;
    assert_server(EX_CONFIG, "not in database blog; as the owner of its tables run there: psql -v "
                             "ON_ERROR_STOP=1 -d blog -f sql/004_outbox.sql");
}

static void a_role_that_may_not_read_it_is_to_be_granted(void **state)
{
    (void)state;
    fixture.catalog.outbox_version = -1;
    fixture.catalog.outbox_grants = "GRANT cdcd_reader TO reader";
    assert_server(EX_NOPERM, "role reader may not read the outbox of database blog; GRANT "
                             "cdcd_reader TO reader");
}

static void a_newer_schema_wants_a_newer_cdcd(void **state)
{
    (void)state;
    fixture.catalog.outbox_version = CATALOG_OUTBOX_VERSION + 1;
    assert_server(EX_CONFIG, "is of version 2, and this cdcd knows 1; update cdcd");
}

static void that_nothing_can_be_made_is_a_warning(void **state)
{
    (void)state;
    remedy_server_all(&fixture.catalog, true, "cdcd.cfg", &fixture.complaints);
    assert_complaint(SEVERITY_WARNING, "source.create makes nothing");
}

static void a_table_that_is_not_watched_is_an_error(void **state)
{
    (void)state;
    fixture.table.watched = fixture.table.published = false;
    assert_table(SEVERITY_ERROR, "table public.t is not watched, and its changes would be missed; "
                                 "SELECT cdcd.watch('public.t') (or what cdcd sql");
}

static void of_a_schema_that_cannot_be_read_that_alone_is_told(void **state)
{
    (void)state;
    fixture.catalog.outbox_version = 0;
    fixture.table.watched = fixture.table.published = false;
    assert_table(SEVERITY_ERROR, NULL);
}

static void triggers_that_are_disabled_are_made_anew_as_they_were(void **state)
{
    (void)state;
    fixture.table.published = false;
    assert_table(SEVERITY_ERROR,
                 "were disabled or dropped, or are not ENABLE ALWAYS, and changes would be "
                 "missed; " AS_IT_IS);
    assert_false(remedy_is_covered(&fixture.catalog, &fixture.table));
}

static void a_table_without_triggers_that_nobody_named_is_a_warning(void **state)
{
    (void)state;
    fixture.table.published = false;
    fixture.wanted.pattern = 1;
    assert_table(SEVERITY_WARNING, "were disabled or dropped");
}

static void a_partition_counts_as_its_root(void **state)
{
    (void)state;
    fixture.table.watched = fixture.table.published = false;
    fixture.table.root_sql = "public.r";
    assert_table(SEVERITY_ERROR, "name public.r in the rule");
}

static void a_partition_whose_truncate_is_missed_is_a_warning(void **state)
{
    (void)state;
    fixture.table.unguarded = "public.p";
    assert_table(SEVERITY_WARNING, "(public.p), and a TRUNCATE of one alone would be missed");
}

static void an_unlogged_table_without_identity_is_good(void **state)
{
    (void)state;
    fixture.table.logged = fixture.table.has_identity = false;
    assert_table(SEVERITY_ERROR, NULL);
}

static void tables_of_a_pattern_are_told_together(void **state)
{
    static const struct source_table table = {"public", "*", "blog.cfg", 9};
    struct wanted_list *list = wanted_make(&table, 1);
    (void)state;
    wanted_add(list, "public", "t", 1);
    fixture.table.watched = fixture.table.published = false;
    fixture.wanted.pattern = 1;
    assert_table(SEVERITY_WARNING, NULL);
    remedy_pattern(&fixture.catalog, list, 1, true, &fixture.complaints);
    assert_complaint(SEVERITY_WARNING, "1 table that matches public.* is not watched; " ALL);
    wanted_free(list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(neither_wal_level_nor_slot_nor_publication_is_wanted),
        TEST(an_old_server_is_refused),
        TEST(without_the_schema_the_files_are_named),
        TEST(with_a_role_of_another_database_only_the_schema_is_missing),
        TEST(a_role_that_may_not_read_it_is_to_be_granted),
        TEST(a_newer_schema_wants_a_newer_cdcd),
        TEST(that_nothing_can_be_made_is_a_warning),
        TEST(a_table_that_is_not_watched_is_an_error),
        TEST(of_a_schema_that_cannot_be_read_that_alone_is_told),
        TEST(triggers_that_are_disabled_are_made_anew_as_they_were),
        TEST(a_table_without_triggers_that_nobody_named_is_a_warning),
        TEST(a_partition_counts_as_its_root),
        TEST(a_partition_whose_truncate_is_missed_is_a_warning),
        TEST(an_unlogged_table_without_identity_is_good),
        TEST(tables_of_a_pattern_are_told_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
