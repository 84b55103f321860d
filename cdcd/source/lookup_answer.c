#include "source/lookup_answer.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The query has lines of its own, because it may end with a comment. */
void lookup_wrap(const struct lookup *lookup, struct buf *sql)
{
    size_t n = strlen(lookup->sql);
    while (n && strchr(" \t\r\n;", lookup->sql[n - 1]))
        n--;
    buf_put_str(sql, "SELECT * FROM (\n");
    buf_put(sql, lookup->sql, n);
    buf_printf(sql, "\n) AS lookup LIMIT %llu", (unsigned long long)lookup->limit + 1);
}

struct lookup_answer lookup_answer_make(void)
{
    return (struct lookup_answer){.arena = arena_make()};
}

void lookup_answer_begin(struct lookup_answer *answer, unsigned limit)
{
    arena_reset(answer->arena);
    answer->answer = (struct answer){0};
    answer->bytes = 0;
    answer->limit = limit;
    answer->too_large = false;
    answer->sqlstate[0] = '\0';
    answer->reason[0] = '\0';
}

static void take_columns(struct lookup_answer *answer, const PGresult *result)
{
    unsigned n = (unsigned)PQnfields(result);
    const char **names = arena_alloc(answer->arena, n * sizeof *names);
    uint32_t *types = arena_alloc(answer->arena, n * sizeof *types);
    for (unsigned i = 0; i < n; i++) {
        names[i] = arena_strdup(answer->arena, PQfname(result, (int)i));
        types[i] = PQftype(result, (int)i);
    }
    answer->answer.names = names;
    answer->answer.types = types;
    answer->answer.n_columns = n;
}

static void refuse_size(struct lookup_answer *answer, const char *is, size_t most, const char *unit)
{
    answer->too_large = true;
    snprintf(answer->reason, sizeof answer->reason,
             "the answer %s than %zu %s; select only the columns that keys take", is, most, unit);
}

static void take_row(struct lookup_answer *answer, const PGresult *result, int row)
{
    unsigned n = answer->answer.n_columns;
    size_t at = (size_t)answer->answer.n_rows * n;
    if (at + n > LOOKUP_VALUES_MAX) {
        refuse_size(answer, "has more", LOOKUP_VALUES_MAX, "values");
        return;
    }
    if (at + n > answer->cap_values) {
        answer->cap_values = (at + n) * 2;
        answer->rows = mem_resize(answer->rows, answer->cap_values * sizeof *answer->rows);
    }
    for (unsigned i = 0; i < n; i++) {
        size_t len = (size_t)PQgetlength(result, row, (int)i);
        struct value *value = &answer->rows[at + i];
        *value = (struct value){.kind = VALUE_NULL};
        if (PQgetisnull(result, row, (int)i))
            continue;
        answer->bytes += len;
        if (answer->bytes > LOOKUP_BYTES_MAX) {
            refuse_size(answer, "is larger", LOOKUP_BYTES_MAX >> 20, "MB");
            return;
        }
        value->kind = VALUE_TEXT;
        value->text = arena_strndup(answer->arena, PQgetvalue(result, row, (int)i), len);
        value->len = (uint32_t)len;
    }
    answer->answer.n_rows++;
}

void lookup_answer_rows(struct lookup_answer *answer, const PGresult *result)
{
    if (!answer->answer.names)
        take_columns(answer, result);
    for (int i = 0; i < PQntuples(result) && !answer->too_large; i++) {
        if (answer->answer.n_rows >= answer->limit)
            answer->answer.too_many = true;
        else
            take_row(answer, result, i);
    }
}

void lookup_none_within(char *to, size_t size, const char *what, int64_t timeout_ms)
{
    bool whole = timeout_ms % 1000 == 0;
    snprintf(to, size, "no %s PostgreSQL within %lld %s", what,
             (long long)(whole ? timeout_ms / 1000 : timeout_ms), whole ? "s" : "ms");
}

/* PostgreSQL's manual, appendix "Error Codes"; a code that is shorter is a class. */
const char *lookup_sentence(const char *sqlstate)
{
    static const char *const sentences[][2] = {
        {"42501", "the role of source.conninfo may not read what it names; GRANT SELECT"},
        {"25006", "it would write, and lookups are read-only"},
        {"22", "a value does not fit the query's types"},
        {"21", "a subquery gave more than one row"},
        {"40", "it stood in the way of others, and was cancelled"},
        {"42", "the query does not fit the database"},
        {"53", "PostgreSQL has no room for it"},
        {"54", "it is too complex for PostgreSQL"},
        {"55", "what it needs is in use"},
        {"57", "it was cancelled"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strncmp(sqlstate, sentences[i][0], strlen(sentences[i][0])) == 0)
            return sentences[i][1];
    return "PostgreSQL cannot answer it";
}

/* One line: a message of PostgreSQL may quote a query of several. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

void lookup_answer_error(struct lookup_answer *answer, const PGresult *result, bool in_prepare,
                         int64_t timeout_ms)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (answer->reason[0])
        return;
    snprintf(answer->sqlstate, sizeof answer->sqlstate, "%s", sqlstate ? sqlstate : "");
    if (primary && !in_prepare)
        log_debug("a lookup failed sqlstate=%s message=\"%s\"", answer->sqlstate, primary);
    if (strcmp(answer->sqlstate, "57014") == 0)
        lookup_none_within(answer->reason, sizeof answer->reason, "answer from", timeout_ms);
    else
        snprintf(answer->reason, sizeof answer->reason, "%.200s (SQLSTATE %s)",
                 in_prepare && primary ? primary : lookup_sentence(answer->sqlstate),
                 answer->sqlstate);
    flatten(answer->reason);
}

/* Some rows of too many would look like all there are. */
const struct answer *lookup_answer_end(struct lookup_answer *answer)
{
    struct answer *whole = &answer->answer;
    whole->failed = answer->reason[0] ? answer->reason : NULL;
    whole->rows = answer->rows;
    if (whole->failed || whole->too_many)
        whole->n_rows = 0;
    if (whole->failed)
        whole->too_many = false;
    return whole;
}

void lookup_answer_free(struct lookup_answer *answer)
{
    arena_free(answer->arena);
    free(answer->rows);
}
