#include "fake_redis.h"

#define EXISTS_A "*2\r\n$6\r\nEXISTS\r\n$1\r\na\r\n"
#define SET_A "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nv1\r\n"

static struct batch_op valued(enum op_action action, const char *key, const char *value)
{
    struct batch_op one = op(action, 1, key);
    one.value = value;
    one.value_len = (uint32_t)strlen(value);
    return one;
}

/* Takes an EVAL up to its script's end, and the script with it. */
static void expect_script(struct world *world, unsigned n_words, const char *ends)
{
    char head[32];
    snprintf(head, sizeof head, "*%u\r\n$4\r\nEVAL\r\n$", n_words);
    fake_expect(world, 0, head);
    run_until(world, fake_n_received(&world->fake, 0) > strlen(ends));
    struct evbuffer *input = bufferevent_get_input(world->fake.connections[0]);
    size_t n = evbuffer_get_length(input);
    char *rest = calloc(1, n + 1);
    evbuffer_remove(input, rest, n);
    assert_non_null(strstr(rest, ends));
    assert_string_equal(strstr(rest, ends), ends);
    free(rest);
}

static void a_set_is_a_hit_where_the_key_was_there(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "v1"), valued(OP_SET, "b", "")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    ops[1].ttl_ms = 90000;
    send_batch(world, &batch);
    fake_expect(world, 0, EXISTS_A SET_A);
    fake_expect(world, 0,
                "*2\r\n$6\r\nEXISTS\r\n$1\r\nb\r\n"
                "*5\r\n$3\r\nSET\r\n$1\r\nb\r\n$0\r\n\r\n$2\r\nPX\r\n$5\r\n90000\r\n");
    fake_say(world, 0, ":1\r\n+OK\r\n:0\r\n+OK\r\n");
    run_until(world, said(world, "DONE hit miss\n"));
    world_free(world);
}

static void a_value_may_hold_any_byte(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    ops[0].value = "\r\n$\0+";
    ops[0].value_len = 5;
    send_batch(world, &batch);
    fake_expect(world, 0, EXISTS_A);
    static const char bytes[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\n\r\n$\0+\r\n";
    fake_expect_bytes(world, 0, bytes, sizeof bytes - 1);
    world_free(world);
}

static void a_set_that_is_refused_is_not_done_though_the_key_was_there(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "v1"), valued(OP_SET, "a", "v1")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, EXISTS_A SET_A EXISTS_A SET_A);
    fake_say(world, 0, ":1\r\n-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    fake_say(world, 0, ":0\r\n+OK\r\n");
    run_until(world, said(world, "REFUSED none miss (OOM command not allowed when used memory >"));
    world_free(world);
}

static void a_set_whose_exists_is_refused_is_tried_again(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "v1"), valued(OP_SET, "a", "v1")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, EXISTS_A SET_A EXISTS_A SET_A);
    fake_say(world, 0, ":1\r\n+OK\r\n-NOPERM no\r\n+OK\r\n");
    run_until(world, said(world, "REFUSED hit none (NOPERM no: allow its ACL user, on these keys: "
                                 "exists)"));
    world_free(world);
}

static void a_set_has_no_result_when_the_connection_is_lost_before_its_answer(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "v1")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, EXISTS_A SET_A);
    fake_say(world, 0, ":1\r\n");
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "answered 0/0 LOST none ("));
    world_free(world);
}

static void a_value_too_large_deletes_its_key_and_counts_as_refused(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    ops[0].value_len = (512u << 20) + 1;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 DONE refused\n"));
    world_free(world);
}

static void a_value_that_the_server_hung_up_on_is_not_sent_again(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    char *value = calloc(1, 1500000);
    ops[0].value = value;
    ops[0].value_len = 1500000;
    send_batch(world, &batch);
    fake_expect(world, 0, EXISTS_A "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1500000\r\n");
    fake_say(world, 0, ":1\r\n-ERR Protocol error: invalid bulk length\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none"));
    send_batch(world, &batch);
    run_until(world, fake_n_received(&world->fake, 0) == 1500002 + sizeof UNLINK_A - 1);
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 DONE refused\n"));
    free(value);
    world_free(world);
}

static void a_value_too_large_whose_key_cannot_be_deleted_waits(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_SET, "a", "")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    ops[0].value_len = UINT32_MAX;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, "-NOPERM no\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (NOPERM"));
    world_free(world);
}

static void an_expire_gives_its_time_in_milliseconds(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_EXPIRE, 1, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    ops[0].ttl_ms = 1500;
    send_batch(world, &batch);
    expect_script(world, 5, "\r\n$1\r\n1\r\n$1\r\na\r\n$4\r\n1500\r\n");
    fake_say(world, 0, ":0\r\n");
    run_until(world, said(world, "DONE miss\n"));
    world_free(world);
}

