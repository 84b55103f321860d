#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/selector.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#define N_KEYS 5

static struct url_server parse(const char *text)
{
    struct url_server server;
    struct err err;
    if (url_parse_weighted(text, &server, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return server;
}

/* Servers are divided by blanks. */
static struct selector *make_with_prefix(const char *name, const char *list, const char *prefix)
{
    struct url_server servers[8];
    struct err err;
    unsigned n = 0;
    char words[512];
    snprintf(words, sizeof words, "%s", list);
    for (char *rest, *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        servers[n++] = parse(word);
    struct selector *selector = selector_make(name, servers, n, prefix, &err);
    if (!selector)
        fail_msg("%s: %s", name, err.text);
    return selector;
}

static struct selector *make(const char *name, const char *list)
{
    return make_with_prefix(name, list, NULL);
}

static unsigned choose(const struct selector *selector, const char *key)
{
    return selector_choose(selector, key, strlen(key));
}

static void every_selector_meets_its_vectors(void **state)
{
    static const char servers[] = "10.0.0.1:11211 10.0.0.2:11211 10.0.0.3:11212";
    static const char *const keys[N_KEYS] = {
        "foo", ":1:noticia_42", ":1:user:7",
        "myapp:2:template.cache.sidebar.d41d8cd98f00b204e9800998ecf8427e", "views/products/5"};
    static const struct {
        const char *name;
        unsigned chosen[N_KEYS];
    } vectors[] = {
        {"python-memcached", {1, 0, 2, 1, 0}}, {"pymemcache", {0, 2, 0, 1, 2}},
        {"modulo", {0, 2, 2, 2, 0}},           {"ketama", {1, 0, 0, 0, 1}},
        {"ketama-plain", {1, 2, 0, 0, 1}},     {"dalli", {1, 2, 0, 0, 1}},
        {"pecl-memcache", {0, 0, 0, 2, 0}},    {"gomemcache", {2, 2, 0, 0, 1}},
        {"spymemcached", {0, 0, 2, 0, 1}},     {"spymemcached-ketama", {1, 0, 0, 0, 1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct selector *selector = make(vectors[i].name, servers);
        for (unsigned k = 0; k < N_KEYS; k++)
            if (choose(selector, keys[k]) != vectors[i].chosen[k])
                fail_msg("%s puts %s on %u", vectors[i].name, keys[k], choose(selector, keys[k]));
        selector_free(selector);
    }
}

static void assert_chosen(const char *name, const char *servers, const unsigned chosen[N_KEYS])
{
    static char k250[251];
    const char *const keys[N_KEYS] = {"\u00e9", "\U0001f600abc", k250, "a",
                                      "\u043d\u043e\u0432\u043e\u0441\u0442\u044c_7"};
    memset(k250, 'k', 250);
    struct selector *selector = make(name, servers);
    for (unsigned k = 0; k < N_KEYS; k++)
        if (choose(selector, keys[k]) != chosen[k])
            fail_msg("%s puts %s on %u", name, keys[k], choose(selector, keys[k]));
    selector_free(selector);
}

/* As the clients themselves choose: the weights are passed over by those that know none. */
static void weights_and_letters_count_as_they_do_for_the_client(void **state)
{
    static const char weighted[] = "10.0.0.1:11211:1 10.0.0.2:11211:3 10.0.0.3:11212:2";
    static const struct {
        const char *name;
        unsigned chosen[N_KEYS];
    } vectors[] = {
        {"modulo", {2, 2, 1, 0, 0}},       {"ketama", {0, 1, 1, 1, 2}},
        {"ketama-plain", {1, 2, 2, 2, 1}}, {"dalli", {2, 1, 1, 0, 0}},
        {"gomemcache", {2, 2, 0, 0, 1}},   {"spymemcached", {2, 1, 2, 1, 0}},
        {"pymemcache", {2, 0, 1, 1, 1}},   {"python-memcached", {0, 2, 2, 2, 2}},
    };
    static const unsigned unweighted[N_KEYS] = {0, 0, 0, 2, 2};
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_chosen(vectors[i].name, weighted, vectors[i].chosen);
    assert_chosen("spymemcached-ketama", "10.0.0.1 10.0.0.2 10.0.0.3:11212", unweighted);
}

static void a_prefix_that_is_not_hashed_is_left_out(void **state)
{
    struct selector *with = make_with_prefix("modulo", "a b c d e", "app:");
    struct selector *without = make("modulo", "a b c d e");
    unsigned n_other = 0;
    char key[32];
    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "app:%d", i);
        assert_int_equal(choose(with, key), choose(without, key + 4));
        assert_int_equal(choose(with, key + 1), choose(without, key + 1));
        n_other += choose(without, key) != choose(without, key + 4);
    }
    assert_true(n_other > 50);
    selector_free(with);
    selector_free(without);
}

static const char *const choosing[] = {
    "ketama", "ketama-plain", "modulo",        "python-memcached", "pymemcache",
    "dalli",  "gomemcache",   "pecl-memcache", "spymemcached",     "spymemcached-ketama"};

#define N_CHOOSING (sizeof choosing / sizeof *choosing)

static void a_single_server_has_every_key_and_is_never_ejected(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CHOOSING; i++) {
        struct selector *selector = make(choosing[i], "10.0.0.1:11212:3");
        assert_int_equal(choose(selector, "foo"), 0);
        assert_int_equal(choose(selector, ""), 0);
        assert_false(selector_ejects(selector));
        selector_free(selector);
    }
}

static void any_bytes_are_a_key(void **state)
{
    static const char bytes[] = "\xff\x00\xc3\xed\xa0\x80\xf4\x90\x80\x80\xc3";
    (void)state;
    for (size_t i = 0; i < N_CHOOSING; i++) {
        struct selector *selector = make(choosing[i], "10.0.0.1 10.0.0.2 10.0.0.3");
        for (size_t n = 0; n < sizeof bytes; n++)
            assert_true(selector_choose(selector, bytes, n) < 3);
        selector_free(selector);
    }
}

static void every_server_may_have_a_key_unless_a_client_is_named(void **state)
{
    struct selector *selector = make(NULL, "10.0.0.1 mc2/10.0.0.2");
    (void)state;
    assert_int_equal(choose(selector, "foo"), STORE_EVERY);
    assert_false(selector_ejects(selector));
    selector_free(selector);
}

static void java_hashes_the_name_that_it_was_given(void **state)
{
    struct selector *named = make("spymemcached-ketama", "mc1/10.0.0.1 mc2/10.0.0.2 mc3/10.0.0.3");
    struct selector *numbers = make("spymemcached-ketama", "10.0.0.1 10.0.0.2 10.0.0.3");
    unsigned n_other = 0;
    char key[16];
    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "%d", i);
        n_other += choose(named, key) != choose(numbers, key);
    }
    assert_true(n_other > 20);
    selector_free(named);
    selector_free(numbers);
}

