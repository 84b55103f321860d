/* What the two halves of the parser share: parse.c knows operators and their precedence, primary.c
 * what stands between them. Private to both. */
#ifndef CDCD_EXPRESSION_PARSER_H
#define CDCD_EXPRESSION_PARSER_H

#include "expression/lex.h"
#include "expression/tree.h"

/* From PostgreSQL's grammar, weakest first. */
enum level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_IS,
    LEVEL_COMPARISON,
    LEVEL_MATCH, /* BETWEEN, IN, LIKE, ILIKE */
    LEVEL_ESCAPE,
    LEVEL_OTHER, /* ||, ->, ->> and what else is made of operator characters */
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_POWER,
    LEVEL_SIGN,
    LEVEL_CAST,
};

struct parser {
    struct arena *arena;
    struct lexer lexer;
    struct token token; /* the one that is looked at */
    struct expression *expression;
    struct err *err;
    unsigned depth;
    bool plain; /* it reads what may stand first in BETWEEN */
};

struct node *parse_expression(struct parser *parser, enum level level);
/* What may stand first in BETWEEN: without AND, NOT, IS NULL and the like. */
struct node *parse_plain(struct parser *parser);
struct node *parse_primary(struct parser *parser);
/* A type's name into a node of NODE_CAST without its argument; NULL, and nothing said, when there
 * is none. */
struct node *parse_type(struct parser *parser);

void parser_advance(struct parser *parser);
bool parser_sees_word(const struct parser *parser, const char *word);
bool parser_sees_sign(const struct parser *parser, const char *sign);
/* Takes the token when it is that one. */
bool parser_takes_word(struct parser *parser, const char *word);
bool parser_takes_sign(struct parser *parser, const char *sign);
/* The same; false, and said, when it is another. */
bool parser_needs_word(struct parser *parser, const char *word);
bool parser_needs_sign(struct parser *parser, const char *sign);

/* Says what is wrong at a position; NULL. */
struct node *parser_refuse(struct parser *parser, unsigned position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* False, and nothing said, when it is none that is refused by its name. */
bool parser_refuses_function(struct parser *parser, unsigned position, const char *name);
bool parser_refuses_operator(struct parser *parser, unsigned position, const char *sign);
/* That the token stands where it may not; NULL. */
struct node *parser_unexpected(struct parser *parser);
/* A node with room for its arguments; NULL when one of them is NULL, or when it nests too deep. */
struct node *parser_node(struct parser *parser, enum node_kind kind, unsigned position,
                         const char *text, unsigned n_args, struct node *const *args);

#endif
