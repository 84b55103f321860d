/* Operators and functions: which row of the catalog is meant, and what is said when none is. */
#include "base/mem.h"
#include "base/str.h"
#include "expression/other.h"
#include "expression/typed.h"

#include <string.h>

static const char *argument_types(struct typing *typing, const struct calling *calling)
{
    const char *text = "";
    for (unsigned i = 0; i < calling->n && i < 6; i++)
        text = arena_printf(typing->arena, "%s%s%s", text, i ? ", " : "",
                            typing_name(typing, calling->args[i]->type, calling->args[i]->oid));
    return text;
}

static bool is_text(enum type type)
{
    return type == TYPE_TEXT || type == TYPE_VARCHAR || type == TYPE_BPCHAR;
}

static struct typed *refuse_row(struct typing *typing, const struct calling *calling,
                                const struct catalog_function *row)
{
    bool orders = calling->name[0] == '<' || calling->name[0] == '>';
    if (orders && is_text(row->args[0]))
        return typing_refuse(typing, calling->position,
                             "which text comes before which depends on the database's collation; "
                             "only = and <> compare text here, or a lookup");
    return typing_refuse(
        typing, calling->position,
        "%s of %s cannot be done exactly as PostgreSQL does it; a lookup can do it", calling->name,
        argument_types(typing, calling));
}

