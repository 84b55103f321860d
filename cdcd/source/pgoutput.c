#include "source/pgoutput.h"

#include "base/buf.h"
#include "base/mem.h"
#include "source/types.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define COLUMNS_MAX 1600 /* PostgreSQL's MaxHeapAttributeNumber */

enum tag {
    TAG_BEGIN = 'B',
    TAG_COMMIT = 'C',
    TAG_ORIGIN = 'O',
    TAG_RELATION = 'R',
    TAG_TYPE = 'Y',
    TAG_INSERT = 'I',
    TAG_UPDATE = 'U',
    TAG_DELETE = 'D',
    TAG_TRUNCATE = 'T',
    TAG_MESSAGE = 'M',
};

enum row_kind { ROW_KEY = 'K', ROW_OLD = 'O', ROW_NEW = 'N' };

/* The relation, its columns and their names are one block. */
struct known {
    struct relation relation;
    UT_hash_handle hh;
    uint32_t *declared; /* types by column, as they were sent */
    uint32_t root;      /* of a partition: as which its rows come; else 0 */
    bool has_partitions;
    struct column columns[];
};

struct pgoutput {
    const struct pgoutput_events *events;
    void *ctx;
    const struct types *types;
    struct known *known; /* by oid */
    uint32_t said;       /* the relation that was defined last, with no row after it; 0: none */
    bool in_transaction;
    bool broken;
    struct value old_row[COLUMNS_MAX];
    struct value new_row[COLUMNS_MAX];
};

typedef int (*decode_fn)(struct pgoutput *decoder, struct reader *reader, struct err *err);

