/* The pipeline: the whole way of a change, from the source to the stores and back.
 *
 *   source --begin, change, commit--> rules --ops--> part --> gate --> lanes --batches--> stores
 *      ^                                ^             |        |         |
 *      |                             answers          |    questions     |
 *      |                                +---lookups<-----------+         |
 *      |                                              +--->ack<---done---+
 *      +---- confirm (this much is safe), pause (stop reading) ----+
 *
 * It is the only part that knows all the others. It does no I/O and has no clock of its own:
 * source, lookups and stores are objects with operations, and the time comes from opts.now_ms. What
 * it promises:
 *
 * - A token is confirmed only when every op of its unit, and of all before it, was answered for;
 *   those that are to be done again, after some time, both times.
 * - An op leaves only when its unit is visible (unless opts.gate is false), and a question is asked
 *   only then (in any case: the answer has to know what the unit wrote). The ops of its answer
 *   stand where the question stood.
 * - Order is kept as far as it means something: keys of a cache in their stages; and of one key,
 *   sets, and what else meets a set, in the order of the commits. A set whose place in that order
 *   is not known, because its value was looked up or the source does not know, becomes a delete.
 * All else may be done in any order.
 * - Memory is bounded: reading stops while more than buffer_bytes wait. Questions wait for nothing
 *   that has yet to be read: a unit that is being read was committed before, and is visible soon.
 * - A change is matched by the rules that hold when its unit begins; its answers are too.
 *
 * When the source begins again, all that was staged is void: it will be given again. What a store
 * acknowledged and may have lost is sent to it again; where not all of it was kept, that is a gap
 * of this store. */
#ifndef CDCD_FLOW_PIPELINE_H
#define CDCD_FLOW_PIPELINE_H

#include "base/err.h"
#include "rule/rule.h"
#include "source/source.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct pipeline;

struct pipeline_opts {
    bool gate;
    bool weak_is_error; /* a rule whose key needs what the replica identity does not send */
    unsigned batch_ops;
    uint64_t buffer_bytes;
    int64_t retry_min_ms; /* for ops that a store answered with an error */
    int64_t retry_max_ms;
    int64_t detach_after_ms;
    unsigned n_stores;            /* that pipeline_add_store will be called for */
    int64_t (*now_ms)(void *ctx); /* monotonic; never 0 */
    /* Only the operator can mend it. */
    void (*failed)(void *ctx, const struct err *err);
    /* The answer to pipeline_close_source. */
    void (*source_closed)(void *ctx);
    void *ctx;
};

/* Takes the ruleset; opts are copied. The caller owns the pipeline, and frees it after source and
 * stores are closed. */
struct pipeline *pipeline_make(const struct pipeline_opts *opts, struct ruleset *ruleset);
void pipeline_free(struct pipeline *pipeline);

/* What sources and stores are opened with; the ctx is the pipeline. */
const struct source_events *pipeline_source_events(void);
const struct store_events *pipeline_store_events(void);

/* Stores in the order of the configuration, then the source; borrowed. */
void pipeline_add_store(struct pipeline *pipeline, struct store *store);
void pipeline_set_source(struct pipeline *pipeline, struct source *source);

/* What questions are asked of, and what it is opened with as `answered`; borrowed. Closed after
 * the source, and before the pipeline is freed. Without it every lookup fails. */
void pipeline_set_lookups(struct pipeline *pipeline, struct lookups *lookups);
void pipeline_answered(void *ctx, uint64_t question, const struct answer *answer);

/* The tables that rules name, as a source asks for them; the caller frees the array, its strings
 * are the ruleset's. */
struct source_table *pipeline_tables(const struct ruleset *ruleset, unsigned *n);

/* To be called after each turn of the event loop, before it sleeps. Returns for how long it may
 * sleep, in milliseconds; -1 for ever. */
int64_t pipeline_turn(struct pipeline *pipeline);

/* Other rules, from the next unit on, once the source has agreed; the ruleset is taken. Until
 * then, and if the source does not agree, the old ones stay. */
void pipeline_reload(struct pipeline *pipeline, struct ruleset *ruleset);

/* Reads no more; what has been read is finished. */
void pipeline_drain(struct pipeline *pipeline);
/* True when no unit that was read whole is unfinished, or those that are wait for a store that is
 * down; and nothing is left of what stores may have lost. */
bool pipeline_drained(const struct pipeline *pipeline);
/* Asks the source to leave, with the last confirmation; it is gone when opts.source_closed is
 * called, and no other event comes from it. */
void pipeline_close_source(struct pipeline *pipeline);

#endif
