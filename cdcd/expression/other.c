#include "expression/other.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 63

enum other_oid {
    OID_CHAR = 18,
    OID_NAME = 19,
    OID_OID = 26,
    OID_XML = 142,
    OID_POINT = 600,
    OID_CIDR = 650,
    OID_MONEY = 790,
    OID_MACADDR = 829,
    OID_INET = 869,
    OID_BOOL_ARRAY = 1000,
    OID_INT2_ARRAY = 1005,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_VARCHAR_ARRAY = 1015,
    OID_INT8_ARRAY = 1016,
    OID_TIME = 1083,
    OID_TIMESTAMP_ARRAY = 1115,
    OID_DATE_ARRAY = 1182,
    OID_TIMESTAMPTZ_ARRAY = 1185,
    OID_INTERVAL = 1186,
    OID_NUMERIC_ARRAY = 1231,
    OID_TIMETZ = 1266,
    OID_BIT = 1560,
    OID_VARBIT = 1562,
    OID_UUID_ARRAY = 2951,
    OID_TSVECTOR = 3614,
    OID_JSONB_ARRAY = 3807,
    OID_INT4_RANGE = 3904,
    OID_NUM_RANGE = 3906,
    OID_TS_RANGE = 3908,
    OID_TSTZ_RANGE = 3910,
    OID_DATE_RANGE = 3912,
    OID_INT8_RANGE = 3926,
};

static bool is_among(uint32_t oid, const uint32_t *oids)
{
    for (; *oids; oids++)
        if (*oids == oid)
            return true;
    return false;
}

const char *other_name(uint32_t oid)
{
    static const struct {
        uint32_t oid;
        const char *name;
    } names[] = {
        {OID_CHAR, "\"char\""},
        {OID_NAME, "name"},
        {OID_OID, "oid"},
        {OID_XML, "xml"},
        {OID_POINT, "point"},
        {OID_CIDR, "cidr"},
        {OID_MONEY, "money"},
        {OID_MACADDR, "macaddr"},
        {OID_INET, "inet"},
        {OID_BOOL_ARRAY, "boolean[]"},
        {OID_INT2_ARRAY, "smallint[]"},
        {OID_INT4_ARRAY, "integer[]"},
        {OID_TEXT_ARRAY, "text[]"},
        {OID_VARCHAR_ARRAY, "varchar[]"},
        {OID_INT8_ARRAY, "bigint[]"},
        {OID_TIME, "time"},
        {OID_TIMESTAMP_ARRAY, "timestamp[]"},
        {OID_DATE_ARRAY, "date[]"},
        {OID_TIMESTAMPTZ_ARRAY, "timestamptz[]"},
        {OID_INTERVAL, "interval"},
        {OID_NUMERIC_ARRAY, "numeric[]"},
        {OID_TIMETZ, "timetz"},
        {OID_BIT, "bit"},
        {OID_VARBIT, "varbit"},
        {OID_UUID_ARRAY, "uuid[]"},
        {OID_TSVECTOR, "tsvector"},
        {OID_JSONB_ARRAY, "jsonb[]"},
        {OID_INT4_RANGE, "int4range"},
        {OID_NUM_RANGE, "numrange"},
        {OID_TS_RANGE, "tsrange"},
        {OID_TSTZ_RANGE, "tstzrange"},
        {OID_DATE_RANGE, "daterange"},
        {OID_INT8_RANGE, "int8range"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].oid == oid)
            return names[i].name;
    return NULL;
}

bool other_is_equal_by_text(uint32_t oid, const struct own_type *own)
{
    static const uint32_t oids[] = {OID_NAME,       OID_OID,        OID_CIDR,          OID_MACADDR,
                                    OID_INET,       OID_INT2_ARRAY, OID_INT4_ARRAY,    OID_TIME,
                                    OID_INT8_ARRAY, OID_TEXT_ARRAY, OID_VARCHAR_ARRAY, 0};
    return own ? own->equality >= OWN_EQUALITY_ENUM : is_among(oid, oids);
}

bool other_may_be_row(uint32_t oid, const struct own_type *own)
{
    return own ? own->equality == OWN_EQUALITY_ROW : oid >= OTHER_FIRST_OWN_OID;
}

