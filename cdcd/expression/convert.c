/* Casts. */
#include "expression/calls.h"
#include "expression/datetime.h"
#include "expression/numeric.h"
#include "expression/real.h"

#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char OUT_OF_RANGE[] = "integer out of range";

static const char *give_integer(struct call *call, int64_t value, int64_t min, int64_t max)
{
    call->result->integer = value;
    return value < min || value > max ? OUT_OF_RANGE : NULL;
}

const char *int_to_float4(struct call *call)
{
    call->result->real = (double)(float)call->args[0].integer;
    return NULL;
}

const char *int_to_float8(struct call *call)
{
    call->result->real = (double)call->args[0].integer;
    return NULL;
}

const char *int_to_numeric(struct call *call)
{
    call->result->numeric = numeric_of_integer(call->args[0].integer, call->arena);
    return NULL;
}

const char *real_to_float4(struct call *call)
{
    double value = call->args[0].real;
    call->result->real = (double)(float)value;
    if (isinf(call->result->real) && !isinf(value))
        return "floating-point overflow";
    return call->result->real == 0 && value != 0 ? "floating-point underflow" : NULL;
}

/* Half to even, as the processor rounds. */
static const char *round_real(struct call *call, double min, double end)
{
    double value = rint(call->args[0].real);
    if (!(value >= min && value < end))
        return OUT_OF_RANGE;
    call->result->integer = (int64_t)value;
    return NULL;
}

const char *real_to_int2(struct call *call)
{
    return round_real(call, -0x1p15, 0x1p15);
}

const char *real_to_int4(struct call *call)
{
    return round_real(call, -0x1p31, 0x1p31);
}

const char *real_to_int8(struct call *call)
{
    return round_real(call, -0x1p63, 0x1p63);
}

/* PostgreSQL keeps as many digits as the type has for sure, not those that read back. */
static const char *real_to_numeric(struct call *call, int digits)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%.*g", digits, call->args[0].real);
    bool nan = isnan(call->args[0].real); /* printed with a sign */
    struct text given = {nan ? "nan" : text, nan ? 3 : (uint32_t)n};
    return numeric_read(given, call->arena, &call->result->numeric);
}

const char *float4_to_numeric(struct call *call)
{
    return real_to_numeric(call, FLT_DIG);
}

const char *float8_to_numeric(struct call *call)
{
    return real_to_numeric(call, DBL_DIG);
}

static const char *numeric_to_real(struct call *call, bool single)
{
    struct text text = numeric_write(call->args[0].numeric, call->arena);
    return real_read(text, single, call->arena, &call->result->real);
}

const char *numeric_to_float4(struct call *call)
{
    return numeric_to_real(call, true);
}

const char *numeric_to_float8(struct call *call)
{
    return numeric_to_real(call, false);
}

static const char *numeric_to_int(struct call *call, int64_t min, int64_t max)
{
    int64_t value = 0;
    const char *error = numeric_to_integer(call->args[0].numeric, &value);
    return error ? error : give_integer(call, value, min, max);
}

const char *numeric_to_int2(struct call *call)
{
    return numeric_to_int(call, INT16_MIN, INT16_MAX);
}

const char *numeric_to_int4(struct call *call)
{
    return numeric_to_int(call, INT32_MIN, INT32_MAX);
}

const char *numeric_to_int8(struct call *call)
{
    return numeric_to_int(call, INT64_MIN, INT64_MAX);
}

/* The cast writes the word, the output function, which concat uses, the letter. */
const char *bool_to_text(struct call *call)
{
    bool truth = call->args[0].truth;
    call->result->text = truth ? (struct text){"true", 4} : (struct text){"false", 5};
    return NULL;
}

const char *bpchar_to_text(struct call *call)
{
    call->result->text = text_without_blanks(call->args[0].text);
    return NULL;
}

const char *any_to_text(struct call *call)
{
    return catalog_output(call->types[0], &call->args[0], call->arena, &call->result->text);
}

const char *date_to_timestamp(struct call *call)
{
    call->result->micros = datetime_of_date(call->args[0].days);
    return call->result->micros == INT64_MAX - 1 ? "date out of range for timestamp" : NULL;
}

const char *timestamp_to_date(struct call *call)
{
    int64_t micros = call->args[0].micros;
    int64_t days = micros / DATETIME_DAY - (micros % DATETIME_DAY < 0);
    call->result->days = (int32_t)days;
    if (micros == INT64_MIN || micros == INT64_MAX)
        call->result->days = micros > 0 ? INT32_MAX : INT32_MIN;
    return NULL;
}

/* Between timestamp and timestamptz, in UTC. */
const char *timestamp_same(struct call *call)
{
    call->result->micros = call->args[0].micros;
    return NULL;
}

#define FROM_TEXT(name, type)                                                      \
    const char *name(struct call *call)                                            \
    {                                                                              \
        return catalog_input(type, call->args[0].text, call->arena, call->result); \
    }

FROM_TEXT(text_to_bool, TYPE_BOOL)
FROM_TEXT(text_to_int2, TYPE_INT2)
FROM_TEXT(text_to_int4, TYPE_INT4)
FROM_TEXT(text_to_int8, TYPE_INT8)
FROM_TEXT(text_to_float4, TYPE_FLOAT4)
FROM_TEXT(text_to_float8, TYPE_FLOAT8)
FROM_TEXT(text_to_numeric, TYPE_NUMERIC)
FROM_TEXT(text_to_uuid, TYPE_UUID)
FROM_TEXT(text_to_date, TYPE_DATE)
FROM_TEXT(text_to_timestamp, TYPE_TIMESTAMP)
FROM_TEXT(text_to_timestamptz, TYPE_TIMESTAMPTZ)
FROM_TEXT(text_to_bytea, TYPE_BYTEA)
FROM_TEXT(text_to_json, TYPE_JSON)
FROM_TEXT(text_to_jsonb, TYPE_JSONB)
