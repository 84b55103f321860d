#include "base/mem.h"
#include "rule/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { BOOL = 16, INT4 = 23, TEXT = 25, FLOAT8 = 701, NUMERIC = 1700, JSONB = 3802 };

struct fixture {
    struct arena *arena;
    struct template_params params;
    struct buf out;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->arena = arena_make();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    buf_free(&f->out);
    free(f);
    return 0;
}

static int compile(struct fixture *f, const char *text, struct template *template)
{
    struct template_scope scope = {.params = &f->params};
    f->params.n = 0;
    return template_compile(template, f->arena, text, &scope, &f->err);
}

/* Every parameter has the value; NULL stands for itself. */
static enum template_outcome render(struct fixture *f, struct template *template, const char *value,
                                    uint32_t type)
{
    struct template_value values[TEMPLATE_MAX_PARAMS] = {0};
    for (int i = 0; i < TEMPLATE_MAX_PARAMS; i++) {
        values[i].type = type;
        values[i].value.kind = value ? VALUE_TEXT : VALUE_NULL;
        values[i].value.text = value;
        values[i].value.len = value ? (uint32_t)strlen(value) : 0;
    }
    f->out.len = 0;
    return template_render(template, values, &f->out);
}

static void typed(struct fixture *f, const char *text, const char *value, uint32_t type,
                  const char *result)
{
    struct template template;
    assert_int_equal(compile(f, text, &template), 0);
    assert_int_equal(render(f, &template, value, type), TEMPLATE_TEXT);
    assert_string_equal(buf_str(&f->out), result);
}

static void gives(struct fixture *f, const char *text, const char *value, const char *result)
{
    typed(f, text, value, TEXT, result);
}

static void leaves(struct fixture *f, const char *text, const char *value,
                   enum template_outcome outcome)
{
    struct template template;
    assert_int_equal(compile(f, text, &template), 0);
    assert_int_equal(render(f, &template, value, TEXT), outcome);
    assert_int_equal(f->out.len, 0);
}

static void refuses(struct fixture *f, const char *text, const char *why)
{
    struct template template;
    assert_int_equal(compile(f, text, &template), -1);
    assert_int_equal(f->err.code, EX_CONFIG);
    assert_string_equal(f->err.text, why);
}

static void digests_are_of_the_bytes_of_the_text(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|md5}", "abc", "900150983cd24fb0d6963f7d28e17f72");
    gives(f, "{v|md5}", "", "d41d8cd98f00b204e9800998ecf8427e");
    gives(f, "{v|sha1}", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    gives(f, "{v|sha256}", "abc",
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    gives(f, "{v|crc32}", "123456789", "cbf43926");
    gives(f, "{v|md5}", "Я", "feef0975aac3bd15d35f5279ae70d0ba");
}

static void hex_and_base64_are_those_of_rfc_4648(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|base64}", "", "");
    gives(f, "{v|base64}", "f", "Zg==");
    gives(f, "{v|base64}", "fo", "Zm8=");
    gives(f, "{v|base64}", "foo", "Zm9v");
    gives(f, "{v|base64}", "foob", "Zm9vYg==");
    gives(f, "{v|base64}", "fooba", "Zm9vYmE=");
    gives(f, "{v|base64}", "foobar", "Zm9vYmFy");
    gives(f, "{v|base64}", "\xfb\xff\xfe", "+//+");
    gives(f, "{v|hex}", "foobar", "666f6f626172");
    gives(f, "{v|hex}", "\xff\x01", "ff01");
}

static void urlencode_leaves_the_unreserved_alone(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|urlencode}", "AZaz09-._~", "AZaz09-._~");
    gives(f, "{v|urlencode}", "a b/c+d%é\n", "a%20b%2Fc%2Bd%25%C3%A9%0A");
    gives(f, "{v|urlencode|urlencode}", " ", "%2520");
}

static void urlencode_writes_every_other_byte_in_upper_case_hex(void **state)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    struct fixture *f = *state;
    for (int byte = 1; byte < 256; byte++) {
        char text[2] = {(char)byte, '\0'}, encoded[4];
        snprintf(encoded, sizeof encoded, strchr(unreserved, byte) ? "%c" : "%%%02X", byte);
        gives(f, "{v|urlencode}", text, encoded);
    }
}

