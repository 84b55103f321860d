/* Is it the outbox that was read before? Another cluster, or another outbox, behind the same name
 * may lack rows that were never read; so may a standby that was promoted, which lacks what had not
 * reached it, and has values back that caches had been rid of. That is a gap. Known is what this
 * process has seen. */
#ifndef CDCD_SOURCE_OUTBOX_ORIGIN_H
#define CDCD_SOURCE_OUTBOX_ORIGIN_H

#include "source/pgconn.h"

#include <stdbool.h>

/* All zeros: nothing is known. */
struct outbox_origin {
    char cluster[32]; /* its identifier; "" while it is not known */
    char timeline[16];
    char outbox[32];
    const char *gap; /* to be said when the outbox is read; NULL when none */
    bool said_unknown;
    /* While it is asked: */
    struct pgconn *conn;
    void (*known)(void *ctx, const struct pg_fault *fault);
    void *ctx;
};

/* Asks on the connection on which the outbox is to be read, which must be ready, and notes a gap.
 * fault is NULL, or why it cannot be read there; lent. Forgotten when the connection is closed. */
void outbox_origin_ask(struct outbox_origin *origin, struct pgconn *conn,
                       void (*known)(void *ctx, const struct pg_fault *fault), void *ctx);
/* What was found, with a gap noted when it is not what was known. "" is what could not be told;
 * then what was known stays. Texts are copied. */
void outbox_origin_note(struct outbox_origin *origin, const char *cluster, const char *timeline,
                        const char *outbox);
/* The gap to be said now, once; NULL when there is none. */
const char *outbox_origin_take_gap(struct outbox_origin *origin);

#endif
