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
#include "store/redis_command.h"
#include "store/redis_topology.h"
#include "store/server.h"

#include <assert.h>
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
    struct topology *topology;
    struct whole *wholes; /* some piece of them is out */
    struct whole *ended;  /* to be answered for */
    unsigned n_wholes;    /* of both */
    struct timer *turn;
    enum server_state state; /* as was said last */
    char reason[200];        /* why a node was lost last; empty while none was */
    int64_t renewed_ms;      /* to be said; INT64_MAX for nothing */
    bool denied;             /* it was said, or will not be */
};

/* ---- what is told, in a turn of its own ---- */

static void wake(struct redis_cluster *cluster)
{
    timer_start_ms(cluster->turn, 0);
}

static void answer_ended(struct redis_cluster *cluster)
{
    bool was_full = cluster->n_wholes >= SERVER_WINDOW;
    struct whole *whole;
    while ((whole = cluster->ended)) {
        struct batch *batch = whole->batch;
        DL_DELETE(cluster->ended, whole);
        cluster->n_wholes--;
        whole_end(whole);
        whole_free(whole);
        cluster->events->answered(cluster->ctx, &cluster->store, 0, batch);
    }
    if (was_full && cluster->n_wholes < SERVER_WINDOW && cluster->state == SERVER_UP)
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

static void tell_state(struct redis_cluster *cluster)
{
    bool up = topology_is_up(cluster->topology);
    if (up && cluster->state != SERVER_UP) {
        cluster->state = SERVER_UP;
        cluster->denied = true;
        log_info("cluster is up store=%s", cluster->opts.name);
        cluster->events->up(cluster->ctx, &cluster->store, 0);
    } else if (!up && cluster->state != SERVER_DOWN && cluster->reason[0]) {
        cluster->state = SERVER_DOWN;
        cluster->events->down(cluster->ctx, &cluster->store, 0, cluster->reason);
    }
}

static void on_turn(void *ctx)
{
    struct redis_cluster *cluster = ctx;
    answer_ended(cluster);
    tell_renewal(cluster);
    tell_state(cluster);
}

static void end_if_no_piece_is_out(struct redis_cluster *cluster, struct whole *whole)
{
    if (whole->n_pieces > 0)
        return;
    DL_DELETE(cluster->wholes, whole);
    DL_APPEND(cluster->ended, whole);
    wake(cluster);
}

/* ---- what is sent ---- */

static void defer(struct redis_cluster *cluster, struct whole *whole, const char *reason)
{
    whole_fail(whole, BATCH_DEFERRED, reason);
    topology_refresh(cluster->topology);
}

static void pump(struct member *member)
{
    struct piece *piece;
    while ((piece = member->waiting) && redis_node_ready(member->node)) {
        DL_DELETE(member->waiting, piece);
        DL_APPEND(member->out, piece);
        piece->number = member->number;
        if (piece->kind == PIECE_ASKING)
            redis_node_send_asking(member->node, &piece->batch);
        else
            redis_node_send(member->node, &piece->batch);
    }
}

/* The op goes into the piece that is being filled for the member. */
static void give(struct redis_cluster *cluster, struct whole *whole, unsigned place,
                 struct member *to, enum piece_kind kind)
{
    char reason[sizeof whole->batch->reason];
    if (to && to->state != MEMBER_DOWN) {
        if (!to->filling[kind])
            to->filling[kind] = piece_make(whole, kind);
        piece_add(to->filling[kind], place);
        return;
    }
    if (to)
        snprintf(reason, sizeof reason, "%s is down", redis_node_name(to->node));
    else
        snprintf(reason, sizeof reason, "no node of the cluster has slot %u",
                 whole->batch->ops[place].slot);
    defer(cluster, whole, reason);
}

/* All that was given leaves. */
static void leave(struct redis_cluster *cluster)
{
    for (unsigned i = 0; i < topology_n_members(cluster->topology); i++) {
        struct member *member = topology_member(cluster->topology, i);
        for (unsigned kind = 0; member && kind < PIECE_N_KINDS; kind++) {
            struct piece *piece = member->filling[kind];
            member->filling[kind] = NULL;
            if (piece)
                DL_APPEND(member->waiting, piece);
        }
        if (member)
            pump(member);
    }
}

/* Every master has keys that may match; without one of them the scan is not done. */
static void give_to_masters(struct redis_cluster *cluster, struct whole *whole, unsigned place)
{
    char reason[sizeof whole->batch->reason];
    if (!topology_is_whole(cluster->topology, reason, sizeof reason)) {
        defer(cluster, whole, reason);
        return;
    }
    for (unsigned i = 0; i < topology_n_members(cluster->topology); i++) {
        struct member *member = topology_member(cluster->topology, i);
        if (member && member->n_slots > 0)
            give(cluster, whole, place, member, PIECE_PLAIN);
    }
}

/* Any node takes a message to all; that of the slot, as long as it is up, so that those of one
 * channel stay in order. */
static struct member *find_publisher(const struct redis_cluster *cluster, unsigned slot)
{
    struct member *owner = topology_owner(cluster->topology, slot);
    for (unsigned i = 0; i < topology_n_members(cluster->topology); i++) {
        struct member *member = topology_member(cluster->topology, i);
        if ((!owner || owner->state != MEMBER_UP) && member && member->state == MEMBER_UP)
            owner = member;
    }
    return owner;
}

static void give_out(struct redis_cluster *cluster, struct whole *whole, unsigned place)
{
    struct batch_op *op = &whole->batch->ops[place];
    /* A key that is too large for any Redis is refused by any node. */
    op->slot = (uint16_t)(redis_takes_key(op) ? redis_slot(op->key, op->key_len) : 0);
    if (op->action == OP_SCAN)
        give_to_masters(cluster, whole, place);
    else if (op->action == OP_PUBLISH)
        give(cluster, whole, place, find_publisher(cluster, op->slot), PIECE_PLAIN);
    else
        give(cluster, whole, place, topology_owner(cluster->topology, op->slot), PIECE_PLAIN);
}

/* ---- what is answered ---- */

static void again(struct redis_cluster *cluster, struct piece *piece, unsigned i, struct member *to,
                  enum piece_kind kind)
{
    unsigned place = piece->notes[i].place;
    if (whole_redirect(piece->whole, place))
        give(cluster, piece->whole, place, to, kind);
    else
        defer(cluster, piece->whole, "the nodes of the cluster send it to one another");
}

/* What a node did that does not own the slot any more may be lost: another one's data counts. And
 * a key that moved during a scan may have been on no node when that was scanned. */
static bool is_believed(const struct redis_cluster *cluster, const struct piece *piece, unsigned i)
{
    const struct batch_op *op = piece_op(piece, i);
    if (op->action == OP_PUBLISH || piece->kind == PIECE_ASKING)
        return true;
    if (op->action == OP_SCAN)
        return piece->whole->version == topology_version(cluster->topology);
    const struct member *owner = topology_owner(cluster->topology, op->slot);
    return owner && owner->number == piece->number;
}

static const char scan_again[] = "slots moved while it was scanned: it is scanned again";

static void act_on(struct redis_cluster *cluster, struct piece *piece, unsigned i)
{
    const struct piece_op *note = &piece->notes[i];
    struct member *owner = topology_owner(cluster->topology, piece_op(piece, i)->slot);
    /* What follows an ASKING that is not permitted is redirected for that reason. */
    if (piece->kind == PIECE_ASKING && piece->batch.status == BATCH_REFUSED) {
        whole_fail(piece->whole, BATCH_REFUSED, piece->batch.reason);
        return;
    }
    switch ((enum sentence)note->sentence) {
    case SENTENCE_NONE:
        if (piece_op(piece, i)->action == OP_SCAN && piece->batch.status == BATCH_DONE)
            defer(cluster, piece->whole, scan_again);
        else if (piece->batch.status == BATCH_DONE)
            again(cluster, piece, i, owner, PIECE_PLAIN);
        else
            whole_fail(piece->whole, piece->batch.status, piece->batch.reason);
        break;
    case SENTENCE_MOVED:
        again(cluster, piece, i, topology_member(cluster->topology, note->to), PIECE_PLAIN);
        break;
    case SENTENCE_ASK:
        again(cluster, piece, i, topology_member(cluster->topology, note->to), PIECE_ASKING);
        break;
    case SENTENCE_TRYAGAIN:
        if (piece->batch.singly)
            defer(cluster, piece->whole, "the key is being moved to another node");
        else
            again(cluster, piece, i, owner, PIECE_SINGLY);
        break;
    case SENTENCE_WAIT:
        defer(cluster, piece->whole, note->why);
        break;
    }
}

/* The note names its node no more. */
static void unname(struct redis_cluster *cluster, const struct piece_op *note)
{
    if (note->sentence == SENTENCE_MOVED || note->sentence == SENTENCE_ASK)
        topology_member(cluster->topology, note->to)->n_named--;
}

/* Takes over what the piece's answer says, and lets go of it. */
static void take_piece(struct redis_cluster *cluster, struct piece *piece)
{
    struct whole *whole = piece->whole;
    if (piece->batch.status == BATCH_LOST || piece->batch.status == BATCH_BUSY)
        topology_refresh(cluster->topology);
    for (unsigned i = 0; i < piece->batch.n; i++)
        if (!piece_take(piece, i, is_believed(cluster, piece, i)))
            act_on(cluster, piece, i);
    for (unsigned i = 0; i < piece->batch.n; i++)
        unname(cluster, &piece->notes[i]);
    piece_free(piece);
    leave(cluster);
    end_if_no_piece_is_out(cluster, whole);
}

/* ---- the nodes' events ---- */

static void on_answered(void *ctx, struct store *store, unsigned number, struct batch *batch)
{
    struct redis_cluster *cluster = ctx;
    struct piece *piece = (struct piece *)batch;
    (void)store;
    DL_DELETE(topology_member(cluster->topology, number)->out, piece);
    take_piece(cluster, piece);
}

/* A scan's keys are in many slots, and what members a set has is asked page by page: they are not
 * sent after the keys, but begin again. */
static enum sentence read_redirect(struct redis_cluster *cluster, const struct batch_op *op,
                                   const struct slot_redirect *redirect, struct piece_op *note)
{
    struct member *to = redirect->known ? topology_find(cluster->topology, &redirect->to) : NULL;
    topology_refresh(cluster->topology);
    note->why = op->action == OP_SCAN ? scan_again : "its slot is being moved to another node";
    if (!to || op->action == OP_SCAN || redirect->slot != op->slot)
        return SENTENCE_WAIT;
    if (redirect->ask && op->action == OP_DELETE_MEMBERS)
        return SENTENCE_WAIT;
    if (!redirect->ask)
        topology_move(cluster->topology, op->slot, to);
    note->to = (uint16_t)to->number;
    to->n_named++;
    return redirect->ask ? SENTENCE_ASK : SENTENCE_MOVED;
}

static bool begins(const char *text, size_t len, const char *word)
{
    return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static void on_refused(void *ctx, struct batch *batch, unsigned i, const char *text, size_t len)
{
    struct redis_cluster *cluster = ctx;
    struct piece *piece = (struct piece *)batch;
    struct piece_op *note = &piece->notes[i];
    const struct member *member = topology_member(cluster->topology, piece->number);
    const struct batch_op *op = piece_op(piece, i);
    struct slot_redirect redirect;
    unname(cluster, note);
    note->sentence = SENTENCE_NONE;
    if (slot_redirect_read(text, len, &member->address, &redirect)) {
        note->sentence = (uint8_t)read_redirect(cluster, op, &redirect, note);
    } else if (begins(text, len, "TRYAGAIN") && op->action != OP_SCAN) {
        note->sentence = SENTENCE_TRYAGAIN;
    } else if (begins(text, len, "TRYAGAIN") || begins(text, len, "CLUSTERDOWN")) {
        note->why = "some slots are served by no node";
        note->sentence = SENTENCE_WAIT;
    }
}

static void on_up(void *ctx, struct store *store, unsigned number)
{
    struct redis_cluster *cluster = ctx;
    struct member *member = topology_member(cluster->topology, number);
    (void)store;
    topology_up(cluster->topology, member);
    pump(member);
    wake(cluster);
}

static void on_down(void *ctx, struct store *store, unsigned number, const char *reason)
{
    struct redis_cluster *cluster = ctx;
    struct member *member = topology_member(cluster->topology, number);
    struct piece *piece;
    (void)store;
    topology_down(cluster->topology, member);
    snprintf(cluster->reason, sizeof cluster->reason, "%s: %s", redis_node_name(member->node),
             reason);
    while ((piece = member->waiting)) {
        DL_DELETE(member->waiting, piece);
        piece->batch.status = BATCH_DEFERRED;
        snprintf(piece->batch.reason, sizeof piece->batch.reason, "%.180s", cluster->reason);
        take_piece(cluster, piece);
    }
    wake(cluster);
}

/* What was done and not answered for yet is to be done again: users will not have it among what
 * they remember. */
static void on_loss(void *ctx, int64_t since_ms)
{
    struct redis_cluster *cluster = ctx;
    struct whole *whole;
    DL_FOREACH (cluster->wholes, whole) {
        whole->doubted = true;
    }
    if (since_ms < cluster->renewed_ms)
        cluster->renewed_ms = since_ms;
    wake(cluster);
}

static void on_renewed(void *ctx, struct store *store, unsigned number, int64_t since_ms)
{
    struct redis_cluster *cluster = ctx;
    (void)store;
    if (topology_member(cluster->topology, number)->n_slots > 0)
        on_loss(cluster, since_ms);
}

static void on_ready(void *ctx, struct store *store, unsigned number)
{
    struct redis_cluster *cluster = ctx;
    (void)store;
    pump(topology_member(cluster->topology, number));
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
    return cluster->state == SERVER_UP && cluster->n_wholes < SERVER_WINDOW;
}

static void cluster_send(struct store *store, unsigned server, struct batch *batch)
{
    struct redis_cluster *cluster = (struct redis_cluster *)store;
    (void)server;
    assert(cluster_ready(store, 0) && batch->n > 0);
    struct whole *whole = whole_make(batch);
    whole->version = topology_version(cluster->topology);
    cluster->n_wholes++;
    DL_APPEND(cluster->wholes, whole);
    for (unsigned i = 0; i < batch->n; i++)
        give_out(cluster, whole, i);
    leave(cluster);
    end_if_no_piece_is_out(cluster, whole);
}

static void free_pieces(struct piece *pieces)
{
    struct piece *piece, *next;
    DL_FOREACH_SAFE(pieces, piece, next)
    {
        piece_free(piece);
    }
}

static void free_wholes(struct whole *wholes)
{
    struct whole *whole, *next;
    DL_FOREACH_SAFE(wholes, whole, next)
    {
        whole_free(whole);
    }
}

static void cluster_close(struct store *store)
{
    struct redis_cluster *cluster = (struct redis_cluster *)store;
    for (unsigned i = 0; i < topology_n_members(cluster->topology); i++) {
        struct member *member = topology_member(cluster->topology, i);
        if (!member)
            continue;
        free_pieces(member->waiting);
        free_pieces(member->out);
    }
    topology_free(cluster->topology);
    timer_free(cluster->turn);
    free_wholes(cluster->wholes);
    free_wholes(cluster->ended);
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
    if (opts->n_sentinels > 0 || opts->master)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has cluster and sentinels; a cluster needs none: remove sentinels and "
                 "master, or cluster",
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
    cluster->events = events;
    cluster->ctx = ctx;
    cluster->renewed_ms = INT64_MAX;
    cluster->turn = timer_make(base, on_turn, cluster);
    snprintf(cluster->name, sizeof cluster->name, "redis cluster %s", opts->cluster[0]);
    struct redis_node_opts node_opts = {
        .store = &cluster->opts,
        .user = opts->user ? opts->user : "",
        .by_slot = true,
        .refused = on_refused,
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
    cluster->topology = topology_make(&topology_opts);
    topology_start(cluster->topology);
    return &cluster->store;
}
