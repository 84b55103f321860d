#include "verb/testrun.h"

#include "base/mem.h"
#include "base/str.h"
#include "verb/asked.h"
#include "verb/opline.h"
#include "verb/table.h"

#include <string.h>

/* An op that came. */
struct came {
    const char *text;
    struct origin origin;
    uint16_t cache, store;
    uint8_t stage;
    struct came *next;
};

struct running {
    const struct test_file *file;
    struct arena *arena;
    const struct test *test;
    struct table table;
    struct came *first, **end;
    struct asked_list asked;
    struct complaints trouble; /* each once */
    struct test_result result;
};

static void on_trouble(void *ctx, const char *file, int line, const char *text);
static void note_trouble(struct running *r);
static void run_change(struct running *r, uint64_t number);
static void answer_all(struct running *r);
static void compare(struct running *r);
static void note_idle(struct running *r);

struct test_result testrun(const struct test_file *file, const struct test *test, uint64_t number)
{
    struct running r = {.file = file, .arena = file->arena, .test = test};
    r.result.test = test;
    r.end = &r.first;
    table_find(&r.table, r.arena, file->ruleset, test->table);
    ruleset_tell(file->ruleset, on_trouble, &r);
    run_change(&r, number);
    answer_all(&r);
    ruleset_tell(file->ruleset, NULL, NULL);
    note_trouble(&r);
    compare(&r);
    note_idle(&r);
    return r.result;
}

/* The array with room for one element more. */
static void *grow(struct running *r, void *array, unsigned n, size_t size)
{
    if ((n & (n - 1)) != 0) /* full at each power of two */
        return array;
    void *more = arena_alloc(r->arena, (n ? 2 * (size_t)n : 1) * size);
    if (n)
        memcpy(more, array, n * size);
    return more;
}

static void find(struct running *r, struct test_finding finding)
{
    struct test_result *result = &r->result;
    result->findings = grow(r, result->findings, result->n_findings, sizeof finding);
    result->findings[result->n_findings++] = finding;
}

static void note(struct running *r, const char *text)
{
    struct test_result *result = &r->result;
    result->notes = grow(r, result->notes, result->n_notes, sizeof text);
    result->notes[result->n_notes++] = text;
}

static void find_wrong(struct running *r, int line, const char *text)
{
    find(r, (struct test_finding){'?', text, r->file->path, line, NULL});
}

/* True when the test is about the cache. */
static bool looked_at(const struct test *test, const char *cache)
{
    for (unsigned i = 0; i < test->only.n; i++)
        if (strcmp(test->only.list[i], cache) == 0)
            return true;
    return test->only.n == 0;
}

/* The first from there on that has the text. */
static const struct came *find_came(const struct came *came, const char *text)
{
    while (came && strcmp(came->text, text) != 0)
        came = came->next;
    return came;
}

static bool came_before(const struct running *r, const char *text, uint16_t cache)
{
    const struct came *came = find_came(r->first, text);
    while (came && came->cache != cache)
        came = find_came(came->next, text);
    return came != NULL;
}

static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct running *r = ctx;
    struct buf line = {0};
    if (!looked_at(r->test, origin->cache))
        return;
    opline_put(&line, r->file->ruleset, op);
    if (!came_before(r, buf_str(&line), op->cache)) {
        struct came *came = arena_alloc(r->arena, sizeof *came);
        *came = (struct came){
            arena_strdup(r->arena, buf_str(&line)), *origin, op->cache, op->store, op->stage, NULL};
        *r->end = came;
        r->end = &came->next;
    }
    buf_free(&line);
}

static void on_question(void *ctx, const struct question *question, const struct origin *origin)
{
    struct running *r = ctx;
    if (looked_at(r->test, origin->cache))
        asked_add(&r->asked, r->arena, question, origin);
}

/* What fails counts as true, which hides what it does. */
static void on_trouble(void *ctx, const char *file, int line, const char *text)
{
    struct running *r = ctx;
    complain(&r->trouble, SEVERITY_WARNING, file, line, "%s", text);
}

