#include "flow/recent.h"

#include "base/mem.h"
#include "flow/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define CHUNK_BYTES (64u << 10)
#define ALIGN_BYTES 8
/* A chunk takes ops for this part of the window, so that little is given again without need. */
#define CHUNKS_A_WINDOW 4
/* Keys that were chosen to collide are given again twice rather than compared for ever. */
#define PROBES_MAX 64

/* Followed by a struct batch_op unless it is a delete, and by the key. */
struct record {
    uint32_t key_len;
    uint16_t cache;
    uint8_t action;
    uint8_t skip; /* another one says the same */
};

/* Records of about the same time; the unit that is forgotten. */
struct chunk {
    struct chunk *prev, *next;
    int64_t oldest_ms;
    int64_t newest_ms;
    size_t used;
    size_t size;
    char bytes[];
};

struct recent {
    int64_t window_ms;
    size_t limit_bytes;
    struct chunk *kept;
    struct chunk *again;
    size_t at; /* in the first of again: what is before it was given */
    size_t n_again;
    size_t bytes;      /* of all chunks */
    int64_t forgot_ms; /* the newest op that was not kept to the end was acknowledged then */
};

struct recent *recent_make(int64_t window_ms, size_t limit_bytes)
{
    struct recent *recent = mem_alloc(sizeof *recent);
    recent->window_ms = window_ms;
    recent->limit_bytes = limit_bytes;
    recent->forgot_ms = INT64_MIN;
    return recent;
}

static void drop(struct recent *recent, struct chunk **list)
{
    struct chunk *chunk = *list;
    DL_DELETE(*list, chunk);
    recent->bytes -= sizeof *chunk + chunk->size;
    free(chunk);
}

void recent_free(struct recent *recent)
{
    if (!recent)
        return;
    while (recent->kept)
        drop(recent, &recent->kept);
    while (recent->again)
        drop(recent, &recent->again);
    free(recent);
}

/* ---- keeping ---- */

