/* Filters: what a template does to a value before it puts it in. Private to rule/.
 *
 * NULL passes through every filter but default (and json, where nulls are shown). */
#ifndef CDCD_RULE_FILTER_H
#define CDCD_RULE_FILTER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct filter_kind;

struct filter {
    const struct filter_kind *kind;
    const char *arg;   /* NULL when it takes none */
    const char *other; /* bool: the word for false */
};

/* The value at hand: the bytes of the buf from `at` on. */
struct filtered {
    struct buf *to;
    size_t at;
    uint32_t type; /* of the column, as long as the text is its own; else 0 */
    bool is_null;
    bool nulls_shown; /* json makes null of NULL */
};

/* Makes the filter of that name; arg is NULL when none is given, and the arena's. -1: err says what
 * is wrong with name or argument, and what to write, without the place. */
int filter_make(struct filter *filter, struct arena *arena, const char *name, const char *arg,
                struct err *err);
bool filter_is_default(const struct filter *filter);
bool filter_is_json(const struct filter *filter);
/* False when the value cannot be read, or grows past most bytes; it is then undefined. */
bool filter_apply(const struct filter *filter, struct filtered *value, size_t most);

#endif
