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
    gate_reset(&gate);
}

static void what_is_due_first_leaves_first_and_then_the_older(void **state)
{
    (void)state;
    enum { N = 200 };
    struct gate gate = {0};
    struct part *parts[N];
    for (unsigned i = 0; i < N; i++) {
        parts[i] = part_make(i, true, 1);
        parts[i]->not_before_ms = 1 + i * 37 % 10;
        gate_hold(&gate, parts[i]);
    }
    struct part *before = NULL;
    for (unsigned i = 0; i < N; i++) {
        struct part *part = gate_next(&gate, 10);
        assert_non_null(part);
        if (before && before->not_before_ms == part->not_before_ms)
            assert_true(before->xid < part->xid);
        else if (before)
            assert_true(before->not_before_ms < part->not_before_ms);
        before = part;
    }
    assert_null(gate_next(&gate, 10));
    assert_int_equal(gate.held_bytes, 0);
    for (unsigned i = 0; i < N; i++)
        part_free(parts[i]);
    gate_reset(&gate);
}

static struct part *part_that_sets(uint32_t xid)
{
    struct part *part = part_make(xid, false, 1);
    struct op op = {.key = "a", .key_len = 1, .value = "v", .value_len = 1, .action = OP_SET};
    part_put(part, &op);
    return part;
}

static void a_set_passes_nothing_that_is_unseen_and_nothing_passes_it(void **state)
{
    (void)state;
    struct gate gate = {0};
    struct part *parts[] = {part_make(1, false, 1), part_that_sets(2), part_make(3, false, 1)};
    struct part *late = part_make(3, true, 1);
    for (int i = 0; i < 3; i++)
        gate_hold(&gate, parts[i]);
    const uint64_t running[] = {1};
    struct snapshot one_runs = {.xmax = 4, .running = running, .n_running = 1};
    struct snapshot none_runs = before(4);
    gate_ask(&gate, 10);
    gate_answer(&gate, &one_runs, 10);
    assert_null(gate_next(&gate, 10));
    assert_false(gate_is_open(&gate, late));
    gate_ask(&gate, 100);
    gate_answer(&gate, &none_runs, 100);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(gate_next(&gate, 100), parts[i]);
    assert_true(gate_is_open(&gate, late));
    for (int i = 0; i < 3; i++)
        part_free(parts[i]);
    part_free(late);
}

static void what_sets_no_key_passes_what_is_unseen_once_the_set_has_left(void **state)
{
    (void)state;
    struct gate gate = {0};
    struct part *set = part_that_sets(1), *unseen = part_make(9, false, 1);
    struct part *late = part_make(2, true, 1);
    gate_hold(&gate, set);
    gate_hold(&gate, unseen);
    assert_false(gate_is_open(&gate, late));
    struct snapshot snapshot = before(2);
    gate_ask(&gate, 10);
    gate_answer(&gate, &snapshot, 10);
    assert_ptr_equal(gate_next(&gate, 10), set);
    assert_true(gate_is_open(&gate, late));
    part_free(set);
    part_free(unseen);
    part_free(late);
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
        cmocka_unit_test(what_is_due_first_leaves_first_and_then_the_older),
        cmocka_unit_test(a_set_passes_nothing_that_is_unseen_and_nothing_passes_it),
        cmocka_unit_test(what_sets_no_key_passes_what_is_unseen_once_the_set_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
