/* What is done to keys: each action with what it needs, `each`, `let`, `redelete`, `announce`, and
 * triggers whose action is their own. */
#include "rule_fixture.h"

static void stale_and_expire_carry_their_times(void **state)
{
    struct fixture *f = *state;
    rules(f, "a = { key = \"a\"; triggers = \"t\"; action = \"stale\"; grace = \"60s\"; };"
             "b = { key = \"b\"; triggers = \"t\"; action = \"stale\"; grace = \"1s\"; "
             "ttl = \"1h\"; };"
             "c = { key = \"c\"; triggers = \"t\"; action = \"expire\"; ttl = \"5s\"; };"
             "d = { key = \"d\"; triggers = \"t\"; action = \"delete-members\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis stale a new 0 grace=60000\nredis stale b new 0 ttl=3600000 grace=1000\n"
           "redis expire c new 0 ttl=5000\nredis delete-members d new 0\n");
}

static void the_same_key_with_another_time_is_another_op(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"k\"; action = \"expire\"; ttl = \"5s\"; triggers = ( \"t\", "
             "{ table = \"t\"; action = \"expire\"; ttl = \"1s\"; }, "
             "{ table = \"t\"; action = \"expire\"; ttl = \"5s\"; } ); };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis expire k new 0 ttl=5000\nredis expire k new 0 ttl=1000\n");
}

#define SET "c = { key = \"c:{id}\"; triggers = \"t\"; action = \"set\"; value = \"{x}\"; "
#define WITH_ALL "all = { action = \"scan\"; match = \"c:*\"; }; };"

static void set_writes_the_new_row(void **state)
{
    struct fixture *f = *state;
    rules(f, SET "ttl = \"1h\"; " WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    expect("redis set c:7=a new 0 ttl=3600000\n");
    change(f, CHANGE_UPDATE, "7 a", "7 b");
    expect("redis set c:7=b new 0 ttl=3600000\n");
}

static void set_never_writes_an_old_row(void **state)
{
    struct fixture *f = *state;
    rules(f, SET WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_UPDATE, "7 a", "8 b");
    expect("redis delete c:7 old 0\nredis set c:8=b new 0\n");
    change(f, CHANGE_DELETE, "7 a", NULL);
    expect("redis delete c:7 old 0\n");
}

static void set_deletes_when_its_value_was_not_sent(void **state)
{
    struct fixture *f = *state;
    rules(f, SET WITH_ALL);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 ~");
    expect("redis delete c:7 new 0\n");
    assert_int_equal(stats()->doubts, 0);
}

static void set_writes_null_as_an_empty_text(void **state)
{
    struct fixture *f = *state;
    rules(f, SET WITH_ALL);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 NULL");
    expect("redis set c:7= new 0\n");
}

static void set_writes_the_whole_row_as_json(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = \"t\"; action = \"set\"; value = "
             "\"{row|json}\"; " WITH_ALL);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 NULL");
    expect("redis set c:7={\"id\":\"7\",\"x\":null} new 0\n");
    change(f, CHANGE_UPDATE, NULL, "7 ~");
    expect("redis delete c:7 new 0\n");
}

static void a_key_of_the_whole_row_is_of_each_image(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{row|json}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_UPDATE, "7 1", "7 2");
    expect("redis delete c:{\"id\":\"7\",\"x\":\"1\"} old 0\n"
           "redis delete c:{\"id\":\"7\",\"x\":\"2\"} new 0\n");
}

static void set_of_a_truncated_table_deletes(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c\"; triggers = \"t\"; action = \"set\"; value = \"x\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis delete c all 0\n");
    f->got.len = 0;
    ruleset_clear(f->set, on_op, f);
    expect("redis delete c all 0\n");
}

static void publish_gives_the_messages_of_both_images(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { triggers = \"t\"; action = \"publish\"; channel = \"ch\"; "
             "message = \"{name}\"; };");
    table(f, "*id", "*name", NULL);
    change(f, CHANGE_UPDATE, "7 a", "7 b");
    expect("redis publish ch=a old 0\nredis publish ch=b new 0\n");
    change(f, CHANGE_UPDATE, "7 a", "7 a");
    expect("redis publish ch=a new 0\n");
}

