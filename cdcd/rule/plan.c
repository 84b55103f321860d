#include "rule/plan.h"

#include "base/log.h"
#include "base/mem.h"
#include "rule/ruleset.h"

#include <stdlib.h>
#include <string.h>

/* Tables that come and go (temporary ones, partitions) must not fill the memory with plans. */
#define MAX_PLANS 10000
#define HASH_OF_NOTHING 2166136261U

/* What was said last of a table. */
struct judged {
    uint32_t oid;
    uint32_t hash;
    UT_hash_handle hh;
};

static struct plan *make_plan(struct ruleset *ruleset, const struct relation *relation);
static void free_plan(struct ruleset *ruleset, struct plan *plan);
static void warn_of(struct ruleset *ruleset, const struct relation *relation);

const struct plan *plan_find(struct ruleset *ruleset, const struct relation *relation)
{
    struct plan *plan = ruleset->last_plan;
    if (plan && plan->oid == relation->oid && plan->version == relation->version)
        return plan;
    HASH_FIND(hh, ruleset->plans, &relation->oid, sizeof relation->oid, plan);
    if (plan && plan->version != relation->version) {
        free_plan(ruleset, plan);
        plan = NULL;
    }
    if (!plan) {
        if (HASH_COUNT(ruleset->plans) >= MAX_PLANS)
            plan_free_all(ruleset);
        plan = make_plan(ruleset, relation);
        HASH_ADD(hh, ruleset->plans, oid, sizeof plan->oid, plan);
    }
    ruleset->last_plan = plan;
    return plan;
}

void plan_free_all(struct ruleset *ruleset)
{
    struct plan *plan, *next;
    HASH_ITER (hh, ruleset->plans, plan, next) {
        free_plan(ruleset, plan);
    }
    ruleset->last_plan = NULL;
}

static void free_plan(struct ruleset *ruleset, struct plan *plan)
{
    if (ruleset->last_plan == plan)
        ruleset->last_plan = NULL;
    HASH_DELETE(hh, ruleset->plans, plan);
    arena_free(plan->arena);
    free(plan);
}

int plan_column(const struct relation *relation, const char *name)
{
    for (unsigned i = 0; i < relation->n_columns; i++)
        if (strcmp(relation->columns[i].name, name) == 0)
            return (int)i;
    return PLAN_NO_COLUMN;
}

static const int *find_columns(struct arena *arena, const struct relation *relation,
                               const char *const *names, unsigned n)
{
    int *columns = arena_alloc(arena, n * sizeof *columns);
    for (unsigned i = 0; i < n; i++)
        columns[i] = plan_column(relation, names[i]);
    return columns;
}

/* What cannot be compiled for this table was complained about; a bind without a program is in
 * doubt, a `when` without one counts as true. */
static const struct program *compile(struct plan *plan, const struct relation *relation,
                                     const struct expression *expression, enum expression_want want)
{
    struct err err = {0};
    if (!expression)
        return NULL;
    plan->evaluates = true;
    return expression_compile(expression, plan->arena, relation, want, &err);
}

static const struct source_plan *plan_sources(struct plan *plan, const struct trigger *trigger,
                                              const struct relation *relation)
{
    const struct template_params *params = &trigger->cache->params;
    struct source_plan *sources = arena_alloc(plan->arena, params->n * sizeof *sources);
    for (unsigned i = 0; i < params->n; i++) {
        const struct param_source *source = &trigger->sources[i];
        sources[i] = (struct source_plan){.column = PLAN_NO_COLUMN, .row = params->is_row[i]};
        if (source->column)
            sources[i].column = plan_column(relation, source->column);
        if (sources[i].column != PLAN_NO_COLUMN)
            sources[i].type = relation->columns[sources[i].column].type;
        sources[i].program = compile(plan, relation, source->expression, EXPRESSION_TEXT);
        if (sources[i].program)
            sources[i].type = program_type(sources[i].program);
    }
    return sources;
}

static void plan_trigger(struct plan *plan, const struct trigger *trigger,
                         const struct relation *relation, struct trigger_plan *planned)
{
    struct arena *arena = plan->arena;
    unsigned n = trigger->cache->params.n;
    *planned = (struct trigger_plan){.trigger = trigger};
    planned->columns = find_columns(arena, relation, trigger->columns, trigger->n_columns);
    planned->sources = plan_sources(plan, trigger, relation);
    planned->when = compile(plan, relation, trigger->when, EXPRESSION_CONDITION);
    if (trigger->query)
        planned->asks =
            find_columns(arena, relation, trigger->query->columns, trigger->query->lookup.n_params);
    for (unsigned i = 0; i < 2; i++)
        planned->values[i] = arena_alloc(arena, n * sizeof *planned->values[i]);
}

