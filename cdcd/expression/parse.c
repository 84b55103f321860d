/* Operators and their precedence, by climbing: an operand is followed by operators of a level and
 * above. SQL's comparisons do not chain: after `a = b`, another = is an error. */
#include "expression/parser.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct node *parse_nested(struct parser *parser, enum level level, bool plain);

static struct node *parse_operand(struct parser *parser);

struct node *parser_refuse(struct parser *parser, unsigned position, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    tree_refuse(parser->err, parser->lexer.text, position, what);
    return NULL;
}

struct node *parser_unexpected(struct parser *parser)
{
    const struct token *token = &parser->token;
    if (token->kind == TOKEN_WRONG)
        return parser_refuse(parser, token->position, "%s", parser->lexer.wrong);
    if (token->kind == TOKEN_END)
        return parser_refuse(parser, token->position, "the expression ends too early");
    if (parser_sees_sign(parser, "["))
        return parser_refuse(parser, token->position,
                             "arrays are not among what cdcd evaluates; a lookup can do it");
    if (token->kind == TOKEN_WORD && strcmp(token->text, "select") == 0)
        return parser_refuse(parser, token->position,
                             "a query cannot stand here; write it as the trigger's lookup");
    if (token->kind == TOKEN_WORD &&
        (strcmp(token->text, "collate") == 0 || strcmp(token->text, "at") == 0))
        return parser_refuse(parser, token->position,
                             "%s is not among what cdcd evaluates; a lookup can do it",
                             token->text[0] == 'c' ? "COLLATE" : "AT TIME ZONE");
    if (token->kind == TOKEN_WORD && strcmp(token->text, "overlaps") == 0)
        return parser_refuse(parser, token->position,
                             "OVERLAPS is not among what cdcd evaluates; compare the dates with < "
                             "and AND");
    return parser_refuse(parser, token->position, "\"%.40s\" cannot stand here", token->text);
}

void parser_advance(struct parser *parser)
{
    parser->token = lex_next(&parser->lexer);
}

bool parser_sees_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == TOKEN_WORD && strcmp(parser->token.text, word) == 0;
}

bool parser_sees_sign(const struct parser *parser, const char *sign)
{
    return parser->token.kind == TOKEN_SIGN && strcmp(parser->token.text, sign) == 0;
}

bool parser_takes_word(struct parser *parser, const char *word)
{
    bool sees = parser_sees_word(parser, word);
    if (sees)
        parser_advance(parser);
    return sees;
}

bool parser_takes_sign(struct parser *parser, const char *sign)
{
    bool sees = parser_sees_sign(parser, sign);
    if (sees)
        parser_advance(parser);
    return sees;
}

static bool needs(struct parser *parser, bool taken, const char *what)
{
    const struct token *token = &parser->token;
    if (!taken && token->kind != TOKEN_WRONG && token->kind != TOKEN_END)
        parser_refuse(parser, token->position, "%s is missing before \"%.40s\"", what, token->text);
    else if (!taken && token->kind == TOKEN_END)
        parser_refuse(parser, token->position, "%s is missing at the end", what);
    else if (!taken)
        parser_unexpected(parser);
    return taken;
}

bool parser_needs_word(struct parser *parser, const char *word)
{
    return needs(parser, parser_takes_word(parser, word), word);
}

bool parser_needs_sign(struct parser *parser, const char *sign)
{
    return needs(parser, parser_takes_sign(parser, sign), sign);
}

struct node *parser_node(struct parser *parser, enum node_kind kind, unsigned position,
                         const char *text, unsigned n_args, struct node *const *args)
{
    struct node *node = arena_alloc(parser->arena, sizeof *node);
    *node = (struct node){.kind = kind, .position = position, .text = text, .depth = 1};
    node->args = arena_alloc(parser->arena, (n_args + 1) * sizeof(struct node *));
    node->n_args = n_args;
    for (unsigned i = 0; i < n_args; i++) {
        node->args[i] = args[i];
        bool optional = kind == NODE_CASE && (i == 0 || i == n_args - 1);
        if (!args[i] && !optional)
            return NULL;
        if (args[i] && args[i]->depth >= node->depth)
            node->depth = args[i]->depth + 1;
    }
    if (node->depth > TREE_MAX_DEPTH)
        return parser_refuse(parser, position, "more than %d levels deep; divide it among triggers",
                             TREE_MAX_DEPTH);
    return node;
}

static struct node *unary(struct parser *parser, enum node_kind kind, unsigned position,
                          struct node *arg)
{
    return parser_node(parser, kind, position, NULL, 1, (struct node *[]){arg});
}

static struct node *binary(struct parser *parser, enum node_kind kind, unsigned position,
                           const char *text, struct node *left, struct node *right)
{
    return parser_node(parser, kind, position, text, 2, (struct node *[]){left, right});
}

