#include "rule/load.h"

#include "base/mem.h"
#include "base/reserved.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum target { TARGET_KEY, TARGET_ALL };

struct trigger_settings {
    const char *table;
    struct opt_strings on;
    struct opt_strings columns;
    const struct conf *bind;
    int target;
};

struct op_word {
    const char *word;
    unsigned ops;
};

#define BIT(op) (1U << CHANGE_##op)
#define ALL_OPS (BIT(INSERT) | BIT(UPDATE) | BIT(DELETE) | BIT(TRUNCATE))

static const struct op_word op_words[] = {{"insert", BIT(INSERT)},
                                          {"update", BIT(UPDATE)},
                                          {"delete", BIT(DELETE)},
                                          {"truncate", BIT(TRUNCATE)},
                                          {"save", BIT(INSERT) | BIT(UPDATE)},
                                          {0}};

static const struct opt_word targets[] = {
    {"key", TARGET_KEY, false}, {"all", TARGET_ALL, false}, {0}};

#define AT(member) .offset = offsetof(struct trigger_settings, member)

static const struct opt trigger_rows[] = {
    {.name = "table",
     .type = OPT_STRING,
     AT(table),
     .required = true,
     .help = "the table whose changes are meant"},
    {.name = "on",
     .type = OPT_STRINGS,
     AT(on),
     .help = "insert, update, delete, truncate, save (insert and update)"},
    {.name = "columns",
     .type = OPT_STRINGS,
     AT(columns),
     .help = "an UPDATE counts only if one of these differs"},
    {.name = "bind", .type = OPT_NODE, AT(bind), .help = "key parameter = column"},
    {.name = "target",
     .type = OPT_WORD,
     AT(target),
     .words = targets,
     .fallback = "key",
     .help = "its key, or the cache's all"},
    {.name = "when", .unbuilt = true, .help = "a condition on the row"},
    {.name = "rows", .unbuilt = true, .help = "which images give keys"},
    {.name = "lookup", .unbuilt = true, .help = "SQL whose rows give parameters"},
    {.name = "limit", .unbuilt = true, .help = "the most rows of a lookup"},
    {.name = "action", .unbuilt = true, .help = "another action for this trigger"},
    {0}};

#undef AT

static bool load_trigger(struct loader *loader, struct cache *cache, const struct conf *node,
                         bool keys_known, struct trigger *trigger);

void load_triggers(struct loader *loader, struct cache *cache, const struct conf *node,
                   bool keys_known)
{
    bool sequence = node->type == CONF_LIST || node->type == CONF_ARRAY;
    const struct conf *from = sequence ? node->children : node;
    unsigned n = sequence ? node->n_children : 1;
    if (n == 0)
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "triggers is empty: nothing would ever clear %s", cache->name);
    struct trigger *triggers = arena_alloc(loader->arena, n * sizeof *triggers);
    cache->triggers = triggers;
    for (unsigned i = 0; i < n; i++)
        if (load_trigger(loader, cache, &from[i], keys_known, &triggers[cache->n_triggers]))
            cache->n_triggers++;
}

/* "t" or "schema.t". */
static bool load_table(struct loader *loader, const struct conf *node, const char *text,
                       struct trigger *trigger)
{
    const char *dot = strchr(text, '.');
    trigger->schema =
        dot ? arena_strndup(loader->arena, text, (size_t)(dot - text)) : loader->schema;
    trigger->table = dot ? dot + 1 : text;
    if (strpbrk(text, "*?")) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "\"%s\": * and ? in names of tables are not built yet in this version", text);
        return false;
    }
    if (!*trigger->schema || !*trigger->table || strchr(trigger->table, '.')) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "\"%s\" is no name of a table; write \"table\" or \"schema.table\"", text);
        return false;
    }
    return true;
}

static bool load_on(struct loader *loader, const struct conf *node, const struct opt_strings *on,
                    struct trigger *trigger)
{
    const char *words[sizeof op_words / sizeof *op_words] = {0};
    bool good = true;
    for (unsigned i = 0; op_words[i].word; i++)
        words[i] = op_words[i].word;
    for (unsigned i = 0; i < on->n; i++) {
        const struct op_word *word = op_words;
        while (word->word && strcmp(word->word, on->list[i]) != 0)
            word++;
        trigger->ops |= word->ops;
        good &= word->word != NULL;
        if (!word->word)
            opt_unknown(loader->complaints, node->file, node->line, "operation", on->list[i],
                        words);
    }
    if (on->list && on->n == 0)
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "on is empty: the trigger would never fire; leave it out for all operations");
    if (!on->list)
        trigger->ops = ALL_OPS;
    return good && trigger->ops;
}

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

