#include "source/wanted.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_pattern(const struct source_table *table)
{
    return strpbrk(table->schema, "*?") || strpbrk(table->name, "*?");
}

static struct wanted *grow(struct wanted_list *list)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->tables = mem_resize(list->tables, list->cap * sizeof *list->tables);
    }
    return &list->tables[list->n++];
}

struct wanted_list *wanted_make(const struct source_table *tables, unsigned n)
{
    struct wanted_list *list = mem_alloc(sizeof *list);
    struct arena *arena = arena_make();
    list->arena = arena;
    list->patterns = arena_alloc(arena, n * sizeof *list->patterns);
    for (unsigned i = 0; i < n; i++) {
        const char *schema = arena_strdup(arena, tables[i].schema);
        const char *name = arena_strdup(arena, tables[i].name);
        const char *file = tables[i].file ? arena_strdup(arena, tables[i].file) : NULL;
        int line = tables[i].line;
        if (is_pattern(&tables[i]))
            list->patterns[list->n_patterns++] = (struct wanted_pattern){schema, name, file, line};
        else
            *grow(list) =
                (struct wanted){.schema = schema, .name = name, .file = file, .line = line};
    }
    return list;
}

void wanted_add(struct wanted_list *list, const char *schema, const char *name, unsigned pattern)
{
    *grow(list) = (struct wanted){
        .schema = arena_strdup(list->arena, schema),
        .name = arena_strdup(list->arena, name),
        .file = list->patterns[pattern - 1].file,
        .line = list->patterns[pattern - 1].line,
        .pattern = pattern,
    };
}

void wanted_prune(struct wanted_list *list)
{
    unsigned n = 0;
    for (unsigned i = 0; i < list->n; i++)
        if (!list->tables[i].gone)
            list->tables[n++] = list->tables[i];
    list->n = n;
}

static const struct wanted *find(const struct wanted_list *list, const struct wanted *like)
{
    for (unsigned i = 0; i < list->n; i++)
        if (strcmp(list->tables[i].schema, like->schema) == 0 &&
            strcmp(list->tables[i].name, like->name) == 0)
            return &list->tables[i];
    return NULL;
}

static bool has_pattern(const struct wanted_list *list, const struct wanted_pattern *like)
{
    for (unsigned i = 0; i < list->n_patterns; i++)
        if (strcmp(list->patterns[i].schema, like->schema) == 0 &&
            strcmp(list->patterns[i].name, like->name) == 0)
            return true;
    return false;
}

static bool is_late(const struct wanted_list *list, const struct wanted *one,
                    const struct wanted_list *older, const struct wanted *same)
{
    if (same)
        return older->noted && same->covered == 0;
    return older->noted && one->pattern && has_pattern(older, &list->patterns[one->pattern - 1]);
}

void wanted_stamp(struct wanted_list *list, unsigned place, const char *stamp)
{
    const char **noted = &list->tables[place].stamp;
    if (!stamp || !*noted || strcmp(*noted, stamp) != 0)
        *noted = stamp ? arena_strdup(list->arena, stamp) : NULL;
}

void wanted_inherit(struct wanted_list *list, const struct wanted_list *older)
{
    for (unsigned i = 0; i < list->n; i++) {
        struct wanted *one = &list->tables[i];
        const struct wanted *same = find(older, one);
        one->covered = same ? same->covered : 0;
        one->unseen = same ? same->unseen : 0;
        wanted_stamp(list, i, same ? same->stamp : NULL);
        one->late = is_late(list, one, older, same);
    }
}

void wanted_free(struct wanted_list *list)
{
    if (!list)
        return;
    arena_free(list->arena);
    free(list->tables);
    free(list);
}
