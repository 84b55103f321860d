#include "rule/ruleset.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void ruleset_free(struct ruleset *ruleset)
{
    if (!ruleset)
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

void ruleset_columns(const struct ruleset *ruleset, const char *schema, const char *table,
                     void (*found)(void *ctx, const char *column), void *ctx)
{
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        const struct cache *cache = ruleset->caches[i];
        for (unsigned j = 0; j < cache->n_triggers; j++) {
            const struct trigger *trigger = &cache->triggers[j];
            if (strcmp(trigger->schema, schema) != 0 || strcmp(trigger->table, table) != 0)
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
