/* A store of memcacheds whose servers are a fake one. */
#ifndef CDCD_TESTS_FAKE_MEMCACHED_H
#define CDCD_TESTS_FAKE_MEMCACHED_H

#include "fake_server.h"

static char servers[2][128];
static const char *const server_list[] = {servers[0], servers[1]};

static inline struct store_opts make_opts(struct world *world)
{
    snprintf(servers[0], sizeof servers[0], "unix:%s", world->fake.path);
    snprintf(servers[1], sizeof servers[1], "unix:%s", world->fake.path);
    return (struct store_opts){.name = "mc",
                               .type = "memcached",
                               .prefix = "",
                               .servers = server_list,
                               .n_servers = 1,
                               .timeout_ms = 20000,
                               .retry_min_ms = 1,
                               .retry_max_ms = 4,
                               .file = "cdcd.cfg",
                               .line = 7};
}

static inline void open_store(struct world *world, const struct store_opts *opts)
{
    world->store = store_driver("memcached")->open(opts, world->base, &world_events, world);
}

static inline void shake_hands(struct world *world, unsigned connection)
{
    fake_expect(world, connection, "version\r\n");
    fake_say(world, connection, "VERSION 1.6.18\r\n");
}

static inline struct world *make_up_with_timeout(int64_t timeout_ms)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    opts.timeout_ms = timeout_ms;
    open_store(world, &opts);
    shake_hands(world, 0);
    run_until(world, said(world, "up 0\n"));
    return world;
}

static inline struct world *make_up(void)
{
    return make_up_with_timeout(20000);
}

static inline struct batch_op op(enum op_action action, const char *key)
{
    return (struct batch_op){
        .key = key, .key_len = (uint32_t)strlen(key), .action = (uint8_t)action};
}

static inline void send_batch(struct world *world, struct batch *batch)
{
    assert_true(world->store->ops->ready(world->store, 0));
    world->store->ops->send(world->store, 0, batch);
}

#endif
