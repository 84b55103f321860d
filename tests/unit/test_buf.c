#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void bytes_come_out_as_they_went_in(void **state)
{
    struct buf buf = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_put(&buf, "a\0b", 3);
    assert_int_equal(buf.len, 3000);
    for (size_t i = 0; i < buf.len; i += 3)
        assert_memory_equal(buf.data + i, "a\0b", 3);
    buf_free(&buf);
}

static void nothing_can_be_put(void **state)
{
    struct buf buf = {0};
    (void)state;
    buf_put(&buf, NULL, 0);
    buf_put_str(&buf, "");
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf_str(&buf), "");
    buf_free(&buf);
}

static void print_is_as_long_as_it_must_be(void **state)
{
    struct buf buf = {0};
    (void)state;
    buf_printf(&buf, "%s=%d ", "x", 5);
    buf_printf(&buf, "%0200d", 7);
    assert_int_equal(buf.len, 204);
    assert_memory_equal(buf.data, "x=5 000", 7);
    assert_int_equal(strlen(buf_str(&buf)), 204);
    buf_free(&buf);
}

static void reset_keeps_little_memory_and_gives_back_much(void **state)
{
    struct buf buf = {0};
    (void)state;
    buf_put_str(&buf, "x");
    buf_reset(&buf, 1024);
    assert_int_equal(buf.len, 0);
    assert_non_null(buf.data);
    buf_room(&buf, 5000);
    buf_reset(&buf, 1024);
    assert_null(buf.data);
    assert_int_equal(buf.cap, 0);
}

static void numbers_are_read_in_network_order(void **state)
{
    struct reader reader =
        reader_make("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xff\xff\xff\xff", 15);
    (void)state;
    assert_int_equal(reader_u8(&reader), 1);
    assert_int_equal(reader_u16(&reader), 0x0203);
    assert_int_equal(reader_u64(&reader), 0x0405060708090a0bU);
    assert_int_equal(reader_u32(&reader), 0xffffffffU);
    assert_int_equal(reader_left(&reader), 0);
    assert_true(reader_ok(&reader));
}

static void a_read_past_the_end_breaks_the_reader_for_good(void **state)
{
    struct reader reader = reader_make("\x01\x02\x03", 3);
    (void)state;
    assert_int_equal(reader_u32(&reader), 0);
    assert_false(reader_ok(&reader));
    assert_int_equal(reader_u8(&reader), 0);
    assert_null(reader_bytes(&reader, 1));
    assert_null(reader_str(&reader));
    assert_false(reader_ok(&reader));
}

static void a_length_that_would_wrap_breaks_the_reader(void **state)
{
    struct reader reader = reader_make("abc", 3);
    (void)state;
    assert_null(reader_bytes(&reader, SIZE_MAX));
    assert_false(reader_ok(&reader));
}

static void strings_end_with_a_nul(void **state)
{
    struct reader reader = reader_make("ab\0\0cd", 6);
    (void)state;
    assert_string_equal(reader_str(&reader), "ab");
    assert_string_equal(reader_str(&reader), "");
    assert_null(reader_str(&reader));
    assert_false(reader_ok(&reader));
}

static void no_bytes_can_be_read_from_nothing(void **state)
{
    struct reader reader = reader_make(NULL, 0);
    (void)state;
    assert_int_equal(reader_left(&reader), 0);
    assert_true(reader_ok(&reader));
    assert_int_equal(reader_u8(&reader), 0);
    assert_false(reader_ok(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(nothing_can_be_put),
        cmocka_unit_test(print_is_as_long_as_it_must_be),
        cmocka_unit_test(reset_keeps_little_memory_and_gives_back_much),
        cmocka_unit_test(numbers_are_read_in_network_order),
        cmocka_unit_test(a_read_past_the_end_breaks_the_reader_for_good),
        cmocka_unit_test(a_length_that_would_wrap_breaks_the_reader),
        cmocka_unit_test(strings_end_with_a_nul),
        cmocka_unit_test(no_bytes_can_be_read_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