/* Long chains of AND and OR are flat, as PostgreSQL makes them: they do not nest. */
static struct node *chain(struct parser *parser, enum node_kind kind, unsigned position,
                          struct node *left, struct node *right)
{
    if (!left || !right || left->kind != kind)
        return binary(parser, kind, position, NULL, left, right);
    unsigned n = left->n_args;
    if ((n & (n - 1)) == 0) {
        struct node **room = arena_alloc(parser->arena, 2 * n * sizeof *room);
        memcpy(room, left->args, n * sizeof *room);
        left->args = room;
    }
    left->args[left->n_args++] = right;
    if (right->depth >= left->depth)
        left->depth = right->depth + 1;
    return left->depth > TREE_MAX_DEPTH ? parser_node(parser, kind, position, NULL, 1, &left)
                                        : left;
}

/* What follows IS and perhaps NOT. */
static struct node *parse_is_what(struct parser *parser, unsigned position, struct node *left,
                                  bool *chains)
{
    if (parser_takes_word(parser, "null"))
        return unary(parser, NODE_IS_NULL, position, left);
    if (parser_takes_word(parser, "unknown"))
        return unary(parser, NODE_IS_UNKNOWN, position, left);
    if (parser_sees_word(parser, "true") || parser_sees_word(parser, "false")) {
        struct node *node = unary(parser, NODE_IS_TRUTH, position, left);
        if (node)
            node->truth = parser_sees_word(parser, "true");
        parser_advance(parser);
        return node;
    }
    if (!parser_takes_word(parser, "distinct"))
        return parser_refuse(parser, parser->token.position,
                             "after IS stands [NOT] NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
    *chains = false;
    if (!parser_needs_word(parser, "from"))
        return NULL;
    return binary(parser, NODE_DISTINCT, position, NULL, left,
                  parse_nested(parser, LEVEL_IS + 1, parser->plain));
}

static struct node *parse_is(struct parser *parser, struct node *left, bool *chains)
{
    unsigned position = parser->token.position;
    parser_advance(parser);
    bool negated = parser_takes_word(parser, "not");
    struct node *node = parse_is_what(parser, position, left, chains);
    return negated ? unary(parser, NODE_NOT, position, node) : node;
}

static struct node *parse_in(struct parser *parser, unsigned position, struct node *left)
{
    struct node *node = unary(parser, NODE_IN, position, left);
    if (!node || !parser_needs_sign(parser, "("))
        return NULL;
    do {
        struct node *item = parse_expression(parser, LEVEL_OR);
        unsigned n = node->n_args;
        if (!item)
            return NULL;
        if ((n & (n - 1)) == 0) {
            struct node **room = arena_alloc(parser->arena, 2 * n * sizeof *room);
            memcpy(room, node->args, n * sizeof *room);
            node->args = room;
        }
        node->args[node->n_args++] = item;
        if (item->depth >= node->depth)
            node->depth = item->depth + 1;
    } while (parser_takes_sign(parser, ","));
    return parser_needs_sign(parser, ")") ? node : NULL;
}

static struct node *within(struct parser *parser, unsigned position, struct node *value,
                           struct node *low, struct node *high)
{
    return binary(parser, NODE_AND, position, NULL,
                  binary(parser, NODE_OPERATOR, position, ">=", value, low),
                  binary(parser, NODE_OPERATOR, position, "<=", value, high));
}

static struct node *parse_between(struct parser *parser, unsigned position, struct node *left)
{
    bool symmetric = parser_takes_word(parser, "symmetric");
    if (!symmetric)
        parser_takes_word(parser, "asymmetric");
    struct node *low = parse_plain(parser);
    if (!low || !parser_needs_word(parser, "and"))
        return NULL;
    struct node *high = parse_expression(parser, LEVEL_MATCH + 1);
    struct node *node = within(parser, position, left, low, high);
    if (!symmetric)
        return node;
    return binary(parser, NODE_OR, position, NULL, node, within(parser, position, left, high, low));
}

static struct node *parse_like(struct parser *parser, unsigned position, const char *sign,
                               struct node *left)
{
    struct node *pattern = parse_expression(parser, LEVEL_MATCH + 1);
    if (pattern && parser_takes_word(parser, "escape"))
        pattern = binary(parser, NODE_CALL, position, "like_escape", pattern,
                         parse_expression(parser, LEVEL_ESCAPE + 1));
    return binary(parser, NODE_OPERATOR, position, sign, left, pattern);
}

static struct node *parse_match(struct parser *parser, struct node *left, bool *chains)
{
    unsigned position = parser->token.position;
    bool negated = parser_takes_word(parser, "not");
    struct node *node = NULL;
    *chains = false;
    if (parser_takes_word(parser, "in")) {
        node = parse_in(parser, position, left);
        *chains = true;
    } else if (parser_takes_word(parser, "between")) {
        node = parse_between(parser, position, left);
    } else if (parser_takes_word(parser, "like")) {
        node = parse_like(parser, position, "~~", left);
    } else if (parser_takes_word(parser, "ilike")) {
        node = parse_like(parser, position, "~~*", left);
    } else {
        return parser_refuse(parser, position,
                             "SIMILAR TO is not among what cdcd evaluates; LIKE, or a lookup, is");
    }
    return negated ? unary(parser, NODE_NOT, position, node) : node;
}

static struct node *parse_cast(struct parser *parser, struct node *left)
{
    unsigned position = parser->token.position;
    parser_advance(parser);
    struct node *type = parse_type(parser);
    if (!type)
        return parser_refuse(parser, parser->token.position, "after :: stands the name of a type");
    struct node *node = unary(parser, NODE_CAST, position, left);
    if (!node)
        return NULL;
    node->text = type->text;
    memcpy(node->mods, type->mods, sizeof node->mods);
    node->n_mods = type->n_mods;
    return node;
}

static bool is_comparison(const char *sign)
{
    static const char *const signs[] = {"=", "<>", "<", "<=", ">", ">="};
    for (unsigned i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strcmp(sign, signs[i]) == 0)
            return true;
    return false;
}

static bool sign_level(const char *sign, enum level *level)
{
    if (strcmp(sign, "::") == 0)
        *level = LEVEL_CAST;
    else if (strchr("()[],.;:", *sign))
        return false;
    else if (is_comparison(sign))
        *level = LEVEL_COMPARISON;
    else if (strchr("+-", *sign) && !sign[1])
        *level = LEVEL_SUM;
    else if (strchr("*/%", *sign) && !sign[1])
        *level = LEVEL_PRODUCT;
    else if (strcmp(sign, "^") == 0)
        *level = LEVEL_POWER;
    else
        *level = LEVEL_OTHER;
    return true;
}

static bool is_match_word(const char *word)
{
    return strcmp(word, "in") == 0 || strcmp(word, "between") == 0 || strcmp(word, "like") == 0 ||
           strcmp(word, "ilike") == 0 || strcmp(word, "similar") == 0;
}

/* NOT between operands is the head of NOT IN and the like. */
static bool not_level(const struct parser *parser, enum level *level)
{
    struct parser next = *parser;
    parser_advance(&next);
    *level = LEVEL_MATCH;
    return next.token.kind == TOKEN_WORD && is_match_word(next.token.text);
}

/* The level of the operator that is looked at; false when it is none. */
static bool operator_level(const struct parser *parser, enum level *level)
{
    const char *text = parser->token.text;
    if (parser->token.kind == TOKEN_SIGN)
        return sign_level(text, level);
    if (parser->token.kind != TOKEN_WORD)
        return false;
    if (strcmp(text, "or") == 0)
        *level = LEVEL_OR;
    else if (strcmp(text, "and") == 0)
        *level = LEVEL_AND;
    else if (strcmp(text, "is") == 0 || strcmp(text, "isnull") == 0 || strcmp(text, "notnull") == 0)
        *level = LEVEL_IS;
    else if (is_match_word(text))
        *level = LEVEL_MATCH;
    else
        return strcmp(text, "not") == 0 && not_level(parser, level);
    return true;
}

/* An operator and what is right of it. *chains: whether one of its level may follow. */
static struct node *parse_infix(struct parser *parser, enum level level, struct node *left,
                                bool *chains)
{
    unsigned position = parser->token.position;
    const char *text = parser->token.text;
    *chains = level != LEVEL_COMPARISON;
    if (level == LEVEL_MATCH)
        return parse_match(parser, left, chains);
    if (level == LEVEL_CAST)
        return parse_cast(parser, left);
    if (level == LEVEL_IS && strcmp(text, "is") == 0)
        return parse_is(parser, left, chains);
    if (parser->token.kind == TOKEN_SIGN && parser_refuses_operator(parser, position, text))
        return NULL;
    parser_advance(parser);
    if (level == LEVEL_IS) {
        struct node *node = unary(parser, NODE_IS_NULL, position, left);
        return strcmp(text, "notnull") == 0 ? unary(parser, NODE_NOT, position, node) : node;
    }
    struct node *right = parse_nested(parser, level + 1, parser->plain);
    if (level == LEVEL_OR || level == LEVEL_AND)
        return chain(parser, level == LEVEL_OR ? NODE_OR : NODE_AND, position, left, right);
    return binary(parser, NODE_OPERATOR, position, text, left, right);
}

/* In BETWEEN's first operand AND ends it, and words are no operators but IS [NOT] DISTINCT. */
static bool ends_plain(const struct parser *parser, enum level level)
{
    struct parser next = *parser;
    if (level > LEVEL_ESCAPE || level == LEVEL_COMPARISON)
        return false;
    if (!parser_takes_word(&next, "is"))
        return true;
    parser_takes_word(&next, "not");
    return !parser_sees_word(&next, "distinct");
}

static struct node *climb(struct parser *parser, enum level level, bool plain)
{
    enum level seen, barred = LEVEL_OR;
    struct node *left = parse_operand(parser);
    while (left && operator_level(parser, &seen) && seen >= level &&
           !(plain && ends_plain(parser, seen))) {
        bool chains;
        if (barred != LEVEL_OR && seen == barred)
            return parser_refuse(
                parser, parser->token.position,
                "\"%.20s\" after another of its kind; PostgreSQL wants parentheses",
                parser->token.text);
        left = parse_infix(parser, seen, left, &chains);
        barred = chains ? LEVEL_OR : seen;
    }
    return left;
}

static struct node *parse_nested(struct parser *parser, enum level level, bool plain)
{
    if (parser->depth == TREE_MAX_DEPTH)
        return parser_refuse(parser, parser->token.position,
                             "more than %d levels deep; divide it among triggers", TREE_MAX_DEPTH);
    if (plain && parser_sees_word(parser, "not"))
        return parser_unexpected(parser);
    bool outer = parser->plain;
    parser->depth++;
    parser->plain = plain;
    struct node *node = climb(parser, level, plain);
    parser->plain = outer;
    parser->depth--;
    return node;
}

struct node *parse_expression(struct parser *parser, enum level level)
{
    return parse_nested(parser, level, false);
}

struct node *parse_plain(struct parser *parser)
{
    return parse_nested(parser, LEVEL_IS, true);
}

/* PostgreSQL makes a minus before a number part of it: -2147483648 is an int4. */
static struct node *negate(struct parser *parser, unsigned position, struct node *arg)
{
    if (!arg || arg->kind != NODE_NUMBER)
        return parser_node(parser, NODE_OPERATOR, position, "-", 1, &arg);
    struct node *node = unary(parser, NODE_NUMBER, position, arg);
    if (!node)
        return NULL;
    node->n_args = 0;
    node->depth = 1;
    node->text = *arg->text == '-' ? arg->text + 1 : arena_printf(parser->arena, "-%s", arg->text);
    node->len = (uint32_t)strlen(node->text);
    return node;
}

/* A primary with what stands before it. */
static struct node *parse_operand(struct parser *parser)
{
    unsigned position = parser->token.position;
    if (parser_takes_word(parser, "not")) {
        struct node *arg = parse_expression(parser, LEVEL_NOT);
        return unary(parser, NODE_NOT, position, arg);
    }
    if (parser_takes_sign(parser, "-"))
        return negate(parser, position, parse_expression(parser, LEVEL_SIGN));
    if (parser_takes_sign(parser, "+"))
        return parser_node(parser, NODE_OPERATOR, position, "+", 1,
                           (struct node *[]){parse_expression(parser, LEVEL_SIGN)});
    return parse_primary(parser);
}

struct expression *expression_parse(struct arena *arena, const char *text, struct err *err)
{
    struct expression *expression = arena_alloc(arena, sizeof *expression);
    size_t n = strlen(text);
    const char *source = arena_strndup(arena, text, n);
    struct parser parser = {.arena = arena, .expression = expression, .err = err};
    parser.lexer = (struct lexer){.arena = arena, .text = source, .at = source};
    expression->source = source;
    err->code = 0;
    if (n > TREE_MAX_BYTES) {
        parser_refuse(&parser, 1, "it is longer than %d bytes", TREE_MAX_BYTES);
        return NULL;
    }
    if (!utf8_is_valid(source, n)) {
        err_set(err, EX_CONFIG, "the expression is not UTF-8; save the file as UTF-8");
        return NULL;
    }
    parser_advance(&parser);
    if (parser.token.kind == TOKEN_END) {
        err_set(err, EX_CONFIG, "the expression is empty; leave the setting out, or write one");
        return NULL;
    }
    expression->root = parse_expression(&parser, LEVEL_OR);
    if (expression->root && parser.token.kind != TOKEN_END)
        expression->root = parser_unexpected(&parser);
    return expression->root ? expression : NULL;
}

const char *expression_source(const struct expression *expression)
{
    return expression->source;
}

void expression_columns(const struct expression *expression,
                        void (*found)(void *ctx, const char *column, enum expression_row row),
                        void *ctx)
{
    for (unsigned i = 0; i < expression->n_columns; i++)
        found(ctx, expression->columns[i].name, expression->columns[i].row);
}

const char *expression_column(const struct expression *expression)
{
    const struct node *root = expression->root;
    return root->kind == NODE_COLUMN && root->row == EXPRESSION_THIS ? root->text : NULL;
}
