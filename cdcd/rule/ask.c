/* Keys that PostgreSQL is asked for: questions, and what their answers make out of date. */
#include "rule/matching.h"

#include "model/stats.h"

#include <string.h>

/* What stands in a question's context, then a struct packed and its bytes for each parameter. The
 * trigger lives as long as the ruleset, which whoever asks holds. */
struct context_head {
    const struct trigger *trigger;
    uint32_t n_params;
    uint32_t image;
};

struct packed {
    uint32_t kind;
    uint32_t type;
    uint32_t len;
};

static void clear_unknown(struct matching *m, const struct trigger *trigger, bool in_doubt)
{
    struct cache *cache = trigger->cache;
    if (in_doubt && !m->doubted && (cache->all || !cache_has_params(cache)))
        stats()->doubts++;
    if (trigger->clears_all)
        give_all(m, cache, trigger->line, in_doubt);
    else
        clear_cache(m, cache, trigger->action, trigger->line, in_doubt);
    m->doubted |= in_doubt;
}

static void pack_context(struct buf *to, const struct trigger_plan *planned, enum image image)
{
    const struct trigger *trigger = planned->trigger;
    struct context_head head = {trigger, trigger->cache->params.n, image};
    buf_reset(to, MATCHING_KEEP_BYTES);
    buf_put(to, &head, sizeof head);
    for (unsigned i = 0; i < head.n_params; i++) {
        const struct template_value *value = &planned->values[image][i];
        struct packed packed = {.kind = value->value.kind, .type = value->type};
        packed.len = value->value.kind == VALUE_TEXT ? value->value.len : 0;
        buf_put(to, &packed, sizeof packed);
        buf_put(to, value->value.text, packed.len);
    }
}

/* The parameters' values; false when one was not sent. */
static bool fetch_params(const struct matching *m, const struct trigger_plan *planned,
                         enum image image, struct value *values)
{
    for (unsigned i = 0; i < planned->trigger->query->lookup.n_params; i++) {
        int column = planned->asks[i];
        if (column == PLAN_NO_COLUMN)
            return false;
        values[i] = change_value(m->change, image, (unsigned)column);
        if (values[i].kind != VALUE_TEXT && values[i].kind != VALUE_NULL)
            return false;
    }
    return true;
}

static bool same_params(unsigned n, const struct value *a, const struct value *b)
{
    for (unsigned i = 0; i < n; i++)
        if (a[i].kind != b[i].kind ||
            (a[i].kind == VALUE_TEXT &&
             (a[i].len != b[i].len || (a[i].len && memcmp(a[i].text, b[i].text, a[i].len) != 0))))
            return false;
    return true;
}

static void ask_image(struct matching *m, const struct trigger_plan *planned, enum image image,
                      const struct value *params)
{
    const struct trigger *trigger = planned->trigger;
    const struct cache *cache = trigger->cache;
    struct buf *context = &m->ruleset->context;
    struct origin origin = {trigger->file, trigger->line, cache->app, cache->name,
                            image == IMAGE_OLD ? "old" : "new"};
    pack_context(context, planned, image);
    struct question question = {
        .lookup = &trigger->query->lookup,
        .params = params,
        .context = context->data,
        .context_len = (uint32_t)context->len,
    };
    m->sink->ask(m->ctx, &question, &origin);
}

void ask(struct matching *m, const struct trigger_plan *planned)
{
    const struct trigger *trigger = planned->trigger;
    struct value params[2][RULESET_MAX_LOOKUP_PARAMS];
    unsigned images = planned->images, known = 0;
    unsigned n = trigger->query->lookup.n_params;
    for (unsigned image = IMAGE_OLD; image <= IMAGE_NEW; image++)
        if (images & 1U << image && fetch_params(m, planned, (enum image)image, params[image]))
            known |= 1U << image;
    if (!m->sink->ask)
        known = 0; /* nobody can be asked: as if the answer had failed */
    if (known != images)
        clear_unknown(m, trigger, true);
    /* The row that changed gives the same keys as before, if the same is asked for them. */
    if (known == 3 && same_params(n, params[IMAGE_OLD], params[IMAGE_NEW]) &&
        (trigger->clears_all || same_values(planned, trigger->cache->key_params)))
        known = 1U << IMAGE_NEW;
    for (unsigned image = IMAGE_OLD; image <= IMAGE_NEW; image++)
        if (known & 1U << image)
            ask_image(m, planned, (enum image)image, params[image]);
}

