/* A program: steps that fill registers; the first register is the result. Private to expression/.
 *
 * A register's datum may have a fourth kind, an error, which compile.c's steps carry to the end as
 * they carry NULL; no function of the catalog sees it. */
#ifndef CDCD_EXPRESSION_PROGRAM_H
#define CDCD_EXPRESSION_PROGRAM_H

#include "expression/typed.h"

#define DATUM_ERROR ((enum datum_kind)(DATUM_DOUBT + 1))
#define PROGRAM_MAX_STEPS 100000

enum step_kind {
    STEP_CONST,          /* to = constants[0] */
    STEP_COLUMN,         /* to = a column, read as `stored` */
    STEP_COLUMN_IS_NULL, /* knows that a large value that was not sent is none */
    STEP_COLUMN_INTEGER, /* to = a column of integers, compared with constants[0] */
    STEP_COLUMN_TEXT,    /* to = a column's text, compared with constants[0]: = and <> */
    STEP_CHANGED,
    STEP_TABLE_SCHEMA,
    STEP_TABLE_NAME,
    STEP_UNDECIDED,
    STEP_CALL,     /* to = call(to, to + 1, ...) */
    STEP_IN,       /* to = to is among the constants, or without them among to + 1, ... */
    STEP_DISTINCT, /* to = to IS DISTINCT FROM to + 1 */
    STEP_NULLIF,
    STEP_EXTREME, /* to = to + 1 when that is a value, and to is none, or call(to + 1, to) */
    STEP_NOT,
    STEP_IS_NULL,
    STEP_IS_TRUTH,
    STEP_AND, /* to = to AND to + 1 */
    STEP_OR,
    STEP_END_AND, /* goes to `target` when nothing after it can change what AND gives */
    STEP_END_OR,
    STEP_END_COALESCE, /* goes to `target` unless NULL */
    STEP_BRANCH,       /* CASE: goes to `target` unless true; to `end` when in doubt or in error */
    STEP_JUMP,
};

enum comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

struct step {
    uint8_t kind;       /* enum step_kind */
    uint8_t row;        /* enum expression_row */
    uint8_t stored;     /* enum type */
    uint8_t comparison; /* enum comparison */
    bool truth;
    bool lenient;
    bool checked; /* the column's type is a guess: its text is read with care */
    uint16_t n_args;
    uint32_t to;
    uint32_t column;
    uint32_t target, end;
    call_fn call;
    const enum type *types;        /* of the arguments */
    const struct datum *constants; /* n_args of them with STEP_IN */
};

struct program {
    struct step *steps;
    unsigned n_steps;
    unsigned n_registers;
    enum type type;
    uint32_t oid;
    bool reads_row;
};

/* Steps for what is typed and folded; NULL, and said, when there would be too many. as_text: a
 * column that stands alone is given as it was sent. */
struct program *program_make(struct typing *typing, const struct typed *typed, bool as_text);
/* Evaluates what reads no row; NULL, or the error. What it makes is the arena's. */
const char *program_evaluate(const struct program *program, struct arena *arena,
                             struct datum *result);

#endif
