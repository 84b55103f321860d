/* Any messages, each behind its length in four bytes: the decoder may refuse them, and must not run
 * over them. What it gives is read, so that the sanitizers see it. */
#include "base/buf.h"
#include "source/pgoutput.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct seen {
    bool inside;
    uint32_t sum;
};

static void on_begin(void *ctx, uint32_t xid)
{
    struct seen *seen = ctx;
    assert(!seen->inside);
    seen->inside = true;
    seen->sum += xid;
}

static void read_row(struct seen *seen, const struct relation *relation, const struct value *row)
{
    for (unsigned i = 0; row && i < relation->n_columns; i++) {
        seen->sum += (uint32_t)strlen(relation->columns[i].name);
        for (uint32_t at = 0; row[i].kind == VALUE_TEXT && at < row[i].len; at++)
            seen->sum += (unsigned char)row[i].text[at];
    }
}

static void on_change(void *ctx, const struct change *change)
{
    struct seen *seen = ctx;
    assert(seen->inside);
    assert(change->new_row || change->op == CHANGE_DELETE || change->op == CHANGE_TRUNCATE);
    seen->sum += (uint32_t)(strlen(change->relation->schema) + strlen(change->relation->name));
    read_row(seen, change->relation, change->old_row);
    read_row(seen, change->relation, change->new_row);
}

static void on_commit(void *ctx, uint64_t end_lsn)
{
    struct seen *seen = ctx;
    assert(seen->inside && end_lsn != 0);
    seen->inside = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct pgoutput_events events = {on_begin, on_change, on_commit};
    struct seen seen = {0};
    struct err err;
    struct pgoutput *decoder = pgoutput_make(&events, &seen, NULL);
    struct reader reader = reader_make(bytes, n);
    while (reader_left(&reader)) {
        uint32_t len = reader_u32(&reader);
        const char *message = reader_bytes(&reader, len);
        if (!message || pgoutput_decode(decoder, message, len, &err) != 0)
            break;
        assert(pgoutput_in_transaction(decoder) == seen.inside);
    }
    pgoutput_free(decoder);
    return 0;
}
