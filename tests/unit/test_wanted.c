#include "source/remedy.h"
#include "source/wanted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct wanted_list *make(void)
{
    static const struct source_table tables[] = {
        {"tenant_*", "post", "blog.cfg", 3},
        {"public", "post", "blog.cfg", 4},
        {"public", "c?t", "blog.cfg", 5},
    };
    return wanted_make(tables, 3);
}

static void patterns_are_kept_apart_from_tables_that_are_named(void **state)
{
    struct wanted_list *list = make();
    (void)state;
    assert_int_equal(list->n, 1);
    assert_string_equal(list->tables[0].schema, "public");
    assert_int_equal(list->n_patterns, 2);
    assert_string_equal(list->patterns[1].name, "c?t");
    wanted_free(list);
}

static void a_table_that_matches_has_the_place_of_its_pattern(void **state)
{
    struct wanted_list *list = make();
    (void)state;
    for (int i = 0; i < 100; i++)
        wanted_add(list, "public", "cat", 2);
    assert_int_equal(list->n, 101);
    assert_int_equal(list->tables[100].line, 5);
    assert_int_equal(list->tables[100].pattern, 2);
    wanted_free(list);
}

static void what_is_gone_leaves_and_the_rest_keeps_what_it_has(void **state)
{
    struct wanted_list *list = make();
    (void)state;
    wanted_add(list, "tenant_a", "post", 1);
    wanted_add(list, "tenant_b", "post", 1);
    list->tables[1].gone = true;
    list->tables[2].covered = 77;
    wanted_prune(list);
    assert_int_equal(list->n, 2);
    assert_string_equal(list->tables[1].schema, "tenant_b");
    assert_int_equal(list->tables[1].covered, 77);
    wanted_free(list);
}

static bool is_late(struct wanted_list *older, unsigned pattern)
{
    struct wanted_list *list = make();
    wanted_add(list, pattern == 1 ? "tenant_c" : "public", pattern == 1 ? "post" : "cut", pattern);
    wanted_inherit(list, older);
    bool late = list->tables[1].late;
    wanted_free(list);
    return late;
}

static void of_a_pattern_that_was_wanted_before_what_is_new_is_late(void **state)
{
    static const struct source_table tenants = {"tenant_*", "post", "blog.cfg", 3};
    struct wanted_list *older = wanted_make(&tenants, 1);
    (void)state;
    assert_false(is_late(older, 1));
    older->noted = true;
    assert_true(is_late(older, 1));
    assert_false(is_late(older, 2));
    wanted_add(older, "tenant_c", "post", 1);
    older->tables[0].covered = 77;
    assert_false(is_late(older, 1));
    wanted_free(older);
}

/* A catalog of n tables that match the first pattern; the publication has the first. */
static void assert_complaint(unsigned n, bool create, const char *expected)
{
    struct wanted_list *list = make();
    struct catalog_table tables[32] = {{0}};
    char names[32][32];
    struct catalog catalog = {
        .server = {.version = 150000},
        .publication = {.name_sql = "cdcd", .exists = true},
        .tables = tables,
        .n_tables = n + 1,
    };
    struct complaints complaints = {0};
    for (unsigned i = 1; i <= n; i++) {
        snprintf(names[i], sizeof names[i], "tenant_%u.post", i);
        wanted_add(list, names[i], "post", 1);
        tables[i] = (struct catalog_table){.kind = TABLE_ORDINARY,
                                           .name_sql = names[i],
                                           .logged = true,
                                           .has_identity = true,
                                           .published = i == 1};
    }
    remedy_pattern(&catalog, list, 1, create, &complaints);
    assert_int_equal(complaints.n, expected ? 1 : 0);
    assert_int_equal(complaints.n_errors, 0);
    if (expected && !strstr(complaints.list[0].text, expected))
        fail_msg("no \"%s\" in \"%s\"", expected, complaints.list[0].text);
    complaints_free(&complaints);
    wanted_free(list);
}

static void a_pattern_says_what_of_it_is_not_published(void **state)
{
    (void)state;
    assert_complaint(0, true, "no table matches tenant_*.post; the rule sleeps");
    assert_complaint(1, false, NULL);
    assert_complaint(2, false, "1 table that matches tenant_*.post is not in publication cdcd; ");
    assert_complaint(2, true, NULL);
    assert_complaint(3, false, "ALTER PUBLICATION cdcd ADD TABLE tenant_2.post, tenant_3.post");
    assert_complaint(12, false, "tenant_11.post, and so on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_kept_apart_from_tables_that_are_named),
        cmocka_unit_test(a_table_that_matches_has_the_place_of_its_pattern),
        cmocka_unit_test(what_is_gone_leaves_and_the_rest_keeps_what_it_has),
        cmocka_unit_test(of_a_pattern_that_was_wanted_before_what_is_new_is_late),
        cmocka_unit_test(a_pattern_says_what_of_it_is_not_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
