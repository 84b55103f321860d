/* The way of a batch:
 *
 *     send -> flight -> redis_ops -> UNLINK of a cache's keys | EVAL | SET | ...
 *                          |  one `due` each, in the order of the wire
 *                          `-> redis_scan, page by page, beside all else
 *     data -> redis_reader -> take_reply -> results -> answered
 *
 * The ACL user's rights: rules/README.md. */
#include "store/redis_node.h"

#include "base/mem.h"
#include "base/timer.h"
#include "store/redis_command.h"
#include "store/redis_due.h"
#include "store/redis_handshake.h"
#include "store/redis_ops.h"
#include "store/redis_reader.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct redis_node {
    struct redis_node_opts opts;
    char name[300];
    struct server server;
    struct redis_handshake handshake;
    struct redis_reader *reader; /* of this connection */
    struct redis_ops ops;
    void *ctx;                  /* of the events */
    struct question *questions; /* the oldest first */
};

/* Of redis_node_ask. */
struct question {
    void (*answered)(void *asker, const redisReply *reply);
    void *asker;
    struct question *prev;
    struct question *next;
};

/* ---- what is answered ---- */

/* The server has become a replica: when it is a master again, it may be with another one's data, so
 * it is asked anew which it is. */
static bool drop_if_demoted(struct redis_node *node, const struct due *due, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR || !redis_handshake_names_servers(&node->handshake))
        return false;
    struct redis_verdict verdict =
        redis_due_judge((enum redis_due)due->kind, reply, node->opts.store->name);
    if (verdict.demoted)
        link_drop(node->server.link, "%s", verdict.reason);
    return verdict.demoted;
}

/* A page's keys are no ops: its scan is one. */
static void tell_refused(struct redis_node *node, const struct due *due, const redisReply *reply)
{
    unsigned n = due->kind == DUE_PAGE_UNLINK ? 1 : due->n;
    if (!node->opts.refused || !due->flight || reply->type != REDIS_REPLY_ERROR)
        return;
    for (unsigned i = due->from; i < due->from + n; i++)
        node->opts.refused(node->ctx, due->flight->batch, due->flight->order[i], reply->str,
                           reply->len);
}

/* Replicas are waited for for half of the time after which the connection would be given up. */
static void wait_for_replicas(void *driver, struct flight *flight)
{
    struct redis_node *node = driver;
    const struct store_opts *store = node->opts.store;
    char n[16], ms[24];
    snprintf(n, sizeof n, "%u", store->wait_replicas);
    snprintf(ms, sizeof ms, "%lld", (long long)(store->timeout_ms / 2 + 1));
    redis_put_words(link_out(node->server.link), (const char *const[]){"WAIT", n, ms}, 3);
    redis_expect(&node->server, DUE_WAIT, flight, 0, 0);
    link_flush(node->server.link);
}

/* Too few, or an error: all of the batch is sent again. */
static bool take_replicas(struct redis_node *node, const struct due *due, const redisReply *reply)
{
    const struct store_opts *store = node->opts.store;
    char reason[200];
    if (reply->type == REDIS_REPLY_ERROR) {
        struct redis_verdict verdict = redis_due_judge(DUE_WAIT, reply, store->name);
        flight_fail(due->flight, BATCH_BUSY, verdict.reason);
    } else if (reply->type != REDIS_REPLY_INTEGER) {
        return server_drop(&node->server, "WAIT was not answered with a number");
    } else if (reply->integer < store->wait_replicas) {
        snprintf(reason, sizeof reason,
                 "%lld of %u replicas have it: look at them, or lower wait_replicas of store %s",
                 reply->integer, store->wait_replicas, store->name);
        flight_fail(due->flight, BATCH_BUSY, reason);
    }
    return true;
}

static void answer_question(struct redis_node *node, const redisReply *reply)
{
    struct question question = *node->questions;
    struct question *answered = node->questions;
    DL_DELETE(node->questions, answered);
    free(answered);
    question.answered(question.asker, reply);
}

/* False when the connection was dropped for it. */
static bool take_reply(struct redis_node *node, const redisReply *reply)
{
    struct due due;
    if (!server_take_due(&node->server, &due))
        return server_drop(&node->server, "an answer that nobody asked for");
    tell_refused(node, &due, reply);
    if (drop_if_demoted(node, &due, reply))
        return false;
    if (due.kind == DUE_ASKED)
        answer_question(node, reply);
    else if (!due.flight)
        return redis_handshake_take(&node->handshake, &node->server, &due, reply);
    else if (due.kind == DUE_WAIT ? !take_replicas(node, &due, reply)
                                  : !redis_ops_take(&node->ops, &due, reply))
        return false;
    else
        server_settle(&node->server, due.flight);
    return true;
}

/* ---- the link's events ---- */

static void redis_on_open(void *ctx)
{
    struct redis_node *node = ctx;
    redis_reader_free(node->reader);
    node->reader = redis_reader_make();
    redis_handshake_begin(&node->handshake, &node->server);
}

