/* What went wrong at PostgreSQL, and whether waiting can mend it. */
#ifndef CDCD_SOURCE_FAULT_H
#define CDCD_SOURCE_FAULT_H

#include "base/err.h"
#include "source/source.h"

#include <stdbool.h>

/* As the server or libpq said it, on one line. */
struct pg_fault {
    char sqlstate[6]; /* "" when it is not the server that said it */
    char reason[512];
};

/* From the error message of a connection whose errors are verbose: libpq gives no SQLSTATE of a
 * connection that could not be made, other than in the text. */
void fault_from_text(struct pg_fault *fault, const char *text);
void fault_set(struct pg_fault *fault, const char *sqlstate, const char *reason);
bool fault_is(const struct pg_fault *fault, const char *sqlstate);
/* True when only the operator can mend why a connection is refused: err then says how. False for a
 * server that is down, starting, stopping or full. */
bool fault_is_final(const struct pg_fault *fault, struct err *err);

/* Puts the reason of a fault that may pass into err, with what the operator can do if it does
 * not. */
void fault_explain(const struct pg_fault *fault, enum source_mode mode, struct err *err);
/* As fault_is_final for a replication slot that could not be made. */
bool fault_of_slot_is_final(const struct pg_fault *fault, struct err *err);

#endif
