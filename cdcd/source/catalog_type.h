/* The part of the catalog's second query that is about types, and what is read of it. Private to
 * catalog.c. */
#ifndef CDCD_SOURCE_CATALOG_TYPE_H
#define CDCD_SOURCE_CATALOG_TYPE_H

#include "source/catalog.h"

/* WITH's queries `attributes` and `types`, made from `found`. */
const char *catalog_type_sql(void);
/* Sets what a row of the answer says of the column's type; learns that type for all columns. */
void catalog_type_read(struct catalog *catalog, const PGresult *result, int row,
                       struct column *column);

#endif
