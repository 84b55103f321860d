/* The decoder of pgoutput, against messages that make no sense. */
#include "pgoutput_messages.h"

static void an_empty_message_is_refused(void **state)
{
    assert_refused(*state, "empty");
}

static void an_unknown_kind_of_message_is_refused(void **state)
{
    put_tag(*state, 'x');
    assert_refused(*state, "unknown kind 0x78");
}

static void begin_inside_a_transaction_is_refused(void **state)
{
    start(*state, 'd');
    begin(*state);
    assert_refused(*state, "a Begin inside");
}

static void nothing_but_begin_opens_a_transaction(void **state)
{
    static const char tags[] = "COIUDT";
    struct fixture *fixture = *state;
    for (const char *tag = tags; *tag; tag++) {
        put_tag(fixture, *tag);
        assert_refused(fixture, "outside a transaction");
        void *again = fixture;
        teardown(&again);
        setup(state);
        fixture = *state;
    }
}

static void a_row_of_an_unknown_relation_is_refused(void **state)
{
    start(*state, 'd');
    put_tag(*state, 'I');
    put_number(*state, 2, 4);
    put_row(*state, 'N', "t1", "n");
    assert_refused(*state, "relation 2");
}

static void a_truncate_of_an_unknown_relation_says_nothing(void **state)
{
    start(*state, 'd');
    put_tag(*state, 'T');
    put_number(*state, 2, 4);
    put_number(*state, 0, 1);
    put_number(*state, 1, 4);
    put_number(*state, 9, 4);
    assert_refused(*state, "relation 9");
}

static void a_truncate_that_counts_wrong_is_refused(void **state)
{
    start(*state, 'd');
    put_tag(*state, 'T');
    put_number(*state, UINT32_MAX, 4);
    put_number(*state, 0, 1);
    put_number(*state, 1, 4);
    assert_refused(*state, "a Truncate");
}

static void a_row_of_more_columns_than_the_relation_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_number(*state, 'N', 1);
    put_number(*state, 3, 2);
    for (int i = 0; i < 3; i++)
        put_value(*state, "n");
    assert_refused(*state, "3 columns");
}

static void a_row_of_fewer_columns_than_the_relation_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_number(*state, 'N', 1);
    put_number(*state, 1, 2);
    put_value(*state, "n");
    assert_refused(*state, "1 columns");
}

static void a_binary_value_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_row(*state, 'N', "babcd", "n");
    assert_refused(*state, "binary");
}

static void an_unknown_kind_of_value_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_row(*state, 'N', "z", "n");
    assert_refused(*state, "unknown kind 0x7a");
}

static void an_unknown_kind_of_row_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'U');
    put_row(*state, 'X', "n", "n");
    assert_refused(*state, "unknown kind 0x58");
}

static void an_insert_with_an_old_row_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_row(*state, 'O', "n", "n");
    assert_refused(*state, "an Insert");
}

static void a_delete_with_a_new_row_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'D');
    put_row(*state, 'N', "n", "n");
    assert_refused(*state, "a Delete");
}

static void an_update_without_a_new_row_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'U');
    put_row(*state, 'K', "t1", "n");
    assert_refused(*state, "an Update");
}

static void a_text_longer_than_the_message_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_number(*state, 'N', 1);
    put_number(*state, 2, 2);
    put_number(*state, 't', 1);
    put_number(*state, UINT32_MAX, 4);
    assert_refused(*state, "shorter");
}

static void a_text_with_a_nul_is_refused(void **state)
{
    start(*state, 'd');
    row_message(*state, 'I');
    put_number(*state, 'N', 1);
    put_number(*state, 2, 2);
    put_number(*state, 't', 1);
    put_number(*state, 3, 4);
    put_cstr(*state, "a");
    put_number(*state, 'b', 1);
    put_value(*state, "n");
    assert_refused(*state, "NUL");
}

static void a_commit_at_zero_is_refused(void **state)
{
    start(*state, 'd');
    commit(*state, 0);
    assert_refused(*state, "0/0");
}

