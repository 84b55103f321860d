#include "flow/batch.h"

#include "fake_store.h"

#define BATCH_OPS 4

struct fixture {
    struct fake_store fake;
    struct lane *lane;
};

static int setup(void **state)
{
    static struct fixture f;
    struct lane_opts opts = {.batch_ops = BATCH_OPS, .retry_min_ms = 100, .retry_max_ms = 1000};
    fake_open(&f.fake, 1);
    f.lane = lane_make(&f.fake.store, 0, &opts);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    lane_free(f->lane);
    return 0;
}

static uint64_t put(struct fixture *f, const char *key)
{
    struct op op = {.key = key, .key_len = (uint32_t)strlen(key)};
    return lane_put(f->lane, &op);
}

static void answer(struct fixture *f, struct batch *batch, enum batch_status status, int64_t now_ms)
{
    batch->status = status;
    lane_answered(f->lane, batch, now_ms);
}

static void equal_ops_of_the_open_batch_are_merged(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, "a"), 1);
    assert_int_equal(put(f, "b"), 1);
    assert_int_equal(put(f, "a"), 1);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;delete b;|");
}

static void a_key_in_flight_is_sent_again_for_a_later_change(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1);
    assert_int_equal(put(f, "a"), 2);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;|delete a;|");
}

static void another_action_on_the_same_key_is_another_op(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    struct op bump = {.key = "a", .key_len = 1, .action = OP_BUMP};
    lane_put(f->lane, &bump);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;bump a;|");
}

static void a_full_batch_is_closed(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = {"a", "b", "c", "d"};
    for (int i = 0; i < BATCH_OPS; i++)
        assert_int_equal(put(f, keys[i]), 1);
    assert_int_equal(put(f, "e"), 2);
}

static void a_server_that_takes_nothing_lets_ops_gather(void **state)
{
    struct fixture *f = *state;
    f->fake.ready[0] = false;
    put(f, "a");
    lane_send(f->lane, 1);
    put(f, "b");
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "");
    f->fake.ready[0] = true;
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;delete b;|");
}

static void done_stops_before_the_oldest_unanswered(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(lane_done(f->lane), 0);
    put(f, "a");
    lane_send(f->lane, 1);
    put(f, "b");
    lane_send(f->lane, 1);
    struct batch *first = fake_do(&f->fake, 0), *second = fake_do(&f->fake, 0);
    lane_answered(f->lane, second, 1);
    assert_int_equal(lane_done(f->lane), 0);
    lane_answered(f->lane, first, 1);
    assert_int_equal(lane_done(f->lane), 2);
    assert_int_equal(lane_bytes(f->lane), 0);
}

static void lost_batches_are_sent_again_in_order(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1);
    put(f, "b");
    lane_send(f->lane, 1);
    put(f, "c");
    fake_said(&f->fake);
    answer(f, fake_take(&f->fake, 0), BATCH_LOST, 1);
    answer(f, fake_take(&f->fake, 0), BATCH_LOST, 1);
    assert_int_equal(lane_done(f->lane), 0);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;|delete b;|delete c;|");
}

static void what_was_answered_before_the_loss_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    put(f, "b");
    lane_send(f->lane, 1);
    fake_said(&f->fake);
    struct batch *batch = fake_take(&f->fake, 0);
    batch->ops[0].result = RESULT_HIT;
    answer(f, batch, BATCH_LOST, 1);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete b;|");
}

static void a_busy_server_is_given_time_and_more_each_time(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1000);
    fake_said(&f->fake);
    answer(f, fake_take(&f->fake, 0), BATCH_BUSY, 1000);
    put(f, "b");
    assert_int_equal(lane_due_ms(f->lane, 1000), 1100);
    lane_send(f->lane, 1099);
    assert_string_equal(fake_said(&f->fake), "");
    lane_send(f->lane, 1100);
    assert_string_equal(fake_said(&f->fake), "delete a;|delete b;|");
    answer(f, fake_take(&f->fake, 0), BATCH_BUSY, 1100);
    assert_int_equal(lane_due_ms(f->lane, 1100), 1300);
}

static void a_refused_op_is_tried_alone_and_holds_up_no_other(void **state)
{
    struct fixture *f = *state;
    put(f, "good");
    put(f, "bad");
    lane_send(f->lane, 1000);
    fake_said(&f->fake);
    answer(f, fake_take(&f->fake, 0), BATCH_REFUSED, 1000);
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "delete good;delete bad;|");
    struct batch *batch = fake_take(&f->fake, 0);
    assert_true(batch->singly);
    batch->ops[0].result = RESULT_HIT;
    answer(f, batch, BATCH_REFUSED, 1000);
    put(f, "later");
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "delete later;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    assert_int_equal(lane_done(f->lane), 0);
    assert_int_equal(lane_due_ms(f->lane, 1000), 1100);
    lane_send(f->lane, 1100);
    assert_string_equal(fake_said(&f->fake), "delete bad;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1100);
    assert_int_equal(lane_done(f->lane), 2);
}

