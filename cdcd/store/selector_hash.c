#include "store/selector_hash.h"

#include "base/utf8.h"

uint32_t hash_one_at_a_time(const char *key, size_t len)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < len; i++) {
        int byte = key[i];
        hash += (uint32_t)byte;
        hash += hash << 10;
        hash ^= hash >> 6;
    }
    hash += hash << 3;
    hash ^= hash >> 11;
    return hash + (hash << 15);
}

static uint32_t rotate(uint32_t word, int n)
{
    return word << n | word >> (32 - n);
}

static uint32_t scramble(uint32_t block)
{
    return rotate(block * 0xcc9e2d51, 15) * 0x1b873593;
}

void murmur3_add(struct murmur3 *state, unsigned char byte)
{
    state->block |= (uint32_t)byte << 8 * (state->len % 4);
    if (++state->len % 4 != 0)
        return;
    state->hash = rotate(state->hash ^ scramble(state->block), 13) * 5 + 0xe6546b64;
    state->block = 0;
}

uint32_t murmur3_end(struct murmur3 *state)
{
    uint32_t hash = state->hash ^ scramble(state->block) ^ state->len;
    hash = (hash ^ hash >> 16) * 0x85ebca6b;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35;
    return hash ^ hash >> 16;
}

uint32_t hash_java_string(const char *key, size_t len)
{
    uint32_t hash = 0, code;
    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_read(key + at, len - at, &code);
        if (n == 0) {
            n = 1;
            code = 0xfffd;
        }
        if (code > 0xffff) {
            hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + (code & 0x3ff);
        }
        hash = hash * 31 + code;
    }
    return hash;
}
