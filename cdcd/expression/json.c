#include "expression/json.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

static const char SYNTAX[] = "not a JSON text";
static const char NO_CHARACTER[] = "a JSON escape that is no character";

struct json json_make(struct text text, bool decode, struct arena *arena)
{
    return (struct json){.scan = scan_make(text), .arena = arena, .decode = decode};
}

static void skip_spaces(struct json *json)
{
    struct scan *scan = &json->scan;
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

enum json_kind json_next(struct json *json)
{
    skip_spaces(json);
    switch (json->scan.at < json->scan.end ? *json->scan.at : 'n') {
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static bool read_hex(struct scan *scan, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        if (scan->at == scan->end)
            return false;
        char c = *scan->at, letter = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(letter >= 'a' && letter <= 'f'))
            return false;
        *code = *code << 4 | (uint32_t)(digit ? c - '0' : letter - 'a' + 10);
    }
    return true;
}

/* After `\u`; a pair of surrogates is one character, and one alone is none. */
static const char *decode_unicode(struct scan *scan, bool decode, char **out)
{
    uint32_t code, low;
    if (!read_hex(scan, &code))
        return SYNTAX;
    if (!decode)
        return NULL;
    if (code >= 0xd800 && code < 0xdc00) {
        if (!scan_byte(scan, '\\') || !scan_byte(scan, 'u') || !read_hex(scan, &low) ||
            low < 0xdc00 || low >= 0xe000)
            return NO_CHARACTER;
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
    } else if (code == 0 || (code >= 0xdc00 && code < 0xe000)) {
        return NO_CHARACTER;
    }
    *out += utf8_write(code, *out);
    return NULL;
}

static const char *decode_escape(struct scan *scan, bool decode, char **out)
{
    static const char NAMES[] = "\"\\/bfnrt", BYTES[] = "\"\\/\b\f\n\r\t";
    if (scan_byte(scan, 'u'))
        return decode_unicode(scan, decode, out);
    const char *name =
        scan->at < scan->end && *scan->at ? memchr(NAMES, *scan->at, sizeof NAMES - 1) : NULL;
    if (!name)
        return SYNTAX;
    scan->at++;
    if (decode)
        *(*out)++ = BYTES[name - NAMES];
    return NULL;
}

/* Up to the closing quote or the first backslash. */
static const char *plain_part(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\') {
        if ((unsigned char)*scan->at++ < 0x20)
            return SYNTAX;
    }
    return scan->at < scan->end ? NULL : SYNTAX;
}

const char *json_read_string(struct json *json, struct text *text)
{
    struct scan *scan = &json->scan;
    if (!scan_byte(scan, '"'))
        return SYNTAX;
    const char *begin = scan->at, *error = plain_part(scan);
    if (error)
        return error;
    *text = (struct text){begin, (uint32_t)(scan->at - begin)};
    if (scan_byte(scan, '"'))
        return NULL;
    char *bytes = NULL, *out = NULL;
    if (json->decode) {
        const char *quote = scan->at; /* no longer than its source */
        while (quote < scan->end && *quote != '"')
            quote += *quote == '\\' && quote + 1 < scan->end ? 2 : 1;
        bytes = arena_alloc(json->arena, (size_t)(quote - begin) + 1);
        memcpy(bytes, begin, text->len);
        out = bytes + text->len;
    }
    while (!scan_byte(scan, '"')) {
        const char *part = scan->at;
        if (scan_byte(scan, '\\'))
            error = decode_escape(scan, json->decode, &out);
        else
            error = plain_part(scan);
        if (error)
            return error;
        if (json->decode && *part != '\\') {
            memcpy(out, part, (size_t)(scan->at - part));
            out += scan->at - part;
        }
    }
    *text = json->decode ? (struct text){bytes, (uint32_t)(out - bytes)}
                         : (struct text){begin, (uint32_t)(scan->at - 1 - begin)};
    return NULL;
}

static bool digits(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan_is_digit(scan))
        scan->at++;
    return scan->at > begin;
}

static const char *read_number(struct scan *scan)
{
    scan_byte(scan, '-');
    if (!scan_byte(scan, '0') && !digits(scan))
        return SYNTAX;
    if (scan_byte(scan, '.') && !digits(scan))
        return SYNTAX;
    if (scan_byte(scan, 'e') || scan_byte(scan, 'E')) {
        if (!scan_byte(scan, '-'))
            scan_byte(scan, '+');
        if (!digits(scan))
            return SYNTAX;
    }
    return NULL;
}

static const char *read_word(struct scan *scan)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(WORDS[i]);
        if ((size_t)(scan->end - scan->at) >= n && !memcmp(scan->at, WORDS[i], n)) {
            scan->at += n;
            return NULL;
        }
    }
    return SYNTAX;
}

/* What may stand in a word or number ends neither. */
static bool goes_on(const struct scan *scan)
{
    if (scan->at == scan->end)
        return false;
    char c = *scan->at, letter = (char)(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || scan_is_digit(scan) || c == '_' || c == '.' ||
           (unsigned char)c >= 0x80;
}

static const char *read_scalar(struct json *json, enum json_kind kind)
{
    struct text unused;
    if (kind == JSON_STRING)
        return json_read_string(json, &unused);
    const char *error = kind == JSON_NUMBER ? read_number(&json->scan) : read_word(&json->scan);
    return error || !goes_on(&json->scan) ? error : SYNTAX;
}

static const char *read_all(struct json *json, bool object)
{
    const char *error = json_enter(json);
    struct text unused;
    bool more = true;
    for (uint32_t n = 0; !error && more;) {
        error = object ? json_member(json, &n, &more, &unused) : json_element(json, &n, &more);
        if (!error && more)
            error = json_value(json, &unused);
    }
    return error;
}

const char *json_value(struct json *json, struct text *value)
{
    enum json_kind kind = json_next(json);
    const char *begin = json->scan.at;
    const char *error = kind == JSON_ARRAY || kind == JSON_OBJECT
                            ? read_all(json, kind == JSON_OBJECT)
                            : read_scalar(json, kind);
    *value = (struct text){begin, (uint32_t)(json->scan.at - begin)};
    return error;
}

const char *json_enter(struct json *json)
{
    json->scan.at++;
    return ++json->depth > JSON_MAX_DEPTH ? "a JSON text nested too deep" : NULL;
}

static const char *next(struct json *json, uint32_t *n, bool *more, char close)
{
    skip_spaces(json);
    if (json->arena && arena_bytes(json->arena) > CATALOG_MAX_MADE)
        return "a JSON text too long";
    *more = !scan_byte(&json->scan, close);
    if (!*more)
        json->depth--;
    else if (*n && !scan_byte(&json->scan, ','))
        return SYNTAX;
    ++*n;
    return NULL;
}

const char *json_element(struct json *json, uint32_t *n, bool *more)
{
    return next(json, n, more, ']');
}

const char *json_member(struct json *json, uint32_t *n, bool *more, struct text *key)
{
    const char *error = next(json, n, more, '}');
    if (error || !*more)
        return error;
    skip_spaces(json);
    error = json_read_string(json, key);
    skip_spaces(json);
    return error || scan_byte(&json->scan, ':') ? error : SYNTAX;
}

const char *json_end(struct json *json)
{
    skip_spaces(json);
    return json->scan.at == json->scan.end ? NULL : SYNTAX;
}
