/* memcached's meta commands and their answers, as bytes: doc/protocol.txt of memcached 1.6.
 *
 * A key never breaks out of its command: it goes as it is when it holds neither blanks nor control
 * characters and has at most 250 bytes; else as base64 when that has at most 250 bytes; else not
 * at all. */
#ifndef CDCD_STORE_MEMCACHED_TEXT_H
#define CDCD_STORE_MEMCACHED_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Write a command; false, and nothing is written, when memcached can hold no such key. */
bool memcached_put_delete(struct buf *out, const char *key, size_t len);
/* A counter that begins at `start`, or counts on from where it is; the new number is answered. */
bool memcached_put_bump(struct buf *out, const char *key, size_t len, uint64_t start);

enum memcached_answer_kind {
    MEMCACHED_PARTIAL, /* more bytes are needed */
    MEMCACHED_BROKEN,  /* no answer that we know */
    MEMCACHED_HD,      /* done */
    MEMCACHED_NF,      /* no such key */
    MEMCACHED_VA,      /* text is the value */
    MEMCACHED_MN,      /* nothing, as asked */
    MEMCACHED_VERSION, /* text is the version */
    MEMCACHED_ERROR,   /* of us, or of this command; text is the whole line */
    MEMCACHED_BUSY,    /* SERVER_ERROR; text is the whole line */
};

struct memcached_answer {
    enum memcached_answer_kind kind;
    const char *text; /* lent from the bytes */
    size_t len;
};

/* Reads the first answer among the bytes; how many it took, 0 when it is PARTIAL or BROKEN. */
size_t memcached_read_answer(const char *bytes, size_t n, struct memcached_answer *answer);

enum memcached_listing_kind {
    LISTING_PARTIAL, /* more bytes are needed */
    LISTING_BROKEN,  /* no line that we know */
    LISTING_KEY,     /* one item */
    LISTING_END,
    LISTING_BUSY,    /* another listing runs */
    LISTING_REFUSED, /* listing is switched off */
};

/* Reads the first line of a listing (`lru_crawler metadump all`) among the bytes; how many it
 * took. key gets what %XX stood for. */
size_t memcached_read_listing(const char *bytes, size_t n, enum memcached_listing_kind *kind,
                              struct buf *key);

/* True for the version of a server that knows the commands above: 1.6.10, which answers HD and
 * takes base64. */
bool memcached_version_is_known(const char *version, size_t len);

#endif
