#include "source/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void waits_double_and_are_shortened_by_a_quarter_at_most(void **state)
{
    struct backoff backoff = backoff_make(100, 30000, 1);
    (void)state;
    for (int64_t full = 100; full <= 800; full *= 2) {
        int64_t wait = backoff_next_ms(&backoff, 0);
        assert_in_range(wait, full * 3 / 4, full);
    }
}

static void no_wait_is_longer_than_a_second_in_the_first_half_minute(void **state)
{
    struct backoff backoff = backoff_make(100, 30000, 2);
    (void)state;
    for (int i = 0; i < 30; i++)
        assert_in_range(backoff_next_ms(&backoff, 29999), 75, 1000);
}

static void a_long_outage_waits_for_the_longest_time(void **state)
{
    struct backoff backoff = backoff_make(100, 30000, 3);
    (void)state;
    for (int i = 0; i < 100; i++)
        backoff_next_ms(&backoff, 0);
    assert_in_range(backoff_next_ms(&backoff, 30000), 22500, 30000);
}

static void the_shortest_wait_is_kept_even_if_it_is_long(void **state)
{
    struct backoff backoff = backoff_make(5000, 6000, 4);
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_in_range(backoff_next_ms(&backoff, 0), 3750, 5000);
}

static void after_a_reset_the_shortest_comes_first(void **state)
{
    struct backoff backoff = backoff_make(100, 30000, 5);
    (void)state;
    for (int i = 0; i < 10; i++)
        backoff_next_ms(&backoff, 0);
    backoff_reset(&backoff);
    assert_in_range(backoff_next_ms(&backoff, 90000), 75, 100);
}

static void two_who_lost_the_same_server_do_not_come_back_together(void **state)
{
    struct backoff one = backoff_make(1000000, 1000000, 6), two = backoff_make(1000000, 1000000, 7);
    (void)state;
    assert_int_not_equal(backoff_next_ms(&one, 0), backoff_next_ms(&two, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_and_are_shortened_by_a_quarter_at_most),
        cmocka_unit_test(no_wait_is_longer_than_a_second_in_the_first_half_minute),
        cmocka_unit_test(a_long_outage_waits_for_the_longest_time),
        cmocka_unit_test(the_shortest_wait_is_kept_even_if_it_is_long),
        cmocka_unit_test(after_a_reset_the_shortest_comes_first),
        cmocka_unit_test(two_who_lost_the_same_server_do_not_come_back_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
