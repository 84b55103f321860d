#include "flow/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct snapshot before(uint64_t xmax)
{
    return (struct snapshot){.xmax = xmax};
}

static void a_transaction_that_runs_in_the_snapshot_is_not_seen(void **state)
{
    (void)state;
    const uint64_t running[] = {7, 9};
    struct snapshot snapshot = {.xmax = 11, .running = running, .n_running = 2};
    assert_true(snapshot_sees(&snapshot, 8));
    assert_false(snapshot_sees(&snapshot, 9));
    assert_false(snapshot_sees(&snapshot, 11));
    assert_false(snapshot_sees(&snapshot, 12));
}

static void sight_survives_the_wrap_of_32_bits(void **state)
{
    (void)state;
    const uint64_t running[] = {0x100000001};
    struct snapshot snapshot = {.xmax = 0x100000005, .running = running, .n_running = 1};
    assert_true(snapshot_sees(&snapshot, 0xfffffff0));
    assert_true(snapshot_sees(&snapshot, 4));
    assert_false(snapshot_sees(&snapshot, 1));
    assert_false(snapshot_sees(&snapshot, 5));
}

static void one_question_answers_for_all_that_waits(void **state)
{
    (void)state;
    struct gate gate = {0};
    struct part *one = part_make(1, false, 1), *two = part_make(2, false, 1);
    gate_hold(&gate, one);
    gate_hold(&gate, two);
    assert_true(gate_ask(&gate, 10));
    assert_false(gate_ask(&gate, 10));
    assert_null(gate_next(&gate, 10));
    struct snapshot snapshot = before(3);
    gate_answer(&gate, &snapshot, 10);
    assert_ptr_equal(gate_next(&gate, 10), one);
    assert_ptr_equal(gate_next(&gate, 10), two);
    assert_null(gate_next(&gate, 10));
    assert_int_equal(gate.held_bytes, 0);
    assert_int_equal(gate_due_ms(&gate), INT64_MAX);
    part_free(one);
    part_free(two);
}

static void an_invisible_unit_holds_up_no_other(void **state)
{
    (void)state;
    struct gate gate = {0};
    struct part *stuck = part_make(1, false, 1), *seen = part_make(2, false, 1);
    gate_hold(&gate, stuck);
    gate_hold(&gate, seen);
    const uint64_t running[] = {1};
    struct snapshot snapshot = {.xmax = 3, .running = running, .n_running = 1};
    gate_ask(&gate, 10);
    gate_answer(&gate, &snapshot, 10);
    assert_ptr_equal(gate_next(&gate, 10), seen);
    assert_null(gate_next(&gate, 10));
    part_free(stuck);
    part_free(seen);
}

static void questions_become_rarer_while_nothing_is_new(void **state)
{
    (void)state;
    struct gate gate = {0};
    struct part *stuck = part_make(9, false, 1), *fresh = part_make(10, false, 1);
    struct snapshot snapshot = before(3);
    gate_hold(&gate, stuck);
    int64_t now_ms = 1000, waited_ms = 0;
    for (int i = 0; i < 10; i++) {
        assert_true(gate_ask(&gate, now_ms));
        gate_answer(&gate, &snapshot, now_ms);
        assert_false(gate_ask(&gate, now_ms));
        waited_ms = gate_due_ms(&gate) - now_ms;
        now_ms = gate_due_ms(&gate);
    }
    assert_int_equal(waited_ms, 50);
    gate_ask(&gate, now_ms);
    gate_answer(&gate, &snapshot, now_ms);
    gate_hold(&gate, fresh);
    assert_true(gate_ask(&gate, now_ms));
    part_free(stuck);
    part_free(fresh);
}

static void what_may_wait_leaves_when_its_time_comes(void **state)
{
    (void)state;
    struct gate gate = {0};
    struct part *part = part_make(1, true, 1);
    part->not_before_ms = 500;
    gate_hold(&gate, part);
    assert_false(gate_ask(&gate, 100));
    assert_null(gate_next(&gate, 499));
    assert_int_equal(gate_due_ms(&gate), 500);
    assert_ptr_equal(gate_next(&gate, 500), part);
    part_free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_that_runs_in_the_snapshot_is_not_seen),
        cmocka_unit_test(sight_survives_the_wrap_of_32_bits),
        cmocka_unit_test(one_question_answers_for_all_that_waits),
        cmocka_unit_test(an_invisible_unit_holds_up_no_other),
        cmocka_unit_test(questions_become_rarer_while_nothing_is_new),
        cmocka_unit_test(what_may_wait_leaves_when_its_time_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
