#include "rule/jsontext.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* Types as pg_type.dat numbers them. */
enum {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_NUMERIC = 1700,
    TYPE_JSONB = 3802,
};

static size_t digits(const char *text, size_t at, size_t n)
{
    while (at < n && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

/* As RFC 8259 has it: NaN, Infinity and a default's free text are none. */
static bool is_number(const char *text, size_t n)
{
    size_t begin = n && *text == '-', at = digits(text, begin, n);
    if (at == begin || (text[begin] == '0' && at > begin + 1))
        return false;
    if (at < n && text[at] == '.') {
        begin = at + 1;
        at = digits(text, begin, n);
        if (at == begin)
            return false;
    }
    if (at < n && (text[at] == 'e' || text[at] == 'E')) {
        begin = at + 1;
        if (begin < n && (text[begin] == '+' || text[begin] == '-'))
            begin++;
        at = digits(text, begin, n);
        if (at == begin)
            return false;
    }
    return at == n;
}

void jsontext_put(const char *text, size_t n, uint32_t type, struct buf *to)
{
    switch (type) {
    case TYPE_BOOL:
        if (n == 1 && (*text == 't' || *text == 'f')) {
            buf_put_str(to, *text == 't' ? "true" : "false");
            return;
        }
        break;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
    case TYPE_NUMERIC:
        if (is_number(text, n)) {
            buf_put(to, text, n);
            return;
        }
        break;
    case TYPE_JSON:
    case TYPE_JSONB:
        buf_put(to, text, n);
        return;
    default:
        break;
    }
    jsontext_put_string(text, n, to);
}

static void put_escaped(unsigned char byte, struct buf *to)
{
    static const char shorts[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = byte ? strchr(shorts, byte) : NULL;
    if (found)
        buf_printf(to, "\\%c", letters[found - shorts]);
    else
        buf_printf(to, "\\u%04x", byte);
}

void jsontext_put_string(const char *text, size_t n, struct buf *to)
{
    buf_put(to, "\"", 1);
    uint32_t code;
    for (size_t at = 0; at < n;) {
        unsigned char byte = (unsigned char)text[at];
        size_t length = utf8_read(text + at, n - at, &code);
        if (length == 0)
            buf_put(to, "\xef\xbf\xbd", 3);
        else if (byte < ' ' || byte == '"' || byte == '\\')
            put_escaped(byte, to);
        else
            buf_put(to, text + at, length);
        at += length ? length : 1;
    }
    buf_put(to, "\"", 1);
}
