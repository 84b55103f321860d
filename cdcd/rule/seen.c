#include "rule/seen.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64
#define FEW_OPS 8

void seen_begin(struct seen *seen)
{
    seen->n_ops = 0;
    /* After 2^32 changes turns come again: forget the old ones before. */
    if (++seen->turn == 0) {
        seen->turn = 1;
        if (seen->n_slots)
            memset(seen->slots, 0, seen->n_slots * sizeof *seen->slots);
    }
}

static uint32_t hash_op(const char *key, const struct seen_op *op)
{
    uint64_t hash = op->len + ((uint64_t)op->store << 32) + ((uint64_t)op->action << 56);
    size_t n = op->len;
    for (; n >= 8; n -= 8, key += 8) {
        uint64_t word;
        memcpy(&word, key, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29;
    }
    uint64_t tail = 0;
    memcpy(&tail, key, n);
    hash = (hash ^ tail) * 0x9e3779b97f4a7c15U;
    return (uint32_t)(hash >> 32);
}

static bool same_op(const char *keys, const struct seen_op *a, const struct seen_op *b)
{
    return a->hash == b->hash && a->store == b->store && a->action == b->action &&
           a->key_len == b->key_len && a->len == b->len &&
           memcmp(keys + a->at, keys + b->at, a->len) == 0;
}

/* The slot that holds the op, or the empty one that would. */
static uint64_t *find_slot(struct seen *seen, const char *keys, const struct seen_op *op)
{
    unsigned mask = seen->n_slots - 1;
    for (unsigned i = op->hash & mask;; i = (i + 1) & mask) {
        uint64_t *slot = &seen->slots[i];
        if (*slot >> 32 != seen->turn || same_op(keys, &seen->ops[(uint32_t)*slot], op))
            return slot;
    }
}

static void grow(struct seen *seen, const char *keys)
{
    free(seen->slots);
    seen->n_slots = seen->n_slots ? 2 * seen->n_slots : FIRST_SLOTS;
    seen->slots = mem_alloc(seen->n_slots * sizeof *seen->slots);
    seen->ops_cap = seen->n_slots / 2;
    seen->ops = mem_resize(seen->ops, seen->ops_cap * sizeof *seen->ops);
    for (unsigned i = 0; i < seen->n_ops; i++)
        *find_slot(seen, keys, &seen->ops[i]) = (uint64_t)seen->turn << 32 | i;
}

/* Most caches make one op or two of a change, and to compare those costs less than to hash them. */
static struct seen_op *find_among_few(struct seen *seen, const char *keys, const struct seen_op *op)
{
    for (unsigned i = 0; i < seen->n_ops; i++)
        if (same_op(keys, &seen->ops[i], op))
            return &seen->ops[i];
    return NULL;
}

static void put_hashed(struct seen *seen, const char *keys, unsigned i)
{
    *find_slot(seen, keys, &seen->ops[i]) = (uint64_t)seen->turn << 32 | i;
}

static struct seen_op *find_op(struct seen *seen, const char *keys, struct seen_op *op)
{
    op->hash = 0;
    if (seen->n_ops < FEW_OPS)
        return find_among_few(seen, keys, op);
    op->hash = hash_op(keys + op->at, op);
    uint64_t *slot = find_slot(seen, keys, op);
    return *slot >> 32 == seen->turn ? &seen->ops[(uint32_t)*slot] : NULL;
}

static void append(struct seen *seen, const char *keys, const struct seen_op *op)
{
    unsigned first = seen->n_ops;
    seen->ops[seen->n_ops++] = *op;
    if (seen->n_ops < FEW_OPS)
        return;
    if (seen->n_ops == FEW_OPS) /* those before are not hashed yet */
        first = 0;
    for (unsigned i = first; i < seen->n_ops; i++) {
        seen->ops[i].hash = hash_op(keys + seen->ops[i].at, &seen->ops[i]);
        put_hashed(seen, keys, i);
    }
}

bool seen_add(struct seen *seen, const char *keys, const struct seen_op *op)
{
    struct seen_op made = *op;
    if (seen->n_ops == seen->ops_cap)
        grow(seen, keys);
    struct seen_op *before = find_op(seen, keys, &made);
    if (!before) {
        append(seen, keys, &made);
        return true;
    }
    bool firmer = before->in_doubt && !op->in_doubt;
    bool later = op->stage > before->stage;
    before->in_doubt &= op->in_doubt;
    if (later)
        before->stage = op->stage;
    return firmer || later;
}

void seen_free(struct seen *seen)
{
    free(seen->ops);
    free(seen->slots);
    *seen = (struct seen){0};
}
