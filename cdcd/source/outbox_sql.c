#include "source/outbox_sql.h"

#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

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
    buf_printf(sql, "%s%" PRIu64, i ? "," : "", txid);
}

void outbox_read_sql(struct buf *sql, const struct outbox_mark *mark, unsigned n_rows)
{
    const struct snapshot *read = &mark->read.snapshot;
    assert(n_rows > 0);
    buf_printf(sql, "COPY (SELECT * FROM cdcd.unread(%" PRIu64 ", '{", read->xmax);
    for (unsigned i = 0; i < read->n_running; i++)
        put_element(sql, i, read->running[i]);
    buf_printf(sql, "}', %u)) TO STDOUT (FORMAT binary)", n_rows);
}

void outbox_delete_sql(struct buf *sql, const struct outbox_unit *units, unsigned n)
{
    uint64_t last_id = 0;
    assert(n > 0);
    buf_put_str(sql, "DELETE FROM cdcd.outbox WHERE txid = ANY ('{");
    for (unsigned i = 0; i < n; i++) {
        put_element(sql, i, units[i].txid);
        last_id = units[i].last_id > last_id ? units[i].last_id : last_id;
    }
    buf_printf(sql, "}'::bigint[]) AND id <= %" PRIu64, last_id);
}
