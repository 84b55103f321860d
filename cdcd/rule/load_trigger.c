#include "rule/load.h"

#include "base/mem.h"

#include <stddef.h>
#include <string.h>

enum target { TARGET_KEY, TARGET_ALL };

struct trigger_settings {
    const char *table;
    struct opt_strings on;
    struct opt_strings columns;
    const struct conf *bind;
    const struct conf *when;
    int rows; /* bits 1 << enum image */
    const char *lookup;
    int64_t limit;
    int target;
    struct action_settings action;
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

static const struct opt_word rows_words[] = {{"old", 1 << IMAGE_OLD, false},
                                             {"new", 1 << IMAGE_NEW, false},
                                             {"both", 1 << IMAGE_OLD | 1 << IMAGE_NEW, false},
                                             {0}};

static const struct opt_word actions[] = {LOAD_ACTIONS};
static const struct opt_word formats[] = {LOAD_FORMATS};

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
     .help = "insert, update, delete, truncate, save (insert and update); left out: all of them"},
    {.name = "columns",
     .type = OPT_STRINGS,
     AT(columns),
     .help =
         "an UPDATE counts only if one of these differs; other operations count whatever they are"},
    {.name = "bind",
     .type = OPT_NODE,
     AT(bind),
     .help = "key parameter = SQL expression over the row; one that is left out is the column of "
             "its name"},
    {.name = "target",
     .type = OPT_WORD,
     AT(target),
     .words = targets,
     .fallback = "key",
     .help = "its key, or the cache's all instead"},
    {.name = "when",
     .type = OPT_NODE,
     AT(when),
     .help = "an SQL condition on the row; new.c and old.c reach both images"},
    {.name = "rows",
     .type = OPT_WORD,
     AT(rows),
     .words = rows_words,
     .fallback = "both",
     .help = "which images of the row give keys"},
    {.name = "lookup",
     .type = OPT_STRING,
     AT(lookup),
     .help = "SQL whose rows give key parameters; {column} is the row's"},
    {.name = "limit",
     .type = OPT_INT,
     AT(limit),
     .fallback = "1000",
     .min = 1,
     .max = 1000000,
     .range = "from 1 to 1000000",
     .help = "more rows of the lookup than that clear the cache's all"},
    {.name = "action",
     .type = OPT_WORD,
     AT(action.action),
     .words = actions,
     .help = "what this trigger does to the key, instead of the cache's action"},
    LOAD_ACTION_ROWS,
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
    for (unsigned i = 0; i < cache->n_triggers; i++)
        load_unbound(cache, &triggers[i]);
}

/* * and ? match, and nothing else does that a glob knows; NULL for a plain name. */
static const char *make_pattern(struct arena *arena, const char *name)
{
    struct buf pattern = {0};
    if (!strpbrk(name, "*?"))
        return NULL;
    for (; *name; name++) {
        if (strchr("[]\\", *name))
            buf_put(&pattern, "\\", 1);
        buf_put(&pattern, name, 1);
    }
    const char *copy = arena_strdup(arena, buf_str(&pattern));
    buf_free(&pattern);
    return copy;
}

/* Who writes SQL quotes capitals. */
static void check_quotes(struct loader *loader, const struct conf *node, const char *name)
{
    struct buf plain = {0};
    if (!strchr(name, '"'))
        return;
    for (const char *at = name; *at; at++)
        if (*at != '"')
            buf_put(&plain, at, 1);
    LOAD_WARNING(loader, node,
                 "the quotes in %s are a part of the name here; leave them out: names are written "
                 "as the catalog has them, \"%s\"",
                 name, buf_str(&plain));
    buf_free(&plain);
}

