/* What rules want of a table, against what the table is. */
#include "base/mem.h"
#include "base/reserved.h"
#include "base/str.h"
#include "model/identity.h"
#include "rule/ruleset.h"

#include <string.h>

/* Of the columns of one setting, so many are named. */
#define SHOWN_COLUMNS_MAX 8

struct judging {
    const struct ruleset *ruleset;
    const struct relation *relation;
    bool weak_is_error;
    struct complaints *complaints;
    char *table;        /* as SQL writes it */
    const char **names; /* of its columns, NULL-terminated */
    struct arena *arena;
    bool *needed;       /* columns whose old values are wanted, by their place */
    bool gathers;       /* those, and complains to nobody */
    const char *remedy; /* the SQL after which they are sent; NULL: not looked for yet */
};

static void judge_trigger(struct judging *j, const struct trigger *trigger);
static void advise_trigger(struct judging *j, const struct trigger *trigger);
static void judge_keys(struct judging *j, const struct trigger *trigger);
static bool judge_expression(struct judging *j, const struct trigger *trigger,
                             const struct expression *expression, enum expression_want want,
                             const char *setting, int line, const char *meanwhile);

static void put_identifier(struct buf *to, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (strspn(name, plain) == strlen(name) && !strchr("0123456789", *name) &&
        !reserved_word(name)) {
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

static void run(struct judging *j, void (*judge)(struct judging *j, const struct trigger *trigger))
{
    const struct relation *relation = j->relation;
    for (unsigned i = 0; i < j->ruleset->n_caches; i++) {
        const struct cache *cache = j->ruleset->caches[i];
        for (unsigned k = 0; k < cache->n_triggers; k++)
            if (trigger_is_about(&cache->triggers[k], relation->schema, relation->name))
                judge(j, &cache->triggers[k]);
    }
}

static void each_trigger(const struct ruleset *ruleset, const struct relation *relation,
                         bool weak_is_error, struct complaints *complaints,
                         void (*judge)(struct judging *j, const struct trigger *trigger))
{
    struct arena *arena = arena_make();
    const char **names = arena_alloc(arena, (relation->n_columns + 1) * sizeof *names);
    for (unsigned i = 0; i < relation->n_columns; i++)
        names[i] = relation->columns[i].name;
    struct judging j = {.ruleset = ruleset,
                        .relation = relation,
                        .weak_is_error = weak_is_error,
                        .complaints = complaints,
                        .table = table_in_sql(arena, relation),
                        .names = names,
                        .arena = arena};
    j.needed = arena_alloc(arena, relation->n_columns * sizeof *j.needed);
    run(&j, judge);
    arena_free(arena);
}

void ruleset_judge(const struct ruleset *ruleset, const struct relation *relation,
                   bool weak_is_error, struct complaints *complaints)
{
    each_trigger(ruleset, relation, weak_is_error, complaints, judge_trigger);
}

static bool is_left_out(const struct relation *relation, const char *column)
{
    unsigned i = 0;
    while (i < relation->left_out.n && strcmp(relation->left_out.names[i], column) != 0)
        i++;
    return i < relation->left_out.n;
}

/* The table has it, and the source does not give it. A table that nobody named must not keep the
 * others from being looked after. */
static void complain_left_out(struct judging *j, const struct trigger *trigger, const char *column,
                              const char *meanwhile)
{
    const struct left_out *left_out = &j->relation->left_out;
    bool missed = j->relation->updates_of_these;
    bool named = !trigger->schema_pattern && !trigger->table_pattern;
    complain(j->complaints, missed && named ? SEVERITY_ERROR : SEVERITY_WARNING, trigger->file,
             trigger->line, "column %s of table %s is not %s; until it is, %s%s; %s", column,
             j->table, left_out->where, meanwhile,
             missed ? ", and an UPDATE of it alone is missed" : "", left_out->remedy);
}

/* False when the source gives no such column; meanwhile says what happens until it has, and remedy,
 * which may be empty, what else can be done. */
static bool judge_named(struct judging *j, const struct trigger *trigger, const char *column,
                        const char *meanwhile, const char *remedy)
{
    if (plan_column(j->relation, column) != PLAN_NO_COLUMN)
        return true;
    if (is_left_out(j->relation, column)) {
        complain_left_out(j, trigger, column, meanwhile);
        return false;
    }
    const char *nearest = str_nearest(column, j->names);
    complain(j->complaints, SEVERITY_WARNING, trigger->file, trigger->line,
             "table %s has no column %s%s%s%s; until it has, %s%s", j->table, column,
             nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
             meanwhile, remedy);
    return false;
}

static bool judge_column(struct judging *j, const struct trigger *trigger, const char *column,
                         const char *meanwhile)
{
    return judge_named(j, trigger, column, meanwhile, "");
}

#define OLD_OPS (1U << CHANGE_UPDATE | 1U << CHANGE_DELETE)

/* Asked of each column whose old value is wanted, so that those are known. */
static bool is_sent(const struct judging *j, const char *column)
{
    int place = plan_column(j->relation, column);
    if (place == PLAN_NO_COLUMN)
        return true;
    j->needed[place] = true;
    return j->gathers || j->relation->columns[place].in_identity;
}

static bool gather(const struct judging *j, bool conditions, struct buf *sql)
{
    struct complaints unsaid = {0};
    struct judging all = *j;
    all.gathers = true;
    all.complaints = &unsaid;
    all.needed = arena_alloc(j->arena, j->relation->n_columns * sizeof *all.needed);
    run(&all, judge_trigger);
    if (conditions)
        run(&all, advise_trigger);
    complaints_free(&unsaid);
    return identity_remedy(j->relation, j->table, all.needed, sql);
}

/* One remedy for all that rules want of the table, as it has but one identity: with what conditions
 * want, unless that takes the whole row, which keys alone may not. */
static const char *find_remedy(struct judging *j, bool conditions)
{
    struct buf wide = {0}, narrow = {0};
    if (j->remedy)
        return j->remedy;
    bool all = gather(j, true, &wide) || conditions || !gather(j, false, &narrow);
    j->remedy = arena_strdup(j->arena, buf_str(all ? &wide : &narrow));
    buf_free(&wide);
    buf_free(&narrow);
    return j->remedy;
}

/* What takes the column's old value: a key, a lookup. */
static void judge_identity(struct judging *j, const struct trigger *trigger, const char *what,
                           const char *text, const char *column)
{
    const char *result = j->weak_is_error || !trigger->cache->all ? "would leave the old key"
                                                                  : "clears the cache's all";
    if (is_sent(j, column))
        return;
    complain(j->complaints, j->weak_is_error ? SEVERITY_ERROR : SEVERITY_WARNING, trigger->file,
             trigger->line,
             "%s %s takes column %s, whose old value the replica identity of %s does not "
             "send: an UPDATE that moves a row, or a DELETE, %s; "
             "%s; (or rows = \"new\" where the column never changes, or "
             "source.weak_identity = \"clear\" in cdcd.cfg)",
             what, text, column, j->table, result, find_remedy(j, false));
}

static const char *until_then(const struct trigger *trigger)
{
    return trigger->cache->all ? "each change clears the cache's all" : "the rule sleeps";
}

/* What to do about a parameter of a key that no column is named like, and nothing binds. */
static const char *bind_it(const struct judging *j, const struct trigger *trigger, const char *name)
{
    const char *nearest = str_nearest(name, j->names);
    const char *value = trigger->schema_pattern ? "table_schema()" : nearest ? nearest : *j->names;
    if (!value)
        return "";
    return arena_printf(j->arena, "; or bind it, as in bind = { %s = \"%s\"; }", name, value);
}

/* What to do about a lookup that takes what bind names, which is for keys alone. */
static const char *write_column(const struct judging *j, const struct trigger *trigger,
                                const char *name)
{
    const struct template_params *params = &trigger->cache->params;
    for (unsigned i = 0; i < params->n; i++) {
        const struct param_source *source = &trigger->sources[i];
        if (!source->bound || strcmp(params->names[i], name) != 0)
            continue;
        return source->column
                   ? arena_printf(j->arena,
                                  "; a lookup takes columns, not what bind names: write {%s}",
                                  source->column)
                   : "; a lookup takes columns, not what bind names: write the expression "
                     "in the query, over {column}";
    }
    return "";
}

static void judge_query(struct judging *j, const struct trigger *trigger)
{
    const struct query *query = trigger->query;
    for (unsigned i = 0; query && i < query->lookup.n_params; i++) {
        const char *column = query->columns[i];
        const char *remedy = write_column(j, trigger, column);
        if (judge_named(j, trigger, column, until_then(trigger), remedy) &&
            trigger_takes_old(trigger))
            judge_identity(j, trigger, "the lookup of", trigger->cache->name, column);
    }
}

/* What the trigger counts and the source does not give cannot be noticed later on. */
static void judge_updates(struct judging *j, const struct trigger *trigger)
{
    const struct relation *relation = j->relation;
    if (!relation->updates_of_these || trigger->n_columns || !(trigger->ops & 1U << CHANGE_UPDATE))
        return;
    complain(j->complaints, SEVERITY_ERROR, trigger->file, trigger->line,
             "cache %s counts every UPDATE of %s, of which those that change no watched column "
             "would be missed; %s%sname in columns what the cache is made of",
             trigger->cache->name, j->table, relation->updates_sql ? relation->updates_sql : "",
             relation->updates_sql ? ", or " : "");
}

static void judge_trigger(struct judging *j, const struct trigger *trigger)
{
    judge_updates(j, trigger);
    for (unsigned i = 0; i < trigger->n_columns; i++)
        judge_column(j, trigger, trigger->columns[i], "every UPDATE counts");
    if (trigger->when)
        judge_expression(j, trigger, trigger->when, EXPRESSION_CONDITION, "when",
                         trigger->when_line, "it counts as true");
    if (!trigger->clears_all)
        judge_keys(j, trigger);
    judge_query(j, trigger);
}

/* A column that an expression reads. */
struct reading {
    struct judging *j;
    const struct trigger *trigger;
    const char *meanwhile;
    const char *what, *text; /* of the key that needs it */
    int line;
    bool missing;
};

static void found_missing(void *ctx, const char *column, enum expression_row row)
{
    struct reading *r = ctx;
    (void)row;
    r->missing |= !judge_column(r->j, r->trigger, column, r->meanwhile);
}

static void found_old(void *ctx, const char *column, enum expression_row row)
{
    struct reading *r = ctx;
    bool old = row == EXPRESSION_OLD ? (r->trigger->ops & OLD_OPS) != 0
                                     : row == EXPRESSION_THIS && trigger_takes_old(r->trigger);
    if (old)
        judge_identity(r->j, r->trigger, r->what, r->text, column);
}

/* False when it cannot be evaluated on this table. */
static bool judge_expression(struct judging *j, const struct trigger *trigger,
                             const struct expression *expression, enum expression_want want,
                             const char *setting, int line, const char *meanwhile)
{
    struct reading r = {.j = j, .trigger = trigger, .meanwhile = meanwhile};
    struct err err = {0};
    expression_columns(expression, found_missing, &r);
    if (r.missing)
        return false;
    if (expression_compile(expression, j->arena, j->relation, want, &err))
        return true;
    complain(j->complaints, SEVERITY_ERROR, trigger->file, line,
             "%s does not fit table %s: %s; until it does, %s", setting, j->table, err.text,
             meanwhile);
    return false;
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

/* A key that takes the whole row takes every column; one that is not sent stands for all. */
static void judge_row(struct judging *j, const struct trigger *trigger, const char *what,
                      const char *text)
{
    const char *unsent = NULL;
    for (unsigned i = j->relation->n_columns; i-- > 0;)
        if (!is_sent(j, j->relation->columns[i].name))
            unsent = j->relation->columns[i].name;
    if (unsent)
        judge_identity(j, trigger, what, text, unsent);
}

static void judge_param(struct judging *j, const struct trigger *trigger, unsigned param,
                        const char *what, const char *text)
{
    const struct param_source *source = &trigger->sources[param];
    struct reading r = {.j = j, .trigger = trigger, .what = what, .text = text};
    if (trigger->cache->params.is_row[param] && trigger_takes_old(trigger))
        judge_row(j, trigger, what, text);
    if (from_lookup(j, trigger, param))
        return;
    if (source->column) {
        const char *remedy = source->bound ? "" : bind_it(j, trigger, source->column);
        if (judge_named(j, trigger, source->column, until_then(trigger), remedy) &&
            trigger_takes_old(trigger))
            judge_identity(j, trigger, what, text, source->column);
        return;
    }
    if (source->expression &&
        judge_expression(j, trigger, source->expression, EXPRESSION_TEXT,
                         trigger->cache->params.names[param], source->line, until_then(trigger)))
        expression_columns(source->expression, found_old, &r);
}

static void judge_template(struct judging *j, const struct trigger *trigger,
                           const struct template *template, const char *what, const char *text)
{
    for (unsigned i = 0; i < template->n_params; i++)
        judge_param(j, trigger, template->params[i], what, text);
}

static void judge_keys(struct judging *j, const struct trigger *trigger)
{
    const struct cache *cache = trigger->cache;
    const struct action *action = trigger->action;
    for (unsigned i = 0; i < cache->n_keys; i++) {
        const struct key *key = &cache->keys[i];
        /* Those of one `each` need the same columns. */
        if (i > 0 && key->stage == key[-1].stage)
            continue;
        judge_template(j, trigger, &key->template, "key", key->shown);
        if (action->op == OP_PUBLISH)
            judge_template(j, trigger, &action->values[i], "message", action->values[i].source);
    }
}

/* Columns of one setting whose old values are wanted and not sent. */
struct unsent {
    struct judging *j;
    const struct trigger *trigger;
    bool *noted; /* by the column's place */
    struct buf names;
    unsigned n;
};

static struct unsent unsent_make(struct judging *j, const struct trigger *trigger)
{
    bool *noted = arena_alloc(j->arena, j->relation->n_columns * sizeof *noted);
    return (struct unsent){.j = j, .trigger = trigger, .noted = noted};
}

static void note_unsent(struct unsent *unsent, const char *column)
{
    int place = plan_column(unsent->j->relation, column);
    if (is_sent(unsent->j, column) || unsent->noted[place])
        return;
    unsent->noted[place] = true;
    if (unsent->n++ < SHOWN_COLUMNS_MAX)
        buf_printf(&unsent->names, "%s%s", unsent->n > 1 ? ", " : "", column);
}

/* Their names for one complaint, whose remedy must not be cut off; NULL when there is none to make.
 */
static const char *unsent_names(struct unsent *unsent)
{
    const struct judging *j = unsent->j;
    if (unsent->n > SHOWN_COLUMNS_MAX)
        buf_printf(&unsent->names, " and %u more", unsent->n - SHOWN_COLUMNS_MAX);
    bool some = unsent->n && !j->gathers;
    const char *names = some ? arena_strdup(j->arena, buf_str(&unsent->names)) : NULL;
    buf_free(&unsent->names);
    return names;
}

static void found_in_when(void *ctx, const char *column, enum expression_row row)
{
    struct unsent *unsent = ctx;
    const struct trigger *trigger = unsent->trigger;
    if (row == EXPRESSION_OLD ? (trigger->ops & OLD_OPS) != 0
                              : row == EXPRESSION_THIS && trigger_takes_old(trigger))
        note_unsent(unsent, column);
}

static void advise_when(struct judging *j, const struct trigger *trigger)
{
    struct unsent unsent = unsent_make(j, trigger);
    if (trigger->when)
        expression_columns(trigger->when, found_in_when, &unsent);
    const char *names = unsent_names(&unsent);
    if (names)
        complain(j->complaints, SEVERITY_WARNING, trigger->file, trigger->when_line,
                 "when reads the old value%s of %s, which the replica identity of %s does not "
                 "send: it counts as true for every UPDATE and DELETE; %s",
                 unsent.n > 1 ? "s" : "", names, j->table, find_remedy(j, true));
}

/* True when an UPDATE gives keys of its new image. */
static bool takes_new(const struct trigger *trigger)
{
    return trigger->images & 1U << IMAGE_NEW && trigger->ops & 1U << CHANGE_UPDATE;
}

static const char *large_result(const struct trigger *trigger)
{
    return trigger->cache->all ? "clears the cache's all" : "leaves the key, for there is no all";
}

/* Of a column whose old value is wanted but not sent, more was said. */
static void advise_large(struct judging *j, const struct trigger *trigger, int line,
                         const char *what, const char *column, const char *result)
{
    int place = plan_column(j->relation, column);
    const struct relation *relation = j->relation;
    if (j->gathers || place == PLAN_NO_COLUMN || !relation->large || !relation->large[place] ||
        relation->columns[place].in_identity)
        return;
    complain(j->complaints, SEVERITY_WARNING, trigger->file, line,
             "%s takes column %s of %s, whose values may be stored out of line: an UPDATE that "
             "leaves one as it was does not send it, and %s; ALTER TABLE %s REPLICA IDENTITY FULL "
             "(the old row has it then), or take another column",
             what, column, j->table, result, j->table);
}

static void found_large(void *ctx, const char *column, enum expression_row row)
{
    struct reading *r = ctx;
    bool new = row == EXPRESSION_NEW ? (r->trigger->ops & 1U << CHANGE_UPDATE) != 0
                                     : row == EXPRESSION_THIS &&takes_new(r->trigger) &&
                                           !trigger_takes_old(r->trigger);
    if (new)
        advise_large(r->j, r->trigger, r->line, r->what, column, r->meanwhile);
}

static void advise_param(struct judging *j, const struct trigger *trigger, unsigned param)
{
    const struct param_source *source = &trigger->sources[param];
    const struct relation *relation = j->relation;
    const char *what = arena_printf(j->arena, "parameter %s of the key of %s",
                                    trigger->cache->params.names[param], trigger->cache->name);
    struct reading r = {.j = j, .trigger = trigger, .what = what, .line = source->line};
    bool alone = takes_new(trigger) && !trigger_takes_old(trigger);
    r.meanwhile = large_result(trigger);
    if (from_lookup(j, trigger, param))
        return;
    for (unsigned i = 0; trigger->cache->params.is_row[param] && alone && i < relation->n_columns;
         i++)
        advise_large(j, trigger, r.line, what, relation->columns[i].name, r.meanwhile);
    if (source->column && alone)
        advise_large(j, trigger, r.line, what, source->column, r.meanwhile);
    if (source->expression)
        expression_columns(source->expression, found_large, &r);
}

/* What an UPDATE's new row may leave out. */
static void advise_new(struct judging *j, const struct trigger *trigger)
{
    const struct query *query = trigger->query;
    bool alone = takes_new(trigger) && !trigger_takes_old(trigger);
    struct reading r = {.j = j, .trigger = trigger, .what = "when", .line = trigger->when_line};
    r.meanwhile = "when counts as true";
    if (trigger->when)
        expression_columns(trigger->when, found_large, &r);
    for (unsigned i = 0; i < trigger->cache->params.n && !trigger->clears_all; i++)
        if (trigger->cache->key_params & 1U << i)
            advise_param(j, trigger, i);
    for (unsigned i = 0; query && alone && i < query->lookup.n_params; i++)
        advise_large(j, trigger, query->lookup.line, "the lookup", query->columns[i],
                     large_result(trigger));
}

static void advise_columns(struct judging *j, const struct trigger *trigger)
{
    struct unsent unsent = unsent_make(j, trigger);
    for (unsigned i = 0; i < trigger->n_columns && trigger->ops & 1U << CHANGE_UPDATE; i++)
        note_unsent(&unsent, trigger->columns[i]);
    const char *names = unsent_names(&unsent);
    if (names)
        complain(j->complaints, SEVERITY_WARNING, trigger->file, trigger->line,
                 "columns compares %s with %s, which the replica identity of %s does not send: "
                 "every UPDATE counts; %s",
                 names, unsent.n > 1 ? "their old values" : "its old value", j->table,
                 find_remedy(j, true));
}

static void advise_trigger(struct judging *j, const struct trigger *trigger)
{
    advise_new(j, trigger);
    advise_columns(j, trigger);
    advise_when(j, trigger);
}

void ruleset_advise(const struct ruleset *ruleset, const struct relation *relation,
                    struct complaints *complaints)
{
    each_trigger(ruleset, relation, false, complaints, advise_trigger);
}
