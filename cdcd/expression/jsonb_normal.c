/* Tells texts that are as jsonb writes them, which those of a column always are, without making
 * anything. Of a text that only might be it says no. */
#include "expression/json.h"

/* Longer numbers may be out of numeric's range. */
#define MAX_NUMBER 1000

static bool is_value(struct scan *scan, int depth);

/* Escapes by number are left to the reader of the whole. */
static bool is_string(struct scan *scan, struct text *text)
{
    static const char ESCAPES[] = "\"\\bfnrt";
    if (!scan_byte(scan, '"'))
        return false;
    const char *begin = scan->at;
    for (; scan->at < scan->end && *scan->at != '"'; scan->at++) {
        if ((unsigned char)*scan->at < 0x20)
            return false;
        if (*scan->at != '\\')
            continue;
        if (++scan->at == scan->end || !memchr(ESCAPES, *scan->at, sizeof ESCAPES - 1))
            return false;
    }
    *text = (struct text){begin, (uint32_t)(scan->at - begin)};
    return scan_byte(scan, '"');
}

/* Shorter keys first; those with escapes, whose length is not seen here, are not told. */
static bool is_next_key(struct text last, struct text key)
{
    if (memchr(key.bytes, '\\', key.len))
        return false;
    if (!last.bytes || last.len != key.len)
        return !last.bytes || last.len < key.len;
    return memcmp(last.bytes, key.bytes, key.len) < 0;
}

static bool is_number(struct scan *scan)
{
    const char *begin = scan->at;
    bool negative = scan_byte(scan, '-'), zero = true;
    const char *first = scan->at;
    for (; scan_is_digit(scan); scan->at++)
        zero = zero && *scan->at == '0';
    if (scan->at == first || (*first == '0' && scan->at - first > 1))
        return false;
    if (scan_byte(scan, '.')) {
        if (!scan_is_digit(scan))
            return false;
        for (; scan_is_digit(scan); scan->at++)
            zero = zero && *scan->at == '0';
    }
    return !(negative && zero) && scan->at - begin <= MAX_NUMBER;
}

static bool is_members(struct scan *scan, bool object, int depth)
{
    char close = object ? '}' : ']';
    struct text last = {0};
    scan->at++;
    if (depth > JSON_MAX_DEPTH || scan_byte(scan, close))
        return depth <= JSON_MAX_DEPTH;
    do {
        struct text key;
        if (object && (!is_string(scan, &key) || !is_next_key(last, key) || !scan_byte(scan, ':') ||
                       !scan_byte(scan, ' ')))
            return false;
        if (object)
            last = key;
        if (!is_value(scan, depth))
            return false;
        if (scan_byte(scan, close))
            return true;
    } while (scan_byte(scan, ',') && scan_byte(scan, ' '));
    return false;
}

static bool is_word(struct scan *scan, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, word, n) != 0)
        return false;
    scan->at += n;
    return true;
}

static bool is_value(struct scan *scan, int depth)
{
    struct text unused;
    switch (scan->at < scan->end ? *scan->at : '\0') {
    case '"':
        return is_string(scan, &unused);
    case '{':
    case '[':
        return is_members(scan, *scan->at == '{', depth + 1);
    case 't':
        return is_word(scan, "true");
    case 'f':
        return is_word(scan, "false");
    case 'n':
        return is_word(scan, "null");
    default:
        return is_number(scan);
    }
}

bool jsonb_is_normal(struct text text)
{
    struct scan scan = scan_make(text);
    return is_value(&scan, 0) && scan.at == scan.end;
}
