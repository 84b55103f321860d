#include "source/stream.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "source/continuity.h"
#include "source/lineage.h"
#include "source/pgconn.h"
#include "source/pgoutput.h"
#include "source/remedy.h"
#include "source/types.h"
#include "source/walmsg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOON_MS 50         /* a confirmation waits so long for others to come with it */
#define SLOT_RETRY_MS 1000 /* between two attempts to get a slot that another has */
#define CREATE_PATIENCE_MS 2000
#define BURST_MS 1000
#define BURST 3 /* so many requests for an answer within that time */

#define STATUS_MS_MAX 10000

#define BIT(state) (1u << (state))

enum stream_state {
    STREAM_OFF,
    STREAM_CONNECTING,
    STREAM_DROPPING, /* the slot that is lost */
    STREAM_CREATING,
    STREAM_STARTING,
    STREAM_WAITING, /* another has the slot */
    STREAM_ON,
};

struct stream {
    struct feed feed;
    const struct source_opts *opts;
    const struct feed_events *events;
    void *ctx;
    const struct source_events *source_events;
    void *source_ctx;
    enum stream_state state;
    enum slot_found found; /* unless it is there, it is made */
    struct continuity continuity;
    struct lineage lineage;
    struct pgconn *conn;
    struct types *types;
    struct pgoutput *decoder; /* of this stream or the last */
    struct timer *status;     /* the next feedback */
    struct timer *patience;   /* what is waited for while starting */
    int64_t status_ms;        /* PostgreSQL hears of us at least so often */
    uint64_t given;           /* the largest position told in this stream */
    uint64_t confirmed;       /* the largest confirmed */
    bool soon;                /* status will tell of a confirmation */
    bool said_waiting;
    bool paused;
    int64_t asked_ms[BURST]; /* when PostgreSQL last asked for an answer, the latest first */
};

static void enter(struct stream *stream, enum stream_state state);
static void end(struct stream *stream, const struct pg_fault *fault);
static void send_status(struct stream *stream);
static void start(struct stream *stream);
static void on_status(void *ctx);
static void on_patience(void *ctx);
static void on_ready(void *ctx);
static void on_lost(void *ctx, const struct pg_fault *fault);
static void on_message(void *ctx, const char *bytes, size_t n);
static void on_begin(void *ctx, uint32_t xid);
static void on_change(void *ctx, const struct change *change);
static void on_commit(void *ctx, uint64_t end_lsn);

static struct stream *stream_of(struct feed *feed)
{
    return (struct stream *)(void *)((char *)feed - offsetof(struct stream, feed));
}

static const struct stream *const_stream_of(const struct feed *feed)
{
    return (const struct stream *)(const void *)((const char *)feed -
                                                 offsetof(struct stream, feed));
}

static struct feed *stream_make(const struct source_opts *opts, struct event_base *base,
                                const struct feed_events *events, void *ctx,
                                const struct source_events *source_events, void *source_ctx)
{
    static const struct pgconn_events conn_events = {
        .ready = on_ready,
        .lost = on_lost,
        .message = on_message,
    };
    struct stream *stream = mem_alloc(sizeof *stream);
    *stream = (struct stream){
        .feed = {stream_feed()},
        .opts = opts,
        .events = events,
        .ctx = ctx,
        .source_events = source_events,
        .source_ctx = source_ctx,
    };
    stream->types = types_make();
    stream->conn = pgconn_make(base, &conn_events, stream);
    stream->status = timer_make(base, on_status, stream);
    stream->patience = timer_make(base, on_patience, stream);
    return &stream->feed;
}

static void stream_learn(struct feed *feed, const struct catalog *catalog, bool anew)
{
    struct stream *stream = stream_of(feed);
    if (anew)
        types_forget(stream->types);
    bool news = types_learn(stream->types, catalog->types);
    if (stream->decoder && (news || anew))
        pgoutput_retype(stream->decoder);
}

static bool stream_enter(struct feed *feed, const struct conninfo *conninfo,
                         const struct catalog *catalog)
{
    struct stream *stream = stream_of(feed);
    int64_t status_ms = catalog->server.wal_sender_timeout_ms / 3;
    stream->found = continuity_judge(&stream->continuity, &catalog->slot);
    stream->status_ms = status_ms == 0 || status_ms > STATUS_MS_MAX ? STATUS_MS_MAX : status_ms;
    stream->said_waiting = false;
    enter(stream, STREAM_CONNECTING);
    pgconn_open(stream->conn, conninfo);
    return stream->found != SLOT_THERE;
}

