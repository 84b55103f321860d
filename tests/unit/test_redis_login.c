#include "fake_redis.h"

static char password_path[64];

static void the_handshake_names_database_and_waits_for_pong(void **state)
{
    struct world *world = make_up();
    (void)state;
    assert_string_equal(buf_str(&world->events), "up 0\n");
    world_free(world);
}

static void the_first_database_is_not_selected(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix://%s?db=0", world->fake.path);
    opts.url = url;
    open_store(world, &opts);
    fake_expect(world, 0, "*1\r\n$4\r\nPING\r\n");
    fake_say(world, 0, "+PONG\r\n");
    run_until(world, said(world, "up 0\n"));
    world_free(world);
}

static void write_password(const char *text)
{
    snprintf(password_path, sizeof password_path, "/tmp/cdcd-password-%d", (int)getpid());
    FILE *file = fopen(password_path, "w");
    fputs(text, file);
    fclose(file);
}

static void the_password_file_is_read_anew_at_each_connect(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    write_password("one\n");
    opts.password_file = password_path;
    opts.user = "joe";
    open_store(world, &opts);
    fake_expect(world, 0, "*3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$3\r\none\r\n" SELECT_PING);
    write_password("two");
    fake_hang_up(&world->fake, 0);
    fake_expect(world, 1, "*3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$3\r\ntwo\r\n" SELECT_PING);
    fake_say(world, 1, "+OK\r\n+OK\r\n+PONG\r\n");
    run_until(world, said(world, "up 0\n"));
    unlink(password_path);
    world_free(world);
}

static void an_unreadable_password_file_is_denied_once_and_tried_again(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    opts.password_file = "/nonexistent/password";
    open_store(world, &opts);
    run_until(world, world->fake.n_connections >= 3);
    assert_int_equal(n_said(world, "denied 0 77 (store main: cannot read password_file "
                                   "/nonexistent/password: No such file"),
                     1);
    assert_int_equal(n_said(world, "denied"), 1);
    assert_int_equal(n_said(world, "down"), 1);
    world_free(world);
}

static void a_refused_login_is_denied_once_with_the_remedy(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    open_store(world, &opts);
    fake_expect(world, 0, SELECT_PING);
    fake_say(world, 0, "-NOAUTH Authentication required.\r\n");
    fake_expect(world, 1, SELECT_PING);
    fake_say(world, 1, "-NOAUTH Authentication required.\r\n");
    fake_expect(world, 2, SELECT_PING);
    assert_int_equal(n_said(world, "denied 0 77"), 1);
    assert_true(said(world, "set user and password_file of store main"));
    world_free(world);
}

static void a_login_lost_after_it_was_up_is_not_denied(void **state)
{
    struct world *world = make_up();
    (void)state;
    fake_hang_up(&world->fake, 0);
    fake_expect(world, 1, SELECT_PING);
    fake_say(world, 1, "-WRONGPASS invalid\r\n");
    fake_expect(world, 2, SELECT_PING);
    assert_false(said(world, "denied"));
    assert_int_equal(n_said(world, "down"), 1);
    world_free(world);
}

static void a_loading_server_is_tried_again_until_it_is_up(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    open_store(world, &opts);
    for (unsigned i = 0; i < 3; i++) {
        fake_expect(world, i, SELECT_PING);
        fake_say(world, i, "+OK\r\n-LOADING Redis is loading the dataset in memory\r\n");
    }
    shake_hands(world, 3);
    run_until(world, said(world, "up 0"));
    assert_int_equal(n_said(world, "down"), 1);
    assert_false(said(world, "denied"));
    world_free(world);
}

static void a_handshake_that_does_not_end_is_given_up(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    opts.timeout_ms = 100;
    open_store(world, &opts);
    run_until(world, said(world, "down 0 (no answer within 100 ms)"));
    run_until(world, world->fake.n_connections == 2);
    world_free(world);
}

static void a_server_that_is_not_there_is_waited_for(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    fake_unlisten(&world->fake);
    open_store(world, &opts);
    run_until(world, said(world, "down 0 (No such file or directory)"));
    fake_listen(&world->fake);
    shake_hands(world, 0);
    run_until(world, said(world, "up 0"));
    world_free(world);
}

/* Complaints of the options, as one text. */
static char *complain_about(const struct store_opts *opts)
{
    struct complaints complaints = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    unsigned n_errors = store_driver("redis")->check(opts, &complaints);
    assert_int_equal(n_errors, complaints.n_errors);
    complaints_print(&complaints, to);
    fclose(to);
    complaints_free(&complaints);
    return text;
}

static void options_that_make_no_sense_are_complained_about(void **state)
{
    struct store_opts opts = {.name = "main", .type = "redis", .file = "cdcd.cfg", .line = 7};
    (void)state;
    char *text = complain_about(&opts);
    assert_non_null(strstr(text, "cdcd.cfg:7: store main has no url; set url = "));
    free(text);
    opts.url = "redis://joe@h/0";
    text = complain_about(&opts);
    assert_string_equal(text, "");
    free(text);
    opts.user = "jim";
    opts.selector = "all";
    opts.n_servers = 1;
    text = complain_about(&opts);
    assert_non_null(strstr(text, "keep one of the two"));
    assert_non_null(strstr(text, "selector is for memcached"));
    assert_non_null(strstr(text, "servers is for memcached"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_names_database_and_waits_for_pong),
        cmocka_unit_test(the_first_database_is_not_selected),
        cmocka_unit_test(the_password_file_is_read_anew_at_each_connect),
        cmocka_unit_test(an_unreadable_password_file_is_denied_once_and_tried_again),
        cmocka_unit_test(a_refused_login_is_denied_once_with_the_remedy),
        cmocka_unit_test(a_login_lost_after_it_was_up_is_not_denied),
        cmocka_unit_test(a_loading_server_is_tried_again_until_it_is_up),
        cmocka_unit_test(a_handshake_that_does_not_end_is_given_up),
        cmocka_unit_test(a_server_that_is_not_there_is_waited_for),
        cmocka_unit_test(options_that_make_no_sense_are_complained_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
