#include "flow/batch.h"

#include "base/log.h"
#include "base/mem.h"
#include "model/stats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define FREE_BATCHES 4
#define BATCH_BYTES (256u << 10)
#define LOG_INTERVAL_MS 10000
/* The connection was lost so often with the same batch at its head, and nothing of it done. */
#define LOSSES_SUSPECT 3

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
    unsigned cap;
    struct arena *keys;
    unsigned n_losses; /* in a row, while it was the oldest that was out */
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
    struct log_limit busy_limit;
    struct log_limit refused_limit;
    uint32_t n_slots; /* of the table that finds equal ops: a power of two */
    uint32_t *slots;  /* an op's place in the open batch, plus one */
};

static void close_batch(struct lane *lane);

struct lane *lane_make(struct store *store, unsigned server, const struct lane_opts *opts)
{
    struct lane *lane = mem_alloc(sizeof *lane);
    lane->store = store;
    lane->server = server;
    lane->opts = *opts;
    lane->n_slots = 16;
    while (lane->n_slots < 2 * opts->batch_ops)
        lane->n_slots *= 2;
    lane->slots = mem_alloc(lane->n_slots * sizeof *lane->slots);
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
    free(lane->slots);
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
    memset(lane->slots, 0, lane->n_slots * sizeof *lane->slots);
}

static bool same(const struct batch_op *held, const struct op *op)
{
    return held->action == op->action && held->key_len == op->key_len &&
           memcmp(held->key, op->key, op->key_len) == 0;
}

/* The slot of an equal op, or the free one where it would be. */
static uint32_t *find_slot(struct lane *lane, const struct op *op)
{
    unsigned hash;
    HASH_JEN(op->key, op->key_len, hash);
    for (uint32_t i = hash + op->action;; i++) {
        uint32_t *slot = &lane->slots[i & (lane->n_slots - 1)];
        if (*slot == 0 || same(&lane->open->batch.ops[*slot - 1], op))
            return slot;
    }
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

static void append_op(struct lane *lane, const struct op *op)
{
    struct queued *open = lane->open;
    size_t before = arena_bytes(open->keys);
    const char *key = arena_strndup(open->keys, op->key, op->key_len);
    lane->bytes += arena_bytes(open->keys) - before;
    make_room(lane, open);
    open->batch.ops[open->batch.n++] = (struct batch_op){
        .key = key,
        .key_len = op->key_len,
        .cache = op->cache,
        .action = op->action,
    };
}

uint64_t lane_put(struct lane *lane, const struct op *op)
{
    if (!lane->open)
        open_batch(lane);
    struct queued *open = lane->open;
    uint32_t *slot = find_slot(lane, op);
    if (*slot)
        return open->batch.seq;
    append_op(lane, op);
    *slot = open->batch.n;
    if (open->batch.n == lane->opts.batch_ops || arena_bytes(open->keys) > BATCH_BYTES)
        close_batch(lane);
    return open->batch.seq;
}

static void close_batch(struct lane *lane)
{
    lane->open->state = QUEUED;
    lane->open = NULL;
}

void lane_send(struct lane *lane, int64_t now_ms)
{
    struct queued *queued, *after;
    if (now_ms < lane->not_before_ms)
        return;
    DL_FOREACH_SAFE(lane->queue, queued, after)
    {
        bool waits = queued->state == OPEN || queued->state == QUEUED;
        if (!waits || now_ms < queued->not_before_ms)
            continue;
        if (!lane->store->ops->ready(lane->store, lane->server))
            return;
        if (queued->state == OPEN)
            close_batch(lane);
        queued->state = OUT;
        stats()->sent += queued->batch.n;
        lane->store->ops->send(lane->store, lane->server, &queued->batch);
    }
}

static void count_results(const struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++) {
        switch ((enum op_result)batch->ops[i].result) {
        case RESULT_HIT:
            stats()->hits++;
            break;
        case RESULT_MISS:
            stats()->misses++;
            break;
        case RESULT_REFUSED:
            stats()->refused++;
            break;
        case RESULT_NONE:
            stats()->errors += batch->status != BATCH_LOST;
            break;
        }
    }
}

static void leave_out_answered(struct batch *batch)
{
    unsigned n = 0;
    for (unsigned i = 0; i < batch->n; i++)
        if (batch->ops[i].result == RESULT_NONE)
            batch->ops[n++] = batch->ops[i];
    batch->n = n;
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

/* The server does not do these ops, whatever their neighbours: once more at once, one command each,
 * so that the neighbours are done; then at longer and longer intervals. */
static void set_aside(struct lane *lane, struct queued *queued, int64_t now_ms)
{
    unsigned n_suppressed;
    if (!queued->batch.singly) {
        queued->batch.singly = true;
        return;
    }
    queued->retry_ms = back_off(lane, queued->retry_ms);
    queued->not_before_ms = now_ms + queued->retry_ms;
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

/* A connection may be lost because of what is sent: an op that makes the server hang up must not
 * hold up the others for ever. */
static void suspect(struct lane *lane, struct queued *queued, bool some_done, int64_t now_ms)
{
    if (some_done)
        queued->n_losses = 0;
    else if (is_first_to_leave(lane, queued) && ++queued->n_losses >= LOSSES_SUSPECT)
        set_aside(lane, queued, now_ms);
}

void lane_answered(struct lane *lane, struct batch *batch, int64_t now_ms)
{
    struct queued *queued = (struct queued *)batch;
    assert(queued->state == OUT || queued->state == VOID);
    count_results(batch);
    if (queued->state == VOID || batch->status == BATCH_DONE) {
        if (batch->status == BATCH_DONE)
            lane->retry_ms = 0;
        forget(lane, queued);
        return;
    }
    unsigned n_sent = batch->n;
    leave_out_answered(batch);
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
        if (queued->state == OUT || queued->state == VOID)
            queued->state = VOID;
        else
            forget(lane, queued);
    }
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
