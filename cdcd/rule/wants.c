/* What triggers want of their tables, told before any table is at hand. */
#include "rule/ruleset.h"

#define OLD_OPS (1U << CHANGE_UPDATE | 1U << CHANGE_DELETE)

struct wanting {
    const struct rule_want_sink *sink;
    void *ctx;
    const struct trigger *trigger;
    unsigned want;     /* bits of the columns at hand */
    unsigned old_want; /* and what is added where their old value is read */
};

bool trigger_takes_old(const struct trigger *trigger)
{
    return trigger->images & 1U << IMAGE_OLD && trigger->ops & OLD_OPS;
}

static void on_column(void *ctx, const char *column, enum expression_row row)
{
    const struct wanting *w = ctx;
    bool old = row == EXPRESSION_OLD ? (w->trigger->ops & OLD_OPS) != 0
                                     : row == EXPRESSION_THIS && trigger_takes_old(w->trigger);
    w->sink->column(w->ctx, column, w->want | (old ? w->old_want : 0));
}

/* Only what makes a key needs its old value: what is set is of the new row. */
static unsigned old_want_of(const struct trigger *trigger, unsigned param)
{
    return trigger->cache->key_params & 1U << param ? RULE_WANTS_OLD : 0;
}

static void want_param(struct wanting *w, unsigned param)
{
    const struct trigger *trigger = w->trigger;
    const struct param_source *source = &trigger->sources[param];
    const struct query *query = source->bound ? NULL : trigger->query;
    w->want = RULE_WANTS;
    w->old_want = old_want_of(trigger, param);
    if (source->expression)
        expression_columns(source->expression, on_column, w);
    if (!source->column || (query && query_gives(query, trigger->cache->params.names[param])))
        return;
    if (query && !query->gives)
        w->want |= RULE_WANTS_PERHAPS;
    on_column(w, source->column, EXPRESSION_THIS);
}

static void want_columns(struct wanting *w)
{
    const struct trigger *trigger = w->trigger;
    const struct query *query = trigger->query;
    w->want = RULE_WANTS;
    w->old_want = RULE_COMPARES_OLD;
    if (trigger->when)
        expression_columns(trigger->when, on_column, w);
    for (unsigned i = 0; i < trigger->n_columns; i++)
        on_column(w, trigger->columns[i],
                  trigger->ops & 1U << CHANGE_UPDATE ? EXPRESSION_OLD : EXPRESSION_NEW);
    w->old_want = RULE_WANTS_OLD;
    for (unsigned i = 0; query && i < query->lookup.n_params; i++)
        on_column(w, query->columns[i], EXPRESSION_THIS);
    for (unsigned i = 0; i < trigger->cache->params.n && !trigger->clears_all; i++)
        want_param(w, i);
}

static unsigned row_want(const struct trigger *trigger)
{
    unsigned want = 0;
    for (unsigned i = 0; i < trigger->cache->params.n && !trigger->clears_all; i++)
        if (trigger->cache->params.is_row[i])
            want |= RULE_WANTS | (trigger_takes_old(trigger) ? old_want_of(trigger, i) : 0);
    return want;
}

void ruleset_wants(const struct ruleset *ruleset, const char *schema, const char *table,
                   const struct rule_want_sink *sink, void *ctx)
{
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        const struct cache *cache = ruleset->caches[i];
        for (unsigned j = 0; j < cache->n_triggers; j++) {
            const struct trigger *trigger = &cache->triggers[j];
            struct wanting w = {.sink = sink, .ctx = ctx, .trigger = trigger};
            if (!trigger_is_about(trigger, schema, table))
                continue;
            struct rule_wanter wanter = {
                .file = trigger->file,
                .line = trigger->line,
                .cache = cache->name,
                .row = row_want(trigger),
                .any_update = trigger->ops & 1U << CHANGE_UPDATE && trigger->n_columns == 0,
            };
            sink->trigger(ctx, &wanter);
            want_columns(&w);
        }
    }
}
