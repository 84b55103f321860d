#include "source/outbox_origin.h"

#include "base/log.h"

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

/* Where our role may not ask, or the server is none of PostgreSQL's own, the outbox is read all the
 * same. */
static void on_cluster(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct outbox_origin *origin = ctx;
    if (!fault)
        lineage_note(&origin->lineage, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), "");
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
        lineage_note(&origin->lineage, "", "", PQgetvalue(result, 0, 1));
        pgconn_query(origin->conn, cluster_sql, NULL, 0, on_cluster, origin);
    }
}
