#include "fake_redis.h"

#define ASIDE "s:cdcd-deleting"
#define PAGE(cursor) \
    "*5\r\n$5\r\nSSCAN\r\n$15\r\n" ASIDE "\r\n$1\r\n" cursor "\r\n$5\r\nCOUNT\r\n$3\r\n250\r\n"
#define UNLINK_ASIDE "*2\r\n$6\r\nUNLINK\r\n$15\r\n" ASIDE "\r\n"

static struct batch_op ops[] = {{.key = "s", .key_len = 1, .action = OP_DELETE_MEMBERS}};

/* Takes the script that puts the set aside. */
static void expect_put_aside(struct world *world, unsigned connection)
{
    static const char end[] = "\r\n$1\r\n2\r\n$1\r\ns\r\n$15\r\n" ASIDE "\r\n";
    fake_expect(world, connection, "*5\r\n$4\r\nEVAL\r\n$");
    run_until(world, fake_n_received(&world->fake, connection) > sizeof end);
    struct evbuffer *input = bufferevent_get_input(world->fake.connections[connection]);
    struct evbuffer_ptr at = evbuffer_search(input, end, sizeof end - 1, NULL);
    assert_true(at.pos > 0);
    evbuffer_drain(input, (size_t)at.pos + sizeof end - 1);
}

static struct world *begin(struct batch *batch, const char *answer)
{
    struct world *world = make_up();
    send_batch(world, batch);
    expect_put_aside(world, 0);
    fake_say(world, 0, answer);
    return world;
}

static void members_are_deleted_page_by_page_and_then_the_set(void **state)
{
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    struct world *world = begin(&batch, ":1\r\n");
    fake_expect(world, 0, PAGE("0"));
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*1\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":0\r\n");
    fake_expect(world, 0, PAGE("5"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":0\r\n");
    fake_expect(world, 0, UNLINK_ASIDE);
    assert_false(said(world, "answered"));
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\n"));
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    world_free(world);
}

static void without_a_set_it_is_a_miss(void **state)
{
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    struct world *world = begin(&batch, ":0\r\n");
    run_until(world, said(world, "answered 0/0 DONE miss\n"));
    world_free(world);
}

static void what_was_left_aside_goes_first_and_then_the_set(void **state)
{
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    struct world *world = begin(&batch, ":2\r\n");
    fake_expect(world, 0, PAGE("0"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*0\r\n");
    fake_expect(world, 0, UNLINK_ASIDE);
    fake_say(world, 0, ":1\r\n");
    expect_put_aside(world, 0);
    fake_say(world, 0, ":1\r\n");
    fake_expect(world, 0, PAGE("0"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    fake_expect(world, 0, UNLINK_ASIDE);
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\n"));
    world_free(world);
}

static void what_is_no_set_is_refused_and_nothing_is_deleted(void **state)
{
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    struct world *world =
        begin(&batch, "-WRONGTYPE Operation against a key holding the wrong kind of value script: "
                      "0123, on @user_script:2.\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (WRONGTYPE Operation against a key "
                                 "holding the wrong kind of value: "));
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    world_free(world);
}

static void a_member_that_cannot_be_deleted_keeps_what_was_put_aside(void **state)
{
    struct batch batch = {.ops = ops, .n = 1, .singly = true};
    (void)state;
    struct world *world = begin(&batch, ":1\r\n");
    fake_expect(world, 0, PAGE("0"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, "-NOPERM no\r\n:1\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (NOPERM no"));
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    world_free(world);
}

static void a_set_that_names_itself_is_read_to_its_end(void **state)
{
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    struct world *world = begin(&batch, ":1\r\n");
    fake_expect(world, 0, PAGE("0"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*3\r\n$1\r\ns\r\n$1\r\na\r\n$15\r\n" ASIDE "\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    fake_expect(world, 0, UNLINK_ASIDE);
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\n"));
    world_free(world);
}

static void a_lost_connection_begins_with_what_was_put_aside(void **state)
{
    struct batch batch = {.seq = 7, .ops = ops, .n = 1};
    (void)state;
    struct world *world = begin(&batch, ":1\r\n");
    fake_expect(world, 0, PAGE("0"));
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "answered 0/7 LOST none"));
    shake_hands(world, 1);
    run_until(world, n_said(world, "up 0\n") == 2);
    send_batch(world, &batch);
    expect_put_aside(world, 1);
    fake_say(world, 1, ":2\r\n");
    fake_expect(world, 1, PAGE("0"));
    world_free(world);
}

static void an_answer_of_another_kind_drops_the_connection(void **state)
{
    static const char *const answers[] = {":3\r\n", "+OK\r\n", "$-1\r\n"};
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct batch batch = {.ops = ops, .n = 1};
        struct world *world = begin(&batch, answers[i]);
        run_until(world, said(world, "LOST none (protocol error: a script was not answered"));
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_deleted_page_by_page_and_then_the_set),
        cmocka_unit_test(without_a_set_it_is_a_miss),
        cmocka_unit_test(what_was_left_aside_goes_first_and_then_the_set),
        cmocka_unit_test(what_is_no_set_is_refused_and_nothing_is_deleted),
        cmocka_unit_test(a_member_that_cannot_be_deleted_keeps_what_was_put_aside),
        cmocka_unit_test(a_set_that_names_itself_is_read_to_its_end),
        cmocka_unit_test(a_lost_connection_begins_with_what_was_put_aside),
        cmocka_unit_test(an_answer_of_another_kind_drops_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
