#include "fake_redis.h"

static void deletes_of_one_cache_leave_as_one_command(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "b"), op(OP_DELETE, 1, "c"),
                             op(OP_DELETE, 2, "d")};
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
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
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
        ops[i] = op(OP_DELETE, 0, "a");
    send_batch(world, &batch);
    fake_expect(world, 0, "*101\r\n$6\r\nUNLINK\r\n");
    for (unsigned i = 0; i < 100; i++)
        fake_expect(world, 0, "$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    world_free(world);
}

static void a_delete_does_not_jump_over_a_bump(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_BUMP, 1, "v"), op(OP_DELETE, 1, "a")};
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

static void a_key_that_redis_would_hang_up_on_is_refused_unsent(void **state)
{
    struct world *world = make_up();
    struct batch_op huge = {.key = "h", .key_len = (512u << 20) + 1};
    struct batch_op ops[] = {op(OP_DELETE, 0, "a"), huge, op(OP_DELETE, 0, "a")};
    struct batch mixed = {.seq = 1, .ops = ops, .n = 3}, alone = {.seq = 2, .ops = &huge, .n = 1};
    (void)state;
    send_batch(world, &mixed);
    send_batch(world, &alone);
    assert_false(said(world, "answered"));
    fake_expect(world, 0, UNLINK_A UNLINK_A "*1\r\n$4\r\nPING\r\n");
    fake_say(world, 0, ":1\r\n:0\r\n+PONG\r\n");
    run_until(world, said(world, "answered 0/2 DONE refused\n"));
    assert_true(said(world, "answered 0/1 DONE hit refused miss\n"));
    world_free(world);
}

static void errors_that_pass_make_the_batch_wait(void **state)
{
    static const char *const errors[] = {
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "READONLY You can't write against a read only replica.",
        "NOAUTH Authentication required.",
        "ERR max number of clients reached",
        "UNKILLABLE Sorry the script already executed write commands",
        "ERR Error running script (call to f_1): @user_script:4: @user_script: 4: -READONLY You",
    };
    struct world *world = make_up();
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        char line[256];
        struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
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
        "OOM command not allowed when used memory > 'maxmemory'.",
        "WRONGTYPE Operation against a key",
        "ERR unknown command",
        "ERR wrong number of arguments",
        "BUSYKEY Target key name",
        "CROSSSLOT Keys",
        "SOMETHING new",
    };
    struct world *world = make_up();
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        char line[256];
        struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
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

static void what_a_part_of_a_cluster_cannot_do_waits_alone(void **state)
{
    static const char *const errors[] = {
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
        "MOVED 1 127.0.0.1:7000",
        "ASK 1 127.0.0.1:7000",
    };
    struct world *world = make_up();
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        char line[256];
        struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
        struct batch batch = {.seq = i, .ops = ops, .n = 2};
        send_batch(world, &batch);
        fake_expect(world, 0, UNLINK_A UNLINK_A);
        snprintf(line, sizeof line, "-%s\r\n:1\r\n", errors[i]);
        fake_say(world, 0, line);
        snprintf(line, sizeof line, "answered 0/%u DEFERRED none hit (%.4s", i, errors[i]);
        run_until(world, said(world, line));
    }
    world_free(world);
}

static void deletes_of_one_slot_leave_as_one_command(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 1, "b"), op(OP_DELETE, 1, "c")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    ops[1].slot = 7;
    send_batch(world, &batch);
    fake_expect(world, 0,
                "*3\r\n$6\r\nUNLINK\r\n$1\r\na\r\n$1\r\nc\r\n"
                "*2\r\n$6\r\nUNLINK\r\n$1\r\nb\r\n");
    world_free(world);
}

static void what_an_error_quotes_is_not_repeated(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a")};
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
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
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
    struct batch_op ops[] = {op(OP_DELETE, 1, "a")};
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
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
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

/* Sends two ops and answers one line, before the server hangs up. */
static struct world *answer_one_and_hang_up(struct batch *batch, const char *answer)
{
    struct world *world = make_up();
    send_batch(world, batch);
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, answer);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "down"));
    return world;
}

