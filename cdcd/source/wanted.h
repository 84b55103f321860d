/* The tables that rules want, and what became of each.
 *
 * A table that is wanted by a pattern joins those that are named when the catalog shows it, and
 * leaves when it is gone. */
#ifndef CDCD_SOURCE_WANTED_H
#define CDCD_SOURCE_WANTED_H

#include "source/source.h"

#include <stdbool.h>
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
    const char
        *stamp; /* of the triggers that were there when it was last covered; NULL: not known */
    unsigned pattern; /* 1 + the place of the pattern that it matches; 0: it is named itself */
    bool gone;        /* with a pattern: it is not there any more */
    bool late;        /* its changes, which an older list wanted too, did not come until now */
};

struct wanted_pattern {
    const char *schema;
    const char *name;
    const char *file;
    int line;
};

/* Owns its tables and their strings. */
struct wanted_list {
    struct arena *arena;
    struct wanted *tables; /* those that are named first */
    unsigned n;
    unsigned cap;
    struct wanted_pattern *patterns;
    unsigned n_patterns;
    bool noted; /* what is covered is known */
};

/* Copies the tables; the caller owns the list. */
struct wanted_list *wanted_make(const struct source_table *tables, unsigned n);
/* Adds a table that matches the pattern; its names are copied. */
void wanted_add(struct wanted_list *list, const char *schema, const char *name, unsigned pattern);
/* Drops those that are gone: all places change. */
void wanted_prune(struct wanted_list *list);
/* Notes the triggers that the table has; the stamp, which may be NULL, is copied. */
void wanted_stamp(struct wanted_list *list, unsigned place, const char *stamp);
/* Takes over from an older list what is covered, and what it wanted and was not. */
void wanted_inherit(struct wanted_list *list, const struct wanted_list *older);
/* NULL is allowed. */
void wanted_free(struct wanted_list *list);

#endif
