/* What a change makes out of date. */
#include "rule_fixture.h"

#define BY_ID "c = { key = \"c:{id}\"; triggers = \"t\"; "
#define WITH_ALL "all = { action = \"scan\"; match = \"c:*\"; }; };"

static void an_insert_gives_the_new_image(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete c:7 new 0\n");
    assert_int_equal(stats()->ops, 1);
}

static void a_delete_gives_the_old_image(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_DELETE, "7", NULL);
    expect("redis delete c:7 old 0\n");
}

static void a_row_that_moves_gives_both_images_the_old_first(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_UPDATE, "7", "8");
    expect("redis delete c:7 old 0\nredis delete c:8 new 0\n");
}

static void a_row_that_stays_gives_one_key(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 a");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 a", "7 b");
    expect("redis delete c:7 new 0\n");
}

static void null_gives_no_key(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "NULL");
    expect("");
    change(f, CHANGE_UPDATE, "NULL", "8");
    expect("redis delete c:8 new 0\n");
    change(f, CHANGE_UPDATE, "8", "NULL");
    expect("redis delete c:8 old 0\n");
}

static void null_decides_over_what_was_not_sent(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{a}:{b}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "a", "b");
    change(f, CHANGE_DELETE, "7 NULL -", NULL);
    expect("");
    change(f, CHANGE_DELETE, "7 - NULL", NULL);
    expect("");
}

static void an_old_value_that_was_not_sent_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "post", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 3");
    expect("redis scan c:* all 0 doubt\nredis delete c:3 new 0\n");
    change(f, CHANGE_DELETE, "7 -", NULL);
    expect("redis scan c:* all 0 doubt\n");
    assert_int_equal(stats()->doubts, 2);
}

static void a_large_value_that_was_not_touched_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "*post", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 ~");
    expect("redis scan c:* all 0 doubt\n");
}

static void a_column_that_the_table_lacks_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis scan c:* all 0 doubt\n");
}

static void a_key_longer_than_any_store_takes_clears_all(void **state)
{
    struct fixture *f = *state;
    const size_t n = (size_t)511 << 20;
    char *text = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct value row[] = {{text, (uint32_t)n, VALUE_TEXT}};
    struct change made = {.op = CHANGE_INSERT, .relation = &f->relation, .new_row = row};
    assert_ptr_not_equal(text, MAP_FAILED);
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", NULL, NULL);
    ruleset_change(f->set, &made, &(struct rule_sink){on_op, on_ask}, f);
    munmap(text, n);
    expect("redis scan c:* all 0 doubt\n");
    assert_int_equal(stats()->doubts, 1);
}

static void one_change_doubts_a_cache_once(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { keys = [ \"c:{a}\", \"d:{b}\", \"e\" ]; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "a", "b");
    change(f, CHANGE_UPDATE, NULL, "7 1 2");
    expect("redis scan c:* all 0 doubt\nredis delete c:1 new 0\nredis delete d:2 new 1\n"
           "redis delete e new 2\n");
    assert_int_equal(stats()->doubts, 1);
}

static void a_doubt_without_all_is_counted(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post}\"; triggers = \"t\"; };");
    table(f, "*id", "post", NULL);
    change(f, CHANGE_DELETE, "7 -", NULL);
    expect("");
    assert_int_equal(stats()->unhandled, 1);
    assert_int_equal(stats()->doubts, 0);
}

static void truncate_clears_keys_without_parameters_by_name(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { keys = [ \"list\", \"c:{id}\" ]; triggers = \"t\"; " WITH_ALL
             "d = { triggers = \"t\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis delete list all 0\nredis scan c:* all 0\nredis delete d all 0\n");
    assert_int_equal(stats()->doubts, 0);
}

static void truncate_without_all_is_counted(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID "};");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("");
    assert_int_equal(stats()->unhandled, 1);
}

static void an_operation_that_is_not_in_on_is_ignored(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; on = \"save\"; } ); " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_DELETE, "7", NULL);
    expect("");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("");
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete c:7 new 0\n");
}

