#include "rule/ruleset.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct ruleset *ruleset_hold(struct ruleset *ruleset)
{
    ruleset->n_holders++;
    return ruleset;
}

void ruleset_free(struct ruleset *ruleset)
{
    if (!ruleset || ruleset->n_holders-- > 0)
        return;
    plan_free_all(ruleset);
    seen_free(&ruleset->seen);
    buf_free(&ruleset->keys);
    free(ruleset->extra_stores);
    free(ruleset->files);
    free(ruleset->apps);
    free(ruleset->app_lines);
    free(ruleset->caches);
    free(ruleset->tables);
    arena_free(ruleset->arena);
}

const struct rule_table *ruleset_tables(const struct ruleset *ruleset, unsigned *n)
{
    *n = ruleset->n_tables;
    return ruleset->tables;
}

bool trigger_is_about(const struct trigger *trigger, const char *schema, const char *table)
{
    return strcmp(trigger->schema, schema) == 0 && strcmp(trigger->table, table) == 0;
}

static void list_key(struct ruleset *ruleset, const struct trigger *trigger, const struct key *key,
                     rule_op_fn emit, void *ctx)
{
    const struct cache *cache = trigger->cache;
    struct origin origin = {trigger->file, trigger->line, cache->app, cache->name,
                            trigger->clears_all ? "all" : "key"};
    for (unsigned i = 0; i < cache->n_stores; i++) {
        bool scan = key->action == OP_SCAN;
        const struct cache_store *store = &cache->stores[i];
        ruleset->keys.len = 0;
        buf_put_str(&ruleset->keys, scan ? store->pattern_prefix : store->prefix);
        buf_put_str(&ruleset->keys, key->template.source);
        struct op op = {.key = ruleset->keys.data, .key_len = (uint32_t)ruleset->keys.len};
        op.store = store->number;
        op.cache = cache->number;
        op.action = (uint8_t)key->action;
        op.stage = key->stage;
        emit(ctx, &op, &origin);
    }
}

void ruleset_list(struct ruleset *ruleset, const char *schema, const char *table, rule_op_fn emit,
                  void *ctx)
{
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        const struct cache *cache = ruleset->caches[i];
        for (unsigned j = 0; j < cache->n_triggers; j++) {
            const struct trigger *trigger = &cache->triggers[j];
            if (!trigger_is_about(trigger, schema, table))
                continue;
            if (trigger->clears_all)
                list_key(ruleset, trigger, cache->all, emit, ctx);
            for (unsigned k = 0; k < cache->n_keys && !trigger->clears_all; k++)
                list_key(ruleset, trigger, &cache->keys[k], emit, ctx);
        }
    }
}

void ruleset_columns(const struct ruleset *ruleset, const char *schema, const char *table,
                     void (*found)(void *ctx, const char *column), void *ctx)
{
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        const struct cache *cache = ruleset->caches[i];
        for (unsigned j = 0; j < cache->n_triggers; j++) {
            const struct trigger *trigger = &cache->triggers[j];
            if (!trigger_is_about(trigger, schema, table))
                continue;
            for (unsigned k = 0; k < trigger->n_columns; k++)
                found(ctx, trigger->columns[k]);
            for (unsigned k = 0; k < cache->params.n && !trigger->clears_all; k++)
                found(ctx, trigger->sources[k]);
        }
    }
}

const char *ruleset_store_name(const struct ruleset *ruleset, unsigned store)
{
    if (store < ruleset->n_stores)
        return ruleset->stores[store].name;
    return ruleset->extra_stores[store - ruleset->n_stores];
}

unsigned ruleset_n_files(const struct ruleset *ruleset)
{
    return ruleset->n_files;
}

unsigned ruleset_n_caches(const struct ruleset *ruleset)
{
    return ruleset->n_caches;
}

unsigned ruleset_n_triggers(const struct ruleset *ruleset)
{
    return ruleset->n_triggers;
}

bool cache_has_params(const struct cache *cache)
{
    return cache->params.n > 0;
}
