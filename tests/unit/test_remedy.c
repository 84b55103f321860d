#include "source/remedy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A database in which all is well, with one table. */
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
        .catalog = {.server = {.version = 150000,
                               .wal_level = "logical",
                               .may_replicate = true,
                               .database_sql = "blog",
                               .role_sql = "cdcd"},
                    .slot = {.name_sql = "'cdcd'",
                             .exists = true,
                             .here = true,
                             .plugin = "pgoutput",
                             .database = "blog"},
                    .publication = {.name_sql = "cdcd", .exists = true, .via_root = true},
                    .n_tables = 1},
        .table = {.kind = TABLE_ORDINARY,
                  .name_sql = "public.t",
                  .logged = true,
                  .published = true,
                  .has_identity = true},
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

static void assert_server(bool create, int code, const char *saying)
{
    int result = remedy_server(&fixture.catalog, create, &fixture.err);
    assert_int_equal(result, code ? -1 : 0);
    assert_int_equal(fixture.err.code, code);
    if (saying && !strstr(fixture.err.text, saying))
        fail_msg("no \"%s\" in: %s", saying, fixture.err.text);
}

/* One complaint of that severity, or none when saying is NULL. */
static void assert_table(bool create, enum severity severity, const char *saying)
{
    remedy_table(&fixture.catalog, 0, &fixture.wanted, create, &fixture.complaints);
    assert_int_equal(fixture.complaints.n, saying ? 1 : 0);
    if (!saying)
        return;
    const struct complaint *one = &fixture.complaints.list[0];
    assert_int_equal(one->severity, severity);
    assert_int_equal(one->line, 7);
    if (!strstr(one->text, saying))
        fail_msg("no \"%s\" in: %s", saying, one->text);
}

static void assert_sql(const char *expected)
{
    struct buf sql = {0};
    assert_int_equal(remedy_publication_sql(&fixture.catalog, &sql), expected != NULL);
    assert_string_equal(buf_str(&sql), expected ? expected : "");
    buf_free(&sql);
}

static void nothing_is_wrong_when_all_is_well(void **state)
{
    (void)state;
    assert_server(false, 0, NULL);
    assert_table(false, SEVERITY_ERROR, NULL);
    assert_sql(NULL);
}

static void wal_level_must_be_logical(void **state)
{
    (void)state;
    fixture.catalog.server.wal_level = "replica";
    assert_server(true, EX_CONFIG, "ALTER SYSTEM SET wal_level = logical");
}

static void the_role_must_replicate(void **state)
{
    (void)state;
    fixture.catalog.server.may_replicate = false;
    assert_server(true, EX_NOPERM, "ALTER ROLE cdcd REPLICATION");
}

static void an_old_server_is_refused(void **state)
{
    (void)state;
    fixture.catalog.server.version = 110022;
    assert_server(true, EX_CONFIG, "PostgreSQL 11 is too old");
}

static void a_slot_of_another_plugin_is_refused(void **state)
{
    (void)state;
    fixture.catalog.slot.plugin = "wal2json";
    assert_server(true, EX_CONFIG, "a slot of wal2json");
}

static void a_physical_slot_is_refused(void **state)
{
    (void)state;
    fixture.catalog.slot.plugin = "";
    assert_server(true, EX_CONFIG, "physical");
}

static void a_slot_of_another_database_is_refused(void **state)
{
    (void)state;
    fixture.catalog.slot.here = false;
    fixture.catalog.slot.database = "shop";
    assert_server(true, EX_CONFIG, "belongs to database \"shop\"");
}

static void a_two_phase_slot_is_refused(void **state)
{
    (void)state;
    fixture.catalog.slot.two_phase = true;
    assert_server(true, EX_CONFIG, "two_phase");
}

static void a_lost_slot_is_made_anew_only_with_create(void **state)
{
    (void)state;
    fixture.catalog.slot.lost = true;
    assert_server(true, 0, NULL);
    assert_server(false, EX_CONFIG, "is lost");
}