static void stream_confirm(struct feed *feed, uint64_t lsn)
{
    struct stream *stream = stream_of(feed);
    continuity_confirmed(&stream->continuity, lsn);
    if (stream->state != STREAM_ON)
        return;
    assert(lsn <= stream->given); /* a token of another stream would lose changes */
    if (lsn <= stream->confirmed)
        return;
    stream->confirmed = lsn;
    if (stream->soon)
        return;
    stream->soon = true;
    timer_start_ms(stream->status, SOON_MS);
}

static void stream_pause(struct feed *feed, bool paused)
{
    struct stream *stream = stream_of(feed);
    stream->paused = paused;
    if (stream->state == STREAM_ON)
        pgconn_pause(stream->conn, paused);
}

static const struct relation *stream_relation(const struct feed *feed, uint32_t oid)
{
    const struct stream *stream = const_stream_of(feed);
    return stream->decoder ? pgoutput_relation(stream->decoder, oid) : NULL;
}

static void stream_leave(struct feed *feed)
{
    struct stream *stream = stream_of(feed);
    if (stream->state == STREAM_OFF)
        return;
    if (stream->state == STREAM_ON)
        send_status(stream);
    timer_stop(stream->status);
    timer_stop(stream->patience);
    pgconn_leave(stream->conn);
    enter(stream, STREAM_OFF);
}

static void stream_free(struct feed *feed)
{
    struct stream *stream = stream_of(feed);
    stream_leave(feed);
    pgconn_free(stream->conn);
    timer_free(stream->status);
    timer_free(stream->patience);
    pgoutput_free(stream->decoder);
    types_free(stream->types);
    free(stream);
}

const struct feed_ops *stream_feed(void)
{
    static const struct feed_ops ops = {
        .use = CONNINFO_REPLICATION,
        .make = stream_make,
        .learn = stream_learn,
        .enter = stream_enter,
        .confirm = stream_confirm,
        .pause = stream_pause,
        .relation = stream_relation,
        .leave = stream_leave,
        .free = stream_free,
    };
    return &ops;
}

static void enter(struct stream *stream, enum stream_state state)
{
    static const unsigned allowed[] = {
        [STREAM_OFF] = BIT(STREAM_CONNECTING),
        [STREAM_CONNECTING] =
            BIT(STREAM_DROPPING) | BIT(STREAM_CREATING) | BIT(STREAM_STARTING) | BIT(STREAM_OFF),
        [STREAM_DROPPING] = BIT(STREAM_CREATING) | BIT(STREAM_OFF),
        [STREAM_CREATING] = BIT(STREAM_STARTING) | BIT(STREAM_OFF),
        [STREAM_STARTING] = BIT(STREAM_WAITING) | BIT(STREAM_ON) | BIT(STREAM_OFF),
        [STREAM_WAITING] = BIT(STREAM_STARTING) | BIT(STREAM_OFF),
        [STREAM_ON] = BIT(STREAM_OFF),
    };
    assert(allowed[stream->state] & BIT(state));
    stream->state = state;
}

/* The stream met a change from before the publication was made: no reading gets past it. */
static enum feed_end end_of_old_slot(struct stream *stream, const struct pg_fault *fault,
                                     struct err *err)
{
    stream->continuity.remake = stream->opts->create;
    if (stream->opts->create)
        return FEED_LOST;
    remedy_old_slot(stream->opts->slot, fault->reason, err);
    return FEED_FAILED;
}

static void end(struct stream *stream, const struct pg_fault *fault)
{
    enum stream_state state = stream->state;
    enum feed_end end = FEED_LOST;
    struct err err;
    fault_explain(fault, SOURCE_REPLICATION, &err);
    stream_leave(&stream->feed);
    if (state == STREAM_ON && fault_is(fault, "42704") &&
        strstr(fault->reason, stream->opts->publication))
        end = end_of_old_slot(stream, fault, &err);
    else if ((state == STREAM_CONNECTING && fault_is_final(fault, &err)) ||
             (state == STREAM_CREATING && fault_of_slot_is_final(fault, &err)))
        end = FEED_REFUSED;
    stream->events->ended(stream->ctx, end, &err);
}

