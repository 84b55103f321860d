/* Evaluates what is constant when the rules meet the table, as PostgreSQL's planner does, and in
 * its order: what follows a FALSE in AND, or a WHEN that is never true, is not looked at. */
#include "expression/program.h"

#include <string.h>

static struct typed *as_constant(struct typing *typing, const struct typed *from,
                                 struct datum value)
{
    struct typed *typed = typed_make(typing, TYPED_CONST, from->type, from->position, 0, NULL);
    if (!typed)
        return NULL;
    typed->oid = from->oid;
    typed->soft = from->soft;
    typed->value = value;
    return typed;
}

static struct typed *truth(struct typing *typing, const struct typed *from, bool value)
{
    return as_constant(typing, from, (struct datum){.kind = DATUM_VALUE, .truth = value});
}

static struct typed *null(struct typing *typing, const struct typed *from)
{
    return as_constant(typing, from, (struct datum){.kind = DATUM_NULL});
}

static struct typed *evaluate(struct typing *typing, struct typed *typed)
{
    struct datum value;
    struct program *program = program_make(typing, typed, false);
    if (!program)
        return NULL;
    const char *why = program_evaluate(program, typing->arena, &value);
    if (why)
        return typing_refuse(typing, typed->position, "this is an error whatever the row: %s", why);
    return as_constant(typing, typed, value);
}

static bool is_constant(const struct typed *typed)
{
    return typed->kind == TYPED_CONST;
}

static bool fold_args(struct typing *typing, struct typed *typed)
{
    for (unsigned i = 0; i < typed->n_args; i++)
        if (!(typed->args[i] = fold(typing, typed->args[i])))
            return false;
    return true;
}

static bool is_time(enum type type)
{
    return type == TYPE_DATE || type == TYPE_TIMESTAMP || type == TYPE_TIMESTAMPTZ;
}

static bool is_text(enum type type)
{
    return type == TYPE_TEXT || type == TYPE_VARCHAR || type == TYPE_BPCHAR;
}

static bool is_stable_cast(enum type from, enum type to)
{
    if (is_text(from) || is_text(to))
        return is_time(from) || is_time(to);
    return is_time(from) && is_time(to) && (from == TYPE_TIMESTAMPTZ) != (to == TYPE_TIMESTAMPTZ);
}

/* What PostgreSQL calls stable may depend on the session, and is evaluated with each row: an error
 * in it is one only when the row gets there. */
static bool is_stable(const struct typed *typed)
{
    static const char *const names[] = {"concat", "concat_ws", "to_char", "convert_to"};
    bool zoned = typed->type == TYPE_TIMESTAMPTZ, times = is_time(typed->type), other = false;
    for (unsigned i = 0; typed->name && i < sizeof names / sizeof *names; i++)
        if (strcmp(typed->name, names[i]) == 0)
            return true;
    if (typed->name && strcmp(typed->name, "a cast") == 0)
        return is_stable_cast(typed->args[0]->type, typed->type);
    for (unsigned i = 0; i < typed->n_args; i++) {
        enum type type = typed->args[i]->type;
        zoned |= type == TYPE_TIMESTAMPTZ;
        times |= is_time(type);
        other |= type != TYPE_TIMESTAMPTZ;
    }
    if (typed->name && strcmp(typed->name, "||") == 0)
        return times;
    return zoned && times && other;
}

static struct typed *fold_call(struct typing *typing, struct typed *typed)
{
    bool constant = true;
    if (!fold_args(typing, typed))
        return NULL;
    for (unsigned i = 0; i < typed->n_args; i++) {
        constant &= is_constant(typed->args[i]);
        if (typed->kind == TYPED_CALL && !typed->lenient && typed_is_null(typed->args[i]))
            return null(typing, typed);
        if (typed->kind == TYPED_NULLIF && typed_is_null(typed->args[i]))
            return typed->args[0];
    }
    return constant && !is_stable(typed) ? evaluate(typing, typed) : typed;
}

