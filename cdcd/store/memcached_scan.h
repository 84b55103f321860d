/* Finds the keys of a memcached that match a pattern, over a connection of its own.
 *
 * `lru_crawler metadump all` takes a connection over until it ends; a server makes one listing at a
 * time, and tells others to come again. It walks the LRUs, and an item that moves between them
 * meanwhile can be missed: so it is walked again until nothing matches, three times at most. The
 * other walk, `hash`, misses none, but holds a lock while its reader is slow, and with it all
 * clients of the server (seen with 1.6.18). */
#ifndef CDCD_STORE_MEMCACHED_SCAN_H
#define CDCD_STORE_MEMCACHED_SCAN_H

#include "store/link.h"

struct memcached_scan;

struct memcached_scan_events {
    /* A key that matches; lent. The same key may come again. */
    void (*found)(void *ctx, const char *key, size_t len);
    /* All were found (refusal NULL), or the server refuses to list; lent. */
    void (*ended)(void *ctx, const char *refusal);
};

/* The caller owns it; opts as for a link. */
struct memcached_scan *memcached_scan_make(const struct link_opts *opts, struct event_base *base,
                                           const struct memcached_scan_events *events, void *ctx);
/* Borrows the pattern until it ended or is stopped. One at a time. */
void memcached_scan_start(struct memcached_scan *scan, const char *pattern, size_t len);
/* Without an event. */
void memcached_scan_stop(struct memcached_scan *scan);
/* No more is read than what has been, until it goes on. */
void memcached_scan_pause(struct memcached_scan *scan, bool paused);
/* Not from within its events. NULL is allowed. */
void memcached_scan_free(struct memcached_scan *scan);

#endif