static size_t record_size(uint8_t action, uint32_t key_len)
{
    size_t size = sizeof(struct record) + key_len;
    if (action != OP_DELETE)
        size += sizeof(struct batch_op);
    return (size + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

static void forget_oldest(struct recent *recent)
{
    recent->forgot_ms = recent->kept->newest_ms;
    drop(recent, &recent->kept);
}

static struct chunk *last_chunk(const struct recent *recent, size_t size, int64_t now_ms)
{
    struct chunk *chunk = recent->kept ? recent->kept->prev : NULL;
    if (!chunk || chunk->size - chunk->used < size)
        return NULL;
    return now_ms - chunk->oldest_ms > recent->window_ms / CHUNKS_A_WINDOW ? NULL : chunk;
}

/* A chunk with room for so much; NULL when there is none. */
static struct chunk *make_room(struct recent *recent, size_t size, int64_t now_ms)
{
    struct chunk *chunk = last_chunk(recent, size, now_ms);
    if (chunk)
        return chunk;
    size_t n = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    while (recent->kept && (recent->kept->newest_ms < now_ms - recent->window_ms ||
                            recent->bytes + sizeof *chunk + n > recent->limit_bytes))
        forget_oldest(recent);
    if (recent->bytes + sizeof *chunk + n > recent->limit_bytes)
        return NULL;
    chunk = mem_alloc(sizeof *chunk + n);
    chunk->size = n;
    chunk->oldest_ms = now_ms;
    recent->bytes += sizeof *chunk + n;
    DL_APPEND(recent->kept, chunk);
    return chunk;
}

void recent_keep(struct recent *recent, const struct batch_op *op, int64_t now_ms)
{
    if (op->action == OP_PUBLISH)
        return;
    struct record record = {op->key_len, op->cache, op->action, false};
    if (op->action == OP_SET)
        record.action = OP_DELETE;
    size_t size = record_size(record.action, record.key_len);
    struct chunk *chunk = make_room(recent, size, now_ms);
    if (!chunk) {
        recent->forgot_ms = now_ms;
        return;
    }
    char *to = chunk->bytes + chunk->used;
    memcpy(to, &record, sizeof record);
    to += sizeof record;
    if (record.action != OP_DELETE) {
        assert(!op->value);
        memcpy(to, op, sizeof *op);
        to += sizeof *op;
    }
    memcpy(to, op->key, op->key_len);
    chunk->used += size;
    chunk->newest_ms = now_ms;
}

/* ---- giving again ---- */

static struct record *record_at(struct chunk *chunk, size_t at)
{
    return (struct record *)(void *)(chunk->bytes + at);
}

static struct batch_op read_record(const struct record *record)
{
    const char *from = (const char *)(record + 1);
    struct batch_op op = {.action = record->action, .cache = record->cache};
    if (record->action != OP_DELETE) {
        memcpy(&op, from, sizeof op);
        from += sizeof op;
    }
    op.result = RESULT_NONE;
    op.key = from;
    op.key_len = record->key_len;
    return op;
}

/* Each record that was not given yet; *at starts where the first one's chunk was left. */
static struct record *walk(struct chunk **chunk, size_t *at)
{
    while (*chunk && *at == (*chunk)->used) {
        *chunk = (*chunk)->next;
        *at = 0;
    }
    if (!*chunk)
        return NULL;
    struct record *record = record_at(*chunk, *at);
    *at += record_size(record->action, record->key_len);
    return record;
}

static size_t count_records(struct recent *recent)
{
    struct chunk *chunk = recent->again;
    size_t n = 0;
    for (size_t at = recent->at; walk(&chunk, &at);)
        n++;
    return n;
}

/* False when a record in the table says the same. */
static bool note(struct record **slots, size_t mask, struct record *record)
{
    struct batch_op op = read_record(record);
    unsigned hash;
    HASH_JEN(op.key, op.key_len, hash);
    size_t i = hash & mask;
    for (unsigned n = 0; slots[i]; i = (i + 1) & mask) {
        if (++n > PROBES_MAX)
            return true;
        struct batch_op other = read_record(slots[i]);
        if (order_meet(&other, &op) == MEETING_SAME)
            return false;
    }
    slots[i] = record;
    return true;
}

static void skip_repetitions(struct recent *recent)
{
    struct chunk *chunk = recent->again;
    struct record *record;
    size_t n_slots = 16, n = count_records(recent);
    while (n_slots < 2 * n)
        n_slots *= 2;
    struct record **slots = mem_alloc(n_slots * sizeof(struct record *));
    recent->n_again = 0;
    for (size_t at = recent->at; (record = walk(&chunk, &at));) {
        record->skip = record->skip || !note(slots, n_slots - 1, record);
        recent->n_again += !record->skip;
    }
    free(slots);
}

bool recent_renew(struct recent *recent, int64_t since_ms)
{
    while (recent->kept && recent->kept->newest_ms < since_ms)
        forget_oldest(recent);
    if (!recent->again)
        recent->at = 0;
    DL_CONCAT(recent->again, recent->kept);
    recent->kept = NULL;
    skip_repetitions(recent);
    return recent->forgot_ms < since_ms;
}

bool recent_next(struct recent *recent, struct batch_op *op)
{
    while (recent->again) {
        if (recent->at == recent->again->used) {
            drop(recent, &recent->again);
            recent->at = 0;
            continue;
        }
        const struct record *record = record_at(recent->again, recent->at);
        recent->at += record_size(record->action, record->key_len);
        if (record->skip)
            continue;
        *op = read_record(record);
        recent->n_again--;
        return true;
    }
    return false;
}

size_t recent_n_again(const struct recent *recent)
{
    return recent->n_again;
}

size_t recent_bytes(const struct recent *recent)
{
    return sizeof *recent + recent->bytes;
}
