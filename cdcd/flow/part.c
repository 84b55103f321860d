#include "flow/part.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct record {
    uint32_t key_len;
    uint16_t store;
    uint16_t cache;
    uint8_t action;
    uint8_t stage;
    bool in_doubt;
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
    free(part);
}

void part_put(struct part *part, const struct op *op)
{
    struct record record = {
        .key_len = op->key_len,
        .store = op->store,
        .cache = op->cache,
        .action = op->action,
        .stage = op->stage,
        .in_doubt = op->in_doubt,
    };
    buf_put(&part->ops, &record, sizeof record);
    buf_put(&part->ops, op->key, op->key_len);
    part->n_ops++;
    if (op->stage > part->last_stage)
        part->last_stage = op->stage;
}

bool part_next(const struct part *part, size_t *at, struct op *op)
{
    struct record record;
    if (*at >= part->ops.len)
        return false;
    memcpy(&record, part->ops.data + *at, sizeof record);
    *op = (struct op){
        .key = part->ops.data + *at + sizeof record,
        .key_len = record.key_len,
        .store = record.store,
        .cache = record.cache,
        .action = record.action,
        .stage = record.stage,
        .in_doubt = record.in_doubt,
    };
    *at += sizeof record + record.key_len;
    return true;
}

bool part_has(const struct part *part, const struct op *op)
{
    struct op other;
    for (size_t at = 0; part_next(part, &at, &other);) {
        bool same = other.store == op->store && other.action == op->action &&
                    other.key_len == op->key_len && memcmp(other.key, op->key, op->key_len) == 0;
        if (same)
            return true;
    }
    return false;
}

void part_empty(struct part *part)
{
    buf_free(&part->ops);
    part->n_ops = 0;
}

size_t part_bytes(const struct part *part)
{
    return sizeof *part + part->n_waits * sizeof part->waits[0] + part->ops.cap;
}

bool part_answered(const struct part *part, const uint64_t *done)
{
    for (unsigned lane = 0; lane < part->n_waits; lane++)
        if (part->waits[lane] > done[lane])
            return false;
    return true;
}
