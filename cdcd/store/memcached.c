/* memcached servers as a store: one, or several of which the selector chooses. */
#include "base/mem.h"
#include "store/memcached_login.h"
#include "store/memcached_peer.h"
#include "store/selector.h"
#include "store/url.h"

#include <assert.h>
#include <stdlib.h>

struct memcached {
    struct store store;
    struct memcached_peer **peers;
    unsigned n_peers;
    struct selector *selector;
};

extern const struct store_ops store_memcached;

/* The servers as they were written; false when one of them makes no sense. The caller frees them.
 */
static bool parse_servers(const struct store_opts *opts, struct url_server **servers,
                          struct complaints *complaints)
{
    struct err err;
    bool good = opts->n_servers > 0;
    *servers = mem_alloc((opts->n_servers + 1) * sizeof **servers);
    for (unsigned i = 0; i < opts->n_servers; i++) {
        if (url_parse_weighted(opts->servers[i], &(*servers)[i], &err) == 0)
            continue;
        good = false;
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: server \"%s\": %s",
                 opts->name, opts->servers[i], err.text);
    }
    return good;
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

/* NULL when it was complained about. */
static struct selector *make_selector(const struct store_opts *opts, struct complaints *complaints)
{
    struct url_server *servers;
    struct err err;
    bool good = parse_servers(opts, &servers, complaints);
    struct selector *selector = selector_make(opts->selector, servers, good ? opts->n_servers : 0,
                                              opts->unhashed_prefix, &err);
    if (!selector)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line, "store %s: %s", opts->name,
                 err.text);
    free(servers);
    return selector;
}

static unsigned memcached_check(const struct store_opts *opts, struct complaints *complaints)
{
    unsigned before = complaints->n_errors;
    if (opts->n_servers == 0)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has no servers; set servers = [ \"127.0.0.1:11211\" ]", opts->name);
    selector_free(make_selector(opts, complaints));
    check_tls(opts, complaints);
    if (opts->url)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: url is for redis; a memcached has servers = [ \"host:port\" ]",
                 opts->name);
    memcached_login_check(opts, complaints);
    return complaints->n_errors - before;
}

static struct store *memcached_open(const struct store_opts *opts, struct event_base *base,
                                    const struct store_events *events, void *ctx)
{
    struct memcached *memcached = mem_alloc(sizeof *memcached);
    struct complaints none = {0};
    memcached->store.ops = &store_memcached;
    memcached->selector = make_selector(opts, &none);
    assert(memcached->selector); /* it was checked */
    bool ejects = selector_ejects(memcached->selector);
    memcached->n_peers = opts->n_servers;
    memcached->peers = mem_alloc(opts->n_servers * sizeof(struct memcached_peer *));
    for (unsigned i = 0; i < opts->n_servers; i++)
        memcached->peers[i] =
            memcached_peer_make(opts, base, &memcached->store, i, ejects, events, ctx);
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

static unsigned memcached_route(const struct store *store, const char *key, size_t len)
{
    return selector_choose(((const struct memcached *)store)->selector, key, len);
}

static bool memcached_strays(const struct store *store, unsigned server)
{
    return memcached_peer_strays(find_peer(store, server));
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
    selector_free(memcached->selector);
    free(memcached->peers);
    free(memcached);
}

const struct store_ops store_memcached = {
    .type = "memcached",
    .actions = 1U << OP_DELETE | 1U << OP_BUMP | 1U << OP_STALE | 1U << OP_EXPIRE | 1U << OP_SET |
               1U << OP_SCAN,
    .check = memcached_check,
    .open = memcached_open,
    .n_servers = memcached_n_servers,
    .route = memcached_route,
    .strays = memcached_strays,
    .server_name = memcached_server_name,
    .ready = memcached_ready,
    .send = memcached_send,
    .close = memcached_close,
};
