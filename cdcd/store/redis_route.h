/* The way of ops to the nodes of a Redis Cluster that own their slots, and back. */
#ifndef CDCD_STORE_REDIS_ROUTE_H
#define CDCD_STORE_REDIS_ROUTE_H

#include "store/redis_topology.h"

struct errand;
struct timer;

struct redis_route {
    struct topology *topology;
    struct whole *wholes; /* some piece of them is out */
    struct whole *ended;  /* whoever made them takes them away */
    struct timer *turn;   /* started when there is a new one of those */
};

/* Sends all ops; borrows the batch until the whole has ended, which is never at once. An errand's
 * wait for no place in a node's window: what has the places may wait for the errand. */
void redis_route_send(struct redis_route *route, struct batch *batch, struct errand *errand);
/* The member can take pieces: they leave. */
void redis_route_pump(struct member *member);
/* Takes over what the member's node answered for a piece. */
void redis_route_take(struct redis_route *route, struct member *member, struct batch *batch);
/* Notes what an error says of an op of a piece that is out. */
void redis_route_refused(struct redis_route *route, struct batch *batch, unsigned i,
                         const char *text, size_t len);
/* The member is down: what waits for it is deferred. */
void redis_route_give_up(struct redis_route *route, struct member *member, const char *reason);
/* What was done and is not answered for yet may be lost. */
void redis_route_doubt(struct redis_route *route);
/* For the end: the wholes are left. */
void redis_route_free_pieces(struct redis_route *route);

#endif