static void a_batch_is_done_when_each_op_has_a_result(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1);
    struct batch *batch = fake_take(&f->fake, 0);
    batch->ops[0].result = RESULT_REFUSED;
    answer(f, batch, BATCH_REFUSED, 1);
    assert_int_equal(lane_done(f->lane), 1);
}

static void what_waits_for_the_server_alone_is_never_due(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1000);
    answer(f, fake_take(&f->fake, 0), BATCH_BUSY, 1000);
    f->fake.ready[0] = false;
    lane_send(f->lane, 2000);
    assert_int_equal(lane_due_ms(f->lane, 2000), INT64_MAX);
}

static void an_op_that_makes_the_server_hang_up_holds_up_no_other(void **state)
{
    struct fixture *f = *state;
    int64_t now_ms = 1000;
    put(f, "good");
    put(f, "poison");
    lane_send(f->lane, now_ms);
    put(f, "later");
    bool later_left = false;
    for (int i = 0; i < 8 && !later_left; i++) {
        lane_send(f->lane, now_ms);
        struct batch *batch = fake_take(&f->fake, 0);
        later_left = strncmp(batch->ops[0].key, "later", 5) == 0;
        /* One command each, a good one before it is answered before the server is gone. */
        if (batch->singly && batch->n == 2 && strncmp(batch->ops[0].key, "good", 4) == 0)
            batch->ops[0].result = RESULT_HIT;
        if (!later_left)
            answer(f, batch, BATCH_LOST, now_ms);
        else
            batch->ops[0].result = RESULT_HIT, answer(f, batch, BATCH_DONE, now_ms);
        while (f->fake.n_out[0])
            answer(f, fake_take(&f->fake, 0), BATCH_LOST, now_ms);
    }
    assert_true(later_left);
    assert_int_equal(lane_done(f->lane), 0);
    fake_said(&f->fake);
    lane_send(f->lane, lane_due_ms(f->lane, now_ms));
    assert_string_equal(fake_said(&f->fake), "delete poison;|");
}

static void an_op_that_makes_the_server_hang_up_holds_up_none_of_its_batch(void **state)
{
    struct fixture *f = *state;
    int64_t now_ms = 1000;
    put(f, "poison");
    put(f, "good");
    bool good_done = false;
    for (int i = 0; i < 12 && !good_done; i++, now_ms += 100000) {
        lane_send(f->lane, now_ms);
        struct batch *batch = fake_take(&f->fake, 0);
        good_done = batch->singly && strncmp(batch->ops[0].key, "good", 4) == 0;
        batch->ops[0].result = good_done ? RESULT_HIT : RESULT_NONE;
        answer(f, batch, BATCH_LOST, now_ms);
    }
    assert_true(good_done);
}

static void void_batches_are_not_sent_and_not_waited_for(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1);
    put(f, "b");
    lane_void(f->lane);
    fake_said(&f->fake);
    assert_int_equal(lane_done(f->lane), 2);
    assert_int_equal(put(f, "c"), 3);
    answer(f, fake_take(&f->fake, 0), BATCH_LOST, 1);
    assert_int_equal(lane_done(f->lane), 2);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete c;|");
}

static void many_keys_are_found_again(void **state)
{
    struct fixture *f = *state;
    struct lane_opts opts = {.batch_ops = 512, .retry_min_ms = 1, .retry_max_ms = 1};
    struct lane *lane = lane_make(&f->fake.store, 0, &opts);
    char key[16];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 500; i++) {
            snprintf(key, sizeof key, "k:%d", i);
            struct op op = {.key = key, .key_len = (uint32_t)strlen(key)};
            assert_int_equal(lane_put(lane, &op), 1);
        }
    lane_free(lane);
}

static uint64_t put_op(struct fixture *f, enum op_action action, const char *key, const char *value)
{
    struct op op = {.key = key, .key_len = (uint32_t)strlen(key), .action = (uint8_t)action};
    op.value = value;
    op.value_len = value ? (uint32_t)strlen(value) : 0;
    op.ttl_ms = action == OP_SET || action == OP_EXPIRE ? 1000 : 0;
    return lane_put(f->lane, &op);
}