static void plan_cache(struct plan *plan, struct cache *cache, const struct relation *relation)
{
    struct cache_plan *planned = &plan->caches[plan->n_caches];
    *planned = (struct cache_plan){.cache = cache};
    planned->triggers = arena_alloc(plan->arena, cache->n_triggers * sizeof *planned->triggers);
    for (unsigned i = 0; i < cache->n_triggers; i++) {
        const struct trigger *trigger = &cache->triggers[i];
        if (trigger_is_about(trigger, relation->schema, relation->name))
            plan_trigger(plan, trigger, relation, &planned->triggers[planned->n_triggers++]);
    }
    plan->n_caches += planned->n_triggers > 0;
}

static bool concerns(const struct cache *cache, const struct relation *relation)
{
    for (unsigned i = 0; i < cache->n_triggers; i++)
        if (trigger_is_about(&cache->triggers[i], relation->schema, relation->name))
            return true;
    return false;
}

static struct plan *make_plan(struct ruleset *ruleset, const struct relation *relation)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    unsigned n = 0;
    plan->oid = relation->oid;
    plan->version = relation->version;
    for (unsigned i = 0; i < ruleset->n_caches; i++)
        n += concerns(ruleset->caches[i], relation);
    if (n == 0)
        return plan;
    plan->arena = arena_make();
    if (!ruleset->scratch.arena)
        ruleset->scratch.arena = arena_make();
    plan->caches = arena_alloc(plan->arena, n * sizeof *plan->caches);
    for (unsigned i = 0; i < ruleset->n_caches; i++)
        if (concerns(ruleset->caches[i], relation))
            plan_cache(plan, ruleset->caches[i], relation);
    warn_of(ruleset, relation);
    return plan;
}

static uint32_t hash_complaints(const struct complaints *complaints)
{
    uint32_t hash = HASH_OF_NOTHING;
    for (unsigned i = 0; i < complaints->n; i++)
        for (const char *at = complaints->list[i].text; *at; at++)
            hash = (hash ^ (unsigned char)*at) * 16777619U;
    return hash;
}

/* False when the same was said of the table last: a table is defined anew at each connection, and
 * whenever PostgreSQL thinks that it might have changed. */
static bool is_news(struct ruleset *ruleset, const struct relation *relation, uint32_t hash)
{
    struct judged *judged;
    HASH_FIND(hh, ruleset->judged, &relation->oid, sizeof relation->oid, judged);
    if (hash == (judged ? judged->hash : HASH_OF_NOTHING))
        return false;
    if (!judged) {
        if (HASH_COUNT(ruleset->judged) >= MAX_PLANS)
            plan_forget_judged(ruleset);
        judged = mem_alloc(sizeof *judged);
        judged->oid = relation->oid;
        HASH_ADD(hh, ruleset->judged, oid, sizeof judged->oid, judged);
    }
    judged->hash = hash;
    return true;
}

void plan_forget_judged(struct ruleset *ruleset)
{
    struct judged *judged, *next;
    HASH_ITER (hh, ruleset->judged, judged, next) {
        HASH_DELETE(hh, ruleset->judged, judged);
        free(judged);
    }
}

void ruleset_warn(struct ruleset *ruleset, const struct relation *relation,
                  struct complaints *complaints)
{
    ruleset_judge(ruleset, relation, false, complaints);
    if (!ruleset->told && !is_news(ruleset, relation, hash_complaints(complaints)))
        return;
    for (unsigned i = 0; i < complaints->n; i++) {
        const struct complaint *one = &complaints->list[i];
        if (ruleset->told)
            ruleset->told(ruleset->told_ctx, one->file, one->line, one->text);
        else
            log_warn("%s:%d: %s", one->file, one->line, one->text);
    }
}

/* At start the catalog was judged, but the table may have changed since. */
static void warn_of(struct ruleset *ruleset, const struct relation *relation)
{
    struct complaints complaints = {0};
    ruleset_warn(ruleset, relation, &complaints);
    complaints_free(&complaints);
}
