/* Which columns a lookup's result has, as far as its text tells: `SELECT slug, p.id, f(x) AS y
 * FROM`. Whatever is not that simple is not known; PostgreSQL knows, when it is asked. */
#include "rule/load.h"

#include "base/mem.h"
#include "base/reserved.h"

#include <ctype.h>
#include <string.h>

#define MAX_ITEMS 100

enum token { TOKEN_END, TOKEN_NAME, TOKEN_LITERAL, TOKEN_OTHER, TOKEN_UNKNOWN };

struct select {
    struct arena *arena;
    const char *at;
    const char *name; /* of TOKEN_NAME: folded, or as it is quoted */
    bool quoted;
    char other; /* of TOKEN_OTHER */
};

/* One element of the select list. */
struct item {
    unsigned n_tokens;
    const char *name;
    bool plain;   /* a name, or names joined by points */
    bool joined;  /* a point came last */
    bool as;      /* AS came */
    bool named;   /* and a name after it */
    bool literal; /* that came first */
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

static enum token read_quoted(struct select *s)
{
    char quote = *s->at;
    char *name = arena_strdup(s->arena, s->at);
    size_t n = 0;
    for (s->at++; *s->at && (*s->at != quote || s->at[1] == quote); s->at++) {
        s->at += *s->at == quote;
        name[n++] = *s->at;
    }
    if (!*s->at++)
        return TOKEN_UNKNOWN;
    name[n] = '\0';
    s->name = name;
    s->quoted = true;
    return quote == '"' ? TOKEN_NAME : TOKEN_LITERAL;
}

static enum token read_token(struct select *s)
{
    size_t n = 0;
    s->at += strspn(s->at, " \t\r\n");
    s->quoted = false;
    if (!*s->at)
        return TOKEN_END;
    if (*s->at == '"' || *s->at == '\'')
        return read_quoted(s);
    if (strncmp(s->at, "--", 2) == 0 || strncmp(s->at, "/*", 2) == 0 ||
        (*s->at == '$' && !isdigit((unsigned char)s->at[1])))
        return TOKEN_UNKNOWN;
    while (is_word(s->at[n]))
        n++;
    if (n == 0) {
        s->other = *s->at++;
        return TOKEN_OTHER;
    }
    char *name = arena_strndup(s->arena, s->at, n);
    s->at += n;
    for (size_t i = 0; i < n; i++)
        name[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 'a' - 'A') : name[i];
    s->name = name;
    return isdigit((unsigned char)*name) || *name == '$' ? TOKEN_LITERAL : TOKEN_NAME;
}

/* What may follow a select list. */
static bool ends_list(const struct select *s)
{
    static const char *const words[] = {"from",   "where", "group", "having", "union", "intersect",
                                        "except", "order", "limit", "offset", "fetch", "window"};
    for (unsigned i = 0; i < sizeof words / sizeof *words && !s->quoted; i++)
        if (strcmp(words[i], s->name) == 0)
            return true;
    return false;
}

static void add_name(struct item *item, const struct select *s)
{
    if (item->as) {
        item->name = s->name;
        item->named = true;
    } else if (!s->quoted && strcmp(s->name, "as") == 0) {
        item->as = true;
    } else if (item->plain && (item->n_tokens == 0 || item->joined)) {
        item->name = s->name;
        item->plain = s->quoted || !reserved_word(s->name);
    } else {
        item->plain = false;
    }
    item->joined = false;
}

/* False when the element is of unknown columns: `*`, `t.*`. */
static bool add_token(struct item *item, const struct select *s, enum token token)
{
    if (token == TOKEN_NAME) {
        add_name(item, s);
    } else if (token == TOKEN_LITERAL) {
        item->literal = item->n_tokens == 0;
        item->plain = item->plain && item->as;
    } else {
        if (s->other == '*' && (item->n_tokens == 0 || item->joined))
            return false;
        item->joined = s->other == '.';
        item->plain &= item->joined && item->n_tokens > 0;
    }
    item->n_tokens++;
    return true;
}

static const char *item_name(const struct item *item)
{
    if (item->as)
        return item->named ? item->name : NULL;
    if (item->literal && item->n_tokens == 1)
        return "?column?";
    return item->plain && !item->joined ? item->name : NULL;
}

/* The names into a list that ends with NULL; NULL when one is unknown. */
static const char **read_list(struct select *s)
{
    const char **names = arena_alloc(s->arena, (MAX_ITEMS + 1) * sizeof *names);
    struct item item = {.plain = true};
    unsigned n = 0, depth = 0;
    for (;;) {
        enum token token = read_token(s);
        bool ends = token == TOKEN_END || (token == TOKEN_NAME && depth == 0 && ends_list(s));
        if (ends || (token == TOKEN_OTHER && s->other == ',' && depth == 0)) {
            names[n] = item_name(&item);
            if (!names[n++] || n == MAX_ITEMS)
                return NULL;
            item = (struct item){.plain = true};
            if (ends)
                return names;
            continue;
        }
        if (token == TOKEN_UNKNOWN || (depth == 0 && !add_token(&item, s, token)))
            return NULL;
        depth += token == TOKEN_OTHER && s->other == '(';
        depth -= token == TOKEN_OTHER && s->other == ')' && depth;
    }
}

const char *const *load_select(struct arena *arena, const char *sql)
{
    struct select s = {.arena = arena, .at = sql};
    if (read_token(&s) != TOKEN_NAME || s.quoted || strcmp(s.name, "select") != 0)
        return NULL;
    const char *list = s.at;
    enum token first = read_token(&s);
    bool distinct = first == TOKEN_NAME && !s.quoted && strcmp(s.name, "distinct") == 0;
    const char *after = s.at;
    if (distinct && read_token(&s) == TOKEN_NAME && !s.quoted && strcmp(s.name, "on") == 0)
        return NULL;
    s.at = distinct ? after : list;
    return read_list(&s);
}
