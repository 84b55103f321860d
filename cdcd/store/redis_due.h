/* What a Redis was asked, and what its error means for that. */
#ifndef CDCD_STORE_REDIS_DUE_H
#define CDCD_STORE_REDIS_DUE_H

#include "store/redis_error.h"
#include "store/server.h"

struct redisReply;

enum redis_due {
    DUE_AUTH,
    DUE_SELECT,
    DUE_ROLE,
    DUE_INFO_SERVER,
    DUE_INFO_REPLICATION,
    DUE_PING, /* the last of the handshake */
    DUE_UNLINK,
    DUE_INSTEAD, /* UNLINK of a key whose new value is too large */
    DUE_BUMP,
    DUE_STALE,
    DUE_MINT, /* a stale of format "mintcache" */
    DUE_EXPIRE,
    DUE_PUBLISH,
    DUE_EXISTS, /* before a SET: was it there? */
    DUE_SET,
    DUE_ASKING,
    DUE_ASIDE,        /* the first of redis_scan's: a set is renamed */
    DUE_PAGE,         /* of all keys */
    DUE_MEMBERS,      /* a page of a set */
    DUE_PAGE_UNLINK,  /* of what a page found */
    DUE_ASIDE_UNLINK, /* the last of redis_scan's */
    DUE_ASKED,        /* of redis_node_ask */
    DUE_WAIT,         /* for replicas, behind all of a batch */
    DUE_END,          /* of a batch of which nothing was sent: there is something to answer it by */
};

/* After its command was written. */
void redis_expect(struct server *server, enum redis_due kind, struct flight *flight, unsigned from,
                  unsigned n);
/* The reply is an error. store is the store's name. */
struct redis_verdict redis_due_judge(enum redis_due kind, const struct redisReply *reply,
                                     const char *store);
/* Notes that what was due was refused with this error: its ops are left without a result. */
void redis_due_fail(const struct due *due, const struct redisReply *reply, const char *store);

#endif