static void letters_that_have_no_other_case_are_in_no_doubt(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|lower}", "Ab ключ ёжик straße λόγος", "ab ключ ёжик straße λόγος");
    gives(f, "{v|upper}", "Ab КЛЮЧ ÉTÉ ΛΟΓΟΣ", "AB КЛЮЧ ÉTÉ ΛΟΓΟΣ");
    gives(f, "{v|lower}", "日本語 X 한국 שלום \U0001f511", "日本語 x 한국 שלום \U0001f511");
    leaves(f, "{v|lower}", "ключ К", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|upper}", "µ", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|upper}", "ÿ", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|lower}", "İ", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|lower}", "\xe2\x84\xaa", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|lower}", "\xd0", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|lower}", "\xe0\x81\x81", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|lower}", "\xff", TEMPLATE_IN_DOUBT);
}

static void lower_and_upper_turn_ascii_and_doubt_the_rest(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|lower}", "AbZ[@`{", "abz[@`{");
    gives(f, "{v|upper}", "aBz[@`{", "ABZ[@`{");
    leaves(f, "{v|lower}", "Я", TEMPLATE_IN_DOUBT);
    leaves(f, "x{v|upper}", "straße", TEMPLATE_IN_DOUBT);
}

static void json_follows_the_type_of_the_column(void **state)
{
    struct fixture *f = *state;
    typed(f, "{v|json}", "-12", INT4, "-12");
    typed(f, "{v|json}", "1e-05", FLOAT8, "1e-05");
    typed(f, "{v|json}", "1.50", NUMERIC, "1.50");
    typed(f, "{v|json}", "NaN", FLOAT8, "\"NaN\"");
    typed(f, "{v|json}", "-Infinity", NUMERIC, "\"-Infinity\"");
    typed(f, "{v|json}", "t", BOOL, "true");
    typed(f, "{v|json}", "f", BOOL, "false");
    typed(f, "{v|json}", "{\"a\": 1}", JSONB, "{\"a\": 1}");
    typed(f, "{v|json}", "12", TEXT, "\"12\"");
    typed(f, "{v|json}", "12", 0, "\"12\"");
}

static void json_of_what_a_filter_made_is_a_string(void **state)
{
    struct fixture *f = *state;
    typed(f, "{v|hex|json}", "1", INT4, "\"31\"");
    typed(f, "{v|default:\"none\"|json}", NULL, INT4, "\"none\"");
    typed(f, "{v|default:\"0\"|json}", "7", INT4, "7");
}

static void json_strings_are_escaped_and_keep_utf_8(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|json}", "", "\"\"");
    gives(f, "{v|json}", "a\"b\\c/\n\t\r\b\f\x01\x7f",
          "\"a\\\"b\\\\c/\\n\\t\\r\\b\\f\\u0001\x7f\"");
    gives(f, "{v|json}", "Яé€𝄞", "\"Яé€𝄞\"");
    gives(f, "{v|json}", "a\xff\xc0\x80z", "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    gives(f, "{v|json}", "\x01\x01\x01\x01\x01\x01\x01\x01",
          "\"\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\"");
}

static void bool_takes_t_and_f_and_doubts_the_rest(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|bool:\"True,False\"}", "t", "True");
    gives(f, "{v|bool:\"True,False\"}", "f", "False");
    gives(f, "{v|bool:\"1,\"}", "true", "1");
    gives(f, "{v|bool:\"1,\"}", "false", "");
    leaves(f, "{v|bool:\"1,0\"}", "yes", TEMPLATE_IN_DOUBT);
    leaves(f, "{v|bool:\"1,0\"}", "", TEMPLATE_IN_DOUBT);
}

