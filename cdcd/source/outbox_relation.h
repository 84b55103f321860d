/* What the rows of the outbox's tables look like: names as they were when a row was written, types
 * as the catalog has told them. Private to outbox_row.c.
 *
 * A relation is made for each table, shape and list of names that is met, and kept, within bounds.
 * A relation whose types are not known yet puzzles, once. */
#ifndef CDCD_SOURCE_OUTBOX_RELATION_H
#define CDCD_SOURCE_OUTBOX_RELATION_H

#include "model/change.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct outbox_relations;

/* A table as a row names it; texts are lent. */
struct outbox_table {
    uint32_t oid;
    bool exists;   /* when the row was read */
    int64_t shape; /* what its columns were like then */
    struct value schema;
    struct value name;
    struct value columns; /* names, as a record; NULL: no values were written */
};

struct outbox_relation {
    struct relation relation;
    const bool *kept;  /* by field of a row's records: it is the next column's value */
    unsigned n_fields; /* 0: the row has no values, or their names make no sense */
    bool blamed;       /* it has been said that values of its are missing */
};

/* The caller owns it. */
struct outbox_relations *outbox_relations_make(void);
/* Lent until the next find, start or learn. NULL: the catalog must be asked first. */
struct outbox_relation *outbox_relations_find(struct outbox_relations *relations,
                                              const struct outbox_table *table);
/* As outbox_rows_learn. */
void outbox_relations_learn(struct outbox_relations *relations, const struct catalog *catalog,
                            bool anew);
/* What puzzled is given no more. */
void outbox_relations_start(struct outbox_relations *relations);
/* As it was found last; NULL: it was not. */
const struct relation *outbox_relations_last(const struct outbox_relations *relations,
                                             uint32_t oid);
/* NULL is allowed. */
void outbox_relations_free(struct outbox_relations *relations);

#endif
