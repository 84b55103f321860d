/* From a change to keys. Nothing is allocated for a change once the scratch memory has grown. */
#include "rule/matching.h"

#include "base/mem.h"
#include "model/stats.h"

#include <string.h>

#define OLD_BIT (1U << IMAGE_OLD)
#define NEW_BIT (1U << IMAGE_NEW)

static void match_cache(struct matching *m, const struct cache_plan *planned);
static unsigned holding_images(struct matching *m, const struct trigger_plan *planned);
static void match_keys(struct matching *m, const struct cache_plan *planned);

void ruleset_change(struct ruleset *ruleset, const struct change *change,
                    const struct rule_sink *sink, void *ctx)
{
    const struct plan *plan = plan_find(ruleset, change->relation);
    if (plan->n_caches == 0)
        return;
    struct matching m = {.change = change, .sink = sink, .ctx = ctx};
    matching_begin(&m, ruleset);
    for (unsigned i = 0; i < plan->n_caches; i++)
        match_cache(&m, &plan->caches[i]);
    if (plan->evaluates)
        arena_reset(ruleset->scratch.arena);
}

static bool names_table(const struct cache *cache, const char *schema, const char *table)
{
    for (unsigned i = 0; i < cache->n_triggers; i++)
        if (trigger_is_about(&cache->triggers[i], schema, table))
            return true;
    return false;
}

static void clear_caches(struct ruleset *ruleset, const char *schema, const char *table,
                         rule_op_fn emit, void *ctx)
{
    struct rule_sink sink = {.op = emit};
    struct matching m = {.sink = &sink, .ctx = ctx};
    matching_begin(&m, ruleset);
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        struct cache *cache = ruleset->caches[i];
        if (table && !names_table(cache, schema, table))
            continue;
        matching_next_cache(&m);
        clear_cache(&m, cache, &cache->action, cache->line, false);
        /* Keys that are named tell nothing of what target = "all" would have cleared. */
        if (cache->all)
            give_all(&m, cache, cache->line, false);
    }
}

void ruleset_clear(struct ruleset *ruleset, rule_op_fn emit, void *ctx)
{
    clear_caches(ruleset, NULL, NULL, emit, ctx);
}

void ruleset_clear_table(struct ruleset *ruleset, const char *schema, const char *table,
                         rule_op_fn emit, void *ctx)
{
    clear_caches(ruleset, schema, table, emit, ctx);
}

static void match_cache(struct matching *m, const struct cache_plan *planned)
{
    bool truncated = m->change->op == CHANGE_TRUNCATE;
    bool by_key = false;
    matching_next_cache(m);
    for (unsigned i = 0; i < planned->n_triggers; i++) {
        struct trigger_plan *one = &planned->triggers[i];
        const struct trigger *trigger = one->trigger;
        one->images = holding_images(m, one);
        if (one->images && trigger->clears_all && (truncated || !trigger->query))
            give_all(m, planned->cache, trigger->line, false);
        else if (one->images && truncated)
            clear_cache(m, planned->cache, trigger->action, trigger->line, false);
        else
            by_key |= one->images != 0;
    }
    if (by_key)
        match_keys(m, planned);
}

