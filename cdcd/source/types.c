#include "source/types.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct known_type {
    struct types_entry entry;
    struct own_type own; /* what entry.own points to */
    UT_hash_handle hh;
};

struct types {
    struct arena *arena;
    struct known_type *known; /* by oid */
};

struct types *types_make(void)
{
    struct types *types = mem_alloc(sizeof *types);
    types->arena = arena_make();
    return types;
}

static struct known_type *find(const struct types *types, uint32_t oid)
{
    struct known_type *known;
    HASH_FIND(hh, types->known, &oid, sizeof oid, known);
    return known;
}

static const char *const *copy_labels(struct arena *arena, const char *const *labels)
{
    unsigned n = 0;
    if (!labels)
        return NULL;
    while (labels[n])
        n++;
    const char **copy = arena_alloc(arena, (n + 1) * sizeof *copy);
    for (unsigned i = 0; i < n; i++)
        copy[i] = arena_strdup(arena, labels[i]);
    return copy;
}

void types_add(struct types *types, const struct types_entry *entry)
{
    struct known_type *old = find(types, entry->oid);
    struct known_type *known = arena_alloc(types->arena, sizeof *known);
    known->entry = *entry;
    if (entry->own) {
        known->own = *entry->own;
        known->own.name = arena_strdup(types->arena, entry->own->name);
        known->own.labels = copy_labels(types->arena, entry->own->labels);
        known->entry.own = &known->own;
    }
    if (old)
        HASH_DELETE(hh, types->known, old);
    HASH_ADD(hh, types->known, entry.oid, sizeof known->entry.oid, known);
}

static bool is_same(const struct types_entry *a, const struct types_entry *b)
{
    if (a->base != b->base || a->typmod != b->typmod || !a->own != !b->own)
        return false;
    return !a->own ||
           (strcmp(a->own->name, b->own->name) == 0 && a->own->equality == b->own->equality &&
            a->own->casts_to_text == b->own->casts_to_text);
}

bool types_learn(struct types *types, const struct types *from)
{
    bool news = false;
    for (const struct known_type *one = from->known; one; one = one->hh.next) {
        const struct known_type *known = find(types, one->entry.oid);
        struct types_entry entry = one->entry;
        struct own_type own = one->own;
        if (known && is_same(&known->entry, &entry))
            continue;
        own.labels = NULL;
        entry.own = entry.own ? &own : NULL;
        types_add(types, &entry);
        news = true;
    }
    return news;
}

void types_resolve(const struct types *types, struct column *column)
{
    const struct known_type *known = types ? find(types, column->type) : NULL;
    if (!known)
        return;
    if (column->typmod < 0)
        column->typmod = known->entry.typmod;
    column->type = known->entry.base;
    column->own = known->entry.own;
}

void types_forget(struct types *types)
{
    HASH_CLEAR(hh, types->known);
    arena_reset(types->arena);
}

void types_free(struct types *types)
{
    if (!types)
        return;
    types_forget(types);
    arena_free(types->arena);
    free(types);
}
