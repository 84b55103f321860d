#include "base/mem.h"
#include "rule/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    struct template template;
    struct template_params params;
    struct err err;
    struct template_value values[TEMPLATE_MAX_PARAMS];
    struct template_scope scope;
    struct buf key;
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->arena = arena_make();
    f->scope.params = &f->params;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    buf_free(&f->key);
    free(f);
    return 0;
}

static int compile(struct fixture *f, const char *text)
{
    return template_compile(&f->template, f->arena, text, &f->scope, &f->err);
}

static void set(struct fixture *f, unsigned param, const char *text)
{
    f->values[param].value = (struct value){text, (uint32_t)strlen(text), VALUE_TEXT};
}

static const char *render(struct fixture *f)
{
    f->key.len = 0;
    assert_int_equal(template_render(&f->template, f->values, &f->key), TEMPLATE_TEXT);
    return buf_str(&f->key);
}

static void refuses(struct fixture *f, const char *text, const char *why)
{
    assert_int_equal(compile(f, text), -1);
    assert_int_equal(f->err.code, EX_CONFIG);
    assert_string_equal(f->err.text, why);
}

static void plain_text_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "home:version"), 0);
    assert_int_equal(f->template.n_parts, 1);
    assert_int_equal(f->template.n_params, 0);
    assert_string_equal(render(f), "home:version");
}

static void a_parameter_takes_its_value(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "a:{post_id}:b"), 0);
    assert_string_equal(f->params.names[0], "post_id");
    set(f, 0, "42");
    assert_string_equal(render(f), "a:42:b");
}

static void an_empty_value_is_a_value(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "a:{x}:b"), 0);
    set(f, 0, "");
    assert_string_equal(render(f), "a::b");
}

static void braces_in_a_value_are_no_parameters(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "{x}{y}"), 0);
    set(f, 0, "{y}");
    set(f, 1, "}}");
    assert_string_equal(render(f), "{y}}}");
}

static void doubled_braces_stand_for_braces(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "{{user:{user_id}}}:cart"), 0);
    set(f, 0, "9");
    assert_string_equal(render(f), "{user:9}:cart");
}

static void a_parameter_that_comes_twice_is_one(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "{a}{b}{a}"), 0);
    assert_int_equal(f->params.n, 2);
    assert_int_equal(f->template.n_params, 2);
    set(f, 0, "1");
    set(f, 1, "2");
    assert_string_equal(render(f), "121");
}

static void keys_of_a_cache_share_parameters(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "{a}"), 0);
    assert_int_equal(compile(f, "{b}{a}"), 0);
    assert_int_equal(f->params.n, 2);
    assert_int_equal(f->template.params[0], 1);
    assert_int_equal(f->template.params[1], 0);
}

static void names_keep_their_case(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "{userId}"), 0);
    assert_string_equal(f->params.names[0], "userId");
}

static void values_match_only_themselves_in_a_pattern(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "page:{x}:*"), 0);
    f->template.pattern = true;
    set(f, 0, "a*b?c[d]e\\");
    assert_string_equal(render(f), "page:a\\*b\\?c\\[d\\]e\\\\:*");
}

static void what_is_no_template_is_refused_with_its_position(void **state)
{
    struct fixture *f = *state;
    refuses(f, "ab{", "\"ab{\": the { at position 3 is not closed; write {{ for a brace");
    refuses(f, "{a{b}", "\"{a{b}\": the { at position 1 is not closed; write {{ for a brace");
    refuses(f, "a}", "\"a}\": the } at position 2 closes nothing; write }} for a brace");
    refuses(f, "{}", "\"{}\": the {} at position 1 names no column");
    refuses(f, "{1a}",
            "\"{1a}\": {1a} at position 1 is no name, of letters, digits and _; "
            "an expression has its place in bind");
}

static void more_parameters_than_a_cache_has_are_refused(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    for (int i = 0; i <= TEMPLATE_MAX_PARAMS; i++)
        buf_printf(&text, "{p%d}", i);
    refuses(f, buf_str(&text), "a cache has at most 32 key parameters");
    buf_free(&text);
}

