/* Expressions of a trigger: what fills a key's parameters, and its condition. */
#include "rule/load.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/* Parses the text; NULL, and said, when it is none, or one of which PostgreSQL would say for every
 * table that its types do not fit. */
static const struct expression *parse(struct loader *loader, const struct conf *node,
                                      enum expression_want want, const struct program **program)
{
    struct err err = {0};
    const struct expression *expression = NULL;
    if (node->type != CONF_STRING) {
        LOAD_ERROR(loader, node,
                   "%s takes a string, an SQL expression over the row, and this is %s", node->name,
                   conf_type_name(node->type));
        return NULL;
    }
    expression = expression_parse(loader->arena, node->text, &err);
    if (expression)
        *program = expression_compile(expression, loader->arena, NULL, want, &err);
    if (!expression || !*program) {
        LOAD_ERROR(loader, node, "%s: %s", node->name, err.text);
        return NULL;
    }
    return expression;
}

/* Nothing that bind could mean is named like it. */
static void complain_unused(struct loader *loader, const struct conf *node,
                            const char *const *names)
{
    struct buf all = {0};
    for (unsigned i = 0; names[i]; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    LOAD_ERROR(loader, node,
               "unknown key parameter \"%s\"; there is: %s; leave it out of bind, or write {%s} "
               "into the key",
               node->name, all.len ? buf_str(&all) : "none", node->name);
    buf_free(&all);
}

static bool bind_param(struct loader *loader, const struct cache *cache, const struct conf *node,
                       bool keys_known, struct param_source *sources)
{
    const struct template_params *params = &cache->params;
    const struct program *program;
    unsigned param = 0;
    while (param < params->n && strcmp(params->names[param], node->name) != 0)
        param++;
    if (param == params->n || params->is_row[param]) {
        bool near = param < params->n || str_nearest(node->name, params->names);
        if (keys_known && !near)
            complain_unused(loader, node, params->names);
        else if (keys_known)
            opt_unknown(loader->complaints, node->file, node->line, "key parameter", node->name,
                        params->names);
        return false;
    }
    const struct expression *expression = parse(loader, node, EXPRESSION_TEXT, &program);
    if (!expression)
        return false;
    sources[param] = (struct param_source){.bound = true, .line = node->line};
    sources[param].column = expression_column(expression);
    if (!sources[param].column)
        sources[param].expression = expression;
    return true;
}

bool load_bind(struct loader *loader, const struct cache *cache, const struct conf *bind,
               bool keys_known, struct trigger *trigger)
{
    struct param_source *sources =
        arena_alloc(loader->arena, TEMPLATE_MAX_PARAMS * sizeof *sources);
    bool good = true;
    trigger->sources = sources;
    for (unsigned i = 0; i < TEMPLATE_MAX_PARAMS; i++)
        sources[i].line = trigger->line;
    if (bind && bind->type != CONF_GROUP) {
        LOAD_ERROR(loader, bind, "bind takes a group, as in { post_id = \"id\"; }");
        return false;
    }
    for (unsigned i = 0; bind && i < bind->n_children; i++)
        good &= bind_param(loader, cache, &bind->children[i], keys_known, sources);
    return good;
}

void load_unbound(const struct cache *cache, const struct trigger *trigger)
{
    struct param_source *sources = trigger->sources;
    for (unsigned i = 0; i < cache->params.n; i++)
        if (!sources[i].bound && !cache->params.is_row[i])
            sources[i].column = cache->params.names[i];
}

/* A condition that reads no row is the same for every change. */
static void check_constant(struct loader *loader, const struct conf *node,
                           const struct program *program)
{
    const struct relation relation = {.schema = "", .name = ""};
    const struct change change = {.op = CHANGE_INSERT, .relation = &relation};
    struct program_scratch scratch = {.arena = loader->arena};
    if (!program_is_constant(program))
        return;
    switch (program_test(program, &change, IMAGE_NEW, &scratch)) {
    case PROGRAM_FALSE:
    case PROGRAM_NULL:
        LOAD_WARNING(loader, node,
                     "when \"%s\" is never true: the trigger does nothing; leave the "
                     "trigger out, or write a condition on the row",
                     node->text);
        break;
    case PROGRAM_TRUE:
        LOAD_WARNING(loader, node, "when \"%s\" is always true; leave it out", node->text);
        break;
    case PROGRAM_DOUBT:
    case PROGRAM_ERROR:
        LOAD_WARNING(loader, node,
                     "when \"%s\" always fails, which counts as true; mend it, or "
                     "leave it out",
                     node->text);
        break;
    }
}

bool load_when(struct loader *loader, const struct conf *node, struct trigger *trigger)
{
    const struct program *program;
    trigger->when = parse(loader, node, EXPRESSION_CONDITION, &program);
    trigger->when_line = node->line;
    if (trigger->when)
        check_constant(loader, node, program);
    return trigger->when != NULL;
}
