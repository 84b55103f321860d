#include "base/mem.h"
#include "base/str.h"
#include "expression/other.h"
#include "expression/typed.h"

#include <string.h>

static struct typed *boolean(struct typing *typing, enum typed_kind kind, unsigned position,
                             unsigned n_args, struct typed *const *args)
{
    return typed_make(typing, kind, TYPE_BOOL, position, n_args, args);
}

/* ---- leaves ---- */

static struct typed *constant(struct typing *typing, enum type type, const struct node *node,
                              struct datum value)
{
    struct typed *typed = typed_make(typing, TYPED_CONST, type, node->position, 0, NULL);
    if (typed)
        typed->value = value;
    return typed;
}

static struct typed *resolve_number(struct typing *typing, const struct node *node)
{
    bool whole = !strpbrk(node->text, ".eE");
    struct text text = {node->text, (uint32_t)strlen(node->text)};
    enum type types[] = {TYPE_INT4, TYPE_INT8, TYPE_NUMERIC};
    struct datum value;
    for (unsigned i = whole ? 0 : 2; i < 3; i++) {
        value = (struct datum){.kind = DATUM_VALUE};
        const char *why = catalog_input(types[i], text, typing->arena, &value);
        if (!why)
            return constant(typing, types[i], node, value);
    }
    return typing_refuse(typing, node->position, "%.40s is no number", node->text);
}

static struct typed *no_column(struct typing *typing, const struct node *node)
{
    const struct relation *relation = typing->relation;
    const char **names = arena_alloc(typing->arena, (relation->n_columns + 1) * sizeof *names);
    for (unsigned i = 0; i < relation->n_columns; i++)
        names[i] = relation->columns[i].name;
    const char *nearest = str_nearest(node->text, names);
    if (nearest)
        return typing_refuse(typing, node->position,
                             "%s.%s has no column \"%s\"; did you mean \"%s\"?", relation->schema,
                             relation->name, node->text, nearest);
    return typing_refuse(typing, node->position, "%s.%s has no column \"%s\"", relation->schema,
                         relation->name, node->text);
}

static struct typed *resolve_column(struct typing *typing, const struct node *node)
{
    const struct relation *relation = typing->relation;
    bool changed = node->kind == NODE_CHANGED;
    struct typed *typed = typed_make(typing, changed ? TYPED_CHANGED : TYPED_COLUMN,
                                     changed ? TYPE_BOOL : TYPE_UNKNOWN, node->position, 0, NULL);
    if (!typed)
        return NULL;
    typed->row = node->row;
    typed->column = TYPED_NO_COLUMN;
    if (!relation)
        return typed;
    unsigned i = 0;
    while (i < relation->n_columns && strcmp(relation->columns[i].name, node->text) != 0)
        i++;
    if (i == relation->n_columns)
        return no_column(typing, node);
    typed->column = i;
    if (changed)
        return typed;
    typed->oid = relation->columns[i].type;
    typed->type = relation->columns[i].own ? TYPE_OTHER : catalog_type_of(typed->oid);
    typed->stored = typed->type;
    return typed;
}

static struct typed *resolve_table(struct typing *typing, const struct node *node)
{
    bool schema = node->kind == NODE_TABLE_SCHEMA;
    if (!typing->relation)
        return typed_make(typing, schema ? TYPED_TABLE_SCHEMA : TYPED_TABLE_NAME, TYPE_TEXT,
                          node->position, 0, NULL);
    const char *name =
        arena_strdup(typing->arena, schema ? typing->relation->schema : typing->relation->name);
    struct datum value = {.kind = DATUM_VALUE, .text = {name, (uint32_t)strlen(name)}};
    return constant(typing, TYPE_TEXT, node, value);
}

/* ---- calls and conditions ---- */

static struct typed *resolve_call(struct typing *typing, const struct node *node)
{
    struct typed *args[TREE_MAX_ARGS];
    struct calling calling = {node->kind == NODE_OPERATOR ? catalog_operators()
                                                          : catalog_functions(),
                              node->text, node->position, args, node->n_args};
    for (unsigned i = 0; i < node->n_args; i++)
        if (!(args[i] = resolve(typing, node->args[i])))
            return NULL;
    return resolve_named(typing, &calling);
}

static struct typed *resolve_condition(struct typing *typing, const struct node *node,
                                       const char *where)
{
    struct typed *typed = resolve(typing, node);
    return typed ? coerce_condition(typing, typed, where) : NULL;
}

