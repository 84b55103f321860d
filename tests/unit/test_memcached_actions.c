/* What a memcached is told for each action beside delete, bump and scan, and what is made of its
 * answers. */
#include "fake_memcached.h"

#include "store/memcached_text.h"

#include <time.h>

static struct batch_op set(const char *key, const char *value, int64_t ttl_ms)
{
    struct batch_op made = op(OP_SET, key);
    made.value = value;
    made.value_len = (uint32_t)strlen(value);
    made.ttl_ms = ttl_ms;
    return made;
}

static struct batch_op expire(const char *key, int64_t ttl_ms)
{
    struct batch_op made = op(OP_EXPIRE, key);
    made.ttl_ms = ttl_ms;
    return made;
}

/* One op is sent, and answered as the pairs say: what is expected, what is said to it. */
static void converse(struct batch_op *one, const char *const *pairs, const char *outcome)
{
    struct world *world = make_up();
    struct batch batch = {.ops = one, .n = 1};
    send_batch(world, &batch);
    for (; *pairs; pairs += 2) {
        fake_expect(world, 0, pairs[0]);
        assert_false(said(world, "answered"));
        fake_say(world, 0, pairs[1]);
    }
    run_until(world, said(world, outcome));
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    world_free(world);
}

#define CONVERSE(op, outcome, ...)                                         \
    do {                                                                   \
        struct batch_op one = op;                                          \
        converse(&one, (const char *const[]){__VA_ARGS__, NULL}, outcome); \
    } while (0)

static void a_stale_key_is_marked_and_lives_for_the_grace(void **state)
{
    struct batch_op stale = op(OP_STALE, "a");
    (void)state;
    stale.grace_ms = 30000;
    CONVERSE(stale, "DONE hit\n", "md a I T30\r\nmn\r\n", "HD\r\nMN\r\n");
    CONVERSE(stale, "DONE miss\n", "md a I T30\r\nmn\r\n", "NF\r\nMN\r\n");
    stale.grace_ms = 1;
    CONVERSE(stale, "DONE hit\n", "md a I T1\r\nmn\r\n", "HD\r\nMN\r\n");
    stale.key = "a b";
    stale.key_len = 3;
    CONVERSE(stale, "DONE hit\n", "md YSBi b I T1\r\nmn\r\n", "HD\r\nMN\r\n");
}

static void a_key_that_lives_longer_gets_the_new_time(void **state)
{
    (void)state;
    CONVERSE(expire("a", 30000), "DONE hit\n", "mg a t\r\nmn\r\n", "HD t31\r\nMN\r\n",
             "mg a T30\r\n", "HD\r\n");
    CONVERSE(expire("a", 30000), "DONE hit\n", "mg a t\r\nmn\r\n", "HD t-1\r\nMN\r\n",
             "mg a T30\r\n", "HD\r\n");
}

static void a_key_that_lives_shorter_is_left_alone(void **state)
{
    (void)state;
    CONVERSE(expire("a", 30000), "DONE hit\n", "mg a t\r\nmn\r\n", "HD t30\r\nMN\r\n");
    CONVERSE(expire("a", 30000), "DONE hit\n", "mg a t\r\nmn\r\n", "HD t0\r\nMN\r\n");
    CONVERSE(expire("a", 30000), "DONE miss\n", "mg a t\r\nmn\r\n", "EN\r\nMN\r\n");
}

static void a_key_that_goes_before_it_gets_its_time_is_a_miss(void **state)
{
    (void)state;
    CONVERSE(expire("a", 30000), "DONE miss\n", "mg a t\r\nmn\r\n", "HD t-1\r\nMN\r\n",
             "mg a T30\r\n", "EN\r\n");
}

static void the_right_to_refresh_that_asking_took_is_given_back(void **state)
{
    (void)state;
    CONVERSE(expire("a", 30000), "DONE hit\n", "mg a t\r\nmn\r\n", "HD t60 X W\r\nMN\r\n",
             "md a I T30\r\n", "HD\r\n");
    CONVERSE(expire("a", 30000), "DONE hit\n", "mg a t\r\nmn\r\n", "HD t60 Z X\r\nMN\r\n",
             "mg a T30\r\n", "HD\r\n");
}

