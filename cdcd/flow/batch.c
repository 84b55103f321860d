#include "flow/batch.h"

#include "base/log.h"
#include "base/mem.h"
#include "flow/batch_op.h"
#include "flow/order.h"
#include "flow/recent.h"
#include "flow/results.h"
#include "model/stats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define FREE_BATCHES 4
#define BATCH_BYTES (256u << 10)
#define LOG_INTERVAL_MS 10000
/* The connection was lost so often with the same batch at its head, and nothing of it done. */
#define LOSSES_SUSPECT 3
/* Of what a server acknowledged lately. */
#define RECENT_BYTES (64u << 20)
/* Batches of what goes again wait in the queue, so many at a time. */
#define AGAIN_BATCHES 4

enum state {
    OPEN,   /* takes ops */
    QUEUED, /* waits for the server, or for its time */
    OUT,    /* with the store */
    VOID,   /* with the store, and nobody wants to know */
};

struct queued {
    struct batch batch; /* first: the store gives it back */
    struct queued *prev, *next;
    enum state state;
    bool again; /* of what was acknowledged before: nobody waits for it */
    unsigned cap;
    struct arena *keys;
    unsigned n_sets;
    unsigned n_sweeps;
    unsigned n_losses; /* in a row, while it was the oldest that was out */
    bool deferred;     /* waits for a part of what stands behind the server */
    int64_t retry_ms;  /* how long it was last made to wait alone; 0 for never */
    int64_t not_before_ms;
};

struct lane {
    struct store *store;
    unsigned server;
    struct lane_opts opts;
    struct queued *queue; /* all that is unanswered, oldest first; the open one last */
    struct queued *open;
    struct queued *spare;
    unsigned n_spare;
    uint64_t last_seq;
    size_t bytes;
    int64_t retry_ms; /* how long the server was last given to recover */
    int64_t not_before_ms;
    struct log_limit busy_limit, refused_limit, deferred_limit;
    struct order_index index;   /* of the open batch */
    struct order_index leaving; /* of one that leaves past others that are set aside */
    struct recent *recent;      /* NULL: the server loses nothing */
    unsigned n_again;           /* batches */
};

static void close_if_full(struct lane *lane);
static void close_batch(struct lane *lane);

struct lane *lane_make(struct store *store, unsigned server, const struct lane_opts *opts)
{
    struct lane *lane = mem_alloc(sizeof *lane);
    lane->store = store;
    lane->server = server;
    lane->opts = *opts;
    order_index_make(&lane->index, opts->batch_ops);
    order_index_make(&lane->leaving, opts->batch_ops);
    if (store->keep_ms > 0)
        lane->recent = recent_make(store->keep_ms, RECENT_BYTES);
    return lane;
}

static size_t queued_bytes(const struct queued *queued)
{
    return sizeof *queued + queued->cap * sizeof *queued->batch.ops + arena_bytes(queued->keys);
}

static void queued_free(struct queued *queued)
{
    arena_free(queued->keys);
    free(queued->batch.ops);
    free(queued);
}

static void forget(struct lane *lane, struct queued *queued)
{
    DL_DELETE(lane->queue, queued);
    lane->bytes -= queued_bytes(queued);
    lane->n_again -= queued->again;
    if (lane->open == queued)
        lane->open = NULL;
    if (lane->n_spare == FREE_BATCHES) {
        queued_free(queued);
        return;
    }
    arena_reset(queued->keys);
    LL_PREPEND(lane->spare, queued);
    lane->n_spare++;
}

void lane_free(struct lane *lane)
{
    if (!lane)
        return;
    struct queued *queued, *after;
    DL_FOREACH_SAFE(lane->queue, queued, after)
    {
        queued_free(queued);
    }
    LL_FOREACH_SAFE(lane->spare, queued, after)
    {
        queued_free(queued);
    }
    order_index_free(&lane->index);
    order_index_free(&lane->leaving);
    recent_free(lane->recent);
    free(lane);
}

