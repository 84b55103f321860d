#include "source/listener.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "source/backoff.h"

#include <assert.h>
#include <stdlib.h>

struct listener {
    const struct source_opts *opts;
    const char *channel;
    void (*heard)(void *ctx);
    void *ctx;
    const struct pgconn *other;
    struct pgconn *conn;
    struct timer *retry;
    struct backoff backoff;
    bool on;
};

static void on_retry(void *ctx);
static void on_ready(void *ctx);
static void on_lost(void *ctx, const struct pg_fault *fault);
static void on_notified(void *ctx);

struct listener *listener_make(const struct source_opts *opts, const char *channel,
                               struct event_base *base, void (*heard)(void *ctx), void *ctx)
{
    static const struct pgconn_events events = {
        .ready = on_ready, .lost = on_lost, .notified = on_notified};
    struct listener *listener = mem_alloc(sizeof *listener);
    *listener = (struct listener){.opts = opts, .channel = channel, .heard = heard, .ctx = ctx};
    listener->conn = pgconn_make(base, &events, listener);
    listener->retry = timer_make(base, on_retry, listener);
    listener->backoff =
        backoff_make(opts->retry_min_ms, opts->retry_max_ms, (uint64_t)timer_now_ms());
    return listener;
}

void listener_open(struct listener *listener, const struct pgconn *other)
{
    listener->other = other;
    timer_start_us(listener->retry, 0);
}

bool listener_is_on(const struct listener *listener)
{
    return listener->on;
}

void listener_query(struct listener *listener, const char *sql, pgconn_answer_fn answer, void *ctx)
{
    assert(listener->on);
    pgconn_query(listener->conn, sql, NULL, 0, answer, ctx);
}

void listener_close(struct listener *listener)
{
    listener->on = false;
    timer_stop(listener->retry);
    pgconn_close(listener->conn);
}

void listener_close_with(struct listener *listener, const char *sql)
{
    if (listener->on)
        pgconn_leave_with(listener->conn, sql);
    listener_close(listener);
}

void listener_free(struct listener *listener)
{
    listener_close(listener);
    pgconn_free(listener->conn);
    timer_free(listener->retry);
    free(listener);
}

static void on_retry(void *ctx)
{
    struct listener *listener = ctx;
    struct arena *arena = arena_make();
    struct conninfo conninfo = conninfo_make(arena, listener->opts->conninfo, CONNINFO_OUTBOX, 0);
    pgconn_pin(listener->other, arena, &conninfo);
    pgconn_open(listener->conn, &conninfo);
    arena_free(arena);
}

static void on_listening(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct listener *listener = ctx;
    (void)result;
    if (fault) {
        pgconn_close(listener->conn);
        on_lost(listener, fault);
        return;
    }
    backoff_reset(&listener->backoff);
    listener->on = true;
    listener->heard(listener->ctx);
}

static void on_ready(void *ctx)
{
    struct listener *listener = ctx;
    struct buf sql = {0};
    buf_printf(&sql, "LISTEN %s", listener->channel);
    pgconn_query(listener->conn, buf_str(&sql), NULL, 0, on_listening, listener);
    buf_free(&sql);
}

static void on_lost(void *ctx, const struct pg_fault *fault)
{
    struct listener *listener = ctx;
    if (listener->on)
        log_warn("notifications do not come, changes are found by polling reason=\"%s\"",
                 fault->reason);
    listener->on = false;
    timer_start_ms(listener->retry, backoff_next_ms(&listener->backoff, timer_now_ms()));
}

static void on_notified(void *ctx)
{
    struct listener *listener = ctx;
    if (listener->on)
        listener->heard(listener->ctx);
}
