#include "flow/pipeline.h"

#include "base/log.h"
#include "base/mem.h"
#include "flow/ack.h"
#include "flow/fleet.h"
#include "flow/gate.h"
#include "flow/staging.h"
#include "model/stats.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

/* What may wait for stores that are all up: no use in reading further ahead than this. */
#define AHEAD_BYTES (4u << 20)

struct pipeline {
    struct pipeline_opts opts;
    struct source *source;
    struct ruleset *ruleset;
    struct ruleset *waiting;   /* waits for the answer about the candidate */
    struct ruleset *candidate; /* the source has been asked about it */
    struct ruleset *next;      /* agreed; takes over with the next unit */
    struct fleet fleet;

    bool in_unit;
    struct staging unit;
    int64_t *doubt_ms; /* for each cache: when it was last cleared in doubt */
    unsigned n_caches;
    struct gate gate;
    struct part *climbing; /* released up to a stage whose answers are waited for */
    size_t climbing_bytes;
    struct ack ack;
    bool clear_owed; /* a clearing was made void before it was done */

    bool paused;
    bool draining;
    bool detached;
};

struct pipeline *pipeline_make(const struct pipeline_opts *opts, struct ruleset *ruleset)
{
    struct pipeline *p = mem_alloc(sizeof *p);
    p->opts = *opts;
    p->ruleset = ruleset;
    p->n_caches = ruleset_n_caches(ruleset);
    p->doubt_ms = mem_alloc(p->n_caches * sizeof *p->doubt_ms);
    return p;
}

void pipeline_free(struct pipeline *p)
{
    if (p->clear_owed || p->ack.n_owed)
        log_error("caches that were to be cleared were not, and will not be: clear them by hand");
    staging_drop(&p->unit);
    ack_reset(&p->ack);
    fleet_free(&p->fleet);
    ruleset_free(p->ruleset);
    ruleset_free(p->waiting);
    ruleset_free(p->candidate);
    ruleset_free(p->next);
    free(p->doubt_ms);
    free(p);
}

static int64_t now(const struct pipeline *p)
{
    return p->opts.now_ms(p->opts.ctx);
}

void pipeline_add_store(struct pipeline *p, struct store *store)
{
    struct lane_opts opts = {
        .batch_ops = p->opts.batch_ops,
        .retry_min_ms = p->opts.retry_min_ms,
        .retry_max_ms = p->opts.retry_max_ms,
    };
    assert(!p->source);
    fleet_add(&p->fleet, store, &opts, now(p));
    p->unit.n_stores = p->fleet.n_stores;
    p->unit.n_lanes = p->fleet.n_lanes;
}

void pipeline_set_source(struct pipeline *p, struct source *source)
{
    p->source = source;
}

/* ------------------------------------------------------------------ parts on their way out --- */

/* Puts the ops of the part's next stage into lanes; those of the stage after it follow when these
 * were answered. */
static void release(struct pipeline *p, struct part *part)
{
    struct op op;
    for (size_t at = 0; part_next(part, &at, &op);) {
        if (op.stage != part->stage)
            continue;
        fleet_put(&p->fleet, &op, part);
        if (op.in_doubt && op.cache < p->n_caches)
            p->doubt_ms[op.cache] = now(p);
    }
    if (part->stage++ < part->last_stage) {
        DL_APPEND2(p->climbing, part, held_prev, held_next);
        p->climbing_bytes += part_bytes(part);
    } else {
        ack_released(&p->ack, part);
    }
}

static void climb(struct pipeline *p)
{
    struct part *part, *after;
    DL_FOREACH_SAFE2(p->climbing, part, after, held_next)
    {
        if (!part_answered(part, p->fleet.done))
            continue;
        DL_DELETE2(p->climbing, part, held_prev, held_next);
        p->climbing_bytes -= part_bytes(part);
        release(p, part);
    }
}

static void release_what_may_leave(struct pipeline *p)
{
    for (struct part *part; (part = gate_next(&p->gate, now(p)));)
        release(p, part);
}

/* The part is complete. */
static void close_part(struct pipeline *p, struct part *part)
{
    ack_add(&p->ack, part);
    if (part->visible && part->not_before_ms == 0)
        release(p, part);
    else
        gate_hold(&p->gate, part);
}

