#include "source/outbox_row.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/outbox_record.h"
#include "source/outbox_relation.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "PGCOPY\n\377\r\n" /* and a NUL */
#define CRITICAL_FLAGS 0xffff0000u
#define TRAILER 0xffffu
#define KEEP_BYTES 65536 /* of a buffer, for the next row */

enum field {
    FIELD_LAST,
    FIELD_TXID,
    FIELD_OP,
    FIELD_RELATION,
    FIELD_SHAPE,
    FIELD_SCHEMA,
    FIELD_NAME,
    FIELD_COLUMNS,
    FIELD_OLD,
    FIELD_NEW,
    N_FIELDS
};

enum row_op {
    ROW_INSERT = 'I',
    ROW_UPDATE = 'U',
    ROW_DELETE = 'D',
    ROW_TRUNCATE = 'T',
    ROW_EMPTIED = 'G',
    ROW_HEAD = 'S',
};

enum awaited { AWAITS_SIGNATURE, AWAITS_HEAD, AWAITS_ROWS, AWAITS_NOTHING };

struct outbox_rows {
    const struct outbox_row_events *events;
    void *ctx;
    struct outbox_relations *relations;
    enum awaited awaited;
    bool broken;
    bool in_transaction;
    uint64_t txid;
    size_t given;    /* bytes of the message that puzzled which are done */
    struct buf room; /* for values without their escapes */
    struct buf text;
    struct value fields[OUTBOX_RECORD_MAX];
    struct value old_row[OUTBOX_RECORD_MAX];
    struct value new_row[OUTBOX_RECORD_MAX];
};

static enum outbox_decoded decode_next(struct outbox_rows *rows, struct reader *reader,
                                       struct err *err);
static enum outbox_decoded decode_row(struct outbox_rows *rows, const struct value *fields);

struct outbox_rows *outbox_rows_make(const struct outbox_row_events *events, void *ctx)
{
    struct outbox_rows *rows = mem_alloc(sizeof *rows);
    rows->events = events;
    rows->ctx = ctx;
    rows->relations = outbox_relations_make();
    return rows;
}

void outbox_rows_start(struct outbox_rows *rows)
{
    rows->awaited = AWAITS_SIGNATURE;
    rows->broken = false;
    rows->in_transaction = false;
    rows->given = 0;
    outbox_relations_start(rows->relations);
}

enum outbox_decoded outbox_rows_decode(struct outbox_rows *rows, const char *bytes, size_t n,
                                       struct err *err)
{
    enum outbox_decoded decoded = OUTBOX_DECODED;
    struct reader reader = reader_make(bytes, n);
    reader_bytes(&reader, rows->given);
    rows->given = 0;
    if (rows->broken || !reader_ok(&reader)) {
        err_set(err, EX_PROTOCOL, "a message after one that made no sense");
        decoded = OUTBOX_BROKEN;
    }
    while (decoded == OUTBOX_DECODED && reader_left(&reader)) {
        size_t at = n - reader_left(&reader);
        decoded = decode_next(rows, &reader, err);
        if (decoded == OUTBOX_PUZZLED)
            rows->given = at;
    }
    rows->broken = decoded == OUTBOX_BROKEN;
    return decoded;
}

void outbox_rows_learn(struct outbox_rows *rows, const struct catalog *catalog, bool anew)
{
    outbox_relations_learn(rows->relations, catalog, anew);
}

const struct relation *outbox_rows_relation(const struct outbox_rows *rows, uint32_t oid)
{
    return outbox_relations_last(rows->relations, oid);
}

void outbox_rows_free(struct outbox_rows *rows)
{
    if (!rows)
        return;
    outbox_relations_free(rows->relations);
    buf_free(&rows->room);
    buf_free(&rows->text);
    free(rows);
}

static enum outbox_decoded broken(struct err *err, const char *what)
{
    err_set(err, EX_PROTOCOL, "%s", what);
    return OUTBOX_BROKEN;
}

static enum outbox_decoded decode_signature(struct outbox_rows *rows, struct reader *reader,
                                            struct err *err)
{
    const char *signature = reader_bytes(reader, sizeof SIGNATURE);
    uint32_t flags = reader_u32(reader);
    reader_bytes(reader, reader_u32(reader));
    if (!reader_ok(reader) || memcmp(signature, SIGNATURE, sizeof SIGNATURE) != 0 ||
        flags & CRITICAL_FLAGS)
        return broken(err, "an answer to COPY that is not in its binary format");
    rows->awaited = AWAITS_HEAD;
    return OUTBOX_DECODED;
}

