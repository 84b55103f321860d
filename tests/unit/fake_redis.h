/* A store of type redis, and the server that a test plays for it. */
#ifndef CDCD_TESTS_FAKE_REDIS_H
#define CDCD_TESTS_FAKE_REDIS_H

#include "fake_server.h"

#define SELECT_PING "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$4\r\nPING\r\n"
#define UNLINK_A "*2\r\n$6\r\nUNLINK\r\n$1\r\na\r\n"

static inline struct store_opts make_opts(struct world *world)
{
    static char url[128];
    snprintf(url, sizeof url, "unix://%s?db=2", world->fake.path);
    return (struct store_opts){.name = "main",
                               .type = "redis",
                               .prefix = "",
                               .url = url,
                               .timeout_ms = 20000,
                               .retry_min_ms = 1,
                               .retry_max_ms = 4,
                               .file = "cdcd.cfg",
                               .line = 7};
}

static inline void open_store(struct world *world, const struct store_opts *opts)
{
    world->store = store_driver("redis")->open(opts, world->base, &world_events, world);
}

static inline void shake_hands(struct world *world, unsigned connection)
{
    fake_expect(world, connection, SELECT_PING);
    fake_say(world, connection, "+OK\r\n+PONG\r\n");
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

static inline struct batch_op op(enum op_action action, unsigned cache, const char *key)
{
    return (struct batch_op){.key = key,
                             .key_len = (uint32_t)strlen(key),
                             .action = (uint8_t)action,
                             .cache = (uint16_t)cache};
}

static inline void send_batch(struct world *world, struct batch *batch)
{
    assert_true(world->store->ops->ready(world->store, 0));
    world->store->ops->send(world->store, 0, batch);
}

#endif
