#include "source/outbox_lock.h"

#include "base/mem.h"
#include "base/timer.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 1000

#define KEY "1667523428"

static const char take_sql[] = "SELECT pg_try_advisory_lock(" KEY ")";

/* A role sees of another's session that it is there, and what it calls itself. */
static const char holder_sql[] =
    "SELECT format('process %s (application_name %s, role %s)', l.pid,"
    "              coalesce(quote_ident(nullif(a.application_name, '')), 'unknown'),"
    "              coalesce(quote_ident(a.usename), 'unknown'))"
    "  FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = " KEY
    "   AND l.objsubid = 1"
    "   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

struct outbox_lock {
    struct pgconn *conn;
    const struct outbox_lock_events *events;
    void *ctx;
    struct timer *retry;
    bool waited;
};

static void on_answer(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void on_retry(void *ctx);

struct outbox_lock *outbox_lock_make(struct event_base *base, struct pgconn *conn,
                                     const struct outbox_lock_events *events, void *ctx)
{
    struct outbox_lock *lock = mem_alloc(sizeof *lock);
    *lock = (struct outbox_lock){.conn = conn, .events = events, .ctx = ctx};
    lock->retry = timer_make(base, on_retry, lock);
    return lock;
}

void outbox_lock_take(struct outbox_lock *lock)
{
    lock->waited = false;
    on_retry(lock);
}

bool outbox_lock_waited(const struct outbox_lock *lock)
{
    return lock->waited;
}

void outbox_lock_stop(struct outbox_lock *lock)
{
    timer_stop(lock->retry);
}

void outbox_lock_free(struct outbox_lock *lock)
{
    timer_free(lock->retry);
    free(lock);
}

static void on_retry(void *ctx)
{
    struct outbox_lock *lock = ctx;
    pgconn_query(lock->conn, take_sql, NULL, 0, on_answer, lock);
}

/* It may have gone meanwhile. */
static void on_holder(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox_lock *lock = ctx;
    char reason[256] = "another cdcd reads the outbox";
    if (fault) {
        lock->events->failed(lock->ctx, fault);
        return;
    }
    if (PQntuples(result) > 0)
        snprintf(reason, sizeof reason, "another cdcd reads the outbox: %s",
                 PQgetvalue(result, 0, 0));
    timer_start_ms(lock->retry, RETRY_MS);
    lock->events->waiting(lock->ctx, reason);
}

static void on_answer(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox_lock *lock = ctx;
    if (fault) {
        lock->events->failed(lock->ctx, fault);
    } else if (PQgetvalue(result, 0, 0)[0] == 't') {
        lock->events->got(lock->ctx);
    } else if (lock->waited) {
        timer_start_ms(lock->retry, RETRY_MS);
    } else {
        lock->waited = true;
        pgconn_query(lock->conn, holder_sql, NULL, 0, on_holder, lock);
    }
}
