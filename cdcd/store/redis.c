/* A Redis as a store: one server at a fixed address, or where sentinels say; or a cluster. */
#include "base/mem.h"
#include "store/redis_cluster.h"
#include "store/redis_master.h"
#include "store/redis_node.h"

#include <assert.h>
#include <stdlib.h>

/* Nothing is forgotten a moment before the window is over, as another clock reads it. */
#define KEEP_LONGER_MS 2000

struct redis {
    struct store store;
    struct store_opts opts;
    struct redis_url url;
    struct redis_node *node;
};

extern const struct store_ops store_redis;

static void check_tls(const struct store_opts *opts, const struct redis_url *url,
                      struct complaints *complaints)
{
    bool is_unix = url->address.kind == ADDRESS_UNIX;
    const char *remedy =
        is_unix ? "remove them, for a unix socket has none" : "write rediss:// in its url";
    tls_check_settings(&opts->tls, url->tls, remedy, opts->name, opts->file, opts->line,
                       complaints);
    if (opts->tls.on && !url->tls)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: tls = true, and its url %s", opts->name,
                 is_unix ? "is a unix socket, which has none; remove one of the two"
                         : "says redis://; write rediss://");
}

static unsigned redis_check(const struct store_opts *opts, struct complaints *complaints)
{
    struct redis_url url;
    struct err err;
    unsigned before = complaints->n_errors;
    if (opts->n_sentinels > 0 || opts->master)
        redis_master_check(opts, complaints);
    else if (opts->n_cluster > 0)
        redis_cluster_check(opts, complaints);
    else if (!opts->url)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has no url; set url = \"redis://127.0.0.1:6379/0\"", opts->name);
    else if (url_parse_redis(opts->url, &url, &err) < 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: %s", opts->name,
                 err.text);
    else if (opts->user && *url.user)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has a user in its url as well; keep one of the two", opts->name);
    else
        check_tls(opts, &url, complaints);
    if (opts->n_servers > 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: servers is for memcached; a redis has a url", opts->name);
    if (opts->selector)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: selector is for memcached; remove it", opts->name);
    return complaints->n_errors - before;
}

static struct store *redis_open(const struct store_opts *opts, struct event_base *base,
                                const struct store_events *events, void *ctx)
{
    if (opts->n_cluster > 0)
        return redis_cluster_open(opts, base, events, ctx);
    if (opts->n_sentinels > 0)
        return redis_master_open(opts, base, events, ctx);
    struct redis *redis = mem_alloc(sizeof *redis);
    struct err err;
    redis->store.ops = &store_redis;
    redis->opts = *opts;
    if (opts->failover_window_ms > 0)
        redis->store.keep_ms = opts->failover_window_ms + KEEP_LONGER_MS;
    int bad = url_parse_redis(opts->url, &redis->url, &err);
    assert(!bad); /* it was checked */
    redis->opts.tls.on = redis->url.tls;
    struct redis_node_opts node_opts = {
        .store = &redis->opts,
        .user = opts->user ? opts->user : redis->url.user,
        .db = redis->url.db,
        .address = redis->url.address,
    };
    redis->node = redis_node_make(&node_opts, base, &redis->store, 0, events, ctx);
    redis_node_start(redis->node);
    return &redis->store;
}

static unsigned redis_n_servers(const struct store *store)
{
    (void)store;
    return 1;
}

static const char *redis_server_name(const struct store *store, unsigned server)
{
    (void)server;
    return redis_node_name(((const struct redis *)store)->node);
}

static bool redis_ready(const struct store *store, unsigned server)
{
    (void)server;
    return redis_node_ready(((const struct redis *)store)->node);
}

static void redis_send(struct store *store, unsigned server, struct batch *batch)
{
    (void)server;
    redis_node_send(((struct redis *)store)->node, batch);
}

static void redis_close(struct store *store)
{
    struct redis *redis = (struct redis *)store;
    redis_node_free(redis->node);
    free(redis);
}

const struct store_ops store_redis = {
    .type = "redis",
    .actions = 1U << OP_DELETE | 1U << OP_BUMP | 1U << OP_STALE | 1U << OP_EXPIRE | 1U << OP_SET |
               1U << OP_DELETE_MEMBERS | 1U << OP_PUBLISH | 1U << OP_SCAN,
    .check = redis_check,
    .open = redis_open,
    .n_servers = redis_n_servers,
    .server_name = redis_server_name,
    .ready = redis_ready,
    .send = redis_send,
    .close = redis_close,
};
