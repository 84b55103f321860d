#include "fake_redis.h"

#define SCAN_HEAD(cursor_len, cursor) "*6\r\n$4\r\nSCAN\r\n$" cursor_len "\r\n" cursor "\r\n"
#define SCAN_TAIL(len, pattern) \
    "$5\r\nMATCH\r\n$" len "\r\n" pattern "\r\n$5\r\nCOUNT\r\n$3\r\n250\r\n"

static void a_scan_goes_page_by_page_and_deletes_what_it_finds(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$2\r\n17\r\n*2\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
    fake_expect(world, 0, "*3\r\n$6\r\nUNLINK\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
    fake_say(world, 0, ":2\r\n");
    fake_expect(world, 0, SCAN_HEAD("2", "17") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$1\r\n9\r\n*0\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "9") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*1\r\n$3\r\np:3\r\n");
    fake_expect(world, 0, "*2\r\n$6\r\nUNLINK\r\n$3\r\np:3\r\n");
    assert_false(said(world, "answered"));
    fake_say(world, 0, ":0\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\n"));
    world_free(world);
}

static void no_page_is_asked_for_before_the_last_one_was_deleted(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*"), op(OP_DELETE, 1, "a")};
    struct batch first = {.seq = 1, .ops = ops, .n = 1},
                 second = {.seq = 2, .ops = ops + 1, .n = 1};
    (void)state;
    send_batch(world, &first);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*1\r\n$3\r\np:1\r\n");
    fake_expect(world, 0, "*2\r\n$6\r\nUNLINK\r\n$3\r\np:1\r\n");
    send_batch(world, &second);
    fake_expect(world, 0, UNLINK_A);
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    fake_say(world, 0, ":1\r\n:1\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "5") SCAN_TAIL("3", "p:*"));
    world_free(world);
}

static void a_scan_that_finds_nothing_is_a_miss(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
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
    struct batch_op scan[] = {op(OP_SCAN, 1, "p:*")}, delete[] = {op(OP_DELETE, 1, "a")};
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

static void scans_run_one_after_the_other(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*"), op(OP_SCAN, 1, "q:*")};
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
        struct batch_op ops[] = {op(OP_SCAN, 1, "p:*"), op(OP_DELETE, 1, "b")};
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
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*1\r\n$1\r\na\r\n");
    fake_say(world, 0, "-NOPERM no\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (NOPERM no: allow"));
    assert_false(said(world, "down"));
    world_free(world);
}

static void a_scan_alone_deletes_the_other_keys_of_a_page_and_of_the_next(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.ops = ops, .n = 1, .singly = true};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$1\r\n5\r\n*2\r\n$1\r\na\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A UNLINK_A);
    fake_say(world, 0, "-NOPERM no\r\n:1\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "5") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (NOPERM no"));
    world_free(world);
}

/* Takes what is asked at the handshake of a store that names its servers. */
static void shake_hands_as(struct world *world, unsigned connection, const char *run_id,
                           const char *replid)
{
    char info[128], data[128], reply[400];
    fake_expect(world, connection, "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n");
    fake_expect(world, connection, "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n");
    fake_expect(world, connection, "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n");
    fake_expect(world, connection, "*1\r\n$4\r\nPING\r\n");
    snprintf(info, sizeof info, "# Server\r\nrun_id:%s\r\n", run_id);
    snprintf(data, sizeof data, "master_replid:%s\r\n", replid);
    snprintf(reply, sizeof reply, "+OK\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n+PONG\r\n", strlen(info),
             info, strlen(data), data);
    fake_say(world, connection, reply);
}

#define RUN_ID "0123456789012345678901234567890123456789"
#define OTHER "9876543210987654321098765432109876543210"
#define DATA "0000000000000000000000000000000000000000"

