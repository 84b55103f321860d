#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const verbs[] = {"check", "explain", "run", "version", NULL};

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    assert_string_equal(str_nearest("chekc", verbs), "check");
    assert_string_equal(str_nearest("Explain", verbs), "explain");
    assert_string_equal(str_nearest("rn", verbs), "run");
}

static void words_in_capitals_are_near_one_another_too(void **state)
{
    static const char *const words[] = {"BLOG_PREFIX", "OrderLine", NULL};
    (void)state;
    assert_string_equal(str_nearest("BLOG_PREFX", words), "BLOG_PREFIX");
    assert_string_equal(str_nearest("orderline", words), "OrderLine");
}

static void a_word_that_is_far_from_all_has_no_nearest(void **state)
{
    (void)state;
    assert_null(str_nearest("zzzzzz", verbs));
    assert_null(str_nearest("ab", verbs));
    assert_null(str_nearest("", verbs));
}

static void an_endless_word_has_no_nearest(void **state)
{
    char word[5001];
    (void)state;
    for (size_t i = 0; i < sizeof word - 1; i++)
        word[i] = 'r';
    word[sizeof word - 1] = '\0';
    assert_null(str_nearest(word, verbs));
}

static void sizes_are_powers_of_1024(void **state)
{
    uint64_t bytes;
    (void)state;
    assert_true(str_size("12B", &bytes));
    assert_int_equal(bytes, 12);
    assert_true(str_size("1kB", &bytes));
    assert_int_equal(bytes, 1024);
    assert_true(str_size("64MB", &bytes));
    assert_int_equal(bytes, 64 << 20);
    assert_true(str_size("2GiB", &bytes));
    assert_int_equal(bytes, (uint64_t)2 << 30);
}

static void what_is_no_size_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "MB",
                                        "64",
                                        "64 MB",
                                        "-1MB",
                                        "+1MB",
                                        "1.5MB",
                                        "64MBs",
                                        "0x10MB",
                                        "99999999999999999999B",
                                        "99999999999GB"};
    uint64_t bytes;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(str_size(texts[i], &bytes));
}

static void times_have_units(void **state)
{
    int64_t ms;
    (void)state;
    assert_true(str_time("250ms", &ms));
    assert_int_equal(ms, 250);
    assert_true(str_time("30s", &ms));
    assert_int_equal(ms, 30000);
    assert_true(str_time("5min", &ms));
    assert_int_equal(ms, 300000);
    assert_true(str_time("1d", &ms));
    assert_int_equal(ms, 86400000);
    assert_false(str_time("30", &ms));
    assert_false(str_time("30m", &ms));
    assert_false(str_time("-1s", &ms));
    assert_false(str_time("9999999999999999d", &ms));
}

static void a_range_of_times_ends_after_it_begins(void **state)
{
    int64_t from, to;
    (void)state;
    assert_true(str_time_range("100ms..30s", &from, &to));
    assert_int_equal(from, 100);
    assert_int_equal(to, 30000);
    assert_true(str_time_range("1s..1s", &from, &to));
    assert_false(str_time_range("30s..100ms", &from, &to));
    assert_false(str_time_range("30s", &from, &to));
    assert_false(str_time_range("..30s", &from, &to));
    assert_false(str_time_range("1s..", &from, &to));
    assert_false(str_time_range("1s...2s", &from, &to));
}

/* Expands a text to another; NULL means that it cannot be expanded. */
static void expands(const char *text, const char *expected, const char *expected_missing)
{
    struct arena *arena = arena_make();
    const char *missing;
    const char *got = str_expand(arena, text, &missing);
    if (expected)
        assert_string_equal(got, expected);
    else
        assert_null(got);
    if (expected_missing)
        assert_string_equal(missing, expected_missing);
    else
        assert_null(missing);
    arena_free(arena);
}

static void variables_are_replaced(void **state)
{
    (void)state;
    setenv("CDCD_A", "one", 1);
    setenv("CDCD_EMPTY", "", 1);
    expands("", "", NULL);
    expands("plain $A {x}", "plain $A {x}", NULL);
    expands("<${CDCD_A}${CDCD_A}>", "<oneone>", NULL);
    expands("<${CDCD_EMPTY}>", "<>", NULL);
}

static void a_default_stands_in_for_what_is_unset_or_empty(void **state)
{
    (void)state;
    setenv("CDCD_EMPTY", "", 1);
    unsetenv("CDCD_UNSET");
    expands("${CDCD_UNSET:-blog:}", "blog:", NULL);
    expands("${CDCD_EMPTY:-x}", "x", NULL);
    expands("${CDCD_UNSET:-}", "", NULL);
}

static void what_is_unset_is_named(void **state)
{
    (void)state;
    unsetenv("CDCD_UNSET");
    expands("a${CDCD_UNSET}", NULL, "CDCD_UNSET");
}

static void a_brace_that_is_not_closed_names_nothing(void **state)
{
    (void)state;
    expands("a${CDCD_UNSET", NULL, NULL);
}

static void a_value_is_not_expanded_again(void **state)
{
    (void)state;
    setenv("CDCD_LOOP", "${CDCD_LOOP}", 1);
    expands("${CDCD_LOOP}", "${CDCD_LOOP}", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(words_in_capitals_are_near_one_another_too),
        cmocka_unit_test(a_word_that_is_far_from_all_has_no_nearest),
        cmocka_unit_test(an_endless_word_has_no_nearest),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(a_range_of_times_ends_after_it_begins),
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(a_default_stands_in_for_what_is_unset_or_empty),
        cmocka_unit_test(what_is_unset_is_named),
        cmocka_unit_test(a_brace_that_is_not_closed_names_nothing),
        cmocka_unit_test(a_value_is_not_expanded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
