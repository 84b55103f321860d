/* The decoder of pgoutput, against what a real server said (golden/record.py), and against rows
 * that say less than all. */
#include "pgoutput_messages.h"

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

static void a_null_in_a_row_of_the_key_was_not_sent(void **state)
{
    start(*state, 'd');
    row_message(*state, 'D');
    put_row(*state, 'K', "n", "n");
    assert_int_equal(decode(*state), 0);
    assert_said(*state, "delete public.t old (a=absent, b=absent)\n");
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
    put_row(fixture, 'O', "t1", "n");
    assert_int_equal(decode(fixture), 0);
    assert_said(fixture, "delete public.t old (a='1', b=null)\n");
}

static void a_row_of_the_key_has_no_nulls_whatever_the_relation_says(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, 'f');
    row_message(fixture, 'D');
    put_row(fixture, 'K', "t1", "n");
    assert_int_equal(decode(fixture), 0);
    assert_said(fixture, "delete public.t old (a='1', b=absent)\n");
}

/* As pgoutput does it: the root, then the partition, then the row as the root's. */
static void define_partition(struct fixture *fixture, uint32_t oid, char identity)
{
    relation(fixture, 'f');
    assert_int_equal(decode(fixture), 0);
    put_tag(fixture, 'R');
    put_number(fixture, oid, 4);
    put_cstr(fixture, "public");
    put_cstr(fixture, "p");
    put_number(fixture, (unsigned char)identity, 1);
    put_number(fixture, 2, 2);
    put_column(fixture, identity == 'f', "b"); /* in an order of its own */
    put_column(fixture, true, "a");
    assert_int_equal(decode(fixture), 0);
}

static void delete_row(struct fixture *fixture)
{
    row_message(fixture, 'D');
    put_row(fixture, 'O', "t1", "n");
    assert_int_equal(decode(fixture), 0);
}

static void of_a_root_only_what_all_partitions_send_is_sent(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, 'f');
    define_partition(fixture, 2, 'f');
    delete_row(fixture);
    define_partition(fixture, 3, 'd');
    delete_row(fixture);
    row_message(fixture, 'U');
    put_row(fixture, 'N', "t1", "t2");
    assert_int_equal(decode(fixture), 0);
    define_partition(fixture, 2, 'f');
    delete_row(fixture);
    define_partition(fixture, 3, 'f');
    delete_row(fixture);
    assert_said(fixture, "delete public.t old (a='1', b=null)\n"
                         "delete public.t old (a='1', b=absent)\n"
                         "update public.t new (a='1', b='2')\n"
                         "delete public.t old (a='1', b=absent)\n"
                         "delete public.t old (a='1', b=null)\n");
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
        TEST(a_null_in_a_row_of_the_key_was_not_sent),
        TEST(a_text_outside_the_key_is_trusted),
        TEST(what_was_not_touched_and_not_sent_stays_unknown),
        TEST(a_whole_old_row_has_real_nulls),
        TEST(full_identity_has_every_column),
        TEST(a_row_of_the_key_has_no_nulls_whatever_the_relation_says),
        TEST(of_a_root_only_what_all_partitions_send_is_sent),
        TEST(a_relation_that_is_said_again_has_another_version),
        TEST(no_schema_means_pg_catalog),
        TEST(a_transaction_is_open_from_begin_to_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
