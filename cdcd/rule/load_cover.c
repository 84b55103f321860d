/* Whether a cache's `all` finds every key that has parameters, and which pattern would. */
#include "rule/load.h"

#include "base/glob.h"

#include <string.h>

/* Literal text of a pattern as it stands in the string of a match. */
static void put_quoted(struct buf *to, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = text + i;
        if (*at == '\\' || *at == '"')
            buf_put(to, "\\", 1);
        if (*at == '{' || *at == '}')
            buf_put(to, at, 1);
        buf_put(to, at, 1);
    }
}

static void put_literal(struct buf *to, const struct template *template, const char *text, size_t n)
{
    struct buf escaped = {0};
    if (template->pattern)
        buf_put(&escaped, text, n);
    else
        template_escape(text, n, &escaped);
    put_quoted(to, escaped.data, escaped.len);
    buf_free(&escaped);
}

/* The match that finds every key of a template. */
static void put_match(const struct template *template, struct buf *to)
{
    struct buf match = {0};
    template_put_match(template, &match);
    put_quoted(to, match.data, match.len);
    buf_free(&match);
}

/* Cuts head to what the template's keys begin with as well. */
static void cut_to_common(const struct template *template, struct buf *head)
{
    struct buf other = {0};
    size_t same = 0;
    template_put_head(template, &other);
    while (same < head->len && same < other.len && head->data[same] == other.data[same])
        same++;
    /* Not the half of a character. */
    while (same > 0 && same < head->len && ((unsigned char)head->data[same] & 0xc0) == 0x80)
        same--;
    head->len = same;
    buf_free(&other);
}

static bool has_prefix(const struct cache *cache)
{
    bool all = true;
    for (unsigned i = 0; i < cache->n_stores; i++)
        all &= cache->stores[i].prefix_len > 0;
    return all;
}

/* Puts one match for all keys that have parameters; nothing when they have no beginning in common:
 * a lone star would clear what is not this cache's. */
static void put_suggestion(const struct cache *cache, struct buf *to)
{
    const struct key *first = NULL;
    struct buf head = {0};
    unsigned n_keys = 0;
    for (unsigned i = 0; i < cache->n_keys; i++) {
        const struct template *template = &cache->keys[i].template;
        if (template->n_params == 0)
            continue;
        if (n_keys++ == 0) {
            first = &cache->keys[i];
            template_put_head(template, &head);
        } else {
            cut_to_common(template, &head);
        }
    }
    if (n_keys == 1) {
        put_match(&first->template, to);
        if (strspn(buf_str(to), "*") == to->len && !has_prefix(cache))
            to->len = 0;
    } else if (head.len) {
        put_literal(to, &first->template, head.data, head.len);
        buf_put_str(to, "*");
    }
    buf_free(&head);
}

/* To find the sets, or the versions, is not to find the keys that are out of date. */
static void warn_without_own_all(struct loader *loader, const struct cache *cache)
{
    if (cache->action.op == OP_DELETE_MEMBERS)
        complain(loader->complaints, SEVERITY_WARNING, cache->file, cache->line,
                 "%s has no all: a TRUNCATE, or changes that were missed, leave the keys that its "
                 "sets name; add all = { action = \"scan\"; match = \"...\"; }; with the pattern "
                 "of those keys, not of the sets: without a set nobody knows its keys",
                 cache->name);
    else
        complain(loader->complaints, SEVERITY_WARNING, cache->file, cache->line,
                 "%s has no all: a TRUNCATE, or changes that were missed, leave its versions as "
                 "they were; add all = { action = \"scan\"; match = \"...\"; }; with the pattern "
                 "of the keys that hold a version, or of the versions themselves if the "
                 "application, where it finds none, begins with one that never was",
                 cache->name);
}

static void warn_without_all(struct loader *loader, const struct cache *cache)
{
    struct buf match = {0};
    if (cache->action.op == OP_PUBLISH)
        return; /* load_check_owners sees whether another does */
    if (cache->action.op == OP_DELETE_MEMBERS || cache->action.op == OP_BUMP) {
        warn_without_own_all(loader, cache);
        return;
    }
    put_suggestion(cache, &match);
    if (match.len)
        complain(loader->complaints, SEVERITY_WARNING, cache->file, cache->line,
                 "%s has no all: a TRUNCATE, or changes that were missed, leave its keys; "
                 "add all = { action = \"scan\"; match = \"%s\"; };",
                 cache->name, buf_str(&match));
    else
        complain(loader->complaints, SEVERITY_WARNING, cache->file, cache->line,
                 "%s has no all: a TRUNCATE, or changes that were missed, leave its keys; "
                 "they begin with nothing in common: give them a prefix, or split the cache",
                 cache->name);
    buf_free(&match);
}

/* Warns of a match that finds the sets alone: deleted, they leave the keys that they name. Whether
 * it finds those, nobody knows who has not seen them. */