static void a_set_is_a_hit_where_a_value_was(void **state)
{
    (void)state;
    CONVERSE(set("a", "one", 60000), "DONE hit\n", "mg a\r\nms a 3 T60 F0\r\none\r\nmn\r\n",
             "HD\r\nHD\r\nMN\r\n");
    CONVERSE(set("a", "", 0), "DONE miss\n", "mg a\r\nms a 0 T0 F0\r\n\r\nmn\r\n",
             "EN\r\nHD\r\nMN\r\n");
    CONVERSE(set("a b", "x\r\ny", 1), "DONE miss\n",
             "mg YSBi b\r\nms YSBi 4 b T1 F0\r\nx\r\ny\r\nmn\r\n", "EN\r\nHD\r\nMN\r\n");
}

static void a_value_that_is_not_taken_leaves_no_older_one(void **state)
{
    static const char *const words[] = {
        "EN\r\nSERVER_ERROR object too large for cache\r\nMN\r\n",
        "HD\r\nSERVER_ERROR out of memory storing object\r\nMN\r\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        CONVERSE(set("a", "one", 0), "DONE refused\n", "mg a\r\nms a 3 T0 F0\r\none\r\nmn\r\n",
                 words[i], "md a\r\n", "HD\r\n");
        CONVERSE(set("a", "one", 0), "DONE refused\n", "mg a\r\nms a 3 T0 F0\r\none\r\nmn\r\n",
                 words[i], "md a\r\n", "NF\r\n");
    }
}

/* A pair of 1.5 and "x", and the same when its time is zero. */
#define PAIR(time) "\x80\x02G" time "X\x01\0\0\0xq\x01\x86q\x02."
#define NEW PAIR("\x3f\xf8\0\0\0\0\0\0")
#define OLD PAIR("\0\0\0\0\0\0\0\0")
#define PAIR_BYTES (sizeof NEW - 1)
#define SIZE "mg a s\r\n"
#define READ "mg a v c f t\r\n"

struct mint_talk {
    struct world *world;
    struct batch_op op;
    struct batch batch;
};

static struct mint_talk mint_begin(void)
{
    struct mint_talk talk = {.world = make_up(), .op = op(OP_STALE, "a")};
    talk.op.format = OP_FORMAT_MINTCACHE;
    return talk;
}

static void mint_send(struct mint_talk *talk)
{
    talk->batch = (struct batch){.ops = &talk->op, .n = 1};
    send_batch(talk->world, &talk->batch);
    fake_expect(talk->world, 0, SIZE "mn\r\n");
}

static void mint_value(struct world *world, const char *flags, const char *value)
{
    char head[64];
    fake_expect(world, 0, READ);
    snprintf(head, sizeof head, "VA %zu %s\r\n", PAIR_BYTES, flags);
    fake_say(world, 0, head);
    fake_say_bytes(world, 0, value, PAIR_BYTES);
    fake_say(world, 0, "\r\n");
}

static void mint_written(struct world *world, const char *flags)
{
    char head[64];
    snprintf(head, sizeof head, "ms a %zu %s\r\n", PAIR_BYTES, flags);
    fake_expect(world, 0, head);
    fake_expect_bytes(world, 0, OLD, PAIR_BYTES);
    fake_expect(world, 0, "\r\n");
}

static void mint_end(struct mint_talk *talk, const char *outcome)
{
    run_until(talk->world, said(talk->world, outcome));
    assert_int_equal(fake_n_received(&talk->world->fake, 0), 0);
    world_free(talk->world);
}

static void the_time_within_a_value_becomes_zero_and_all_else_stays(void **state)
{
    static const char *const kept[][2] = {{"c7 f1 t500", "T500 F1 C7"},
                                          {"c8 f0 t-1", "T0 F0 C8"},
                                          {"c9 f4294967295 t0", "T1 F4294967295 C9"}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct mint_talk talk = mint_begin();
        mint_send(&talk);
        fake_say(talk.world, 0, "HD s25\r\nMN\r\n");
        mint_value(talk.world, kept[i][0], NEW);
        mint_written(talk.world, kept[i][1]);
        fake_say(talk.world, 0, "HD\r\n");
        mint_end(&talk, "DONE hit\n");
    }
}