static void what_cannot_be_chosen_among_is_refused(void **state)
{
    static const struct {
        const char *name, *server, *complaint;
    } refused[] = {
        {"ketema", "10.0.0.1", "there is no selector \"ketema\"; did you mean \"ketama\"?"},
        {"fnv1a", "10.0.0.1", "there is no selector \"fnv1a\"; choose of all, one, ketama, "},
        {"spymemcached-ketama", "mc1:11211", "hashes the address of mc1:11211 as well: write "},
        {"spymemcached-ketama", "[::1]:11211", "with its IPv4 address"},
        {"spymemcached-ketama", "unix:/run/mc.sock", "with its IPv4 address"},
        {"ketama", "mc1/10.0.0.1", "only selector \"spymemcached-ketama\" uses; write one of them"},
        {"python-memcached", "10.0.0.1:11211:20000", "the weights make more than 10000 together"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err err;
        struct url_server server = parse(refused[i].server);
        assert_null(selector_make(refused[i].name, &server, 1, NULL, &err));
        if (!strstr(err.text, refused[i].complaint))
            fail_msg("%s", err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_selector_meets_its_vectors),
        cmocka_unit_test(weights_and_letters_count_as_they_do_for_the_client),
        cmocka_unit_test(a_prefix_that_is_not_hashed_is_left_out),
        cmocka_unit_test(a_single_server_has_every_key_and_is_never_ejected),
        cmocka_unit_test(any_bytes_are_a_key),
        cmocka_unit_test(every_server_may_have_a_key_unless_a_client_is_named),
        cmocka_unit_test(java_hashes_the_name_that_it_was_given),
        cmocka_unit_test(what_cannot_be_chosen_among_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
