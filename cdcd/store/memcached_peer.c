/* One memcached server.
 *
 *     send -> flight -> md KEY | ma KEY ... | scan
 *                                   |  one `due` each, in the order of the wire; mn ends a batch
 *     data -> memcached_read_answer -> take_answer -> results -> answered
 *
 * A scan lists over a connection of its own (memcached_lister) and deletes over this one; scans run
 * one after the other, beside all else. */
#include "store/memcached_peer.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "store/ejection.h"
#include "store/memcached_due.h"
#include "store/memcached_lister.h"
#include "store/memcached_login.h"
#include "store/memcached_ops.h"
#include "store/scan.h"
#include "store/url.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Answers due at which a listing is read no further, and goes on. */
#define DUE_HIGH 2000
#define DUE_LOW 500

struct memcached_peer {
    struct server server;
    struct memcached_ops ops;
    struct address address;
    const char *store_name;
    char name[300];
    struct memcached_login login;
    struct memcached_lister *lister;
    struct scans scans;
    int64_t timeout_ms;
    struct ejection ejection;
    bool clearing; /* on the way from the handshake to being up */
};

static void list_keys(void *driver, const struct scan *scan);
static void on_found(void *ctx, const char *key, size_t len);
static void on_listed(void *ctx, const char *refusal);
static void on_open(void *ctx);
static size_t on_data(void *ctx, const char *bytes, size_t n);
static void on_lost(void *ctx, const char *reason);

struct memcached_peer *memcached_peer_make(const struct store_opts *opts, struct event_base *base,
                                           struct store *store, unsigned number, bool ejects,
                                           const struct store_events *events, void *ctx)
{
    static const struct link_events link_events = {on_open, on_data, on_lost};
    static const struct memcached_lister_events scan_events = {on_found, on_listed};
    struct memcached_peer *peer = mem_alloc(sizeof *peer);
    struct err err;
    struct url_server parsed;
    int bad = url_parse_weighted(opts->servers[number], &parsed, &err);
    assert(!bad); /* it was checked */
    peer->address = parsed.address;
    peer->store_name = opts->name;
    snprintf(peer->name, sizeof peer->name, "memcached %s", peer->address.name);
    peer->login = (struct memcached_login){
        .store = opts->name, .user = opts->user, .password_file = opts->password_file};
    peer->scans = (struct scans){.list = list_keys, .driver = peer};
    peer->timeout_ms = opts->timeout_ms;
    peer->ejection.state = ejects ? EJECTION_NEW : EJECTION_NEVER;
    server_init(&peer->server, store, number, events, ctx);
    memcached_ops_init(&peer->ops, &peer->server, opts->name);
    struct link_opts link_opts = {
        .store = opts->name,
        .server = peer->name,
        .address = &peer->address,
        .tls = opts->tls,
        .timeout_ms = opts->timeout_ms,
        .retry_min_ms = opts->retry_min_ms,
        .retry_max_ms = opts->retry_max_ms,
    };
    peer->server.link = link_make(&link_opts, base, &link_events, peer);
    peer->lister = memcached_lister_make(&link_opts, &peer->login, base, &scan_events, peer);
    link_start(peer->server.link, 0);
    return peer;
}

void memcached_peer_free(struct memcached_peer *peer)
{
    scans_forget(&peer->scans);
    memcached_ops_forget(&peer->ops);
    memcached_lister_free(peer->lister);
    server_free(&peer->server);
    free(peer);
}

const char *memcached_peer_name(const struct memcached_peer *peer)
{
    return peer->name;
}

bool memcached_peer_strays(const struct memcached_peer *peer)
{
    return peer->ejection.state != EJECTION_NEVER &&
           ejection_strays(&peer->ejection, timer_now_ms());
}

bool memcached_peer_ready(const struct memcached_peer *peer)
{
    return server_ready(&peer->server);
}

