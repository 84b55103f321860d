/* What fills a key's parameters. */
#include "rule/load.h"

#include "base/mem.h"
#include "base/reserved.h"

#include <ctype.h>
#include <string.h>

/* A column as SQL writes it; NULL when it is no plain column. */
static const char *parse_column(struct arena *arena, const char *text)
{
    char *name = arena_strdup(arena, text);
    size_t n = 0;
    if (*text == '"') {
        for (text++; *text && (*text != '"' || text[1] == '"'); text++) {
            name[n++] = *text;
            text += *text == '"';
        }
        name[n] = '\0';
        return n && strcmp(text, "\"") == 0 ? name : NULL;
    }
    if (!*text || isdigit((unsigned char)*text) || *text == '$')
        return NULL;
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr("_$", *text) && !(*text & 0x80))
            return NULL;
        name[n++] = *text >= 'A' && *text <= 'Z' ? (char)(*text + 'a' - 'A') : *text;
    }
    return name;
}

/* What bind says of a parameter; NULL, and said, when it is not the name of a column. */
static const char *bind_column(struct loader *loader, const struct conf *node)
{
    const char *column = parse_column(loader->arena, node->text);
    if (!column) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "\"%s\" is no plain column; expressions are not built yet in this version",
                 node->text);
    } else if (*node->text != '"' && reserved_word(column)) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "\"%s\" is no plain column but a word of SQL; a column of that name is "
                 "\"\\\"%s\\\"\"",
                 node->text, column);
        column = NULL;
    }
    return column;
}

static bool bind_param(struct loader *loader, const struct cache *cache, const struct conf *node,
                       bool keys_known, struct param_source *sources)
{
    const struct template_params *params = &cache->params;
    unsigned param = 0;
    while (param < params->n && strcmp(params->names[param], node->name) != 0)
        param++;
    if (param == params->n) {
        if (keys_known)
            opt_unknown(loader->complaints, node->file, node->line, "key parameter", node->name,
                        params->names);
        return false;
    }
    if (node->type != CONF_STRING) {
        LOAD_ERROR(loader, node, "%s takes a string, the name of a column, and this is %s",
                   node->name, conf_type_name(node->type));
        return false;
    }
    sources[param] = (struct param_source){.bound = true, .line = node->line};
    sources[param].column = bind_column(loader, node);
    return sources[param].column != NULL;
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

/* A parameter that nothing was bound to is the column of its name. */
void load_unbound(const struct cache *cache, const struct trigger *trigger)
{
    struct param_source *sources = trigger->sources;
    for (unsigned i = 0; i < cache->params.n; i++)
        if (!sources[i].bound && !cache->params.is_row[i])
            sources[i].column = cache->params.names[i];
}