static void a_companion_lives_for_a_day_unless_a_ttl_says_how_long(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_STALE, 1, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    ops[0].grace_ms = 60000;
    send_batch(world, &batch);
    expect_script(world, 7,
                  "\r\n$1\r\n2\r\n$1\r\na\r\n$7\r\na:stale\r\n$5\r\n60000\r\n$8\r\n86400000\r\n");
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "DONE hit\n"));
    ops[0].ttl_ms = 7000;
    send_batch(world, &batch);
    expect_script(world, 7,
                  "\r\n$1\r\n2\r\n$1\r\na\r\n$7\r\na:stale\r\n$5\r\n60000\r\n$4\r\n7000\r\n");
    world_free(world);
}

static void a_right_that_a_script_lacks_is_told(void **state)
{
    static const char *const errors[] = {
        "-ERR ACL failure in script: User cdcd has no permissions to run the 'pttl' command\r\n",
        "-ERR The user executing the script can't run this command or subcommand script: 12, on "
        "@user_script:1.\r\n",
        "-ERR Error running script (call to f_1): @user_script:1: The user executing the script "
        "can't run this command or subcommand\r\n",
    };
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_EXPIRE, 1, "a")};
    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct batch batch = {.ops = ops, .n = 1};
        send_batch(world, &batch);
        fake_say(world, 0, errors[i]);
        run_until(world, n_said(world, "REFUSED") == i + 1);
    }
    assert_int_equal(n_said(world, "allow its ACL user, on these keys: eval pttl pexpire)"), 3);
    world_free(world);
}

static void a_script_that_answers_neither_0_nor_1_drops_the_connection(void **state)
{
    static const char *const answers[] = {":2\r\n", "+OK\r\n", "$1\r\n1\r\n", "$-1\r\n"};
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {op(OP_EXPIRE, 1, "a")};
        struct batch batch = {.ops = ops, .n = 1};
        send_batch(world, &batch);
        fake_say(world, 0, answers[i]);
        run_until(world, said(world, "LOST none (protocol error: a script was not answered"));
        world_free(world);
    }
}

static void a_set_that_is_not_answered_with_ok_drops_the_connection(void **state)
{
    static const char *const answers[] = {":1\r\n:1\r\n", ":1\r\n+QUEUED\r\n", ":1\r\n$-1\r\n"};
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {valued(OP_SET, "a", "v1")};
        struct batch batch = {.ops = ops, .n = 1};
        send_batch(world, &batch);
        fake_say(world, 0, answers[i]);
        run_until(world, said(world, "LOST none (protocol error: SET was not answered with OK"));
        world_free(world);
    }
}

static void a_message_is_a_hit_where_somebody_got_it(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_PUBLISH, "a", "forget"), valued(OP_PUBLISH, "a", "")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0,
                "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$6\r\nforget\r\n"
                "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$0\r\n\r\n");
    fake_say(world, 0, ":12\r\n:0\r\n");
    run_until(world, said(world, "DONE hit miss\n"));
    world_free(world);
}

static void a_message_too_large_is_refused_unsent(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {valued(OP_PUBLISH, "a", "")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    ops[0].value_len = (512u << 20) + 1;
    send_batch(world, &batch);
    fake_expect(world, 0, "*1\r\n$4\r\nPING\r\n");
    fake_say(world, 0, "+PONG\r\n");
    run_until(world, said(world, "DONE refused\n"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_a_hit_where_the_key_was_there),
        cmocka_unit_test(a_value_may_hold_any_byte),
        cmocka_unit_test(a_set_that_is_refused_is_not_done_though_the_key_was_there),
        cmocka_unit_test(a_set_whose_exists_is_refused_is_tried_again),
        cmocka_unit_test(a_set_has_no_result_when_the_connection_is_lost_before_its_answer),
        cmocka_unit_test(a_value_too_large_deletes_its_key_and_counts_as_refused),
        cmocka_unit_test(a_value_that_the_server_hung_up_on_is_not_sent_again),
        cmocka_unit_test(a_value_too_large_whose_key_cannot_be_deleted_waits),
        cmocka_unit_test(an_expire_gives_its_time_in_milliseconds),
        cmocka_unit_test(a_companion_lives_for_a_day_unless_a_ttl_says_how_long),
        cmocka_unit_test(a_right_that_a_script_lacks_is_told),
        cmocka_unit_test(a_script_that_answers_neither_0_nor_1_drops_the_connection),
        cmocka_unit_test(a_set_that_is_not_answered_with_ok_drops_the_connection),
        cmocka_unit_test(a_message_is_a_hit_where_somebody_got_it),
        cmocka_unit_test(a_message_too_large_is_refused_unsent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
