#include "source/walmsg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DATA_HEAD 25
#define KEEPALIVE 18

static void data_is_what_follows_the_head(void **state)
{
    char bytes[DATA_HEAD + 3] = "w";
    (void)state;
    memcpy(bytes + DATA_HEAD, "abc", 3);
    struct walmsg message = walmsg_read(bytes, sizeof bytes);
    assert_int_equal(message.kind, WALMSG_DATA);
    assert_int_equal(message.data_len, 3);
    assert_ptr_equal(message.data, bytes + DATA_HEAD);
}

static void a_keepalive_says_how_far_and_whether_it_wants_an_answer(void **state)
{
    static const char bytes[KEEPALIVE + 1] =
        "k\x00\x00\x00\x12\x34\x56\x78\x9a\x00\x00\x00\x00\x00\x00\x00\x00\x01";
    (void)state;
    struct walmsg message = walmsg_read(bytes, KEEPALIVE);
    assert_int_equal(message.kind, WALMSG_KEEPALIVE);
    assert_true(message.end_lsn == UINT64_C(0x123456789a));
    assert_true(message.wants_answer);
}

static void messages_cut_short_are_bad(void **state)
{
    char bytes[DATA_HEAD] = "w";
    (void)state;
    for (size_t n = 0; n < DATA_HEAD; n++)
        assert_int_equal(walmsg_read(bytes, n).kind, WALMSG_BAD);
    bytes[0] = 'k';
    for (size_t n = 0; n < KEEPALIVE; n++)
        assert_int_equal(walmsg_read(bytes, n).kind, WALMSG_BAD);
}

static void a_long_keepalive_and_an_unknown_kind_are_bad(void **state)
{
    (void)state;
    assert_int_equal(walmsg_read("k12345678123456780 ", KEEPALIVE + 1).kind, WALMSG_BAD);
    assert_int_equal(walmsg_read("p12345678123456780", KEEPALIVE).kind, WALMSG_BAD);
}

static void the_status_confirms_write_flush_and_apply(void **state)
{
    /* One second after PostgreSQL's epoch. */
    static const char expected[WALMSG_STATUS_BYTES + 1] = "r"
                                                          "\x00\x00\x00\x01\x00\x00\x00\xff"
                                                          "\x00\x00\x00\x01\x00\x00\x00\xff"
                                                          "\x00\x00\x00\x01\x00\x00\x00\xff"
                                                          "\x00\x00\x00\x00\x00\x0f\x42\x40"
                                                          "\x00";
    char bytes[WALMSG_STATUS_BYTES];
    (void)state;
    walmsg_status(bytes, UINT64_C(0x1000000ff), INT64_C(946684801000000));
    assert_memory_equal(bytes, expected, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_what_follows_the_head),
        cmocka_unit_test(a_keepalive_says_how_far_and_whether_it_wants_an_answer),
        cmocka_unit_test(messages_cut_short_are_bad),
        cmocka_unit_test(a_long_keepalive_and_an_unknown_kind_are_bad),
        cmocka_unit_test(the_status_confirms_write_flush_and_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