/* Numbers are NULL or of eight bytes; texts have no NUL in them. */
static bool is_well_formed(enum field field, const struct value *value)
{
    if (value->kind == VALUE_NULL)
        return true;
    if (field == FIELD_LAST || field == FIELD_TXID || field == FIELD_RELATION ||
        field == FIELD_SHAPE)
        return value->len == sizeof(uint64_t);
    return value->len == 0 || !memchr(value->text, 0, value->len);
}

static bool read_fields(struct reader *reader, struct value *fields)
{
    bool good = true;
    for (int i = 0; i < N_FIELDS && reader_ok(reader); i++) {
        uint32_t len = reader_u32(reader);
        fields[i] = (struct value){.kind = VALUE_NULL};
        if (len == UINT32_MAX)
            continue;
        fields[i] = (struct value){reader_bytes(reader, len), len, VALUE_TEXT};
        good = reader_ok(reader) && is_well_formed((enum field)i, &fields[i]);
        if (!good)
            return false;
    }
    return reader_ok(reader);
}

/* 0 when it is NULL. */
static uint64_t number_of(const struct value *field)
{
    struct reader reader = reader_make(field->text, field->len);
    return field->kind == VALUE_TEXT ? reader_u64(&reader) : 0;
}

/* Lent until the next call. */
static const char *str_of(struct outbox_rows *rows, const struct value *field)
{
    buf_reset(&rows->text, KEEP_BYTES);
    buf_put(&rows->text, field->text, field->len);
    return buf_str(&rows->text);
}

/* 0 when it is none. */
static char op_of(const struct value *fields)
{
    return fields[FIELD_OP].len == 1 ? *fields[FIELD_OP].text : '\0';
}

static enum outbox_decoded decode_head(struct outbox_rows *rows, const struct value *fields,
                                       struct err *err)
{
    struct outbox_head head = {.bound = UINT64_MAX};
    if (op_of(fields) != ROW_HEAD || fields[FIELD_NEW].kind == VALUE_NULL)
        return broken(err, "an answer to COPY that does not begin with a snapshot");
    if (fields[FIELD_TXID].kind != VALUE_NULL)
        head.bound = number_of(&fields[FIELD_TXID]);
    head.snapshot = str_of(rows, &fields[FIELD_NEW]);
    rows->awaited = AWAITS_ROWS;
    rows->events->head(rows->ctx, &head);
    return OUTBOX_DECODED;
}

/* The signature, a row, or the end. */
static enum outbox_decoded decode_next(struct outbox_rows *rows, struct reader *reader,
                                       struct err *err)
{
    struct value fields[N_FIELDS];
    if (rows->awaited == AWAITS_NOTHING)
        return broken(err, "bytes behind the end of an answer to COPY");
    if (rows->awaited == AWAITS_SIGNATURE)
        return decode_signature(rows, reader, err);
    uint16_t n_fields = reader_u16(reader);
    if (n_fields == TRAILER && rows->awaited == AWAITS_ROWS) {
        rows->awaited = AWAITS_NOTHING;
        return OUTBOX_DECODED;
    }
    if (n_fields != N_FIELDS || !read_fields(reader, fields))
        return broken(err, "a row of the outbox that was not asked for so");
    if (rows->awaited == AWAITS_HEAD)
        return decode_head(rows, fields, err);
    if (fields[FIELD_TXID].kind == VALUE_NULL)
        return broken(err, "a row of the outbox of no transaction");
    return decode_row(rows, fields);
}

static void begin(struct outbox_rows *rows, const struct value *fields)
{
    uint64_t txid = number_of(&fields[FIELD_TXID]);
    if (rows->in_transaction && rows->txid == txid)
        return;
    rows->in_transaction = true;
    rows->txid = txid;
    struct outbox_unit unit = {.txid = txid, .last_id = number_of(&fields[FIELD_LAST])};
    rows->events->begin(rows->ctx, &unit);
}

