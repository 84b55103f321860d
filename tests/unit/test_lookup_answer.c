#include "base/mem.h"
#include "source/lookup_answer.h"
#include "source/lookup_statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_wrapped(const char *query, unsigned limit, const char *expected)
{
    struct buf sql = {0};
    struct lookup lookup = {.sql = query, .limit = limit};
    lookup_wrap(&lookup, &sql);
    assert_string_equal(buf_str(&sql), expected);
    buf_free(&sql);
}

static void a_query_is_wrapped_and_may_end_with_a_comment_or_a_semicolon(void **state)
{
    (void)state;
    assert_wrapped("SELECT 1 -- x", 9, "SELECT * FROM (\nSELECT 1 -- x\n) AS lookup LIMIT 10");
    assert_wrapped("SELECT 1 ;\n ;", 0, "SELECT * FROM (\nSELECT 1\n) AS lookup LIMIT 1");
    assert_wrapped("", 4294967295U, "SELECT * FROM (\n\n) AS lookup LIMIT 4294967296");
    assert_wrapped(" ; ", 1, "SELECT * FROM (\n\n) AS lookup LIMIT 2");
}

/* A result of one row with two columns; NULL for NULL. */
static PGresult *row_of(const char *a, const char *b)
{
    static char names[2][2] = {"a", "b"};
    PGresAttDesc columns[2] = {{.name = names[0], .typid = 23}, {.name = names[1], .typid = 25}};
    const char *texts[2] = {a, b};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_SINGLE_TUPLE);
    assert_true(PQsetResultAttrs(result, 2, columns));
    for (int i = 0; i < 2; i++) {
        char *copy = texts[i] ? mem_strdup(texts[i]) : NULL;
        assert_true(PQsetvalue(result, 0, i, copy, copy ? (int)strlen(copy) : -1));
        free(copy);
    }
    return result;
}

static void take(struct lookup_answer *answer, const char *a, const char *b)
{
    PGresult *result = row_of(a, b);
    lookup_answer_rows(answer, result);
    PQclear(result);
}

static void rows_outlive_the_results_they_came_in(void **state)
{
    (void)state;
    struct lookup_answer making = lookup_answer_make();
    lookup_answer_begin(&making, 10);
    take(&making, "1", "one");
    take(&making, "2", NULL);
    const struct answer *answer = lookup_answer_end(&making);
    assert_null(answer->failed);
    assert_int_equal(answer->n_columns, 2);
    assert_int_equal(answer->n_rows, 2);
    assert_string_equal(answer->names[1], "b");
    assert_int_equal(answer->types[0], 23);
    assert_string_equal(answer->rows[1].text, "one");
    assert_int_equal(answer->rows[3].kind, VALUE_NULL);
    lookup_answer_free(&making);
}

static void of_too_many_rows_none_is_given(void **state)
{
    (void)state;
    struct lookup_answer making = lookup_answer_make();
    lookup_answer_begin(&making, 1);
    take(&making, "1", "one");
    assert_false(lookup_answer_end(&making)->too_many);
    take(&making, "2", "two");
    assert_true(lookup_answer_end(&making)->too_many);
    assert_int_equal(lookup_answer_end(&making)->n_rows, 0);
    lookup_answer_begin(&making, 1);
    assert_false(lookup_answer_end(&making)->too_many);
    lookup_answer_free(&making);
}

static void an_answer_over_the_size_is_refused_and_not_kept(void **state)
{
    (void)state;
    char *text = mem_alloc((1 << 20) + 1);
    memset(text, 'x', 1 << 20);
    struct lookup_answer making = lookup_answer_make();
    lookup_answer_begin(&making, 1000);
    for (int i = 0; i < 16; i++)
        take(&making, "", text);
    assert_null(lookup_answer_end(&making)->failed);
    take(&making, "1", NULL);
    assert_non_null(strstr(lookup_answer_end(&making)->failed, "larger than 16 MB"));
    assert_int_equal(lookup_answer_end(&making)->n_rows, 0);
    lookup_answer_free(&making);
    free(text);
}

