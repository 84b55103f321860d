/* A connection that listens, and is made again when it is lost. */
#ifndef CDCD_SOURCE_LISTENER_H
#define CDCD_SOURCE_LISTENER_H

#include "source/pgconn.h"
#include "source/source.h"

#include <stdbool.h>

struct listener;

/* The caller owns it; opts and ctx are borrowed. `heard` is called for notifications of the
 * channel, any number of them at once, and when it listens again: some may have been missed. The
 * channel is SQL, and borrowed. */
struct listener *listener_make(const struct source_opts *opts, const char *channel,
                               struct event_base *base, void (*heard)(void *ctx), void *ctx);
/* Listens from some time soon, on the host that the other connection has reached, which is borrowed
 * until it is closed. */
void listener_open(struct listener *listener, const struct pgconn *other);
bool listener_is_on(const struct listener *listener);
/* Only when on. Not answered when it is lost before. */
void listener_query(struct listener *listener, const char *sql, pgconn_answer_fn answer, void *ctx);
void listener_close(struct listener *listener);
/* The same, and sends a statement before, if it can be done at once. */
void listener_close_with(struct listener *listener, const char *sql);
/* Not from within its events. */
void listener_free(struct listener *listener);

#endif
