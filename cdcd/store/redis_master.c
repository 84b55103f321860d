#include "store/redis_master.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "store/redis_node.h"
#include "store/redis_sentinel.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURE_LOG_MS 60000
/* A master that is lost sooner is asked for no more often than one that cannot be reached. */
#define GOOD_MS 2000

enum state {
    ASKING,    /* the sentinels */
    WAITING,   /* to ask them again */
    CONNECTED, /* or about to be */
};

struct redis_master {
    struct store store;
    struct store_opts opts;
    struct redis_node *node;
    struct redis_sentinels *sentinels;
    struct timer *timer;
    enum state state;
    struct address address; /* CONNECTED */
    int64_t wait_ms;        /* the last one; 0: none since it went well */
    int64_t connected_ms;   /* since when */
    char last_reason[500];
    struct log_limit failure_log;
};

extern const struct store_ops store_redis_master;

/* ---- check ---- */

static unsigned check_sentinels(const struct store_opts *opts, struct complaints *complaints)
{
    struct address address;
    struct err err;
    unsigned before = complaints->n_errors;
    for (unsigned i = 0; i < opts->n_sentinels; i++) {
        if (redis_sentinel_parse(opts->sentinels[i], &address, &err) < 0)
            complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                     "store %s: \"%s\" in sentinels: %s", opts->name, opts->sentinels[i], err.text);
        for (unsigned j = 0; j < i; j++)
            if (strcmp(opts->sentinels[i], opts->sentinels[j]) == 0)
                complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                         "store %s: \"%s\" stands twice in sentinels, and would have two votes; "
                         "remove one",
                         opts->name, opts->sentinels[i]);
    }
    return complaints->n_errors - before;
}

unsigned redis_master_check(const struct store_opts *opts, struct complaints *complaints)
{
    unsigned before = complaints->n_errors;
    if (opts->url || opts->n_cluster > 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has sentinels, which name its server; remove %s", opts->name,
                 opts->url ? "url" : "cluster, or sentinels and master");
    if (opts->n_sentinels == 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has a master and no sentinels; set sentinels = [ \"host:26379\" ]",
                 opts->name);
    if (!opts->master || !*opts->master)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has sentinels and no master; set master to the name that they have for "
                 "it, as in \"mymaster\"",
                 opts->name);
    check_sentinels(opts, complaints);
    tls_check_settings(&opts->tls, opts->tls.on, "set tls = true", opts->name, opts->file,
                       opts->line, complaints);
    return complaints->n_errors - before;
}

/* ---- where the master is ---- */

static void master_enter(struct redis_master *master, enum state state, const char *why)
{
    static const char *const names[] = {"asking", "waiting", "connected"};
    static const unsigned allowed[] = {
        [ASKING] = 1 << ASKING | 1 << WAITING | 1 << CONNECTED,
        [WAITING] = 1 << ASKING | 1 << CONNECTED,
        [CONNECTED] = 1 << ASKING | 1 << WAITING,
    };
    assert(allowed[master->state] & 1U << state);
    log_debug("master moves store=%s from=%s to=%s why=\"%s\"", master->opts.name,
              names[master->state], names[state], why);
    master->state = state;
}

static void ask(struct redis_master *master, const char *why)
{
    master_enter(master, ASKING, why);
    timer_stop(master->timer);
    redis_sentinels_ask(master->sentinels);
}

static void wait_to_ask(struct redis_master *master, const char *why)
{
    int64_t ms = master->wait_ms ? master->wait_ms * 2 : master->opts.retry_min_ms;
    master->wait_ms = ms < master->opts.retry_max_ms ? ms : master->opts.retry_max_ms;
    master_enter(master, WAITING, why);
    timer_start_ms(master->timer, master->wait_ms);
}

static void on_timer(void *ctx)
{
    ask(ctx, "time to try");
}

static void connect_to(struct redis_master *master, const struct address *address)
{
    master_enter(master, CONNECTED, address->name);
    timer_stop(master->timer);
    master->address = *address;
    master->connected_ms = timer_now_ms();
    master->last_reason[0] = '\0';
    redis_node_start_at(master->node, address);
}

