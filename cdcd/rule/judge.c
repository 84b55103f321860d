/* What rules want of a table, against what the table is. */
#include "base/mem.h"
#include "base/str.h"
#include "rule/ruleset.h"

#include <string.h>

struct judging {
    const struct relation *relation;
    bool weak_is_error;
    struct complaints *complaints;
    char *table;        /* as SQL writes it */
    const char **names; /* of its columns, NULL-terminated */
    struct arena *arena;
};

static void judge_trigger(struct judging *j, const struct trigger *trigger);
static void judge_key(struct judging *j, const struct trigger *trigger, const struct key *key);

static void put_identifier(struct buf *to, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (strspn(name, plain) == strlen(name) && !strchr("0123456789", *name)) {
        buf_put_str(to, name);
        return;
    }
    buf_put(to, "\"", 1);
    for (; *name; name++)
        buf_put(to, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    buf_put(to, "\"", 1);
}

static char *table_in_sql(struct arena *arena, const struct relation *relation)
{
    struct buf text = {0};
    put_identifier(&text, relation->schema);
    buf_put(&text, ".", 1);
    put_identifier(&text, relation->name);
    char *copy = arena_strndup(arena, text.data, text.len);
    buf_free(&text);
    return copy;
}

void ruleset_judge(const struct ruleset *ruleset, const struct relation *relation,
                   bool weak_is_error, struct complaints *complaints)
{
    struct arena *arena = arena_make();
    const char **names = arena_alloc(arena, (relation->n_columns + 1) * sizeof *names);
    for (unsigned i = 0; i < relation->n_columns; i++)
        names[i] = relation->columns[i].name;
    struct judging j = {relation, weak_is_error, complaints, table_in_sql(arena, relation),
                        names,    arena};
    for (unsigned i = 0; i < ruleset->n_caches; i++) {
        const struct cache *cache = ruleset->caches[i];
        for (unsigned k = 0; k < cache->n_triggers; k++)
            if (trigger_is_about(&cache->triggers[k], relation->schema, relation->name))
                judge_trigger(&j, &cache->triggers[k]);
    }
    arena_free(arena);
}

/* False when the table has no such column; meanwhile says what happens until it has. */
static bool judge_column(struct judging *j, const struct trigger *trigger, const char *column,
                         const char *meanwhile)
{
    if (plan_column(j->relation, column) != PLAN_NO_COLUMN)
        return true;
    const char *nearest = str_nearest(column, j->names);
    complain(j->complaints, SEVERITY_WARNING, trigger->file, trigger->line,
             "table %s has no column %s%s%s%s; until it has, %s", j->table, column,
             nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
             meanwhile);
    return false;
}

/* True when an old image of a row gives keys. */
static bool takes_old(const struct trigger *trigger)
{
    return trigger->images & 1U << IMAGE_OLD &&
           trigger->ops & (1U << CHANGE_UPDATE | 1U << CHANGE_DELETE);
}

/* What takes the column: a key, a lookup. */
static void judge_identity(struct judging *j, const struct trigger *trigger, const char *what,
                           const char *text, const char *column)
{
    if (!takes_old(trigger) || j->relation->columns[plan_column(j->relation, column)].in_identity)
        return;
    complain(j->complaints, j->weak_is_error ? SEVERITY_ERROR : SEVERITY_WARNING, trigger->file,
             trigger->line,
             "%s %s takes column %s, whose old value the replica identity of %s does not "
             "send: an UPDATE that moves a row, or a DELETE, would leave the old key; "
             "ALTER TABLE %s REPLICA IDENTITY FULL; (or a unique index that holds the column as "
             "identity, rows = \"new\" where the column never changes, or "
             "source.weak_identity = \"clear\" in cdcd.cfg)",
             what, text, column, j->table, j->table);
}

static const char *until_then(const struct trigger *trigger)
{
    return trigger->cache->all ? "each change clears the cache's all" : "the rule sleeps";
}

static void judge_query(struct judging *j, const struct trigger *trigger)
{
    const struct query *query = trigger->query;
    for (unsigned i = 0; query && i < query->lookup.n_params; i++)
        if (judge_column(j, trigger, query->columns[i], until_then(trigger)))
            judge_identity(j, trigger, "the lookup of", trigger->cache->name, query->columns[i]);
}

static void judge_trigger(struct judging *j, const struct trigger *trigger)
{
    const struct cache *cache = trigger->cache;
    for (unsigned i = 0; i < trigger->n_columns; i++)
        judge_column(j, trigger, trigger->columns[i], "every UPDATE counts");
    if (trigger->clears_all)
        return;
    for (unsigned i = 0; i < cache->n_keys; i++)
        judge_key(j, trigger, &cache->keys[i]);
    judge_query(j, trigger);
}

/* A lookup's rows may give what the table has not, and what they give need not be sent. */
static bool from_lookup(const struct judging *j, const struct trigger *trigger, unsigned param)
{
    const struct query *query = trigger->query;
    const char *name = trigger->cache->params.names[param];
    if (!query || trigger->sources[param].bound)
        return false;
    return query->gives ? query_gives(query, name)
                        : plan_column(j->relation, name) == PLAN_NO_COLUMN;
}

static void judge_key(struct judging *j, const struct trigger *trigger, const struct key *key)
{
    for (unsigned i = 0; i < key->template.n_params; i++) {
        unsigned param = key->template.params[i];
        const char *column = trigger->sources[param].column;
        if (!column || from_lookup(j, trigger, param))
            continue;
        if (judge_column(j, trigger, column, until_then(trigger)))
            judge_identity(j, trigger, "key", key->shown, column);
    }
}
