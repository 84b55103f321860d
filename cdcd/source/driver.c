/* The driver of every source: a side connection, a feed, and what is done with them in turn:
 *
 *      WAITING ----> CONNECTING ----> PREPARING ----> ENTERING ----> STREAMING
 *      back-off      the side         prepare.c:      the feed:          |
 *         ^          connection       catalog,        a slot is made,    |
 *         |                           publication     or waited for      |
 *         +-------------- anything is lost ----------------+-------------+
 *
 * The side connection lives as long as the stream. It answers what is visible, it is where the
 * catalog is asked, and it is a canary: at a fast shutdown PostgreSQL ends it at once, but lets the
 * stream live until all is confirmed, so when it goes the stream is left. */
#include "source/source.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "source/coverage.h"
#include "source/feed.h"
#include "source/outage.h"
#include "source/outbox.h"
#include "source/pgconn.h"
#include "source/pgsnapshot.h"
#include "source/prepare.h"
#include "source/remedy.h"
#include "source/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_MS 10000      /* between two looks at the tables */
#define UNWATCHED_MS 300000 /* between two lines that say that this cannot be done */

#define BIT(state) (1u << (state))

enum driver_state {
    DRIVER_WAITING,
    DRIVER_CONNECTING,
    DRIVER_PREPARING,
    DRIVER_ENTERING, /* or waiting for another to leave the slot */
    DRIVER_STREAMING,
    DRIVER_DETACHED, /* prepared, but for the stream */
    DRIVER_FAILED,
    DRIVER_CLOSING,
};

/* What the catalog is being asked for. */
enum job { JOB_START, JOB_RELOAD, JOB_WATCH };

struct driver {
    struct source source;
    const struct source_opts *opts;
    const struct source_events *events;
    void *ctx;
    enum driver_state state;
    struct pgconn *side;
    struct feed *feed;
    struct prepare *prepare;
    enum job job; /* of prepare, while it runs */
    struct timer *retry;
    struct timer *watch;
    struct timer *wake; /* says what may not be said within a call */
    struct outage outage;
    struct log_limit unwatched;
    struct coverage *coverage;
    struct pgsnapshot snapshot;
    bool detached;  /* the stream is not wanted now */
    bool streamed;  /* once, so that what is wrong may pass */
    bool puzzled;   /* the feed waits for a look at the tables */
    bool again_due; /* `again` is to be said, for reason */
    char reason[256];
    void (*closed)(void *ctx);
};

static void enter(struct driver *driver, enum driver_state state);
static void run_next(struct driver *driver);
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
static void on_started(void *ctx);
static void on_puzzled(void *ctx);
static void on_ended(void *ctx, enum feed_end end, const struct err *err);
static void on_finished(void *ctx);

static struct driver *driver_of(struct source *source)
{
    return (struct driver *)(void *)((char *)source - offsetof(struct driver, source));
}

static struct source *driver_open(const struct source_opts *opts, const struct source_table *tables,
                                  unsigned n_tables, struct event_base *base,
                                  const struct source_events *events, void *ctx)
{
    static const struct pgconn_events side_events = {.ready = on_side_ready, .lost = on_side_lost};
    static const struct prepare_events prepare_events = {.judge = on_judge, .done = on_prepared};
    static const struct feed_events feed_events = {
        .waiting = on_waiting,
        .started = on_started,
        .puzzled = on_puzzled,
        .ended = on_ended,
        .finished = on_finished,
    };
    const struct feed_ops *feed = opts->mode == SOURCE_OUTBOX ? outbox_feed() : stream_feed();
    struct driver *driver = mem_alloc(sizeof *driver);
    driver->source.ops = source_driver();
    driver->opts = opts;
    driver->events = events;
    driver->ctx = ctx;
    driver->side = pgconn_make(base, &side_events, driver);
    driver->feed = feed->make(opts, base, &feed_events, driver, events, ctx);
    driver->prepare = prepare_make(driver->side, opts, &prepare_events, driver);
    driver->retry = timer_make(base, on_retry, driver);
    driver->watch = timer_make(base, on_watch, driver);
    driver->wake = timer_make(base, on_wake, driver);
    driver->outage = outage_make(opts->retry_min_ms, opts->retry_max_ms, timer_now_ms());
    driver->coverage = coverage_make(events, ctx, opts->create, tables, n_tables);
    timer_start_us(driver->retry, 0);
    return &driver->source;
}

