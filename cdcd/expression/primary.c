/* What stands between operators: literals, columns, calls, CASE, CAST and parentheses. */
#include "expression/parser.h"

#include "base/mem.h"
#include "base/reserved.h"

#include <stdlib.h>
#include <string.h>

struct word {
    const char *word;
    const char *meaning;
};

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* ---- types ---- */

/* Two words and more that name a type, and what PostgreSQL calls it inside. */
static const char *parse_type_words(struct parser *parser)
{
    static const struct word names[] = {{"character", "bpchar"},
                                        {"char", "bpchar"},
                                        {"nchar", "bpchar"},
                                        {"dec", "numeric"},
                                        {"decimal", "numeric"},
                                        {"real", "float4"},
                                        {"int", "int4"},
                                        {"integer", "int4"},
                                        {"smallint", "int2"},
                                        {"bigint", "int8"},
                                        {"boolean", "bool"},
                                        {"float", "float8"},
                                        {0}};
    const char *text = parser->token.text;
    if (parser->token.kind != TOKEN_WORD || (reserved_word(text)))
        return NULL;
    parser_advance(parser);
    if (strcmp(text, "double") == 0 && parser_takes_word(parser, "precision"))
        return "float8";
    if (strcmp(text, "national") == 0 &&
        (parser_takes_word(parser, "character") || parser_takes_word(parser, "char")))
        text = "char";
    for (const struct word *name = names; name->word; name++)
        if (strcmp(text, name->word) == 0)
            text = name->meaning;
    if (strcmp(text, "bpchar") == 0 && parser_takes_word(parser, "varying"))
        return "varchar";
    return text;
}

/* (n) or (n, m); false when what is in parentheses is neither. */
static bool parse_mods(struct parser *parser, struct node *type)
{
    if (!parser_takes_sign(parser, "("))
        return true;
    do {
        const struct token number = parser->token;
        if (number.kind != TOKEN_NUMBER || number.len > 6 || type->n_mods == 2 ||
            strspn(number.text, "0123456789") != number.len)
            return false;
        type->mods[type->n_mods++] = atoi(number.text);
        parser_advance(parser);
    } while (parser_takes_sign(parser, ","));
    return parser_takes_sign(parser, ")");
}

/* [WITH | WITHOUT] TIME ZONE after timestamp and time. */
static bool parse_zone(struct parser *parser, struct node *type)
{
    bool with = parser_sees_word(parser, "with");
    if (!with && !parser_sees_word(parser, "without"))
        return true;
    parser_advance(parser);
    if (with)
        type->text = arena_printf(parser->arena, "%stz", type->text);
    return parser_takes_word(parser, "time") && parser_takes_word(parser, "zone");
}

/* float(24) is a float4; char is char(1), but bpchar is of any length, and so is char 'abc':
 * `truth` says that nobody wrote the length. */
static void settle_type(struct node *type, const char *written)
{
    if (strcmp(type->text, "float8") == 0 && type->n_mods == 1 && type->mods[0] >= 1 &&
        type->mods[0] <= 53 && strcmp(written, "float") == 0) {
        type->text = type->mods[0] <= 24 ? "float4" : "float8";
        type->n_mods = 0;
    }
    if (strcmp(type->text, "bpchar") == 0 && type->n_mods == 0 && strcmp(written, "bpchar") != 0) {
        type->mods[0] = 1;
        type->n_mods = 1;
        type->truth = true;
    }
}

struct node *parse_type(struct parser *parser)
{
    struct node *type = parser_node(parser, NODE_CAST, parser->token.position, NULL, 0, NULL);
    const char *written = parser->token.text;
    if (parser->token.kind == TOKEN_QUOTED) {
        type->text = arena_printf(parser->arena, "\"%s\"", written);
        parser_advance(parser);
        return type;
    }
    type->text = parse_type_words(parser);
    if (!type->text || !parse_mods(parser, type))
        return NULL;
    if ((strcmp(type->text, "timestamp") == 0 || strcmp(type->text, "time") == 0) &&
        !parse_zone(parser, type))
        return NULL;
    settle_type(type, written);
    return type;
}

/* date '2020-01-01': a type and a string. NULL, and nothing taken, when it is something else. */
static struct node *parse_typed_literal(struct parser *parser)
{
    struct parser start = *parser;
    struct node *type = parse_type(parser);
    if (!type || parser->token.kind != TOKEN_STRING) {
        *parser = start;
        return NULL;
    }
    struct node *literal = parse_primary(parser);
    type->n_mods = type->truth ? 0 : type->n_mods;
    type->args[0] = literal;
    type->n_args = 1;
    type->depth = 2;
    return literal ? type : NULL;
}

/* ---- calls with a syntax of their own ---- */