static void of_too_many_values_none_is_given(void **state)
{
    (void)state;
    struct lookup_answer making = lookup_answer_make();
    lookup_answer_begin(&making, UINT32_MAX);
    PGresult *nulls = row_of(NULL, NULL);
    for (size_t n = 0; n < LOOKUP_VALUES_MAX && !making.too_large; n += 2)
        lookup_answer_rows(&making, nulls);
    assert_false(making.too_large);
    lookup_answer_rows(&making, nulls);
    PQclear(nulls);
    assert_true(making.too_large);
    const struct answer *answer = lookup_answer_end(&making);
    assert_non_null(strstr(answer->failed, "more than 2097152 values"));
    assert_int_equal(answer->n_rows, 0);
    lookup_answer_free(&making);
}

static void each_class_of_errors_has_a_sentence(void **state)
{
    (void)state;
    assert_non_null(strstr(lookup_sentence("42501"), "GRANT SELECT"));
    assert_string_not_equal(lookup_sentence("42P01"), lookup_sentence("42501"));
    assert_non_null(strstr(lookup_sentence("22P02"), "types"));
    assert_non_null(strstr(lookup_sentence("XX000"), "cannot answer"));
    assert_non_null(strstr(lookup_sentence(""), "cannot answer"));
}

static void a_time_is_said_in_the_unit_that_fits_it(void **state)
{
    char text[80];
    (void)state;
    lookup_none_within(text, sizeof text, "answer from", 5000);
    assert_string_equal(text, "no answer from PostgreSQL within 5 s");
    lookup_none_within(text, sizeof text, "answer from", 1500);
    assert_string_equal(text, "no answer from PostgreSQL within 1500 ms");
}

static void the_oldest_statement_makes_room_for_the_newest(void **state)
{
    struct statements statements = statements_make();
    uint64_t dropped;
    (void)state;
    for (uint64_t number = 1; number <= STATEMENTS_MAX; number++) {
        assert_int_equal(statements_add(&statements, number, &dropped), number);
        assert_int_equal(dropped, 0);
    }
    statements_add(&statements, 1000, &dropped);
    assert_int_equal(dropped, 1);
    assert_int_equal(statements_find(&statements, 1), 0);
    assert_int_equal(statements_find(&statements, 2), 2);
    assert_int_equal(statements_find(&statements, 1000), STATEMENTS_MAX + 1);
}

static void no_name_is_used_twice_even_by_another_process(void **state)
{
    struct statements one = statements_make(), other = statements_make();
    uint64_t dropped;
    (void)state;
    uint64_t first = statements_add(&one, 7, &dropped);
    assert_true(statements_forget(&one, first));
    assert_false(statements_forget(&one, first));
    uint64_t second = statements_add(&one, 7, &dropped);
    assert_int_not_equal(first, second);
    statements_clear(&one);
    assert_int_equal(statements_find(&one, 7), 0);
    assert_true(statements_add(&one, 7, &dropped) > second);
    assert_string_not_equal(statement_name(&one, 1).text, statement_name(&other, 1).text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_too_many_values_none_is_given),
        cmocka_unit_test(a_query_is_wrapped_and_may_end_with_a_comment_or_a_semicolon),
        cmocka_unit_test(rows_outlive_the_results_they_came_in),
        cmocka_unit_test(of_too_many_rows_none_is_given),
        cmocka_unit_test(an_answer_over_the_size_is_refused_and_not_kept),
        cmocka_unit_test(each_class_of_errors_has_a_sentence),
        cmocka_unit_test(a_time_is_said_in_the_unit_that_fits_it),
        cmocka_unit_test(the_oldest_statement_makes_room_for_the_newest),
        cmocka_unit_test(no_name_is_used_twice_even_by_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
