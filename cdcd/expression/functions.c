/* The functions: pg_proc of PostgreSQL 15, the rows that concern us. */
#include "expression/calls.h"

/* clang-format off */
#define ONE(name, type, result, call) \
    {name, {TYPE_##type, TYPE_NONE}, TYPE_##result, call, false, false}
#define TWO(name, first, second, result, call) \
    {name, {TYPE_##first, TYPE_##second, TYPE_NONE}, TYPE_##result, call, false, false}
#define THREE(name, first, second, third, result, call) \
    {name, {TYPE_##first, TYPE_##second, TYPE_##third, TYPE_NONE}, TYPE_##result, call, false, false}
/* clang-format on */
/* One that cuts a text at both ends, or at one. */
#define TRIM(name, side)                                                          \
    ONE(name, TEXT, TEXT, text_##side), TWO(name, TEXT, TEXT, TEXT, text_##side), \
        TWO(name, BYTEA, BYTEA, BYTEA, bytea_##side)
#define LENGTH(name) ONE(name, TEXT, INT4, text_length), ONE(name, BPCHAR, INT4, bpchar_length)
#define SUBSTR(name)                                                                            \
    TWO(name, TEXT, INT4, TEXT, text_substr), THREE(name, TEXT, INT4, INT4, TEXT, text_substr), \
        TWO(name, BYTEA, INT4, BYTEA, bytea_substr),                                            \
        THREE(name, BYTEA, INT4, INT4, BYTEA, bytea_substr)

static const struct catalog_function FUNCTIONS[] = {
    ONE("abs", INT2, INT2, int2_abs),
    ONE("abs", INT4, INT4, int4_abs),
    ONE("abs", INT8, INT8, int8_abs),
    ONE("abs", FLOAT4, FLOAT4, real_abs),
    ONE("abs", FLOAT8, FLOAT8, real_abs),
    ONE("abs", NUMERIC, NUMERIC, numeric_abs),
    ONE("floor", FLOAT8, FLOAT8, real_floor),
    ONE("floor", NUMERIC, NUMERIC, numeric_floor),
    ONE("ceil", FLOAT8, FLOAT8, real_ceil),
    ONE("ceil", NUMERIC, NUMERIC, numeric_ceil),
    ONE("ceiling", FLOAT8, FLOAT8, real_ceil),
    ONE("ceiling", NUMERIC, NUMERIC, numeric_ceil),
    ONE("round", FLOAT8, FLOAT8, real_round),
    ONE("round", NUMERIC, NUMERIC, numeric_round),
    TWO("round", NUMERIC, INT4, NUMERIC, numeric_round),
    TWO("mod", INT2, INT2, INT2, int2_mod),
    TWO("mod", INT4, INT4, INT4, int4_mod),
    TWO("mod", INT8, INT8, INT8, int8_mod),
    TWO("mod", NUMERIC, NUMERIC, NUMERIC, numeric_mod),
    ONE("trunc", FLOAT8, FLOAT8, real_trunc),
    ONE("trunc", NUMERIC, NUMERIC, numeric_trunc),
    ONE("trunc", OTHER, OTHER, NULL), /* a macaddr */
    TWO("trunc", NUMERIC, INT4, NUMERIC, numeric_trunc),
    ONE("lower", TEXT, TEXT, text_lower),
    ONE("upper", TEXT, TEXT, text_upper),
    LENGTH("length"),
    ONE("length", BYTEA, INT4, text_bytes),
    LENGTH("char_length"),
    LENGTH("character_length"),
    ONE("octet_length", TEXT, INT4, text_bytes),
    ONE("octet_length", BPCHAR, INT4, text_bytes),
    ONE("octet_length", BYTEA, INT4, text_bytes),
    TWO("left", TEXT, INT4, TEXT, text_left),
    TWO("right", TEXT, INT4, TEXT, text_right),
    SUBSTR("substr"),
    SUBSTR("substring"),
    TWO("substring", TEXT, TEXT, TEXT, NULL), /* by regular expressions */
    THREE("substring", TEXT, TEXT, TEXT, TEXT, NULL),
    THREE("replace", TEXT, TEXT, TEXT, TEXT, text_replace),
    TRIM("btrim", btrim),
    TRIM("ltrim", ltrim),
    TRIM("rtrim", rtrim),
    THREE("split_part", TEXT, TEXT, INT4, TEXT, text_split_part),
    TWO("starts_with", TEXT, TEXT, BOOL, text_starts_with),
    TWO("strpos", TEXT, TEXT, INT4, text_strpos),
    TWO("position", TEXT, TEXT, INT4, text_strpos),
    {"concat", {TYPE_ANY, TYPE_NONE}, TYPE_TEXT, any_concat, true, true},
    {"concat_ws", {TYPE_TEXT, TYPE_ANY, TYPE_NONE}, TYPE_TEXT, any_concat_ws, true, true},
    ONE("md5", TEXT, TEXT, any_md5),
    ONE("md5", BYTEA, TEXT, any_md5),
    TWO("date_trunc", TEXT, TIMESTAMP, TIMESTAMP, time_trunc),
    TWO("date_trunc", TEXT, TIMESTAMPTZ, TIMESTAMPTZ, time_trunc),
    TWO("date_trunc", TEXT, OTHER, OTHER, NULL),                     /* an interval */
    THREE("date_trunc", TEXT, TIMESTAMPTZ, TEXT, TIMESTAMPTZ, NULL), /* in a time zone */
    TWO("to_char", TIMESTAMP, TEXT, TEXT, time_to_char),
    TWO("to_char", TIMESTAMPTZ, TEXT, TEXT, time_to_char),
    TWO("to_char", INT4, TEXT, TEXT, NULL),
    TWO("to_char", INT8, TEXT, TEXT, NULL),
    TWO("to_char", FLOAT4, TEXT, TEXT, NULL),
    TWO("to_char", FLOAT8, TEXT, TEXT, NULL),
    TWO("to_char", NUMERIC, TEXT, TEXT, NULL),
    TWO("to_char", OTHER, TEXT, TEXT, NULL), /* an interval */
    TWO("encode", BYTEA, TEXT, TEXT, bytea_encode),
    TWO("convert_to", TEXT, TEXT, BYTEA, text_convert_to),
    TWO("like_escape", TEXT, TEXT, TEXT, any_like_escape),
    TWO("like_escape", BYTEA, BYTEA, BYTEA, any_like_escape),
    {.name = NULL},
};

const struct catalog_function *catalog_functions(void)
{
    return FUNCTIONS;
}
