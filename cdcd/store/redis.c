/* A Redis server as a store.
 *
 *     send -> flight, by stage -> UNLINK of a cache's keys | EVAL bump | SCAN page by page
 *                                   |  one `due` each, in the order of the wire
 *     data -> redis_reader -> take_reply -> results -> answered
 *
 * Scans run one after the other, beside all else; ops of a higher stage of the same batch wait for
 * them. The ACL user needs ping, select, unlink; for bump eval, exists, time, incr, incrby; for
 * scan scan. */
#include "base/mem.h"
#include "store/redis_command.h"
#include "store/redis_error.h"
#include "store/redis_reader.h"
#include "store/url.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define PASSWORD_MAX 4096
#define CURSOR_MAX 20

enum due_kind {
    DUE_AUTH,
    DUE_SELECT,
    DUE_PING,
    DUE_UNLINK,
    DUE_BUMP,
    DUE_PAGE,        /* of a scan */
    DUE_PAGE_UNLINK, /* of what a page found */
};

enum scan_state {
    SCAN_PAGING,    /* a page is due, or the scan waits for its turn */
    SCAN_LAST_PAGE, /* no page is due */
    SCAN_FAILED,    /* ends with the page that is due */
};

struct scan {
    struct flight *flight;
    unsigned place; /* of its op in the flight's order */
    enum scan_state state;
    bool found;
    struct scan *prev;
    struct scan *next;
};

struct redis {
    struct store store;
    struct store_opts opts;
    struct redis_url url;
    char name[300];
    struct server server;
    struct redis_reader *reader; /* of this connection */
    struct scan *scans;          /* the first is running */
};

extern const struct store_ops store_redis;

static void send_more(struct redis *redis, struct flight *flight);

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

static void begin_scan(struct redis *redis, struct flight *flight)
{
    struct scan *scan = mem_alloc(sizeof *scan);
    scan->flight = flight;
    scan->place = flight->n_sent++;
    flight->n_due++;
    DL_APPEND(redis->scans, scan);
    if (scan == redis->scans)
        send_page(redis, scan, "0");
}

static bool waits_for_scan(const struct redis *redis, const struct flight *flight, unsigned stage)
{
    const struct scan *scan;
    DL_FOREACH (redis->scans, scan) {
        if (scan->flight == flight && flight_op(flight, scan->place)->stage < stage)
            return true;
    }
    return false;
}

static void send_more(struct redis *redis, struct flight *flight)
{
    const struct batch_op *op;
    while ((op = flight_next(flight)) && !waits_for_scan(redis, flight, op->stage)) {
        switch ((enum op_action)op->action) {
        case OP_DELETE:
            send_deletes(redis, flight);
            break;
        case OP_BUMP:
            send_bump(redis, flight);
            break;
        case OP_SCAN:
            begin_scan(redis, flight);
            break;
        }
    }
}

/* ---- what is answered ---- */

/* For `return`: what was read makes no sense, and the connection is gone. */
static bool drop(struct redis *redis, const char *why)
{
    link_drop(redis->server.link, "protocol error: %s", why);
    return false;
}

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
        return drop(redis, "the handshake was not answered as by a Redis");
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
        return drop(redis, "UNLINK was not answered with the number of its keys");
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
        return drop(redis, "the bump was not answered with 0 or 1");
    flight_op(due->flight, due->from)->result = reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

