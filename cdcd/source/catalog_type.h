/* The part of the catalog's second query that is about types, and what is read of it. Private to
 * catalog.c. */
#ifndef CDCD_SOURCE_CATALOG_TYPE_H
#define CDCD_SOURCE_CATALOG_TYPE_H

#include "source/catalog.h"

/* WITH's queries `attributes` and `types`, made from `found`. */
const char *catalog_type_sql(void);
/* A type is described in the first row that has it, which is learnt first. */
void catalog_type_learn(struct catalog *catalog, const PGresult *result, int row);
/* Sets what is known of the column's type. */
void catalog_type_set(struct catalog *catalog, const PGresult *result, int row,
                      struct column *column);

#endif