/* Closes parts that have at least so many ops; true when there was one. */
static bool close_parts(struct pipeline *p, struct staging *staging, unsigned n_ops)
{
    struct part *part;
    bool closed = false;
    for (; (part = staging_take(staging, n_ops)); closed = true)
        close_part(p, part);
    return closed;
}

/* --------------------------------------------------------------------- how much is waiting --- */

static void regulate(struct pipeline *p)
{
    int64_t since_ms;
    bool all_up = fleet_n_down(&p->fleet, &since_ms) == 0;
    size_t sending = fleet_bytes(&p->fleet);
    size_t waiting = sending + p->gate.held_bytes + p->climbing_bytes + p->ack.bytes;
    uint64_t limit = p->paused ? p->opts.buffer_bytes / 2 : p->opts.buffer_bytes;
    size_t ahead = p->paused ? AHEAD_BYTES / 2 : AHEAD_BYTES;
    bool full = waiting > limit || (sending + p->climbing_bytes > ahead && all_up);
    bool paused = full || p->draining;
    if (paused == p->paused || p->detached)
        return;
    p->paused = paused;
    log_debug("%s reading waiting_bytes=%zu", paused ? "stopped" : "resumed", waiting);
    p->source->ops->pause(p->source, paused);
}

/* --------------------------------------------------------------------------------- a unit --- */

static void adopt_next_rules(struct pipeline *p)
{
    if (!p->next)
        return;
    ruleset_free(p->ruleset);
    p->ruleset = p->next;
    p->next = NULL;
    free(p->doubt_ms);
    p->n_caches = ruleset_n_caches(p->ruleset);
    p->doubt_ms = mem_alloc(p->n_caches * sizeof *p->doubt_ms);
    log_info("rules loaded caches=%u", p->n_caches);
}

static void on_begin(void *ctx, uint32_t xid)
{
    struct pipeline *p = ctx;
    assert(!p->in_unit);
    adopt_next_rules(p);
    p->in_unit = true;
    p->unit.xid = xid;
    p->unit.visible = !p->opts.gate;
    assert(!p->unit.doubtful);
}

static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct pipeline *p = ctx;
    (void)origin;
    staging_put(&p->unit, op, p->doubt_ms[op->cache]);
}

static void on_change(void *ctx, const struct change *change)
{
    struct pipeline *p = ctx;
    assert(p->in_unit);
    stats()->changes++;
    static const struct rule_sink sink = {.op = on_op};
    ruleset_change(p->ruleset, change, &sink, p);
    /* A large part does not wait for the end of its unit; but the ops of one change, whose stages
     * wait for each other, stay together. */
    if (close_parts(p, &p->unit, p->opts.batch_ops))
        regulate(p);
}

/* All before token has been given, and is in parts. */
static void reach(struct pipeline *p, uint64_t token)
{
    if (ack_reached(&p->ack, token))
        p->source->ops->confirm(p->source, token);
}

static void on_commit(void *ctx, uint64_t token)
{
    struct pipeline *p = ctx;
    assert(p->in_unit && token);
    stats()->transactions++;
    p->in_unit = false;
    close_parts(p, &p->unit, 0);
    reach(p, token);
    regulate(p);
}

static void on_reached(void *ctx, uint64_t token)
{
    struct pipeline *p = ctx;
    assert(!p->in_unit);
    adopt_next_rules(p);
    reach(p, token);
}

static void on_snapshot(void *ctx, const struct snapshot *snapshot)
{
    struct pipeline *p = ctx;
    if (p->in_unit && snapshot_sees(snapshot, p->unit.xid))
        staging_see(&p->unit);
    gate_answer(&p->gate, snapshot, now(p));
    release_what_may_leave(p);
}

/* ------------------------------------------------------------- the stream starts and breaks --- */

static void on_clear_op(void *ctx, const struct op *op, const struct origin *origin)
{
    (void)origin;
    staging_put(ctx, op, 0);
}

/* Clearings belong to no unit: nothing in the stream gives them again, so they are owed. relation
 * NULL stands for all tables. */
