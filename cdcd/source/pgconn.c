#include "source/pgconn.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "source/pgquery.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CONNECT_TIMEOUT_MS 10000
/* A turn of reading ends after this much, so that feedback and stores get theirs. */
#define TURN_MESSAGES 4096
#define TURN_BYTES (4 << 20)
/* A turn that read so many messages is under load: then reads gather for a while, because a
 * hundred small reads cost far more than a large one. */
#define BUSY_MESSAGES 32
#define GATHER_US 100

#define BIT(state) (1u << (state))

enum pgconn_state {
    PGCONN_CLOSED,
    PGCONN_CONNECTING,
    PGCONN_READY,
    PGCONN_QUERY, /* the first of the queries is out */
    PGCONN_COPY,  /* COPY BOTH, or the messages of a query that is a COPY TO STDOUT */
    PGCONN_PIPELINE,
    PGCONN_BROKEN, /* found within a call; lost is said from the loop */
};

struct pgconn {
    struct event_base *base;
    const struct pgconn_events *events;
    void *ctx;
    enum pgconn_state state;
    PGconn *pg;
    unsigned generation; /* of pg: tells a callback's caller that it was closed meanwhile */
    char *host;          /* the one that is being tried */
    struct event *readable;
    struct event *writable;
    struct timer *deadline; /* of the connection to be made */
    struct timer *turn;     /* what is done without the socket: the next turn, `lost` */
    struct pgquery *queries;
    PGresult *result; /* of the first query, the last or the first bad one */
    bool copies_out;  /* the query's answer comes after the COPY */
    bool paused;
    struct pg_fault fault; /* what the server said out of turn, or why it is BROKEN */
};

static void enter(struct pgconn *conn, enum pgconn_state state);
static void lose(struct pgconn *conn, const struct pg_fault *fault);
static void break_later(struct pgconn *conn);
static void poll_connecting(struct pgconn *conn);
static void start_query(struct pgconn *conn);
static void copy_turn(struct pgconn *conn);
static void pipeline_turn(struct pgconn *conn);
static void flush(struct pgconn *conn);
static void on_deadline(void *ctx);
static void on_turn(void *ctx);
static void on_readable(evutil_socket_t fd, short what, void *ctx);
static void on_writable(evutil_socket_t fd, short what, void *ctx);
static void on_notice(void *ctx, const PGresult *notice);

struct pgconn *pgconn_make(struct event_base *base, const struct pgconn_events *events, void *ctx)
{
    struct pgconn *conn = mem_alloc(sizeof *conn);
    *conn = (struct pgconn){.base = base, .events = events, .ctx = ctx};
    conn->deadline = timer_make(base, on_deadline, conn);
    conn->turn = timer_make(base, on_turn, conn);
    return conn;
}

void pgconn_open(struct pgconn *conn, const struct conninfo *conninfo)
{
    conn->pg = PQconnectStartParams(conninfo->keywords, conninfo->values, 1);
    if (!conn->pg)
        abort();
    enter(conn, PGCONN_CONNECTING);
    /* Verbose, because the SQLSTATE of a refused connection is nowhere but in the text. */
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(conn->pg, on_notice, conn);
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        break_later(conn);
        return;
    }
    timer_start_ms(conn->deadline, CONNECT_TIMEOUT_MS);
    conn->writable = event_new(conn->base, PQsocket(conn->pg), EV_WRITE, on_writable, conn);
    event_add(conn->writable, NULL);
}

static void drop_query(struct pgconn *conn)
{
    struct pgquery *query = conn->queries;
    LL_DELETE(conn->queries, query);
    pgquery_free(query);
    PQclear(conn->result);
    conn->result = NULL;
}

static void forget_socket(struct pgconn *conn)
{
    if (conn->readable)
        event_free(conn->readable);
    if (conn->writable)
        event_free(conn->writable);
    conn->readable = NULL;
    conn->writable = NULL;
}

void pgconn_close(struct pgconn *conn)
{
    if (conn->state == PGCONN_CLOSED)
        return;
    forget_socket(conn);
    timer_stop(conn->deadline);
    timer_stop(conn->turn);
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->generation++;
    while (conn->queries)
        drop_query(conn);
    free(conn->host);
    conn->host = NULL;
    conn->paused = false;
    conn->fault = (struct pg_fault){0};
    enter(conn, PGCONN_CLOSED);
}

void pgconn_free(struct pgconn *conn)
{
    if (!conn)
        return;
    pgconn_close(conn);
    timer_free(conn->deadline);
    timer_free(conn->turn);
    free(conn);
}

