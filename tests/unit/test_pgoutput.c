/* The decoder of pgoutput: against what a real server said (golden/record.py), and against what no
 * server should say. */
#include "base/buf.h"
#include "source/pgoutput.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID_TYPE 23
#define LONG_TEXT 60
#define SHOWN_TEXT 20

/* A decoder, what it said as text, and the message that is being made. */
struct fixture {
    struct pgoutput *decoder;
    struct buf said;
    struct buf message;
    struct err err;
    uint64_t version; /* of the last change's relation */
};

static void say_value(struct buf *to, const struct value *value)
{
    switch (value->kind) {
    case VALUE_ABSENT:
        buf_put_str(to, "absent");
        break;
    case VALUE_NULL:
        buf_put_str(to, "null");
        break;
    case VALUE_UNCHANGED:
        buf_put_str(to, "unchanged");
        break;
    case VALUE_TEXT:
        if (value->len > LONG_TEXT)
            buf_printf(to, "'%.*s...' of %u", SHOWN_TEXT, value->text, value->len);
        else
            buf_printf(to, "'%.*s'", (int)value->len, value->len ? value->text : "");
        break;
    }
}

static void say_row(struct buf *to, const char *image, const struct relation *relation,
                    const struct value *row)
{
    if (!row)
        return;
    buf_printf(to, " %s (", image);
    for (unsigned i = 0; i < relation->n_columns; i++) {
        buf_printf(to, "%s%s=", i ? ", " : "", relation->columns[i].name);
        say_value(to, &row[i]);
    }
    buf_put_str(to, ")");
}

static void on_begin(void *ctx, uint32_t xid)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "begin %u\n", xid);
}

static void on_change(void *ctx, const struct change *change)
{
    struct fixture *fixture = ctx;
    const struct relation *relation = change->relation;
    buf_printf(&fixture->said, "%s %s.%s", change_op_name(change->op), relation->schema,
               relation->name);
    say_row(&fixture->said, "old", relation, change->old_row);
    say_row(&fixture->said, "new", relation, change->new_row);
    buf_put_str(&fixture->said, "\n");
    fixture->version = relation->version;
}

static void on_commit(void *ctx, uint64_t end_lsn)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "commit %X/%X\n", (unsigned)(end_lsn >> 32), (unsigned)end_lsn);
}

