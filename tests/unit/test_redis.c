#include "fake_server.h"

#define SELECT_PING "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$4\r\nPING\r\n"
#define UNLINK_A "*2\r\n$6\r\nUNLINK\r\n$1\r\na\r\n"
#define SCAN_HEAD(cursor_len, cursor) "*6\r\n$4\r\nSCAN\r\n$" cursor_len "\r\n" cursor "\r\n"
#define SCAN_TAIL(len, pattern) \
    "$5\r\nMATCH\r\n$" len "\r\n" pattern "\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n"

static char url[128];
static char password_path[64];

static struct store_opts make_opts(struct world *world)
{
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

static void open_store(struct world *world, const struct store_opts *opts)
{
    world->store = store_driver("redis")->open(opts, world->base, &world_events, world);
}

static void shake_hands(struct world *world, unsigned connection)
{
    fake_expect(world, connection, SELECT_PING);
    fake_say(world, connection, "+OK\r\n+PONG\r\n");
}

static struct world *make_up_with_timeout(int64_t timeout_ms)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    opts.timeout_ms = timeout_ms;
    open_store(world, &opts);
    shake_hands(world, 0);
    run_until(world, said(world, "up 0\n"));
    return world;
}

static struct world *make_up(void)
{
    return make_up_with_timeout(20000);
}

static struct batch_op op(enum op_action action, unsigned stage, unsigned cache, const char *key)
{
    return (struct batch_op){.key = key,
                             .key_len = (uint32_t)strlen(key),
                             .action = (uint8_t)action,
                             .stage = (uint8_t)stage,
                             .cache = (uint16_t)cache};
}

static void send_batch(struct world *world, struct batch *batch)
{
    assert_true(world->store->ops->ready(world->store, 0));
    world->store->ops->send(world->store, 0, batch);
}

static void the_handshake_names_database_and_waits_for_pong(void **state)
{
    struct world *world = make_up();
    (void)state;
    assert_string_equal(buf_str(&world->events), "up 0\n");
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

static void deletes_of_one_cache_leave_as_one_command(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 0, 2, "b"),
                             op(OP_DELETE, 0, 1, "c"), op(OP_DELETE, 0, 2, "d")};
    struct batch batch = {.seq = 9, .ops = ops, .n = 4};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0,
                "*3\r\n$6\r\nUNLINK\r\n$1\r\na\r\n$1\r\nc\r\n"
                "*3\r\n$6\r\nUNLINK\r\n$1\r\nb\r\n$1\r\nd\r\n");
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    fake_say(world, 0, ":1\r\n:2\r\n");
    run_until(world, said(world, "answered 0/9 DONE hit hit miss hit\n"));
    world_free(world);
}

static void singly_means_a_command_for_each_op(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 0, 1, "a")};
    struct batch batch = {.ops = ops, .n = 2, .singly = true};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, "-NOPERM this user has no permissions to access one of the keys\r\n:1\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none hit (NOPERM this user has no "
                                 "permissions to access one of the keys: allow its ACL user, on "
                                 "these keys: unlink)\n"));
    world_free(world);
}

static void a_command_has_at_most_a_hundred_keys(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[101];
    struct batch batch = {.ops = ops, .n = 101};
    (void)state;
    for (unsigned i = 0; i < 101; i++)
        ops[i] = op(OP_DELETE, 0, 0, "a");
    send_batch(world, &batch);
    fake_expect(world, 0, "*101\r\n$6\r\nUNLINK\r\n");
    for (unsigned i = 0; i < 100; i++)
        fake_expect(world, 0, "$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    world_free(world);
}

static void an_op_comes_after_all_of_lower_stages(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 1, 1, "b"),
                             op(OP_DELETE, 0, 1, "c"), op(OP_DELETE, 1, 1, "d")};
    struct batch batch = {.ops = ops, .n = 4};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0,
                "*3\r\n$6\r\nUNLINK\r\n$1\r\na\r\n$1\r\nc\r\n"
                "*3\r\n$6\r\nUNLINK\r\n$1\r\nb\r\n$1\r\nd\r\n");
    fake_say(world, 0, ":2\r\n:0\r\n");
    run_until(world, said(world, "DONE hit miss hit miss\n"));
    world_free(world);
}

static void a_delete_does_not_jump_over_a_bump(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_BUMP, 0, 1, "v"),
                             op(OP_DELETE, 0, 1, "a")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A "*4\r\n$4\r\nEVAL\r\n");
    run_until(world, fake_n_received(&world->fake, 0) > sizeof UNLINK_A + 14);
    fake_say(world, 0, ":1\r\n:1\r\n:0\r\n");
    run_until(world, said(world, "DONE hit hit miss\n"));
    world_free(world);
}

