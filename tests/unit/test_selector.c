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

/* tests/keyvectors.json has the same. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_selector_meets_its_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
