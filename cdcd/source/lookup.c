/* The driver of lookups. Questions wait, go out on the wire, and come back in the same order:
 *
 *      ask --> waiting --> out (a window) --> answered
 *                 ^           |
 *                 +-----------+  the connection was lost, or the statement is to be prepared anew
 *
 * Each question ends with a sync of its own, so that a bad one fails alone. One whose time is over
 * is answered at once; what comes of it later is read, and dropped. */
#include "source/source.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "source/backoff.h"
#include "source/conninfo.h"
#include "source/lookup_answer.h"
#include "source/lookup_statement.h"
#include "source/pgconn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define WINDOW 256       /* questions on the wire */
#define GRACE_MS 1000    /* beyond a statement's timeout, for PostgreSQL to say that it was */
#define LOSSES_MAX 3     /* connections that one question may cost */
#define PARAMS_MAX 65535 /* the protocol's */
#define LOG_INTERVAL_MS 10000
#define BIT(state) (1u << (state))

enum lookups_state {
    LOOKUPS_OFF,     /* nothing was asked yet, or since the connection was lost */
    LOOKUPS_WAITING, /* back-off */
    LOOKUPS_CONNECTING,
    LOOKUPS_READY,
};

struct asked {
    struct asked *prev, *next;
    const struct lookup *lookup; /* NULL: nobody waits for the answer */
    uint64_t question;
    char **params;
    unsigned n_params;
    int64_t due_ms;
    uint64_t generation; /* of the statement, once it is out */
    bool prepares;       /* the statement comes with it */
    bool prepares_anew;  /* it must */
    bool stale;          /* it went out a second time, because its statement would not do */
    unsigned losses;
};

struct driver {
    struct lookups lookups;
    struct lookups_opts opts;
    char *conninfo;
    void (*answered)(void *ctx, uint64_t question, const struct answer *answer);
    void *ctx;
    enum lookups_state state;
    struct pgconn *conn;
    PGconn *pg;          /* while READY */
    struct timer *turn;  /* sends what waits */
    struct timer *due;   /* the next time that is over */
    struct timer *retry; /* the back-off */
    struct backoff backoff;
    struct statements statements;
    struct asked *waiting; /* the earliest due first */
    struct asked *out;     /* as they are on the wire */
    unsigned n_out;
    int64_t head_since_ms; /* when the first of those became the first */
    bool prepared;         /* the statement that came with it has been */
    struct lookup_answer answer;
    char reason[1024]; /* why there is no connection */
    struct log_limit off_limit;
    bool said_off; /* that there is none */
};

static void enter(struct driver *driver, enum lookups_state state);
static void leave(struct driver *driver);
static void connect_later(struct driver *driver);
static void go_off(struct driver *driver, const char *reason, bool by_head);
static void on_turn(void *ctx);
static void on_due(void *ctx);
static void on_retry(void *ctx);
static void on_ready(void *ctx);
static void on_lost(void *ctx, const struct pg_fault *fault);
static bool on_results(void *ctx);
static void plan_due(struct driver *driver);

static struct driver *driver_of(struct lookups *lookups)
{
    return (struct driver *)(void *)((char *)lookups - offsetof(struct driver, lookups));
}

static struct lookups *
lookups_open(const struct lookups_opts *opts, struct event_base *base,
             void (*answered)(void *ctx, uint64_t question, const struct answer *answer), void *ctx)
{
    static const struct pgconn_events events = {
        .ready = on_ready,
        .lost = on_lost,
        .results = on_results,
    };
    struct driver *driver = mem_alloc(sizeof *driver);
    uint64_t seed = (uint64_t)getpid() << 20 ^ (uint64_t)timer_now_ms();
    *driver = (struct driver){
        .lookups = {source_lookups()},
        .opts = *opts,
        .conninfo = mem_strdup(opts->conninfo),
        .answered = answered,
        .ctx = ctx,
        .backoff = backoff_make(opts->retry_min_ms, opts->retry_max_ms, seed),
        .statements = statements_make(),
        .answer = lookup_answer_make(),
    };
    driver->conn = pgconn_make(base, &events, driver);
    driver->turn = timer_make(base, on_turn, driver);
    driver->due = timer_make(base, on_due, driver);
    driver->retry = timer_make(base, on_retry, driver);
    return &driver->lookups;
}