static void driver_confirm(struct source *source, uint64_t token)
{
    struct driver *driver = driver_of(source);
    driver->feed->ops->confirm(driver->feed, token);
}

static void driver_pause(struct source *source, bool paused)
{
    struct driver *driver = driver_of(source);
    driver->feed->ops->pause(driver->feed, paused);
}

static void driver_ask(struct source *source)
{
    struct driver *driver = driver_of(source);
    if (driver->state != DRIVER_STREAMING)
        return;
    pgconn_query(driver->side,
                 pgconn_version(driver->side) >= 130000 ? "SELECT pg_current_snapshot()"
                                                        : "SELECT txid_current_snapshot()",
                 NULL, 0, on_snapshot, driver);
}

/* `again` is to be said, from the loop. */
static void owe_again(struct driver *driver, const char *reason)
{
    snprintf(driver->reason, sizeof driver->reason, "%s", reason);
    driver->again_due = true;
    timer_start_us(driver->wake, 0);
}

static void driver_detach(struct source *source, const char *reason)
{
    struct driver *driver = driver_of(source);
    if (driver->state == DRIVER_FAILED)
        return;
    driver->detached = true;
    owe_again(driver, reason);
    if (driver->state != DRIVER_STREAMING && driver->state != DRIVER_ENTERING)
        return;
    log_info("changes are not read for now reason=\"%s\"", reason);
    driver->feed->ops->leave(driver->feed);
    timer_stop(driver->watch);
    enter(driver, DRIVER_DETACHED);
}

static void driver_attach(struct source *source)
{
    struct driver *driver = driver_of(source);
    driver->detached = false;
    run_next(driver);
}

static void driver_set_tables(struct source *source, const struct source_table *tables,
                              unsigned n_tables)
{
    struct driver *driver = driver_of(source);
    coverage_want(driver->coverage, tables, n_tables);
    run_next(driver);
}

/* Ends the side connection; what prepare was asked for is abandoned. */
static void abandon_side(struct driver *driver)
{
    pgconn_close(driver->side);
    prepare_abandon(driver->prepare);
    timer_stop(driver->retry);
    timer_stop(driver->watch);
    coverage_abandon(driver->coverage);
}

static void disconnect(struct driver *driver)
{
    driver->feed->ops->leave(driver->feed);
    abandon_side(driver);
}

static void driver_free(struct driver *driver)
{
    driver->feed->ops->free(driver->feed);
    prepare_free(driver->prepare);
    pgconn_free(driver->side);
    timer_free(driver->retry);
    timer_free(driver->watch);
    timer_free(driver->wake);
    coverage_free(driver->coverage);
    pgsnapshot_free(&driver->snapshot);
    free(driver);
}

static void driver_close(struct source *source, void (*closed)(void *ctx))
{
    struct driver *driver = driver_of(source);
    bool finishes = closed && driver->state == DRIVER_STREAMING && driver->feed->ops->finish;
    abandon_side(driver);
    if (!finishes)
        driver->feed->ops->leave(driver->feed);
    if (!closed) {
        driver_free(driver);
        return;
    }
    driver->closed = closed;
    enter(driver, DRIVER_CLOSING);
    if (finishes)
        driver->feed->ops->finish(driver->feed);
    else
        timer_start_us(driver->wake, 0);
}

const struct source_ops *source_driver(void)
{
    static const struct source_ops ops = {
        .open = driver_open,
        .confirm = driver_confirm,
        .pause = driver_pause,
        .ask = driver_ask,
        .detach = driver_detach,
        .attach = driver_attach,
        .set_tables = driver_set_tables,
        .close = driver_close,
    };
    return &ops;
}

