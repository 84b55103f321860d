#include "flow/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WINDOW_MS 60000
#define LIMIT_BYTES (1u << 20)

static struct batch_op op_of(enum op_action action, const char *key)
{
    return (struct batch_op){.key = key,
                             .key_len = (uint32_t)strlen(key),
                             .cache = 7,
                             .action = (uint8_t)action,
                             .result = RESULT_HIT};
}

static void keep(struct recent *recent, const char *key, int64_t now_ms)
{
    struct batch_op op = op_of(OP_DELETE, key);
    recent_keep(recent, &op, now_ms);
}

/* All that is given again, as "delete a;bump b;". The caller frees it. */
static char *take_all(struct recent *recent)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    struct batch_op op;
    while (recent_next(recent, &op)) {
        assert_int_equal(op.result, RESULT_NONE);
        assert_int_equal(op.cache, 7);
        assert_null(op.value);
        fprintf(to, "%s %.*s;", op_action_name((enum op_action)op.action), (int)op.key_len, op.key);
    }
    assert_int_equal(recent_n_again(recent), 0);
    fclose(to);
    return text;
}

static void assert_gives(struct recent *recent, const char *expected)
{
    char *text = take_all(recent);
    assert_string_equal(text, expected);
    free(text);
}

static void nothing_is_given_again_before_a_renewal(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    (void)state;
    keep(recent, "a", 1);
    assert_gives(recent, "");
    recent_free(recent);
}

static void what_was_kept_is_given_in_its_order_and_each_op_once(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    (void)state;
    keep(recent, "a", 1);
    keep(recent, "b", 2);
    keep(recent, "a", 3);
    struct batch_op bump = op_of(OP_BUMP, "a");
    recent_keep(recent, &bump, 4);
    assert_true(recent_renew(recent, 0));
    assert_int_equal(recent_n_again(recent), 3);
    assert_gives(recent, "delete a;delete b;bump a;");
    recent_free(recent);
}

static void what_was_given_again_is_kept_only_if_it_is_done_again(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    (void)state;
    keep(recent, "a", 1);
    keep(recent, "b", 1);
    recent_renew(recent, 0);
    assert_gives(recent, "delete a;delete b;");
    keep(recent, "a", 2);
    recent_renew(recent, 0);
    assert_gives(recent, "delete a;");
    recent_free(recent);
}

static void a_second_renewal_keeps_what_was_not_given_yet(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    struct batch_op op;
    (void)state;
    keep(recent, "a", 1);
    keep(recent, "b", 1);
    keep(recent, "c", 1);
    recent_renew(recent, 0);
    assert_true(recent_next(recent, &op));
    keep(recent, "a", 100000);
    keep(recent, "c", 100000);
    /* What was acknowledged first is older than this, but was not acknowledged since. */
    assert_true(recent_renew(recent, 50000));
    assert_gives(recent, "delete b;delete c;delete a;");
    recent_free(recent);
}

static void a_set_is_given_again_as_a_delete_and_a_message_is_not(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    struct batch_op set = op_of(OP_SET, "s"), publish = op_of(OP_PUBLISH, "channel");
    (void)state;
    set.value = publish.value = "old";
    set.value_len = publish.value_len = 3;
    set.ttl_ms = 5;
    recent_keep(recent, &set, 1);
    recent_keep(recent, &publish, 1);
    recent_renew(recent, 0);
    assert_gives(recent, "delete s;");
    recent_free(recent);
}

static void times_of_an_op_come_back_and_tell_ops_apart(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    struct batch_op stale = op_of(OP_STALE, "k"), op;
    (void)state;
    stale.grace_ms = 10;
    stale.ttl_ms = 20;
    recent_keep(recent, &stale, 1);
    stale.grace_ms = 30;
    recent_keep(recent, &stale, 1);
    recent_renew(recent, 0);
    assert_true(recent_next(recent, &op));
    assert_int_equal(op.action, OP_STALE);
    assert_int_equal(op.grace_ms, 10);
    assert_int_equal(op.ttl_ms, 20);
    assert_true(recent_next(recent, &op));
    assert_int_equal(op.grace_ms, 30);
    assert_false(recent_next(recent, &op));
    recent_free(recent);
}