static void no_byte_of_a_key_ends_its_bulk_string(void **state)
{
    struct world *world = make_up();
    struct batch_op hostile = {.key = "a\r\nFLUSHALL\r\n\0b", .key_len = 15};
    struct batch batch = {.ops = &hostile, .n = 1};
    (void)state;
    send_batch(world, &batch);
    static const char bytes[] = "*2\r\n$6\r\nUNLINK\r\n$15\r\na\r\nFLUSHALL\r\n\0b\r\n";
    fake_expect_bytes(world, 0, bytes, sizeof bytes - 1);
    world_free(world);
}

static void errors_that_pass_make_the_batch_wait(void **state)
{
    static const char *const errors[] = {
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "READONLY You can't write against a read only replica.",
        "NOAUTH Authentication required.",
        "ERR max number of clients reached",
        "UNKILLABLE Sorry the script already executed write commands",
        "ERR Error running script (call to f_1): @user_script:4: @user_script: 4: -OOM command "
        "not allowed",
    };
    struct world *world = make_up();
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        char line[256];
        struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 1, 1, "a")};
        struct batch batch = {.seq = i, .ops = ops, .n = 2};
        send_batch(world, &batch);
        fake_expect(world, 0, UNLINK_A UNLINK_A);
        snprintf(line, sizeof line, ":1\r\n-%s\r\n", errors[i]);
        fake_say(world, 0, line);
        snprintf(line, sizeof line, "answered 0/%u BUSY none none", i);
        run_until(world, said(world, line));
    }
    assert_false(said(world, "down 0"));
    world_free(world);
}

static void other_errors_refuse_the_ops_of_their_command_alone(void **state)
{
    static const char *const errors[] = {
        "NOPERM this user has no permissions",
        "WRONGTYPE Operation against a key",
        "ERR unknown command",
        "ERR wrong number of arguments",
        "BUSYKEY Target key name",
        "MOVED 1 127.0.0.1:7000",
        "CROSSSLOT Keys",
        "SOMETHING new",
    };
    struct world *world = make_up();
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        char line[256];
        struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 0, 2, "a")};
        struct batch batch = {.seq = i, .ops = ops, .n = 2};
        send_batch(world, &batch);
        fake_expect(world, 0, UNLINK_A UNLINK_A);
        snprintf(line, sizeof line, "-%s\r\n:1\r\n", errors[i]);
        fake_say(world, 0, line);
        snprintf(line, sizeof line, "answered 0/%u REFUSED none hit (%.9s", i, errors[i]);
        run_until(world, said(world, line));
    }
    world_free(world);
}

static void what_an_error_quotes_is_not_repeated(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, "-ERR unknown command 'UNLINK', with args beginning with: 'secret' \r\n");
    run_until(world, said(world, "answered"));
    assert_true(said(world, "(ERR unknown command: Redis 5 or later is needed"));
    assert_false(said(world, "secret"));
    world_free(world);
}

static void a_reply_may_come_byte_by_byte(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 0, 2, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say_slowly(world, 0, ":1\r\n:0\r\n");
    run_until(world, said(world, "DONE hit miss\n"));
    world_free(world);
}

/* Sends one op, answers with the text, and expects the connection to be dropped for it. */
static void expect_drop(const char *answer, const char *reason)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    char line[256];
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, answer);
    snprintf(line, sizeof line, "answered 0/0 LOST none (%s", reason);
    run_until(world, said(world, line));
    assert_non_null(strstr(buf_str(&world->events), "LOST"));
    run_until(world, said(world, "down 0"));
    shake_hands(world, 1);
    run_until(world, n_said(world, "up 0") == 2);
    world_free(world);
}

static void replies_of_a_wrong_kind_drop_the_connection(void **state)
{
    (void)state;
    expect_drop("+OK\r\n", "protocol error: UNLINK was not answered with the number");
    expect_drop(":2\r\n", "protocol error: UNLINK was not answered with the number");
    expect_drop(":-1\r\n", "protocol error: UNLINK was not answered with the number");
    expect_drop("$-1\r\n", "protocol error: UNLINK was not answered with the number");
    expect_drop("*1\r\n:1\r\n", "protocol error: UNLINK was not answered with the number");
    expect_drop("HTTP/1.1 400\r\n", "protocol error: a reply is of no known type");
    expect_drop("*100001\r\n", "protocol error: an array is too large");
    expect_drop("*1000000000\r\n", "protocol error: an array is too large");
    expect_drop("*2\r\n$1\r\n0\r\n*100001\r\n", "protocol error: an array is too large");
    expect_drop("$67108865\r\n", "protocol error: a string is too large");
    expect_drop("$-2\r\n", "protocol error: a length is no number");
    expect_drop("$99999999999999999999\r\n", "protocol error: a length is no number");
    expect_drop("+a\n$3\r\n", "protocol error: a line ends without CR");
}

