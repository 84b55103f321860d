/* What PostgreSQL 15 prints as it was written, and what it does not. */
#include "expression/other.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool canonical(uint32_t oid, const char *literal)
{
    return other_is_canonical(oid, (struct text){literal, (uint32_t)strlen(literal)});
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
    assert_false(other_is_equal_by_text(1186));
    assert_false(other_is_equal_by_text(1231));
    assert_true(other_is_equal_by_text(16400));
    assert_true(canonical(16400, "anything"));
    assert_true(canonical(26, "4294967295"));
    assert_false(canonical(26, "4294967296"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_canonical_without_a_whole_mask),
        cmocka_unit_test(times_are_canonical_without_trailing_zeros),
        cmocka_unit_test(arrays_are_canonical_without_spaces_and_quotes),
        cmocka_unit_test(of_other_types_of_postgresql_s_nothing_is_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