static bool is_change(const struct value *fields)
{
    uint64_t relation = number_of(&fields[FIELD_RELATION]);
    char op = op_of(fields);
    return (op == ROW_INSERT || op == ROW_UPDATE || op == ROW_DELETE || op == ROW_TRUNCATE) &&
           relation > 0 && relation <= UINT32_MAX && fields[FIELD_SCHEMA].kind == VALUE_TEXT &&
           fields[FIELD_NAME].kind == VALUE_TEXT;
}

/* True when the image is there if it should be, and its values, all of them, can be read. */
static bool read_image(struct outbox_rows *rows, const struct outbox_relation *relation,
                       const struct value *text, bool should_be, char *room, struct value *row)
{
    if ((text->kind == VALUE_TEXT) != should_be)
        return false;
    if (!should_be)
        return true;
    unsigned n = outbox_record_parse(text->text, text->len, room, rows->fields);
    if (n == 0 || n != relation->n_fields)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (relation->kept[i])
            *row++ = rows->fields[i];
    return true;
}

static bool read_images(struct outbox_rows *rows, const struct outbox_relation *relation,
                        const struct value *fields)
{
    const struct value *old = &fields[FIELD_OLD], *new = &fields[FIELD_NEW];
    char op = op_of(fields);
    buf_reset(&rows->room, KEEP_BYTES);
    char *room = buf_room(&rows->room, (size_t)old->len + new->len + 1); /* never NULL */
    return read_image(rows, relation, old, op != ROW_INSERT, room, rows->old_row) &&
           read_image(rows, relation, new, op != ROW_DELETE, room + old->len, rows->new_row);
}

/* Nothing is known of its values, so more is cleared. */
static void blank(struct outbox_rows *rows, struct outbox_relation *relation, bool written)
{
    const struct relation *its = &relation->relation;
    for (unsigned i = 0; i < its->n_columns; i++)
        rows->old_row[i] = rows->new_row[i] = (struct value){.kind = VALUE_ABSENT};
    if (!relation->blamed)
        log_warn("a row of the outbox has no values that can be read, so its keys are in doubt "
                 "table=%s.%s reason=\"%s\"",
                 its->schema, its->name,
                 written ? "they make no sense" : "they could not be written");
    relation->blamed = true;
}

static void give_change(struct outbox_rows *rows, struct outbox_relation *relation,
                        const struct value *fields)
{
    struct change change = {.relation = &relation->relation};
    char op = op_of(fields);
    if (op != ROW_TRUNCATE && !read_images(rows, relation, fields))
        blank(rows, relation, fields[FIELD_COLUMNS].kind == VALUE_TEXT);
    change.op = op == ROW_INSERT   ? CHANGE_INSERT
                : op == ROW_UPDATE ? CHANGE_UPDATE
                : op == ROW_DELETE ? CHANGE_DELETE
                                   : CHANGE_TRUNCATE;
    if (op == ROW_UPDATE || op == ROW_DELETE)
        change.old_row = rows->old_row;
    if (op == ROW_INSERT || op == ROW_UPDATE)
        change.new_row = rows->new_row;
    rows->events->change(rows->ctx, &change);
}

/* A row that makes no sense would be met again for ever if it broke anything. It may have been any
 * change, as may those that were taken out. */
static void give_emptied(struct outbox_rows *rows, const struct value *fields)
{
    bool told = op_of(fields) == ROW_EMPTIED && fields[FIELD_NAME].kind == VALUE_TEXT;
    rows->events->emptied(rows->ctx,
                          told ? str_of(rows, &fields[FIELD_NAME]) : "a row that makes no sense");
}

static enum outbox_decoded decode_row(struct outbox_rows *rows, const struct value *fields)
{
    struct outbox_table table = {
        .oid = (uint32_t)number_of(&fields[FIELD_RELATION]),
        .exists = fields[FIELD_SHAPE].kind == VALUE_TEXT,
        .shape = (int64_t)number_of(&fields[FIELD_SHAPE]),
        .schema = fields[FIELD_SCHEMA],
        .name = fields[FIELD_NAME],
        .columns = fields[FIELD_COLUMNS],
    };
    if (!is_change(fields)) {
        begin(rows, fields);
        give_emptied(rows, fields);
        return OUTBOX_DECODED;
    }
    struct outbox_relation *relation = outbox_relations_find(rows->relations, &table);
    if (!relation)
        return OUTBOX_PUZZLED;
    begin(rows, fields);
    give_change(rows, relation, fields);
    return OUTBOX_DECODED;
}
