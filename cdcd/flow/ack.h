/* What may be confirmed: the newest token with nothing unfinished before it.
 *
 * Parts stand here in commit order, from when they are complete until every batch they wait for was
 * answered. */
#ifndef CDCD_FLOW_ACK_H
#define CDCD_FLOW_ACK_H

#include "flow/part.h"

struct ack {
    struct part *queue; /* owned, oldest first */
    size_t bytes;       /* of the parts without their ops */
    uint64_t n_tokens;  /* parts that carry one */
    uint64_t n_owed;    /* parts that came from no unit */
};

/* Takes the part. */
void ack_add(struct ack *ack, struct part *part);
/* Takes the part; it stands right before another. */
void ack_add_before(struct ack *ack, struct part *next, struct part *part);
/* All before token has been given, and it has no ops of its own: it is done when what stands here
 * is. True when nothing does, so that it is done now. */
bool ack_reached(struct ack *ack, uint64_t token);
/* The part's ops are in batches, all of them. It may be joined with the one before it where no
 * token is done later for that; it must not be used afterwards. */
void ack_released(struct ack *ack, struct part *part);
/* Frees what is done from the front; the newest token among it, or 0. done is as for
 * part_answered. */
uint64_t ack_advance(struct ack *ack, const uint64_t *done);
/* Frees all parts. */
void ack_reset(struct ack *ack);

#endif
