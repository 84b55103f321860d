/* From a change to ops. Nothing is allocated for a change once the scratch memory has grown. */
#include "rule/ruleset.h"

#include "model/stats.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define KEEP_BYTES 65536
#define UNHANDLED_INTERVAL_MS 60000

struct matching {
    struct ruleset *ruleset;
    const struct change *change;
    rule_op_fn emit;
    void *ctx;
    bool doubted; /* the cache at hand has been cleared because of a doubt */
    struct template_value old_values[TEMPLATE_MAX_PARAMS];
    struct template_value new_values[TEMPLATE_MAX_PARAMS];
};

static void match_cache(struct matching *m, const struct cache_plan *planned);
static bool holds(const struct matching *m, const struct trigger_plan *planned);
static void match_key(struct matching *m, const struct trigger_plan *planned,
                      const struct key *key);
static void clear_cache(struct matching *m, struct cache *cache, int line);
static enum template_outcome give(struct matching *m, const struct cache *cache, int line,
                                  const struct key *key, const struct template_value *values,
                                  const char *image, bool in_doubt);

static void begin(struct matching *m, struct ruleset *ruleset)
{
    m->ruleset = ruleset;
    buf_reset(&ruleset->keys, KEEP_BYTES);
    seen_begin(&ruleset->seen);
}

void ruleset_change(struct ruleset *ruleset, const struct change *change,
                    const struct rule_sink *sink, void *ctx)
{
    const struct plan *plan = plan_find(ruleset, change->relation);
    if (plan->n_caches == 0)
        return;
    struct matching m;
    m.change = change;
    m.emit = sink->op;
    m.ctx = ctx;
    begin(&m, ruleset);
    for (unsigned i = 0; i < plan->n_caches; i++)
        match_cache(&m, &plan->caches[i]);
}

