/* What brings the changes, once the database is prepared: the replication stream (stream.c), or the
 * reading of the outbox (outbox.c). A feed has its own connections, does not make them again when
 * they are lost, and gives the source's events begin, change, commit, reached and gap itself. */
#ifndef CDCD_SOURCE_FEED_H
#define CDCD_SOURCE_FEED_H

#include "source/catalog.h"
#include "source/conninfo.h"
#include "source/source.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct feed;

enum feed_end {
    FEED_LOST,    /* it passes: prepare again, after a while */
    FEED_REFUSED, /* the operator must act, unless somebody is at work */
    FEED_FAILED,  /* the operator must act */
};

/* How it fares. */
struct feed_events {
    /* Another reads; said once a feed. */
    void (*waiting)(void *ctx, const char *reason);
    /* What was committed, and is not confirmed, comes from now on. */
    void (*started)(void *ctx);
    /* It met what the catalog has not told yet, and gives nothing more before `learn`. */
    void (*puzzled)(void *ctx);
    /* It is off; not said after leave. err is lent. */
    void (*ended)(void *ctx, enum feed_end end, const struct err *err);
    /* The answer to finish: it is off. */
    void (*finished)(void *ctx);
};

struct feed_ops {
    enum conninfo_use use; /* of its connections */
    /* Off yet; the caller owns it. Options, events and both ctx are borrowed. */
    struct feed *(*make)(const struct source_opts *opts, struct event_base *base,
                         const struct feed_events *events, void *ctx,
                         const struct source_events *source_events, void *source_ctx);
    /* What the catalog says now. anew: nothing that was learnt before holds, for the server may be
     * another. Not from within its events. */
    void (*learn)(struct feed *feed, const struct catalog *catalog, bool anew);
    /* Only when off, prepared as the catalog says. conninfo is lent. True when it will not give
     * what was committed before. */
    bool (*enter)(struct feed *feed, const struct conninfo *conninfo,
                  const struct catalog *catalog);
    /* All up to the token is safe. Ignored unless ON. */
    void (*confirm)(struct feed *feed, uint64_t token);
    /* Holds for what it will be when it is entered again, too. */
    void (*pause)(struct feed *feed, bool paused);
    /* A table as the feed gives it; lent until its next event. NULL: none of its changes came. */
    const struct relation *(*relation)(const struct feed *feed, uint32_t oid);
    /* Tells what is safe, and goes; `finished` follows, or `ended`. NULL where leave does all of
     * it. Only when on. */
    void (*finish)(struct feed *feed);
    /* Tells what is safe as well as it can be done at once, and goes. Allowed in any state. */
    void (*leave)(struct feed *feed);
    /* Not from within its events. NULL is not allowed. */
    void (*free)(struct feed *feed);
};

/* The head of every feed. */
struct feed {
    const struct feed_ops *ops;
};

#endif
