/* An expression for one relation: every node has a type. Private to expression/.
 *
 * resolve.c makes it as PostgreSQL's parser would: choose.c chooses operators, functions and common
 * types, coerce.c converts. fold.c evaluates what is constant, compile.c makes steps of the rest.
 *
 * Where a column's type is not known, it is taken as an untyped literal is. A guess that rests on
 * such a column is `soft`: what does not fit it is not refused, but undecided, an error when it
 * is evaluated. */
#ifndef CDCD_EXPRESSION_TYPED_H
#define CDCD_EXPRESSION_TYPED_H

#include "expression/catalog.h"
#include "expression/tree.h"

/* BETWEEN and CASE use an operand more than once, and may nest: so many nodes at most. */
#define TYPED_MAX_NODES 20000
#define TYPED_NO_COLUMN UINT32_MAX

enum typed_kind {
    TYPED_CONST,
    TYPED_COLUMN,
    TYPED_CALL,
    TYPED_AND,
    TYPED_OR,
    TYPED_NOT,
    TYPED_IS_NULL,
    TYPED_IS_TRUTH,
    TYPED_DISTINCT, /* call is the type's = */
    TYPED_IN,       /* args[0] among the others, constants; call is the type's = */
    TYPED_CASE,     /* a condition and its result each, then ELSE */
    TYPED_COALESCE,
    TYPED_NULLIF,  /* call is = */
    TYPED_EXTREME, /* call is > for greatest, < for least */
    TYPED_CHANGED,
    TYPED_TABLE_SCHEMA,
    TYPED_TABLE_NAME,
    TYPED_UNDECIDED,
};

struct typed {
    enum typed_kind kind;
    enum type type;
    uint32_t oid;
    unsigned position;
    bool soft;
    bool truth;              /* TYPED_IS_TRUTH */
    struct datum value;      /* TYPED_CONST */
    uint32_t column;         /* TYPED_COLUMN, TYPED_CHANGED; its place, or TYPED_NO_COLUMN */
    enum type stored;        /* TYPED_COLUMN: what its text is read as */
    enum expression_row row; /* TYPED_COLUMN */
    call_fn call;
    const char *name; /* of the operator or function, for messages and special steps; of an
                         undecided one too */
    bool lenient;
    struct typed **args;
    unsigned n_args;
};

struct typing {
    struct arena *arena;
    const struct relation *relation; /* NULL: not known */
    const char *source;
    struct err *err;
    unsigned n_nodes;
};

/* Says what is wrong at a position; NULL. */
struct typed *typing_refuse(struct typing *typing, unsigned position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "integer"; of types of which nothing is known, their oid. The arena's. */
const char *typing_name(struct typing *typing, enum type type, uint32_t oid);
/* What the relation's columns tell of a type that is none of ours; NULL: nothing. */
const struct own_type *typing_own(const struct typing *typing, uint32_t oid);
/* NULL when there are too many. */
struct typed *typed_make(struct typing *typing, enum typed_kind kind, enum type type,
                         unsigned position, unsigned n_args, struct typed *const *args);
struct typed *typed_copy(struct typing *typing, const struct typed *from);
/* Its type is a guess, or nothing is known of it. */
bool typed_is_open(const struct typed *typed);
bool typed_is_null(const struct typed *typed);
bool typed_reads_row(const struct typed *typed);

/* choose.c: PostgreSQL's choice among the rows of a name; NULL when it finds none, or more than
 * one (*ambiguous). */
const struct catalog_function *choose_row(const struct catalog_function *rows, const char *name,
                                          const enum type *types, unsigned n, bool *ambiguous);
/* How many rows could be meant when open arguments have any type; *result is the type of all of
 * them, or TYPE_UNKNOWN. Those that are refused do not count. */
unsigned choose_possible(const struct catalog_function *rows, const char *name,
                         struct typed *const *args, unsigned n, enum type *result);
enum type choose_argument(const struct catalog_function *row, unsigned i);
bool choose_has_name(const struct catalog_function *rows, const char *name);
bool choose_can_coerce(enum type from, enum type to);
/* The type that CASE, COALESCE and IN give their operands; TYPE_NONE when there is none. */
enum type choose_common(struct typed *const *list, unsigned n, uint32_t *oid);

/* coerce.c: NULL, and said, when it cannot be. */
struct typed *coerce(struct typing *typing, struct typed *from, enum type to, uint32_t oid);
struct typed *coerce_explicit(struct typing *typing, struct typed *from, const struct node *cast);
struct typed *coerce_condition(struct typing *typing, struct typed *from, const char *where);

/* Types a tree. NULL, and said, when PostgreSQL would refuse it or it cannot be done exactly. */
struct typed *resolve(struct typing *typing, const struct node *node);
/* call.c: an operator or a function by its name. NULL among the arguments gives NULL. */
struct calling {
    const struct catalog_function *rows;
    const char *name;
    unsigned position;
    struct typed **args;
    unsigned n;
};
struct typed *resolve_named(struct typing *typing, const struct calling *calling);
/* The same for an operator of two arguments. */
struct typed *resolve_operator(struct typing *typing, const char *name, unsigned position,
                               struct typed *left, struct typed *right);
/* fold.c: evaluates what is constant; NULL, and said, when that fails. */
struct typed *fold(struct typing *typing, struct typed *typed);

#endif
