/* A Redis whose master the sentinels name: to its users a store of one server.
 *
 *     asking --elected--> connected --lost, or another is elected--> asking
 *       ^                                                               |
 *       '------------- a while <---- none is elected, or it is down ----'
 *
 * It connects only to what most sentinels name, and to a server that says itself that it is the
 * master. While it is connected it goes on though the sentinels are gone. */
#ifndef CDCD_STORE_REDIS_MASTER_H
#define CDCD_STORE_REDIS_MASTER_H

#include "store/store.h"

/* Of the settings that only such a store has; the number of errors. */
unsigned redis_master_check(const struct store_opts *opts, struct complaints *complaints);
/* store_ops.open. */
struct store *redis_master_open(const struct store_opts *opts, struct event_base *base,
                                const struct store_events *events, void *ctx);

#endif
