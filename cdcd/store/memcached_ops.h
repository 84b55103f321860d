/* What a memcached is told for an op, and what its answers mean.
 *
 * Each command has one answer, in the order of the wire: a `due` each. Some ops ask before they
 * tell: they write their next command when the answer comes. */
#ifndef CDCD_STORE_MEMCACHED_OPS_H
#define CDCD_STORE_MEMCACHED_OPS_H

#include "base/log.h"
#include "store/memcached_mint.h"

struct memcached_ops {
    struct server *server; /* borrowed */
    const char *store;     /* the store's name; borrowed */
    bool there;            /* the key that DUE_SET is about */
    struct log_limit instead_limit;
    struct mints mints;
};

void memcached_ops_init(struct memcached_ops *ops, struct server *server, const char *store);
/* Writes the flight's next op, which is no scan; it counts as sent. */
void memcached_ops_send(struct memcached_ops *ops, struct flight *flight);
/* The answer to what these wrote; may write more. False when the connection was dropped for it. */
bool memcached_ops_take(struct memcached_ops *ops, const struct due *due,
                        const struct memcached_answer *answer);
/* How large a value may be that answers what is due next. */
size_t memcached_ops_most(const struct memcached_ops *ops);
/* For a lost connection, and the end. */
void memcached_ops_forget(struct memcached_ops *ops);

#endif