static void a_value_that_was_written_meanwhile_is_read_again_and_at_last_deleted(void **state)
{
    struct mint_talk talk = mint_begin();
    (void)state;
    mint_send(&talk);
    fake_say(talk.world, 0, "HD s25\r\nMN\r\n");
    for (int i = 0; i < 3; i++) {
        mint_value(talk.world, "c7 f1 t500", NEW);
        mint_written(talk.world, "T500 F1 C7");
        fake_say(talk.world, 0, "EX\r\n");
    }
    fake_expect(talk.world, 0, "md a\r\n");
    fake_say(talk.world, 0, "HD\r\n");
    mint_end(&talk, "DONE hit\n");
}

static void a_value_that_is_no_such_pair_is_deleted(void **state)
{
    struct mint_talk talk = mint_begin();
    (void)state;
    mint_send(&talk);
    fake_say(talk.world, 0, "HD s4\r\nMN\r\n");
    fake_expect(talk.world, 0, READ);
    fake_say(talk.world, 0, "VA 4 c7 f0 t500\r\nwarm\r\n");
    fake_expect(talk.world, 0, "md a\r\n");
    fake_say(talk.world, 0, "HD\r\n");
    mint_end(&talk, "DONE hit\n");
}

static void a_value_too_large_to_read_is_deleted(void **state)
{
    struct mint_talk talk = mint_begin();
    (void)state;
    mint_send(&talk);
    fake_say(talk.world, 0, "HD s8388609\r\nMN\r\n");
    fake_expect(talk.world, 0, "md a\r\n");
    fake_say(talk.world, 0, "HD\r\n");
    mint_end(&talk, "DONE hit\n");
}

static void a_value_without_room_for_its_copy_is_deleted(void **state)
{
    struct mint_talk talk = mint_begin();
    (void)state;
    mint_send(&talk);
    fake_say(talk.world, 0, "HD s25\r\nMN\r\n");
    mint_value(talk.world, "c7 f1 t500", NEW);
    mint_written(talk.world, "T500 F1 C7");
    fake_say(talk.world, 0, "SERVER_ERROR out of memory storing object\r\n");
    fake_expect(talk.world, 0, "md a\r\n");
    fake_say(talk.world, 0, "NF\r\n");
    mint_end(&talk, "DONE miss\n");
}

static void a_value_that_goes_on_the_way_is_a_miss(void **state)
{
    struct mint_talk talk = mint_begin();
    (void)state;
    mint_send(&talk);
    fake_say(talk.world, 0, "EN\r\nMN\r\n");
    mint_end(&talk, "DONE miss\n");
    talk = mint_begin();
    mint_send(&talk);
    fake_say(talk.world, 0, "HD s25\r\nMN\r\n");
    fake_expect(talk.world, 0, READ);
    fake_say(talk.world, 0, "EN\r\n");
    mint_end(&talk, "DONE miss\n");
    talk = mint_begin();
    mint_send(&talk);
    fake_say(talk.world, 0, "HD s25\r\nMN\r\n");
    mint_value(talk.world, "c7 f1 t500", NEW);
    mint_written(talk.world, "T500 F1 C7");
    fake_say(talk.world, 0, "NF\r\n");
    mint_end(&talk, "DONE miss\n");
}

static void few_values_are_read_at_a_time_and_all_have_their_turn(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[7];
    struct batch batch = {.ops = ops, .n = 7};
    (void)state;
    for (int i = 0; i < 7; i++) {
        ops[i] = op(OP_STALE, "a");
        ops[i].format = OP_FORMAT_MINTCACHE;
    }
    send_batch(world, &batch);
    fake_expect(world, 0, SIZE SIZE SIZE SIZE "mn\r\n");
    fake_say(world, 0, "EN\r\nEN\r\nSERVER_ERROR\r\nEN\r\nMN\r\n");
    fake_expect(world, 0, SIZE SIZE SIZE);
    assert_false(said(world, "answered"));
    fake_say(world, 0, "EN\r\nEN\r\nEN\r\n");
    run_until(world, said(world, "BUSY none none none none none none none (SERVER_ERROR)\n"));
    send_batch(world, &batch);
    fake_expect(world, 0, SIZE SIZE SIZE SIZE "mn\r\n");
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "LOST none"));
    shake_hands(world, 1);
    run_until(world, n_said(world, "up 0") == 2);
    send_batch(world, &batch);
    fake_expect(world, 1, SIZE SIZE SIZE SIZE "mn\r\n");
    world_free(world);
}