static void an_element_of_each_is_put_in_at_once(void **state)
{
    struct fixture *f = *state;
    const struct template_binding each[] = {{"lang", "en"}, {"site", "a*"}};
    bool used[2] = {false};
    f->scope.each = each;
    f->scope.n_each = 2;
    f->scope.each_used = used;
    assert_int_equal(compile(f, "p:{lang|upper}:{id}:{lang}"), 0);
    assert_int_equal(f->params.n, 1);
    assert_true(used[0]);
    assert_false(used[1]);
    set(f, 0, "7");
    assert_string_equal(render(f), "p:EN:7:en");
}

static void an_element_that_its_filters_cannot_read_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct template_binding each[] = {{"lang", "Я"}};
    f->scope.each = each;
    f->scope.n_each = 1;
    refuses(f, "{lang|lower}",
            "\"{lang|lower}\": the text of lang is not for the filters of {lang|lower}");
}

static void elements_and_results_match_only_themselves_in_a_pattern(void **state)
{
    struct fixture *f = *state;
    const struct template_binding each[] = {{"site", "a*"}};
    const struct template_binding lets[] = {{"both", "{x}?"}};
    f->scope.each = each;
    f->scope.n_each = 1;
    f->scope.lets = lets;
    f->scope.n_lets = 1;
    assert_int_equal(compile(f, "[{site}]*{x|json}{both}"), 0);
    f->template.pattern = true;
    set(f, 0, "*");
    assert_string_equal(render(f), "[a\\*]*\"\\*\"\\*\\?");
}

static void set_lets(struct fixture *f, const struct template_binding *lets, unsigned n)
{
    f->scope.lets = lets;
    f->scope.n_lets = n;
}

static void a_let_is_a_template_of_its_own(void **state)
{
    struct fixture *f = *state;
    const struct template_binding lets[] = {
        {"who", "{name}:"}, {"vary", "{who}{id}:"}, {"unused", "{gone}"}};
    bool used[3] = {false};
    set_lets(f, lets, 3);
    f->scope.lets_used = used;
    assert_int_equal(compile(f, "template.cache.sidebar.{vary|md5}"), 0);
    assert_int_equal(f->template.n_params, 2);
    assert_true(used[0] && used[1] && !used[2]);
    set(f, 0, "ervilis");
    set(f, 1, "7");
    assert_string_equal(render(f), "template.cache.sidebar.3e3394dc05e022950ea697fe31df8107");
}

static void keys_of_frameworks_come_out_byte_for_byte(void **state)
{
    struct fixture *f = *state;
    const struct template_binding lets[] = {{"old", "{name|urlencode}:{id}"},
                                            {"netstrings", "7:{name},1:{id},"},
                                            {"none", ""},
                                            {"url", "http://example.com/{section}/"}};
    set_lets(f, lets, 4);
    assert_int_equal(compile(f, "{name}{id}{section}"), 0);
    set(f, 0, "ervilis");
    set(f, 1, "7");
    set(f, 2, "blog");
    assert_int_equal(compile(f, "template.cache.sidebar.{old|md5}"), 0);
    assert_string_equal(render(f), "template.cache.sidebar.57324cace77e006c3942e820d85533c1");
    assert_int_equal(compile(f, "template.cache.sidebar.{netstrings|md5}"), 0);
    assert_string_equal(render(f), "template.cache.sidebar.957812494e70c83a25cb644c96178016");
    assert_int_equal(compile(f, "template.cache.sidebar.{none|md5}"), 0);
    assert_string_equal(render(f), "template.cache.sidebar.d41d8cd98f00b204e9800998ecf8427e");
    assert_int_equal(compile(f, "views.decorators.cache.cache_header..{url|md5}.en-us.UTC"), 0);
    assert_string_equal(render(f), "views.decorators.cache.cache_header.."
                                   "3cb35933a0d4541ebf160b8a5c5d0595.en-us.UTC");
}

static void a_let_cannot_take_itself_or_one_after_it(void **state)
{
    struct fixture *f = *state;
    const struct template_binding lets[] = {{"a", "{b}"}, {"b", "{b}"}};
    set_lets(f, lets, 2);
    refuses(f, "{a}",
            "\"{a}\": let a, \"{b}\": {b} is a let that is not written before this one; a let "
            "takes those before it");
    refuses(f, "{b}",
            "\"{b}\": let b, \"{b}\": {b} is a let that is not written before this one; a let "
            "takes those before it");
}

