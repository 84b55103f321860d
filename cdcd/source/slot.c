/* The driver of logical replication. Two connections, and what is done on them one after the other:
 *
 *      WAITING ----> CONNECTING ----> PREPARING ----> ENTERING ----> STREAMING
 *      back-off      the side         prepare.c:      stream.c: the      |
 *         ^          connection       catalog,        slot is made,      |
 *         |                           publication     or waited for      |
 *         +-------------- anything is lost ----------------+-------------+
 *
 * The side connection lives as long as the stream. It answers what is visible, it is where the
 * catalog is asked, and it is a canary: at a fast shutdown PostgreSQL ends it at once, but lets the
 * stream live until all is confirmed, so when it goes the stream is left. */
#include "source/source.h"

#include "base/log.h"
#include "base/mem.h"
#include "source/continuity.h"
#include "source/coverage.h"
#include "source/outage.h"
#include "source/pgconn.h"
#include "source/pgsnapshot.h"
#include "source/pgtimer.h"
#include "source/prepare.h"
#include "source/remedy.h"
#include "source/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_MS 10000      /* between two looks at the tables */
#define UNWATCHED_MS 300000 /* between two lines that say that this cannot be done */
#define STATUS_MS_MAX 10000

#define BIT(state) (1u << (state))

enum slot_state {
    SLOT_WAITING,
    SLOT_CONNECTING,
    SLOT_PREPARING,
    SLOT_ENTERING, /* or waiting for another to leave the slot */
    SLOT_STREAMING,
    SLOT_DETACHED, /* prepared, but for the stream */
    SLOT_FAILED,
    SLOT_CLOSING,
};

/* What the catalog is being asked for. */
enum job { JOB_START, JOB_RELOAD, JOB_WATCH };

struct slot {
    struct source source;
    const struct source_opts *opts;
    const struct source_events *events;
    void *ctx;
    enum slot_state state;
    struct pgconn *side;
    struct stream *stream;
    struct prepare *prepare;
    enum job job; /* of prepare, while it runs */
    struct pgtimer *retry;
    struct pgtimer *watch;
    struct pgtimer *wake; /* says what may not be said within a call */
    struct outage outage;
    struct log_limit unwatched;
    struct coverage *coverage;
    struct pgsnapshot snapshot;
    bool detached; /* the stream is not wanted now */
    bool streamed; /* once, so that what is wrong may pass */
    struct continuity continuity;
    bool again_due; /* `again` is to be said, for reason */
    char reason[256];
    void (*closed)(void *ctx);
};

static void enter(struct slot *slot, enum slot_state state);
static void run_next(struct slot *slot);
static void go_back(struct slot *slot, const char *reason);
static void go_back_for(struct slot *slot, const struct pg_fault *fault);
static void fail(struct slot *slot, const struct err *err);
static void on_retry(void *ctx);
static void on_watch(void *ctx);
static void on_wake(void *ctx);
static void on_side_ready(void *ctx);
static void on_side_lost(void *ctx, const struct pg_fault *fault);
static void on_snapshot(void *ctx, const PGresult *result, const struct pg_fault *fault);
static int on_judge(void *ctx, const struct catalog *catalog, struct err *err);
static void on_prepared(void *ctx, enum prepare_outcome outcome, const struct catalog *catalog,
                        bool changed, const struct err *err);
static void on_waiting(void *ctx, const char *reason);
static void on_created(void *ctx);
static void on_started(void *ctx);
static void on_ended(void *ctx, enum stream_state state, const struct pg_fault *fault);

static struct slot *slot_of(struct source *source)
{
    return (struct slot *)(void *)((char *)source - offsetof(struct slot, source));
}

