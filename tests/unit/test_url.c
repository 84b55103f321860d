#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/url.h"

#include <stdio.h>
#include <string.h>

/* What a url says, as "name db user", or what is wrong with it. */
static const char *redis(const char *url)
{
    static char text[1200];
    struct redis_url parsed;
    struct err err;
    if (url_parse_redis(url, &parsed, &err) < 0)
        return strcpy(text, err.text);
    snprintf(text, sizeof text, "%s %u %s%s", parsed.address.name, parsed.db, parsed.user,
             parsed.tls ? " tls" : "");
    return text;
}

static const char *server(const char *name)
{
    static char text[1200];
    struct url_server parsed;
    struct err err;
    if (url_parse_weighted(name, &parsed, &err) < 0)
        return strcpy(text, err.text);
    snprintf(text, sizeof text, "%s%s%s", parsed.alias, *parsed.alias ? "=" : "",
             parsed.address.name);
    return text;
}

/* "name tls host path" of the url of an HTTP cache, or what is wrong with it. */
static const char *http(const char *url)
{
    static char text[1200];
    struct http_url parsed;
    struct err err;
    if (url_parse_http(url, &parsed, &err) < 0)
        return strcpy(text, err.text);
    snprintf(text, sizeof text, "%s %d %s %s", parsed.address.name, parsed.tls, parsed.host,
             parsed.path);
    return text;
}

