/* A store for tests: keeps the batches that it was sent until the test answers for them. */
#ifndef TESTS_UNIT_FAKE_STORE_H
#define TESTS_UNIT_FAKE_STORE_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FAKE_WINDOW 4
#define FAKE_SERVERS 3

struct fake_store {
    struct store store;
    unsigned n_servers;
    bool ready[FAKE_SERVERS];
    bool routed; /* a key is on the server of its last digit */
    bool strays[FAKE_SERVERS];
    struct batch *out[FAKE_SERVERS][FAKE_WINDOW];
    unsigned n_out[FAKE_SERVERS];
    char said[4096]; /* every op as it was sent, "delete KEY;" or "set KEY=VALUE;", batches ended by
                        "|" */
};

static inline unsigned fake_n_servers(const struct store *store)
{
    return ((const struct fake_store *)store)->n_servers;
}

static inline unsigned fake_route(const struct store *store, const char *key, size_t len)
{
    const struct fake_store *fake = (const struct fake_store *)store;
    return fake->routed ? (unsigned)(key[len - 1] - '0') % fake->n_servers : STORE_EVERY;
}

static inline bool fake_strays(const struct store *store, unsigned server)
{
    return ((const struct fake_store *)store)->strays[server];
}

static inline const char *fake_server_name(const struct store *store, unsigned server)
{
    (void)store;
    (void)server;
    return "fake";
}

static inline bool fake_ready(const struct store *store, unsigned server)
{
    const struct fake_store *fake = (const struct fake_store *)store;
    return fake->ready[server] && fake->n_out[server] < FAKE_WINDOW;
}

static inline void fake_send(struct store *store, unsigned server, struct batch *batch)
{
    struct fake_store *fake = (struct fake_store *)store;
    size_t n = strlen(fake->said);
    assert_true(fake_ready(store, server));
    assert_true(batch->n > 0);
    fake->out[server][fake->n_out[server]++] = batch;
    for (unsigned i = 0; i < batch->n; i++) {
        const struct batch_op *op = &batch->ops[i];
        assert_int_equal(op->result, RESULT_NONE);
        n += (size_t)snprintf(fake->said + n, sizeof fake->said - n, "%s %.*s%s%.*s;",
                              op_action_name((enum op_action)op->action), (int)op->key_len, op->key,
                              op->value ? "=" : "", (int)op->value_len, op->value ? op->value : "");
    }
    snprintf(fake->said + n, sizeof fake->said - n, "|");
}

static const struct store_ops fake_ops = {
    .type = "fake",
    .n_servers = fake_n_servers,
    .route = fake_route,
    .strays = fake_strays,
    .server_name = fake_server_name,
    .ready = fake_ready,
    .send = fake_send,
};

static inline void fake_open(struct fake_store *fake, unsigned n_servers)
{
    *fake = (struct fake_store){.store = {.ops = &fake_ops}, .n_servers = n_servers};
    for (unsigned i = 0; i < n_servers; i++)
        fake->ready[i] = true;
}

/* The oldest batch that is out; it is the test's to fill in and give back. */
static inline struct batch *fake_take(struct fake_store *fake, unsigned server)
{
    assert_true(fake->n_out[server] > 0);
    struct batch *batch = fake->out[server][0];
    fake->n_out[server]--;
    memmove(fake->out[server], fake->out[server] + 1,
            fake->n_out[server] * sizeof fake->out[server][0]);
    return batch;
}

/* The oldest batch that is out, with every op done. */
static inline struct batch *fake_do(struct fake_store *fake, unsigned server)
{
    struct batch *batch = fake_take(fake, server);
    for (unsigned i = 0; i < batch->n; i++)
        batch->ops[i].result = RESULT_HIT;
    batch->status = BATCH_DONE;
    return batch;
}

static inline const char *fake_said(struct fake_store *fake)
{
    static char said[sizeof fake->said];
    memcpy(said, fake->said, sizeof said);
    fake->said[0] = '\0';
    return said;
}

#endif
