#include "catalog_run.h"

static void floats_become_integers_by_rounding_half_to_even(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"float8", "0.5"}}, "0", "int4"},
        {"cast", {{"float8", "1.5"}}, "2", "int4"},
        {"cast", {{"float8", "2.5"}}, "2", "int4"},
        {"cast", {{"float8", "-2.5"}}, "-2", "int4"},
        {"cast", {{"float8", "2147483647.4"}}, "2147483647", "int4"},
        {"cast", {{"float8", "2147483647.5"}}, FAILS, "int4"},
        {"cast", {{"float8", "NaN"}}, FAILS, "int4"},
        {"cast", {{"float8", "Infinity"}}, FAILS, "int4"},
        {"cast", {{"float4", "32767.4"}}, "32767", "int2"},
        {"cast", {{"float4", "32767.5"}}, FAILS, "int2"},
        {"cast", {{"float4", "-0.5"}}, "0", "int2"},
        {"cast", {{"float8", "9223372036854774784"}}, "9223372036854774784", "int8"},
        {"cast", {{"float8", "9223372036854775807"}}, FAILS, "int8"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void numerics_become_integers_by_rounding_half_away_from_zero(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"numeric", "0.5"}}, "1", "int4"},
        {"cast", {{"numeric", "1.5"}}, "2", "int4"},
        {"cast", {{"numeric", "2.5"}}, "3", "int4"},
        {"cast", {{"numeric", "-2.5"}}, "-3", "int4"},
        {"cast", {{"numeric", "2147483647.4"}}, "2147483647", "int4"},
        {"cast", {{"numeric", "2147483647.5"}}, FAILS, "int4"},
        {"cast", {{"numeric", "NaN"}}, FAILS, "int4"},
        {"cast", {{"numeric", "Infinity"}}, FAILS, "int4"},
        {"cast", {{"numeric", "9223372036854775807.4"}}, "9223372036854775807", "int8"},
        {"cast", {{"numeric", "9223372036854775807.5"}}, FAILS, "int8"},
        {"cast", {{"numeric", "-9223372036854775808.4"}}, "-9223372036854775808", "int8"},
        {"cast", {{"numeric", "-9223372036854775808.5"}}, FAILS, "int8"},
        {"cast", {{"numeric", "0.49999999999999999999"}}, "0", "int8"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void floats_become_numerics_with_the_digits_that_are_sure(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"float8", "0.1"}}, "0.1", "numeric"},
        {"cast", {{"float8", "1e23"}}, "100000000000000000000000", "numeric"},
        {"cast", {{"float8", "123456789.123456789"}}, "123456789.123457", "numeric"},
        {"cast", {{"float8", "1e-5"}}, "0.00001", "numeric"},
        {"cast", {{"float8", "NaN"}}, "NaN", "numeric"},
        {"cast", {{"float8", "-Infinity"}}, "-Infinity", "numeric"},
        {"cast",
         {{"float8", "1e300"}},
         "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "0000000000000000000000000000000000",
         "numeric"},
        {"cast", {{"float4", "0.1"}}, "0.1", "numeric"},
        {"cast", {{"float4", "16777217"}}, "16777200", "numeric"},
        {"cast", {{"float4", "3.14159265"}}, "3.14159", "numeric"},
        {"cast", {{"float4", "1e10"}}, "10000000000", "numeric"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void integers_are_checked_against_the_smaller_type(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"int4", "32767"}}, "32767", "int2"},
        {"cast", {{"int4", "32768"}}, FAILS, "int2"},
        {"cast", {{"int4", "-32769"}}, FAILS, "int2"},
        {"cast", {{"int8", "2147483648"}}, FAILS, "int4"},
        {"cast", {{"int8", "-2147483648"}}, "-2147483648", "int4"},
        {"cast", {{"int8", "9223372036854775807"}}, "9.223372e+18", "float4"},
        {"cast", {{"int8", "16777217"}}, "1.6777216e+07", "float4"},
        {"cast", {{"float4", "0.3"}}, "0.30000001192092896", "float8"},
        {"cast", {{"int8", "9007199254740993"}}, "9.007199254740992e+15", "float8"},
        {"cast", {{"int4", "0"}}, "f", "bool"},
        {"cast", {{"int4", "-3"}}, "t", "bool"},
        {"cast", {{"bool", "t"}}, "1", "int4"},
        {"cast", {{"bool", "f"}}, "0", "int4"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void texts_become_booleans_by_their_beginnings(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"text", "t"}}, "t", "bool"},    {"cast", {{"text", "tr"}}, "t", "bool"},
        {"cast", {{"text", "TRUE"}}, "t", "bool"}, {"cast", {{"text", "  yes "}}, "t", "bool"},
        {"cast", {{"text", "no"}}, "f", "bool"},   {"cast", {{"text", "on"}}, "t", "bool"},
        {"cast", {{"text", "of"}}, "f", "bool"},   {"cast", {{"text", "off"}}, "f", "bool"},
        {"cast", {{"text", "o"}}, FAILS, "bool"},  {"cast", {{"text", "1"}}, "t", "bool"},
        {"cast", {{"text", "0"}}, "f", "bool"},    {"cast", {{"text", "10"}}, FAILS, "bool"},
        {"cast", {{"text", ""}}, FAILS, "bool"},   {"cast", {{"text", "truee"}}, FAILS, "bool"},
        {"cast", {{"text", "f"}}, "f", "bool"},    {"cast", {{"text", "N"}}, "f", "bool"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void texts_become_integers_only_when_they_are_some(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"text", " 5 "}}, "5", "int4"},
        {"cast", {{"text", "+5"}}, "5", "int4"},
        {"cast", {{"text", "-2147483648"}}, "-2147483648", "int4"},
        {"cast", {{"text", "2147483648"}}, FAILS, "int4"},
        {"cast", {{"text", ""}}, FAILS, "int4"},
        {"cast", {{"text", "5 5"}}, FAILS, "int4"},
        {"cast", {{"text", "1.0"}}, FAILS, "int4"},
        {"cast", {{"text", "1e3"}}, FAILS, "int4"},
        {"cast", {{"text", "- 5"}}, FAILS, "int4"},
        {"cast", {{"text", "\t7\n"}}, "7", "int4"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void booleans_are_words_in_casts_and_letters_in_concat(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"bool", "t"}}, "true", "text"},
        {"cast", {{"bool", "f"}}, "false", "text"},
        {"concat", {{"bool", "t"}, {"bool", "f"}}, "tf", NULL},
        {"||", {{"bool", "t"}, {"text", "!"}}, "true!", NULL},
        {"||", {{"text", "?"}, {"bool", "f"}}, "?false", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void trailing_blanks_of_bpchar_do_not_count(void **state)
{
    static const struct expectation rows[] = {
        {"=", {{"bpchar", "a "}, {"bpchar", "a"}}, "t", NULL},
        {"=", {{"bpchar", " a"}, {"bpchar", "a"}}, "f", NULL},
        {"=", {{"bpchar", ""}, {"bpchar", "  "}}, "t", NULL},
        {"<>", {{"bpchar", "a  "}, {"bpchar", "a "}}, "f", NULL},
        {"<>", {{"bpchar", "a"}, {"bpchar", "b "}}, "t", NULL},
        {"cast", {{"bpchar", "ab  "}}, "ab", "text"},
        {"||", {{"bpchar", "ab "}, {"text", "|"}}, "ab|", NULL},
        {"concat", {{"bpchar", "ab "}, {"text", "|"}}, "ab |", NULL},
        {"length", {{"bpchar", "ab  "}}, "2", NULL},
        {"octet_length", {{"bpchar", "ab  "}}, "4", NULL},
        {"~~", {{"bpchar", "ab "}, {"text", "ab"}}, "f", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void uuids_are_read_in_postgresql_s_forms(void **state)
{
    static const struct expectation rows[] = {
        {"cast",
         {{"text", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}},
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
         "uuid"},
        {"cast",
         {{"text", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}"}},
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
         "uuid"},
        {"cast",
         {{"text", "a0eebc999c0b4ef8bb6d6bb9bd380a11"}},
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
         "uuid"},
        {"cast", {{"text", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"}}, FAILS, "uuid"},
        {"cast", {{"text", "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}, FAILS, "uuid"},
        {"cast", {{"text", "a0eebc99--9c0b4ef8bb6d6bb9bd380a11"}}, FAILS, "uuid"},
        {"cast", {{"text", ""}}, FAILS, "uuid"},
        {"<",
         {{"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
          {"uuid", "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
         "t",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void byteas_are_read_in_both_forms(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"text", "\\x00fF"}}, "\\x00ff", "bytea"},
        {"cast", {{"text", "\\x0"}}, FAILS, "bytea"},
        {"cast", {{"text", "\\xzz"}}, FAILS, "bytea"},
        {"cast", {{"text", "\\x de ad"}}, "\\xdead", "bytea"},
        {"cast", {{"text", "a\\\\b"}}, "\\x615c62", "bytea"},
        {"cast", {{"text", "\\000\\377"}}, "\\x00ff", "bytea"},
        {"cast", {{"text", "\\400"}}, FAILS, "bytea"},
        {"cast", {{"text", "a\\"}}, FAILS, "bytea"},
        {"cast", {{"text", "abc"}}, "\\x616263", "bytea"},
        {"cast", {{"text", ""}}, "\\x", "bytea"},
        {"<", {{"bytea", "\\x00"}, {"bytea", "\\x0000"}}, "t", NULL},
        {"<", {{"bytea", "\\xff"}, {"bytea", "\\x01"}}, "f", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void json_becomes_jsonb_and_back(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"json", "{\"b\": 1, \"a\" : 2, \"b\":3}"}}, "{\"a\": 2, \"b\": 3}", "jsonb"},
        {"cast", {{"jsonb", "{\"bb\": 1, \"a\": 1.50}"}}, "{\"a\": 1.50, \"bb\": 1}", "json"},
        {"cast", {{"jsonb", "2.5"}}, "3", "int4"},
        {"cast", {{"jsonb", "\"2\""}}, FAILS, "int4"},
        {"cast", {{"jsonb", "true"}}, FAILS, "int4"},
        {"cast", {{"jsonb", "true"}}, "t", "bool"},
        {"cast", {{"jsonb", "1"}}, FAILS, "bool"},
        {"cast", {{"jsonb", "1.50"}}, "1.50", "numeric"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_become_integers_by_rounding_half_to_even),
        cmocka_unit_test(numerics_become_integers_by_rounding_half_away_from_zero),
        cmocka_unit_test(floats_become_numerics_with_the_digits_that_are_sure),
        cmocka_unit_test(integers_are_checked_against_the_smaller_type),
        cmocka_unit_test(texts_become_booleans_by_their_beginnings),
        cmocka_unit_test(texts_become_integers_only_when_they_are_some),
        cmocka_unit_test(booleans_are_words_in_casts_and_letters_in_concat),
        cmocka_unit_test(trailing_blanks_of_bpchar_do_not_count),
        cmocka_unit_test(uuids_are_read_in_postgresql_s_forms),
        cmocka_unit_test(byteas_are_read_in_both_forms),
        cmocka_unit_test(json_becomes_jsonb_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