static struct node *parse_case(struct parser *parser, unsigned position)
{
    struct node *parts[2 * TREE_MAX_ARGS] = {0};
    unsigned n = 1;
    if (!parser_sees_word(parser, "when") && !(parts[0] = parse_expression(parser, LEVEL_OR)))
        return NULL;
    while (parser_takes_word(parser, "when")) {
        if (n + 3 > sizeof parts / sizeof *parts)
            return parser_refuse(parser, position, "a CASE of more than %d branches",
                                 TREE_MAX_ARGS);
        if (!(parts[n] = parse_expression(parser, LEVEL_OR)) ||
            !parser_needs_word(parser, "then") ||
            !(parts[n + 1] = parse_expression(parser, LEVEL_OR)))
            return NULL;
        n += 2;
    }
    if (n == 1 && !parser_needs_word(parser, "when"))
        return NULL;
    if (parser_takes_word(parser, "else") && !(parts[n] = parse_expression(parser, LEVEL_OR)))
        return NULL;
    if (!parser_needs_word(parser, "end"))
        return NULL;
    return parser_node(parser, NODE_CASE, position, NULL, n + 1, parts);
}

static struct node *parse_cast_call(struct parser *parser, unsigned position)
{
    struct node *arg = parse_expression(parser, LEVEL_OR);
    if (!arg || !parser_needs_word(parser, "as"))
        return NULL;
    struct node *type = parse_type(parser);
    if (!type)
        return parser_refuse(parser, parser->token.position, "after AS stands the name of a type");
    struct node *node = parser_node(parser, NODE_CAST, position, type->text, 1, &arg);
    if (node && parser_sees_sign(parser, "["))
        return parser_unexpected(parser);
    if (!node || !parser_needs_sign(parser, ")"))
        return NULL;
    memcpy(node->mods, type->mods, sizeof node->mods);
    node->n_mods = type->n_mods;
    return node;
}

/* Arguments up to the parenthesis; false when something is wrong. */
static bool parse_args(struct parser *parser, struct node **args, unsigned *n)
{
    if (parser_takes_sign(parser, ")"))
        return true;
    do {
        if (*n == TREE_MAX_ARGS) {
            parser_refuse(parser, parser->token.position, "a call takes %d arguments at most",
                          TREE_MAX_ARGS);
            return false;
        }
        if (!(args[*n] = parse_expression(parser, LEVEL_OR)))
            return false;
        ++*n;
    } while (parser_takes_sign(parser, ","));
    return parser_needs_sign(parser, ")");
}

/* trim([BOTH | LEADING | TRAILING] [characters] FROM string), trim(string, characters) */
static struct node *parse_trim(struct parser *parser, unsigned position)
{
    struct node *args[TREE_MAX_ARGS] = {0};
    const char *name = "btrim";
    unsigned n = 0;
    if (parser_takes_word(parser, "leading"))
        name = "ltrim";
    else if (parser_takes_word(parser, "trailing"))
        name = "rtrim";
    else
        parser_takes_word(parser, "both");
    if (parser_takes_word(parser, "from"))
        return parse_args(parser, args, &n)
                   ? parser_node(parser, NODE_CALL, position, name, n, args)
                   : NULL;
    struct node *first = parse_expression(parser, LEVEL_OR);
    if (!first)
        return NULL;
    bool from = parser_takes_word(parser, "from");
    if (from && parser_sees_sign(parser, ")"))
        return parser_unexpected(parser);
    if (!from)
        args[n++] = first;
    if ((from || !parser_takes_sign(parser, ")")) &&
        ((!from && !parser_needs_sign(parser, ",")) || !parse_args(parser, args, &n)))
        return NULL;
    if (from && n == TREE_MAX_ARGS)
        return parser_refuse(parser, position, "a call takes %d arguments at most", TREE_MAX_ARGS);
    if (from)
        args[n++] = first;
    return parser_node(parser, NODE_CALL, position, name, n, args);
}

/* substring(s FROM a FOR b), (s FOR b FROM a), (s FROM a), (s FOR b), (s, a, b) */
static struct node *parse_substring(struct parser *parser, unsigned position)
{
    struct node *args[TREE_MAX_ARGS] = {parse_expression(parser, LEVEL_OR)};
    struct node *from = NULL, *length = NULL;
    unsigned n = 1;
    if (!args[0])
        return NULL;
    if (parser_takes_sign(parser, ",") && !parse_args(parser, args, &n))
        return NULL;
    if (n > 1 || parser_takes_sign(parser, ")"))
        return parser_node(parser, NODE_CALL, position, "substring", n, args);
    for (;;) {
        bool is_from = parser_sees_word(parser, "from");
        struct node **part = is_from ? &from : &length;
        if (*part || (!is_from && !parser_sees_word(parser, "for")))
            break;
        parser_advance(parser);
        if (!(*part = parse_expression(parser, LEVEL_OR)))
            return NULL;
    }
    if (!parser_needs_sign(parser, ")"))
        return NULL;
    args[n++] = from ? from : parser_node(parser, NODE_NUMBER, position, "1", 0, NULL);
    if (!from)
        length = parser_node(parser, NODE_CAST, position, "int4", 1, &length);
    if (length)
        args[n++] = length;
    return parser_node(parser, NODE_CALL, position, "substring", n, args);
}

