/* The decoder of the outbox's rows. */
#include "outbox_messages.h"

#include "logged.h"

#define AB "(\"a\",\"b\")"

static void a_head_gives_the_snapshot_and_the_bound(void **state)
{
    outbox_rows_start(((struct fixture *)*state)->rows);
    put_signature(*state);
    put_head(*state, 4000000000000000000, "10:20:10,14");
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "head 10:20:10,14 to 4000000000000000000\n");
}

static void a_row_may_come_in_the_message_of_the_head(void **state)
{
    struct fixture *f = *state;
    start(f);
    outbox_rows_start(f->rows);
    put_signature(f);
    put_head(f, -1, "1:2:");
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_said(f, "head 1:2:\nbegin 100\ndelete 5 public.t old a='1' b='2'\n");
}

static void each_op_gives_the_images_it_has(void **state)
{
    start(*state);
    put_row(*state, "I", AB, NULL, "(1,x)");
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    put_row(*state, "U", AB, "(1,x)", "(1,y)");
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    put_row(*state, "D", AB, "(1,y)", NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    put_row(*state, "T", NULL, NULL, NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    put_number(*state, 0xffff, 2);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\ninsert 5 public.t new a='1' b='x'\n"
                        "update 5 public.t old a='1' b='x' new a='1' b='y'\n"
                        "delete 5 public.t old a='1' b='y'\ntruncate 5 public.t\n");
}

static void nothing_is_null_and_quotes_are_empty(void **state)
{
    start(*state);
    put_row(*state, "U", AB, "(,\"\")", "(\"\",)");
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\nupdate 5 public.t old a=null b='' new a='' b=null\n");
}

static void escapes_of_both_kinds_are_undone(void **state)
{
    start(*state);
    put_row(*state, "U", AB, "(\"say \"\"hi\"\"\",\"c:\\\\d\")", "(\"(a,b)\",\"\"\"\"\"\")");
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\nupdate 5 public.t old a='say \"hi\"' b='c:\\d'"
                        " new a='(a,b)' b='\"\"'\n");
}

