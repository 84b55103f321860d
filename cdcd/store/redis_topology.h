/* The nodes of a Redis Cluster, and who owns which slot.
 *
 * The map is asked for (CLUSTER SLOTS) at the start, when a node is lost, when an answer showed
 * that it is out of date, and every so often in case nothing did; of nodes that own slots in turn,
 * or of those that were configured as long as none does. */
#ifndef CDCD_STORE_REDIS_TOPOLOGY_H
#define CDCD_STORE_REDIS_TOPOLOGY_H

#include "store/redis_node.h"
#include "store/redis_piece.h"
#include "store/redis_slots.h"

/* How often the map is asked for though nothing happened. */
#define TOPOLOGY_ASK_MS 20000

enum member_state {
    MEMBER_NEW, /* is connected to for the first time */
    MEMBER_UP,
    MEMBER_DOWN,
};

struct member {
    struct redis_node *node;
    struct address address;
    unsigned number;
    enum member_state state;
    bool is_seed; /* configured: kept, whatever the map says */
    unsigned n_slots;
    int64_t lost_ms;    /* when it went down last */
    int64_t vouched_ms; /* when it was last known, not from itself, that it owns slots */
    int64_t used_ms;    /* when somebody named it last */
    /* The cluster's: */
    struct piece *waiting; /* for a place in the node's window, or for it to be up */
    struct piece *out;     /* the node has them */
    unsigned n_named;      /* notes in pieces that name it */
    struct piece *filling[PIECE_N_KINDS];
};

struct topology_events {
    /* The slots have other owners than before, or some do. */
    void (*changed)(void *ctx);
    /* A node took over the slots of another without having got all of its writes, perhaps: those
     * since then. */
    void (*renewed)(void *ctx, int64_t since_ms);
    /* No map can be had of this node, and the operator must act. */
    void (*denied)(void *ctx, const struct err *err);
};

struct topology_opts {
    const struct store_opts *store;
    const struct redis_node_opts *node; /* what all nodes have in common; copied */
    struct event_base *base;
    const struct store_events *node_events; /* their server is the member's number */
    const struct topology_events *events;
    struct store *face; /* what events of nodes carry */
    void *ctx;          /* of all events */
};

struct topology;

/* Makes the members that are configured. The caller owns it. */
struct topology *topology_make(const struct topology_opts *opts);
void topology_start(struct topology *topology);
/* Frees the members; what the cluster keeps there must be gone. */
void topology_free(struct topology *topology);

/* Numbers are below this; some of them may be nobody's, NULL. */
unsigned topology_n_members(const struct topology *topology);
struct member *topology_member(const struct topology *topology, unsigned number);
/* NULL when none is known. */
struct member *topology_owner(const struct topology *topology, unsigned slot);
/* True when a map is known, and some node that owns slots is up. */
bool topology_is_up(const struct topology *topology);
/* True when no node is being tried for the first time, and none that is up could name others. */
bool topology_is_exhausted(const struct topology *topology);
/* True when every slot has an owner that is not down; else why not. */
bool topology_is_whole(const struct topology *topology, char *reason, size_t room);
/* Another with every change of owners. */
uint64_t topology_version(const struct topology *topology);

/* The member at an address; a new one if need be, NULL when there are too many. */
struct member *topology_find(struct topology *topology, const struct address *address);
/* A node said that another one owns a slot. */
void topology_move(struct topology *topology, unsigned slot, struct member *to);
/* The map is in doubt: it is asked for soon. */
void topology_refresh(struct topology *topology);

/* For the nodes' events. */
void topology_up(struct topology *topology, struct member *member);
void topology_down(struct topology *topology, struct member *member);

#endif