static void note_trouble(struct running *r)
{
    for (unsigned i = 0; i < r->trouble.n; i++) {
        const struct complaint *one = &r->trouble.list[i];
        note(r, arena_printf(r->arena, "%s:%d: %s", one->file, one->line, one->text));
    }
    complaints_free(&r->trouble);
    if (!r->table.known)
        note(r, arena_printf(r->arena, "no trigger names table %s.%s%s", r->table.schema,
                             r->table.name, table_suggestion(&r->table, r->file->ruleset)));
}

/* A misspelt column is NULL to the rules, and a test of nothing passes. */
static void note_columns(struct running *r)
{
    const struct table *table = &r->table;
    const char *const *missing = table_missing(table);
    for (unsigned i = 0; i < table->n_columns; i++) {
        const char *meant = table_meant(&table->columns[i], missing);
        if (meant)
            note(r, arena_printf(r->arena, "no rule reads %s; did you mean %s?",
                                 table->columns[i].name, meant));
    }
}

static void run_change(struct running *r, uint64_t number)
{
    static const struct rule_sink sink = {.op = on_op, .ask = on_question};
    static const struct row nothing;
    const struct test *test = r->test;
    table_add_row(&r->table, &test->old_row);
    table_add_row(&r->table, &test->new_row);
    table_add_read(&r->table, r->file->ruleset);
    if (r->table.known && test->op != CHANGE_TRUNCATE)
        note_columns(r);
    struct relation relation = table_relation(&r->table, number);
    struct change change = {.op = test->op, .relation = &relation};
    if (test->op == CHANGE_UPDATE || test->op == CHANGE_DELETE)
        change.old_row = table_values(&r->table, &test->old_row, &nothing);
    if (test->op == CHANGE_INSERT || test->op == CHANGE_UPDATE)
        change.new_row = table_values(&r->table, &test->new_row, &test->old_row);
    ruleset_change(r->file->ruleset, &change, &sink, r);
}

/* The nth answer of a cache, for its nth question; one alone is for all of them. NULL when there
 * is none. */
static const struct test_answer *find_answer(const struct test *test, const char *cache,
                                             unsigned nth)
{
    const struct test_answer *only = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < test->n_answers; i++) {
        if (strcmp(test->answers[i].cache, cache) != 0)
            continue;
        only = &test->answers[i];
        if (n++ == nth)
            return only;
    }
    return n == 1 ? only : NULL;
}

/* How many questions of its cache came before. */
static unsigned place_of(const struct running *r, const struct asked *asked)
{
    unsigned n = 0;
    for (const struct asked *one = r->asked.first; one != asked; one = one->next)
        n += strcmp(one->origin.cache, asked->origin.cache) == 0;
    return n;
}

static void answer_one(struct running *r, const struct asked *asked, bool *used)
{
    unsigned nth = place_of(r, asked);
    const char *cache = asked->origin.cache;
    const struct test_answer *found = find_answer(r->test, cache, nth);
    if (!found) {
        find_wrong(r, r->test->line,
                   arena_printf(r->arena,
                                "%s asks PostgreSQL (%s:%d), and the test does not say what it "
                                "answers to question %u; add lookups = ( { cache = \"%s\"; rows = "
                                "( ... ); } );",
                                cache, asked->origin.file, asked->origin.line, nth + 1, cache));
        return;
    }
    struct answer answer = found->answer;
    used[found - r->test->answers] = true;
    if (answer.n_rows > asked->lookup->limit) {
        answer.too_many = true;
        answer.rows = NULL;
        answer.n_rows = 0;
    }
    ruleset_answer(r->file->ruleset, asked->context, asked->context_len, &answer, on_op, r);
}

