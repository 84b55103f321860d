#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/http_request.h"

#include <string.h>

static void assert_path(const char *key, const char *path)
{
    struct buf out = {0};
    http_put_path(&out, key, strlen(key));
    assert_string_equal(buf_str(&out), path);
    buf_free(&out);
}

static void assert_match(const char *pattern, bool in_path, const char *expression)
{
    struct buf out = {0};
    http_put_match(&out, pattern, strlen(pattern), in_path);
    assert_string_equal(buf_str(&out), expression);
    buf_free(&out);
}

static void a_key_stands_in_the_path_as_it_is(void **state)
{
    (void)state;
    assert_path("/post/1", "/post/1");
    assert_path("/list?page=2&by=%D0%B0", "/list?page=2&by=%D0%B0");
    assert_path("/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@");
    assert_path("/100%", "/100%");
    assert_path("//a", "//a");
}

static void a_key_without_a_slash_gets_one(void **state)
{
    (void)state;
    assert_path("post:1", "/post:1");
    assert_path("", "/");
    assert_path("%2F", "/%2F");
}

static void what_may_not_stand_in_a_path_is_written_in_hex(void **state)
{
    (void)state;
    assert_path("/a b", "/a%20b");
    assert_path("/a\r\nX: y", "/a%0D%0AX:%20y");
    assert_path("/\xc3\xa9\x7f", "/%C3%A9%7F");
    assert_path("/\"#<>[\\]^`{|}", "/%22%23%3C%3E%5B%5C%5D%5E%60%7B%7C%7D");
}

static void a_byte_of_zero_is_written_in_hex_too(void **state)
{
    struct buf out = {0};
    (void)state;
    http_put_path(&out, "/a\0b", 4);
    assert_string_equal(buf_str(&out), "/a%00b");
    buf_free(&out);
}

static void a_match_is_of_the_whole_path(void **state)
{
    (void)state;
    assert_match("/page/*", true, "^/page/.*$");
    assert_match("page:*:end", true, "^/page:.*:end$");
    assert_match("/a**b", true, "^/a.*b$");
    assert_match("", true, "^/$");
    assert_match("/a.b+c", true, "^/a\\.b\\+c$");
    assert_match("\\/a\\*", true, "^/a\\*$");
    assert_match("\\*a", true, "^/\\*a$");
    assert_match("/a b\xc3\xa9", true, "^/a%20b%C3%A9$");
}

static void a_match_that_may_begin_with_the_slash_needs_none(void **state)
{
    (void)state;
    assert_match("*", true, "^/?.*$");
    assert_match("?a", true, "^/?(?:%[0-9A-F]{2}|.)a$");
}

static void a_set_of_a_match_is_a_set(void **state)
{
    (void)state;
    assert_match("/[a-c]", true, "^/(?:%[0-9A-F]{2}|[\\x61-\\x63])$");
    assert_match("/[^c-a\\]]", true, "^/(?:%[0-9A-F]{2}|[^\\x61-\\x63\\x5d-\\x5d])$");
    assert_match("/[]a", true, "^/(?!)a$");
    assert_match("/[^]a", true, "^/(?:%[0-9A-F]{2}|.)a$");
    assert_match("/[ab", true, "^/(?:%[0-9A-F]{2}|[\\x61-\\x61\\x62-\\x62])$");
    assert_match("/a\\", true, "^/a%5C$");
}

static void a_match_of_a_header_is_of_one_word_of_it(void **state)
{
    (void)state;
    assert_match("post-*", false, "(?:^|[\\x20\\x09,])post-[^\\x20\\x09,]*(?:$|[\\x20\\x09,])");
    assert_match("a?[^b]\"", false,
                 "(?:^|[\\x20\\x09,])a[^\\x20\\x09,](?:[^\\x62-\\x62\\x20\\x09,])\\x22"
                 "(?:$|[\\x20\\x09,])");
}

/* A VCL joins it into a condition whose words blanks part. */
static void no_byte_of_a_match_is_blank_or_ends_the_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 512; i++) {
        char pattern[] = {'/', (char)i, '[', (char)i, ']'};
        struct buf out = {0};
        http_put_match(&out, pattern, sizeof pattern, i < 256);
        for (size_t at = 0; at < out.len; at++)
            assert_true(out.data[at] > ' ' && out.data[at] < 127 && out.data[at] != '"');
        buf_free(&out);
    }
}

static void words_of_http_are_told_from_others(void **state)
{
    (void)state;
    assert_true(http_is_token("PURGE") && http_is_token("xkey-purge") && http_is_token("X_1"));
    assert_false(http_is_token("") || http_is_token("a b") || http_is_token("a:") ||
                 http_is_token("a\r") || http_is_token("\xc3\xa9") || http_is_token("a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_stands_in_the_path_as_it_is),
        cmocka_unit_test(a_key_without_a_slash_gets_one),
        cmocka_unit_test(what_may_not_stand_in_a_path_is_written_in_hex),
        cmocka_unit_test(a_byte_of_zero_is_written_in_hex_too),
        cmocka_unit_test(a_match_is_of_the_whole_path),
        cmocka_unit_test(a_match_that_may_begin_with_the_slash_needs_none),
        cmocka_unit_test(a_set_of_a_match_is_a_set),
        cmocka_unit_test(a_match_of_a_header_is_of_one_word_of_it),
        cmocka_unit_test(no_byte_of_a_match_is_blank_or_ends_the_line),
        cmocka_unit_test(words_of_http_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