static void warn_sets(struct loader *loader, const struct cache *cache, const struct conf *match)
{
    bool own = false;
    for (unsigned i = 0; i < cache->n_keys && !own; i++) {
        const struct template *key = &cache->keys[i].template;
        struct buf head = {0};
        template_put_head(key, &head);
        own = key->n_params && head.len && strncmp(match->text, buf_str(&head), head.len) == 0;
        buf_free(&head);
    }
    if (own)
        complain(loader->complaints, SEVERITY_WARNING, match->file, match->line,
                 "match = \"%s\" finds the sets of %s, and leaves the keys that they name, which "
                 "nobody knows then; write the pattern of those keys",
                 match->text, cache->name);
}

/* A name that the pattern of a table's name finds: word stands for each *. */
static void put_named(const char *pattern, const char *word, struct buf *to)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*')
            buf_put_str(to, word);
        else
            buf_put(to, *pattern == '?' ? word : pattern, 1);
    }
}

/* What a trigger may put into the parameter: the word, or the name that its table has. */
static struct template_value sample(const struct trigger *trigger, unsigned param, const char *word,
                                    struct buf *room)
{
    /* A trigger that is wrong may have neither; it is complained about elsewhere. */
    bool known = trigger->sources && trigger->schema && trigger->table;
    const struct expression *bound = known ? trigger->sources[param].expression : NULL;
    const char *written = bound ? expression_source(bound) : "";
    room->len = 0;
    if (strcmp(written, "table_schema()") == 0)
        put_named(trigger->schema, word, room);
    else if (strcmp(written, "table_name()") == 0)
        put_named(trigger->table, word, room);
    else
        buf_put_str(room, word);
    return (struct template_value){{room->data, (uint32_t)room->len, VALUE_TEXT}, 0};
}

/* Parameters are taken as a number and as a word: a match may be for one of them alone. */
static bool covers_trigger(const struct buf *match, const struct key *key,
                           const struct trigger *trigger)
{
    static const char *const words[] = {"7040", "qxjz"};
    struct template_value values[TEMPLATE_MAX_PARAMS] = {0};
    struct buf rooms[TEMPLATE_MAX_PARAMS] = {0}, text = {0};
    bool covered = false;
    for (unsigned i = 0; i < sizeof words / sizeof *words && !covered; i++) {
        for (unsigned param = 0; param < trigger->cache->params.n; param++)
            values[param] = sample(trigger, param, words[i], &rooms[param]);
        text.len = 0;
        /* What a filter cannot make of the sample is not held against the match. */
        covered = template_render(&key->template, values, &text) != TEMPLATE_TEXT ||
                  glob_match(match->data, match->len, text.data, text.len);
    }
    for (unsigned param = 0; param < TEMPLATE_MAX_PARAMS; param++)
        buf_free(&rooms[param]);
    buf_free(&text);
    return covered;
}

/* Of a pattern with parameters, the same pattern with a star for each. */
static bool is_widened(const struct buf *match, const struct key *key)
{
    struct buf wide = {0};
    template_put_match(&key->template, &wide);
    bool same = key->template.pattern && wide.len == match->len &&
                memcmp(wide.data, match->data, wide.len) == 0;
    buf_free(&wide);
    return same;
}

static bool covers(const struct cache *cache, const struct key *key)
{
    struct buf match = {0};
    template_render(&cache->all->template, NULL, &match);
    bool same = is_widened(&match, key), covered = true;
    for (unsigned i = 0; i < cache->n_triggers && covered && !same; i++)
        covered = cache->triggers[i].clears_all || covers_trigger(&match, key, &cache->triggers[i]);
    buf_free(&match);
    return covered;
}

static void warn_uncovered(struct loader *loader, const struct cache *cache, const struct key *key,
                           const struct conf *match)
{
    struct buf better = {0};
    put_suggestion(cache, &better);
    complain(loader->complaints, SEVERITY_WARNING, match->file, match->line,
             "match = \"%s\" does not find the keys \"%s\": a TRUNCATE, or changes that were "
             "missed, leave them; %s%s%s",
             match->text, key->template.source,
             better.len ? "write match = \"" : "give the keys of the cache a prefix, or split it",
             better.len ? buf_str(&better) : "", better.len ? "\"" : "");
    buf_free(&better);
}

void load_cover(struct loader *loader, const struct cache *cache, const struct conf *all)
{
    if (!cache->all) {
        if (cache_has_params(cache))
            warn_without_all(loader, cache);
        return;
    }
    /* One that was wrong has been complained about. */
    if (!cache->all->template.pattern || cache->all->template.n_params)
        return;
    if (cache->action.op == OP_BUMP)
        return;
    if (cache->action.op == OP_DELETE_MEMBERS) {
        warn_sets(loader, cache, load_place(all, "match"));
        return;
    }
    for (unsigned i = 0; i < cache->n_keys; i++) {
        const struct key *key = &cache->keys[i];
        if (key->template.n_params && !covers(cache, key))
            warn_uncovered(loader, cache, key, load_place(all, "match"));
    }
}
