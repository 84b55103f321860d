/* What remedy.h promises, where the source is the outbox. Private to remedy.c. */
#ifndef CDCD_SOURCE_REMEDY_OUTBOX_H
#define CDCD_SOURCE_REMEDY_OUTBOX_H

#include "source/remedy.h"

/* 0, or -1 with err filled in: the schema cdcd is not one that can be read. */
int remedy_outbox_schema(const struct catalog *catalog, struct err *err);
/* Complains about a table that is there, has rows of its own and is no partition, with that
 * severity where changes would be missed. */
void remedy_outbox_table(const struct catalog *catalog, const struct catalog_table *table,
                         const struct wanted *wanted, enum severity severity,
                         struct complaints *complaints);

#endif
