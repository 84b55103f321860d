#include "store/redis_piece.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define REDIRECTS_MAX 16

/* What is known of an op. */
struct share {
    unsigned n_out;      /* pieces that hold it */
    uint8_t n_redirects; /* so far */
    bool found;          /* a scan: some node had such a key */
    bool failed;         /* a scan: some node did not do it */
};

struct whole *whole_make(struct batch *batch)
{
    struct whole *whole = mem_alloc(sizeof *whole);
    whole->batch = batch;
    whole->shares = mem_alloc(batch->n * sizeof *whole->shares);
    batch->status = BATCH_DONE;
    batch->reason[0] = '\0';
    for (unsigned i = 0; i < batch->n; i++)
        batch->ops[i].result = RESULT_NONE;
    return whole;
}

void whole_free(struct whole *whole)
{
    free(whole->shares);
    free(whole);
}

void whole_fail(struct whole *whole, enum batch_status status, const char *reason)
{
    static const int rank[] = {[BATCH_DONE] = 0,
                               [BATCH_DEFERRED] = 1,
                               [BATCH_BUSY] = 1,
                               [BATCH_REFUSED] = 2,
                               [BATCH_LOST] = 3};
    struct batch *batch = whole->batch;
    /* A node that is busy is no cluster that is: the other nodes go on. */
    if (status == BATCH_BUSY)
        status = BATCH_DEFERRED;
    if (rank[status] <= rank[batch->status])
        return;
    batch->status = status;
    snprintf(batch->reason, sizeof batch->reason, "%s", reason);
}

bool whole_redirect(struct whole *whole, unsigned place)
{
    struct share *share = &whole->shares[place];
    if (share->n_redirects == REDIRECTS_MAX)
        return false;
    share->n_redirects++;
    return true;
}

static void forget(struct whole *whole)
{
    for (unsigned i = 0; i < whole->batch->n; i++)
        whole->batch->ops[i].result = RESULT_NONE;
    whole_fail(whole, BATCH_DEFERRED, "a node may have lost what it had done: it is done again");
}

void whole_end(struct whole *whole)
{
    struct batch *batch = whole->batch;
    if (whole->doubted)
        forget(whole);
    for (unsigned i = 0; i < batch->n; i++)
        if (batch->ops[i].result == RESULT_NONE)
            return;
    batch->status = BATCH_DONE;
    batch->reason[0] = '\0';
}

struct piece *piece_make(struct whole *whole, enum piece_kind kind)
{
    struct piece *piece = mem_alloc(sizeof *piece);
    piece->whole = whole;
    piece->kind = kind;
    piece->batch.singly = kind != PIECE_PLAIN || whole->batch->singly;
    whole->n_pieces++;
    return piece;
}

void piece_add(struct piece *piece, unsigned place)
{
    unsigned n = piece->batch.n++;
    if (n == piece->cap) {
        piece->cap = n ? n * 2 : 16;
        piece->batch.ops = mem_resize(piece->batch.ops, piece->cap * sizeof *piece->batch.ops);
        piece->notes = mem_resize(piece->notes, piece->cap * sizeof *piece->notes);
    }
    piece->batch.ops[n] = piece->whole->batch->ops[place];
    piece->notes[n] = (struct piece_op){.place = place};
    piece->whole->shares[place].n_out++;
}

static enum op_result scan_result(const struct share *share)
{
    if (share->n_out > 0 || share->failed)
        return RESULT_NONE;
    return share->found ? RESULT_HIT : RESULT_MISS;
}

struct batch_op *piece_op(const struct piece *piece, unsigned i)
{
    return &piece->whole->batch->ops[piece->notes[i].place];
}

bool piece_take(struct piece *piece, unsigned i, bool believed)
{
    struct share *share = &piece->whole->shares[piece->notes[i].place];
    struct batch_op *op = piece_op(piece, i);
    enum op_result result = believed ? piece->batch.ops[i].result : RESULT_NONE;
    share->n_out--;
    if (op->action == OP_SCAN) {
        share->found = share->found || result == RESULT_HIT;
        share->failed = share->failed || result == RESULT_NONE;
    }
    if (op->action == OP_SCAN && result != RESULT_REFUSED)
        op->result = (uint8_t)scan_result(share);
    else
        op->result = (uint8_t)result;
    return result != RESULT_NONE;
}

void piece_free(struct piece *piece)
{
    piece->whole->n_pieces--;
    free(piece->batch.ops);
    free(piece->notes);
    free(piece);
}
