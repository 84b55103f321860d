#include "base/mem.h"
#include "base/str.h"
#include "expression/other.h"
#include "expression/typmod.h"

#include <string.h>

static const struct catalog_cast *find_cast(enum type from, enum type to)
{
    for (const struct catalog_cast *cast = catalog_casts(); cast->from != TYPE_NONE; cast++)
        if (cast->from == from && cast->to == to)
            return cast;
    return NULL;
}

static void set_type(struct typed *typed, enum type type, uint32_t oid)
{
    const struct catalog_type *row = catalog_type_row(type);
    typed->type = type;
    typed->oid = row ? row->oid : oid;
}

/* Of a type that is none of ours a literal stays as it is, if PostgreSQL would print it so. */
static struct typed *read_other(struct typing *typing, struct typed *typed)
{
    const struct own_type *own = typing_own(typing, typed->oid);
    struct text text = typed->value.text;
    int shown = (int)(text.len > 40 ? 40 : text.len);
    const char *name = typing_name(typing, TYPE_OTHER, typed->oid);
    if (!other_is_canonical(typed->oid, own, text))
        return typing_refuse(typing, typed->position,
                             "whether a value of type %s is '%.*s' cannot be told from its text as "
                             "PostgreSQL prints it; %sa lookup can compare them",
                             name, shown, text.bytes,
                             other_casts_to_text(typed->oid, own) ? "a cast, as in x::text, or "
                                                                  : "");
    if (other_is_label(own, text))
        return typed;
    const char *given = arena_strndup(typing->arena, text.bytes, text.len);
    const char *nearest = str_nearest(given, own->labels);
    if (nearest)
        return typing_refuse(typing, typed->position,
                             "'%.*s' is no label of %s; did you mean '%s'?", shown, text.bytes,
                             name, nearest);
    return typing_refuse(typing, typed->position,
                         "'%.*s' is no label of %s; ALTER TYPE ... ADD VALUE adds one", shown,
                         text.bytes, name);
}

/* An untyped literal is read as the type at once, as PostgreSQL does. */
static struct typed *read_literal(struct typing *typing, struct typed *typed, enum type to,
                                  uint32_t oid)
{
    struct text text = typed->value.text;
    set_type(typed, to, oid);
    if (typed->value.kind == DATUM_NULL)
        return typed;
    if (to == TYPE_OTHER)
        return read_other(typing, typed);
    const char *why = catalog_input(to, text, typing->arena, &typed->value);
    if (why)
        return typing_refuse(typing, typed->position, "'%.*s' is no value of type %s: %s",
                             (int)(text.len > 40 ? 40 : text.len), text.bytes,
                             typing_name(typing, to, oid), why);
    return typed;
}

static struct typed *undecided(struct typing *typing, const struct typed *from, enum type to,
                               uint32_t oid)
{
    struct typed *typed = typed_make(typing, TYPED_UNDECIDED, to, from->position, 0, NULL);
    if (!typed)
        return NULL;
    set_type(typed, to, oid);
    typed->soft = true;
    return typed;
}

/* A value whose type nothing has said so far. */
static struct typed *give_type(struct typing *typing, const struct typed *from, enum type to,
                               uint32_t oid)
{
    struct typed *typed = typed_copy(typing, from);
    if (typed->kind == TYPED_CONST)
        return read_literal(typing, typed, to, oid);
    set_type(typed, to, oid);
    typed->stored = to;
    typed->soft = true;
    typed->name = NULL; /* it is no longer what that gives: (a / b)::boolean can be one */
    if (typed->kind != TYPED_COALESCE && typed->kind != TYPED_CASE)
        return typed;
    typed = typed_make(typing, from->kind, to, from->position, from->n_args, from->args);
    if (!typed)
        return NULL;
    set_type(typed, to, oid);
    typed->soft = true;
    for (unsigned i = 0; i < typed->n_args; i++) {
        bool result = typed->kind == TYPED_COALESCE || i % 2 == 1 || i == typed->n_args - 1;
        if (result && !(typed->args[i] = coerce(typing, typed->args[i], to, oid))) {
            typing->err->code = 0;
            return undecided(typing, from, to, oid);
        }
    }
    return typed;
}

static struct typed *apply_cast(struct typing *typing, struct typed *from,
                                const struct catalog_cast *cast, uint32_t oid)
{
    struct typed *typed;
    if (cast->call) {
        typed = typed_make(typing, TYPED_CALL, cast->to, from->position, 1, &from);
        if (!typed)
            return NULL;
        typed->call = cast->call;
        typed->name = "a cast";
    } else {
        typed = typed_copy(typing, from);
    }
    set_type(typed, cast->to, oid);
    typed->soft = from->soft;
    return typed;
}

