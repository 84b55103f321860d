/* A row of an answer from the catalog, whose columns are taken by their names. */
#ifndef CDCD_SOURCE_CATALOG_ROW_H
#define CDCD_SOURCE_CATALOG_ROW_H

#include "base/mem.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct row {
    const PGresult *result;
    int number;
};

/* "" for NULL; lent until the answer is cleared. */
static inline const char *text_of(struct row row, const char *column)
{
    int field = PQfnumber(row.result, column);
    assert(field >= 0);
    return PQgetvalue(row.result, row.number, field);
}

static inline bool is_null(struct row row, const char *column)
{
    return PQgetisnull(row.result, row.number, PQfnumber(row.result, column));
}

static inline const char *text_or_null(struct arena *arena, struct row row, const char *column)
{
    return is_null(row, column) ? NULL : arena_strdup(arena, text_of(row, column));
}

static inline bool bool_of(struct row row, const char *column)
{
    return text_of(row, column)[0] == 't';
}

static inline uint32_t oid_of(struct row row, const char *column)
{
    return (uint32_t)strtoul(text_of(row, column), NULL, 10);
}

#endif