static struct typed *resolve_chain(struct typing *typing, const struct node *node)
{
    enum typed_kind kind = node->kind == NODE_AND  ? TYPED_AND
                           : node->kind == NODE_OR ? TYPED_OR
                                                   : TYPED_NOT;
    const char *const names[] = {"what AND joins", "what OR joins", "what NOT negates"};
    const char *where = names[kind == TYPED_AND ? 0 : kind == TYPED_OR ? 1 : 2];
    struct typed **args = arena_alloc(typing->arena, (node->n_args + 1) * sizeof(struct typed *));
    for (unsigned i = 0; i < node->n_args; i++)
        if (!(args[i] = resolve_condition(typing, node->args[i], where)))
            return NULL;
    return boolean(typing, kind, node->position, node->n_args, args);
}

/* IS NULL of a composite value asks each of its fields, IS DISTINCT FROM NULL the value. */
static struct typed *resolve_is_null(struct typing *typing, const struct node *node)
{
    struct typed *arg = resolve(typing, node->args[0]);
    if (arg && arg->type == TYPE_UNKNOWN && arg->kind == TYPED_CONST)
        arg = coerce(typing, arg, TYPE_TEXT, 0);
    if (arg && arg->type == TYPE_OTHER && other_may_be_row(arg->oid, typing_own(typing, arg->oid)))
        return typing_refuse(typing, node->position,
                             "IS NULL of a value of type %s may be about its fields; IS [NOT] "
                             "DISTINCT FROM NULL is about the value",
                             typing_name(typing, TYPE_OTHER, arg->oid));
    return arg ? boolean(typing, TYPED_IS_NULL, node->position, 1, &arg) : NULL;
}

static struct typed *resolve_is(struct typing *typing, const struct node *node)
{
    if (node->kind == NODE_IS_NULL)
        return resolve_is_null(typing, node);
    struct typed *arg = resolve_condition(typing, node->args[0], "what IS asks about");
    if (!arg)
        return NULL;
    enum typed_kind kind = node->kind == NODE_IS_TRUTH ? TYPED_IS_TRUTH : TYPED_IS_NULL;
    struct typed *typed = boolean(typing, kind, node->position, 1, &arg);
    if (typed)
        typed->truth = node->truth;
    return typed;
}

/* What the type's = does, under another kind; an undecided one stays. */
static struct typed *as_kind(struct typed *equal, enum typed_kind kind)
{
    if (equal && equal->kind == TYPED_CALL)
        equal->kind = kind;
    return equal;
}

static struct typed *resolve_distinct(struct typing *typing, const struct node *node)
{
    struct typed *left = resolve(typing, node->args[0]);
    struct typed *right = left ? resolve(typing, node->args[1]) : NULL;
    if (!right)
        return NULL;
    bool left_null = node->args[0]->kind == NODE_NULL,
         right_null = node->args[1]->kind == NODE_NULL;
    if (!left_null && !right_null)
        return as_kind(resolve_operator(typing, "=", node->position, left, right), TYPED_DISTINCT);
    struct typed *asked = right_null ? left : right;
    if (asked->type == TYPE_UNKNOWN && asked->kind == TYPED_CONST)
        asked = coerce(typing, asked, TYPE_TEXT, 0);
    struct typed *is_null =
        asked ? boolean(typing, TYPED_IS_NULL, node->position, 1, &asked) : NULL;
    return is_null ? boolean(typing, TYPED_NOT, node->position, 1, &is_null) : NULL;
}

/* ---- several values of one type ---- */

static struct typed *undecided(struct typing *typing, const struct node *node);

/* Whether all can become the type; open ones may. */
static bool can_all(struct typed *const *list, unsigned n, enum type common)
{
    for (unsigned i = 0; i < n; i++)
        if (!typed_is_open(list[i]) && !choose_can_coerce(list[i]->type, common))
            return false;
    return true;
}

/* PostgreSQL gives two constants and more one type and makes an array of them; columns are
 * compared one by one. */
