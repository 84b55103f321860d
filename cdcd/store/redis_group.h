/* Which deletes of a flight leave as one command. */
#ifndef CDCD_STORE_REDIS_GROUP_H
#define CDCD_STORE_REDIS_GROUP_H

#include "store/server.h"

/* How many ops from the next on can leave in one order or another: deletes. */
unsigned redis_run_length(const struct flight *flight);
/* Brings n ops from the next on into groups of one cache and one slot each, in the order of first
 * appearance, so that a command's answer counts for one cache, and a cluster takes it. */
void redis_group_run(struct flight *flight, unsigned n);
/* How many of n ops from the next on one command takes. */
unsigned redis_command_length(const struct flight *flight, unsigned n);

#endif