static void keys_are_bytes(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    struct batch_op hostile = {.key = "a\0b\r\n", .key_len = 5}, empty = {.key = ""}, op;
    (void)state;
    recent_keep(recent, &hostile, 1);
    recent_keep(recent, &empty, 1);
    recent_renew(recent, 0);
    assert_true(recent_next(recent, &op));
    assert_int_equal(op.key_len, 5);
    assert_memory_equal(op.key, "a\0b\r\n", 5);
    assert_true(recent_next(recent, &op));
    assert_int_equal(op.key_len, 0);
    assert_false(recent_next(recent, &op));
    recent_free(recent);
}

/* Fills some chunks. */
static void keep_many(struct recent *recent, unsigned n, int64_t now_ms)
{
    char key[128];
    for (unsigned i = 0; i < n; i++) {
        snprintf(key, sizeof key, "key:%llu:%0100u", (unsigned long long)now_ms, i);
        keep(recent, key, now_ms);
    }
}

static void what_is_older_than_the_window_is_forgotten_and_not_missed(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    (void)state;
    for (int64_t now_ms = 1000; now_ms < 100 * WINDOW_MS; now_ms += 1000)
        keep_many(recent, 10, now_ms);
    size_t bytes = recent_bytes(recent);
    assert_true(bytes < 700000);
    assert_true(recent_renew(recent, 99 * WINDOW_MS));
    size_t n = recent_n_again(recent);
    assert_true(n >= 600 && n <= 800);
    recent_free(recent);
}

static void more_than_the_limit_does_not_reach_back(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    (void)state;
    keep_many(recent, 1, 1000);
    keep_many(recent, 20000, 2000);
    assert_true(recent_bytes(recent) <= LIMIT_BYTES + 4096);
    assert_true(recent_renew(recent, 2001));
    keep_many(recent, 20000, 3000);
    assert_false(recent_renew(recent, 3000));
    recent_free(recent);
}

static void what_is_being_given_again_is_not_forgotten_for_what_is_new(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    (void)state;
    keep_many(recent, 8000, 1000);
    assert_true(recent_renew(recent, 1000));
    size_t n = recent_n_again(recent);
    keep_many(recent, 8000, 2000);
    assert_int_equal(recent_n_again(recent), n);
    assert_false(recent_renew(recent, 2000));
    recent_free(recent);
}

static void a_key_that_has_no_room_is_missed(void **state)
{
    struct recent *recent = recent_make(WINDOW_MS, LIMIT_BYTES);
    char *huge = calloc(1, 2 * LIMIT_BYTES);
    struct batch_op op = {.key = huge, .key_len = 2 * LIMIT_BYTES};
    (void)state;
    recent_keep(recent, &op, 5);
    assert_true(recent_renew(recent, 6));
    assert_false(recent_renew(recent, 5));
    op.key_len = LIMIT_BYTES / 2;
    recent_keep(recent, &op, 7);
    assert_true(recent_renew(recent, 6));
    assert_int_equal(recent_n_again(recent), 1);
    free(huge);
    recent_free(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_given_again_before_a_renewal),
        cmocka_unit_test(what_was_kept_is_given_in_its_order_and_each_op_once),
        cmocka_unit_test(what_was_given_again_is_kept_only_if_it_is_done_again),
        cmocka_unit_test(a_second_renewal_keeps_what_was_not_given_yet),
        cmocka_unit_test(a_set_is_given_again_as_a_delete_and_a_message_is_not),
        cmocka_unit_test(times_of_an_op_come_back_and_tell_ops_apart),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(what_is_older_than_the_window_is_forgotten_and_not_missed),
        cmocka_unit_test(more_than_the_limit_does_not_reach_back),
        cmocka_unit_test(what_is_being_given_again_is_not_forgotten_for_what_is_new),
        cmocka_unit_test(a_key_that_has_no_room_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