/* The oldest batch that is out, refused whole. */
static void a_deferred_op_waits_and_holds_up_no_other(void **state)
{
    struct fixture *f = *state;
    put(f, "there");
    put(f, "gone");
    lane_send(f->lane, 1000);
    fake_said(&f->fake);
    struct batch *batch = fake_take(&f->fake, 0);
    batch->ops[0].result = RESULT_MISS;
    answer(f, batch, BATCH_DEFERRED, 1000);
    put(f, "later");
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "delete later;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    assert_int_equal(lane_done(f->lane), 0);
    lane_send(f->lane, lane_due_ms(f->lane, 1000));
    assert_string_equal(fake_said(&f->fake), "delete gone;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1100);
    assert_int_equal(lane_done(f->lane), 2);
}

static void what_was_deferred_leaves_when_the_store_is_mended(void **state)
{
    struct fixture *f = *state;
    put(f, "gone");
    lane_send(f->lane, 1000);
    fake_said(&f->fake);
    answer(f, fake_take(&f->fake, 0), BATCH_DEFERRED, 1000);
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "");
    lane_mended(f->lane, 1001);
    lane_send(f->lane, 1001);
    assert_string_equal(fake_said(&f->fake), "delete gone;|");
    answer(f, fake_take(&f->fake, 0), BATCH_REFUSED, 1001);
    lane_send(f->lane, 1001);
    answer(f, fake_take(&f->fake, 0), BATCH_REFUSED, 1001);
    fake_said(&f->fake);
    lane_mended(f->lane, 1002);
    lane_send(f->lane, 1002);
    assert_string_equal(fake_said(&f->fake), "");
}

static void refuse(struct fixture *f, int64_t now_ms)
{
    answer(f, fake_take(&f->fake, 0), BATCH_REFUSED, now_ms);
}

static void of_one_key_only_the_newest_set_or_delete_waits(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_op(f, OP_SET, "a", "old"), 1);
    assert_int_equal(put_op(f, OP_SET, "a", "new"), 1);
    put(f, "b");
    put_op(f, OP_SET, "b", "1");
    put_op(f, OP_SET, "c", "1");
    put(f, "c");
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "set a=new;set b=1;delete c;|");
}

static void messages_are_one_only_where_the_last_said_the_same(void **state)
{
    struct fixture *f = *state;
    put_op(f, OP_PUBLISH, "channel", "a");
    put_op(f, OP_PUBLISH, "channel", "a");
    put_op(f, OP_PUBLISH, "channel", "b");
    put_op(f, OP_PUBLISH, "channel", "a");
    put_op(f, OP_SET, "channel", "v");
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake),
                        "publish channel=a;publish channel=b;publish channel=a;"
                        "set channel=v;|");
}

static void what_else_meets_a_set_of_its_key_leaves_after_it(void **state)
{
    struct fixture *f = *state;
    put_op(f, OP_SET, "a", "1");
    put_op(f, OP_EXPIRE, "a", NULL);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "set a=1;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "expire a;|");
}

static void a_scan_and_a_set_are_not_in_one_batch(void **state)
{
    struct fixture *f = *state;
    put_op(f, OP_SCAN, "a*", NULL);
    put_op(f, OP_SET, "a", "1");
    put_op(f, OP_SCAN, "a*", NULL);
    for (int i = 0; i < 3; i++) {
        lane_send(f->lane, 1);
        lane_answered(f->lane, fake_do(&f->fake, 0), 1);
    }
    assert_string_equal(fake_said(&f->fake), "scan a*;|set a=1;|scan a*;|");
}

static void nothing_passes_a_set_that_is_out(void **state)
{
    struct fixture *f = *state;
    put(f, "a");
    lane_send(f->lane, 1);
    put_op(f, OP_SET, "a", "1");
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;|");
    answer(f, fake_take(&f->fake, 0), BATCH_LOST, 1);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1);
    lane_send(f->lane, 1);
    put(f, "a");
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "set a=1;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;|");
}

/* Brings an op to where it is set aside until 1100. */
static void set_aside(struct fixture *f, enum op_action action, const char *key, const char *value)
{
    put_op(f, action, key, value);
    for (int i = 0; i < 2; i++) {
        lane_send(f->lane, 1000);
        refuse(f, 1000);
    }
    fake_said(&f->fake);
}

