#include "store/memcached_mint.h"

#include "base/mem.h"
#include "store/mintcache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#define RUNNING_MAX 4
#define TRIES_MAX 3

/* One that waits for its turn. */
struct mint {
    struct flight *flight;
    unsigned place;
    struct mint *prev;
    struct mint *next;
};

static void ask_size(struct mints *mints, struct flight *flight, unsigned place)
{
    const struct batch_op *op = flight_op(flight, place);
    memcached_put_get(link_out(mints->server->link), op->key, op->key_len, " s");
    memcached_expect(mints->server, DUE_MINT_SIZE, flight, place, 1);
    mints->n_running++;
}

void mints_add(struct mints *mints, struct flight *flight)
{
    if (mints->n_running < RUNNING_MAX) {
        ask_size(mints, flight, flight->n_sent);
        return;
    }
    struct mint *mint = mem_alloc(sizeof *mint);
    *mint = (struct mint){.flight = flight, .place = flight->n_sent};
    flight->n_due++;
    DL_APPEND(mints->waiting, mint);
}

static void end(struct mints *mints)
{
    struct mint *next = mints->waiting;
    mints->n_running--;
    if (!next)
        return;
    DL_DELETE(mints->waiting, next);
    ask_size(mints, next->flight, next->place);
    next->flight->n_due--;
    free(next);
}

/* True, for `return`. */
static bool done(struct mints *mints, struct batch_op *op, enum op_result result)
{
    op->result = (uint8_t)result;
    end(mints);
    return true;
}

/* In doubt, more is cleared. */
static bool delete_it(struct mints *mints, const struct due *due, const struct batch_op *op)
{
    memcached_put_delete(link_out(mints->server->link), op->key, op->key_len);
    memcached_expect(mints->server, DUE_MINT_DELETE, due->flight, due->from, 0);
    return true;
}

static bool read_it(struct mints *mints, const struct due *due, const struct batch_op *op)
{
    memcached_put_get(link_out(mints->server->link), op->key, op->key_len, " v c f t");
    memcached_expect(mints->server, DUE_MINT_READ, due->flight, due->from, due->number);
    return true;
}

static bool take_size(struct mints *mints, const struct due *due, struct batch_op *op,
                      const struct memcached_answer *answer)
{
    struct memcached_flags flags;
    if (answer->kind == MEMCACHED_EN)
        return done(mints, op, RESULT_MISS);
    if (answer->kind != MEMCACHED_HD || !memcached_read_flags(answer, &flags))
        return server_drop(mints->server, "mg was not answered with a size");
    if (flags.size > MINT_VALUE_MAX)
        return delete_it(mints, due, op);
    return read_it(mints, due, op);
}

/* It lives as long as it would have; its last second is not made into for ever. */
static int64_t remaining(int64_t ttl_s)
{
    if (ttl_s < 0)
        return 0;
    return memcached_exptime(ttl_s > 0 ? ttl_s : 1, (int64_t)time(NULL));
}

static void write_it(struct mints *mints, const struct due *due, const struct batch_op *op,
                     const struct memcached_item *item, size_t time_at)
{
    static const char long_ago[MINTCACHE_TIME_BYTES];
    struct buf *out = link_out(mints->server->link);
    memcached_put_set(out, op->key, op->key_len, item);
    size_t value_at = out->len - 2 - item->value_len;
    memcpy(out->data + value_at + time_at, long_ago, sizeof long_ago);
    memcached_expect(mints->server, DUE_MINT_WRITE, due->flight, due->from, due->number);
}

static bool take_value(struct mints *mints, const struct due *due, struct batch_op *op,
                       const struct memcached_answer *answer)
{
    struct memcached_flags flags;
    if (answer->kind == MEMCACHED_EN)
        return done(mints, op, RESULT_MISS);
    if (answer->kind != MEMCACHED_VA || !memcached_read_flags(answer, &flags) || !flags.cas)
        return server_drop(mints->server, "mg was not answered with a value and its number");
    size_t time_at = mintcache_time_at(answer->text, answer->len);
    struct memcached_item item = {
        .value = answer->text,
        .value_len = answer->len,
        .exptime = remaining(flags.ttl_s),
        .client_flags = flags.client_flags,
        .cas = flags.cas,
    };
    if (!time_at)
        return delete_it(mints, due, op);
    write_it(mints, due, op, &item, time_at);
    return true;
}

static bool take_written(struct mints *mints, const struct due *due, struct batch_op *op,
                         const struct memcached_answer *answer)
{
    struct due again = *due;
    again.number++;
    switch (answer->kind) {
    case MEMCACHED_HD:
        return done(mints, op, RESULT_HIT);
    case MEMCACHED_NF:
        return done(mints, op, RESULT_MISS);
    case MEMCACHED_EX: /* it was written meanwhile, perhaps of the old row */
        return due->number < TRIES_MAX ? read_it(mints, &again, op) : delete_it(mints, due, op);
    case MEMCACHED_BUSY: /* no room: what was there is gone, or goes */
        return delete_it(mints, due, op);
    case MEMCACHED_PARTIAL:
    case MEMCACHED_BROKEN:
    case MEMCACHED_EN:
    case MEMCACHED_OK:
    case MEMCACHED_VA:
    case MEMCACHED_MN:
    case MEMCACHED_VERSION:
    case MEMCACHED_ERROR:
        break;
    }
    return server_drop(mints->server, "ms was not answered with HD, EX or NF");
}

static bool take_deleted(struct mints *mints, struct batch_op *op,
                         const struct memcached_answer *answer)
{
    if (!memcached_take_deleted(mints->server, op, answer))
        return false;
    end(mints);
    return true;
}

bool mints_take(struct mints *mints, const struct due *due, const struct memcached_answer *answer)
{
    struct batch_op *op = flight_op(due->flight, due->from);
    bool no_room = due->kind == DUE_MINT_WRITE && answer->kind == MEMCACHED_BUSY;
    if (!no_room && memcached_due_failed(due, answer)) {
        end(mints);
        return true;
    }
    if (due->kind == DUE_MINT_SIZE)
        return take_size(mints, due, op, answer);
    if (due->kind == DUE_MINT_READ)
        return take_value(mints, due, op, answer);
    if (due->kind == DUE_MINT_WRITE)
        return take_written(mints, due, op, answer);
    assert(due->kind == DUE_MINT_DELETE);
    return take_deleted(mints, op, answer);
}

void mints_forget(struct mints *mints)
{
    struct mint *mint, *next;
    DL_FOREACH_SAFE(mints->waiting, mint, next)
    {
        free(mint);
    }
    mints->waiting = NULL;
    mints->n_running = 0;
}