/* position(substring IN string) */
static struct node *parse_position(struct parser *parser, unsigned position)
{
    struct node *part = parse_plain(parser);
    if (part && parser_sees_sign(parser, ","))
        return parser_refuse(parser, position, "write position(x IN s), or strpos(s, x)");
    if (!part || !parser_needs_word(parser, "in"))
        return NULL;
    struct node *string = parse_plain(parser);
    if (!string || !parser_needs_sign(parser, ")"))
        return NULL;
    return parser_node(parser, NODE_CALL, position, "position", 2, (struct node *[]){string, part});
}

/* ---- other calls ---- */

static struct node *parse_changed(struct parser *parser, unsigned position)
{
    struct node *args[TREE_MAX_ARGS] = {0};
    struct expression *expression = parser->expression;
    unsigned n = 0;
    if (!parse_args(parser, args, &n))
        return NULL;
    if (n != 1 || args[0]->kind != NODE_COLUMN || args[0]->row != EXPRESSION_THIS)
        return parser_refuse(parser, position,
                             "changed takes one column, without old. or new. before it");
    struct node *node = parser_node(parser, NODE_CHANGED, position, args[0]->text, 0, NULL);
    struct tree_column *column = &expression->columns[expression->n_columns - 1];
    struct tree_column old = {column->name, EXPRESSION_OLD};
    column->row = EXPRESSION_NEW;
    struct tree_column *room =
        arena_alloc(parser->arena, 2 * (expression->n_columns + 1) * sizeof *room);
    memcpy(room, expression->columns, expression->n_columns * sizeof *room);
    expression->columns = room;
    expression->columns[expression->n_columns++] = old;
    return node;
}

static const struct {
    const char *name;
    enum node_kind kind;
    unsigned least, most;
} special_calls[] = {
    {"coalesce", NODE_COALESCE, 1, TREE_MAX_ARGS}, {"nullif", NODE_NULLIF, 2, 2},
    {"greatest", NODE_GREATEST, 1, TREE_MAX_ARGS}, {"least", NODE_LEAST, 1, TREE_MAX_ARGS},
    {"table_schema", NODE_TABLE_SCHEMA, 0, 0},     {"table_name", NODE_TABLE_NAME, 0, 0}};

static struct node *parse_call(struct parser *parser, unsigned position, const char *name,
                               bool quoted)
{
    struct node *args[TREE_MAX_ARGS] = {0};
    unsigned n = 0;
    if (parser_sees_word(parser, "select"))
        return parser_unexpected(parser);
    if (!quoted && parser_refuses_function(parser, position, name))
        return NULL;
    if (!quoted && strcmp(name, "cast") == 0)
        return parse_cast_call(parser, position);
    if (!quoted && strcmp(name, "trim") == 0)
        return parse_trim(parser, position);
    if (!quoted && strcmp(name, "substring") == 0)
        return parse_substring(parser, position);
    if (!quoted && strcmp(name, "position") == 0)
        return parse_position(parser, position);
    if (strcmp(name, "changed") == 0)
        return parse_changed(parser, position);
    if (!parse_args(parser, args, &n))
        return NULL;
    for (unsigned i = 0; i < sizeof special_calls / sizeof *special_calls; i++) {
        if (strcmp(name, special_calls[i].name) != 0)
            continue;
        if (n < special_calls[i].least || n > special_calls[i].most)
            return parser_refuse(parser, position, "%s does not take %u arguments", name, n);
        return parser_node(parser, special_calls[i].kind, position, name, n, args);
    }
    return parser_node(parser, NODE_CALL, position, name, n, args);
}

/* ---- columns ---- */

static struct node *column_node(struct parser *parser, unsigned position, const char *name,
                                enum expression_row row)
{
    struct expression *expression = parser->expression;
    struct node *node = parser_node(parser, NODE_COLUMN, position, name, 0, NULL);
    unsigned n = expression->n_columns;
    node->row = row;
    if ((n & (n - 1)) == 0) {
        struct tree_column *room = arena_alloc(parser->arena, (2 * n + 1) * sizeof *room);
        if (n)
            memcpy(room, expression->columns, n * sizeof *room);
        expression->columns = room;
    }
    expression->columns[expression->n_columns++] = (struct tree_column){name, row};
    return node;
}

