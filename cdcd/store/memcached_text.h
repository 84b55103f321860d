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

/* False for a key that no memcached can hold. */
bool memcached_takes_key(const char *key, size_t len);
/* Write a command; false, and nothing is written, when memcached can hold no such key. */
bool memcached_put_delete(struct buf *out, const char *key, size_t len);
/* A counter that begins at `start`, or counts on from where it is; the new number is answered. */
bool memcached_put_bump(struct buf *out, const char *key, size_t len, uint64_t start);
/* The value stays until then, marked: the first who reads it is told to make the new one. */
bool memcached_put_stale(struct buf *out, const char *key, size_t len, int64_t exptime);
/* flags: as in " t c"; what is asked for is in memcached_read_flags. */
bool memcached_put_get(struct buf *out, const char *key, size_t len, const char *flags);
bool memcached_put_touch(struct buf *out, const char *key, size_t len, int64_t exptime);

struct memcached_item {
    const char *value; /* lent */
    size_t value_len;
    int64_t exptime;
    int64_t client_flags;
    int64_t cas; /* only over the value of this number; 0: over any */
};

bool memcached_put_set(struct buf *out, const char *key, size_t len,
                       const struct memcached_item *item);

/* memcached counts whole seconds: a part of one counts as one. */
int64_t memcached_seconds(int64_t ms);
/* How the protocol says so many seconds from now, more than 30 days as a date; 0 is for ever, and
 * what ends later than memcached can count, ends with its count. */
int64_t memcached_exptime(int64_t seconds, int64_t now);

enum memcached_answer_kind {
    MEMCACHED_PARTIAL, /* more bytes are needed */
    MEMCACHED_BROKEN,  /* no answer that we know */
    MEMCACHED_HD,      /* done */
    MEMCACHED_OK,      /* done, to an older command */
    MEMCACHED_NF,      /* no such key */
    MEMCACHED_EN,      /* no such key, of mg */
    MEMCACHED_EX,      /* the value is another by now */
    MEMCACHED_VA,      /* text is the value */
    MEMCACHED_MN,      /* nothing, as asked */
    MEMCACHED_VERSION, /* text is the version */
    MEMCACHED_ERROR,   /* of us, or of this command; text is the whole line */
    MEMCACHED_BUSY,    /* SERVER_ERROR; text is the whole line */
};

struct memcached_answer {
    enum memcached_answer_kind kind;
    const char *text; /* lent from the bytes, as the flags are */
    size_t len;
    const char *flags;
    size_t flags_len;
};

/* Reads the first answer among the bytes; how many it took, 0 when it is PARTIAL or BROKEN. A value
 * of more than `most` bytes is BROKEN. */
size_t memcached_read_answer(const char *bytes, size_t n, size_t most,
                             struct memcached_answer *answer);

struct memcached_flags {
    int64_t ttl_s;        /* t; -1 for ever */
    int64_t cas;          /* c */
    int64_t client_flags; /* f */
    int64_t size;         /* s */
    bool won;             /* W: the value is marked stale, and who asked is to make the new one */
};

/* What was not answered is 0, ttl_s -1. False when something is no number. */
bool memcached_read_flags(const struct memcached_answer *answer, struct memcached_flags *flags);

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