static void an_answer_that_nobody_asked_for_drops_the_connection(void **state)
{
    struct world *world = make_up();
    (void)state;
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "down 0 (protocol error: an answer that nobody asked for)"));
    world_free(world);
}

static void a_lost_connection_answers_for_all_in_order_and_then_is_down(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 0, 2, "a")};
    struct batch first = {.seq = 1, .ops = ops, .n = 1}, second = {.seq = 2, .ops = ops, .n = 2};
    (void)state;
    send_batch(world, &first);
    send_batch(world, &second);
    fake_expect(world, 0, UNLINK_A);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "down"));
    const char *one = strstr(buf_str(&world->events), "answered 0/1 LOST none (");
    assert_non_null(one);
    const char *two = strstr(one, "answered 0/2 LOST none none (");
    assert_non_null(two);
    assert_non_null(strstr(two, "down 0 ("));
    assert_false(world->store->ops->ready(world->store, 0));
    world_free(world);
}

static void what_was_answered_before_the_loss_counts_as_not_done(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a"), op(OP_DELETE, 0, 2, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "answered 0/0 LOST none none"));
    world_free(world);
}

static void an_answer_that_does_not_come_in_time_drops_the_connection(void **state)
{
    struct world *world = make_up_with_timeout(100);
    struct batch_op ops[] = {op(OP_DELETE, 0, 1, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    run_until(world, said(world, "answered 0/0 LOST none (no answer within 100 ms)"));
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

static void the_window_is_sixteen_batches_and_opens_with_an_answer(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[17];
    struct batch batches[17];
    (void)state;
    for (unsigned i = 0; i < 17; i++) {
        ops[i] = op(OP_DELETE, 0, 1, "a");
        batches[i] = (struct batch){.seq = i, .ops = &ops[i], .n = 1};
    }
    for (unsigned i = 0; i < 16; i++)
        send_batch(world, &batches[i]);
    assert_false(world->store->ops->ready(world->store, 0));
    world->send_when_ready = &batches[16];
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\nready 0\n"));
    assert_false(world->store->ops->ready(world->store, 0));
    for (unsigned i = 0; i < 17; i++)
        fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n:1\r\n");
    run_until(world, said(world, "answered 0/2 DONE"));
    assert_int_equal(n_said(world, "ready"), 2);
    world_free(world);
}

static void a_bump_says_whether_the_key_was_there(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_BUMP, 0, 1, "v"), op(OP_BUMP, 0, 1, "w")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "*4\r\n$4\r\nEVAL\r\n");
    fake_say(world, 0, ":1\r\n:0\r\n");
    run_until(world, said(world, "DONE hit miss\n"));
    world_free(world);
}

static void a_scan_goes_page_by_page_and_deletes_what_it_finds(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 0, 1, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$2\r\n17\r\n*2\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
    fake_expect(world, 0,
                "*3\r\n$6\r\nUNLINK\r\n$3\r\np:1\r\n$3\r\np:2\r\n" SCAN_HEAD("2", "17")
                    SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, ":2\r\n*2\r\n$1\r\n9\r\n*0\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "9") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*1\r\n$3\r\np:3\r\n");
    fake_expect(world, 0, "*2\r\n$6\r\nUNLINK\r\n$3\r\np:3\r\n");
    assert_false(said(world, "answered"));
    fake_say(world, 0, ":0\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\n"));
    world_free(world);
}

static void a_scan_that_finds_nothing_is_a_miss(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 0, 1, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*0\r\n");
    run_until(world, said(world, "answered 0/0 DONE miss\n"));
    world_free(world);
}

static void other_batches_go_on_while_a_scan_runs(void **state)
{
    struct world *world = make_up();
    struct batch_op scan[] = {op(OP_SCAN, 0, 1, "p:*")}, delete[] = {op(OP_DELETE, 0, 1, "a")};
    struct batch first = {.seq = 1, .ops = scan, .n = 1},
                 second = {.seq = 2, .ops = delete, .n = 1};
    (void)state;
    send_batch(world, &first);
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*0\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_expect(world, 0, SCAN_HEAD("1", "5") SCAN_TAIL("3", "p:*"));
    send_batch(world, &second);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*0\r\n:1\r\n");
    run_until(world, said(world, "answered 0/2 DONE hit\n"));
    assert_false(said(world, "answered 0/1"));
    world_free(world);
}