static void a_relation_with_too_many_columns_is_refused(void **state)
{
    start(*state, 'd');
    put_tag(*state, 'R');
    put_number(*state, 2, 4);
    put_cstr(*state, "public");
    put_cstr(*state, "wide");
    put_number(*state, 'd', 1);
    put_number(*state, 65535, 2);
    assert_refused(*state, "65535 columns");
}

/* Cut short anywhere, or longer by a byte, no message is taken. */
static void check_lengths(void **state, void (*make)(struct fixture *fixture))
{
    struct fixture *fixture = *state;
    make(fixture);
    size_t n = fixture->message.len;
    for (size_t len = 1; len <= n + 1; len++) {
        void *again = fixture;
        teardown(&again);
        setup(state);
        fixture = *state;
        start(fixture, 'd');
        make(fixture);
        if (len > n)
            put_number(fixture, 0, 1);
        else
            fixture->message.len = len;
        assert_int_equal(decode(fixture), len == n ? 0 : -1);
    }
}

static void make_commit(struct fixture *fixture)
{
    commit(fixture, 9);
}

static void make_relation(struct fixture *fixture)
{
    relation(fixture, 'd');
}

static void make_update(struct fixture *fixture)
{
    row_message(fixture, 'U');
    put_row(fixture, 'K', "t1", "n");
    put_row(fixture, 'N', "t2", "ttext");
}

static void make_truncate(struct fixture *fixture)
{
    put_tag(fixture, 'T');
    put_number(fixture, 2, 4);
    put_number(fixture, 0, 1);
    put_number(fixture, 1, 4);
    put_number(fixture, 1, 4);
}

static void make_origin(struct fixture *fixture)
{
    put_tag(fixture, 'O');
    put_number(fixture, 1, 8);
    put_cstr(fixture, "elsewhere");
}

static void make_type(struct fixture *fixture)
{
    put_tag(fixture, 'Y');
    put_number(fixture, 1, 4);
    put_cstr(fixture, "public");
    put_cstr(fixture, "color");
}

static void make_message(struct fixture *fixture)
{
    put_tag(fixture, 'M');
    put_number(fixture, 1, 1);
    put_number(fixture, 1, 8);
    put_cstr(fixture, "prefix");
    put_number(fixture, 4, 4);
    buf_put_str(&fixture->message, "text");
}

#define LENGTHS(kind)                                               \
    static void another_length_of_##kind##_is_refused(void **state) \
    {                                                               \
        check_lengths(state, make_##kind);                          \
    }

LENGTHS(commit)
LENGTHS(relation)
LENGTHS(update)
LENGTHS(truncate)
LENGTHS(origin)
LENGTHS(type)
LENGTHS(message)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_message_is_refused),
        TEST(an_unknown_kind_of_message_is_refused),
        TEST(begin_inside_a_transaction_is_refused),
        TEST(nothing_but_begin_opens_a_transaction),
        TEST(a_row_of_an_unknown_relation_is_refused),
        TEST(a_truncate_of_an_unknown_relation_says_nothing),
        TEST(a_truncate_that_counts_wrong_is_refused),
        TEST(a_row_of_more_columns_than_the_relation_is_refused),
        TEST(a_row_of_fewer_columns_than_the_relation_is_refused),
        TEST(a_binary_value_is_refused),
        TEST(an_unknown_kind_of_value_is_refused),
        TEST(an_unknown_kind_of_row_is_refused),
        TEST(an_insert_with_an_old_row_is_refused),
        TEST(a_delete_with_a_new_row_is_refused),
        TEST(an_update_without_a_new_row_is_refused),
        TEST(a_text_longer_than_the_message_is_refused),
        TEST(a_text_with_a_nul_is_refused),
        TEST(a_commit_at_zero_is_refused),
        TEST(a_relation_with_too_many_columns_is_refused),
        TEST(another_length_of_commit_is_refused),
        TEST(another_length_of_relation_is_refused),
        TEST(another_length_of_update_is_refused),
        TEST(another_length_of_truncate_is_refused),
        TEST(another_length_of_origin_is_refused),
        TEST(another_length_of_type_is_refused),
        TEST(another_length_of_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
