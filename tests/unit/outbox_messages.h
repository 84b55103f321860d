/* For tests of the outbox's decoder: messages of COPY are put together, and what is decoded becomes
 * text. */
#ifndef CDCD_TESTS_OUTBOX_MESSAGES_H
#define CDCD_TESTS_OUTBOX_MESSAGES_H

#include "base/buf.h"
#include "base/mem.h"
#include "source/catalog.h"
#include "source/outbox_row.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INT4 23
#define TEXT 25
#define SHAPE 77

/* A decoder, what it said as text, the message that is being made, and what the catalog would
 * say. */
struct fixture {
    struct outbox_rows *rows;
    struct buf said;
    struct buf message;
    struct err err;
    struct column columns[3];
    struct catalog_table table;
    struct catalog catalog;
    uint64_t version; /* of the last change's relation */
};

static inline void say_image(struct buf *to, const char *image, const struct relation *relation,
                             const struct value *row)
{
    for (unsigned i = 0; row && i < relation->n_columns; i++) {
        const struct column *column = &relation->columns[i];
        buf_printf(to, "%s%s=", i ? " " : image, column->name);
        if (row[i].kind == VALUE_TEXT)
            buf_printf(to, "'%.*s'", (int)row[i].len, row[i].len ? row[i].text : "");
        else
            buf_put_str(to, row[i].kind == VALUE_NULL ? "null" : "absent");
        if (column->own)
            buf_put_str(to, "?");
        assert_true(column->in_identity);
    }
}

static inline void on_head(void *ctx, const struct outbox_head *head)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "head %s", head->snapshot);
    if (head->bound != UINT64_MAX)
        buf_printf(&fixture->said, " to %" PRIu64, head->bound);
    buf_put_str(&fixture->said, "\n");
}

static inline void on_begin(void *ctx, const struct outbox_unit *unit)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "begin %" PRIu64 "\n", unit->txid);
}

static inline void on_change(void *ctx, const struct change *change)
{
    struct fixture *fixture = ctx;
    const struct relation *relation = change->relation;
    buf_printf(&fixture->said, "%s %u %s.%s", change_op_name(change->op), relation->oid,
               relation->schema, relation->name);
    say_image(&fixture->said, " old ", relation, change->old_row);
    say_image(&fixture->said, " new ", relation, change->new_row);
    buf_put_str(&fixture->said, "\n");
    fixture->version = relation->version;
}

static inline void on_emptied(void *ctx, const char *reason)
{
    struct fixture *fixture = ctx;
    buf_printf(&fixture->said, "emptied: %s\n", reason);
}

static inline const char *said_by(struct fixture *fixture)
{
    return buf_str(&fixture->said);
}

/* Making messages. */

static inline void put_number(struct fixture *fixture, uint64_t value, unsigned n_bytes)
{
    while (n_bytes--) {
        char byte = (char)(value >> (8 * n_bytes) & 0xff);
        buf_put(&fixture->message, &byte, 1);
    }
}

/* NULL: that. */
static inline void put_text(struct fixture *fixture, const char *text)
{
    put_number(fixture, text ? strlen(text) : UINT32_MAX, 4);
    if (text)
        buf_put_str(&fixture->message, text);
}

/* Negative: NULL. */
static inline void put_int8(struct fixture *fixture, int64_t value)
{
    put_number(fixture, value < 0 ? UINT32_MAX : 8, 4);
    if (value >= 0)
        put_number(fixture, (uint64_t)value, 8);
}

static inline void put_signature(struct fixture *fixture)
{
    buf_put(&fixture->message, "PGCOPY\n\377\r\n", 11);
    put_number(fixture, 0, 8);
}

static inline void put_head(struct fixture *fixture, int64_t bound, const char *snapshot)
{
    put_number(fixture, 10, 2);
    put_int8(fixture, -1);
    put_int8(fixture, bound);
    put_text(fixture, "S");
    for (int i = 0; i < 6; i++)
        put_text(fixture, NULL);
    put_text(fixture, snapshot);
}

/* A row of public.t, whose oid is 5. */
static inline void put_shaped(struct fixture *fixture, int64_t shape, const char *op,
                              const char *columns, const char *old, const char *new)
{
    put_number(fixture, 10, 2);
    put_int8(fixture, 9);
    put_int8(fixture, 100);
    put_text(fixture, op);
    put_int8(fixture, 5);
    put_int8(fixture, shape);
    put_text(fixture, "public");
    put_text(fixture, "t");
    put_text(fixture, columns);
    put_text(fixture, old);
    put_text(fixture, new);
}

static inline void put_row(struct fixture *fixture, const char *op, const char *columns,
                           const char *old, const char *new)
{
    put_shaped(fixture, SHAPE, op, columns, old, new);
}

/* Gives the message, in a block of its own size, so that a sanitizer sees a read past its end. */
static inline enum outbox_decoded give_message(struct fixture *fixture)
{
    size_t n = fixture->message.len;
    char *exact = malloc(n ? n : 1);
    if (n)
        memcpy(exact, fixture->message.data, n);
    enum outbox_decoded decoded = outbox_rows_decode(fixture->rows, exact, n, &fixture->err);
    free(exact);
    return decoded;
}

static inline enum outbox_decoded decode(struct fixture *fixture)
{
    enum outbox_decoded decoded = give_message(fixture);
    fixture->message.len = 0;
    return decoded;
}

/* The catalog's columns of public.t. */
static inline void catalog_has(struct fixture *fixture, int64_t shape, const char *a, const char *b)
{
    const char *names[] = {a, b};
    struct relation *relation = &fixture->table.relation;
    *relation = (struct relation){.oid = 5, .schema = "public", .name = "t"};
    relation->columns = fixture->columns;
    for (unsigned i = 0; i < 2 && names[i]; i++)
        fixture->columns[relation->n_columns++] =
            (struct column){.name = names[i], .type = INT4, .typmod = -1};
    fixture->table.kind = TABLE_ORDINARY;
    fixture->table.shape = shape;
    fixture->catalog = (struct catalog){.tables = &fixture->table, .n_tables = 1};
}

static inline void learn(struct fixture *fixture)
{
    outbox_rows_learn(fixture->rows, &fixture->catalog, false);
}

/* A read begins, and its head has been given; t has a and b. */
static inline void start(struct fixture *fixture)
{
    catalog_has(fixture, SHAPE, "a", "b");
    learn(fixture);
    outbox_rows_start(fixture->rows);
    put_signature(fixture);
    put_head(fixture, -1, "1:2:");
    assert_int_equal(decode(fixture), OUTBOX_DECODED);
    fixture->said.len = 0;
}

static inline int set_up(void **state)
{
    static const struct outbox_row_events events = {on_head, on_begin, on_change, on_emptied};
    struct fixture *fixture = mem_alloc(sizeof *fixture);
    fixture->rows = outbox_rows_make(&events, fixture);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    outbox_rows_free(fixture->rows);
    buf_free(&fixture->said);
    buf_free(&fixture->message);
    free(fixture);
    return 0;
}

#define assert_said(state, text) assert_string_equal(said_by(state), text)

#endif