void memcached_peer_send(struct memcached_peer *peer, struct batch *batch)
{
    struct flight *flight = server_take(&peer->server, batch);
    struct batch_op *op;
    while ((op = flight_next(flight)))
        if (op->action == OP_SCAN)
            scans_add(&peer->scans, flight);
        else
            memcached_ops_send(&peer->ops, flight);
    buf_put_str(link_out(peer->server.link), "mn\r\n");
    memcached_expect(&peer->server, DUE_END, flight, 0, 0);
    link_flush(peer->server.link);
}

/* ---- scans ---- */

static void list_keys(void *driver, const struct scan *scan)
{
    struct memcached_peer *peer = driver;
    const struct batch_op *op = flight_op(scan->flight, scan->place);
    memcached_lister_start(peer->lister, op->key, op->key_len);
}

static void on_found(void *ctx, const char *key, size_t len)
{
    struct memcached_peer *peer = ctx;
    struct scan *scan = peer->scans.first;
    if (!memcached_put_delete(link_out(peer->server.link), key, len)) {
        scan->n_unnamed++;
        return;
    }
    scan->n_due++;
    memcached_expect(&peer->server, DUE_SCAN_DELETE, scan->flight, scan->place, 0);
    link_flush(peer->server.link);
    if (peer->server.dues.n > DUE_HIGH)
        memcached_lister_pause(peer->lister, true);
}

static void on_listed(void *ctx, const char *refusal)
{
    struct memcached_peer *peer = ctx;
    struct scan *scan = peer->scans.first;
    struct flight *flight = scan->flight;
    scan->listed = true;
    if (refusal) {
        scan->failed = true;
        flight_fail(flight, BATCH_REFUSED, refusal);
    }
    if (scan->n_unnamed > 0)
        log_warn("a scan left keys that no meta command can name store=%s server=\"%s\" n=%u",
                 peer->store_name, peer->name, scan->n_unnamed);
    scans_settle(&peer->scans);
    server_settle(&peer->server, flight);
    link_flush(peer->server.link);
}

/* ---- what is answered ---- */

static void come_up(struct memcached_peer *peer)
{
    peer->clearing = false;
    ejection_up(&peer->ejection, timer_now_ms());
    server_up(&peer->server);
}

static bool take_cleared(struct memcached_peer *peer, const struct memcached_answer *answer)
{
    char words[120];
    if (answer->kind == MEMCACHED_OK) {
        log_info("a server was away, and is cleared before it is used store=%s server=\"%s\"",
                 peer->store_name, peer->name);
    } else if (answer->kind == MEMCACHED_ERROR || answer->kind == MEMCACHED_BUSY) {
        server_quote(answer->text, answer->len, words, sizeof words);
        log_warn("a server was away, and refuses to be cleared: it may hold what is old; clear it "
                 "by hand, or let it be without -F store=%s server=\"%s\" reason=\"%s\"",
                 peer->store_name, peer->name, words);
    } else {
        return server_drop(&peer->server, "flush_all was not answered with OK");
    }
    come_up(peer);
    return true;
}

static bool take_scan_deleted(struct memcached_peer *peer, const struct due *due,
                              const struct memcached_answer *answer)
{
    struct scan *scan = peer->scans.first;
    scan->n_due--;
    if (memcached_due_failed(due, answer))
        scan->failed = true;
    else if (answer->kind == MEMCACHED_HD)
        scan->found = true;
    else if (answer->kind != MEMCACHED_NF)
        return server_drop(&peer->server, "md was not answered with HD or NF");
    scans_settle(&peer->scans);
    return true;
}

