/* Any messages of a COPY, each behind its length in four bytes, and in between what the catalog
 * says: the decoder may refuse them, and must not run over them. What it gives is read, so that the
 * sanitizers see it. */
#include "base/buf.h"
#include "base/log.h"
#include "source/catalog.h"
#include "source/outbox_row.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct seen {
    bool headed;
    bool inside;
    uint32_t sum;
};

static void on_head(void *ctx, const struct outbox_head *head)
{
    struct seen *seen = ctx;
    assert(!seen->headed);
    seen->headed = true;
    seen->sum += (uint32_t)strlen(head->snapshot);
}

static void on_begin(void *ctx, const struct outbox_unit *unit)
{
    struct seen *seen = ctx;
    assert(seen->headed);
    seen->inside = true;
    seen->sum += (uint32_t)(unit->txid + unit->last_id);
}

static void read_row(struct seen *seen, const struct relation *relation, const struct value *row)
{
    for (unsigned i = 0; row && i < relation->n_columns; i++) {
        const struct column *column = &relation->columns[i];
        assert(column->in_identity && row[i].kind != VALUE_UNCHANGED);
        seen->sum += (uint32_t)strlen(column->name) + column->type;
        seen->sum += column->own ? (uint32_t)strlen(column->own->name) : 0;
        if (row[i].kind == VALUE_TEXT)
            assert(row[i].len == 0 || !memchr(row[i].text, 0, row[i].len));
    }
}

static void on_change(void *ctx, const struct change *change)
{
    struct seen *seen = ctx;
    assert(seen->inside);
    assert(!change->new_row == (change->op == CHANGE_DELETE || change->op == CHANGE_TRUNCATE));
    assert(!change->old_row == (change->op == CHANGE_INSERT || change->op == CHANGE_TRUNCATE));
    seen->sum += (uint32_t)(strlen(change->relation->schema) + strlen(change->relation->name));
    read_row(seen, change->relation, change->old_row);
    read_row(seen, change->relation, change->new_row);
}

static void on_emptied(void *ctx, const char *reason)
{
    struct seen *seen = ctx;
    assert(seen->inside);
    seen->sum += (uint32_t)strlen(reason);
}

static void learn(struct outbox_rows *rows, unsigned round)
{
    static const struct own_type own = {.name = "mood", .equality = OWN_EQUALITY_ENUM};
    const struct column columns[] = {
        {.name = "a", .type = 23, .typmod = -1},
        {.name = "b", .type = 17000, .typmod = -1, .own = round & 1 ? &own : NULL},
    };
    struct catalog_table table = {
        .kind = TABLE_ORDINARY,
        .shape = 77,
        .relation = {.oid = 5, .schema = "public", .name = "t", .columns = columns},
    };
    const struct catalog catalog = {.tables = &table, .n_tables = 1};
    table.relation.n_columns = round & 2 ? 1 : 2;
    outbox_rows_learn(rows, &catalog, round & 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct outbox_row_events events = {on_head, on_begin, on_change, on_emptied};
    struct seen seen = {0};
    struct err err;
    unsigned round = 0;
    enum outbox_decoded decoded = OUTBOX_DECODED;
    log_level_set(LOG_LEVEL_ERROR);
    struct outbox_rows *rows = outbox_rows_make(&events, &seen);
    struct reader reader = reader_make(bytes, n);
    learn(rows, round++);
    outbox_rows_start(rows);
    while (reader_left(&reader) && decoded != OUTBOX_BROKEN) {
        uint32_t len = reader_u32(&reader);
        const char *message = reader_bytes(&reader, len);
        if (!message)
            break;
        while ((decoded = outbox_rows_decode(rows, message, len, &err)) == OUTBOX_PUZZLED)
            learn(rows, round++);
        outbox_rows_relation(rows, 5);
    }
    outbox_rows_free(rows);
    return 0;
}
