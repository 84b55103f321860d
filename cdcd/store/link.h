/* A link: a connection to one server that is made again whenever it is lost.
 *
 *     IDLE -> WAITING -> RESOLVING -> CONNECTING -> OPEN -> UP
 *               ^------------------------------------'
 *
 * A link that was started goes on until it is stopped. After a failure it waits retry_min_ms,
 * twice that after the next, up to retry_max_ms, each time a random part between half and all of
 * it, so that many clients do not come back as one; when the driver says that the server is up,
 * the wait begins at retry_min_ms again. Every change of state is logged, repeated failures once a
 * minute.
 *
 * Some protocols have servers that close connections in the course of things; a link whose driver
 * says so (link_opts.closed) connects again at once, and that is no failure.
 *
 * The driver's part: it writes to link_out and flushes, says whether answers are due, drops the
 * link when the other side makes no sense, and says when its handshake is done. Events come from
 * the event loop, or from within link_drop; a link may be stopped or dropped in an event, but not
 * freed. SIGPIPE must be ignored by the program. */
#ifndef CDCD_STORE_LINK_H
#define CDCD_STORE_LINK_H

#include "base/buf.h"
#include "store/tls.h"
#include "store/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct link;

struct link_events {
    /* Connected; the handshake may begin. */
    void (*open)(void *ctx);
    /* All that was read and not used before; lent. Returns how much was used. More is read, and
     * given, only when something more has come. */
    size_t (*data)(void *ctx, const char *bytes, size_t n);
    /* The connection went, or could not be made; it will be tried again. reason is lent. */
    void (*lost)(void *ctx, const char *reason);
};

/* Strings and address are borrowed until link_free. */
struct link_opts {
    const char *store;  /* for the log */
    const char *server; /* for the log */
    const char *what;   /* for the log; NULL: "store" */
    const struct address *address;
    struct tls_opts tls; /* not on: plain; a unix socket is always plain */
    int64_t timeout_ms;  /* for a connection to be made, and for an answer */
    int64_t retry_min_ms;
    int64_t retry_max_ms;
    /* The server closed the connection: true when that is no failure, and link_renew is to follow.
     * NULL: it always is one. */
    bool (*closed)(void *ctx);
};

/* Idle until it is started. The caller owns the link, and lends base and events until it is freed.
 */
struct link *link_make(const struct link_opts *opts, struct event_base *base,
                       const struct link_events *events, void *ctx);
/* Begins to connect after delay_ms, from the event loop. Only when idle. */
void link_start(struct link *link, int64_t delay_ms);
/* Where the next attempt goes, in whatever state; borrowed like the first one. A connection, or an
 * attempt that is under way, stays as it is. */
void link_set_address(struct link *link, const struct address *address);
/* Back to idle, without an event. */
void link_stop(struct link *link);
/* Not from within an event of this link. NULL is allowed. */
void link_free(struct link *link);

bool link_is_open(const struct link *link); /* connected: open or up */
bool link_is_up(const struct link *link);

/* What will be written with the next link_flush; lent until then. Only while connected. */
struct buf *link_out(struct link *link);
void link_flush(struct link *link);
/* Reading stops and goes on. */
void link_pause(struct link *link, bool paused);

/* An answer is due: unless link_answered comes within the timeout, the link is lost. */
void link_await(struct link *link);
/* Something was answered, and more is due or not. */
void link_answered(struct link *link, bool more_due);

/* The handshake is done. */
void link_up(struct link *link);
/* Closes the connection and makes another at once; `open` is said when it is there, and `lost` when
 * it cannot be made. Only while connected. */
void link_renew(struct link *link);
/* Drops the connection and says `lost`. Only while connected. */
void link_drop(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
