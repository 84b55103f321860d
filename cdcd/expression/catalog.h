/* What PostgreSQL's catalog says of the types, casts, operators and functions that expressions may
 * use: tables of ours, each row with the C function that does it. Private to expression/.
 *
 * parse.c knows the grammar, resolve.c the rules by which PostgreSQL chooses a row of these tables
 * ("Type Conversion"), run.c evaluates. Nothing else knows a type's values. */
#ifndef CDCD_EXPRESSION_CATALOG_H
#define CDCD_EXPRESSION_CATALOG_H

#include "expression/expression.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type {
    TYPE_UNKNOWN, /* an untyped literal, or a column of which no type is known */
    TYPE_BOOL,
    TYPE_INT2,
    TYPE_INT4,
    TYPE_INT8,
    TYPE_FLOAT4,
    TYPE_FLOAT8,
    TYPE_NUMERIC,
    TYPE_TEXT,
    TYPE_VARCHAR,
    TYPE_BPCHAR,
    TYPE_UUID,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMPTZ,
    TYPE_BYTEA,
    TYPE_JSON,
    TYPE_JSONB,
    TYPE_OTHER, /* any other; only its text is known: =, <>, IS NULL and the like. Which it is, its
                   oid says */
    TYPE_ANY,   /* in the tables below: an argument of any type */
    TYPE_NONE,  /* in the tables below: no such argument */
};

enum datum_kind { DATUM_VALUE, DATUM_NULL, DATUM_DOUBT };

struct text {
    const char *bytes; /* UTF-8, no NUL after them */
    uint32_t len;
};

/* A decimal number of any length: sign, digits and scale, or NaN and the infinities. Its layout is
 * numeric.c's. */
struct numeric;

/* A value while an expression runs; which member holds it, its type says. */
struct datum {
    enum datum_kind kind;
    union {
        bool truth;                    /* bool */
        int64_t integer;               /* int2, int4, int8 */
        double real;                   /* float4 (a float's value), float8 */
        const struct numeric *numeric; /* numeric; the arena's */
        struct text text; /* text, varchar, bpchar, json, jsonb, bytea (raw bytes), other,
                             unknown */
        unsigned char uuid[16];
        int32_t days;   /* date: since 2000-01-01; INT32_MIN, INT32_MAX: infinities */
        int64_t micros; /* timestamp, timestamptz: since 2000-01-01 00:00 UTC; INT64_MIN,
                           INT64_MAX: infinities */
    };
};

/* One call. Returns NULL, or the error: a short text of ours, static. Strict functions are called
 * with values alone (any NULL argument makes NULL, else any DOUBT makes DOUBT); others see the
 * kinds. *result begins as a value. */
struct call {
    struct arena *arena;
    const struct datum *args;
    const enum type *types; /* of the arguments, as they are given */
    unsigned n_args;
    struct datum *result;
};
typedef const char *(*call_fn)(struct call *call);

#define CATALOG_MAX_ARGS 4

/* Rows are written by an application's users, and a few of them must not take the memory of all.
 * What would be more is an error: of one value that is made, and of all that are made for a
 * change. */
#define CATALOG_MAX_BYTES (UINT32_C(1) << 26)
#define CATALOG_MAX_MADE (UINT32_C(1) << 27)

struct catalog_function {
    const char *name; /* of an operator: "+", "||", "->>"; LIKE and ILIKE are "~~" and "~~*" */
    enum type args[CATALOG_MAX_ARGS]; /* ended by TYPE_NONE when there are fewer */
    enum type result;
    call_fn call;
    bool variadic; /* the last argument's type any number of times, once at least */
    bool lenient;  /* is called with NULL and DOUBT too */
};

/* Each ended by a row without a name. Rows of a name stand together; where PostgreSQL has several
 * candidates, all of those are here that it would choose among, those that are refused with a
 * call of NULL, so that the choice is the same and the refusal is said. */
const struct catalog_function *catalog_functions(void);
/* With one argument (prefix) or two. */
const struct catalog_function *catalog_operators(void);

enum cast_context { CAST_IMPLICIT, CAST_ASSIGNMENT, CAST_EXPLICIT };

struct catalog_cast {
    enum type from, to;
    enum cast_context context; /* the least that is needed */
    call_fn call;              /* NULL: the value is the same (varchar to text) */
    bool refused;              /* PostgreSQL has it, and we do not do it */
};

/* Ended by a row from TYPE_NONE. Text of any kind to any type, and any type to text, are among
 * them with the context that PostgreSQL gives them. */
const struct catalog_cast *catalog_casts(void);

struct catalog_type {
    enum type type;
    uint32_t oid;
    const char
        *names[8];  /* as CAST writes it, in lower case: "integer", "int", "int4"; NULL ends */
    char category;  /* pg_type.typcategory */
    bool preferred; /* pg_type.typispreferred */
};

/* Ended by a row with no name. */
const struct catalog_type *catalog_types(void);
/* TYPE_OTHER when it is none of them; TYPE_UNKNOWN for 0 and 705. */
enum type catalog_type_of(uint32_t oid);
const struct catalog_type *catalog_type_row(enum type type);

/* PostgreSQL's text of a type into a value (its input function) and back (its output function). The
 * text is lent; what is made is the arena's. Return NULL, or the error. */
const char *catalog_input(enum type type, struct text text, struct arena *arena,
                          struct datum *result);
const char *catalog_output(enum type type, const struct datum *datum, struct arena *arena,
                           struct text *result);

#endif
