/* A server of a store: its link, the batches that it was given, and the answers that are due.
 *
 * What the drivers share. A flight is a batch on its way: all of it is sent at once, and it is
 * answered for when nothing is due any more. A driver answers only from its link's events, so never
 * from within store_ops.send. */
#ifndef CDCD_STORE_SERVER_H
#define CDCD_STORE_SERVER_H

#include "store/link.h"
#include "store/store.h"

/* Batches out at a time. */
#define SERVER_WINDOW 16

struct flight {
    struct batch *batch; /* borrowed until it is answered for */
    unsigned *order;     /* places of the batch's ops, in the order of sending */
    unsigned n_sent;     /* of order */
    unsigned n_due;      /* answers and scans that have not come to their end */
    bool finishing;      /* finish was called */
    struct flight *prev;
    struct flight *next;
};

/* One answer that is due; answers come in the order of the questions. */
struct due {
    int kind; /* the driver's */
    struct flight *flight;
    unsigned from; /* which of the flight's order it answers for: n from here on */
    unsigned n;
    uint64_t number; /* the driver's */
};

struct dues {
    struct due *ring;
    unsigned size;
    unsigned first;
    unsigned n;
};

enum server_state { SERVER_NEW, SERVER_UP, SERVER_DOWN };

struct server {
    struct store *store;
    unsigned number;
    const struct store_events *events;
    void *ctx;
    struct link *link; /* owns */
    struct dues dues;
    struct flight *flights; /* the oldest first */
    unsigned n_flights;
    enum server_state state; /* as was said last */
    bool may_deny;           /* never up, and not said yet */
    /* Set: asks something when all of a flight is answered; what was answered counts only with the
     * answer to that. */
    void (*finish)(void *driver, struct flight *flight);
    void *driver;
};

/* The driver starts the link when it is ready for its events. */
void server_init(struct server *server, struct store *store, unsigned number,
                 const struct store_events *events, void *ctx);
/* Frees what it holds; nothing is answered. */
void server_free(struct server *server);
bool server_ready(const struct server *server);

/* Takes a batch, though the window be full; all results are RESULT_NONE then. */
struct flight *server_take(struct server *server, struct batch *batch);
/* The next op to leave; NULL when all have left. */
struct batch_op *flight_next(const struct flight *flight);
struct batch_op *flight_op(const struct flight *flight, unsigned place);
/* Notes that something of it was not done. The worst counts: busy, then refused. */
void flight_fail(struct flight *flight, enum batch_status status, const char *reason);
/* Answers for the flight if it has come to its end; it is gone then. */
void server_settle(struct server *server, struct flight *flight);

/* After its question was written. */
void server_expect(struct server *server, struct due due);
/* The oldest answer due is now this; false when none is due. */
bool server_take_due(struct server *server, struct due *due);

/* The server's words for a reason: printable, and cut where something is quoted, for that may be a
 * key. */
void server_quote(const char *text, size_t len, char *to, size_t room);

/* For the link's events and the handshake's end. */
void server_up(struct server *server);
void server_lost(struct server *server, const char *reason);
/* What was read makes no sense, so what was read before it is not believed either: the connection
 * is dropped, and the batches that are out have no result. False, for `return`. */
bool server_drop(struct server *server, const char *why);
/* Says so once, and only if it was never up. */
void server_denied(struct server *server, const struct err *err);

#endif
