#include "fake_server.h"

#define ASKED "CLIENT_ERROR unauthenticated\r\n"
#define AUTH "set auth 0 -1 8\r\njoe open\r\n"

static char server[128];
static const char *const servers[] = {server};
static char password_path[64];

static void write_password(const char *text)
{
    snprintf(password_path, sizeof password_path, "/tmp/cdcd-mc-password-%d", (int)getpid());
    FILE *file = fopen(password_path, "w");
    fputs(text, file);
    fclose(file);
}

static struct world *open_with(const char *user, const char *password_file)
{
    struct world *world = world_make();
    snprintf(server, sizeof server, "unix:%s", world->fake.path);
    struct store_opts opts = {.name = "mc",
                              .type = "memcached",
                              .prefix = "",
                              .servers = servers,
                              .n_servers = 1,
                              .user = user,
                              .password_file = password_file,
                              .timeout_ms = 20000,
                              .retry_min_ms = 1,
                              .retry_max_ms = 4};
    world->store = store_driver("memcached")->open(&opts, world->base, &world_events, world);
    return world;
}

static struct world *open_as_joe(const char *password)
{
    write_password(password);
    return open_with("joe", password_path);
}

static void end(struct world *world)
{
    unlink(password_path);
    world_free(world);
}

static void log_in(struct world *world, unsigned connection)
{
    fake_expect(world, connection, "version\r\n");
    fake_say(world, connection, ASKED);
    fake_expect(world, connection, AUTH);
    fake_say(world, connection, "STORED\r\n");
    fake_expect(world, connection, "version\r\n");
    fake_say(world, connection, "VERSION 1.6.18\r\n");
}

static void the_password_leaves_when_it_was_asked_for(void **state)
{
    struct world *world = open_as_joe("open\n");
    (void)state;
    log_in(world, 0);
    run_until(world, said(world, "up 0\n"));
    end(world);
}

static void answers_of_the_handshake_may_come_byte_by_byte(void **state)
{
    struct world *world = open_as_joe("open\n");
    (void)state;
    fake_expect(world, 0, "version\r\n");
    fake_say_slowly(world, 0, ASKED);
    fake_expect(world, 0, AUTH);
    fake_say_slowly(world, 0, "STORED\r\n");
    fake_expect(world, 0, "version\r\n");
    fake_say_slowly(world, 0, "VERSION 1.6.18\r\n");
    run_until(world, said(world, "up 0\n"));
    end(world);
}

static void a_server_that_asks_for_no_password_is_not_told_it(void **state)
{
    struct world *world = open_as_joe("open");
    (void)state;
    fake_expect(world, 0, "version\r\n");
    fake_say(world, 0, "VERSION 1.6.18\r\n");
    fake_expect(world, 1, "version\r\n");
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    assert_int_equal(n_said(world, "denied 0 78"), 1);
    assert_true(said(world, "it asks for no password: remove user and password_file of store mc"));
    assert_false(said(world, "up 0"));
    end(world);
}

static void a_wrong_password_is_denied_once_and_read_anew(void **state)
{
    struct world *world = open_as_joe("shut");
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fake_expect(world, i, "version\r\n");
        fake_say(world, i, ASKED);
        fake_expect(world, i, "set auth 0 -1 8\r\njoe shut\r\n");
        if (i == 1)
            write_password("open");
        fake_say(world, i, "CLIENT_ERROR authentication failure\r\n");
    }
    log_in(world, 2);
    run_until(world, said(world, "up 0\n"));
    assert_int_equal(n_said(world, "denied 0 77"), 1);
    assert_true(said(world, "authentication failure: mend user and password_file of store mc"));
    end(world);
}

static void a_server_that_asks_in_vain_is_told_with_the_remedy(void **state)
{
    struct world *world = open_with(NULL, NULL);
    (void)state;
    fake_expect(world, 0, "version\r\n");
    fake_say(world, 0, ASKED);
    run_until(world, said(world, "denied 0 77"));
    assert_true(said(world, "unauthenticated: set user and password_file of store mc"));
    world_free(world);
}

static void a_password_that_would_end_early_does_not_leave(void **state)
{
    static const char *const bad[] = {"open sesame", "open\r\n", "", "\n", "op\ten"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct world *world = open_as_joe(bad[i]);
        fake_expect(world, 0, "version\r\n");
        fake_say(world, 0, ASKED);
        run_until(world, said(world, "denied 0 78"));
        assert_true(said(world, "is empty or has a blank"));
        assert_int_equal(fake_n_received(&world->fake, 0), 0);
        end(world);
    }
}

static void a_password_file_that_is_not_there_is_denied(void **state)
{
    struct world *world = open_with("joe", "/nonexistent/password");
    (void)state;
    fake_expect(world, 0, "version\r\n");
    fake_say(world, 0, ASKED);
    run_until(world, said(world, "denied 0 77"));
    assert_true(said(world, "cannot read password_file /nonexistent/password: No such file"));
    world_free(world);
}

static void a_server_that_is_full_is_waited_for(void **state)
{
    struct world *world = open_with(NULL, NULL);
    (void)state;
    fake_expect(world, 0, "version\r\n");
    fake_say(world, 0, "ERROR Too many open connections\r\n");
    run_until(world, said(world, "down 0 (ERROR Too many open connections)"));
    fake_expect(world, 1, "version\r\n");
    fake_say(world, 1, "VERSION 1.6.18\r\n");
    run_until(world, said(world, "up 0\n"));
    assert_false(said(world, "denied"));
    world_free(world);
}

static void an_answer_that_makes_no_sense_ends_the_handshake(void **state)
{
    static const char *const bad[] = {"STORED\r\n", "-ERR unknown\r\n", "HD\r\n", "VERSION\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct world *world = open_as_joe("open");
        fake_expect(world, 0, "version\r\n");
        fake_say(world, 0, bad[i]);
        run_until(world, said(world, "down 0 (protocol error: the handshake was not answered"));
        end(world);
    }
}

static void a_scan_logs_in_on_its_own_connection(void **state)
{
    struct world *world = open_as_joe("open");
    struct batch_op ops[] = {{.key = "a*", .key_len = 2, .action = OP_SCAN}};
    struct batch batch = {.seq = 4, .ops = ops, .n = 1};
    (void)state;
    log_in(world, 0);
    run_until(world, said(world, "up 0\n"));
    world->store->ops->send(world->store, 0, &batch);
    log_in(world, 1);
    fake_expect(world, 1, "lru_crawler metadump all\r\n");
    fake_say(world, 1, "END\r\n");
    fake_expect(world, 0, "mn\r\n");
    fake_say(world, 0, "MN\r\n");
    run_until(world, said(world, "answered 0/4 DONE miss\n"));
    end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_leaves_when_it_was_asked_for),
        cmocka_unit_test(answers_of_the_handshake_may_come_byte_by_byte),
        cmocka_unit_test(a_server_that_asks_for_no_password_is_not_told_it),
        cmocka_unit_test(a_wrong_password_is_denied_once_and_read_anew),
        cmocka_unit_test(a_server_that_asks_in_vain_is_told_with_the_remedy),
        cmocka_unit_test(a_password_that_would_end_early_does_not_leave),
        cmocka_unit_test(a_password_file_that_is_not_there_is_denied),
        cmocka_unit_test(a_server_that_is_full_is_waited_for),
        cmocka_unit_test(an_answer_that_makes_no_sense_ends_the_handshake),
        cmocka_unit_test(a_scan_logs_in_on_its_own_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
