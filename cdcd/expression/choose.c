/* How PostgreSQL chooses an operator or a function for arguments of given types, and a common type:
 * manual, "Type Conversion". */
#include "expression/typed.h"

#include <string.h>

#define MAX_CANDIDATES 128
#define CATEGORY_NONE '\0'
#define CATEGORY_STRING 'S'
#define CATEGORY_PSEUDO 'P'
#define CATEGORY_OTHER '?'

struct choice {
    const struct catalog_function *rows[MAX_CANDIDATES];
    unsigned n_rows;
    enum type types[TREE_MAX_ARGS];
    unsigned n;
};

static char category_of(enum type type)
{
    const struct catalog_type *row = catalog_type_row(type);
    if (row)
        return row->category;
    return type == TYPE_ANY ? CATEGORY_PSEUDO : CATEGORY_OTHER;
}

static bool is_preferred(enum type type)
{
    const struct catalog_type *row = catalog_type_row(type);
    return row && row->preferred;
}

enum type choose_argument(const struct catalog_function *row, unsigned i)
{
    unsigned n = 0;
    while (n < CATALOG_MAX_ARGS && row->args[n] != TYPE_NONE)
        n++;
    if (i < n)
        return row->args[i];
    return row->variadic && n ? row->args[n - 1] : TYPE_NONE;
}

static bool takes(const struct catalog_function *row, unsigned n)
{
    unsigned listed = 0;
    while (listed < CATALOG_MAX_ARGS && row->args[listed] != TYPE_NONE)
        listed++;
    return row->variadic ? n >= listed : n == listed;
}

bool choose_has_name(const struct catalog_function *rows, const char *name)
{
    for (; rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return true;
    return false;
}

bool choose_can_coerce(enum type from, enum type to)
{
    if (to == TYPE_ANY || from == TYPE_UNKNOWN || from == to)
        return true;
    for (const struct catalog_cast *cast = catalog_casts(); cast->from != TYPE_NONE; cast++)
        if (cast->from == from && cast->to == to)
            return cast->context == CAST_IMPLICIT;
    return false;
}

static bool fits(const struct catalog_function *row, const enum type *types, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!choose_can_coerce(types[i], choose_argument(row, i)))
            return false;
    return true;
}

static const struct catalog_function *exact(const struct choice *choice, const enum type *types)
{
    for (unsigned row = 0; row < choice->n_rows; row++) {
        unsigned i = 0;
        while (i < choice->n && choose_argument(choice->rows[row], i) == types[i])
            i++;
        if (i == choice->n)
            return choice->rows[row];
    }
    return NULL;
}

/* Keeps the rows with the highest score. */
static void keep_best(struct choice *choice,
                      unsigned (*score)(const struct choice *, const struct catalog_function *))
{
    unsigned best = 0, kept = 0;
    for (unsigned i = 0; i < choice->n_rows; i++) {
        unsigned points = score(choice, choice->rows[i]);
        if (points > best || i == 0)
            kept = 0;
        if (points < best && i > 0)
            continue;
        best = points;
        choice->rows[kept++] = choice->rows[i];
    }
    choice->n_rows = kept;
}

static unsigned same_types(const struct choice *choice, const struct catalog_function *row)
{
    unsigned points = 0;
    for (unsigned i = 0; i < choice->n; i++)
        points += choice->types[i] != TYPE_UNKNOWN && choose_argument(row, i) == choice->types[i];
    return points;
}

static unsigned preferred_types(const struct choice *choice, const struct catalog_function *row)
{
    unsigned points = 0;
    for (unsigned i = 0; i < choice->n; i++) {
        enum type type = choose_argument(row, i), given = choice->types[i];
        if (given == TYPE_UNKNOWN)
            continue;
        points += type == given || (is_preferred(type) && category_of(type) == category_of(given));
    }
    return points;
}

/* The category that an untyped argument should have, CATEGORY_NONE when the rows disagree. */
static char agreed_category(const struct choice *choice, unsigned i, bool *has_preferred)
{
    char agreed = CATEGORY_NONE;
    bool conflict = false;
    *has_preferred = false;
    for (unsigned row = 0; row < choice->n_rows; row++) {
        enum type type = choose_argument(choice->rows[row], i);
        char category = category_of(type);
        if (agreed == CATEGORY_NONE || (category != agreed && category == CATEGORY_STRING)) {
            agreed = category;
            *has_preferred = is_preferred(type);
        } else if (category == agreed) {
            *has_preferred |= is_preferred(type);
        } else {
            conflict = true;
        }
    }
    return conflict && agreed != CATEGORY_STRING ? CATEGORY_NONE : agreed;
}

