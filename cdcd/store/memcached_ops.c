#include "store/memcached_ops.h"

#include "base/timer.h"
#include "store/memcached_due.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 120
#define LOG_INTERVAL_MS 60000
/* Of a value that is asked for, unless it is one that is to be changed. */
#define SMALL_MAX 1024
/* No memcached can be told to take more (-I). */
#define VALUE_MAX_BYTES (1024u * 1024 * 1024)

void memcached_ops_init(struct memcached_ops *ops, struct server *server, const char *store)
{
    *ops = (struct memcached_ops){.server = server, .store = store, .mints = {.server = server}};
}

/* ---- what is sent ---- */

static void expect(struct memcached_ops *ops, enum memcached_due kind, struct flight *flight,
                   uint64_t number)
{
    memcached_expect(ops->server, kind, flight, flight->n_sent, number);
}

/* What follows an answer, about the same op. */
static void expect_more(struct memcached_ops *ops, enum memcached_due kind, const struct due *due)
{
    memcached_expect(ops->server, kind, due->flight, due->from, 0);
}

static int64_t clock_s(void)
{
    return (int64_t)time(NULL);
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int64_t exptime(int64_t ms)
{
    return memcached_exptime(memcached_seconds(ms), clock_s());
}

static void log_instead(struct memcached_ops *ops, const char *why)
{
    unsigned n_suppressed;
    if (log_limit_pass(&ops->instead_limit, timer_now_ms(), LOG_INTERVAL_MS, &n_suppressed))
        log_error("memcached does not take a value, its key is deleted instead store=\"%s\" "
                  "reason=\"%s\" repeated=%u",
                  ops->store, why, n_suppressed);
}

/* The server would read it all, only to throw it away. */
static void send_instead(struct memcached_ops *ops, struct flight *flight,
                         const struct batch_op *op)
{
    log_instead(ops, "it is larger than any memcached takes");
    memcached_put_delete(link_out(ops->server->link), op->key, op->key_len);
    expect(ops, DUE_INSTEAD, flight, 0);
}

static void send_set(struct memcached_ops *ops, struct flight *flight, const struct batch_op *op)
{
    struct buf *out = link_out(ops->server->link);
    struct memcached_item item = {
        .value = op->value, .value_len = op->value_len, .exptime = exptime(op->ttl_ms)};
    if (op->value_len > VALUE_MAX_BYTES) {
        send_instead(ops, flight, op);
        return;
    }
    memcached_put_get(out, op->key, op->key_len, "");
    expect(ops, DUE_EXISTS, flight, 0);
    memcached_put_set(out, op->key, op->key_len, &item);
    expect(ops, DUE_SET, flight, 0);
}

static void send_bump(struct memcached_ops *ops, struct flight *flight, const struct batch_op *op)
{
    uint64_t start = clock_us();
    memcached_put_bump(link_out(ops->server->link), op->key, op->key_len, start);
    expect(ops, DUE_BUMP, flight, start);
}

static void send_stale(struct memcached_ops *ops, struct flight *flight, const struct batch_op *op)
{
    if (op->format == OP_FORMAT_MINTCACHE) {
        mints_add(&ops->mints, flight);
        return;
    }
    memcached_put_stale(link_out(ops->server->link), op->key, op->key_len, exptime(op->grace_ms));
    expect(ops, DUE_STALE, flight, 0);
}

static void send_op(struct memcached_ops *ops, struct flight *flight, const struct batch_op *op)
{
    struct buf *out = link_out(ops->server->link);
    switch ((enum op_action)op->action) {
    case OP_DELETE:
        memcached_put_delete(out, op->key, op->key_len);
        expect(ops, DUE_DELETE, flight, 0);
        break;
    case OP_BUMP:
        send_bump(ops, flight, op);
        break;
    case OP_STALE:
        send_stale(ops, flight, op);
        break;
    case OP_EXPIRE:
        memcached_put_get(out, op->key, op->key_len, " t");
        expect(ops, DUE_LIFE, flight, 0);
        break;
    case OP_SET:
        send_set(ops, flight, op);
        break;
    case OP_SCAN: /* is the peer's */
    case OP_DELETE_MEMBERS:
    case OP_PUBLISH:
        assert(false); /* refused when the rules were loaded */
    }
}

void memcached_ops_send(struct memcached_ops *ops, struct flight *flight)
{
    struct batch_op *op = flight_next(flight);
    if (memcached_takes_key(op->key, op->key_len))
        send_op(ops, flight, op);
    else
        op->result = RESULT_REFUSED;
    flight->n_sent++;
}

/* ---- what is answered ---- */

static bool take_instead(struct memcached_ops *ops, struct batch_op *op,
                         const struct memcached_answer *answer)
{
    if (!memcached_take_deleted(ops->server, op, answer))
        return false;
    op->result = RESULT_REFUSED;
    return true;
}

/* Digits, and blanks behind them, as memcached pads numbers. */
static bool read_number(const struct memcached_answer *answer, uint64_t *number)
{
    size_t i = 0;
    *number = 0;
    for (; i < answer->len && isdigit((unsigned char)answer->text[i]); i++)
        *number = *number * 10 + (uint64_t)(answer->text[i] - '0');
    if (i == 0 || i > 20)
        return false;
    while (i < answer->len && answer->text[i] == ' ')
        i++;
    return i == answer->len;
}

static bool take_bumped(struct memcached_ops *ops, const struct due *due, struct batch_op *op,
                        const struct memcached_answer *answer)
{
    uint64_t number;
    if (answer->kind != MEMCACHED_VA || !read_number(answer, &number))
        return server_drop(ops->server, "ma was not answered with a number");
    op->result = number == due->number ? RESULT_MISS : RESULT_HIT;
    return true;
}

/* Whoever asks for a value that is marked stale is the one to make the new: asking has taken that
 * from the reader who comes next, and marking it again gives it back. */
static void send_expire(struct memcached_ops *ops, const struct due *due, const struct batch_op *op,
                        bool won)
{
    struct buf *out = link_out(ops->server->link);
    int64_t at = exptime(op->ttl_ms);
    if (won)
        memcached_put_stale(out, op->key, op->key_len, at);
    else
        memcached_put_touch(out, op->key, op->key_len, at);
    expect_more(ops, DUE_EXPIRE, due);
}

/* An application that writes the key between this answer and the next command gets our time on its
 * value: at most what the rule allows an old one. */
static bool take_life(struct memcached_ops *ops, const struct due *due, struct batch_op *op,
                      const struct memcached_answer *answer)
{
    struct memcached_flags flags;
    bool there = answer->kind == MEMCACHED_HD;
    if ((!there && answer->kind != MEMCACHED_EN) || !memcached_read_flags(answer, &flags))
        return server_drop(ops->server, "mg was not answered with a time");
    bool shorter = flags.ttl_s >= 0 && flags.ttl_s <= memcached_seconds(op->ttl_ms);
    if (!there)
        op->result = RESULT_MISS;
    else if (shorter && !flags.won)
        op->result = RESULT_HIT;
    else
        send_expire(ops, due, op, flags.won);
    return true;
}

static bool take_expired(struct memcached_ops *ops, struct batch_op *op,
                         const struct memcached_answer *answer)
{
    if (answer->kind != MEMCACHED_HD && answer->kind != MEMCACHED_EN &&
        answer->kind != MEMCACHED_NF)
        return server_drop(ops->server, "a new time was not answered with HD, EN or NF");
    op->result = answer->kind == MEMCACHED_HD ? RESULT_HIT : RESULT_MISS;
    return true;
}

static bool take_exists(struct memcached_ops *ops, const struct memcached_answer *answer)
{
    if (answer->kind != MEMCACHED_HD && answer->kind != MEMCACHED_EN)
        return server_drop(ops->server, "mg was not answered with HD or EN");
    ops->there = answer->kind == MEMCACHED_HD;
    return true;
}

/* The server has no room for the value, and may not have for long (a class of sizes without a
 * page): the value that stands there is older, so it goes, and that is all that has to be. */
static bool take_set(struct memcached_ops *ops, const struct due *due, struct batch_op *op,
                     const struct memcached_answer *answer)
{
    char words[WORDS_MAX];
    if (answer->kind == MEMCACHED_BUSY) {
        server_quote(answer->text, answer->len, words, sizeof words);
        log_instead(ops, words);
        memcached_put_delete(link_out(ops->server->link), op->key, op->key_len);
        expect_more(ops, DUE_INSTEAD, due);
        return true;
    }
    if (memcached_due_failed(due, answer))
        return true;
    if (answer->kind != MEMCACHED_HD)
        return server_drop(ops->server, "ms was not answered with HD");
    op->result = ops->there ? RESULT_HIT : RESULT_MISS;
    return true;
}

bool memcached_ops_take(struct memcached_ops *ops, const struct due *due,
                        const struct memcached_answer *answer)
{
    struct batch_op *op = flight_op(due->flight, due->from);
    if (due->kind == DUE_SET)
        return take_set(ops, due, op, answer);
    if (due->kind >= DUE_MINT_SIZE && due->kind <= DUE_MINT_DELETE)
        return mints_take(&ops->mints, due, answer);
    if (memcached_due_failed(due, answer))
        return true;
    switch ((enum memcached_due)due->kind) {
    case DUE_DELETE:
    case DUE_STALE:
        return memcached_take_deleted(ops->server, op, answer);
    case DUE_INSTEAD:
        return take_instead(ops, op, answer);
    case DUE_BUMP:
        return take_bumped(ops, due, op, answer);
    case DUE_LIFE:
        return take_life(ops, due, op, answer);
    case DUE_EXPIRE:
        return take_expired(ops, op, answer);
    case DUE_EXISTS:
        return take_exists(ops, answer);
    case DUE_MINT_SIZE:
    case DUE_MINT_READ:
    case DUE_MINT_WRITE:
    case DUE_MINT_DELETE:
    case DUE_SET:
    case DUE_CLEAR:
    case DUE_SCAN_DELETE:
    case DUE_END:
        break;
    }
    assert(false); /* the peer's own */
    return false;
}

size_t memcached_ops_most(const struct memcached_ops *ops)
{
    const struct dues *dues = &ops->server->dues;
    return dues->n > 0 && dues->ring[dues->first].kind == DUE_MINT_READ ? MINT_VALUE_MAX
                                                                        : SMALL_MAX;
}

void memcached_ops_forget(struct memcached_ops *ops)
{
    mints_forget(&ops->mints);
}
