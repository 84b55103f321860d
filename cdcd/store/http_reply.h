/* The answers of an HTTP/1 server (RFC 9112), as bytes come.
 *
 * Nothing of an answer is held but its status and, of a redirection, the host that it names. Bodies
 * are skipped; one that is longer than HTTP_BODY_MAX is not waited for. Interim answers (1xx) are
 * skipped as well. */
#ifndef CDCD_STORE_HTTP_REPLY_H
#define CDCD_STORE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_BODY_MAX (1U << 20)

struct http_reader;

struct http_reply {
    unsigned status;
    bool last;         /* nothing that follows on this connection is to be read */
    char location[64]; /* 3xx: the host that it points to, printable; empty for none */
};

enum http_reading {
    HTTP_PARTIAL, /* all was taken, and more is needed */
    HTTP_REPLY,   /* a reply is whole */
    HTTP_BROKEN,  /* no HTTP */
};

/* The caller owns it. */
struct http_reader *http_reader_make(void);
void http_reader_free(struct http_reader *reader);
/* A new connection begins. */
void http_reader_reset(struct http_reader *reader);
/* Reads up to the end of the first reply among the bytes; how many it took. That to a HEAD has no
 * body. */
size_t http_read(struct http_reader *reader, bool of_head, const char *bytes, size_t n,
                 enum http_reading *reading, struct http_reply *reply);
/* The connection was closed: a reply that only this ends is whole; what is PARTIAL then was cut. */
enum http_reading http_read_end(struct http_reader *reader, struct http_reply *reply);
/* Some bytes of a reply that is not whole were read. */
bool http_reader_is_midway(const struct http_reader *reader);

#endif
