/* The tables that rules want, and what became of each. */
#ifndef CDCD_SOURCE_WANTED_H
#define CDCD_SOURCE_WANTED_H

#include "source/source.h"

#include <stdint.h>

/* No table's oid: it came late, so that changes of it were missed. */
#define WANTED_LATE UINT32_MAX

struct wanted {
    const char *schema;
    const char *name;
    const char *file;
    int line;
    uint32_t covered; /* oid of the table whose changes the stream gives; 0 while it gives none,
                       * or WANTED_LATE */
    uint64_t unseen;  /* transactions before this one may have changed it unseen; 0: none */
};

/* Owns its tables and their strings. */
struct wanted_list {
    struct arena *arena;
    struct wanted *tables;
    unsigned n;
};

/* Copies the tables; the caller owns the list. */
struct wanted_list *wanted_make(const struct source_table *tables, unsigned n);
/* Takes over from an older list what is covered. */
void wanted_inherit(struct wanted_list *list, const struct wanted_list *older);
/* NULL is allowed. */
void wanted_free(struct wanted_list *list);

#endif
