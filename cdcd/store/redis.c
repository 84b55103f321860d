/* A Redis server as a store.
 *
 *     send -> flight -> UNLINK of a cache's keys | EVAL bump | SCAN page by page
 *                                   |  one `due` each, in the order of the wire
 *     data -> redis_reader -> take_reply -> results -> answered
 *
 * Scans run one after the other, beside all else. The ACL user's rights: rules/README.md. */
#include "base/mem.h"
#include "store/redis_command.h"
#include "store/redis_error.h"
#include "store/redis_login.h"
#include "store/redis_reader.h"
#include "store/scan.h"
#include "store/url.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_MAX 20

enum due_kind {
    DUE_AUTH,
    DUE_SELECT,
    DUE_PING,
    DUE_UNLINK,
    DUE_BUMP,
    DUE_PAGE,        /* of a scan */
    DUE_PAGE_UNLINK, /* of what a page found */
    DUE_END,         /* of a batch of which nothing was sent: there is something to answer it by */
};

struct redis {
    struct store store;
    struct store_opts opts;
    struct redis_url url;
    char name[300];
    struct server server;
    struct redis_reader *reader; /* of this connection */
    struct scans scans;
};

extern const struct store_ops store_redis;

/* ---- what is sent ---- */

static void expect(struct redis *redis, enum due_kind kind, struct flight *flight, unsigned from,
                   unsigned n)
{
    server_expect(&redis->server,
                  (struct due){.kind = (int)kind, .flight = flight, .from = from, .n = n});
}

static void send_deletes(struct redis *redis, struct flight *flight)
{
    struct buf *out = link_out(redis->server.link);
    unsigned n = redis_run_length(flight);
    if (!flight->batch->singly)
        redis_group_run(flight, n);
    while (n > 0) {
        unsigned len = redis_command_length(flight, n);
        redis_put_unlink(out, flight, flight->n_sent, len);
        expect(redis, DUE_UNLINK, flight, flight->n_sent, len);
        flight->n_sent += len;
        n -= len;
    }
}

static void send_bump(struct redis *redis, struct flight *flight)
{
    redis_put_bump(link_out(redis->server.link), flight_next(flight));
    expect(redis, DUE_BUMP, flight, flight->n_sent++, 1);
}

static void send_page(struct redis *redis, const struct scan *scan, const char *cursor)
{
    const struct batch_op *op = flight_op(scan->flight, scan->place);
    redis_put_scan(link_out(redis->server.link), cursor, op);
    expect(redis, DUE_PAGE, scan->flight, scan->place, 1);
}

static void list_keys(void *driver, const struct scan *scan)
{
    send_page(driver, scan, "0");
}

static void send_ops(struct redis *redis, struct flight *flight)
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
            send_deletes(redis, flight);
            break;
        case OP_BUMP:
            send_bump(redis, flight);
            break;
        case OP_SCAN:
            scans_add(&redis->scans, flight);
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

static struct redis_verdict judge(const struct redis *redis, enum due_kind kind,
                                  const redisReply *reply)
{
    static const char *const commands[] = {
        [DUE_AUTH] = "auth",
        [DUE_SELECT] = "select",
        [DUE_PING] = "ping",
        [DUE_UNLINK] = "unlink",
        [DUE_BUMP] = "eval exists time incr incrby",
        [DUE_PAGE] = "scan",
        [DUE_PAGE_UNLINK] = "unlink",
        [DUE_END] = "ping",
    };
    return redis_judge(reply->str, reply->len, redis->opts.name, commands[kind]);
}

static void note_error(struct redis *redis, const struct due *due, const redisReply *reply)
{
    struct redis_verdict verdict = judge(redis, (enum due_kind)due->kind, reply);
    flight_fail(due->flight, verdict.status, verdict.reason);
}

static bool refuse_handshake(struct redis *redis, enum due_kind kind, const redisReply *reply)
{
    struct err err;
    struct redis_verdict verdict = judge(redis, kind, reply);
    if (kind == DUE_AUTH && verdict.status == BATCH_REFUSED && !verdict.denied)
        verdict.denied = EX_NOPERM;
    link_drop(redis->server.link, "%s", verdict.reason);
    if (verdict.denied) {
        err_set(&err, verdict.denied, "store %s (%s): %s", redis->opts.name, redis->name,
                verdict.reason);
        server_denied(&redis->server, &err);
    }
    return false;
}

static bool take_handshake(struct redis *redis, enum due_kind kind, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return refuse_handshake(redis, kind, reply);
    if (reply->type != REDIS_REPLY_STATUS ||
        strcmp(reply->str, kind == DUE_PING ? "PONG" : "OK") != 0)
        return server_drop(&redis->server, "the handshake was not answered as by a Redis");
    if (kind == DUE_PING)
        server_up(&redis->server);
    return true;
}

