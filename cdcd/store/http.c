/* HTTP caches as a store: one, or several that each get every op. An op is a request.
 *
 *     send -> flight -> a `due` for each op -> pump -> PURGE, BAN
 *                                               |  as many at a time as the server seems to take
 *     data -> http_read -> take_reply -> http_judge -> result -> answered
 *
 * Servers of HTTP end connections in the course of things: one that was idle, or has served so many
 * requests. What was not answered on it is asked again on the next, and nothing was lost; unless a
 * connection ends before it was of any use. */
#include "base/mem.h"
#include "base/timer.h"
#include "store/http_check.h"
#include "store/http_reply.h"
#include "store/http_request.h"
#include "store/http_verdict.h"
#include "store/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Requests that are not answered. */
#define DEPTH_MAX 128
#define WRITE_BYTES (256U << 10)
/* A connection that was idle so long may be closed by the server. */
#define IDLE_MS 500

struct peer {
    struct server server;
    struct http_url url;
    struct http_target target;
    char name[300];
    struct http_reader *reader;
    struct timer *unasked; /* answers for batches without a request */
    unsigned n_asked;      /* of the dues: the first so many */
    unsigned n_answered;   /* on this connection */
    unsigned n_vain;       /* connections that ended at their first request, ever */
    int64_t opened_ms;
    int64_t first_asked_ms; /* on this connection; 0 for never */
    bool ending;            /* nothing more is asked on this connection */
};

struct http {
    struct store store;
    struct peer *peers;
    unsigned n_peers;
};

extern const struct store_ops store_http;

/* ---- what is asked ---- */

static const struct batch_op *op_of(const struct peer *peer, unsigned place)
{
    const struct dues *dues = &peer->server.dues;
    const struct due *due = &dues->ring[(dues->first + place) % dues->size];
    return flight_op(due->flight, due->from);
}

static const char *method_of(const struct peer *peer, const struct batch_op *op)
{
    return op->action == OP_SCAN ? "BAN" : peer->target.method;
}

static void ask(struct peer *peer, const struct batch_op *op)
{
    struct buf *out = link_out(peer->server.link);
    if (op->action == OP_SCAN)
        http_put_ban(out, &peer->target, op->key, op->key_len);
    else
        http_put_delete(out, &peer->target, op->key, op->key_len);
    if (peer->first_asked_ms == 0)
        peer->first_asked_ms = timer_now_ms();
    peer->n_asked++;
}

/* A connection begins with one request, and has twice as many out after each round: a server that
 * closes after each answer is not asked everything again and again. Few large writes: more is asked
 * when half of it was answered. */
static void pump(struct peer *peer)
{
    struct link *link = peer->server.link;
    unsigned depth = peer->n_answered < DEPTH_MAX ? peer->n_answered + 1 : DEPTH_MAX;
    if (peer->ending || !link_is_up(link) || peer->n_asked > depth / 2)
        return;
    while (peer->n_asked < peer->server.dues.n && peer->n_asked < depth &&
           link_out(link)->len < WRITE_BYTES)
        ask(peer, op_of(peer, peer->n_asked));
    link_flush(link);
}

/* A server may hang up at one request alone: each time another begins, so that the rest is done. */
static void choose_first(const struct peer *peer, struct flight *flight)
{
    unsigned n = flight->batch->n;
    for (unsigned i = 0; i < n; i++)
        flight->order[i] = (i + peer->n_vain % n) % n;
}

static void take_ops(struct peer *peer, struct flight *flight)
{
    struct batch_op *op;
    choose_first(peer, flight);
    while ((op = flight_next(flight))) {
        assert(op->action == OP_DELETE || op->action == OP_SCAN); /* others the rules refuse */
        if (http_key_is_possible(&peer->target, op->key, op->key_len))
            server_expect(&peer->server,
                          (struct due){.flight = flight, .from = flight->n_sent, .n = 1});
        else
            op->result = RESULT_REFUSED;
        flight->n_sent++;
    }
}

/* A store does not answer from within its send. */
static void answer_unasked(void *ctx)
{
    struct peer *peer = ctx;
    struct flight *flight = peer->server.flights;
    while (flight) {
        bool unasked = flight->n_due == 0;
        if (unasked)
            server_settle(&peer->server, flight);
        flight = unasked ? peer->server.flights : flight->next;
    }
}

/* ---- what is answered ---- */

/* True when the connection goes on. */
static bool end_connection(struct peer *peer)
{
    peer->ending = true;
    link_renew(peer->server.link);
    return false;
}

/* Some servers say 408 to a connection that is idle, before they close it. */
static bool take_unasked(struct peer *peer, const struct http_reply *reply)
{
    if (reply->status == 408 && timer_now_ms() - peer->opened_ms >= IDLE_MS)
        return end_connection(peer);
    return server_drop(&peer->server, "an answer that nobody asked for");
}

static void take_reply(struct peer *peer, const struct http_reply *reply)
{
    struct due due;
    bool taken = server_take_due(&peer->server, &due);
    assert(taken);
    struct batch_op *op = flight_op(due.flight, due.from);
    struct http_verdict verdict = http_judge(reply, method_of(peer, op));
    peer->n_asked--;
    peer->n_answered++;
    peer->ending |= reply->last;
    if (verdict.status == BATCH_DONE)
        op->result = (uint8_t)verdict.result;
    else
        flight_fail(due.flight, verdict.status, verdict.reason);
    server_settle(&peer->server, due.flight);
}

