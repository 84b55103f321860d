/* memcached servers as a store: one, or several that each get every op.
 *
 *     send -> flight -> md KEY | ma KEY ... | scan
 *                                   |  one `due` each, in the order of the wire; mn ends a batch
 *     data -> memcached_read_answer -> take_answer -> results -> answered
 *
 * A scan lists over a connection of its own (memcached_lister) and deletes over this one; scans run
 * one after the other, beside all else. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/memcached_lister.h"
#include "store/memcached_text.h"
#include "store/scan.h"
#include "store/url.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 120
/* Answers due at which a listing is read no further, and goes on. */
#define DUE_HIGH 2000
#define DUE_LOW 500

enum due_kind {
    DUE_VERSION,
    DUE_DELETE,
    DUE_BUMP,
    DUE_SCAN_DELETE, /* of a key that a scan found */
    DUE_END,         /* of a batch: there is always something to answer it by */
};

struct peer {
    struct server server;
    struct address address;
    const char *store_name;
    char name[300];
    struct memcached_lister *lister;
    struct scans scans;
};

struct memcached {
    struct store store;
    struct peer *peers;
    unsigned n_peers;
};

extern const struct store_ops store_memcached;

/* ---- what is sent ---- */

static void expect(struct peer *peer, enum due_kind kind, struct flight *flight, unsigned place,
                   uint64_t number)
{
    server_expect(
        &peer->server,
        (struct due){.kind = (int)kind, .flight = flight, .from = place, .n = 1, .number = number});
}