/* `deciding` is the truth that decides: false in AND, true in OR. NULL goes last. */
static struct typed *fold_chain(struct typing *typing, struct typed *typed, bool deciding)
{
    unsigned kept = 0;
    struct typed *unknown = NULL;
    for (unsigned i = 0; i < typed->n_args; i++) {
        struct typed *arg = fold(typing, typed->args[i]);
        if (!arg)
            return NULL;
        if (!is_constant(arg))
            typed->args[kept++] = arg;
        else if (typed_is_null(arg))
            unknown = arg;
        else if (arg->value.truth == deciding)
            return arg;
    }
    if (unknown)
        typed->args[kept++] = unknown;
    typed->n_args = kept;
    if (kept == 0)
        return truth(typing, typed, !deciding);
    return kept == 1 ? typed->args[0] : typed;
}

static struct typed *fold_coalesce(struct typing *typing, struct typed *typed)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < typed->n_args; i++) {
        struct typed *arg = fold(typing, typed->args[i]);
        if (!arg)
            return NULL;
        if (typed_is_null(arg))
            continue;
        typed->args[kept++] = arg;
        if (is_constant(arg))
            break;
    }
    typed->n_args = kept;
    if (kept == 0)
        return null(typing, typed);
    return kept == 1 ? typed->args[0] : typed;
}

static struct typed *fold_case(struct typing *typing, struct typed *typed)
{
    unsigned kept = 0, last = typed->n_args - 1;
    struct typed *otherwise = NULL;
    for (unsigned i = 0; i < last && !otherwise; i += 2) {
        struct typed *when = fold(typing, typed->args[i]);
        if (!when)
            return NULL;
        if (is_constant(when) && (when->value.kind != DATUM_VALUE || !when->value.truth))
            continue;
        struct typed *result = fold(typing, typed->args[i + 1]);
        if (!result)
            return NULL;
        if (is_constant(when)) {
            otherwise = result;
        } else {
            typed->args[kept++] = when;
            typed->args[kept++] = result;
        }
    }
    if (!otherwise && !(otherwise = fold(typing, typed->args[last])))
        return NULL;
    if (kept == 0)
        return otherwise;
    typed->args[kept++] = otherwise;
    typed->n_args = kept;
    return typed;
}

static struct typed *fold_test(struct typing *typing, struct typed *typed)
{
    if (!fold_args(typing, typed))
        return NULL;
    const struct datum *value = &typed->args[0]->value;
    if (!is_constant(typed->args[0]))
        return typed;
    if (typed->kind == TYPED_IS_NULL)
        return truth(typing, typed, value->kind == DATUM_NULL);
    if (typed->kind == TYPED_IS_TRUTH)
        return truth(typing, typed, value->kind == DATUM_VALUE && value->truth == typed->truth);
    return value->kind == DATUM_NULL ? null(typing, typed) : truth(typing, typed, !value->truth);
}

static struct typed *fold_kind(struct typing *typing, struct typed *typed)
{
    switch (typed->kind) {
    case TYPED_CONST:
    case TYPED_COLUMN:
    case TYPED_CHANGED:
    case TYPED_TABLE_SCHEMA:
    case TYPED_TABLE_NAME:
    case TYPED_UNDECIDED:
        return typed;
    case TYPED_AND:
        return fold_chain(typing, typed, false);
    case TYPED_OR:
        return fold_chain(typing, typed, true);
    case TYPED_NOT:
    case TYPED_IS_NULL:
    case TYPED_IS_TRUTH:
        return fold_test(typing, typed);
    case TYPED_CASE:
        return fold_case(typing, typed);
    case TYPED_COALESCE:
        return fold_coalesce(typing, typed);
    case TYPED_CALL:
    case TYPED_DISTINCT:
    case TYPED_IN:
    case TYPED_NULLIF:
    case TYPED_EXTREME:
        return fold_call(typing, typed);
    }
    return NULL;
}

struct typed *fold(struct typing *typing, struct typed *typed)
{
    struct typed *folded = fold_kind(typing, typed);
    if (!folded || (folded->type == typed->type && folded->oid == typed->oid))
        return folded;
    /* What is left of a CASE keeps the type that the whole was given. */
    folded = typed_copy(typing, folded);
    folded->type = typed->type;
    folded->oid = typed->oid;
    return folded;
}