static struct source *slot_open(const struct source_opts *opts, const struct source_table *tables,
                                unsigned n_tables, struct event_base *base,
                                const struct source_events *events, void *ctx)
{
    static const struct pgconn_events side_events = {.ready = on_side_ready, .lost = on_side_lost};
    static const struct prepare_events prepare_events = {.judge = on_judge, .done = on_prepared};
    static const struct stream_events stream_events = {
        .waiting = on_waiting,
        .created = on_created,
        .started = on_started,
        .ended = on_ended,
    };
    struct slot *slot = mem_alloc(sizeof *slot);
    slot->source.ops = source_slot();
    slot->opts = opts;
    slot->events = events;
    slot->ctx = ctx;
    slot->side = pgconn_make(base, &side_events, slot);
    slot->stream = stream_make(base, &stream_events, slot, events, ctx);
    slot->prepare = prepare_make(slot->side, opts, &prepare_events, slot);
    slot->retry = pgtimer_make(base, on_retry, slot);
    slot->watch = pgtimer_make(base, on_watch, slot);
    slot->wake = pgtimer_make(base, on_wake, slot);
    slot->outage = outage_make(opts->retry_min_ms, opts->retry_max_ms, pgtimer_now_ms());
    slot->coverage = coverage_make(events, ctx, opts->create, tables, n_tables);
    pgtimer_start_us(slot->retry, 0);
    return &slot->source;
}

static void slot_confirm(struct source *source, uint64_t token)
{
    struct slot *slot = slot_of(source);
    continuity_confirmed(&slot->continuity, token);
    stream_confirm(slot->stream, token);
}

static void slot_pause(struct source *source, bool paused)
{
    stream_pause(slot_of(source)->stream, paused);
}

static void slot_ask(struct source *source)
{
    struct slot *slot = slot_of(source);
    if (slot->state != SLOT_STREAMING)
        return;
    pgconn_query(slot->side,
                 pgconn_version(slot->side) >= 130000 ? "SELECT pg_current_snapshot()"
                                                      : "SELECT txid_current_snapshot()",
                 NULL, 0, on_snapshot, slot);
}

/* `again` is to be said, from the loop. */
static void owe_again(struct slot *slot, const char *reason)
{
    snprintf(slot->reason, sizeof slot->reason, "%s", reason);
    slot->again_due = true;
    pgtimer_start_us(slot->wake, 0);
}

static void slot_detach(struct source *source, const char *reason)
{
    struct slot *slot = slot_of(source);
    if (slot->state == SLOT_FAILED)
        return;
    slot->detached = true;
    owe_again(slot, reason);
    if (slot->state != SLOT_STREAMING && slot->state != SLOT_ENTERING)
        return;
    log_info("leaving the stream reason=\"%s\"", reason);
    stream_leave(slot->stream);
    pgtimer_stop(slot->watch);
    enter(slot, SLOT_DETACHED);
}

static void slot_attach(struct source *source)
{
    struct slot *slot = slot_of(source);
    slot->detached = false;
    run_next(slot);
}

static void slot_set_tables(struct source *source, const struct source_table *tables,
                            unsigned n_tables)
{
    struct slot *slot = slot_of(source);
    coverage_want(slot->coverage, tables, n_tables);
    run_next(slot);
}

/* Ends both connections; what prepare was asked for is abandoned. */
static void disconnect(struct slot *slot)
{
    stream_leave(slot->stream);
    pgconn_close(slot->side);
    prepare_abandon(slot->prepare);
    pgtimer_stop(slot->retry);
    pgtimer_stop(slot->watch);
    coverage_abandon(slot->coverage);
}

static void slot_free(struct slot *slot);

static void slot_close(struct source *source, void (*closed)(void *ctx))
{
    struct slot *slot = slot_of(source);
    disconnect(slot);
    if (!closed) {
        slot_free(slot);
        return;
    }
    slot->closed = closed;
    enter(slot, SLOT_CLOSING);
    pgtimer_start_us(slot->wake, 0);
}

static void slot_free(struct slot *slot)
{
    stream_free(slot->stream);
    prepare_free(slot->prepare);
    pgconn_free(slot->side);
    pgtimer_free(slot->retry);
    pgtimer_free(slot->watch);
    pgtimer_free(slot->wake);
    coverage_free(slot->coverage);
    pgsnapshot_free(&slot->snapshot);
    free(slot);
}

const struct source_ops *source_slot(void)
{
    static const struct source_ops ops = {
        .open = slot_open,
        .confirm = slot_confirm,
        .pause = slot_pause,
        .ask = slot_ask,
        .detach = slot_detach,
        .attach = slot_attach,
        .set_tables = slot_set_tables,
        .close = slot_close,
    };
    return &ops;
}

