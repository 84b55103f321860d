/* One asynchronous connection to PostgreSQL: libpq over libevent.
 *
 * A connection is opened, says `ready` or `lost`, answers queries one after the other, and may go
 * over to COPY BOTH (then its messages are given, and data can be put) or to a pipeline. A query
 * may be a COPY TO STDOUT, whose messages are given before its answer. When the connection is lost
 * it is closed, its queries are answered no more, and it can be opened again.
 *
 * Events and answers come from the event loop, never from within a call. Within them everything
 * may be called but pgconn_free.
 *
 * What blocks: libpq looks up host names with getaddrinfo. */
#ifndef CDCD_SOURCE_PGCONN_H
#define CDCD_SOURCE_PGCONN_H

#include "source/conninfo.h"
#include "source/fault.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct event_base;
struct pgconn;

struct pgconn_events {
    void (*ready)(void *ctx);
    /* It could not be made, or it broke. fault is lent. */
    void (*lost)(void *ctx, const struct pg_fault *fault);
    /* A message inside COPY; lent. NULL where there is no COPY. */
    void (*message)(void *ctx, const char *bytes, size_t n);
    /* One or more notifications came. NULL where nothing is listened for. */
    void (*notified)(void *ctx);
    /* In a pipeline: libpq may have results. True when it had. NULL where there is none. */
    bool (*results)(void *ctx);
};

/* fault is NULL, or what the server refused the query with. Both are lent. */
typedef void (*pgconn_answer_fn)(void *ctx, const PGresult *result, const struct pg_fault *fault);

/* The caller owns the connection, which is closed yet; ctx is borrowed. */
struct pgconn *pgconn_make(struct event_base *base, const struct pgconn_events *events, void *ctx);
/* Only when closed. conninfo is lent. */
void pgconn_open(struct pgconn *conn, const struct conninfo *conninfo);
/* Drops the connection and its queries without a word. */
void pgconn_close(struct pgconn *conn);
/* Not from within its events. NULL is allowed. */
void pgconn_free(struct pgconn *conn);

/* As server_version_num; only after ready. */
int pgconn_version(const struct pgconn *conn);
/* The other connection will go to the host that this one has reached; only after ready. */
void pgconn_pin(const struct pgconn *conn, struct arena *arena, struct conninfo *other);
/* Takes its turn behind the queries before it. sql and params (text; NULL for NULL) are copied.
 * Without params it goes by the simple protocol, which is all that a walsender speaks. */
void pgconn_query(struct pgconn *conn, const char *sql, const char *const *params,
                  unsigned n_params, pgconn_answer_fn answer, void *ctx);

/* In COPY, now or later: gives no more messages until it goes on again. */
void pgconn_pause(struct pgconn *conn, bool paused);
/* In COPY BOTH: sends data. False when what was put before has not left yet, so that a peer that
 * does not read costs no memory. */
bool pgconn_put(struct pgconn *conn, const char *bytes, size_t n);
/* Ends COPY BOTH politely, and closes: sends what was put if the socket takes it. */
void pgconn_leave(struct pgconn *conn);

/* Sends a statement, if no other is out, and closes: nobody waits for its answer. */
void pgconn_leave_with(struct pgconn *conn, const char *sql);

/* Goes over to pipeline mode, in which the caller sends and takes results with libpq itself; only
 * after ready, with no query out. Lent until it is lost or closed. */
PGconn *pgconn_pipeline(struct pgconn *conn);
/* In a pipeline: sends what libpq holds. */
void pgconn_flush(struct pgconn *conn);

#endif
