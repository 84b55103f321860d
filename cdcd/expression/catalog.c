/* The types, and the casts between them: pg_type and pg_cast of PostgreSQL 15, the rows that
 * concern us. */
#include "expression/catalog.h"

#include "expression/calls.h"

static const struct catalog_type TYPES[] = {
    {TYPE_BOOL, 16, {"boolean", "bool"}, 'B', true},
    {TYPE_INT2, 21, {"smallint", "int2"}, 'N', false},
    {TYPE_INT4, 23, {"integer", "int", "int4"}, 'N', false},
    {TYPE_INT8, 20, {"bigint", "int8"}, 'N', false},
    {TYPE_FLOAT4, 700, {"real", "float4"}, 'N', false},
    {TYPE_FLOAT8, 701, {"double precision", "float8", "float"}, 'N', true},
    {TYPE_NUMERIC, 1700, {"numeric", "decimal", "dec"}, 'N', false},
    {TYPE_TEXT, 25, {"text"}, 'S', true},
    {TYPE_VARCHAR, 1043, {"character varying", "varchar", "char varying"}, 'S', false},
    {TYPE_BPCHAR, 1042, {"bpchar", "character", "char"}, 'S', false},
    {TYPE_UUID, 2950, {"uuid"}, 'U', false},
    {TYPE_DATE, 1082, {"date"}, 'D', false},
    {TYPE_TIMESTAMP, 1114, {"timestamp without time zone", "timestamp"}, 'D', false},
    {TYPE_TIMESTAMPTZ, 1184, {"timestamp with time zone", "timestamptz"}, 'D', true},
    {TYPE_BYTEA, 17, {"bytea"}, 'U', false},
    {TYPE_JSON, 114, {"json"}, 'U', false},
    {TYPE_JSONB, 3802, {"jsonb"}, 'U', false},
    {.type = TYPE_NONE},
};

const struct catalog_type *catalog_types(void)
{
    return TYPES;
}

enum type catalog_type_of(uint32_t oid)
{
    if (oid == 0 || oid == 705)
        return TYPE_UNKNOWN;
    for (const struct catalog_type *row = TYPES; row->names[0]; row++) {
        if (row->oid == oid)
            return row->type;
    }
    return TYPE_OTHER;
}

const struct catalog_type *catalog_type_row(enum type type)
{
    const struct catalog_type *row = TYPES;
    while (row->names[0] && row->type != type)
        row++;
    return row->names[0] ? row : NULL;
}

/* clang-format off */
#define CAST(from, to, context, call) {TYPE_##from, TYPE_##to, CAST_##context, call, false}
#define REFUSED(from, to, context) {TYPE_##from, TYPE_##to, CAST_##context, NULL, true}
/* clang-format on */
/* By the input and output functions. */
#define TO_TEXTS(from)                                                                       \
    CAST(from, TEXT, ASSIGNMENT, any_to_text), CAST(from, VARCHAR, ASSIGNMENT, any_to_text), \
        CAST(from, BPCHAR, ASSIGNMENT, any_to_text)
#define FROM_TEXTS(to, call)                                           \
    CAST(TEXT, to, EXPLICIT, call), CAST(VARCHAR, to, EXPLICIT, call), \
        CAST(BPCHAR, to, EXPLICIT, call)
#define OF_INTEGER(type)                                                                      \
    CAST(type, FLOAT4, IMPLICIT, int_to_float4), CAST(type, FLOAT8, IMPLICIT, int_to_float8), \
        CAST(type, NUMERIC, IMPLICIT, int_to_numeric), TO_TEXTS(type)
#define OF_REAL(type)                                                                       \
    CAST(type, INT2, ASSIGNMENT, real_to_int2), CAST(type, INT4, ASSIGNMENT, real_to_int4), \
        CAST(type, INT8, ASSIGNMENT, real_to_int8), TO_TEXTS(type)

