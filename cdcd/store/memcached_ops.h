/* What a memcached is told for an op, and what its answers mean.
 *
 * Each command has one answer, in the order of the wire: a `due` each (server.h), whose kind is one
 * of these. Some ops ask before they tell: they write their next command when the answer comes. */
#ifndef CDCD_STORE_MEMCACHED_OPS_H
#define CDCD_STORE_MEMCACHED_OPS_H

#include "base/log.h"
#include "store/memcached_text.h"
#include "store/server.h"

/* Of a value that is asked for, unless it is one that is to be changed. */
#define MEMCACHED_SMALL_MAX 1024

enum memcached_due {
    DUE_DELETE,
    DUE_INSTEAD, /* md of a key whose new value the server does not take */
    DUE_BUMP,
    DUE_STALE,
    DUE_LIFE,   /* mg before an expire: how long does it live? */
    DUE_EXPIRE, /* mg or md, with the new time */
    DUE_EXISTS, /* mg before an ms: is it there? */
    DUE_SET,
    DUE_SCAN_DELETE, /* of a key that a scan found */
    DUE_END,         /* of a batch: there is always something to answer it by */
};

struct memcached_ops {
    struct server *server; /* borrowed */
    const char *store;     /* the store's name; borrowed */
    bool there;            /* the key that DUE_SET is about */
    struct log_limit instead_limit;
};

/* Writes the flight's next op, which is no scan; it counts as sent. */
void memcached_ops_send(struct memcached_ops *ops, struct flight *flight);
/* The answer to what these wrote; may write more. False when the connection was dropped for it. */
bool memcached_ops_take(struct memcached_ops *ops, const struct due *due,
                        const struct memcached_answer *answer);
/* True when the answer is an error; it was noted in the flight of the due. */
bool memcached_ops_failed(const struct due *due, const struct memcached_answer *answer);

#endif
