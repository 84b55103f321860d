/* The servers of all stores in one row: a store of one server has one lane, a store of several has
 * one for each; the store says which of them an op is for. */
#ifndef CDCD_FLOW_FLEET_H
#define CDCD_FLOW_FLEET_H

#include "flow/batch.h"
#include "flow/part.h"

struct fleet_lane {
    struct lane *lane;
    struct store *store;
    unsigned server;
    bool up;
    int64_t down_since_ms;
};

/* A store's lanes. */
struct fleet_store {
    unsigned first;
    unsigned n;
};

struct fleet {
    struct fleet_store *stores; /* by op.store */
    unsigned n_stores;
    struct fleet_lane *lanes;
    uint64_t *done; /* for each lane, as lane_done said at the last fleet_count_done */
    unsigned n_lanes;
};

/* Adds the next store of the configuration; borrowed. */
void fleet_add(struct fleet *fleet, struct store *store, const struct lane_opts *opts,
               int64_t now_ms);
void fleet_free(struct fleet *fleet);

/* Puts the op into its store's lanes, and notes in the part which batches it now waits for. */
void fleet_put(struct fleet *fleet, const struct op *op, struct part *part);
/* A server went. What waits for it goes to the others too where its clients use those; parts, all
 * that are not done, wait for that as well. */
void fleet_lost(struct fleet *fleet, struct fleet_lane *lost, struct part *parts);
/* Gives the servers what they take. When to call again, though nothing was answered. */
int64_t fleet_send(struct fleet *fleet, int64_t now_ms);
void fleet_count_done(struct fleet *fleet);
void fleet_void(struct fleet *fleet);
size_t fleet_bytes(const struct fleet *fleet);
/* True while a lane's ops go again. */
bool fleet_goes_again(const struct fleet *fleet);

/* Its number in the configuration. */
unsigned fleet_store_number(const struct fleet *fleet, const struct store *store);
struct fleet_lane *fleet_find(struct fleet *fleet, const struct store *store, unsigned server);
/* How many lanes are down; *since_ms is when the last of them went. */
unsigned fleet_n_down(const struct fleet *fleet, int64_t *since_ms);
/* NULL when none is. */
const struct fleet_lane *fleet_first_down(const struct fleet *fleet);

#endif
