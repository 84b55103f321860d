#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The code of a text that is one character, from memory that ends with it. */
static uint32_t code_of(const char *text, size_t n)
{
    uint32_t code = 0;
    char *exact = malloc(n);
    assert_non_null(exact);
    memcpy(exact, text, n);
    assert_int_equal(utf8_read(exact, n, &code), n);
    assert_true(utf8_is_valid(exact, n));
    free(exact);
    return code;
}

static void none(const char *text, size_t n)
{
    uint32_t code = 7;
    char *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    assert_int_equal(utf8_read(exact, n, &code), 0);
    assert_int_equal(code, 7);
    free(exact);
}

#define CODE(text) code_of(text, sizeof text - 1)
#define NONE(text) none(text, sizeof text - 1)

static void each_length_has_its_first_and_last_character(void **state)
{
    (void)state;
    assert_int_equal(CODE("\x00"), 0);
    assert_int_equal(CODE("\x7f"), 0x7f);
    assert_int_equal(CODE("\xc2\x80"), 0x80);
    assert_int_equal(CODE("\xdf\xbf"), 0x7ff);
    assert_int_equal(CODE("\xe0\xa0\x80"), 0x800);
    assert_int_equal(CODE("\xef\xbf\xbf"), 0xffff);
    assert_int_equal(CODE("\xf0\x90\x80\x80"), 0x10000);
    assert_int_equal(CODE("\xf4\x8f\xbf\xbf"), 0x10ffff);
}

static void an_overlong_form_is_none(void **state)
{
    (void)state;
    NONE("\xc0\x80");
    NONE("\xc1\xbf");
    NONE("\xe0\x80\x80");
    NONE("\xe0\x9f\xbf");
    NONE("\xf0\x80\x80\x80");
    NONE("\xf0\x8f\xbf\xbf");
}

static void a_surrogate_is_none_and_its_neighbours_are(void **state)
{
    (void)state;
    assert_int_equal(CODE("\xed\x9f\xbf"), 0xd7ff);
    NONE("\xed\xa0\x80");
    NONE("\xed\xbf\xbf");
    assert_int_equal(CODE("\xee\x80\x80"), 0xe000);
}

static void what_is_over_the_last_code_is_none(void **state)
{
    (void)state;
    NONE("\xf4\x90\x80\x80");
    NONE("\xf5\x80\x80\x80");
    NONE("\xf8\x88\x80\x80\x80");
    NONE("\xff");
}

static void what_is_cut_off_is_none(void **state)
{
    (void)state;
    NONE("");
    NONE("\xc2");
    NONE("\xe2\x82");
    NONE("\xf0\x9f\x98");
}

static void a_byte_that_goes_on_with_nothing_or_does_not_go_on_is_none(void **state)
{
    (void)state;
    NONE("\x80");
    NONE("\xbf");
    NONE("\xc2\x41");
    NONE("\xe2\x82\x41");
    NONE("\xe2\xc2\xac");
}

static void of_a_text_one_character_is_read(void **state)
{
    uint32_t code;
    (void)state;
    assert_int_equal(utf8_read("\xe2\x82\xac, \xff", 6, &code), 3);
    assert_int_equal(code, 0x20ac);
}

static void a_text_is_valid_to_its_last_byte(void **state)
{
    (void)state;
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid("a\0\xc3\xa9", 4));
    assert_false(utf8_is_valid("a\xc3", 2));
    assert_false(utf8_is_valid("\xff"
                               "a",
                               2));
}

static void what_is_written_is_read(void **state)
{
    char bytes[UTF8_MAX_BYTES];
    uint32_t code;
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t n = utf8_write(c, bytes);
        assert_int_equal(utf8_read(bytes, sizeof bytes, &code), n);
        assert_int_equal(code, c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_has_its_first_and_last_character),
        cmocka_unit_test(an_overlong_form_is_none),
        cmocka_unit_test(a_surrogate_is_none_and_its_neighbours_are),
        cmocka_unit_test(what_is_over_the_last_code_is_none),
        cmocka_unit_test(what_is_cut_off_is_none),
        cmocka_unit_test(a_byte_that_goes_on_with_nothing_or_does_not_go_on_is_none),
        cmocka_unit_test(of_a_text_one_character_is_read),
        cmocka_unit_test(a_text_is_valid_to_its_last_byte),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