static void end_because(struct stream *stream, const char *reason)
{
    struct pg_fault fault;
    fault_set(&fault, "", reason);
    end(stream, &fault);
}

static void send_status(struct stream *stream)
{
    char bytes[WALMSG_STATUS_BYTES];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    walmsg_status(bytes, stream->confirmed, now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000);
    stream->soon = !pgconn_put(stream->conn, bytes, sizeof bytes);
    timer_start_ms(stream->status, stream->soon ? SOON_MS : stream->status_ms);
}

static void on_status(void *ctx)
{
    send_status(ctx);
}

/* Names stand in replication commands in double quotes, and strings in single ones. */
static void put_quoted(struct buf *sql, const char *text, char quote)
{
    for (; *text; text++) {
        if (*text == quote)
            buf_put(sql, &quote, 1);
        buf_put(sql, text, 1);
    }
}

static void put_name(struct buf *sql, const char *name)
{
    buf_put_str(sql, "\"");
    put_quoted(sql, name, '"');
    buf_put_str(sql, "\"");
}

static void command(struct stream *stream, struct buf *sql, pgconn_answer_fn answer)
{
    log_debug("replication command sql=%s", buf_str(sql));
    pgconn_query(stream->conn, buf_str(sql), NULL, 0, answer, stream);
    buf_free(sql);
}

static void on_created(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct stream *stream = ctx;
    (void)result;
    timer_stop(stream->patience);
    if (fault) {
        end(stream, fault);
        return;
    }
    log_info("replication slot made slot=%s", stream->opts->slot);
    stream->found = SLOT_THERE;
    continuity_made(&stream->continuity);
    start(stream);
}

static void create_slot(struct stream *stream)
{
    struct buf sql = {0};
    buf_put_str(&sql, "CREATE_REPLICATION_SLOT ");
    put_name(&sql, stream->opts->slot);
    buf_put_str(&sql, " LOGICAL pgoutput NOEXPORT_SNAPSHOT");
    enter(stream, STREAM_CREATING);
    timer_start_ms(stream->patience, CREATE_PATIENCE_MS);
    command(stream, &sql, on_created);
}

static void on_dropped(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct stream *stream = ctx;
    (void)result;
    if (fault)
        end(stream, fault);
    else
        create_slot(stream);
}

static void drop_slot(struct stream *stream)
{
    struct buf sql = {0};
    buf_put_str(&sql, "DROP_REPLICATION_SLOT ");
    put_name(&sql, stream->opts->slot);
    enter(stream, STREAM_DROPPING);
    command(stream, &sql, on_dropped);
}

static void on_identified(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct stream *stream = ctx;
    if (fault) {
        end(stream, fault);
        return;
    }
    lineage_note(&stream->lineage, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), "");
    switch (stream->found) {
    case SLOT_THERE:
        start(stream);
        break;
    case SLOT_MISSING:
        create_slot(stream);
        break;
    case SLOT_LOST:
        drop_slot(stream);
        break;
    }
}

static void on_ready(void *ctx)
{
    struct stream *stream = ctx;
    pgconn_query(stream->conn, "IDENTIFY_SYSTEM", NULL, 0, on_identified, stream);
}

static void wait_for_slot(struct stream *stream, const struct pg_fault *fault)
{
    enter(stream, STREAM_WAITING);
    timer_start_ms(stream->patience, SLOT_RETRY_MS);
    continuity_taken(&stream->continuity);
    if (!stream->said_waiting)
        stream->events->waiting(stream->ctx, fault->reason);
    stream->said_waiting = true;
}

static void begin(struct stream *stream)
{
    log_info("streaming slot=%s publication=%s", stream->opts->slot, stream->opts->publication);
    stream->events->started(stream->ctx);
    if (stream->state != STREAM_ON)
        return; /* a gap is said when the stream really begins */
    const char *gap = continuity_take_gap(&stream->continuity);
    const char *other = lineage_take_gap(&stream->lineage);
    if (other)
        continuity_taken(&stream->continuity); /* positions of another cluster say nothing */
    if (gap || other)
        stream->source_events->gap(stream->source_ctx, other ? other : gap);
}

