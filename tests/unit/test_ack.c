#include "flow/ack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct part *add(struct ack *ack, uint64_t first_wait, uint64_t second_wait)
{
    struct part *part = part_make(1, true, 2);
    part->waits[0] = first_wait;
    part->waits[1] = second_wait;
    ack_add(ack, part);
    return part;
}

static uint64_t advance(struct ack *ack, uint64_t first, uint64_t second)
{
    uint64_t done[] = {first, second};
    return ack_advance(ack, done);
}

static void nothing_waiting_is_done_at_once(void **state)
{
    (void)state;
    struct ack ack = {0};
    assert_true(ack_reached(&ack, 10));
}

static void the_slower_store_decides(void **state)
{
    (void)state;
    struct ack ack = {0};
    struct part *part = add(&ack, 1, 1);
    assert_false(ack_reached(&ack, 10));
    ack_released(&ack, part);
    assert_int_equal(advance(&ack, 1, 0), 0);
    assert_int_equal(advance(&ack, 1, 1), 10);
    assert_int_equal(ack.bytes, 0);
    assert_int_equal(ack.n_tokens, 0);
}

static void a_later_unit_does_not_overtake(void **state)
{
    (void)state;
    struct ack ack = {0};
    struct part *one = add(&ack, 1, 0);
    ack_reached(&ack, 10);
    struct part *two = add(&ack, 0, 1);
    ack_reached(&ack, 20);
    ack_released(&ack, two);
    assert_int_equal(advance(&ack, 0, 1), 0);
    ack_released(&ack, one);
    assert_int_equal(advance(&ack, 0, 1), 0);
    assert_int_equal(advance(&ack, 1, 1), 20);
}

static void a_unit_whose_ops_have_not_left_is_not_done(void **state)
{
    (void)state;
    struct ack ack = {0};
    struct part *part = add(&ack, 0, 0);
    ack_reached(&ack, 10);
    assert_int_equal(advance(&ack, 9, 9), 0);
    ack_released(&ack, part);
    assert_int_equal(advance(&ack, 9, 9), 10);
}

static void a_unit_is_not_done_by_its_first_parts(void **state)
{
    (void)state;
    struct ack ack = {0};
    ack_released(&ack, add(&ack, 1, 0));
    struct part *last = add(&ack, 2, 0);
    assert_int_equal(advance(&ack, 1, 0), 0);
    ack_reached(&ack, 10);
    ack_released(&ack, last);
    assert_int_equal(advance(&ack, 1, 0), 0);
    assert_int_equal(advance(&ack, 2, 0), 10);
}

static void units_that_wait_for_the_same_are_kept_as_one(void **state)
{
    (void)state;
    struct ack ack = {0};
    for (uint64_t token = 10; token <= 1000; token += 10) {
        struct part *part = add(&ack, 5, token > 500);
        ack_reached(&ack, token);
        ack_released(&ack, part);
    }
    assert_ptr_equal(ack.queue->next, ack.queue->prev);
    assert_int_equal(ack.n_tokens, 2);
    assert_int_equal(advance(&ack, 5, 0), 500);
    assert_int_equal(advance(&ack, 5, 1), 1000);
}

static void parts_of_a_unit_are_kept_as_one(void **state)
{
    (void)state;
    struct ack ack = {0};
    for (uint64_t token = 10; token <= 1000; token += 10) {
        ack_released(&ack, add(&ack, 5, 0));
        ack_released(&ack, add(&ack, 0, 7));
        ack_reached(&ack, token);
    }
    assert_ptr_equal(ack.queue, ack.queue->prev);
    assert_int_equal(advance(&ack, 5, 6), 0);
    assert_int_equal(advance(&ack, 5, 7), 1000);
}

static void a_held_unit_is_not_joined(void **state)
{
    (void)state;
    struct ack ack = {0};
    struct part *held = add(&ack, 0, 0);
    ack_reached(&ack, 10);
    struct part *free_one = add(&ack, 0, 0);
    ack_reached(&ack, 20);
    ack_released(&ack, free_one);
    assert_int_equal(advance(&ack, 9, 9), 0);
    ack_released(&ack, held);
    assert_int_equal(advance(&ack, 9, 9), 20);
}

static void what_is_owed_is_known_until_it_is_done(void **state)
{
    (void)state;
    struct ack ack = {0};
    struct part *clearing = part_make(1, true, 2);
    clearing->waits[0] = 1;
    clearing->owed = true;
    ack_add(&ack, clearing);
    ack_released(&ack, clearing);
    struct part *unit = add(&ack, 1, 0);
    ack_reached(&ack, 10);
    ack_released(&ack, unit);
    assert_int_equal(ack.n_owed, 1);
    assert_int_equal(advance(&ack, 1, 0), 10);
    assert_int_equal(ack.n_owed, 0);
    ack_reset(&ack);
}

static void what_is_owed_is_not_joined_with_the_unit_before_it(void **state)
{
    (void)state;
    struct ack ack = {0};
    struct part *unit = add(&ack, 1, 0);
    ack_released(&ack, unit);
    struct part *clearing = part_make(1, true, 2);
    clearing->waits[0] = 1;
    clearing->owed = true;
    ack_add(&ack, clearing);
    ack_released(&ack, clearing);
    assert_int_equal(ack.n_owed, 1);
    ack_reset(&ack);
    assert_int_equal(ack.n_owed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waiting_is_done_at_once),
        cmocka_unit_test(the_slower_store_decides),
        cmocka_unit_test(a_later_unit_does_not_overtake),
        cmocka_unit_test(a_unit_whose_ops_have_not_left_is_not_done),
        cmocka_unit_test(a_unit_is_not_done_by_its_first_parts),
        cmocka_unit_test(units_that_wait_for_the_same_are_kept_as_one),
        cmocka_unit_test(parts_of_a_unit_are_kept_as_one),
        cmocka_unit_test(a_held_unit_is_not_joined),
        cmocka_unit_test(what_is_owed_is_known_until_it_is_done),
        cmocka_unit_test(what_is_owed_is_not_joined_with_the_unit_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
