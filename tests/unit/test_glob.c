#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/glob.h"

#include <string.h>
#include <time.h>

static bool matches(const char *pattern, const char *text)
{
    return glob_match(pattern, strlen(pattern), text, strlen(text));
}

static void stars_and_question_marks_match_bytes(void **state)
{
    (void)state;
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
    assert_true(matches("*", ""));
    assert_true(matches("a*c", "abbbc"));
    assert_true(matches("a*c", "ac"));
    assert_false(matches("a*c", "acb"));
    assert_true(matches("*a*b*", "xxaxxbxx"));
    assert_true(matches("a?c", "abc"));
    assert_false(matches("a?c", "ac"));
    assert_true(matches("*:?", "p:q:r"));
}

static void a_backslash_takes_the_next_byte_as_it_is(void **state)
{
    (void)state;
    assert_true(matches("a\\*b", "a*b"));
    assert_false(matches("a\\*b", "axb"));
    assert_true(matches("\\[x\\]", "[x]"));
    assert_true(matches("a\\", "a\\"));
    assert_true(matches("[\\]]", "]"));
    assert_false(matches("[\\a-c]", "b"));
}

static void a_set_matches_one_of_its_bytes(void **state)
{
    (void)state;
    assert_true(matches("[abc]x", "bx"));
    assert_false(matches("[abc]x", "dx"));
    assert_true(matches("[a-c]", "b"));
    assert_true(matches("[c-a]", "b"));
    assert_true(matches("[^a-c]", "d"));
    assert_false(matches("[^a-c]", "b"));
    assert_false(matches("[]", "a"));
    assert_true(matches("[^]", "a"));
}

static void a_set_that_is_not_closed_ends_with_the_pattern(void **state)
{
    (void)state;
    assert_true(matches("a[bc", "ab"));
    assert_false(matches("a[", "ab"));
    assert_true(matches("[a-", "-"));
}

static void nul_is_a_byte_like_any_other(void **state)
{
    (void)state;
    assert_true(glob_match("a?b", 3, "a\0b", 3));
    assert_false(glob_match("a", 1, "a\0", 2));
}

static void many_stars_do_not_blow_up(void **state)
{
    char pattern[200], text[250];
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[sizeof pattern - 1] = 'b';
    memset(text, 'a', sizeof text);
    clock_t start = clock();
    for (unsigned i = 0; i < 100; i++)
        assert_false(glob_match(pattern, sizeof pattern, text, sizeof text));
    assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_and_question_marks_match_bytes),
        cmocka_unit_test(a_backslash_takes_the_next_byte_as_it_is),
        cmocka_unit_test(a_set_matches_one_of_its_bytes),
        cmocka_unit_test(a_set_that_is_not_closed_ends_with_the_pattern),
        cmocka_unit_test(nul_is_a_byte_like_any_other),
        cmocka_unit_test(many_stars_do_not_blow_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
