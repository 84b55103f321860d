#include "verb/meaning.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/change.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BIT(op) (1U << CHANGE_##op)
#define ALL_OPS (BIT(INSERT) | BIT(UPDATE) | BIT(DELETE) | BIT(TRUNCATE))
#define STALE_TTL "86400000ms"

/* The settings of a file that its caches take over. */
struct file_settings {
    struct arena *arena;
    const struct conf *prefix, *store;
    const char *schema;
};

static void read_cache(struct meaning_cache *cache, const struct file_settings *file,
                       const struct conf *node);
static const char *trigger_text(const struct file_settings *file, const struct conf *node);
static void put_value(struct buf *to, struct arena *arena, const struct conf *node);

static int by_name(const void *a, const void *b)
{
    const struct meaning_cache *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static const char *text_of(const struct conf *node, const char *fallback)
{
    return node && node->type == CONF_STRING ? node->text : fallback;
}

void meaning_read(struct meaning *meaning, struct arena *arena, const struct conf *root)
{
    const struct conf *app = conf_member(root, "app"), *caches = conf_member(root, "caches");
    struct file_settings file = {.arena = arena};
    file.prefix = conf_member(root, "prefix");
    file.store = conf_member(root, "store");
    file.schema = text_of(conf_member(root, "schema"), "public");
    *meaning = (struct meaning){.file = root->file, .app = text_of(app, "")};
    meaning->app_line = app ? app->line : 0;
    if (!caches || caches->type != CONF_GROUP)
        return;
    meaning->n_caches = caches->n_children;
    meaning->caches = arena_alloc(arena, (meaning->n_caches + 1) * sizeof *meaning->caches);
    for (unsigned i = 0; i < meaning->n_caches; i++)
        read_cache(&meaning->caches[i], &file, &caches->children[i]);
    qsort(meaning->caches, meaning->n_caches, sizeof *meaning->caches, by_name);
}

static int by_fact(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    int names = strcmp(x->name, y->name);
    return names ? names : strcmp(x->value, y->value);
}

static void add_fact(struct meaning_cache *cache, const char *name, const char *value, int line)
{
    cache->facts[cache->n_facts++] = (struct fact){name, value, line};
}

/* The buf's text, which is the arena's then. */
static const char *keep(struct arena *arena, struct buf *text)
{
    const char *kept = arena_strndup(arena, text->len ? text->data : "", text->len);
    buf_free(text);
    return kept;
}

static const char *value_text(struct arena *arena, const struct conf *node)
{
    struct buf text = {0};
    put_value(&text, arena, node);
    return keep(arena, &text);
}

static bool is_sequence(const struct conf *node)
{
    return node->type == CONF_ARRAY || node->type == CONF_LIST;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A string, or several of which the order means nothing. */
static const char *set_text(struct arena *arena, const struct conf *node)
{
    const struct conf *from = is_sequence(node) ? node->children : node;
    unsigned n = is_sequence(node) ? node->n_children : 1;
    const char **texts = arena_alloc(arena, (n + 1) * sizeof *texts);
    struct buf text = {0};
    for (unsigned i = 0; i < n; i++)
        texts[i] = value_text(arena, &from[i]);
    qsort(texts, n, sizeof *texts, by_text);
    for (unsigned i = 0; i < n; i++)
        if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
            buf_printf(&text, "%s%s", i ? ", " : "", texts[i]);
    return keep(arena, &text);
}

static const char *expanded(struct arena *arena, const struct conf *node)
{
    const char *missing;
    const char *text = node ? str_expand(arena, text_of(node, ""), &missing) : "";
    return arena_printf(arena, "\"%s\"", text ? text : "");
}

/* `each`: names with sets. */
static const char *each_text(struct arena *arena, const struct conf *node)
{
    struct conf *copy = arena_alloc(arena, (node->n_children + 1) * sizeof *copy);
    for (unsigned i = 0; i < node->n_children; i++) {
        copy[i] = node->children[i];
        copy[i].type = CONF_STRING;
        copy[i].text = set_text(arena, &node->children[i]);
    }
    struct conf group = *node;
    group.children = copy;
    return value_text(arena, &group);
}

static void add_triggers(struct meaning_cache *cache, const struct file_settings *file,
                         const struct conf *node)
{
    const struct conf *from = is_sequence(node) ? node->children : node;
    unsigned n = is_sequence(node) ? node->n_children : 1;
    for (unsigned i = 0; i < n; i++)
        add_fact(cache, "trigger", trigger_text(file, &from[i]), from[i].line);
}

static void add_setting(struct meaning_cache *cache, const struct file_settings *file,
                        const struct conf *node)
{
    struct arena *arena = file->arena;
    if (strcmp(node->name, "triggers") == 0)
        add_triggers(cache, file, node);
    else if (strcmp(node->name, "store") == 0)
        add_fact(cache, "store", set_text(arena, node), node->line);
    else if (strcmp(node->name, "prefix") == 0)
        add_fact(cache, "prefix", expanded(arena, node), node->line);
    else if (strcmp(node->name, "each") == 0 && node->type == CONF_GROUP)
        add_fact(cache, "each", each_text(arena, node), node->line);
    else if (strcmp(node->name, "keys") == 0 && is_sequence(node) && node->n_children == 1)
        add_fact(cache, "key", value_text(arena, &node->children[0]), node->line);
    else if (strcmp(node->name, "keys") == 0 && node->type == CONF_STRING)
        add_fact(cache, "key", value_text(arena, node), node->line);
    else
        add_fact(cache, node->name, value_text(arena, node), node->line);
}

static void read_cache(struct meaning_cache *cache, const struct file_settings *file,
                       const struct conf *node)
{
    const struct conf *triggers = conf_member(node, "triggers");
    const char *action = text_of(conf_member(node, "action"), "delete");
    bool keyless = strcmp(action, "scan") == 0 || strcmp(action, "publish") == 0;
    unsigned most = node->n_children + 8 + (triggers ? triggers->n_children + 1 : 0);
    *cache = (struct meaning_cache){.name = node->name, .line = node->line};
    cache->facts = arena_alloc(file->arena, most * sizeof *cache->facts);
    for (unsigned i = 0; i < node->n_children; i++)
        add_setting(cache, file, &node->children[i]);
    if (!conf_member(node, "action"))
        add_fact(cache, "action", "\"delete\"", node->line);
    if (!conf_member(node, "key") && !conf_member(node, "keys") && !keyless)
        add_fact(cache, "key", arena_printf(file->arena, "\"%s\"", node->name), node->line);
    if (!conf_member(node, "store") && file->store)
        add_fact(cache, "store", set_text(file->arena, file->store), file->store->line);
    if (!conf_member(node, "prefix"))
        add_fact(cache, "prefix", expanded(file->arena, file->prefix),
                 file->prefix ? file->prefix->line : node->line);
    if (!conf_member(node, "ttl") && strcmp(action, "stale") == 0)
        add_fact(cache, "ttl", STALE_TTL, node->line);
    qsort(cache->facts, cache->n_facts, sizeof *cache->facts, by_fact);
}

static void put_ops(struct buf *to, const struct conf *on)
{
    static const struct {
        const char *word;
        unsigned ops;
    } words[] = {{"insert", BIT(INSERT)},
                 {"update", BIT(UPDATE)},
                 {"delete", BIT(DELETE)},
                 {"truncate", BIT(TRUNCATE)},
                 {"save", BIT(INSERT) | BIT(UPDATE)}};
    const struct conf *from = on && is_sequence(on) ? on->children : on;
    unsigned n = !on ? 0 : is_sequence(on) ? on->n_children : 1, ops = on ? 0 : ALL_OPS;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < sizeof words / sizeof *words; j++)
            if (strcmp(words[j].word, text_of(&from[i], "")) == 0)
                ops |= words[j].ops;
    if (ops == ALL_OPS)
        return;
    buf_put_str(to, " on");
    for (unsigned op = CHANGE_INSERT; op <= CHANGE_TRUNCATE; op++)
        if (ops & 1U << op)
            buf_printf(to, " %s", change_op_name((enum change_op)op));
}

/* True when the setting says what would be so without it. */
static bool is_default(const struct conf *node)
{
    static const char *const defaults[][2] = {{"rows", "both"}, {"target", "key"}};
    for (unsigned i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(node->name, defaults[i][0]) == 0)
            return strcmp(text_of(node, ""), defaults[i][1]) == 0;
    return strcmp(node->name, "limit") == 0 && node->type == CONF_INT && node->number == 1000;
}

/* `bind` without what binds a parameter to the column of its name; NULL when nothing is left. */
static const char *bind_text(struct arena *arena, const struct conf *node)
{
    struct conf group = *node;
    struct conf *children = arena_alloc(arena, (node->n_children + 1) * sizeof *children);
    group.children = children;
    group.n_children = 0;
    for (unsigned i = 0; i < node->n_children; i++)
        if (strcmp(node->children[i].name, text_of(&node->children[i], "")) != 0)
            children[group.n_children++] = node->children[i];
    return group.n_children ? value_text(arena, &group) : NULL;
}

static int by_member(const void *a, const void *b)
{
    const struct conf *x = *(const struct conf *const *)a, *y = *(const struct conf *const *)b;
    return strcmp(x->name, y->name);
}

/* A group's members by their names. */
static const struct conf **sorted(struct arena *arena, const struct conf *group)
{
    const struct conf **members = arena_alloc(arena, (group->n_children + 1) * sizeof *members);
    for (unsigned i = 0; i < group->n_children; i++)
        members[i] = &group->children[i];
    qsort(members, group->n_children, sizeof *members, by_member);
    return members;
}

static const char *trigger_text(const struct file_settings *file, const struct conf *node)
{
    struct buf text = {0};
    bool group = node->type == CONF_GROUP;
    const char *table = text_of(group ? conf_member(node, "table") : node, "");
    buf_printf(&text, "%s%s%s", strchr(table, '.') ? "" : file->schema,
               strchr(table, '.') ? "" : ".", table);
    put_ops(&text, group ? conf_member(node, "on") : NULL);
    const struct conf **members = sorted(file->arena, node);
    for (unsigned i = 0; group && i < node->n_children; i++) {
        const struct conf *one = members[i];
        const char *value;
        if (strcmp(one->name, "table") == 0 || strcmp(one->name, "on") == 0 || is_default(one))
            continue;
        if (strcmp(one->name, "columns") == 0)
            value = set_text(file->arena, one);
        else if (strcmp(one->name, "bind") == 0 && one->type == CONF_GROUP)
            value = bind_text(file->arena, one);
        else
            value = value_text(file->arena, one);
        if (value)
            buf_printf(&text, ", %s = %s", one->name, value);
    }
    return keep(file->arena, &text);
}

static void put_string(struct buf *to, const struct conf *node)
{
    const char *text = node->text;
    size_t n;
    int64_t ms;
    bool time = node->name && (strcmp(node->name, "ttl") == 0 || strcmp(node->name, "grace") == 0 ||
                               strcmp(node->name, "redelete") == 0);
    if (time && str_time(text, &ms)) {
        buf_printf(to, "%" PRId64 "ms", ms);
        return;
    }
    while (isspace((unsigned char)*text))
        text++;
    for (n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]);)
        n--;
    buf_put_str(to, "\"");
    buf_put(to, text, n);
    buf_put_str(to, "\"");
}

