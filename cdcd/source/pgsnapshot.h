/* The text of a pg_snapshot, as in 10:20:10,14,15. */
#ifndef CDCD_SOURCE_PGSNAPSHOT_H
#define CDCD_SOURCE_PGSNAPSHOT_H

#include "model/change.h"

#include <stdbool.h>

/* Owns the array of a snapshot, and uses it again for the next. */
struct pgsnapshot {
    struct snapshot snapshot;
    uint64_t *running;
    unsigned cap;
};

/* False when the text is no snapshot; what was parsed is then undefined. */
bool pgsnapshot_parse(struct pgsnapshot *parsed, const char *text);
void pgsnapshot_free(struct pgsnapshot *parsed);

#endif