#define ON_COLUMN \
    "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; columns = [ \"x\" ]; } ); " WITH_ALL

static void an_update_that_leaves_the_columns_is_ignored(void **state)
{
    struct fixture *f = *state;
    rules(f, ON_COLUMN);
    table(f, "*id", "*x", "y");
    change(f, CHANGE_UPDATE, "7 a 1", "7 a 2");
    expect("");
    change(f, CHANGE_UPDATE, NULL, "7 a 2");
    expect("");
    change(f, CHANGE_UPDATE, "7 NULL 1", "7 NULL 2");
    expect("");
}

static void columns_differ_by_text_and_by_null(void **state)
{
    struct fixture *f = *state;
    rules(f, ON_COLUMN);
    table(f, "*id", "*x", "y");
    change(f, CHANGE_UPDATE, "7 a 1", "7 b 1");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 a 1", "7 ab 1");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 a 1", "7 NULL 1");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 NULL 1", "7  1");
    expect("redis delete c:7 new 0\n");
}

static void columns_in_doubt_count_as_differing(void **state)
{
    struct fixture *f = *state;
    rules(f, ON_COLUMN);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 a");
    expect("redis delete c:7 new 0\n");
    change(f, CHANGE_UPDATE, "7 a", "7 ~");
    expect("redis delete c:7 new 0\n");
    table(f, "*id", "*other", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 a");
    expect("redis delete c:7 new 0\n");
}

static void columns_matter_to_an_update_alone(void **state)
{
    struct fixture *f = *state;
    rules(f, ON_COLUMN);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    expect("redis delete c:7 new 0\n");
}

static void target_all_clears_all_without_doubt(void **state)
{
    struct fixture *f = *state;
    rules(f,
          "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; target = \"all\"; } ); " WITH_ALL);
    table(f, "*x", NULL, NULL);
    change(f, CHANGE_UPDATE, "1", "2");
    expect("redis scan c:* all 0\n");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0\n");
    assert_int_equal(stats()->doubts, 0);
}

static void target_all_clears_all_of_a_truncated_table_though_its_keys_are_named(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:1\"; triggers = ( { table = \"t\"; target = \"all\"; } ); " WITH_ALL);
    table(f, "*x", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0\n");
}

static void bind_takes_another_column(void **state)
{
    struct fixture *f = *state;
    rules(f,
          "c = { key = \"c:{id}\"; triggers = ( { table = \"t\"; bind = { id = \"Post_ID\"; }; },"
          " { table = \"t\"; bind = { id = \"\\\"Post\\\"\"; }; } ); " WITH_ALL);
    table(f, "*id", "*post_id", "*Post");
    change(f, CHANGE_INSERT, NULL, "7 3 4");
    expect("redis delete c:3 new 0\nredis delete c:4 new 0\n");
}

static void keys_leave_in_the_order_written(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { keys = [ \"b:{id}\", \"a:{id}\" ]; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_UPDATE, "1", "2");
    expect("redis delete b:1 old 0\nredis delete b:2 new 0\n"
           "redis delete a:1 old 1\nredis delete a:2 new 1\n");
}

static void a_key_that_stood_earlier_leaves_in_its_place_again(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { keys = [ \"sem:{id}\", \"block:{id}\", \"sem:{id|lower}\", \"sem:{id}\" ]; "
             "triggers = \"t\"; " WITH_ALL
             "again = { key = \"sem:{id}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete sem:7 new 0\nredis delete block:7 new 1\nredis delete sem:7 new 2\n"
           "redis delete sem:7 new 3\nredis delete sem:7 new 0\n");
}

static void the_same_op_of_a_cache_comes_once(void **state)
{
    struct fixture *f = *state;
    rules(f, "a = { key = \"k\"; triggers = ( \"t\", { table = \"t\"; on = \"insert\"; } ); };"
             "b = { key = \"k\"; triggers = \"t\"; };"
             "c = { key = \"k\"; triggers = \"t\"; action = \"bump\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete k new 0\nredis delete k new 0\nredis bump k new 0\n");
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete k new 0\nredis delete k new 0\nredis bump k new 0\n");
    assert_int_equal(stats()->ops, 6);
}

static void an_op_that_was_in_doubt_is_said_again_when_it_is_sure(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = ( { table = \"t\"; bind = { x = \"post\"; }; }, "
             "{ table = \"t\"; bind = { x = \"id\"; }; } ); "
             "all = { action = \"delete\"; key = \"c:7\"; }; };");
    table(f, "*id", "post", NULL);
    change(f, CHANGE_DELETE, "7 -", NULL);
    expect("redis delete c:7 all 0 doubt\nredis delete c:7 old 0\n");
    change(f, CHANGE_DELETE, "8 -", NULL);
    expect("redis delete c:7 all 0 doubt\nredis delete c:8 old 0\n");
}

static void many_ops_of_one_change_come_once_each(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "%s\"key:%d\"", i ? ", " : "c = { each = { k = [", i % 150);
    buf_put_str(&text, "]; }; key = \"{k}\"; triggers = \"t\"; };");
    rules(f, buf_str(&text));
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    assert_int_equal(stats()->ops, 150);
    buf_free(&text);
}

static void each_store_of_a_cache_gets_the_op_with_its_prefix(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{id}\"; store = [ \"redis\", \"pre[1]\" ]; prefix = \"x*:\";"
             " triggers = \"t\"; " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete x*:c:7 new 0\npre[1] delete p[1]:x*:c:7 new 0\n");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan x\\*:c:* all 0\npre[1] scan p\\[1\\]:x\\*:c:* all 0\n");
}

static void tables_of_another_schema_are_others(void **state)
{
    struct fixture *f = *state;
    rules(f, "a = { triggers = \"other.t\"; }; b = { triggers = \"u\"; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("");
    f->relation.schema = "other";
    f->relation.version++;
    change(f, CHANGE_INSERT, NULL, "7");
    expect("redis delete a new 0\n");
}

static void a_table_defined_anew_is_read_anew(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", "x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 8");
    expect("redis delete c:7 new 0\n");
    table(f, "x", "*id", NULL);
    change(f, CHANGE_INSERT, NULL, "7 8");
    expect("redis delete c:8 new 0\n");
}

static void a_gap_clears_every_cache(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL "d = { triggers = \"u\"; };"
                            "e = { key = \"e:{id}\"; triggers = \"t\"; };");
    ruleset_clear(f->set, on_op, f);
    expect("redis scan c:* all 0\nredis delete d all 0\n");
    assert_int_equal(stats()->unhandled, 1);
    f->got.len = 0;
    ruleset_clear_table(f->set, "public", "u", on_op, f);
    expect("redis delete d all 0\n");
}

/* What was missed may have been for target = "all". */
static void a_gap_clears_all_of_a_cache_whose_keys_are_named(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"posts\"; triggers = ( \"t\", { table = \"u\"; target = \"all\"; } ); "
             "all = { action = \"scan\"; match = \"posts:*\"; }; };");
    ruleset_clear(f->set, on_op, f);
    expect("redis delete posts all 0\nredis scan posts:* all 0\n");
    f->got.len = 0;
    ruleset_clear_table(f->set, "public", "u", on_op, f);
    expect("redis delete posts all 0\nredis scan posts:* all 0\n");
}

static void judge(struct fixture *f, bool weak_is_error)
{
    complaints_free(&f->complaints);
    ruleset_judge(f->set, &f->relation, weak_is_error, &f->complaints);
}

static void a_weak_identity_is_an_error_with_the_sql_that_mends_it(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post}\"; triggers = \"t\"; " WITH_ALL);
    table(f, "*id", "post", NULL);
    judge(f, true);
    assert_int_equal(f->complaints.n_errors, 1);
    assert_non_null(strstr(f->complaints.list[0].text,
                           "key c:{post} takes column post, whose old value the replica identity "
                           "of public.t does not send: an UPDATE that moves a row, or a DELETE, "
                           "would leave the old key; ALTER TABLE public.t REPLICA IDENTITY FULL;"));
    judge(f, false);
    assert_int_equal(f->complaints.n_errors, 0);
    assert_int_equal(f->complaints.n, 1);
}

