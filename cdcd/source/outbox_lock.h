/* The lock of the outbox: one daemon reads, the others wait for it to go. */
#ifndef CDCD_SOURCE_OUTBOX_LOCK_H
#define CDCD_SOURCE_OUTBOX_LOCK_H

#include "source/pgconn.h"

#include <stdbool.h>

struct event_base;
struct outbox_lock;

struct outbox_lock_events {
    void (*got)(void *ctx);
    /* Another has it; said once a take. reason, which names it, is lent. */
    void (*waiting)(void *ctx, const char *reason);
    /* It cannot be asked for. fault is lent. */
    void (*failed)(void *ctx, const struct pg_fault *fault);
};

/* The caller owns the lock; conn and ctx are borrowed. */
struct outbox_lock *outbox_lock_make(struct event_base *base, struct pgconn *conn,
                                     const struct outbox_lock_events *events, void *ctx);
/* Asks until it is got. conn must be ready; the lock is that connection's, and goes with it. */
void outbox_lock_take(struct outbox_lock *lock);
/* It was waited for. */
bool outbox_lock_waited(const struct outbox_lock *lock);
/* Asks no more; conn is closed. */
void outbox_lock_stop(struct outbox_lock *lock);
void outbox_lock_free(struct outbox_lock *lock);

#endif