static void dates_and_timestamps_are_formatted(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|date:\"%Y-%m\"}", "2024-02-29", "2024-02");
    gives(f, "{v|date:\"%Y-%m-%dT%H:%M:%S\"}", "2024-01-31 23:59:58.123456", "2024-01-31T23:59:58");
    gives(f, "{v|date:\"%F %T\"}", "2024-01-31 23:59:58+00", "2024-01-31 23:59:58");
    gives(f, "{v|date:\"%a %A %b %B %j %u %w %U %W\"}", "2024-03-03",
          "Sun Sunday Mar March 063 7 0 09 09");
    gives(f, "{v|date:\"%G-W%V-%u\"}", "2021-01-03", "2020-W53-7");
    gives(f, "{v|date:\"%c|%z|%Z|%%\"}", "1970-01-01 00:00:00+00",
          "Thu Jan  1 00:00:00 1970|+0000|UTC|%");
    gives(f, "{v|date:\"{%Y}\"}", "2024-01-31", "{2024}");
}

/* From the year 1000 on to 9999. */
static void the_calendar_is_that_of_the_c_library(void **state)
{
    static const char pattern[] = "%F %j %a %u %U %W %G-%V %C";
    struct fixture *f = *state;
    struct template template;
    assert_int_equal(compile(f, "{v|date:\"%F %j %a %u %U %W %G-%V %C\"}", &template), 0);
    for (time_t at = -30610224000; at < 253402300800; at += 61 * 86400) {
        struct tm tm;
        char text[16], expected[80];
        gmtime_r(&at, &tm);
        strftime(text, sizeof text, "%F", &tm);
        strftime(expected, sizeof expected, pattern, &tm);
        assert_int_equal(render(f, &template, text, TEXT), TEMPLATE_TEXT);
        assert_string_equal(buf_str(&f->out), expected);
    }
}

static void an_offset_is_brought_to_utc(void **state)
{
    struct fixture *f = *state;
    gives(f, "{v|date:\"%F %R\"}", "2024-03-01 01:30:00+03", "2024-02-29 22:30");
    gives(f, "{v|date:\"%F %R\"}", "2023-12-31 20:00:00-05:30", "2024-01-01 01:30");
    gives(f, "{v|date:\"%F %R\"}", "2024-01-01 01:00:00+02", "2023-12-31 23:00");
}