static void what_was_answered_before_the_loss_stays_answered(void **state)
{
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    struct world *world = answer_one_and_hang_up(&batch, ":1\r\n");
    assert_true(said(world, "answered 0/0 LOST hit none ("));
    world_free(world);
}

static void a_refusal_before_the_loss_is_no_answer(void **state)
{
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    struct world *world = answer_one_and_hang_up(&batch, "-WRONGTYPE Operation\r\n");
    assert_true(said(world, "answered 0/0 LOST none none ("));
    world_free(world);
}

static void a_busy_server_that_is_lost_has_answered_nothing(void **state)
{
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a"), op(OP_DELETE, 3, "a")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    struct world *world = answer_one_and_hang_up(&batch, ":1\r\n-READONLY replica\r\n");
    assert_true(said(world, "answered 0/0 LOST none none none ("));
    world_free(world);
}

static void nonsense_takes_back_the_answers_before_it(void **state)
{
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    struct world *world = answer_one_and_hang_up(&batch, ":1\r\n+OK\r\n");
    assert_true(said(world, "answered 0/0 LOST none none (protocol error"));
    world_free(world);
}

static void an_answer_that_does_not_come_in_time_drops_the_connection(void **state)
{
    struct world *world = make_up_with_timeout(100);
    struct batch_op ops[] = {op(OP_DELETE, 1, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    run_until(world, said(world, "answered 0/0 LOST none (no answer within 100 ms)"));
    world_free(world);
}

static void the_window_is_sixteen_batches_and_opens_with_an_answer(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[17];
    struct batch batches[17];
    (void)state;
    for (unsigned i = 0; i < 17; i++) {
        ops[i] = op(OP_DELETE, 1, "a");
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
    struct batch_op ops[] = {op(OP_BUMP, 1, "v"), op(OP_BUMP, 1, "w")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "*4\r\n$4\r\nEVAL\r\n");
    fake_say(world, 0, ":1\r\n:0\r\n");
    run_until(world, said(world, "DONE hit miss\n"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deletes_of_one_cache_leave_as_one_command),
        cmocka_unit_test(singly_means_a_command_for_each_op),
        cmocka_unit_test(a_command_has_at_most_a_hundred_keys),
        cmocka_unit_test(a_delete_does_not_jump_over_a_bump),
        cmocka_unit_test(no_byte_of_a_key_ends_its_bulk_string),
        cmocka_unit_test(a_key_that_redis_would_hang_up_on_is_refused_unsent),
        cmocka_unit_test(errors_that_pass_make_the_batch_wait),
        cmocka_unit_test(other_errors_refuse_the_ops_of_their_command_alone),
        cmocka_unit_test(what_a_part_of_a_cluster_cannot_do_waits_alone),
        cmocka_unit_test(deletes_of_one_slot_leave_as_one_command),
        cmocka_unit_test(what_an_error_quotes_is_not_repeated),
        cmocka_unit_test(a_reply_may_come_byte_by_byte),
        cmocka_unit_test(replies_of_a_wrong_kind_drop_the_connection),
        cmocka_unit_test(an_answer_that_nobody_asked_for_drops_the_connection),
        cmocka_unit_test(a_lost_connection_answers_for_all_in_order_and_then_is_down),
        cmocka_unit_test(what_was_answered_before_the_loss_stays_answered),
        cmocka_unit_test(a_refusal_before_the_loss_is_no_answer),
        cmocka_unit_test(a_busy_server_that_is_lost_has_answered_nothing),
        cmocka_unit_test(nonsense_takes_back_the_answers_before_it),
        cmocka_unit_test(an_answer_that_does_not_come_in_time_drops_the_connection),
        cmocka_unit_test(the_window_is_sixteen_batches_and_opens_with_an_answer),
        cmocka_unit_test(a_bump_says_whether_the_key_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
