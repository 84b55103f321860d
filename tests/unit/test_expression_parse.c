#include "base/buf.h"
#include "base/mem.h"
#include "expression/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    struct err err;
    struct buf found;
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->arena = arena_make();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    buf_free(&f->found);
    free(f);
    return 0;
}

static void found(void *ctx, const char *column, enum expression_row row)
{
    static const char *const rows[] = {"", "old.", "new."};
    struct fixture *f = ctx;
    buf_printf(&f->found, "%s%s ", rows[row], column);
}

static const char *columns(struct fixture *f, const char *text)
{
    struct expression *expression = expression_parse(f->arena, text, &f->err);
    if (!expression)
        return f->err.text;
    f->found.len = 0;
    expression_columns(expression, found, f);
    return buf_str(&f->found);
}

static const char *column(struct fixture *f, const char *text)
{
    struct expression *expression = expression_parse(f->arena, text, &f->err);
    assert_non_null(expression);
    return expression_column(expression);
}

static void refuses(struct fixture *f, const char *text, const char *why)
{
    f->err.code = 0;
    assert_null(expression_parse(f->arena, text, &f->err));
    assert_int_equal(f->err.code, EX_CONFIG);
    if (!strstr(f->err.text, why))
        assert_string_equal(f->err.text, why);
}

static void columns_are_found_with_their_rows(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(columns(f, "a = 1 AND new.b > old.\"B c\""), "a new.b old.B c ");
    assert_string_equal(columns(f, "changed(a) OR lower(b) = 'x'"), "new.a old.a b ");
    assert_string_equal(columns(f, "\"old\".a AND Old.A"), "old.a old.a ");
    assert_string_equal(columns(f, "1 = 1"), "");
    assert_string_equal(columns(f, "a between b and c or d in (e, 'x''y')"), "a b c d e ");
    assert_string_equal(columns(f, "case a when b then c else d end"), "a b c d ");
    assert_string_equal(columns(f, "substring(a from b for c) || trim(both d from e)"),
                        "a b c d e ");
}

static void a_bare_column_is_known_as_one(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(column(f, "post_id"), "post_id");
    assert_string_equal(column(f, " Post_ID -- the post\n"), "post_id");
    assert_string_equal(column(f, "\"Post ID\""), "Post ID");
    assert_string_equal(column(f, "(a)"), "a");
    assert_null(column(f, "new.post_id"));
    assert_null(column(f, "post_id + 0"));
}

static void words_that_are_no_reserved_ones_name_columns(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(columns(f, "timestamp > date AND time = interval OR values = position"),
                        "timestamp date time interval values position ");
    assert_string_equal(columns(f, "date > date '2020-01-01'"), "date ");
    assert_string_equal(columns(f, "timestamp with time zone '2020-01-01' > double"), "double ");
}

static void what_is_no_expression_is_refused_with_its_position(void **state)
{
    struct fixture *f = *state;
    refuses(f, "", "the expression is empty");
    refuses(f, " -- nothing", "the expression is empty");
    refuses(f, "a =", "\"a =\": at position 4: the expression ends too early");
    refuses(f, "a = b = c", "at position 7: \"=\" after another of its kind");
    refuses(f, "a like b like c", "at position 10: \"like\" after another of its kind");
    refuses(f, "a is distinct from b is null", "after another of its kind");
    refuses(f, "(a", "at position 3: ) is missing at the end");
    refuses(f, "a b", "at position 3: \"b\" cannot stand here");
    refuses(f, "a = 'b", "at position 5: a string that does not end");
    refuses(f, "a /* b", "a comment that does not end");
    refuses(f, "a = \"\"", "a name of no letters");
    refuses(f, "1a", "letters after a number");
    refuses(f, "case a when 1 then 2", "end is missing at the end");
    refuses(f, "case end", "at position 6: ");
    refuses(f, "a between 1 or 2", "and is missing before \"or\"");
    refuses(f, "a is 5", "after IS stands");
    refuses(f, "a between b is distinct from c in (d) and e", "and is missing before \"in\"");
    refuses(f, "a between b < c like d and e", "and is missing before \"like\"");
    refuses(f, "a between b < not c and e", "\"not\" cannot stand here");
    refuses(f, "trim('x' from )", "\")\" cannot stand here");
    refuses(f, "a in ()", "\")\" cannot stand here");
    refuses(f, "a::", "after :: stands the name of a type");
    refuses(f, "t.a", "\"t.a\": columns are written c, new.c or old.c");
    refuses(f, "changed(a + 1)", "changed takes one column");
    refuses(f, "a = '\xff'", "not UTF-8");
    refuses(f, "a = E'\\xff'", "not UTF-8");
    refuses(f, "user = 'x'", "user is not of the row");
    refuses(f, "order = 1", "a column of that name is \"\\\"order\\\"\"");
}

static void what_is_for_a_lookup_is_said_to_be(void **state)
{
    struct fixture *f = *state;
    refuses(f, "a in (select 1)", "write it as the trigger's lookup");
    refuses(f, "exists (select 1)", "write it as the trigger's lookup");
    refuses(f, "(select 1)", "write it as the trigger's lookup");
    refuses(f, "a < current_date", "for a lookup");
    refuses(f, "a = any(b)", "or a lookup");
    refuses(f, "count(*) > 1", "write it as the trigger's lookup");
}

static void comparisons_may_follow_what_has_an_end(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(columns(f, "a is null is null = b"), "a b ");
    assert_string_equal(columns(f, "a in (1) in (true)"), "a ");
    assert_string_equal(columns(f, "x = a is null = b"), "x a b ");
    assert_string_equal(columns(f, "a = not b = c"), "a b c ");
}

static void nesting_and_length_have_a_limit(void **state)
{
    struct fixture *f = *state;
    static const char *const heads[] = {
        "(",          "not ",  "- ",       "coalesce(1,",  "a between b and (", "case when ",
        "a in (",     "1 + (", "a->",      "a and (b or ", "position(",         "trim(",
        "substring(", "cast(", "a::int::", "changed("};
    for (unsigned i = 0; i < sizeof heads / sizeof *heads; i++) {
        f->found.len = 0;
        while (f->found.len < 60000)
            buf_put_str(&f->found, heads[i]);
        f->err.code = 0;
        assert_null(expression_parse(f->arena, buf_str(&f->found), &f->err));
    }
    f->found.len = 0;
    for (int i = 0; i < 1000; i++)
        buf_put_str(&f->found, "a || ");
    buf_put_str(&f->found, "a");
    refuses(f, buf_str(&f->found), "more than 100 levels deep");
    f->found.len = 0;
    while (f->found.len < 1000000)
        buf_put_str(&f->found, "a and ");
    refuses(f, buf_str(&f->found), "longer than 65536 bytes");
}

static void long_chains_do_not_nest(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    for (int i = 0; i < 3000; i++)
        buf_put_str(&text, i % 2 ? "a or b and c or " : "d or ");
    buf_put_str(&text, "e in (");
    for (int i = 0; i < 3000; i++)
        buf_put_str(&text, "1, ");
    buf_put_str(&text, "2)");
    assert_non_null(expression_parse(f->arena, buf_str(&text), &f->err));
    buf_free(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(columns_are_found_with_their_rows),
        TEST(a_bare_column_is_known_as_one),
        TEST(words_that_are_no_reserved_ones_name_columns),
        TEST(what_is_no_expression_is_refused_with_its_position),
        TEST(what_is_for_a_lookup_is_said_to_be),
        TEST(comparisons_may_follow_what_has_an_end),
        TEST(nesting_and_length_have_a_limit),
        TEST(long_chains_do_not_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
