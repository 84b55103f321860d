/* Ops of a unit that is being read, of a clearing, or of answers, as the parts that they will leave
 * in: one for each store, because one that is down delays no other. */
#ifndef CDCD_FLOW_STAGING_H
#define CDCD_FLOW_STAGING_H

#include "flow/part.h"
#include "rule/rule.h"

/* In doubt, a whole cache is cleared at most this often. */
#define DOUBT_INTERVAL_MS 1000

struct staging {
    uint32_t xid;
    bool visible; /* ops may leave: the unit can be seen, or nobody asks whether it can */
    bool seen;    /* the unit can be seen, so that questions may be asked */
    bool owed;    /* it is a clearing, of no unit */
    unsigned n_stores;
    unsigned n_lanes;
    struct part **parts;   /* owned, by store; NULL until the first op */
    uint64_t asked_at;     /* as in struct part */
    struct part *asking;   /* owned; the unit's questions; NULL until the first */
    struct part *doubtful; /* owned; of all stores: may wait to be merged with their like */
};

/* Copies the op. doubted_ms is when its cache was last cleared in doubt, 0 for never. */
void staging_put(struct staging *staging, const struct op *op, int64_t doubted_ms);
/* Copies the question, of this ruleset, which is held while the question is out. */
void staging_ask(struct staging *staging, struct ruleset *ruleset, const struct question *question);
/* Gives a part of at least so many ops or questions, or of many bytes; the caller owns it. With 0
 * gives all of them, part after part. NULL when there is none. */
struct part *staging_take(struct staging *staging, unsigned n_ops);
/* The unit has become visible. */
void staging_see(struct staging *staging);
/* Frees the parts; n_stores and n_lanes stay. */
void staging_drop(struct staging *staging);

#endif
