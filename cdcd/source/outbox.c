/* Two connections. The reader does one thing after the other:
 *
 *      OFF ----> CONNECTING ----> LOCKING ----> ON: read, delete, tell, rotate ----> FINISHING
 *       ^                    another reads         |                                    |
 *       +------------------- the reader is lost ---+---------------- all is told -------+
 *
 * The listener comes and goes beside it: without it changes are found by the poll. */
#include "source/outbox.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "source/listener.h"
#include "source/outbox_ledger.h"
#include "source/outbox_lock.h"
#include "source/outbox_origin.h"
#include "source/outbox_pace.h"
#include "source/outbox_row.h"
#include "source/outbox_sql.h"
#include "source/pgconn.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define READ_ROWS 20000 /* a read gives about so many */
#define DELETE_MAX 5000 /* transactions in one statement */
#define ROTATE_MS 10000 /* between two, if anything was deleted */
#define REREAD_MS 60000 /* between two reads of all that there is, while nothing is under way */
#define FINISH_MS 5000  /* for the answer to the last statement, which may be lost */

#define BIT(state) (1u << (state))

enum outbox_state { OUTBOX_OFF, OUTBOX_CONNECTING, OUTBOX_LOCKING, OUTBOX_ON, OUTBOX_FINISHING };

/* What the reader is asked. */
enum errand { ERRAND_NONE, ERRAND_READ, ERRAND_DELETE, ERRAND_TELL, ERRAND_ROTATE };

struct outbox {
    struct feed feed;
    const struct source_opts *opts;
    const struct feed_events *events;
    void *ctx;
    const struct source_events *source_events;
    void *source_ctx;
    enum outbox_state state;
    struct pgconn *reader;
    struct listener *listener;
    struct outbox_lock *lock;
    struct outbox_origin origin;
    struct timer *next; /* the next read */
    struct timer *wake; /* what may not be done within a call */

    enum errand errand; /* that the reader is on */
    enum errand last;
    bool due; /* a read is */
    struct outbox_pace pace;
    struct outbox_mark mark;
    int64_t rotated_ms;
    int64_t reread_ms;
    bool deleted; /* something was since it was rotated */

    struct outbox_rows *rows;
    bool in_unit;
    bool fruitful;           /* this read was */
    bool more;               /* it left something for the next */
    struct outbox_unit unit; /* of the unit */
    char gap[256];           /* to be said when the unit has ended; "" when there is none */
    struct buf puzzle;       /* the message that the catalog must explain; empty: none */
    bool explained;          /* it has been */
    bool paused;
    struct outbox_ledger ledger;
};