static void what_is_no_date_is_in_doubt(void **state)
{
    static const char *const values[] = {
        "",
        "infinity",
        "-infinity",
        "0044-03-15 BC",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-1-1",
        "10000-01-01",
        "0999-01-01",
        "2024-01-01 24:00:00",
        "2024-01-01 00:00",
        "2024-01-01 00:00:00.",
        "2024-01-01 00:00:00+",
        "2024-01-01 00:00:00+0",
        "2024-01-01x",
        "9999-12-31 23:00:00-05",
        "12:00:00",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        leaves(*state, "x{v|date:\"%Y\"}", values[i], TEMPLATE_IN_DOUBT);
}

static void a_default_stands_where_it_is_written(void **state)
{
    struct fixture *f = *state;
    gives(f, "a:{v|default:\"x\"}", NULL, "a:x");
    gives(f, "a:{v|default:\"x\"}", "", "a:");
    gives(f, "{v|default:\"x\"|upper}", NULL, "X");
    gives(f, "{v|upper|default:\"x\"}", NULL, "x");
    gives(f, "{v|default:\"\"|md5}", NULL, "d41d8cd98f00b204e9800998ecf8427e");
    gives(f, "{v|default:\"}|{\"}", NULL, "}|{");
}

static void null_gives_no_key_through_any_filter_but_default(void **state)
{
    static const char *const texts[] = {"{v}", "a{v|md5}", "a{v|json}", "{v|upper}",
                                        "{v|urlencode}b"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        leaves(*state, texts[i], NULL, TEMPLATE_NULL);
}

static void nulls_are_shown_where_there_is_no_key(void **state)
{
    struct fixture *f = *state;
    struct template template;
    assert_int_equal(
        compile(f, "{{\"a\":{v|json},\"b\":\"{v}\",\"c\":{v|default:\"0\"}}}", &template), 0);
    template.nulls_shown = true;
    assert_int_equal(render(f, &template, NULL, INT4), TEMPLATE_TEXT);
    assert_string_equal(buf_str(&f->out), "{\"a\":null,\"b\":\"\",\"c\":0}");
}

static void wrong_filters_are_refused(void **state)
{
    struct fixture *f = *state;
    refuses(f, "a{v|uper}",
            "\"a{v|uper}\": at position 5: there is no filter uper (did you mean upper?)");
    refuses(f, "{v|xyzzy}",
            "\"{v|xyzzy}\": at position 4: there is no filter xyzzy; there are md5, sha1, sha256, "
            "crc32, hex, base64, lower, upper, urlencode, json, date, default and bool");
    refuses(f, "{v|}", "\"{v|}\": no filter follows the | at position 3");
    refuses(f, "{v|md5|}", "\"{v|md5|}\": no filter follows the | at position 7");
    refuses(f, "{|md5}", "\"{|md5}\": the {|md5} at position 1 names no column");
    refuses(f, "{v|md5", "\"{v|md5\": the { at position 1 is not closed; write {{ for a brace");
    refuses(f, "{v|md5:\"x\"}",
            "\"{v|md5:\"x\"}\": at position 4: md5 takes no argument; write md5 alone");
    refuses(
        f, "{v|default}",
        "\"{v|default}\": at position 4: default needs an argument, as in default:\\\"none\\\"");
    refuses(f, "{v|default:x}",
            "\"{v|default:x}\": the argument of default at position 4 is not in "
            "quotes; write default:\\\"...\\\"");
    refuses(f, "{v|default:\"x}",
            "\"{v|default:\"x}\": the argument of default at position 4 is "
            "not in quotes; write default:\\\"...\\\"");
    refuses(f, "{v|default:\"x\"y}",
            "\"{v|default:\"x\"y}\": the { at position 1 is not closed; write {{ for a brace");
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    refuses(f, "{v|date:\"%Q\"}",
            "\"{v|date:\"%Q\"}\": at position 4: date:\\\"%Q\\\": %Q is no conversion of C's "
            "strftime; write, say, date:\\\"%Y-%m\\\"");
    refuses(f, "{v|date:\"\"}",
            "\"{v|date:\"\"}\": at position 4: date:\\\"\\\": the pattern is "
            "empty; write, say, date:\\\"%Y-%m\\\"");
    refuses(f, "{v|date:\"%Y%\"}",
            "\"{v|date:\"%Y%\"}\": at position 4: date:\\\"%Y%\\\": a lone % ends the pattern, "
            "and %% stands for a percent sign; write, say, date:\\\"%Y-%m\\\"");
    refuses(f, "{v|bool:\"True\"}",
            "\"{v|bool:\"True\"}\": at position 4: bool:\\\"True\\\": it takes two words, for true "
            "and for false, with one comma between; write, say, bool:\\\"True,False\\\"");
    refuses(f, "{v|bool:\"a,a\"}",
            "\"{v|bool:\"a,a\"}\": at position 4: bool:\\\"a,a\\\": its two words are the same; "
            "write, say, bool:\\\"True,False\\\"");
    refuses(f, "{v|default:\"a\"|md5|default:\"b\"}",
            "\"{v|default:\"a\"|md5|default:\"b\"}\": the default at position 20 can never apply: "
            "another stands before it; leave one");
    refuses(f, "{v|hex|hex|hex|hex|hex|hex|hex|hex|hex}",
            "\"{v|hex|hex|hex|hex|hex|hex|hex|hex|hex}\": a value has at most 8 filters");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(digests_are_of_the_bytes_of_the_text),
        TEST(hex_and_base64_are_those_of_rfc_4648),
        TEST(urlencode_leaves_the_unreserved_alone),
        TEST(urlencode_writes_every_other_byte_in_upper_case_hex),
        TEST(letters_that_have_no_other_case_are_in_no_doubt),
        TEST(lower_and_upper_turn_ascii_and_doubt_the_rest),
        TEST(json_follows_the_type_of_the_column),
        TEST(json_of_what_a_filter_made_is_a_string),
        TEST(json_strings_are_escaped_and_keep_utf_8),
        TEST(bool_takes_t_and_f_and_doubts_the_rest),
        TEST(dates_and_timestamps_are_formatted),
        TEST(the_calendar_is_that_of_the_c_library),
        TEST(an_offset_is_brought_to_utc),
        TEST(what_is_no_date_is_in_doubt),
        TEST(a_default_stands_where_it_is_written),
        TEST(null_gives_no_key_through_any_filter_but_default),
        TEST(nulls_are_shown_where_there_is_no_key),
        TEST(wrong_filters_are_refused),
        TEST(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
