#include "source/wanted.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct wanted_list *wanted_make(const struct source_table *tables, unsigned n)
{
    struct wanted_list *list = mem_alloc(sizeof *list);
    list->arena = arena_make();
    list->tables = arena_alloc(list->arena, n * sizeof *list->tables);
    list->n = n;
    for (unsigned i = 0; i < n; i++)
        list->tables[i] = (struct wanted){
            .schema = arena_strdup(list->arena, tables[i].schema),
            .name = arena_strdup(list->arena, tables[i].name),
            .file = tables[i].file ? arena_strdup(list->arena, tables[i].file) : NULL,
            .line = tables[i].line,
        };
    return list;
}

static const struct wanted *find(const struct wanted_list *list, const struct wanted *like)
{
    for (unsigned i = 0; i < list->n; i++)
        if (strcmp(list->tables[i].schema, like->schema) == 0 &&
            strcmp(list->tables[i].name, like->name) == 0)
            return &list->tables[i];
    return NULL;
}

void wanted_inherit(struct wanted_list *list, const struct wanted_list *older)
{
    for (unsigned i = 0; i < list->n; i++) {
        const struct wanted *same = find(older, &list->tables[i]);
        list->tables[i].covered = same ? same->covered : 0;
        list->tables[i].unseen = same ? same->unseen : 0;
    }
}

void wanted_free(struct wanted_list *list)
{
    if (!list)
        return;
    arena_free(list->arena);
    free(list);
}
