/* What is known of types, and the relations of a stream that have such. */
#include "source/types.h"

#include "base/buf.h"
#include "source/pgoutput.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NUMERIC 1700
#define MONEY_DOMAIN 16400
#define MOOD 16401

static const char *const labels[] = {"sad", "happy", NULL};
static const struct own_type mood = {"mood", OWN_EQUALITY_ENUM, true, labels};
static const struct types_entry domain_entry = {MONEY_DOMAIN, NUMERIC, 655366, NULL};
static const struct types_entry mood_entry = {MOOD, MOOD, -1, &mood};

struct fixture {
    struct types *catalog; /* a domain and an enum */
    struct types *types;   /* nothing yet */
};

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture = (struct fixture){types_make(), types_make()};
    types_add(fixture.catalog, &domain_entry);
    types_add(fixture.catalog, &mood_entry);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    types_free(fixture.catalog);
    types_free(fixture.types);
    return 0;
}

static struct column resolved(const struct types *types, uint32_t type)
{
    struct column column = {.name = "c", .type = type, .typmod = -1};
    types_resolve(types, &column);
    return column;
}

static void a_domain_becomes_what_it_is_made_of(void **state)
{
    (void)state;
    struct column column = resolved(fixture.catalog, MONEY_DOMAIN);
    assert_int_equal(column.type, NUMERIC);
    assert_int_equal(column.typmod, 655366);
    assert_null(column.own);
}

static void an_enum_stays_with_what_is_known_of_it(void **state)
{
    (void)state;
    struct column column = resolved(fixture.catalog, MOOD);
    assert_int_equal(column.type, MOOD);
    assert_int_equal(column.typmod, -1);
    assert_string_equal(column.own->name, "mood");
    assert_string_equal(column.own->labels[1], "happy");
}

static void what_nobody_told_of_stays_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(resolved(fixture.types, MOOD).type, MOOD);
    assert_null(resolved(fixture.types, MOOD).own);
    assert_int_equal(resolved(NULL, NUMERIC).type, NUMERIC);
}

static void labels_are_not_learnt(void **state)
{
    (void)state;
    assert_true(types_learn(fixture.types, fixture.catalog));
    assert_non_null(resolved(fixture.types, MOOD).own);
    assert_null(resolved(fixture.types, MOOD).own->labels);
}

static void what_is_learnt_twice_is_no_news(void **state)
{
    static const char *const more[] = {"sad", "happy", "angry", NULL};
    static const struct own_type grown = {"mood", OWN_EQUALITY_ENUM, true, more};
    static const struct own_type renamed = {"feeling", OWN_EQUALITY_ENUM, true, more};
    struct types_entry entry = mood_entry;
    (void)state;
    types_learn(fixture.types, fixture.catalog);
    assert_false(types_learn(fixture.types, fixture.catalog));
    entry.own = &grown;
    types_add(fixture.catalog, &entry);
    assert_false(types_learn(fixture.types, fixture.catalog));
    entry.own = &renamed;
    types_add(fixture.catalog, &entry);
    assert_true(types_learn(fixture.types, fixture.catalog));
    assert_string_equal(resolved(fixture.types, MOOD).own->name, "feeling");
}

static void what_is_forgotten_is_news_again(void **state)
{
    (void)state;
    types_learn(fixture.types, fixture.catalog);
    types_forget(fixture.types);
    assert_int_equal(resolved(fixture.types, MONEY_DOMAIN).type, MONEY_DOMAIN);
    assert_true(types_learn(fixture.types, fixture.catalog));
    assert_int_equal(resolved(fixture.types, MONEY_DOMAIN).type, NUMERIC);
}

/* ---- relations of a stream ---- */

static void put_number(struct buf *message, uint64_t value, unsigned n_bytes)
{
    while (n_bytes--) {
        char byte = (char)(value >> (8 * n_bytes) & 0xff);
        buf_put(message, &byte, 1);
    }
}

static void decode_relation(struct pgoutput *decoder, uint32_t oid, uint32_t type)
{
    struct buf message = {0};
    struct err err = {0};
    buf_put(&message, "R", 1);
    put_number(&message, oid, 4);
    buf_put(&message, "public\0t\0f", 10);
    put_number(&message, 1, 2);
    buf_put(&message, "\001c", 3);
    put_number(&message, type, 4);
    put_number(&message, UINT32_MAX, 4);
    assert_int_equal(pgoutput_decode(decoder, message.data, message.len, &err), 0);
    buf_free(&message);
}

static void a_relation_has_another_version_when_its_types_become_known(void **state)
{
    static const struct pgoutput_events events = {0};
    struct pgoutput *decoder = pgoutput_make(&events, NULL, fixture.types);
    (void)state;
    decode_relation(decoder, 1, MONEY_DOMAIN);
    decode_relation(decoder, 2, NUMERIC);
    uint64_t own = pgoutput_relation(decoder, 1)->version;
    uint64_t plain = pgoutput_relation(decoder, 2)->version;
    assert_int_equal(pgoutput_relation(decoder, 1)->columns[0].type, MONEY_DOMAIN);
    types_learn(fixture.types, fixture.catalog);
    pgoutput_retype(decoder);
    assert_int_equal(pgoutput_relation(decoder, 1)->columns[0].type, NUMERIC);
    assert_int_not_equal(pgoutput_relation(decoder, 1)->version, own);
    assert_int_equal(pgoutput_relation(decoder, 2)->version, plain);
    types_forget(fixture.types);
    pgoutput_retype(decoder);
    assert_int_equal(pgoutput_relation(decoder, 1)->columns[0].type, MONEY_DOMAIN);
    pgoutput_free(decoder);
}

static void a_relation_that_comes_later_has_the_types_that_are_known(void **state)
{
    static const struct pgoutput_events events = {0};
    struct pgoutput *decoder = pgoutput_make(&events, NULL, fixture.catalog);
    (void)state;
    decode_relation(decoder, 1, MOOD);
    assert_int_equal(pgoutput_relation(decoder, 1)->columns[0].own->equality, OWN_EQUALITY_ENUM);
    pgoutput_free(decoder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_domain_becomes_what_it_is_made_of),
        TEST(an_enum_stays_with_what_is_known_of_it),
        TEST(what_nobody_told_of_stays_as_it_was),
        TEST(labels_are_not_learnt),
        TEST(what_is_learnt_twice_is_no_news),
        TEST(what_is_forgotten_is_news_again),
        TEST(a_relation_has_another_version_when_its_types_become_known),
        TEST(a_relation_that_comes_later_has_the_types_that_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
