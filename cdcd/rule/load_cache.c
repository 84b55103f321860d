#include "rule/load.h"

#include "base/mem.h"

#include <stddef.h>
#include <string.h>

#define MAX_CACHES 65535

struct cache_settings {
    const char *key;
    struct opt_strings keys;
    const struct conf *triggers;
    int action;
    const char *match;
    struct opt_strings store;
    const char *prefix;
    const struct conf *all;
};

struct all_settings {
    int action;
    const char *match;
    const char *key;
};

static const struct opt_word actions[] = {
    {"delete", OP_DELETE, false}, {"bump", OP_BUMP, false}, {"scan", OP_SCAN, false},
    {"stale", -1, true},          {"expire", -1, true},     {"set", -1, true},
    {"delete-members", -1, true}, {"publish", -1, true},    {0}};
static const struct opt_word all_actions[] = {
    {"scan", OP_SCAN, false}, {"bump", OP_BUMP, false}, {"delete", OP_DELETE, false}, {0}};

#define AT(member) .offset = offsetof(struct cache_settings, member)

static const struct opt cache_rows[] = {
    {.name = "key", .type = OPT_STRING, AT(key), .help = "the key's template"},
    {.name = "keys", .type = OPT_STRINGS, AT(keys), .help = "several keys, cleared in this order"},
    {.name = "triggers",
     .type = OPT_NODE,
     AT(triggers),
     .required = true,
     .help = "the tables whose changes make it out of date"},
    {.name = "action",
     .type = OPT_WORD,
     AT(action),
     .words = actions,
     .fallback = "delete",
     .help = "what is done to the key"},
    {.name = "match", .type = OPT_STRING, AT(match), .help = "the pattern of action = \"scan\""},
    {.name = "store", .type = OPT_STRINGS, AT(store), .help = "where it is; each gets the op"},
    {.name = "prefix",
     .type = OPT_STRING,
     AT(prefix),
     .expand = true,
     .help = "instead of the file's"},
    {.name = "all",
     .type = OPT_NODE,
     AT(all),
     .help = "what to do when no single key can be named"},
    {.name = "each", .unbuilt = true, .help = "one key for each element"},
    {.name = "let", .unbuilt = true, .help = "named templates"},
    {.name = "redelete", .unbuilt = true, .help = "the op is sent again after this time"},
    {.name = "announce", .unbuilt = true, .help = "a channel on which keys are published"},
    {.name = "grace", .unbuilt = true, .help = "stale: how long the old value is served"},
    {.name = "ttl", .unbuilt = true, .help = "expire, set: how long the key lives"},
    {.name = "value", .unbuilt = true, .help = "set: the value's template"},
    {.name = "channel", .unbuilt = true, .help = "publish: where"},
    {.name = "message", .unbuilt = true, .help = "publish: what"},
    {0}};

#undef AT
#define AT(member) .offset = offsetof(struct all_settings, member)

static const struct opt all_rows[] = {
    {.name = "action",
     .type = OPT_WORD,
     AT(action),
     .words = all_actions,
     .required = true,
     .help = "\"scan\", \"bump\" or \"delete\""},
    {.name = "match", .type = OPT_STRING, AT(match), .help = "scan: the pattern"},
    {.name = "key", .type = OPT_STRING, AT(key), .help = "bump, delete: the key"},
    {0}};

#undef AT

static bool load_keys(struct loader *loader, struct cache *cache, const struct conf *node,
                      const struct cache_settings *settings);
static void load_all(struct loader *loader, struct cache *cache, const struct conf *node);
static void add_cache(struct loader *loader, struct cache *cache);

void load_cache(struct loader *loader, const struct conf *node)
{
    struct cache_settings settings = {0};
    struct cache *cache = arena_alloc(loader->arena, sizeof *cache);
    *cache = (struct cache){.name = node->name, .app = loader->app, .file = loader->file};
    cache->line = node->line;
    if (strchr(node->name, '*'))
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "\"%s\" is no name of a cache; it has letters, digits, _ and -", node->name);
    if (node->type != CONF_GROUP) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s must be a group: %s = { triggers = \"a_table\"; };", node->name, node->name);
        return;
    }
    bool good = opt_read(&loader->reader, cache_rows, node, &settings);
    good &= load_keys(loader, cache, node, &settings);
    if (settings.all)
        load_all(loader, cache, settings.all);
    cache->prefix = settings.prefix ? settings.prefix : loader->prefix;
    cache->action = (enum op_action)settings.action;
    load_stores(loader, cache, node, settings.store.n ? &settings.store : &loader->store);
    if (settings.triggers)
        load_triggers(loader, cache, settings.triggers, good);
    if (good)
        load_cover(loader, cache, settings.all);
    add_cache(loader, cache);
}

