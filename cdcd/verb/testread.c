#include "verb/testread.h"

#include "base/mem.h"
#include "verb/literal.h"
#include "verb/opline.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUES 1000000

struct test_settings {
    const char *name;
    struct opt_strings only;
    const struct conf *change, *lookups;
    struct opt_strings expect, absent;
};

struct change_settings {
    const char *table;
    int op;
    const struct conf *old_row, *new_row;
};

struct lookup_settings {
    const char *cache;
    const struct conf *rows;
    const char *failed;
};

#define AT(member) .offset = offsetof(struct test_settings, member)

static const struct opt test_rows[] = {
    {.name = "name",
     .type = OPT_STRING,
     AT(name),
     .required = true,
     .help = "a sentence that can be false"},
    {.name = "only",
     .type = OPT_STRINGS,
     AT(only),
     .help = "the caches that are looked at; left out: every cache"},
    {.name = "change", .type = OPT_NODE, AT(change), .required = true, .help = "of one row"},
    {.name = "lookups", .type = OPT_NODE, AT(lookups), .help = "what lookups would answer"},
    {.name = "expect",
     .type = OPT_STRINGS,
     AT(expect),
     .help = "all ops that come of it, and no other; left out: only absent is looked at"},
    {.name = "absent", .type = OPT_STRINGS, AT(absent), .help = "ops that must not come of it"},
    {0}};

#undef AT
#define AT(member) .offset = offsetof(struct change_settings, member)

static const struct opt_word ops[] = {{"insert", CHANGE_INSERT, false},
                                      {"update", CHANGE_UPDATE, false},
                                      {"delete", CHANGE_DELETE, false},
                                      {"truncate", CHANGE_TRUNCATE, false},
                                      {0}};

static const struct opt change_rows[] = {
    {.name = "table",
     .type = OPT_STRING,
     AT(table),
     .required = true,
     .help = "\"table\" or \"schema.table\""},
    {.name = "op",
     .type = OPT_WORD,
     AT(op),
     .words = ops,
     .required = true,
     .help = "insert, update, delete or truncate"},
    {.name = "old", .type = OPT_NODE, AT(old_row), .help = "the row before"},
    {.name = "new", .type = OPT_NODE, AT(new_row), .help = "the row after; the rest as in old"},
    {0}};

#undef AT
#define AT(member) .offset = offsetof(struct lookup_settings, member)

static const struct opt lookup_rows[] = {
    {.name = "cache", .type = OPT_STRING, AT(cache), .required = true, .help = "whose lookup"},
    {.name = "rows", .type = OPT_NODE, AT(rows), .help = "a list of the rows that it finds"},
    {.name = "failed", .type = OPT_STRING, AT(failed), .help = "instead: why it finds none"},
    {0}};

#undef AT

struct reading {
    struct test_file *file;
    struct arena *arena;
    struct complaints *complaints;
    struct opt_reader reader;
};

static void read_test(struct reading *r, const struct conf *node);
static void check_names(struct reading *r);
static void read_change(struct reading *r, const struct conf *node, struct test *test);
static void read_answers(struct reading *r, const struct conf *node, struct test *test);
static void read_lines(struct reading *r, const struct conf *node, const struct opt_strings *texts,
                       struct test_lines *into);

static void complain_at(struct reading *r, const struct conf *node, const char *what)
{
    complain(r->complaints, SEVERITY_ERROR, node->file, node->line, "%s", what);
}

void testread_tests(struct test_file *file, const struct conf *node, struct complaints *complaints)
{
    struct reading r = {.file = file, .arena = file->arena, .complaints = complaints};
    r.reader = (struct opt_reader){.arena = file->arena, .complaints = complaints};
    if (node->type != CONF_LIST) {
        complain_at(&r, node, "tests takes a list of groups, ( { name = \"...\"; ... } )");
        return;
    }
    if (node->n_children == 0)
        complain_at(&r, node, "tests is empty; a file without tests proves nothing");
    file->tests = arena_alloc(file->arena, (node->n_children + 1) * sizeof *file->tests);
    for (unsigned i = 0; i < node->n_children; i++)
        read_test(&r, &node->children[i]);
    check_names(&r);
}

static int by_name(const void *a, const void *b)
{
    const struct test *one = *(const struct test *const *)a, *two = *(const struct test *const *)b;
    int names = strcmp(one->name, two->name);
    return names ? names : (one > two) - (one < two);
}

