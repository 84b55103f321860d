/* For tests of the pgoutput decoder: messages are put together, and what is decoded becomes text,
 * in the words of golden/record.py. */
#ifndef CDCD_TESTS_PGOUTPUT_MESSAGES_H
#define CDCD_TESTS_PGOUTPUT_MESSAGES_H

#include "base/buf.h"
#include "source/pgoutput.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID_TYPE 23
#define LONG_TEXT 60
#define SHOWN_TEXT 20

/* A decoder, what it said as text, and the message that is being made. */
struct fixture {
    struct pgoutput *decoder;
    struct buf said;
    struct buf message;
    struct err err;
    uint64_t version; /* of the last change's relation */
};

static inline void say_value(struct buf *to, const struct value *value)
{
    switch (value->kind) {
    case VALUE_ABSENT:
        buf_put_str(to, "absent");
        break;
    case VALUE_NULL:
        buf_put_str(to, "null");
        break;
    case VALUE_UNCHANGED:
        buf_put_str(to, "unchanged");
        break;
    case VALUE_TEXT:
        if (value->len > LONG_TEXT)
            buf_printf(to, "'%.*s...' of %u", SHOWN_TEXT, value->text, value->len);
        else
            buf_printf(to, "'%.*s'", (int)value->len, value->len ? value->text : "");
        break;
    }
}

static inline void say_row(struct buf *to, const char *image, const struct relation *relation,
                           const struct value *row)
{
    if (!row)
        return;
    buf_printf(to, " %s (", image);
    for (unsigned i = 0; i < relation->n_columns; i++) {
        buf_printf(to, "%s%s=", i ? ", " : "", relation->columns[i].name);
        say_value(to, &row[i]);
    }
    buf_put_str(to, ")");
}

static inline void on_begin(void *ctx, uint32_t xid)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "begin %u\n", xid);
}

static inline void on_change(void *ctx, const struct change *change)
{
    struct fixture *fixture = ctx;
    const struct relation *relation = change->relation;
    buf_printf(&fixture->said, "%s %s.%s", change_op_name(change->op), relation->schema,
               relation->name);
    say_row(&fixture->said, "old", relation, change->old_row);
    say_row(&fixture->said, "new", relation, change->new_row);
    buf_put_str(&fixture->said, "\n");
    fixture->version = relation->version;
}

static inline void on_commit(void *ctx, uint64_t end_lsn)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "commit %X/%X\n", (unsigned)(end_lsn >> 32), (unsigned)end_lsn);
}

static inline int setup(void **state)
{
    static const struct pgoutput_events events = {on_begin, on_change, on_commit};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->decoder = pgoutput_make(&events, fixture, NULL);
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    pgoutput_free(fixture->decoder);
    buf_free(&fixture->said);
    buf_free(&fixture->message);
    free(fixture);
    return 0;
}

/* Making messages. */

static inline void put_number(struct fixture *fixture, uint64_t value, unsigned n_bytes)
{
    while (n_bytes--) {
        char byte = (char)(value >> (8 * n_bytes) & 0xff);
        buf_put(&fixture->message, &byte, 1);
    }
}

static inline void put_cstr(struct fixture *fixture, const char *text)
{
    buf_put(&fixture->message, text, strlen(text) + 1);
}

static inline void put_tag(struct fixture *fixture, char tag)
{
    buf_reset(&fixture->message, SIZE_MAX);
    buf_put(&fixture->message, &tag, 1);
}

/* A value by its letter, with the text behind it: "n", "u", "tabc". */
static inline void put_value(struct fixture *fixture, const char *value)
{
    buf_put(&fixture->message, value, 1);
    if (*value != 't' && *value != 'b')
        return;
    put_number(fixture, strlen(value + 1), 4);
    buf_put_str(&fixture->message, value + 1);
}

static inline void put_row(struct fixture *fixture, char kind, const char *first,
                           const char *second)
{
    buf_put(&fixture->message, &kind, 1);
    put_number(fixture, 2, 2);
    put_value(fixture, first);
    put_value(fixture, second);
}

/* The bytes in a block of their own size, so that a sanitizer sees a read past the end. */
static inline int decode_bytes(struct fixture *fixture, const char *bytes, size_t n)
{
    char *exact = malloc(n ? n : 1);
    if (n)
        memcpy(exact, bytes, n);
    int result = pgoutput_decode(fixture->decoder, exact, n, &fixture->err);
    free(exact);
    return result;
}

static inline int decode(struct fixture *fixture)
{
    return decode_bytes(fixture, fixture->message.data, fixture->message.len);
}

static inline void begin(struct fixture *fixture)
{
    put_tag(fixture, 'B');
    put_number(fixture, 100, 8);
    put_number(fixture, 0, 8);
    put_number(fixture, 7, 4);
}

static inline void commit(struct fixture *fixture, uint64_t end_lsn)
{
    put_tag(fixture, 'C');
    put_number(fixture, 0, 1);
    put_number(fixture, 100, 8);
    put_number(fixture, end_lsn, 8);
    put_number(fixture, 0, 8);
}

static inline void put_column(struct fixture *fixture, bool key, const char *name)
{
    put_number(fixture, key, 1);
    put_cstr(fixture, name);
    put_number(fixture, ID_TYPE, 4);
    put_number(fixture, UINT32_MAX, 4);
}

/* Table 1: a, which is the key, and b. */
static inline void relation(struct fixture *fixture, char identity)
{
    put_tag(fixture, 'R');
    put_number(fixture, 1, 4);
    put_cstr(fixture, "public");
    put_cstr(fixture, "t");
    put_number(fixture, (unsigned char)identity, 1);
    put_number(fixture, 2, 2);
    put_column(fixture, true, "a");
    put_column(fixture, identity == 'f', "b");
}

static inline void row_message(struct fixture *fixture, char tag)
{
    put_tag(fixture, tag);
    put_number(fixture, 1, 4);
}

/* Begin and a relation, without the lines that this says. */
static inline void start(struct fixture *fixture, char identity)
{
    begin(fixture);
    assert_int_equal(decode(fixture), 0);
    relation(fixture, identity);
    assert_int_equal(decode(fixture), 0);
    buf_reset(&fixture->said, SIZE_MAX);
}

static inline void assert_said(struct fixture *fixture, const char *expected)
{
    assert_string_equal(buf_str(&fixture->said), expected);
}

/* The message is refused for that reason, says nothing, and nothing is taken after it. */
static inline void assert_refused(struct fixture *fixture, const char *reason)
{
    buf_reset(&fixture->said, SIZE_MAX);
    assert_int_equal(decode(fixture), -1);
    assert_int_equal(fixture->err.code, EX_PROTOCOL);
    if (!strstr(fixture->err.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", fixture->err.text, reason);
    assert_said(fixture, "");
    begin(fixture);
    assert_int_equal(decode(fixture), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
