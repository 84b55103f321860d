#include "base/opt.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 64

static const struct opt *find_row(const struct opt *rows, const char *name);
static void complain_setting(const struct opt_reader *reader, const struct opt *rows,
                             const struct conf *node);
static bool put_default(const struct opt_reader *reader, const struct opt *row,
                        const struct conf *group, char *into);
static bool read_setting(const struct opt_reader *reader, const struct opt *row,
                         const struct conf *node, char *into);

bool opt_read(const struct opt_reader *reader, const struct opt *rows, const struct conf *group,
              void *into)
{
    bool good = true;
    for (const struct opt *row = rows; row->name; row++)
        if (!conf_member(group, row->name))
            good &= put_default(reader, row, group, into);
    for (unsigned i = 0; i < group->n_children; i++) {
        const struct conf *node = &group->children[i];
        const struct opt *row = find_row(rows, node->name);
        if (row && !row->unbuilt) {
            good &= read_setting(reader, row, node, into);
        } else {
            complain_setting(reader, rows, node);
            good = false;
        }
    }
    return good;
}

static const struct opt *find_row(const struct opt *rows, const char *name)
{
    for (; rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return rows;
    return NULL;
}

void opt_unknown(struct complaints *complaints, const char *file, int line, const char *what,
                 const char *word, const char *const *words)
{
    const char *nearest = str_nearest(word, words);
    if (nearest) {
        complain(complaints, SEVERITY_ERROR, file, line, "unknown %s \"%s\"; did you mean \"%s\"?",
                 what, word, nearest);
        return;
    }
    struct buf all = {0};
    for (unsigned i = 0; words[i]; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", words[i]);
    complain(complaints, SEVERITY_ERROR, file, line, "unknown %s \"%s\"; there is: %s", what, word,
             all.len ? buf_str(&all) : "none");
    buf_free(&all);
}

static void complain_setting(const struct opt_reader *reader, const struct opt *rows,
                             const struct conf *node)
{
    const char *names[MAX_WORDS + 1] = {0};
    if (find_row(rows, node->name)) {
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s is not built yet in this version; leave it out", node->name);
        return;
    }
    for (unsigned n = 0; rows[n].name && n < MAX_WORDS; n++)
        names[n] = rows[n].name;
    opt_unknown(reader->complaints, node->file, node->line, "setting", node->name, names);
}

static bool wrong_type(const struct opt_reader *reader, const struct conf *node, const char *wanted)
{
    complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
             "%s takes %s, and this is %s", node->name ? node->name : "an element", wanted,
             conf_type_name(node->type));
    return false;
}

/* The node's text with ${NAME} replaced where that is wanted; NULL when it cannot be. */
static const char *expand(const struct opt_reader *reader, const struct conf *node, bool wanted)
{
    const char *missing;
    if (!wanted || !strstr(node->text, "${"))
        return node->text;
    const char *text = str_expand(reader->arena, node->text, &missing);
    if (!text && missing)
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "the environment has no %s; set it, or write ${%s:-default}", missing, missing);
    else if (!text)
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "a ${ is not closed; write ${NAME}");
    return text;
}

static bool read_strings(const struct opt_reader *reader, const struct conf *node, bool expanded,
                         struct opt_strings *into)
{
    const struct conf *from = node->type == CONF_STRING ? node : node->children;
    unsigned n = node->type == CONF_STRING ? 1 : node->n_children;
    if (node->type != CONF_STRING && node->type != CONF_ARRAY && node->type != CONF_LIST)
        return wrong_type(reader, node, "a string or an array of strings");
    const char **list = arena_alloc(reader->arena, (n + 1) * sizeof *list);
    for (unsigned i = 0; i < n; i++) {
        if (from[i].type != CONF_STRING)
            return wrong_type(reader, node, "a string or an array of strings");
        list[i] = expand(reader, &from[i], expanded);
        if (!list[i])
            return false;
    }
    *into = (struct opt_strings){list, n};
    return true;
}

static bool bad_value(const struct opt_reader *reader, const struct conf *node, const char *wanted)
{
    if (node->type == CONF_STRING)
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s = \"%s\" is not %s", node->name, node->text, wanted);
    else
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line, "%s = %lld is not %s",
                 node->name, (long long)node->number, wanted);
    return false;
}

static bool put_number(const struct opt_reader *reader, const struct opt *row,
                       const struct conf *node, int64_t value, char *into)
{
    if (row->max && (value < row->min || value > row->max))
        return bad_value(reader, node, row->range);
    memcpy(into + row->offset, &value, sizeof value);
    return true;
}

