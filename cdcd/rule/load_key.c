/* A cache's keys: one for each of its texts and each combination of the elements of `each`. */
#include "rule/load.h"

#include "base/mem.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define MAX_COMBINATIONS 1000

static bool is_name(const char *name)
{
    if (isdigit((unsigned char)*name) || strcmp(name, "row") == 0)
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_$", *name) && !(*name & 0x80))
            return false;
    return true;
}

static bool check_name(struct loader *loader, const struct conf *node, const char *of)
{
    if (is_name(node->name))
        return true;
    LOAD_ERROR(loader, node,
               "\"%s\" is no name for %s; it has letters, digits and _, and is not row", node->name,
               of);
    return false;
}

/* The elements of one name, as texts; NULL when they are no elements. */
static const char **load_elements(struct loader *loader, const struct conf *node)
{
    if (node->type != CONF_ARRAY && node->type != CONF_LIST) {
        LOAD_ERROR(loader, node,
                   "each takes arrays, as in { lang = [ \"en\", \"ru\" ]; }, and %s "
                   "is %s",
                   node->name, conf_type_name(node->type));
        return NULL;
    }
    if (node->n_children == 0) {
        LOAD_ERROR(loader, node, "%s is empty: there would be no key; name its elements",
                   node->name);
        return NULL;
    }
    const char **texts = arena_alloc(loader->arena, node->n_children * sizeof *texts);
    for (unsigned i = 0; i < node->n_children; i++) {
        const struct conf *element = &node->children[i];
        if (element->type == CONF_INT) {
            texts[i] = arena_printf(loader->arena, "%" PRId64, element->number);
        } else if (element->type == CONF_STRING) {
            texts[i] = element->text;
        } else {
            LOAD_ERROR(loader, element,
                       "an element of each is a string or a number, and this is "
                       "%s",
                       conf_type_name(element->type));
            return NULL;
        }
    }
    return texts;
}

/* The last name turns fastest. */
static void combine(struct loader *loader, const struct conf *each, const char ***texts)
{
    struct scopes *scopes = loader->scopes;
    unsigned n = scopes->n_combinations;
    scopes->each = arena_alloc(loader->arena, (size_t)n * scopes->n_each * sizeof *scopes->each);
    for (unsigned i = 0; i < n; i++) {
        unsigned rest = i;
        for (unsigned name = scopes->n_each; name-- > 0;) {
            const struct conf *node = &each->children[name];
            scopes->each[i * scopes->n_each + name] =
                (struct template_binding){node->name, texts[name][rest % node->n_children]};
            rest /= node->n_children;
        }
    }
}

static bool load_each(struct loader *loader, const struct conf *each)
{
    struct scopes *scopes = loader->scopes;
    const char **texts[LOAD_MAX_NAMES];
    size_t n = 1;
    if (each->type != CONF_GROUP || each->n_children == 0 || each->n_children > LOAD_MAX_NAMES) {
        LOAD_ERROR(loader, each,
                   "each takes a group of 1 to %d arrays, as in { lang = [ \"en\", "
                   "\"ru\" ]; }",
                   LOAD_MAX_NAMES);
        return false;
    }
    for (unsigned i = 0; i < each->n_children; i++) {
        const struct conf *node = &each->children[i];
        texts[i] = check_name(loader, node, "an element") ? load_elements(loader, node) : NULL;
        n = texts[i] && n <= MAX_COMBINATIONS ? n * node->n_children : n;
        if (!texts[i])
            return false;
    }
    if (n > MAX_COMBINATIONS) {
        LOAD_ERROR(loader, each, "each makes more than %d keys of one; split the cache",
                   MAX_COMBINATIONS);
        return false;
    }
    scopes->n_each = each->n_children;
    scopes->n_combinations = (unsigned)n;
    combine(loader, each, texts);
    return true;
}

static bool load_let(struct loader *loader, const struct conf *let)
{
    struct scopes *scopes = loader->scopes;
    bool good = true;
    if (let->type != CONF_GROUP || let->n_children > LOAD_MAX_NAMES) {
        LOAD_ERROR(loader, let,
                   "let takes a group of at most %d templates, as in { vary = "
                   "\"{username}:\"; }",
                   LOAD_MAX_NAMES);
        return false;
    }
    scopes->lets = arena_alloc(loader->arena, let->n_children * sizeof *scopes->lets);
    for (unsigned i = 0; i < let->n_children; i++) {
        const struct conf *node = &let->children[i];
        bool doubled = false;
        for (unsigned k = 0; k < scopes->n_each; k++)
            doubled |= strcmp(scopes->each[k].name, node->name) == 0;
        if (doubled)
            LOAD_ERROR(loader, node, "%s is a name of each already; give one of them another",
                       node->name);
        if (node->type != CONF_STRING)
            LOAD_ERROR(loader, node, "%s of let takes a template, and this is %s", node->name,
                       conf_type_name(node->type));
        if (!check_name(loader, node, "a template") || doubled || node->type != CONF_STRING) {
            good = false;
            continue;
        }
        scopes->lets[scopes->n_lets++] = (struct template_binding){node->name, node->text};
    }
    return good;
}