static void assert_begins(const char *text, const char *with)
{
    if (strncmp(text, with, strlen(with)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", text, with);
}

static void a_redis_url_names_host_port_database_and_user(void **state)
{
    (void)state;
    assert_string_equal(redis("redis://127.0.0.1:7000/3"), "127.0.0.1:7000 3 ");
    assert_string_equal(redis("redis://cache.example.org"), "cache.example.org:6379 0 ");
    assert_string_equal(redis("redis://h/"), "h:6379 0 ");
    assert_string_equal(redis("redis://joe%40x@h:1/2"), "h:1 2 joe@x");
    assert_string_equal(redis("redis://[::1]:7000/1"), "[::1]:7000 1 ");
    assert_string_equal(redis("redis://[fe80::1]"), "[fe80::1]:6379 0 ");
}

static void a_rediss_url_is_a_redis_url_with_tls(void **state)
{
    (void)state;
    assert_string_equal(redis("rediss://joe@cache.example.org/2"),
                        "cache.example.org:6379 2 joe tls");
    assert_string_equal(redis("rediss://[::1]:6380"), "[::1]:6380 0  tls");
    assert_begins(redis("rediss://"), "the host is missing; write ");
    assert_begins(redis("rediss://u:secret@h"), "a password stands in the url");
}

static void a_unix_url_names_path_and_database(void **state)
{
    (void)state;
    assert_string_equal(redis("unix:///run/redis/redis.sock?db=4"), "/run/redis/redis.sock 4 ");
    assert_string_equal(redis("unix:///a%20b"), "/a b 0 ");
    assert_string_equal(redis("unix://joe@/r.sock"), "/r.sock 0 joe");
}

static void a_bad_redis_url_is_told_what_to_do(void **state)
{
    (void)state;
    assert_begins(redis("http://h"), "the url is of no known kind; write ");
    assert_begins(redis("redis://"), "the host is missing; write ");
    assert_begins(redis("redis://h:0"), "the port is no number from 1 to 65535; ");
    assert_begins(redis("redis://h:65536"), "the port is no number from 1 to 65535; ");
    assert_begins(redis("redis://h:99999999999999999999"), "the port is no number");
    assert_begins(redis("redis://h:"), "the port is no number");
    assert_begins(redis("redis://h:1x"), "the url does not end after the port; ");
    assert_begins(redis("redis://h:1/x"), "the database in the url is no number; ");
    assert_begins(redis("redis://h:1/0?x"), "the database in the url is no number; ");
    assert_begins(redis("redis://::1"), "the host is missing; ");
    assert_begins(redis("redis://[::1"), "a bracket is open; ");
    assert_begins(redis("redis://a b"), "the host holds a character");
    assert_begins(redis("redis://u%zz@h"), "the user in the url");
    assert_begins(redis("redis://u%4@h"), "the user in the url");
    assert_begins(redis("redis://u%00x@h"), "the user in the url");
    assert_begins(redis("unix://relative.sock"), "the path of a unix socket must be absolute; ");
    assert_begins(redis("unix://"), "the path of a unix socket must be absolute; ");
    assert_begins(redis("unix:///a?x=1"), "the url has an unknown parameter; ");
    assert_begins(redis("unix:///a?db="), "the database in the url is no number; ");
}

static void a_password_in_a_url_is_refused_and_not_repeated(void **state)
{
    (void)state;
    assert_begins(redis("redis://:hunter2@h"), "a password stands in the url");
    assert_begins(redis("unix://u:hunter2@/r.sock"), "a password stands in the url");
    assert_null(strstr(redis("redis://u:hunter2@h"), "hunter2"));
    assert_non_null(strstr(redis("redis://u:hunter2@h"), "password_file"));
}

static void a_path_has_at_most_107_bytes(void **state)
{
    char url[200] = "unix:///";
    (void)state;
    memset(url + 8, 'x', 106);
    assert_begins(redis(url), "/xxx");
    url[8 + 106] = 'x';
    assert_begins(redis(url), "the path of a unix socket is longer than 107 bytes");
}

static void a_memcached_server_is_a_host_or_a_path(void **state)
{
    (void)state;
    assert_string_equal(server("10.0.0.1:11212"), "10.0.0.1:11212");
    assert_string_equal(server("10.0.0.1:11212:5"), "10.0.0.1:11212");
    assert_string_equal(server("mc1"), "mc1:11211");
    assert_string_equal(server("[::1]:11211"), "[::1]:11211");
    assert_string_equal(server("unix:/run/mc.sock"), "/run/mc.sock");
    assert_string_equal(server("mc1/10.0.0.1:11212"), "mc1=10.0.0.1:11212");
    assert_begins(server("/10.0.0.1"), "the host is missing; ");
    assert_begins(server(""), "the host is missing; ");
    assert_begins(server("h:0"), "the port is no number");
    assert_begins(server("h:1:0"), "the weight is no number from 1 to 65535; ");
    assert_begins(server("h:1:x"), "the weight is no number");
    assert_begins(server("h:1/x"), "a server does not end after its port; ");
    assert_begins(server("unix:mc.sock"), "the path of a unix socket must be absolute; ");
}

static void an_http_url_names_server_host_and_path(void **state)
{
    (void)state;
    assert_string_equal(http("http://127.0.0.1:6081"), "127.0.0.1:6081 0 127.0.0.1:6081 /");
    assert_string_equal(http("http://www.example.org"), "www.example.org:80 0 www.example.org /");
    assert_string_equal(http("http://[::1]:81/a?b"), "[::1]:81 0 [::1]:81 /a?b");
    assert_string_equal(http("https://h/"), "h:443 1 h /");
    assert_string_equal(http("unix:///run/varnish.sock"), "/run/varnish.sock 0 localhost /");
}

static void a_bad_http_url_is_told_what_to_do(void **state)
{
    char url[400] = "http://h/";
    (void)state;
    assert_begins(http("ftp://h"), "the url is of no known kind; write http://host:port");
    assert_begins(http(""), "the url is of no known kind");
    assert_begins(http("http://"), "the host is missing");
    assert_begins(http("http://u:p@h"), "a user stands in the url");
    assert_begins(http("http://h:0"), "the port is no number");
    assert_begins(http("http://h?x"), "the url does not end after the port");
    assert_begins(http("http://h/a b"), "the path of the url holds a character");
    assert_begins(http("http://h/#a"), "the path of the url holds a character");
    assert_begins(http("http://h\r\nX: y/"), "the host holds a character");
    assert_begins(http("unix://varnish.sock"), "the path of a unix socket must be absolute");
    memset(url + 9, 'x', 300);
    assert_begins(http(url), "the path of the url is longer than 255 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redis_url_names_host_port_database_and_user),
        cmocka_unit_test(a_rediss_url_is_a_redis_url_with_tls),
        cmocka_unit_test(a_unix_url_names_path_and_database),
        cmocka_unit_test(a_bad_redis_url_is_told_what_to_do),
        cmocka_unit_test(a_password_in_a_url_is_refused_and_not_repeated),
        cmocka_unit_test(a_path_has_at_most_107_bytes),
        cmocka_unit_test(a_memcached_server_is_a_host_or_a_path),
        cmocka_unit_test(an_http_url_names_server_host_and_path),
        cmocka_unit_test(a_bad_http_url_is_told_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
