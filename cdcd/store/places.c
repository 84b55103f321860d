#include "base/mem.h"
#include "store/redis_slots.h"
#include "store/selector.h"
#include "store/store.h"
#include "store/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_places {
    const struct store_opts *opts;
    struct arena *arena;
    struct selector *selector; /* memcached */
    const char **names;
    unsigned n;
};

static void add(struct store_places *places, const char *name)
{
    places->names[places->n++] = arena_strdup(places->arena, name);
}

static void add_address(struct store_places *places, const struct address *address)
{
    add(places, address->kind == ADDRESS_UNIX
                    ? arena_printf(places->arena, "unix:%s", address->name)
                    : address->name);
}

static void add_fleet(struct store_places *places)
{
    const struct store_opts *opts = places->opts;
    struct url_server *servers =
        arena_alloc(places->arena, opts->n_servers * sizeof(struct url_server));
    struct err err;
    for (unsigned i = 0; i < opts->n_servers; i++)
        if (url_parse_weighted(opts->servers[i], &servers[i], &err) == 0)
            add_address(places, &servers[i].address);
    places->selector =
        selector_make(opts->selector, servers, places->n, opts->unhashed_prefix, &err);
}

static void add_url(struct store_places *places, const char *url)
{
    struct redis_url parsed;
    struct err err;
    if (url_parse_redis(url, &parsed, &err) == 0)
        add_address(places, &parsed.address);
    else
        add(places, url);
}

struct store_places *store_places_make(const struct store_opts *opts)
{
    struct store_places *places = mem_alloc(sizeof *places);
    places->opts = opts;
    places->arena = arena_make();
    places->names =
        arena_alloc(places->arena, (opts->n_servers + opts->n_urls + 2) * sizeof(char *));
    if (opts->master)
        add(places, arena_printf(places->arena, "master %s", opts->master));
    if (opts->url)
        add_url(places, opts->url);
    for (unsigned i = 0; i < opts->n_urls; i++)
        add(places, opts->urls[i]);
    if (opts->n_servers > 0)
        add_fleet(places);
    return places;
}

void store_places_of(const struct store_places *places, const char *key, size_t len,
                     void (*found)(void *ctx, const char *place), void *ctx)
{
    char slot[32];
    unsigned chosen = places->selector ? selector_choose(places->selector, key, len) : STORE_EVERY;
    for (unsigned i = 0; i < places->n; i++)
        if (chosen == STORE_EVERY || chosen == i)
            found(ctx, places->names[i]);
    if (places->opts->n_cluster > 0) {
        snprintf(slot, sizeof slot, "slot %u", redis_slot(key, len));
        found(ctx, slot);
    }
}

void store_places_free(struct store_places *places)
{
    selector_free(places->selector);
    arena_free(places->arena);
    free(places);
}
