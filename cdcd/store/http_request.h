/* Requests that tell an HTTP cache what is out of date (RFC 9110, RFC 3986).
 *
 *     PURGE /post/1 HTTP/1.1          a key is the path
 *     PURGE / HTTP/1.1                or stands in a header: xkey-purge: post-1
 *     BAN / HTTP/1.1                  a pattern: x-cdcd-match-path: ^/post/.*$
 *
 * No byte of a key breaks out of its place. A path is as it is: what may not stand in one is
 * written as %XX, and what is %XX already stays so. */
#ifndef CDCD_STORE_HTTP_REQUEST_H
#define CDCD_STORE_HTTP_REQUEST_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* No cache takes so long a line, whatever it is set to. */
#define HTTP_KEY_MAX 16384

/* What carries the expression of a ban: one for the whole path, or for one word of the header that
 * an object was tagged with. */
#define HTTP_MATCH_PATH "x-cdcd-match-path"
#define HTTP_MATCH_KEY "x-cdcd-match-key"

/* Strings are borrowed, and were checked. */
struct http_target {
    const char *method;
    const char *host;
    const char *path;   /* where the key is no path */
    const char *header; /* that carries the key; NULL: the path does */
};

/* False for a key that no cache can have, for it cannot be sent. */
bool http_key_is_possible(const struct http_target *target, const char *key, size_t len);
/* Only what is possible. */
void http_put_delete(struct buf *out, const struct http_target *target, const char *key,
                     size_t len);
/* The pattern is base/glob's. */
void http_put_ban(struct buf *out, const struct http_target *target, const char *pattern,
                  size_t len);

/* The key as the path of a request; begins with / */
void http_put_path(struct buf *out, const char *key, size_t len);
/* The byte as it stands in one, but behind the first /. */
void http_put_path_byte(struct buf *out, char byte);
/* The pattern as an expression of PCRE without blanks. In a path: of the whole path, as
 * http_put_path writes those of the keys that match. Else of one word among others, which blanks
 * or commas part. */
void http_put_match(struct buf *out, const char *pattern, size_t len, bool in_path);

/* A word that may be a method or the name of a header. */
bool http_is_token(const char *text);

#endif
