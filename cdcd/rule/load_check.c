/* Rules that can be read, and that do not do what somebody meant. */
#include "rule/load.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>
#include <uthash.h>

#define MEMCACHED_KEY_MAX 250

/* A key of a store, and the first cache that has it. */
struct owner {
    const char *key; /* "store key" */
    const struct cache *cache;
    UT_hash_handle hh;
};

static const char *store_type(const struct loader *loader, const struct cache_store *store)
{
    return store->number < loader->set->n_stores ? loader->set->stores[store->number].type : "";
}

/* The bytes that each key of the template has, whatever the values: a match without its stars and
 * backslashes. */
static void put_literals(const struct template *template, struct buf *to)
{
    struct buf match = {0};
    template_put_match(template, &match);
    for (size_t i = 0; i < match.len; i++) {
        if (match.data[i] == '*')
            continue;
        i += match.data[i] == '\\' && i + 1 < match.len;
        buf_put(to, match.data + i, 1);
    }
    buf_free(&match);
}

static bool has_blank(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if ((unsigned char)text->data[i] <= ' ' || text->data[i] == 127)
            return true;
    return false;
}

static void check_memcached_key(struct loader *loader, const struct conf *node,
                                const struct cache_store *store, const struct key *key)
{
    struct buf text = {0};
    buf_put(&text, store->prefix, store->prefix_len);
    put_literals(&key->template, &text);
    if (text.len > MEMCACHED_KEY_MAX)
        LOAD_ERROR(loader, node,
                   "key %.60s... has more than %d bytes with its prefix before any value is in it, "
                   "and memcached has no such key; shorten it, or digest what is long",
                   key->shown, MEMCACHED_KEY_MAX);
    else if (has_blank(&text))
        LOAD_WARNING(loader, node,
                     "key \"%s\" holds a blank or a control byte, and clients of memcached refuse "
                     "such keys; is it the application's key?",
                     key->shown);
    buf_free(&text);
}

static void check_memcached(struct loader *loader, const struct cache *cache,
                            const struct conf *node)
{
    const struct conf *place = load_place(node, conf_member(node, "keys") ? "keys" : "key");
    if (cache->action.op == OP_SCAN || cache->action.op == OP_PUBLISH)
        return;
    bool several = place->type == CONF_ARRAY || place->type == CONF_LIST;
    for (unsigned i = 0; i < cache->n_stores; i++)
        for (unsigned k = 0; k < cache->n_keys; k++) {
            const struct key *key = &cache->keys[k];
            if (strcmp(store_type(loader, &cache->stores[i]), "memcached") == 0)
                check_memcached_key(loader, several ? &place->children[key->stage] : place,
                                    &cache->stores[i], key);
        }
}

static void check_row_value(struct loader *loader, const struct cache *cache,
                            const struct conf *node)
{
    const struct template *value = cache->action.values;
    if (cache->action.op != OP_SET)
        return;
    for (unsigned i = 0; i < value->n_params; i++)
        if (cache->params.is_row[value->params[i]])
            LOAD_WARNING(loader, load_place(node, "value"),
                         "{row|json} writes every column of the table, wide and large ones and "
                         "those added later; name the columns that are read, as in "
                         "value = \"{{\\\"id\\\":{id|json}}}\"");
}

/* Keys with parameters that no trigger names. */
static void check_named(struct loader *loader, const struct cache *cache, const struct conf *node)
{
    bool named = cache->n_triggers == 0;
    for (unsigned i = 0; i < cache->n_triggers; i++)
        named |= !cache->triggers[i].clears_all;
    if (!named && cache_has_params(cache))
        LOAD_WARNING(loader, load_place(node, conf_member(node, "keys") ? "keys" : "key"),
                     "no trigger names a key of %s, for each has target = \"all\"; write a "
                     "trigger for {%s}, or action = \"scan\" with the match of all",
                     cache->name, cache->params.names[0]);
}

