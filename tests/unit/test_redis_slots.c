#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/redis_reader.h"
#include "store/redis_slots.h"

#include <hiredis/hiredis.h>
#include <string.h>

static const struct address asked = {
    .kind = ADDRESS_TCP, .host = "10.0.0.9", .port = 7009, .name = "10.0.0.9:7009"};

static unsigned slot(const char *key)
{
    return redis_slot(key, strlen(key));
}

static void a_slot_is_the_crc_of_the_key(void **state)
{
    (void)state;
    assert_int_equal(slot("123456789"), 12739);
    assert_int_equal(slot("foo"), 12182);
    assert_int_equal(slot("somekey"), 11058);
    assert_int_equal(slot(""), 0);
    assert_int_equal(redis_slot("a\0b", 3), 8383);
}

static void a_hash_tag_alone_makes_the_slot(void **state)
{
    (void)state;
    assert_int_equal(slot("{user1000}.following"), slot("user1000"));
    assert_int_equal(slot("foo{bar}{zap}"), slot("bar"));
    assert_int_equal(slot("foo{{bar}}zap"), slot("{bar"));
    assert_int_equal(slot("{}{a}"), redis_slot("{}{a}", 5));
    assert_int_not_equal(slot("foo{}{bar}"), slot("bar"));
    assert_int_not_equal(slot("foo{bar"), slot("bar"));
    assert_int_not_equal(slot("}foo{bar"), slot("bar"));
    assert_true(redis_has_tag("a{b}", 4));
    assert_false(redis_has_tag("a{}b", 4));
    assert_false(redis_has_tag("a}b{", 4));
    assert_false(redis_has_tag("", 0));
    assert_false(redis_has_tag("{a}", 2));
}

/* What the map makes of these bytes; the reason is kept in err. */
static struct slot_map *read_map(const char *bytes, struct err *err)
{
    struct redis_reader *reader = redis_reader_make();
    struct redisReply *reply;
    assert_int_equal(redis_reader_feed(reader, bytes, strlen(bytes)), 0);
    assert_int_equal(redis_reader_next(reader, &reply), 1);
    struct slot_map *map = slot_map_read(reply, &asked, err);
    freeReplyObject(reply);
    redis_reader_free(reader);
    return map;
}

#define ID "$40\r\n0123456789012345678901234567890123456789\r\n"
#define NODE(host, port) "*4\r\n" host "\r\n:" port "\r\n" ID "*0\r\n"
#define RANGE(from, to, node) "*3\r\n:" from "\r\n:" to "\r\n" node

static void a_map_names_the_master_of_each_slot(void **state)
{
    struct err err;
    (void)state;
    struct slot_map *map = read_map(
        "*3\r\n" RANGE("0", "99", NODE("$8\r\n10.0.0.1", "7000")) "*4\r\n:200\r\n:200\r\n" NODE(
            "$3\r\n::1", "7001") NODE("$8\r\n10.0.0.3", "7003")
            RANGE("300", "16383", NODE("$8\r\n10.0.0.1", "7000")),
        &err);
    assert_non_null(map);
    assert_int_equal(map->n_masters, 2);
    assert_string_equal(map->masters[map->owner[0]].name, "10.0.0.1:7000");
    assert_string_equal(map->masters[map->owner[99]].name, "10.0.0.1:7000");
    assert_int_equal(map->owner[100], SLOTS_NO_OWNER);
    assert_string_equal(map->masters[map->owner[200]].name, "[::1]:7001");
    assert_string_equal(map->masters[map->owner[200]].host, "::1");
    assert_int_equal(map->owner[16383], map->owner[0]);
    slot_map_free(map);
}

static void an_empty_map_has_no_owners(void **state)
{
    struct err err;
    (void)state;
    struct slot_map *map = read_map("*0\r\n", &err);
    assert_int_equal(map->n_masters, 0);
    assert_int_equal(map->owner[0], SLOTS_NO_OWNER);
    slot_map_free(map);
}