static void what_is_wrong_in_a_let_is_said_of_it(void **state)
{
    struct fixture *f = *state;
    const struct template_binding lets[] = {{"a", "x}"}};
    set_lets(f, lets, 1);
    refuses(f, "{a|md5}",
            "\"{a|md5}\": let a, \"x}\": the } at position 2 closes nothing; write }} for a "
            "brace");
}

static void lets_that_multiply_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h",
                                        "i", "j", "k", "l", "m", "n", "o"};
    struct template_binding lets[15] = {{"a", "{p}{p}"}};
    for (int i = 1; i < 15; i++) {
        lets[i].name = names[i];
        lets[i].text = arena_printf(f->arena, "{%s}{%s}", names[i - 1], names[i - 1]);
    }
    set_lets(f, lets, 15);
    assert_int_equal(compile(f, "{h}"), 0);
    assert_int_equal(compile(f, "{o}"), -1);
    assert_non_null(strstr(f->err.text, "lets within lets make more than 4096 parts"));
}

static void lets_that_stand_deep_are_refused(void **state)
{
    struct fixture *f = *state;
    struct template_binding lets[40] = {{"l0", "{p}"}};
    for (int i = 1; i < 40; i++) {
        lets[i].name = arena_printf(f->arena, "l%d", i);
        lets[i].text = arena_printf(f->arena, "{l%d}", i - 1);
    }
    set_lets(f, lets, 40);
    assert_int_equal(compile(f, "{l15}"), 0);
    assert_int_equal(compile(f, "{l39}"), -1);
    assert_non_null(strstr(f->err.text, "more than 16 deep"));
}

static enum template_outcome outcome_of(struct fixture *f)
{
    f->key.len = 0;
    buf_put_str(&f->key, "kept");
    enum template_outcome outcome = template_render(&f->template, f->values, &f->key);
    if (outcome != TEMPLATE_TEXT)
        assert_string_equal(buf_str(&f->key), "kept");
    return outcome;
}

