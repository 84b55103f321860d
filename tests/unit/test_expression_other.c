/* What PostgreSQL 15 prints as it was written, and what it does not. */
#include "expression/other.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct text text_of(const char *literal)
{
    return (struct text){literal, (uint32_t)strlen(literal)};
}

static bool canonical(uint32_t oid, const char *literal)
{
    return other_is_canonical(oid, NULL, text_of(literal));
}

static void addresses_are_canonical_without_a_whole_mask(void **state)
{
    (void)state;
    assert_true(canonical(869, "10.0.0.1"));
    assert_true(canonical(869, "10.0.0.0/8"));
    assert_false(canonical(869, "10.0.0.1/32"));
    assert_false(canonical(869, "10.0.0.01"));
    assert_false(canonical(869, "10.0.0"));
    assert_false(canonical(869, "10.0.0.256"));
    assert_false(canonical(869, "10.0.0.1 "));
    assert_false(canonical(869, "::1"));
    assert_false(canonical(869, ""));
}

static void times_are_canonical_without_trailing_zeros(void **state)
{
    (void)state;
    assert_true(canonical(1083, "12:30:00"));
    assert_true(canonical(1083, "12:30:00.25"));
    assert_false(canonical(1083, "12:30"));
    assert_false(canonical(1083, "12:30:00.250"));
    assert_false(canonical(1083, "12:30:00."));
    assert_false(canonical(1083, "12:60:00"));
    assert_false(canonical(1083, "1"));
}

static void arrays_are_canonical_without_spaces_and_quotes(void **state)
{
    (void)state;
    assert_true(canonical(1009, "{}"));
    assert_true(canonical(1009, "{news,sport}"));
    assert_true(canonical(1007, "{1,20}"));
    assert_false(canonical(1009, "{news, sport}"));
    assert_false(canonical(1009, "{news,NULL}"));
    assert_false(canonical(1009, "{\"a\"}"));
    assert_false(canonical(1009, "{a,}"));
    assert_false(canonical(1009, "{{a}}"));
    assert_false(canonical(1009, "{"));
    assert_false(canonical(1007, "{01}"));
    assert_false(canonical(1007, "{1}x"));
}

static void of_other_types_of_postgresql_s_nothing_is_canonical(void **state)
{
    (void)state;
    assert_false(canonical(1186, "1 day"));
    assert_false(other_is_equal_by_text(1186, NULL));
    assert_false(other_is_equal_by_text(1231, NULL));
    assert_true(canonical(26, "4294967295"));
    assert_false(canonical(26, "4294967296"));
}

static void of_a_type_that_nobody_told_of_nothing_is_taken(void **state)
{
    (void)state;
    assert_false(other_is_equal_by_text(16400, NULL));
    assert_false(other_casts_to_text(16400, NULL));
    assert_false(canonical(16400, "anything"));
}

static void of_a_database_s_own_types_enums_are_equal_by_text(void **state)
{
    static const struct own_type mood = {.name = "mood", .equality = OWN_EQUALITY_ENUM};
    static const struct own_type moods = {.name = "mood[]", .equality = OWN_EQUALITY_ENUMS};
    static const struct own_type citext = {.name = "citext", .casts_to_text = true};
    (void)state;
    assert_true(other_is_equal_by_text(16400, &mood));
    assert_true(other_is_equal_by_text(16401, &moods));
    assert_false(other_is_equal_by_text(16402, &citext));
    assert_false(other_casts_to_text(16400, &mood));
    assert_true(other_casts_to_text(16402, &citext));
    assert_true(other_is_canonical(16400, &mood, text_of("it's")));
    assert_true(other_is_canonical(16401, &moods, text_of("{sad,ok}")));
    assert_false(other_is_canonical(16401, &moods, text_of("{ sad }")));
    assert_false(other_is_canonical(16402, &citext, text_of("a")));
}

static void a_label_is_one_of_those_that_are_known(void **state)
{
    static const char *const labels[] = {"sad", "", NULL};
    static const struct own_type mood = {
        .name = "mood", .equality = OWN_EQUALITY_ENUM, .labels = labels};
    static const struct own_type unknown = {.name = "mood", .equality = OWN_EQUALITY_ENUM};
    static const struct own_type moods = {
        .name = "mood[]", .equality = OWN_EQUALITY_ENUMS, .labels = labels};
    (void)state;
    assert_true(other_is_label(&mood, text_of("sad")));
    assert_true(other_is_label(&mood, text_of("")));
    assert_false(other_is_label(&mood, text_of("sa")));
    assert_false(other_is_label(&mood, text_of("sadd")));
    assert_true(other_is_label(&unknown, text_of("sadd")));
    assert_true(other_is_label(NULL, text_of("sadd")));
    assert_true(other_is_label(&moods, text_of("{}")));
    assert_true(other_is_label(&moods, text_of("{sad,sad}")));
    assert_false(other_is_label(&moods, text_of("{sad,ok}")));
    assert_false(other_is_label(&moods, text_of("{ok,sad}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_canonical_without_a_whole_mask),
        cmocka_unit_test(times_are_canonical_without_trailing_zeros),
        cmocka_unit_test(arrays_are_canonical_without_spaces_and_quotes),
        cmocka_unit_test(of_other_types_of_postgresql_s_nothing_is_canonical),
        cmocka_unit_test(of_a_type_that_nobody_told_of_nothing_is_taken),
        cmocka_unit_test(of_a_database_s_own_types_enums_are_equal_by_text),
        cmocka_unit_test(a_label_is_one_of_those_that_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
