/* From a key to the triggers that clear it. */
#include "rule/ruleset.h"

#include "base/glob.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define TRUNCATES (1U << CHANGE_TRUNCATE)

struct finding {
    struct ruleset *ruleset;
    const char *text; /* the key */
    size_t len;
    void (*found)(void *ctx, const struct rule_clearer *clearer);
    void *ctx;
    /* What the key at hand has in the places of a template. */
    struct rule_reading *readings;
    unsigned n_readings;
};

static void find_in_store(struct finding *f, const struct cache *cache,
                          const struct cache_store *store);

void ruleset_find(struct ruleset *ruleset, const char *key, size_t key_len,
                  void (*found)(void *ctx, const struct rule_clearer *clearer), void *ctx)
{
    struct finding f = {ruleset, key, key_len, found, ctx, NULL, 0};
    for (unsigned i = 0; i < ruleset->n_caches; i++)
        for (unsigned j = 0; j < ruleset->caches[i]->n_stores; j++)
            find_in_store(&f, ruleset->caches[i], &ruleset->caches[i]->stores[j]);
}

static bool matches_pattern(const struct finding *f, const struct cache_store *store,
                            const struct key *key)
{
    struct buf pattern = {0};
    buf_put(&pattern, store->pattern_prefix, store->pattern_prefix_len);
    template_put_match(&key->template, &pattern);
    bool matches = glob_match(buf_str(&pattern), pattern.len, f->text, f->len);
    buf_free(&pattern);
    return matches;
}

/* True when the key may be the text; what it has in the template's places is in f then. */
static bool matches(struct finding *f, const struct cache_store *store, const struct key *key)
{
    struct template_reading *readings;
    f->n_readings = 0;
    if (key->template.pattern)
        return matches_pattern(f, store, key);
    size_t n = store->prefix_len;
    if (n > f->len || memcmp(store->prefix, f->text, n) != 0)
        return false;
    unsigned n_readings;
    bool good = template_read(&key->template, f->text + n, f->len - n, &readings, &n_readings);
    if (good) {
        f->readings = mem_resize(f->readings, (n_readings + 1) * sizeof *f->readings);
        for (unsigned i = 0; i < n_readings; i++) {
            struct value value = {readings[i].text, (uint32_t)readings[i].len, VALUE_TEXT};
            f->readings[i] = (struct rule_reading){readings[i].written, value};
        }
        f->n_readings = n_readings;
    }
    free(readings);
    return good;
}

static void give(struct finding *f, const struct trigger *trigger, const struct cache_store *store,
                 const struct key *key, enum op_action action, unsigned ops)
{
    const struct cache *cache = trigger->cache;
    bool all = key == cache->all;
    struct buf *text = &f->ruleset->keys;
    if (!ops)
        return;
    text->len = 0;
    buf_put_str(text, key->template.pattern ? store->pattern_prefix : store->prefix);
    buf_put_str(text, key->shown);
    struct op op = {.key = text->data, .key_len = (uint32_t)text->len};
    op.store = store->number;
    op.cache = cache->number;
    op.action = (uint8_t)action;
    op.stage = key->stage;
    struct origin origin = {trigger->file, trigger->line, cache->app, cache->name,
                            all ? "all" : "key"};
    struct rule_clearer clearer = {.op = &op,
                                   .origin = &origin,
                                   .schema = trigger->schema,
                                   .table = trigger->table,
                                   .ops = ops,
                                   .readings = f->readings,
                                   .n_readings = f->n_readings};
    f->found(f->ctx, &clearer);
}

/* A TRUNCATE clears keys without parameters, and of the others the cache's `all`. */
static void find_by_key(struct finding *f, const struct cache *cache,
                        const struct cache_store *store, const struct key *key)
{
    unsigned without = cache_has_params(cache) && key->template.n_params ? TRUNCATES : 0;
    for (unsigned i = 0; i < cache->n_triggers; i++) {
        const struct trigger *trigger = &cache->triggers[i];
        if (!trigger->clears_all)
            give(f, trigger, store, key, trigger->action->op, trigger->ops & ~without);
    }
}

static void find_by_all(struct finding *f, const struct cache *cache,
                        const struct cache_store *store)
{
    for (unsigned i = 0; i < cache->n_triggers; i++) {
        const struct trigger *trigger = &cache->triggers[i];
        unsigned ops = trigger->clears_all ? trigger->ops : 0;
        if (!trigger->clears_all && cache_has_params(cache))
            ops = trigger->ops & TRUNCATES;
        give(f, trigger, store, cache->all, cache->all_action.op, ops);
    }
}

static void find_in_store(struct finding *f, const struct cache *cache,
                          const struct cache_store *store)
{
    for (unsigned i = 0; i < cache->n_keys; i++)
        if (matches(f, store, &cache->keys[i]))
            find_by_key(f, cache, store, &cache->keys[i]);
    if (cache->all && matches(f, store, cache->all))
        find_by_all(f, cache, store);
    free(f->readings);
    f->readings = NULL;
}
