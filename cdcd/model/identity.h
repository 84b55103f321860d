/* Replica identities: what PostgreSQL sends of a row that was changed or deleted. */
#ifndef CDCD_MODEL_IDENTITY_H
#define CDCD_MODEL_IDENTITY_H

#include "base/buf.h"
#include "model/change.h"

/* Appends the statements after which the old values of the needed columns (by their place) are
 * sent, at the least cost: an index that is there; one that can be made without harm to those who
 * write the table; the whole row, and then false is returned. table_sql is the table's name as SQL
 * writes it. */
bool identity_remedy(const struct relation *relation, const char *table_sql, const bool *needed,
                     struct buf *sql);

#endif