static void clear(struct pipeline *p, const struct relation *relation)
{
    struct staging clearing = {
        .visible = true,
        .owed = true,
        .n_stores = p->fleet.n_stores,
        .n_lanes = p->fleet.n_lanes,
    };
    if (relation)
        ruleset_clear_table(p->ruleset, relation->schema, relation->name, on_clear_op, &clearing);
    else
        ruleset_clear(p->ruleset, on_clear_op, &clearing);
    close_parts(p, &clearing, 0);
    staging_drop(&clearing);
}

static void on_gap(void *ctx, const char *reason)
{
    struct pipeline *p = ctx;
    stats()->gaps++;
    log_error("changes may have been missed, every cache is cleared reason=\"%s\"", reason);
    clear(p, NULL);
}

static void on_appeared(void *ctx, const struct relation *relation)
{
    struct pipeline *p = ctx;
    log_info("table appeared, its caches are cleared table=%s.%s", relation->schema,
             relation->name);
    clear(p, relation);
}

static void on_again(void *ctx, const char *reason)
{
    struct pipeline *p = ctx;
    (void)reason;
    stats()->reconnects++;
    p->clear_owed |= p->ack.n_owed > 0;
    p->in_unit = false;
    staging_drop(&p->unit);
    gate_reset(&p->gate);
    p->climbing = NULL;
    p->climbing_bytes = 0;
    fleet_void(&p->fleet);
    ack_reset(&p->ack);
}

static void on_streaming(void *ctx)
{
    struct pipeline *p = ctx;
    if (p->clear_owed)
        clear(p, NULL);
    p->clear_owed = false;
}

/* ------------------------------------------------------------------------------- the rules --- */

struct source_table *pipeline_tables(const struct ruleset *ruleset, unsigned *n)
{
    const struct rule_table *tables = ruleset_tables(ruleset, n);
    struct source_table *wanted = mem_alloc(*n * sizeof *wanted);
    for (unsigned i = 0; i < *n; i++)
        wanted[i] = (struct source_table){
            .schema = tables[i].schema,
            .name = tables[i].name,
            .file = tables[i].file,
            .line = tables[i].line,
        };
    return wanted;
}

static void propose(struct pipeline *p, struct ruleset *ruleset)
{
    unsigned n;
    struct source_table *wanted = pipeline_tables(ruleset, &n);
    p->candidate = ruleset;
    p->source->ops->set_tables(p->source, wanted, n);
    free(wanted);
}

void pipeline_reload(struct pipeline *p, struct ruleset *ruleset)
{
    if (!p->candidate) {
        propose(p, ruleset);
        return;
    }
    ruleset_free(p->waiting);
    p->waiting = ruleset;
}

static void on_table(void *ctx, const struct relation *relation, struct complaints *complaints)
{
    struct pipeline *p = ctx;
    const struct ruleset *judge = p->candidate ? p->candidate : p->next ? p->next : p->ruleset;
    ruleset_judge(judge, relation, p->opts.weak_is_error, complaints);
}

static void on_tables_set(void *ctx, const struct err *err)
{
    struct pipeline *p = ctx;
    struct ruleset *candidate = p->candidate;
    p->candidate = NULL;
    if (err->code) {
        log_error("rules not loaded, the old ones stay reason=\"%s\"", err->text);
        ruleset_free(candidate);
    } else {
        ruleset_free(p->next);
        p->next = candidate;
        if (!p->in_unit)
            adopt_next_rules(p);
    }
    if (p->waiting) {
        propose(p, p->waiting);
        p->waiting = NULL;
    }
}

static void on_failed(void *ctx, const struct err *err)
{
    struct pipeline *p = ctx;
    p->opts.failed(p->opts.ctx, err);
}

const struct source_events *pipeline_source_events(void)
{
    static const struct source_events events = {
        .begin = on_begin,
        .change = on_change,
        .commit = on_commit,
        .reached = on_reached,
        .again = on_again,
        .streaming = on_streaming,
        .gap = on_gap,
        .snapshot = on_snapshot,
        .table = on_table,
        .appeared = on_appeared,
        .tables_set = on_tables_set,
        .failed = on_failed,
    };
    return &events;
}

/* ------------------------------------------------------------------------------ the stores --- */

