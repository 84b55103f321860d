/* The lane of a server: batches on their way to it.
 *
 * Ops are put into the open batch, where equal ones are merged; it is closed when it is full, or
 * sent when the server takes one. What the server did not answer for is sent again, in order. An
 * op that the server refuses by itself is set aside and tried again alone, while the others go
 * on; it is never dropped.
 *
 * Where keys are set, order counts (flow/order): a batch with a set leaves when nothing older is
 * out, and nothing newer leaves before it is answered for; what is set aside gives way to what is
 * newer. A lane without sets pays nothing for that.
 *
 * What was answered for is kept (flow/recent) where the server may lose it, and goes again, in
 * batches of its own, when the server says that it may have. */
#ifndef CDCD_FLOW_BATCH_H
#define CDCD_FLOW_BATCH_H

#include "model/op.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane;

struct lane_opts {
    unsigned batch_ops; /* ops of a full batch */
    int64_t retry_min_ms;
    int64_t retry_max_ms;
};

/* Borrows the store. The caller owns the lane. */
struct lane *lane_make(struct store *store, unsigned server, const struct lane_opts *opts);
void lane_free(struct lane *lane);

/* Copies the op into the open batch, or finds it there; the number of that batch. */
uint64_t lane_put(struct lane *lane, const struct op *op);
/* Gives the server all that it takes now. */
void lane_send(struct lane *lane, int64_t now_ms);
/* What was deferred needs to wait no longer. */
void lane_mended(struct lane *lane, int64_t now_ms);
/* The store gave a batch back. */
void lane_answered(struct lane *lane, struct batch *batch, int64_t now_ms);
/* Calls for every op that waits and is not with the store; lent. */
void lane_each(const struct lane *lane, void (*each)(void *ctx, const struct op *op), void *ctx);
/* Forgets all that is waiting. A batch that is out is forgotten when it is answered. What goes
 * again stays: nobody will give it anew. */
void lane_void(struct lane *lane);
/* The server may have lost what it acknowledged at since_ms or later: that goes again. False when
 * not all of it is kept any more. */
bool lane_renewed(struct lane *lane, int64_t since_ms);
/* True while something that goes again was not acknowledged again. */
bool lane_goes_again(const struct lane *lane);

/* Every batch up to this number was answered for. */
uint64_t lane_done(const struct lane *lane);
/* When, after now, lane_send has to be called though nothing was answered; INT64_MAX for never. */
int64_t lane_due_ms(const struct lane *lane, int64_t now_ms);
/* Bytes of memory that its batches hold; what is kept has a bound of its own. */
size_t lane_bytes(const struct lane *lane);

#endif
