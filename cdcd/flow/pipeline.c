#include "flow/pipeline.h"

#include "base/log.h"
#include "base/mem.h"
#include "flow/departure.h"
#include "model/stats.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

/* What may wait for stores that are all up: no use in reading further ahead than this. */
#define AHEAD_BYTES (4u << 20)

struct pipeline {
    struct pipeline_opts opts;
    struct source *source;
    struct ruleset *ruleset;
    struct ruleset *waiting;   /* waits for the answer about the candidate */
    struct ruleset *candidate; /* the source has been asked about it */
    struct ruleset *next;      /* agreed; takes over with the next unit */
    bool in_unit;
    struct staging unit;
    struct departure out;
    bool disordered; /* what is read may have been committed before what was read */
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
    p->out.batch_ops = opts->batch_ops;
    departure_set_rules(&p->out, ruleset);
    return p;
}

void pipeline_free(struct pipeline *p)
{
    if (p->clear_owed || p->out.ack.n_owed || fleet_goes_again(&p->out.fleet))
        log_error("caches that were to be cleared were not, and will not be: clear them by hand");
    staging_drop(&p->unit);
    departure_free(&p->out);
    ruleset_free(p->ruleset);
    ruleset_free(p->waiting);
    ruleset_free(p->candidate);
    ruleset_free(p->next);
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
    fleet_add(&p->out.fleet, store, &opts, now(p));
    p->unit.n_stores = p->out.fleet.n_stores;
    p->unit.n_lanes = p->out.fleet.n_lanes;
}

void pipeline_set_source(struct pipeline *p, struct source *source)
{
    p->source = source;
}

void pipeline_set_lookups(struct pipeline *p, struct lookups *lookups)
{
    p->out.asking.lookups = lookups;
}

/* --------------------------------------------------------------------- how much is waiting --- */

/* True when stores have not taken enough of what left. */
static bool is_backed_up(const struct pipeline *p, uint64_t limit, size_t ahead)
{
    int64_t since_ms;
    size_t sending = fleet_bytes(&p->out.fleet) + p->out.climbing_bytes;
    return sending > limit || (sending > ahead && fleet_n_down(&p->out.fleet, &since_ms) == 0);
}

static void regulate(struct pipeline *p)
{
    const struct departure *out = &p->out;
    size_t waiting = fleet_bytes(&out->fleet) + out->climbing_bytes + out->gate.held_bytes +
                     out->asking.bytes + out->ack.bytes;
    uint64_t limit = p->paused ? p->opts.buffer_bytes / 2 : p->opts.buffer_bytes;
    size_t ahead = p->paused ? AHEAD_BYTES / 2 : AHEAD_BYTES;
    bool full = waiting > limit || is_backed_up(p, limit, ahead);
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
    departure_set_rules(&p->out, p->ruleset);
    log_info("rules loaded caches=%u", p->out.n_caches);
}

static void on_begin(void *ctx, uint32_t xid)
{
    struct pipeline *p = ctx;
    assert(!p->in_unit);
    adopt_next_rules(p);
    p->in_unit = true;
    p->unit.xid = xid;
    p->unit.visible = !p->opts.gate;
    p->unit.seen = false;
    assert(!p->unit.doubtful);
}

static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct pipeline *p = ctx;
    struct op instead;
    (void)origin;
    if (p->disordered && op->action == OP_SET) {
        instead = *op;
        op_become_delete(&instead);
        op = &instead;
    }
    staging_put(&p->unit, op, departure_doubted_ms(&p->out, op->cache));
}

static void on_ask(void *ctx, const struct question *question, const struct origin *origin)
{
    struct pipeline *p = ctx;
    (void)origin;
    staging_ask(&p->unit, p->ruleset, question);
}

static void on_change(void *ctx, const struct change *change)
{
    struct pipeline *p = ctx;
    assert(p->in_unit);
    stats()->changes++;
    static const struct rule_sink sink = {.op = on_op, .ask = on_ask};
    ruleset_change(p->ruleset, change, &sink, p);
    /* A large part does not wait for the end of its unit; but the ops of one change, whose stages
     * wait for each other, stay together. */
    if (departure_take(&p->out, &p->unit, p->opts.batch_ops, now(p)))
        regulate(p);
}