static void enter(struct slot *slot, enum slot_state state)
{
    static const unsigned allowed[] = {
        [SLOT_WAITING] = BIT(SLOT_CONNECTING) | BIT(SLOT_FAILED) | BIT(SLOT_CLOSING),
        [SLOT_CONNECTING] =
            BIT(SLOT_PREPARING) | BIT(SLOT_WAITING) | BIT(SLOT_FAILED) | BIT(SLOT_CLOSING),
        [SLOT_PREPARING] = BIT(SLOT_ENTERING) | BIT(SLOT_DETACHED) | BIT(SLOT_WAITING) |
                           BIT(SLOT_FAILED) | BIT(SLOT_CLOSING),
        [SLOT_ENTERING] = BIT(SLOT_STREAMING) | BIT(SLOT_DETACHED) | BIT(SLOT_WAITING) |
                          BIT(SLOT_FAILED) | BIT(SLOT_CLOSING),
        [SLOT_STREAMING] =
            BIT(SLOT_DETACHED) | BIT(SLOT_WAITING) | BIT(SLOT_FAILED) | BIT(SLOT_CLOSING),
        [SLOT_DETACHED] = BIT(SLOT_PREPARING) | BIT(SLOT_WAITING) | BIT(SLOT_CLOSING),
        [SLOT_FAILED] = BIT(SLOT_CLOSING),
        [SLOT_CLOSING] = 0,
    };
    static const char *const names[] = {"waiting",   "connecting", "preparing", "entering",
                                        "streaming", "detached",   "failed",    "closing"};
    assert(allowed[slot->state] & BIT(state));
    log_debug("source state=%s was=%s", names[state], names[slot->state]);
    slot->state = state;
}

/* Something was lost: all begins anew, after a while. */
static void go_back(struct slot *slot, const char *reason)
{
    int64_t wait_ms = outage_wait_ms(&slot->outage, pgtimer_now_ms(), reason);
    if (slot->state == SLOT_STREAMING)
        owe_again(slot, reason);
    disconnect(slot);
    enter(slot, SLOT_WAITING);
    pgtimer_start_ms(slot->retry, wait_ms);
}

static void go_back_for(struct slot *slot, const struct pg_fault *fault)
{
    struct err err;
    fault_explain(fault, &err);
    go_back(slot, err.text);
}

static void fail(struct slot *slot, const struct err *err)
{
    disconnect(slot);
    enter(slot, SLOT_FAILED);
    slot->events->failed(slot->ctx, err);
}

/* What ended the first attempt passes later on: somebody is at work on roles and passwords. */
static void refuse(struct slot *slot, const struct err *err)
{
    if (!slot->streamed) {
        fail(slot, err);
        return;
    }
    outage_refused(&slot->outage, pgtimer_now_ms(), err->text);
    go_back(slot, err->text);
}

static struct conninfo make_conninfo(struct slot *slot, struct arena *arena, enum conninfo_use use)
{
    /* logical_decoding_work_mem came with PostgreSQL 13. */
    bool replicates = use == CONNINFO_REPLICATION;
    bool has_work_mem = replicates && pgconn_version(slot->side) >= 130000;
    struct conninfo conninfo = conninfo_make(
        arena, slot->opts->conninfo, use, has_work_mem ? slot->opts->decoding_work_mem_bytes : 0);
    if (replicates)
        pgconn_pin(slot->side, arena, &conninfo);
    return conninfo;
}

static void on_retry(void *ctx)
{
    struct slot *slot = ctx;
    struct err err = {0};
    if (conninfo_check(slot->opts->conninfo, &err) != 0) {
        fail(slot, &err);
        return;
    }
    struct arena *arena = arena_make();
    struct conninfo conninfo = make_conninfo(slot, arena, CONNINFO_SQL);
    enter(slot, SLOT_CONNECTING);
    pgconn_open(slot->side, &conninfo);
    arena_free(arena);
}

static void on_wake(void *ctx)
{
    struct slot *slot = ctx;
    if (slot->state == SLOT_CLOSING) {
        void (*closed)(void *) = slot->closed;
        void *closed_ctx = slot->ctx;
        slot_free(slot);
        closed(closed_ctx);
    } else if (slot->again_due) {
        slot->again_due = false;
        slot->events->again(slot->ctx, slot->reason);
    }
}

static void start_job(struct slot *slot, enum job job, struct wanted_list *wanted)
{
    slot->job = job;
    prepare_start(slot->prepare, wanted);
}

/* Begins what waits for the side connection. Until the first stream, tables that are wanted next
 * come before the start: it is judged by the latest rules, and must not fail for those. */
