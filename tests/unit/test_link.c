#include "fake_server.h"

#include "store/link.h"

/* A link, and what it told. */
struct linked {
    struct world *world;
    struct link *link;
    struct address address;
};

static void on_open(void *ctx)
{
    buf_put_str(&((struct linked *)ctx)->world->events, "open\n");
}

static size_t on_data(void *ctx, const char *bytes, size_t n)
{
    buf_printf(&((struct linked *)ctx)->world->events, "data %.*s\n", (int)n, bytes);
    return n;
}

static void on_lost(void *ctx, const char *reason)
{
    buf_printf(&((struct linked *)ctx)->world->events, "lost %s\n", reason);
}

static struct address unix_address(const char *path)
{
    struct address address = {.kind = ADDRESS_UNIX};
    snprintf(address.host, sizeof address.host, "%s", path);
    return address;
}

static void set_up(struct linked *linked, struct address address, struct tls_opts tls)
{
    static const struct link_events events = {on_open, on_data, on_lost};
    linked->world = world_make();
    linked->address = address;
    struct link_opts opts = {.store = "main",
                             .server = "here",
                             .address = &linked->address,
                             .tls = tls,
                             .timeout_ms = 20000,
                             .retry_min_ms = 1,
                             .retry_max_ms = 4};
    linked->link = link_make(&opts, linked->world->base, &events, linked);
}

static void tear_down(struct linked *linked)
{
    link_free(linked->link);
    world_free(linked->world);
}

static void an_address_that_is_set_is_where_the_next_attempt_goes(void **state)
{
    struct linked linked;
    (void)state;
    set_up(&linked, unix_address("/nonexistent/socket"), (struct tls_opts){0});
    link_start(linked.link, 0);
    run_until(linked.world, said(linked.world, "lost No such file or directory\n"));
    struct address other = unix_address(linked.world->fake.path);
    link_set_address(linked.link, &other);
    run_until(linked.world, said(linked.world, "open\n"));
    tear_down(&linked);
}

static void a_connection_outlives_a_change_of_address(void **state)
{
    struct linked linked;
    struct address other = unix_address("/nonexistent/socket");
    (void)state;
    set_up(&linked, (struct address){0}, (struct tls_opts){0});
    linked.address = unix_address(linked.world->fake.path);
    link_start(linked.link, 0);
    run_until(linked.world, said(linked.world, "open\n"));
    link_set_address(linked.link, &other);
    run_until(linked.world, linked.world->fake.n_connections == 1);
    fake_say(linked.world, 0, "hello");
    run_until(linked.world, said(linked.world, "data hello\n"));
    fake_hang_up(&linked.world->fake, 0);
    run_until(linked.world, said(linked.world, "lost No such file or directory\n"));
    tear_down(&linked);
}

static void a_unix_socket_is_plain_though_tls_is_on(void **state)
{
    struct linked linked;
    (void)state;
    set_up(&linked, (struct address){0}, (struct tls_opts){.on = true});
    linked.address = unix_address(linked.world->fake.path);
    link_start(linked.link, 0);
    run_until(linked.world, said(linked.world, "open\n"));
    tear_down(&linked);
}

static void a_missing_file_fails_the_attempt_and_it_is_tried_again(void **state)
{
    struct linked linked;
    struct address address = {.kind = ADDRESS_TCP, .host = "127.0.0.1", .port = 1};
    (void)state;
    set_up(&linked, address, (struct tls_opts){.on = true, .ca_file = "/nonexistent/ca.crt"});
    link_start(linked.link, 0);
    run_until(linked.world, n_said(linked.world, "lost cannot read ca_file /nonexistent/ca.crt: No "
                                                 "such file or directory; mend its name") >= 3);
    tear_down(&linked);
}

static void a_host_that_would_stand_for_any_is_not_connected_to(void **state)
{
    static const char *const bad[] = {"", ".example.org"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err;
        assert_null(tls_make(&(struct tls_opts){.on = true}, bad[i], &err));
        assert_string_equal(err.text, "the server's host is no name");
    }
}

static void a_refused_connection_has_the_same_reason_with_tls(void **state)
{
    struct linked linked;
    struct address address = {.kind = ADDRESS_TCP, .host = "127.0.0.1", .port = 1};
    (void)state;
    set_up(&linked, address, (struct tls_opts){.on = true});
    link_start(linked.link, 0);
    run_until(linked.world, said(linked.world, "lost Connection refused\n"));
    tear_down(&linked);
}

static void a_server_that_answers_in_tls_to_plain_words_is_told(void **state)
{
    struct linked linked;
    (void)state;
    set_up(&linked, (struct address){0}, (struct tls_opts){0});
    linked.address = unix_address(linked.world->fake.path);
    link_start(linked.link, 0);
    run_until(linked.world, said(linked.world, "open\n") && linked.world->fake.n_connections == 1);
    fake_say_bytes(linked.world, 0, "\x15\x03\x01\x00\x02\x02\x46", 7);
    run_until(linked.world, said(linked.world, "lost the server speaks TLS on this port: write "));
    assert_false(said(linked.world, "data"));
    tear_down(&linked);
}

static void a_link_may_be_freed_in_any_state(void **state)
{
    struct address address = {.kind = ADDRESS_TCP, .host = "127.0.0.1", .port = 1};
    (void)state;
    for (int turns = 0; turns < 6; turns++) {
        struct linked linked;
        set_up(&linked, address, (struct tls_opts){.on = true});
        link_start(linked.link, 0);
        for (int i = 0; i < turns; i++)
            event_base_loop(linked.world->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        tear_down(&linked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_is_set_is_where_the_next_attempt_goes),
        cmocka_unit_test(a_connection_outlives_a_change_of_address),
        cmocka_unit_test(a_unix_socket_is_plain_though_tls_is_on),
        cmocka_unit_test(a_missing_file_fails_the_attempt_and_it_is_tried_again),
        cmocka_unit_test(a_host_that_would_stand_for_any_is_not_connected_to),
        cmocka_unit_test(a_refused_connection_has_the_same_reason_with_tls),
        cmocka_unit_test(a_server_that_answers_in_tls_to_plain_words_is_told),
        cmocka_unit_test(a_link_may_be_freed_in_any_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
