#include "store/redis_ops.h"

#include "base/timer.h"
#include "store/redis_command.h"
#include "store/redis_due.h"
#include "store/redis_group.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <string.h>

#define LARGE_LOG_MS 10000
/* proto-max-bulk-len cannot be less. */
#define LARGE_MIN_BYTES (1u << 20)

void redis_ops_init(struct redis_ops *ops, struct server *server, struct event_base *base,
                    const struct redis_scanner_opts *opts)
{
    *ops = (struct redis_ops){.server = server, .value_max = REDIS_BULK_MAX_BYTES};
    redis_scanner_init(&ops->scanner, server, base, opts);
}

void redis_ops_free(struct redis_ops *ops)
{
    redis_scanner_free(&ops->scanner);
}

/* ---- what is sent ---- */

/* Where the flight's next command is to be written. */
static struct buf *begin_command(struct redis_ops *ops, struct flight *flight)
{
    struct buf *out = link_out(ops->server->link);
    if (ops->asking) {
        redis_put_words(out, (const char *const[]){"ASKING"}, 1);
        redis_expect(ops->server, DUE_ASKING, flight, flight->n_sent, 0);
    }
    return out;
}

static void send_deletes(struct redis_ops *ops, struct flight *flight)
{
    unsigned n = redis_run_length(flight);
    if (!flight->batch->singly)
        redis_group_run(flight, n);
    while (n > 0) {
        unsigned len = redis_command_length(flight, n);
        redis_put_unlink(begin_command(ops, flight), flight, flight->n_sent, len);
        redis_expect(ops->server, DUE_UNLINK, flight, flight->n_sent, len);
        flight->n_sent += len;
        n -= len;
    }
}

static bool takes_value(struct redis_ops *ops, const struct batch_op *op)
{
    unsigned n_suppressed;
    if (op->value_len <= ops->value_max)
        return true;
    if (log_limit_pass(&ops->large_log, timer_now_ms(), LARGE_LOG_MS, &n_suppressed))
        log_error("%s store=%s bytes=%u most=%u suppressed=%u",
                  op->action == OP_SET
                      ? "a value is larger than Redis takes, its key is deleted instead; raise "
                        "proto-max-bulk-len, or cache less in it"
                      : "a message is larger than Redis takes, it is not published",
                  ops->scanner.opts.store, op->value_len, ops->value_max, n_suppressed);
    return false;
}

/* The value that stands there is older than the one that cannot be: it goes. */
static void send_delete_instead(struct redis_ops *ops, struct flight *flight)
{
    redis_put_unlink(begin_command(ops, flight), flight, flight->n_sent, 1);
    redis_expect(ops->server, DUE_INSTEAD, flight, flight->n_sent++, 1);
}

static void send_set(struct redis_ops *ops, struct flight *flight)
{
    const struct batch_op *op = flight_next(flight);
    if (!takes_value(ops, op)) {
        send_delete_instead(ops, flight);
        return;
    }
    redis_put_exists(begin_command(ops, flight), op);
    redis_expect(ops->server, DUE_EXISTS, flight, flight->n_sent, 1);
    redis_put_set(begin_command(ops, flight), op);
    redis_expect(ops->server, DUE_SET, flight, flight->n_sent++, 1);
}

static void refuse(struct flight *flight)
{
    flight_next(flight)->result = RESULT_REFUSED;
    flight->n_sent++;
}

static void send_publish(struct redis_ops *ops, struct flight *flight)
{
    const struct batch_op *op = flight_next(flight);
    if (!takes_value(ops, op)) {
        refuse(flight);
        return;
    }
    redis_put_publish(link_out(ops->server->link), op);
    redis_expect(ops->server, DUE_PUBLISH, flight, flight->n_sent++, 1);
}

static void send_stale(struct redis_ops *ops, struct flight *flight)
{
    const struct batch_op *op = flight_next(flight);
    struct buf *out = begin_command(ops, flight);
    bool mint = op->format == OP_FORMAT_MINTCACHE;
    if (mint)
        redis_put_mint(out, op);
    else
        redis_put_stale(out, op, ops->scanner.opts.by_slot);
    redis_expect(ops->server, mint ? DUE_MINT : DUE_STALE, flight, flight->n_sent++, 1);
}

/* The next op of the flight; deletes that follow one another leave together. */
static void send_op(struct redis_ops *ops, struct flight *flight)
{
    const struct batch_op *op = flight_next(flight);
    switch ((enum op_action)op->action) {
    case OP_DELETE:
        send_deletes(ops, flight);
        break;
    case OP_BUMP:
        redis_put_bump(begin_command(ops, flight), op);
        redis_expect(ops->server, DUE_BUMP, flight, flight->n_sent++, 1);
        break;
    case OP_STALE:
        send_stale(ops, flight);
        break;
    case OP_EXPIRE:
        redis_put_expire(begin_command(ops, flight), op);
        redis_expect(ops->server, DUE_EXPIRE, flight, flight->n_sent++, 1);
        break;
    case OP_SET:
        send_set(ops, flight);
        break;
    case OP_PUBLISH:
        send_publish(ops, flight);
        break;
    case OP_SCAN:
    case OP_DELETE_MEMBERS:
        redis_scanner_add(&ops->scanner, flight);
        break;
    }
}

