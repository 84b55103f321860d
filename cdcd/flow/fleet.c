#include "flow/fleet.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

void fleet_add(struct fleet *fleet, struct store *store, const struct lane_opts *opts,
               int64_t now_ms)
{
    unsigned n = store->ops->n_servers(store);
    fleet->stores = mem_resize(fleet->stores, (fleet->n_stores + 1) * sizeof *fleet->stores);
    fleet->stores[fleet->n_stores].first = fleet->n_lanes;
    fleet->stores[fleet->n_stores++].n = n;
    fleet->lanes = mem_resize(fleet->lanes, (fleet->n_lanes + n) * sizeof *fleet->lanes);
    fleet->done = mem_resize(fleet->done, (fleet->n_lanes + n) * sizeof *fleet->done);
    for (unsigned server = 0; server < n; server++) {
        fleet->done[fleet->n_lanes] = 0;
        fleet->lanes[fleet->n_lanes++] = (struct fleet_lane){
            .lane = lane_make(store, server, opts),
            .store = store,
            .server = server,
            .down_since_ms = now_ms,
        };
    }
}

void fleet_free(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->n_lanes; i++)
        lane_free(fleet->lanes[i].lane);
    free(fleet->stores);
    free(fleet->lanes);
    free(fleet->done);
    *fleet = (struct fleet){0};
}

/* A scan deletes keys wherever they are. */
static unsigned route(const struct store *store, const struct op *op)
{
    if (!store->ops->route || op->action == OP_SCAN)
        return STORE_EVERY;
    return store->ops->route(store, op->key, op->key_len);
}

/* A copy that strayed is only ever deleted: what would be put there now is old when a client comes
 * for it another time. */
static uint64_t put_stray(struct lane *lane, const struct op *op)
{
    struct op stray = *op;
    if (op->action == OP_SET || op->action == OP_BUMP) {
        stray.action = OP_DELETE;
        stray.value = NULL;
        stray.value_len = 0;
        stray.ttl_ms = 0;
    }
    return lane_put(lane, &stray);
}

static bool has_strays(const struct store *store, unsigned server)
{
    return server != STORE_EVERY && store->ops->strays && store->ops->strays(store, server);
}

void fleet_put(struct fleet *fleet, const struct op *op, struct part *part)
{
    const struct fleet_store *of = &fleet->stores[op->store];
    const struct store *store = fleet->lanes[of->first].store;
    unsigned home = route(store, op);
    bool strays = has_strays(store, home);
    assert(home == STORE_EVERY || home < of->n);
    for (unsigned i = 0; i < of->n; i++) {
        struct lane *lane = fleet->lanes[of->first + i].lane;
        if (home == STORE_EVERY || i == home)
            part->waits[of->first + i] = lane_put(lane, op);
        else if (strays)
            part->waits[of->first + i] = put_stray(lane, op);
    }
}

/* Of what waits for one server, on the way to another. */
struct straying {
    const struct fleet_lane *from;
    struct lane *to;
    uint64_t seq; /* the last batch that has any of it; 0: nothing has strayed */
};

static void stray(void *ctx, const struct op *op)
{
    struct straying *straying = ctx;
    const struct fleet_lane *from = straying->from;
    if (route(from->store, op) == from->server)
        straying->seq = put_stray(straying->to, op);
}

void fleet_lost(struct fleet *fleet, struct fleet_lane *lost, struct part *parts)
{
    unsigned from = (unsigned)(lost - fleet->lanes);
    struct part *part;
    if (!has_strays(lost->store, lost->server))
        return;
    for (unsigned i = 0; i < fleet->n_lanes; i++) {
        struct straying straying = {lost, fleet->lanes[i].lane, 0};
        if (i == from || fleet->lanes[i].store != lost->store)
            continue;
        lane_each(lost->lane, stray, &straying);
        DL_FOREACH (parts, part) {
            if (part->waits[from] > fleet->done[from] && part->waits[i] < straying.seq)
                part->waits[i] = straying.seq;
        }
    }
}

int64_t fleet_send(struct fleet *fleet, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (unsigned i = 0; i < fleet->n_lanes; i++) {
        if (!fleet->lanes[i].up)
            continue;
        lane_send(fleet->lanes[i].lane, now_ms);
        int64_t lane_ms = lane_due_ms(fleet->lanes[i].lane, now_ms);
        due_ms = lane_ms < due_ms ? lane_ms : due_ms;
    }
    return due_ms;
}

void fleet_count_done(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->n_lanes; i++)
        fleet->done[i] = lane_done(fleet->lanes[i].lane);
}

void fleet_void(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->n_lanes; i++)
        lane_void(fleet->lanes[i].lane);
}

size_t fleet_bytes(const struct fleet *fleet)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < fleet->n_lanes; i++)
        bytes += lane_bytes(fleet->lanes[i].lane);
    return bytes;
}

bool fleet_goes_again(const struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->n_lanes; i++)
        if (lane_goes_again(fleet->lanes[i].lane))
            return true;
    return false;
}

unsigned fleet_store_number(const struct fleet *fleet, const struct store *store)
{
    unsigned i = 0;
    while (fleet->lanes[fleet->stores[i].first].store != store) {
        i++;
        assert(i < fleet->n_stores);
    }
    return i;
}

struct fleet_lane *fleet_find(struct fleet *fleet, const struct store *store, unsigned server)
{
    unsigned i = 0;
    while (fleet->lanes[i].store != store || fleet->lanes[i].server != server) {
        i++;
        assert(i < fleet->n_lanes);
    }
    return &fleet->lanes[i];
}

unsigned fleet_n_down(const struct fleet *fleet, int64_t *since_ms)
{
    unsigned n_down = 0;
    *since_ms = 0;
    for (unsigned i = 0; i < fleet->n_lanes; i++) {
        if (fleet->lanes[i].up)
            continue;
        n_down++;
        if (fleet->lanes[i].down_since_ms > *since_ms)
            *since_ms = fleet->lanes[i].down_since_ms;
    }
    return n_down;
}

const struct fleet_lane *fleet_first_down(const struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->n_lanes; i++)
        if (!fleet->lanes[i].up)
            return &fleet->lanes[i];
    return NULL;
}
