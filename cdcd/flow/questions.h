/* Questions of a part: what its unit's rows ask of PostgreSQL, until all of them are answered. */
#ifndef CDCD_FLOW_QUESTIONS_H
#define CDCD_FLOW_QUESTIONS_H

#include "base/buf.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct staging;

/* Where a question stands in the packed ones. */
struct question_place {
    size_t at;
    uint32_t hash;
};

struct questions {
    struct ruleset *ruleset; /* held: it made them, and makes ops of their answers */
    struct buf packed;
    struct question_place *places;
    unsigned n;
    unsigned cap;
    unsigned n_asked;
    unsigned n_answered;
    struct value *params;    /* of the question that questions_get gave last */
    struct staging *results; /* owned: ops of answers; NULL before the first */
};

/* Holds the ruleset. The caller owns the questions. */
struct questions *questions_make(struct ruleset *ruleset);
/* NULL is allowed. */
void questions_free(struct questions *questions);

/* Copies the question, unless an equal one is there. */
void questions_put(struct questions *questions, const struct question *question);
/* The question at a place; lent until the next call. */
struct question questions_get(struct questions *questions, unsigned place);
/* Bytes that the questions hold; they do not change when they are asked. */
size_t questions_bytes(const struct questions *questions);

#endif
