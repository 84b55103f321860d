/* Order among ops of one key.
 *
 * Deletes may be done in any order, and twice. A set may not: an older value over a newer one, or
 * over a delete, stays. So of the sets and deletes of a key only the newest waits, and what else
 * meets a set of its key leaves in another batch. */
#ifndef CDCD_FLOW_ORDER_H
#define CDCD_FLOW_ORDER_H

#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* What a newer op is to an older one. */
enum meeting {
    MEETING_NONE,     /* they may be done in any order */
    MEETING_SAME,     /* done with it */
    MEETING_REPLACES, /* the older need not be done any more */
    MEETING_FOLLOWS,  /* may be done only after it */
};

enum meeting order_meet(const struct batch_op *older, const struct batch_op *newer);
/* True when it deletes keys that it does not name. */
bool order_sweeps(const struct batch_op *op);

/* Finds ops of a batch by their keys. */
struct order_index {
    uint32_t *slots;  /* an op's place in the batch, plus one */
    uint32_t n_slots; /* a power of two */
};

void order_index_make(struct order_index *index, unsigned most_ops);
void order_index_free(struct order_index *index);
void order_index_clear(struct order_index *index);
/* How the op meets those in the batch. *slot is the place of the one that is the same or is
 * replaced, or, with none, the empty one where the op is to be noted. */
enum meeting order_find(const struct order_index *index, const struct batch *batch,
                        const struct batch_op *op, uint32_t **slot);
/* Notes all ops of the batch. */
void order_index_fill(struct order_index *index, const struct batch *batch);

/* The op becomes what the newer one says, its key as it is; what it keeps is the arena's. */
void order_replace(struct batch_op *op, const struct batch_op *newer, struct arena *keys);
/* Ops of `kept` wait while those of `leaving`, which are newer, leave. What would come too late is
 * changed so that it does no harm, or takes the place of the newer op, which need not leave then:
 * it has a result. True when an op that is kept has become a delete. */
bool order_settle(struct batch *kept, struct arena *kept_keys, struct batch *leaving,
                  const struct order_index *leaving_index);

#endif