static void send_delete(struct peer *peer, struct flight *flight, struct batch_op *op)
{
    if (memcached_put_delete(link_out(peer->server.link), op->key, op->key_len))
        expect(peer, DUE_DELETE, flight, flight->n_sent, 0);
    else
        op->result = RESULT_REFUSED;
    flight->n_sent++;
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void send_bump(struct peer *peer, struct flight *flight, struct batch_op *op)
{
    uint64_t start = clock_us();
    if (memcached_put_bump(link_out(peer->server.link), op->key, op->key_len, start))
        expect(peer, DUE_BUMP, flight, flight->n_sent, start);
    else
        op->result = RESULT_REFUSED;
    flight->n_sent++;
}

static void list_keys(void *driver, const struct scan *scan)
{
    struct peer *peer = driver;
    const struct batch_op *op = flight_op(scan->flight, scan->place);
    memcached_lister_start(peer->lister, op->key, op->key_len);
}

static void send_ops(struct peer *peer, struct flight *flight)
{
    struct batch_op *op;
    while ((op = flight_next(flight))) {
        switch ((enum op_action)op->action) {
        case OP_DELETE:
            send_delete(peer, flight, op);
            break;
        case OP_BUMP:
            send_bump(peer, flight, op);
            break;
        case OP_SCAN:
            scans_add(&peer->scans, flight);
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

/* ---- scans ---- */

static void on_found(void *ctx, const char *key, size_t len)
{
    struct peer *peer = ctx;
    struct scan *scan = peer->scans.first;
    if (!memcached_put_delete(link_out(peer->server.link), key, len)) {
        scan->n_unnamed++;
        return;
    }
    scan->n_due++;
    expect(peer, DUE_SCAN_DELETE, scan->flight, scan->place, 0);
    link_flush(peer->server.link);
    if (peer->server.dues.n > DUE_HIGH)
        memcached_lister_pause(peer->lister, true);
}

static void on_listed(void *ctx, const char *refusal)
{
    struct peer *peer = ctx;
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

/* True when the answer is an error, and was noted. */
static bool note_error(const struct due *due, const struct memcached_answer *answer)
{
    static const char not_a_number[] = "CLIENT_ERROR cannot increment";
    char words[WORDS_MAX], reason[200];
    if (answer->kind != MEMCACHED_ERROR && answer->kind != MEMCACHED_BUSY)
        return false;
    server_quote(answer->text, answer->len, words, sizeof words);
    bool no_number = strncmp(words, not_a_number, sizeof not_a_number - 1) == 0;
    snprintf(reason, sizeof reason, "%s%s", words,
             no_number ? ": a key to bump holds no number: delete it" : "");
    flight_fail(due->flight, answer->kind == MEMCACHED_BUSY ? BATCH_BUSY : BATCH_REFUSED, reason);
    return true;
}

static bool take_version(struct peer *peer, const struct memcached_answer *answer)
{
    char words[WORDS_MAX];
    struct err err;
    server_quote(answer->text, answer->len, words, sizeof words);
    if (answer->kind == MEMCACHED_ERROR) {
        link_drop(peer->server.link, "%s", words);
        err_set(&err, EX_NOPERM, "store %s (%s): %s: it wants a password, which is not built yet",
                peer->store_name, peer->name, words);
        server_denied(&peer->server, &err);
        return false;
    }
    if (answer->kind != MEMCACHED_VERSION)
        return server_drop(&peer->server, "the handshake was not answered as by a memcached");
    if (!memcached_version_is_known(answer->text, answer->len)) {
        link_drop(peer->server.link, "memcached %s is too old: 1.6.10 or later is needed", words);
        return false;
    }
    server_up(&peer->server);
    return true;
}

static bool take_deleted(struct peer *peer, const struct due *due,
                         const struct memcached_answer *answer)
{
    struct batch_op *op = flight_op(due->flight, due->from);
    if (note_error(due, answer))
        return true;
    if (answer->kind != MEMCACHED_HD && answer->kind != MEMCACHED_NF)
        return server_drop(&peer->server, "md was not answered with HD or NF");
    op->result = answer->kind == MEMCACHED_HD ? RESULT_HIT : RESULT_MISS;
    return true;
}

/* Digits, and blanks behind them, as memcached pads numbers. */
static bool read_number(const struct memcached_answer *answer, uint64_t *number)
{
    size_t i = 0;
    *number = 0;
    for (; i < answer->len && isdigit((unsigned char)answer->text[i]); i++)
        *number = *number * 10 + (uint64_t)(answer->text[i] - '0');
    if (i == 0 || i > 20)
        return false;
    while (i < answer->len && answer->text[i] == ' ')
        i++;
    return i == answer->len;
}

static bool take_bumped(struct peer *peer, const struct due *due,
                        const struct memcached_answer *answer)
{
    uint64_t number;
    struct batch_op *op = flight_op(due->flight, due->from);
    if (note_error(due, answer))
        return true;
    if (answer->kind != MEMCACHED_VA || !read_number(answer, &number))
        return server_drop(&peer->server, "ma was not answered with a number");
    op->result = number == due->number ? RESULT_MISS : RESULT_HIT;
    return true;
}

static bool take_scan_deleted(struct peer *peer, const struct due *due,
                              const struct memcached_answer *answer)
{
    struct scan *scan = peer->scans.first;
    scan->n_due--;
    if (note_error(due, answer))
        scan->failed = true;
    else if (answer->kind == MEMCACHED_HD)
        scan->found = true;
    else if (answer->kind != MEMCACHED_NF)
        return server_drop(&peer->server, "md was not answered with HD or NF");
    scans_settle(&peer->scans);
    return true;
}

/* False when the connection was dropped for it. */
static bool take_answer(struct peer *peer, const struct memcached_answer *answer)
{
    struct due due;
    bool good = false;
    if (answer->kind == MEMCACHED_BROKEN)
        return server_drop(&peer->server, "a line that makes no sense");
    if (!server_take_due(&peer->server, &due))
        return server_drop(&peer->server, "an answer that nobody asked for");
    switch ((enum due_kind)due.kind) {
    case DUE_VERSION:
        return take_version(peer, answer);
    case DUE_DELETE:
        good = take_deleted(peer, &due, answer);
        break;
    case DUE_BUMP:
        good = take_bumped(peer, &due, answer);
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

static void memcached_on_open(void *ctx)
{
    struct peer *peer = ctx;
    buf_put_str(link_out(peer->server.link), "version\r\n");
    expect(peer, DUE_VERSION, NULL, 0, 0);
    link_flush(peer->server.link);
}

static size_t memcached_on_data(void *ctx, const char *bytes, size_t n)
{
    struct peer *peer = ctx;
    struct memcached_answer answer;
    size_t at = 0;
    for (;;) {
        at += memcached_read_answer(bytes + at, n - at, &answer);
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

static void memcached_on_lost(void *ctx, const char *reason)
{
    struct peer *peer = ctx;
    memcached_lister_stop(peer->lister);
    scans_forget(&peer->scans);
    server_lost(&peer->server, reason);
}

/* ---- the store ---- */

static void check_server(const struct store_opts *opts, const char *server,
                         struct complaints *complaints)
{
    struct address address;
    struct err err;
    if (url_parse_server(server, &address, &err) < 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: server \"%s\": %s",
                 opts->name, server, err.text);
}

static void check_selector(const struct store_opts *opts, struct complaints *complaints)
{
    static const char *const built[] = {"all", "one", NULL};
    static const char *const known[] = {
        "all",        "one",   "ketama",     "ketama-plain",  "modulo",       "python-memcached",
        "pymemcache", "dalli", "gomemcache", "pecl-memcache", "spymemcached", "spymemcached-ketama",
        NULL,
    };
    const char *nearest = str_nearest(opts->selector, known);
    bool is_known = nearest && strcmp(nearest, opts->selector) == 0;
    bool is_built = strcmp(opts->selector, built[0]) == 0 || strcmp(opts->selector, built[1]) == 0;
    if (is_known && !is_built)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: selector \"%s\" is not built yet; use \"all\", or \"one\" with one "
                 "server",
                 opts->name, opts->selector);
    else if (!is_known)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: there is no selector \"%s\"; did you mean \"%s\"?", opts->name,
                 opts->selector, nearest ? nearest : "all");
    else if (strcmp(opts->selector, "one") == 0 && opts->n_servers > 1)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: selector \"one\" is for a single server, and there are %u; use \"all\"",
                 opts->name, opts->n_servers);
}

static unsigned memcached_check(const struct store_opts *opts, struct complaints *complaints)
{
    unsigned before = complaints->n_errors;
    if (opts->n_servers == 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has no servers; set servers = [ \"127.0.0.1:11211\" ]", opts->name);
    for (unsigned i = 0; i < opts->n_servers; i++)
        check_server(opts, opts->servers[i], complaints);
    if (opts->selector)
        check_selector(opts, complaints);
    if (opts->url)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: url is for redis; a memcached has servers = [ \"host:port\" ]",
                 opts->name);
    if (opts->user || opts->password_file)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: user and password_file of a memcached are not built yet; remove them",
                 opts->name);
    return complaints->n_errors - before;
}

static void open_peer(struct peer *peer, struct memcached *memcached, unsigned number,
                      const struct store_opts *opts, struct event_base *base,
                      const struct store_events *events, void *ctx)
{
    static const struct link_events link_events = {memcached_on_open, memcached_on_data,
                                                   memcached_on_lost};
    static const struct memcached_lister_events scan_events = {on_found, on_listed};
    struct err err;
    int bad = url_parse_server(opts->servers[number], &peer->address, &err);
    assert(!bad); /* it was checked */
    peer->store_name = opts->name;
    snprintf(peer->name, sizeof peer->name, "memcached %s", peer->address.name);
    peer->scans = (struct scans){.list = list_keys, .driver = peer};
    server_init(&peer->server, &memcached->store, number, events, ctx);
    struct link_opts link_opts = {
        .store = opts->name,
        .server = peer->name,
        .address = &peer->address,
        .timeout_ms = opts->timeout_ms,
        .retry_min_ms = opts->retry_min_ms,
        .retry_max_ms = opts->retry_max_ms,
    };
    peer->server.link = link_make(&link_opts, base, &link_events, peer);
    peer->lister = memcached_lister_make(&link_opts, base, &scan_events, peer);
    link_start(peer->server.link, 0);
}

static struct store *memcached_open(const struct store_opts *opts, struct event_base *base,
                                    const struct store_events *events, void *ctx)
{
    struct memcached *memcached = mem_alloc(sizeof *memcached);
    memcached->store.ops = &store_memcached;
    memcached->n_peers = opts->n_servers;
    memcached->peers = mem_alloc(opts->n_servers * sizeof *memcached->peers);
    for (unsigned i = 0; i < opts->n_servers; i++)
        open_peer(&memcached->peers[i], memcached, i, opts, base, events, ctx);
    return &memcached->store;
}

static const struct peer *find_peer(const struct store *store, unsigned server)
{
    const struct memcached *memcached = (const struct memcached *)store;
    assert(server < memcached->n_peers);
    return &memcached->peers[server];
}

static unsigned memcached_n_servers(const struct store *store)
{
    return ((const struct memcached *)store)->n_peers;
}

static const char *memcached_server_name(const struct store *store, unsigned server)
{
    return find_peer(store, server)->name;
}

static bool memcached_ready(const struct store *store, unsigned server)
{
    return server_ready(&find_peer(store, server)->server);
}

static void memcached_send(struct store *store, unsigned server, struct batch *batch)
{
    struct memcached *memcached = (struct memcached *)store;
    assert(server < memcached->n_peers);
    struct peer *peer = &memcached->peers[server];
    struct flight *flight = server_take(&peer->server, batch);
    send_ops(peer, flight);
    buf_put_str(link_out(peer->server.link), "mn\r\n");
    expect(peer, DUE_END, flight, 0, 0);
    link_flush(peer->server.link);
}

static void memcached_close(struct store *store)
{
    struct memcached *memcached = (struct memcached *)store;
    for (unsigned i = 0; i < memcached->n_peers; i++) {
        scans_forget(&memcached->peers[i].scans);
        memcached_lister_free(memcached->peers[i].lister);
        server_free(&memcached->peers[i].server);
    }
    free(memcached->peers);
    free(memcached);
}

const struct store_ops store_memcached = {
    .type = "memcached",
    .actions = 1U << OP_DELETE | 1U << OP_BUMP | 1U << OP_SCAN,
    .unbuilt = 1U << OP_STALE | 1U << OP_EXPIRE | 1U << OP_SET,
    .check = memcached_check,
    .open = memcached_open,
    .n_servers = memcached_n_servers,
    .server_name = memcached_server_name,
    .ready = memcached_ready,
    .send = memcached_send,
    .close = memcached_close,
};
