#include "source/pgquery.h"

#include "base/mem.h"

#include <stdlib.h>

struct pgquery *pgquery_make(const char *sql, const char *const *params, unsigned n_params,
                             pgconn_answer_fn answer, void *ctx)
{
    struct pgquery *query = mem_alloc(sizeof *query);
    *query = (struct pgquery){
        .sql = mem_strdup(sql),
        .params = mem_alloc(n_params * sizeof *query->params),
        .n_params = n_params,
        .answer = answer,
        .ctx = ctx,
    };
    for (unsigned i = 0; i < n_params; i++)
        query->params[i] = params[i] ? mem_strdup(params[i]) : NULL;
    return query;
}

/* A walsender speaks the simple protocol alone. */
bool pgquery_send(const struct pgquery *query, PGconn *pg)
{
    int sent = query->n_params == 0
                   ? PQsendQuery(pg, query->sql)
                   : PQsendQueryParams(pg, query->sql, (int)query->n_params, NULL,
                                       (const char *const *)query->params, NULL, NULL, 0);
    return sent == 1;
}

void pgquery_fault(struct pg_fault *fault, const PGresult *result)
{
    char text[sizeof fault->reason];
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    snprintf(text, sizeof text, "%s%s%s%s", primary ? primary : PQresultErrorMessage(result),
             detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
    fault_set(fault, PQresultErrorField(result, PG_DIAG_SQLSTATE), text);
}

void pgquery_free(struct pgquery *query)
{
    for (unsigned i = 0; i < query->n_params; i++)
        free(query->params[i]);
    free(query->params);
    free(query->sql);
    free(query);
}