static bool put_word(const struct opt_reader *reader, const struct opt *row,
                     const struct conf *node, const char *text, char *into)
{
    const char *words[MAX_WORDS + 1] = {0};
    for (unsigned i = 0; row->words[i].word && i < MAX_WORDS; i++) {
        const struct opt_word *word = &row->words[i];
        words[i] = word->word;
        if (strcmp(word->word, text) != 0)
            continue;
        if (!word->unbuilt) {
            memcpy(into + row->offset, &word->value, sizeof word->value);
            return true;
        }
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s = \"%s\" is not built yet in this version", node->name, text);
        return false;
    }
    opt_unknown(reader->complaints, node->file, node->line, row->name, text, words);
    return false;
}

static bool put_quantity(const struct opt_reader *reader, const struct opt *row,
                         const struct conf *node, const char *text, char *into)
{
    uint64_t bytes;
    int64_t ms;
    struct opt_range range;
    bool parsed = false;
    if (row->type == OPT_SIZE) {
        parsed = str_size(text, &bytes) && bytes <= INT64_MAX;
        if (parsed)
            return put_number(reader, row, node, (int64_t)bytes, into);
        return bad_value(reader, node, "a size, as in \"64MB\"");
    }
    if (row->type == OPT_TIME) {
        if (str_time(text, &ms))
            return put_number(reader, row, node, ms, into);
        return bad_value(reader, node, "a time, as in \"30s\" or \"5min\"");
    }
    if (!str_time_range(text, &range.from, &range.to))
        return bad_value(reader, node, "a range of times, as in \"100ms..30s\"");
    if (row->max && (range.from < row->min || range.to > row->max))
        return bad_value(reader, node, row->range);
    memcpy(into + row->offset, &range, sizeof range);
    return true;
}

/* The types that a file writes as a string. */
static bool put_text(const struct opt_reader *reader, const struct opt *row,
                     const struct conf *node, char *into)
{
    if (row->unbuilt_list && (node->type == CONF_ARRAY || node->type == CONF_LIST)) {
        complain(reader->complaints, SEVERITY_ERROR, node->file, node->line,
                 "a list in %s is not built yet in this version", node->name);
        return false;
    }
    if (node->type != CONF_STRING)
        return wrong_type(reader, node,
                          row->type == OPT_STRING || row->type == OPT_WORD
                              ? "a string"
                              : "a string with a unit (\"64MB\", \"30s\")");
    const char *text = expand(reader, node, reader->expand || row->expand);
    if (!text)
        return false;
    if (row->type == OPT_WORD)
        return put_word(reader, row, node, text, into);
    if (row->type != OPT_STRING)
        return put_quantity(reader, row, node, text, into);
    memcpy(into + row->offset, &text, sizeof text);
    return true;
}

static bool read_setting(const struct opt_reader *reader, const struct opt *row,
                         const struct conf *node, char *into)
{
    struct opt_strings strings;
    bool flag = node->number != 0;
    switch (row->type) {
    case OPT_STRINGS:
        if (!read_strings(reader, node, reader->expand || row->expand, &strings))
            return false;
        memcpy(into + row->offset, &strings, sizeof strings);
        return true;
    case OPT_BOOL:
        if (node->type != CONF_BOOL)
            return wrong_type(reader, node, "true or false");
        memcpy(into + row->offset, &flag, sizeof flag);
        return true;
    case OPT_INT:
        if (node->type != CONF_INT)
            return wrong_type(reader, node, "a whole number");
        return put_number(reader, row, node, node->number, into);
    case OPT_GROUP:
        if (node->type != CONF_GROUP)
            return wrong_type(reader, node, "a group");
        return opt_read(reader, row->rows, node, into);
    case OPT_NODE:
        memcpy(into + row->offset, &node, sizeof node);
        return true;
    case OPT_STRING:
    case OPT_SIZE:
    case OPT_TIME:
    case OPT_TIME_RANGE:
    case OPT_WORD:
        return put_text(reader, row, node, into);
    }
    return false;
}

static bool put_default(const struct opt_reader *reader, const struct opt *row,
                        const struct conf *group, char *into)
{
    if (row->required) {
        complain(reader->complaints, SEVERITY_ERROR, group->file, group->line,
                 "%s is missing; add it: %s", row->name, row->help);
        return false;
    }
    struct conf node = {.name = row->name, .file = group->file, .line = group->line};
    node.type = row->type == OPT_GROUP ? CONF_GROUP : CONF_STRING;
    if (row->type == OPT_GROUP && !row->unbuilt)
        return read_setting(reader, row, &node, into);
    if (!row->fallback)
        return true;
    node.text = row->fallback;
    if (row->type == OPT_INT || row->type == OPT_BOOL) {
        node.type = row->type == OPT_INT ? CONF_INT : CONF_BOOL;
        node.number = row->type == OPT_INT ? atoll(row->fallback) : row->fallback[0] == 't';
    }
    return read_setting(reader, row, &node, into);
}
