/* wait_replicas: what was done counts when replicas have it. */
#include "fake_redis.h"

#define WAIT_1 "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$5\r\n10001\r\n"

static struct world *make_waiting(void)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    opts.wait_replicas = 1;
    open_store(world, &opts);
    shake_hands(world, 0);
    run_until(world, said(world, "up 0\n"));
    return world;
}

static void a_batch_is_done_when_enough_replicas_have_it(void **state)
{
    struct world *world = make_waiting();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
    struct batch batch = {.seq = 1, .ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, ":1\r\n:0\r\n");
    fake_expect(world, 0, WAIT_1);
    assert_false(said(world, "answered"));
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/1 DONE hit miss\n"));
    world_free(world);
}

static void with_too_few_replicas_all_of_it_waits(void **state)
{
    static const char *const answers[] = {
        ":0\r\n",
        "-NOPERM this user has no permissions to run the 'wait' command\r\n",
        "-ERR WAIT cannot be used with replica instances\r\n",
    };
    static const char *const reasons[] = {
        "(0 of 1 replicas have it: look at them, or lower wait_replicas of store main)",
        "(NOPERM this user has no permissions: allow its ACL user, on these keys: wait)",
        "(ERR WAIT cannot be used",
    };
    struct world *world = make_waiting();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a")};
    struct batch batch = {.seq = 1, .ops = ops, .n = 1};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        char line[256];
        send_batch(world, &batch);
        fake_expect(world, 0, UNLINK_A);
        fake_say(world, 0, ":1\r\n");
        fake_expect(world, 0, WAIT_1);
        fake_say(world, 0, answers[i]);
        snprintf(line, sizeof line, "answered 0/1 BUSY none %s", reasons[i]);
        run_until(world, said(world, line));
    }
    world_free(world);
}

static void what_was_answered_and_not_waited_for_is_lost_with_the_connection(void **state)
{
    struct world *world = make_waiting();
    struct batch_op one[] = {op(OP_DELETE, 1, "a")};
    struct batch_op two[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
    struct batch first = {.seq = 1, .ops = one, .n = 1}, second = {.seq = 2, .ops = two, .n = 2};
    (void)state;
    send_batch(world, &first);
    send_batch(world, &second);
    fake_expect(world, 0, UNLINK_A UNLINK_A UNLINK_A);
    fake_say(world, 0, ":1\r\n:1\r\n");
    fake_expect(world, 0, WAIT_1);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "down 0"));
    assert_true(said(world, "answered 0/1 LOST none ("));
    assert_true(said(world, "answered 0/2 LOST none none ("));
    world_free(world);
}

static void refused_ops_stay_refused_when_the_others_are_waited_for(void **state)
{
    struct world *world = make_waiting();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a"), op(OP_DELETE, 2, "a")};
    struct batch batch = {.seq = 1, .ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, ":1\r\n-NOPERM keys\r\n");
    fake_expect(world, 0, WAIT_1);
    fake_say(world, 0, ":2\r\n");
    run_until(world, said(world, "answered 0/1 REFUSED hit none (NOPERM"));
    world_free(world);
}

static void an_answer_to_wait_that_is_none_drops_the_connection(void **state)
{
    struct world *world = make_waiting();
    struct batch_op ops[] = {op(OP_DELETE, 1, "a")};
    struct batch batch = {.seq = 1, .ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    fake_expect(world, 0, WAIT_1);
    fake_say(world, 0, "+OK\r\n");
    run_until(world, said(world, "down 0 (protocol error: WAIT was not answered with a number)"));
    assert_true(said(world, "answered 0/1 LOST none"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_done_when_enough_replicas_have_it),
        cmocka_unit_test(with_too_few_replicas_all_of_it_waits),
        cmocka_unit_test(what_was_answered_and_not_waited_for_is_lost_with_the_connection),
        cmocka_unit_test(refused_ops_stay_refused_when_the_others_are_waited_for),
        cmocka_unit_test(an_answer_to_wait_that_is_none_drops_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