bool other_casts_to_text(uint32_t oid, const struct own_type *own)
{
    static const uint32_t oids[] = {OID_NAME,
                                    OID_OID,
                                    OID_MACADDR,
                                    OID_TIME,
                                    OID_INTERVAL,
                                    OID_TIMETZ,
                                    OID_POINT,
                                    OID_BIT,
                                    OID_VARBIT,
                                    OID_TSVECTOR,
                                    OID_INT4_RANGE,
                                    OID_NUM_RANGE,
                                    OID_TS_RANGE,
                                    OID_TSTZ_RANGE,
                                    OID_DATE_RANGE,
                                    OID_INT8_RANGE,
                                    OID_BOOL_ARRAY,
                                    OID_INT2_ARRAY,
                                    OID_INT4_ARRAY,
                                    OID_TEXT_ARRAY,
                                    OID_INT8_ARRAY,
                                    OID_DATE_ARRAY,
                                    OID_UUID_ARRAY,
                                    OID_VARCHAR_ARRAY,
                                    OID_NUMERIC_ARRAY,
                                    OID_JSONB_ARRAY,
                                    OID_TIMESTAMP_ARRAY,
                                    OID_TIMESTAMPTZ_ARRAY,
                                    0};
    return own ? own->casts_to_text : is_among(oid, oids);
}

static bool is_label(const char *const *labels, const char *text, size_t n)
{
    while (*labels && (strlen(*labels) != n || memcmp(*labels, text, n) != 0))
        labels++;
    return *labels != NULL;
}

/* {sad,ok} without quotes. */
static bool are_labels(const char *const *labels, struct text array)
{
    const char *at = array.bytes + 1, *end = array.bytes + array.len - 1;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *word_end = comma ? comma : end;
        if (!is_label(labels, at, (size_t)(word_end - at)))
            return false;
        at = word_end + 1;
    }
    return true;
}

bool other_is_label(const struct own_type *own, struct text literal)
{
    if (!own || !own->labels)
        return true;
    if (own->equality == OWN_EQUALITY_ENUMS)
        return are_labels(own->labels, literal);
    return is_label(own->labels, literal.bytes, literal.len);
}

/* Digits without a leading zero, at most the greatest; NULL when it is none, else what follows. */
static const char *skip_number(const char *at, unsigned long greatest)
{
    size_t n = strspn(at, "0123456789");
    if (n == 0 || n > 18 || (n > 1 && *at == '0') || strtoul(at, NULL, 10) > greatest)
        return NULL;
    return at + n;
}

/* 10.0.0.1, and 10.0.0.0/8 where the network is not the whole. */
static bool is_ipv4(const char *at)
{
    for (int i = 0; i < 4; i++) {
        at = skip_number(at, 255);
        if (!at || (i < 3 && *at++ != '.'))
            return false;
    }
    if (!*at)
        return true;
    at = *at == '/' ? skip_number(at + 1, 31) : NULL;
    return at && !*at;
}

/* 12:30:00, 12:30:00.5 */
static bool is_time(const char *at)
{
    static const char shape[] = "dd:dd:dd";
    for (size_t i = 0; shape[i]; i++, at++)
        if (shape[i] == 'd' ? !isdigit((unsigned char)*at) : *at != ':')
            return false;
    if (atoi(at - 8) > 23 || atoi(at - 5) > 59 || atoi(at - 2) > 59)
        return false;
    size_t n = *at == '.' ? strspn(at + 1, "0123456789") : 0;
    return !*at || (n > 0 && n <= 6 && !at[n + 1] && at[n] != '0');
}

/* {1,2}, {news,sport}: elements that need no quotes. */
static bool is_array(const char *at, bool integers)
{
    size_t len = strlen(at);
    if (len < 2 || at[0] != '{' || at[len - 1] != '}')
        return false;
    if (len == 2)
        return true;
    do {
        const char *start = ++at;
        if (integers)
            at = skip_number(at, 32767);
        else
            while (isalnum((unsigned char)*at) || *at == '_')
                at++;
        if (!at || at == start || (at - start == 4 && strncasecmp(start, "null", 4) == 0))
            return false;
    } while (*at == ',');
    return *at == '}' && !at[1];
}

bool other_is_canonical(uint32_t oid, const struct own_type *own, struct text literal)
{
    char text[256];
    if (own && own->equality != OWN_EQUALITY_ENUMS)
        return own->equality == OWN_EQUALITY_ENUM;
    if (literal.len >= sizeof text || memchr(literal.bytes, '\0', literal.len))
        return false;
    memcpy(text, literal.bytes, literal.len);
    text[literal.len] = '\0';
    if (own)
        return is_array(text, false);
    switch (oid) {
    case OID_NAME:
        return literal.len <= NAME_MAX_BYTES;
    case OID_OID: {
        const char *end = skip_number(text, 4294967295);
        return end && !*end;
    }
    case OID_INET:
        return is_ipv4(text);
    case OID_TIME:
        return is_time(text);
    case OID_INT2_ARRAY:
    case OID_INT4_ARRAY:
    case OID_INT8_ARRAY:
        return is_array(text, true);
    case OID_TEXT_ARRAY:
    case OID_VARCHAR_ARRAY:
        return is_array(text, false);
    default:
        return false;
    }
}
