/* From keys to ops. */
#include "rule/matching.h"

#include "model/stats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SAY_INTERVAL_MS 60000

/* What makes two ops of one key different, beside the key and the value. */
struct terms {
    int64_t ttl_ms;
    int64_t grace_ms;
    int64_t redelete_ms;
    int64_t format; /* as wide, so that no bytes stand between */
};

void matching_begin(struct matching *m, struct ruleset *ruleset)
{
    m->ruleset = ruleset;
    matching_next_cache(m);
}

void matching_next_cache(struct matching *m)
{
    m->doubted = false;
    buf_reset(&m->ruleset->keys, MATCHING_KEEP_BYTES);
    seen_begin(&m->ruleset->seen);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* True when a listener heard it, so that it is not logged. */
static bool told(struct matching *m, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool told(struct matching *m, const char *file, int line, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (!m->ruleset->told)
        return false;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    m->ruleset->told(m->ruleset->told_ctx, file, line, text);
    return true;
}

/* All keys are out of date, none can be named, and the rule does not say what to do then. */
static void leave_unhandled(struct matching *m, struct cache *cache, int line)
{
    unsigned n_suppressed;
    stats()->unhandled++;
    if (told(m, cache->file, line, "keys of %s may be left out of date, for it has no all",
             cache->name))
        return;
    if (log_limit_pass(&cache->unhandled_limit, now_ms(), SAY_INTERVAL_MS, &n_suppressed))
        log_warn("keys may be left out of date, the cache has no all cache=%s rule=%s:%d "
                 "suppressed=%u",
                 cache->name, cache->file, line, n_suppressed);
}

static void log_failure(struct cache *cache, int line, const char *what, const char *reason)
{
    unsigned n_suppressed;
    if (log_limit_pass(&cache->error_limit, now_ms(), SAY_INTERVAL_MS, &n_suppressed))
        log_warn("%s cache=%s rule=%s:%d reason=\"%s\" suppressed=%u", what, cache->name,
                 cache->file, line, reason, n_suppressed);
}

void rule_failed(struct matching *m, struct cache *cache, int line, const char *what,
                 const char *reason)
{
    stats()->rule_errors++;
    cache->n_errors++;
    if (!told(m, cache->file, line, "%s: %s", what, reason))
        log_failure(cache, line, what, reason);
}

void lookup_failed(struct matching *m, const struct trigger *trigger, const char *reason)
{
    stats()->rule_errors++;
    trigger->cache->n_errors++;
    if (!m->ruleset->told)
        log_failure(trigger->cache, trigger->line, "a lookup failed, its cache is cleared", reason);
}

void lookup_found_many(struct matching *m, const struct trigger *trigger)
{
    unsigned n_suppressed;
    struct cache *cache = trigger->cache;
    const struct lookup *lookup = &trigger->query->lookup;
    if (m->ruleset->told)
        return;
    if (log_limit_pass(&cache->many_limit, now_ms(), SAY_INTERVAL_MS, &n_suppressed))
        log_warn("a lookup found more rows than its limit, its cache is cleared; raise limit if "
                 "that is seen often cache=%s rule=%s:%d limit=%u suppressed=%u",
                 cache->name, lookup->file, lookup->line, lookup->limit, n_suppressed);
}

struct giving giving_key(const struct trigger *trigger, unsigned key, enum image image)
{
    struct cache *cache = trigger->cache;
    const struct action *action = trigger->action;
    /* A row that is gone is not written, and its key must not keep it. */
    bool gone = action->op == OP_SET && image == IMAGE_OLD;
    return (struct giving){
        .cache = cache,
        .key = &cache->keys[key],
        .action = action,
        .value = action->values && !gone ? &action->values[key] : NULL,
        .line = trigger->line,
        .image = image == IMAGE_OLD ? "old" : "new",
    };
}

/* Emits the op whose key, and behind it its value, are the end of the change's keys. */
static void emit(struct matching *m, const struct giving *g, const struct cache_store *store,
                 struct op *op, size_t at)
{
    struct buf *keys = &m->ruleset->keys;
    struct origin origin = {g->cache->file, g->line, g->cache->app, g->cache->name, g->image};
    /* Written again, a value would stand over a newer one. */
    int64_t redelete_ms = op->action == OP_SET ? 0 : g->cache->redelete_ms;
    struct terms terms = {op->ttl_ms, op->grace_ms, redelete_ms, op->format};
    if (terms.ttl_ms || terms.grace_ms || terms.redelete_ms || terms.format)
        buf_put(keys, &terms, sizeof terms);
    struct seen_op made = {
        .at = at,
        .len = (uint32_t)(keys->len - at),
        .key_len = op->key_len,
        .store = store->number,
        .action = op->action,
        .stage = op->stage,
        .in_doubt = g->in_doubt,
    };
    if (!seen_add(&m->ruleset->seen, keys->data, &made)) {
        keys->len = at;
        return;
    }
    op->key = keys->data + at;
    op->value = op->action == OP_SET || op->action == OP_PUBLISH ? op->key + op->key_len : NULL;
    op->redelete_ms = terms.redelete_ms;
    op->store = store->number;
    op->cache = g->cache->number;
    op->in_doubt = g->in_doubt;
    stats()->ops++;
    m->sink->op(m->ctx, op, &origin);
}

/* The key that was just deleted in a store, as a message; one stage later, so that whoever refills
 * finds it gone. */
static void announce(struct matching *m, const struct giving *g, const struct cache_store *store,
                     const struct template_value *values)
{
    struct buf *keys = &m->ruleset->keys;
    size_t at = keys->len;
    struct op op = {.action = OP_PUBLISH, .stage = (uint8_t)(g->key->stage + 1)};
    buf_put(keys, store->prefix, store->prefix_len);
    buf_put(keys, g->cache->announce, g->cache->announce_len);
    op.key_len = (uint32_t)(keys->len - at);
    size_t value_at = keys->len;
    buf_put(keys, store->prefix, store->prefix_len);
    template_render(&g->key->template, values, keys);
    op.value_len = (uint32_t)(keys->len - value_at);
    emit(m, g, store, &op, at);
}

/* What the key is set to, or what is published; false when it cannot be told. */
static bool put_value(struct matching *m, const struct giving *g,
                      const struct template_value *values, struct op *op)
{
    struct buf *keys = &m->ruleset->keys;
    size_t at = keys->len;
    if (!g->value || template_render(g->value, values, keys) != TEMPLATE_TEXT)
        return false;
    op->value_len = (uint32_t)(keys->len - at);
    return true;
}

static enum template_outcome give_store(struct matching *m, const struct giving *g,
                                        const struct cache_store *store,
                                        const struct template_value *values)
{
    const struct action *action = g->action;
    struct buf *keys = &m->ruleset->keys;
    size_t at = keys->len;
    struct op op = {.action = (uint8_t)action->op, .stage = g->key->stage};
    if (action->op == OP_SCAN)
        buf_put(keys, store->pattern_prefix, store->pattern_prefix_len);
    else
        buf_put(keys, store->prefix, store->prefix_len);
    enum template_outcome outcome = template_render(&g->key->template, values, keys);
    op.key_len = (uint32_t)(keys->len - at);
    bool valued = action->op == OP_SET || action->op == OP_PUBLISH;
    if (outcome == TEMPLATE_TEXT && valued && !put_value(m, g, values, &op)) {
        /* An old value in its place is worse than none. */
        op.action = OP_DELETE;
        if (action->op == OP_PUBLISH)
            outcome = TEMPLATE_IN_DOUBT;
    }
    if (outcome != TEMPLATE_TEXT) {
        keys->len = at;
        return outcome;
    }
    if (op.action == action->op) {
        op.ttl_ms = action->ttl_ms;
        op.grace_ms = action->grace_ms;
        op.format = (uint8_t)action->format;
    }
    emit(m, g, store, &op, at);
    if (g->cache->announce && op.action == OP_DELETE && store->publishes)
        announce(m, g, store, values);
    return outcome;
}

enum template_outcome give(struct matching *m, const struct giving *g,
                           const struct template_value *values)
{
    enum template_outcome outcome = TEMPLATE_TEXT;
    for (unsigned i = 0; i < g->cache->n_stores && outcome == TEMPLATE_TEXT; i++)
        outcome = give_store(m, g, &g->cache->stores[i], values);
    return outcome;
}

void give_or_clear(struct matching *m, const struct giving *g, const struct template_value *values)
{
    if (give(m, g, values) == TEMPLATE_IN_DOUBT)
        clear_in_doubt(m, g->cache, g->line);
}

void give_all(struct matching *m, struct cache *cache, int line, bool in_doubt)
{
    struct giving all = {
        .cache = cache,
        .key = cache->all,
        .action = &cache->all_action,
        .line = line,
        .image = "all",
        .in_doubt = in_doubt,
    };
    give(m, &all, NULL);
}

void clear_in_doubt(struct matching *m, struct cache *cache, int line)
{
    if (m->doubted)
        return;
    m->doubted = true;
    if (!cache->all) {
        leave_unhandled(m, cache, line);
        return;
    }
    stats()->doubts++;
    give_all(m, cache, line, true);
}

/* True when the key is the same for every row; a message that no row fills says nothing. */
static bool is_named(const struct action *action, const struct key *key, unsigned number)
{
    if (action->op == OP_PUBLISH && action->values[number].n_params)
        return false;
    return key->template.n_params == 0;
}

void clear_cache(struct matching *m, struct cache *cache, const struct action *action, int line,
                 bool in_doubt)
{
    bool named = true;
    for (unsigned i = 0; i < cache->n_keys; i++) {
        struct giving one = {.cache = cache, .key = &cache->keys[i], .action = action};
        if (!is_named(action, one.key, i)) {
            named = false;
            continue;
        }
        one.value = action->op == OP_PUBLISH ? &action->values[i] : NULL;
        one.line = line;
        one.image = "all";
        one.in_doubt = in_doubt;
        give(m, &one, NULL);
    }
    if (!named && cache->all)
        give_all(m, cache, line, in_doubt);
    else if (!named && !m->doubted)
        leave_unhandled(m, cache, line);
    m->doubted |= !named && !cache->all;
}
