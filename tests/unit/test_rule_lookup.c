/* Keys that PostgreSQL is asked for: when it is asked what, and what its answers make out of date.
 */
#include "rule_fixture.h"

#define POSTS                                                  \
    "c = { key = \"c:{slug}\"; triggers = ( { table = \"t\"; " \
    "lookup = \"SELECT slug FROM post WHERE author = {id} AND x = {x} OR {id} > 0\"; } ); "
#define HOME                                               \
    "c = { key = \"home\"; triggers = ( { table = \"t\"; " \
    "lookup = \"SELECT 1 FROM post WHERE id = {id}\"; } ); "
#define WITH_ALL "all = { action = \"scan\"; match = \"c:*\"; }; };"

static const struct lookup *last_lookup;

static void on_ask_and_keep(void *ctx, const struct question *question, const struct origin *origin)
{
    last_lookup = question->lookup;
    on_ask(ctx, question, origin);
}

/* Answers the last question: rows of one text each, NULL ends them; a text "NULL" is SQL's. */
static void answer(struct fixture *f, const char *column, const char *const *texts)
{
    struct value rows[8];
    const uint32_t type = 25;
    struct answer made = {.names = &column, .types = &type, .n_columns = 1, .rows = rows};
    for (; texts[made.n_rows]; made.n_rows++) {
        const char *text = texts[made.n_rows];
        rows[made.n_rows] = (struct value){text, (uint32_t)strlen(text), VALUE_TEXT};
        if (strcmp(text, "NULL") == 0)
            rows[made.n_rows] = (struct value){.kind = VALUE_NULL};
    }
    f->got.len = 0;
    ruleset_answer(f->set, f->context + 1, f->context_len, &made, on_op, f);
}

#define ANSWER(f, column, ...) answer(f, column, (const char *const[]){__VA_ARGS__, NULL})

static void a_column_is_one_parameter_however_often_it_stands(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c\"; triggers = ( { table = \"t\"; lookup = \"SELECT "
             "'{{}}', \\\"a\\\" FROM p /* ; */ WHERE a = {id} AND b IN ({x}, {id}) "
             "AND '{{1,2}}'::int[] && c -- $1\"; limit = 5; } ); };");
    table(f, "*id", "*x", NULL);
    struct value row[] = {{"7", 1, VALUE_TEXT}, {.kind = VALUE_NULL}};
    struct change made = {.op = CHANGE_INSERT, .relation = &f->relation, .new_row = row};
    ruleset_change(f->set, &made, &(struct rule_sink){on_op, on_ask_and_keep}, f);
    expect("ask new 7 NULL\n");
    assert_string_equal(last_lookup->sql, "SELECT '{}', \"a\" FROM p /* ; */ WHERE a = $1 AND b "
                                          "IN ($2, $1) AND '{1,2}'::int[] && c -- $1");
    assert_int_equal(last_lookup->n_params, 2);
    assert_int_equal(last_lookup->limit, 5);
    assert_string_equal(last_lookup->cache, "c");
}

static void a_lookup_without_a_limit_gives_a_thousand_rows(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c\"; triggers = ( { table = \"t\"; lookup = \"SELECT 1\"; } ); };");
    table(f, "*id", "*x", NULL);
    struct value row[] = {{"7", 1, VALUE_TEXT}, {.kind = VALUE_NULL}};
    struct change made = {.op = CHANGE_INSERT, .relation = &f->relation, .new_row = row};
    ruleset_change(f->set, &made, &(struct rule_sink){on_op, on_ask_and_keep}, f);
    assert_int_equal(last_lookup->limit, 1000);
}

