/* What an expression says of a row of which not all is known must hold, whatever the rest is. */
#ifndef CDCD_TESTS_DOUBT_H
#define CDCD_TESTS_DOUBT_H

#include "expression/expression.h"

struct trial {
    struct program *program;
    bool condition;
    struct change change;
    enum image image;
    struct program_scratch scratch;
};

struct result {
    enum program_outcome outcome;
    struct value value;
    const char *error;
};

struct result trial_run(struct trial *trial, const struct change *change);

/* Hides some of the change's values, chosen by the seed, and, when there is an answer all the same,
 * fills them in with those of other rows, several times. "doubt": no answer; "same": always the
 * same; "error": the same, or an error; else what went wrong. */
const char *doubt_try(struct trial *trial, struct value *const *rows, unsigned n_rows,
                      uint64_t seed);

#endif