static void answer_all(struct running *r)
{
    bool *used = arena_alloc(r->arena, r->test->n_answers + 1);
    for (const struct asked *asked = r->asked.first; asked; asked = asked->next)
        answer_one(r, asked, used);
    for (unsigned i = 0; i < r->test->n_answers; i++)
        if (!used[i])
            find_wrong(r, r->test->answers[i].line,
                       arena_printf(r->arena,
                                    "nobody asks for this answer of %s: its lookup does not run "
                                    "for this change; take the answer out, or mend the change",
                                    r->test->answers[i].cache));
}

static bool has_line(const struct test_lines *lines, const char *text)
{
    for (unsigned i = 0; i < lines->n; i++)
        if (strcmp(lines->list[i].text, text) == 0)
            return true;
    return false;
}

/* An op with that text which has to leave after the other. */
static const struct came *find_later(const struct running *r, const char *text,
                                     const struct came *other)
{
    const struct came *came = find_came(r->first, text);
    while (came && (came->cache != other->cache || came->store != other->store ||
                    came->stage <= other->stage))
        came = find_came(came->next, text);
    return came;
}

/* Complains when one of the lines before has an op that leaves after this one. */
static void compare_place(struct running *r, unsigned line, const struct came *came)
{
    const struct test_lines *expect = &r->test->expect;
    for (unsigned i = 0; i < line; i++) {
        if (!find_later(r, expect->list[i].text, came))
            continue;
        find_wrong(r, expect->list[line].line,
                   arena_printf(r->arena,
                                "\"%s\" goes before \"%s\": the keys of %s are cleared in "
                                "the order in which the rule has them",
                                came->text, expect->list[i].text, came->origin.cache));
        return;
    }
}

/* Keys of a cache leave in the order in which the cache has them; nothing else has an order. */
static void compare_order(struct running *r)
{
    const struct test_lines *expect = &r->test->expect;
    for (unsigned i = 1; i < expect->n; i++) {
        const char *text = expect->list[i].text;
        for (const struct came *came = find_came(r->first, text); came;
             came = find_came(came->next, text))
            compare_place(r, i, came);
    }
}

static void compare(struct running *r)
{
    const struct test *test = r->test;
    for (unsigned i = 0; i < test->expect.n; i++) {
        const struct test_line *line = &test->expect.list[i];
        if (!find_came(r->first, line->text))
            find(r, (struct test_finding){'-', line->text, r->file->path, line->line, NULL});
    }
    for (const struct came *came = r->first; came; came = came->next) {
        struct test_finding finding = {'+', came->text, came->origin.file, came->origin.line,
                                       came->origin.image};
        if (has_line(&test->absent, came->text))
            finding.sign = '!';
        else if (!test->expect.given || has_line(&test->expect, came->text))
            continue;
        find(r, finding);
    }
    if (r->result.n_findings == 0)
        compare_order(r);
}

/* A line of `absent`, and whether some rule can give it at all. */
struct possible {
    const struct running *r;
    const char *store;
    int action;
    bool found;
};

static void on_clearer(void *ctx, const struct rule_clearer *clearer)
{
    struct possible *p = ctx;
    const char *store = ruleset_store_name(p->r->file->ruleset, clearer->op->store);
    p->found |= clearer->op->action == p->action && strcmp(store, p->store) == 0;
}

/* What is absent whatever happens proves nothing: the key is misspelt, or its rule is gone. */
static void note_idle(struct running *r)
{
    const struct test_lines *absent = &r->test->absent;
    for (unsigned i = 0; i < absent->n; i++) {
        const char *text = absent->list[i].text;
        const char *action = strchr(text, ' ') + 1, *key = strchr(action, ' ') + 1;
        struct possible p = {.r = r};
        p.store = arena_strndup(r->arena, text, (size_t)(action - text) - 1);
        p.action = opline_action(action, (size_t)(key - action) - 1);
        /* Nor is every message on a channel a key of its own, and \xNN may be one byte or four. */
        if (p.action == OP_PUBLISH || strstr(key, "\\x"))
            continue;
        ruleset_find(r->file->ruleset, key, strlen(key), on_clearer, &p);
        if (!p.found)
            note(r, arena_printf(r->arena, "no rule ever gives \"%s\"", text));
    }
}
