#include "store/redis_command.h"

#include <string.h>

#define DIGITS_MAX 20

/* INCR keeps the key's time to live, and so does INCRBY of what is missing to the clock. Numbers
 * of Lua are doubles, exact for microseconds until the year 2255. */
static const char bump_script[] =
    "local there = redis.call('EXISTS', KEYS[1])\n"
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local version = redis.call('INCR', KEYS[1])\n"
    "if version < now then\n"
    "  redis.call('INCRBY', KEYS[1], string.format('%.0f', now - version))\n"
    "end\n"
    "return there\n";

static void put_number_line(struct buf *out, char type, size_t n)
{
    char line[DIGITS_MAX + 3];
    char *at = line + sizeof line;
    *--at = '\n';
    *--at = '\r';
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    *--at = type;
    buf_put(out, at, (size_t)(line + sizeof line - at));
}

void redis_put_head(struct buf *out, size_t n)
{
    put_number_line(out, '*', n);
}

void redis_put_bulk(struct buf *out, const char *bytes, size_t n)
{
    put_number_line(out, '$', n);
    buf_put(out, bytes, n);
    buf_put(out, "\r\n", 2);
}

void redis_put_words(struct buf *out, const char *const *words, size_t n)
{
    redis_put_head(out, n);
    for (size_t i = 0; i < n; i++)
        redis_put_bulk(out, words[i], strlen(words[i]));
}

void redis_put_unlink(struct buf *out, const struct flight *flight, unsigned from, unsigned n)
{
    redis_put_head(out, n + 1);
    redis_put_bulk(out, "UNLINK", 6);
    for (unsigned i = 0; i < n; i++) {
        const struct batch_op *op = flight_op(flight, from + i);
        redis_put_bulk(out, op->key, op->key_len);
    }
}

void redis_put_bump(struct buf *out, const struct batch_op *op)
{
    redis_put_head(out, 4);
    redis_put_bulk(out, "EVAL", 4);
    redis_put_bulk(out, bump_script, sizeof bump_script - 1);
    redis_put_bulk(out, "1", 1);
    redis_put_bulk(out, op->key, op->key_len);
}

void redis_put_scan(struct buf *out, const char *cursor, const struct batch_op *op)
{
    redis_put_head(out, 6);
    redis_put_bulk(out, "SCAN", 4);
    redis_put_bulk(out, cursor, strlen(cursor));
    redis_put_bulk(out, "MATCH", 5);
    redis_put_bulk(out, op->key, op->key_len);
    redis_put_bulk(out, "COUNT", 5);
    redis_put_bulk(out, "1000", 4);
}
