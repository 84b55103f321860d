/* What is done to a key, and which settings that takes. */
#include "rule/load.h"

#include "base/mem.h"

#include <string.h>

/* A setting that belongs to some actions. */
struct belonging {
    const char *name;
    unsigned takes; /* bits 1 << enum op_action */
    unsigned needs;
    const char *what; /* as in: needs grace, ... */
};

#define BIT(action) (1U << OP_##action)

static const struct belonging belongings[] = {
    {"grace", BIT(STALE), BIT(STALE), "how long the old value is served: grace = \"60s\""},
    {"ttl", BIT(STALE) | BIT(EXPIRE) | BIT(SET), BIT(EXPIRE),
     "how long the key lives yet: ttl = \"30s\""},
    {"format", BIT(STALE), 0, NULL},
    {"value", BIT(SET), BIT(SET), "the template of what is written: value = \"{row|json}\""},
    {"message", BIT(PUBLISH), BIT(PUBLISH),
     "the template of what is published: message = "
     "\"{id}\""},
    {0}};

/* "stale", "expire" or "set". */
static void put_takers(struct buf *to, unsigned takes)
{
    unsigned left = takes;
    for (unsigned action = 0; action < OP_N_ACTIONS; action++) {
        if (!(takes & 1U << action))
            continue;
        left &= ~(1U << action);
        const char *before = to->len == 0 ? "" : left ? ", " : " or ";
        buf_printf(to, "%s\"%s\"", before, op_action_name((enum op_action)action));
    }
}

/* A value that says its time itself needs no grace, and its life is the application's. */
static bool check_format(struct loader *loader, const struct conf *node)
{
    static const char *const names[] = {"grace", "ttl"};
    bool good = true;
    for (int i = 0; i < 2; i++) {
        const struct conf *there = conf_member(node, names[i]);
        if (there) {
            LOAD_ERROR(loader, there,
                       "%s means nothing with format = \"mintcache\": the value stays as long as "
                       "the application lets it; leave it out",
                       names[i]);
            good = false;
        }
    }
    return good;
}

static bool check_belonging(struct loader *loader, const struct conf *node,
                            const struct belonging *one, enum op_action action)
{
    const struct conf *there = conf_member(node, one->name);
    unsigned needing = conf_member(node, "format") ? 0 : 1U << action;
    if (there && !(one->takes & 1U << action)) {
        struct buf takers = {0};
        put_takers(&takers, one->takes);
        LOAD_ERROR(loader, there, "%s belongs to action = %s, and this is \"%s\"; leave it out",
                   one->name, buf_str(&takers), op_action_name(action));
        buf_free(&takers);
        return false;
    }
    if (!there && one->needs & needing) {
        LOAD_ERROR(loader, load_place(node, "action"), "action = \"%s\" needs %s, %s",
                   op_action_name(action), one->name, one->what);
        return false;
    }
    return true;
}

static bool check_zero(struct loader *loader, const struct conf *node, const char *name, int64_t ms)
{
    const struct conf *there = conf_member(node, name);
    if (!there || there->type != CONF_STRING || ms != 0)
        return true;
    LOAD_ERROR(loader, there,
               "%s = \"%s\" is no time at all; write action = \"delete\", or a "
               "longer one",
               name, there->text);
    return false;
}

bool load_check_action(struct loader *loader, const struct conf *node,
                       const struct action_settings *settings, bool good, bool of_trigger)
{
    enum op_action action = (enum op_action)settings->action;
    if (of_trigger && (action == OP_SCAN || action == OP_PUBLISH)) {
        LOAD_ERROR(loader, load_place(node, "action"),
                   "a trigger's own action is done to the cache's key, and \"%s\" takes none; make "
                   "it a cache of its own",
                   op_action_name(action));
        return false;
    }
    for (const struct belonging *one = belongings; one->name; one++)
        good &= check_belonging(loader, node, one, action);
    if (good && settings->format)
        good = check_format(loader, node);
    if (good) {
        good &= check_zero(loader, node, "ttl", settings->ttl_ms);
        good &= check_zero(loader, node, "grace", settings->grace_ms);
    }
    return good;
}

static bool load_values(struct loader *loader, struct cache *cache, const struct conf *place,
                        const char *text, struct action *action)
{
    struct template *values = arena_alloc(loader->arena, cache->n_keys * sizeof *values);
    struct err err = {0};
    for (unsigned i = 0; i < cache->n_keys && !err.code; i++) {
        struct template_scope scope = load_scope(loader, cache, i % loader->scopes->n_combinations);
        template_compile(&values[i], loader->arena, text, &scope, &err);
        values[i].nulls_shown = true;
    }
    if (err.code)
        LOAD_ERROR(loader, place, "%s %s", place->name, err.text);
    action->values = values;
    return err.code == 0;
}

bool load_action(struct loader *loader, struct cache *cache, const struct conf *node,
                 const struct action_settings *settings, struct action *action)
{
    *action = (struct action){
        .op = (enum op_action)settings->action,
        .ttl_ms = settings->ttl_ms,
        .grace_ms = settings->grace_ms,
        .format = (enum op_format)settings->format,
    };
    if (action->op == OP_SET)
        return load_values(loader, cache, load_place(node, "value"), settings->value, action);
    if (action->op == OP_PUBLISH)
        return load_values(loader, cache, load_place(node, "message"), settings->message, action);
    return true;
}