/* Of n keys k were there. Which they were is not said, and only the counts matter. */
static bool take_unlinked(struct redis *redis, const struct due *due, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        note_error(redis, due, reply);
        return true;
    }
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > due->n)
        return server_drop(&redis->server, "UNLINK was not answered with the number of its keys");
    for (unsigned i = 0; i < due->n; i++)
        flight_op(due->flight, due->from + i)->result =
            i < reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

static bool take_bumped(struct redis *redis, const struct due *due, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        note_error(redis, due, reply);
        return true;
    }
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > 1)
        return server_drop(&redis->server, "the bump was not answered with 0 or 1");
    flight_op(due->flight, due->from)->result = reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

/* Checks the shape of a page: a cursor, and keys. */
static bool is_page(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return false;
    const redisReply *cursor = reply->element[0], *keys = reply->element[1];
    if (cursor->type != REDIS_REPLY_STRING || keys->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < keys->elements; i++)
        if (keys->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return cursor->len > 0 && cursor->len <= CURSOR_MAX &&
           strspn(cursor->str, "0123456789") == cursor->len;
}

static void unlink_page(struct redis *redis, struct scan *scan, const redisReply *keys)
{
    struct buf *out = link_out(redis->server.link);
    if (keys->elements == 0)
        return;
    redis_put_head(out, keys->elements + 1);
    redis_put_bulk(out, "UNLINK", 6);
    for (size_t i = 0; i < keys->elements; i++)
        redis_put_bulk(out, keys->element[i]->str, keys->element[i]->len);
    expect(redis, DUE_PAGE_UNLINK, scan->flight, scan->place, (unsigned)keys->elements);
    scan->n_due++;
}

static bool take_page(struct redis *redis, const struct due *due, const redisReply *reply)
{
    struct scan *scan = redis->scans.first;
    if (reply->type == REDIS_REPLY_ERROR) {
        note_error(redis, due, reply);
        scan->failed = true;
    } else if (!is_page(reply)) {
        return server_drop(&redis->server, "SCAN was not answered with a cursor and keys");
    }
    if (!scan->failed) {
        const char *cursor = reply->element[0]->str;
        unlink_page(redis, scan, reply->element[1]);
        scan->listed = strcmp(cursor, "0") == 0;
        if (!scan->listed)
            send_page(redis, scan, cursor);
    }
    scan->listed = scan->listed || scan->failed;
    scans_settle(&redis->scans);
    return true;
}

static bool take_page_unlinked(struct redis *redis, const struct due *due, const redisReply *reply)
{
    struct scan *scan = redis->scans.first;
    if (reply->type == REDIS_REPLY_ERROR) {
        note_error(redis, due, reply);
        scan->failed = true;
    } else if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 ||
               reply->integer > due->n) {
        return server_drop(&redis->server, "UNLINK was not answered with the number of its keys");
    } else if (reply->integer > 0) {
        scan->found = true;
    }
    scan->n_due--;
    scans_settle(&redis->scans);
    return true;
}

/* False when the connection was dropped for it. */
static bool take_reply(struct redis *redis, const redisReply *reply)
{
    struct due due;
    bool good = false;
    if (!server_take_due(&redis->server, &due))
        return server_drop(&redis->server, "an answer that nobody asked for");
    switch ((enum due_kind)due.kind) {
    case DUE_AUTH:
    case DUE_SELECT:
    case DUE_PING:
        return take_handshake(redis, (enum due_kind)due.kind, reply);
    case DUE_UNLINK:
        good = take_unlinked(redis, &due, reply);
        break;
    case DUE_BUMP:
        good = take_bumped(redis, &due, reply);
        break;
    case DUE_PAGE:
        good = take_page(redis, &due, reply);
        break;
    case DUE_PAGE_UNLINK:
        good = take_page_unlinked(redis, &due, reply);
        break;
    case DUE_END:
        good = reply->type == REDIS_REPLY_STATUS || reply->type == REDIS_REPLY_ERROR ||
               server_drop(&redis->server, "PING was not answered");
        break;
    }
    if (good)
        server_settle(&redis->server, due.flight);
    return good;
}

/* ---- the link's events ---- */

static int authenticate(struct redis *redis, struct err *err)
{
    const char *user = redis->opts.user ? redis->opts.user : redis->url.user;
    const char *password_file = redis->opts.password_file;
    if (!*user && !password_file)
        return 0;
    struct buf *out = link_out(redis->server.link);
    if (redis_put_login(out, *user ? user : NULL, password_file, err) < 0)
        return -1;
    expect(redis, DUE_AUTH, NULL, 0, 0);
    return 0;
}