static struct queued *queued_make(struct lane *lane)
{
    struct queued *queued = lane->spare;
    if (queued) {
        LL_DELETE(lane->spare, queued);
        lane->n_spare--;
    } else {
        queued = mem_alloc(sizeof *queued);
        queued->keys = arena_make();
    }
    *queued = (struct queued){
        .batch = {.ops = queued->batch.ops},
        .cap = queued->cap,
        .keys = queued->keys,
    };
    return queued;
}

static void open_batch(struct lane *lane)
{
    struct queued *queued = queued_make(lane);
    queued->batch.seq = ++lane->last_seq;
    DL_APPEND(lane->queue, queued);
    lane->bytes += queued_bytes(queued);
    lane->open = queued;
    order_index_clear(&lane->index);
}

static void make_room(struct lane *lane, struct queued *queued)
{
    unsigned cap = queued->cap;
    if (queued->batch.n < cap)
        return;
    queued->cap = cap ? cap * 2 : 16;
    queued->batch.ops = mem_resize(queued->batch.ops, queued->cap * sizeof *queued->batch.ops);
    lane->bytes += (queued->cap - cap) * sizeof *queued->batch.ops;
}

static void append_op(struct lane *lane, struct batch_op op)
{
    struct queued *open = lane->open;
    op.key = arena_strndup(open->keys, op.key, op.key_len);
    if (op.value)
        op.value = arena_strndup(open->keys, op.value, op.value_len);
    make_room(lane, open);
    open->batch.ops[open->batch.n++] = op;
    open->n_sets += op.action == OP_SET;
    open->n_sweeps += order_sweeps(&op);
}

static void replace_op(struct lane *lane, struct batch_op *op, const struct batch_op *newer)
{
    lane->open->n_sets -= op->action == OP_SET;
    order_replace(op, newer, lane->open->keys);
    lane->open->n_sets += op->action == OP_SET;
}

/* True when the op cannot be in one batch with what is in the open one. */
static bool must_follow(const struct queued *open, const struct batch_op *op, enum meeting meeting)
{
    if (meeting == MEETING_FOLLOWS)
        return true;
    return op->action == OP_SET ? open->n_sweeps : order_sweeps(op) && open->n_sets;
}

static void put(struct lane *lane, const struct batch_op *op)
{
    uint32_t *slot;
    enum meeting meeting = order_find(&lane->index, &lane->open->batch, op, &slot);
    if (meeting == MEETING_SAME)
        return;
    if (must_follow(lane->open, op, meeting)) {
        close_batch(lane);
        open_batch(lane);
        meeting = order_find(&lane->index, &lane->open->batch, op, &slot);
    }
    struct queued *open = lane->open;
    size_t before = arena_bytes(open->keys);
    if (meeting == MEETING_REPLACES) {
        replace_op(lane, &open->batch.ops[*slot - 1], op);
    } else {
        append_op(lane, *op);
        *slot = open->batch.n;
    }
    lane->bytes += arena_bytes(open->keys) - before;
}

uint64_t lane_put(struct lane *lane, const struct op *op)
{
    if (!lane->open)
        open_batch(lane);
    struct batch_op wanted = batch_op_of(op);
    put(lane, &wanted);
    uint64_t seq = lane->open->batch.seq;
    close_if_full(lane);
    return seq;
}

static void close_if_full(struct lane *lane)
{
    const struct queued *open = lane->open;
    if (open->batch.n == lane->opts.batch_ops || arena_bytes(open->keys) > BATCH_BYTES)
        close_batch(lane);
}

static void close_batch(struct lane *lane)
{
    lane->open->state = QUEUED;
    lane->open = NULL;
}

void lane_each(const struct lane *lane, void (*each)(void *ctx, const struct op *op), void *ctx)
{
    const struct queued *queued;
    DL_FOREACH (lane->queue, queued) {
        if (queued->state == OUT || queued->state == VOID)
            continue;
        for (unsigned i = 0; i < queued->batch.n; i++) {
            struct op op = batch_op_as_op(&queued->batch.ops[i]);
            each(ctx, &op);
        }
    }
}

