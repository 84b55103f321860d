/* A server that says what a test tells it, in the same event loop: the test decides when it reads,
 * answers, and leaves. And a log of a store's events. No time passes but what a store waits for. */
#ifndef CDCD_TESTS_FAKE_SERVER_H
#define CDCD_TESTS_FAKE_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "store/store.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define FAKE_N_CONNECTIONS 64

struct fake_server {
    struct event_base *base;
    struct evconnlistener *listener;
    char path[64];
    struct bufferevent *connections[FAKE_N_CONNECTIONS];
    unsigned n_connections;
};

struct world {
    struct event_base *base;
    struct fake_server fake;
    struct store *store;
    struct buf events; /* a line each: "up 0", "answered 3 DONE: hit miss", ... */
    struct batch *send_when_ready;
    bool timed_out;
};

static inline void fake_accept(struct evconnlistener *listener, evutil_socket_t fd,
                               struct sockaddr *address, int len, void *ctx)
{
    struct fake_server *fake = ctx;
    (void)listener, (void)address, (void)len;
    assert_true(fake->n_connections < FAKE_N_CONNECTIONS);
    struct bufferevent *stream = bufferevent_socket_new(fake->base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_enable(stream, EV_READ | EV_WRITE);
    fake->connections[fake->n_connections++] = stream;
}

static inline void fake_listen(struct fake_server *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, fake->path);
    unlink(fake->path);
    fake->listener = evconnlistener_new_bind(fake->base, fake_accept, fake, LEV_OPT_CLOSE_ON_FREE,
                                             16, (struct sockaddr *)&address, sizeof address);
    assert_non_null(fake->listener);
}

static inline void fake_unlisten(struct fake_server *fake)
{
    if (fake->listener)
        evconnlistener_free(fake->listener);
    fake->listener = NULL;
    unlink(fake->path);
}

/* Closes a connection from the server's side. */
static inline void fake_hang_up(struct fake_server *fake, unsigned connection)
{
    bufferevent_free(fake->connections[connection]);
    fake->connections[connection] = NULL;
}

static inline void world_guard(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    ((struct world *)ctx)->timed_out = true;
}

/* Turns the loop until the condition holds; fails the test after five seconds. */
#define run_until(world, condition)                                             \
    do {                                                                        \
        struct timeval guard_time = {.tv_sec = 5};                              \
        struct event *guard = evtimer_new((world)->base, world_guard, (world)); \
        (world)->timed_out = false;                                             \
        evtimer_add(guard, &guard_time);                                        \
        while (!(condition) && !(world)->timed_out)                             \
            event_base_loop((world)->base, EVLOOP_ONCE);                        \
        event_free(guard);                                                      \
        if ((world)->timed_out)                                                 \
            fail_msg("never came true: %s; events so far:\n%s", #condition,     \
                     buf_str(&(world)->events));                                \
    } while (0)

static inline size_t fake_n_received(const struct fake_server *fake, unsigned connection)
{
    if (connection >= fake->n_connections || !fake->connections[connection])
        return 0;
    return evbuffer_get_length(bufferevent_get_input(fake->connections[connection]));
}

/* Waits for exactly these bytes on a connection, and takes them. */
static inline void fake_expect_bytes(struct world *world, unsigned connection, const char *bytes,
                                     size_t n)
{
    struct fake_server *fake = &world->fake;
    run_until(world, fake_n_received(fake, connection) >= n);
    struct evbuffer *input = bufferevent_get_input(fake->connections[connection]);
    char *got = calloc(1, n + 1);
    evbuffer_remove(input, got, n);
    if (memcmp(got, bytes, n) != 0)
        fail_msg("expected\n%.*s\ngot\n%.*s", (int)n, bytes, (int)n, got);
    free(got);
}

static inline void fake_expect(struct world *world, unsigned connection, const char *text)
{
    fake_expect_bytes(world, connection, text, strlen(text));
}

static inline void fake_say_bytes(struct world *world, unsigned connection, const char *bytes,
                                  size_t n)
{
    bufferevent_write(world->fake.connections[connection], bytes, n);
}