static void enter(struct outbox *outbox, enum outbox_state state);
static void end(struct outbox *outbox, const struct pg_fault *fault);
static void proceed(struct outbox *outbox);
static void decode(struct outbox *outbox, const char *bytes, size_t n);
static void on_reader_ready(void *ctx);
static void on_reader_lost(void *ctx, const struct pg_fault *fault);
static void on_message(void *ctx, const char *bytes, size_t n);
static void on_due(void *ctx);
static void on_wake(void *ctx);
static void on_read(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void on_last(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void begin(void *ctx);
static void on_waiting(void *ctx, const char *reason);
static void on_refused(void *ctx, const struct pg_fault *fault);
static void finish(struct outbox *outbox);
static void put_tell(struct buf *sql, bool awake);
static void on_head(void *ctx, const struct outbox_head *head);
static void on_begin(void *ctx, const struct outbox_unit *unit);
static void on_change(void *ctx, const struct change *change);
static void on_emptied(void *ctx, const char *reason);

static struct outbox *outbox_of(struct feed *feed)
{
    return (struct outbox *)(void *)((char *)feed - offsetof(struct outbox, feed));
}

static struct feed *outbox_make(const struct source_opts *opts, struct event_base *base,
                                const struct feed_events *events, void *ctx,
                                const struct source_events *source_events, void *source_ctx)
{
    static const struct pgconn_events reader_events = {
        .ready = on_reader_ready, .lost = on_reader_lost, .message = on_message};
    static const struct outbox_row_events row_events = {
        .head = on_head, .begin = on_begin, .change = on_change, .emptied = on_emptied};
    static const struct outbox_lock_events lock_events = {
        .got = begin, .waiting = on_waiting, .failed = on_refused};
    struct outbox *outbox = mem_alloc(sizeof *outbox);
    *outbox = (struct outbox){
        .feed = {outbox_feed()},
        .opts = opts,
        .events = events,
        .ctx = ctx,
        .source_events = source_events,
        .source_ctx = source_ctx,
    };
    outbox->reader = pgconn_make(base, &reader_events, outbox);
    outbox->listener = listener_make(opts, "cdcd", base, on_due, outbox);
    outbox->rows = outbox_rows_make(&row_events, outbox);
    outbox->lock = outbox_lock_make(base, outbox->reader, &lock_events, outbox);
    outbox->next = timer_make(base, on_due, outbox);
    outbox->wake = timer_make(base, on_wake, outbox);
    return &outbox->feed;
}

static void outbox_learn(struct feed *feed, const struct catalog *catalog, bool anew)
{
    struct outbox *outbox = outbox_of(feed);
    outbox_rows_learn(outbox->rows, catalog, anew);
    outbox->explained = outbox->puzzle.len > 0;
    if (outbox->explained)
        timer_start_us(outbox->wake, 0);
}

static bool outbox_enter(struct feed *feed, const struct conninfo *conninfo,
                         const struct catalog *catalog)
{
    struct outbox *outbox = outbox_of(feed);
    (void)catalog;
    enter(outbox, OUTBOX_CONNECTING);
    pgconn_open(outbox->reader, conninfo);
    return false;
}

static void outbox_confirm(struct feed *feed, uint64_t token)
{
    struct outbox *outbox = outbox_of(feed);
    if (outbox->state != OUTBOX_ON)
        return;
    outbox_ledger_confirm(&outbox->ledger, token);
    if (outbox_ledger_has_done(&outbox->ledger))
        timer_start_us(outbox->wake, 0);
}

static void regulate(struct outbox *outbox)
{
    pgconn_pause(outbox->reader, outbox->paused || outbox->puzzle.len > 0);
}

static void outbox_pause(struct feed *feed, bool paused)
{
    struct outbox *outbox = outbox_of(feed);
    outbox->paused = paused;
    regulate(outbox);
    if (outbox->state == OUTBOX_ON && !paused)
        timer_start_us(outbox->wake, 0);
}

static const struct relation *outbox_relation(const struct feed *feed, uint32_t oid)
{
    const struct outbox *outbox =
        (const struct outbox *)(const void *)((const char *)feed - offsetof(struct outbox, feed));
    return outbox_rows_relation(outbox->rows, oid);
}

/* Until it comes back nobody listens: NOTIFY would cost writers for nothing. */
static void say_awake(struct outbox *outbox)
{
    struct buf sql = {0};
    put_tell(&sql, true);
    if (outbox->errand == ERRAND_NONE)
        pgconn_leave_with(outbox->reader, buf_str(&sql));
    else
        listener_close_with(outbox->listener, buf_str(&sql));
    buf_free(&sql);
}

static void outbox_leave(struct feed *feed)
{
    struct outbox *outbox = outbox_of(feed);
    if (outbox->state == OUTBOX_OFF)
        return;
    if (outbox->state == OUTBOX_ON)
        say_awake(outbox);
    pgconn_close(outbox->reader);
    listener_close(outbox->listener);
    outbox_lock_stop(outbox->lock);
    timer_stop(outbox->next);
    timer_stop(outbox->wake);
    outbox->errand = ERRAND_NONE;
    outbox->in_unit = false;
    outbox->gap[0] = '\0';
    buf_reset(&outbox->puzzle, 0);
    outbox_ledger_forget(&outbox->ledger);
    enter(outbox, OUTBOX_OFF);
}

/* Over the listener's connection when the reader has not read all: it may be paused for good. */
static void outbox_finish(struct feed *feed)
{
    struct outbox *outbox = outbox_of(feed);
    struct buf sql = {0};
    enter(outbox, OUTBOX_FINISHING);
    if (outbox_ledger_has_done(&outbox->ledger)) {
        outbox_ledger_take_sql(&outbox->ledger, UINT_MAX, &sql);
        buf_put_str(&sql, "; ");
    }
    put_tell(&sql, true);
    timer_start_ms(outbox->wake, FINISH_MS); /* which may have been due at once */
    if (outbox->errand != ERRAND_READ)
        pgconn_query(outbox->reader, buf_str(&sql), NULL, 0, on_last, outbox);
    else if (listener_is_on(outbox->listener))
        listener_query(outbox->listener, buf_str(&sql), on_last, outbox);
    else
        timer_start_us(outbox->wake, 0);
    buf_free(&sql);
}

static void outbox_free(struct feed *feed)
{
    struct outbox *outbox = outbox_of(feed);
    outbox_leave(feed);
    pgconn_free(outbox->reader);
    listener_free(outbox->listener);
    outbox_lock_free(outbox->lock);
    timer_free(outbox->next);
    timer_free(outbox->wake);
    outbox_rows_free(outbox->rows);
    outbox_mark_free(&outbox->mark);
    buf_free(&outbox->puzzle);
    outbox_ledger_free(&outbox->ledger);
    free(outbox);
}

const struct feed_ops *outbox_feed(void)
{
    static const struct feed_ops ops = {
        .use = CONNINFO_OUTBOX,
        .make = outbox_make,
        .learn = outbox_learn,
        .enter = outbox_enter,
        .confirm = outbox_confirm,
        .pause = outbox_pause,
        .relation = outbox_relation,
        .finish = outbox_finish,
        .leave = outbox_leave,
        .free = outbox_free,
    };
    return &ops;
}

static void enter(struct outbox *outbox, enum outbox_state state)
{
    static const unsigned allowed[] = {
        [OUTBOX_OFF] = BIT(OUTBOX_CONNECTING),
        [OUTBOX_CONNECTING] = BIT(OUTBOX_LOCKING) | BIT(OUTBOX_OFF),
        [OUTBOX_LOCKING] = BIT(OUTBOX_ON) | BIT(OUTBOX_OFF),
        [OUTBOX_ON] = BIT(OUTBOX_FINISHING) | BIT(OUTBOX_OFF),
        [OUTBOX_FINISHING] = BIT(OUTBOX_OFF),
    };
    assert(allowed[outbox->state] & BIT(state));
    outbox->state = state;
}

static void end(struct outbox *outbox, const struct pg_fault *fault)
{
    enum feed_end how = FEED_LOST;
    struct err err;
    fault_explain(fault, SOURCE_OUTBOX, &err);
    if (outbox->state == OUTBOX_CONNECTING && fault_is_final(fault, &err))
        how = FEED_REFUSED;
    outbox_leave(&outbox->feed);
    outbox->events->ended(outbox->ctx, how, &err);
}

static void end_because(struct outbox *outbox, const char *reason)
{
    struct pg_fault fault;
    fault_set(&fault, "", reason);
    end(outbox, &fault);
}

/* ---- before it is read: is it the one of before, and does another read it? ---- */

static void on_refused(void *ctx, const struct pg_fault *fault)
{
    end(ctx, fault);
}

static void on_waiting(void *ctx, const char *reason)
{
    struct outbox *outbox = ctx;
    outbox->events->waiting(outbox->ctx, reason);
}

static void on_origin(void *ctx, const struct pg_fault *fault)
{
    struct outbox *outbox = ctx;
    if (fault)
        end(outbox, fault);
    else
        outbox_lock_take(outbox->lock);
}

static void on_reader_ready(void *ctx)
{
    struct outbox *outbox = ctx;
    enter(outbox, OUTBOX_LOCKING);
    outbox_origin_ask(&outbox->origin, outbox->reader, on_origin, outbox);
}

static void on_reader_lost(void *ctx, const struct pg_fault *fault)
{
    end(ctx, fault);
}

/* What was read before, and not deleted, is read again. */
static void begin(void *ctx)
{
    struct outbox *outbox = ctx;
    int64_t now_ms = timer_now_ms();
    log_info("%s the outbox", outbox_lock_waited(outbox->lock) ? "taking over" : "reading");
    enter(outbox, OUTBOX_ON);
    outbox_mark_reset(&outbox->mark);
    outbox->pace = outbox_pace_make(outbox->opts->poll_ms);
    outbox->rotated_ms = now_ms;
    outbox->reread_ms = now_ms;
    outbox->deleted = true;
    outbox->due = true;
    listener_open(outbox->listener, outbox->reader);
    timer_start_us(outbox->wake, 0);
    outbox->events->started(outbox->ctx);
    if (outbox->state != OUTBOX_ON)
        return; /* a gap is said when it is really read */
    const char *gap = lineage_take_gap(&outbox->origin.lineage);
    if (gap)
        outbox->source_events->gap(outbox->source_ctx, gap);
}

/* ---- the reader's errands ---- */

static void on_due(void *ctx)
{
    struct outbox *outbox = ctx;
    outbox->due = true;
    proceed(outbox);
}

static void on_wake(void *ctx)
{
    struct outbox *outbox = ctx;
    if (outbox->state == OUTBOX_FINISHING) {
        finish(outbox);
        return;
    }
    if (outbox->puzzle.len && outbox->explained) {
        struct buf message = outbox->puzzle;
        outbox->puzzle = (struct buf){0};
        decode(outbox, message.data, message.len);
        buf_free(&message);
        if (outbox->state == OUTBOX_ON)
            regulate(outbox);
    }
    proceed(outbox);
}

static void run(struct outbox *outbox, enum errand errand, struct buf *sql, pgconn_answer_fn answer)
{
    outbox->errand = errand;
    pgconn_query(outbox->reader, buf_str(sql), NULL, 0, answer, outbox);
    buf_free(sql);
}

/* False when the outbox was left for that. */
static bool is_done(struct outbox *outbox, const struct pg_fault *fault)
{
    if (fault) {
        end(outbox, fault);
        return false;
    }
    outbox->last = outbox->errand;
    outbox->errand = ERRAND_NONE;
    return true;
}

static void on_done(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox *outbox = ctx;
    (void)result;
    if (is_done(outbox, fault))
        proceed(outbox);
}

static void delete_done(struct outbox *outbox)
{
    struct buf sql = {0};
    outbox_ledger_take_sql(&outbox->ledger, DELETE_MAX, &sql);
    outbox->deleted = true;
    run(outbox, ERRAND_DELETE, &sql, on_done);
}

static void put_tell(struct buf *sql, bool awake)
{
    if (awake)
        buf_put_str(sql, "SELECT setval('cdcd.asleep_until', 0)");
    else
        buf_printf(sql,
                   "SELECT setval('cdcd.asleep_until',"
                   " extract(epoch FROM clock_timestamp())::bigint + %d)",
                   OUTBOX_ASLEEP_S);
}

static void tell(struct outbox *outbox)
{
    struct buf sql = {0};
    outbox_pace_told(&outbox->pace, timer_now_ms());
    log_debug("triggers are told awake=%d", outbox->pace.awake);
    put_tell(&sql, outbox->pace.awake);
    run(outbox, ERRAND_TELL, &sql, on_done);
}

/* It waits for no lock, and what it cannot do now it can do later. */
static void on_rotated(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox *outbox = ctx;
    if (fault)
        log_warn("the outbox cannot be rotated reason=\"%s\"", fault->reason);
    else if (PQgetvalue(result, 0, 0)[0] == 't')
        outbox->deleted = true; /* the part that was left is to be emptied, also if nothing comes */
    on_done(ctx, result, NULL);
}

static void rotate(struct outbox *outbox, int64_t now_ms)
{
    struct buf sql = {0};
    outbox->rotated_ms = now_ms;
    outbox->deleted = false;
    buf_put_str(&sql, "SELECT cdcd.rotate()");
    run(outbox, ERRAND_ROTATE, &sql, on_rotated);
}

/* Now and then all that there is: rows may have come by COPY, with the numbers of transactions of
 * another cluster. */
static void read_outbox(struct outbox *outbox, int64_t now_ms)
{
    struct buf sql = {0};
    if (outbox_ledger_is_clear(&outbox->ledger) && now_ms - outbox->reread_ms >= REREAD_MS) {
        outbox_mark_reset(&outbox->mark);
        outbox->reread_ms = now_ms;
    }
    outbox->due = false;
    outbox->fruitful = false;
    outbox->source_events->ordered(outbox->source_ctx, !outbox->more);
    outbox->more = false;
    timer_stop(outbox->next);
    outbox_rows_start(outbox->rows);
    outbox_read_sql(&sql, &outbox->mark, READ_ROWS);
    run(outbox, ERRAND_READ, &sql, on_read);
}

/* Deleting and reading take turns. */
static void proceed(struct outbox *outbox)
{
    int64_t now_ms = timer_now_ms();
    bool reads = outbox->due && !outbox->paused;
    if (outbox->state != OUTBOX_ON || outbox->errand != ERRAND_NONE)
        return;
    if (outbox_ledger_has_done(&outbox->ledger) && !(reads && outbox->last == ERRAND_DELETE))
        delete_done(outbox);
    else if (outbox_pace_must_tell(&outbox->pace, now_ms))
        tell(outbox);
    else if (reads)
        read_outbox(outbox, now_ms);
    else if (outbox->deleted && now_ms - outbox->rotated_ms >= ROTATE_MS)
        rotate(outbox, now_ms);
}

static void finish(struct outbox *outbox)
{
    outbox_leave(&outbox->feed);
    outbox->events->finished(outbox->ctx);
}

static void on_last(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox *outbox = ctx;
    (void)result;
    if (fault)
        log_warn("what was done stays in the outbox, and will be done again reason=\"%s\"",
                 fault->reason);
    finish(outbox);
}

/* ---- what is read ---- */

static void end_unit(struct outbox *outbox)
{
    if (!outbox->in_unit)
        return;
    outbox->in_unit = false;
    uint64_t token = outbox_ledger_give(&outbox->ledger, &outbox->unit);
    outbox->source_events->commit(outbox->source_ctx, token);
    if (outbox->state == OUTBOX_ON && outbox->gap[0])
        outbox->source_events->gap(outbox->source_ctx, outbox->gap);
    outbox->gap[0] = '\0';
}

static void on_read(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox *outbox = ctx;
    (void)result;
    if (!is_done(outbox, fault))
        return;
    if (outbox->state == OUTBOX_FINISHING)
        return;
    end_unit(outbox);
    if (outbox->state != OUTBOX_ON)
        return;
    outbox_pace_read(&outbox->pace, outbox->fruitful, timer_now_ms());
    if (outbox->more)
        outbox->due = true;
    else
        timer_start_ms(outbox->next, outbox_pace_wait_ms(&outbox->pace));
    proceed(outbox);
}

static void decode(struct outbox *outbox, const char *bytes, size_t n)
{
    struct err err = {0};
    switch (outbox_rows_decode(outbox->rows, bytes, n, &err)) {
    case OUTBOX_DECODED:
        break;
    case OUTBOX_PUZZLED:
        buf_put(&outbox->puzzle, bytes, n);
        outbox->explained = false;
        regulate(outbox);
        outbox->events->puzzled(outbox->ctx);
        break;
    case OUTBOX_BROKEN:
        end_because(outbox, err.text);
        break;
    }
}

static void on_message(void *ctx, const char *bytes, size_t n)
{
    struct outbox *outbox = ctx;
    if (outbox->state == OUTBOX_ON)
        decode(outbox, bytes, n);
}

static void on_head(void *ctx, const struct outbox_head *head)
{
    struct outbox *outbox = ctx;
    outbox->more = head->bound != UINT64_MAX;
    if (!outbox_mark_advance(&outbox->mark, head))
        end_because(outbox, "what txid_current_snapshot() answers makes no sense");
}

/* The outbox may be left within any of these, and a message may hold several rows. */
static void on_begin(void *ctx, const struct outbox_unit *unit)
{
    struct outbox *outbox = ctx;
    end_unit(outbox);
    if (outbox->state != OUTBOX_ON)
        return;
    outbox->in_unit = true;
    outbox->fruitful = true;
    outbox->unit = *unit;
    outbox->source_events->begin(outbox->source_ctx, (uint32_t)unit->txid);
}

static void on_change(void *ctx, const struct change *change)
{
    struct outbox *outbox = ctx;
    if (outbox->state == OUTBOX_ON)
        outbox->source_events->change(outbox->source_ctx, change);
}

static void on_emptied(void *ctx, const char *reason)
{
    struct outbox *outbox = ctx;
    snprintf(outbox->gap, sizeof outbox->gap, "the outbox was emptied: %s", reason);
}
