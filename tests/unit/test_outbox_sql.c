/* The mark of what was read of the outbox. What the statements give is asked of a server
 * (e2e/test_outbox_read.py). */
#include "source/outbox_sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct outbox_mark));
    return 0;
}

static int tear_down(void **state)
{
    outbox_mark_free(*state);
    free(*state);
    return 0;
}

static bool advance(struct outbox_mark *mark, const char *snapshot, uint64_t bound)
{
    struct outbox_head head = {snapshot, bound};
    return outbox_mark_advance(mark, &head);
}

static void assert_mark(const struct outbox_mark *mark, uint64_t xmax, const char *running)
{
    struct buf text = {0};
    for (unsigned i = 0; i < mark->read.snapshot.n_running; i++)
        buf_printf(&text, "%s%d", i ? " " : "", (int)mark->read.snapshot.running[i]);
    assert_string_equal(buf_str(&text), running);
    assert_int_equal(mark->read.snapshot.xmax, xmax);
    buf_free(&text);
}

static void without_a_bound_the_mark_is_the_snapshot(void **state)
{
    assert_true(advance(*state, "10:20:10,14", UINT64_MAX));
    assert_mark(*state, 20, "10 14");
}

static void what_is_behind_the_bound_stays_unread(void **state)
{
    assert_true(advance(*state, "10:20:10,14,17", 14));
    assert_mark(*state, 15, "10 14");
    assert_true(advance(*state, "10:20:10,17", 16));
    assert_mark(*state, 17, "10");
}

static void a_bound_behind_the_snapshot_is_none(void **state)
{
    assert_true(advance(*state, "10:20:10", 20));
    assert_mark(*state, 20, "10");
}

static void nonsense_leaves_the_mark_as_it_was(void **state)
{
    assert_true(advance(*state, "10:20:10", UINT64_MAX));
    assert_false(advance(*state, "10:", UINT64_MAX));
    assert_false(advance(*state, "", 7));
    assert_false(advance(*state, "10:20:10,,", 7));
    assert_mark(*state, 20, "10");
}

static void after_a_reset_all_is_unread(void **state)
{
    struct buf sql = {0};
    assert_true(advance(*state, "10:20:10", UINT64_MAX));
    outbox_mark_reset(*state);
    assert_mark(*state, 0, "");
    outbox_read_sql(&sql, *state, 5);
    assert_non_null(strstr(buf_str(&sql), "cdcd.unread(0, '{}', 5)"));
    buf_free(&sql);
}

static void those_that_were_running_are_read_as_well(void **state)
{
    struct buf sql = {0};
    assert_true(advance(*state, "10:18446744073:10,14", UINT64_MAX));
    outbox_read_sql(&sql, *state, 5);
    assert_non_null(strstr(buf_str(&sql), "cdcd.unread(18446744073, '{10,14}', 5)"));
    buf_free(&sql);
}

static void exactly_what_was_read_of_these_is_deleted(void **state)
{
    struct buf sql = {0};
    (void)state;
    outbox_delete_sql(&sql, (const struct outbox_unit[]){{7, 90}, {4000000000000, 80}}, 2);
    assert_string_equal(buf_str(&sql), "DELETE FROM cdcd.outbox WHERE txid = ANY "
                                       "('{7,4000000000000}'::bigint[]) AND id <= 90");
    buf_free(&sql);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_bound_the_mark_is_the_snapshot),
        TEST(what_is_behind_the_bound_stays_unread),
        TEST(a_bound_behind_the_snapshot_is_none),
        TEST(nonsense_leaves_the_mark_as_it_was),
        TEST(after_a_reset_all_is_unread),
        TEST(those_that_were_running_are_read_as_well),
        TEST(exactly_what_was_read_of_these_is_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
