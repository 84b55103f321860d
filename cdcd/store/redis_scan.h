/* The ops of one Redis server that delete what they do not name: all keys that match a pattern, and
 * the keys that a set names.
 *
 *     scan             SCAN -> UNLINK of the page -> pause -> SCAN -> ... -> cursor 0
 *     delete-members   put aside -> SSCAN -> UNLINK of the page -> pause -> ... -> UNLINK the rest
 *
 * One runs at a time, beside all else that the server is sent, and pauses after each page for as
 * long as the page took: half of the time Redis is free of it.
 *
 * A set is renamed before it is read. Whoever caches a key meanwhile names it in a new set, which
 * is for the next change; and until all of its members were deleted it is there to be found by the
 * op that is sent again after a lost connection, or the daemon's own end. Were members taken out of
 * the set one by one, before or after they are deleted, one would be lost either way: by an end in
 * between, or by a reader in between. (It is so in a cluster too, where the members are not on one
 * server and no script reaches them.)
 *
 * What a lost connection interrupted goes on where it was, if it is the same batch that comes again
 * and the same process that answers, with the data that it had: a cursor means nothing to another,
 * and with a master's data the keys of the pages before are back. Else it begins again. */
#ifndef CDCD_STORE_REDIS_SCAN_H
#define CDCD_STORE_REDIS_SCAN_H

#include "base/buf.h"
#include "store/redis_handshake.h"
#include "store/scan.h"

struct event_base;
struct redisReply;
struct timer;

#define REDIS_CURSOR_SIZE 21

/* Where a scan was when its connection was lost. */
struct redis_mark {
    uint64_t seq; /* of its batch; 0: there is no mark */
    struct buf key;
    struct redis_identity server;
    char cursor[REDIS_CURSOR_SIZE];
    bool found;
};

/* What a scanner is told by its node; borrowed. */
struct redis_scanner_opts {
    const char *store;                   /* its name */
    const struct redis_identity *server; /* that is up */
    bool by_slot;                        /* a command's keys must be of one slot */
    /* See redis_node.h. */
    void (*delete_members)(void *ctx, unsigned number, uint64_t page,
                           struct redisReply *const *keys, size_t n);
    void *ctx;
    unsigned number;
};

/* A part of the node; borrows the server. */
struct redis_scanner {
    struct redis_scanner_opts opts;
    struct server *server;
    struct timer *timer;
    struct scans scans;
    /* Of the one that runs: */
    char cursor[REDIS_CURSOR_SIZE]; /* of the page that is being deleted */
    char next[REDIS_CURSOR_SIZE];   /* what follows it */
    uint64_t page;                  /* its number, never the same again */
    int64_t page_us;                /* when it was asked for */
    struct buf aside;               /* the name of the set that was put aside */
    bool again; /* what was put aside was an earlier op's: the set is yet to come */
    struct redis_mark mark;
};

void redis_scanner_init(struct redis_scanner *scanner, struct server *server,
                        struct event_base *base, const struct redis_scanner_opts *opts);
void redis_scanner_free(struct redis_scanner *scanner);
/* The flight's next op is one of those: it runs now, or after those before it. */
void redis_scanner_add(struct redis_scanner *scanner, struct flight *flight);
/* The reply to what it sent; false when the connection was dropped for it. */
bool redis_scanner_take(struct redis_scanner *scanner, const struct due *due,
                        const struct redisReply *reply);
/* The members of the page were deleted, or not: then why. Of an old page it means nothing. */
void redis_scanner_deleted(struct redis_scanner *scanner, uint64_t page, enum batch_status status,
                           const char *reason);
/* For a lost connection. */
void redis_scanner_forget(struct redis_scanner *scanner);

#endif