/* All before token has been given, and is in parts. */
static void reach(struct pipeline *p, uint64_t token)
{
    if (ack_reached(&p->out.ack, token))
        p->source->ops->confirm(p->source, token);
}

static void on_commit(void *ctx, uint64_t token)
{
    struct pipeline *p = ctx;
    assert(p->in_unit && token);
    stats()->transactions++;
    p->in_unit = false;
    departure_take(&p->out, &p->unit, 0, now(p));
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

static void on_ordered(void *ctx, bool ordered)
{
    struct pipeline *p = ctx;
    assert(!p->in_unit);
    p->disordered = !ordered;
}

static void on_snapshot(void *ctx, const struct snapshot *snapshot)
{
    struct pipeline *p = ctx;
    if (p->in_unit && snapshot_sees(snapshot, p->unit.xid))
        staging_see(&p->unit);
    gate_answer(&p->out.gate, snapshot, now(p));
    departure_release(&p->out, now(p));
}

/* ------------------------------------------------------------- the stream starts and breaks --- */

#define EVERY_STORE UINT_MAX

/* Clearings belong to no unit: nothing in the stream gives them again, so they are owed. */
struct clearing {
    struct staging staging;
    const struct relation *relation; /* NULL: all tables */
    unsigned store;
};

static void on_clear_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct clearing *clearing = ctx;
    (void)origin;
    if (clearing->store == EVERY_STORE || clearing->store == op->store)
        staging_put(&clearing->staging, op, 0);
}

static void clear_by(struct ruleset *ruleset, struct clearing *clearing)
{
    const struct relation *relation = clearing->relation;
    if (relation)
        ruleset_clear_table(ruleset, relation->schema, relation->name, on_clear_op, clearing);
    else
        ruleset_clear(ruleset, on_clear_op, clearing);
}

/* The rules that hold from the next unit on have caches of their own, and are not told later. */
static void clear(struct pipeline *p, const struct relation *relation, unsigned store)
{
    struct clearing clearing = {
        .staging =
            {
                .visible = true,
                .owed = true,
                .n_stores = p->out.fleet.n_stores,
                .n_lanes = p->out.fleet.n_lanes,
            },
        .relation = relation,
        .store = store,
    };
    clear_by(p->ruleset, &clearing);
    if (p->next)
        clear_by(p->next, &clearing);
    departure_take(&p->out, &clearing.staging, 0, now(p));
    staging_drop(&clearing.staging);
}

static void on_gap(void *ctx, const char *reason)
{
    struct pipeline *p = ctx;
    stats()->gaps++;
    log_error("changes may have been missed, every cache is cleared reason=\"%s\"", reason);
    clear(p, NULL, EVERY_STORE);
}

static void on_appeared(void *ctx, const struct relation *relation)
{
    struct pipeline *p = ctx;
    log_info("changes of a table may not have been seen, its caches are cleared table=%s.%s",
             relation->schema, relation->name);
    clear(p, relation, EVERY_STORE);
}

static void on_again(void *ctx, const char *reason)
{
    struct pipeline *p = ctx;
    (void)reason;
    stats()->reconnects++;
    p->clear_owed |= p->out.ack.n_owed > 0;
    p->in_unit = false;
    staging_drop(&p->unit);
    departure_reset(&p->out);
}

static void on_streaming(void *ctx)
{
    struct pipeline *p = ctx;
    if (p->clear_owed)
        clear(p, NULL, EVERY_STORE);
    p->clear_owed = false;
}

