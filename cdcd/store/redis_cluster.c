/* The way of a batch:
 *
 *     send -> whole -> pieces, by the owner of each op's slot -> redis_node -> its server
 *               ^        |  ^                                       |
 *               |        |  '---- MOVED, ASK, TRYAGAIN: again ------|
 *               |        '-- no owner, or down: no result           |
 *               '---------------- results --------------------------'
 *     no piece is out -> ended -> the turn of the loop that follows -> answered
 *
 * Users are told nothing from within an event of a node, but in a turn of its own: no piece or node
 * goes away under the feet of what called. */
#include "store/redis_cluster.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "store/redis_route.h"
#include "store/server.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct redis_cluster {
    struct store store;
    struct store_opts opts;
    const struct store_events *events;
    void *ctx;
    char name[300];
    struct redis_route route;
    unsigned n_out;          /* batches */
    enum server_state state; /* as was said last */
    char reason[200];        /* why a node was lost last; empty while none was */
    int64_t renewed_ms;      /* to be said; INT64_MAX for nothing */
    int64_t members_ms;      /* when members of a set were deleted last; INT64_MIN: never */
    bool denied;             /* it was said, or will not be */
    bool mended;             /* to be said */
};

/* A node asks for the deletes of a set's members, which are on any node. */
struct errand {
    struct batch batch;
    struct arena *keys;
    unsigned number; /* of the node */
    uint64_t page;   /* its */
};

static void send_errand(struct redis_cluster *cluster, struct errand *errand);
static void free_errand(struct redis_cluster *cluster, struct errand *errand);

/* ---- what is told, in a turn of its own ---- */

static void wake(struct redis_cluster *cluster)
{
    timer_start_ms(cluster->route.turn, 0);
}

/* One key that is refused must not spoil its neighbours: then once more, one command each. */
static void end_errand(struct redis_cluster *cluster, struct errand *errand)
{
    struct batch *batch = &errand->batch;
    if (batch->status == BATCH_REFUSED && !batch->singly) {
        batch->singly = true;
        send_errand(cluster, errand);
        return;
    }
    cluster->members_ms = timer_now_ms();
    redis_node_deleted(topology_member(cluster->route.topology, errand->number)->node, errand->page,
                       batch->status, batch->reason);
    free_errand(cluster, errand);
}

static void answer_ended(struct redis_cluster *cluster)
{
    bool was_full = cluster->n_out >= SERVER_WINDOW;
    struct whole *whole;
    while ((whole = cluster->route.ended)) {
        struct batch *batch = whole->batch;
        struct errand *errand = whole->errand;
        DL_DELETE(cluster->route.ended, whole);
        whole_end(whole);
        whole_free(whole);
        if (errand) {
            end_errand(cluster, errand);
        } else {
            cluster->n_out--;
            cluster->events->answered(cluster->ctx, &cluster->store, 0, batch);
        }
    }
    if (was_full && cluster->n_out < SERVER_WINDOW && cluster->state == SERVER_UP)
        cluster->events->ready(cluster->ctx, &cluster->store, 0);
}

/* What was answered before it, users remember: so that comes first. */
static void tell_renewal(struct redis_cluster *cluster)
{
    int64_t since_ms = cluster->renewed_ms;
    cluster->renewed_ms = INT64_MAX;
    if (since_ms != INT64_MAX)
        cluster->events->renewed(cluster->ctx, &cluster->store, 0, since_ms);
}

/* At the start, not before every node was tried that there is to try. */
static bool is_known_down(const struct redis_cluster *cluster)
{
    return cluster->state == SERVER_UP || topology_is_exhausted(cluster->route.topology);
}

static void tell_state(struct redis_cluster *cluster)
{
    bool up = topology_is_up(cluster->route.topology);
    if (up && cluster->state != SERVER_UP) {
        cluster->state = SERVER_UP;
        cluster->denied = true;
        log_info("cluster is up store=%s", cluster->opts.name);
        cluster->events->up(cluster->ctx, &cluster->store, 0);
    } else if (!up && cluster->state != SERVER_DOWN && is_known_down(cluster)) {
        cluster->state = SERVER_DOWN;
        cluster->events->down(cluster->ctx, &cluster->store, 0, cluster->reason);
    }
}

static void tell_mended(struct redis_cluster *cluster)
{
    bool mended = cluster->mended && cluster->state == SERVER_UP;
    cluster->mended = false;
    if (mended)
        cluster->events->mended(cluster->ctx, &cluster->store, 0);
}