static bool load_bind(struct loader *loader, const struct cache *cache, const struct conf *node,
                      bool keys_known, const char **sources)
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
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s takes a string, the name of a column, and this is %s", node->name,
                 conf_type_name(node->type));
        return false;
    }
    sources[param] = bind_column(loader, node);
    return sources[param] != NULL;
}

/* Which column fills each parameter: the one of its name, unless bind says another. */
static bool load_sources(struct loader *loader, const struct cache *cache, const struct conf *bind,
                         bool keys_known, struct trigger *trigger)
{
    unsigned n = cache->params.n;
    const char **sources = arena_alloc(loader->arena, (n + 1) * sizeof *sources);
    bool good = true;
    memcpy(sources, cache->params.names, n * sizeof *sources);
    trigger->sources = sources;
    if (bind && bind->type != CONF_GROUP) {
        complain(loader->complaints, SEVERITY_ERROR, bind->file, bind->line,
                 "bind takes a group, as in { post_id = \"id\"; }");
        return false;
    }
    for (unsigned i = 0; bind && i < bind->n_children; i++)
        good &= load_bind(loader, cache, &bind->children[i], keys_known, sources);
    return good;
}

static void add_table(struct loader *loader, const struct trigger *trigger)
{
    struct ruleset *set = loader->set;
    for (unsigned i = 0; i < set->n_tables; i++)
        if (strcmp(set->tables[i].name, trigger->table) == 0 &&
            strcmp(set->tables[i].schema, trigger->schema) == 0)
            return;
    set->tables = mem_resize(set->tables, (set->n_tables + 1) * sizeof *set->tables);
    set->tables[set->n_tables++] =
        (struct rule_table){trigger->schema, trigger->table, trigger->file, trigger->line};
}

static bool load_group(struct loader *loader, const struct cache *cache, const struct conf *node,
                       bool keys_known, struct trigger *trigger)
{
    struct trigger_settings settings = {0};
    bool good = opt_read(&loader->reader, trigger_rows, node, &settings);
    if (settings.table)
        good &= load_table(loader, conf_member(node, "table"), settings.table, trigger);
    const struct conf *on = conf_member(node, "on");
    good &= load_on(loader, on ? on : node, &settings.on, trigger);
    good &= load_sources(loader, cache, settings.bind, keys_known, trigger);
    trigger->columns = settings.columns.list;
    trigger->n_columns = settings.columns.n;
    trigger->clears_all = settings.target == TARGET_ALL;
    const struct conf *columns = conf_member(node, "columns");
    if (settings.columns.list && settings.columns.n == 0) {
        complain(loader->complaints, SEVERITY_ERROR, columns->file, columns->line,
                 "columns is empty; leave it out for any column");
        good = false;
    }
    if (trigger->clears_all && !cache->all) {
        const struct conf *target = conf_member(node, "target");
        complain(loader->complaints, SEVERITY_ERROR, target->file, target->line,
                 "target = \"all\" needs the cache's all, and %s has none", cache->name);
        good = false;
    }
    return good;
}

static bool load_trigger(struct loader *loader, struct cache *cache, const struct conf *node,
                         bool keys_known, struct trigger *trigger)
{
    bool good = false;
    *trigger = (struct trigger){.cache = cache, .file = loader->file, .line = node->line};
    if (node->type == CONF_GROUP) {
        good = load_group(loader, cache, node, keys_known, trigger);
    } else if (node->type == CONF_STRING) {
        trigger->ops = ALL_OPS;
        good = load_table(loader, node, node->text, trigger) &&
               load_sources(loader, cache, NULL, keys_known, trigger);
    } else {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "a trigger is the name of a table or a group, and this is %s",
                 conf_type_name(node->type));
    }
    if (good)
        add_table(loader, trigger);
    return good;
}
