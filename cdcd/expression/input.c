/* PostgreSQL's input and output functions. */
#include "expression/catalog.h"

#include "base/mem.h"
#include "expression/datetime.h"
#include "expression/json.h"
#include "expression/numeric.h"
#include "expression/real.h"
#include "expression/scan.h"

#include <string.h>

static const char *read_integer(struct text text, int64_t min, int64_t max, int64_t *result)
{
    struct scan scan = scan_make(text);
    scan_spaces(&scan);
    bool negative = scan_byte(&scan, '-');
    if (!negative)
        scan_byte(&scan, '+');
    if (!scan_is_digit(&scan))
        return "not an integer";
    int64_t value = 0;
    bool over = false;
    for (; scan_is_digit(&scan); scan.at++) {
        int digit = *scan.at - '0';
        over = over || __builtin_mul_overflow(value, 10, &value) ||
               __builtin_add_overflow(value, negative ? -digit : digit, &value);
    }
    scan_spaces(&scan);
    if (scan.at != scan.end)
        return "not an integer";
    *result = value;
    return over || value < min || value > max ? "integer out of range" : NULL;
}

/* "on" and "off" are told apart by their second letter, so it has to be there. */
static const char *read_bool(struct text text, bool *result)
{
    static const struct {
        const char *word;
        uint32_t least;
        bool truth;
    } WORDS[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    struct scan scan = scan_make(text);
    scan_spaces(&scan);
    while (scan.end > scan.at &&
           (scan.end[-1] == ' ' || (scan.end[-1] >= '\t' && scan.end[-1] <= '\r')))
        scan.end--;
    size_t n = (size_t)(scan.end - scan.at);
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (n >= WORDS[i].least && n <= strlen(WORDS[i].word) &&
            !strncasecmp(scan.at, WORDS[i].word, n)) {
            *result = WORDS[i].truth;
            return NULL;
        }
    }
    return "not a boolean";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_byte(struct scan *scan, unsigned char *byte)
{
    if (scan->end - scan->at < 2)
        return false;
    int high = hex_digit(scan->at[0]), low = hex_digit(scan->at[1]);
    if (high < 0 || low < 0)
        return false;
    *byte = (unsigned char)(high * 16 + low);
    scan->at += 2;
    return true;
}

/* Braces around it, and hyphens after any four digits, may be there or not. */
static const char *read_uuid(struct text text, unsigned char *uuid)
{
    static const char error[] = "not a uuid";
    struct scan scan = scan_make(text);
    bool brace = scan_byte(&scan, '{');
    for (int i = 0; i < 16; i++) {
        if (!read_byte(&scan, &uuid[i]))
            return error;
        if (i % 2 && i < 15)
            scan_byte(&scan, '-');
    }
    if (brace && !scan_byte(&scan, '}'))
        return error;
    return scan.at == scan.end ? NULL : error;
}

static const char *read_hex(struct scan scan, unsigned char *at, struct text *result)
{
    result->bytes = (const char *)at;
    result->len = 0;
    while (scan.at < scan.end) {
        if (*scan.at == ' ' || *scan.at == '\n' || *scan.at == '\t' || *scan.at == '\r')
            scan.at++;
        else if (read_byte(&scan, &at[result->len]))
            result->len++;
        else
            return "not a hexadecimal number of bytes";
    }
    return NULL;
}

static bool read_octal(struct scan *scan, unsigned char *byte)
{
    const char *at = scan->at;
    if (scan->end - at < 3 || at[0] < '0' || at[0] > '3' || at[1] < '0' || at[1] > '7' ||
        at[2] < '0' || at[2] > '7')
        return false;
    *byte = (unsigned char)((at[0] - '0') * 64 + (at[1] - '0') * 8 + (at[2] - '0'));
    scan->at += 3;
    return true;
}

static const char *read_bytea(struct text text, struct arena *arena, struct text *result)
{
    struct scan scan = scan_make(text);
    if (text.len >= 2 && text.bytes[0] == '\\' && text.bytes[1] == 'x') {
        scan.at += 2;
        return read_hex(scan, arena_alloc(arena, text.len / 2), result);
    }
    unsigned char *bytes = arena_alloc(arena, (size_t)text.len + 1), *at = bytes;
    while (scan.at < scan.end) {
        if (!scan_byte(&scan, '\\'))
            *at++ = (unsigned char)*scan.at++;
        else if (scan_byte(&scan, '\\'))
            *at++ = '\\';
        else if (!read_octal(&scan, at++))
            return "not a bytea";
    }
    *result = (struct text){(const char *)bytes, (uint32_t)(at - bytes)};
    return NULL;
}

static const char *check_json(struct text text, struct arena *arena)
{
    struct json json = json_make(text, false, arena);
    struct text unused;
    const char *error = json_value(&json, &unused);
    return error ? error : json_end(&json);
}

const char *catalog_input(enum type type, struct text text, struct arena *arena,
                          struct datum *result)
{
    result->kind = DATUM_VALUE;
    switch (type) {
    case TYPE_BOOL:
        return read_bool(text, &result->truth);
    case TYPE_INT2:
        return read_integer(text, INT16_MIN, INT16_MAX, &result->integer);
    case TYPE_INT4:
        return read_integer(text, INT32_MIN, INT32_MAX, &result->integer);
    case TYPE_INT8:
        return read_integer(text, INT64_MIN, INT64_MAX, &result->integer);
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        return real_read(text, type == TYPE_FLOAT4, arena, &result->real);
    case TYPE_NUMERIC:
        return numeric_read(text, arena, &result->numeric);
    case TYPE_UUID:
        return read_uuid(text, result->uuid);
    case TYPE_DATE:
        return datetime_read_date(text, &result->days);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return datetime_read(text, type == TYPE_TIMESTAMPTZ, &result->micros);
    case TYPE_BYTEA:
        return read_bytea(text, arena, &result->text);
    case TYPE_JSON:
        result->text = text;
        return check_json(text, arena);
    case TYPE_JSONB:
        return jsonb_normalise(text, arena, &result->text);
    case TYPE_UNKNOWN:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_BPCHAR:
    case TYPE_OTHER:
    case TYPE_ANY:
    case TYPE_NONE:
        break;
    }
    result->text = text;
    return NULL;
}

static struct text write_integer(int64_t value, struct arena *arena)
{
    char *end = (char *)arena_alloc(arena, 24) + 24, *at = end;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        *--at = '-';
    return (struct text){at, (uint32_t)(end - at)};
}

static char *put_hex(char *at, unsigned char byte)
{
    static const char DIGITS[] = "0123456789abcdef";
    *at++ = DIGITS[byte >> 4];
    *at++ = DIGITS[byte & 15];
    return at;
}

static struct text write_uuid(const unsigned char *uuid, struct arena *arena)
{
    char *bytes = arena_alloc(arena, 36), *at = bytes;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        at = put_hex(at, uuid[i]);
    }
    return (struct text){bytes, 36};
}

