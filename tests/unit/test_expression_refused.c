/* What PostgreSQL evaluates and cdcd does not: each is called what it is, and what to do instead.
 */
#include "expression_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* An expression, and what is said of it after "at position ". */
static const char *const refused[][2] = {
    {"lower(title) < 'x'", "14: which text comes before which depends on the database's collation; "
                           "only = and <> compare text here, or a lookup"},
    {"extract(year from d) = 2020", "1: a field of a date is not taken out here; write to_char(d, "
                                    "'YYYY'), or date_trunc('year', d)"},
    {"EXTRACT(epoch FROM d) > 3", "1: a field of a date is not taken out here; write to_char(d, "
                                  "'YYYY'), or date_trunc('year', d)"},
    {"overlay(a placing 'x' from 2 for 3) = 'q'",
     "1: overlay is not among what cdcd evaluates; write left(s, 2) || x || substr(s, 5)"},
    {"position(a, b) = 2", "1: write position(x IN s), or strpos(s, x)"},
    {"d AT TIME ZONE 'UTC' > '2020-01-01'",
     "3: AT TIME ZONE is not among what cdcd evaluates; a lookup can do it"},
    {"a COLLATE \"C\" < 'x'", "3: COLLATE is not among what cdcd evaluates; a lookup can do it"},
    {"a = ANY('{1,2}')",
     "5: arrays are not among what cdcd evaluates; write IN (...), or a lookup"},
    {"a = ANY(b)", "5: arrays are not among what cdcd evaluates; write IN (...), or a lookup"},
    {"a = any(array[1,2])",
     "5: arrays are not among what cdcd evaluates; write IN (...), or a lookup"},
    {"a = some(select 1)", "5: a query cannot stand here; write it as the trigger's lookup"},
    {"array[1,2] = a", "1: arrays are not among what cdcd evaluates; write IN (...), or a lookup"},
    {"a[1] = 2", "2: arrays are not among what cdcd evaluates; a lookup can do it"},
    {"a[1:2] is null", "2: arrays are not among what cdcd evaluates; a lookup can do it"},
    {"ROW(a, b) = ROW(1, 2)", "1: rows, as in ROW(a, b), are not among what cdcd evaluates; "
                              "compare the columns one by one, joined by AND"},
    {"(a, b) = (1, 2)", "3: rows, as in (a, b), are not among what cdcd evaluates; compare the "
                        "columns one by one, joined by AND"},
    {"a ~ '^x'", "3: regular expressions are not among what cdcd evaluates; write LIKE, or a "
                 "lookup: SELECT 1 WHERE {c} ~ '...'"},
    {"a ~* '^x'", "3: regular expressions are not among what cdcd evaluates; write LIKE, or a "
                  "lookup: SELECT 1 WHERE {c} ~ '...'"},
    {"a !~ '^x'", "3: regular expressions are not among what cdcd evaluates; write LIKE, or a "
                  "lookup: SELECT 1 WHERE {c} ~ '...'"},
    {"a similar to 'x%'", "3: SIMILAR TO is not among what cdcd evaluates; LIKE, or a lookup, is"},
    {"a not similar to 'x%'",
     "3: SIMILAR TO is not among what cdcd evaluates; LIKE, or a lookup, is"},
    {"a < now()",
     "5: now is not of the row alone: what depends on the time or the session is for a lookup"},
    {"random() < 0.5",
     "1: random is not of the row alone: what depends on the time or the session is for a lookup"},
    {"d > current_date",
     "5: current_date is not of the row: what depends on the time or the session is for a lookup"},
    {"d > current_timestamp", "5: current_timestamp is not of the row: what depends on the time or "
                              "the session is for a lookup"},
    {"u = current_user",
     "5: current_user is not of the row: what depends on the time or the session is for a lookup"},
    {"a = (select 1)", "6: a query cannot stand here; write it as the trigger's lookup"},
    {"a in (select 1)", "7: a query cannot stand here; write it as the trigger's lookup"},
    {"exists (select 1)", "1: a query cannot stand here; write it as the trigger's lookup"},
    {"count(*) > 1", "1: count is of many rows, and here is one; write it as the trigger's lookup"},
    {"count(a) > 1", "1: count is of many rows, and here is one; write it as the trigger's lookup"},
    {"sum(a) > 1", "1: sum is of many rows, and here is one; write it as the trigger's lookup"},
    {"max(a) > 1", "1: max is of many rows, and here is one; write it as the trigger's lookup"},
    {"avg(a) > 3", "1: avg is of many rows, and here is one; write it as the trigger's lookup"},
    {"string_agg(a, ',') = 'x'",
     "1: string_agg is of many rows, and here is one; write it as the trigger's lookup"},
    {"row_number() over (order by a) = 1",
     "1: row_number is of many rows, and here is one; write it as the trigger's lookup"},
    {"sum(a) over () > 1",
     "1: sum is of many rows, and here is one; write it as the trigger's lookup"},
    {"count(*) filter (where a) > 1",
     "1: count is of many rows, and here is one; write it as the trigger's lookup"},
    {"count(distinct a) > 1",
     "1: count is of many rows, and here is one; write it as the trigger's lookup"},
    {"interval '1 day' > d", "1: interval is no type that cdcd evaluates; a lookup can cast to it"},
    {"d - interval '1 day' > e",
     "5: interval is no type that cdcd evaluates; a lookup can cast to it"},
    {"d + '1 day'::interval > e",
     "12: interval is no type that cdcd evaluates; a lookup can cast to it"},
    {"time '10:00' < d", "1: time is no type that cdcd evaluates; a lookup can cast to it"},
    {"a @> '{\"x\":1}'", "3: @> is none of the operators that cdcd evaluates; a lookup can use it"},
    {"a ? 'x'", "3: ? is none of the operators that cdcd evaluates; a lookup can use it"},
    {"a #>> '{x,y}' = 'z'",
     "3: #>> takes an array, which cdcd does not evaluate; write c -> 'a' ->> 'b'"},
    {"a::int[] = b", "7: arrays are not among what cdcd evaluates; a lookup can do it"},
    {"a::int4range = b", "2: int4range is no type that cdcd evaluates; a lookup can cast to it"},
    {"public.f(a) = 2", "1: functions are written without their schema, as in lower(c)"},
    {"regexp_replace(a, 'x', 'y') = 'z'",
     "1: regular expressions are not among what cdcd evaluates; write LIKE, or a lookup: SELECT 1 "
     "WHERE {c} ~ '...'"},
    {"regexp_match(a, 'x') is null", "1: regular expressions are not among what cdcd evaluates; "
                                     "write LIKE, or a lookup: SELECT 1 WHERE {c} ~ '...'"},
    {"date_part('year', d) = 2020", "1: a field of a date is not taken out here; write to_char(d, "
                                    "'YYYY'), or date_trunc('year', d)"},
    {"to_date(a, 'YYYY') = d",
     "1: to_date is none of the functions that cdcd evaluates; a lookup can call it"},
    {"to_timestamp(a) = d",
     "1: to_timestamp is none of the functions that cdcd evaluates; a lookup can call it"},
    {"age(d) > 3",
     "1: age is not of the row alone: what depends on the time or the session is for a lookup"},
    {"a ^ 2 = 4", "3: powers are not among what cdcd evaluates; write c * c, or a lookup"},
    {"a like any (array['x'])",
     "8: arrays are not among what cdcd evaluates; write IN (...), or a lookup"},
    {"grouping(a) = 1",
     "1: grouping is of many rows, and here is one; write it as the trigger's lookup"},
    {"nextval('x') > 1",
     "1: nextval is not of the row alone: what depends on the time or the session is for a lookup"},
    {"cast(a as int[]) is null",
     "14: arrays are not among what cdcd evaluates; a lookup can do it"},
    {"x'1f' = a", "1: a string of a sort that cdcd does not read; write '...' or E'...'"},
    {"b'101' = a", "1: a string of a sort that cdcd does not read; write '...' or E'...'"},
    {"u&'x' = a", "1: a string of a sort that cdcd does not read; write '...' or E'...'"},
    {"a is not distinct from any(b)",
     "24: arrays are not among what cdcd evaluates; write IN (...), or a lookup"},
    {"current_setting('x') = 'y'", "1: current_setting is not of the row alone: what depends on "
                                   "the time or the session is for a lookup"},
    {"substring(a similar 'x' escape '#') = 'x'",
     "13: SIMILAR TO is not among what cdcd evaluates; LIKE, or a lookup, is"},
    {"a overlaps b",
     "3: OVERLAPS is not among what cdcd evaluates; compare the dates with < and AND"},
    {"(a, b) overlaps (c, d)", "3: rows, as in (a, b), are not among what cdcd evaluates; compare "
                               "the columns one by one, joined by AND"},
};

static const char *after_position(const char *said)
{
    const char *before = "\": at position ";
    const char *at = strstr(said, before);
    return at ? at + strlen(before) : said;
}

static void what_cdcd_never_evaluates_is_named_with_what_to_do_instead(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_string_equal(
            after_position(row_offline(*state, refused[i][0], EXPRESSION_CONDITION)),
            refused[i][1]);
}

static void columns_may_be_called_as_functions_that_are_refused(void **state)
{
    static const char *const taken[] = {"count = 1", "max > min", "\"row\" = 2", "rank is null",
                                        "\"extract\" = overlay"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        assert_string_equal(row_offline(*state, taken[i], EXPRESSION_CONDITION), "taken");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, row_set_up, row_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_cdcd_never_evaluates_is_named_with_what_to_do_instead),
        TEST(columns_may_be_called_as_functions_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
