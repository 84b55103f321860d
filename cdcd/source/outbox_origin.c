#include "source/outbox_origin.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* A dump that was restored under the same name is another outbox. */
static const char outbox_sql[] =
    "SELECT pg_is_in_recovery(), format('%s/%s', d.oid, 'cdcd.outbox'::regclass::oid)"
    "  FROM pg_database d WHERE d.datname = current_database()";

/* The timeline that is written; pg_control_checkpoint() tells the one before until the first
 * checkpoint after a promotion. */
static const char cluster_sql[] = "SELECT (SELECT system_identifier FROM pg_control_system()),"
                                  "       left(pg_walfile_name(pg_current_wal_lsn()), 8)";

static void on_outbox(void *ctx, const PGresult *result, const struct pg_fault *fault);

void outbox_origin_ask(struct outbox_origin *origin, struct pgconn *conn,
                       void (*known)(void *ctx, const struct pg_fault *fault), void *ctx)
{
    origin->conn = conn;
    origin->known = known;
    origin->ctx = ctx;
    pgconn_query(conn, outbox_sql, NULL, 0, on_outbox, origin);
}

static void note(char *known, size_t size, const char *found, const char **gap, const char *reason)
{
    if (*known && *found && strcmp(known, found) != 0)
        *gap = reason;
    if (*found)
        snprintf(known, size, "%s", found);
}

void outbox_origin_note(struct outbox_origin *origin, const char *cluster, const char *timeline,
                        const char *outbox)
{
    note(origin->outbox, sizeof origin->outbox, outbox, &origin->gap,
         "the outbox is gone, and made anew");
    note(origin->timeline, sizeof origin->timeline, timeline, &origin->gap,
         "the cluster is on another timeline, as when a standby was promoted");
    note(origin->cluster, sizeof origin->cluster, cluster, &origin->gap,
         "another cluster stands behind the same name");
}

const char *outbox_origin_take_gap(struct outbox_origin *origin)
{
    const char *gap = origin->gap;
    origin->gap = NULL;
    return gap;
}

/* Where our role may not ask, or the server is none of PostgreSQL's own, the outbox is read all the
 * same. */
static void on_cluster(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox_origin *origin = ctx;
    if (!fault)
        outbox_origin_note(origin, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), "");
    else if (!origin->said_unknown)
        log_warn("another cluster behind the same name would not be noticed reason=\"%s\"",
                 fault->reason);
    origin->said_unknown = fault;
    origin->known(origin->ctx, NULL);
}

static void on_outbox(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox_origin *origin = ctx;
    struct pg_fault standby;
    if (fault) {
        origin->known(origin->ctx, fault);
    } else if (PQgetvalue(result, 0, 0)[0] == 't') {
        fault_set(&standby, "", "the server is a standby");
        origin->known(origin->ctx, &standby);
    } else {
        outbox_origin_note(origin, "", "", PQgetvalue(result, 0, 1));
        pgconn_query(origin->conn, cluster_sql, NULL, 0, on_cluster, origin);
    }
}