void pipeline_answered(void *ctx, uint64_t question, const struct answer *answer)
{
    struct pipeline *p = ctx;
    departure_answered(&p->out, question, answer, now(p));
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

/* Its changes may come while a candidate is judged, but go by the rules that hold. */
static void on_late_table(void *ctx, const struct relation *relation, struct complaints *complaints)
{
    struct pipeline *p = ctx;
    ruleset_warn(p->next ? p->next : p->ruleset, relation, complaints);
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
        .ordered = on_ordered,
        .again = on_again,
        .streaming = on_streaming,
        .gap = on_gap,
        .snapshot = on_snapshot,
        .table = on_table,
        .late_table = on_late_table,
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
    lane_answered(fleet_find(&p->out.fleet, store, server)->lane, batch, now(p));
}

static void on_up(void *ctx, struct store *store, unsigned server)
{
    struct pipeline *p = ctx;
    fleet_find(&p->out.fleet, store, server)->up = true;
    if (!p->detached || !p->source)
        return;
    p->detached = false;
    p->source->ops->attach(p->source);
}

static void on_down(void *ctx, struct store *store, unsigned server, const char *reason)
{
    struct pipeline *p = ctx;
    struct fleet_lane *lane = fleet_find(&p->out.fleet, store, server);
    (void)reason;
    lane->up = false;
    lane->down_since_ms = now(p);
    fleet_lost(&p->out.fleet, lane, p->out.ack.queue);
}

static void on_renewed(void *ctx, struct store *store, unsigned server, int64_t since_ms)
{
    struct pipeline *p = ctx;
    if (lane_renewed(fleet_find(&p->out.fleet, store, server)->lane, since_ms))
        return;
    stats()->gaps++;
    log_error("a store may have lost more than was kept to be sent again, every cache in it is "
              "cleared server=\"%s\"",
              store->ops->server_name(store, server));
    clear(p, NULL, fleet_store_number(&p->out.fleet, store));
}

/* The turn that follows sends. */
static void on_ready(void *ctx, struct store *store, unsigned server)
{
    (void)ctx;
    (void)store;
    (void)server;
}

static void on_mended(void *ctx, struct store *store, unsigned server)
{
    struct pipeline *p = ctx;
    lane_mended(fleet_find(&p->out.fleet, store, server)->lane, now(p));
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
        .renewed = on_renewed,
        .ready = on_ready,
        .mended = on_mended,
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
    unsigned n_down = fleet_n_down(&p->out.fleet, &since_ms);
    bool stuck = n_down && (n_down == p->out.fleet.n_lanes || p->paused);
    if (!stuck || !p->out.ack.queue || p->detached || p->draining)
        return INT64_MAX;
    int64_t when_ms = since_ms + p->opts.detach_after_ms;
    if (now(p) < when_ms)
        return when_ms;
    const struct fleet_lane *lane = fleet_first_down(&p->out.fleet);
    log_warn("store is down for long, all stores wait until it is back server=\"%s\"",
             lane->store->ops->server_name(lane->store, lane->server));
    p->detached = true;
    p->source->ops->detach(p->source, "a store is down");
    return INT64_MAX;
}

/* -------------------------------------------------------------------------------- the turn --- */

static void confirm_what_is_done(struct pipeline *p)
{
    uint64_t token = departure_advance(&p->out, now(p));
    if (token)
        p->source->ops->confirm(p->source, token);
}

int64_t pipeline_turn(struct pipeline *p)
{
    confirm_what_is_done(p);
    departure_release(&p->out, now(p));
    /* What is answered makes ops. That questions wait is no reason not to ask them. */
    if (!is_backed_up(p, p->opts.buffer_bytes, AHEAD_BYTES))
        departure_ask(&p->out, now(p));
    int64_t due_ms = fleet_send(&p->out.fleet, now(p));
    if (gate_ask(&p->out.gate, now(p)))
        p->source->ops->ask(p->source);
    regulate(p);
    int64_t gate_ms = gate_due_ms(&p->out.gate);
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
    if (fleet_goes_again(&p->out.fleet))
        return false;
    if (p->detached)
        return true;
    if (p->out.ack.n_owed)
        return false;
    return p->out.ack.n_tokens == 0 || fleet_n_down(&p->out.fleet, &since_ms) > 0;
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