static bool is_volatile(const char *name)
{
    static const char *const names[] = {"now",
                                        "random",
                                        "clock_timestamp",
                                        "statement_timestamp",
                                        "transaction_timestamp",
                                        "timeofday",
                                        "gen_random_uuid",
                                        "nextval",
                                        "currval",
                                        "lastval",
                                        "setval",
                                        "txid_current",
                                        "pg_current_xact_id",
                                        "current_setting",
                                        "age",
                                        "pg_sleep",
                                        NULL};
    for (unsigned i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static struct typed *refuse_name(struct typing *typing, const struct calling *calling)
{
    static const char *const special[] = {"coalesce", "nullif",       "greatest",  "least",
                                          "changed",  "table_schema", "table_name"};
    const char *names[512] = {0};
    unsigned n = 0;
    if (is_volatile(calling->name))
        return typing_refuse(typing, calling->position,
                             "%s is not of the row alone: what depends on the time or the session "
                             "is for a lookup",
                             calling->name);
    for (; n < sizeof special / sizeof *special; n++)
        names[n] = special[n];
    for (const struct catalog_function *row = calling->rows; row->name && n < 511; row++)
        names[n++] = row->name;
    const char *nearest = str_nearest(calling->name, names);
    if (nearest)
        return typing_refuse(typing, calling->position,
                             "there is no function %.60s here; did you mean %s? Any other is for a "
                             "lookup",
                             calling->name, nearest);
    return typing_refuse(typing, calling->position,
                         "%.60s is none of the functions that cdcd evaluates; a lookup can call it",
                         calling->name);
}

/* What other languages write for it; NULL when nothing is known. */
static const char *sql_of(const char *name)
{
    static const char *const pairs[][2] = {
        {"==", "="}, {"===", "="}, {"!==", "<>"}, {"&&", "AND"}, {"!", "NOT"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i][0], name) == 0)
            return pairs[i][1];
    return NULL;
}

static struct typed *refuse_call(struct typing *typing, const struct calling *calling,
                                 bool ambiguous)
{
    bool operates = calling->rows == catalog_operators();
    if (!choose_has_name(calling->rows, calling->name)) {
        if (!operates)
            return refuse_name(typing, calling);
        if (sql_of(calling->name))
            return typing_refuse(typing, calling->position, "there is no operator %s; SQL has %s",
                                 calling->name, sql_of(calling->name));
        return typing_refuse(typing, calling->position,
                             "%.20s is none of the operators that cdcd evaluates; a lookup can use "
                             "it",
                             calling->name);
    }
    if (ambiguous)
        return typing_refuse(typing, calling->position,
                             "%s of %s could mean several things; say which by a cast, as in "
                             "x::integer",
                             calling->name, argument_types(typing, calling));
    return typing_refuse(typing, calling->position,
                         "there is no %s %s for %s; a cast, as in x::text, may help",
                         operates ? "operator" : "function", calling->name,
                         calling->n ? argument_types(typing, calling) : "no argument");
}

/* The row's call, with its arguments converted. */
static struct typed *build_call(struct typing *typing, const struct calling *calling,
                                const struct catalog_function *row)
{
    enum type all = TYPE_UNKNOWN;
    bool open = false;
    for (unsigned i = 0; i < calling->n; i++)
        open |= typed_is_open(calling->args[i]);
    unsigned possible =
        open ? choose_possible(calling->rows, calling->name, calling->args, calling->n, &all) : 0;
    struct typed *typed =
        typed_make(typing, TYPED_CALL, row->result, calling->position, calling->n, calling->args);
    for (unsigned i = 0; typed && i < calling->n; i++) {
        typed->args[i] = coerce(typing, typed->args[i], choose_argument(row, i), 0);
        if (!typed->args[i])
            return NULL;
    }
    if (!typed)
        return NULL;
    typed->call = row->call;
    typed->name = row->name;
    typed->lenient = row->lenient;
    typed->soft = open && possible > 1 && all == TYPE_UNKNOWN;
    return typed;
}

static bool is_usable(const struct catalog_function *row, unsigned n)
{
    bool usable = row && row->call && row->result != TYPE_OTHER;
    for (unsigned i = 0; usable && i < n; i++)
        usable = choose_argument(row, i) != TYPE_OTHER;
    return usable;
}

/* Types that a column of no known type most likely has where PostgreSQL would not know which. */
static const struct catalog_function *guess(const struct calling *calling)
{
    static const enum type guesses[] = {TYPE_TIMESTAMPTZ, TYPE_JSONB, TYPE_NUMERIC};
    for (unsigned g = 0; g < sizeof guesses / sizeof *guesses; g++) {
        enum type types[TREE_MAX_ARGS];
        bool ambiguous;
        for (unsigned i = 0; i < calling->n; i++) {
            types[i] = calling->args[i]->type;
            if (types[i] == TYPE_UNKNOWN && typed_is_open(calling->args[i]))
                types[i] = guesses[g];
        }
        const struct catalog_function *row =
            choose_row(calling->rows, calling->name, types, calling->n, &ambiguous);
        bool divides = strcmp(calling->name, "/") == 0;
        if (is_usable(row, calling->n) && !divides)
            return row;
    }
    return NULL;
}

/* A call that does not fit what was guessed of its arguments. */
static struct typed *resolve_open(struct typing *typing, const struct calling *calling)
{
    enum type result = TYPE_UNKNOWN;
    const struct catalog_function *row = guess(calling);
    struct typed *typed = row ? build_call(typing, calling, row) : NULL;
    if (typed)
        return typed;
    typing->err->code = 0;
    if (!choose_possible(calling->rows, calling->name, calling->args, calling->n, &result))
        return NULL;
    typed = typed_make(typing, TYPED_UNDECIDED, result, calling->position, 0, NULL);
    if (!typed)
        return NULL;
    typed->soft = result == TYPE_UNKNOWN;
    typed->name = calling->name;
    return typed;
}

static struct typed *resolve_row(struct typing *typing, const struct calling *calling)
{
    enum type types[TREE_MAX_ARGS] = {TYPE_UNKNOWN};
    bool ambiguous, open = false;
    for (unsigned i = 0; i < calling->n; i++) {
        types[i] = calling->args[i]->type;
        open |= typed_is_open(calling->args[i]);
    }
    const struct catalog_function *row =
        choose_row(calling->rows, calling->name, types, calling->n, &ambiguous);
    struct typed *typed = NULL;
    if (is_usable(row, calling->n) && (!(typed = build_call(typing, calling, row)) && open)) {
        /* A literal that does not fit a guess may fit the type that the column has. */
        struct err why = *typing->err;
        typing->err->code = 0;
        typed = resolve_open(typing, calling);
        if (!typed && !typing->err->code)
            *typing->err = why;
    } else if (!is_usable(row, calling->n) && open) {
        typed = resolve_open(typing, calling);
    }
    if (typed || typing->err->code)
        return typed;
    return row ? refuse_row(typing, calling, row) : refuse_call(typing, calling, ambiguous);
}

/* Its values may be equal though their texts are not. */
static struct typed *refuse_equality(struct typing *typing, const struct calling *calling,
                                     const struct typed *other)
{
    const struct own_type *own = typing_own(typing, other->oid);
    const char *column =
        other->kind == TYPED_COLUMN ? typing->relation->columns[other->column].name : "x";
    const char *name = typing_name(typing, TYPE_OTHER, other->oid);
    if (!own && other->oid >= OTHER_FIRST_OWN_OID)
        return typing_refuse(typing, calling->position,
                             "which values of type %s are equal is not known yet", name);
    if (other_casts_to_text(other->oid, own))
        return typing_refuse(
            typing, calling->position,
            "the texts of type %s do not tell which of its values are equal; write "
            "%s::text to compare the texts themselves, or a lookup",
            name, column);
    return typing_refuse(typing, calling->position,
                         "the texts of type %s do not tell which of its values are equal; a lookup "
                         "can compare them",
                         name);
}

/* Of types that are none of ours only the text is known. */
static struct typed *compare_others(struct typing *typing, const struct calling *calling)
{
    struct typed **args = calling->args;
    struct typed *other = args[0]->type == TYPE_OTHER ? args[0] : args[1];
    struct typed *beside = other == args[0] && calling->n == 2 ? args[1] : args[0];
    bool equality =
        calling->n == 2 && (strcmp(calling->name, "=") == 0 || strcmp(calling->name, "<>") == 0);
    bool same = beside->type == TYPE_UNKNOWN || beside->soft ||
                (beside->type == TYPE_OTHER && beside->oid == other->oid);
    if (equality && !other_is_equal_by_text(other->oid, typing_own(typing, other->oid)))
        return refuse_equality(typing, calling, other);
    if (!equality || !same)
        return typing_refuse(typing, calling->position,
                             "of a column of type %s only its text is known: where that decides, = "
                             "and <> compare it with a literal or with a column of its type; a "
                             "lookup can do more",
                             typing_name(typing, TYPE_OTHER, other->oid));
    for (const struct catalog_function *row = calling->rows; row->name; row++)
        if (strcmp(row->name, calling->name) == 0 && row->args[0] == TYPE_TEXT &&
            row->args[1] == TYPE_TEXT) {
            struct typed *typed =
                typed_make(typing, TYPED_CALL, TYPE_BOOL, calling->position, calling->n, args);
            for (unsigned i = 0; typed && i < 2; i++)
                typed->args[i] = coerce(typing, args[i], TYPE_OTHER, other->oid);
            if (!typed || !typed->args[0] || !typed->args[1])
                return NULL;
            typed->call = row->call;
            typed->name = row->name;
            return typed;
        }
    return refuse_call(typing, calling, false);
}

static bool is_integer(const struct typed *typed)
{
    return !typed->soft &&
           (typed->type == TYPE_INT2 || typed->type == TYPE_INT4 || typed->type == TYPE_INT8);
}

static bool compares(const struct calling *calling)
{
    static const char *const names[] = {"=", "<>", "!=", "<", "<=", ">", ">="};
    for (size_t i = 0; calling->n == 2 && i < sizeof names / sizeof *names; i++)
        if (strcmp(calling->name, names[i]) == 0)
            return true;
    return false;
}

/* A column of no known type may hold 5.50 beside the integer that it is compared with. As numeric
 * it is compared with the same answer, whichever number it is. */
static bool widen_untyped(struct typing *typing, const struct calling *calling)
{
    for (unsigned i = 0; i < 2 && compares(calling); i++) {
        const struct typed *column = calling->args[i];
        if (column->kind != TYPED_COLUMN || column->type != TYPE_UNKNOWN ||
            !is_integer(calling->args[1 - i]) || typed_reads_row(calling->args[1 - i]))
            continue;
        calling->args[i] = coerce(typing, calling->args[i], TYPE_NUMERIC, 0);
        if (!calling->args[i])
            return false;
    }
    return true;
}

struct typed *resolve_named(struct typing *typing, const struct calling *calling)
{
    for (unsigned i = 0; i < calling->n; i++)
        if (!calling->args[i])
            return NULL;
    if (calling->rows == catalog_operators())
        for (unsigned i = 0; i < calling->n; i++)
            if (calling->args[i]->type == TYPE_OTHER)
                return compare_others(typing, calling);
    if (calling->rows == catalog_operators() && !widen_untyped(typing, calling))
        return NULL;
    return resolve_row(typing, calling);
}

struct typed *resolve_operator(struct typing *typing, const char *name, unsigned position,
                               struct typed *left, struct typed *right)
{
    struct calling calling = {catalog_operators(), name, position, (struct typed *[]){left, right},
                              2};
    return resolve_named(typing, &calling);
}