static void a_host_left_out_is_the_one_that_was_asked(void **state)
{
    static const char *const hosts[] = {NODE("$0\r\n", "7000"), NODE("$-1", "7000")};
    struct err err;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        char bytes[300];
        snprintf(bytes, sizeof bytes, "*1\r\n" RANGE("0", "1", "%s"), hosts[i]);
        struct slot_map *map = read_map(bytes, &err);
        assert_string_equal(map->masters[map->owner[0]].name, "10.0.0.9:7000");
        slot_map_free(map);
    }
}

static void a_node_without_a_host_name_is_known_by_its_number_or_not_at_all(void **state)
{
    struct err err;
    (void)state;
    struct slot_map *map = read_map("*2\r\n" RANGE("0", "1",
                                                   "*4\r\n$1\r\n?\r\n:7000\r\n" ID
                                                   "*2\r\n$2\r\nip\r\n$8\r\n10.0.0.4\r\n")
                                        RANGE("2", "3", NODE("$1\r\n?", "7001")),
                                    &err);
    assert_string_equal(map->masters[map->owner[0]].name, "10.0.0.4:7000");
    assert_int_equal(map->owner[2], SLOTS_NO_OWNER);
    slot_map_free(map);
}

static void what_is_no_map_is_refused_whole(void **state)
{
    static const char *const hostile[] = {
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n",
        "*1\r\n*-1\r\n",
        "*1\r\n" RANGE("5", "4", NODE("$1\r\na", "7000")),
        "*1\r\n" RANGE("-1", "4", NODE("$1\r\na", "7000")),
        "*1\r\n" RANGE("0", "16384", NODE("$1\r\na", "7000")),
        "*1\r\n" RANGE("0", "9223372036854775807", NODE("$1\r\na", "7000")),
        "*1\r\n" RANGE("0", "1", NODE("$1\r\na", "0")),
        "*1\r\n" RANGE("0", "1", NODE("$1\r\na", "65536")),
        "*1\r\n" RANGE("0", "1", NODE("$3\r\na/b", "7000")),
        "*1\r\n" RANGE("0", "1", NODE("$3\r\na b", "7000")),
        "*1\r\n" RANGE("0", "1", NODE(":1", "7000")),
        "*1\r\n" RANGE("0", "1", "*0\r\n"),
        "*1\r\n" RANGE("0", "1", "*2\r\n$1\r\na\r\n$1\r\n7\r\n"),
        "*2\r\n" RANGE("0", "9", NODE("$1\r\na", "7000")) RANGE("9", "10", NODE("$1\r\nb", "7000")),
    };
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct err err = {0};
        struct slot_map *map = read_map(hostile[i], &err);
        if (map)
            fail_msg("taken: %s", hostile[i]);
        assert_non_null(strstr(err.text, "CLUSTER SLOTS was not answered with"));
    }
}

static void a_map_of_more_than_a_thousand_masters_is_refused(void **state)
{
    struct buf bytes = {0};
    struct err err;
    (void)state;
    buf_put_str(&bytes, "*1001\r\n");
    for (unsigned i = 0; i < 1001; i++)
        buf_printf(&bytes, "*3\r\n:%u\r\n:%u\r\n*2\r\n$1\r\na\r\n:%u\r\n", i, i, i + 1);
    assert_null(read_map(buf_str(&bytes), &err));
    buf_free(&bytes);
}

static bool redirected(const char *text, struct slot_redirect *redirect)
{
    return slot_redirect_read(text, strlen(text), &asked, redirect);
}

static void a_redirect_names_a_slot_and_a_node(void **state)
{
    struct slot_redirect redirect;
    (void)state;
    assert_true(redirected("MOVED 3999 127.0.0.1:6381", &redirect));
    assert_false(redirect.ask);
    assert_int_equal(redirect.slot, 3999);
    assert_string_equal(redirect.to.name, "127.0.0.1:6381");
    assert_true(redirected("ASK 16383 ::1:7001", &redirect));
    assert_true(redirect.ask && redirect.known);
    assert_string_equal(redirect.to.name, "[::1]:7001");
    assert_true(redirected("MOVED 0 :7002", &redirect));
    assert_string_equal(redirect.to.name, "10.0.0.9:7002");
    assert_true(redirected("MOVED 7 ?:7002", &redirect));
    assert_false(redirect.known);
    assert_true(redirected("MOVED 7 redis-1.example:7002", &redirect));
    assert_string_equal(redirect.to.host, "redis-1.example");
}

