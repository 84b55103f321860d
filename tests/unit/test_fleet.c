#include "fake_pipeline.h"

/* Servers 0, 1 and 2 of the second store; a key is on the server of its last digit. */
static void open_fleet(struct fixture *f)
{
    open_with(f, false, 3);
    f->other.routed = true;
}

static void lose(struct fixture *f, unsigned server)
{
    f->other.ready[server] = false;
    f->store_says->down(f->pipeline, &f->other.store, server, "killed");
}

static void come_back(struct fixture *f, unsigned server)
{
    f->other.ready[server] = true;
    f->store_says->up(f->pipeline, &f->other.store, server);
}

/* What a server is sent, answered at once. */
static void assert_sent(struct fixture *f, unsigned server, const char *ops)
{
    const char *said;
    bool others_ready[FAKE_SERVERS];
    memcpy(others_ready, f->other.ready, sizeof others_ready);
    for (unsigned i = 0; i < FAKE_SERVERS; i++)
        f->other.ready[i] = i == server && others_ready[i];
    pipeline_turn(f->pipeline);
    said = fake_said(&f->other);
    assert_string_equal(said, ops);
    if (*said)
        answer(f, &f->other, server);
    memcpy(f->other.ready, others_ready, sizeof others_ready);
}

static void an_op_goes_to_the_one_server_of_its_key(void **state)
{
    (void)state;
    struct fixture f;
    open_fleet(&f);
    unit(&f, 1, "u", "4", 10);
    assert_sent(&f, 0, "");
    assert_sent(&f, 2, "");
    assert_sent(&f, 1, "delete o:4;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void a_dead_server_holds_back_its_own_keys_alone(void **state)
{
    (void)state;
    struct fixture f;
    open_fleet(&f);
    lose(&f, 1);
    unit(&f, 1, "u", "0", 10);
    unit(&f, 2, "u", "1", 20);
    unit(&f, 3, "u", "2", 30);
    assert_sent(&f, 0, "delete o:0;|");
    assert_sent(&f, 2, "delete o:2;|");
    f.now_ms += 20 * SECOND;
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    assert_false(f.source.detached);
    assert_false(f.source.paused);
    come_back(&f, 1);
    assert_sent(&f, 1, "delete o:1;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 30);
    pipeline_free(f.pipeline);
}

static void a_later_key_on_another_server_waits_for_the_earlier_one(void **state)
{
    (void)state;
    struct fixture f;
    open_fleet(&f);
    unit(&f, 1, "v", "1", 10);
    assert_sent(&f, 1, "delete block:1;|");
    /* "semaphore" ends in 'e', which is on the third. */
    assert_sent(&f, 2, "delete semaphore;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static void a_key_that_may_have_strayed_is_deleted_on_every_server(void **state)
{
    (void)state;
    struct fixture f;
    open_fleet(&f);
    f.other.strays[1] = true;
    unit(&f, 1, "u", "1", 10);
    unit(&f, 2, "u", "2", 20);
    assert_sent(&f, 0, "delete o:1;|");
    assert_sent(&f, 1, "delete o:1;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    answer(&f, &f.other, 2);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 20);
    pipeline_free(f.pipeline);
}

static void what_waits_for_a_server_that_goes_strays_with_its_keys(void **state)
{
    (void)state;
    struct fixture f;
    open_fleet(&f);
    unit(&f, 1, "u", "1", 10);
    unit(&f, 2, "u", "2", 20);
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete o:1;|delete o:2;|");
    unit(&f, 3, "u", "4", 30);
    struct batch *batch = fake_take(&f.other, 1);
    batch->status = BATCH_LOST;
    f.store_says->answered(f.pipeline, &f.other.store, 1, batch);
    f.other.strays[1] = true;
    lose(&f, 1);
    answer(&f, &f.other, 2);
    assert_sent(&f, 0, "delete o:1;delete o:4;|");
    come_back(&f, 1);
    f.other.ready[2] = false;
    pipeline_turn(f.pipeline);
    assert_string_equal(fake_said(&f.other), "delete o:1;|delete o:4;|");
    answer(&f, &f.other, 1);
    answer(&f, &f.other, 1);
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 0);
    f.other.ready[2] = true;
    assert_sent(&f, 2, "delete o:1;delete o:4;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 30);
    pipeline_free(f.pipeline);
}

static const char SETS[] =
    "cdcd = 1; app = \"t\"; store = \"other\";\n"
    "caches = { s = { key = \"s:{id}\"; triggers = \"t\"; action = \"set\";\n"
    "                value = \"v{id}\"; ttl = \"1min\"; }; };\n";

static void a_value_is_set_at_home_and_nowhere_else(void **state)
{
    (void)state;
    struct fixture f;
    open_rules(&f, false, 3, load(SETS, STORES, 2));
    f.other.routed = f.other.strays[1] = true;
    unit(&f, 1, "t", "1", 10);
    assert_sent(&f, 0, "delete s:1;|");
    assert_sent(&f, 1, "set s:1=v1;|");
    assert_sent(&f, 2, "delete s:1;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

static const char STALES[] =
    "cdcd = 1; app = \"t\"; store = \"other\";\n"
    "caches = { s = { key = \"s:{id}\"; triggers = \"t\"; action = \"stale\";\n"
    "                format = \"mintcache\"; }; };\n";

static void what_strays_later_is_all_that_it_was(void **state)
{
    (void)state;
    struct fixture f;
    open_rules(&f, false, 3, load(STALES, STORES, 2));
    f.other.routed = true;
    f.other.ready[1] = f.other.ready[0] = false;
    unit(&f, 1, "t", "1", 10);
    pipeline_turn(f.pipeline);
    f.other.strays[1] = true;
    lose(&f, 1);
    f.other.ready[0] = true;
    pipeline_turn(f.pipeline);
    struct batch *batch = fake_take(&f.other, 0);
    assert_int_equal(batch->ops[0].action, OP_STALE);
    assert_int_equal(batch->ops[0].format, OP_FORMAT_MINTCACHE);
    pipeline_free(f.pipeline);
}

static void a_scan_goes_to_every_server(void **state)
{
    (void)state;
    struct fixture f;
    static const char text[] = "cdcd = 1; app = \"t\"; store = \"other\";\n"
                               "caches = { s = { action = \"scan\"; match = \"s:*\";\n"
                               "                triggers = \"t\"; }; };\n";
    open_rules(&f, false, 3, load(text, STORES, 2));
    f.other.routed = true;
    unit(&f, 1, "t", "1", 10);
    for (unsigned server = 0; server < 3; server++)
        assert_sent(&f, server, "scan s:*;|");
    pipeline_turn(f.pipeline);
    assert_int_equal(f.source.confirmed, 10);
    pipeline_free(f.pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_goes_to_the_one_server_of_its_key),
        cmocka_unit_test(a_dead_server_holds_back_its_own_keys_alone),
        cmocka_unit_test(a_later_key_on_another_server_waits_for_the_earlier_one),
        cmocka_unit_test(a_key_that_may_have_strayed_is_deleted_on_every_server),
        cmocka_unit_test(what_waits_for_a_server_that_goes_strays_with_its_keys),
        cmocka_unit_test(a_value_is_set_at_home_and_nowhere_else),
        cmocka_unit_test(what_strays_later_is_all_that_it_was),
        cmocka_unit_test(a_scan_goes_to_every_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
