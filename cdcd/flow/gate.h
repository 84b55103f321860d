/* The gate: ops leave only when readers can see what their transaction wrote.
 *
 * The stream delivers a transaction before other sessions see it. A key deleted then is filled
 * again, with the old row, by the next reader, and nothing deletes it afterwards. So parts are held
 * here until a snapshot of the primary sees their transaction. One question answers for all that
 * waits, and parts are let go in any order: a transaction that waits for a standby holds up no
 * other. But for one that sets keys: an older value must not come over what is newer, so it passes
 * nothing that is not seen yet, and nothing passes it. */
#ifndef CDCD_FLOW_GATE_H
#define CDCD_FLOW_GATE_H

#include "flow/part.h"
#include "model/change.h"

/* A part that is visible, but waits for its time. */
struct gate_delayed {
    int64_t due_ms;
    uint64_t number; /* of parts that are due together the older goes first */
    struct part *part;
};

struct gate {
    struct part *unseen;          /* not visible yet; all lists borrow, oldest first */
    unsigned n_unseen_sets;       /* of them, those that set keys */
    struct gate_delayed *delayed; /* a heap: the first is due first */
    unsigned n_delayed;
    unsigned cap_delayed;
    uint64_t last_number;
    struct part *leaving; /* for gate_next */
    size_t held_bytes;
    bool asked;          /* a question is out */
    int64_t next_ask_ms; /* not before, when the last answer left something waiting */
    int64_t delay_ms;
};

/* True when the part may leave without being held. */
bool gate_is_open(const struct gate *gate, const struct part *part);
/* Holds the part until gate_next gives it. */
void gate_hold(struct gate *gate, struct part *part);
/* True when a question should be asked now; it is then taken to be out. */
bool gate_ask(struct gate *gate, int64_t now_ms);
/* The answer: marks what can be seen. */
void gate_answer(struct gate *gate, const struct snapshot *snapshot, int64_t now_ms);
/* Gives a part that may leave now, held no more; NULL when there is none. */
struct part *gate_next(struct gate *gate, int64_t now_ms);
/* When something may have to be done next; INT64_MAX for never. */
int64_t gate_due_ms(const struct gate *gate);
/* Forgets what is held (the parts are their owner's), and the question that is out. */
void gate_reset(struct gate *gate);

#endif