static bool same_text(const struct value *a, const struct value *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

/* True unless both images are known, and say the same. */
static bool may_differ(const struct change *change, int column)
{
    if (column == PLAN_NO_COLUMN)
        return true;
    struct value old = change_value(change, IMAGE_OLD, (unsigned)column);
    struct value new = change_value(change, IMAGE_NEW, (unsigned)column);
    if (old.kind == VALUE_NULL && new.kind == VALUE_NULL)
        return false;
    return old.kind != VALUE_TEXT || new.kind != VALUE_TEXT || !same_text(&old, &new);
}

static bool columns_hold(const struct matching *m, const struct trigger_plan *planned)
{
    unsigned n = planned->trigger->n_columns;
    if (m->change->op != CHANGE_UPDATE || n == 0)
        return true;
    for (unsigned i = 0; i < n; i++)
        if (may_differ(m->change, planned->columns[i]))
            return true;
    return false;
}

/* What is in doubt, or fails, counts as true: more is cleared, never less. */
static bool when_holds(struct matching *m, const struct trigger_plan *planned, enum image image)
{
    const struct trigger *trigger = planned->trigger;
    struct program_scratch *scratch = &m->ruleset->scratch;
    if (!planned->when)
        return true;
    switch (program_test(planned->when, m->change, image, scratch)) {
    case PROGRAM_FALSE:
    case PROGRAM_NULL:
        return false;
    case PROGRAM_ERROR:
        rule_failed(m, trigger->cache, trigger->when_line, "when failed, and counts as true",
                    scratch->error);
        return true;
    case PROGRAM_TRUE:
    case PROGRAM_DOUBT:
        return true;
    }
    return true;
}

/* The images for which the trigger holds; for a TRUNCATE, which has none, all or nothing. */
static unsigned holding_images(struct matching *m, const struct trigger_plan *planned)
{
    static const unsigned images_of[] = {NEW_BIT, OLD_BIT | NEW_BIT, OLD_BIT, 0};
    const struct trigger *trigger = planned->trigger;
    enum change_op op = m->change->op;
    if (!(trigger->ops & 1U << op))
        return 0;
    if (op == CHANGE_TRUNCATE)
        return OLD_BIT;
    if (!columns_hold(m, planned))
        return 0;
    unsigned images = trigger->images & images_of[op];
    for (unsigned image = IMAGE_OLD; image <= IMAGE_NEW; image++)
        if (images & 1U << image && !when_holds(m, planned, (enum image)image))
            images &= ~(1U << image);
    return images;
}

static struct value row_value(struct matching *m, enum image image)
{
    struct buf *row = &m->ruleset->rows[image];
    if (!m->has_row[image]) {
        buf_reset(row, MATCHING_KEEP_BYTES);
        m->row_known[image] = template_put_row(m->change, image, row);
    }
    m->has_row[image] = true;
    if (!m->row_known[image])
        return (struct value){.kind = VALUE_ABSENT};
    return (struct value){row->data, (uint32_t)row->len, VALUE_TEXT};
}

static struct value program_text(struct matching *m, const struct trigger *trigger,
                                 const struct source_plan *source, unsigned param, enum image image)
{
    struct value value = {.kind = VALUE_ABSENT};
    struct program_scratch *scratch = &m->ruleset->scratch;
    switch (program_value(source->program, m->change, image, scratch, &value)) {
    case PROGRAM_FALSE:
    case PROGRAM_TRUE:
    case PROGRAM_NULL:
        return value;
    case PROGRAM_DOUBT:
        break;
    case PROGRAM_ERROR:
        rule_failed(m, trigger->cache, trigger->sources[param].line,
                    "bind failed, its key is in doubt", scratch->error);
        break;
    }
    return (struct value){.kind = VALUE_ABSENT};
}

void fetch_values(struct matching *m, const struct trigger_plan *planned, enum image image)
{
    const struct trigger *trigger = planned->trigger;
    for (unsigned i = 0; i < trigger->cache->params.n; i++) {
        const struct source_plan *source = &planned->sources[i];
        struct template_value *value = &planned->values[image][i];
        value->type = source->type;
        if (source->column != PLAN_NO_COLUMN)
            value->value = change_value(m->change, image, (unsigned)source->column);
        else if (source->row)
            value->value = row_value(m, image);
        else if (source->program)
            value->value = program_text(m, trigger, source, i, image);
        else
            value->value = (struct value){.kind = VALUE_ABSENT};
    }
}

bool same_values(const struct trigger_plan *planned, uint32_t params)
{
    for (unsigned i = 0; i < TEMPLATE_MAX_PARAMS && params >> i; i++) {
        if (!(params & 1U << i))
            continue;
        const struct value *old = &planned->values[IMAGE_OLD][i].value;
        const struct value *new = &planned->values[IMAGE_NEW][i].value;
        if (old->kind != new->kind || (old->kind == VALUE_TEXT && !same_text(old, new)))
            return false;
    }
    return true;
}

static void match_key(struct matching *m, const struct trigger_plan *planned, unsigned key)
{
    unsigned images = planned->images;
    uint32_t params = planned->trigger->cache->keys[key].params;
    /* Both images give the same key, and the same message. */
    if (images == (OLD_BIT | NEW_BIT) && same_values(planned, params))
        images = NEW_BIT;
    for (unsigned image = IMAGE_OLD; image <= IMAGE_NEW; image++) {
        if (!(images & 1U << image))
            continue;
        struct giving one = giving_key(planned->trigger, key, (enum image)image);
        give_or_clear(m, &one, planned->values[image]);
    }
}

static void match_keys(struct matching *m, const struct cache_plan *planned)
{
    for (unsigned i = 0; i < planned->n_triggers; i++) {
        const struct trigger_plan *one = &planned->triggers[i];
        for (unsigned image = IMAGE_OLD; image <= IMAGE_NEW; image++)
            if (one->images & 1U << image)
                fetch_values(m, one, (enum image)image);
    }
    for (unsigned k = 0; k < planned->cache->n_keys; k++)
        for (unsigned i = 0; i < planned->n_triggers; i++) {
            const struct trigger_plan *one = &planned->triggers[i];
            if (one->images && !one->trigger->clears_all && !one->trigger->query)
                match_key(m, one, k);
        }
    for (unsigned i = 0; i < planned->n_triggers; i++)
        if (planned->triggers[i].images && planned->triggers[i].trigger->query)
            ask(m, &planned->triggers[i]);
}