/* Ends the scan that runs; the next one begins, and what waited for this one leaves. */
static void end_scan(struct redis *redis, enum op_result result)
{
    struct scan *scan = redis->scans;
    struct flight *flight = scan->flight;
    flight_op(flight, scan->place)->result = (uint8_t)result;
    flight->n_due--;
    DL_DELETE(redis->scans, scan);
    free(scan);
    if (redis->scans)
        send_page(redis, redis->scans, "0");
    if (flight->batch->status != BATCH_BUSY)
        send_more(redis, flight);
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

static void unlink_page(struct redis *redis, const struct scan *scan, const redisReply *keys)
{
    struct buf *out = link_out(redis->server.link);
    redis_put_head(out, keys->elements + 1);
    redis_put_bulk(out, "UNLINK", 6);
    for (size_t i = 0; i < keys->elements; i++)
        redis_put_bulk(out, keys->element[i]->str, keys->element[i]->len);
    expect(redis, DUE_PAGE_UNLINK, scan->flight, scan->place, (unsigned)keys->elements);
}

static bool take_page(struct redis *redis, const struct due *due, const redisReply *reply)
{
    struct scan *scan = redis->scans;
    if (reply->type == REDIS_REPLY_ERROR)
        note_error(redis, due, reply);
    else if (!is_page(reply))
        return drop(redis, "SCAN was not answered with a cursor and keys");
    if (reply->type == REDIS_REPLY_ERROR || scan->state == SCAN_FAILED) {
        end_scan(redis, RESULT_NONE);
        return true;
    }
    const char *cursor = reply->element[0]->str;
    const redisReply *keys = reply->element[1];
    if (keys->elements > 0)
        unlink_page(redis, scan, keys);
    if (strcmp(cursor, "0") != 0)
        send_page(redis, scan, cursor);
    else if (keys->elements > 0)
        scan->state = SCAN_LAST_PAGE;
    else
        end_scan(redis, scan->found ? RESULT_HIT : RESULT_MISS);
    return true;
}

static bool take_page_unlinked(struct redis *redis, const struct due *due, const redisReply *reply)
{
    struct scan *scan = redis->scans;
    bool last = scan->state == SCAN_LAST_PAGE;
    if (reply->type == REDIS_REPLY_ERROR) {
        note_error(redis, due, reply);
        scan->state = SCAN_FAILED;
    } else if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 ||
               reply->integer > due->n) {
        return drop(redis, "UNLINK was not answered with the number of its keys");
    } else {
        scan->found = scan->found || reply->integer > 0;
    }
    if (last && scan->state == SCAN_FAILED)
        end_scan(redis, RESULT_NONE);
    else if (last)
        end_scan(redis, scan->found ? RESULT_HIT : RESULT_MISS);
    return true;
}

/* False when the connection was dropped for it. */
static bool take_reply(struct redis *redis, const redisReply *reply)
{
    struct due due;
    bool good = false;
    if (!server_take_due(&redis->server, &due))
        return drop(redis, "an answer that nobody asked for");
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
    }
    if (good)
        server_settle(&redis->server, due.flight);
    return good;
}

/* ---- the link's events ---- */

/* The whole file but one newline at its end. The bytes read, or -1. */
static long read_password(const char *path, char *to, size_t room, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, EX_NOPERM, "cannot read password_file %s: %s; mend its owner or mode",
                       path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of it in memory */
    size_t n = fread(to, 1, room, file);
    bool failed = ferror(file) || n == room;
    fclose(file);
    if (failed)
        return err_set(err, EX_NOPERM,
                       "cannot read password_file %s: it is no file of less than "
                       "%zu bytes; write the password alone into it",
                       path, room);
    return (long)(n > 0 && to[n - 1] == '\n' ? n - 1 : n);
}

static void put_auth(struct buf *out, const char *user, const char *password, size_t n)
{
    redis_put_head(out, user ? 3 : 2);
    redis_put_bulk(out, "AUTH", 4);
    if (user)
        redis_put_bulk(out, user, strlen(user));
    redis_put_bulk(out, password, n);
}

static int authenticate(struct redis *redis, struct err *err)
{
    char password[PASSWORD_MAX];
    const char *user = redis->opts.user ? redis->opts.user : redis->url.user;
    const char *path = redis->opts.password_file;
    if (!path && !*user)
        return 0;
    long n = path ? read_password(path, password, sizeof password, err) : 0;
    if (n < 0)
        return -1;
    put_auth(link_out(redis->server.link), *user ? user : NULL, password, (size_t)n);
    explicit_bzero(password, sizeof password);
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
    redis_put_words(out, (const char *const[]){"SELECT", db}, 2);
    expect(redis, DUE_SELECT, NULL, 0, 0);
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
        drop(redis, redis_reader_error(redis->reader));
        return n;
    }
    link_flush(redis->server.link);
    link_answered(redis->server.link, redis->server.dues.n > 0);
    return n;
}

static void free_scans(struct redis *redis)
{
    struct scan *scan, *next;
    DL_FOREACH_SAFE(redis->scans, scan, next)
    {
        free(scan);
    }
    redis->scans = NULL;
}

static void redis_on_lost(void *ctx, const char *reason)
{
    struct redis *redis = ctx;
    free_scans(redis);
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
    send_more(redis, server_take(&redis->server, batch));
    link_flush(redis->server.link);
}

static void redis_close(struct store *store)
{
    struct redis *redis = (struct redis *)store;
    free_scans(redis);
    server_free(&redis->server);
    redis_reader_free(redis->reader);
    free(redis);
}

const struct store_ops store_redis = {
    .type = "redis",
    .actions = 1U << OP_DELETE | 1U << OP_BUMP | 1U << OP_SCAN,
    .check = redis_check,
    .open = redis_open,
    .n_servers = redis_n_servers,
    .server_name = redis_server_name,
    .ready = redis_ready,
    .send = redis_send,
    .close = redis_close,
};