static void on_answered(void *ctx, struct store *store, unsigned server, struct batch *batch)
{
    struct pipeline *p = ctx;
    lane_answered(fleet_find(&p->fleet, store, server)->lane, batch, now(p));
}

static void on_up(void *ctx, struct store *store, unsigned server)
{
    struct pipeline *p = ctx;
    fleet_find(&p->fleet, store, server)->up = true;
    if (!p->detached || !p->source)
        return;
    p->detached = false;
    p->source->ops->attach(p->source);
}

static void on_down(void *ctx, struct store *store, unsigned server, const char *reason)
{
    struct pipeline *p = ctx;
    struct fleet_lane *lane = fleet_find(&p->fleet, store, server);
    (void)reason;
    lane->up = false;
    lane->down_since_ms = now(p);
}

/* The turn that follows sends. */
static void on_ready(void *ctx, struct store *store, unsigned server)
{
    (void)ctx;
    (void)store;
    (void)server;
}

static void on_denied(void *ctx, struct store *store, unsigned server, const struct err *err)
{
    struct pipeline *p = ctx;
    (void)store;
    (void)server;
    p->opts.failed(p->opts.ctx, err);
}

const struct store_events *pipeline_store_events(void)
{
    static const struct store_events events = {
        .answered = on_answered,
        .up = on_up,
        .down = on_down,
        .ready = on_ready,
        .denied = on_denied,
    };
    return &events;
}

/* A client that stays in the stream and does not confirm holds up PostgreSQL's shutdown, and its
 * WAL senders: when no store takes anything, or reading has stopped for one that does not, leave
 * until a store comes back. Returns when to look again. */
static int64_t detach_when_down_long(struct pipeline *p)
{
    int64_t since_ms;
    unsigned n_down = fleet_n_down(&p->fleet, &since_ms);
    bool stuck = n_down && (n_down == p->fleet.n_lanes || p->paused);
    if (!stuck || !p->ack.queue || p->detached || p->draining)
        return INT64_MAX;
    int64_t when_ms = since_ms + p->opts.detach_after_ms;
    if (now(p) < when_ms)
        return when_ms;
    const struct fleet_lane *lane = fleet_first_down(&p->fleet);
    log_warn("store is down for long, all stores wait until it is back server=\"%s\"",
             lane->store->ops->server_name(lane->store, lane->server));
    p->detached = true;
    p->source->ops->detach(p->source, "a store is down");
    return INT64_MAX;
}

/* -------------------------------------------------------------------------------- the turn --- */

static void confirm_what_is_done(struct pipeline *p)
{
    fleet_count_done(&p->fleet);
    climb(p);
    uint64_t token = ack_advance(&p->ack, p->fleet.done);
    if (token)
        p->source->ops->confirm(p->source, token);
}

int64_t pipeline_turn(struct pipeline *p)
{
    confirm_what_is_done(p);
    release_what_may_leave(p);
    int64_t due_ms = fleet_send(&p->fleet, now(p));
    if (gate_ask(&p->gate, now(p)))
        p->source->ops->ask(p->source);
    regulate(p);
    int64_t gate_ms = gate_due_ms(&p->gate);
    int64_t detach_ms = detach_when_down_long(p);
    due_ms = gate_ms < due_ms ? gate_ms : due_ms;
    due_ms = detach_ms < due_ms ? detach_ms : due_ms;
    if (due_ms == INT64_MAX)
        return -1;
    return due_ms > now(p) ? due_ms - now(p) : 0;
}

void pipeline_drain(struct pipeline *p)
{
    p->draining = true;
    regulate(p);
}

bool pipeline_drained(const struct pipeline *p)
{
    int64_t since_ms;
    if (p->detached)
        return true;
    if (p->ack.n_owed)
        return false;
    return p->ack.n_tokens == 0 || fleet_n_down(&p->fleet, &since_ms) > 0;
}

static void on_source_closed(void *ctx)
{
    struct pipeline *p = ctx;
    p->source = NULL;
    p->opts.source_closed(p->opts.ctx);
}

void pipeline_close_source(struct pipeline *p)
{
    p->source->ops->close(p->source, on_source_closed);
}