int pgconn_version(const struct pgconn *conn)
{
    return PQserverVersion(conn->pg);
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

void pgconn_pin(const struct pgconn *conn, struct arena *arena, struct conninfo *other)
{
    conninfo_pin(other, arena, or_empty(PQhost(conn->pg)), or_empty(PQhostaddr(conn->pg)),
                 or_empty(PQport(conn->pg)));
}

void pgconn_query(struct pgconn *conn, const char *sql, const char *const *params,
                  unsigned n_params, pgconn_answer_fn answer, void *ctx)
{
    struct pgquery *query = pgquery_make(sql, params, n_params, answer, ctx);
    assert(conn->state != PGCONN_CLOSED);
    LL_APPEND(conn->queries, query);
    if (conn->state == PGCONN_READY)
        start_query(conn);
}

void pgconn_pause(struct pgconn *conn, bool paused)
{
    if (conn->paused == paused)
        return;
    conn->paused = paused;
    if (conn->state != PGCONN_COPY)
        return;
    if (paused) {
        event_del(conn->readable);
        timer_stop(conn->turn);
    } else {
        /* libpq may hold messages for which the socket will never be readable again. */
        timer_start_us(conn->turn, 0);
    }
}

bool pgconn_put(struct pgconn *conn, const char *bytes, size_t n)
{
    if (conn->state != PGCONN_COPY || event_pending(conn->writable, EV_WRITE, NULL))
        return false;
    if (PQputCopyData(conn->pg, bytes, (int)n) != 1)
        break_later(conn);
    else
        flush(conn);
    return true;
}

void pgconn_leave(struct pgconn *conn)
{
    if (conn->state == PGCONN_COPY && !conn->copies_out && PQputCopyEnd(conn->pg, NULL) == 1)
        PQflush(conn->pg);
    pgconn_close(conn);
}

void pgconn_leave_with(struct pgconn *conn, const char *sql)
{
    if (conn->state == PGCONN_READY && PQsendQuery(conn->pg, sql) == 1)
        PQflush(conn->pg);
    pgconn_close(conn);
}

PGconn *pgconn_pipeline(struct pgconn *conn)
{
    assert(!conn->queries && PQenterPipelineMode(conn->pg) == 1);
    enter(conn, PGCONN_PIPELINE);
    return conn->pg;
}

void pgconn_flush(struct pgconn *conn)
{
    if (conn->state == PGCONN_PIPELINE)
        flush(conn);
}

static void enter(struct pgconn *conn, enum pgconn_state state)
{
    static const unsigned allowed[] = {
        [PGCONN_CLOSED] = BIT(PGCONN_CONNECTING),
        [PGCONN_CONNECTING] = BIT(PGCONN_READY) | BIT(PGCONN_BROKEN) | BIT(PGCONN_CLOSED),
        [PGCONN_READY] =
            BIT(PGCONN_QUERY) | BIT(PGCONN_PIPELINE) | BIT(PGCONN_BROKEN) | BIT(PGCONN_CLOSED),
        [PGCONN_QUERY] =
            BIT(PGCONN_READY) | BIT(PGCONN_COPY) | BIT(PGCONN_BROKEN) | BIT(PGCONN_CLOSED),
        [PGCONN_COPY] = BIT(PGCONN_QUERY) | BIT(PGCONN_BROKEN) | BIT(PGCONN_CLOSED),
        [PGCONN_PIPELINE] = BIT(PGCONN_BROKEN) | BIT(PGCONN_CLOSED),
        [PGCONN_BROKEN] = BIT(PGCONN_CLOSED),
    };
    assert(allowed[conn->state] & BIT(state));
    conn->state = state;
}

static void lose(struct pgconn *conn, const struct pg_fault *fault)
{
    struct pg_fault copy = *fault;
    pgconn_close(conn);
    conn->events->lost(conn->ctx, &copy);
}

/* What the server said before it went, or else what libpq noticed. */
static struct pg_fault connection_fault(struct pgconn *conn)
{
    struct pg_fault fault = conn->fault;
    if (!fault.reason[0])
        fault_from_text(&fault, PQerrorMessage(conn->pg));
    return fault;
}

static void lose_connection(struct pgconn *conn)
{
    struct pg_fault fault = connection_fault(conn);
    lose(conn, &fault);
}

static void break_later(struct pgconn *conn)
{
    conn->fault = connection_fault(conn);
    forget_socket(conn);
    timer_stop(conn->deadline);
    timer_start_us(conn->turn, 0);
    enter(conn, PGCONN_BROKEN);
}

static void on_deadline(void *ctx)
{
    struct pg_fault fault;
    fault_set(&fault, "", "no connection within 10 s");
    lose(ctx, &fault);
}

static void on_turn(void *ctx)
{
    struct pgconn *conn = ctx;
    if (conn->state == PGCONN_BROKEN) {
        struct pg_fault fault = conn->fault;
        lose(conn, &fault);
    } else {
        copy_turn(conn);
    }
}

/* A server that ends the connection says why out of turn. */
static void on_notice(void *ctx, const PGresult *notice)
{
    struct pgconn *conn = ctx;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    if (!severity || !text)
        return;
    if (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
        fault_set(&conn->fault, PQresultErrorField(notice, PG_DIAG_SQLSTATE), text);
    else
        log_debug("notice from postgresql severity=%s text=\"%s\"", severity, text);
}

static void ready(struct pgconn *conn)
{
    unsigned generation = conn->generation;
    conn->events->ready(conn->ctx);
    if (conn->generation == generation && conn->state == PGCONN_READY)
        start_query(conn);
}

static void on_settled(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    (void)result;
    if (fault)
        lose(ctx, fault);
    else
        ready(ctx);
}

static void settle(struct pgconn *conn)
{
    char sql[CONNINFO_SETTLE_BYTES];
    conninfo_settle_sql(sql, pgconn_version(conn), PQparameterStatus(conn->pg, "server_encoding"));
    if (*sql)
        pgconn_query(conn, sql, NULL, 0, on_settled, conn);
    else
        ready(conn);
}

static void connected(struct pgconn *conn)
{
    evutil_socket_t fd = PQsocket(conn->pg);
    timer_stop(conn->deadline);
    PQsetnonblocking(conn->pg, 1);
    conn->readable = event_new(conn->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
    conn->writable = event_new(conn->base, fd, EV_WRITE, on_writable, conn);
    event_add(conn->readable, NULL);
    enter(conn, PGCONN_READY);
    settle(conn);
}

/* Each host of several has the whole time. */
static void restart_deadline(struct pgconn *conn)
{
    const char *host = PQhost(conn->pg);
    if (conn->host && strcmp(conn->host, host ? host : "") == 0)
        return;
    free(conn->host);
    conn->host = mem_strdup(host ? host : "");
    timer_start_ms(conn->deadline, CONNECT_TIMEOUT_MS);
}

static void poll_connecting(struct pgconn *conn)
{
    /* libpq may go on with another socket, so the events of this one end before. */
    forget_socket(conn);
    PostgresPollingStatusType next = PQconnectPoll(conn->pg);
    if (next == PGRES_POLLING_FAILED) {
        lose_connection(conn);
        return;
    }
    if (next == PGRES_POLLING_OK) {
        connected(conn);
        return;
    }
    restart_deadline(conn);
    evutil_socket_t fd = PQsocket(conn->pg);
    if (next == PGRES_POLLING_READING) {
        conn->readable = event_new(conn->base, fd, EV_READ, on_readable, conn);
        event_add(conn->readable, NULL);
    } else {
        conn->writable = event_new(conn->base, fd, EV_WRITE, on_writable, conn);
        event_add(conn->writable, NULL);
    }
}

static void flush(struct pgconn *conn)
{
    int left = PQflush(conn->pg);
    if (left < 0)
        break_later(conn);
    else if (left > 0)
        event_add(conn->writable, NULL);
}

static void start_query(struct pgconn *conn)
{
    if (!conn->queries)
        return;
    if (!pgquery_send(conn->queries, conn->pg)) {
        break_later(conn);
        return;
    }
    enter(conn, PGCONN_QUERY);
    flush(conn);
}

static void start_copy(struct pgconn *conn)
{
    if (conn->paused)
        event_del(conn->readable);
    else
        timer_start_us(conn->turn, 0);
}

/* Gives the answer to the first query, whose result is complete, and sends the next. */
static void answer_query(struct pgconn *conn)
{
    struct pgquery *query = conn->queries;
    pgconn_answer_fn answer = query->answer;
    void *ctx = query->ctx;
    PGresult *result = conn->result;
    unsigned generation = conn->generation;
    struct pg_fault fault;
    bool bad = PQresultStatus(result) == PGRES_FATAL_ERROR;
    if (bad)
        pgquery_fault(&fault, result);
    conn->result = NULL;
    drop_query(conn);
    answer(ctx, result, bad ? &fault : NULL);
    PQclear(result);
    if (conn->generation != generation)
        return;
    if (conn->state == PGCONN_READY)
        start_query(conn);
    else if (conn->state == PGCONN_COPY)
        start_copy(conn);
}

/* Keeps the last result of a query, or the first that is bad. */
static void keep_result(struct pgconn *conn, PGresult *result)
{
    if (conn->result && PQresultStatus(conn->result) == PGRES_FATAL_ERROR) {
        PQclear(result);
        return;
    }
    PQclear(conn->result);
    conn->result = result;
}

static void read_results(struct pgconn *conn)
{
    while (conn->state == PGCONN_QUERY && !PQisBusy(conn->pg)) {
        PGresult *result = PQgetResult(conn->pg);
        ExecStatusType status = PQresultStatus(result);
        if (result)
            keep_result(conn, result);
        conn->copies_out = result && status == PGRES_COPY_OUT;
        if (conn->copies_out) {
            enter(conn, PGCONN_COPY);
            start_copy(conn);
            return;
        }
        bool copies = result && status == PGRES_COPY_BOTH;
        if (result && !copies)
            continue;
        enter(conn, copies ? PGCONN_COPY : PGCONN_READY);
        answer_query(conn);
        return;
    }
}

static void take_notifications(struct pgconn *conn)
{
    bool any = false;
    for (PGnotify *one; (one = PQnotifies(conn->pg)); any = true)
        PQfreemem(one);
    if (any && conn->events->notified)
        conn->events->notified(conn->ctx);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct pgconn *conn = ctx;
    (void)fd;
    (void)what;
    if (conn->state == PGCONN_CONNECTING) {
        poll_connecting(conn);
        return;
    }
    if (conn->state == PGCONN_COPY) {
        copy_turn(conn);
        return;
    }
    if (conn->state == PGCONN_PIPELINE) {
        pipeline_turn(conn);
        return;
    }
    if (!PQconsumeInput(conn->pg)) {
        lose_connection(conn);
        return;
    }
    unsigned generation = conn->generation;
    PQisBusy(conn->pg); /* parses what came out of turn, too */
    take_notifications(conn);
    if (conn->generation == generation)
        read_results(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct pgconn *conn = ctx;
    (void)fd;
    (void)what;
    if (conn->state == PGCONN_CONNECTING)
        poll_connecting(conn);
    else
        flush(conn);
}

/* The server ended COPY BOTH by an error, or because it shuts down; or all of COPY TO STDOUT came,
 * and the query's results follow. */
static void copy_ended(struct pgconn *conn)
{
    struct pg_fault fault;
    if (conn->copies_out) {
        enter(conn, PGCONN_QUERY);
        timer_stop(conn->turn);
        event_add(conn->readable, NULL);
        read_results(conn);
        return;
    }
    PGresult *result = PQisBusy(conn->pg) ? NULL : PQgetResult(conn->pg);
    if (PQresultStatus(result) == PGRES_FATAL_ERROR && result)
        pgquery_fault(&fault, result);
    else
        fault_set(&fault, "", "the server ended the stream");
    PQclear(result);
    lose(conn, &fault);
}

/* When the next turn is: at once, after a while, or when the socket can be read. */
static void plan_turn(struct pgconn *conn, unsigned n, bool cut_short)
{
    if (conn->paused)
        return;
    if (!cut_short && n < BUSY_MESSAGES) {
        event_add(conn->readable, NULL);
        return;
    }
    event_del(conn->readable);
    timer_start_us(conn->turn, cut_short ? 0 : GATHER_US);
}

/* So many reads running that gave nothing mean that all was read. Under TLS a read gives one record
 * at the most, and what OpenSSL holds back does not make the socket readable. */
static unsigned dry_reads(const struct pgconn *conn)
{
    return PQsslInUse(conn->pg) || PQgssEncInUse(conn->pg) ? 2 : 1;
}

static void pipeline_turn(struct pgconn *conn)
{
    unsigned generation = conn->generation, empty = 0, dry = dry_reads(conn);
    while (empty < dry) {
        if (!PQconsumeInput(conn->pg)) {
            lose_connection(conn);
            return;
        }
        empty = conn->events->results(conn->ctx) ? 0 : empty + 1;
        if (conn->generation != generation || conn->state != PGCONN_PIPELINE)
            return;
    }
}

/* Gives messages until libpq and the socket are dry. */
static void copy_turn(struct pgconn *conn)
{
    unsigned generation = conn->generation, n = 0, empty = 0;
    unsigned dry = dry_reads(conn);
    size_t bytes = 0;
    while (!conn->paused && n < TURN_MESSAGES && bytes < TURN_BYTES) {
        char *message;
        int len = PQgetCopyData(conn->pg, &message, 1);
        if (len < 0) {
            copy_ended(conn);
            return;
        }
        if (len == 0 && empty++ == dry)
            break;
        if (len == 0 && !PQconsumeInput(conn->pg)) {
            lose_connection(conn);
            return;
        }
        if (len == 0)
            continue;
        conn->events->message(conn->ctx, message, (size_t)len);
        PQfreemem(message);
        if (conn->generation != generation || conn->state != PGCONN_COPY)
            return;
        n++;
        bytes += (size_t)len;
        empty = 0;
    }
    plan_turn(conn, n, n == TURN_MESSAGES || bytes >= TURN_BYTES);
}