static void leave_out_answered(struct queued *queued)
{
    struct batch *batch = &queued->batch;
    unsigned n = 0;
    for (unsigned i = 0; i < batch->n; i++)
        if (batch->ops[i].result == RESULT_NONE)
            batch->ops[n++] = batch->ops[i];
    batch->n = n;
    queued->n_sets = queued->n_sweeps = 0;
    for (unsigned i = 0; i < n; i++) {
        queued->n_sets += batch->ops[i].action == OP_SET;
        queued->n_sweeps += order_sweeps(&batch->ops[i]);
    }
}

/* What a pass over the queue has met. */
struct pass {
    unsigned n_out;
    unsigned n_sets_out;
    unsigned n_aside;
    unsigned n_sets_aside;
    bool woken; /* one that was set aside may leave now */
};

/* Keeps in order what the batch, about to leave, has in common with older ones that are set aside,
 * which may take sets over from it. */
static void settle_with_older(struct lane *lane, struct queued *leaving, struct pass *pass,
                              int64_t now_ms)
{
    pass->n_sets_aside = 0;
    order_index_fill(&lane->leaving, &leaving->batch);
    for (struct queued *older = lane->queue; older != leaving; older = older->next) {
        /* What goes again may come late, for it sets nothing; and were it given a set to do, it
         * would keep that when the source begins again. */
        if (older->state != QUEUED || older->again || leaving->n_sets + older->n_sets == 0)
            continue;
        size_t before = arena_bytes(older->keys);
        /* A set may be refused (no memory) where a delete is not. */
        if (order_settle(&older->batch, older->keys, &leaving->batch, &lane->leaving)) {
            older->not_before_ms = now_ms;
            pass->woken = true;
        }
        lane->bytes += arena_bytes(older->keys) - before;
        leave_out_answered(older);
        pass->n_sets_aside += older->n_sets;
    }
    leave_out_answered(leaving);
}

static void send_batch(struct lane *lane, struct queued *queued)
{
    if (queued->batch.n == 0) {
        forget(lane, queued);
        return;
    }
    queued->deferred = false;
    queued->state = OUT;
    stats()->sent += queued->batch.n;
    lane->store->ops->send(lane->store, lane->server, &queued->batch);
}

/* While a set is out nothing newer leaves, and a set leaves when nothing older is out: the server
 * may answer that it did not do it, and do it later. */
static bool may_leave(const struct lane *lane, const struct queued *queued, const struct pass *pass)
{
    if (pass->n_sets_out || (queued->n_sets && pass->n_out))
        return false;
    return lane->store->ops->ready(lane->store, lane->server);
}

static void leave(struct lane *lane, struct queued *queued, struct pass *pass, int64_t now_ms)
{
    if (queued->state == OPEN)
        close_batch(lane);
    if (pass->n_aside && queued->n_sets + pass->n_sets_aside)
        settle_with_older(lane, queued, pass, now_ms);
    pass->n_out++;
    pass->n_sets_out += queued->n_sets;
    send_batch(lane, queued);
}

/* True when it is worth another one. */
static bool pass_over(struct lane *lane, struct pass *pass, int64_t now_ms)
{
    struct queued *queued, *after;
    DL_FOREACH_SAFE(lane->queue, queued, after)
    {
        if (queued->state == OUT || queued->state == VOID) {
            pass->n_out++;
            pass->n_sets_out += queued->n_sets;
        } else if (now_ms < queued->not_before_ms) {
            pass->n_aside++;
            pass->n_sets_aside += queued->n_sets;
        } else if (may_leave(lane, queued, pass)) {
            leave(lane, queued, pass, now_ms);
        } else {
            return false;
        }
    }
    return pass->woken;
}

/* No sets are among it, so it may leave before and after whatever waits. */
static void fill_again(struct lane *lane)
{
    struct batch_op op;
    open_batch(lane);
    lane->open->again = true;
    lane->n_again++;
    while (lane->open && recent_next(lane->recent, &op)) {
        put(lane, &op);
        stats()->again++;
        close_if_full(lane);
    }
    if (lane->open)
        close_batch(lane);
}

