#include "source/continuity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *found(struct continuity *continuity, uint64_t lsn)
{
    struct catalog_slot slot = {.exists = true, .confirmed_lsn = lsn};
    assert_int_equal(continuity_judge(continuity, &slot), SLOT_THERE);
    return continuity_take_gap(continuity);
}

static void a_first_start_is_no_gap(void **state)
{
    struct continuity continuity = {0};
    struct catalog_slot none = {0};
    (void)state;
    assert_int_equal(continuity_judge(&continuity, &none), SLOT_MISSING);
    assert_null(continuity_take_gap(&continuity));
    continuity_made(&continuity);
    assert_null(found(&continuity, 100));
}

static void a_slot_that_is_gone_is_a_gap_said_once(void **state)
{
    struct continuity continuity = {0};
    struct catalog_slot none = {0};
    (void)state;
    assert_null(found(&continuity, 100));
    assert_int_equal(continuity_judge(&continuity, &none), SLOT_MISSING);
    assert_non_null(continuity_take_gap(&continuity));
    assert_null(continuity_take_gap(&continuity));
}

static void a_slot_that_stands_ahead_is_a_gap(void **state)
{
    struct continuity continuity = {0};
    (void)state;
    assert_null(found(&continuity, 100));
    continuity_confirmed(&continuity, 200);
    assert_null(found(&continuity, 200));
    assert_non_null(found(&continuity, 201));
    assert_null(found(&continuity, 201));
}

static void a_slot_that_went_back_is_none(void **state)
{
    struct continuity continuity = {0};
    (void)state;
    continuity_confirmed(&continuity, 200);
    assert_null(found(&continuity, 150));
}

static void what_another_confirmed_is_none(void **state)
{
    struct continuity continuity = {0};
    (void)state;
    continuity_confirmed(&continuity, 200);
    continuity_taken(&continuity);
    assert_null(found(&continuity, 300));
}

static void a_lost_slot_is_a_gap(void **state)
{
    struct continuity continuity = {0};
    struct catalog_slot lost = {.exists = true, .lost = true};
    (void)state;
    assert_int_equal(continuity_judge(&continuity, &lost), SLOT_LOST);
    assert_non_null(continuity_take_gap(&continuity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_is_no_gap),
        cmocka_unit_test(a_slot_that_is_gone_is_a_gap_said_once),
        cmocka_unit_test(a_slot_that_stands_ahead_is_a_gap),
        cmocka_unit_test(a_slot_that_went_back_is_none),
        cmocka_unit_test(what_another_confirmed_is_none),
        cmocka_unit_test(a_lost_slot_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
