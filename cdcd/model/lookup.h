/* Lookups: queries that rules have PostgreSQL answer before keys are known. */
#ifndef CDCD_MODEL_LOOKUP_H
#define CDCD_MODEL_LOOKUP_H

#include "model/change.h"

#include <stdbool.h>
#include <stdint.h>

/* A query as a rules file has it, once for all times that it is asked. */
struct lookup {
    const char
        *sql; /* one query; its parameters are $1, $2, ..., of types that PostgreSQL infers */
    unsigned n_params;
    unsigned limit;  /* more rows are too many */
    uint64_t number; /* which no other lookup of this process has had */
    const char *app; /* whose it is, for messages and metrics */
    const char *cache;
    const char *file;
    int line;
};

/* What PostgreSQL answered; lent. Rows are texts as the stream would give them. */
struct answer {
    const char *failed;       /* why there is no answer: one line; NULL when there is one */
    bool too_many;            /* rows; none of them is given */
    const char *const *names; /* of the columns */
    const uint32_t *types;    /* oids of the columns */
    unsigned n_columns;
    const struct value *rows; /* row after row; VALUE_TEXT or VALUE_NULL */
    unsigned n_rows;
};

#endif