/* Which column of the answer gives each parameter; -1: the row does, or bind says of what. */
static void find_params(const struct trigger *trigger, const struct answer *answer, int *from)
{
    const struct cache *cache = trigger->cache;
    for (unsigned i = 0; i < cache->params.n; i++) {
        bool given = !cache->params.is_row[i] && !trigger->sources[i].bound;
        from[i] = -1;
        for (unsigned column = 0; column < answer->n_columns && given; column++)
            if (strcmp(answer->names[column], cache->params.names[i]) == 0)
                from[i] = (int)column;
    }
}

static void unpack_context(const char *context, unsigned n, struct template_value *values)
{
    context += sizeof(struct context_head);
    for (unsigned i = 0; i < n; i++) {
        struct packed packed;
        memcpy(&packed, context, sizeof packed);
        context += sizeof packed;
        values[i].type = packed.type;
        values[i].value = (struct value){context, packed.len, (enum value_kind)packed.kind};
        context += packed.len;
    }
}

/* A parameter of a key that neither the row nor the answer has: said, for the SQL must be mended.
 */
static void check_params(struct matching *m, const struct trigger *trigger,
                         const struct template_value *values, const int *from)
{
    const struct cache *cache = trigger->cache;
    for (unsigned i = 0; i < cache->params.n; i++)
        if (cache->key_params & 1U << i && from[i] < 0 && values[i].value.kind == VALUE_ABSENT) {
            rule_failed(m, trigger->cache, trigger->line,
                        "a lookup's rows name no key, its cache is cleared",
                        "its columns are not those that the key takes");
            return;
        }
}

static void give_rows(struct matching *m, const struct context_head *head, const char *context,
                      const struct answer *answer)
{
    const struct trigger *trigger = head->trigger;
    if (trigger->clears_all) {
        if (answer->n_rows)
            give_all(m, trigger->cache, trigger->line, false);
        return;
    }
    struct template_value values[TEMPLATE_MAX_PARAMS];
    int from[TEMPLATE_MAX_PARAMS];
    find_params(trigger, answer, from);
    unpack_context(context, head->n_params, values);
    if (answer->n_rows)
        check_params(m, trigger, values, from);
    for (unsigned key = 0; key < trigger->cache->n_keys; key++)
        for (unsigned row = 0; row < answer->n_rows; row++) {
            struct giving one = giving_key(trigger, key, (enum image)head->image);
            const struct value *cells = answer->rows + (size_t)row * answer->n_columns;
            for (unsigned i = 0; i < head->n_params; i++)
                if (from[i] >= 0)
                    values[i] = (struct template_value){cells[from[i]], answer->types[from[i]]};
            give_or_clear(m, &one, values);
        }
}

void ruleset_answer(struct ruleset *ruleset, const char *context, uint32_t context_len,
                    const struct answer *answer, rule_op_fn emit, void *ctx)
{
    struct context_head head;
    struct rule_sink sink = {.op = emit};
    struct matching m = {.sink = &sink, .ctx = ctx};
    (void)context_len;
    memcpy(&head, context, sizeof head);
    matching_begin(&m, ruleset);
    if (answer->failed) {
        lookup_failed(&m, head.trigger, answer->failed);
        clear_unknown(&m, head.trigger, true);
    } else if (answer->too_many) {
        lookup_found_many(&m, head.trigger);
        clear_unknown(&m, head.trigger, false);
    } else {
        give_rows(&m, &head, context, answer);
    }
}