static void run_next(struct slot *slot)
{
    bool preparing = slot->state == SLOT_PREPARING;
    bool settled = slot->state == SLOT_ENTERING || slot->state == SLOT_STREAMING ||
                   slot->state == SLOT_DETACHED;
    struct wanted_list *candidate = NULL;
    if ((!settled && !preparing) || prepare_is_running(slot->prepare))
        return;
    if (settled || !slot->streamed)
        candidate = coverage_take_next(slot->coverage);
    if (candidate) {
        start_job(slot, JOB_RELOAD, candidate);
        return;
    }
    if (slot->state == SLOT_DETACHED && !slot->detached)
        enter(slot, SLOT_PREPARING);
    if (slot->state == SLOT_PREPARING)
        start_job(slot, JOB_START, coverage_list(slot->coverage));
}

static void on_watch(void *ctx)
{
    struct slot *slot = ctx;
    pgtimer_start_ms(slot->watch, WATCH_MS);
    if (slot->state == SLOT_STREAMING && !prepare_is_running(slot->prepare))
        start_job(slot, JOB_WATCH, coverage_list(slot->coverage));
}

static void on_side_ready(void *ctx)
{
    struct slot *slot = ctx;
    enter(slot, SLOT_PREPARING);
    run_next(slot);
}

static void on_side_lost(void *ctx, const struct pg_fault *fault)
{
    struct slot *slot = ctx;
    struct err err;
    if (slot->state == SLOT_CONNECTING && fault_is_final(fault, &err))
        refuse(slot, &err);
    else
        go_back_for(slot, fault);
}

static void on_snapshot(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct slot *slot = ctx;
    if (fault)
        go_back(slot, fault->reason);
    else if (!pgsnapshot_parse(&slot->snapshot, PQgetvalue(result, 0, 0)))
        go_back(slot, "what pg_current_snapshot() answers makes no sense");
    else if (slot->state == SLOT_STREAMING)
        slot->events->snapshot(slot->ctx, &slot->snapshot.snapshot);
}

static int on_judge(void *ctx, const struct catalog *catalog, struct err *err)
{
    struct slot *slot = ctx;
    bool preparing = slot->state == SLOT_PREPARING;
    stream_learn(slot->stream, catalog->types, slot->job == JOB_START);
    if (preparing && remedy_server(catalog, slot->opts->create, err) != 0)
        return -1;
    switch (slot->job) {
    case JOB_START:
        if (slot->streamed)
            break;
        if (coverage_wants_next(slot->coverage))
            return err_set(err, EX_TEMPFAIL, "other tables are wanted meanwhile");
        return coverage_judge(slot->coverage, catalog, err);
    case JOB_RELOAD:
        return coverage_judge(slot->coverage, catalog, err);
    case JOB_WATCH:
        break;
    }
    coverage_warn(slot->coverage, catalog);
    return 0;
}

static void enter_stream(struct slot *slot, const struct catalog *catalog, bool changed)
{
    struct stream_opts opts = {
        .slot = slot->opts->slot,
        .publication = slot->opts->publication,
        .found = continuity_judge(&slot->continuity, &catalog->slot),
        .status_ms = catalog->server.wal_sender_timeout_ms / 3,
    };
    if (opts.status_ms == 0 || opts.status_ms > STATUS_MS_MAX)
        opts.status_ms = STATUS_MS_MAX;
    if (!slot->streamed)
        coverage_note(slot->coverage, catalog, changed, opts.found != STREAM_SLOT_THERE);
    else
        coverage_lose(slot->coverage, catalog);
    if (slot->detached) {
        enter(slot, SLOT_DETACHED);
        return;
    }
    struct arena *arena = arena_make();
    struct conninfo conninfo = make_conninfo(slot, arena, CONNINFO_REPLICATION);
    enter(slot, SLOT_ENTERING);
    stream_enter(slot->stream, &conninfo, &opts);
    arena_free(arena);
}

static void on_start_prepared(struct slot *slot, enum prepare_outcome outcome,
                              const struct catalog *catalog, bool changed, const struct err *err)
{
    switch (outcome) {
    case PREPARE_DONE:
        enter_stream(slot, catalog, changed);
        break;
    case PREPARE_LATER:
        go_back(slot, err->text);
        break;
    case PREPARE_REFUSED:
        if (err->code == EX_TEMPFAIL)
            break; /* the other tables come first */
        if (err->code == EX_NOPERM)
            refuse(slot, err);
        else
            fail(slot, err);
        break;
    }
}

