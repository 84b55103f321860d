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
    for (unsigned i = 0; i < template->n_parts; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->text)
            put_literal(to, template, part->text, part->len);
        else
            buf_put_str(to, "*");
    }
}

/* The text that the template's keys all begin with. */
static size_t head_of(const struct template *template, const char **text)
{
    const struct template_part *first = template->parts;
    *text = first->text;
    return first->text ? first->len : 0;
}

static size_t common_head(const struct template *a, const char *text, size_t n)
{
    const char *other;
    size_t same = 0, most = head_of(a, &other);
    while (same < n && same < most && text[same] == other[same])
        same++;
    /* Not the half of a character. */
    while (same > 0 && same < n && ((unsigned char)text[same] & 0xc0) == 0x80)
        same--;
    return same;
}

/* Puts one match for all keys that have parameters; nothing when they have no beginning in common:
 * a lone star would clear what is not this cache's. */
static void put_suggestion(const struct cache *cache, struct buf *to)
{
    const struct key *first = NULL;
    const char *head = NULL;
    size_t n_head = 0;
    unsigned n_keys = 0;
    for (unsigned i = 0; i < cache->n_keys; i++) {
        const struct template *template = &cache->keys[i].template;
        if (template->n_params == 0)
            continue;
        if (n_keys++ == 0) {
            first = &cache->keys[i];
            n_head = head_of(template, &head);
        } else {
            n_head = common_head(template, head, n_head);
        }
    }
    if (n_keys == 1) {
        put_match(&first->template, to);
    } else if (n_head) {
        put_literal(to, &first->template, head, n_head);
        buf_put_str(to, "*");
    }
}

static void warn_without_all(struct loader *loader, const struct cache *cache)
{
    struct buf match = {0};
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

/* Parameters are taken as a number and as a word: a match may be for one of them alone. */
static bool covers(const struct key *all, const struct key *key)
{
    static const struct value samples[] = {{"7040", 4, VALUE_TEXT}, {"qxjz", 4, VALUE_TEXT}};
    struct value values[TEMPLATE_MAX_PARAMS];
    struct buf match = {0}, text = {0};
    bool covered = false;
    template_render(&all->template, NULL, &match);
    for (unsigned i = 0; i < sizeof samples / sizeof *samples && !covered; i++) {
        for (unsigned param = 0; param < TEMPLATE_MAX_PARAMS; param++)
            values[param] = samples[i];
        text.len = 0;
        template_render(&key->template, values, &text);
        covered = glob_match(match.data, match.len, text.data, text.len);
    }
    buf_free(&match);
    buf_free(&text);
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
    for (unsigned i = 0; i < cache->n_keys; i++) {
        const struct key *key = &cache->keys[i];
        if (key->template.n_params && !covers(cache->all, key))
            warn_uncovered(loader, cache, key, load_place(all, "match"));
    }
}
