/* A lookup's SQL: `{column}` becomes a parameter, and what cannot be one query is refused. The
 * words of SQL are told apart as PostgreSQL's scanner does it (its manual, "Lexical Structure"), as
 * far as that is needed to know what is a literal. */
#include "rule/load.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reading {
    struct loader *loader;
    const struct conf *place;
    const char *text;
    const char *at;
    struct buf sql;
    const char *columns[RULESET_MAX_LOOKUP_PARAMS];
    unsigned n;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void fail(struct reading *r, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!r->failed)
        LOAD_ERROR(r->loader, r->place, "lookup: %s", text);
    r->failed = true;
}

static int position(const struct reading *r)
{
    return (int)(r->at - r->text) + 1;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* A brace outside of literals: a doubled one, or a parameter. */
static void read_brace(struct reading *r)
{
    if (r->at[1] == *r->at) {
        buf_put(&r->sql, r->at, 1);
        r->at += 2;
        return;
    }
    size_t n = *r->at == '{' ? strcspn(r->at + 1, "{}") : 0;
    if (*r->at == '}' || r->at[n + 1] != '}') {
        fail(r, "the %c at position %d %s; write %c%c for a brace", *r->at, position(r),
             *r->at == '}' ? "closes nothing" : "is not closed", *r->at, *r->at);
        return;
    }
    const char *name = arena_strndup(r->loader->arena, r->at + 1, n);
    for (size_t i = 0; i < n; i++)
        if (!is_word(name[i]))
            n = 0;
    if (n == 0 || isdigit((unsigned char)*name)) {
        fail(r,
             "{%s} at position %d is no column; a parameter is a column of the row that "
             "changed, as in {id}",
             name, position(r));
        return;
    }
    unsigned param = 0;
    while (param < r->n && strcmp(r->columns[param], name) != 0)
        param++;
    if (param == RULESET_MAX_LOOKUP_PARAMS) {
        fail(r, "there are more than %d parameters; use fewer columns", RULESET_MAX_LOOKUP_PARAMS);
        return;
    }
    if (param == r->n)
        r->columns[r->n++] = name;
    buf_printf(&r->sql, "$%u", param + 1);
    r->at += strlen(name) + 2;
}

/* Copies a literal or a comment whose end is known; braces in it are text, and so are doubled. */
static void copy_opaque(struct reading *r, const char *end, const char *what)
{
    while (r->at < end && !r->failed) {
        bool brace = *r->at == '{' || *r->at == '}';
        if (brace && r->at[1] != *r->at)
            fail(r,
                 "the %c at position %d stands in %s, where no parameter can be; write the "
                 "parameter by itself, or %c%c for a brace",
                 *r->at, position(r), what, *r->at, *r->at);
        buf_put(&r->sql, r->at, 1);
        r->at += brace ? 2 : 1;
    }
}

static void read_quoted(struct reading *r, char quote, bool escapes)
{
    const char *end = r->at + 1;
    while (*end && (*end != quote || end[1] == quote)) {
        bool pair = *end == quote || (escapes && *end == '\\' && end[1]);
        end += pair ? 2 : 1;
    }
    if (!*end)
        fail(r, "the %c at position %d is not closed; close it", quote, position(r));
    else
        copy_opaque(r, end + 1, quote == '"' ? "a quoted name" : "a literal");
}

/* $$text$$ or $tag$text$tag$; false when it is neither. */
static bool read_dollar(struct reading *r)
{
    size_t n = 1;
    if (!isdigit((unsigned char)r->at[1]))
        while (is_word(r->at[n]) && r->at[n] != '$')
            n++;
    if (r->at[n] != '$')
        return false;
    char *tag = arena_strndup(r->loader->arena, r->at, n + 1);
    const char *end = strstr(r->at + n + 1, tag);
    if (!end)
        fail(r, "the %s at position %d is not closed; close it", tag, position(r));
    else
        copy_opaque(r, end + n + 1, "a literal");
    return true;
}

static void read_comment(struct reading *r)
{
    const char *end = r->at;
    unsigned depth = 0;
    if (*end == '-') {
        end += strcspn(end, "\n");
        copy_opaque(r, end, "a comment");
        return;
    }
    do {
        bool opens = end[0] == '/' && end[1] == '*', closes = end[0] == '*' && end[1] == '/';
        depth += opens;
        depth -= closes;
        end += opens || closes ? 2 : 1;
    } while (*end && depth);
    if (depth)
        fail(r, "the comment at position %d is not closed; close it with */", position(r));
    else
        copy_opaque(r, end, "a comment");
}

static void read_word(struct reading *r)
{
    size_t n = 0;
    while (is_word(r->at[n]))
        n++;
    bool escapes = n == 1 && tolower((unsigned char)*r->at) == 'e' && r->at[1] == '\'';
    buf_put(&r->sql, r->at, n);
    r->at += n;
    if (escapes)
        read_quoted(r, '\'', true);
}

static void read_token(struct reading *r)
{
    char c = *r->at;
    if (c == '{' || c == '}') {
        read_brace(r);
    } else if (c == '\'' || c == '"') {
        read_quoted(r, c, false);
    } else if ((c == '-' && r->at[1] == '-') || (c == '/' && r->at[1] == '*')) {
        read_comment(r);
    } else if (c == '$') {
        if (!read_dollar(r))
            fail(r, "the $ at position %d: a parameter is written {column}", position(r));
    } else if (c == ';') {
        fail(r, "the ; at position %d: it is one query, and has no ;", position(r));
    } else if (is_word(c)) {
        read_word(r);
    } else {
        buf_put(&r->sql, r->at++, 1);
    }
}

/* Only what can stand in parentheses after FROM. */
static bool is_query(const char *sql)
{
    static const char *const words[] = {"select", "values", "table", "with"};
    sql += strspn(sql, " \t\r\n(");
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (strncasecmp(sql, words[i], n) == 0 && !is_word(sql[n]))
            return true;
    }
    return false;
}

static uint64_t next_number(void)
{
    static uint64_t number;
    return ++number;
}

bool load_lookup(struct loader *loader, const struct conf *node, const char *sql, unsigned limit,
                 struct trigger *trigger)
{
    struct reading r = {.loader = loader, .place = node, .text = sql, .at = sql};
    if (!is_query(sql))
        fail(&r, "it begins with none of SELECT, VALUES, TABLE and WITH; write one query, as in "
                 "\"SELECT slug FROM post WHERE author_id = {id}\"");
    while (*r.at && !r.failed)
        read_token(&r);
    if (!r.failed) {
        struct query *query = arena_alloc(loader->arena, sizeof *query);
        const char **columns = arena_alloc(loader->arena, r.n * sizeof *columns);
        memcpy(columns, r.columns, r.n * sizeof *columns);
        query->columns = columns;
        query->gives = load_select(loader->arena, buf_str(&r.sql));
        query->lookup = (struct lookup){
            .sql = arena_strdup(loader->arena, buf_str(&r.sql)),
            .n_params = r.n,
            .limit = limit,
            .number = next_number(),
            .app = loader->app,
            .cache = trigger->cache->name,
            .file = loader->file,
            .line = node->line,
        };
        trigger->query = query;
    }
    buf_free(&r.sql);
    return !r.failed;
}
