#include "flow/part.h"

#include "base/mem.h"
#include "flow/questions.h"

#include <stdlib.h>
#include <string.h>

/* Followed by the key, and by what the flags say, in their order. */
struct record {
    uint32_t key_len;
    uint16_t store;
    uint16_t cache;
    uint8_t action;
    uint8_t stage;
    uint8_t flags;
    uint8_t format;
};

enum {
    IN_DOUBT = 1,
    HAS_VALUE = 2, /* its length, and the value */
    HAS_TIMES = 4,
};

struct times {
    int64_t ttl_ms;
    int64_t grace_ms;
    int64_t redelete_ms;
};

struct part *part_make(uint32_t xid, bool visible, unsigned n_lanes)
{
    struct part *part = mem_alloc(sizeof *part + n_lanes * sizeof part->waits[0]);
    part->xid = xid;
    part->visible = visible;
    part->n_waits = n_lanes;
    return part;
}

void part_free(struct part *part)
{
    if (!part)
        return;
    buf_free(&part->ops);
    questions_free(part->questions);
    free(part);
}

void part_put(struct part *part, const struct op *op)
{
    /* A set is not done again: by then it could be older than what is there. */
    int64_t again_ms = op->action == OP_SET ? 0 : op->redelete_ms;
    struct times times = {op->ttl_ms, op->grace_ms, again_ms};
    bool timed = op->ttl_ms || op->grace_ms || again_ms;
    struct record record = {
        .key_len = op->key_len,
        .store = op->store,
        .cache = op->cache,
        .action = op->action,
        .stage = op->stage,
        .format = op->format,
        .flags = (uint8_t)((op->in_doubt ? IN_DOUBT : 0) | (op->value ? HAS_VALUE : 0) |
                           (timed ? HAS_TIMES : 0)),
    };
    buf_put(&part->ops, &record, sizeof record);
    buf_put(&part->ops, op->key, op->key_len);
    if (op->value) {
        buf_put(&part->ops, &op->value_len, sizeof op->value_len);
        buf_put(&part->ops, op->value, op->value_len);
    }
    if (timed)
        buf_put(&part->ops, &times, sizeof times);
    part->n_ops++;
    part->has_set |= op->action == OP_SET;
    if (again_ms > part->last_again_ms)
        part->last_again_ms = again_ms;
    if (op->stage > part->last_stage)
        part->last_stage = op->stage;
}

/* The next n bytes, lent. */
static const char *take(const struct part *part, size_t *at, size_t n)
{
    const char *bytes = part->ops.data + *at;
    *at += n;
    return bytes;
}

bool part_next(const struct part *part, size_t *at, struct op *op)
{
    struct record record;
    struct times times = {0};
    if (*at >= part->ops.len)
        return false;
    memcpy(&record, take(part, at, sizeof record), sizeof record);
    *op = (struct op){
        .key = take(part, at, record.key_len),
        .key_len = record.key_len,
        .store = record.store,
        .cache = record.cache,
        .action = record.action,
        .stage = record.stage,
        .format = record.format,
        .in_doubt = record.flags & IN_DOUBT,
    };
    if (record.flags & HAS_VALUE) {
        memcpy(&op->value_len, take(part, at, sizeof op->value_len), sizeof op->value_len);
        op->value = take(part, at, op->value_len);
    }
    if (record.flags & HAS_TIMES)
        memcpy(&times, take(part, at, sizeof times), sizeof times);
    op->ttl_ms = times.ttl_ms;
    op->grace_ms = times.grace_ms;
    op->redelete_ms = times.redelete_ms;
    return true;
}

static bool same_text(const char *a, uint32_t a_len, const char *b, uint32_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool same(const struct op *a, const struct op *b)
{
    return a->store == b->store && a->action == b->action && a->stage == b->stage &&
           a->format == b->format && a->ttl_ms == b->ttl_ms && a->grace_ms == b->grace_ms &&
           a->redelete_ms == b->redelete_ms && same_text(a->key, a->key_len, b->key, b->key_len) &&
           same_text(a->value, a->value_len, b->value, b->value_len);
}

bool part_has(const struct part *part, const struct op *op)
{
    struct op other;
    for (size_t at = 0; part_next(part, &at, &other);)
        if (same(&other, op))
            return true;
    return false;
}

bool part_again(struct part *part, int64_t now_ms)
{
    int64_t next_ms = part->last_again_ms;
    struct op op;
    if (next_ms <= part->again_ms)
        return false;
    for (size_t at = 0; part_next(part, &at, &op);)
        if (op.redelete_ms > part->again_ms && op.redelete_ms < next_ms)
            next_ms = op.redelete_ms;
    if (part->again_ms == 0)
        part->answered_ms = now_ms;
    part->again_ms = next_ms;
    part->stage = 0;
    part->not_before_ms = part->answered_ms + next_ms;
    return true;
}

bool part_chooses(const struct part *part, const struct op *op)
{
    return part->again_ms == 0 || op->redelete_ms == part->again_ms;
}

void part_empty(struct part *part)
{
    buf_free(&part->ops);
    questions_free(part->questions);
    part->questions = NULL;
    part->n_ops = 0;
}

size_t part_bytes(const struct part *part)
{
    size_t bytes = sizeof *part + part->n_waits * sizeof part->waits[0] + part->ops.cap;
    return bytes + (part->questions ? questions_bytes(part->questions) : 0);
}

bool part_answered(const struct part *part, const uint64_t *done)
{
    for (unsigned lane = 0; lane < part->n_waits; lane++)
        if (part->waits[lane] > done[lane])
            return false;
    return true;
}