static void redis_on_open(void *ctx)
{
    struct redis *redis = ctx;
    struct err err, denial;
    char db[16];
    redis_reader_free(redis->reader);
    redis->reader = redis_reader_make();
    if (authenticate(redis, &err) < 0) {
        link_drop(redis->server.link, "%s", err.text);
        err_set(&denial, err.code, "store %s: %.900s", redis->opts.name, err.text);
        server_denied(&redis->server, &denial);
        return;
    }
    struct buf *out = link_out(redis->server.link);
    snprintf(db, sizeof db, "%u", redis->url.db);
    /* An ACL user of the first database needs no `select` then. */
    if (redis->url.db != 0) {
        redis_put_words(out, (const char *const[]){"SELECT", db}, 2);
        expect(redis, DUE_SELECT, NULL, 0, 0);
    }
    redis_put_words(out, (const char *const[]){"PING"}, 1);
    expect(redis, DUE_PING, NULL, 0, 0);
    link_flush(redis->server.link);
}

static size_t redis_on_data(void *ctx, const char *bytes, size_t n)
{
    struct redis *redis = ctx;
    redisReply *reply;
    int got = redis_reader_feed(redis->reader, bytes, n);
    while (got >= 0 && (got = redis_reader_next(redis->reader, &reply)) > 0) {
        bool good = take_reply(redis, reply);
        freeReplyObject(reply);
        if (!good)
            return n;
    }
    if (got < 0) {
        server_drop(&redis->server, redis_reader_error(redis->reader));
        return n;
    }
    link_flush(redis->server.link);
    link_answered(redis->server.link, redis->server.dues.n > 0);
    return n;
}

static void redis_on_lost(void *ctx, const char *reason)
{
    struct redis *redis = ctx;
    scans_forget(&redis->scans);
    server_lost(&redis->server, reason);
}

/* ---- the store ---- */

static unsigned redis_check(const struct store_opts *opts, struct complaints *complaints)
{
    struct redis_url url;
    struct err err;
    unsigned before = complaints->n_errors;
    if (!opts->url)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has no url; set url = \"redis://127.0.0.1:6379/0\"", opts->name);
    else if (url_parse_redis(opts->url, &url, &err) < 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: %s", opts->name,
                 err.text);
    else if (opts->user && *url.user)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has a user in its url as well; keep one of the two", opts->name);
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
    static const struct link_events link_events = {redis_on_open, redis_on_data, redis_on_lost};
    struct redis *redis = mem_alloc(sizeof *redis);
    struct err err;
    redis->store.ops = &store_redis;
    redis->opts = *opts;
    int bad = url_parse_redis(opts->url, &redis->url, &err);
    assert(!bad); /* it was checked */
    snprintf(redis->name, sizeof redis->name, "redis %s", redis->url.address.name);
    redis->scans = (struct scans){.list = list_keys, .driver = redis};
    server_init(&redis->server, &redis->store, 0, events, ctx);
    struct link_opts link_opts = {
        .store = opts->name,
        .server = redis->name,
        .address = &redis->url.address,
        .timeout_ms = opts->timeout_ms,
        .retry_min_ms = opts->retry_min_ms,
        .retry_max_ms = opts->retry_max_ms,
    };
    redis->server.link = link_make(&link_opts, base, &link_events, redis);
    link_start(redis->server.link, 0);
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
    return ((const struct redis *)store)->name;
}

static bool redis_ready(const struct store *store, unsigned server)
{
    (void)server;
    return server_ready(&((const struct redis *)store)->server);
}

static void redis_send(struct store *store, unsigned server, struct batch *batch)
{
    struct redis *redis = (struct redis *)store;
    (void)server;
    struct flight *flight = server_take(&redis->server, batch);
    send_ops(redis, flight);
    if (flight->n_due == 0) {
        redis_put_words(link_out(redis->server.link), (const char *const[]){"PING"}, 1);
        expect(redis, DUE_END, flight, 0, 0);
    }
    link_flush(redis->server.link);
}

static void redis_close(struct store *store)
{
    struct redis *redis = (struct redis *)store;
    scans_forget(&redis->scans);
    server_free(&redis->server);
    redis_reader_free(redis->reader);
    free(redis);
}

const struct store_ops store_redis = {
    .type = "redis",
    .actions = 1U << OP_DELETE | 1U << OP_BUMP | 1U << OP_SCAN,
    .unbuilt = 1U << OP_STALE | 1U << OP_EXPIRE | 1U << OP_SET | 1U << OP_DELETE_MEMBERS |
               1U << OP_PUBLISH,
    .check = redis_check,
    .open = redis_open,
    .n_servers = redis_n_servers,
    .server_name = redis_server_name,
    .ready = redis_ready,
    .send = redis_send,
    .close = redis_close,
};