static void each_row_of_the_answer_gives_a_key(void **state)
{
    struct fixture *f = *state;
    rules(f, POSTS WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    expect("ask new 7 a\n");
    ANSWER(f, "slug", "one", "NULL", "two", "one");
    expect("redis delete c:one new 0\nredis delete c:two new 0\n");
}

static void no_row_gives_no_key(void **state)
{
    struct fixture *f = *state;
    rules(f, HOME "};");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    expect("ask new 7\n");
    answer(f, "one", (const char *const[]){NULL});
    expect("");
    ANSWER(f, "one", "1", "1");
    expect("redis delete home new 0\n");
}

static void a_row_that_moves_asks_for_both_images(void **state)
{
    struct fixture *f = *state;
    rules(f, HOME "};");
    table(f, "*id", "x", NULL);
    change(f, CHANGE_UPDATE, "7 a", "8 a");
    expect("ask old 7\nask new 8\n");
    change(f, CHANGE_DELETE, "7 -", NULL);
    expect("ask old 7\n");
}

static void the_same_question_is_asked_once(void **state)
{
    struct fixture *f = *state;
    rules(f, HOME "};");
    table(f, "*id", "x", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 a");
    expect("ask new 7\n");
    change(f, CHANGE_UPDATE, "7 a", "7 b");
    expect("ask new 7\n");
}

static void the_row_gives_what_the_answer_does_not(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{slug}:{x}:{y}\"; triggers = ( { table = \"t\"; "
             "lookup = \"SELECT slug FROM post WHERE author = {id}\"; bind = { y = \"id\"; }; } "
             "); " WITH_ALL);
    table(f, "*id", "*x", "slug");
    change(f, CHANGE_UPDATE, "7 a row", "7 b row");
    expect("ask old 7\nask new 7\n");
    ANSWER(f, "slug", "s");
    expect("redis delete c:s:b:7 new 0\n");
}

/* As check takes it, which asks for the old values of what bind reads. */
static void what_bind_gives_no_answer_overrides(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{slug}\"; triggers = ( { table = \"t\"; "
             "lookup = \"SELECT slug FROM post WHERE author = {id}\"; bind = { slug = \"x\"; }; } "
             "); " WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    ANSWER(f, "slug", "s");
    expect("redis delete c:a new 0\n");
}

static void a_parameter_that_nothing_gives_clears_all(void **state)
{
    struct fixture *f = *state;
    rules(f, POSTS WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    ANSWER(f, "slugg", "one");
    expect("redis scan c:* all 0 doubt\n");
    assert_int_equal(stats()->rule_errors, 1);
}

static void a_value_that_was_not_sent_clears_all_and_asks_nothing(void **state)
{
    struct fixture *f = *state;
    rules(f, POSTS WITH_ALL "d = { key = \"home\"; triggers = ( { table = \"t\"; "
                            "lookup = \"SELECT 1 FROM post WHERE id = {x}\"; } ); };");
    table(f, "*id", "x", NULL);
    change(f, CHANGE_UPDATE, NULL, "7 a");
    expect("redis scan c:* all 0 doubt\nask new 7 a\nredis delete home all 0 doubt\nask new a\n");
    change(f, CHANGE_UPDATE, "7 a", "7 ~");
    expect("redis scan c:* all 0 doubt\nask old 7 a\nredis delete home all 0 doubt\nask old a\n");
    assert_int_equal(stats()->doubts, 4);
}

static void a_lookup_that_failed_clears_all(void **state)
{
    struct fixture *f = *state;
    struct answer failed = {.failed = "no answer from PostgreSQL within 5 s"};
    rules(f, POSTS WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    f->got.len = 0;
    ruleset_answer(f->set, f->context + 1, f->context_len, &failed, on_op, f);
    expect("redis scan c:* all 0 doubt\n");
    assert_int_equal(stats()->rule_errors, 1);
    assert_int_equal(stats()->doubts, 1);
}

static void a_lookup_that_failed_clears_keys_without_parameters_by_name(void **state)
{
    struct fixture *f = *state;
    struct answer failed = {.failed = "the table is gone"};
    rules(f, HOME "};");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    f->got.len = 0;
    ruleset_answer(f->set, f->context + 1, f->context_len, &failed, on_op, f);
    expect("redis delete home all 0 doubt\n");
}

static void too_many_rows_clear_all_without_doubt(void **state)
{
    struct fixture *f = *state;
    struct answer many = {.too_many = true};
    rules(f, POSTS WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_INSERT, NULL, "7 a");
    f->got.len = 0;
    ruleset_answer(f->set, f->context + 1, f->context_len, &many, on_op, f);
    expect("redis scan c:* all 0\n");
    assert_int_equal(stats()->rule_errors, 0);
}

static void a_truncate_asks_nothing(void **state)
{
    struct fixture *f = *state;
    rules(f,
          HOME "}; d = { key = \"d:{id}\"; triggers = ( { table = \"t\"; "
               "lookup = \"SELECT 1 AS id\"; } ); all = { action = \"bump\"; key = \"d\"; }; };");
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis delete home all 0\nredis bump d all 0\n");
}

static void without_anybody_to_ask_all_is_cleared(void **state)
{
    struct fixture *f = *state;
    rules(f, POSTS WITH_ALL);
    table(f, "*id", "*x", NULL);
    struct value row[] = {{"7", 1, VALUE_TEXT}, {"a", 1, VALUE_TEXT}};
    struct change made = {.op = CHANGE_INSERT, .relation = &f->relation, .new_row = row};
    ruleset_change(f->set, &made, &(struct rule_sink){.op = on_op}, f);
    expect("redis scan c:* all 0 doubt\n");
}

static void a_lookup_decides_over_all_too(void **state)
{
    struct fixture *f = *state;
    struct answer failed = {.failed = "the table is gone"}, many = {.too_many = true};
    rules(f, "c = { key = \"c:{slug}\"; triggers = ( { table = \"t\"; target = \"all\"; "
             "lookup = \"SELECT 1 FROM p WHERE a = {id}\"; } ); " WITH_ALL);
    table(f, "*id", "*slug", NULL);
    change(f, CHANGE_UPDATE, "7 a", "7 b");
    expect("ask new 7\n");
    answer(f, "one", (const char *const[]){NULL});
    expect("");
    ANSWER(f, "one", "1", "1");
    expect("redis scan c:* all 0\n");
    f->got.len = 0;
    ruleset_answer(f->set, f->context + 1, f->context_len, &failed, on_op, f);
    ruleset_answer(f->set, f->context + 1, f->context_len, &many, on_op, f);
    expect("redis scan c:* all 0 doubt\nredis scan c:* all 0\n");
    change(f, CHANGE_TRUNCATE, NULL, NULL);
    expect("redis scan c:* all 0\n");
}

static void set_with_a_lookup_writes_the_row_that_changed(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { key = \"c:{slug}\"; action = \"set\"; value = \"{row|json}\"; "
             "triggers = ( { table = \"t\"; lookup = \"SELECT slug FROM p WHERE a = {id}\"; } "
             "); " WITH_ALL);
    table(f, "*id", "*x", NULL);
    change(f, CHANGE_UPDATE, "7 a", "7 b");
    expect("ask new 7\n");
    ANSWER(f, "slug", "s");
    expect("redis set c:s={\"id\":\"7\",\"x\":\"b\"} new 0\n");
    change(f, CHANGE_DELETE, "7 a", NULL);
    ANSWER(f, "slug", "s");
    expect("redis delete c:s old 0\n");
}

static void answers_keep_the_stages_of_keys(void **state)
{
    struct fixture *f = *state;
    rules(f, "c = { keys = [ \"b:{slug}\", \"s\" ]; triggers = ( { table = \"t\"; "
             "lookup = \"SELECT slug FROM p WHERE a = {id}\"; } ); " WITH_ALL);
    table(f, "*id", NULL, NULL);
    change(f, CHANGE_INSERT, NULL, "7");
    ANSWER(f, "slug", "x", "y");
    expect("redis delete b:x new 0\nredis delete b:y new 0\nredis delete s new 1\n");
}

static void lookups_have_numbers_of_their_own(void **state)
{
    struct fixture *f = *state;
    rules(f, HOME "};");
    table(f, "*id", NULL, NULL);
    struct value row[] = {{"7", 1, VALUE_TEXT}};
    struct change made = {.op = CHANGE_INSERT, .relation = &f->relation, .new_row = row};
    ruleset_change(f->set, &made, &(struct rule_sink){on_op, on_ask_and_keep}, f);
    uint64_t before = last_lookup->number;
    ruleset_free(f->set);
    rules(f, HOME "};");
    ruleset_change(f->set, &made, &(struct rule_sink){on_op, on_ask_and_keep}, f);
    assert_int_not_equal(last_lookup->number, before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_column_is_one_parameter_however_often_it_stands),
        TEST(a_lookup_without_a_limit_gives_a_thousand_rows),
        TEST(each_row_of_the_answer_gives_a_key),
        TEST(no_row_gives_no_key),
        TEST(a_row_that_moves_asks_for_both_images),
        TEST(the_same_question_is_asked_once),
        TEST(the_row_gives_what_the_answer_does_not),
        TEST(what_bind_gives_no_answer_overrides),
        TEST(a_parameter_that_nothing_gives_clears_all),
        TEST(a_value_that_was_not_sent_clears_all_and_asks_nothing),
        TEST(a_lookup_that_failed_clears_all),
        TEST(a_lookup_that_failed_clears_keys_without_parameters_by_name),
        TEST(too_many_rows_clear_all_without_doubt),
        TEST(a_truncate_asks_nothing),
        TEST(without_anybody_to_ask_all_is_cleared),
        TEST(a_lookup_decides_over_all_too),
        TEST(set_with_a_lookup_writes_the_row_that_changed),
        TEST(answers_keep_the_stages_of_keys),
        TEST(lookups_have_numbers_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
