#include "store/redis_command.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEYS_PER_COMMAND 100
#define DIGITS_MAX 20
#define KEY_MAX_BYTES (512u << 20)

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

/* A cache of a run, and where its ops go. */
struct group {
    uint16_t cache;
    unsigned n;
    unsigned next;
    UT_hash_handle hh; /* in the order of first appearance */
};

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

bool redis_takes_key(const struct batch_op *op)
{
    return op->key_len <= KEY_MAX_BYTES;
}

unsigned redis_run_length(const struct flight *flight)
{
    unsigned place = flight->n_sent;
    for (; place < flight->batch->n; place++) {
        const struct batch_op *op = flight_op(flight, place);
        if (op->action != OP_DELETE || !redis_takes_key(op))
            break;
    }
    return place - flight->n_sent;
}

static struct group *find_group(struct group **groups, uint16_t cache)
{
    struct group *group;
    HASH_FIND(hh, *groups, &cache, sizeof cache, group);
    if (!group) {
        group = mem_alloc(sizeof *group);
        group->cache = cache;
        HASH_ADD(hh, *groups, cache, sizeof group->cache, group);
    }
    return group;
}

static bool is_grouped(const struct flight *flight, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (flight_op(flight, flight->n_sent + i)->cache != flight_next(flight)->cache)
            return false;
    return true;
}

void redis_group_run(struct flight *flight, unsigned n)
{
    struct group *groups = NULL, *group, *next;
    unsigned *run = flight->order + flight->n_sent;
    unsigned start = 0;
    if (is_grouped(flight, n))
        return;
    unsigned *old = memcpy(mem_alloc(n * sizeof *old), run, n * sizeof *old);
    for (unsigned i = 0; i < n; i++)
        find_group(&groups, flight->batch->ops[old[i]].cache)->n++;
    HASH_ITER (hh, groups, group, next) {
        group->next = start;
        start += group->n;
    }
    for (unsigned i = 0; i < n; i++)
        run[find_group(&groups, flight->batch->ops[old[i]].cache)->next++] = old[i];
    HASH_ITER (hh, groups, group, next) {
        HASH_DEL(groups, group);
        free(group);
    }
    free(old);
}

unsigned redis_command_length(const struct flight *flight, unsigned n)
{
    unsigned len = 1;
    uint16_t cache = flight_next(flight)->cache;
    if (flight->batch->singly)
        return 1;
    while (len < n && len < KEYS_PER_COMMAND &&
           flight_op(flight, flight->n_sent + len)->cache == cache)
        len++;
    return len;
}