static int setup(void **state)
{
    static const struct pgoutput_events events = {on_begin, on_change, on_commit};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->decoder = pgoutput_make(&events, fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    pgoutput_free(fixture->decoder);
    buf_free(&fixture->said);
    buf_free(&fixture->message);
    free(fixture);
    return 0;
}

/* Making messages. */

static void put_number(struct fixture *fixture, uint64_t value, unsigned n_bytes)
{
    while (n_bytes--) {
        char byte = (char)(value >> (8 * n_bytes) & 0xff);
        buf_put(&fixture->message, &byte, 1);
    }
}

static void put_cstr(struct fixture *fixture, const char *text)
{
    buf_put(&fixture->message, text, strlen(text) + 1);
}

static void put_tag(struct fixture *fixture, char tag)
{
    buf_reset(&fixture->message, SIZE_MAX);
    buf_put(&fixture->message, &tag, 1);
}

/* A value by its letter, with the text behind it: "n", "u", "tabc". */
static void put_value(struct fixture *fixture, const char *value)
{
    buf_put(&fixture->message, value, 1);
    if (*value != 't' && *value != 'b')
        return;
    put_number(fixture, strlen(value + 1), 4);
    buf_put_str(&fixture->message, value + 1);
}

static void put_row(struct fixture *fixture, char kind, const char *first, const char *second)
{
    buf_put(&fixture->message, &kind, 1);
    put_number(fixture, 2, 2);
    put_value(fixture, first);
    put_value(fixture, second);
}

/* The bytes in a block of their own size, so that a sanitizer sees a read past the end. */
static int decode_bytes(struct fixture *fixture, const char *bytes, size_t n)
{
    char *exact = malloc(n ? n : 1);
    if (n)
        memcpy(exact, bytes, n);
    int result = pgoutput_decode(fixture->decoder, exact, n, &fixture->err);
    free(exact);
    return result;
}

static int decode(struct fixture *fixture)
{
    return decode_bytes(fixture, fixture->message.data, fixture->message.len);
}

static void begin(struct fixture *fixture)
{
    put_tag(fixture, 'B');
    put_number(fixture, 100, 8);
    put_number(fixture, 0, 8);
    put_number(fixture, 7, 4);
}

static void commit(struct fixture *fixture, uint64_t end_lsn)
{
    put_tag(fixture, 'C');
    put_number(fixture, 0, 1);
    put_number(fixture, 100, 8);
    put_number(fixture, end_lsn, 8);
    put_number(fixture, 0, 8);
}

static void put_column(struct fixture *fixture, bool key, const char *name)
{
    put_number(fixture, key, 1);
    put_cstr(fixture, name);
    put_number(fixture, ID_TYPE, 4);
    put_number(fixture, UINT32_MAX, 4);
}

/* Table 1: a, which is the key, and b. */
static void relation(struct fixture *fixture, char identity)
{
    put_tag(fixture, 'R');
    put_number(fixture, 1, 4);
    put_cstr(fixture, "public");
    put_cstr(fixture, "t");
    put_number(fixture, (unsigned char)identity, 1);
    put_number(fixture, 2, 2);
    put_column(fixture, true, "a");
    put_column(fixture, identity == 'f', "b");
}

static void row_message(struct fixture *fixture, char tag)
{
    put_tag(fixture, tag);
    put_number(fixture, 1, 4);
}

/* Begin and a relation, without the lines that this says. */
static void start(struct fixture *fixture, char identity)
{
    begin(fixture);
    assert_int_equal(decode(fixture), 0);
    relation(fixture, identity);
    assert_int_equal(decode(fixture), 0);
    buf_reset(&fixture->said, SIZE_MAX);
}

static void assert_said(struct fixture *fixture, const char *expected)
{
    assert_string_equal(buf_str(&fixture->said), expected);
}

/* The message is refused for that reason, says nothing, and nothing is taken after it. */
static void assert_refused(struct fixture *fixture, const char *reason)
{
    buf_reset(&fixture->said, SIZE_MAX);
    assert_int_equal(decode(fixture), -1);
    assert_int_equal(fixture->err.code, EX_PROTOCOL);
    if (!strstr(fixture->err.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", fixture->err.text, reason);
    assert_said(fixture, "");
    begin(fixture);
    assert_int_equal(decode(fixture), -1);
}

/* Goldens. */

static char *read_file(const char *name, const char *ending, size_t *n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/pgoutput/%s.%s", TESTS_DIR, name, ending);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    char *bytes = calloc(1, 1 << 20);
    *n = fread(bytes, 1, (1 << 20) - 1, file);
    fclose(file);
    return bytes;
}

static void check_golden(void **state, const char *name)
{
    struct fixture *fixture = *state;
    size_t n, expected_len;
    char *bytes = read_file(name, "bin", &n);
    char *expected = read_file(name, "txt", &expected_len);
    struct reader reader = reader_make(bytes, n);
    while (reader_left(&reader)) {
        uint32_t len = reader_u32(&reader);
        if (decode_bytes(fixture, reader_bytes(&reader, len), len) != 0)
            fail_msg("%s: %s", name, fixture->err.text);
    }
    if (strcmp(buf_str(&fixture->said), expected) != 0)
        fail_msg("%s: decoded:\n%sexpected:\n%s", name, fixture->said.data, expected);
    free(bytes);
    free(expected);
}

#define GOLDEN(name)                        \
    static void golden_##name(void **state) \
    {                                       \
        check_golden(state, #name);         \
    }

GOLDEN(column_list)
GOLDEN(ddl)
GOLDEN(identity_default)
GOLDEN(identity_full)
GOLDEN(identity_index)
GOLDEN(identity_nothing)
GOLDEN(message)
GOLDEN(origin)
GOLDEN(partition)
GOLDEN(subtransactions)
GOLDEN(toast)
GOLDEN(truncate)
GOLDEN(types)

/* Hand-made messages that are good. */

static void a_null_outside_the_key_was_not_sent(void **state)
{
    start(*state, 'd');
    row_message(*state, 'D');
    put_row(*state, 'K', "n", "n");
    assert_int_equal(decode(*state), 0);
    assert_said(*state, "delete public.t old (a=null, b=absent)\n");
}

static void a_text_outside_the_key_is_trusted(void **state)
{
    start(*state, 'd');
    row_message(*state, 'U');
    put_row(*state, 'K', "t1", "told");
    put_row(*state, 'N', "t1", "u");
    assert_int_equal(decode(*state), 0);
    assert_said(*state, "update public.t old (a='1', b='old') new (a='1', b='old')\n");
}

static void what_was_not_touched_and_not_sent_stays_unknown(void **state)
{
    start(*state, 'd');
    row_message(*state, 'U');
    put_row(*state, 'K', "t1", "n");
    put_row(*state, 'N', "t2", "u");
    assert_int_equal(decode(*state), 0);
    assert_said(*state, "update public.t old (a='1', b=absent) new (a='2', b=unchanged)\n");
}

static void a_whole_old_row_has_real_nulls(void **state)
{
    start(*state, 'd');
    row_message(*state, 'D');
    put_row(*state, 'O', "t1", "n");
    assert_int_equal(decode(*state), 0);
    assert_said(*state, "delete public.t old (a='1', b=null)\n");
}

static void full_identity_has_every_column(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, 'f');
    row_message(fixture, 'D');
    put_row(fixture, 'K', "t1", "n");
    assert_int_equal(decode(fixture), 0);
    assert_said(fixture, "delete public.t old (a='1', b=null)\n");
}

static void a_relation_that_is_said_again_has_another_version(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, 'd');
    row_message(fixture, 'I');
    put_row(fixture, 'N', "t1", "n");
    assert_int_equal(decode(fixture), 0);
    uint64_t version = fixture->version;
    relation(fixture, 'd');
    assert_int_equal(decode(fixture), 0);
    row_message(fixture, 'I');
    put_row(fixture, 'N', "t1", "n");
    assert_int_equal(decode(fixture), 0);
    assert_true(fixture->version > version);
}

static void no_schema_means_pg_catalog(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, 'd');
    put_tag(fixture, 'R');
    put_number(fixture, 2, 4);
    put_cstr(fixture, "");
    put_cstr(fixture, "empty");
    put_number(fixture, 'd', 1);
    put_number(fixture, 0, 2);
    assert_int_equal(decode(fixture), 0);
    put_tag(fixture, 'T');
    put_number(fixture, 1, 4);
    put_number(fixture, 0, 1);
    put_number(fixture, 2, 4);
    assert_int_equal(decode(fixture), 0);
    assert_said(fixture, "truncate pg_catalog.empty\n");
}

static void a_transaction_is_open_from_begin_to_commit(void **state)
{
    struct fixture *fixture = *state;
    assert_false(pgoutput_in_transaction(fixture->decoder));
    start(fixture, 'd');
    assert_true(pgoutput_in_transaction(fixture->decoder));
    commit(fixture, UINT64_C(0x1200000034));
    assert_int_equal(decode(fixture), 0);
    assert_false(pgoutput_in_transaction(fixture->decoder));
    assert_said(fixture, "commit 12/34\n");
}

/* Messages that make no sense. */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(golden_column_list),
        TEST(golden_ddl),
        TEST(golden_identity_default),
        TEST(golden_identity_full),
        TEST(golden_identity_index),
        TEST(golden_identity_nothing),
        TEST(golden_message),
        TEST(golden_origin),
        TEST(golden_partition),
        TEST(golden_subtransactions),
        TEST(golden_toast),
        TEST(golden_truncate),
        TEST(golden_types),
        TEST(a_null_outside_the_key_was_not_sent),
        TEST(a_text_outside_the_key_is_trusted),
        TEST(what_was_not_touched_and_not_sent_stays_unknown),
        TEST(a_whole_old_row_has_real_nulls),
        TEST(full_identity_has_every_column),
        TEST(a_relation_that_is_said_again_has_another_version),
        TEST(no_schema_means_pg_catalog),
        TEST(a_transaction_is_open_from_begin_to_commit),
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
