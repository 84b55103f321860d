#include "source/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A server with room for all, and a table that the publication has. */
struct fixture {
    struct facts facts;
    struct catalog catalog;
    struct catalog_table table;
    struct wanted wanted;
    struct wanted_list list;
    struct complaints complaints;
};

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture = (struct fixture){
        .facts = {.free_slots = 1, .free_senders = 1},
        .catalog = {.server = {.version = 150000, .role_sql = "cdcd", .database_sql = "blog"},
                    .slot = {.name_sql = "'cdcd'"},
                    .publication = {.name_sql = "cdcd", .exists = true},
                    .n_tables = 1},
        .table = {.kind = TABLE_ORDINARY,
                  .name_sql = "public.t",
                  .logged = true,
                  .published = true,
                  .has_identity = true},
        .wanted = {.schema = "public", .name = "t", .file = "blog.cfg", .line = 7},
        .list = {.n = 1},
    };
    fixture.catalog.tables = &fixture.table;
    fixture.list.tables = &fixture.wanted;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    complaints_free(&fixture.complaints);
    return 0;
}

/* saying NULL: nothing is said. */
static void assert_said(enum severity severity, const char *saying)
{
    const struct complaints *complaints = &fixture.complaints;
    assert_int_equal(complaints->n, saying ? 1 : 0);
    if (!saying)
        return;
    assert_int_equal(complaints->list[0].severity, severity);
    if (!strstr(complaints->list[0].text, saying))
        fail_msg("no \"%s\" in \"%s\"", saying, complaints->list[0].text);
}

static void judge(void)
{
    facts_judge(&fixture.facts, &fixture.catalog, true, "cdcd.cfg", &fixture.complaints);
}

static void judge_rights(void)
{
    facts_judge_rights(&fixture.facts, &fixture.catalog, &fixture.list, "cdcd.cfg",
                       &fixture.complaints);
}

static void a_server_with_room_is_not_spoken_of(void **state)
{
    (void)state;
    judge();
    judge_rights();
    assert_said(SEVERITY_ERROR, NULL);
}

static void wal_without_a_bound_is_a_warning(void **state)
{
    (void)state;
    fixture.facts.wal_is_unlimited = true;
    judge();
    assert_said(SEVERITY_WARNING, "max_slot_wal_keep_size is unlimited");
}

static void slots_that_are_used_up_matter_while_ours_is_missing(void **state)
{
    (void)state;
    fixture.facts.free_slots = 0;
    fixture.catalog.slot.exists = true;
    judge();
    assert_said(SEVERITY_ERROR, NULL);
    fixture.catalog.slot.exists = false;
    judge();
    assert_said(SEVERITY_ERROR, "all replication slots are in use");
}

static void walsenders_that_are_used_up_matter_while_ours_is_not_among_them(void **state)
{
    (void)state;
    fixture.facts.free_senders = 0;
    fixture.facts.slot_active = true;
    judge();
    assert_said(SEVERITY_ERROR, NULL);
    fixture.facts.slot_active = false;
    judge();
    assert_said(SEVERITY_ERROR, "all walsenders are in use");
}

static void a_slot_that_is_about_to_be_lost_is_a_warning(void **state)
{
    (void)state;
    fixture.facts.slot_runs_out = true;
    judge();
    assert_said(SEVERITY_WARNING, "slot 'cdcd' is about to be lost");
}

static void a_publication_of_another_is_named_with_the_sql(void **state)
{
    (void)state;
    fixture.table.published = false;
    fixture.table.owned = true;
    judge_rights();
    assert_said(SEVERITY_ERROR, "role cdcd does not own it; have its owner run: ALTER PUBLICATION");
    assert_int_equal(fixture.complaints.code, EX_NOPERM);
}

static void a_table_of_another_is_named_with_its_line(void **state)
{
    (void)state;
    fixture.table.published = false;
    fixture.facts.owns_publication = true;
    judge_rights();
    assert_said(SEVERITY_ERROR, "table public.t is not in publication cdcd, and role cdcd");
    assert_int_equal(fixture.complaints.list[0].line, 7);
}

static void a_superuser_may_do_it_all(void **state)
{
    (void)state;
    fixture.table.published = false;
    fixture.facts.superuser = true;
    judge_rights();
    assert_said(SEVERITY_ERROR, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_with_room_is_not_spoken_of),
        TEST(wal_without_a_bound_is_a_warning),
        TEST(slots_that_are_used_up_matter_while_ours_is_missing),
        TEST(walsenders_that_are_used_up_matter_while_ours_is_not_among_them),
        TEST(a_slot_that_is_about_to_be_lost_is_a_warning),
        TEST(a_publication_of_another_is_named_with_the_sql),
        TEST(a_table_of_another_is_named_with_its_line),
        TEST(a_superuser_may_do_it_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