/* False when the connection was dropped for it. */
static bool take_answer(struct memcached_peer *peer, const struct memcached_answer *answer)
{
    struct due due;
    bool good = false;
    if (answer->kind == MEMCACHED_BROKEN)
        return server_drop(&peer->server, "a line that makes no sense");
    if (!server_take_due(&peer->server, &due))
        return server_drop(&peer->server, "an answer that nobody asked for");
    switch ((enum memcached_due)due.kind) {
    case DUE_CLEAR:
        return take_cleared(peer, answer);
    case DUE_DELETE:
    case DUE_INSTEAD:
    case DUE_BUMP:
    case DUE_STALE:
    case DUE_LIFE:
    case DUE_EXPIRE:
    case DUE_EXISTS:
    case DUE_SET:
    case DUE_MINT_SIZE:
    case DUE_MINT_READ:
    case DUE_MINT_WRITE:
    case DUE_MINT_DELETE:
        good = memcached_ops_take(&peer->ops, &due, answer);
        break;
    case DUE_SCAN_DELETE:
        good = take_scan_deleted(peer, &due, answer);
        break;
    case DUE_END:
        good = answer->kind == MEMCACHED_MN ||
               server_drop(&peer->server, "mn was not answered with MN");
        break;
    }
    if (good)
        server_settle(&peer->server, due.flight);
    return good;
}

/* ---- the link's events ---- */

static void on_open(void *ctx)
{
    struct memcached_peer *peer = ctx;
    memcached_login_begin(&peer->login, link_out(peer->server.link));
    link_flush(peer->server.link);
    link_await(peer->server.link);
}

static void refuse(struct memcached_peer *peer, const struct err *why)
{
    struct err denial;
    link_drop(peer->server.link, "%s", why->text);
    if (why->code != EX_NOPERM && why->code != EX_CONFIG)
        return;
    err_set(&denial, why->code, "store %s (%s): %.600s", peer->store_name, peer->name, why->text);
    server_denied(&peer->server, &denial);
}

/* What it kept while it was away may be old. */
static void finish_handshake(struct memcached_peer *peer)
{
    if (!ejection_must_clear(&peer->ejection, timer_now_ms())) {
        come_up(peer);
        return;
    }
    peer->clearing = true;
    buf_put_str(link_out(peer->server.link), "flush_all\r\n");
    memcached_expect(&peer->server, DUE_CLEAR, NULL, 0, 0);
    link_flush(peer->server.link);
}

static size_t shake_hands(struct memcached_peer *peer, const char *bytes, size_t n)
{
    struct link *link = peer->server.link;
    struct err err;
    size_t used;
    switch (memcached_login_take(&peer->login, bytes, n, &used, link_out(link), &err)) {
    case LOGIN_MORE:
        link_flush(link);
        link_answered(link, true);
        break;
    case LOGIN_DONE:
        link_answered(link, false);
        finish_handshake(peer);
        break;
    case LOGIN_REFUSED:
        refuse(peer, &err);
        break;
    }
    return used;
}

static size_t on_data(void *ctx, const char *bytes, size_t n)
{
    struct memcached_peer *peer = ctx;
    struct memcached_answer answer;
    if (!link_is_up(peer->server.link) && !peer->clearing)
        return shake_hands(peer, bytes, n);
    size_t at = 0;
    for (;;) {
        at += memcached_read_answer(bytes + at, n - at, memcached_ops_most(&peer->ops), &answer);
        if (answer.kind == MEMCACHED_PARTIAL)
            break;
        if (!take_answer(peer, &answer))
            return n;
    }
    if (peer->server.dues.n < DUE_LOW)
        memcached_lister_pause(peer->lister, false);
    link_flush(peer->server.link);
    link_answered(peer->server.link, peer->server.dues.n > 0);
    return at;
}

static void on_lost(void *ctx, const char *reason)
{
    struct memcached_peer *peer = ctx;
    memcached_lister_stop(peer->lister);
    scans_forget(&peer->scans);
    memcached_ops_forget(&peer->ops);
    /* What was not answered may have been asked so long ago. */
    int64_t silent_ms = peer->server.dues.n > 0 ? peer->timeout_ms : 0;
    peer->clearing = false;
    ejection_down(&peer->ejection, timer_now_ms() - silent_ms);
    server_lost(&peer->server, reason);
}
