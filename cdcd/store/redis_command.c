#include "store/redis_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 20
#define PAGE_KEYS "250"
#define COMPANION_TTL_MS (24 * 60 * 60 * 1000)

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

/* PEXPIRE with LT, in words that Redis 5 and 6 know too, and with PTTL to tell a key that is not
 * there from one that lives shorter. */
#define EXPIRE_SCRIPT                                  \
    "local left = redis.call('PTTL', KEYS[1])\n"       \
    "if left == -1 or left > tonumber(ARGV[1]) then\n" \
    "  redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"      \
    "end\n"
#define IS_THERE "return left == -2 and 0 or 1\n"

static const char expire_script[] = EXPIRE_SCRIPT IS_THERE;

/* One script, so that no reader finds the companion before the key's time was cut: the time of the
 * value that it refreshes would be cut then. */
static const char stale_script[] =
    EXPIRE_SCRIPT "redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])\n" IS_THERE;

/* The time within a pickled pair (mintcache.h knows the same) becomes zero, which keeps the key's
 * life; what is no such pair is deleted. */
static const char mint_script[] =
    "local kind = redis.call('TYPE', KEYS[1]).ok\n"
    "if kind == 'none' then return 0 end\n"
    "local at\n"
    "if kind == 'string' and redis.call('STRLEN', KEYS[1]) >= 14 then\n"
    "  local head = redis.call('GETRANGE', KEYS[1], 0, 11)\n"
    "  local tail = redis.call('GETRANGE', KEYS[1], -7, -1)\n"
    "  local pair = tail:find('\\134%.$') or tail:find('\\134\\148%.$') or\n"
    "    tail:find('\\134q.%.$') or tail:find('\\134r....%.$')\n"
    "  at = pair and (head:find('^\\128[\\2-\\5]G') and 3 or\n"
    "    head:find('^\\128[\\4\\5]\\149........G') and 12)\n"
    "end\n"
    "if at and redis.call('STRLEN', KEYS[1]) >= at + 11 then\n"
    "  redis.call('SETRANGE', KEYS[1], at, string.rep('\\0', 8))\n"
    "else\n"
    "  redis.call('UNLINK', KEYS[1])\n"
    "end\n"
    "return 1\n";

/* SCARD refuses what is no set. What was put aside lives until it is deleted, so that no end of the
 * set's own time comes before that. */
static const char aside_script[] = "if redis.call('EXISTS', KEYS[2]) == 1 then return 2 end\n"
                                   "if redis.call('SCARD', KEYS[1]) == 0 then return 0 end\n"
                                   "redis.call('RENAME', KEYS[1], KEYS[2])\n"
                                   "redis.call('PERSIST', KEYS[2])\n"
                                   "return 1\n";

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

static void put_word(struct buf *out, const char *word)
{
    redis_put_bulk(out, word, strlen(word));
}

static void put_number(struct buf *out, int64_t number)
{
    char digits[DIGITS_MAX + 1];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    put_word(out, digits);
}

void redis_put_words(struct buf *out, const char *const *words, size_t n)
{
    redis_put_head(out, n);
    for (size_t i = 0; i < n; i++)
        put_word(out, words[i]);
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

/* n_args more must follow. */
static void put_script(struct buf *out, const char *script, unsigned n_keys, unsigned n_args)
{
    redis_put_head(out, 3 + n_keys + n_args);
    put_word(out, "EVAL");
    put_word(out, script);
    put_number(out, n_keys);
}

void redis_put_bump(struct buf *out, const struct batch_op *op)
{
    put_script(out, bump_script, 1, 0);
    redis_put_bulk(out, op->key, op->key_len);
}

void redis_put_expire(struct buf *out, const struct batch_op *op)
{
    put_script(out, expire_script, 1, 1);
    redis_put_bulk(out, op->key, op->key_len);
    put_number(out, op->ttl_ms);
}

/* https://redis.io/docs/reference/cluster-spec/#hash-tags */
static bool has_hash_tag(const struct batch_op *op)
{
    const char *open = memchr(op->key, '{', op->key_len);
    if (!open)
        return false;
    const char *close = memchr(open, '}', (size_t)(op->key + op->key_len - open));
    return close && close > open + 1;
}

void redis_companion(struct buf *to, const struct batch_op *op, const char *suffix, bool cluster)
{
    bool tagged = cluster && !has_hash_tag(op);
    buf_put(to, "{", tagged);
    buf_put(to, op->key, op->key_len);
    buf_put(to, "}", tagged);
    buf_put_str(to, suffix);
}

static void put_companion(struct buf *out, const struct batch_op *op, bool cluster)
{
    struct buf name = {0};
    redis_companion(&name, op, ":stale", cluster);
    redis_put_bulk(out, name.data, name.len);
    buf_free(&name);
}

void redis_put_mint(struct buf *out, const struct batch_op *op)
{
    put_script(out, mint_script, 1, 0);
    redis_put_bulk(out, op->key, op->key_len);
}

void redis_put_stale(struct buf *out, const struct batch_op *op, bool cluster)
{
    put_script(out, stale_script, 2, 2);
    redis_put_bulk(out, op->key, op->key_len);
    put_companion(out, op, cluster);
    put_number(out, op->grace_ms);
    put_number(out, op->ttl_ms ? op->ttl_ms : COMPANION_TTL_MS);
}

void redis_put_exists(struct buf *out, const struct batch_op *op)
{
    redis_put_head(out, 2);
    put_word(out, "EXISTS");
    redis_put_bulk(out, op->key, op->key_len);
}

void redis_put_set(struct buf *out, const struct batch_op *op)
{
    redis_put_head(out, op->ttl_ms ? 5 : 3);
    put_word(out, "SET");
    redis_put_bulk(out, op->key, op->key_len);
    redis_put_bulk(out, op->value, op->value_len);
    if (op->ttl_ms) {
        put_word(out, "PX");
        put_number(out, op->ttl_ms);
    }
}

void redis_put_publish(struct buf *out, const struct batch_op *op)
{
    redis_put_head(out, 3);
    put_word(out, "PUBLISH");
    redis_put_bulk(out, op->key, op->key_len);
    redis_put_bulk(out, op->value, op->value_len);
}

void redis_put_unlink_one(struct buf *out, const struct buf *key)
{
    redis_put_head(out, 2);
    put_word(out, "UNLINK");
    redis_put_bulk(out, key->data, key->len);
}

void redis_put_aside(struct buf *out, const struct batch_op *op, const struct buf *aside)
{
    put_script(out, aside_script, 2, 0);
    redis_put_bulk(out, op->key, op->key_len);
    redis_put_bulk(out, aside->data, aside->len);
}

void redis_put_members(struct buf *out, const char *cursor, const struct buf *aside)
{
    redis_put_head(out, 5);
    put_word(out, "SSCAN");
    redis_put_bulk(out, aside->data, aside->len);
    put_word(out, cursor);
    put_word(out, "COUNT");
    put_word(out, PAGE_KEYS);
}

void redis_put_scan(struct buf *out, const char *cursor, const struct batch_op *op)
{
    redis_put_head(out, 6);
    put_word(out, "SCAN");
    put_word(out, cursor);
    put_word(out, "MATCH");
    redis_put_bulk(out, op->key, op->key_len);
    put_word(out, "COUNT");
    put_word(out, PAGE_KEYS);
}

bool redis_takes_key(const struct batch_op *op)
{
    return op->key_len <= REDIS_BULK_MAX_BYTES;
}