static inline void fake_say(struct world *world, unsigned connection, const char *text)
{
    fake_say_bytes(world, connection, text, strlen(text));
}

/* One byte a turn of the loop. */
static inline void fake_say_slowly(struct world *world, unsigned connection, const char *text)
{
    for (; *text; text++) {
        fake_say_bytes(world, connection, text, 1);
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        event_base_loop(world->base, EVLOOP_NONBLOCK);
    }
}

static inline void on_answered(void *ctx, struct store *store, unsigned server, struct batch *batch)
{
    static const char *const statuses[] = {"DONE", "LOST", "BUSY", "REFUSED", "DEFERRED"};
    static const char *const results[] = {"none", "hit", "miss", "refused"};
    struct world *world = ctx;
    (void)store;
    buf_printf(&world->events, "answered %u/%llu %s", server, (unsigned long long)batch->seq,
               statuses[batch->status]);
    for (unsigned i = 0; i < batch->n; i++)
        buf_printf(&world->events, " %s", results[batch->ops[i].result]);
    if (batch->status != BATCH_DONE)
        buf_printf(&world->events, " (%s)", batch->reason);
    buf_put_str(&world->events, "\n");
}

static inline void on_up(void *ctx, struct store *store, unsigned server)
{
    (void)store;
    buf_printf(&((struct world *)ctx)->events, "up %u\n", server);
}

static inline void on_down(void *ctx, struct store *store, unsigned server, const char *reason)
{
    (void)store;
    buf_printf(&((struct world *)ctx)->events, "down %u (%s)\n", server, reason);
}

static inline void on_ready(void *ctx, struct store *store, unsigned server)
{
    struct world *world = ctx;
    buf_printf(&world->events, "ready %u\n", server);
    if (world->send_when_ready) {
        struct batch *batch = world->send_when_ready;
        world->send_when_ready = NULL;
        store->ops->send(store, server, batch);
    }
}

static inline void on_mended(void *ctx, struct store *store, unsigned server)
{
    (void)store;
    buf_printf(&((struct world *)ctx)->events, "mended %u\n", server);
}

static inline void on_denied(void *ctx, struct store *store, unsigned server, const struct err *err)
{
    (void)store;
    buf_printf(&((struct world *)ctx)->events, "denied %u %d (%s)\n", server, err->code, err->text);
}

static inline void on_renewed(void *ctx, struct store *store, unsigned server, int64_t since_ms)
{
    (void)store;
    buf_printf(&((struct world *)ctx)->events, "renewed %u since %lld\n", server,
               (long long)since_ms);
}

static const struct store_events world_events = {
    .answered = on_answered,
    .up = on_up,
    .down = on_down,
    .renewed = on_renewed,
    .ready = on_ready,
    .mended = on_mended,
    .denied = on_denied,
};

static inline bool said(struct world *world, const char *text)
{
    return strstr(buf_str(&world->events), text) != NULL;
}

static inline unsigned n_said(struct world *world, const char *text)
{
    unsigned n = 0;
    for (const char *at = buf_str(&world->events); (at = strstr(at, text)); at++)
        n++;
    return n;
}

static inline struct world *world_make(void)
{
    struct world *world = calloc(1, sizeof *world);
    signal(SIGPIPE, SIG_IGN);
    log_level_set(LOG_LEVEL_ERROR);
    world->base = event_base_new();
    world->fake.base = world->base;
    snprintf(world->fake.path, sizeof world->fake.path, "/tmp/cdcd-fake-%d.sock", (int)getpid());
    fake_listen(&world->fake);
    return world;
}

static inline void world_free(struct world *world)
{
    if (world->store)
        world->store->ops->close(world->store);
    fake_unlisten(&world->fake);
    for (unsigned i = 0; i < world->fake.n_connections; i++)
        if (world->fake.connections[i])
            bufferevent_free(world->fake.connections[i]);
    event_base_free(world->base);
    buf_free(&world->events);
    free(world);
}

#endif