static void an_identity_that_sends_the_key_is_no_complaint(void **state)
{
    struct fixture *f = *state;
    rules(f, BY_ID WITH_ALL);
    table(f, "*id", "x", NULL);
    judge(f, true);
    assert_int_equal(f->complaints.n, 0);
}

static void rows_that_only_come_need_no_identity(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{x}\"; triggers = ( { table = \"t\"; on = \"insert\"; },"
             " { table = \"t\"; target = \"all\"; } ); " WITH_ALL);
    table(f, "*id", "x", NULL);
    judge(f, true);
    assert_int_equal(f->complaints.n, 0);
}

static void a_missing_column_is_a_warning_with_the_nearest(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post_idd}\"; triggers = \"t\"; };");
    table(f, "*id", "*post_id", NULL);
    f->relation.name = "t";
    judge(f, true);
    assert_int_equal(f->complaints.n_errors, 0);
    assert_string_equal(
        f->complaints.list[0].text,
        "table public.t has no column post_idd (did you mean post_id?); until it "
        "has, the rule sleeps; or bind it, as in bind = { post_idd = \"post_id\"; }");
}

static void names_that_sql_would_fold_are_quoted(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{post}\"; triggers = \"public.My\\\"Table\"; " WITH_ALL);
    table(f, "*id", "post", NULL);
    f->relation.name = "My\"Table";
    judge(f, true);
    assert_non_null(strstr(f->complaints.list[0].text, "ALTER TABLE public.\"My\"\"Table\" "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_insert_gives_the_new_image),
        TEST(a_delete_gives_the_old_image),
        TEST(a_row_that_moves_gives_both_images_the_old_first),
        TEST(a_row_that_stays_gives_one_key),
        TEST(null_gives_no_key),
        TEST(null_decides_over_what_was_not_sent),
        TEST(an_old_value_that_was_not_sent_clears_all),
        TEST(a_large_value_that_was_not_touched_clears_all),
        TEST(a_column_that_the_table_lacks_clears_all),
        TEST(a_key_longer_than_any_store_takes_clears_all),
        TEST(one_change_doubts_a_cache_once),
        TEST(a_doubt_without_all_is_counted),
        TEST(truncate_clears_keys_without_parameters_by_name),
        TEST(truncate_without_all_is_counted),
        TEST(an_operation_that_is_not_in_on_is_ignored),
        TEST(an_update_that_leaves_the_columns_is_ignored),
        TEST(columns_differ_by_text_and_by_null),
        TEST(columns_in_doubt_count_as_differing),
        TEST(columns_matter_to_an_update_alone),
        TEST(target_all_clears_all_without_doubt),
        TEST(target_all_clears_all_of_a_truncated_table_though_its_keys_are_named),
        TEST(bind_takes_another_column),
        TEST(keys_leave_in_the_order_written),
        TEST(a_key_that_stood_earlier_leaves_in_its_place_again),
        TEST(the_same_op_of_a_cache_comes_once),
        TEST(an_op_that_was_in_doubt_is_said_again_when_it_is_sure),
        TEST(many_ops_of_one_change_come_once_each),
        TEST(each_store_of_a_cache_gets_the_op_with_its_prefix),
        TEST(tables_of_another_schema_are_others),
        TEST(a_table_defined_anew_is_read_anew),
        TEST(a_gap_clears_every_cache),
        TEST(a_gap_clears_all_of_a_cache_whose_keys_are_named),
        TEST(a_weak_identity_is_an_error_with_the_sql_that_mends_it),
        TEST(an_identity_that_sends_the_key_is_no_complaint),
        TEST(rows_that_only_come_need_no_identity),
        TEST(a_missing_column_is_a_warning_with_the_nearest),
        TEST(names_that_sql_would_fold_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
