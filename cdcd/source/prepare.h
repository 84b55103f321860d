/* Prepares the database for the stream: asks what there is, has it judged, and makes or extends the
 * publication. One preparation at a time, on an ordinary connection; it ends without a word when
 * that is closed. */
#ifndef CDCD_SOURCE_PREPARE_H
#define CDCD_SOURCE_PREPARE_H

#include "base/err.h"
#include "source/catalog.h"
#include "source/source.h"

#include <stdbool.h>

struct prepare;

enum prepare_outcome {
    PREPARE_DONE,
    PREPARE_LATER,   /* err says what the world has against it */
    PREPARE_REFUSED, /* err says what the operator must mend */
};

struct prepare_events {
    /* Judges what there is, before anything is made. 0, or -1 with err filled in. */
    int (*judge)(void *ctx, const struct catalog *catalog, struct err *err);
    /* changed: a statement was run, and the catalog is as it was before that. */
    void (*done)(void *ctx, enum prepare_outcome outcome, const struct catalog *catalog,
                 bool changed, const struct err *err);
};

/* conn and opts are borrowed, as is ctx; the caller owns what is made. */
struct prepare *prepare_make(struct pgconn *conn, const struct source_opts *opts,
                             const struct prepare_events *events, void *ctx);
/* wanted is borrowed until done; tables that match its patterns are added to it. */
void prepare_start(struct prepare *prepare, struct wanted_list *wanted);
bool prepare_is_running(const struct prepare *prepare);
/* The connection is closed: there will be no answers. */
void prepare_abandon(struct prepare *prepare);
void prepare_free(struct prepare *prepare);

#endif