static void check_names(struct reading *r)
{
    unsigned n = r->file->n_tests;
    const struct test **sorted = arena_alloc(r->arena, (n + 1) * sizeof *sorted);
    for (unsigned i = 0; i < n; i++)
        sorted[i] = &r->file->tests[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    for (unsigned i = 1; i < n; i++)
        if (*sorted[i]->name && strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            complain(r->complaints, SEVERITY_ERROR, sorted[i]->file, sorted[i]->line,
                     "the test of line %d has this name too; give each its own",
                     sorted[i - 1]->line);
}

static void check_both(struct reading *r, const struct test *test)
{
    for (unsigned i = 0; i < test->absent.n; i++)
        for (unsigned j = 0; j < test->expect.n; j++)
            if (strcmp(test->absent.list[i].text, test->expect.list[j].text) == 0)
                complain(r->complaints, SEVERITY_ERROR, test->file, test->absent.list[i].line,
                         "\"%s\" is expected too, on line %d; leave one out",
                         test->absent.list[i].text, test->expect.list[j].line);
}

static void read_test(struct reading *r, const struct conf *node)
{
    struct test_settings settings = {0};
    struct test *test = &r->file->tests[r->file->n_tests++];
    *test = (struct test){.file = node->file, .line = node->line, .name = ""};
    if (node->type != CONF_GROUP) {
        complain_at(r, node, "a test is a group, { name = \"...\"; change = { ... }; ... }");
        return;
    }
    opt_read(&r->reader, test_rows, node, &settings);
    test->name = settings.name ? settings.name : "";
    test->only = settings.only;
    test->only_line = settings.only.n ? conf_member(node, "only")->line : 0;
    if (settings.only.list && settings.only.n == 0)
        complain_at(r, conf_member(node, "only"), "only is empty; leave it out for every cache");
    if (settings.name && !*settings.name)
        complain_at(r, conf_member(node, "name"), "name is empty; say what the test shows");
    if (settings.change)
        read_change(r, settings.change, test);
    if (settings.lookups)
        read_answers(r, settings.lookups, test);
    read_lines(r, conf_member(node, "expect"), &settings.expect, &test->expect);
    read_lines(r, conf_member(node, "absent"), &settings.absent, &test->absent);
    check_both(r, test);
    bool nothing =
        !conf_member(node, "expect") &&
        (!conf_member(node, "absent") || (settings.absent.list && settings.absent.n == 0));
    if (nothing)
        complain_at(r, node,
                    "the test proves nothing; write expect, all ops that come of the change, or "
                    "absent, ops that must not");
}

static void read_change(struct reading *r, const struct conf *node, struct test *test)
{
    struct change_settings settings = {0};
    if (node->type != CONF_GROUP) {
        complain_at(r, node, "change takes a group, { table = \"...\"; op = \"...\"; ... }");
        return;
    }
    if (!opt_read(&r->reader, change_rows, node, &settings))
        return;
    test->table = settings.table;
    test->op = (enum change_op)settings.op;
    if (settings.old_row && (test->op == CHANGE_INSERT || test->op == CHANGE_TRUNCATE))
        complain(r->complaints, SEVERITY_ERROR, settings.old_row->file, settings.old_row->line,
                 "%s has no old row; leave old out", change_op_name(test->op));
    else if (settings.old_row)
        literal_read_row(&test->old_row, r->arena, settings.old_row, r->complaints);
    if (settings.new_row && (test->op == CHANGE_DELETE || test->op == CHANGE_TRUNCATE))
        complain(r->complaints, SEVERITY_ERROR, settings.new_row->file, settings.new_row->line,
                 "%s has no new row; leave new out", change_op_name(test->op));
    else if (settings.new_row)
        literal_read_row(&test->new_row, r->arena, settings.new_row, r->complaints);
}

static unsigned column_number(const char **names, unsigned *n, const char *name)
{
    for (unsigned i = 0; i < *n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    names[*n] = name;
    return (*n)++;
}

/* One value of each column that some row has. */
static void fill_answer(struct reading *r, const struct conf *node, const struct row *rows,
                        struct answer *into)
{
    unsigned n = node->n_children;
    unsigned most = 0;
    for (unsigned i = 0; i < n; i++)
        most += rows[i].n;
    const char **names = arena_alloc(r->arena, (most + 1) * sizeof *names);
    uint32_t *types = arena_alloc(r->arena, (most + 1) * sizeof *types);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < rows[i].n; j++) {
            const struct cell *cell = &rows[i].cells[j];
            unsigned k = column_number(names, &into->n_columns, cell->column);
            types[k] = row_common_type(types[k], cell->type);
        }
    unsigned width = into->n_columns;
    if ((uint64_t)n * width > MAX_VALUES) {
        complain_at(r, node, "rows has more than a million values; give fewer");
        return;
    }
    struct value *values = arena_alloc(r->arena, (n * width + 1) * sizeof *values);
    for (unsigned i = 0; i < n * width; i++) {
        const struct cell *cell = row_cell(&rows[i / width], names[i % width]);
        values[i] = cell ? cell->value : (struct value){.kind = VALUE_NULL};
    }
    for (unsigned i = 0; i < width; i++)
        types[i] = types[i] ? types[i] : ROW_UNTYPED;
    into->names = names;
    into->types = types;
    into->rows = values;
    into->n_rows = n;
}

static void read_rows(struct reading *r, const struct conf *node, struct answer *into)
{
    bool good = true;
    bool empty = node->type == CONF_ARRAY && node->n_children == 0;
    if (node->type != CONF_LIST && !empty) {
        complain_at(r, node, "rows takes a list of groups, ( { id = 1; }, { id = 2; } )");
        return;
    }
    struct row *rows = arena_alloc(r->arena, (node->n_children + 1) * sizeof *rows);
    for (unsigned i = 0; i < node->n_children; i++)
        good &= literal_read_row(&rows[i], r->arena, &node->children[i], r->complaints);
    if (good)
        fill_answer(r, node, rows, into);
}

static void read_answers(struct reading *r, const struct conf *node, struct test *test)
{
    if (node->type != CONF_LIST) {
        complain_at(r, node, "lookups takes a list, ( { cache = \"...\"; rows = ( ... ); } )");
        return;
    }
    test->answers = arena_alloc(r->arena, (node->n_children + 1) * sizeof *test->answers);
    for (unsigned i = 0; i < node->n_children; i++) {
        const struct conf *child = &node->children[i];
        struct lookup_settings settings = {0};
        struct test_answer *answer = &test->answers[test->n_answers];
        if (child->type != CONF_GROUP) {
            complain_at(r, child, "an answer is a group, { cache = \"...\"; rows = ( ... ); }");
            continue;
        }
        if (!opt_read(&r->reader, lookup_rows, child, &settings))
            continue;
        if (!settings.rows == !settings.failed) {
            complain_at(r, child, "an answer has rows, or failed, the reason why it has none");
            continue;
        }
        *answer = (struct test_answer){.cache = settings.cache, .line = child->line};
        answer->answer.failed = settings.failed;
        if (settings.rows)
            read_rows(r, settings.rows, &answer->answer);
        test->n_answers++;
    }
}

/* False, and said, when the text is no `STORE ACTION KEY`. */
static bool check_line(struct reading *r, const struct conf *at, const char *text)
{
    size_t store = strcspn(text, " ");
    const char *action = text + store + (text[store] == ' ');
    size_t n = strcspn(action, " ");
    if (store == 0 || n == 0 || action[n] != ' ' || !action[n + 1]) {
        complain(r->complaints, SEVERITY_ERROR, at->file, at->line,
                 "\"%s\" is no op; write STORE ACTION KEY, with one blank between", text);
        return false;
    }
    if (opline_action(action, n) >= 0)
        return true;
    const char *words[OP_N_ACTIONS + 1];
    opline_actions(words);
    opt_unknown(r->complaints, at->file, at->line, "action", arena_strndup(r->arena, action, n),
                words);
    return false;
}

static void read_lines(struct reading *r, const struct conf *node, const struct opt_strings *texts,
                       struct test_lines *into)
{
    into->given = texts->list != NULL;
    into->list = arena_alloc(r->arena, (texts->n + 1) * sizeof *into->list);
    for (unsigned i = 0; i < texts->n; i++) {
        const struct conf *at = node->type == CONF_STRING ? node : &node->children[i];
        struct buf line = {0};
        if (!check_line(r, at, texts->list[i]))
            continue;
        opline_put_text(&line, texts->list[i], strlen(texts->list[i]));
        struct test_line one = {arena_strndup(r->arena, line.data, line.len), at->line};
        buf_free(&line);
        for (unsigned j = 0; j < into->n; j++)
            if (strcmp(into->list[j].text, one.text) == 0)
                complain(r->complaints, SEVERITY_ERROR, at->file, at->line,
                         "\"%s\" stands here twice; an op of a change is done once", one.text);
        into->list[into->n++] = one;
    }
}
