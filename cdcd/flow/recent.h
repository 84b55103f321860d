/* What a server acknowledged, kept for as long as it may lose it.
 *
 *     kept    what it acknowledged lately, the oldest first; leaves when it is older than the
 * window again   what it may have lost, and has not been given again
 *
 * Both together hold no more than a limit. What was kept as a set is given again as a delete, for
 * its value may be old by then; messages are not given again. Keeping an op costs a copy of its
 * key. */
#ifndef CDCD_FLOW_RECENT_H
#define CDCD_FLOW_RECENT_H

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

/* The caller owns it. */
struct recent *recent_make(int64_t window_ms, size_t limit_bytes);
/* NULL is allowed. */
void recent_free(struct recent *recent);

/* Copies an op that was acknowledged now. */
void recent_keep(struct recent *recent, const struct batch_op *op, int64_t now_ms);
/* The server may lack what it acknowledged at since_ms or later: that is given again, each op
 * once. False when some of it is not there any more. */
bool recent_renew(struct recent *recent, int64_t since_ms);
/* Gives the next op that is to be given again; lent until the next call. False when there is none.
 */
bool recent_next(struct recent *recent, struct batch_op *op);
/* How many are to be given again. */
size_t recent_n_again(const struct recent *recent);
/* Bytes of memory that it holds. */
size_t recent_bytes(const struct recent *recent);

#endif