static struct typed *resolve_in(struct typing *typing, const struct node *node)
{
    unsigned n = node->n_args, n_constants = 0, n_parts = 0;
    struct typed **list = arena_alloc(typing->arena, (n + 1) * sizeof(struct typed *));
    struct typed **constants = arena_alloc(typing->arena, (n + 1) * sizeof(struct typed *));
    struct typed **parts = arena_alloc(typing->arena, (n + 1) * sizeof(struct typed *));
    uint32_t oid;
    for (unsigned i = 0; i < n; i++)
        if (!(list[i] = resolve(typing, node->args[i])))
            return NULL;
    constants[0] = list[0];
    for (unsigned i = 1; i < n; i++)
        if (!typed_reads_row(list[i]))
            constants[++n_constants] = list[i];
    enum type common =
        n_constants > 1 ? choose_common(constants, n_constants + 1, &oid) : TYPE_NONE;
    bool array = common != TYPE_NONE && can_all(constants, n_constants + 1, common);
    for (unsigned i = 1, done = 0; i < n; i++) {
        struct typed *item = list[i];
        struct typed *left = n_parts ? resolve(typing, node->args[0]) : list[0];
        if (array && !typed_reads_row(item))
            item = coerce(typing, item, common, oid);
        /* Of a column that turns out to be a float, 'Infinity' may stand beside 1. */
        if (!item && typed_is_open(list[0]))
            return undecided(typing, node);
        if (!left || !item)
            return NULL;
        struct typed *equal = resolve_operator(typing, "=", node->position, left, item);
        if (!equal)
            return NULL;
        bool joins = array && !typed_reads_row(list[i]) && equal->kind == TYPED_CALL;
        if (joins && done) {
            struct typed *in = parts[done - 1];
            in->args[in->n_args++] = equal->args[1];
            continue;
        }
        parts[n_parts++] = equal;
        if (!joins)
            continue;
        done = n_parts;
        struct typed **args = arena_alloc(typing->arena, (n + 1) * sizeof(struct typed *));
        memcpy(args, equal->args, 2 * sizeof *args);
        equal->args = args;
        equal->kind = TYPED_IN;
        /* It is asked first, whatever stands before it. */
        parts[done - 1] = parts[0];
        parts[0] = equal;
        done = 1;
    }
    return n_parts == 1 ? parts[0] : boolean(typing, TYPED_OR, node->position, n_parts, parts);
}

static bool all_unknown(struct typed *const *list, unsigned n, bool *open)
{
    *open = false;
    for (unsigned i = 0; i < n; i++) {
        if (list[i]->type != TYPE_UNKNOWN)
            return false;
        *open |= list[i]->kind != TYPED_CONST;
    }
    return true;
}

/* Converts all to their common type; *type TYPE_UNKNOWN when only what is left open could say. */
static bool unify(struct typing *typing, struct typed **list, unsigned n, unsigned position,
                  enum type *type, uint32_t *oid)
{
    bool open;
    *oid = 0;
    *type = TYPE_UNKNOWN;
    if (all_unknown(list, n, &open) && open)
        return true;
    *type = choose_common(list, n, oid);
    for (unsigned i = 0; *type == TYPE_NONE && i < n; i++) {
        /* The type of the first that is not open, if any; what is open may fit. */
        if (typed_is_open(list[i]) && list[i]->type != TYPE_UNKNOWN) {
            *type = TYPE_UNKNOWN;
            for (unsigned j = 0; j < n; j++)
                if (!typed_is_open(list[j]) && list[j]->type != TYPE_UNKNOWN) {
                    *type = list[j]->type;
                    *oid = list[j]->oid;
                }
        }
    }
    if (*type == TYPE_NONE) {
        typing_refuse(typing, position,
                      "its values are of types that do not go together; cast "
                      "them to one");
        return false;
    }
    for (unsigned i = 0; *type != TYPE_UNKNOWN && i < n; i++)
        if (!(list[i] = coerce(typing, list[i], *type, *oid)))
            return false;
    return true;
}

static bool any_soft(struct typed *const *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (typed_is_open(list[i]))
            return true;
    return false;
}

static struct typed *of_type(struct typed *typed, enum type type, uint32_t oid, bool soft)
{
    if (!typed)
        return NULL;
    typed->type = type;
    typed->oid = oid;
    typed->soft = soft;
    return typed;
}

/* What could be right, were the types of its columns known. */
static struct typed *undecided(struct typing *typing, const struct node *node)
{
    typing->err->code = 0;
    return of_type(typed_make(typing, TYPED_UNDECIDED, TYPE_UNKNOWN, node->position, 0, NULL),
                   TYPE_UNKNOWN, 0, true);
}

static struct typed *resolve_coalesce(struct typing *typing, const struct node *node)
{
    struct typed *args[TREE_MAX_ARGS];
    enum type type;
    uint32_t oid;
    for (unsigned i = 0; i < node->n_args; i++)
        if (!(args[i] = resolve(typing, node->args[i])))
            return NULL;
    bool soft = any_soft(args, node->n_args);
    if (!unify(typing, args, node->n_args, node->position, &type, &oid))
        return soft ? undecided(typing, node) : NULL;
    if (node->kind == NODE_COALESCE)
        return of_type(typed_make(typing, TYPED_COALESCE, type, node->position, node->n_args, args),
                       type, oid, soft);
    for (unsigned i = 0; type == TYPE_UNKNOWN && i < node->n_args; i++)
        if (!(args[i] = coerce(typing, args[i], TYPE_TEXT, 0)))
            return NULL;
    /* Which is the greater, the type's own order says. */
    const char *name = node->kind == NODE_GREATEST ? ">" : "<";
    struct typed *order = resolve_operator(typing, name, node->position, args[0], args[0]);
    if (soft && (!order || order->kind != TYPED_CALL))
        return undecided(typing, node);
    if (!order)
        return NULL;
    struct typed *typed =
        typed_make(typing, TYPED_EXTREME, type, node->position, node->n_args, args);
    if (!typed)
        return NULL;
    typed->call = order->call;
    return of_type(typed, args[0]->type, args[0]->oid, soft);
}