static void free_asked(struct asked *asked)
{
    for (unsigned i = 0; i < asked->n_params; i++)
        free(asked->params[i]);
    free(asked->params);
    free(asked);
}

static char **copy_params(const struct value *params, unsigned n)
{
    char **copy = mem_alloc(n * sizeof *copy);
    for (unsigned i = 0; i < n; i++) {
        if (params[i].kind != VALUE_TEXT)
            continue;
        copy[i] = mem_alloc((size_t)params[i].len + 1);
        memcpy(copy[i], params[i].text, params[i].len);
    }
    return copy;
}

static void lookups_ask(struct lookups *lookups, const struct lookup *lookup,
                        const struct value *params, uint64_t question)
{
    struct driver *driver = driver_of(lookups);
    struct asked *asked = mem_alloc(sizeof *asked);
    assert(lookup->n_params <= PARAMS_MAX);
    *asked = (struct asked){
        .lookup = lookup,
        .question = question,
        .params = copy_params(params, lookup->n_params),
        .n_params = lookup->n_params,
        .due_ms = timer_now_ms() + driver->opts.timeout_ms,
    };
    if (!driver->waiting)
        timer_start_us(driver->turn, 0);
    DL_APPEND(driver->waiting, asked);
}

static void drop_all(struct asked **list)
{
    while (*list) {
        struct asked *first = *list;
        DL_DELETE(*list, first);
        free_asked(first);
    }
}

static void lookups_forget(struct lookups *lookups)
{
    struct driver *driver = driver_of(lookups);
    drop_all(&driver->waiting);
    drop_all(&driver->out);
    driver->n_out = 0;
    if (driver->state == LOOKUPS_CONNECTING || driver->state == LOOKUPS_READY)
        leave(driver);
    plan_due(driver);
}

static void lookups_close(struct lookups *lookups)
{
    struct driver *driver = driver_of(lookups);
    drop_all(&driver->waiting);
    drop_all(&driver->out);
    pgconn_free(driver->conn);
    timer_free(driver->turn);
    timer_free(driver->due);
    timer_free(driver->retry);
    lookup_answer_free(&driver->answer);
    free(driver->conninfo);
    free(driver);
}

const struct lookups_ops *source_lookups(void)
{
    static const struct lookups_ops ops = {
        .open = lookups_open,
        .ask = lookups_ask,
        .forget = lookups_forget,
        .close = lookups_close,
    };
    return &ops;
}

static void enter(struct driver *driver, enum lookups_state state)
{
    static const unsigned allowed[] = {
        [LOOKUPS_OFF] = BIT(LOOKUPS_CONNECTING) | BIT(LOOKUPS_WAITING),
        [LOOKUPS_WAITING] = BIT(LOOKUPS_CONNECTING),
        [LOOKUPS_CONNECTING] = BIT(LOOKUPS_READY) | BIT(LOOKUPS_OFF),
        [LOOKUPS_READY] = BIT(LOOKUPS_OFF),
    };
    static const char *const names[] = {"off", "waiting", "connecting", "ready"};
    assert(allowed[driver->state] & BIT(state));
    log_debug("lookups state=%s was=%s", names[state], names[driver->state]);
    driver->state = state;
}

/* Before it is freed, what is asked next may come; so it is off all lists by now. */
static void fail(struct driver *driver, struct asked *asked, const char *reason)
{
    struct answer answer = {.failed = reason};
    driver->answered(driver->ctx, asked->question, &answer);
}

