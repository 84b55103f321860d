#include "base/mem.h"
#include "verb/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct row parse(const char *text)
{
    struct row row;
    struct err err = {0};
    if (row_parse(&row, arena, text, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return row;
}

static void refuses(const char *text, const char *why)
{
    struct row row;
    struct err err = {0};
    assert_int_equal(row_parse(&row, arena, text, &err), -1);
    assert_int_equal(err.code, EX_USAGE);
    assert_string_equal(err.text, why);
}

static void has(const struct row *row, const char *column, const char *text)
{
    const struct cell *cell = row_cell(row, column);
    assert_non_null(cell);
    assert_int_equal(cell->value.kind, VALUE_TEXT);
    assert_int_equal(cell->value.len, strlen(text));
    assert_memory_equal(cell->value.text, text, strlen(text));
}

static void values_are_separated_by_commas(void **state)
{
    (void)state;
    struct row row = parse("id=7,title=a b=c,empty=");
    assert_int_equal(row.n, 3);
    has(&row, "id", "7");
    has(&row, "title", "a b=c");
    has(&row, "empty", "");
    assert_null(row_cell(&row, "other"));
}

static void quoted_values_may_hold_commas_and_quotes(void **state)
{
    (void)state;
    struct row row = parse("a='x, y',b=\"it's\",c='it''s',d=''");
    has(&row, "a", "x, y");
    has(&row, "b", "it's");
    has(&row, "c", "it's");
    has(&row, "d", "");
}

static void blanks_around_names_and_values_do_not_count(void **state)
{
    (void)state;
    struct row row = parse(" id = 7 , title = a b ,quoted = ' x ' , gone = NULL , ");
    assert_int_equal(row.n, 4);
    has(&row, "id", "7");
    has(&row, "title", "a b");
    has(&row, "quoted", " x ");
    assert_int_equal(row_cell(&row, "gone")->value.kind, VALUE_NULL);
    refuses("=7", "\"=7\" is no column=value; write a=1,b='a, b',c=NULL");
}

static void null_without_quotes_is_null(void **state)
{
    (void)state;
    struct row row = parse("a=NULL,b=null,c='NULL'");
    assert_int_equal(row_cell(&row, "a")->value.kind, VALUE_NULL);
    assert_int_equal(row_cell(&row, "b")->value.kind, VALUE_NULL);
    has(&row, "c", "NULL");
}

static void an_empty_text_is_an_empty_row(void **state)
{
    (void)state;
    assert_int_equal(parse("").n, 0);
}

static void what_is_no_row_is_refused(void **state)
{
    (void)state;
    refuses("id", "\"id\" is no column=value; write a=1,b='a, b',c=NULL");
    refuses("=7", "\"=7\" is no column=value; write a=1,b='a, b',c=NULL");
    refuses("a=1,,b=2", "\",b=2\" is no column=value; write a=1,b='a, b',c=NULL");
    refuses("a=1,a=2", "a has two values; leave one out");
    refuses("a='1", "the value of a: its ' is not closed; end it, and double one inside");
    refuses("a='", "the value of a: its ' is not closed; end it, and double one inside");
    refuses("a='1'2", "the value of a: a comma must follow its quote");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_separated_by_commas),
        cmocka_unit_test(quoted_values_may_hold_commas_and_quotes),
        cmocka_unit_test(blanks_around_names_and_values_do_not_count),
        cmocka_unit_test(null_without_quotes_is_null),
        cmocka_unit_test(an_empty_text_is_an_empty_row),
        cmocka_unit_test(what_is_no_row_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
