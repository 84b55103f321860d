/* Expressions: SQL over the columns of one row, with PostgreSQL's meaning.
 *
 * An expression is parsed once, when the rules are loaded, and compiled for each relation that it
 * meets: that types it as PostgreSQL would, and refuses whatever could not be evaluated exactly as
 * PostgreSQL does it. A program is flat, and running it allocates nothing but scratch memory.
 *
 * Beside SQL's three truth values there is a fourth: a value that the source did not send makes
 * what needs it DOUBT; `false AND doubt` needs it not. A run-time error (division by zero, a bad
 * cast) is an outcome too. Both count as true for whoever clears caches. So is what a row's values
 * would make take too long or too much memory: who writes rows did not write the rules.
 *
 * Grammar and meaning: PostgreSQL's manual, "Value Expressions", "Functions and Operators" and
 * "Type Conversion"; which part of it, rules/README.md says. cdcd's own: table_schema(),
 * table_name(), and changed(c): true when the texts of old.c and new.c differ, where the image that
 * an INSERT or a DELETE has not is all NULL; in doubt when one of them was not sent, and so for a
 * large value that was not touched. */
#ifndef CDCD_EXPRESSION_EXPRESSION_H
#define CDCD_EXPRESSION_EXPRESSION_H

#include "base/err.h"
#include "model/change.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct expression;
struct program;

/* Which row a column is of. */
enum expression_row {
    EXPRESSION_THIS, /* a bare column: of the image for which the expression is evaluated */
    EXPRESSION_OLD,
    EXPRESSION_NEW,
};

enum expression_want {
    EXPRESSION_CONDITION, /* a boolean */
    EXPRESSION_TEXT,      /* of any type, as its text */
};

/* Parses. What is made is the arena's; -1 as NULL, with err saying what and at which position. */
struct expression *expression_parse(struct arena *arena, const char *text, struct err *err);
/* As it was written. */
const char *expression_source(const struct expression *expression);
/* Gives the columns that it reads; a column of changed(c) once as OLD and once as NEW. One may come
 * more than once. */
void expression_columns(const struct expression *expression,
                        void (*found)(void *ctx, const char *column, enum expression_row row),
                        void *ctx);
/* The column's name when it is a bare column and nothing more; else NULL. */
const char *expression_column(const struct expression *expression);

/* Types the expression for a relation, and makes its program. relation NULL: no table is at hand;
 * every column exists and takes the type that its place needs, as an untyped literal does; so does
 * a column whose type is 0 or `unknown` (705). NULL when PostgreSQL would refuse it, or when
 * it could not be evaluated exactly as PostgreSQL would; err says why. The program is the arena's,
 * and needs the relation no longer. */
struct program *expression_compile(const struct expression *expression, struct arena *arena,
                                   const struct relation *relation, enum expression_want want,
                                   struct err *err);
/* True when it reads no row; its value is that of any change. */
bool program_is_constant(const struct program *program);
/* The oid of its type. */
uint32_t program_type(const struct program *program);

enum program_outcome {
    PROGRAM_FALSE,
    PROGRAM_TRUE,
    PROGRAM_NULL,
    PROGRAM_DOUBT, /* it needs a value that was not sent */
    PROGRAM_ERROR, /* PostgreSQL would end the statement with an error */
};

/* Memory that runs need, reset by its owner after each change. What a run gives is lent from it, or
 * from the change. */
struct program_scratch {
    struct arena *arena;
    const char *error; /* of the last run that had PROGRAM_ERROR: a short text of ours, no value */
};

/* Evaluates a condition for one image; old.c of an INSERT and new.c of a DELETE are NULL. image
 * must be one that the change has. */
enum program_outcome program_test(const struct program *program, const struct change *change,
                                  enum image image, struct program_scratch *scratch);
/* The same for a text. PROGRAM_TRUE: *value is VALUE_TEXT. PROGRAM_NULL: it is VALUE_NULL. */
enum program_outcome program_value(const struct program *program, const struct change *change,
                                   enum image image, struct program_scratch *scratch,
                                   struct value *value);

#endif
