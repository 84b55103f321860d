#include "rule/load.h"

#include "base/mem.h"

#include <stddef.h>
#include <string.h>

#define MAX_CACHES 65535

struct cache_settings {
    const char *key;
    struct opt_strings keys;
    const struct conf *triggers;
    struct action_settings action;
    const char *match;
    const char *channel;
    struct opt_strings store;
    const char *prefix;
    const struct conf *each;
    const struct conf *let;
    const struct conf *all;
    int64_t redelete_ms;
    const char *announce;
};

struct all_settings {
    int action;
    const char *match;
    const char *key;
};

static const struct opt_word actions[] = {LOAD_ACTIONS};
static const struct opt_word formats[] = {LOAD_FORMATS};
static const struct opt_word all_actions[] = {
    {"scan", OP_SCAN, false}, {"bump", OP_BUMP, false}, {"delete", OP_DELETE, false}, {0}};

#define AT(member) .offset = offsetof(struct cache_settings, member)

static const struct opt cache_rows[] = {
    {.name = "key",
     .type = OPT_STRING,
     AT(key),
     .help = "the key's template; without key and keys it is the cache's name"},
    {.name = "keys",
     .type = OPT_STRINGS,
     AT(keys),
     .help = "several templates, cleared in this order, a later key only after the earlier one was "
             "answered"},
    {.name = "triggers",
     .type = OPT_NODE,
     AT(triggers),
     .required = true,
     .help = "the tables whose changes make it out of date"},
    {.name = "action",
     .type = OPT_WORD,
     AT(action.action),
     .words = actions,
     .fallback = "delete",
     .help = "what is done to the key"},
    {.name = "match",
     .type = OPT_STRING,
     AT(match),
     .help =
         "scan: the pattern of the keys: * ? [abc], and a backslash before one that means itself"},
    {.name = "store",
     .type = OPT_STRINGS,
     AT(store),
     .help = "where it is, instead of the file's; each of several gets the op"},
    {.name = "prefix",
     .type = OPT_STRING,
     AT(prefix),
     .expand = true,
     .help = "instead of the file's"},
    {.name = "each",
     .type = OPT_NODE,
     AT(each),
     .help = "one key for each element of an array; several arrays multiply"},
    {.name = "let",
     .type = OPT_NODE,
     AT(let),
     .help = "named templates, for digests of composed text"},
    {.name = "all",
     .type = OPT_NODE,
     AT(all),
     .help = "what to do when no single key can be named"},
    {.name = "redelete",
     .type = OPT_TIME,
     AT(redelete_ms),
     .help = "after this time the op is sent again, before the change counts as done"},
    {.name = "announce",
     .type = OPT_STRING,
     AT(announce),
     .help = "a Redis channel on which deleted keys are published"},
    LOAD_ACTION_ROWS,
    {.name = "channel", .type = OPT_STRING, AT(channel), .help = "publish: on which channel"},
    {.name = "message",
     .type = OPT_STRING,
     AT(action.message),
     .help = "publish: the message's template"},
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

static bool load_parts(struct loader *loader, struct cache *cache, const struct conf *node,
                       const struct cache_settings *settings, bool good);
static void add_cache(struct loader *loader, struct cache *cache);

/* A set deletes the key of a row that is gone. */
static bool deletes(const struct action *action)
{
    return action->op == OP_DELETE || action->op == OP_SET;
}

static void check_announced(struct loader *loader, const struct cache *cache,
                            const struct conf *node)
{
    bool some = deletes(&cache->action) || (cache->all && deletes(&cache->all_action));
    for (unsigned i = 0; i < cache->n_triggers; i++)
        some |= deletes(cache->triggers[i].action);
    if (cache->announce && !some)
        LOAD_ERROR(loader, conf_member(node, "announce"),
                   "announce publishes keys that are deleted, and no action of %s deletes one; "
                   "leave it out",
                   cache->name);
}

void load_cache(struct loader *loader, const struct conf *node)
{
    struct cache_settings settings = {0};
    struct cache *cache = arena_alloc(loader->arena, sizeof *cache);
    *cache = (struct cache){.name = node->name, .app = loader->app, .file = loader->file};
    cache->line = node->line;
    if (strchr(node->name, '*'))
        LOAD_ERROR(loader, node, "\"%s\" is no name of a cache; it has letters, digits, _ and -",
                   node->name);
    if (node->type != CONF_GROUP) {
        LOAD_ERROR(loader, node, "%s must be a group: %s = { triggers = \"a_table\"; };",
                   node->name, node->name);
        return;
    }
    bool good = opt_read(&loader->reader, cache_rows, node, &settings);
    good &= load_check_action(loader, node, &settings.action, good, false);
    good &= load_parts(loader, cache, node, &settings, good);
    load_stores(loader, cache, node, settings.store.n ? &settings.store : &loader->store);
    unsigned n_errors = loader->complaints->n_errors;
    if (settings.triggers)
        load_triggers(loader, cache, settings.triggers, good);
    if (good && loader->complaints->n_errors == n_errors)
        check_announced(loader, cache, node);
    if (good) {
        load_cover(loader, cache, settings.all);
        load_unused(loader, cache);
        load_check_cache(loader, cache, node);
    }
    add_cache(loader, cache);
}

/* A setting that names keys, and whose action is another's. */
static const char *misplaced(const struct conf *node, enum op_action action,
                             const struct conf **place)
{
    const struct conf *key = conf_member(node, "key"), *keys = conf_member(node, "keys");
    const struct conf *match = conf_member(node, "match"), *channel = conf_member(node, "channel");
    *place = key ? key : keys ? keys : node;
    if (action == OP_SCAN && (key || keys))
        return "action = \"scan\" takes match, a pattern, and no key";
    if (action == OP_PUBLISH && (key || keys))
        return "action = \"publish\" takes channel, and no key";
    if (action == OP_SCAN && !match)
        return "action = \"scan\" needs match, a pattern of keys";
    if (action == OP_PUBLISH && !channel)
        return "action = \"publish\" needs channel, where messages go: channel = \"changes\"";
    if (key && keys)
        return "key and keys exclude one another; put all into keys";
    *place = match ? match : channel;
    if (action != OP_SCAN && match)
        return "match belongs to action = \"scan\", or into the group all";
    if (action != OP_PUBLISH && channel)
        return "channel belongs to action = \"publish\"; for keys that are deleted write announce";
    return NULL;
}

/* Which texts are the cache's keys; false when the settings contradict one another. */
static bool choose_keys(struct loader *loader, const struct cache *cache, const struct conf *node,
                        const struct cache_settings *settings, struct opt_strings *texts,
                        const struct conf **place)
{
    enum op_action action = (enum op_action)settings->action.action;
    const char *wrong = misplaced(node, action, place);
    const char *name = action == OP_SCAN ? "match" : action == OP_PUBLISH ? "channel" : "key";
    const char **one = arena_alloc(loader->arena, sizeof *one);
    if (wrong) {
        LOAD_ERROR(loader, *place, "%s", wrong);
        return false;
    }
    *place = load_place(node, conf_member(node, "keys") ? "keys" : name);
    if (settings->keys.list && settings->keys.n == 0)
        wrong = "keys is empty; leave it out for one key, the cache's name";
    else if (settings->keys.n > RULESET_MAX_STAGES)
        wrong = "keys has more than 200 elements; split the cache";
    if (wrong) {
        LOAD_ERROR(loader, *place, "%s", wrong);
        return false;
    }
    *one = action == OP_SCAN      ? settings->match
           : action == OP_PUBLISH ? settings->channel
           : settings->key        ? settings->key
                                  : cache->name;
    *texts = settings->keys.list ? settings->keys : (struct opt_strings){one, 1};
    return *one != NULL;
}

static bool load_all(struct loader *loader, struct cache *cache, const struct conf *node)
{
    struct all_settings settings = {0};
    struct key *all = arena_alloc(loader->arena, sizeof *all);
    cache->all = all; /* wrong or not, it is there: its absence is no second complaint */
    if (node->type != CONF_GROUP) {
        LOAD_ERROR(loader, node,
                   "all takes a group, as in { action = \"scan\"; match = \"%s:*\"; }",
                   cache->name);
        return false;
    }
    if (!opt_read(&loader->reader, all_rows, node, &settings))
        return false;
    bool scan = settings.action == OP_SCAN;
    const char *text = scan ? settings.match : settings.key;
    if (!text || (scan ? settings.key : settings.match)) {
        LOAD_ERROR(loader, node,
                   scan ? "all with action = \"scan\" takes match, a pattern, and no key"
                        : "all with action = \"bump\" or \"delete\" takes key, and no match");
        return false;
    }
    cache->all_action = (struct action){.op = (enum op_action)settings.action};
    return load_all_key(loader, load_place(node, scan ? "match" : "key"), text, scan, all);
}

static bool check_redelete(struct loader *loader, const struct conf *node,
                           const struct cache_settings *settings)
{
    const struct conf *place = conf_member(node, "redelete");
    enum op_action action = (enum op_action)settings->action.action;
    if (!place || place->type != CONF_STRING)
        return true;
    if (action == OP_SCAN || action == OP_SET || action == OP_PUBLISH) {
        LOAD_ERROR(loader, place,
                   action == OP_SCAN ? "redelete would search the whole store twice for each "
                                       "change; leave it out, or name keys"
                   : action == OP_SET
                       ? "redelete would write a value again over a newer one; leave "
                         "it out"
                       : "redelete would publish each message twice; leave it out");
        return false;
    }
    if (settings->redelete_ms == 0)
        LOAD_ERROR(loader, place,
                   "redelete = \"%s\" is no time at all; leave it out, or write "
                   "the longest time that a refill takes",
                   place->text);
    return settings->redelete_ms != 0;
}

static bool check_announce(struct loader *loader, const struct conf *node,
                           const struct cache_settings *settings)
{
    const struct conf *place = conf_member(node, "announce");
    const char *wrong = NULL;
    if (!settings->announce)
        return true;
    if (!*settings->announce || strpbrk(settings->announce, "{}"))
        wrong = "announce takes the name of a channel, and no parameters";
    if (wrong)
        LOAD_ERROR(loader, place, "%s", wrong);
    return !wrong;
}

/* Parameters of a set's value do not make two keys of one. */
static void find_key_params(struct cache *cache)
{
    const struct template *values = cache->action.op == OP_PUBLISH ? cache->action.values : NULL;
    for (unsigned i = 0; i < cache->n_keys; i++) {
        struct key *key = &cache->keys[i];
        for (unsigned k = 0; k < key->template.n_params; k++)
            key->params |= 1U << key->template.params[k];
        for (unsigned k = 0; values && k < values[i].n_params; k++)
            key->params |= 1U << values[i].params[k];
        cache->key_params |= key->params;
    }
}

/* The keys, what is done to them, and what stands for all of them. */
static bool load_parts(struct loader *loader, struct cache *cache, const struct conf *node,
                       const struct cache_settings *settings, bool good)
{
    struct opt_strings texts;
    const struct conf *place;
    bool scan = settings->action.action == OP_SCAN;
    good &= load_scopes(loader, settings->each, settings->let);
    cache->action.op = (enum op_action)settings->action.action;
    cache->prefix = settings->prefix ? settings->prefix : loader->prefix;
    cache->redelete_ms = settings->redelete_ms;
    cache->announce = settings->announce;
    cache->announce_len = settings->announce ? (uint32_t)strlen(settings->announce) : 0;
    good &= check_redelete(loader, node, settings);
    good &= check_announce(loader, node, settings);
    if (choose_keys(loader, cache, node, settings, &texts, &place))
        good &= load_keys(loader, cache, place, &texts, scan);
    else
        good = false;
    if (settings->all)
        good &= load_all(loader, cache, settings->all);
    if (good)
        good &= load_action(loader, cache, node, &settings->action, &cache->action);
    if (good)
        find_key_params(cache);
    return good;
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