static void on_reload_prepared(struct slot *slot, enum prepare_outcome outcome,
                               const struct catalog *catalog, bool changed, const struct err *err)
{
    bool preparing = slot->state == SLOT_PREPARING;
    if (outcome == PREPARE_LATER && preparing) {
        go_back(slot, err->text);
        return; /* they are still wanted */
    }
    bool new_slot = preparing && !catalog->slot.exists; /* it will give what is published now */
    if (outcome == PREPARE_DONE)
        coverage_adopt(slot->coverage, catalog, changed && !new_slot);
    else
        coverage_refuse(slot->coverage);
    if (slot->state == SLOT_STREAMING)
        pgtimer_start_us(slot->watch, 0);
    slot->events->tables_set(slot->ctx, err);
}

static void on_watch_prepared(struct slot *slot, enum prepare_outcome outcome,
                              const struct catalog *catalog, bool changed, const struct err *err)
{
    unsigned n_suppressed;
    if (outcome != PREPARE_DONE) {
        if (log_limit_pass(&slot->unwatched, pgtimer_now_ms(), UNWATCHED_MS, &n_suppressed))
            log_warn("tables cannot be looked after reason=\"%s\" suppressed=%u", err->text,
                     n_suppressed);
        return;
    }
    if (slot->state == SLOT_STREAMING &&
        coverage_doubt_renamed(slot->coverage, catalog, slot->stream)) {
        go_back(slot, "a schema was renamed");
        return;
    }
    if (changed)
        pgtimer_start_us(slot->watch, 0); /* to see it published */
    for (unsigned i = 0; i < catalog->n_tables && slot->state == SLOT_STREAMING; i++)
        coverage_compare(slot->coverage, catalog, i);
}

static void on_prepared(void *ctx, enum prepare_outcome outcome, const struct catalog *catalog,
                        bool changed, const struct err *err)
{
    struct slot *slot = ctx;
    switch (slot->job) {
    case JOB_START:
        on_start_prepared(slot, outcome, catalog, changed, err);
        break;
    case JOB_RELOAD:
        on_reload_prepared(slot, outcome, catalog, changed, err);
        break;
    case JOB_WATCH:
        on_watch_prepared(slot, outcome, catalog, changed, err);
        break;
    }
    run_next(slot);
}

static void on_waiting(void *ctx, const char *reason)
{
    struct slot *slot = ctx;
    continuity_taken(&slot->continuity);
    log_info("waiting as standby reason=\"%s\"", reason);
}

static void on_created(void *ctx)
{
    struct slot *slot = ctx;
    continuity_made(&slot->continuity);
}

static void on_started(void *ctx)
{
    struct slot *slot = ctx;
    enter(slot, SLOT_STREAMING);
    slot->streamed = true;
    outage_over(&slot->outage, pgtimer_now_ms());
    log_info("streaming slot=%s publication=%s", slot->opts->slot, slot->opts->publication);
    pgtimer_start_us(slot->watch, 0);
    slot->events->streaming(slot->ctx);
    if (slot->state != SLOT_STREAMING)
        return; /* a gap is said when the stream really begins */
    const char *gap = continuity_take_gap(&slot->continuity);
    if (gap)
        slot->events->gap(slot->ctx, gap);
}

/* The stream met a change from before the publication was made: no reading gets past it. */
static void on_old_slot(struct slot *slot, const struct pg_fault *fault)
{
    struct err err;
    slot->continuity.remake = slot->opts->create;
    if (slot->opts->create) {
        go_back(slot, fault->reason);
        return;
    }
    remedy_old_slot(slot->opts->slot, fault->reason, &err);
    fail(slot, &err);
}

static void on_ended(void *ctx, enum stream_state state, const struct pg_fault *fault)
{
    struct slot *slot = ctx;
    struct err err;
    if (state == STREAM_ON && fault_is(fault, "42704") &&
        strstr(fault->reason, slot->opts->publication))
        on_old_slot(slot, fault);
    else if (state == STREAM_CONNECTING && fault_is_final(fault, &err))
        refuse(slot, &err);
    else if (state == STREAM_CREATING && fault_of_slot_is_final(fault, &err))
        refuse(slot, &err);
    else
        go_back_for(slot, fault);
}
