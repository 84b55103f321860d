#include "rule/ruleset.h"

#include "base/glob.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct ruleset *ruleset_hold(struct ruleset *ruleset)
{
    ruleset->n_holders++;
    return ruleset;
}

void ruleset_tell(struct ruleset *ruleset,
                  void (*told)(void *ctx, const char *file, int line, const char *text), void *ctx)
{
    ruleset->told = told;
    ruleset->told_ctx = ctx;
}

void ruleset_free(struct ruleset *ruleset)
{
    if (!ruleset || ruleset->n_holders-- > 0)
        return;
    plan_free_all(ruleset);
    plan_forget_judged(ruleset);
    seen_free(&ruleset->seen);
    buf_free(&ruleset->keys);
    buf_free(&ruleset->rows[IMAGE_OLD]);
    buf_free(&ruleset->rows[IMAGE_NEW]);
    buf_free(&ruleset->context);
    arena_free(ruleset->scratch.arena);
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

static bool name_fits(const char *name, const char *pattern, const char *text)
{
    if (!pattern)
        return strcmp(name, text) == 0;
    return glob_match(pattern, strlen(pattern), text, strlen(text));
}

bool trigger_is_about(const struct trigger *trigger, const char *schema, const char *table)
{
    return name_fits(trigger->schema, trigger->schema_pattern, schema) &&
           name_fits(trigger->table, trigger->table_pattern, table);
}

static void list_key(struct ruleset *ruleset, const struct trigger *trigger, const struct key *key,
                     rule_op_fn emit, void *ctx)
{
    const struct cache *cache = trigger->cache;
    const struct action *action = trigger->clears_all ? &cache->all_action : trigger->action;
    struct origin origin = {trigger->file, trigger->line, cache->app, cache->name,
                            trigger->clears_all ? "all" : "key"};
    for (unsigned i = 0; i < cache->n_stores; i++) {
        const struct cache_store *store = &cache->stores[i];
        ruleset->keys.len = 0;
        buf_put_str(&ruleset->keys, action->op == OP_SCAN ? store->pattern_prefix : store->prefix);
        buf_put_str(&ruleset->keys, key->shown);
        struct op op = {.key = ruleset->keys.data, .key_len = (uint32_t)ruleset->keys.len};
        if (action->values) {
            op.value = action->values[key - cache->keys].source;
            op.value_len = (uint32_t)strlen(op.value);
        }
        op.ttl_ms = action->ttl_ms;
        op.grace_ms = action->grace_ms;
        op.redelete_ms = cache->redelete_ms;
        op.store = store->number;
        op.cache = cache->number;
        op.action = (uint8_t)action->op;
        op.format = (uint8_t)action->format;
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

struct finding {
    void (*found)(void *ctx, const char *column);
    void *ctx;
};

static void found_in_expression(void *ctx, const char *column, enum expression_row row)
{
    struct finding *finding = ctx;
    (void)row;
    finding->found(finding->ctx, column);
}

static void source_columns(const struct trigger *trigger, struct finding *finding)
{
    const struct query *query = trigger->query;
    for (unsigned i = 0; i < trigger->cache->params.n && !trigger->clears_all; i++) {
        const struct param_source *source = &trigger->sources[i];
        bool given = query && !source->bound && query_gives(query, trigger->cache->params.names[i]);
        if (source->column && !given)
            finding->found(finding->ctx, source->column);
        if (source->expression)
            expression_columns(source->expression, found_in_expression, finding);
    }
    for (unsigned i = 0; query && i < query->lookup.n_params; i++)
        finding->found(finding->ctx, query->columns[i]);
}

static bool takes_row(const struct trigger *trigger)
{
    bool takes = false;
    for (unsigned i = 0; i < trigger->cache->params.n && !trigger->clears_all; i++)
        takes |= trigger->cache->params.is_row[i];
    return takes;
}

bool ruleset_columns(const struct ruleset *ruleset, const char *schema, const char *table,
                     void (*found)(void *ctx, const char *column), void *ctx)
{
    struct finding finding = {found, ctx};
    bool whole = false;
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        const struct cache *cache = ruleset->caches[i];
        for (unsigned j = 0; j < cache->n_triggers; j++) {
            const struct trigger *trigger = &cache->triggers[j];
            if (!trigger_is_about(trigger, schema, table))
                continue;
            for (unsigned k = 0; k < trigger->n_columns; k++)
                found(ctx, trigger->columns[k]);
            if (trigger->when)
                expression_columns(trigger->when, found_in_expression, &finding);
            source_columns(trigger, &finding);
            whole |= takes_row(trigger);
        }
    }
    return whole;
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

const char *ruleset_file(const struct ruleset *ruleset, unsigned file)
{
    return ruleset->files[file];
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
    return cache->key_params != 0;
}

bool query_gives(const struct query *query, const char *name)
{
    for (unsigned i = 0; query->gives && query->gives[i]; i++)
        if (strcmp(query->gives[i], name) == 0)
            return true;
    return false;
}