void redis_ops_send(struct redis_ops *ops, struct flight *flight)
{
    const struct batch_op *op;
    while ((op = flight_next(flight)))
        if (redis_takes_key(op))
            send_op(ops, flight);
        else
            refuse(flight);
}

/* ---- what is answered ---- */

/* A number from 0 to most; false when the connection was dropped for it. */
static bool is_number(struct redis_ops *ops, const redisReply *reply, long long most,
                      const char *why)
{
    return (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 && reply->integer <= most) ||
           server_drop(ops->server, why);
}

/* Of n keys k were there. Which they were is not said, and only the counts matter. */
static bool take_unlinked(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    if (!is_number(ops, reply, due->n, "UNLINK was not answered with the number of its keys"))
        return false;
    for (unsigned i = 0; i < due->n; i++)
        flight_op(due->flight, due->from + i)->result =
            i < reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

static bool take_instead(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    if (!is_number(ops, reply, 1, "UNLINK was not answered with the number of its keys"))
        return false;
    flight_op(due->flight, due->from)->result = RESULT_REFUSED;
    return true;
}

static bool take_script(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    if (!is_number(ops, reply, 1, "a script was not answered with 0 or 1"))
        return false;
    flight_op(due->flight, due->from)->result = reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

static bool take_published(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    if (!is_number(ops, reply, LLONG_MAX, "PUBLISH was not answered with a number"))
        return false;
    flight_op(due->flight, due->from)->result = reply->integer ? RESULT_HIT : RESULT_MISS;
    return true;
}

/* What it says counts when the key was set: an op whose connection is lost in between has no
 * result. */
static bool take_exists(struct redis_ops *ops, const redisReply *reply)
{
    if (!is_number(ops, reply, 1, "EXISTS was not answered with 0 or 1"))
        return false;
    ops->there = reply->integer ? THERE_YES : THERE_NO;
    return true;
}

static bool take_set(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    static const enum op_result results[] = {
        [THERE_UNKNOWN] = RESULT_NONE, [THERE_NO] = RESULT_MISS, [THERE_YES] = RESULT_HIT};
    if (reply->type != REDIS_REPLY_STATUS || strcmp(reply->str, "OK") != 0)
        return server_drop(ops->server, "SET was not answered with OK");
    flight_op(due->flight, due->from)->result = (uint8_t)results[ops->there];
    return true;
}

static bool take_end(struct redis_ops *ops, const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STATUS || reply->type == REDIS_REPLY_ERROR ||
           server_drop(ops->server, "PING was not answered");
}

static bool take_result(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    switch ((enum redis_due)due->kind) {
    case DUE_UNLINK:
        return take_unlinked(ops, due, reply);
    case DUE_INSTEAD:
        return take_instead(ops, due, reply);
    case DUE_BUMP:
    case DUE_STALE:
    case DUE_MINT:
    case DUE_EXPIRE:
        return take_script(ops, due, reply);
    case DUE_PUBLISH:
        return take_published(ops, due, reply);
    case DUE_EXISTS:
        return take_exists(ops, reply);
    case DUE_SET:
        return take_set(ops, due, reply);
    case DUE_ASKING:
        return true;
    case DUE_AUTH:
    case DUE_SELECT:
    case DUE_ROLE:
    case DUE_INFO_SERVER:
    case DUE_INFO_REPLICATION:
    case DUE_PING:
    case DUE_ASIDE:
    case DUE_PAGE:
    case DUE_MEMBERS:
    case DUE_PAGE_UNLINK:
    case DUE_ASIDE_UNLINK:
    case DUE_ASKED:
    case DUE_WAIT:
    case DUE_END:
        break;
    }
    return server_drop(ops->server, "an answer to nothing that was sent");
}

static bool is_of_scan(const struct due *due)
{
    return due->kind >= DUE_ASIDE && due->kind <= DUE_ASIDE_UNLINK;
}

/* Redis hangs up on a value that is longer than its setting; it will not be sent again. */
static void note_large(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    static const char words[] = "ERR Protocol error: invalid bulk length";
    if ((due->kind != DUE_SET && due->kind != DUE_PUBLISH) || reply->len < sizeof words - 1 ||
        memcmp(reply->str, words, sizeof words - 1) != 0)
        return;
    uint32_t bytes = flight_op(due->flight, due->from)->value_len;
    if (bytes > LARGE_MIN_BYTES && bytes <= ops->value_max)
        ops->value_max = bytes - 1;
}

bool redis_ops_take(struct redis_ops *ops, const struct due *due, const redisReply *reply)
{
    if (due->kind == DUE_END)
        return take_end(ops, reply);
    if (is_of_scan(due))
        return redis_scanner_take(&ops->scanner, due, reply);
    if (due->kind == DUE_EXISTS)
        ops->there = THERE_UNKNOWN;
    if (reply->type == REDIS_REPLY_ERROR) {
        note_large(ops, due, reply);
        redis_due_fail(due, reply, ops->scanner.opts.store);
        return true;
    }
    return take_result(ops, due, reply);
}

void redis_ops_forget(struct redis_ops *ops)
{
    redis_scanner_forget(&ops->scanner);
    ops->there = THERE_UNKNOWN;
}