static void a_redirect_that_makes_no_sense_is_none(void **state)
{
    static const char *const hostile[] = {
        "",
        "MOVED",
        "MOVED ",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 a",
        "MOVED 1 a:",
        "MOVED 1 a:x",
        "MOVED 1 a:7x",
        "MOVED 1 a:0",
        "MOVED 1 a:65536",
        "MOVED 1 a:99999999999999999999",
        "MOVED 16384 a:7000",
        "MOVED -1 a:7000",
        "MOVED 99999999999999999999 a:7000",
        "MOVED  1 a:7000",
        "MOVED 1 a/b:7000",
        "MOVED 1 a:-1",
        "ASKING 1 a:7000",
        "moved 1 a:7000",
        "CLUSTERDOWN The cluster is down",
    };
    struct slot_redirect redirect;
    char long_text[400];
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        if (redirected(hostile[i], &redirect))
            fail_msg("taken: %s", hostile[i]);
    assert_false(slot_redirect_read("MOVED 1 a\0:7000", 15, &asked, &redirect));
    memset(long_text, 'a', sizeof long_text);
    memcpy(long_text, "MOVED 1 ", 8);
    memcpy(long_text + 394, ":7000", 6);
    assert_false(redirected(long_text, &redirect));
    memcpy(long_text + 264, ":7000", 6);
    assert_false(redirected(long_text, &redirect));
}

static bool counted(const char *text, struct slot_count *count)
{
    struct redis_reader *reader = redis_reader_make();
    struct redisReply *reply;
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", strlen(text));
    redis_reader_feed(reader, head, strlen(head));
    redis_reader_feed(reader, text, strlen(text));
    redis_reader_feed(reader, "\r\n", 2);
    assert_int_equal(redis_reader_next(reader, &reply), 1);
    bool good = slot_count_read(reply, count);
    freeReplyObject(reply);
    redis_reader_free(reader);
    return good;
}

#define OTHER "1 127.0.0.1:1@2 master - 0 0 1 connected 0-99 [7->-3]\n"
#define OWN "2 127.0.0.1:2@3,host myself,master - 0 0 2 connected"

static void a_node_counts_its_own_slots(void **state)
{
    struct slot_count count;
    (void)state;
    assert_true(counted(OTHER OWN " 100-199 300 16383\n", &count));
    assert_int_equal(count.n, 102);
    assert_false(count.moving);
    assert_true(counted(OWN "\n" OTHER, &count));
    assert_int_equal(count.n, 0);
    assert_false(count.moving);
    assert_true(counted(OWN " 5 [93-<-1]\n" OTHER, &count));
    assert_true(count.moving);
    assert_true(counted(OTHER "2 127.0.0.1:2@3 master,myself, - 0 0 2 connected 1", &count));
    assert_false(counted("", &count));
    assert_false(counted(OTHER, &count));
    assert_false(counted("2 127.0.0.1:2@3 myself,master - 0\n", &count));
    assert_false(counted(OWN " x\n", &count));
    assert_false(counted(OWN " 1-\n", &count));
    assert_false(counted(OWN " 9-8\n", &count));
    assert_false(counted(OWN " 1-16384\n", &count));
    assert_false(counted(OWN " -1\n", &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_is_the_crc_of_the_key),
        cmocka_unit_test(a_hash_tag_alone_makes_the_slot),
        cmocka_unit_test(a_map_names_the_master_of_each_slot),
        cmocka_unit_test(an_empty_map_has_no_owners),
        cmocka_unit_test(a_host_left_out_is_the_one_that_was_asked),
        cmocka_unit_test(a_node_without_a_host_name_is_known_by_its_number_or_not_at_all),
        cmocka_unit_test(what_is_no_map_is_refused_whole),
        cmocka_unit_test(a_map_of_more_than_a_thousand_masters_is_refused),
        cmocka_unit_test(a_node_counts_its_own_slots),
        cmocka_unit_test(a_redirect_names_a_slot_and_a_node),
        cmocka_unit_test(a_redirect_that_makes_no_sense_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