static void what_is_missing_is_made_only_with_create(void **state)
{
    (void)state;
    fixture.catalog.slot.exists = false;
    assert_server(true, 0, NULL);
    assert_server(false, EX_CONFIG, "replication slot 'cdcd' does not exist");
    assert_server(false, EX_CONFIG, "pg_create_logical_replication_slot('cdcd', 'pgoutput')");
}

static void the_publication_is_made_before_the_slot(void **state)
{
    (void)state;
    fixture.catalog.slot.exists = false;
    fixture.catalog.publication.exists = false;
    fixture.table.published = false;
    assert_server(false, EX_CONFIG,
                  "CREATE PUBLICATION cdcd FOR TABLE public.t WITH (publish_via_partition_root = "
                  "true); SELECT pg_create_logical");
}

static void a_publication_may_have_no_tables(void **state)
{
    (void)state;
    fixture.catalog.publication.exists = false;
    fixture.catalog.n_tables = 0;
    assert_sql("CREATE PUBLICATION cdcd WITH (publish_via_partition_root = true)");
}

static void version_12_has_no_publish_via_partition_root(void **state)
{
    (void)state;
    fixture.catalog.server.version = 120010;
    fixture.catalog.publication.exists = false;
    fixture.table.published = false;
    assert_sql("CREATE PUBLICATION cdcd FOR TABLE public.t");
}

static void missing_tables_are_added(void **state)
{
    struct catalog_table tables[3] = {fixture.table, fixture.table, fixture.table};
    (void)state;
    fixture.catalog.tables = tables;
    fixture.catalog.n_tables = 3;
    tables[0].published = tables[2].published = false;
    tables[2].name_sql = "\"S\".u";
    assert_sql("ALTER PUBLICATION cdcd ADD TABLE public.t, \"S\".u");
}

static void a_table_that_is_not_there_is_a_warning(void **state)
{
    (void)state;
    fixture.table.kind = TABLE_MISSING;
    fixture.table.published = false;
    assert_table(true, SEVERITY_WARNING, "does not exist");
    assert_sql(NULL);
}

static void a_table_outside_the_publication_is_an_error_without_create(void **state)
{
    (void)state;
    fixture.table.published = false;
    assert_table(true, SEVERITY_ERROR, NULL);
    assert_table(false, SEVERITY_ERROR, "ALTER PUBLICATION cdcd ADD TABLE public.t");
}

static void a_view_is_no_table(void **state)
{
    (void)state;
    fixture.table.kind = TABLE_OTHER;
    fixture.table.published = false;
    assert_table(true, SEVERITY_ERROR, "is no table");
    assert_sql(NULL);
}

static void an_unlogged_table_has_no_changes(void **state)
{
    (void)state;
    fixture.table.logged = false;
    fixture.table.published = false;
    assert_table(true, SEVERITY_ERROR, "SET LOGGED");
    assert_sql(NULL);
}

static void a_partition_counts_as_its_root(void **state)
{
    (void)state;
    fixture.table.published = false;
    fixture.table.root_sql = "public.root";
    assert_table(true, SEVERITY_ERROR, "name public.root in the rule");
    assert_sql(NULL);
}

static void a_partition_that_is_published_itself_is_good(void **state)
{
    (void)state;
    fixture.table.root_sql = "public.root";
    assert_table(false, SEVERITY_ERROR, NULL);
}

static void a_root_whose_partitions_are_published_singly_is_an_error(void **state)
{
    (void)state;
    fixture.table.kind = TABLE_PARTITIONED;
    fixture.table.published = false;
    fixture.catalog.publication.via_root = false;
    assert_table(true, SEVERITY_ERROR, "SET (publish_via_partition_root = true)");
    assert_sql(NULL);
}

static void publishing_a_table_without_identity_would_break_its_writers(void **state)
{
    (void)state;
    fixture.table.has_identity = false;
    fixture.table.published = false;
    assert_table(true, SEVERITY_ERROR, "REPLICA IDENTITY FULL");
    assert_sql(NULL);
}

static void a_published_table_without_identity_is_a_warning(void **state)
{
    (void)state;
    fixture.table.has_identity = false;
    assert_table(true, SEVERITY_WARNING, "REPLICA IDENTITY FULL");
}

