/* What a lookup is on the wire: the statement around its query, the answer that its results make,
 * and the sentences about those that failed. */
#ifndef CDCD_SOURCE_LOOKUP_ANSWER_H
#define CDCD_SOURCE_LOOKUP_ANSWER_H

#include "base/buf.h"
#include "model/lookup.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* An answer of more bytes is refused: so much for a list of keys is a mistake. */
#define LOOKUP_BYTES_MAX ((size_t)16 << 20)
/* So is one of more values, NULLs too: each costs memory, however short it is. */
#define LOOKUP_VALUES_MAX ((size_t)2 << 20)

/* Appends the statement: it can be nothing but a query, and gives one row more than the limit at
 * the most. */
void lookup_wrap(const struct lookup *lookup, struct buf *sql);

/* An answer in the making. */
struct lookup_answer {
    struct arena *arena;
    struct answer answer;
    struct value *rows;
    size_t cap_values;
    size_t bytes;
    unsigned limit;
    bool too_large;
    char sqlstate[6]; /* of the first error; "" while there is none */
    char reason[256]; /* why there is no answer; "" while there is one */
};

/* For answers one after the other; the caller frees what is inside. */
struct lookup_answer lookup_answer_make(void);
void lookup_answer_begin(struct lookup_answer *answer, unsigned limit);
/* Takes the rows of a result: none, one, or all. */
void lookup_answer_rows(struct lookup_answer *answer, const PGresult *result);
/* Takes an error; only the first counts. in_prepare: PostgreSQL had seen no values of rows. */
void lookup_answer_error(struct lookup_answer *answer, const PGresult *result, bool in_prepare,
                         int64_t timeout_ms);
/* Lent until the next begins. */
const struct answer *lookup_answer_end(struct lookup_answer *answer);
void lookup_answer_free(struct lookup_answer *answer);

/* Writes `no answer from PostgreSQL within 5 s`, or what else there is none of. */
void lookup_none_within(char *to, size_t size, const char *what, int64_t timeout_ms);
/* What an error that may quote values is called instead of its message. */
const char *lookup_sentence(const char *sqlstate);

#endif
