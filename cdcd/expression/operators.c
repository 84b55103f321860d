/* The operators: pg_operator of PostgreSQL 15, the rows that concern us, and those that it would
 * choose among. Where it would take a type that is none of ours, TYPE_OTHER stands. */
#include "expression/calls.h"

/* clang-format off */
#define OPERATOR(name, left, right, result, call) \
    {name, {TYPE_##left, TYPE_##right, TYPE_NONE}, TYPE_##result, call, false, false}
#define PREFIX(name, type, call) \
    {name, {TYPE_##type, TYPE_NONE}, TYPE_##type, call, false, false}
/* clang-format on */

#define COMPARE(name, left, right, call) OPERATOR(name, left, right, BOOL, call)
#define INTEGERS(name, call)                                              \
    COMPARE(name, INT2, INT2, call), COMPARE(name, INT2, INT4, call),     \
        COMPARE(name, INT2, INT8, call), COMPARE(name, INT4, INT2, call), \
        COMPARE(name, INT4, INT4, call), COMPARE(name, INT4, INT8, call), \
        COMPARE(name, INT8, INT2, call), COMPARE(name, INT8, INT4, call), \
        COMPARE(name, INT8, INT8, call)
#define REALS(name, call)                                                     \
    COMPARE(name, FLOAT4, FLOAT4, call), COMPARE(name, FLOAT4, FLOAT8, call), \
        COMPARE(name, FLOAT8, FLOAT4, call), COMPARE(name, FLOAT8, FLOAT8, call)
#define TIMES(name, call)                                                                    \
    COMPARE(name, DATE, TIMESTAMP, call), COMPARE(name, DATE, TIMESTAMPTZ, call),            \
        COMPARE(name, TIMESTAMP, DATE, call), COMPARE(name, TIMESTAMP, TIMESTAMP, call),     \
        COMPARE(name, TIMESTAMP, TIMESTAMPTZ, call), COMPARE(name, TIMESTAMPTZ, DATE, call), \
        COMPARE(name, TIMESTAMPTZ, TIMESTAMP, call), COMPARE(name, TIMESTAMPTZ, TIMESTAMPTZ, call)
/* A comparison on all types that have an order and whose order is known here. */
#define ORDERED(name, suffix)                                                                  \
    COMPARE(name, BOOL, BOOL, bool_##suffix), INTEGERS(name, int_##suffix),                    \
        REALS(name, real_##suffix), COMPARE(name, NUMERIC, NUMERIC, numeric_##suffix),         \
        COMPARE(name, BYTEA, BYTEA, bytea_##suffix), COMPARE(name, UUID, UUID, uuid_##suffix), \
        COMPARE(name, DATE, DATE, date_##suffix), TIMES(name, time_##suffix)
/* Texts are ordered by the database's collation, and jsonb partly so. */
#define UNORDERED(name)                                                   \
    COMPARE(name, TEXT, TEXT, NULL), COMPARE(name, BPCHAR, BPCHAR, NULL), \
        COMPARE(name, JSONB, JSONB, NULL), COMPARE(name, OTHER, OTHER, NULL)
#define INTEGER_MATH(name, suffix)                       \
    OPERATOR(name, INT2, INT2, INT2, int2_##suffix),     \
        OPERATOR(name, INT2, INT4, INT4, int4_##suffix), \
        OPERATOR(name, INT2, INT8, INT8, int8_##suffix), \
        OPERATOR(name, INT4, INT2, INT4, int4_##suffix), \
        OPERATOR(name, INT4, INT4, INT4, int4_##suffix), \
        OPERATOR(name, INT4, INT8, INT8, int8_##suffix), \
        OPERATOR(name, INT8, INT2, INT8, int8_##suffix), \
        OPERATOR(name, INT8, INT4, INT8, int8_##suffix), \
        OPERATOR(name, INT8, INT8, INT8, int8_##suffix)
#define MATH(name, suffix)                                                               \
    INTEGER_MATH(name, suffix), OPERATOR(name, FLOAT4, FLOAT4, FLOAT4, float4_##suffix), \
        OPERATOR(name, FLOAT4, FLOAT8, FLOAT8, float8_##suffix),                         \
        OPERATOR(name, FLOAT8, FLOAT4, FLOAT8, float8_##suffix),                         \
        OPERATOR(name, FLOAT8, FLOAT8, FLOAT8, float8_##suffix),                         \
        OPERATOR(name, NUMERIC, NUMERIC, NUMERIC, numeric_##suffix)
#define SIGN(name, suffix, integer, real)                                           \
    PREFIX(name, INT2, integer##2##suffix), PREFIX(name, INT4, integer##4##suffix), \
        PREFIX(name, INT8, integer##8##suffix), PREFIX(name, FLOAT4, real##suffix), \
        PREFIX(name, FLOAT8, real##suffix), PREFIX(name, NUMERIC, numeric##suffix)

static const struct catalog_function OPERATORS[] = {
    ORDERED("=", eq),
    COMPARE("=", TEXT, TEXT, text_eq),
    COMPARE("=", BPCHAR, BPCHAR, bpchar_eq),
    COMPARE("=", JSONB, JSONB, jsonb_eq),
    COMPARE("=", OTHER, OTHER, text_eq),
    ORDERED("<>", ne),
    COMPARE("<>", TEXT, TEXT, text_ne),
    COMPARE("<>", BPCHAR, BPCHAR, bpchar_ne),
    COMPARE("<>", JSONB, JSONB, jsonb_ne),
    COMPARE("<>", OTHER, OTHER, text_ne),
    ORDERED("<", lt),
    UNORDERED("<"),
    ORDERED("<=", le),
    UNORDERED("<="),
    ORDERED(">", gt),
    UNORDERED(">"),
    ORDERED(">=", ge),
    UNORDERED(">="),
    MATH("+", add),
    OPERATOR("+", DATE, INT4, DATE, date_add),
    OPERATOR("+", INT4, DATE, DATE, int_add_date),
    OPERATOR("+", DATE, OTHER, TIMESTAMP, NULL), /* time and interval */
    OPERATOR("+", OTHER, DATE, TIMESTAMP, NULL),
    OPERATOR("+", TIMESTAMP, OTHER, TIMESTAMP, NULL),
    OPERATOR("+", OTHER, TIMESTAMP, TIMESTAMP, NULL),
    OPERATOR("+", TIMESTAMPTZ, OTHER, TIMESTAMPTZ, NULL),
    OPERATOR("+", OTHER, TIMESTAMPTZ, TIMESTAMPTZ, NULL),
    OPERATOR("+", OTHER, OTHER, OTHER, NULL),
    PREFIX("+", INT2, int_same),
    PREFIX("+", INT4, int_same),
    PREFIX("+", INT8, int_same),
    PREFIX("+", FLOAT4, real_same),
    PREFIX("+", FLOAT8, real_same),
    PREFIX("+", NUMERIC, numeric_same),
    MATH("-", sub),
    OPERATOR("-", DATE, INT4, DATE, date_sub),
    OPERATOR("-", DATE, DATE, INT4, date_diff),
    OPERATOR("-", DATE, OTHER, TIMESTAMP, NULL),
    OPERATOR("-", TIMESTAMP, TIMESTAMP, OTHER, NULL),
    OPERATOR("-", TIMESTAMP, OTHER, TIMESTAMP, NULL),
    OPERATOR("-", TIMESTAMPTZ, TIMESTAMPTZ, OTHER, NULL),
    OPERATOR("-", TIMESTAMPTZ, OTHER, TIMESTAMPTZ, NULL),
    OPERATOR("-", JSONB, TEXT, JSONB, NULL),
    OPERATOR("-", JSONB, INT4, JSONB, NULL),
    OPERATOR("-", OTHER, OTHER, OTHER, NULL),
    SIGN("-", _neg, int, real),
    PREFIX("-", OTHER, NULL),
    MATH("*", mul),
    OPERATOR("*", OTHER, OTHER, OTHER, NULL), /* interval, money */
    MATH("/", div),
    OPERATOR("/", OTHER, OTHER, OTHER, NULL),
    OPERATOR("%", INT2, INT2, INT2, int2_mod),
    OPERATOR("%", INT4, INT4, INT4, int4_mod),
    OPERATOR("%", INT8, INT8, INT8, int8_mod),
    OPERATOR("%", NUMERIC, NUMERIC, NUMERIC, numeric_mod),
    OPERATOR("||", TEXT, TEXT, TEXT, text_join),
    OPERATOR("||", TEXT, ANY, TEXT, any_join),
    OPERATOR("||", ANY, TEXT, TEXT, any_join),
    OPERATOR("||", BYTEA, BYTEA, BYTEA, text_join),
    OPERATOR("||", JSONB, JSONB, JSONB, NULL),
    OPERATOR("||", OTHER, OTHER, OTHER, NULL),
    OPERATOR("~~", TEXT, TEXT, BOOL, any_like),
    OPERATOR("~~", BPCHAR, TEXT, BOOL, any_like),
    OPERATOR("~~", BYTEA, BYTEA, BOOL, any_like),
    OPERATOR("~~*", TEXT, TEXT, BOOL, any_ilike),
    OPERATOR("~~*", BPCHAR, TEXT, BOOL, any_ilike),
    OPERATOR("->", JSON, TEXT, JSON, json_by_key),
    OPERATOR("->", JSON, INT4, JSON, json_by_index),
    OPERATOR("->", JSONB, TEXT, JSONB, json_by_key),
    OPERATOR("->", JSONB, INT4, JSONB, json_by_index),
    OPERATOR("->>", JSON, TEXT, TEXT, json_text_by_key),
    OPERATOR("->>", JSON, INT4, TEXT, json_text_by_index),
    OPERATOR("->>", JSONB, TEXT, TEXT, json_text_by_key),
    OPERATOR("->>", JSONB, INT4, TEXT, json_text_by_index),
    {.name = NULL},
};

const struct catalog_function *catalog_operators(void)
{
    return OPERATORS;
}