bool load_scopes(struct loader *loader, const struct conf *each, const struct conf *let)
{
    bool good = true;
    loader->scopes = arena_alloc(loader->arena, sizeof *loader->scopes);
    *loader->scopes = (struct scopes){.n_combinations = 1};
    loader->scopes->each_place = each;
    loader->scopes->let_place = let;
    if (each)
        good &= load_each(loader, each);
    if (let)
        good &= load_let(loader, let);
    return good;
}

void load_unused(struct loader *loader, const struct cache *cache)
{
    const struct scopes *scopes = loader->scopes;
    const struct conf *groups[] = {scopes->each_place, scopes->let_place};
    const bool *used[] = {scopes->each_used, scopes->lets_used};
    for (unsigned g = 0; g < 2; g++)
        for (unsigned i = 0; groups[g] && i < groups[g]->n_children; i++) {
            const struct conf *node = &groups[g]->children[i];
            if (!used[g][i])
                LOAD_WARNING(loader, node,
                             "no template of %s uses {%s}; write it into the key, or "
                             "leave it out",
                             cache->name, node->name);
        }
}

struct template_scope load_scope(struct loader *loader, struct cache *cache, unsigned combination)
{
    const struct scopes *scopes = loader->scopes;
    return (struct template_scope){
        .params = &cache->params,
        .each = scopes->n_each ? &scopes->each[(size_t)combination * scopes->n_each] : NULL,
        .n_each = scopes->n_each,
        .lets = scopes->lets,
        .n_lets = scopes->n_lets,
        .each_used = loader->scopes->each_used,
        .lets_used = loader->scopes->lets_used,
    };
}

/* The text with the elements of `each` in it. */
static const char *show(struct loader *loader, const struct template *template)
{
    struct buf shown = {0};
    template_put_listed(template, &shown);
    const char *copy = arena_strdup(loader->arena, buf_str(&shown));
    buf_free(&shown);
    return copy;
}

static bool compile_key(struct loader *loader, const struct conf *place, const char *text,
                        const struct template_scope *scope, bool pattern, struct key *key)
{
    struct err err = {0};
    if (!*text)
        err_set(&err, EX_CONFIG, "is empty; write a text, as in \"post:{id}\"");
    else if (template_compile(&key->template, loader->arena, text, scope, &err) == 0)
        key->shown = show(loader, &key->template);
    key->template.pattern = pattern;
    if (err.code)
        LOAD_ERROR(loader, place, "%s %s", pattern ? "match" : "key", err.text);
    return err.code == 0;
}

bool load_keys(struct loader *loader, struct cache *cache, const struct conf *place,
               const struct opt_strings *texts, bool pattern)
{
    unsigned n = loader->scopes->n_combinations;
    bool good = true, sequence = place->type == CONF_ARRAY || place->type == CONF_LIST;
    if ((size_t)n * texts->n > RULESET_MAX_KEYS) {
        LOAD_ERROR(loader, place, "%s has more than %d keys; split the cache", cache->name,
                   RULESET_MAX_KEYS);
        return false;
    }
    struct key *keys = arena_alloc(loader->arena, (size_t)n * texts->n * sizeof *keys);
    for (unsigned i = 0; i < texts->n; i++) {
        const struct conf *at = sequence ? &place->children[i] : place;
        for (unsigned k = 0; k < n; k++) {
            struct key *key = &keys[cache->n_keys++];
            struct template_scope scope = load_scope(loader, cache, k);
            good &= compile_key(loader, at, texts->list[i], &scope, pattern, key);
            key->stage = (uint8_t)i;
        }
    }
    cache->keys = keys;
    return good;
}

bool load_all_key(struct loader *loader, const struct conf *place, const char *text, bool pattern,
                  struct key *key)
{
    struct template_params params = {0};
    struct template_scope scope = {.params = &params};
    bool good = compile_key(loader, place, text, &scope, pattern, key);
    if (good && params.n) {
        LOAD_ERROR(loader, place, "all stands for every key and knows no row: it cannot take {%s}",
                   params.names[key->template.params[0]]);
        good = false;
    }
    return good;
}
