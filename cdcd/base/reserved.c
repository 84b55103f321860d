#include "base/reserved.h"

#include <stdlib.h>
#include <string.h>

/* PostgreSQL's key words of the kinds "reserved" and "reserved (can be function or type)", as
 * pg_get_keywords() gives them, in order. */
static const char *const words[] = {
    /* clang-format off */
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric",
    "authorization", "binary", "both", "case", "cast", "check", "collate", "collation", "column",
    "concurrently", "constraint", "create", "cross", "current_catalog", "current_date",
    "current_role", "current_schema", "current_time", "current_timestamp", "current_user",
    "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "fetch",
    "for", "foreign", "freeze", "from", "full", "grant", "group", "having", "ilike", "in",
    "initially", "inner", "intersect", "into", "is", "isnull", "join", "lateral", "leading",
    "left", "like", "limit", "localtime", "localtimestamp", "natural", "not", "notnull", "null",
    "offset", "on", "only", "or", "order", "outer", "overlaps", "placing", "primary", "references",
    "returning", "right", "select", "session_user", "similar", "some", "symmetric", "system_user",
    "table", "tablesample", "then", "to", "trailing", "true", "union", "unique", "user", "using",
    "variadic", "verbose", "when", "where", "window", "with",
    /* clang-format on */
};

static int by_text(const void *word, const void *element)
{
    return strcmp(word, *(const char *const *)element);
}

bool reserved_word(const char *word)
{
    return bsearch(word, words, sizeof words / sizeof *words, sizeof *words, by_text) != NULL;
}
