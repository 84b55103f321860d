/* Asks where the outbox is that is about to be read. */
#ifndef CDCD_SOURCE_OUTBOX_ORIGIN_H
#define CDCD_SOURCE_OUTBOX_ORIGIN_H

#include "source/lineage.h"
#include "source/pgconn.h"

#include <stdbool.h>

struct outbox_origin {
    struct lineage lineage;
    bool said_unknown;
    /* While it is asked: */
    struct pgconn *conn;
    void (*known)(void *ctx, const struct pg_fault *fault);
    void *ctx;
};

/* Asks on the connection on which the outbox is to be read, which must be ready, and notes what it
 * says. fault is NULL, or why it cannot be read there; lent. Forgotten when the connection is
 * closed. */
void outbox_origin_ask(struct outbox_origin *origin, struct pgconn *conn,
                       void (*known)(void *ctx, const struct pg_fault *fault), void *ctx);

#endif