static void queue_again(struct lane *lane)
{
    while (lane->n_again < AGAIN_BATCHES && recent_n_again(lane->recent) > 0) {
        if (lane->open)
            close_batch(lane);
        fill_again(lane);
    }
}

void lane_send(struct lane *lane, int64_t now_ms)
{
    struct pass pass;
    if (now_ms < lane->not_before_ms)
        return;
    if (lane->recent)
        queue_again(lane);
    do
        pass = (struct pass){0};
    while (pass_over(lane, &pass, now_ms));
}

/* Of a set that is refused the key is deleted. */
static bool is_to_keep(const struct batch_op *op)
{
    return op->result == RESULT_HIT || op->result == RESULT_MISS ||
           (op->result == RESULT_REFUSED && op->action == OP_SET);
}

static void keep_done(struct lane *lane, const struct batch *batch, int64_t now_ms)
{
    for (unsigned i = 0; i < batch->n; i++)
        if (is_to_keep(&batch->ops[i]))
            recent_keep(lane->recent, &batch->ops[i], now_ms);
}

static int64_t back_off(const struct lane *lane, int64_t last_ms)
{
    int64_t next_ms = last_ms ? last_ms * 2 : lane->opts.retry_min_ms;
    return next_ms < lane->opts.retry_max_ms ? next_ms : lane->opts.retry_max_ms;
}

/* The server answers, but cannot do anything now: everything waits for it. */
static void wait_for_server(struct lane *lane, const struct batch *batch, int64_t now_ms)
{
    unsigned n_suppressed;
    if (now_ms >= lane->not_before_ms)
        lane->retry_ms = back_off(lane, lane->retry_ms);
    lane->not_before_ms = now_ms + lane->retry_ms;
    if (log_limit_pass(&lane->busy_limit, now_ms, LOG_INTERVAL_MS, &n_suppressed))
        log_warn("store cannot do it now, ops wait server=\"%s\" reason=\"%s\" repeated=%u",
                 lane->store->ops->server_name(lane->store, lane->server), batch->reason,
                 n_suppressed);
}

/* Longer and longer each time. */
static void wait_alone(const struct lane *lane, struct queued *queued, int64_t now_ms)
{
    queued->retry_ms = back_off(lane, queued->retry_ms);
    queued->not_before_ms = now_ms + queued->retry_ms;
}

/* A part of what stands behind the server cannot do these ops now; the others go on. */
static void defer(struct lane *lane, struct queued *queued, int64_t now_ms)
{
    unsigned n_suppressed;
    wait_alone(lane, queued, now_ms);
    queued->deferred = true;
    if (log_limit_pass(&lane->deferred_limit, now_ms, LOG_INTERVAL_MS, &n_suppressed))
        log_warn("a part of the store cannot do it now, its ops wait server=\"%s\" reason=\"%s\" "
                 "repeated=%u",
                 lane->store->ops->server_name(lane->store, lane->server), queued->batch.reason,
                 n_suppressed);
}

void lane_mended(struct lane *lane, int64_t now_ms)
{
    for (struct queued *queued = lane->queue; queued; queued = queued->next)
        if (queued->deferred)
            queued->not_before_ms = now_ms;
}

/* The server does not do these ops, whatever their neighbours: once more at once, one command each,
 * so that the neighbours are done; then at longer and longer intervals. */
static void set_aside(struct lane *lane, struct queued *queued, int64_t now_ms)
{
    unsigned n_suppressed;
    if (!queued->batch.singly) {
        queued->batch.singly = true;
        return;
    }
    wait_alone(lane, queued, now_ms);
    if (log_limit_pass(&lane->refused_limit, now_ms, LOG_INTERVAL_MS, &n_suppressed))
        log_error("store does not do ops, they are tried again server=\"%s\" n=%u reason=\"%s\" "
                  "repeated=%u",
                  lane->store->ops->server_name(lane->store, lane->server), queued->batch.n,
                  queued->batch.reason, n_suppressed);
}

