/* A Redis Cluster: to its users a store of one server.
 *
 * Each op goes to the node that owns the slot of its key. Ops whose node is down wait, and hold up
 * no others: their batch is answered for as deferred. */
#ifndef CDCD_STORE_REDIS_CLUSTER_H
#define CDCD_STORE_REDIS_CLUSTER_H

#include "store/store.h"

/* store_ops.check, of the settings that only a cluster has. */
unsigned redis_cluster_check(const struct store_opts *opts, struct complaints *complaints);
/* store_ops.open. */
struct store *redis_cluster_open(const struct store_opts *opts, struct event_base *base,
                                 const struct store_events *events, void *ctx);

#endif
