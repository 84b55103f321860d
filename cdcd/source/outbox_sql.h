/* The statements of the outbox, and the mark that says what has been read. Pure.
 *
 * A mark is a snapshot: the transactions that it sees have been read. */
#ifndef CDCD_SOURCE_OUTBOX_SQL_H
#define CDCD_SOURCE_OUTBOX_SQL_H

#include "base/buf.h"
#include "source/outbox_row.h"
#include "source/pgsnapshot.h"

#include <stdbool.h>
#include <stdint.h>

struct outbox_mark {
    struct pgsnapshot read; /* all zeros: nothing has been read */
};

void outbox_mark_free(struct outbox_mark *mark);
/* False when the head's snapshot makes no sense; the mark is then as it was. */
bool outbox_mark_advance(struct outbox_mark *mark, const struct outbox_head *head);
void outbox_mark_reset(struct outbox_mark *mark);

/* Appends COPY (...) TO STDOUT (FORMAT binary) of cdcd.unread, sql/004_outbox.sql: the head, then
 * the rows of transactions that the mark does not see. Between two reads their order does not hold,
 * when more than n_rows wait.
 *
 * Columns, in binary: last int8 (NULL in the head), txid int8, op text, relation int8, shape int8,
 * schema text, name text, columns text, old text, new text. In the head: NULL, the bound or NULL,
 * 'S', and NULLs; new is the snapshot. */
void outbox_read_sql(struct buf *sql, const struct outbox_mark *mark, unsigned n_rows);
/* Appends the DELETE of these transactions' rows, and of none that was written since: the number of
 * a transaction may come again where rows were restored from another cluster. */
void outbox_delete_sql(struct buf *sql, const struct outbox_unit *units, unsigned n);

/* An expression: a number that tells what a table's columns look like, as cdcd.unread has it;
 * relation is SQL. */
#define OUTBOX_SHAPE_SQL(relation)                                                              \
    "(SELECT hashtextextended(string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, "      \
    "a.atttypmod), ',' ORDER BY a.attnum), 0) FROM pg_attribute a WHERE a.attrelid = " relation \
    " AND a.attnum > 0 AND NOT a.attisdropped)"

#endif
