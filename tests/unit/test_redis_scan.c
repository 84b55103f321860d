#include "fake_redis.h"

#define SCAN_HEAD(cursor_len, cursor) "*6\r\n$4\r\nSCAN\r\n$" cursor_len "\r\n" cursor "\r\n"
#define SCAN_TAIL(len, pattern) \
    "$5\r\nMATCH\r\n$" len "\r\n" pattern "\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n"

static void a_scan_goes_page_by_page_and_deletes_what_it_finds(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, 1, "p:*")};
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
    fake_say(world, 0, "-NOPERM no\r\n*2\r\n$1\r\n0\r\n*0\r\n");
    run_until(world, said(world, "answered 0/0 REFUSED none (NOPERM no: allow"));
    assert_false(said(world, "down"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_goes_page_by_page_and_deletes_what_it_finds),
        cmocka_unit_test(a_scan_that_finds_nothing_is_a_miss),
        cmocka_unit_test(other_batches_go_on_while_a_scan_runs),
        cmocka_unit_test(scans_run_one_after_the_other),
        cmocka_unit_test(a_page_that_is_none_drops_the_connection),
        cmocka_unit_test(a_failed_delete_of_a_page_leaves_the_scan_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