/* Keeps the rows whose types are of the agreed categories, when there are any. */
static void keep_agreed(struct choice *choice)
{
    char categories[TREE_MAX_ARGS] = {0};
    bool preferred[TREE_MAX_ARGS] = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < choice->n; i++) {
        if (choice->types[i] != TYPE_UNKNOWN)
            continue;
        categories[i] = agreed_category(choice, i, &preferred[i]);
        if (categories[i] == CATEGORY_NONE)
            return;
    }
    for (unsigned row = 0; row < choice->n_rows; row++) {
        bool good = true;
        for (unsigned i = 0; i < choice->n; i++) {
            enum type type = choose_argument(choice->rows[row], i);
            if (choice->types[i] == TYPE_UNKNOWN)
                good &= category_of(type) == categories[i] && (!preferred[i] || is_preferred(type));
        }
        if (good)
            choice->rows[kept++] = choice->rows[row];
    }
    choice->n_rows = kept ? kept : choice->n_rows;
}

/* When all typed arguments have one type: the only row that takes it for the others too. */
static const struct catalog_function *last_resort(const struct choice *choice)
{
    enum type known = TYPE_UNKNOWN, types[TREE_MAX_ARGS];
    const struct catalog_function *found = NULL;
    for (unsigned i = 0; i < choice->n; i++) {
        if (choice->types[i] == TYPE_UNKNOWN)
            continue;
        if (known != TYPE_UNKNOWN && known != choice->types[i])
            return NULL;
        known = choice->types[i];
    }
    if (known == TYPE_UNKNOWN)
        return NULL;
    for (unsigned i = 0; i < choice->n; i++)
        types[i] = known;
    for (unsigned row = 0; row < choice->n_rows; row++) {
        if (!fits(choice->rows[row], types, choice->n))
            continue;
        if (found)
            return NULL;
        found = choice->rows[row];
    }
    return found;
}

static const struct catalog_function *choose(struct choice *choice)
{
    bool untyped = false;
    for (unsigned i = 0; i < choice->n; i++)
        untyped |= choice->types[i] == TYPE_UNKNOWN;
    keep_best(choice, same_types);
    if (choice->n_rows > 1)
        keep_best(choice, preferred_types);
    if (choice->n_rows > 1 && untyped)
        keep_agreed(choice);
    if (choice->n_rows == 1)
        return choice->rows[0];
    return untyped && choice->n_rows ? last_resort(choice) : NULL;
}

static void gather(struct choice *choice, const struct catalog_function *rows, const char *name)
{
    for (; rows->name; rows++)
        if (strcmp(rows->name, name) == 0 && takes(rows, choice->n) &&
            choice->n_rows < MAX_CANDIDATES)
            choice->rows[choice->n_rows++] = rows;
}

const struct catalog_function *choose_row(const struct catalog_function *rows, const char *name,
                                          const enum type *types, unsigned n, bool *ambiguous)
{
    struct choice choice = {.n = n};
    enum type same[TREE_MAX_ARGS];
    memcpy(choice.types, types, n * sizeof *types);
    memcpy(same, types, n * sizeof *types);
    *ambiguous = false;
    gather(&choice, rows, name);
    /* An operator's untyped argument is first taken to have the other's type. */
    if (n == 2 && rows == catalog_operators())
        for (unsigned i = 0; i < 2; i++)
            same[i] = types[i] == TYPE_UNKNOWN ? types[1 - i] : types[i];
    const struct catalog_function *found = exact(&choice, same);
    if (found)
        return found;
    unsigned kept = 0;
    for (unsigned i = 0; i < choice.n_rows; i++)
        if (fits(choice.rows[i], types, n))
            choice.rows[kept++] = choice.rows[i];
    choice.n_rows = kept;
    found = choose(&choice);
    *ambiguous = !found && kept > 1;
    return found;
}

unsigned choose_possible(const struct catalog_function *rows, const char *name,
                         struct typed *const *args, unsigned n, enum type *result)
{
    struct choice choice = {.n = n};
    unsigned possible = 0;
    gather(&choice, rows, name);
    for (unsigned i = 0; i < n; i++)
        choice.types[i] = typed_is_open(args[i]) ? TYPE_UNKNOWN : args[i]->type;
    for (unsigned i = 0; i < choice.n_rows; i++) {
        const struct catalog_function *row = choice.rows[i];
        if (!row->call || !fits(row, choice.types, n))
            continue;
        *result = possible == 0 || *result == row->result ? row->result : TYPE_UNKNOWN;
        possible++;
    }
    return possible;
}

enum type choose_common(struct typed *const *list, unsigned n, uint32_t *oid)
{
    enum type common = list[0]->type;
    *oid = list[0]->oid;
    for (unsigned i = 1; i < n; i++) {
        enum type type = list[i]->type;
        if (type == TYPE_UNKNOWN || (type == common && list[i]->oid == *oid))
            continue;
        bool takes_it = common == TYPE_UNKNOWN;
        if (!takes_it && (category_of(type) != category_of(common) || type == common))
            return TYPE_NONE;
        takes_it |= !is_preferred(common) && choose_can_coerce(common, type) &&
                    !choose_can_coerce(type, common);
        if (takes_it) {
            common = type;
            *oid = list[i]->oid;
        }
    }
    if (common == TYPE_UNKNOWN) {
        common = TYPE_TEXT;
        *oid = catalog_type_row(TYPE_TEXT)->oid;
    }
    return common;
}