static void a_higher_stage_waits_for_the_scan_and_the_same_stage_does_not(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 0, 1, "p:*"), op(OP_DELETE, 1, 1, "b"),
                             op(OP_DELETE, 0, 1, "a")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*") UNLINK_A);
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*0\r\n:1\r\n");
    fake_expect(world, 0, "*2\r\n$6\r\nUNLINK\r\n$1\r\nb\r\n");
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "DONE miss hit hit\n"));
    world_free(world);
}

static void scans_run_one_after_the_other(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 0, 1, "p:*"), op(OP_SCAN, 0, 1, "q:*")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "-NOPERM this user has no permissions to run the 'scan' command\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "q:*"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*0\r\n");
    run_until(world, said(world, "REFUSED none miss (NOPERM"));
    world_free(world);
}

static void a_page_that_is_none_drops_the_connection(void **state)
{
    static const char *const pages[] = {
        "*2\r\n:0\r\n*0\r\n",
        "*1\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\n0\r\n$1\r\na\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n",
        "*2\r\n$1\r\nx\r\n*0\r\n",
        "*2\r\n$0\r\n\r\n*0\r\n",
        "*2\r\n$21\r\n111111111111111111111\r\n*0\r\n",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {op(OP_SCAN, 0, 1, "p:*"), op(OP_DELETE, 1, 1, "b")};
        struct batch batch = {.ops = ops, .n = 2};
        send_batch(world, &batch);
        fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
        fake_say(world, 0, pages[i]);
        run_until(world, said(world, "LOST none none (protocol error: SCAN was not"));
        world_free(world);
    }
}

static void a_failed_delete_of_a_page_leaves_the_scan_undone(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 0, 1, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*1\r\n$1\r\na\r\n");
    fake_say(world, 0, "-NOPERM no\r\n*2\r\n$1\r\n0\r\n*0\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (NOPERM no: allow"));
    assert_false(said(world, "down"));
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
        cmocka_unit_test(the_password_file_is_read_anew_at_each_connect),
        cmocka_unit_test(an_unreadable_password_file_is_denied_once_and_tried_again),
        cmocka_unit_test(a_refused_login_is_denied_once_with_the_remedy),
        cmocka_unit_test(a_login_lost_after_it_was_up_is_not_denied),
        cmocka_unit_test(a_loading_server_is_tried_again_until_it_is_up),
        cmocka_unit_test(deletes_of_one_cache_leave_as_one_command),
        cmocka_unit_test(singly_means_a_command_for_each_op),
        cmocka_unit_test(a_command_has_at_most_a_hundred_keys),
        cmocka_unit_test(an_op_comes_after_all_of_lower_stages),
        cmocka_unit_test(a_delete_does_not_jump_over_a_bump),
        cmocka_unit_test(no_byte_of_a_key_ends_its_bulk_string),
        cmocka_unit_test(errors_that_pass_make_the_batch_wait),
        cmocka_unit_test(other_errors_refuse_the_ops_of_their_command_alone),
        cmocka_unit_test(what_an_error_quotes_is_not_repeated),
        cmocka_unit_test(a_reply_may_come_byte_by_byte),
        cmocka_unit_test(replies_of_a_wrong_kind_drop_the_connection),
        cmocka_unit_test(an_answer_that_nobody_asked_for_drops_the_connection),
        cmocka_unit_test(a_lost_connection_answers_for_all_in_order_and_then_is_down),
        cmocka_unit_test(what_was_answered_before_the_loss_counts_as_not_done),
        cmocka_unit_test(an_answer_that_does_not_come_in_time_drops_the_connection),
        cmocka_unit_test(a_handshake_that_does_not_end_is_given_up),
        cmocka_unit_test(a_server_that_is_not_there_is_waited_for),
        cmocka_unit_test(the_window_is_sixteen_batches_and_opens_with_an_answer),
        cmocka_unit_test(a_bump_says_whether_the_key_was_there),
        cmocka_unit_test(a_scan_goes_page_by_page_and_deletes_what_it_finds),
        cmocka_unit_test(a_scan_that_finds_nothing_is_a_miss),
        cmocka_unit_test(other_batches_go_on_while_a_scan_runs),
        cmocka_unit_test(a_higher_stage_waits_for_the_scan_and_the_same_stage_does_not),
        cmocka_unit_test(scans_run_one_after_the_other),
        cmocka_unit_test(a_page_that_is_none_drops_the_connection),
        cmocka_unit_test(a_failed_delete_of_a_page_leaves_the_scan_undone),
        cmocka_unit_test(options_that_make_no_sense_are_complained_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