static void a_counter_without_memory_waits_by_itself(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_BUMP, "v"), op(OP_DELETE, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "SERVER_ERROR out of memory\r\nHD\r\nMN\r\n");
    run_until(world, said(world, "REFUSED none hit (SERVER_ERROR out of memory)\n"));
    world_free(world);
}

static void keys_that_cannot_be_are_refused_by_every_action(void **state)
{
    struct batch_op ops[] = {op(OP_STALE, ""), expire("", 1000), set("", "v", 0)};
    (void)state;
    for (int i = 0; i < 3; i++)
        CONVERSE(ops[i], "DONE refused\n", "mn\r\n", "MN\r\n");
}

static void a_wrong_answer_drops_the_connection(void **state)
{
    static const char *const answers[] = {"NF\r\n", "HD tx\r\n", "VA 1 t9\r\nx\r\n", "HD t\r\n",
                                          "HD t99999999999999999999999\r\n"};
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++)
        CONVERSE(expire("a", 1000), "LOST none (protocol error: ", "mg a t\r\nmn\r\n", answers[i]);
    CONVERSE(set("a", "v", 0), "LOST none (protocol error: ", "mg a\r\nms a 1 T0 F0\r\nv\r\nmn\r\n",
             "EN\r\nNS\r\n");
    CONVERSE(set("a", "v", 0), "LOST none (protocol error: ", "mg a\r\nms a 1 T0 F0\r\nv\r\nmn\r\n",
             "NF\r\n");
}

static void an_op_that_was_lost_between_its_commands_has_no_result(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {expire("a", 1000), op(OP_DELETE, "b")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "mg a t\r\nmd b\r\nmn\r\n");
    fake_say(world, 0, "HD t-1\r\nHD\r\nMN\r\n");
    fake_expect(world, 0, "mg a T1\r\n");
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "LOST none hit ("));
    world_free(world);
}

static void a_part_of_a_second_counts_as_one(void **state)
{
    (void)state;
    assert_int_equal(memcached_seconds(0), 0);
    assert_int_equal(memcached_seconds(1), 1);
    assert_int_equal(memcached_seconds(1000), 1);
    assert_int_equal(memcached_seconds(1001), 2);
}

static void more_than_thirty_days_are_told_as_a_date(void **state)
{
    const int64_t now = 1700000000;
    (void)state;
    assert_int_equal(memcached_exptime(0, now), 0);
    assert_int_equal(memcached_exptime(2592000, now), 2592000);
    assert_int_equal(memcached_exptime(2592001, now), now + 2592001);
    assert_int_equal(memcached_exptime(INT64_MAX, now), INT32_MAX);
    assert_int_equal(memcached_exptime(INT32_MAX - now, now), INT32_MAX);
    assert_int_equal(memcached_exptime(2592001, INT32_MAX), INT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stale_key_is_marked_and_lives_for_the_grace),
        cmocka_unit_test(a_key_that_lives_longer_gets_the_new_time),
        cmocka_unit_test(a_key_that_lives_shorter_is_left_alone),
        cmocka_unit_test(a_key_that_goes_before_it_gets_its_time_is_a_miss),
        cmocka_unit_test(the_right_to_refresh_that_asking_took_is_given_back),
        cmocka_unit_test(a_set_is_a_hit_where_a_value_was),
        cmocka_unit_test(a_value_that_is_not_taken_leaves_no_older_one),
        cmocka_unit_test(the_time_within_a_value_becomes_zero_and_all_else_stays),
        cmocka_unit_test(a_value_that_was_written_meanwhile_is_read_again_and_at_last_deleted),
        cmocka_unit_test(a_value_that_is_no_such_pair_is_deleted),
        cmocka_unit_test(a_value_too_large_to_read_is_deleted),
        cmocka_unit_test(a_value_without_room_for_its_copy_is_deleted),
        cmocka_unit_test(a_value_that_goes_on_the_way_is_a_miss),
        cmocka_unit_test(few_values_are_read_at_a_time_and_all_have_their_turn),
        cmocka_unit_test(a_counter_without_memory_waits_by_itself),
        cmocka_unit_test(keys_that_cannot_be_are_refused_by_every_action),
        cmocka_unit_test(a_wrong_answer_drops_the_connection),
        cmocka_unit_test(an_op_that_was_lost_between_its_commands_has_no_result),
        cmocka_unit_test(a_part_of_a_second_counts_as_one),
        cmocka_unit_test(more_than_thirty_days_are_told_as_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
