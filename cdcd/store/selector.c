#include "base/mem.h"
#include "base/str.h"
#include "store/selector_kind.h"
#include "store/store.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All weights together, where each of them costs memory. */
#define WEIGHTS_MAX 10000

static unsigned choose_every(const struct selector *selector, const char *key, size_t len)
{
    (void)selector;
    (void)key;
    (void)len;
    return STORE_EVERY;
}

static const struct selector_kind kinds[] = {
    {.name = "all", .choose = choose_every},
    {.name = "one", .choose = choose_every},
    {.name = "ketama", .build = selector_build_ketama, .choose = selector_choose_ketama},
    {.name = "ketama-plain",
     .build = selector_build_ketama_plain,
     .choose = selector_choose_ketama_plain},
    {.name = "modulo", .choose = selector_choose_modulo},
    {.name = "python-memcached",
     .ejects = true,
     .costs_weights = true,
     .build = selector_build_python_memcached,
     .choose = selector_choose_python_memcached},
    {.name = "pymemcache",
     .ejects = true,
     .build = selector_build_pymemcache,
     .choose = selector_choose_pymemcache},
    {.name = "dalli",
     .ejects = true,
     .build = selector_build_dalli,
     .choose = selector_choose_dalli},
    {.name = "gomemcache", .choose = selector_choose_gomemcache},
    {.name = "pecl-memcache",
     .ejects = true,
     .costs_weights = true,
     .build = selector_build_pecl_memcache,
     .choose = selector_choose_pecl_memcache},
    {.name = "spymemcached", .ejects = true, .choose = selector_choose_spymemcached},
    {.name = "spymemcached-ketama",
     .ejects = true,
     .build = selector_build_spymemcached_ketama,
     .choose = selector_choose_ketama},
};

#define N_KINDS (sizeof kinds / sizeof *kinds)

/* None is near: all are named. */
static void refuse_unknown(const char *name, struct err *err)
{
    char list[300];
    size_t n = 0;
    for (size_t i = 0; i < N_KINDS && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", kinds[i].name);
    err_set(err, EX_CONFIG, "there is no selector \"%s\"; choose of %s", name, list);
}

static const struct selector_kind *find_kind(const char *name, struct err *err)
{
    const char *names[N_KINDS + 1] = {NULL};
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
        names[i] = kinds[i].name;
    }
    const char *nearest = str_nearest(name, names);
    if (nearest)
        err_set(err, EX_CONFIG, "there is no selector \"%s\"; did you mean \"%s\"?", name, nearest);
    else
        refuse_unknown(name, err);
    return NULL;
}

static bool is_ipv4(const struct address *address)
{
    struct in_addr number;
    return address->kind == ADDRESS_TCP && inet_pton(AF_INET, address->host, &number) == 1;
}

static int check_server(const struct selector_kind *kind, const struct url_server *server,
                        struct err *err)
{
    bool hashes_addresses = kind->build == selector_build_spymemcached_ketama;
    if (hashes_addresses && !is_ipv4(&server->address))
        return err_set(err, EX_CONFIG,
                       "selector \"%s\" hashes the address of %s as well: write "
                       "NAME/ADDRESS:PORT with its IPv4 address, or the address alone where the "
                       "client is given no name",
                       kind->name, server->address.name);
    if (!hashes_addresses && *server->alias && kind->choose != choose_every)
        return err_set(err, EX_CONFIG,
                       "server \"%s/%s\" has a name and an address, which only selector "
                       "\"spymemcached-ketama\" uses; write one of them",
                       server->alias, server->address.name);
    return 0;
}

static int check(const struct selector_kind *kind, const struct url_server *servers, unsigned n,
                 struct err *err)
{
    if (strcmp(kind->name, "one") == 0 && n > 1)
        return err_set(err, EX_CONFIG,
                       "selector \"one\" is for a single server, and there are %u; use \"all\"", n);
    if (kind->costs_weights && selector_sum_weights(servers, n) > WEIGHTS_MAX)
        return err_set(err, EX_CONFIG,
                       "the weights make more than %d together, too many for selector \"%s\"; "
                       "use smaller ones, in the application too, or selector \"all\"",
                       WEIGHTS_MAX, kind->name);
    for (unsigned i = 0; i < n; i++)
        if (check_server(kind, &servers[i], err) < 0)
            return -1;
    return 0;
}

struct selector *selector_make(const char *name, const struct url_server *servers, unsigned n,
                               const char *unhashed_prefix, struct err *err)
{
    const struct selector_kind *kind = find_kind(name ? name : "all", err);
    if (!kind || check(kind, servers, n, err) < 0)
        return NULL;
    struct selector *selector = mem_alloc(sizeof *selector);
    selector->kind = kind;
    selector->n = n;
    selector->unhashed_prefix = mem_strdup(unhashed_prefix ? unhashed_prefix : "");
    selector->prefix_len = strlen(selector->unhashed_prefix);
    if (kind->build && n > 1)
        kind->build(selector, servers);
    return selector;
}

void selector_free(struct selector *selector)
{
    if (!selector)
        return;
    for (unsigned i = 0; selector->labels && i < selector->n; i++)
        free(selector->labels[i]);
    free(selector->labels);
    free(selector->buckets);
    ring_free(&selector->ring);
    free(selector->unhashed_prefix);
    free(selector);
}

unsigned selector_choose(const struct selector *selector, const char *key, size_t len)
{
    if (selector->n == 1)
        return 0;
    if (len >= selector->prefix_len &&
        memcmp(key, selector->unhashed_prefix, selector->prefix_len) == 0) {
        key += selector->prefix_len;
        len -= selector->prefix_len;
    }
    return selector->kind->choose(selector, key, len);
}

bool selector_ejects(const struct selector *selector)
{
    return selector->n > 1 && selector->kind->ejects;
}
