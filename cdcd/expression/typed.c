#include "expression/typed.h"

#include "base/mem.h"
#include "expression/other.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct typed *typing_refuse(struct typing *typing, unsigned position, const char *format, ...)
{
    char what[640];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    tree_refuse(typing->err, typing->source, position, what);
    return NULL;
}

const char *typing_name(struct typing *typing, enum type type, uint32_t oid)
{
    const struct catalog_type *row = catalog_type_row(type);
    if (row)
        return row->names[0];
    const struct own_type *own = typing_own(typing, oid);
    if (own)
        return own->name;
    if (type == TYPE_OTHER && other_name(oid))
        return other_name(oid);
    if (type == TYPE_OTHER)
        return arena_printf(typing->arena, "with oid %u", oid);
    return "unknown";
}

const struct own_type *typing_own(const struct typing *typing, uint32_t oid)
{
    const struct relation *relation = typing->relation;
    for (unsigned i = 0; relation && i < relation->n_columns; i++)
        if (relation->columns[i].type == oid && relation->columns[i].own)
            return relation->columns[i].own;
    return NULL;
}

static uint32_t oid_of(enum type type)
{
    const struct catalog_type *row = catalog_type_row(type);
    return row ? row->oid : 0;
}

struct typed *typed_make(struct typing *typing, enum typed_kind kind, enum type type,
                         unsigned position, unsigned n_args, struct typed *const *args)
{
    if (typing->n_nodes++ >= TYPED_MAX_NODES)
        return typing_refuse(typing, position,
                             "written out it has more than %d parts; divide it among triggers",
                             TYPED_MAX_NODES);
    struct typed *typed = arena_alloc(typing->arena, sizeof *typed);
    typed->kind = kind;
    typed->type = type;
    typed->oid = oid_of(type);
    typed->position = position;
    typed->n_args = n_args;
    typed->args = arena_alloc(typing->arena, (n_args + 1) * sizeof(struct typed *));
    for (unsigned i = 0; i < n_args; i++) {
        typed->args[i] = args[i];
        if (!args[i])
            return NULL;
    }
    return typed;
}

struct typed *typed_copy(struct typing *typing, const struct typed *from)
{
    struct typed *copy = arena_alloc(typing->arena, sizeof *copy);
    *copy = *from;
    return copy;
}

bool typed_is_open(const struct typed *typed)
{
    return typed->soft || (typed->type == TYPE_UNKNOWN && typed->kind != TYPED_CONST);
}

bool typed_is_null(const struct typed *typed)
{
    return typed->kind == TYPED_CONST && typed->value.kind == DATUM_NULL;
}

bool typed_reads_row(const struct typed *typed)
{
    if (typed->kind >= TYPED_CHANGED || typed->kind == TYPED_COLUMN)
        return true;
    for (unsigned i = 0; i < typed->n_args; i++)
        if (typed_reads_row(typed->args[i]))
            return true;
    return false;
}
