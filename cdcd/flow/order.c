#include "flow/order.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

static bool same_text(const char *a, uint32_t a_len, const char *b, uint32_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* What its key names is a key, not a channel or a pattern. */
static bool is_of_key(const struct batch_op *op)
{
    return op->action != OP_PUBLISH && op->action != OP_SCAN;
}

static bool says_all(const struct batch_op *op)
{
    return op->action == OP_SET || op->action == OP_DELETE;
}

static bool is_same(const struct batch_op *a, const struct batch_op *b)
{
    if (a->action != b->action || a->format != b->format || a->ttl_ms != b->ttl_ms ||
        a->grace_ms != b->grace_ms)
        return false;
    return same_text(a->value, a->value_len, b->value, b->value_len);
}

enum meeting order_meet(const struct batch_op *older, const struct batch_op *newer)
{
    if (!same_text(older->key, older->key_len, newer->key, newer->key_len))
        return MEETING_NONE;
    if (is_same(older, newer))
        return MEETING_SAME;
    bool set = older->action == OP_SET || newer->action == OP_SET;
    if (!set || !is_of_key(older) || !is_of_key(newer))
        return MEETING_NONE;
    return says_all(older) && says_all(newer) ? MEETING_REPLACES : MEETING_FOLLOWS;
}

bool order_sweeps(const struct batch_op *op)
{
    return op->action == OP_SCAN || op->action == OP_DELETE_MEMBERS;
}

void order_index_make(struct order_index *index, unsigned most_ops)
{
    index->n_slots = 16;
    while (index->n_slots < 2 * most_ops)
        index->n_slots *= 2;
    index->slots = mem_alloc(index->n_slots * sizeof *index->slots);
}

void order_index_free(struct order_index *index)
{
    free(index->slots);
    *index = (struct order_index){0};
}

void order_index_clear(struct order_index *index)
{
    memset(index->slots, 0, index->n_slots * sizeof *index->slots);
}

static uint32_t *slot_at(const struct order_index *index, uint32_t i)
{
    return &index->slots[i & (index->n_slots - 1)];
}

static uint32_t hash_key(const struct batch_op *op)
{
    unsigned hash;
    HASH_JEN(op->key, op->key_len, hash);
    return hash;
}

/* Who listens is left with what was said last: a message is not said before one that came between.
 */
static bool is_other_message(const struct batch_op *older, const struct batch_op *newer)
{
    return older->action == OP_PUBLISH && newer->action == OP_PUBLISH &&
           same_text(older->key, older->key_len, newer->key, newer->key_len);
}

enum meeting order_find(const struct order_index *index, const struct batch *batch,
                        const struct batch_op *op, uint32_t **slot)
{
    enum meeting found = MEETING_NONE;
    uint32_t i = hash_key(op);
    for (; *slot_at(index, i); i++) {
        const struct batch_op *older = &batch->ops[*slot_at(index, i) - 1];
        enum meeting meeting = order_meet(older, op);
        if (meeting == MEETING_NONE && !is_other_message(older, op))
            continue;
        *slot = slot_at(index, i);
        found = meeting;
        /* What it replaces may stand beside what it has to follow, and the last message of a
         * channel is the one that counts. */
        if (meeting != MEETING_REPLACES && op->action != OP_PUBLISH)
            return meeting;
    }
    if (found == MEETING_NONE)
        *slot = slot_at(index, i);
    return found;
}

void order_index_fill(struct order_index *index, const struct batch *batch)
{
    order_index_clear(index);
    for (unsigned n = 0; n < batch->n; n++) {
        uint32_t i = hash_key(&batch->ops[n]);
        while (*slot_at(index, i))
            i++;
        *slot_at(index, i) = n + 1;
    }
}

void order_replace(struct batch_op *op, const struct batch_op *newer, struct arena *keys)
{
    const char *value = NULL;
    if (newer->value)
        value = arena_strndup(keys, newer->value, newer->value_len);
    op->value = value;
    op->value_len = newer->value_len;
    op->ttl_ms = newer->ttl_ms;
    op->grace_ms = newer->grace_ms;
    op->cache = newer->cache;
    op->action = newer->action;
    op->format = newer->format;
}

static bool become_delete(struct batch_op *op)
{
    *op = (struct batch_op){
        .key = op->key,
        .key_len = op->key_len,
        .cache = op->cache,
        .action = OP_DELETE,
    };
    return true;
}

/* The op that is kept meets one that would pass it; true when it has become a delete. */
static bool give_way(struct batch_op *kept, struct arena *keys, struct batch_op *leaving)
{
    bool was_set = kept->action == OP_SET;
    bool set = was_set || leaving->action == OP_SET;
    if (!set || !is_of_key(kept) || !is_of_key(leaving))
        return false;
    /* Were the set done later, what is said of its value would be lost. */
    if (!says_all(leaving))
        return become_delete(kept);
    order_replace(kept, leaving, keys);
    leaving->result = RESULT_MISS;
    return was_set && kept->action == OP_DELETE;
}

static bool has_sweep(const struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++)
        if (order_sweeps(&batch->ops[i]))
            return true;
    return false;
}

bool order_settle(struct batch *kept, struct arena *kept_keys, struct batch *leaving,
                  const struct order_index *leaving_index)
{
    bool deletes = false;
    bool sweep = has_sweep(leaving);
    for (unsigned n = 0; n < kept->n; n++) {
        struct batch_op *op = &kept->ops[n];
        if (sweep && op->action == OP_SET)
            deletes |= become_delete(op);
        for (uint32_t i = hash_key(op); *slot_at(leaving_index, i); i++) {
            struct batch_op *newer = &leaving->ops[*slot_at(leaving_index, i) - 1];
            if (same_text(op->key, op->key_len, newer->key, newer->key_len))
                deletes |= give_way(op, kept_keys, newer);
        }
    }
    return deletes;
}
