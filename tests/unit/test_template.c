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
    refuses(f, "{1a}", "\"{1a}\": {1a} at position 1 is no name; it has letters, digits and _");
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
