/* The part of the catalog's two queries that asks about the outbox of sql/004_outbox.sql, and the
 * reading of it. Private to catalog.c. */
#ifndef CDCD_SOURCE_CATALOG_OUTBOX_H
#define CDCD_SOURCE_CATALOG_OUTBOX_H

#include "base/buf.h"
#include "source/catalog.h"
#include "source/catalog_row.h"

/* A query of one row, to be joined with the server's. It succeeds whatever there is. */
const char *catalog_outbox_server_sql(void);
void catalog_outbox_read_server(struct catalog *catalog, struct row row);

/* Appends the query `published`, over `found`: a row a table, watched or not. cdcd.watched is asked
 * only if the schema is one that can be used. */
void catalog_outbox_put_published(struct buf *sql, const struct catalog *catalog);
/* The columns of it that are to be selected besides those that a publication's has; it is p. */
const char *catalog_outbox_columns_sql(void);
void catalog_outbox_read_table(struct catalog *catalog, struct catalog_table *table,
                               struct row row);

#endif
