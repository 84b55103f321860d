/* A store: a Redis or a memcached, one server or a fleet of them.
 *
 * What takes batches is a server of a store. Each connection is made, watched and made again by the
 * store itself, with back-off; what to do with ops that were not answered for is the business of
 * flow/batch. A store answers for a batch once, by the event `answered`, and never from within
 * store_send. Events come from the event loop.
 *
 * Drivers: redis.c, memcached.c. */
#ifndef CDCD_STORE_STORE_H
#define CDCD_STORE_STORE_H

#include "base/err.h"
#include "model/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

enum op_result {
    RESULT_NONE,    /* not answered for: is to be sent again */
    RESULT_HIT,     /* done, and the key was there (a scan: some key was) */
    RESULT_MISS,    /* done, and there was no such key */
    RESULT_REFUSED, /* can never be done, and need not be: no such key can exist in this store */
};

struct batch_op {
    const char *key;   /* borrowed until the batch is answered for */
    const char *value; /* OP_SET, OP_PUBLISH: as long; NULL with other actions */
    int64_t ttl_ms;    /* as in struct op */
    int64_t grace_ms;
    uint32_t key_len;
    uint32_t value_len;
    uint16_t cache;
    uint8_t action; /* enum op_action */
    uint8_t result; /* enum op_result; the store fills it in */
};

enum batch_status {
    BATCH_DONE, /* every op has a result */
    BATCH_LOST, /* the connection went, or the answer did not come in time: whether the ops without
                   a result were done is unknown */
    BATCH_BUSY, /* the server answers that it cannot now (LOADING, READONLY): all of it waits
                 */
    BATCH_REFUSED, /* the server answered some ops, those without a result, with an error of their
                      own */
};

/* Ops for one server, which may be done in any order: an OP_SET is the only op of its key. */
struct batch {
    uint64_t seq;
    struct batch_op *ops;
    unsigned n;
    bool singly; /* one command an op, so that a bad key does not spoil its neighbours */
    enum batch_status status;
    char reason[200]; /* unless BATCH_DONE: one line, no key in it */
};

struct store;

struct store_events {
    /* The store gives the batch back; results, status and reason are filled in. */
    void (*answered)(void *ctx, struct store *store, unsigned server, struct batch *batch);
    /* A server became able to take batches, or ceased to be (after its batches were answered for).
     * Said once a change, the first time too. */
    void (*up)(void *ctx, struct store *store, unsigned server);
    void (*down)(void *ctx, struct store *store, unsigned server, const char *reason);
    /* A batch can be taken again after store_ready said no. */
    void (*ready)(void *ctx, struct store *store, unsigned server);
    /* The server refuses us for a reason that only the operator can mend (NOAUTH, WRONGPASS), and
     * was never up. The store goes on trying. */
    void (*denied)(void *ctx, struct store *store, unsigned server, const struct err *err);
};

/* Rows of cdcd.cfg; strings are borrowed until the store is closed. */
struct store_opts {
    const char *name;
    const char *type;           /* "redis", "memcached" */
    const char *prefix;         /* before every key; never NULL */
    const char *url;            /* redis */
    const char *user;           /* redis; NULL for none */
    const char *password_file;  /* redis; read at each connect; NULL for none */
    const char *const *servers; /* memcached; host:port[:weight] or unix:/path */
    unsigned n_servers;
    const char *selector; /* memcached: "one", "all"; NULL for the default */
    int64_t timeout_ms;   /* for a connection, and for an answer */
    int64_t retry_min_ms; /* back-off between attempts to connect */
    int64_t retry_max_ms;
    const char *file; /* where it was configured, for complaints */
    int line;
};

struct store_ops {
    const char *type;
    unsigned actions; /* bits 1 << enum op_action */
    unsigned unbuilt; /* those that a later version will do */
    /* Complains about options that make no sense; the number of errors. */
    unsigned (*check)(const struct store_opts *opts, struct complaints *complaints);
    struct store *(*open)(const struct store_opts *opts, struct event_base *base,
                          const struct store_events *events, void *ctx);
    unsigned (*n_servers)(const struct store *store);
    /* For messages: "redis 127.0.0.1:6379"; borrowed until the store is closed. */
    const char *(*server_name)(const struct store *store, unsigned server);
    /* True while the server is up and its window is not full. */
    bool (*ready)(const struct store *store, unsigned server);
    /* Borrows the batch until it is answered for. Only while ready. */
    void (*send)(struct store *store, unsigned server, struct batch *batch);
    /* Ends connections; batches that are out are answered for no more. */
    void (*close)(struct store *store);
};

/* The head of every store. */
struct store {
    const struct store_ops *ops;
};

/* The driver of a type; NULL when there is none. */
const struct store_ops *store_driver(const char *type);
/* The types that there are, NULL-terminated. */
const char *const *store_types(void);

#endif
