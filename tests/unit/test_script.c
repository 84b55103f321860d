/* Names and texts in SQL that is printed. */
#include "verb/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(struct buf *sql, const char *expected)
{
    assert_string_equal(buf_str(sql), expected);
    buf_free(sql);
}

static void a_literal_doubles_quotes_and_backslashes(void **state)
{
    (void)state;
    struct buf sql = {0};
    sql_put_literal(&sql, "it's");
    check(&sql, "'it''s'");
    sql_put_literal(&sql, "a\\'b");
    check(&sql, "E'a\\\\''b'");
    sql_put_literal(&sql, "");
    check(&sql, "''");
}

static void a_name_is_quoted_when_sql_would_read_another(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"blog_post", "blog_post"}, {"Post", "\"Post\""},   {"user", "\"user\""},
        {"2nd", "\"2nd\""},         {"a\"b", "\"a\"\"b\""}, {"", "\"\""},
        {"größe", "\"größe\""},     {"a.b", "\"a.b\""},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf sql = {0};
        sql_put_name(&sql, names[i][0]);
        check(&sql, names[i][1]);
    }
}

static void a_table_is_a_literal_of_quoted_names(void **state)
{
    (void)state;
    struct buf sql = {0};
    sql_put_table_literal(&sql, "public", "Weird \"Table'\\");
    check(&sql, "E'public.\"Weird \"\"Table''\\\\\"'");
}

static void of_a_pattern_only_star_and_question_mark_match(void **state)
{
    (void)state;
    struct buf sql = {0};
    sql_put_pattern(&sql, "t*n?");
    check(&sql, "'t%n_'");
    sql_put_pattern(&sql, "a_b%\\");
    check(&sql, "E'a\\\\_b\\\\%\\\\\\\\'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_doubles_quotes_and_backslashes),
        cmocka_unit_test(a_name_is_quoted_when_sql_would_read_another),
        cmocka_unit_test(a_table_is_a_literal_of_quoted_names),
        cmocka_unit_test(of_a_pattern_only_star_and_question_mark_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
