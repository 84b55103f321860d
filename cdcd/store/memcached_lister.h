/* Finds the keys of a memcached that match a pattern, over a connection of its own.
 *
 * `lru_crawler metadump all` takes a connection over until it ends; a server makes one listing at a
 * time, and tells others to come again. It walks the LRUs, and an item that moves between them
 * meanwhile can be missed: so it is walked again until nothing matches, three times at most. The
 * other walk, `hash`, misses none, but holds a lock while its reader is slow, and with it all
 * clients of the server (seen with 1.6.18). */
#ifndef CDCD_STORE_MEMCACHED_LISTER_H
#define CDCD_STORE_MEMCACHED_LISTER_H

#include "store/link.h"

struct memcached_lister;
struct memcached_login;

struct memcached_lister_events {
    /* A key that matches; lent. The same key may come again. */
    void (*found)(void *ctx, const char *key, size_t len);
    /* All were found (refusal NULL), or the server refuses to list; lent. */
    void (*ended)(void *ctx, const char *refusal);
};

/* The caller owns it; opts as for a link; login, which is copied, says who we are. */
struct memcached_lister *memcached_lister_make(const struct link_opts *opts,
                                               const struct memcached_login *login,
                                               struct event_base *base,
                                               const struct memcached_lister_events *events,
                                               void *ctx);
/* Borrows the pattern until it ended or is stopped. One at a time. */
void memcached_lister_start(struct memcached_lister *lister, const char *pattern, size_t len);
/* Without an event. */
void memcached_lister_stop(struct memcached_lister *lister);
/* No more is read than what has been, until it goes on. */
void memcached_lister_pause(struct memcached_lister *lister, bool paused);
/* Not from within its events. NULL is allowed. */
void memcached_lister_free(struct memcached_lister *lister);

#endif