static const struct catalog_cast CASTS[] = {
    CAST(BOOL, INT4, EXPLICIT, bool_to_int),
    CAST(BOOL, TEXT, ASSIGNMENT, bool_to_text),
    CAST(BOOL, VARCHAR, ASSIGNMENT, bool_to_text),
    CAST(BOOL, BPCHAR, ASSIGNMENT, bool_to_text),
    CAST(INT2, INT4, IMPLICIT, NULL),
    CAST(INT2, INT8, IMPLICIT, NULL),
    OF_INTEGER(INT2),
    CAST(INT4, BOOL, EXPLICIT, int_to_bool),
    CAST(INT4, INT2, ASSIGNMENT, int_to_int2),
    CAST(INT4, INT8, IMPLICIT, NULL),
    OF_INTEGER(INT4),
    CAST(INT8, INT2, ASSIGNMENT, int_to_int2),
    CAST(INT8, INT4, ASSIGNMENT, int_to_int4),
    OF_INTEGER(INT8),
    CAST(FLOAT4, FLOAT8, IMPLICIT, real_same), /* the text of the value changes */
    CAST(FLOAT4, NUMERIC, ASSIGNMENT, float4_to_numeric),
    OF_REAL(FLOAT4),
    CAST(FLOAT8, FLOAT4, ASSIGNMENT, real_to_float4),
    CAST(FLOAT8, NUMERIC, ASSIGNMENT, float8_to_numeric),
    OF_REAL(FLOAT8),
    CAST(NUMERIC, INT2, ASSIGNMENT, numeric_to_int2),
    CAST(NUMERIC, INT4, ASSIGNMENT, numeric_to_int4),
    CAST(NUMERIC, INT8, ASSIGNMENT, numeric_to_int8),
    CAST(NUMERIC, FLOAT4, IMPLICIT, numeric_to_float4),
    CAST(NUMERIC, FLOAT8, IMPLICIT, numeric_to_float8),
    TO_TEXTS(NUMERIC),
    CAST(TEXT, VARCHAR, IMPLICIT, NULL),
    CAST(TEXT, BPCHAR, IMPLICIT, NULL),
    CAST(VARCHAR, TEXT, IMPLICIT, NULL),
    CAST(VARCHAR, BPCHAR, IMPLICIT, NULL),
    CAST(BPCHAR, TEXT, IMPLICIT, bpchar_to_text),
    CAST(BPCHAR, VARCHAR, IMPLICIT, bpchar_to_text),
    CAST(DATE, TIMESTAMP, IMPLICIT, date_to_timestamp),
    CAST(DATE, TIMESTAMPTZ, IMPLICIT, date_to_timestamp),
    TO_TEXTS(DATE),
    CAST(TIMESTAMP, DATE, ASSIGNMENT, timestamp_to_date),
    CAST(TIMESTAMP, TIMESTAMPTZ, IMPLICIT, timestamp_same),
    TO_TEXTS(TIMESTAMP),
    CAST(TIMESTAMPTZ, DATE, ASSIGNMENT, timestamp_to_date),
    CAST(TIMESTAMPTZ, TIMESTAMP, ASSIGNMENT, timestamp_same),
    TO_TEXTS(TIMESTAMPTZ),
    TO_TEXTS(UUID),
    TO_TEXTS(BYTEA),
    TO_TEXTS(JSON),
    TO_TEXTS(JSONB),
    CAST(JSON, JSONB, ASSIGNMENT, text_to_jsonb),
    CAST(JSONB, JSON, ASSIGNMENT, NULL),
    CAST(JSONB, BOOL, EXPLICIT, jsonb_to_bool),
    CAST(JSONB, INT2, EXPLICIT, jsonb_to_int2),
    CAST(JSONB, INT4, EXPLICIT, jsonb_to_int4),
    CAST(JSONB, INT8, EXPLICIT, jsonb_to_int8),
    CAST(JSONB, FLOAT4, EXPLICIT, jsonb_to_float4),
    CAST(JSONB, FLOAT8, EXPLICIT, jsonb_to_float8),
    CAST(JSONB, NUMERIC, EXPLICIT, jsonb_to_numeric),
    TO_TEXTS(OTHER),
    FROM_TEXTS(BOOL, text_to_bool),
    FROM_TEXTS(INT2, text_to_int2),
    FROM_TEXTS(INT4, text_to_int4),
    FROM_TEXTS(INT8, text_to_int8),
    FROM_TEXTS(FLOAT4, text_to_float4),
    FROM_TEXTS(FLOAT8, text_to_float8),
    FROM_TEXTS(NUMERIC, text_to_numeric),
    FROM_TEXTS(UUID, text_to_uuid),
    FROM_TEXTS(DATE, text_to_date),
    FROM_TEXTS(TIMESTAMP, text_to_timestamp),
    FROM_TEXTS(TIMESTAMPTZ, text_to_timestamptz),
    FROM_TEXTS(BYTEA, text_to_bytea),
    FROM_TEXTS(JSON, text_to_json),
    FROM_TEXTS(JSONB, text_to_jsonb),
    REFUSED(TEXT, OTHER, EXPLICIT),
    REFUSED(VARCHAR, OTHER, EXPLICIT),
    REFUSED(BPCHAR, OTHER, EXPLICIT),
    {.from = TYPE_NONE},
};

const struct catalog_cast *catalog_casts(void)
{
    return CASTS;
}