static void fail_late(struct driver *driver, struct asked *asked)
{
    char text[1200];
    bool connected = driver->state == LOOKUPS_READY;
    lookup_none_within(text, sizeof text, connected ? "answer from" : "connection to",
                       driver->opts.timeout_ms);
    size_t n = strlen(text);
    if (!connected && driver->reason[0])
        snprintf(text + n, sizeof text - n, ": %s", driver->reason);
    fail(driver, asked, text);
}

/* Back among those that wait, which are ordered by when they are due. */
static void wait_again(struct driver *driver, struct asked *asked)
{
    struct asked *later = driver->waiting;
    asked->generation = 0;
    asked->prepares = false;
    while (later && later->due_ms < asked->due_ms)
        later = later->next;
    if (later)
        DL_PREPEND_ELEM(driver->waiting, later, asked);
    else
        DL_APPEND(driver->waiting, asked);
}

/* ---- sending ---- */

static bool send_deallocate(struct driver *driver, uint64_t generation)
{
    char sql[80];
    struct statement_name name = statement_name(&driver->statements, generation);
    struct asked *nobody = mem_alloc(sizeof *nobody);
    DL_APPEND(driver->out, nobody);
    driver->n_out++;
    snprintf(sql, sizeof sql, "DEALLOCATE %s", name.text);
    return PQsendQueryParams(driver->pg, sql, 0, NULL, NULL, NULL, NULL, 0) == 1 &&
           PQpipelineSync(driver->pg) == 1;
}

static bool send_prepare(struct driver *driver, struct asked *asked)
{
    uint64_t dropped;
    struct buf sql = {0};
    asked->generation = statements_add(&driver->statements, asked->lookup->number, &dropped);
    asked->prepares = true;
    if (dropped && !send_deallocate(driver, dropped))
        return false;
    lookup_wrap(asked->lookup, &sql);
    struct statement_name name = statement_name(&driver->statements, asked->generation);
    bool sent = PQsendPrepare(driver->pg, name.text, buf_str(&sql), 0, NULL) == 1;
    buf_free(&sql);
    return sent;
}

/* False when the connection is broken. The question is out in any case, so that it is asked
 * again. */
static bool send_one(struct driver *driver, struct asked *asked)
{
    asked->generation = statements_find(&driver->statements, asked->lookup->number);
    if (asked->prepares_anew && asked->generation)
        statements_forget(&driver->statements, asked->generation);
    bool sent = true;
    if (!asked->generation || asked->prepares_anew)
        sent = send_prepare(driver, asked);
    DL_APPEND(driver->out, asked);
    driver->n_out++;
    struct statement_name name = statement_name(&driver->statements, asked->generation);
    return sent &&
           PQsendQueryPrepared(driver->pg, name.text, (int)asked->n_params,
                               (const char *const *)asked->params, NULL, NULL, 0) == 1 &&
           PQpipelineSync(driver->pg) == 1;
}

/* The first of those that are out is another. */
static void begin_head(struct driver *driver)
{
    struct asked *head = driver->out;
    driver->head_since_ms = timer_now_ms();
    driver->prepared = false;
    if (head)
        lookup_answer_begin(&driver->answer, head->lookup ? head->lookup->limit : 0);
}

static void send_waiting(struct driver *driver)
{
    bool idle = !driver->out, sent = true;
    while (sent && driver->waiting && driver->n_out < WINDOW) {
        struct asked *asked = driver->waiting;
        DL_DELETE(driver->waiting, asked);
        sent = send_one(driver, asked);
    }
    if (idle)
        begin_head(driver);
    if (!sent) {
        struct pg_fault fault;
        fault_from_text(&fault, PQerrorMessage(driver->pg));
        go_off(driver, fault.reason, false);
        return;
    }
    pgconn_flush(driver->conn);
}

static void on_turn(void *ctx)
{
    struct driver *driver = ctx;
    if (driver->state == LOOKUPS_READY)
        send_waiting(driver);
    else if (driver->state == LOOKUPS_OFF && driver->waiting)
        connect_later(driver);
    plan_due(driver);
}

/* ---- the connection ---- */