static void on_turn(void *ctx)
{
    struct redis_cluster *cluster = ctx;
    answer_ended(cluster);
    tell_renewal(cluster);
    tell_mended(cluster);
    tell_state(cluster);
}

/* ---- members of sets ---- */

static void send_errand(struct redis_cluster *cluster, struct errand *errand)
{
    redis_route_send(&cluster->route, &errand->batch, errand);
}

static void free_errand(struct redis_cluster *cluster, struct errand *errand)
{
    topology_member(cluster->route.topology, errand->number)->n_named--;
    arena_free(errand->keys);
    free(errand->batch.ops);
    free(errand);
}

static void on_members(void *ctx, unsigned number, uint64_t page, redisReply *const *keys, size_t n)
{
    struct redis_cluster *cluster = ctx;
    struct errand *errand = mem_alloc(sizeof *errand);
    *errand = (struct errand){.keys = arena_make(), .number = number, .page = page};
    errand->batch.n = (unsigned)n;
    errand->batch.ops = mem_alloc(n * sizeof *errand->batch.ops);
    for (size_t i = 0; i < n; i++)
        errand->batch.ops[i] = (struct batch_op){
            .key = arena_strndup(errand->keys, keys[i]->str, keys[i]->len),
            .key_len = (uint32_t)keys[i]->len,
            .action = OP_DELETE,
        };
    topology_member(cluster->route.topology, number)->n_named++;
    send_errand(cluster, errand);
}

/* ---- the nodes' events ---- */

static void on_answered(void *ctx, struct store *store, unsigned number, struct batch *batch)
{
    struct redis_cluster *cluster = ctx;
    (void)store;
    redis_route_take(&cluster->route, topology_member(cluster->route.topology, number), batch);
}

static void on_refused(void *ctx, struct batch *batch, unsigned i, const char *text, size_t len)
{
    redis_route_refused(&((struct redis_cluster *)ctx)->route, batch, i, text, len);
}

static void on_up(void *ctx, struct store *store, unsigned number)
{
    struct redis_cluster *cluster = ctx;
    struct member *member = topology_member(cluster->route.topology, number);
    (void)store;
    topology_up(cluster->route.topology, member);
    cluster->mended = cluster->mended || member->n_slots > 0;
    redis_route_pump(member);
    wake(cluster);
}

static void on_down(void *ctx, struct store *store, unsigned number, const char *reason)
{
    struct redis_cluster *cluster = ctx;
    struct member *member = topology_member(cluster->route.topology, number);
    (void)store;
    topology_down(cluster->route.topology, member);
    snprintf(cluster->reason, sizeof cluster->reason, "%s: %s", redis_node_name(member->node),
             reason);
    redis_route_give_up(&cluster->route, member, cluster->reason);
    wake(cluster);
}

/* What was done and not answered for yet is to be done again: users will not have it among what
 * they remember. Members of sets they never have, and the set that named those is on another node,
 * and gone: so that reaches back further than anything that is remembered. */
static void on_loss(void *ctx, int64_t since_ms)
{
    struct redis_cluster *cluster = ctx;
    redis_route_doubt(&cluster->route);
    if (cluster->members_ms >= since_ms)
        since_ms = INT64_MIN;
    if (since_ms < cluster->renewed_ms)
        cluster->renewed_ms = since_ms;
    wake(cluster);
}

static void on_renewed(void *ctx, struct store *store, unsigned number, int64_t since_ms)
{
    struct redis_cluster *cluster = ctx;
    (void)store;
    if (topology_member(cluster->route.topology, number)->n_slots > 0)
        on_loss(cluster, since_ms);
}

static void on_ready(void *ctx, struct store *store, unsigned number)
{
    struct redis_cluster *cluster = ctx;
    (void)store;
    redis_route_pump(topology_member(cluster->route.topology, number));
}

static void deny(void *ctx, const struct err *err)
{
    struct redis_cluster *cluster = ctx;
    if (cluster->denied)
        return;
    cluster->denied = true;
    cluster->events->denied(cluster->ctx, &cluster->store, 0, err);
}

static void on_denied(void *ctx, struct store *store, unsigned number, const struct err *err)
{
    (void)store;
    (void)number;
    deny(ctx, err);
}

static void on_changed(void *ctx)
{
    wake(ctx);
}

/* ---- the store ---- */

static unsigned cluster_n_servers(const struct store *store)
{
    (void)store;
    return 1;
}

