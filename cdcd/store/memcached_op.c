#include "store/memcached_op.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 120

/* ---- what is sent ---- */

static void expect(struct server *server, enum memcached_due kind, struct flight *flight,
                   uint64_t number)
{
    server_expect(
        server,
        (struct due){
            .kind = (int)kind, .flight = flight, .from = flight->n_sent, .n = 1, .number = number});
}

static void send_delete(struct server *server, struct flight *flight, struct batch_op *op)
{
    if (memcached_put_delete(link_out(server->link), op->key, op->key_len))
        expect(server, DUE_DELETE, flight, 0);
    else
        op->result = RESULT_REFUSED;
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void send_bump(struct server *server, struct flight *flight, struct batch_op *op)
{
    uint64_t start = clock_us();
    if (memcached_put_bump(link_out(server->link), op->key, op->key_len, start))
        expect(server, DUE_BUMP, flight, start);
    else
        op->result = RESULT_REFUSED;
}

void memcached_op_send(struct server *server, struct flight *flight)
{
    struct batch_op *op = flight_next(flight);
    switch ((enum op_action)op->action) {
    case OP_DELETE:
        send_delete(server, flight, op);
        break;
    case OP_BUMP:
        send_bump(server, flight, op);
        break;
    case OP_SCAN: /* is the peer's */
    case OP_STALE:
    case OP_EXPIRE:
    case OP_SET:
    case OP_DELETE_MEMBERS:
    case OP_PUBLISH:
        assert(false); /* refused when the rules were loaded */
    }
    flight->n_sent++;
}

/* ---- what is answered ---- */

bool memcached_op_failed(const struct due *due, const struct memcached_answer *answer)
{
    static const char not_a_number[] = "CLIENT_ERROR cannot increment";
    char words[WORDS_MAX], reason[200];
    if (answer->kind != MEMCACHED_ERROR && answer->kind != MEMCACHED_BUSY)
        return false;
    server_quote(answer->text, answer->len, words, sizeof words);
    bool no_number = strncmp(words, not_a_number, sizeof not_a_number - 1) == 0;
    snprintf(reason, sizeof reason, "%s%s", words,
             no_number ? ": a key to bump holds no number: delete it" : "");
    flight_fail(due->flight, answer->kind == MEMCACHED_BUSY ? BATCH_BUSY : BATCH_REFUSED, reason);
    return true;
}

static bool take_deleted(struct server *server, const struct due *due,
                         const struct memcached_answer *answer)
{
    struct batch_op *op = flight_op(due->flight, due->from);
    if (memcached_op_failed(due, answer))
        return true;
    if (answer->kind != MEMCACHED_HD && answer->kind != MEMCACHED_NF)
        return server_drop(server, "md was not answered with HD or NF");
    op->result = answer->kind == MEMCACHED_HD ? RESULT_HIT : RESULT_MISS;
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

static bool take_bumped(struct server *server, const struct due *due,
                        const struct memcached_answer *answer)
{
    uint64_t number;
    struct batch_op *op = flight_op(due->flight, due->from);
    if (memcached_op_failed(due, answer))
        return true;
    if (answer->kind != MEMCACHED_VA || !read_number(answer, &number))
        return server_drop(server, "ma was not answered with a number");
    op->result = number == due->number ? RESULT_MISS : RESULT_HIT;
    return true;
}

bool memcached_op_take(struct server *server, const struct due *due,
                       const struct memcached_answer *answer)
{
    switch ((enum memcached_due)due->kind) {
    case DUE_DELETE:
        return take_deleted(server, due, answer);
    case DUE_BUMP:
        return take_bumped(server, due, answer);
    case DUE_VERSION:
    case DUE_SCAN_DELETE:
    case DUE_END:
        break;
    }
    assert(false); /* the peer's own */
    return false;
}