/* False when the connection does not go on. */
static bool take(struct peer *peer, enum http_reading reading, const struct http_reply *reply)
{
    if (reading == HTTP_BROKEN)
        return server_drop(&peer->server, "the answer is no HTTP/1");
    if (peer->n_asked == 0)
        return take_unasked(peer, reply);
    take_reply(peer, reply);
    link_answered(peer->server.link, peer->server.dues.n > 0);
    return peer->ending ? end_connection(peer) : true;
}

/* ---- the link's events ---- */

static void http_on_open(void *ctx)
{
    struct peer *peer = ctx;
    struct server *server = &peer->server;
    http_reader_reset(peer->reader);
    peer->n_asked = peer->n_answered = 0;
    peer->ending = false;
    peer->first_asked_ms = 0;
    peer->opened_ms = timer_now_ms();
    if (server->dues.n > 0)
        link_await(server->link);
    if (server->state == SERVER_UP) {
        link_up(server->link);
        server->events->ready(server->ctx, server->store, server->number);
    } else {
        server_up(server);
    }
    pump(peer);
}

static size_t http_on_data(void *ctx, const char *bytes, size_t n)
{
    struct peer *peer = ctx;
    struct http_reply reply;
    enum http_reading reading;
    for (size_t at = 0; at < n;) {
        bool of_head = peer->n_asked > 0 && strcmp(method_of(peer, op_of(peer, 0)), "HEAD") == 0;
        at += http_read(peer->reader, of_head, bytes + at, n - at, &reading, &reply);
        if (reading != HTTP_PARTIAL && !take(peer, reading, &reply))
            return n;
    }
    pump(peer);
    return n;
}

/* A connection that answered, or was idle for some time, was of use. */
static bool http_on_closed(void *ctx)
{
    struct peer *peer = ctx;
    struct http_reply reply;
    int64_t used_ms = peer->first_asked_ms ? peer->first_asked_ms : timer_now_ms();
    peer->ending = true;
    if (peer->n_asked > 0 && http_read_end(peer->reader, &reply) == HTTP_REPLY)
        take_reply(peer, &reply);
    if (http_reader_is_midway(peer->reader))
        return false;
    return peer->n_answered > 0 || used_ms - peer->opened_ms >= IDLE_MS;
}

static void http_on_lost(void *ctx, const char *reason)
{
    struct peer *peer = ctx;
    peer->n_vain += peer->n_asked > 0 && peer->n_answered == 0;
    peer->n_asked = 0;
    server_lost(&peer->server, reason);
}

/* ---- the store ---- */

static void open_peer(struct peer *peer, struct http *http, unsigned number,
                      const struct store_opts *opts, struct event_base *base,
                      const struct store_events *events, void *ctx)
{
    static const struct link_events link_events = {
        .open = http_on_open, .data = http_on_data, .lost = http_on_lost};
    struct err err;
    int bad = url_parse_http(http_url_of(opts, number), &peer->url, &err);
    assert(!bad); /* it was checked */
    peer->target = (struct http_target){
        .method = opts->method,
        .host = opts->host ? opts->host : peer->url.host,
        .path = peer->url.path,
        .header = opts->header,
    };
    snprintf(peer->name, sizeof peer->name, "http %s", peer->url.address.name);
    peer->reader = http_reader_make();
    peer->unasked = timer_make(base, answer_unasked, peer);
    server_init(&peer->server, &http->store, number, events, ctx);
    struct link_opts link_opts = {
        .store = opts->name,
        .server = peer->name,
        .address = &peer->url.address,
        .tls = opts->tls,
        .timeout_ms = opts->timeout_ms,
        .retry_min_ms = opts->retry_min_ms,
        .retry_max_ms = opts->retry_max_ms,
        .closed = http_on_closed,
    };
    link_opts.tls.on = peer->url.tls;
    peer->server.link = link_make(&link_opts, base, &link_events, peer);
    link_start(peer->server.link, 0);
}

static struct store *http_open(const struct store_opts *opts, struct event_base *base,
                               const struct store_events *events, void *ctx)
{
    struct http *http = mem_alloc(sizeof *http);
    http->store.ops = &store_http;
    http->n_peers = http_n_urls(opts);
    http->peers = mem_alloc(http->n_peers * sizeof *http->peers);
    for (unsigned i = 0; i < http->n_peers; i++)
        open_peer(&http->peers[i], http, i, opts, base, events, ctx);
    return &http->store;
}

static struct peer *peer_of(const struct store *store, unsigned server)
{
    const struct http *http = (const struct http *)store;
    assert(server < http->n_peers);
    return &http->peers[server];
}

static unsigned http_n_servers(const struct store *store)
{
    return ((const struct http *)store)->n_peers;
}

static const char *http_server_name(const struct store *store, unsigned server)
{
    return peer_of(store, server)->name;
}

static bool http_ready(const struct store *store, unsigned server)
{
    return server_ready(&peer_of(store, server)->server);
}

static void http_send(struct store *store, unsigned server, struct batch *batch)
{
    struct peer *peer = peer_of(store, server);
    struct flight *flight = server_take(&peer->server, batch);
    take_ops(peer, flight);
    if (flight->n_due == 0)
        timer_start_ms(peer->unasked, 0);
    pump(peer);
}

static void http_close(struct store *store)
{
    struct http *http = (struct http *)store;
    for (unsigned i = 0; i < http->n_peers; i++) {
        timer_free(http->peers[i].unasked);
        http_reader_free(http->peers[i].reader);
        server_free(&http->peers[i].server);
    }
    free(http->peers);
    free(http);
}

const struct store_ops store_http = {
    .type = "http",
    .actions = 1U << OP_DELETE | 1U << OP_SCAN,
    .check = http_check,
    .open = http_open,
    .n_servers = http_n_servers,
    .server_name = http_server_name,
    .ready = http_ready,
    .send = http_send,
    .close = http_close,
};
