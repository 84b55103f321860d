#include "model/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N 5
#define INT4 23
#define TEXT 25
#define VARCHAR 1043

/* id is the identity; all but note are never NULL. */
static struct column columns[N] = {
    {.name = "id", .type = INT4, .typmod = -1, .in_identity = true},
    {.name = "post_id", .type = INT4, .typmod = -1},
    {.name = "order", .type = VARCHAR, .typmod = 34},
    {.name = "body", .type = TEXT, .typmod = -1},
    {.name = "note", .type = INT4, .typmod = -1},
};
static const bool not_null[N] = {true, true, true, true, false};

static struct relation make(void)
{
    return (struct relation){.schema = "public",
                             .name = "blog_comment",
                             .n_columns = N,
                             .columns = columns,
                             .not_null = not_null};
}

/* needed: a digit a column. */
static void assert_remedy(const struct relation *relation, const char *needed, const char *expected)
{
    struct buf sql = {0};
    bool places[N];
    for (unsigned i = 0; i < N; i++)
        places[i] = needed[i] == '1';
    bool by_index = identity_remedy(relation, "blog_comment", places, &sql);
    assert_string_equal(buf_str(&sql), expected);
    assert_int_equal(by_index, !strstr(expected, "FULL"));
    buf_free(&sql);
}

#define FULL "ALTER TABLE blog_comment REPLICA IDENTITY FULL"
#define USING "ALTER TABLE blog_comment REPLICA IDENTITY USING INDEX "

static void an_index_that_is_there_is_used_and_the_smallest_that_holds_all(void **state)
{
    static const bool wide[N] = {true, true, true, false, false};
    static const bool fitting[N] = {false, true, true, false, false};
    static const bool small[N] = {false, false, true, false, false};
    const struct relation_index indexes[] = {
        {"wide", wide, 3}, {"\"By post\"", fitting, 2}, {"small", small, 1}};
    struct relation relation = make();
    (void)state;
    relation.indexes = indexes;
    relation.n_indexes = 3;
    assert_remedy(&relation, "01000", USING "\"By post\"");
    assert_remedy(&relation, "11000", USING "wide");
    assert_remedy(&relation, "00100", USING "small");
}

static void of_a_partitioned_table_every_partition_is_altered(void **state)
{
    struct relation relation = make();
    struct buf sql = {0};
    const bool needed[N] = {false, true};
    (void)state;
    relation.not_null = NULL;
    relation.partitioned = true;
    assert_false(identity_remedy(&relation, "public.\"it's\"", needed, &sql));
    assert_non_null(strstr(buf_str(&sql), "SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL', "
                                          "relid) FROM pg_partition_tree('public.\"it''s\"') "
                                          "\\gexec"));
    buf_free(&sql);
}

static void an_index_is_made_of_the_identity_and_what_is_needed(void **state)
{
    struct relation relation = make();
    (void)state;
    assert_remedy(&relation, "01000",
                  "CREATE UNIQUE INDEX CONCURRENTLY blog_comment_identity ON blog_comment (id, "
                  "post_id); " USING "blog_comment_identity");
    assert_remedy(&relation, "00100",
                  "CREATE UNIQUE INDEX CONCURRENTLY blog_comment_identity ON blog_comment (id, "
                  "\"order\"); " USING "blog_comment_identity");
}

static void no_index_is_made_of_what_may_be_null_or_long(void **state)
{
    struct relation relation = make();
    (void)state;
    assert_remedy(&relation, "00010", FULL);
    assert_remedy(&relation, "00001", FULL);
    assert_remedy(&relation, "01001", FULL);
}

static void no_index_is_made_where_nothing_tells_rows_apart(void **state)
{
    struct relation relation = make();
    (void)state;
    relation.not_null = NULL;
    assert_remedy(&relation, "01000", FULL);
    relation.not_null = not_null;
    columns[0].in_identity = false;
    assert_remedy(&relation, "01000", FULL);
    columns[0].in_identity = true;
}

static void a_long_name_is_cut_between_characters(void **state)
{
    struct relation relation = make();
    struct buf sql = {0};
    const bool needed[N] = {false, true};
    (void)state;
    relation.name = "a23456789012345678901234567890123456789012345678901\xc3\xa9\xc3\xa9\xc3\xa9";
    assert_true(identity_remedy(&relation, "t", needed, &sql));
    assert_non_null(strstr(buf_str(&sql), "901\xc3\xa9_identity\" ON t"));
    buf_free(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_that_is_there_is_used_and_the_smallest_that_holds_all),
        cmocka_unit_test(of_a_partitioned_table_every_partition_is_altered),
        cmocka_unit_test(an_index_is_made_of_the_identity_and_what_is_needed),
        cmocka_unit_test(no_index_is_made_of_what_may_be_null_or_long),
        cmocka_unit_test(no_index_is_made_where_nothing_tells_rows_apart),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
