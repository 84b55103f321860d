#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/ejection.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static void where_clients_do_not_eject_nothing_strays(void **state)
{
    (void)state;
    struct ejection ejection = {.state = EJECTION_NEVER};
    ejection_down(&ejection, 5000);
    assert_false(ejection_strays(&ejection, 5000));
    assert_false(ejection_must_clear(&ejection, 50000));
    ejection_up(&ejection, 50000);
    assert_false(ejection_strays(&ejection, 50000));
}

static void a_server_that_was_never_down_has_no_strays(void **state)
{
    (void)state;
    struct ejection ejection = {.state = EJECTION_NEW};
    assert_false(ejection_strays(&ejection, 5000));
    assert_false(ejection_must_clear(&ejection, 5000));
    ejection_up(&ejection, 5000);
    assert_false(ejection_strays(&ejection, 5000));
}

static void keys_stray_while_the_server_is_down_and_for_a_day(void **state)
{
    (void)state;
    struct ejection ejection = {.state = EJECTION_NEW};
    ejection_up(&ejection, 5000);
    ejection_down(&ejection, 6000);
    assert_true(ejection_strays(&ejection, 6000));
    ejection_down(&ejection, 6500);
    assert_false(ejection_must_clear(&ejection, 6999));
    assert_true(ejection_must_clear(&ejection, 7000));
    assert_true(ejection_strays(&ejection, 10 * DAY_MS));
    ejection_up(&ejection, 7000);
    assert_false(ejection_must_clear(&ejection, 9000));
    assert_true(ejection_strays(&ejection, 7000 + DAY_MS - 1));
    assert_false(ejection_strays(&ejection, 7000 + DAY_MS));
}

static void a_server_that_was_not_there_at_first_is_cleared_when_it_comes(void **state)
{
    (void)state;
    struct ejection ejection = {.state = EJECTION_NEW};
    ejection_down(&ejection, 5000);
    assert_true(ejection_strays(&ejection, 5000));
    assert_true(ejection_must_clear(&ejection, 5001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_clients_do_not_eject_nothing_strays),
        cmocka_unit_test(a_server_that_was_never_down_has_no_strays),
        cmocka_unit_test(keys_stray_while_the_server_is_down_and_for_a_day),
        cmocka_unit_test(a_server_that_was_not_there_at_first_is_cleared_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
