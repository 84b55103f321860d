#include "catalog_run.h"

static void like_matches_characters_not_bytes(void **state)
{
    static const struct expectation rows[] = {
        {"~~", {{"text", ""}, {"text", "%"}}, "t", NULL},
        {"~~", {{"text", "a"}, {"text", "_"}}, "t", NULL},
        {"~~", {{"text", "\303\251"}, {"text", "_"}}, "t", NULL},
        {"~~", {{"text", "\303\251"}, {"text", "__"}}, "f", NULL},
        {"~~", {{"text", "\360\237\230\200b"}, {"text", "_b"}}, "t", NULL},
        {"~~", {{"text", "abc"}, {"text", "a%c"}}, "t", NULL},
        {"~~", {{"text", "abc"}, {"text", "%b%"}}, "t", NULL},
        {"~~", {{"text", "abc"}, {"text", "a_"}}, "f", NULL},
        {"~~", {{"text", "aXbXc"}, {"text", "%X%X%"}}, "t", NULL},
        {"~~", {{"text", "a%c"}, {"text", "a\\%c"}}, "t", NULL},
        {"~~", {{"text", "abc"}, {"text", "a\\%c"}}, "f", NULL},
        {"~~", {{"text", "a\\c"}, {"text", "a\\\\c"}}, "t", NULL},
        {"~~", {{"text", ""}, {"text", "_"}}, "f", NULL},
        {"~~", {{"text", "aaa"}, {"text", "%a%a%a%"}}, "t", NULL},
        {"~~", {{"text", "aaa"}, {"text", "%a%a%a%a"}}, "f", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void a_lone_escape_is_an_error_where_it_is_reached(void **state)
{
    static const struct expectation rows[] = {
        {"~~", {{"text", "ab"}, {"text", "a\\"}}, FAILS, NULL},
        {"~~", {{"text", "a"}, {"text", "a\\"}}, "f", NULL},
        {"~~", {{"text", ""}, {"text", "%\\"}}, "f", NULL},
        {"~~", {{"text", "x"}, {"text", "%\\"}}, FAILS, NULL},
        {"~~", {{"text", "c"}, {"text", "%_\\"}}, FAILS, NULL},
        {"~~", {{"text", "b"}, {"text", "a\\"}}, "f", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void ilike_folds_ascii(void **state)
{
    static const struct expectation rows[] = {
        {"~~*", {{"text", "ABC"}, {"text", "a%C"}}, "t", NULL},
        {"~~*", {{"text", "abc"}, {"text", "A_C"}}, "t", NULL},
        {"~~*", {{"text", "a["}, {"text", "A{"}}, "f", NULL},
        {"~~*", {{"text", "AbC"}, {"text", "abd"}}, "f", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void another_escape_character_may_be_given(void **state)
{
    static const struct expectation rows[] = {
        {"like_escape", {{"text", "a!%b"}, {"text", "!"}}, "a\\%b", NULL},
        {"like_escape", {{"text", "a\\b"}, {"text", "!"}}, "a\\\\b", NULL},
        {"like_escape", {{"text", "a!!b"}, {"text", "!"}}, "a\\!b", NULL},
        {"like_escape", {{"text", "a\\%"}, {"text", "\\"}}, "a\\%", NULL},
        {"like_escape", {{"text", "a\\b"}, {"text", ""}}, "a\\\\b", NULL},
        {"like_escape", {{"text", "a%b"}, {"text", "ab"}}, FAILS, NULL},
        {"like_escape",
         {{"text", "a\303\251\303\251%"}, {"text", "\303\251"}},
         "a\\\303\251%",
         NULL},
        {"like_escape", {{"text", "a!"}, {"text", "!"}}, "a\\", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void lengths_count_characters(void **state)
{
    static const struct expectation rows[] = {
        {"length", {{"text", ""}}, "0", NULL},
        {"length", {{"text", "abc"}}, "3", NULL},
        {"length", {{"text", "\303\251"}}, "1", NULL},
        {"length", {{"text", "e\314\201"}}, "2", NULL},
        {"length", {{"text", "\360\237\230\200"}}, "1", NULL},
        {"octet_length", {{"text", "\303\251"}}, "2", NULL},
        {"octet_length", {{"text", "\360\237\230\200"}}, "4", NULL},
        {"length", {{"bytea", "\\x00ff"}}, "2", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void left_and_right_count_from_either_end(void **state)
{
    static const struct expectation rows[] = {
        {"left", {{"text", "h\303\251llo"}, {"int4", "2"}}, "h\303\251", NULL},
        {"left", {{"text", "h\303\251llo"}, {"int4", "-2"}}, "h\303\251l", NULL},
        {"left", {{"text", "h\303\251"}, {"int4", "5"}}, "h\303\251", NULL},
        {"left", {{"text", "h\303\251"}, {"int4", "-5"}}, "", NULL},
        {"left", {{"text", "h\303\251"}, {"int4", "0"}}, "", NULL},
        {"left", {{"text", "a\360\237\230\200b"}, {"int4", "2"}}, "a\360\237\230\200", NULL},
        {"left", {{"text", "abc"}, {"int4", "-2147483648"}}, "", NULL},
        {"right", {{"text", "h\303\251llo"}, {"int4", "2"}}, "lo", NULL},
        {"right", {{"text", "h\303\251llo"}, {"int4", "-2"}}, "llo", NULL},
        {"right", {{"text", "h\303\251"}, {"int4", "5"}}, "h\303\251", NULL},
        {"right", {{"text", "h\303\251"}, {"int4", "-5"}}, "", NULL},
        {"right", {{"text", "a\360\237\230\200b"}, {"int4", "2"}}, "\360\237\230\200b", NULL},
        {"right", {{"text", "abc"}, {"int4", "-2147483648"}}, FAILS, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void substr_may_begin_before_the_text(void **state)
{
    static const struct expectation rows[] = {
        {"substr", {{"text", "h\303\251llo"}, {"int4", "2"}}, "\303\251llo", NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "2"}, {"int4", "3"}}, "\303\251ll", NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "0"}, {"int4", "2"}}, "h", NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "-2"}, {"int4", "4"}}, "h", NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "6"}}, "", NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "2"}, {"int4", "0"}}, "", NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "2"}, {"int4", "-1"}}, FAILS, NULL},
        {"substr",
         {{"text", "h\303\251llo"}, {"int4", "2147483647"}, {"int4", "2147483647"}},
         "",
         NULL},
        {"substr",
         {{"text", "h\303\251llo"}, {"int4", "-2147483648"}, {"int4", "2147483647"}},
         "",
         NULL},
        {"substr", {{"text", "h\303\251llo"}, {"int4", "3"}, {"int4", "2147483647"}}, "llo", NULL},
        {"substring", {{"bytea", "\\x010203"}, {"int4", "2"}, {"int4", "1"}}, "\\x02", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void replace_and_split_part(void **state)
{
    static const struct expectation rows[] = {
        {"replace", {{"text", "aXbX"}, {"text", "X"}, {"text", "yy"}}, "ayybyy", NULL},
        {"replace", {{"text", "aaa"}, {"text", "aa"}, {"text", "b"}}, "ba", NULL},
        {"replace", {{"text", "abc"}, {"text", ""}, {"text", "x"}}, "abc", NULL},
        {"replace", {{"text", ""}, {"text", "a"}, {"text", "b"}}, "", NULL},
        {"replace", {{"text", "abc"}, {"text", "abc"}, {"text", ""}}, "", NULL},
        {"split_part", {{"text", "a,b,c"}, {"text", ","}, {"int4", "2"}}, "b", NULL},
        {"split_part", {{"text", "a,b,c"}, {"text", ","}, {"int4", "-1"}}, "c", NULL},
        {"split_part", {{"text", "a,b,c"}, {"text", ","}, {"int4", "4"}}, "", NULL},
        {"split_part", {{"text", "a,b,c"}, {"text", ","}, {"int4", "-4"}}, "", NULL},
        {"split_part", {{"text", "a,b,c"}, {"text", ","}, {"int4", "0"}}, FAILS, NULL},
        {"split_part", {{"text", "abc"}, {"text", ""}, {"int4", "1"}}, "abc", NULL},
        {"split_part", {{"text", "abc"}, {"text", ""}, {"int4", "2"}}, "", NULL},
        {"split_part", {{"text", "abc"}, {"text", ""}, {"int4", "-1"}}, "abc", NULL},
        {"split_part", {{"text", ""}, {"text", ","}, {"int4", "1"}}, "", NULL},
        {"split_part",
         {{"text", "a\360\237\230\200b"}, {"text", "\360\237\230\200"}, {"int4", "2"}},
         "b",
         NULL},
        {"split_part", {{"text", "aaa"}, {"text", "aa"}, {"int4", "2"}}, "a", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void trimming_takes_any_of_the_characters(void **state)
{
    static const struct expectation rows[] = {
        {"btrim", {{"text", "  a "}}, "a", NULL},
        {"btrim", {{"text", "\ta "}}, "\ta", NULL},
        {"btrim", {{"text", ""}}, "", NULL},
        {"ltrim", {{"text", "  a "}}, "a ", NULL},
        {"rtrim", {{"text", "  a "}}, "  a", NULL},
        {"btrim", {{"text", "xyaxy"}, {"text", "yx"}}, "a", NULL},
        {"btrim", {{"text", "\303\251a\303\251"}, {"text", "\303\251"}}, "a", NULL},
        {"btrim", {{"text", "aaa"}, {"text", "a"}}, "", NULL},
        {"btrim", {{"text", "abc"}, {"text", ""}}, "abc", NULL},
        {"btrim",
         {{"text", "\360\237\230\200a\360\237\230\200"}, {"text", "\303\251\360\237\230\200"}},
         "a",
         NULL},
        {"ltrim", {{"text", "xxa"}, {"text", "x"}}, "a", NULL},
        {"rtrim", {{"text", "axx"}, {"text", "x"}}, "a", NULL},
        {"btrim", {{"bytea", "\\x00ff00"}, {"bytea", "\\x00"}}, "\\xff", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void positions_count_characters(void **state)
{
    static const struct expectation rows[] = {
        {"strpos", {{"text", "abc"}, {"text", "c"}}, "3", NULL},
        {"strpos", {{"text", "\303\251b"}, {"text", "b"}}, "2", NULL},
        {"strpos", {{"text", "abc"}, {"text", ""}}, "1", NULL},
        {"strpos", {{"text", ""}, {"text", "a"}}, "0", NULL},
        {"strpos", {{"text", ""}, {"text", ""}}, "1", NULL},
        {"strpos", {{"text", "abc"}, {"text", "d"}}, "0", NULL},
        {"starts_with", {{"text", "abc"}, {"text", "ab"}}, "t", NULL},
        {"starts_with", {{"text", "abc"}, {"text", ""}}, "t", NULL},
        {"starts_with", {{"text", "a"}, {"text", "ab"}}, "f", NULL},
        {"starts_with", {{"text", ""}, {"text", ""}}, "t", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void case_is_folded_in_ascii(void **state)
{
    static const struct expectation rows[] = {
        {"lower", {{"text", "ABC[Z"}}, "abc[z", NULL},
        {"lower", {{"text", ""}}, "", NULL},
        {"upper", {{"text", "abc{z@"}}, "ABC{Z@", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void concat_passes_over_nulls(void **state)
{
    static const struct expectation rows[] = {
        {"concat", {{"text", "a"}, {"text", NULL}, {"int4", "5"}}, "a5", NULL},
        {"concat", {{"text", NULL}}, "", NULL},
        {"concat_ws", {{"text", ", "}, {"text", "a"}, {"text", NULL}, {"int4", "5"}}, "a, 5", NULL},
        {"concat_ws", {{"text", NULL}, {"text", "a"}}, IS_NULL, NULL},
        {"concat_ws", {{"text", "-"}, {"text", NULL}, {"text", NULL}}, "", NULL},
        {"concat",
         {{"numeric", "1.50"}, {"float8", "1e20"}, {"date", "2024-01-01"}},
         "1.501e+202024-01-01",
         NULL},
        {"||", {{"text", "a"}, {"float8", "0.1"}}, "a0.1", NULL},
        {"||", {{"text", "a"}, {"bytea", "\\xff"}}, "a\\xff", NULL},
        {"||", {{"text", NULL}, {"text", "a"}}, IS_NULL, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void digests_and_encodings(void **state)
{
    static const struct expectation rows[] = {
        {"md5", {{"text", ""}}, "d41d8cd98f00b204e9800998ecf8427e", NULL},
        {"md5", {{"text", "abc"}}, "900150983cd24fb0d6963f7d28e17f72", NULL},
        {"md5", {{"text", "\303\251"}}, "66ddcd97cfdeabb2f6fb8a999b4bc76f", NULL},
        {"md5", {{"bytea", "\\x00"}}, "93b885adfe0da089cdf634904fd59f71", NULL},
        {"encode", {{"bytea", "\\x00ff5c41"}, {"text", "hex"}}, "00ff5c41", NULL},
        {"encode", {{"bytea", "\\x00ff5c41"}, {"text", "escape"}}, "\\000\\377\\\\A", NULL},
        {"encode", {{"bytea", "\\x00ff5c"}, {"text", "Base64"}}, "AP9c", NULL},
        {"encode", {{"bytea", "\\x00ff"}, {"text", "base64"}}, "AP8=", NULL},
        {"encode", {{"bytea", "\\x00"}, {"text", "base64"}}, "AA==", NULL},
        {"encode",
         {{"bytea", "\\xabababababababababababababababababababababababababababababababababababababa"
                    "bababababababababababababababababababab"},
          {"text", "base64"}},
         "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6ur\n",
         NULL},
        {"encode",
         {{"bytea", "\\xabababababababababababababababababababababababababababababababababababababa"
                    "babababababababababababababababababababab"},
          {"text", "base64"}},
         "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6ur\nqw==",
         NULL},
        {"encode",
         {{"bytea", "\\xabababababababababababababababababababababababababababababababababababababa"
                    "babababababababababababababababababab"},
          {"text", "base64"}},
         "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
         NULL},
        {"encode", {{"bytea", "\\x00"}, {"text", "foo"}}, FAILS, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_matches_characters_not_bytes),
        cmocka_unit_test(a_lone_escape_is_an_error_where_it_is_reached),
        cmocka_unit_test(ilike_folds_ascii),
        cmocka_unit_test(another_escape_character_may_be_given),
        cmocka_unit_test(lengths_count_characters),
        cmocka_unit_test(left_and_right_count_from_either_end),
        cmocka_unit_test(substr_may_begin_before_the_text),
        cmocka_unit_test(replace_and_split_part),
        cmocka_unit_test(trimming_takes_any_of_the_characters),
        cmocka_unit_test(positions_count_characters),
        cmocka_unit_test(case_is_folded_in_ascii),
        cmocka_unit_test(concat_passes_over_nulls),
        cmocka_unit_test(digests_and_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
