/* When the outbox is read, and when triggers shall NOTIFY. */
#include "source/outbox_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define POLL_MS 1000

static void read_n(struct outbox_pace *pace, unsigned n, bool fruitful, int64_t *now_ms, int64_t ms)
{
    for (; n > 0; n--, *now_ms += ms)
        outbox_pace_read(pace, fruitful, *now_ms);
}

static struct outbox_pace settled(int64_t now_ms)
{
    struct outbox_pace pace = outbox_pace_make(POLL_MS);
    outbox_pace_told(&pace, now_ms);
    return pace;
}

static struct outbox_pace under_load(int64_t *now_ms)
{
    struct outbox_pace pace = settled(*now_ms);
    read_n(&pace, 8, true, now_ms, 5);
    assert_true(pace.awake);
    outbox_pace_told(&pace, *now_ms);
    return pace;
}

static void triggers_are_told_at_first_that_it_sleeps(void **state)
{
    (void)state;
    struct outbox_pace pace = outbox_pace_make(POLL_MS);
    assert_false(pace.awake);
    assert_true(outbox_pace_must_tell(&pace, 1));
    outbox_pace_told(&pace, 1);
    assert_false(outbox_pace_must_tell(&pace, 2));
}

static void many_fruitful_reads_in_a_short_time_wake_it(void **state)
{
    (void)state;
    int64_t now_ms = 1000;
    struct outbox_pace pace = settled(now_ms);
    read_n(&pace, 7, true, &now_ms, 5);
    assert_false(pace.awake);
    read_n(&pace, 1, true, &now_ms, 5);
    assert_true(pace.awake);
    assert_true(outbox_pace_must_tell(&pace, now_ms));
}

static void fruitful_reads_far_apart_do_not_wake_it(void **state)
{
    (void)state;
    int64_t now_ms = 1000;
    struct outbox_pace pace = settled(now_ms);
    read_n(&pace, 100, true, &now_ms, 50);
    assert_false(pace.awake);
}

static void a_pause_shorter_than_quiet_leaves_it_awake(void **state)
{
    (void)state;
    int64_t now_ms = 1000;
    struct outbox_pace pace = under_load(&now_ms);
    read_n(&pace, 10, false, &now_ms, 5);
    read_n(&pace, 1, true, &now_ms, 5);
    read_n(&pace, 10, false, &now_ms, 5);
    assert_true(pace.awake);
}

static void it_sleeps_when_nothing_came_for_a_while(void **state)
{
    (void)state;
    int64_t now_ms = 1000;
    struct outbox_pace pace = under_load(&now_ms);
    read_n(&pace, 22, false, &now_ms, 5);
    assert_false(pace.awake);
    assert_true(outbox_pace_must_tell(&pace, now_ms));
}

/* Who looked before triggers were told, and commits later, does not notify. */
static void it_reads_at_once_and_soon_again_after_it_went_to_sleep(void **state)
{
    (void)state;
    int64_t now_ms = 1000;
    struct outbox_pace pace = under_load(&now_ms);
    read_n(&pace, 22, false, &now_ms, 5);
    pace.n_quiet = 0;
    assert_int_equal(outbox_pace_wait_ms(&pace), 0);
    static const int64_t waits[] = {20, 80, 320, POLL_MS, POLL_MS};
    for (unsigned i = 0; i < 5; i++) {
        outbox_pace_read(&pace, false, now_ms);
        assert_int_equal(outbox_pace_wait_ms(&pace), waits[i]);
    }
}

static void no_wait_is_longer_than_the_poll(void **state)
{
    (void)state;
    struct outbox_pace pace = outbox_pace_make(7);
    for (unsigned i = 0; i < 100; i++) {
        outbox_pace_read(&pace, false, i);
        assert_true(outbox_pace_wait_ms(&pace) <= 7);
    }
}

static void what_triggers_know_is_renewed_while_it_sleeps(void **state)
{
    (void)state;
    struct outbox_pace pace = settled(1000);
    assert_false(outbox_pace_must_tell(&pace, 1000 + OUTBOX_ASLEEP_S * 1000 / 4));
    assert_true(outbox_pace_must_tell(&pace, 1000 + OUTBOX_ASLEEP_S * 1000 / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(triggers_are_told_at_first_that_it_sleeps),
        cmocka_unit_test(many_fruitful_reads_in_a_short_time_wake_it),
        cmocka_unit_test(fruitful_reads_far_apart_do_not_wake_it),
        cmocka_unit_test(a_pause_shorter_than_quiet_leaves_it_awake),
        cmocka_unit_test(it_sleeps_when_nothing_came_for_a_while),
        cmocka_unit_test(it_reads_at_once_and_soon_again_after_it_went_to_sleep),
        cmocka_unit_test(no_wait_is_longer_than_the_poll),
        cmocka_unit_test(what_triggers_know_is_renewed_while_it_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