static void a_column_without_a_name_is_left_out(void **state)
{
    start(*state);
    put_row(*state, "D", "(\"a\",\"\",\"b\")", "(1,,2)", NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\ndelete 5 public.t old a='1' b='2'\n");
}

static void names_are_those_of_the_row(void **state)
{
    start(*state);
    put_row(*state, "D", "(\"b\")", "(\"it's\")", NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\ndelete 5 public.t old b='it's'\n");
}

static void an_unknown_shape_puzzles_once_and_nothing_is_given_twice(void **state)
{
    struct fixture *f = *state;
    start(f);
    put_row(f, "D", AB, "(1,2)", NULL);
    put_shaped(f, 78, "D", AB, "(3,4)", NULL);
    put_shaped(f, 78, "D", AB, "(5,6)", NULL);
    assert_int_equal(give_message(f), OUTBOX_PUZZLED);
    assert_said(f, "begin 100\ndelete 5 public.t old a='1' b='2'\n");
    catalog_has(f, 78, "a", "b");
    learn(f);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_said(f, "begin 100\ndelete 5 public.t old a='1' b='2'\n"
                   "delete 5 public.t old a='3' b='4'\ndelete 5 public.t old a='5' b='6'\n");
}

static void what_the_catalog_does_not_explain_has_types_that_nobody_knows(void **state)
{
    struct fixture *f = *state;
    start(f);
    put_shaped(f, 78, "D", AB, "(3,4)", NULL);
    put_shaped(f, 78, "D", AB, "(5,6)", NULL);
    assert_int_equal(give_message(f), OUTBOX_PUZZLED);
    learn(f);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_said(f, "begin 100\ndelete 5 public.t old a='3'? b='4'?\n"
                   "delete 5 public.t old a='5'? b='6'?\n");
}

static void a_column_that_the_catalog_lacks_puzzles(void **state)
{
    struct fixture *f = *state;
    start(f);
    put_row(f, "D", "(\"a\",\"c\")", "(3,4)", NULL);
    assert_int_equal(give_message(f), OUTBOX_PUZZLED);
    learn(f);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_said(f, "begin 100\ndelete 5 public.t old a='3' c='4'?\n");
}

static void a_table_that_is_gone_does_not_puzzle(void **state)
{
    start(*state);
    put_shaped(*state, -1, "D", AB, "(3,4)", NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\ndelete 5 public.t old a='3'? b='4'?\n");
}

static void a_definition_keeps_its_version_until_the_catalog_says_otherwise(void **state)
{
    struct fixture *f = *state;
    uint64_t first, second;
    start(f);
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    first = f->version;
    put_row(f, "D", "(\"b\")", "(2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    second = f->version;
    assert_int_not_equal(first, second);
    learn(f);
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_int_equal(f->version, first);
    assert_int_equal(outbox_rows_relation(f->rows, 5)->version, first);
    f->columns[1].type = TEXT;
    learn(f);
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_true(f->version > second);
    assert_int_equal(outbox_rows_relation(f->rows, 5)->columns[1].type, TEXT);
}

static void types_live_longer_than_the_catalog(void **state)
{
    struct fixture *f = *state;
    char name[] = "mood", remedy[] = "SELECT";
    const char *at = name;
    struct own_type own = {.name = name, .equality = OWN_EQUALITY_ENUM};
    start(f);
    f->columns[0].own = &own;
    f->columns[0].type = 17000;
    f->table.relation.updates_of_these = true;
    f->table.relation.updates_sql = remedy;
    f->table.relation.left_out =
        (struct left_out){.names = &at, .n = 1, .where = "watched", .remedy = remedy};
    learn(f);
    memset(name, 'x', 4);
    memset(remedy, 'x', 6);
    own.equality = OWN_EQUALITY_ITS;
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    const struct relation *relation = outbox_rows_relation(f->rows, 5);
    assert_string_equal(relation->columns[0].own->name, "mood");
    assert_int_equal(relation->columns[0].own->equality, OWN_EQUALITY_ENUM);
    assert_int_equal(relation->columns[0].type, 17000);
    assert_true(relation->updates_of_these);
    assert_string_equal(relation->updates_sql, "SELECT");
    assert_int_equal(relation->left_out.n, 1);
    assert_string_equal(relation->left_out.names[0], "mood");
    assert_string_equal(relation->left_out.remedy, "SELECT");
}

static void of_another_server_nothing_that_was_learnt_holds(void **state)
{
    struct fixture *f = *state;
    start(f);
    f->catalog.n_tables = 0;
    learn(f);
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    outbox_rows_learn(f->rows, &f->catalog, true);
    assert_null(outbox_rows_relation(f->rows, 5));
    put_row(f, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(f), OUTBOX_PUZZLED);
}

static void without_names_all_columns_are_in_doubt(void **state)
{
    start(*state);
    put_row(*state, "U", NULL, NULL, NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    put_row(*state, "I", NULL, NULL, NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\nupdate 5 public.t old a=absent b=absent new a=absent b=absent\n"
                        "insert 5 public.t new a=absent b=absent\n");
}

static void give_nonsense(void *ctx)
{
    static const char *const bad[][3] = {
        {AB, NULL, NULL},          {AB, "(1,2)", NULL},         {AB, NULL, "(1,2)"},
        {AB, "(1,2,3)", "(1,2)"},  {AB, "(1)", "(1,2)"},        {AB, "(1,2", "(1,2)"},
        {AB, "1,2)", "(1,2)"},     {AB, "(1,2)x", "(1,2)"},     {AB, "(1,\"2)", "(1,2)"},
        {AB, "(1,2\\)", "(1,2)"},  {AB, "", "(1,2)"},           {AB, "(1,2))", "(1,2)"},
        {"nonsense", "(1)", "()"}, {"(\"a\",b", "(1,2)", "()"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fixture *f = ctx;
        f->said.len = 0;
        outbox_rows_start(f->rows);
        put_signature(f);
        put_head(f, -1, "1:2:");
        put_row(f, "U", bad[i][0], bad[i][1], bad[i][2]);
        assert_int_equal(decode(f), OUTBOX_DECODED);
        assert_said(f, "head 1:2:\nbegin 100\n"
                       "update 5 public.t old a=absent b=absent new a=absent b=absent\n");
    }
}

static void values_that_make_no_sense_are_absent_and_said_once_a_definition(void **state)
{
    start(*state);
    assert_int_equal(logged(*state, give_nonsense, "keys are in doubt table=public.t"), 3);
}

static void who_emptied_the_outbox_is_told(void **state)
{
    struct fixture *f = *state;
    start(f);
    put_number(f, 10, 2);
    put_int8(f, 9);
    put_int8(f, 100);
    put_text(f, "G");
    put_int8(f, -1);
    put_int8(f, -1);
    put_text(f, NULL);
    put_text(f, "delete by joe");
    for (int i = 0; i < 3; i++)
        put_text(f, NULL);
    assert_int_equal(decode(f), OUTBOX_DECODED);
    assert_said(f, "begin 100\nemptied: delete by joe\n");
}

static void a_row_of_an_unknown_kind_may_have_been_any_change(void **state)
{
    start(*state);
    put_row(*state, "Q", AB, NULL, NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    put_row(*state, "", AB, NULL, NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
    assert_said(*state, "begin 100\nemptied: a row that makes no sense\n"
                        "emptied: a row that makes no sense\n");
}

static void many_definitions_of_a_table_do_not_add_up(void **state)
{
    struct fixture *f = *state;
    char columns[64], last[64];
    start(f);
    for (int i = 0; i < 1000; i++) {
        snprintf(columns, sizeof columns, "(\"a\",\"%.*s\")", i % 20, "bbbbbbbbbbbbbbbbbbbb");
        put_shaped(f, -1, "D", columns, "(1,2)", NULL);
        assert_int_equal(decode(f), OUTBOX_DECODED);
        snprintf(last, sizeof last, "%.*s", i % 20, "bbbbbbbbbbbbbbbbbbbb");
        const struct relation *relation = outbox_rows_relation(f->rows, 5);
        assert_string_equal(relation->columns[relation->n_columns - 1].name, i % 20 ? last : "a");
    }
}

/* Framing. */

static void expect_broken(struct fixture *f, const char *reason)
{
    assert_int_equal(decode(f), OUTBOX_BROKEN);
    assert_int_equal(f->err.code, EX_PROTOCOL);
    if (!strstr(f->err.text, reason))
        fail_msg("%s, not %s", f->err.text, reason);
    put_number(f, 0xffff, 2);
    assert_int_equal(decode(f), OUTBOX_BROKEN);
}

static void a_message_that_is_cut_anywhere_breaks(void **state)
{
    struct fixture *f = *state;
    start(f);
    put_row(f, "U", AB, "(1,2)", "(3,4)");
    size_t n = f->message.len;
    char *whole = mem_alloc(n);
    memcpy(whole, f->message.data, n);
    f->message.len = 0;
    for (size_t cut = 1; cut < n; cut++) {
        start(f);
        buf_put(&f->message, whole, cut);
        expect_broken(f, "a row of the outbox that was not asked for so");
        assert_said(f, "");
    }
    free(whole);
}

static void another_format_breaks(void **state)
{
    struct fixture *f = *state;
    outbox_rows_start(f->rows);
    buf_put_str(&f->message, "1\t2\tI\tsome text, as of another format\n");
    expect_broken(f, "binary format");
    outbox_rows_start(f->rows);
    buf_put(&f->message, "PGCOPY\n\377\r\n", 11);
    put_number(f, 0x10000, 4);
    put_number(f, 0, 4);
    expect_broken(f, "binary format");
}

static void an_answer_without_a_head_breaks(void **state)
{
    struct fixture *f = *state;
    outbox_rows_start(f->rows);
    put_signature(f);
    put_row(f, "D", AB, "(1,2)", NULL);
    expect_broken(f, "snapshot");
    outbox_rows_start(f->rows);
    put_signature(f);
    put_number(f, 0xffff, 2);
    expect_broken(f, "not asked for");
}

static void bytes_behind_the_end_break(void **state)
{
    start(*state);
    put_number(*state, 0xffff, 2);
    put_row(*state, "D", AB, "(1,2)", NULL);
    expect_broken(*state, "behind the end");
}

static void a_nul_in_a_text_breaks(void **state)
{
    struct fixture *f = *state;
    start(f);
    put_row(f, "D", AB, "(1,~)", NULL);
    *(char *)memchr(f->message.data, '~', f->message.len) = '\0';
    expect_broken(f, "not asked for");
}

static void the_next_read_is_not_broken(void **state)
{
    start(*state);
    put_number(*state, 3, 2);
    assert_int_equal(decode(*state), OUTBOX_BROKEN);
    start(*state);
    put_row(*state, "D", AB, "(1,2)", NULL);
    assert_int_equal(decode(*state), OUTBOX_DECODED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_gives_the_snapshot_and_the_bound),
        TEST(a_row_may_come_in_the_message_of_the_head),
        TEST(each_op_gives_the_images_it_has),
        TEST(nothing_is_null_and_quotes_are_empty),
        TEST(escapes_of_both_kinds_are_undone),
        TEST(a_column_without_a_name_is_left_out),
        TEST(names_are_those_of_the_row),
        TEST(an_unknown_shape_puzzles_once_and_nothing_is_given_twice),
        TEST(what_the_catalog_does_not_explain_has_types_that_nobody_knows),
        TEST(a_column_that_the_catalog_lacks_puzzles),
        TEST(a_table_that_is_gone_does_not_puzzle),
        TEST(a_definition_keeps_its_version_until_the_catalog_says_otherwise),
        TEST(types_live_longer_than_the_catalog),
        TEST(of_another_server_nothing_that_was_learnt_holds),
        TEST(without_names_all_columns_are_in_doubt),
        TEST(values_that_make_no_sense_are_absent_and_said_once_a_definition),
        TEST(who_emptied_the_outbox_is_told),
        TEST(a_row_of_an_unknown_kind_may_have_been_any_change),
        TEST(many_definitions_of_a_table_do_not_add_up),
        TEST(a_message_that_is_cut_anywhere_breaks),
        TEST(another_format_breaks),
        TEST(an_answer_without_a_head_breaks),
        TEST(bytes_behind_the_end_break),
        TEST(a_nul_in_a_text_breaks),
        TEST(the_next_read_is_not_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
