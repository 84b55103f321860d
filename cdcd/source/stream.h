/* The replication connection: makes the slot where it must, starts the stream, gives what it says,
 * and tells PostgreSQL what is safe.
 *
 * While another has the slot it asks again every second. PostgreSQL does not end a fast shutdown
 * before all it sent is confirmed: when it asks for that in a burst the stream is left. */
#ifndef CDCD_SOURCE_STREAM_H
#define CDCD_SOURCE_STREAM_H

#include "source/conninfo.h"
#include "source/fault.h"
#include "source/source.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct stream;
struct types;

enum stream_state {
    STREAM_OFF,
    STREAM_CONNECTING,
    STREAM_DROPPING, /* the slot that is lost */
    STREAM_CREATING,
    STREAM_STARTING,
    STREAM_WAITING, /* another has the slot */
    STREAM_ON,
};

enum stream_slot { STREAM_SLOT_THERE, STREAM_SLOT_MISSING, STREAM_SLOT_LOST };

struct stream_opts {
    const char *slot;
    const char *publication;
    enum stream_slot found; /* unless it is there, it is made */
    int64_t status_ms;      /* PostgreSQL hears of us at least so often */
};

/* How it fares. */
struct stream_events {
    /* Another has the slot; said once a stream. */
    void (*waiting)(void *ctx, const char *reason);
    void (*created)(void *ctx);
    void (*started)(void *ctx);
    /* It is off, after it had come as far as the state; not said after stream_leave. */
    void (*ended)(void *ctx, enum stream_state state, const struct pg_fault *fault);
};

/* The caller owns the stream, which is off yet; both ctx are borrowed. Of the source's events it
 * gives begin, change, commit and reached. */
struct stream *stream_make(struct event_base *base, const struct stream_events *events, void *ctx,
                           const struct source_events *source_events, void *source_ctx);
/* What is known of types, besides what was learnt before, or anew: of a server that may be another.
 * Not from within its events. */
void stream_learn(struct stream *stream, const struct types *types, bool anew);
/* Only when off. conninfo is lent, the strings of opts are borrowed until it is off. */
void stream_enter(struct stream *stream, const struct conninfo *conninfo,
                  const struct stream_opts *opts);
/* All before lsn is safe. Ignored unless ON. */
void stream_confirm(struct stream *stream, uint64_t lsn);
/* Holds for streams to come, too. */
void stream_pause(struct stream *stream, bool paused);
/* Tells what is safe, and goes. Allowed in any state. */
void stream_leave(struct stream *stream);
/* A table as the stream gives it; lent until its next event. NULL: none of its changes has come. */
const struct relation *stream_relation(const struct stream *stream, uint32_t oid);
/* Not from within its events. NULL is allowed. */
void stream_free(struct stream *stream);

#endif
