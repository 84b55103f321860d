#include "fake_redis.h"

#include "base/timer.h"

#define WINDOW_MS 5000
#define HELLO                                                                           \
    "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n*2\r\n$4\r\n" \
    "INFO\r\n$11\r\nreplication\r\n*1\r\n$4\r\nPING\r\n"

static void say_bulk(struct world *world, unsigned connection, const char *text)
{
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", strlen(text));
    fake_say(world, connection, head);
    fake_say(world, connection, text);
    fake_say(world, connection, "\r\n");
}

static void say_hello_as(struct world *world, unsigned connection, const char *run_id,
                         const char *replid, const char *role)
{
    char text[256];
    fake_expect(world, connection, HELLO);
    fake_say(world, connection, "+OK\r\n");
    snprintf(text, sizeof text, "# Server\r\nredis_version:7.0.15\r\nrun_id:%s\r\ntcp_port:0\r\n",
             run_id);
    say_bulk(world, connection, text);
    snprintf(text, sizeof text, "# Replication\r\nrole:%s\r\nmaster_replid:%s\r\n%s", role, replid,
             strcmp(role, "slave") == 0 ? "slave_read_only:1\r\n" : "");
    say_bulk(world, connection, text);
    fake_say(world, connection, "+PONG\r\n");
}

static void say_hello(struct world *world, unsigned connection, const char *run_id,
                      const char *replid)
{
    say_hello_as(world, connection, run_id, replid, "master");
}

static struct world *open_with_window(void)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    opts.failover_window_ms = WINDOW_MS;
    open_store(world, &opts);
    return world;
}

/* The first connection's end, as the client sees it. */
static void lose(struct world *world, unsigned connection, unsigned n_downs)
{
    fake_hang_up(&world->fake, connection);
    run_until(world, n_said(world, "down 0") == n_downs);
}

static void a_first_connection_is_no_renewal(void **state)
{
    struct world *world = open_with_window();
    (void)state;
    say_hello(world, 0, "run1", "data1");
    run_until(world, said(world, "up 0\n"));
    assert_false(said(world, "renewed"));
    world_free(world);
}

static void a_cut_connection_to_the_same_server_is_no_renewal(void **state)
{
    struct world *world = open_with_window();
    (void)state;
    say_hello(world, 0, "run1", "data1");
    run_until(world, said(world, "up 0\n"));
    lose(world, 0, 1);
    say_hello(world, 1, "run1", "data1");
    run_until(world, n_said(world, "up 0\n") == 2);
    assert_false(said(world, "renewed"));
    world_free(world);
}

static void a_server_that_was_started_again_is_renewed_before_it_is_up(void **state)
{
    struct world *world = open_with_window();
    int64_t before_ms = timer_now_ms() - WINDOW_MS;
    long long since_ms = 0;
    (void)state;
    say_hello(world, 0, "run1", "data1");
    run_until(world, said(world, "up 0\n"));
    int64_t up_ms = timer_now_ms() - WINDOW_MS;
    lose(world, 0, 1);
    say_hello(world, 1, "run2", "data1");
    run_until(world, n_said(world, "up 0\n") == 2);
    const char *renewed = strstr(buf_str(&world->events), "renewed 0 since ");
    assert_non_null(renewed);
    assert_int_equal(sscanf(renewed, "renewed 0 since %lld\nup 0\n", &since_ms), 1);
    assert_true(since_ms >= before_ms && since_ms <= up_ms);
    world_free(world);
}

static void a_server_with_data_of_another_is_renewed(void **state)
{
    struct world *world = open_with_window();
    (void)state;
    say_hello(world, 0, "run1", "data1");
    run_until(world, said(world, "up 0\n"));
    lose(world, 0, 1);
    say_hello(world, 1, "run1", "data2");
    run_until(world, n_said(world, "up 0\n") == 2);
    assert_int_equal(n_said(world, "renewed"), 1);
    world_free(world);
}

/* An attempt that did not come to its end says nothing of what the server that was up had. */
static void identity_counts_from_the_last_time_it_was_up(void **state)
{
    struct world *world = open_with_window();
    (void)state;
    say_hello(world, 0, "run1", "data1");
    run_until(world, said(world, "up 0\n"));
    lose(world, 0, 1);
    fake_expect(world, 1, HELLO);
    fake_say(world, 1, "+OK\r\n$11\r\nrun_id:run2\r\n$19\r\nmaster_replid:data1\r\n-LOADING\r\n");
    say_hello(world, 2, "run1", "data1");
    run_until(world, n_said(world, "up 0\n") == 2);
    assert_false(said(world, "renewed"));
    world_free(world);
}

static void a_server_that_does_not_say_who_it_is_is_renewed_each_time(void **state)
{
    static const char *const answers[] = {
        "-NOPERM this user has no permissions to run the 'info' command\r\n",
        "-ERR unknown command 'info'\r\n",
        "$0\r\n\r\n",
        "$60\r\nrun_id:0123456789012345678901234567890123456789more\r\nrun_id:\r\n",
        "$-1\r\n",
        ":7\r\n",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct world *world = open_with_window();
        for (unsigned n = 0; n < 3; n++) {
            fake_expect(world, n, HELLO);
            fake_say(world, n, "+OK\r\n");
            fake_say(world, n, answers[i]);
            fake_say(world, n, answers[i]);
            fake_say(world, n, "+PONG\r\n");
            run_until(world, n_said(world, "up 0\n") == n + 1);
            lose(world, n, n + 1);
        }
        assert_int_equal(n_said(world, "renewed"), 2);
        world_free(world);
    }
}

static void a_replica_is_not_up(void **state)
{
    struct world *world = open_with_window();
    (void)state;
    say_hello_as(world, 0, "run1", "data1", "slave");
    run_until(world, said(world, "down 0 (it is a replica: name the master as url of store main)"));
    assert_false(said(world, "up 0"));
    world_free(world);
}

static void a_server_that_became_a_replica_is_asked_again_who_it_is(void **state)
{
    struct world *world = open_with_window();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a")};
    struct batch batch = {.seq = 1, .ops = ops, .n = 1};
    (void)state;
    say_hello(world, 0, "run1", "data1");
    run_until(world, said(world, "up 0\n"));
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, "-READONLY You can't write against a read only replica.\r\n");
    run_until(world, said(world, "down 0 (READONLY"));
    assert_true(said(world, "answered 0/1 LOST none"));
    say_hello(world, 1, "run1", "data2");
    run_until(world, n_said(world, "up 0\n") == 2);
    assert_int_equal(n_said(world, "renewed"), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_connection_is_no_renewal),
        cmocka_unit_test(a_cut_connection_to_the_same_server_is_no_renewal),
        cmocka_unit_test(a_server_that_was_started_again_is_renewed_before_it_is_up),
        cmocka_unit_test(a_server_with_data_of_another_is_renewed),
        cmocka_unit_test(identity_counts_from_the_last_time_it_was_up),
        cmocka_unit_test(a_server_that_does_not_say_who_it_is_is_renewed_each_time),
        cmocka_unit_test(a_replica_is_not_up),
        cmocka_unit_test(a_server_that_became_a_replica_is_asked_again_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