static const char *cluster_server_name(const struct store *store, unsigned server)
{
    (void)server;
    return ((const struct redis_cluster *)store)->name;
}

static bool cluster_ready(const struct store *store, unsigned server)
{
    const struct redis_cluster *cluster = (const struct redis_cluster *)store;
    (void)server;
    return cluster->state == SERVER_UP && cluster->n_out < SERVER_WINDOW;
}

static void cluster_send(struct store *store, unsigned server, struct batch *batch)
{
    struct redis_cluster *cluster = (struct redis_cluster *)store;
    (void)server;
    assert(cluster_ready(store, 0) && batch->n > 0);
    cluster->n_out++;
    redis_route_send(&cluster->route, batch, NULL);
}

static void free_wholes(struct redis_cluster *cluster, struct whole *wholes)
{
    struct whole *whole, *next;
    DL_FOREACH_SAFE(wholes, whole, next)
    {
        if (whole->errand)
            free_errand(cluster, whole->errand);
        whole_free(whole);
    }
}

static void cluster_close(struct store *store)
{
    struct redis_cluster *cluster = (struct redis_cluster *)store;
    redis_route_free_pieces(&cluster->route);
    free_wholes(cluster, cluster->route.wholes);
    free_wholes(cluster, cluster->route.ended);
    topology_free(cluster->route.topology);
    timer_free(cluster->route.turn);
    free(cluster);
}

unsigned redis_cluster_check(const struct store_opts *opts, struct complaints *complaints)
{
    struct address address;
    struct err err;
    unsigned before = complaints->n_errors;
    if (opts->url)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has cluster and url; a cluster has no databases: remove url",
                 opts->name);
    for (unsigned i = 0; i < opts->n_cluster; i++) {
        if (url_parse_server(opts->cluster[i], &address, &err) < 0)
            complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: cluster: %s",
                     opts->name, err.text);
        else if (strcmp(address.name, opts->cluster[i]) != 0 || address.kind != ADDRESS_TCP)
            complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                     "store %s: cluster: \"%s\" is no node of a cluster; write host:port, and an "
                     "IPv6 address as [address]:port",
                     opts->name, opts->cluster[i]);
    }
    tls_check_settings(&opts->tls, opts->tls.on, "set tls = true", opts->name, opts->file,
                       opts->line, complaints);
    return complaints->n_errors - before;
}

struct store *redis_cluster_open(const struct store_opts *opts, struct event_base *base,
                                 const struct store_events *events, void *ctx)
{
    static const struct store_ops ops = {
        .type = "redis",
        .n_servers = cluster_n_servers,
        .server_name = cluster_server_name,
        .ready = cluster_ready,
        .send = cluster_send,
        .close = cluster_close,
    };
    static const struct store_events node_events = {
        .answered = on_answered,
        .up = on_up,
        .down = on_down,
        .renewed = on_renewed,
        .ready = on_ready,
        .denied = on_denied,
    };
    static const struct topology_events topology_events = {
        .changed = on_changed,
        .renewed = on_loss,
        .denied = deny,
    };
    struct redis_cluster *cluster = mem_alloc(sizeof *cluster);
    cluster->store.ops = &ops;
    cluster->opts = *opts;
    /* What a shard lost is said when its replica has taken over; the others go on meanwhile. And
     * of two owners each vouches for the other every other time. */
    if (opts->failover_window_ms > 0)
        cluster->store.keep_ms = 2 * opts->failover_window_ms + 3 * TOPOLOGY_ASK_MS;
    cluster->events = events;
    cluster->ctx = ctx;
    cluster->renewed_ms = INT64_MAX;
    cluster->members_ms = INT64_MIN;
    cluster->route.turn = timer_make(base, on_turn, cluster);
    snprintf(cluster->name, sizeof cluster->name, "redis cluster %s", opts->cluster[0]);
    struct redis_node_opts node_opts = {
        .store = &cluster->opts,
        .user = opts->user ? opts->user : "",
        .by_slot = true,
        .refused = on_refused,
        .delete_members = on_members,
    };
    struct topology_opts topology_opts = {
        .store = &cluster->opts,
        .node = &node_opts,
        .base = base,
        .node_events = &node_events,
        .events = &topology_events,
        .face = &cluster->store,
        .ctx = cluster,
    };
    cluster->route.topology = topology_make(&topology_opts);
    topology_start(cluster->route.topology);
    return &cluster->store;
}
