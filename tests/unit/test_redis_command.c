#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/redis_command.h"

#include <string.h>

/* The key's companion. */
static void expect_companion(const char *key, bool cluster, const char *companion)
{
    struct batch_op op = {.key = key, .key_len = (uint32_t)strlen(key)};
    struct buf out = {0};
    redis_companion(&out, &op, ":stale", cluster);
    assert_string_equal(buf_str(&out), companion);
    buf_free(&out);
}

static void a_companion_is_the_key_with_a_suffix(void **state)
{
    (void)state;
    expect_companion("page:1", false, "page:1:stale");
    expect_companion("{user:1}:page", false, "{user:1}:page:stale");
    expect_companion("", false, ":stale");
}

static void in_a_cluster_the_key_is_the_companions_hash_tag(void **state)
{
    (void)state;
    expect_companion("page:1", true, "{page:1}:stale");
    expect_companion("a{b", true, "{a{b}:stale");
}

static void a_hash_tag_of_the_keys_own_is_kept(void **state)
{
    (void)state;
    expect_companion("{user:1}:page", true, "{user:1}:page:stale");
    expect_companion("a{b}c{d", true, "a{b}c{d:stale");
    expect_companion("{{a}", true, "{{a}:stale");
}

static void an_empty_hash_tag_is_none(void **state)
{
    (void)state;
    expect_companion("a{}b", true, "{a{}b}:stale");
    expect_companion("{}{a}", true, "{{}{a}}:stale");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_companion_is_the_key_with_a_suffix),
        cmocka_unit_test(in_a_cluster_the_key_is_the_companions_hash_tag),
        cmocka_unit_test(a_hash_tag_of_the_keys_own_is_kept),
        cmocka_unit_test(an_empty_hash_tag_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