static void on_started(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    static const struct pgoutput_events decoded = {
        .begin = on_begin,
        .change = on_change,
        .commit = on_commit,
    };
    struct stream *stream = ctx;
    if (fault && fault_is(fault, "55006")) {
        wait_for_slot(stream, fault);
        return;
    }
    if (fault) {
        end(stream, fault);
        return;
    }
    if (PQresultStatus(result) != PGRES_COPY_BOTH) {
        end_because(stream, "START_REPLICATION was answered by no stream");
        return;
    }
    pgoutput_free(stream->decoder);
    stream->decoder = pgoutput_make(&decoded, stream, stream->types);
    /* Nothing of an earlier stream holds: the server may be another behind the same name. */
    stream->given = 0;
    stream->confirmed = 0;
    for (unsigned i = 0; i < BURST; i++)
        stream->asked_ms[i] = -BURST_MS;
    if (stream->said_waiting)
        log_info("taking over from another slot=%s", stream->opts->slot);
    enter(stream, STREAM_ON);
    pgconn_pause(stream->conn, stream->paused);
    send_status(stream);
    begin(stream);
}

/* From 0/0: where the slot is. Positions are never skipped by number, because the slot's goes back
 * when PostgreSQL crashes. */
static void start(struct stream *stream)
{
    struct buf sql = {0}, names = {0};
    put_name(&names, stream->opts->publication);
    buf_put_str(&sql, "START_REPLICATION SLOT ");
    put_name(&sql, stream->opts->slot);
    buf_put_str(&sql, " LOGICAL 0/0 (proto_version '1', publication_names '");
    put_quoted(&sql, buf_str(&names), '\'');
    buf_put_str(&sql, "')");
    enter(stream, STREAM_STARTING);
    command(stream, &sql, on_started);
    buf_free(&names);
}

static void on_patience(void *ctx)
{
    struct stream *stream = ctx;
    if (stream->state == STREAM_WAITING)
        start(stream);
    else
        log_info("replication slot waits for transactions that are running to end slot=%s",
                 stream->opts->slot);
}

static void on_lost(void *ctx, const struct pg_fault *fault)
{
    end(ctx, fault);
}

/* The stream may be left within any of these, and a message may hold several changes. */
static void on_begin(void *ctx, uint32_t xid)
{
    const struct stream *stream = ctx;
    stream->source_events->begin(stream->source_ctx, xid);
}

static void on_change(void *ctx, const struct change *change)
{
    const struct stream *stream = ctx;
    if (stream->state == STREAM_ON)
        stream->source_events->change(stream->source_ctx, change);
}

static void on_commit(void *ctx, uint64_t end_lsn)
{
    struct stream *stream = ctx;
    if (end_lsn > stream->given)
        stream->given = end_lsn;
    stream->source_events->commit(stream->source_ctx, end_lsn);
}

/* True when PostgreSQL asked BURST times within BURST_MS, this one counted. */
static bool asks_in_burst(struct stream *stream)
{
    for (unsigned i = BURST - 1; i > 0; i--)
        stream->asked_ms[i] = stream->asked_ms[i - 1];
    stream->asked_ms[0] = timer_now_ms();
    return stream->asked_ms[0] - stream->asked_ms[BURST - 1] < BURST_MS;
}

static void on_keepalive(struct stream *stream, const struct walmsg *message)
{
    if (!pgoutput_in_transaction(stream->decoder) && message->end_lsn > stream->given) {
        stream->given = message->end_lsn;
        stream->source_events->reached(stream->source_ctx, message->end_lsn);
    }
    if (!message->wants_answer || stream->state != STREAM_ON)
        return;
    send_status(stream);
    if (asks_in_burst(stream) && stream->confirmed < stream->given)
        end_because(stream, "PostgreSQL asks in a burst for what cannot be confirmed yet, as when "
                            "it shuts down");
}

static void on_message(void *ctx, const char *bytes, size_t n)
{
    struct stream *stream = ctx;
    struct walmsg message = walmsg_read(bytes, n);
    struct err err = {0};
    switch (message.kind) {
    case WALMSG_KEEPALIVE:
        on_keepalive(stream, &message);
        return;
    case WALMSG_BAD:
        err_set(&err, EX_PROTOCOL, "a message of a walsender that is neither data nor keepalive");
        break;
    case WALMSG_DATA:
        if (pgoutput_decode(stream->decoder, message.data, message.data_len, &err) == 0)
            return;
        break;
    }
    log_error("the replication stream makes no sense, and begins again reason=\"%s\"", err.text);
    end_because(stream, err.text);
}