/* "t" or "schema.t". */
static bool load_table(struct loader *loader, const struct conf *node, const char *text,
                       struct trigger *trigger)
{
    const char *dot = strchr(text, '.');
    trigger->schema =
        dot ? arena_strndup(loader->arena, text, (size_t)(dot - text)) : loader->schema;
    trigger->table = dot ? dot + 1 : text;
    if (!*trigger->schema || !*trigger->table || strchr(trigger->table, '.')) {
        LOAD_ERROR(loader, node,
                   "\"%s\" is no name of a table; write \"table\" or \"schema.table\", and ? for a "
                   "point in a name",
                   text);
        return false;
    }
    check_quotes(loader, node, text);
    trigger->schema_pattern = make_pattern(loader->arena, trigger->schema);
    trigger->table_pattern = make_pattern(loader->arena, trigger->table);
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

/* What the trigger does to the key: what its cache does, unless it says otherwise. */
static bool load_own_action(struct loader *loader, struct cache *cache, const struct conf *node,
                            const struct action_settings *settings, bool good,
                            struct trigger *trigger)
{
    static const char *const names[] = {"grace", "ttl", "value"};
    const struct conf *place = conf_member(node, "action");
    if (!place) {
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
            if ((place = conf_member(node, names[i])))
                LOAD_ERROR(loader, place,
                           "%s of a trigger belongs to its own action, and it has "
                           "none; write it beside the cache's action",
                           names[i]);
        return place == NULL;
    }
    if (cache->action.op == OP_SCAN || cache->action.op == OP_PUBLISH) {
        LOAD_ERROR(loader, place,
                   "a trigger's own action is done to the cache's key, and with action = \"%s\" "
                   "it has none; make it a cache of its own",
                   op_action_name(cache->action.op));
        return false;
    }
    struct action *action = arena_alloc(loader->arena, sizeof *action);
    trigger->action = action;
    if (!load_check_action(loader, node, settings, good, true) || !good)
        return false;
    load_store_actions(loader, cache, place, (enum op_action)settings->action);
    return load_action(loader, cache, node, settings, action);
}

/* Whether what the trigger looks at is there in the operations that it is for. */
static bool check_images(struct loader *loader, const struct conf *node,
                         const struct trigger *trigger)
{
    static const unsigned has[] = {BIT(UPDATE) | BIT(DELETE), BIT(UPDATE) | BIT(INSERT)};
    const struct conf *columns = conf_member(node, "columns"), *rows = conf_member(node, "rows");
    bool both = trigger->images == (1U << IMAGE_OLD | 1U << IMAGE_NEW);
    unsigned needs = has[trigger->images >> IMAGE_NEW & 1];
    if (columns && trigger->ops && !(trigger->ops & BIT(UPDATE)))
        LOAD_WARNING(loader, columns,
                     "columns matter to an UPDATE alone, and on does not name it; "
                     "leave them out");
    if (!rows || both || !trigger->ops || trigger->ops & (needs | BIT(TRUNCATE)))
        return true;
    LOAD_ERROR(loader, rows,
               "what on names has no %s row: the trigger would never fire; leave "
               "rows out",
               trigger->images & 1U << IMAGE_OLD ? "old" : "new");
    return false;
}

static bool load_settings(struct loader *loader, const struct cache *cache, const struct conf *node,
                          const struct trigger_settings *settings, struct trigger *trigger)
{
    const struct conf *columns = conf_member(node, "columns");
    const struct conf *limit = conf_member(node, "limit");
    bool good = true;
    trigger->columns = settings->columns.list;
    trigger->n_columns = settings->columns.n;
    trigger->clears_all = settings->target == TARGET_ALL;
    trigger->images = (unsigned)settings->rows;
    for (unsigned i = 0; i < settings->columns.n; i++)
        check_quotes(loader, columns, settings->columns.list[i]);
    if (settings->columns.list && settings->columns.n == 0) {
        LOAD_ERROR(loader, columns, "columns is empty; leave it out for any column");
        good = false;
    }
    if (trigger->clears_all && !cache->all) {
        LOAD_ERROR(loader, conf_member(node, "target"),
                   "target = \"all\" needs the cache's all, and %s has none", cache->name);
        good = false;
    }
    good &= check_images(loader, node, trigger);
    if (limit && !settings->lookup) {
        LOAD_ERROR(loader, limit, "limit is that of a lookup, and there is none; leave it out");
        good = false;
    }
    return good;
}

static bool load_group(struct loader *loader, struct cache *cache, const struct conf *node,
                       bool keys_known, struct trigger *trigger)
{
    struct trigger_settings settings = {.rows = 1 << IMAGE_OLD | 1 << IMAGE_NEW};
    bool good = opt_read(&loader->reader, trigger_rows, node, &settings);
    if (settings.table)
        good &= load_table(loader, conf_member(node, "table"), settings.table, trigger);
    const struct conf *on = conf_member(node, "on");
    good &= load_on(loader, on ? on : node, &settings.on, trigger);
    good &= load_settings(loader, cache, node, &settings, trigger);
    good &= load_own_action(loader, cache, node, &settings.action, good && keys_known, trigger);
    good &= load_bind(loader, cache, settings.bind, keys_known, trigger);
    if (settings.when)
        good &= load_when(loader, settings.when, trigger);
    if (settings.lookup && good)
        good &= load_lookup(loader, conf_member(node, "lookup"), settings.lookup,
                            (unsigned)settings.limit, trigger);
    return good;
}

static bool load_trigger(struct loader *loader, struct cache *cache, const struct conf *node,
                         bool keys_known, struct trigger *trigger)
{
    bool good = false;
    *trigger = (struct trigger){.cache = cache, .file = loader->file, .line = node->line};
    trigger->action = &cache->action;
    trigger->images = 1U << IMAGE_OLD | 1U << IMAGE_NEW;
    if (node->type == CONF_GROUP) {
        good = load_group(loader, cache, node, keys_known, trigger);
    } else if (node->type == CONF_STRING) {
        trigger->ops = ALL_OPS;
        good = load_table(loader, node, node->text, trigger) &&
               load_bind(loader, cache, NULL, keys_known, trigger);
    } else {
        LOAD_ERROR(loader, node, "a trigger is the name of a table or a group, and this is %s",
                   conf_type_name(node->type));
    }
    if (good)
        add_table(loader, trigger);
    return good;
}