static void enter(struct driver *driver, enum driver_state state)
{
    static const unsigned allowed[] = {
        [DRIVER_WAITING] = BIT(DRIVER_CONNECTING) | BIT(DRIVER_FAILED) | BIT(DRIVER_CLOSING),
        [DRIVER_CONNECTING] =
            BIT(DRIVER_PREPARING) | BIT(DRIVER_WAITING) | BIT(DRIVER_FAILED) | BIT(DRIVER_CLOSING),
        [DRIVER_PREPARING] = BIT(DRIVER_ENTERING) | BIT(DRIVER_DETACHED) | BIT(DRIVER_WAITING) |
                             BIT(DRIVER_FAILED) | BIT(DRIVER_CLOSING),
        [DRIVER_ENTERING] = BIT(DRIVER_STREAMING) | BIT(DRIVER_DETACHED) | BIT(DRIVER_WAITING) |
                            BIT(DRIVER_FAILED) | BIT(DRIVER_CLOSING),
        [DRIVER_STREAMING] =
            BIT(DRIVER_DETACHED) | BIT(DRIVER_WAITING) | BIT(DRIVER_FAILED) | BIT(DRIVER_CLOSING),
        [DRIVER_DETACHED] = BIT(DRIVER_PREPARING) | BIT(DRIVER_WAITING) | BIT(DRIVER_CLOSING),
        [DRIVER_FAILED] = BIT(DRIVER_CLOSING),
        [DRIVER_CLOSING] = 0,
    };
    static const char *const names[] = {"waiting",   "connecting", "preparing", "entering",
                                        "streaming", "detached",   "failed",    "closing"};
    assert(allowed[driver->state] & BIT(state));
    log_debug("source state=%s was=%s", names[state], names[driver->state]);
    driver->state = state;
}

/* Something was lost: all begins anew, after a while. */
static void go_back(struct driver *driver, const char *reason)
{
    int64_t wait_ms = outage_wait_ms(&driver->outage, timer_now_ms(), reason);
    if (driver->state == DRIVER_STREAMING)
        owe_again(driver, reason);
    disconnect(driver);
    enter(driver, DRIVER_WAITING);
    timer_start_ms(driver->retry, wait_ms);
}

static void go_back_for(struct driver *driver, const struct pg_fault *fault)
{
    struct err err;
    fault_explain(fault, driver->opts->mode, &err);
    go_back(driver, err.text);
}

static void fail(struct driver *driver, const struct err *err)
{
    disconnect(driver);
    enter(driver, DRIVER_FAILED);
    driver->events->failed(driver->ctx, err);
}

/* What ended the first attempt passes later on: somebody is at work on roles and passwords, or runs
 * the outbox's migrations again. */
static void refuse(struct driver *driver, const struct err *err)
{
    if (!driver->streamed) {
        fail(driver, err);
        return;
    }
    outage_refused(&driver->outage, timer_now_ms(), err->text);
    go_back(driver, err->text);
}

/* The feed goes to the host that the side connection reached. */
static struct conninfo feed_conninfo(struct driver *driver, struct arena *arena)
{
    /* logical_decoding_work_mem came with PostgreSQL 13. */
    bool has_work_mem = pgconn_version(driver->side) >= 130000;
    struct conninfo conninfo =
        conninfo_make(arena, driver->opts->conninfo, driver->feed->ops->use,
                      has_work_mem ? driver->opts->decoding_work_mem_bytes : 0);
    pgconn_pin(driver->side, arena, &conninfo);
    return conninfo;
}

static void on_retry(void *ctx)
{
    struct driver *driver = ctx;
    struct err err = {0};
    if (conninfo_check(driver->opts->conninfo, &err) != 0) {
        fail(driver, &err);
        return;
    }
    struct arena *arena = arena_make();
    struct conninfo conninfo = conninfo_make(arena, driver->opts->conninfo, CONNINFO_SQL, 0);
    enter(driver, DRIVER_CONNECTING);
    pgconn_open(driver->side, &conninfo);
    arena_free(arena);
}

static void on_wake(void *ctx)
{
    struct driver *driver = ctx;
    if (driver->state == DRIVER_CLOSING) {
        void (*closed)(void *) = driver->closed;
        void *closed_ctx = driver->ctx;
        driver_free(driver);
        closed(closed_ctx);
    } else if (driver->again_due) {
        driver->again_due = false;
        driver->events->again(driver->ctx, driver->reason);
    }
}

