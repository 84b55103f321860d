/* Calls rows of expression/catalog.h by the names that SQL has for them. The values expected in the
 * tests that include this were taken from PostgreSQL 15 (UTF8, UTC, DateStyle ISO). */
#ifndef TESTS_CATALOG_RUN_H
#define TESTS_CATALOG_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "expression/catalog.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ARGS 4
#define FAILS "(error)"
#define IS_NULL "(null)"

/* An operator, a function, or "cast" with the target as result. An argument without a value is
 * NULL; what it is expected to give is the text of its output function. */
struct expectation {
    const char *name;
    struct {
        const char *type, *value;
    } args[MOST_ARGS];
    const char *expected;
    const char *to; /* of a cast */
};

static enum type type_named(const char *name)
{
    for (const struct catalog_type *row = catalog_types(); row->names[0]; row++) {
        for (unsigned i = 0; i < 8 && row->names[i]; i++) {
            if (!strcmp(row->names[i], name))
                return row->type;
        }
    }
    fail_msg("no type %s", name);
    return TYPE_NONE;
}

static bool takes(const struct catalog_function *row, const enum type *types, unsigned n)
{
    unsigned n_args = 0;
    while (n_args < CATALOG_MAX_ARGS && row->args[n_args] != TYPE_NONE)
        n_args++;
    if (row->variadic ? n < n_args : n != n_args)
        return false;
    for (unsigned i = 0; i < n; i++) {
        enum type wanted = row->args[i < n_args ? i : n_args - 1];
        if (wanted != types[i] && wanted != TYPE_ANY)
            return false;
    }
    return true;
}

static const struct catalog_function *row_of(const char *name, const enum type *types, unsigned n)
{
    const struct catalog_function *tables[] = {catalog_functions(), catalog_operators()};
    for (int i = 0; i < 2; i++) {
        for (const struct catalog_function *row = tables[i]; row->name; row++) {
            if (!strcmp(row->name, name) && takes(row, types, n))
                return row;
        }
    }
    fail_msg("no row %s for these types", name);
    return NULL;
}

static call_fn cast_of(enum type from, enum type to)
{
    for (const struct catalog_cast *row = catalog_casts(); row->from != TYPE_NONE; row++) {
        if (row->from == from && row->to == to && !row->refused)
            return row->call;
    }
    if (from != to)
        fail_msg("no cast");
    return NULL;
}

static unsigned read_args(const struct expectation *wanted, struct arena *arena, enum type *types,
                          struct datum *args, const char **error)
{
    unsigned n = 0;
    for (; n < MOST_ARGS && wanted->args[n].type && !*error; n++) {
        const char *value = wanted->args[n].value;
        types[n] = type_named(wanted->args[n].type);
        args[n].kind = DATUM_NULL;
        if (!value)
            continue;
        struct text text = {arena_strdup(arena, value), (uint32_t)strlen(value)};
        *error = catalog_input(types[n], text, arena, &args[n]);
    }
    return n;
}

static const char *result_of(const struct expectation *wanted, struct arena *arena)
{
    enum type types[MOST_ARGS], type;
    struct datum args[MOST_ARGS] = {0}, result = {0};
    const char *error = NULL;
    unsigned n = read_args(wanted, arena, types, args, &error);
    if (error)
        return FAILS;
    struct call call = {arena, args, types, n, &result};
    bool lenient = false;
    call_fn function;
    if (wanted->to) {
        type = type_named(wanted->to);
        function = cast_of(types[0], type);
        result = args[0];
    } else {
        const struct catalog_function *row = row_of(wanted->name, types, n);
        type = row->result;
        function = row->call;
        lenient = row->lenient;
        assert_non_null(function);
    }
    for (unsigned i = 0; i < n && !lenient; i++) {
        if (args[i].kind == DATUM_NULL)
            return IS_NULL;
    }
    if (function && function(&call))
        return FAILS;
    struct text text;
    if (result.kind == DATUM_NULL)
        return IS_NULL;
    if (catalog_output(type, &result, arena, &text))
        return FAILS;
    return arena_strndup(arena, text.bytes, text.len);
}

static void expect_all(const struct expectation *wanted, size_t n)
{
    struct arena *arena = arena_make();
    for (size_t i = 0; i < n; i++) {
        const char *got = result_of(&wanted[i], arena);
        if (strcmp(got, wanted[i].expected) != 0) {
            print_error("row %zu: %s(%s, %s) gives %s, not %s\n", i, wanted[i].name,
                        wanted[i].args[0].value, wanted[i].args[1].value, got, wanted[i].expected);
            fail();
        }
        arena_reset(arena);
    }
    arena_free(arena);
}

#define EXPECT_ALL(rows) expect_all(rows, sizeof(rows) / sizeof((rows)[0]))

#endif
