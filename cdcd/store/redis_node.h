/* One Redis server: its connection, the handshake, and the batches on their way.
 *
 * What a store of one server is, and what the stores of several are made of. Its events carry the
 * store and the number that it was made with; it answers for a batch as a store does (store.h). */
#ifndef CDCD_STORE_REDIS_NODE_H
#define CDCD_STORE_REDIS_NODE_H

#include "store/store.h"
#include "store/url.h"

struct redis_node;
struct redisReply;

struct redis_node_opts {
    const struct store_opts *store; /* name, password_file, timeouts; borrowed until it is freed */
    const char *user;               /* empty for none; borrowed */
    unsigned db;
    struct address address;
    bool by_slot; /* it is of a cluster: the keys of one command must be of one slot */
    /* Of a cluster: deletes the members of a set that this node found, on whichever nodes they are,
     * and then calls redis_node_deleted with the page's number, from an event of another node or a
     * timer. keys are strings; lent. NULL: they are all on this server. */
    void (*delete_members)(void *ctx, unsigned number, uint64_t page,
                           struct redisReply *const *keys, size_t n);
    /* Told, if set, that a connection or an attempt was lost; who is told says where the next one
     * goes. */
    void (*lost)(void *ctx, bool was_up);
    void *lost_ctx;
    /* Told, if set, for each op of a batch that an error answers, before the batch is answered
     * for. text is the error without its leading `-`; lent. */
    void (*refused)(void *ctx, struct batch *batch, unsigned op, const char *text, size_t len);
};

/* Idle until it is started. The caller owns it. */
struct redis_node *redis_node_make(const struct redis_node_opts *opts, struct event_base *base,
                                   struct store *store, unsigned number,
                                   const struct store_events *events, void *ctx);
void redis_node_start(struct redis_node *node);
/* Starts it at another address; only when it is idle. */
void redis_node_start_at(struct redis_node *node, const struct address *address);
/* Ends the connection, or the attempt, and says that the server is down: it is idle then. */
void redis_node_stop(struct redis_node *node, const char *reason);
/* Whoever knows says that this server is the master now: what it acknowledges counts. A node that
 * nobody vouches for vouches for itself. */
void redis_node_vouch(struct redis_node *node);
/* Ends the connection; batches that are out are answered for no more. */
void redis_node_free(struct redis_node *node);

/* "redis 127.0.0.1:6379"; borrowed until it is freed. */
const char *redis_node_name(const struct redis_node *node);
bool redis_node_is_up(const struct redis_node *node);
/* True while it is up and its window is not full. */
bool redis_node_ready(const struct redis_node *node);
/* Borrows the batch until it is answered for. Only while ready, or, with one that others wait for,
 * while it is up. */
void redis_node_send(struct redis_node *node, struct batch *batch);
/* The same, with ASKING before each command: it is of a cluster, and takes over a slot. */
void redis_node_send_asking(struct redis_node *node, struct batch *batch);

/* Asks something that is no op. reply is lent; NULL when the server goes down before. Only while it
 * is up. */
void redis_node_ask(struct redis_node *node, const char *const *words, size_t n,
                    void (*answered)(void *asker, const struct redisReply *reply), void *asker);

/* The members of the page were deleted; or not, then why. Of a page that is not waited for any more
 * it means nothing. */
void redis_node_deleted(struct redis_node *node, uint64_t page, enum batch_status status,
                        const char *reason);

#endif
