#include "verb/storelist.h"

#include "base/confread.h"
#include "base/mem.h"
#include "base/opt.h"
#include "store/store.h"

#include <stddef.h>
#include <string.h>

struct settings {
    const char *type;
    const char *prefix;
};

#define AT(member) .offset = offsetof(struct settings, member)

static const struct opt rows[] = {
    {.name = "type", .type = OPT_STRING, AT(type), .required = true, .help = "of the store"},
    {.name = "prefix",
     .type = OPT_STRING,
     AT(prefix),
     .fallback = "",
     .expand = true,
     .help = "stands before every key"},
    {0}};

#undef AT

/* Of a store's group, what the rows above know. */
static struct conf known_settings(struct arena *arena, const struct conf *node)
{
    struct conf known = *node;
    struct conf *children = arena_alloc(arena, (node->n_children + 1) * sizeof *children);
    known.children = children;
    known.n_children = 0;
    for (unsigned i = 0; i < node->n_children; i++)
        for (const struct opt *row = rows; row->name; row++)
            if (strcmp(row->name, node->children[i].name) == 0)
                children[known.n_children++] = node->children[i];
    return known;
}

static void read_store(struct rule_store *store, const struct opt_reader *reader,
                       const struct conf *node)
{
    struct settings settings = {0};
    *store = (struct rule_store){node->name, "", "store", ~0U};
    if (node->type != CONF_GROUP) {
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s must be a group: %s = { type = \"redis\"; url = \"redis://...\"; };",
                 node->name, node->name);
        return;
    }
    struct conf known = known_settings(reader->arena, node);
    if (!opt_read(reader, rows, &known, &settings))
        return;
    const struct store_ops *ops = store_driver(settings.type);
    store->prefix = settings.prefix;
    if (ops) {
        store->type = ops->type;
        store->actions = ops->actions;
    }
}

bool storelist_read(struct storelist *stores, struct arena *arena, const char *path,
                    struct complaints *complaints)
{
    unsigned n_errors = complaints->n_errors;
    struct opt_reader reader = {.arena = arena, .complaints = complaints};
    const struct conf *root = conf_read(arena, path, complaints);
    const struct conf *group = conf_member(root, "stores");
    *stores = (struct storelist){0};
    if (!root)
        return false;
    if (!group || group->type != CONF_GROUP || group->n_children == 0) {
        complain(complaints, SEVERITY_ERROR, path, group ? group->line : 0,
                 "stores must be a group with at least one store");
        return false;
    }
    stores->list = arena_alloc(arena, group->n_children * sizeof *stores->list);
    for (unsigned i = 0; i < group->n_children; i++)
        read_store(&stores->list[stores->n++], &reader, &group->children[i]);
    return complaints->n_errors == n_errors;
}