void ruleset_answer(struct ruleset *ruleset, const char *context, uint32_t context_len,
                    const struct answer *answer, rule_op_fn emit, void *ctx)
{
    (void)ruleset;
    (void)context;
    (void)context_len;
    (void)answer;
    (void)emit;
    (void)ctx;
    assert(!"no rule asks yet");
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
    struct matching m = {.emit = emit, .ctx = ctx};
    begin(&m, ruleset);
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        struct cache *cache = ruleset->caches[i];
        if (!table || names_table(cache, schema, table))
            clear_cache(&m, cache, cache->line);
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

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* All keys are out of date, none can be named, and the rule does not say what to do then. */
static void leave_unhandled(struct cache *cache, int line)
{
    unsigned n_suppressed;
    stats()->unhandled++;
    if (log_limit_pass(&cache->unhandled_limit, now_ms(), UNHANDLED_INTERVAL_MS, &n_suppressed))
        log_warn("keys may be left out of date, the cache has no all cache=%s rule=%s:%d "
                 "suppressed=%u",
                 cache->name, cache->file, line, n_suppressed);
}

static void match_keys(struct matching *m, const struct cache_plan *planned)
{
    for (unsigned k = 0; k < planned->cache->n_keys; k++)
        for (unsigned i = 0; i < planned->n_triggers; i++)
            if (planned->triggers[i].holds && !planned->triggers[i].trigger->clears_all)
                match_key(m, &planned->triggers[i], &planned->cache->keys[k]);
}

static void match_cache(struct matching *m, const struct cache_plan *planned)
{
    bool truncated = m->change->op == CHANGE_TRUNCATE;
    const struct trigger *by_key = NULL;
    m->doubted = false;
    for (unsigned i = 0; i < planned->n_triggers; i++) {
        const struct trigger *trigger = planned->triggers[i].trigger;
        planned->triggers[i].holds = holds(m, &planned->triggers[i]);
        if (!planned->triggers[i].holds)
            continue;
        if (trigger->clears_all)
            give(m, planned->cache, trigger->line, planned->cache->all, NULL, "all", false);
        else if (!by_key)
            by_key = trigger;
    }
    if (by_key && truncated)
        clear_cache(m, planned->cache, by_key->line);
    else if (by_key)
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

static bool holds(const struct matching *m, const struct trigger_plan *planned)
{
    const struct trigger *trigger = planned->trigger;
    if (!(trigger->ops & 1U << m->change->op))
        return false;
    if (m->change->op != CHANGE_UPDATE || trigger->n_columns == 0)
        return true;
    for (unsigned i = 0; i < trigger->n_columns; i++)
        if (may_differ(m->change, planned->columns[i]))
            return true;
    return false;
}

static void fetch(const struct matching *m, const struct trigger_plan *planned,
                  const struct key *key, enum image image, struct template_value *values)
{
    for (unsigned i = 0; i < key->template.n_params; i++) {
        unsigned param = key->template.params[i];
        int column = planned->sources[param];
        values[param] = (struct template_value){{.kind = VALUE_ABSENT}, 0};
        if (column == PLAN_NO_COLUMN)
            continue;
        values[param].value = change_value(m->change, image, (unsigned)column);
        values[param].type = m->change->relation->columns[column].type;
    }
}

static bool same_values(const struct matching *m, const struct template *template)
{
    for (unsigned i = 0; i < template->n_params; i++) {
        const struct value *old = &m->old_values[template->params[i]].value;
        const struct value *new = &m->new_values[template->params[i]].value;
        if (old->kind != new->kind || (old->kind == VALUE_TEXT && !same_text(old, new)))
            return false;
    }
    return true;
}

static void clear_in_doubt(struct matching *m, struct cache *cache, int line)
{
    if (m->doubted)
        return;
    m->doubted = true;
    if (!cache->all) {
        leave_unhandled(cache, line);
        return;
    }
    stats()->doubts++;
    give(m, cache, line, cache->all, NULL, "all", true);
}

static void match_image(struct matching *m, const struct trigger_plan *planned,
                        const struct key *key, enum image image)
{
    const struct trigger *trigger = planned->trigger;
    const struct template_value *values = image == IMAGE_OLD ? m->old_values : m->new_values;
    const char *name = image == IMAGE_OLD ? "old" : "new";
    if (give(m, trigger->cache, trigger->line, key, values, name, false) == TEMPLATE_IN_DOUBT)
        clear_in_doubt(m, trigger->cache, trigger->line);
}

static void match_key(struct matching *m, const struct trigger_plan *planned, const struct key *key)
{
    enum change_op op = m->change->op;
    if (op != CHANGE_INSERT)
        fetch(m, planned, key, IMAGE_OLD, m->old_values);
    if (op != CHANGE_DELETE)
        fetch(m, planned, key, IMAGE_NEW, m->new_values);
    /* A row that did not move has one key. */
    if (op != CHANGE_INSERT && !(op == CHANGE_UPDATE && same_values(m, &key->template)))
        match_image(m, planned, key, IMAGE_OLD);
    if (op != CHANGE_DELETE)
        match_image(m, planned, key, IMAGE_NEW);
}

static void clear_cache(struct matching *m, struct cache *cache, int line)
{
    bool named = true;
    for (unsigned i = 0; i < cache->n_keys; i++) {
        if (cache->keys[i].template.n_params)
            named = false;
        else
            give(m, cache, line, &cache->keys[i], NULL, "all", false);
    }
    if (named)
        return;
    if (cache->all)
        give(m, cache, line, cache->all, NULL, "all", false);
    else
        leave_unhandled(cache, line);
}

/* Makes the op of a key in each store of the cache, unless this change has made it before; none
 * where the values give no key. */
static enum template_outcome give(struct matching *m, const struct cache *cache, int line,
                                  const struct key *key, const struct template_value *values,
                                  const char *image, bool in_doubt)
{
    struct buf *keys = &m->ruleset->keys;
    struct origin origin = {cache->file, line, cache->app, cache->name, image};
    for (unsigned i = 0; i < cache->n_stores; i++) {
        const struct cache_store *store = &cache->stores[i];
        struct seen_op made = {.at = keys->len, .store = store->number, .in_doubt = in_doubt};
        made.action = (uint8_t)key->action;
        made.stage = key->stage;
        if (key->action == OP_SCAN)
            buf_put(keys, store->pattern_prefix, store->pattern_prefix_len);
        else
            buf_put(keys, store->prefix, store->prefix_len);
        enum template_outcome outcome = template_render(&key->template, values, keys);
        if (outcome != TEMPLATE_TEXT) {
            keys->len = made.at;
            return outcome;
        }
        made.key_len = (uint32_t)(keys->len - made.at);
        if (!seen_add(&m->ruleset->seen, keys->data, &made)) {
            keys->len = made.at;
            continue;
        }
        struct op op = {
            .key = keys->data + made.at,
            .key_len = made.key_len,
            .store = store->number,
            .cache = cache->number,
            .action = made.action,
            .stage = key->stage,
            .in_doubt = in_doubt,
        };
        stats()->ops++;
        m->emit(m->ctx, &op, &origin);
    }
    return TEMPLATE_TEXT;
}
