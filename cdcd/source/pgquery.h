/* A query that waits for its turn on a connection, with what it is answered to. */
#ifndef CDCD_SOURCE_PGQUERY_H
#define CDCD_SOURCE_PGQUERY_H

#include "source/pgconn.h"

#include <stdbool.h>

struct pgquery {
    struct pgquery *next;
    char *sql;
    char **params;
    unsigned n_params;
    pgconn_answer_fn answer;
    void *ctx;
};

/* sql and params are copied; the caller owns it. */
struct pgquery *pgquery_make(const char *sql, const char *const *params, unsigned n_params,
                             pgconn_answer_fn answer, void *ctx);
/* False when libpq refuses: PQerrorMessage says why. */
bool pgquery_send(const struct pgquery *query, PGconn *pg);
/* What the server refused it with; fault is filled in. */
void pgquery_fault(struct pg_fault *fault, const PGresult *result);
void pgquery_free(struct pgquery *query);

#endif
