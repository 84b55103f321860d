/* What PostgreSQL has and cdcd evaluates nowhere, by its name: said where it stands, before its own
 * syntax would be in the way. */
#include "expression/parser.h"

#include <string.h>

#define REGULAR                                                                        \
    "regular expressions are not among what cdcd evaluates; write LIKE, or a lookup: " \
    "SELECT 1 WHERE {c} ~ '...'"
#define FIELD                                                                \
    "a field of a date is not taken out here; write to_char(d, 'YYYY'), or " \
    "date_trunc('year', d)"

struct refused {
    const char *name;
    const char *why;
};

/* They see many rows. */
static const char *const aggregates[] = {"array_agg",
                                         "avg",
                                         "bit_and",
                                         "bit_or",
                                         "bool_and",
                                         "bool_or",
                                         "count",
                                         "cume_dist",
                                         "dense_rank",
                                         "every",
                                         "first_value",
                                         "grouping",
                                         "json_agg",
                                         "jsonb_agg",
                                         "json_object_agg",
                                         "jsonb_object_agg",
                                         "lag",
                                         "last_value",
                                         "lead",
                                         "max",
                                         "min",
                                         "nth_value",
                                         "ntile",
                                         "percent_rank",
                                         "rank",
                                         "row_number",
                                         "stddev",
                                         "string_agg",
                                         "sum",
                                         "variance",
                                         NULL};

static const struct refused functions[] = {
    {"date_part", FIELD},
    {"extract", FIELD},
    {"overlay", "overlay is not among what cdcd evaluates; write left(s, 2) || x || substr(s, 5)"},
    {"regexp_count", REGULAR},
    {"regexp_instr", REGULAR},
    {"regexp_like", REGULAR},
    {"regexp_match", REGULAR},
    {"regexp_matches", REGULAR},
    {"regexp_replace", REGULAR},
    {"regexp_split_to_array", REGULAR},
    {"regexp_substr", REGULAR},
    {"row", "rows, as in ROW(a, b), are not among what cdcd evaluates; compare the columns one by "
            "one, joined by AND"},
    {0}};

static const struct refused operators[] = {
    {"~", REGULAR},
    {"~*", REGULAR},
    {"!~", REGULAR},
    {"!~*", REGULAR},
    {"#>", "#> takes an array, which cdcd does not evaluate; write c -> 'a' -> 'b'"},
    {"#>>", "#>> takes an array, which cdcd does not evaluate; write c -> 'a' ->> 'b'"},
    {"^", "powers are not among what cdcd evaluates; write c * c, or a lookup"},
    {0}};

static const char *find(const struct refused *list, const char *name)
{
    while (list->name && strcmp(list->name, name) != 0)
        list++;
    return list->why;
}

bool parser_refuses_function(struct parser *parser, unsigned position, const char *name)
{
    const char *why = find(functions, name);
    for (unsigned i = 0; aggregates[i] && !why; i++)
        if (strcmp(aggregates[i], name) == 0) {
            parser_refuse(parser, position,
                          "%s is of many rows, and here is one; write it as the trigger's lookup",
                          name);
            return true;
        }
    if (why)
        parser_refuse(parser, position, "%s", why);
    return why != NULL;
}

bool parser_refuses_operator(struct parser *parser, unsigned position, const char *sign)
{
    const char *why = find(operators, sign);
    if (why)
        parser_refuse(parser, position, "%s", why);
    return why != NULL;
}