/* The server is none, whatever it says itself. */
static void leave(struct redis_master *master, const struct address *other)
{
    log_warn("another is the master now store=%s server=\"%s\" master=\"%s\"", master->opts.name,
             redis_node_name(master->node), other->name);
    redis_node_stop(master->node, "another is the master now");
}

static bool is_here(const struct redis_master *master, const struct address *address)
{
    return strcmp(master->address.name, address->name) == 0;
}

static void on_elected(void *ctx, const struct address *address)
{
    struct redis_master *master = ctx;
    if (master->state == CONNECTED && is_here(master, address)) {
        redis_node_vouch(master->node);
        return;
    }
    if (master->state == CONNECTED) {
        leave(master, address);
        master_enter(master, ASKING, "another is elected");
    }
    connect_to(master, address);
}

static void log_undecided(struct redis_master *master, const char *reason)
{
    unsigned n;
    if (strcmp(master->last_reason, reason) != 0)
        master->failure_log = (struct log_limit){0};
    snprintf(master->last_reason, sizeof master->last_reason, "%s", reason);
    if (log_limit_pass(&master->failure_log, timer_now_ms(), FAILURE_LOG_MS, &n))
        log_warn("store cannot be reached store=%s master=\"%s\" reason=\"%s\"", master->opts.name,
                 master->opts.master, reason);
}

static void on_undecided(void *ctx, const char *reason)
{
    struct redis_master *master = ctx;
    /* The connection may be good for long. */
    if (master->state != ASKING)
        return;
    log_undecided(master, reason);
    wait_to_ask(master, reason);
    redis_node_stop(master->node, reason);
}

static void on_switched(void *ctx, const struct address *address)
{
    struct redis_master *master = ctx;
    if (master->state != CONNECTED || is_here(master, address))
        return;
    leave(master, address);
    ask(master, "a sentinel named another");
}

static void on_lost(void *ctx, bool was_up)
{
    struct redis_master *master = ctx;
    if (was_up && timer_now_ms() - master->connected_ms >= GOOD_MS) {
        master->wait_ms = 0;
        ask(master, "the connection was lost");
    } else {
        wait_to_ask(master, "the connection failed");
    }
}

/* ---- the store ---- */

struct store *redis_master_open(const struct store_opts *opts, struct event_base *base,
                                const struct store_events *events, void *ctx)
{
    static const struct redis_sentinel_events sentinel_events = {
        .elected = on_elected, .undecided = on_undecided, .switched = on_switched};
    struct redis_master *master = mem_alloc(sizeof *master);
    master->store.ops = &store_redis_master;
    master->opts = *opts;
    if (opts->failover_window_ms > 0)
        master->store.keep_ms = opts->failover_window_ms + 3 * REDIS_SENTINEL_ASK_MS;
    struct redis_node_opts node_opts = {
        .store = &master->opts,
        .user = opts->user ? opts->user : "",
        .lost = on_lost,
        .lost_ctx = master,
    };
    snprintf(node_opts.address.name, sizeof node_opts.address.name, "%s", opts->master);
    master->node = redis_node_make(&node_opts, base, &master->store, 0, events, ctx);
    master->timer = timer_make(base, on_timer, master);
    master->sentinels = redis_sentinels_make(&master->opts, base, &sentinel_events, master);
    ask(master, "opened");
    return &master->store;
}

static unsigned n_servers(const struct store *store)
{
    (void)store;
    return 1;
}

static const char *server_name(const struct store *store, unsigned server)
{
    (void)server;
    return redis_node_name(((const struct redis_master *)store)->node);
}

static bool ready(const struct store *store, unsigned server)
{
    (void)server;
    return redis_node_ready(((const struct redis_master *)store)->node);
}

static void send_batch(struct store *store, unsigned server, struct batch *batch)
{
    (void)server;
    redis_node_send(((struct redis_master *)store)->node, batch);
}

static void close_store(struct store *store)
{
    struct redis_master *master = (struct redis_master *)store;
    redis_sentinels_free(master->sentinels);
    timer_free(master->timer);
    redis_node_free(master->node);
    free(master);
}

const struct store_ops store_redis_master = {
    .type = "redis",
    .n_servers = n_servers,
    .server_name = server_name,
    .ready = ready,
    .send = send_batch,
    .close = close_store,
};