static struct typed *resolve_nullif(struct typing *typing, const struct node *node)
{
    struct typed *left = resolve(typing, node->args[0]);
    struct typed *right = left ? resolve(typing, node->args[1]) : NULL;
    if (!right)
        return NULL;
    bool soft = typed_is_open(left) || typed_is_open(right);
    struct typed *typed = resolve_operator(typing, "=", node->position, left, right);
    if (typed && typed->kind == TYPED_UNDECIDED)
        return of_type(typed, TYPE_UNKNOWN, 0, true);
    as_kind(typed, TYPED_NULLIF);
    return typed ? of_type(typed, typed->args[0]->type, typed->args[0]->oid, soft) : NULL;
}

/* CASE a WHEN b is CASE WHEN a = b. */
static struct typed *resolve_branch(struct typing *typing, const struct node *operand,
                                    const struct node *when)
{
    if (!operand)
        return resolve_condition(typing, when, "a condition of CASE");
    struct typed *left = resolve(typing, operand);
    if (left && left->kind == TYPED_CONST && left->type == TYPE_UNKNOWN)
        left = coerce(typing, left, TYPE_TEXT, 0);
    struct typed *right = left ? resolve(typing, when) : NULL;
    return right ? resolve_operator(typing, "=", when->position, left, right) : NULL;
}

static struct typed *resolve_case(struct typing *typing, const struct node *node)
{
    unsigned n = (node->n_args - 2) / 2;
    struct typed *results[TREE_MAX_ARGS + 1], *args[2 * TREE_MAX_ARGS + 1];
    const struct node null = {.kind = NODE_NULL, .position = node->position};
    const struct node *otherwise = node->args[node->n_args - 1];
    enum type type;
    uint32_t oid;
    /* PostgreSQL looks at ELSE first when it chooses the type. */
    if (!(results[0] = resolve(typing, otherwise ? otherwise : &null)))
        return NULL;
    for (unsigned i = 0; i < n; i++) {
        args[2 * i] = resolve_branch(typing, node->args[0], node->args[2 * i + 1]);
        if (!args[2 * i] || !(results[i + 1] = resolve(typing, node->args[2 * i + 2])))
            return NULL;
    }
    bool soft = any_soft(results, n + 1);
    if (!unify(typing, results, n + 1, node->position, &type, &oid))
        return soft ? undecided(typing, node) : NULL;
    for (unsigned i = 0; i < n; i++)
        args[2 * i + 1] = results[i + 1];
    args[2 * n] = results[0];
    return of_type(typed_make(typing, TYPED_CASE, type, node->position, 2 * n + 1, args), type, oid,
                   soft);
}

static struct typed *resolve_cast(struct typing *typing, const struct node *node)
{
    struct typed *arg = resolve(typing, node->args[0]);
    return arg ? coerce_explicit(typing, arg, node) : NULL;
}

struct typed *resolve(struct typing *typing, const struct node *node)
{
    struct datum value = {.kind = DATUM_VALUE};
    switch (node->kind) {
    case NODE_LITERAL:
        value.text = (struct text){node->text, node->len};
        return constant(typing, TYPE_UNKNOWN, node, value);
    case NODE_NUMBER:
        return resolve_number(typing, node);
    case NODE_TRUTH:
        value.truth = node->truth;
        return constant(typing, TYPE_BOOL, node, value);
    case NODE_NULL:
        value.kind = DATUM_NULL;
        return constant(typing, TYPE_UNKNOWN, node, value);
    case NODE_COLUMN:
    case NODE_CHANGED:
        return resolve_column(typing, node);
    case NODE_CALL:
    case NODE_OPERATOR:
        return resolve_call(typing, node);
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
        return resolve_chain(typing, node);
    case NODE_IS_NULL:
    case NODE_IS_TRUTH:
    case NODE_IS_UNKNOWN:
        return resolve_is(typing, node);
    case NODE_DISTINCT:
        return resolve_distinct(typing, node);
    case NODE_IN:
        return resolve_in(typing, node);
    case NODE_CASE:
        return resolve_case(typing, node);
    case NODE_CAST:
        return resolve_cast(typing, node);
    case NODE_COALESCE:
    case NODE_GREATEST:
    case NODE_LEAST:
        return resolve_coalesce(typing, node);
    case NODE_NULLIF:
        return resolve_nullif(typing, node);
    case NODE_TABLE_SCHEMA:
    case NODE_TABLE_NAME:
        return resolve_table(typing, node);
    }
    return NULL;
}
