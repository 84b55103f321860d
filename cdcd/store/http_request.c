#include "store/http_request.h"

#include <ctype.h>
#include <string.h>

bool http_is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at >= 128 || (!isalnum((unsigned char)*at) && !strchr(others, *at)))
            return false;
    return *text != '\0';
}

/* A blank or a tab is sent: what comes of it clears more, and never less. */
static bool is_header_value(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 127)
            return false;
    return len > 0;
}

bool http_key_is_possible(const struct http_target *target, const char *key, size_t len)
{
    return len <= HTTP_KEY_MAX && (!target->header || is_header_value(key, len));
}

/* A server asks for a length where a body may come. */
static bool has_body(const char *method)
{
    return !strcmp(method, "POST") || !strcmp(method, "PUT") || !strcmp(method, "PATCH");
}

static void put_head(struct buf *out, const struct http_target *target, const char *method)
{
    buf_printf(out, " HTTP/1.1\r\nHost: %s\r\nUser-Agent: cdcd/" CDCD_VERSION "\r\n%s",
               target->host, has_body(method) ? "Content-Length: 0\r\n" : "");
}

void http_put_delete(struct buf *out, const struct http_target *target, const char *key, size_t len)
{
    buf_printf(out, "%s ", target->method);
    if (!target->header) {
        http_put_path(out, key, len);
        put_head(out, target, target->method);
    } else {
        buf_put_str(out, target->path);
        put_head(out, target, target->method);
        buf_printf(out, "%s: ", target->header);
        buf_put(out, key, len);
        buf_put(out, "\r\n", 2);
    }
    buf_put(out, "\r\n", 2);
}

void http_put_ban(struct buf *out, const struct http_target *target, const char *pattern,
                  size_t len)
{
    buf_printf(out, "BAN %s", target->path);
    put_head(out, target, "BAN");
    buf_put_str(out, target->header ? HTTP_MATCH_KEY ": " : HTTP_MATCH_PATH ": ");
    http_put_match(out, pattern, len, !target->header);
    buf_put(out, "\r\n\r\n", 4);
}

/* What RFC 3986 lets stand in a path, the %, and the ? before a query. */
static bool is_of_path(char byte)
{
    static const char others[] = "-._~!$&'()*+,;=:@/?%";
    return (unsigned char)byte < 128 && byte != '\0' &&
           (isalnum((unsigned char)byte) || strchr(others, byte));
}

void http_put_path_byte(struct buf *out, char byte)
{
    if (is_of_path(byte))
        buf_put(out, &byte, 1);
    else
        buf_printf(out, "%%%02X", (unsigned char)byte);
}

void http_put_path(struct buf *out, const char *key, size_t len)
{
    if (len == 0 || *key != '/')
        buf_put(out, "/", 1);
    for (size_t i = 0; i < len; i++)
        http_put_path_byte(out, key[i]);
}
