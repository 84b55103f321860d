#include "catalog_run.h"

static void numerics_keep_the_scale_that_is_shown(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"numeric", "1.50"}}, "1.50", "text"},
        {"cast", {{"numeric", "-0.00"}}, "0.00", "text"},
        {"cast", {{"numeric", "1e5"}}, "100000", "text"},
        {"cast", {{"numeric", "1.5e-3"}}, "0.0015", "text"},
        {"cast", {{"numeric", "000123.4500"}}, "123.4500", "text"},
        {"cast", {{"numeric", ".5"}}, "0.5", "text"},
        {"cast", {{"numeric", "5."}}, "5", "text"},
        {"cast", {{"numeric", "1e-20"}}, "0.00000000000000000001", "text"},
        {"cast", {{"numeric", "12345678"}}, "12345678", "text"},
        {"cast", {{"numeric", "0.00010"}}, "0.00010", "text"},
        {"cast", {{"numeric", "10000"}}, "10000", "text"},
        {"cast",
         {{"numeric", "1e400"}},
         "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "000000000000000000000000000000000000000000000",
         "text"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void what_is_no_number_is_an_error(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"text", ""}}, FAILS, "numeric"},
        {"cast", {{"text", "."}}, FAILS, "numeric"},
        {"cast", {{"text", "1e"}}, FAILS, "numeric"},
        {"cast", {{"text", "1 2"}}, FAILS, "numeric"},
        {"cast", {{"text", "abc"}}, FAILS, "numeric"},
        {"cast", {{"text", "--1"}}, FAILS, "numeric"},
        {"cast", {{"text", "+ 1"}}, FAILS, "numeric"},
        {"cast", {{"text", "1e131072"}}, FAILS, "numeric"},
        {"cast", {{"text", "1e-16384"}}, FAILS, "numeric"},
        {"cast", {{"text", " 7 "}}, "7", "numeric"},
        {"cast", {{"text", "1_000 "}}, FAILS, "numeric"},
        {"cast", {{"text", "nan"}}, "NaN", "numeric"},
        {"cast", {{"text", "-inf"}}, "-Infinity", "numeric"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void sums_and_products_are_exact_at_any_length(void **state)
{
    static const struct expectation rows[] = {
        {"+",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"}},
         "24691357802469135780246913578024691357802469135780246913578024691357802469135780246913578"
         "02469135780",
         NULL},
        {"+",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "-123456789012345678901234567890123456789012345678901234567890123456789012345"
                      "6789012345678901234567890"}},
         "0",
         NULL},
        {"+", {{"numeric", "9999.9999"}, {"numeric", "0.0001"}}, "10000.0000", NULL},
        {"+", {{"numeric", "1.50"}, {"numeric", "-1.5"}}, "0.00", NULL},
        {"+", {{"numeric", "0.1"}, {"numeric", "0.20"}}, "0.30", NULL},
        {"-", {{"numeric", "1"}, {"numeric", "1.000"}}, "0.000", NULL},
        {"-", {{"numeric", "0.0001"}, {"numeric", "1e20"}}, "-99999999999999999999.9999", NULL},
        {"-", {{"numeric", "10000"}, {"numeric", "0.00000001"}}, "9999.99999999", NULL},
        {"*",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"}},
         "15241578753238836750495351562566681945008382873376009755225118122311263526910001524158887"
         "66956267751562263087639079520012193273126047859425087639153757049236500533455762536198787"
         "501905199875019052100",
         NULL},
        {"*", {{"numeric", "1.10"}, {"numeric", "-2.200"}}, "-2.42000", NULL},
        {"*", {{"numeric", "0.00"}, {"numeric", "5"}}, "0.00", NULL},
        {"*",
         {{"numeric", "99999999"}, {"numeric", "99999999.9999"}},
         "9999999899990000.0001",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void quotients_have_postgresql_s_scale(void **state)
{
    static const struct expectation rows[] = {
        {"/", {{"numeric", "1"}, {"numeric", "3"}}, "0.33333333333333333333", NULL},
        {"/", {{"numeric", "10"}, {"numeric", "3"}}, "3.3333333333333333", NULL},
        {"/", {{"numeric", "1e20"}, {"numeric", "7"}}, "14285714285714285714", NULL},
        {"/",
         {{"numeric", "1e-20"}, {"numeric", "7"}},
         "0.0000000000000000000014285714285714285714",
         NULL},
        {"/", {{"numeric", "2"}, {"numeric", "3"}}, "0.66666666666666666667", NULL},
        {"/", {{"numeric", "-2"}, {"numeric", "3"}}, "-0.66666666666666666667", NULL},
        {"/", {{"numeric", "0"}, {"numeric", "7"}}, "0.00000000000000000000", NULL},
        {"/", {{"numeric", "0.000"}, {"numeric", "7.00"}}, "0.00000000000000000000", NULL},
        {"/", {{"numeric", "1"}, {"numeric", "10000"}}, "0.000100000000000000000000", NULL},
        {"/", {{"numeric", "9999"}, {"numeric", "10000"}}, "0.99990000000000000000", NULL},
        {"/",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "3"}},
         "41152263004115226300411522630041152263004115226300411522630041152263004115226300411522630"
         "0411522630",
         NULL},
        {"/",
         {{"numeric", "1"},
          {"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"}},
         "0."
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "000000000081000000729000007",
         NULL},
        {"/", {{"numeric", "123456.789"}, {"numeric", "0.001"}}, "123456789.00000000", NULL},
        {"/", {{"numeric", "6"}, {"numeric", "2"}}, "3.0000000000000000", NULL},
        {"/", {{"numeric", "1"}, {"numeric", "0"}}, FAILS, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void remainders_have_the_sign_of_the_dividend(void **state)
{
    static const struct expectation rows[] = {
        {"%", {{"numeric", "7"}, {"numeric", "3"}}, "1", NULL},
        {"%", {{"numeric", "-7"}, {"numeric", "3"}}, "-1", NULL},
        {"%", {{"numeric", "7"}, {"numeric", "-3"}}, "1", NULL},
        {"%", {{"numeric", "7.5"}, {"numeric", "2"}}, "1.5", NULL},
        {"%", {{"numeric", "-7.25"}, {"numeric", "0.5"}}, "-0.25", NULL},
        /* digits of the quotient whose estimate is too large, by two and by one */
        {"%", {{"numeric", "999999989999"}, {"numeric", "50019999"}}, "169991", NULL},
        {"%",
         {{"numeric", "50005000000099980001"}, {"numeric", "5000500004925001"}},
         "5000450854895002",
         NULL},
        {"%", {{"numeric", "1e30"}, {"numeric", "7"}}, "1", NULL},
        {"%", {{"numeric", "5"}, {"numeric", "0"}}, FAILS, NULL},
        {"mod", {{"numeric", "-7.10"}, {"numeric", "2.3"}}, "-0.20", NULL},
        {"mod",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "97"}},
         "65",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void halves_are_rounded_away_from_zero(void **state)
{
    static const struct expectation rows[] = {
        {"round", {{"numeric", "0.5"}}, "1", NULL},
        {"round", {{"numeric", "1.5"}}, "2", NULL},
        {"round", {{"numeric", "2.5"}}, "3", NULL},
        {"round", {{"numeric", "-0.5"}}, "-1", NULL},
        {"round", {{"numeric", "-2.5"}}, "-3", NULL},
        {"round", {{"numeric", "0.49999"}}, "0", NULL},
        {"round", {{"numeric", "9999.5"}}, "10000", NULL},
        {"round", {{"numeric", "99999999.5"}}, "100000000", NULL},
        {"round", {{"numeric", "1.005"}, {"int4", "2"}}, "1.01", NULL},
        {"round", {{"numeric", "-1.005"}, {"int4", "2"}}, "-1.01", NULL},
        {"round", {{"numeric", "5"}, {"int4", "-1"}}, "10", NULL},
        {"round", {{"numeric", "4"}, {"int4", "-1"}}, "0", NULL},
        {"round", {{"numeric", "1234.5678"}, {"int4", "-2"}}, "1200", NULL},
        {"round", {{"numeric", "1234.5678"}, {"int4", "6"}}, "1234.567800", NULL},
        {"round", {{"numeric", "9999.99995"}, {"int4", "4"}}, "10000.0000", NULL},
        {"round", {{"numeric", "0.00005"}, {"int4", "4"}}, "0.0001", NULL},
        {"round", {{"numeric", "5"}, {"int4", "-32768"}}, "0", NULL},
        {"round", {{"numeric", "50"}, {"int4", "-2"}}, "100", NULL},
        {"round", {{"numeric", "49"}, {"int4", "-2"}}, "0", NULL},
        {"floor", {{"numeric", "1.5"}}, "1", NULL},
        {"floor", {{"numeric", "-1.5"}}, "-2", NULL},
        {"floor", {{"numeric", "-0.1"}}, "-1", NULL},
        {"floor", {{"numeric", "3"}}, "3", NULL},
        {"floor", {{"numeric", "3.00"}}, "3", NULL},
        {"ceil", {{"numeric", "1.5"}}, "2", NULL},
        {"ceil", {{"numeric", "-1.5"}}, "-1", NULL},
        {"ceil", {{"numeric", "-0.1"}}, "0", NULL},
        {"ceil", {{"numeric", "0.0001"}}, "1", NULL},
        {"ceil", {{"numeric", "9999.1"}}, "10000", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void nan_and_infinities_count_as_in_postgresql(void **state)
{
    static const struct expectation rows[] = {
        {"=", {{"numeric", "NaN"}, {"numeric", "NaN"}}, "t", NULL},
        {"=", {{"numeric", "Infinity"}, {"numeric", "inf"}}, "t", NULL},
        {"=", {{"numeric", "NaN"}, {"numeric", "inf"}}, "f", NULL},
        {">", {{"numeric", "NaN"}, {"numeric", "inf"}}, "t", NULL},
        {">", {{"numeric", "inf"}, {"numeric", "1e131071"}}, "t", NULL},
        {">", {{"numeric", "1"}, {"numeric", "-inf"}}, "t", NULL},
        {"+", {{"numeric", "inf"}, {"numeric", "-inf"}}, "NaN", NULL},
        {"+", {{"numeric", "inf"}, {"numeric", "1"}}, "Infinity", NULL},
        {"+", {{"numeric", "NaN"}, {"numeric", "1"}}, "NaN", NULL},
        {"*", {{"numeric", "inf"}, {"numeric", "0"}}, "NaN", NULL},
        {"*", {{"numeric", "inf"}, {"numeric", "-2"}}, "-Infinity", NULL},
        {"/", {{"numeric", "1"}, {"numeric", "inf"}}, "0", NULL},
        {"/", {{"numeric", "inf"}, {"numeric", "inf"}}, "NaN", NULL},
        {"/", {{"numeric", "inf"}, {"numeric", "0"}}, FAILS, NULL},
        {"/", {{"numeric", "NaN"}, {"numeric", "0"}}, "NaN", NULL},
        {"%", {{"numeric", "inf"}, {"numeric", "2"}}, "NaN", NULL},
        {"%", {{"numeric", "5"}, {"numeric", "inf"}}, "5", NULL},
        {"%", {{"numeric", "5"}, {"numeric", "NaN"}}, "NaN", NULL},
        {"-", {{"numeric", "inf"}}, "-Infinity", NULL},
        {"-", {{"numeric", "NaN"}}, "NaN", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void numbers_of_other_scale_are_equal(void **state)
{
    static const struct expectation rows[] = {
        {"=", {{"numeric", "1.0"}, {"numeric", "1.000"}}, "t", NULL},
        {"=", {{"numeric", "0"}, {"numeric", "-0.00"}}, "t", NULL},
        {"=",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890.0"}},
         "t",
         NULL},
        {"=",
         {{"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890"},
          {"numeric", "1234567890123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678901234567890.0000000000000000000000000001"}},
         "f",
         NULL},
        {"<", {{"numeric", "-2"}, {"numeric", "-1"}}, "t", NULL},
        {"<", {{"numeric", "-1"}, {"numeric", "-1.0"}}, "f", NULL},
        {"<", {{"numeric", "0.1"}, {"numeric", "0.09999"}}, "f", NULL},
        {"<", {{"numeric", "10000"}, {"numeric", "9999"}}, "f", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void integers_overflow_where_postgresql_s_do(void **state)
{
    static const struct expectation rows[] = {
        {"+", {{"int2", "32767"}, {"int2", "1"}}, FAILS, NULL},
        {"+", {{"int2", "32766"}, {"int2", "1"}}, "32767", NULL},
        {"-", {{"int4", "-2147483648"}, {"int4", "1"}}, FAILS, NULL},
        {"-", {{"int4", "0"}, {"int4", "-2147483648"}}, FAILS, NULL},
        {"*", {{"int8", "9223372036854775807"}, {"int8", "2"}}, FAILS, NULL},
        {"*", {{"int8", "4294967296"}, {"int8", "2147483647"}}, "9223372032559808512", NULL},
        {"/", {{"int4", "-2147483648"}, {"int4", "-1"}}, FAILS, NULL},
        {"/", {{"int4", "7"}, {"int4", "-2"}}, "-3", NULL},
        {"/", {{"int4", "1"}, {"int4", "0"}}, FAILS, NULL},
        {"%", {{"int8", "-9223372036854775808"}, {"int8", "-1"}}, "0", NULL},
        {"%", {{"int8", "-7"}, {"int8", "3"}}, "-1", NULL},
        {"%", {{"int8", "1"}, {"int8", "0"}}, FAILS, NULL},
        {"-", {{"int2", "-32768"}}, FAILS, NULL},
        {"abs", {{"int8", "-9223372036854775808"}}, FAILS, NULL},
        {"abs", {{"int4", "-5"}}, "5", NULL},
        {"+", {{"int2", "32767"}, {"int4", "1"}}, "32768", NULL},
        {"*", {{"int4", "2147483647"}, {"int8", "2"}}, "4294967294", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void floats_are_written_as_short_as_they_read_back(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"float8", "0.1"}}, "0.1", "text"},
        {"cast", {{"float8", "1e15"}}, "1e+15", "text"},
        {"cast", {{"float8", "123456789012345"}}, "123456789012345", "text"},
        {"cast", {{"float8", "100000000000000"}}, "100000000000000", "text"},
        {"cast", {{"float8", "1e23"}}, "9.999999999999999e+22", "text"},
        {"cast", {{"float8", "5e-324"}}, "5e-324", "text"},
        {"cast", {{"float8", "1.7976931348623157e308"}}, "1.7976931348623157e+308", "text"},
        {"cast", {{"float8", "-0"}}, "-0", "text"},
        {"cast", {{"float8", "0.0001"}}, "0.0001", "text"},
        {"cast", {{"float8", "0.00001"}}, "1e-05", "text"},
        {"cast", {{"float8", "9007199254740993"}}, "9.007199254740992e+15", "text"},
        {"cast", {{"float8", "1e22"}}, "1e+22", "text"},
        {"cast", {{"float8", "NaN"}}, "NaN", "text"},
        {"cast", {{"float8", "-Infinity"}}, "-Infinity", "text"},
        {"cast", {{"float8", "2.2250738585072014e-308"}}, "2.2250738585072014e-308", "text"},
        {"cast", {{"float8", "9.5367431640625e-07"}}, "9.5367431640625e-07", "text"},
        {"cast", {{"float4", "0.1"}}, "0.1", "text"},
        {"cast", {{"float4", "16777217"}}, "1.6777216e+07", "text"},
        {"cast", {{"float4", "1e6"}}, "1e+06", "text"},
        {"cast", {{"float4", "123456"}}, "123456", "text"},
        {"cast", {{"float4", "3.4028235e38"}}, "3.4028235e+38", "text"},
        {"cast", {{"float4", "1e-45"}}, "1e-45", "text"},
        {"cast", {{"float4", "8388608.5"}}, "8.388608e+06", "text"},
        {"cast", {{"float4", "999999.5"}}, "999999.5", "text"},
        {"cast", {{"float4", "33554432"}}, "3.3554432e+07", "text"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void floats_overflow_and_underflow_are_errors(void **state)
{
    static const struct expectation rows[] = {
        {"*", {{"float8", "1e200"}, {"float8", "1e200"}}, FAILS, NULL},
        {"*", {{"float8", "1e-200"}, {"float8", "1e-200"}}, FAILS, NULL},
        {"*", {{"float8", "Infinity"}, {"float8", "2"}}, "Infinity", NULL},
        {"*", {{"float8", "0"}, {"float8", "5"}}, "0", NULL},
        {"/", {{"float8", "1"}, {"float8", "0"}}, FAILS, NULL},
        {"/", {{"float8", "0"}, {"float8", "0"}}, FAILS, NULL},
        {"/", {{"float8", "NaN"}, {"float8", "0"}}, "NaN", NULL},
        {"/", {{"float8", "1"}, {"float8", "Infinity"}}, "0", NULL},
        {"/", {{"float8", "1e-200"}, {"float8", "1e200"}}, FAILS, NULL},
        {"+", {{"float4", "3.4e38"}, {"float4", "3.4e38"}}, FAILS, NULL},
        {"+", {{"float4", "0.1"}, {"float4", "0.2"}}, "0.3", NULL},
        {"=", {{"float8", "NaN"}, {"float8", "NaN"}}, "t", NULL},
        {"=", {{"float8", "0"}, {"float8", "-0"}}, "t", NULL},
        {">", {{"float8", "NaN"}, {"float8", "Infinity"}}, "t", NULL},
        {"=", {{"float4", "0.1"}, {"float8", "0.1"}}, "f", NULL},
        {"cast", {{"text", "1e400"}}, FAILS, "float8"},
        {"cast", {{"text", "1e-400"}}, FAILS, "float8"},
        {"cast", {{"text", "0x"}}, FAILS, "float8"},
        {"cast", {{"text", "1e"}}, FAILS, "float8"},
        {"cast", {{"text", "inf"}}, "Infinity", "float8"},
        {"cast", {{"text", ".5"}}, "0.5", "float8"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numerics_keep_the_scale_that_is_shown),
        cmocka_unit_test(what_is_no_number_is_an_error),
        cmocka_unit_test(sums_and_products_are_exact_at_any_length),
        cmocka_unit_test(quotients_have_postgresql_s_scale),
        cmocka_unit_test(remainders_have_the_sign_of_the_dividend),
        cmocka_unit_test(halves_are_rounded_away_from_zero),
        cmocka_unit_test(nan_and_infinities_count_as_in_postgresql),
        cmocka_unit_test(numbers_of_other_scale_are_equal),
        cmocka_unit_test(integers_overflow_where_postgresql_s_do),
        cmocka_unit_test(floats_are_written_as_short_as_they_read_back),
        cmocka_unit_test(floats_overflow_and_underflow_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
