#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store.h"

#include <string.h>

static const char *const two[] = {"http://a", "htp://b"};

static const struct {
    const char *says;
    struct store_opts opts;
} wrong[] = {
    {"has no url", {.method = "PURGE"}},
    {"has url and urls", {.method = "PURGE", .url = "http://h", .urls = two, .n_urls = 1}},
    {"\"htp://b\": the url is of no known kind", {.method = "PURGE", .urls = two, .n_urls = 2}},
    {"has a path, and the key is the path; set prefix = \"/purge\"",
     {.method = "PURGE", .url = "http://h/purge"}},
    {"a user stands in the url", {.method = "PURGE", .url = "http://u:p@h/"}},
    {"is no method", {.method = "PUR GE", .url = "http://h"}},
    {"is no method", {.method = "", .url = "http://h"}},
    {"clears nothing", {.method = "CONNECT", .url = "http://h"}},
    {"is no host", {.method = "PURGE", .url = "http://h", .host = "a\r\nb"}},
    {"is no host", {.method = "PURGE", .url = "http://h", .host = ""}},
    {"is no name of a header", {.method = "PURGE", .url = "http://h", .header = "xkey:"}},
    {"has a meaning of its own", {.method = "PURGE", .url = "http://h", .header = "HOST"}},
    {"are not for http", {.method = "PURGE", .url = "http://h", .user = "joe"}},
    {"are not for http", {.method = "PURGE", .url = "http://h", .password_file = "/x"}},
    {"is for memcached", {.method = "PURGE", .url = "http://h", .selector = "all"}},
    {"is for memcached", {.method = "PURGE", .url = "http://h", .servers = two, .n_servers = 1}},
    {"are for redis", {.method = "PURGE", .url = "http://h", .master = "m"}},
};

static void settings_that_make_no_sense_are_complained_about(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct complaints complaints = {0};
        struct store_opts opts = wrong[i].opts;
        opts.name = "edge";
        assert_int_equal(store_driver("http")->check(&opts, &complaints), 1);
        assert_int_equal(complaints.n, 1);
        if (!strstr(complaints.list[0].text, wrong[i].says))
            fail_msg("not said: %s, but: %s", wrong[i].says, complaints.list[0].text);
        complaints_free(&complaints);
    }
}

static void settings_that_make_sense_are_not(void **state)
{
    const struct store_opts good[] = {
        {.method = "PURGE", .url = "http://127.0.0.1:6081"},
        {.method = "BAN", .url = "http://[::1]:6081/", .host = "www.example.org:8080"},
        {.method = "GET", .url = "unix:///run/varnish.sock", .header = "xkey-purge"},
        {.method = "PURGE", .url = "http://h/any", .header = "xkey-purge"},
        {.method = "PURGE", .urls = two, .n_urls = 1},
    };
    struct complaints complaints = {0};
    (void)state;
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(store_driver("http")->check(&good[i], &complaints), 0);
    complaints_free(&complaints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_make_no_sense_are_complained_about),
        cmocka_unit_test(settings_that_make_sense_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
