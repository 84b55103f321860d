/* What an application's users may write into a row, expressions bear: they end soon and make
 * little, or are an error, which counts as true. Without the bounds these tests would not end, or
 * would take gigabytes. */
#include "expression_row.h"

#include "expression/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MEGABYTE (1 << 20)
#define TESTS(text, result) assert_string_equal(row_test(row, text), result)
#define VALUES(text, result) assert_string_equal(row_value(row, text), result)

/* `unit` again and again, between two others. */
static const char *much(struct row *row, const char *begin, const char *unit, size_t n,
                        const char *end)
{
    size_t head = strlen(begin), len = strlen(unit);
    char *text = arena_alloc(row->arena, head + n * len + strlen(end) + 1);
    memcpy(text, begin, head);
    for (size_t i = 0; i < n; i++)
        memcpy(text + head + i * len, unit, len);
    strcpy(text + head + n * len, end);
    return text;
}

static void put(struct row *row, const char *column, const char *text)
{
    row_put(row, IMAGE_NEW, column, text);
}

/* Leaves a megabyte of what may be made for a change. */
static void make_much(struct row *row)
{
    arena_alloc(row->arena, CATALOG_MAX_MADE - arena_bytes(row->arena) - MEGABYTE);
}

static void a_pattern_of_the_row_is_not_tried_without_end(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "a", MEGABYTE, ""));
    put(row, "v", much(row, "", "a", MEGABYTE / 2, "b"));
    TESTS("t LIKE '%' || v || '%'", "error: a text and a pattern too long for LIKE");
    TESTS("t ILIKE '%' || v || '%'", "error: a text and a pattern too long for LIKE");
}

static void a_short_pattern_is_tried_on_any_text(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "ab", MEGABYTE, "c"));
    TESTS("t LIKE '%a%b%c%'", "true");
    TESTS("t LIKE '%a%b%c%d%'", "false");
    TESTS("t LIKE '%abb_c'", "false");
    TESTS("t ILIKE '%BABC'", "true");
}

static void characters_of_the_row_are_not_sought_without_end(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "é", MEGABYTE, ""));
    put(row, "v", much(row, "", "x", MEGABYTE, "é"));
    VALUES("btrim(t, v)", "error: a text and characters too long to trim");
    VALUES("ltrim(t, v)", "error: a text and characters too long to trim");
    VALUES("rtrim(t, v)", "error: a text and characters too long to trim");
    VALUES("length(btrim(t, 'x'))", "1048576");
}

static void texts_are_not_multiplied_without_end(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "a", 1000, ""));
    put(row, "v", much(row, "", "b", MEGABYTE, ""));
    VALUES("replace(t, 'a', v)", "error: a text too long to make");
    VALUES("split_part(t, 'aa', -1)", "");
    put(row, "t", much(row, "", "a", MEGABYTE, ""));
    const char *joined = much(row, "concat(", "t, ", 70, "t)");
    VALUES(joined, "error: a text too long to make");
    VALUES("to_char(ts, t)", "error: a to_char() pattern too long");
}

static void what_a_change_makes_is_bounded_in_all(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "a", 4 * MEGABYTE, ""));
    const char *folded = "t";
    for (int i = 0; i < 20; i++)
        folded = arena_printf(row->arena, "lower(upper(%s))", folded);
    VALUES(arena_printf(row->arena, "length(%s)", folded), "error: the values are too large");
}

static void a_jsonb_is_small_in_memory_or_an_error(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "[", "1,", MEGABYTE / 16, "1]"));
    make_much(row);
    TESTS("t::jsonb ->> 0 = '1'", "error: a JSON text too long");
}

static void jsonbs_are_compared_in_little_memory_or_not(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "[", "1.0, ", MEGABYTE / 16, "1.0]"));
    put(row, "v", much(row, "[", "1.00, ", MEGABYTE / 16, "1.00]"));
    make_much(row);
    TESTS("t::jsonb = v::jsonb", "error: a jsonb too long to compare");
}

static void numbers_of_a_jsonb_are_not_written_out_without_end(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "[", "1e131071,", 1000, "1]"));
    TESTS("t::jsonb ->> 0 = '1'", "error: a jsonb too long");
}

static void a_deep_json_is_an_error(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "[", MEGABYTE, ""));
    TESTS("t::json ->> 0 = '1'", "error: a JSON text nested too deep");
    TESTS("t::jsonb ->> 0 = '1'", "error: a JSON text nested too deep");
    put(row, "t", much(row, "", "{\"a\":", MEGABYTE, ""));
    TESTS("t::json ->> 'a' = '1'", "error: a JSON text nested too deep");
}

static void escapes_of_a_json_take_no_more_than_a_few_times_its_size(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "[", "\"\\n\",", MEGABYTE / 8, "1]"));
    make_much(row);
    TESTS("t::json ->> 0 = '1'", "error: a JSON text too long");
}

static void long_numbers_are_not_multiplied_or_divided(void **state)
{
    struct row *row = *state;
    put(row, "n", much(row, "", "7", 100000, ""));
    TESTS("n * n > 0", "error: numbers too long to multiply or divide");
    TESTS("n % (n - 1) = 1", "error: numbers too long to multiply or divide");
    TESTS("n + n > n", "true");
    TESTS("n / 7 > 1", "true");
    put(row, "n", much(row, "", "7", MEGABYTE, ""));
    TESTS("n = 7", "error: a number that numeric cannot hold");
    put(row, "t", much(row, "0.", "7", MEGABYTE, ""));
    TESTS("t::float8 = 7", "error: a number of too many digits");
    TESTS("t::numeric = 7", "error: a number that numeric cannot hold");
    TESTS("t::integer = 7", "error: not an integer");
}

static void long_texts_are_not_encoded(void **state)
{
    struct row *row = *state;
    put(row, "t", much(row, "", "0123456789abcdef", 34 * MEGABYTE / 16, ""));
    TESTS("t LIKE t ESCAPE '!'", "error: a LIKE pattern too long");
    TESTS("encode(convert_to(t, 'UTF8'), 'hex') = 'a'", "error: a bytea too long to encode");
    TESTS("convert_to(t, 'UTF8')::text = 'a'", "error: a bytea too long to write");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, row_set_up, row_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_pattern_of_the_row_is_not_tried_without_end),
        TEST(a_short_pattern_is_tried_on_any_text),
        TEST(characters_of_the_row_are_not_sought_without_end),
        TEST(texts_are_not_multiplied_without_end),
        TEST(what_a_change_makes_is_bounded_in_all),
        TEST(a_jsonb_is_small_in_memory_or_an_error),
        TEST(jsonbs_are_compared_in_little_memory_or_not),
        TEST(numbers_of_a_jsonb_are_not_written_out_without_end),
        TEST(a_deep_json_is_an_error),
        TEST(escapes_of_a_json_take_no_more_than_a_few_times_its_size),
        TEST(long_numbers_are_not_multiplied_or_divided),
        TEST(long_texts_are_not_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
