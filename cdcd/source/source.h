/* A source: gives what changed, transaction by transaction, in commit order.
 *
 * A source keeps its own connections, and makes them again with back-off when they are lost. What
 * it gave and was not confirmed, it gives again after `again`. It is the only part that knows what
 * a token means: it grows from one transaction to the next within a stream, and source_confirm
 * says that all up to it is safe. Events come from the event loop, never from within a call.
 *
 * driver.c drives both: logical replication through a slot with pgoutput (stream.c), and the outbox
 * that triggers write (outbox.c). Protocols: PostgreSQL's manual, "Streaming Replication Protocol"
 * and "Logical Replication Message Formats"; "COPY", binary format; "Composite Type Input and
 * Output Syntax". */
#ifndef CDCD_SOURCE_SOURCE_H
#define CDCD_SOURCE_SOURCE_H

#include "base/err.h"
#include "model/change.h"
#include "model/lookup.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct event_base;
struct source;

/* A table, or, with * and ? in its names, all tables that match, now and later. */
struct source_table {
    const char *schema;
    const char *name;
    const char *file; /* where it is asked for, for complaints */
    int line;
};

struct source_events {
    /* A transaction begins; it has been committed, but may not be visible yet. */
    void (*begin)(void *ctx, uint32_t xid);
    void (*change)(void *ctx, const struct change *change);
    /* The transaction ends. token is never 0. */
    void (*commit)(void *ctx, uint64_t token);
    /* Between transactions: all that concerns us before token has been given. */
    void (*reached)(void *ctx, uint64_t token);
    /* Between transactions: those that follow were committed after all that were given, as is so at
     * first; or, not ordered, in an order that is not known. */
    void (*ordered)(void *ctx, bool ordered);
    /* The stream ended; what was not confirmed will be given again. reason is lent. */
    void (*again)(void *ctx, const char *reason);
    /* The stream starts, anew or for the first time. */
    void (*streaming)(void *ctx);
    /* Changes may have been missed. */
    void (*gap)(void *ctx, const char *reason);
    /* The answer to source_ask. */
    void (*snapshot)(void *ctx, const struct snapshot *snapshot);
    /* What the catalog says of a table that was asked for, before streaming and after
     * source_set_tables. Complaints with errors end the start (failed), or refuse the tables. */
    void (*table)(void *ctx, const struct relation *relation, struct complaints *complaints);
    /* A table that was asked for and did not exist is in the publication now; the rest as `table`,
     * but it is refused no more: who takes the event says what is wrong, and gives that as well. */
    void (*late_table)(void *ctx, const struct relation *relation, struct complaints *complaints);
    /* Follows it: what the table had before was not given. */
    void (*appeared)(void *ctx, const struct relation *relation);
    /* The answer to source_set_tables: the tables are as they should be (err->code 0), or not. */
    void (*tables_set)(void *ctx, const struct err *err);
    /* Only the operator can mend it; the source has stopped. */
    void (*failed)(void *ctx, const struct err *err);
};

enum source_mode {
    SOURCE_REPLICATION, /* a logical replication slot */
    SOURCE_OUTBOX,      /* tables that triggers write, of sql/004_outbox.sql */
};

/* Rows of cdcd.cfg; strings are borrowed until the source is closed. */
struct source_opts {
    enum source_mode mode;
    const char *conninfo;
    const char *slot;
    const char *publication;
    bool create;                     /* make slot and publication when they are missing */
    bool gate;                       /* visibility is asked for: keep the second connection */
    int64_t decoding_work_mem_bytes; /* logical_decoding_work_mem of the replication connection */
    int64_t poll_ms;                 /* outbox: it is looked at so often, notified or not */
    int64_t retry_min_ms;
    int64_t retry_max_ms;
};

struct source_ops {
    /* Begins at once, from the event loop. tables are copied. */
    struct source *(*open)(const struct source_opts *opts, const struct source_table *tables,
                           unsigned n_tables, struct event_base *base,
                           const struct source_events *events, void *ctx);
    /* Everything up to token is safe. Told to PostgreSQL soon, and at once when it asks. */
    void (*confirm)(struct source *source, uint64_t token);
    /* Stops reading, or goes on; feedback is sent all the same. */
    void (*pause)(struct source *source, bool paused);
    /* Asks which transactions are visible now; one question at a time. Answered by `snapshot`, or
     * not at all when `again` comes first. */
    void (*ask)(struct source *source);
    /* Leaves the stream (the slot is free then) until attach; `again` follows. */
    void (*detach)(struct source *source, const char *reason);
    void (*attach)(struct source *source);
    /* Other tables are wanted; tables are copied. Answered by `tables_set`, after a `table` each.
     */
    void (*set_tables)(struct source *source, const struct source_table *tables, unsigned n_tables);
    /* Sends the last confirmation, leaves, and calls closed when that has been written, or could
     * not be; the source is gone then. Without closed: leaves at once, whatever was not written,
     * and is gone on return; only from outside the source's events. Also after `failed`, and after
     * a close that has not ended. */
    void (*close)(struct source *source, void (*closed)(void *ctx));
};

/* The head of every source. */
struct source {
    const struct source_ops *ops;
};

const struct source_ops *source_driver(void);

/* Lookups: a connection of their own, made when the first question comes, and again when it is
 * lost. Questions are asked in pipeline mode, in read-only transactions, with a timeout, and
 * answered in any order, from the event loop: each once, at the latest when its time is over. */
struct lookups;

struct lookups_opts {
    const char *conninfo;
    int64_t timeout_ms; /* of one question, the wait for a connection included */
    int64_t retry_min_ms;
    int64_t retry_max_ms;
};

struct lookups_ops {
    struct lookups *(*open)(const struct lookups_opts *opts, struct event_base *base,
                            void (*answered)(void *ctx, uint64_t question,
                                             const struct answer *answer),
                            void *ctx);
    /* The lookup is borrowed until it was answered or forgotten; the parameters are copied. The
     * number is the caller's. */
    void (*ask)(struct lookups *lookups, const struct lookup *lookup, const struct value *params,
                uint64_t question);
    /* All questions that are out are answered no more; only from outside `answered`. The connection
     * is left: what comes next may concern another server. */
    void (*forget)(struct lookups *lookups);
    /* At once; only from outside `answered`. */
    void (*close)(struct lookups *lookups);
};

/* The head of every lookups. */
struct lookups {
    const struct lookups_ops *ops;
};

const struct lookups_ops *source_lookups(void);
/* For verbs: what is wrong with the database for rules that want these tables and lookups. */
struct source_inspection {
    const struct source_table *tables;
    unsigned n_tables;
    const struct lookup *const *lookups;
    unsigned n_lookups;
    /* As the source's event. */
    void (*table)(void *ctx, const struct relation *relation, struct complaints *complaints);
    void *ctx;
    const char *file; /* cdcd.cfg, for complaints */
    int64_t timeout_ms;
};

/* Connects, asks, complains about all that it finds, and makes and changes nothing. A database that
 * cannot be reached is an error with EX_UNAVAILABLE. */
void source_inspect(const struct source_opts *opts, const struct source_inspection *what,
                    struct complaints *complaints);

/* One question, asked and waited for: for verbs. The answer is the arena's. */
void source_look_up(const char *conninfo, int64_t timeout_ms, const struct lookup *lookup,
                    const struct value *params, struct arena *arena, struct answer *answer);

/* The role that the options name, the arena's; NULL when conninfo leaves that to others. */
const char *source_role(struct arena *arena, const struct source_opts *opts);

#endif
