/* What the rules need of each table that they name: for the SQL that gives it to them. */
#ifndef CDCD_VERB_NEEDS_H
#define CDCD_VERB_NEEDS_H

#include "base/buf.h"
#include "base/mem.h"
#include "rule/rule.h"

struct need_column {
    const char *name;
    unsigned want; /* bits of enum rule_want */
};

struct need {
    const char *schema; /* with * and ? in either name: all tables that match */
    const char *name;
    bool is_pattern;
    struct need_column *columns; /* each once */
    unsigned n_columns;
    unsigned row;    /* what is wanted of every column */
    bool any_update; /* an UPDATE counts, whatever it changes */
    bool open;       /* a lookup's text does not tell which columns are the table's */
    struct buf who;  /* a line `FILE:LINE CACHE` for each trigger */
};

struct needs {
    struct arena *arena;
    struct need *list;
    unsigned n;
    unsigned n_patterns;
};

/* One for each name that the rules give; the caller frees. Names are borrowed from the ruleset. */
struct needs *needs_make(const struct ruleset *ruleset);
void needs_free(struct needs *needs);
/* Old values of keys count as what conditions compare, as source.weak_identity = "clear" has it. */
void needs_weaken(struct needs *needs);

/* Appends an array of those columns that are wanted so (bits of enum rule_want): ARRAY['a', 'b'],
 * or '{}'. */
void need_put_columns(const struct need *need, unsigned want, struct buf *sql);
/* Appends, in parentheses, the tables that are named without * and ?: (('schema', 'name'), ...);
 * false when there are none. */
bool needs_put_named(const struct needs *needs, struct buf *sql);

typedef void need_put_fn(const struct need *need, struct buf *sql);
/* Appends `WITH patterns (...) AS (VALUES ...)`, a row for each need with * or ?: schema and name
 * to be matched with LIKE, and what put appends, which has these columns. comment, which is to
 * stand before, tells what rows are taken, and which triggers want them; call it published or
 * watched. */
void needs_put_patterns(const struct needs *needs, const char *columns, need_put_fn *put,
                        const char *called, struct buf *comment, struct buf *sql);

#endif