static struct typed *no_cast(struct typing *typing, const struct typed *from, enum type to,
                             uint32_t oid)
{
    return typing_refuse(typing, from->position, "type %s cannot become type %s here",
                         typing_name(typing, from->type, from->oid), typing_name(typing, to, oid));
}

static struct typed *convert(struct typing *typing, struct typed *from, enum type to, uint32_t oid,
                             enum cast_context context)
{
    if (from->type == TYPE_UNKNOWN)
        return give_type(typing, from, to == TYPE_ANY ? TYPE_TEXT : to, oid);
    if (to == TYPE_ANY || (from->type == to && (to != TYPE_OTHER || from->oid == oid)))
        return from;
    const struct catalog_cast *cast = find_cast(from->type, to);
    if (cast && cast->context <= context && !cast->refused && to != TYPE_OTHER)
        return apply_cast(typing, from, cast, oid);
    if (from->soft)
        return undecided(typing, from, to, oid);
    if (cast && cast->context <= context && cast->refused)
        return typing_refuse(
            typing, from->position, "%s to %s cannot be done exactly; a lookup can do it",
            typing_name(typing, from->type, from->oid), typing_name(typing, to, oid));
    return no_cast(typing, from, to, oid);
}

struct typed *coerce(struct typing *typing, struct typed *from, enum type to, uint32_t oid)
{
    return convert(typing, from, to, oid, CAST_IMPLICIT);
}

/* No row of the name gives a boolean, whatever types the columns turn out to have. */
static bool is_never_boolean(const struct typed *typed)
{
    const struct catalog_function *lists[] = {catalog_operators(), catalog_functions()};
    bool found = false;
    if (!typed->name || (typed->kind != TYPED_CALL && typed->kind != TYPED_UNDECIDED))
        return false;
    for (unsigned i = 0; i < 2; i++)
        for (const struct catalog_function *row = lists[i]; row->name; row++) {
            if (strcmp(row->name, typed->name) != 0)
                continue;
            if (row->result == TYPE_BOOL || row->result == TYPE_ANY)
                return false;
            found = true;
        }
    return found;
}

struct typed *coerce_condition(struct typing *typing, struct typed *from, const char *where)
{
    if (from->soft && is_never_boolean(from))
        return typing_refuse(
            typing, from->position,
            "%s is a result of %s, which is never boolean; compare it with something", where,
            from->name);
    if (from->type == TYPE_BOOL || from->type == TYPE_UNKNOWN || from->soft)
        return coerce(typing, from, TYPE_BOOL, 0);
    return typing_refuse(typing, from->position, "%s is of type %s, and not boolean", where,
                         typing_name(typing, from->type, from->oid));
}

static enum type type_named(struct typing *typing, const struct node *cast)
{
    const char *names[128] = {0};
    unsigned n = 0;
    for (const struct catalog_type *row = catalog_types(); row->names[0]; row++)
        for (unsigned i = 0; i < 8 && row->names[i] && n < 127; i++) {
            if (strcmp(row->names[i], cast->text) == 0)
                return row->type;
            names[n++] = row->names[i];
        }
    const char *nearest = str_nearest(cast->text, names);
    if (nearest)
        typing_refuse(typing, cast->position, "%s is no type that cdcd knows; did you mean %s?",
                      cast->text, nearest);
    else
        typing_refuse(typing, cast->position,
                      "%s is no type that cdcd evaluates; a lookup can cast to it", cast->text);
    return TYPE_NONE;
}

struct typed *coerce_explicit(struct typing *typing, struct typed *from, const struct node *cast)
{
    enum type to = type_named(typing, cast);
    if (to == TYPE_NONE)
        return NULL;
    if (from->type == TYPE_OTHER && !other_casts_to_text(from->oid, typing_own(typing, from->oid)))
        return typing_refuse(
            typing, cast->position,
            "what a cast makes of type %s cannot be told from its text; the column "
            "alone, without a cast, is taken as it is",
            typing_name(typing, TYPE_OTHER, from->oid));
    struct typed *typed = convert(typing, from, to, 0, CAST_EXPLICIT);
    if (!typed || cast->n_mods == 0)
        return typed;
    return typmod_apply(typing, typed, cast);
}
