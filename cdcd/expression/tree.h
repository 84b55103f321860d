/* What the parser makes of a text: PostgreSQL's syntax without any type. Private to expression/.
 *
 * Nodes may be shared: `a BETWEEN b AND c` is `a >= b AND a <= c`, with one a. */
#ifndef CDCD_EXPRESSION_TREE_H
#define CDCD_EXPRESSION_TREE_H

#include "expression/expression.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper nesting is refused: nobody writes it, and recursion must end. */
#define TREE_MAX_DEPTH 100
#define TREE_MAX_BYTES 65536
#define TREE_MAX_ARGS 100 /* of a function: PostgreSQL's FUNC_MAX_ARGS */

enum node_kind {
    NODE_LITERAL, /* of no type yet */
    NODE_NUMBER,  /* as it is written, perhaps with a minus before it */
    NODE_TRUTH,   /* TRUE and FALSE */
    NODE_NULL,
    NODE_COLUMN,
    NODE_CALL,
    NODE_OPERATOR, /* of one argument or two */
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_IS_NULL,
    NODE_IS_TRUTH, /* IS TRUE, IS FALSE */
    NODE_IS_UNKNOWN,
    NODE_DISTINCT,
    NODE_IN,   /* args[0] among the others */
    NODE_CASE, /* args: the operand or NULL; a condition and its result each; ELSE or NULL */
    NODE_CAST,
    NODE_COALESCE,
    NODE_NULLIF,
    NODE_GREATEST,
    NODE_LEAST,
    NODE_CHANGED, /* of one column */
    NODE_TABLE_SCHEMA,
    NODE_TABLE_NAME,
};

struct node {
    enum node_kind kind;
    unsigned position; /* of its first byte, from 1 */
    unsigned depth;    /* 1 without arguments */
    const char *text;  /* literal, number; name of column, function, operator, type */
    uint32_t len;
    enum expression_row row; /* NODE_COLUMN */
    bool truth;              /* NODE_TRUTH, NODE_IS_TRUTH */
    int mods[2];             /* NODE_CAST: as in numeric(10,2) */
    unsigned n_mods;
    struct node **args;
    unsigned n_args;
};

struct tree_column {
    const char *name;
    enum expression_row row;
};

struct expression {
    const char *source;
    struct node *root;
    struct tree_column *columns;
    unsigned n_columns;
};

/* Fills err, unless it is filled, with what is wrong at a position of the source. */
void tree_refuse(struct err *err, const char *source, unsigned position, const char *what);

#endif