static void null_decides_over_what_was_not_sent(void **state)
{
    struct fixture *f = *state;
    const struct template_binding lets[] = {{"l", "x{a}{b}"}};
    set_lets(f, lets, 1);
    f->values[0].value.kind = VALUE_ABSENT;
    f->values[1].value.kind = VALUE_NULL;
    assert_int_equal(compile(f, "k{a}{b}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_NULL);
    assert_int_equal(compile(f, "k{l|md5}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_NULL);
    assert_int_equal(compile(f, "k{a}{b|default:\"x\"}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_IN_DOUBT);
    f->template.pattern = true;
    assert_int_equal(outcome_of(f), TEMPLATE_IN_DOUBT);
    f->values[0].value.kind = VALUE_UNCHANGED;
    f->values[1].value = (struct value){"1", 1, VALUE_TEXT};
    assert_int_equal(compile(f, "k{b}{l|default:\"x\"}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_IN_DOUBT);
}

static void a_default_of_a_let_is_for_its_nulls(void **state)
{
    struct fixture *f = *state;
    const struct template_binding lets[] = {{"l", "x{a}"}};
    set_lets(f, lets, 1);
    f->values[0].value.kind = VALUE_NULL;
    assert_int_equal(compile(f, "{l|default:\"none\"}"), 0);
    assert_string_equal(render(f), "none");
}

static void what_no_store_takes_is_in_doubt(void **state)
{
    struct fixture *f = *state;
    struct buf large = {0};
    size_t n = (size_t)90 << 20;
    memset(buf_room(&large, n), 1, n);
    f->values[0].value = (struct value){large.data, (uint32_t)n, VALUE_TEXT};
    assert_int_equal(compile(f, "{v|json}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_IN_DOUBT);
    assert_int_equal(compile(f, "{v}{v}{v}{v}{v}{v}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_IN_DOUBT);
    assert_int_equal(compile(f, "{v|md5}"), 0);
    assert_int_equal(outcome_of(f), TEMPLATE_TEXT);
    buf_free(&large);
}

static void the_row_is_json_and_no_column(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(compile(f, "{row|json}{row}{row|md5}{row|json|md5}"), 0);
    assert_int_equal(f->params.n, 2);
    assert_true(f->params.is_row[0]);
    assert_false(f->params.is_row[1]);
    set(f, 0, "{\"a\":1}");
    set(f, 1, "r");
    assert_string_equal(render(f), "{\"a\":1}r4b43b0aee35624cd95b910189b3dc231"
                                   "bb6cb5c68df4652941caf652a366f2d8");
}

static void a_row_has_its_columns_in_their_order(void **state)
{
    struct fixture *f = *state;
    const struct column columns[] = {{.name = "id", .type = 23},
                                     {.name = "a\"b", .type = 25},
                                     {.name = "seen", .type = 16},
                                     {.name = "x", .type = 701},
                                     {.name = "none", .type = 23}};
    const struct relation relation = {.columns = columns, .n_columns = 5};
    struct value row[] = {{"7", 1, VALUE_TEXT},
                          {"7", 1, VALUE_TEXT},
                          {"t", 1, VALUE_TEXT},
                          {"NaN", 3, VALUE_TEXT},
                          {.kind = VALUE_NULL}};
    struct change change = {.op = CHANGE_INSERT, .relation = &relation, .new_row = row};
    assert_true(template_put_row(&change, IMAGE_NEW, &f->key));
    assert_string_equal(buf_str(&f->key),
                        "{\"id\":7,\"a\\\"b\":\"7\",\"seen\":true,\"x\":\"NaN\",\"none\":null}");
    f->key.len = 0;
    row[3].kind = VALUE_UNCHANGED;
    assert_false(template_put_row(&change, IMAGE_NEW, &f->key));
    assert_int_equal(f->key.len, 0);
}

static void what_it_finds_is_told_without_values(void **state)
{
    struct fixture *f = *state;
    const struct template_binding each[] = {{"lang", "e*"}};
    f->scope.each = each;
    f->scope.n_each = 1;
    assert_int_equal(compile(f, "p:{lang}:{id|md5}:z?"), 0);
    template_put_match(&f->template, &f->key);
    assert_string_equal(buf_str(&f->key), "p:e\\*:*:z\\?");
    f->key.len = 0;
    template_put_head(&f->template, &f->key);
    assert_string_equal(buf_str(&f->key), "p:e*:");
    f->key.len = 0;
    template_put_listed(&f->template, &f->key);
    assert_string_equal(buf_str(&f->key), "p:e*:{id|md5}:z?");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(plain_text_stays_as_it_is),
        TEST(a_parameter_takes_its_value),
        TEST(an_empty_value_is_a_value),
        TEST(braces_in_a_value_are_no_parameters),
        TEST(doubled_braces_stand_for_braces),
        TEST(a_parameter_that_comes_twice_is_one),
        TEST(keys_of_a_cache_share_parameters),
        TEST(names_keep_their_case),
        TEST(values_match_only_themselves_in_a_pattern),
        TEST(what_is_no_template_is_refused_with_its_position),
        TEST(more_parameters_than_a_cache_has_are_refused),
        TEST(an_element_of_each_is_put_in_at_once),
        TEST(an_element_that_its_filters_cannot_read_is_refused),
        TEST(elements_and_results_match_only_themselves_in_a_pattern),
        TEST(a_let_is_a_template_of_its_own),
        TEST(keys_of_frameworks_come_out_byte_for_byte),
        TEST(a_let_cannot_take_itself_or_one_after_it),
        TEST(what_is_wrong_in_a_let_is_said_of_it),
        TEST(lets_that_multiply_are_refused),
        TEST(lets_that_stand_deep_are_refused),
        TEST(null_decides_over_what_was_not_sent),
        TEST(a_default_of_a_let_is_for_its_nulls),
        TEST(what_no_store_takes_is_in_doubt),
        TEST(the_row_is_json_and_no_column),
        TEST(a_row_has_its_columns_in_their_order),
        TEST(what_it_finds_is_told_without_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