static void publish_without_parameters_speaks_of_a_truncate(void **state)
{
    struct fixture *f = *state;
    rules(f, "a = { triggers = \"t\"; action = \"publish\"; channel = \"a\"; message = \"x\"; };"
             "b = { triggers = \"t\"; action = \"publish\"; channel = \"b\"; message = \"{id}\"; "
             "all = { action = \"bump\"; key = \"v\"; }; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis publish a=x all 0\nredis bump v all 0\n");
}

static void a_message_in_doubt_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, "b = { triggers = \"t\"; action = \"publish\"; channel = \"b\"; message = \"{x}\"; "
             "all = { action = \"bump\"; key = \"v\"; }; };");
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 ~");
    expect("redis bump v all 0 doubt\n");
}

static void each_gives_a_key_for_each_element(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { each = { lang = [ \"en\", \"ru\" ]; n = [ 1, 2 ]; }; "
             "keys = [ \"p:{lang}:{n}:{id}\", \"sem:{lang}\" ]; triggers = \"t\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete p:en:1:7 new 0\nredis delete p:en:2:7 new 0\n"
           "redis delete p:ru:1:7 new 0\nredis delete p:ru:2:7 new 0\n"
           "redis delete sem:en new 1\nredis delete sem:ru new 1\n");
}

static void each_stands_in_values_too(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { each = { l = [ \"en\", \"ru\" ]; }; key = \"c:{l}\"; triggers = \"t\"; "
             "action = \"set\"; value = \"{l}-{id}\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis set c:en=en-7 new 0\nredis set c:ru=ru-7 new 0\n");
}

static void a_let_is_digested_as_a_whole(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { let = { vary = \"{name}:\"; }; key = \"template.cache.sidebar.{vary|md5}\"; "
             "triggers = \"t\"; };");
    table(f, "*id", "*name", NULL);
    change(f, CHANGE_INSERT, NULL, "7 ann");
    expect("redis delete template.cache.sidebar.4d98949ef9537b7163ffae62180b8aa2 new 0\n");
    change(f, CHANGE_INSERT, NULL, "7 NULL");
    expect("");
}

static void redelete_stands_on_each_op_of_its_cache(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = \"t\"; redelete = \"2s\"; " WITH_ALL
             "d = { triggers = \"t\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete c:7 new 0 redelete=2000\nredis delete d new 0\n");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0 redelete=2000\nredis delete d all 0\n");
}

static void announce_publishes_what_was_deleted_one_stage_later(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { keys = [ \"b:{id}\", \"s\" ]; store = [ \"pre[1]\", \"mc\" ]; "
             "triggers = \"t\"; announce = \"gone\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("pre[1] delete p[1]:b:7 new 0\npre[1] publish p[1]:gone=p[1]:b:7 new 1\n"
           "mc delete b:7 new 0\n"
           "pre[1] delete p[1]:s new 1\npre[1] publish p[1]:gone=p[1]:s new 2\n"
           "mc delete s new 1\n");
}

static void announce_publishes_what_a_trigger_of_its_own_action_deletes(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; announce = \"gone\"; action = \"bump\"; triggers = ( \"t\", "
             "{ table = \"t\"; on = \"delete\"; action = \"delete\"; } ); " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis bump c:7 new 0\n");
    change(f, CHANGE_DELETE, "7", NULL);
    expect("redis bump c:7 old 0\nredis delete c:7 old 0\nredis publish gone=c:7 old 1\n");
}

static void announce_is_silent_of_a_scan(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = \"t\"; announce = \"gone\"; " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0\n");
}

static void a_trigger_has_its_own_action(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; action = \"set\"; value = \"{x}\"; ttl = \"1h\"; "
             "triggers = ( { table = \"t\"; on = \"insert\"; },"
             " { table = \"t\"; on = \"update\"; action = \"expire\"; ttl = \"3s\"; },"
             " { table = \"t\"; on = \"delete\"; action = \"set\"; value = \"gone {y}\"; },"
             " { table = \"t\"; on = \"truncate\"; action = \"delete\"; } ); " WITH_ALL);
    table(f, "*id", "*x", "*y");
    change(f, CHANGE_INSERT, NULL, "7 a b");
    expect("redis set c:7=a new 0 ttl=3600000\n");
    change(f, CHANGE_UPDATE, NULL, "7 a b");
    expect("redis expire c:7 new 0 ttl=3000\n");
    change(f, CHANGE_DELETE, "7 a b", NULL);
    expect("redis delete c:7 old 0\n");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0\n");
}

static void a_list_shows_elements_and_parameters(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { each = { l = [ \"en\", \"ru\" ]; }; key = \"c:{l}:{id|md5}\"; "
             "triggers = \"t\"; };");
    ruleset_list(f->set, "public", "t", on_op, f);
    expect("redis delete c:en:{id|md5} key 0\nredis delete c:ru:{id|md5} key 0\n");
}

static void rows_says_which_images_give_keys(void **state)
{
    struct fixture *f = *state;
    rules(f, "a = { key = \"a:{id}\"; triggers = ( { table = \"t\"; rows = \"old\"; } ); "
             "all = { action = \"scan\"; match = \"a:*\"; }; };"
             "b = { key = \"b:{id}\"; triggers = ( { table = \"t\"; rows = \"new\"; } ); "
             "all = { action = \"scan\"; match = \"b:*\"; }; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_UPDATE, "7", "8");
    expect("redis delete a:7 old 0\nredis delete b:8 new 0\n");
    change(f, CHANGE_UPDATE, "7", "7");
    expect("redis delete a:7 old 0\nredis delete b:7 new 0\n");
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete b:7 new 0\n");
    change(f, CHANGE_DELETE, "7", NULL);
    expect("redis delete a:7 old 0\n");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan a:* all 0\nredis scan b:* all 0\n");
}

static void a_default_stands_for_null(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x|default:\\\"none\\\"}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_UPDATE, "7 NULL", "7 a");
    expect("redis delete c:none old 0\nredis delete c:a new 0\n");
}

static void wildcards_match_tables_of_every_schema(void **state)
{
    struct fixture *f = *state;
    rules(f, "a = { triggers = \"tenant_*.po?t\"; }; b = { triggers = \"t*\"; };");
    table(f, "*id", NULL, NULL);
    f->relation.name = "post";
    change(f, CHANGE_INSERT, NULL, "7");
    expect("");
    f->relation.schema = "tenant_5";
    f->relation.version++;
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete a new 0\n");
    f->got.len = 0;
    ruleset_clear_table(f->set, "public", "things", on_op, f);
    expect("redis delete b all 0\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(stale_and_expire_carry_their_times),
        TEST(the_same_key_with_another_time_is_another_op),
        TEST(set_writes_the_new_row),
        TEST(set_never_writes_an_old_row),
        TEST(set_deletes_when_its_value_was_not_sent),
        TEST(set_writes_null_as_an_empty_text),
        TEST(set_writes_the_whole_row_as_json),
        TEST(a_key_of_the_whole_row_is_of_each_image),
        TEST(set_of_a_truncated_table_deletes),
        TEST(publish_gives_the_messages_of_both_images),
        TEST(publish_without_parameters_speaks_of_a_truncate),
        TEST(a_message_in_doubt_clears_all),
        TEST(each_gives_a_key_for_each_element),
        TEST(each_stands_in_values_too),
        TEST(a_let_is_digested_as_a_whole),
        TEST(redelete_stands_on_each_op_of_its_cache),
        TEST(announce_publishes_what_was_deleted_one_stage_later),
        TEST(announce_publishes_what_a_trigger_of_its_own_action_deletes),
        TEST(announce_is_silent_of_a_scan),
        TEST(a_trigger_has_its_own_action),
        TEST(a_list_shows_elements_and_parameters),
        TEST(rows_says_which_images_give_keys),
        TEST(a_default_stands_for_null),
        TEST(wildcards_match_tables_of_every_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
