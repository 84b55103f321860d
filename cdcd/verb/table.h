/* Tables of which nobody asks a server: they have the columns that somebody names. */
#ifndef CDCD_VERB_TABLE_H
#define CDCD_VERB_TABLE_H

#include "rule/rule.h"
#include "verb/row.h"

#include <stdbool.h>

struct table_column {
    const char *name;
    uint32_t type; /* 0 while all its values are NULL */
    bool given;    /* in a row */
    bool read;     /* by some rule */
};

struct table {
    struct arena *arena;
    const char *schema;
    const char *name;
    bool known; /* some trigger names it */
    struct table_column *columns;
    unsigned n_columns;
};

/* text is "schema.table", or "table": the first of that name that the rules know. What the table
 * keeps is the arena's. */
void table_find(struct table *table, struct arena *arena, const struct ruleset *ruleset,
                const char *text);
/* "; did you mean T?", or the tables that there are. The arena's. */
const char *table_suggestion(const struct table *table, const struct ruleset *ruleset);
/* Adds the columns of a row, with the type that all values of a column have. */
void table_add_row(struct table *table, const struct row *row);
/* Adds the columns that rules read. */
void table_add_read(struct table *table, const struct ruleset *ruleset);
/* The columns that rules read and no row gives, up to NULL. The arena's. */
const char *const *table_missing(const struct table *table);
/* Which of the missing ones was meant by a column that no rule reads; NULL when nobody can tell. */
const char *table_meant(const struct table_column *column, const char *const *missing);
/* As a source would define it; version is a number that no other of the ruleset's tables has. */
struct relation table_relation(const struct table *table, uint64_t version);
/* The values of the columns: of the first row that names one, else NULL. The arena's. */
struct value *table_values(const struct table *table, const struct row *first,
                           const struct row *second);

#endif