static bool is_first_to_leave(const struct lane *lane, const struct queued *queued)
{
    const struct queued *older = lane->queue;
    while (older != queued && older->not_before_ms)
        older = older->next;
    return older == queued;
}

/* Another op is the first the next time. */
static void rotate(struct batch *batch)
{
    struct batch_op first = batch->ops[0];
    memmove(batch->ops, batch->ops + 1, (batch->n - 1) * sizeof first);
    batch->ops[batch->n - 1] = first;
}

/* A connection may be lost because of what is sent: an op that makes the server hang up must hold
 * up neither the other batches for ever, nor what stands behind it in its own. */
static void suspect(struct lane *lane, struct queued *queued, bool some_done, int64_t now_ms)
{
    if (some_done)
        queued->n_losses = 0;
    else if (is_first_to_leave(lane, queued) && ++queued->n_losses >= LOSSES_SUSPECT) {
        if (queued->batch.singly)
            rotate(&queued->batch);
        set_aside(lane, queued, now_ms);
    }
}

void lane_answered(struct lane *lane, struct batch *batch, int64_t now_ms)
{
    struct queued *queued = (struct queued *)batch;
    assert(queued->state == OUT || queued->state == VOID);
    results_count(batch);
    if (lane->recent)
        keep_done(lane, batch, now_ms);
    if (queued->state == VOID || batch->status == BATCH_DONE) {
        if (batch->status == BATCH_DONE)
            lane->retry_ms = 0;
        forget(lane, queued);
        return;
    }
    unsigned n_sent = batch->n;
    leave_out_answered(queued);
    if (batch->n == 0) {
        forget(lane, queued);
        return;
    }
    queued->state = QUEUED;
    switch (batch->status) {
    case BATCH_BUSY:
        wait_for_server(lane, batch, now_ms);
        break;
    case BATCH_REFUSED:
        set_aside(lane, queued, now_ms);
        break;
    case BATCH_DEFERRED:
        defer(lane, queued, now_ms);
        break;
    case BATCH_LOST:
        suspect(lane, queued, batch->n < n_sent, now_ms);
        break;
    case BATCH_DONE:
        break;
    }
}

void lane_void(struct lane *lane)
{
    struct queued *queued, *after;
    DL_FOREACH_SAFE(lane->queue, queued, after)
    {
        if (queued->again)
            continue;
        if (queued->state == OUT || queued->state == VOID)
            queued->state = VOID;
        else
            forget(lane, queued);
    }
}

bool lane_renewed(struct lane *lane, int64_t since_ms)
{
    if (!lane->recent)
        return true;
    bool reaches = recent_renew(lane->recent, since_ms);
    log_info("a store may have lost what it acknowledged, it is sent again server=\"%s\" n=%zu",
             lane->store->ops->server_name(lane->store, lane->server),
             recent_n_again(lane->recent));
    return reaches;
}

bool lane_goes_again(const struct lane *lane)
{
    return lane->n_again > 0 || (lane->recent && recent_n_again(lane->recent) > 0);
}

uint64_t lane_done(const struct lane *lane)
{
    const struct queued *queued;
    DL_FOREACH (lane->queue, queued) {
        if (queued->state != VOID)
            return queued->batch.seq - 1;
    }
    return lane->last_seq;
}

int64_t lane_due_ms(const struct lane *lane, int64_t now_ms)
{
    int64_t due = INT64_MAX;
    const struct queued *queued;
    DL_FOREACH (lane->queue, queued) {
        if (queued->state == OUT || queued->state == VOID)
            continue;
        int64_t when = queued->not_before_ms;
        if (when < lane->not_before_ms)
            when = lane->not_before_ms;
        /* What may leave already waits for the server, which says when it takes more. */
        if (when > now_ms && when < due)
            due = when;
    }
    return due;
}

size_t lane_bytes(const struct lane *lane)
{
    return lane->bytes;
}