static size_t redis_on_data(void *ctx, const char *bytes, size_t n)
{
    struct redis_node *node = ctx;
    redisReply *reply;
    int got = redis_reader_feed(node->reader, bytes, n);
    if (link_is_up(node->server.link))
        node->handshake.heard_ms = timer_now_ms();
    while (got >= 0 && (got = redis_reader_next(node->reader, &reply)) > 0) {
        bool good = take_reply(node, reply);
        freeReplyObject(reply);
        if (!good)
            return n;
    }
    if (got < 0) {
        server_drop(&node->server, redis_reader_error(node->reader));
        return n;
    }
    link_flush(node->server.link);
    link_answered(node->server.link, node->server.dues.n > 0);
    return n;
}

static void take_loss(struct redis_node *node, const char *reason)
{
    redis_ops_forget(&node->ops);
    while (node->questions)
        answer_question(node, NULL);
    server_lost(&node->server, reason);
}

static void redis_on_lost(void *ctx, const char *reason)
{
    struct redis_node *node = ctx;
    bool was_up = node->server.state == SERVER_UP;
    take_loss(node, reason);
    if (!node->opts.lost)
        return;
    link_stop(node->server.link);
    node->opts.lost(node->opts.lost_ctx, was_up);
}

/* ---- the node ---- */

struct redis_node *redis_node_make(const struct redis_node_opts *opts, struct event_base *base,
                                   struct store *store, unsigned number,
                                   const struct store_events *events, void *ctx)
{
    static const struct link_events link_events = {redis_on_open, redis_on_data, redis_on_lost};
    struct redis_node *node = mem_alloc(sizeof *node);
    node->opts = *opts;
    node->ctx = ctx;
    snprintf(node->name, sizeof node->name, "redis %s", opts->address.name);
    node->handshake.opts = (struct redis_handshake_opts){
        .store = opts->store,
        .user = opts->user,
        .name = node->name,
        .db = opts->db,
    };
    server_init(&node->server, store, number, events, ctx);
    if (opts->store->wait_replicas > 0) {
        node->server.finish = wait_for_replicas;
        node->server.driver = node;
    }
    const struct redis_scanner_opts scanner_opts = {
        .store = opts->store->name,
        .server = &node->handshake.identity,
        .by_slot = opts->by_slot,
        .delete_members = opts->delete_members,
        .ctx = ctx,
        .number = number,
    };
    redis_ops_init(&node->ops, &node->server, base, &scanner_opts);
    struct link_opts link_opts = {
        .store = opts->store->name,
        .server = node->name,
        .address = &node->opts.address,
        .tls = opts->store->tls,
        .timeout_ms = opts->store->timeout_ms,
        .retry_min_ms = opts->store->retry_min_ms,
        .retry_max_ms = opts->store->retry_max_ms,
    };
    node->server.link = link_make(&link_opts, base, &link_events, node);
    return node;
}

void redis_node_start(struct redis_node *node)
{
    link_start(node->server.link, 0);
}

void redis_node_start_at(struct redis_node *node, const struct address *address)
{
    node->opts.address = *address;
    snprintf(node->name, sizeof node->name, "redis %s", address->name);
    redis_node_start(node);
}

void redis_node_stop(struct redis_node *node, const char *reason)
{
    link_stop(node->server.link);
    take_loss(node, reason);
}

void redis_node_vouch(struct redis_node *node)
{
    if (link_is_up(node->server.link))
        node->handshake.vouched_ms = timer_now_ms();
}

void redis_node_free(struct redis_node *node)
{
    struct question *question, *next;
    if (!node)
        return;
    redis_ops_free(&node->ops);
    server_free(&node->server);
    DL_FOREACH_SAFE(node->questions, question, next)
    {
        free(question);
    }
    redis_reader_free(node->reader);
    free(node);
}

const char *redis_node_name(const struct redis_node *node)
{
    return node->name;
}

bool redis_node_is_up(const struct redis_node *node)
{
    return link_is_up(node->server.link);
}

bool redis_node_ready(const struct redis_node *node)
{
    return server_ready(&node->server);
}

void redis_node_send(struct redis_node *node, struct batch *batch)
{
    struct flight *flight = server_take(&node->server, batch);
    redis_ops_send(&node->ops, flight);
    if (flight->n_due == 0) {
        redis_put_words(link_out(node->server.link), (const char *const[]){"PING"}, 1);
        redis_expect(&node->server, DUE_END, flight, 0, 0);
    }
    link_flush(node->server.link);
}

void redis_node_send_asking(struct redis_node *node, struct batch *batch)
{
    node->ops.asking = true;
    redis_node_send(node, batch);
    node->ops.asking = false;
}

void redis_node_ask(struct redis_node *node, const char *const *words, size_t n,
                    void (*answered)(void *asker, const struct redisReply *reply), void *asker)
{
    struct question *question = mem_alloc(sizeof *question);
    *question = (struct question){.answered = answered, .asker = asker};
    DL_APPEND(node->questions, question);
    redis_put_words(link_out(node->server.link), words, n);
    redis_expect(&node->server, DUE_ASKED, NULL, 0, 0);
    link_flush(node->server.link);
}

void redis_node_deleted(struct redis_node *node, uint64_t page, enum batch_status status,
                        const char *reason)
{
    redis_scanner_deleted(&node->ops.scanner, page, status, reason);
}
