/* Patterns of base/glob as expressions of PCRE. What is no letter or digit is escaped, for a VCL
 * joins the expression into a line of words. */
#include "store/http_request.h"

#include <ctype.h>
#include <string.h>

/* What stands for one byte, and for any number of them. */
struct wild {
    bool in_path;
    const char *one;
    const char *any;
    const char *nothing_else; /* in a set of bytes that are not meant */
};

static const struct wild in_path = {true, "(?:%[0-9A-F]{2}|.)", ".*", ""};
static const struct wild in_word = {false, "[^\\x20\\x09,]", "[^\\x20\\x09,]*", "\\x20\\x09,"};

static void put_byte(struct buf *out, char byte)
{
    bool plain = (unsigned char)byte < 128 && byte &&
                 (isalnum((unsigned char)byte) || strchr("/_-~:%", byte));
    if (plain)
        buf_put(out, &byte, 1);
    else if ((unsigned char)byte > ' ' && (unsigned char)byte < 127 && byte != '"')
        buf_printf(out, "\\%c", byte);
    else
        buf_printf(out, "\\x%02x", (unsigned char)byte);
}

static void put_literal(struct buf *out, const struct wild *wild, char byte)
{
    struct buf written = {0};
    if (wild->in_path)
        http_put_path_byte(&written, byte);
    else
        buf_put(&written, &byte, 1);
    for (size_t i = 0; i < written.len; i++)
        put_byte(out, written.data[i]);
    buf_free(&written);
}

/* The set from behind its bracket, as the inside of one; where it ends. */
static const char *put_members(struct buf *out, const char *at, const char *end)
{
    while (at < end && *at != ']') {
        bool escaped = *at == '\\' && end - at >= 2;
        at += escaped;
        unsigned char from = (unsigned char)*at++, to = from;
        if (!escaped && end - at >= 2 && *at == '-') {
            to = (unsigned char)at[1];
            at += 2;
        }
        buf_printf(out, "\\x%02x-\\x%02x", from < to ? from : to, from < to ? to : from);
    }
    return at < end ? at + 1 : at;
}

/* A byte that a path has as %XX is counted in, whether it is of the set or not. */
static const char *put_set(struct buf *out, const struct wild *wild, const char *at,
                           const char *end)
{
    struct buf members = {0};
    bool negated = at < end && *at == '^';
    at = put_members(&members, at + negated, end);
    if (negated)
        buf_put_str(&members, wild->nothing_else);
    if (members.len == 0)
        buf_put_str(out, negated ? wild->one : "(?!)");
    else
        buf_printf(out, "(?:%s[%s%s])", wild->in_path ? "%[0-9A-F]{2}|" : "", negated ? "^" : "",
                   buf_str(&members));
    buf_free(&members);
    return at;
}

/* What begins with no / was given one, unless the value did begin so. */
static void put_begin(struct buf *out, const char *pattern, size_t len)
{
    const char *at = pattern, *end = pattern + len;
    at += len > 1 && *at == '\\';
    buf_put_str(out, "^");
    if (at < end && at == pattern && strchr("*?[", *at))
        buf_put_str(out, "/?");
    else if (at == end || *at != '/')
        buf_put_str(out, "/");
}

static void put_all(struct buf *out, const struct wild *wild, const char *at, const char *end)
{
    while (at < end) {
        char c = *at++;
        if (c == '*') {
            buf_put_str(out, wild->any);
            while (at < end && *at == '*')
                at++;
        } else if (c == '?') {
            buf_put_str(out, wild->one);
        } else if (c == '[') {
            at = put_set(out, wild, at, end);
        } else {
            put_literal(out, wild, c == '\\' && at < end ? *at++ : c);
        }
    }
}

void http_put_match(struct buf *out, const char *pattern, size_t len, bool path)
{
    if (path)
        put_begin(out, pattern, len);
    else
        buf_put_str(out, "(?:^|[\\x20\\x09,])");
    put_all(out, path ? &in_path : &in_word, pattern, pattern + len);
    buf_put_str(out, path ? "$" : "(?:$|[\\x20\\x09,])");
}
