/* A part of a unit: ops of one transaction, staged until they may leave, and what their
 * confirmation then waits for; or its questions, staged until they may be asked.
 *
 * A small transaction is one part. A large one is many, so that its first ops leave while its last
 * rows are still being read; only the last part carries the token. An op's key is copied into the
 * part, and from there into a batch. */
#ifndef CDCD_FLOW_PART_H
#define CDCD_FLOW_PART_H

#include "base/buf.h"
#include "model/op.h"

#include <stdbool.h>
#include <stdint.h>

struct questions;

struct part {
    struct part *prev, *next;           /* ack's queue, in commit order */
    struct part *held_prev, *held_next; /* gate's list, asking's, or the climbing ones' */
    uint64_t token;                     /* 0: more of the unit follows, or it came from no unit */
    uint32_t xid;                       /* of the unit */
    bool visible;                       /* the unit can be seen by readers */
    bool released;                      /* all ops are in batches */
    bool owed;          /* came from no unit: a source that begins again does not give it again */
    bool has_set;       /* passes no other part, and is passed by none */
    uint8_t last_stage; /* of ops whose stages are released one by one */
    uint16_t stage;     /* the next to be released */
    int64_t not_before_ms; /* 0: as soon as it is visible */
    int64_t again_ms;      /* only ops that are done again after so long; 0: all, the first time */
    int64_t last_again_ms; /* the longest of its ops */
    int64_t answered_ms;   /* when the first time was answered for */
    uint64_t read_at;      /* the departure's clock when it was given; ops of answers: 0 */
    uint64_t asked_at;     /* ops of answers: the departure's clock when it was asked; else 0 */
    struct questions *questions; /* owned; such a part has no ops. NULL: it has none */
    struct buf ops;              /* packed; read with part_next */
    unsigned n_ops;
    unsigned n_waits;
    uint64_t waits[]; /* for each lane: the batch that must have been answered; 0 for none */
};

/* The caller owns the part. */
struct part *part_make(uint32_t xid, bool visible, unsigned n_lanes);
void part_free(struct part *part);

/* Copies the op. */
void part_put(struct part *part, const struct op *op);
/* True when an equal op is in it; reads them all, so for parts of few ops. */
bool part_has(const struct part *part, const struct op *op);
/* Gives op after op; *at starts as 0. False after the last. The key is lent by the part. */
bool part_next(const struct part *part, size_t *at, struct op *op);
/* The ops that are to be done again next are chosen, from their first stage on, and when; false
 * when there are none. */
bool part_again(struct part *part, int64_t now_ms);
/* True when the op is among those that are chosen. */
bool part_chooses(const struct part *part, const struct op *op);
/* Forgets the ops, when all are in batches, and the questions, when all are answered. */
void part_empty(struct part *part);
/* Bytes it holds in memory. */
size_t part_bytes(const struct part *part);
/* True when every batch it waits for was answered: done[lane] is the newest batch of the lane
 * with none unanswered before it. */
bool part_answered(const struct part *part, const uint64_t *done);

#endif