static const char *write_bytea(struct text raw, struct arena *arena, struct text *result)
{
    if (raw.len > CATALOG_MAX_BYTES / 2)
        return "a bytea too long to write";
    char *bytes = arena_alloc(arena, (size_t)raw.len * 2 + 2), *at = bytes;
    *at++ = '\\';
    *at++ = 'x';
    for (uint32_t i = 0; i < raw.len; i++)
        at = put_hex(at, (unsigned char)raw.bytes[i]);
    *result = (struct text){bytes, (uint32_t)(at - bytes)};
    return NULL;
}

const char *catalog_output(enum type type, const struct datum *datum, struct arena *arena,
                           struct text *result)
{
    switch (type) {
    case TYPE_BOOL:
        *result = (struct text){datum->truth ? "t" : "f", 1};
        return NULL;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        *result = write_integer(datum->integer, arena);
        return NULL;
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        *result = real_write(datum->real, type == TYPE_FLOAT4, arena);
        return NULL;
    case TYPE_NUMERIC:
        *result = numeric_write(datum->numeric, arena);
        return NULL;
    case TYPE_UUID:
        *result = write_uuid(datum->uuid, arena);
        return NULL;
    case TYPE_DATE:
        *result = datetime_write_date(datum->days, arena);
        return NULL;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        *result = datetime_write(datum->micros, type == TYPE_TIMESTAMPTZ, arena);
        return NULL;
    case TYPE_BYTEA:
        return write_bytea(datum->text, arena, result);
    case TYPE_JSON:
    case TYPE_JSONB:
    case TYPE_UNKNOWN:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_BPCHAR:
    case TYPE_OTHER:
    case TYPE_ANY:
    case TYPE_NONE:
        break;
    }
    *result = datum->text;
    return NULL;
}