/* A scan is at its second page when the connection is lost, and another one was made. */
static struct world *lose_at_second_page(struct batch *batch, const char *run_id,
                                         const char *replid)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    opts.failover_window_ms = 60000;
    open_store(world, &opts);
    shake_hands_as(world, 0, RUN_ID, DATA);
    run_until(world, said(world, "up 0\n"));
    send_batch(world, batch);
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$2\r\n17\r\n*1\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_say(world, 0, ":1\r\n");
    fake_expect(world, 0, SCAN_HEAD("2", "17") SCAN_TAIL("3", "p:*"));
    fake_say(world, 0, "*2\r\n$2\r\n33\r\n*1\r\n$1\r\na\r\n");
    fake_expect(world, 0, UNLINK_A);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "answered"));
    shake_hands_as(world, 1, run_id, replid);
    run_until(world, n_said(world, "up 0\n") == 2);
    return world;
}

static void a_scan_goes_on_at_the_page_that_was_lost(void **state)
{
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.seq = 7, .ops = ops, .n = 1};
    (void)state;
    struct world *world = lose_at_second_page(&batch, RUN_ID, DATA);
    send_batch(world, &batch);
    fake_expect(world, 1, SCAN_HEAD("2", "17") SCAN_TAIL("3", "p:*"));
    fake_say(world, 1, "*2\r\n$1\r\n0\r\n*0\r\n");
    run_until(world, said(world, "answered 0/7 DONE hit\n"));
    send_batch(world, &batch);
    fake_expect(world, 1, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    world_free(world);
}

static void a_later_scan_of_the_same_keys_begins_at_the_beginning(void **state)
{
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.seq = 7, .ops = ops, .n = 1}, later = {.seq = 8, .ops = ops, .n = 1};
    (void)state;
    struct world *world = lose_at_second_page(&batch, RUN_ID, DATA);
    send_batch(world, &later);
    fake_expect(world, 1, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    world_free(world);
}

static void a_server_that_was_started_again_is_scanned_from_the_beginning(void **state)
{
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.seq = 7, .ops = ops, .n = 1};
    (void)state;
    struct world *world = lose_at_second_page(&batch, OTHER, DATA);
    send_batch(world, &batch);
    fake_expect(world, 1, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    world_free(world);
}

static void a_server_that_took_its_data_from_another_is_scanned_from_the_beginning(void **state)
{
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.seq = 7, .ops = ops, .n = 1};
    (void)state;
    struct world *world = lose_at_second_page(&batch, RUN_ID, OTHER);
    send_batch(world, &batch);
    fake_expect(world, 1, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    world_free(world);
}

static void a_server_that_does_not_say_which_it_is_is_scanned_from_the_beginning(void **state)
{
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
    struct batch batch = {.seq = 7, .ops = ops, .n = 1};
    (void)state;
    struct world *world = make_up();
    send_batch(world, &batch);
    fake_say(world, 0, "*2\r\n$2\r\n17\r\n*0\r\n");
    fake_expect(world, 0, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    fake_expect(world, 0, SCAN_HEAD("2", "17") SCAN_TAIL("3", "p:*"));
    fake_hang_up(&world->fake, 0);
    shake_hands(world, 1);
    run_until(world, n_said(world, "up 0\n") == 2);
    send_batch(world, &batch);
    fake_expect(world, 1, SCAN_HEAD("1", "0") SCAN_TAIL("3", "p:*"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_goes_page_by_page_and_deletes_what_it_finds),
        cmocka_unit_test(no_page_is_asked_for_before_the_last_one_was_deleted),
        cmocka_unit_test(a_scan_that_finds_nothing_is_a_miss),
        cmocka_unit_test(other_batches_go_on_while_a_scan_runs),
        cmocka_unit_test(scans_run_one_after_the_other),
        cmocka_unit_test(a_page_that_is_none_drops_the_connection),
        cmocka_unit_test(a_failed_delete_of_a_page_leaves_the_scan_undone),
        cmocka_unit_test(a_scan_alone_deletes_the_other_keys_of_a_page_and_of_the_next),
        cmocka_unit_test(a_scan_goes_on_at_the_page_that_was_lost),
        cmocka_unit_test(a_later_scan_of_the_same_keys_begins_at_the_beginning),
        cmocka_unit_test(a_server_that_was_started_again_is_scanned_from_the_beginning),
        cmocka_unit_test(a_server_that_took_its_data_from_another_is_scanned_from_the_beginning),
        cmocka_unit_test(a_server_that_does_not_say_which_it_is_is_scanned_from_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
