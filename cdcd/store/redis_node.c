/* The way of a batch:
 *
 *     send -> flight -> UNLINK of a cache's keys | EVAL bump | SCAN page by page
 *                                   |  one `due` each, in the order of the wire
 *     data -> redis_reader -> take_reply -> results -> answered
 *
 * Scans run one after the other, beside all else. The ACL user's rights: rules/README.md. */
#include "store/redis_node.h"

#include "base/mem.h"
#include "base/timer.h"
#include "store/redis_command.h"
#include "store/redis_due.h"
#include "store/redis_group.h"
#include "store/redis_handshake.h"
#include "store/redis_reader.h"
#include "store/redis_scan.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis_node {
    struct redis_node_opts opts;
    char name[300];
    struct server server;
    struct redis_handshake handshake;
    struct redis_reader *reader; /* of this connection */
    struct redis_scanner scanner;
    void *ctx; /* of the events */
    void (*asked)(void *ctx, unsigned number, const redisReply *reply);
};

/* ---- what is sent ---- */

static void send_deletes(struct redis_node *node, struct flight *flight)
{
    struct buf *out = link_out(node->server.link);
    unsigned n = redis_run_length(flight);
    if (!flight->batch->singly)
        redis_group_run(flight, n);
    while (n > 0) {
        unsigned len = redis_command_length(flight, n);
        redis_put_unlink(out, flight, flight->n_sent, len);
        redis_expect(&node->server, DUE_UNLINK, flight, flight->n_sent, len);
        flight->n_sent += len;
        n -= len;
    }
}

static void send_bump(struct redis_node *node, struct flight *flight)
{
    redis_put_bump(link_out(node->server.link), flight_next(flight));
    redis_expect(&node->server, DUE_BUMP, flight, flight->n_sent++, 1);
}

static void send_ops(struct redis_node *node, struct flight *flight)
{
    struct batch_op *op;
    while ((op = flight_next(flight))) {
        if (!redis_takes_key(op)) {
            op->result = RESULT_REFUSED;
            flight->n_sent++;
            continue;
        }
        switch ((enum op_action)op->action) {
        case OP_DELETE:
            send_deletes(node, flight);
            break;
        case OP_BUMP:
            send_bump(node, flight);
            break;
        case OP_SCAN:
            redis_scanner_add(&node->scanner, flight);
            break;
        case OP_STALE:
        case OP_EXPIRE:
        case OP_SET:
        case OP_DELETE_MEMBERS:
        case OP_PUBLISH:
            assert(false); /* refused when the rules were loaded */
        }
    }
}

/* ---- what is answered ---- */

/* Of n keys k were there. Which they were is not said, and only the counts matter. */
static bool take_unlinked(struct redis_node *node, const struct due *due, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_due_fail(due, reply, node->opts.store->name);
        return true;
    }
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > due->n)
        return server_drop(&node->server, "UNLINK was not answered with the number of its keys");
    for (unsigned i = 0; i < due->n; i++)
        flight_op(due->flight, due->from + i)->result =
            i < reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

static bool take_bumped(struct redis_node *node, const struct due *due, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_due_fail(due, reply, node->opts.store->name);
        return true;
    }
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > 1)
        return server_drop(&node->server, "the bump was not answered with 0 or 1");
    flight_op(due->flight, due->from)->result = reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

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

/* False when the connection was dropped for it. */
static bool take_reply(struct redis_node *node, const redisReply *reply)
{
    struct due due;
    bool good = false;
    if (!server_take_due(&node->server, &due))
        return server_drop(&node->server, "an answer that nobody asked for");
    tell_refused(node, &due, reply);
    if (drop_if_demoted(node, &due, reply))
        return false;
    switch ((enum redis_due)due.kind) {
    case DUE_AUTH:
    case DUE_SELECT:
    case DUE_ROLE:
    case DUE_INFO_SERVER:
    case DUE_INFO_REPLICATION:
    case DUE_PING:
        return redis_handshake_take(&node->handshake, &node->server, &due, reply);
    case DUE_UNLINK:
        good = take_unlinked(node, &due, reply);
        break;
    case DUE_BUMP:
        good = take_bumped(node, &due, reply);
        break;
    case DUE_PAGE:
        good = redis_scanner_take_page(&node->scanner, &due, reply);
        break;
    case DUE_PAGE_UNLINK:
        good = redis_scanner_take_unlinked(&node->scanner, &due, reply);
        break;
    case DUE_ASKED:
        node->asked(node->ctx, node->server.number, reply);
        return true;
    case DUE_END:
        good = reply->type == REDIS_REPLY_STATUS || reply->type == REDIS_REPLY_ERROR ||
               server_drop(&node->server, "PING was not answered");
        break;
    }
    if (good)
        server_settle(&node->server, due.flight);
    return good;
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

static void redis_on_lost(void *ctx, const char *reason)
{
    struct redis_node *node = ctx;
    redis_scanner_forget(&node->scanner);
    server_lost(&node->server, reason);
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
    redis_scanner_init(&node->scanner, &node->server, opts->store->name);
    node->scanner.by_slot = opts->by_slot;
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

void redis_node_free(struct redis_node *node)
{
    if (!node)
        return;
    redis_scanner_forget(&node->scanner);
    server_free(&node->server);
    redis_reader_free(node->reader);
    free(node);
}

const char *redis_node_name(const struct redis_node *node)
{
    return node->name;
}

bool redis_node_ready(const struct redis_node *node)
{
    return server_ready(&node->server);
}

void redis_node_send(struct redis_node *node, struct batch *batch)
{
    struct flight *flight = server_take(&node->server, batch);
    send_ops(node, flight);
    if (flight->n_due == 0) {
        redis_put_words(link_out(node->server.link), (const char *const[]){"PING"}, 1);
        redis_expect(&node->server, DUE_END, flight, 0, 0);
    }
    link_flush(node->server.link);
}

void redis_node_ask(struct redis_node *node, const char *const *words, size_t n,
                    void (*answered)(void *ctx, unsigned number, const struct redisReply *reply))
{
    node->asked = answered;
    redis_put_words(link_out(node->server.link), words, n);
    redis_expect(&node->server, DUE_ASKED, NULL, 0, 0);
    link_flush(node->server.link);
}