static void rows_that_are_filtered_away_are_an_error(void **state)
{
    (void)state;
    fixture.table.filter_sql = "(active)";
    fixture.table.whole_sql = "BEGIN; COMMIT";
    assert_table(true, SEVERITY_ERROR,
                 "of table public.t only the rows WHERE (active), and changes of others would be "
                 "missed; BEGIN; COMMIT");
    assert_false(remedy_is_covered(&fixture.catalog, &fixture.table));
}

static void operations_that_are_left_out_are_an_error_without_create(void **state)
{
    (void)state;
    fixture.catalog.publication.leaves_out = "delete, truncate";
    assert_int_equal(remedy_operations(&fixture.catalog, true, &fixture.err), 0);
    assert_int_equal(remedy_operations(&fixture.catalog, false, &fixture.err), -1);
    assert_int_equal(fixture.err.code, EX_CONFIG);
    assert_string_equal(fixture.err.text,
                        "publication cdcd leaves out delete, truncate, and such changes would be "
                        "missed; ALTER PUBLICATION cdcd SET (publish = 'insert, update, delete, "
                        "truncate')");
    assert_false(remedy_is_covered(&fixture.catalog, &fixture.table));
}

static void operations_are_set_before_tables_are_added(void **state)
{
    (void)state;
    fixture.catalog.publication.leaves_out = "delete";
    assert_sql("ALTER PUBLICATION cdcd SET (publish = 'insert, update, delete, truncate')");
    fixture.table.published = false;
    assert_sql("ALTER PUBLICATION cdcd SET (publish = 'insert, update, delete, truncate'); ALTER "
               "PUBLICATION cdcd ADD TABLE public.t");
}

static void a_right_that_lacks_has_two_cures(void **state)
{
    (void)state;
    fixture.catalog.publication.exists = false;
    remedy_denied(&fixture.catalog, "permission denied", "CREATE PUBLICATION cdcd", &fixture.err);
    assert_int_equal(fixture.err.code, EX_NOPERM);
    assert_non_null(strstr(fixture.err.text, "GRANT CREATE ON DATABASE blog TO cdcd"));
    assert_non_null(strstr(fixture.err.text, ": CREATE PUBLICATION cdcd"));
}

static void a_publication_of_another_is_changed_by_its_owner(void **state)
{
    (void)state;
    remedy_denied(&fixture.catalog, "must be owner", "ALTER PUBLICATION cdcd", &fixture.err);
    assert_null(strstr(fixture.err.text, "GRANT"));
    assert_non_null(strstr(fixture.err.text, "have its owner run: ALTER PUBLICATION cdcd"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_wrong_when_all_is_well),
        TEST(wal_level_must_be_logical),
        TEST(the_role_must_replicate),
        TEST(an_old_server_is_refused),
        TEST(a_slot_of_another_plugin_is_refused),
        TEST(a_physical_slot_is_refused),
        TEST(a_slot_of_another_database_is_refused),
        TEST(a_two_phase_slot_is_refused),
        TEST(a_lost_slot_is_made_anew_only_with_create),
        TEST(what_is_missing_is_made_only_with_create),
        TEST(the_publication_is_made_before_the_slot),
        TEST(a_publication_may_have_no_tables),
        TEST(version_12_has_no_publish_via_partition_root),
        TEST(missing_tables_are_added),
        TEST(a_table_that_is_not_there_is_a_warning),
        TEST(a_table_outside_the_publication_is_an_error_without_create),
        TEST(a_view_is_no_table),
        TEST(an_unlogged_table_has_no_changes),
        TEST(a_partition_counts_as_its_root),
        TEST(a_partition_that_is_published_itself_is_good),
        TEST(a_root_whose_partitions_are_published_singly_is_an_error),
        TEST(publishing_a_table_without_identity_would_break_its_writers),
        TEST(a_published_table_without_identity_is_a_warning),
        TEST(rows_that_are_filtered_away_are_an_error),
        TEST(operations_that_are_left_out_are_an_error_without_create),
        TEST(operations_are_set_before_tables_are_added),
        TEST(a_right_that_lacks_has_two_cures),
        TEST(a_publication_of_another_is_changed_by_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