static void a_newer_set_takes_the_place_of_one_that_is_set_aside(void **state)
{
    struct fixture *f = *state;
    set_aside(f, OP_SET, "a", "old");
    assert_int_equal(put_op(f, OP_SET, "a", "new"), 2);
    put(f, "b");
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "delete b;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    assert_int_equal(lane_done(f->lane), 0);
    lane_send(f->lane, 1100);
    assert_string_equal(fake_said(&f->fake), "set a=new;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1100);
    assert_int_equal(lane_done(f->lane), 2);
}

static void a_delete_does_not_wait_with_the_set_that_was_refused(void **state)
{
    struct fixture *f = *state;
    set_aside(f, OP_SET, "a", "old");
    put(f, "a");
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "delete a;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    assert_int_equal(lane_done(f->lane), 2);
    assert_int_equal(lane_due_ms(f->lane, 1000), INT64_MAX);
}

static void a_delete_that_is_set_aside_does_not_undo_a_newer_set(void **state)
{
    struct fixture *f = *state;
    set_aside(f, OP_DELETE, "a", NULL);
    put_op(f, OP_SET, "a", "new");
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "");
    lane_send(f->lane, 1100);
    assert_string_equal(fake_said(&f->fake), "set a=new;|");
}

static void a_set_that_waits_for_an_older_delete_gives_way_to_a_newer_one(void **state)
{
    struct fixture *f = *state;
    set_aside(f, OP_DELETE, "a", NULL);
    put_op(f, OP_SET, "a", "old");
    for (int i = 1; i < BATCH_OPS; i++)
        put(f, (const char *[]){"", "b", "c", "d", "e", "f", "g", "h"}[i]);
    put(f, "a");
    lane_send(f->lane, 1000);
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    assert_null(strstr(fake_said(&f->fake), "set"));
    lane_send(f->lane, 100000);
    assert_null(strstr(fake_said(&f->fake), "set"));
}

static void a_set_that_is_passed_by_what_it_would_undo_becomes_a_delete(void **state)
{
    struct fixture *f = *state;
    set_aside(f, OP_SET, "a", "old");
    put_op(f, OP_SCAN, "a*", NULL);
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "scan a*;|delete a;|");
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    lane_answered(f->lane, fake_do(&f->fake, 0), 1000);
    set_aside(f, OP_SET, "b", "old");
    put_op(f, OP_EXPIRE, "b", NULL);
    lane_send(f->lane, 1000);
    assert_string_equal(fake_said(&f->fake), "expire b;|delete b;|");
}

static void a_set_does_not_take_the_place_of_a_delete_before_what_it_follows(void **state)
{
    struct fixture *f = *state;
    put_op(f, OP_DELETE, "a", NULL);
    put_op(f, OP_BUMP, "a", NULL);
    put_op(f, OP_SET, "a", "new");
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "delete a;bump a;|");
    answer(f, fake_do(&f->fake, 0), BATCH_DONE, 1);
    lane_send(f->lane, 1);
    assert_string_equal(fake_said(&f->fake), "set a=new;|");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(equal_ops_of_the_open_batch_are_merged),
        TEST(a_key_in_flight_is_sent_again_for_a_later_change),
        TEST(another_action_on_the_same_key_is_another_op),
        TEST(a_full_batch_is_closed),
        TEST(a_server_that_takes_nothing_lets_ops_gather),
        TEST(done_stops_before_the_oldest_unanswered),
        TEST(lost_batches_are_sent_again_in_order),
        TEST(what_was_answered_before_the_loss_is_not_sent_again),
        TEST(a_busy_server_is_given_time_and_more_each_time),
        TEST(a_refused_op_is_tried_alone_and_holds_up_no_other),
        TEST(a_deferred_op_waits_and_holds_up_no_other),
        TEST(what_was_deferred_leaves_when_the_store_is_mended),
        TEST(a_batch_is_done_when_each_op_has_a_result),
        TEST(what_waits_for_the_server_alone_is_never_due),
        TEST(an_op_that_makes_the_server_hang_up_holds_up_no_other),
        TEST(an_op_that_makes_the_server_hang_up_holds_up_none_of_its_batch),
        TEST(void_batches_are_not_sent_and_not_waited_for),
        TEST(many_keys_are_found_again),
        TEST(of_one_key_only_the_newest_set_or_delete_waits),
        TEST(messages_are_one_only_where_the_last_said_the_same),
        TEST(what_else_meets_a_set_of_its_key_leaves_after_it),
        TEST(a_scan_and_a_set_are_not_in_one_batch),
        TEST(nothing_passes_a_set_that_is_out),
        TEST(a_newer_set_takes_the_place_of_one_that_is_set_aside),
        TEST(a_delete_does_not_wait_with_the_set_that_was_refused),
        TEST(a_delete_that_is_set_aside_does_not_undo_a_newer_set),
        TEST(a_set_that_waits_for_an_older_delete_gives_way_to_a_newer_one),
        TEST(a_set_that_is_passed_by_what_it_would_undo_becomes_a_delete),
        TEST(a_set_does_not_take_the_place_of_a_delete_before_what_it_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
