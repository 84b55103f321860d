#include "base/mem.h"
#include "rule/load.h"

#include <string.h>

#define MAX_STORES 64   /* of a cache */
#define MAX_NAMES 60000 /* that any_store takes */

static int find_store(struct loader *loader, const struct conf *place, const char *name);
static void check_action(struct loader *loader, const struct conf *place, unsigned store,
                         enum op_action action);
static void check_announce(struct loader *loader, const struct cache *cache,
                           const struct conf *node);
static struct cache_store make_store(struct loader *loader, int number, const char *prefix);

void load_stores(struct loader *loader, struct cache *cache, const struct conf *node,
                 const struct opt_strings *names)
{
    const struct conf *place = load_place(node, "store");
    if (place == node && loader->store_place)
        place = loader->store_place;
    if (names->n == 0 || names->n > MAX_STORES) {
        complain(loader->complaints, SEVERITY_ERROR, place->file, place->line,
                 names->n ? "store has more than 64 elements"
                          : "%s has no store; write store = \"NAME\" here or at the file's top",
                 node->name);
        return;
    }
    struct cache_store *stores = arena_alloc(loader->arena, names->n * sizeof *stores);
    cache->stores = stores;
    for (unsigned i = 0; i < names->n; i++) {
        int number = find_store(loader, place, names->list[i]);
        if (number >= 0)
            stores[cache->n_stores++] = make_store(loader, number, cache->prefix);
    }
    load_store_actions(loader, cache, load_place(node, "action"), cache->action.op);
    if (cache->all && cache->all->template.source)
        load_store_actions(loader, cache, load_place(load_place(node, "all"), "action"),
                           cache->all_action.op);
    check_announce(loader, cache, node);
}

void load_store_actions(struct loader *loader, const struct cache *cache, const struct conf *place,
                        enum op_action action)
{
    for (unsigned i = 0; i < cache->n_stores; i++)
        check_action(loader, place, cache->stores[i].number, action);
}

static void check_announce(struct loader *loader, const struct cache *cache,
                           const struct conf *node)
{
    const struct conf *place = conf_member(node, "announce");
    bool published = cache->n_stores == 0;
    for (unsigned i = 0; i < cache->n_stores; i++)
        published |= cache->stores[i].publishes;
    if (!place)
        return;
    if (!published)
        LOAD_ERROR(loader, place,
                   "announce publishes on a Redis, and none of the stores of %s is "
                   "one; leave it out",
                   cache->name);
}

/* The store's number; -1 when there is none of that name, and said. */
static int find_store(struct loader *loader, const struct conf *place, const char *name)
{
    struct ruleset *set = loader->set;
    unsigned n = set->n_stores, n_extra = set->n_extra_stores;
    for (unsigned i = 0; i < n; i++)
        if (strcmp(set->stores[i].name, name) == 0)
            return (int)i;
    for (unsigned i = 0; i < n_extra; i++)
        if (strcmp(set->extra_stores[i], name) == 0)
            return (int)(n + i);
    if (loader->any_store && n + n_extra < MAX_NAMES) {
        set->extra_stores = mem_resize(set->extra_stores, (n_extra + 1) * sizeof(char *));
        set->extra_stores[n_extra] = name;
        return (int)(n + set->n_extra_stores++);
    }
    const char **names = arena_alloc(loader->arena, (n + 1) * sizeof *names);
    for (unsigned i = 0; i < n; i++)
        names[i] = set->stores[i].name;
    opt_unknown(loader->complaints, place->file, place->line, "store", name, names);
    return -1;
}

static void check_action(struct loader *loader, const struct conf *place, unsigned store,
                         enum op_action action)
{
    const struct ruleset *set = loader->set;
    if (store >= set->n_stores)
        return;
    const struct rule_store *one = &set->stores[store];
    if (!(one->actions & 1U << action))
        complain(loader->complaints, SEVERITY_ERROR, place->file, place->line,
                 "store \"%s\" is a %s, which has no action \"%s\"", one->name, one->type,
                 op_action_name(action));
}

static struct cache_store make_store(struct loader *loader, int number, const char *prefix)
{
    const struct ruleset *set = loader->set;
    bool known = (unsigned)number < set->n_stores;
    struct cache_store store = {.number = (uint16_t)number, .publishes = true};
    if (known)
        store.publishes = set->stores[number].actions & 1U << OP_PUBLISH;
    store.prefix =
        arena_printf(loader->arena, "%s%s", known ? set->stores[number].prefix : "", prefix);
    store.prefix_len = (uint32_t)strlen(store.prefix);
    struct buf escaped = {0};
    template_escape(store.prefix, store.prefix_len, &escaped);
    store.pattern_prefix = arena_strndup(loader->arena, escaped.data, escaped.len);
    store.pattern_prefix_len = (uint32_t)escaped.len;
    buf_free(&escaped);
    return store;
}
