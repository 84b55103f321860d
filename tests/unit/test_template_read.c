/* From a key back to the values of its template. */
#include "base/mem.h"
#include "rule/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is read, as "written=text;..."; "no" when the text is none of the template's. */
static void reads_as(const char *template_text, const char *text, const char *expected)
{
    static const struct template_binding lets[] = {{"vary", "{username}:"}};
    static const struct template_binding each[] = {{"lang", "en"}};
    struct arena *arena = arena_make();
    struct template_params params = {0};
    struct template_scope scope = {
        .params = &params, .each = each, .n_each = 1, .lets = lets, .n_lets = 1};
    struct template template = {0};
    struct template_reading *readings;
    struct err err = {0};
    struct buf all = {0};
    unsigned n;
    assert_int_equal(template_compile(&template, arena, template_text, &scope, &err), 0);
    bool good = template_read(&template, text, strlen(text), &readings, &n);
    for (unsigned i = 0; i < n && good; i++)
        buf_printf(&all, "%s=%.*s;", readings[i].written, (int)readings[i].len, readings[i].text);
    assert_string_equal(good ? buf_str(&all) : "no", expected);
    free(readings);
    buf_free(&all);
    arena_free(arena);
}

static void a_literal_is_itself_alone(void **state)
{
    (void)state;
    reads_as("posts", "posts", "");
    reads_as("posts", "posts:1", "no");
    reads_as("posts", "post", "no");
    reads_as("page:{lang}", "page:en", "");
    reads_as("page:{lang}", "page:ru", "no");
}

static void values_stand_between_literals(void **state)
{
    (void)state;
    reads_as("post:{id}", "post:7", "id=7;");
    reads_as("post:{id}", "post:", "id=;");
    reads_as("post:{id}", "posts:7", "no");
    reads_as("{{user:{user_id}}}:cart", "{user:9}:cart", "user_id=9;");
    reads_as("{a}:{b}:end", "1:2:3:end", "a=1;b=2:3;");
    reads_as("{a}:{b}:end", "1:2:3:ends", "no");
}

static void a_value_that_stands_twice_is_the_same(void **state)
{
    (void)state;
    reads_as("{id}:x:{id}", "7:x:7", "id=7;id=7;");
    reads_as("{id}:x:{id}", "7:x:8", "no");
}

static void a_filter_tells_what_its_value_looks_like(void **state)
{
    (void)state;
    reads_as("f.{vary|md5}", "f.4d98949ef9537b7163ffae62180b8aa2",
             "vary|md5=4d98949ef9537b7163ffae62180b8aa2;");
    reads_as("f.{vary|md5}", "f.4d98949ef9537b7163ffae62180b8aa", "no");
    reads_as("f.{vary|md5}", "f.4d98949ef9537b7163ffae62180b8aax", "no");
    reads_as("{id|crc32}{id}", "0000abcd7", "id|crc32=0000abcd;id=7;");
    reads_as("{slug|urlencode}", "a%20b", "slug|urlencode=a%20b;");
    reads_as("{slug|urlencode}", "a b", "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_itself_alone),
        cmocka_unit_test(values_stand_between_literals),
        cmocka_unit_test(a_value_that_stands_twice_is_the_same),
        cmocka_unit_test(a_filter_tells_what_its_value_looks_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
