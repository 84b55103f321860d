/* The words of an expression, as PostgreSQL's scanner divides them. Private to expression/. */
#ifndef CDCD_EXPRESSION_LEX_H
#define CDCD_EXPRESSION_LEX_H

#include <stdint.h>

struct arena;

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* unquoted, in lower case */
    TOKEN_QUOTED, /* "Name" */
    TOKEN_STRING, /* 'it''s', E'\n' */
    TOKEN_NUMBER,
    TOKEN_SIGN, /* an operator, or one of ( ) [ ] , . ; : and :: */
    TOKEN_WRONG,
};

struct token {
    enum token_kind kind;
    unsigned position; /* of its first byte, from 1 */
    const char *text;  /* the arena's; a string's is without its quotes */
    uint32_t len;
};

struct lexer {
    struct arena *arena;
    const char *text;
    const char *at;
    const char *wrong; /* with TOKEN_WRONG: a sentence */
};

/* The next token. After TOKEN_END or TOKEN_WRONG, the same again. */
struct token lex_next(struct lexer *lexer);

#endif
