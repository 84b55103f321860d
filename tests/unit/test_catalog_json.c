#include "catalog_run.h"

static void json_keeps_its_text(void **state)
{
    static const struct expectation rows[] = {
        {"cast",
         {{"text", " {\"b\" : 1.50,\"a\":1e2 , \"b\":2} "}},
         " {\"b\" : 1.50,\"a\":1e2 , \"b\":2} ",
         "json"},
        {"cast", {{"text", "[1,2"}}, FAILS, "json"},
        {"cast", {{"text", "[1,]"}}, FAILS, "json"},
        {"cast", {{"text", "nul"}}, FAILS, "json"},
        {"cast", {{"text", "\"\\u0000\""}}, "\"\\u0000\"", "json"},
        {"cast", {{"text", "\"\\x\""}}, FAILS, "json"},
        {"cast", {{"text", "01"}}, FAILS, "json"},
        {"cast", {{"text", "-"}}, FAILS, "json"},
        {"cast", {{"text", "1."}}, FAILS, "json"},
        {"cast", {{"text", "\"\t\""}}, FAILS, "json"},
        {"cast", {{"text", ""}}, FAILS, "json"},
        {"cast", {{"text", "{} x"}}, FAILS, "json"},
        {"cast", {{"text", "\"\\u12\""}}, FAILS, "json"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void jsonb_is_normalised(void **state)
{
    static const struct expectation rows[] = {
        {"cast",
         {{"text", " {\"bb\" : 1.50,\"a\":1e2 , \"bb\":2, \"\":null} "}},
         "{\"\": null, \"a\": 100, \"bb\": 2}",
         "jsonb"},
        {"cast", {{"text", "[ 1 ,2,[] , {}]"}}, "[1, 2, [], {}]", "jsonb"},
        {"cast",
         {{"text", "\"\\u0041\\u00e9\\ud83d\\ude00\\/\\n\\u001f\""}},
         "\"A\303\251\360\237\230\200/\\n\\u001f\"",
         "jsonb"},
        {"cast", {{"text", "\"\\u0000\""}}, FAILS, "jsonb"},
        {"cast", {{"text", "\"\\ud800\""}}, FAILS, "jsonb"},
        {"cast", {{"text", "\"\\udc00x\""}}, FAILS, "jsonb"},
        {"cast", {{"text", "-0"}}, "0", "jsonb"},
        {"cast", {{"text", "-0.00"}}, "0.00", "jsonb"},
        {"cast", {{"text", "1E-3"}}, "0.001", "jsonb"},
        {"cast", {{"text", "[true,false ,null]"}}, "[true, false, null]", "jsonb"},
        {"cast",
         {{"text", "123456789012345678901234567890.1234567890"}},
         "123456789012345678901234567890.1234567890",
         "jsonb"},
        {"cast", {{"text", "{\"\\u0061\":1,\"a\":2}"}}, "{\"a\": 2}", "jsonb"},
        {"cast", {{"text", "{\"a\": 1, \"a\": 2}"}}, "{\"a\": 2}", "jsonb"},
        {"cast", {{"text", "1e999999"}}, FAILS, "jsonb"},
        {"cast",
         {{"text", "{\"\303\251\":1,\"zz\":2,\"z\":3}"}},
         "{\"z\": 3, \"zz\": 2, \"\303\251\": 1}",
         "jsonb"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void keys_reach_into_objects(void **state)
{
    static const struct expectation rows[] = {
        {"->", {{"json", "{\"a\": {\"b\" : 1}}"}, {"text", "a"}}, "{\"b\" : 1}", NULL},
        {"->", {{"json", "{\"a\":1,\"a\":2}"}, {"text", "a"}}, "2", NULL},
        {"->", {{"json", "{\"a\":null}"}, {"text", "a"}}, "null", NULL},
        {"->", {{"json", "{\"a\":1}"}, {"text", "b"}}, IS_NULL, NULL},
        {"->", {{"json", "[1]"}, {"text", "a"}}, IS_NULL, NULL},
        {"->", {{"json", "5"}, {"text", "a"}}, IS_NULL, NULL},
        {"->", {{"json", "{\"\\u0061\":1}"}, {"text", "a"}}, "1", NULL},
        {"->", {{"json", "{\"a\":\"\\u0000\"}"}, {"text", "b"}}, FAILS, NULL},
        {"->>", {{"json", "{\"a\":\"x\\ny\"}"}, {"text", "a"}}, "x\ny", NULL},
        {"->>", {{"json", "{\"a\":null}"}, {"text", "a"}}, IS_NULL, NULL},
        {"->>", {{"json", "{\"a\": [1, 2] }"}, {"text", "a"}}, "[1, 2]", NULL},
        {"->>", {{"json", "{\"a\":1.50}"}, {"text", "a"}}, "1.50", NULL},
        {"->>", {{"json", "{\"a\":true}"}, {"text", "a"}}, "true", NULL},
        {"->", {{"jsonb", "{\"a\": {\"b\" : 1.50}}"}, {"text", "a"}}, "{\"b\": 1.50}", NULL},
        {"->", {{"jsonb", "{\"a\":1,\"a\":2}"}, {"text", "a"}}, "2", NULL},
        {"->", {{"jsonb", "5"}, {"text", "a"}}, IS_NULL, NULL},
        {"->>",
         {{"jsonb", "{\"a\":\"\\ud83d\\ude00\\\"\"}"}, {"text", "a"}},
         "\360\237\230\200\"",
         NULL},
        {"->>", {{"jsonb", "{\"a\":1e2}"}, {"text", "a"}}, "100", NULL},
        {"->>", {{"jsonb", "{\"a\":null}"}, {"text", "a"}}, IS_NULL, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void indexes_reach_into_arrays(void **state)
{
    static const struct expectation rows[] = {
        {"->", {{"json", "[1, [2] ,3]"}, {"int4", "1"}}, "[2]", NULL},
        {"->", {{"json", "[1,2,3]"}, {"int4", "-1"}}, "3", NULL},
        {"->", {{"json", "[1,2,3]"}, {"int4", "-4"}}, IS_NULL, NULL},
        {"->", {{"json", "[1,2,3]"}, {"int4", "3"}}, IS_NULL, NULL},
        {"->", {{"json", "{\"0\":1}"}, {"int4", "0"}}, IS_NULL, NULL},
        {"->", {{"json", "5"}, {"int4", "0"}}, IS_NULL, NULL},
        {"->", {{"json", "[]"}, {"int4", "0"}}, IS_NULL, NULL},
        {"->>", {{"json", "[\"a\"]"}, {"int4", "0"}}, "a", NULL},
        {"->>", {{"json", "[null]"}, {"int4", "0"}}, IS_NULL, NULL},
        {"->", {{"jsonb", "[1,2,3]"}, {"int4", "-3"}}, "1", NULL},
        {"->", {{"jsonb", "5"}, {"int4", "0"}}, "5", NULL},
        {"->", {{"jsonb", "5"}, {"int4", "-1"}}, "5", NULL},
        {"->", {{"jsonb", "5"}, {"int4", "1"}}, IS_NULL, NULL},
        {"->", {{"jsonb", "\"x\""}, {"int4", "0"}}, "\"x\"", NULL},
        {"->", {{"jsonb", "{}"}, {"int4", "0"}}, IS_NULL, NULL},
        {"->>", {{"jsonb", "[\"a\",{\"b\":1}]"}, {"int4", "1"}}, "{\"b\": 1}", NULL},
        {"->>", {{"jsonb", "\"x\""}, {"int4", "0"}}, "x", NULL},
        {"->>", {{"jsonb", "[null]"}, {"int4", "-1"}}, IS_NULL, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void jsonbs_are_equal_when_their_values_are(void **state)
{
    static const struct expectation rows[] = {
        {"=", {{"jsonb", "{\"a\":1,\"b\":2}"}, {"jsonb", "{\"b\":2.0,\"a\":1}"}}, "t", NULL},
        {"=", {{"jsonb", "[1,2]"}, {"jsonb", "[2,1]"}}, "f", NULL},
        {"=", {{"jsonb", "[1.0]"}, {"jsonb", "[1]"}}, "t", NULL},
        {"=", {{"jsonb", "\"1\""}, {"jsonb", "1"}}, "f", NULL},
        {"=", {{"jsonb", "[12]"}, {"jsonb", "[1]"}}, "f", NULL},
        {"=", {{"jsonb", "{\"a\":\"1.0\"}"}, {"jsonb", "{\"a\":\"1\"}"}}, "f", NULL},
        {"=", {{"jsonb", "100"}, {"jsonb", "1e2"}}, "t", NULL},
        {"=", {{"jsonb", "{}"}, {"jsonb", "[]"}}, "f", NULL},
        {"=", {{"jsonb", "[1]"}, {"jsonb", "[1,1]"}}, "f", NULL},
        {"=", {{"jsonb", "null"}, {"jsonb", "null"}}, "t", NULL},
        {"<>", {{"jsonb", "1"}, {"jsonb", "1.00"}}, "f", NULL},
        {"<>", {{"jsonb", "1"}, {"jsonb", "2"}}, "t", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_keeps_its_text),
        cmocka_unit_test(jsonb_is_normalised),
        cmocka_unit_test(keys_reach_into_objects),
        cmocka_unit_test(indexes_reach_into_arrays),
        cmocka_unit_test(jsonbs_are_equal_when_their_values_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