static void start_job(struct driver *driver, enum job job, struct wanted_list *wanted)
{
    driver->job = job;
    prepare_start(driver->prepare, wanted);
}

/* Begins what waits for the side connection. Until the first stream, tables that are wanted next
 * come before the start: it is judged by the latest rules, and must not fail for those. */
static void run_next(struct driver *driver)
{
    bool preparing = driver->state == DRIVER_PREPARING;
    bool settled = driver->state == DRIVER_ENTERING || driver->state == DRIVER_STREAMING ||
                   driver->state == DRIVER_DETACHED;
    struct wanted_list *candidate = NULL;
    if ((!settled && !preparing) || prepare_is_running(driver->prepare))
        return;
    if (settled || !driver->streamed)
        candidate = coverage_take_next(driver->coverage);
    if (candidate) {
        start_job(driver, JOB_RELOAD, candidate);
        return;
    }
    if (driver->state == DRIVER_DETACHED && !driver->detached)
        enter(driver, DRIVER_PREPARING);
    if (driver->state == DRIVER_PREPARING)
        start_job(driver, JOB_START, coverage_list(driver->coverage));
}

static void on_watch(void *ctx)
{
    struct driver *driver = ctx;
    timer_start_ms(driver->watch, WATCH_MS);
    if (driver->state == DRIVER_STREAMING && !prepare_is_running(driver->prepare))
        start_job(driver, JOB_WATCH, coverage_list(driver->coverage));
}

static void on_side_ready(void *ctx)
{
    struct driver *driver = ctx;
    enter(driver, DRIVER_PREPARING);
    run_next(driver);
}

static void on_side_lost(void *ctx, const struct pg_fault *fault)
{
    struct driver *driver = ctx;
    struct err err;
    if (driver->state == DRIVER_CONNECTING && fault_is_final(fault, &err))
        refuse(driver, &err);
    else
        go_back_for(driver, fault);
}

static void on_snapshot(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct driver *driver = ctx;
    if (fault)
        go_back(driver, fault->reason);
    else if (!pgsnapshot_parse(&driver->snapshot, PQgetvalue(result, 0, 0)))
        go_back(driver, "what pg_current_snapshot() answers makes no sense");
    else if (driver->state == DRIVER_STREAMING)
        driver->events->snapshot(driver->ctx, &driver->snapshot.snapshot);
}

static int on_judge(void *ctx, const struct catalog *catalog, struct err *err)
{
    struct driver *driver = ctx;
    bool preparing = driver->state == DRIVER_PREPARING;
    driver->puzzled = false;
    driver->feed->ops->learn(driver->feed, catalog, driver->job == JOB_START);
    if (preparing && remedy_server(catalog, driver->opts->create, err) != 0)
        return -1;
    switch (driver->job) {
    case JOB_START:
        if (driver->streamed)
            break;
        if (coverage_wants_next(driver->coverage))
            return err_set(err, EX_TEMPFAIL, "other tables are wanted meanwhile");
        return coverage_judge(driver->coverage, catalog, err);
    case JOB_RELOAD:
        return coverage_judge(driver->coverage, catalog, err);
    case JOB_WATCH:
        break;
    }
    coverage_warn(driver->coverage, catalog);
    return 0;
}

static void note_covered(struct driver *driver, const struct catalog *catalog, bool changed,
                         bool anew)
{
    if (driver->streamed)
        coverage_lose(driver->coverage, catalog);
    else
        coverage_note(driver->coverage, catalog, changed, anew);
}

static void enter_feed(struct driver *driver, const struct catalog *catalog, bool changed)
{
    if (driver->detached) {
        note_covered(driver, catalog, changed, false);
        enter(driver, DRIVER_DETACHED);
        return;
    }
    struct arena *arena = arena_make();
    struct conninfo conninfo = feed_conninfo(driver, arena);
    enter(driver, DRIVER_ENTERING);
    bool anew = driver->feed->ops->enter(driver->feed, &conninfo, catalog);
    note_covered(driver, catalog, changed, anew);
    arena_free(arena);
}