static int decode_begin(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_commit(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_origin(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_relation(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_type(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_insert(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_update(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_delete(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_truncate(struct pgoutput *decoder, struct reader *reader, struct err *err);
static int decode_message(struct pgoutput *decoder, struct reader *reader, struct err *err);

/* What decodes each tag, and whether it stands between Begin and Commit only. */
static const struct kind {
    decode_fn decode;
    bool inside;
} kinds[256] = {
    [TAG_BEGIN] = {decode_begin, false},      [TAG_COMMIT] = {decode_commit, true},
    [TAG_ORIGIN] = {decode_origin, true},     [TAG_RELATION] = {decode_relation, false},
    [TAG_TYPE] = {decode_type, false},        [TAG_INSERT] = {decode_insert, true},
    [TAG_UPDATE] = {decode_update, true},     [TAG_DELETE] = {decode_delete, true},
    [TAG_TRUNCATE] = {decode_truncate, true}, [TAG_MESSAGE] = {decode_message, false},
};

struct pgoutput *pgoutput_make(const struct pgoutput_events *events, void *ctx,
                               const struct types *types)
{
    struct pgoutput *decoder = mem_alloc(sizeof *decoder);
    decoder->events = events;
    decoder->ctx = ctx;
    decoder->types = types;
    return decoder;
}

/* True when it has types that are not the same in every database. */
static bool resolve_types(const struct pgoutput *decoder, struct known *known)
{
    bool any = false;
    for (unsigned i = 0; i < known->relation.n_columns; i++) {
        struct column *column = &known->columns[i];
        if (known->declared[i] < TYPES_FIRST_OWN_OID)
            continue;
        column->type = known->declared[i];
        column->own = NULL;
        types_resolve(decoder->types, column);
        any = true;
    }
    return any;
}

void pgoutput_retype(struct pgoutput *decoder)
{
    struct known *known, *next;
    HASH_ITER (hh, decoder->known, known, next) {
        if (resolve_types(decoder, known))
            known->relation.version = pgoutput_next_version();
    }
}

int pgoutput_decode(struct pgoutput *decoder, const char *bytes, size_t n, struct err *err)
{
    struct reader reader = reader_make(bytes, n);
    unsigned char tag = reader_u8(&reader);
    const struct kind *kind = &kinds[tag];
    int result;
    if (decoder->broken)
        result = err_set(err, EX_PROTOCOL, "a message after one that made no sense");
    else if (n == 0)
        result = err_set(err, EX_PROTOCOL, "an empty message");
    else if (!kind->decode)
        result = err_set(err, EX_PROTOCOL, "a message of unknown kind 0x%02x", tag);
    else if (kind->inside && !decoder->in_transaction)
        result = err_set(err, EX_PROTOCOL, "a message %c outside a transaction", tag);
    else
        result = kind->decode(decoder, &reader, err);
    if (result != 0)
        decoder->broken = true;
    if (tag != TAG_RELATION && tag != TAG_TYPE)
        decoder->said = 0;
    return result;
}

bool pgoutput_in_transaction(const struct pgoutput *decoder)
{
    return decoder->in_transaction;
}

const struct relation *pgoutput_relation(const struct pgoutput *decoder, uint32_t oid)
{
    struct known *known;
    HASH_FIND(hh, decoder->known, &oid, sizeof oid, known);
    return known ? &known->relation : NULL;
}

void pgoutput_free(struct pgoutput *decoder)
{
    struct known *known, *next;
    if (!decoder)
        return;
    HASH_ITER (hh, decoder->known, known, next) {
        HASH_DEL(decoder->known, known);
        free(known);
    }
    free(decoder);
}

uint64_t pgoutput_next_version(void)
{
    static uint64_t last;
    return ++last;
}

/* True when the message was long enough, and not too long. */
static bool ended_well(const struct reader *reader)
{
    return reader_ok(reader) && reader_left(reader) == 0;
}

static int bad_length(struct err *err, const char *what)
{
    return err_set(err, EX_PROTOCOL, "%s message shorter or longer than it says", what);
}

static int decode_begin(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    reader_u64(reader); /* where its commit record begins */
    reader_u64(reader); /* when it was committed; of another server's clock with an origin */
    uint32_t xid = reader_u32(reader);
    if (!ended_well(reader))
        return bad_length(err, "a Begin");
    if (decoder->in_transaction)
        return err_set(err, EX_PROTOCOL, "a Begin inside a transaction");
    decoder->in_transaction = true;
    decoder->events->begin(decoder->ctx, xid);
    return 0;
}

static int decode_commit(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    reader_u8(reader);  /* flags, none defined */
    reader_u64(reader); /* where the commit record begins */
    uint64_t end_lsn = reader_u64(reader);
    reader_u64(reader); /* when */
    if (!ended_well(reader))
        return bad_length(err, "a Commit");
    if (end_lsn == 0)
        return err_set(err, EX_PROTOCOL, "a Commit that ends at 0/0");
    decoder->in_transaction = false;
    decoder->events->commit(decoder->ctx, end_lsn);
    return 0;
}

static int decode_origin(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    (void)decoder;
    reader_u64(reader);
    reader_str(reader);
    return ended_well(reader) ? 0 : bad_length(err, "an Origin");
}

/* Of a domain it names what that is made of, of others not what they are: the catalog tells more.
 */
static int decode_type(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    (void)decoder;
    reader_u32(reader);
    reader_str(reader);
    reader_str(reader);
    return ended_well(reader) ? 0 : bad_length(err, "a Type");
}

/* pg_logical_emit_message: anyone may write these, so nothing is made of them. */
static int decode_message(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    (void)decoder;
    reader_u8(reader);
    reader_u64(reader);
    reader_str(reader);
    reader_bytes(reader, reader_u32(reader));
    return ended_well(reader) ? 0 : bad_length(err, "a Message");
}

static void keep(struct pgoutput *decoder, struct known *known)
{
    struct known *old;
    HASH_FIND(hh, decoder->known, &known->relation.oid, sizeof known->relation.oid, old);
    if (old) {
        HASH_DEL(decoder->known, old);
        free(old);
    }
    HASH_ADD(hh, decoder->known, relation.oid, sizeof known->relation.oid, known);
}

static void read_columns(struct known *known, struct reader *reader, bool all_in_identity)
{
    for (unsigned i = 0; i < known->relation.n_columns; i++) {
        struct column *column = &known->columns[i];
        column->in_identity = (reader_u8(reader) & 1) || all_in_identity;
        column->name = reader_str(reader);
        column->type = reader_u32(reader);
        column->typmod = (int32_t)reader_u32(reader);
        known->declared[i] = column->type;
    }
}

static int decode_relation(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    uint32_t oid = reader_u32(reader);
    const char *schema = reader_str(reader);
    const char *name = reader_str(reader);
    uint8_t identity = reader_u8(reader);
    uint16_t n_columns = reader_u16(reader);
    if (!reader_ok(reader))
        return bad_length(err, "a Relation");
    if (n_columns > COLUMNS_MAX)
        return err_set(err, EX_PROTOCOL, "a Relation with %u columns", n_columns);
    /* The names are copied with the rest of the message, and stay where they are in it. */
    size_t head = sizeof(struct known) + n_columns * (sizeof(struct column) + sizeof(uint32_t));
    size_t schema_len = strlen(schema) + 1, name_len = strlen(name) + 1;
    size_t rest = reader_left(reader);
    struct known *known = mem_alloc(head + schema_len + name_len + rest);
    char *text = (char *)known + head;
    known->declared = (uint32_t *)(void *)(known->columns + n_columns);
    known->relation = (struct relation){
        .oid = oid,
        .version = pgoutput_next_version(),
        .schema = *schema ? memcpy(text, schema, schema_len) : "pg_catalog",
        .name = memcpy(text + schema_len, name, name_len),
        .n_columns = n_columns,
        .columns = known->columns,
    };
    if (rest)
        memcpy(text + schema_len + name_len, reader->at, rest);
    struct reader copy = reader_make(text + schema_len + name_len, rest);
    read_columns(known, &copy, identity == 'f');
    if (!ended_well(&copy)) {
        free(known);
        return bad_length(err, "a Relation");
    }
    resolve_types(decoder, known);
    keep(decoder, known);
    decoder->said = oid;
    return 0;
}

static const struct relation *find_relation(const struct pgoutput *decoder, uint32_t oid,
                                            struct err *err)
{
    struct known *known;
    HASH_FIND(hh, decoder->known, &oid, sizeof oid, known);
    if (known)
        return &known->relation;
    err_set(err, EX_PROTOCOL, "a row of relation %u, of which nothing was said", oid);
    return NULL;
}

static bool identifies(const struct known *partition, const char *name)
{
    for (unsigned i = 0; i < partition->relation.n_columns; i++)
        if (strcmp(partition->columns[i].name, name) == 0)
            return partition->columns[i].in_identity;
    return false;
}

/* A partition is defined behind its root, before its first row, which comes as the root's. What it
 * holds is what the partition's identity sends, and that is not its root's: of the root only what
 * all of its partitions have in theirs is sent for certain. */
static void add_partition(struct pgoutput *decoder, uint32_t partition_oid, uint32_t root_oid)
{
    struct known *root, *one, *next;
    HASH_FIND(hh, decoder->known, &partition_oid, sizeof partition_oid, one);
    HASH_FIND(hh, decoder->known, &root_oid, sizeof root_oid, root);
    if (!one || !root)
        return;
    one->root = root_oid;
    root->has_partitions = true;
    root->relation.version = pgoutput_next_version();
    HASH_ITER (hh, decoder->known, one, next)
        for (unsigned i = 0; one->root == root_oid && i < root->relation.n_columns; i++)
            root->columns[i].in_identity &= identifies(one, root->columns[i].name);
}

/* The relation of a row. */
static const struct relation *read_relation(struct pgoutput *decoder, struct reader *reader,
                                            struct err *err)
{
    uint32_t oid = reader_u32(reader);
    if (decoder->said && decoder->said != oid)
        add_partition(decoder, decoder->said, oid);
    return find_relation(decoder, oid, err);
}

static int read_value(struct reader *reader, struct value *value, struct err *err)
{
    uint8_t kind = reader_u8(reader);
    *value = (struct value){.kind = VALUE_NULL};
    switch (kind) {
    case 'n':
        return 0;
    case 'u':
        value->kind = VALUE_UNCHANGED;
        return 0;
    case 't':
        value->kind = VALUE_TEXT;
        value->len = reader_u32(reader);
        value->text = reader_bytes(reader, value->len);
        if (value->text && memchr(value->text, 0, value->len))
            return err_set(err, EX_PROTOCOL, "a text with a NUL in it");
        return 0;
    case 'b':
        return err_set(err, EX_PROTOCOL, "a value in binary, which was not asked for");
    default:
        /* Read past the end, it is 0: the row is too short. */
        return reader_ok(reader) ? err_set(err, EX_PROTOCOL, "a value of unknown kind 0x%02x", kind)
                                 : bad_length(err, "a row's");
    }
}

static int read_row(struct reader *reader, const struct relation *relation, struct value *row,
                    struct err *err)
{
    unsigned n = reader_u16(reader);
    if (!reader_ok(reader))
        return bad_length(err, "a row's");
    if (n != relation->n_columns)
        return err_set(err, EX_PROTOCOL, "a row of %u columns in %s.%s, which has %u", n,
                       relation->schema, relation->name, relation->n_columns);
    for (unsigned i = 0; i < n; i++)
        if (read_value(reader, &row[i], err) != 0)
            return -1;
    return reader_ok(reader) ? 0 : bad_length(err, "a row's");
}

/* An old row: in a row of the key a NULL was not sent, for an identity's columns are never NULL;
 * the whole old row holds real ones, unless it is only its root that is FULL. */
static int read_old_row(struct reader *reader, enum row_kind kind, const struct relation *relation,
                        struct value *row, struct err *err)
{
    const struct known *known = (const void *)relation; /* whose first member it is */
    if (read_row(reader, relation, row, err) != 0)
        return -1;
    for (unsigned i = 0; i < relation->n_columns; i++)
        if (row[i].kind == VALUE_NULL &&
            (kind == ROW_KEY || (known->has_partitions && !relation->columns[i].in_identity)))
            row[i].kind = VALUE_ABSENT;
    return 0;
}

/* What an UPDATE did not touch and did not send is as it was in the old row, if that says. */
static void fill_unchanged(const struct relation *relation, const struct value *old_row,
                           struct value *new_row)
{
    for (unsigned i = 0; i < relation->n_columns; i++)
        if (new_row[i].kind == VALUE_UNCHANGED && old_row[i].kind != VALUE_ABSENT)
            new_row[i] = old_row[i];
}

static int unknown_row(struct err *err, const char *what, uint8_t kind)
{
    return err_set(err, EX_PROTOCOL, "%s with a row of unknown kind 0x%02x", what, kind);
}

static int give(struct pgoutput *decoder, const struct reader *reader, const struct change *change,
                struct err *err)
{
    if (!ended_well(reader))
        return bad_length(err, "a row's");
    decoder->events->change(decoder->ctx, change);
    return 0;
}

static int decode_insert(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    const struct relation *relation = read_relation(decoder, reader, err);
    if (!relation)
        return -1;
    uint8_t kind = reader_u8(reader);
    if (kind != ROW_NEW)
        return unknown_row(err, "an Insert", kind);
    if (read_row(reader, relation, decoder->new_row, err) != 0)
        return -1;
    struct change change = {
        .op = CHANGE_INSERT,
        .relation = relation,
        .new_row = decoder->new_row,
    };
    return give(decoder, reader, &change, err);
}

static int decode_update(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    const struct relation *relation = read_relation(decoder, reader, err);
    if (!relation)
        return -1;
    struct change change = {
        .op = CHANGE_UPDATE,
        .relation = relation,
        .new_row = decoder->new_row,
    };
    uint8_t kind = reader_u8(reader);
    if (kind == ROW_KEY || kind == ROW_OLD) {
        if (read_old_row(reader, (enum row_kind)kind, relation, decoder->old_row, err) != 0)
            return -1;
        change.old_row = decoder->old_row;
        kind = reader_u8(reader);
    }
    if (kind != ROW_NEW)
        return unknown_row(err, "an Update", kind);
    if (read_row(reader, relation, decoder->new_row, err) != 0)
        return -1;
    if (change.old_row)
        fill_unchanged(relation, change.old_row, decoder->new_row);
    return give(decoder, reader, &change, err);
}

static int decode_delete(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    const struct relation *relation = read_relation(decoder, reader, err);
    if (!relation)
        return -1;
    uint8_t kind = reader_u8(reader);
    if (kind != ROW_KEY && kind != ROW_OLD)
        return unknown_row(err, "a Delete", kind);
    if (read_old_row(reader, (enum row_kind)kind, relation, decoder->old_row, err) != 0)
        return -1;
    struct change change = {
        .op = CHANGE_DELETE,
        .relation = relation,
        .old_row = decoder->old_row,
    };
    return give(decoder, reader, &change, err);
}

static int decode_truncate(struct pgoutput *decoder, struct reader *reader, struct err *err)
{
    uint32_t n = reader_u32(reader);
    reader_u8(reader); /* CASCADE, RESTART IDENTITY */
    struct reader oids = *reader;
    if (!reader_ok(reader) || reader_left(reader) / 4 != n || reader_left(reader) % 4 != 0)
        return bad_length(err, "a Truncate");
    for (uint32_t i = 0; i < n; i++)
        if (!find_relation(decoder, reader_u32(reader), err))
            return -1;
    for (uint32_t i = 0; i < n; i++) {
        struct change change = {
            .op = CHANGE_TRUNCATE,
            .relation = find_relation(decoder, reader_u32(&oids), err),
        };
        decoder->events->change(decoder->ctx, &change);
    }
    return 0;
}
