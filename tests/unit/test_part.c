#include "flow/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct op key_op(enum op_action action, const char *key)
{
    return (struct op){.key = key, .key_len = (uint32_t)strlen(key), .action = (uint8_t)action};
}

static void ops_come_out_as_they_were_put_in(void **state)
{
    (void)state;
    struct part *part = part_make(1, false, 1);
    struct op plain = key_op(OP_DELETE, "a"), set = key_op(OP_SET, ""),
              stale = key_op(OP_STALE, "s");
    plain.in_doubt = true;
    set.value = "a\0b";
    set.value_len = 3;
    set.ttl_ms = INT64_MAX;
    set.store = 7;
    stale.grace_ms = 5;
    stale.redelete_ms = 9;
    stale.stage = 3;
    part_put(part, &plain);
    part_put(part, &set);
    part_put(part, &stale);
    struct op op;
    size_t at = 0;
    assert_true(part_next(part, &at, &op));
    assert_true(op.in_doubt && op.key_len == 1 && !op.value && op.ttl_ms == 0);
    assert_true(part_next(part, &at, &op));
    assert_true(op.key_len == 0 && op.store == 7 && op.ttl_ms == INT64_MAX && !op.in_doubt);
    assert_int_equal(op.value_len, 3);
    assert_memory_equal(op.value, "a\0b", 3);
    assert_true(part_next(part, &at, &op));
    assert_true(op.grace_ms == 5 && op.redelete_ms == 9 && op.ttl_ms == 0 && !op.value);
    assert_false(part_next(part, &at, &op));
    assert_int_equal(part->last_stage, 3);
    part_free(part);
}

static void an_empty_value_is_not_no_value(void **state)
{
    (void)state;
    struct part *part = part_make(1, false, 1);
    struct op op = key_op(OP_SET, "a");
    op.value = "";
    part_put(part, &op);
    size_t at = 0;
    assert_true(part_next(part, &at, &op));
    assert_non_null(op.value);
    assert_int_equal(op.value_len, 0);
    part_free(part);
}

static void a_plain_delete_takes_twelve_bytes_and_its_key(void **state)
{
    (void)state;
    struct part *part = part_make(1, false, 1);
    struct op op = key_op(OP_DELETE, "key");
    part_put(part, &op);
    assert_int_equal(part->ops.len, 12 + 3);
    part_free(part);
}

static void messages_differ_by_what_they_say(void **state)
{
    (void)state;
    struct part *part = part_make(1, false, 1);
    struct op op = key_op(OP_PUBLISH, "channel");
    op.value = "a";
    op.value_len = 1;
    part_put(part, &op);
    assert_true(part_has(part, &op));
    op.value = "b";
    assert_false(part_has(part, &op));
    part_free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_come_out_as_they_were_put_in),
        cmocka_unit_test(an_empty_value_is_not_no_value),
        cmocka_unit_test(a_plain_delete_takes_twelve_bytes_and_its_key),
        cmocka_unit_test(messages_differ_by_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
