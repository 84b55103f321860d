#include "source/outbox_sql.h"

#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* A column of the outbox is txid_current()'s, a bigint. */
#define TXID_MAX ((uint64_t)INT64_MAX)

void outbox_mark_free(struct outbox_mark *mark)
{
    pgsnapshot_free(&mark->read);
}

/* Transactions from the bound's on were not asked for, even if the snapshot sees them. */
static void cut(struct pgsnapshot *read, uint64_t bound)
{
    struct snapshot *snapshot = &read->snapshot;
    unsigned n = 0;
    if (bound < snapshot->xmax)
        snapshot->xmax = bound + 1;
    for (unsigned i = 0; i < snapshot->n_running; i++)
        if (read->running[i] < snapshot->xmax)
            read->running[n++] = read->running[i];
    snapshot->n_running = n;
}

bool outbox_mark_advance(struct outbox_mark *mark, const struct outbox_head *head)
{
    struct pgsnapshot read = {0};
    if (!pgsnapshot_parse(&read, head->snapshot)) {
        pgsnapshot_free(&read);
        return false;
    }
    cut(&read, head->bound);
    pgsnapshot_free(&mark->read);
    mark->read = read;
    return true;
}

void outbox_mark_reset(struct outbox_mark *mark)
{
    mark->read.snapshot = (struct snapshot){0};
}

static void put_element(struct buf *sql, unsigned i, uint64_t txid)
{
    buf_printf(sql, "%s%" PRIu64, i ? "," : "'{", txid);
}

/* The rows that the mark does not see. Those that were running are told apart, so that each half is
 * a look into the index. */
static void put_unread(struct buf *sql, const struct outbox_mark *mark)
{
    const struct snapshot *read = &mark->read.snapshot;
    buf_printf(sql,
               "SELECT * FROM cdcd.outbox WHERE txid >= %" PRIu64
               " AND txid <= coalesce((SELECT txid FROM bound), %" PRIu64 ")",
               read->xmax, TXID_MAX);
    if (read->n_running == 0)
        return;
    buf_put_str(sql, " UNION ALL SELECT * FROM cdcd.outbox WHERE txid = ANY (");
    for (unsigned i = 0; i < read->n_running; i++)
        put_element(sql, i, read->running[i]);
    buf_put_str(sql, "}'::bigint[])");
}

void outbox_read_sql(struct buf *sql, const struct outbox_mark *mark, unsigned n_rows)
{
    assert(n_rows > 0);
    buf_printf(sql,
               "COPY (WITH bound AS MATERIALIZED (SELECT txid FROM cdcd.outbox WHERE txid >= "
               "%" PRIu64 " ORDER BY txid OFFSET %u LIMIT 1), unread AS MATERIALIZED (SELECT o.*, "
               "max(id) OVER (PARTITION BY txid) AS last FROM (",
               mark->read.snapshot.xmax, n_rows - 1);
    put_unread(sql, mark);
    buf_put_str(sql, ") o), shapes AS MATERIALIZED (SELECT relation, " OUTBOX_SHAPE_SQL(
                         "r.relation") " AS shape FROM (SELECT DISTINCT relation FROM unread) r) "
                                       "SELECT last, txid, op, relation, shape, schema, name, "
                                       "columns, old, new FROM ("
                                       "SELECT NULL::bigint AS last, 0 AS id, (SELECT txid FROM "
                                       "bound) AS txid, 'S' AS op, "
                                       "NULL::bigint AS relation, NULL::bigint AS shape, NULL AS "
                                       "schema, NULL AS name, "
                                       "NULL AS columns, NULL AS old, "
                                       "txid_current_snapshot()::text AS new UNION ALL "
                                       "SELECT u.last, u.id, u.txid, u.op::text, "
                                       "u.relation::bigint, s.shape, u.schema, u.name, "
                                       "u.columns, u.old, u.new FROM unread u LEFT JOIN shapes s "
                                       "ON s.relation = u.relation) a "
                                       "ORDER BY last NULLS FIRST, id) TO STDOUT (FORMAT binary)");
}

void outbox_delete_sql(struct buf *sql, const struct outbox_unit *units, unsigned n)
{
    uint64_t last_id = 0;
    assert(n > 0);
    buf_put_str(sql, "DELETE FROM cdcd.outbox WHERE txid = ANY (");
    for (unsigned i = 0; i < n; i++) {
        put_element(sql, i, units[i].txid);
        last_id = units[i].last_id > last_id ? units[i].last_id : last_id;
    }
    buf_printf(sql, "}'::bigint[]) AND id <= %" PRIu64, last_id);
}