/* A lookup whose columns are no parameter of the key. */
static void check_query(struct loader *loader, const struct trigger *trigger)
{
    const struct template_params *params = &trigger->cache->params;
    const char *const *gives = trigger->query->gives;
    const struct lookup *lookup = &trigger->query->lookup;
    for (unsigned i = 0; i < params->n; i++)
        if (query_gives(trigger->query, params->names[i]))
            return;
    for (unsigned i = 0; gives && gives[i]; i++)
        if (params->n && strcmp(gives[i], "?column?") != 0) {
            const char *nearest = str_nearest(gives[i], params->names);
            complain(loader->complaints, SEVERITY_WARNING, lookup->file, lookup->line,
                     "the lookup gives %s, and no key takes it; write %s AS %s, or SELECT 1 where "
                     "only it matters that there is a row",
                     gives[i], gives[i], nearest ? nearest : params->names[0]);
            return;
        }
}

void load_check_cache(struct loader *loader, const struct cache *cache, const struct conf *node)
{
    check_memcached(loader, cache, node);
    check_row_value(loader, cache, node);
    check_named(loader, cache, node);
    for (unsigned i = 0; i < cache->n_triggers; i++)
        if (cache->triggers[i].query && !cache->triggers[i].clears_all)
            check_query(loader, &cache->triggers[i]);
}

static void check_owner(struct loader *loader, struct owner **owners, const struct cache *cache,
                        const char *key)
{
    struct owner *owner;
    HASH_FIND_STR(*owners, key, owner);
    if (!owner) {
        owner = arena_alloc(loader->arena, sizeof *owner);
        owner->key = key;
        owner->cache = cache;
        HASH_ADD_KEYPTR(hh, *owners, owner->key, strlen(owner->key), owner);
        return;
    }
    const struct cache *other = owner->cache;
    if (other == cache || other->action.op == cache->action.op)
        return;
    complain(loader->complaints, SEVERITY_WARNING, cache->file, cache->line,
             "%s does \"%s\" to the key \"%s\", and %s of %s:%d does \"%s\" to it; make them one "
             "cache, whose triggers have an action each",
             cache->name, op_action_name(cache->action.op), strchr(key, ' ') + 1, other->name,
             other->file, other->line, op_action_name(other->action.op));
}

/* True when the other cache's store is told whenever the table of the trigger is truncated, or
 * changes of it were missed. */
static bool tells_of(const struct cache *other, const struct trigger *trigger)
{
    for (unsigned i = 0; i < other->n_triggers; i++)
        if (strcmp(other->triggers[i].schema, trigger->schema) == 0 &&
            strcmp(other->triggers[i].table, trigger->table) == 0 &&
            other->triggers[i].ops & 1U << CHANGE_TRUNCATE)
            return true;
    return false;
}

static bool stands_in(const struct cache *other, const struct cache *cache)
{
    bool stands = other->action.op == OP_PUBLISH && !cache_has_params(other);
    for (unsigned i = 0; i < cache->n_stores && stands; i++) {
        bool has_store = false;
        for (unsigned j = 0; j < other->n_stores; j++)
            has_store |= other->stores[j].number == cache->stores[i].number;
        stands = has_store;
    }
    for (unsigned i = 0; i < cache->n_triggers && stands; i++)
        stands = tells_of(other, &cache->triggers[i]);
    return stands;
}

/* A message with parameters cannot say that everything changed; another cache's can. */
static void check_published(struct loader *loader, const struct cache *cache)
{
    if (cache->action.op != OP_PUBLISH || cache->all || !cache_has_params(cache))
        return;
    for (unsigned i = 0; i < loader->set->n_caches; i++)
        if (stands_in(loader->set->caches[i], cache))
            return;
    complain(loader->complaints, SEVERITY_WARNING, cache->file, cache->line,
             "%s publishes nothing of a TRUNCATE, or of changes that were missed; a second cache "
             "of its tables whose channel and message have no parameters would",
             cache->name);
}

void load_check_owners(struct loader *loader)
{
    struct owner *owners = NULL;
    for (unsigned i = 0; i < loader->set->n_caches; i++)
        check_published(loader, loader->set->caches[i]);
    for (unsigned i = 0; i < loader->set->n_caches; i++) {
        const struct cache *cache = loader->set->caches[i];
        if (cache->action.op == OP_SCAN || cache->action.op == OP_PUBLISH)
            continue;
        for (unsigned s = 0; s < cache->n_stores; s++)
            for (unsigned k = 0; k < cache->n_keys; k++)
                check_owner(loader, &owners, cache,
                            arena_printf(loader->arena, "%u %s%s", cache->stores[s].number,
                                         cache->stores[s].prefix, cache->keys[k].shown));
    }
    HASH_CLEAR(hh, owners);
}
