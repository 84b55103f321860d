/* One memcached server: its connection, the handshake, its scans, and the batches on their way.
 *
 * What the store of memcacheds is made of. Its events carry the store and the number that it was
 * made with; it answers for a batch as a store does (store.h). */
#ifndef CDCD_STORE_MEMCACHED_PEER_H
#define CDCD_STORE_MEMCACHED_PEER_H

#include "store/store.h"

struct memcached_peer;

/* Connects. The server's address is opts->servers[number], which was checked; borrows the options
 * until it is freed. With ejects, clients use other servers while this one is dead (ejection.h).
 * The caller owns it. */
struct memcached_peer *memcached_peer_make(const struct store_opts *opts, struct event_base *base,
                                           struct store *store, unsigned number, bool ejects,
                                           const struct store_events *events, void *ctx);
/* Ends the connection; batches that are out are answered for no more. */
void memcached_peer_free(struct memcached_peer *peer);

/* "memcached 127.0.0.1:11211"; borrowed until it is freed. */
const char *memcached_peer_name(const struct memcached_peer *peer);
/* True while copies of its keys may be on other servers. */
bool memcached_peer_strays(const struct memcached_peer *peer);
/* True while it is up and its window is not full. */
bool memcached_peer_ready(const struct memcached_peer *peer);
/* Borrows the batch until it is answered for. Only while ready. */
void memcached_peer_send(struct memcached_peer *peer, struct batch *batch);

#endif
