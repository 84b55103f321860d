/* memcached servers as a store: one, or several that each get every op. */
#include "base/mem.h"
#include "base/str.h"
#include "store/memcached_peer.h"
#include "store/url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct memcached {
    struct store store;
    struct memcached_peer **peers;
    unsigned n_peers;
};

extern const struct store_ops store_memcached;

static void check_server(const struct store_opts *opts, const char *server,
                         struct complaints *complaints)
{
    struct address address;
    struct err err;
    if (url_parse_server(server, &address, &err) < 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: server \"%s\": %s",
                 opts->name, server, err.text);
}

static void check_tls(const struct store_opts *opts, struct complaints *complaints)
{
    struct address address;
    struct err err;
    unsigned n_unix = 0;
    for (unsigned i = 0; i < opts->n_servers; i++)
        n_unix +=
            url_parse_server(opts->servers[i], &address, &err) == 0 && address.kind == ADDRESS_UNIX;
    if (opts->tls.on && n_unix > 0 && n_unix == opts->n_servers)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: tls = true, and all its servers are unix sockets, which have none; "
                 "remove it",
                 opts->name);
    tls_check_settings(&opts->tls, opts->tls.on, "set tls = true", opts->name, opts->file,
                       opts->line, complaints);
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
    check_tls(opts, complaints);
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

static struct store *memcached_open(const struct store_opts *opts, struct event_base *base,
                                    const struct store_events *events, void *ctx)
{
    struct memcached *memcached = mem_alloc(sizeof *memcached);
    memcached->store.ops = &store_memcached;
    memcached->n_peers = opts->n_servers;
    memcached->peers = mem_alloc(opts->n_servers * sizeof(struct memcached_peer *));
    for (unsigned i = 0; i < opts->n_servers; i++)
        memcached->peers[i] = memcached_peer_make(opts, base, &memcached->store, i, events, ctx);
    return &memcached->store;
}

static struct memcached_peer *find_peer(const struct store *store, unsigned server)
{
    const struct memcached *memcached = (const struct memcached *)store;
    assert(server < memcached->n_peers);
    return memcached->peers[server];
}

static unsigned memcached_n_servers(const struct store *store)
{
    return ((const struct memcached *)store)->n_peers;
}

static const char *memcached_server_name(const struct store *store, unsigned server)
{
    return memcached_peer_name(find_peer(store, server));
}

static bool memcached_ready(const struct store *store, unsigned server)
{
    return memcached_peer_ready(find_peer(store, server));
}

static void memcached_send(struct store *store, unsigned server, struct batch *batch)
{
    memcached_peer_send(find_peer(store, server), batch);
}

static void memcached_close(struct store *store)
{
    struct memcached *memcached = (struct memcached *)store;
    for (unsigned i = 0; i < memcached->n_peers; i++)
        memcached_peer_free(memcached->peers[i]);
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