/* At once, unless attempts have failed of late. */
static void connect_later(struct driver *driver)
{
    int64_t wait_ms = 0;
    if (driver->reason[0])
        wait_ms = backoff_next_ms(&driver->backoff, timer_now_ms());
    enter(driver, LOOKUPS_WAITING);
    timer_start_ms(driver->retry, wait_ms);
}

static void on_retry(void *ctx)
{
    struct driver *driver = ctx;
    struct err err = {0};
    if (conninfo_check(driver->conninfo, &err) != 0) {
        snprintf(driver->reason, sizeof driver->reason, "%s", err.text);
        return; /* what is asked will hear of it when its time is over */
    }
    struct arena *arena = arena_make();
    struct conninfo conninfo =
        conninfo_make_lookups(arena, driver->conninfo, driver->opts.timeout_ms);
    enter(driver, LOOKUPS_CONNECTING);
    pgconn_open(driver->conn, &conninfo);
    arena_free(arena);
}

static void on_ready(void *ctx)
{
    struct driver *driver = ctx;
    driver->pg = pgconn_pipeline(driver->conn);
    enter(driver, LOOKUPS_READY);
    if (driver->said_off)
        log_info("connected for lookups again");
    driver->said_off = false;
    send_waiting(driver);
    plan_due(driver);
}

/* Those that were out are asked again, but for one that has cost too many connections: it may be
 * what ends them. */
static void take_back(struct driver *driver, bool by_head)
{
    struct asked *head = driver->out, *costly = NULL;
    if (by_head && head && head->lookup && ++head->losses >= LOSSES_MAX)
        costly = head;
    while (driver->out) {
        struct asked *asked = driver->out;
        DL_DELETE(driver->out, asked);
        if (asked == costly)
            continue;
        if (asked->lookup)
            wait_again(driver, asked);
        else
            free_asked(asked);
    }
    driver->n_out = 0;
    if (!costly)
        return;
    fail(driver, costly, "PostgreSQL ended the connection each time it was asked");
    free_asked(costly);
}

/* Ends the connection. */
static void leave(struct driver *driver)
{
    pgconn_close(driver->conn);
    driver->pg = NULL;
    statements_clear(&driver->statements);
    enter(driver, LOOKUPS_OFF);
}

/* The connection is lost, or no good any more; perhaps because of what was asked first. */
static void go_off(struct driver *driver, const char *reason, bool by_head)
{
    unsigned n_suppressed;
    if (!driver->reason[0] &&
        log_limit_pass(&driver->off_limit, timer_now_ms(), LOG_INTERVAL_MS, &n_suppressed)) {
        log_warn("no connection for lookups reason=\"%s\" suppressed=%u", reason, n_suppressed);
        driver->said_off = true;
    }
    snprintf(driver->reason, sizeof driver->reason, "%s", reason);
    leave(driver);
    take_back(driver, by_head);
    timer_start_us(driver->turn, 0);
}

static void on_lost(void *ctx, const struct pg_fault *fault)
{
    go_off(ctx, fault->reason, true);
}

/* ---- results ---- */

/* DDL has changed what a statement gives, or a pooler has put us on another connection. */
static bool is_stale(const struct driver *driver, const struct asked *asked)
{
    const char *sqlstate = driver->answer.sqlstate;
    bool prepared_now = asked->prepares && !driver->prepared;
    return asked->lookup && !asked->stale && !prepared_now &&
           (strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0);
}

static void prepare_again(struct driver *driver, struct asked *asked)
{
    bool gone = strcmp(driver->answer.sqlstate, "26000") == 0;
    bool known = statements_forget(&driver->statements, asked->generation);
    asked->stale = true;
    asked->prepares_anew = gone;
    if (known && !gone)
        send_deallocate(driver, asked->generation);
    wait_again(driver, asked);
    timer_start_us(driver->turn, 0);
}

/* It works, so that the next outage is another. */
static void note_success(struct driver *driver)
{
    driver->reason[0] = '\0';
    backoff_reset(&driver->backoff);
}