static void put_group(struct buf *to, struct arena *arena, const struct conf *node)
{
    const struct conf **members = sorted(arena, node);
    buf_put_str(to, "{ ");
    for (unsigned i = 0; i < node->n_children; i++) {
        buf_printf(to, "%s = ", members[i]->name);
        put_value(to, arena, members[i]);
        buf_put_str(to, "; ");
    }
    buf_put_str(to, "}");
}

static void put_value(struct buf *to, struct arena *arena, const struct conf *node)
{
    switch (node->type) {
    case CONF_GROUP:
        put_group(to, arena, node);
        break;
    case CONF_ARRAY:
    case CONF_LIST:
        buf_put_str(to, "[ ");
        for (unsigned i = 0; i < node->n_children; i++) {
            put_value(to, arena, &node->children[i]);
            buf_put_str(to, i + 1 < node->n_children ? ", " : " ");
        }
        buf_put_str(to, "]");
        break;
    case CONF_STRING:
        put_string(to, node);
        break;
    case CONF_INT:
        buf_printf(to, "%" PRId64, node->number);
        break;
    case CONF_FLOAT:
        buf_printf(to, "%.17g", node->real);
        break;
    case CONF_BOOL:
        buf_put_str(to, node->number ? "true" : "false");
        break;
    }
}
