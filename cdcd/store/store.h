/* A store: a Redis, a memcached or an HTTP cache, one server or a fleet of them.
 *
 * What takes batches is a server of a store. Each connection is made, watched and made again by the
 * store itself, with back-off; what to do with ops that were not answered for is the business of
 * flow/batch. A store answers for a batch once, by the event `answered`, and never from within
 * store_send. Events come from the event loop.
 *
 * Drivers: redis.c, memcached.c, http.c. */
#ifndef CDCD_STORE_STORE_H
#define CDCD_STORE_STORE_H

#include "base/err.h"
#include "model/op.h"
#include "store/tls.h"

#include <limits.h>
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
    uint16_t slot;  /* of the key, within a store that has slots: the store fills it in */
    uint8_t action; /* enum op_action */
    uint8_t result; /* enum op_result; the store fills it in */
    uint8_t format; /* enum op_format */
};

enum batch_status {
    BATCH_DONE, /* every op has a result */
    BATCH_LOST, /* the connection went, or the answer did not come in time: whether the ops without
                   a result were done is unknown */
    BATCH_BUSY, /* the server answers that it cannot now (LOADING, READONLY): all of it waits
                 */
    BATCH_REFUSED,  /* the server answered some ops, those without a result, with an error of their
                       own */
    BATCH_DEFERRED, /* a part of what stands behind the server cannot now (a shard of a cluster):
                       the ops without a result wait, and hold up no others */
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
    /* Before `up`: what answers now may lack what the server had acknowledged when it was up last
     * (it was started again, or another was made master), if that was done at or after since_ms of
     * the monotonic clock. Not said when the server was never up before. */
    void (*renewed)(void *ctx, struct store *store, unsigned server, int64_t since_ms);
    /* A batch can be taken again after store_ready said no. */
    void (*ready)(void *ctx, struct store *store, unsigned server);
    /* Something that made the server defer ops is over: those may be sent again. */
    void (*mended)(void *ctx, struct store *store, unsigned server);
    /* The server refuses us for a reason that only the operator can mend (NOAUTH, WRONGPASS), and
     * was never up. The store goes on trying. */
    void (*denied)(void *ctx, struct store *store, unsigned server, const struct err *err);
};

/* Rows of cdcd.cfg; strings are borrowed until the store is closed. */
struct store_opts {
    const char *name;
    const char *type;             /* "redis", "memcached", "http" */
    const char *prefix;           /* before every key; never NULL */
    const char *url;              /* redis, http */
    const char *user;             /* NULL for none */
    const char *password_file;    /* read at each connect; NULL for none */
    struct tls_opts tls;          /* on: set by tls = true; a url of rediss or https says it too */
    const char *const *sentinels; /* redis: host[:port] */
    unsigned n_sentinels;
    const char *master;         /* redis: what the sentinels call it */
    const char *const *cluster; /* redis: host[:port] of some nodes */
    unsigned n_cluster;
    int64_t failover_window_ms; /* redis: what was acknowledged so long ago may be lost */
    unsigned wait_replicas;     /* redis: an op is done when so many have it; 0: none */
    const char *const *urls;    /* http: several caches, each gets every op */
    unsigned n_urls;
    const char *method;         /* http: "PURGE" */
    const char *host;           /* http: the Host that is sent; NULL: the url's */
    const char *header;         /* http: the header that carries the key; NULL: it is the path */
    const char *const *servers; /* memcached; host:port[:weight] or unix:/path */
    unsigned n_servers;
    const char *selector;        /* memcached; NULL for the default */
    const char *unhashed_prefix; /* memcached: which the client puts in front after it has chosen
                                    the server; NULL for none */
    int64_t timeout_ms;          /* for a connection, and for an answer */
    int64_t retry_min_ms;        /* back-off between attempts to connect */
    int64_t retry_max_ms;
    const char *file; /* where it was configured, for complaints */
    int line;
};

#define STORE_EVERY UINT_MAX

struct store_ops {
    const char *type;
    unsigned actions; /* bits 1 << enum op_action */
    /* Complains about options that make no sense; the number of errors. */
    unsigned (*check)(const struct store_opts *opts, struct complaints *complaints);
    struct store *(*open)(const struct store_opts *opts, struct event_base *base,
                          const struct store_events *events, void *ctx);
    unsigned (*n_servers)(const struct store *store);
    /* The server that an op on this key is for; STORE_EVERY for each of them. NULL: every. */
    unsigned (*route)(const struct store *store, const char *key, size_t len);
    /* True while copies of this server's keys may be on the others, because clients that did not
     * reach it use those: whatever is done to its keys is done there too. NULL: never. Events find
     * it as it is then. */
    bool (*strays)(const struct store *store, unsigned server);
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
    int64_t keep_ms; /* what it acknowledged within this time may be lost: `renewed` reaches back no
                        further, unless it was not heard of for longer; 0: it says no `renewed` */
};

/* Where the keys of a store are, by its configuration alone: nothing is connected to. */
struct store_places;

/* Borrows the options, which were checked. The caller owns it. */
struct store_places *store_places_make(const struct store_opts *opts);
/* Calls for each place that may have the key: host:port, unix:/path, a url, "master NAME" of
 * sentinels, "slot N" of a cluster; lent. */
void store_places_of(const struct store_places *places, const char *key, size_t len,
                     void (*found)(void *ctx, const char *place), void *ctx);
void store_places_free(struct store_places *places);

/* The driver of a type; NULL when there is none. */
const struct store_ops *store_driver(const char *type);
/* Complains of files of the options, certificates and keys, that cannot be used now; the number of
 * errors. What goes after that is waited for. */
unsigned store_check_files(const struct store_opts *opts, struct complaints *complaints);
/* The types that there are, NULL-terminated. */
const char *const *store_types(void);

#endif
