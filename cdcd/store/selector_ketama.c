/* libmemcached, and what follows it: spymemcached. */
#include "store/selector_kind.h"

#include "base/digest.h"
#include "base/mem.h"
#include "store/selector_hash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define POINTS 160
#define POINTS_UNWEIGHTED 100 /* of libmemcached */
#define LIBMEMCACHED_DEFAULT_PORT 11211

/* Little-endian words of an MD5. */
static uint32_t word_of(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* An MD5 gives four points. */
static void add_md5_points(struct ring *ring, const char *label, unsigned server)
{
    unsigned char md5[DIGEST_MOST_BYTES];
    digest_bytes(DIGEST_MD5, label, strlen(label), md5);
    for (unsigned i = 0; i < 4; i++)
        ring_add(ring, word_of(md5 + 4 * i), server);
}

static uint32_t hash_md5(const char *key, size_t len)
{
    unsigned char md5[DIGEST_MOST_BYTES];
    digest_bytes(DIGEST_MD5, key, len, md5);
    return word_of(md5);
}

uint64_t selector_sum_weights(const struct url_server *servers, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += servers[i].weight;
    return sum;
}

/* How many MD5s a server gets of 40 each: in single precision, as libmemcached and spymemcached
 * compute it, and it is not always what it would be in double. */
static unsigned n_digests(const struct url_server *server, uint64_t sum, unsigned n)
{
    float part = (float)server->weight / (float)sum;
    return (unsigned)floorf(part * POINTS / 4 * (float)n + 0.0000000001F);
}

static void label_libmemcached(const struct url_server *server, unsigned i, char *to, size_t room)
{
    const struct address *address = &server->address;
    if (address->kind == ADDRESS_TCP && address->port == LIBMEMCACHED_DEFAULT_PORT)
        snprintf(to, room, "%s-%u", address->host, i);
    else
        snprintf(to, room, "%s:%u-%u", address->host, address->port, i);
}

void selector_build_ketama(struct selector *selector, const struct url_server *servers)
{
    char label[300];
    uint64_t sum = selector_sum_weights(servers, selector->n);
    for (unsigned s = 0; s < selector->n; s++)
        for (unsigned i = 0; i < n_digests(&servers[s], sum, selector->n); i++) {
            label_libmemcached(&servers[s], i, label, sizeof label);
            add_md5_points(&selector->ring, label, s);
        }
    ring_sort(&selector->ring, RING_FIRST_SERVER);
}

/* A server of a weight above 1 gives libmemcached's ring the weighted points, while keys are hashed
 * as before. */
void selector_build_ketama_plain(struct selector *selector, const struct url_server *servers)
{
    char label[300];
    for (unsigned s = 0; s < selector->n; s++)
        if (servers[s].weight > 1) {
            selector_build_ketama(selector, servers);
            return;
        }
    for (unsigned s = 0; s < selector->n; s++)
        for (unsigned i = 0; i < POINTS_UNWEIGHTED; i++) {
            label_libmemcached(&servers[s], i, label, sizeof label);
            ring_add(&selector->ring, hash_one_at_a_time(label, strlen(label)), s);
        }
    ring_sort(&selector->ring, RING_FIRST_SERVER);
}

unsigned selector_choose_modulo(const struct selector *selector, const char *key, size_t len)
{
    return hash_one_at_a_time(key, len) % selector->n;
}

unsigned selector_choose_ketama(const struct selector *selector, const char *key, size_t len)
{
    return ring_after(&selector->ring, hash_md5(key, len));
}

unsigned selector_choose_ketama_plain(const struct selector *selector, const char *key, size_t len)
{
    return ring_after(&selector->ring, hash_one_at_a_time(key, len));
}

static bool are_all_one(const struct url_server *servers, unsigned n)
{
    return selector_sum_weights(servers, n) == n;
}

/* Java's name of an address that has one: NAME/ADDRESS:PORT. */
void selector_build_spymemcached_ketama(struct selector *selector, const struct url_server *servers)
{
    char label[600];
    uint64_t sum = selector_sum_weights(servers, selector->n);
    for (unsigned s = 0; s < selector->n; s++) {
        unsigned n = are_all_one(servers, selector->n) ? POINTS / 4
                                                       : n_digests(&servers[s], sum, selector->n);
        for (unsigned i = 0; i < n; i++) {
            snprintf(label, sizeof label, "%s%s%s:%u-%u", servers[s].alias,
                     *servers[s].alias ? "/" : "", servers[s].address.host, servers[s].address.port,
                     i);
            add_md5_points(&selector->ring, label, s);
        }
    }
    ring_sort(&selector->ring, RING_LAST_SERVER);
}

unsigned selector_choose_spymemcached(const struct selector *selector, const char *key, size_t len)
{
    return hash_java_string(key, len) % selector->n;
}
