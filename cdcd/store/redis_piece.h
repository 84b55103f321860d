/* Batches for a cluster, cut into pieces for its nodes.
 *
 * A whole is a batch that the cluster was given; a piece is those of its ops that go to one node
 * together, as copies. An op is in one piece at a time, a scan in one for each master. What a
 * piece's answer says is taken over into the whole, which has ended when no piece of it is out. */
#ifndef CDCD_STORE_REDIS_PIECE_H
#define CDCD_STORE_REDIS_PIECE_H

#include "store/store.h"

struct whole {
    struct batch *batch;   /* borrowed until it is answered for */
    struct share *shares;  /* of each op */
    unsigned n_pieces;     /* made, and not taken over */
    uint64_t version;      /* the cluster's: of the map when it was taken */
    bool doubted;          /* what was done of it may be lost: all of it is to be done again */
    struct errand *errand; /* that it is of; NULL for a batch of the cluster's users */
    struct whole *prev;
    struct whole *next;
};

/* How a piece is sent. */
enum piece_kind {
    PIECE_PLAIN,
    PIECE_SINGLY, /* a command for each op */
    PIECE_ASKING, /* the same, each after ASKING */
};
#define PIECE_N_KINDS 3

/* What an error says of an op, beyond the status of its piece. */
enum sentence {
    SENTENCE_NONE,
    SENTENCE_MOVED,
    SENTENCE_ASK,
    SENTENCE_TRYAGAIN,
    SENTENCE_WAIT,
};

struct piece_op {
    unsigned place; /* in the whole's batch */
    uint8_t sentence;
    uint16_t to;     /* SENTENCE_MOVED, SENTENCE_ASK: the number of the node */
    const char *why; /* SENTENCE_WAIT */
};

struct piece {
    struct batch batch; /* first: the node gives it back */
    struct whole *whole;
    struct piece_op *notes; /* of each op */
    enum piece_kind kind;
    unsigned number;           /* of the node that it was sent to */
    struct redis_route *route; /* that it is on */
    unsigned cap;
    struct piece *prev;
    struct piece *next;
};

/* Of a batch whose results are empty from then on. */
struct whole *whole_make(struct batch *batch);
void whole_free(struct whole *whole);
/* Some op of it cannot be done now; the worst status counts, and its reason. */
void whole_fail(struct whole *whole, enum batch_status status, const char *reason);
/* Counts another redirection of the op; false when there were too many. */
bool whole_redirect(struct whole *whole, unsigned place);
/* Sets the batch's status: it is done if all of its ops have a result. */
void whole_end(struct whole *whole);

struct piece *piece_make(struct whole *whole, enum piece_kind kind);
/* Adds a copy of the whole's op. */
void piece_add(struct piece *piece, unsigned place);
/* The op that the piece's op is a copy of. */
struct batch_op *piece_op(const struct piece *piece, unsigned i);
/* The piece's op is no longer out, and the whole takes over its result, if it is believed. False
 * when there is none. */
bool piece_take(struct piece *piece, unsigned i, bool believed);
/* It counts as taken over. */
void piece_free(struct piece *piece);

#endif
