/* Clients in Python, Ruby, Go and PHP that choose in ways of their own. */
#include "store/selector_kind.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/selector_hash.h"

#include <stdio.h>
#include <string.h>

#define POINTS 160
#define PECL_BUCKETS 1024

/* ----------------------------------------------------------------------------------- Python --- */

void selector_build_python_memcached(struct selector *selector, const struct url_server *servers)
{
    selector->buckets =
        mem_alloc(selector_sum_weights(servers, selector->n) * sizeof *selector->buckets);
    for (unsigned s = 0; s < selector->n; s++)
        for (unsigned i = 0; i < servers[s].weight; i++)
            selector->buckets[selector->n_buckets++] = s;
}

unsigned selector_choose_python_memcached(const struct selector *selector, const char *key,
                                          size_t len)
{
    uint32_t hash = digest_crc32(key, len) >> 16 & 0x7fff;
    return selector->buckets[(hash ? hash : 1) % selector->n_buckets];
}

void selector_build_pymemcache(struct selector *selector, const struct url_server *servers)
{
    struct arena *scratch = arena_make();
    selector->labels = mem_alloc(selector->n * sizeof *selector->labels);
    for (unsigned s = 0; s < selector->n; s++) {
        const struct address *address = &servers[s].address;
        selector->labels[s] =
            mem_strdup(address->kind == ADDRESS_UNIX
                           ? address->host
                           : arena_printf(scratch, "%s:%u", address->host, address->port));
    }
    arena_free(scratch);
}

/* Over the low eight bits of each character's code, and the length is that in characters. */
static uint32_t score_pymemcache(const char *label, const char *key, size_t len)
{
    struct murmur3 state = {0};
    uint32_t code;
    for (; *label; label++)
        murmur3_add(&state, (unsigned char)*label);
    murmur3_add(&state, '-');
    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_read(key + at, len - at, &code);
        murmur3_add(&state, n ? (unsigned char)code : (unsigned char)key[at]);
        n += n == 0;
    }
    return murmur3_end(&state);
}

unsigned selector_choose_pymemcache(const struct selector *selector, const char *key, size_t len)
{
    unsigned winner = 0;
    uint32_t high = 0;
    for (unsigned s = 0; s < selector->n; s++) {
        uint32_t score = score_pymemcache(selector->labels[s], key, len);
        bool tied = s > 0 && score == high;
        if (s == 0 || score > high ||
            (tied && strcmp(selector->labels[s], selector->labels[winner]) > 0)) {
            winner = s;
            high = score;
        }
    }
    return winner;
}

/* ------------------------------------------------------------------------- Ruby, Go and PHP --- */

void selector_build_dalli(struct selector *selector, const struct url_server *servers)
{
    char label[300];
    unsigned char sha1[DIGEST_MOST_BYTES];
    uint64_t sum = selector_sum_weights(servers, selector->n);
    for (unsigned s = 0; s < selector->n; s++) {
        const struct address *address = &servers[s].address;
        unsigned n = (unsigned)((uint64_t)selector->n * POINTS * servers[s].weight / sum);
        for (unsigned i = 0; i < n; i++) {
            int length =
                address->kind == ADDRESS_UNIX
                    ? snprintf(label, sizeof label, "%s:%u", address->host, i)
                    : snprintf(label, sizeof label, "%s:%u:%u", address->host, address->port, i);
            digest_bytes(DIGEST_SHA1, label, (size_t)length, sha1);
            ring_add(&selector->ring,
                     (uint32_t)sha1[0] << 24 | (uint32_t)sha1[1] << 16 | (uint32_t)sha1[2] << 8 |
                         sha1[3],
                     s);
        }
    }
    ring_sort(&selector->ring, RING_FIRST_SERVER);
}

unsigned selector_choose_dalli(const struct selector *selector, const char *key, size_t len)
{
    return ring_before(&selector->ring, digest_crc32(key, len));
}

unsigned selector_choose_gomemcache(const struct selector *selector, const char *key, size_t len)
{
    return digest_crc32(key, len) % selector->n;
}

void selector_build_pecl_memcache(struct selector *selector, const struct url_server *servers)
{
    char label[300];
    for (unsigned s = 0; s < selector->n; s++)
        for (unsigned i = 0; i < servers[s].weight * POINTS; i++) {
            const struct address *address = &servers[s].address;
            int length = snprintf(label, sizeof label, "%s%s:%u-%u",
                                  address->kind == ADDRESS_UNIX ? "unix://" : "", address->host,
                                  address->port, i);
            ring_add(&selector->ring, digest_crc32(label, (size_t)length), s);
        }
    ring_sort(&selector->ring, RING_FIRST_SERVER);
    selector->n_buckets = PECL_BUCKETS;
    selector->buckets = mem_alloc(PECL_BUCKETS * sizeof *selector->buckets);
    for (unsigned i = 0; i < PECL_BUCKETS; i++)
        selector->buckets[i] = ring_after(&selector->ring, i * (UINT32_MAX / PECL_BUCKETS));
}

unsigned selector_choose_pecl_memcache(const struct selector *selector, const char *key, size_t len)
{
    return selector->buckets[digest_crc32(key, len) % PECL_BUCKETS];
}
