/* The way out of parts: held at the gate, put into lanes stage by stage, done again after a time
 * where rules say so, and waited for until all is answered.
 *
 * Questions are asked when they have passed the gate; the ops of the answers then stand right
 * before the part that asked, which is done when it has no more questions. */
#ifndef CDCD_FLOW_DEPARTURE_H
#define CDCD_FLOW_DEPARTURE_H

#include "flow/ack.h"
#include "flow/asking.h"
#include "flow/fleet.h"
#include "flow/gate.h"
#include "flow/staging.h"

struct departure_cache {
    int64_t doubt_ms; /* when it was last cleared in doubt; 0: never */
    uint64_t left_at; /* the clock when ops that rows made last left */
    uint64_t set_at;  /* the newest set that left was read or asked for then */
};

struct departure {
    unsigned batch_ops; /* of a full batch */
    struct fleet fleet;
    struct gate gate;
    struct part *climbing; /* released up to a stage whose answers are waited for */
    size_t climbing_bytes;
    struct ack ack;
    struct asking asking;
    const struct ruleset *ruleset;
    struct departure_cache *caches; /* of the ruleset */
    unsigned n_caches;
    uint64_t clock;      /* counts what is read, what is asked, and what leaves */
    uint64_t rules_at;   /* the clock when the caches became others */
    uint64_t trust_from; /* what was asked for before may be older than what has left since */
};

/* Other rules hold: no cache of theirs was cleared in doubt. Borrowed until then. */
void departure_set_rules(struct departure *out, const struct ruleset *ruleset);
void departure_free(struct departure *out);
/* When the cache was last cleared in doubt; 0 for never. */
int64_t departure_doubted_ms(const struct departure *out, unsigned cache);

/* Takes the parts of at least so many ops, all with 0; true when there was one. */
bool departure_take(struct departure *out, struct staging *staging, unsigned n_ops, int64_t now_ms);
/* Lets go what may leave now. */
void departure_release(struct departure *out, int64_t now_ms);
/* Asks what may be asked now. */
void departure_ask(struct departure *out, int64_t now_ms);
/* The answer to a question. */
void departure_answered(struct departure *out, uint64_t number, const struct answer *answer,
                        int64_t now_ms);
/* Goes on with what was answered for, and frees what is done; the newest token among it, or 0. */
uint64_t departure_advance(struct departure *out, int64_t now_ms);
/* Forgets all parts. */
void departure_reset(struct departure *out);

#endif