/* new.c, old.c. */
static struct node *parse_qualified(struct parser *parser, unsigned position, const char *row)
{
    bool is_new = strcmp(row, "new") == 0;
    parser_advance(parser);
    struct token name = parser->token;
    if (name.kind != TOKEN_WORD && name.kind != TOKEN_QUOTED)
        return parser_refuse(parser, position, "after \"%.40s.\" stands the name of a column", row);
    parser_advance(parser);
    if (parser_sees_sign(parser, "("))
        return parser_refuse(parser, position,
                             "functions are written without their schema, as in lower(c)");
    if (!is_new && strcmp(row, "old") != 0)
        return parser_refuse(parser, position,
                             "\"%.40s.%.40s\": columns are written c, new.c or old.c", row,
                             name.text);
    return column_node(parser, position, name.text, is_new ? EXPRESSION_NEW : EXPRESSION_OLD);
}

/* What a reserved word may begin; NULL when nothing, and said. */
static struct node *parse_reserved(struct parser *parser, const char *word, unsigned position)
{
    static const char *const volatiles[] = {"current_date", "current_time",   "current_timestamp",
                                            "localtime",    "localtimestamp", "current_catalog",
                                            "current_role", "current_schema", "current_user",
                                            "session_user", "user",           NULL};
    if (is_one_of(word, volatiles))
        return parser_refuse(parser, position,
                             "%s is not of the row: what depends on the time or the session is "
                             "for a lookup",
                             word);
    struct parser next = *parser;
    if (parser_takes_sign(&next, "(") && parser_sees_word(&next, "select"))
        word = "select";
    if (strcmp(word, "array") == 0 || strcmp(word, "any") == 0 || strcmp(word, "all") == 0 ||
        strcmp(word, "some") == 0)
        return parser_refuse(parser, position,
                             "arrays are not among what cdcd evaluates; write IN (...), or a "
                             "lookup");
    if (strcmp(word, "select") == 0)
        return parser_refuse(parser, position,
                             "a query cannot stand here; write it as the trigger's lookup");
    return parser_refuse(parser, position,
                         "\"%s\" is a word of SQL and cannot stand here; a column of that name is "
                         "\"\\\"%s\\\"\"",
                         word, word);
}

static struct node *parse_word(struct parser *parser)
{
    struct token word = parser->token;
    bool quoted = word.kind == TOKEN_QUOTED;
    struct node *node = NULL;
    if (!quoted) {
        if ((node = parse_typed_literal(parser)) || parser->err->code)
            return node;
    }
    parser_advance(parser);
    bool calls = parser_sees_sign(parser, "(");
    if (!quoted && strcmp(word.text, "case") == 0)
        return parse_case(parser, word.position);
    if (!quoted && (strcmp(word.text, "true") == 0 || strcmp(word.text, "false") == 0)) {
        node = parser_node(parser, NODE_TRUTH, word.position, NULL, 0, NULL);
        node->truth = word.text[0] == 't';
        return node;
    }
    if (!quoted && strcmp(word.text, "null") == 0)
        return parser_node(parser, NODE_NULL, word.position, NULL, 0, NULL);
    if (calls && !quoted && strcmp(word.text, "exists") == 0)
        return parser_refuse(parser, word.position,
                             "a query cannot stand here; write it as the trigger's lookup");
    static const char *const functions[] = {"left", "right", "cast", NULL};
    if (!quoted && reserved_word(word.text) && !(calls && is_one_of(word.text, functions)))
        return parse_reserved(parser, word.text, word.position);
    if (parser_takes_sign(parser, "("))
        return parse_call(parser, word.position, word.text, quoted);
    if (parser_sees_sign(parser, "."))
        return parse_qualified(parser, word.position, word.text);
    return column_node(parser, word.position, word.text, EXPRESSION_THIS);
}

static struct node *parse_parentheses(struct parser *parser)
{
    parser_advance(parser);
    struct node *node = parse_expression(parser, LEVEL_OR);
    if (!node)
        return NULL;
    if (parser_sees_sign(parser, ","))
        return parser_refuse(parser, parser->token.position,
                             "rows, as in (a, b), are not among what cdcd evaluates; compare the "
                             "columns one by one, joined by AND");
    return parser_needs_sign(parser, ")") ? node : NULL;
}

struct node *parse_primary(struct parser *parser)
{
    struct token token = parser->token;
    if (token.kind == TOKEN_STRING || token.kind == TOKEN_NUMBER) {
        enum node_kind kind = token.kind == TOKEN_STRING ? NODE_LITERAL : NODE_NUMBER;
        struct node *node = parser_node(parser, kind, token.position, token.text, 0, NULL);
        node->len = token.len;
        parser_advance(parser);
        return node;
    }
    if (token.kind == TOKEN_WORD || token.kind == TOKEN_QUOTED)
        return parse_word(parser);
    if (parser_sees_sign(parser, "("))
        return parse_parentheses(parser);
    return parser_unexpected(parser);
}