static void on_start_prepared(struct driver *driver, enum prepare_outcome outcome,
                              const struct catalog *catalog, bool changed, const struct err *err)
{
    switch (outcome) {
    case PREPARE_DONE:
        enter_feed(driver, catalog, changed);
        break;
    case PREPARE_LATER:
        go_back(driver, err->text);
        break;
    case PREPARE_REFUSED:
        if (err->code == EX_TEMPFAIL)
            break; /* the other tables come first */
        if (err->code == EX_NOPERM || driver->opts->mode == SOURCE_OUTBOX)
            refuse(driver, err);
        else
            fail(driver, err);
        break;
    }
}

static void on_reload_prepared(struct driver *driver, enum prepare_outcome outcome,
                               const struct catalog *catalog, bool changed, const struct err *err)
{
    bool preparing = driver->state == DRIVER_PREPARING;
    if (outcome == PREPARE_LATER && preparing) {
        go_back(driver, err->text);
        return; /* they are still wanted */
    }
    bool new_slot = preparing && !catalog->slot.exists; /* it will give what is published now */
    if (outcome == PREPARE_DONE)
        coverage_adopt(driver->coverage, catalog, changed && !new_slot);
    else
        coverage_refuse(driver->coverage);
    if (driver->state == DRIVER_STREAMING)
        timer_start_us(driver->watch, 0);
    driver->events->tables_set(driver->ctx, err);
}

static void on_watch_prepared(struct driver *driver, enum prepare_outcome outcome,
                              const struct catalog *catalog, bool changed, const struct err *err)
{
    unsigned n_suppressed;
    if (outcome != PREPARE_DONE && driver->puzzled) {
        go_back(driver, err->text);
        return;
    }
    if (outcome != PREPARE_DONE) {
        if (log_limit_pass(&driver->unwatched, timer_now_ms(), UNWATCHED_MS, &n_suppressed))
            log_warn("tables cannot be looked after reason=\"%s\" suppressed=%u", err->text,
                     n_suppressed);
        return;
    }
    if (driver->state == DRIVER_STREAMING &&
        coverage_doubt_renamed(driver->coverage, catalog, driver->feed)) {
        go_back(driver, "a schema was renamed");
        return;
    }
    if (changed)
        timer_start_us(driver->watch, 0); /* to see it published */
    for (unsigned i = 0; i < catalog->n_tables && driver->state == DRIVER_STREAMING; i++)
        coverage_compare(driver->coverage, catalog, i);
}

static void on_prepared(void *ctx, enum prepare_outcome outcome, const struct catalog *catalog,
                        bool changed, const struct err *err)
{
    struct driver *driver = ctx;
    switch (driver->job) {
    case JOB_START:
        on_start_prepared(driver, outcome, catalog, changed, err);
        break;
    case JOB_RELOAD:
        on_reload_prepared(driver, outcome, catalog, changed, err);
        break;
    case JOB_WATCH:
        on_watch_prepared(driver, outcome, catalog, changed, err);
        break;
    }
    run_next(driver);
}

static void on_waiting(void *ctx, const char *reason)
{
    (void)ctx;
    log_info("waiting as standby reason=\"%s\"", reason);
}

static void on_started(void *ctx)
{
    struct driver *driver = ctx;
    enter(driver, DRIVER_STREAMING);
    driver->streamed = true;
    outage_over(&driver->outage, timer_now_ms());
    timer_start_us(driver->watch, 0);
    driver->events->streaming(driver->ctx);
}

/* Something in the database has changed: it is looked at without waiting. */
static void on_puzzled(void *ctx)
{
    struct driver *driver = ctx;
    driver->puzzled = true;
    timer_start_us(driver->watch, 0);
}

static void on_ended(void *ctx, enum feed_end end, const struct err *err)
{
    struct driver *driver = ctx;
    if (driver->state == DRIVER_CLOSING) {
        timer_start_us(driver->wake, 0);
        return;
    }
    switch (end) {
    case FEED_LOST:
        go_back(driver, err->text);
        break;
    case FEED_REFUSED:
        refuse(driver, err);
        break;
    case FEED_FAILED:
        fail(driver, err);
        break;
    }
}

static void on_finished(void *ctx)
{
    struct driver *driver = ctx;
    timer_start_us(driver->wake, 0);
}