static bool compile_key(struct loader *loader, struct cache *cache, const struct conf *place,
                        const char *text, enum op_action action, struct key *key)
{
    struct err err = {0};
    const struct template_scope scope = {.params = &cache->params};
    const char *what = action == OP_SCAN ? "match" : "key";
    key->action = action;
    if (!*text)
        err_set(&err, EX_CONFIG, "is empty; write a text, as in \"post:{id}\"");
    else if (template_compile(&key->template, loader->arena, text, &scope, &err) == 0)
        key->template.pattern = action == OP_SCAN;
    if (err.code)
        complain(loader->complaints, SEVERITY_ERROR, place->file, place->line, "%s %s", what,
                 err.text);
    return err.code == 0;
}

/* Which texts are the cache's keys; false when the settings contradict one another. */
static bool choose_keys(struct loader *loader, const struct cache *cache, const struct conf *node,
                        const struct cache_settings *settings, struct opt_strings *texts,
                        const struct conf **place)
{
    const struct conf *key = conf_member(node, "key"), *keys = conf_member(node, "keys");
    const struct conf *match = conf_member(node, "match");
    bool scan = settings->action == OP_SCAN;
    const char *wrong = NULL;
    *place = key ? key : keys ? keys : node;
    if (scan && (key || keys))
        wrong = "action = \"scan\" takes match, a pattern, and no key";
    else if (scan && !match)
        wrong = "action = \"scan\" needs match, a pattern of keys";
    else if (!scan && match)
        wrong = "match belongs to action = \"scan\", or into the group all";
    else if (key && keys)
        wrong = "key and keys exclude one another; put all into keys";
    else if (settings->keys.list && settings->keys.n == 0)
        wrong = "keys is empty; leave it out for one key, the cache's name";
    else if (settings->keys.n > RULESET_MAX_KEYS)
        wrong = "keys has more than 200 elements; split the cache";
    if (wrong) {
        const struct conf *at = match && !scan ? match : *place;
        complain(loader->complaints, SEVERITY_ERROR, at->file, at->line, "%s", wrong);
        return false;
    }
    const char **one = arena_alloc(loader->arena, sizeof *one);
    *one = scan ? settings->match : settings->key ? settings->key : cache->name;
    *place = scan ? match : *place;
    *texts = settings->keys.list ? settings->keys : (struct opt_strings){one, 1};
    return *one != NULL;
}

static bool load_keys(struct loader *loader, struct cache *cache, const struct conf *node,
                      const struct cache_settings *settings)
{
    struct opt_strings texts;
    const struct conf *place;
    bool good = true;
    if (!choose_keys(loader, cache, node, settings, &texts, &place))
        return false;
    struct key *keys = arena_alloc(loader->arena, texts.n * sizeof *keys);
    for (unsigned i = 0; i < texts.n; i++) {
        bool sequence = place->type == CONF_ARRAY || place->type == CONF_LIST;
        const struct conf *at = sequence ? &place->children[i] : place;
        good &= compile_key(loader, cache, at, texts.list[i], (enum op_action)settings->action,
                            &keys[i]);
        keys[i].stage = (uint8_t)i;
    }
    cache->keys = keys;
    cache->n_keys = texts.n;
    return good;
}

static void load_all(struct loader *loader, struct cache *cache, const struct conf *node)
{
    struct all_settings settings = {0};
    struct template_params before = cache->params;
    struct key *all = arena_alloc(loader->arena, sizeof *all);
    cache->all = all; /* wrong or not, it is there: its absence is no second complaint */
    if (node->type != CONF_GROUP) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "all takes a group, as in { action = \"scan\"; match = \"%s:*\"; }", cache->name);
        return;
    }
    if (!opt_read(&loader->reader, all_rows, node, &settings))
        return;
    bool scan = settings.action == OP_SCAN;
    const char *text = scan ? settings.match : settings.key;
    const struct conf *place = load_place(node, scan ? "match" : "key");
    if (!text || (scan ? settings.key : settings.match)) {
        complain(loader->complaints, SEVERITY_ERROR, node->file, node->line,
                 scan ? "all with action = \"scan\" takes match, a pattern, and no key"
                      : "all with action = \"bump\" or \"delete\" takes key, and no match");
        return;
    }
    bool good = compile_key(loader, cache, place, text, (enum op_action)settings.action, all);
    if (good && all->template.n_params)
        complain(loader->complaints, SEVERITY_ERROR, place->file, place->line,
                 "all stands for every key and knows no row: it cannot take {%s}",
                 cache->params.names[all->template.params[0]]);
    cache->params = before;
}

static void add_cache(struct loader *loader, struct cache *cache)
{
    struct ruleset *set = loader->set;
    if (set->n_caches == MAX_CACHES) {
        complain(loader->complaints, SEVERITY_ERROR, cache->file, cache->line,
                 "there are more than %d caches", MAX_CACHES);
        return;
    }
    cache->number = (uint16_t)set->n_caches;
    set->caches = mem_resize(set->caches, (set->n_caches + 1) * sizeof(struct cache *));
    set->caches[set->n_caches++] = cache;
    set->n_triggers += cache->n_triggers;
}