/* The first question is complete. False when the connection was given up. */
static bool finish_head(struct driver *driver)
{
    struct asked *asked = driver->out;
    bool too_large = driver->answer.too_large;
    DL_DELETE(driver->out, asked);
    driver->n_out--;
    note_success(driver);
    if (is_stale(driver, asked)) {
        prepare_again(driver, asked);
        begin_head(driver);
        return true;
    }
    if (asked->prepares && !driver->prepared)
        statements_forget(&driver->statements, asked->generation);
    if (asked->lookup)
        driver->answered(driver->ctx, asked->question, lookup_answer_end(&driver->answer));
    free_asked(asked);
    begin_head(driver);
    if (driver->waiting)
        timer_start_us(driver->turn, 0);
    if (too_large)
        go_off(driver, "an answer was too large", false);
    return !too_large;
}

/* An answer that is too large is not read to its end: libpq would hold each row of it. */
static bool take(struct driver *driver, const PGresult *result)
{
    struct asked *head = driver->out;
    bool in_prepare = head->prepares && !driver->prepared;
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        return finish_head(driver);
    case PGRES_COMMAND_OK:
        driver->prepared = true;
        break;
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        if (head->lookup)
            lookup_answer_rows(&driver->answer, result);
        if (driver->answer.too_large)
            return finish_head(driver);
        break;
    case PGRES_PIPELINE_ABORTED:
        break;
    default:
        lookup_answer_error(&driver->answer, result, in_prepare, driver->opts.timeout_ms);
        break;
    }
    return true;
}

static bool on_results(void *ctx)
{
    struct driver *driver = ctx;
    bool any = false;
    while (driver->out) {
        /* Row by row; where it does not apply it does nothing. */
        PQsetSingleRowMode(driver->pg);
        if (PQisBusy(driver->pg))
            break;
        PGresult *result = PQgetResult(driver->pg);
        any = true;
        if (PQstatus(driver->pg) == CONNECTION_BAD) {
            struct pg_fault fault;
            fault_from_text(&fault, PQerrorMessage(driver->pg));
            PQclear(result);
            go_off(driver, fault.reason, true);
            break;
        }
        bool goes_on = !result || take(driver, result);
        PQclear(result);
        if (!goes_on)
            break;
    }
    plan_due(driver);
    return any;
}

/* ---- time ---- */

static void plan_due(struct driver *driver)
{
    int64_t now_ms = timer_now_ms(), next_ms = INT64_MAX;
    struct asked *asked;
    DL_FOREACH (driver->out, asked) {
        if (asked->lookup && asked->due_ms < next_ms)
            next_ms = asked->due_ms;
    }
    if (driver->waiting && driver->waiting->due_ms < next_ms)
        next_ms = driver->waiting->due_ms;
    if (driver->out && driver->head_since_ms + driver->opts.timeout_ms + GRACE_MS < next_ms)
        next_ms = driver->head_since_ms + driver->opts.timeout_ms + GRACE_MS;
    if (next_ms == INT64_MAX)
        timer_stop(driver->due);
    else
        timer_start_ms(driver->due, next_ms > now_ms ? next_ms - now_ms : 0);
}

static void on_due(void *ctx)
{
    struct driver *driver = ctx;
    struct asked *asked;
    int64_t now_ms = timer_now_ms();
    DL_FOREACH (driver->out, asked) {
        if (!asked->lookup || asked->due_ms > now_ms)
            continue;
        asked->lookup = NULL;
        fail_late(driver, asked);
    }
    while (driver->waiting && driver->waiting->due_ms <= now_ms) {
        asked = driver->waiting;
        DL_DELETE(driver->waiting, asked);
        fail_late(driver, asked);
        free_asked(asked);
    }
    if (driver->out && driver->head_since_ms + driver->opts.timeout_ms + GRACE_MS <= now_ms)
        go_off(driver, "PostgreSQL does not answer", true);
    plan_due(driver);
}
