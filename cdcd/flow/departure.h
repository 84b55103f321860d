/* The way out of parts: held at the gate, put into lanes stage by stage, done again after a time
 * where rules say so, and waited for until all is answered. */
#ifndef CDCD_FLOW_DEPARTURE_H
#define CDCD_FLOW_DEPARTURE_H

#include "flow/ack.h"
#include "flow/fleet.h"
#include "flow/gate.h"
#include "flow/staging.h"

struct departure {
    struct fleet fleet;
    struct gate gate;
    struct part *climbing; /* released up to a stage whose answers are waited for */
    size_t climbing_bytes;
    struct ack ack;
    int64_t *doubt_ms; /* for each cache: when it was last cleared in doubt */
    unsigned n_caches;
};

/* Other rules hold: no cache of theirs was cleared in doubt. */
void departure_set_caches(struct departure *out, unsigned n_caches);
void departure_free(struct departure *out);

/* Takes the parts of at least so many ops, all with 0; true when there was one. */
bool departure_take(struct departure *out, struct staging *staging, unsigned n_ops, int64_t now_ms);
/* Lets go what may leave now. */
void departure_release(struct departure *out, int64_t now_ms);
/* Goes on with what was answered for, and frees what is done; the newest token among it, or 0. */
uint64_t departure_advance(struct departure *out, int64_t now_ms);
/* Forgets all parts. */
void departure_reset(struct departure *out);

#endif
