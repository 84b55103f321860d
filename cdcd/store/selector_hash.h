/* Hashes that memcached clients choose servers by, and no library of ours has. The digests that
 * the others use are in base/digest. */
#ifndef CDCD_STORE_SELECTOR_HASH_H
#define CDCD_STORE_SELECTOR_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Jenkins' one-at-a-time, over bytes as the compiler's char: libmemcached takes them so, and bytes
 * over 0x7f are negative on x86. */
uint32_t hash_one_at_a_time(const char *key, size_t len);

/* MurmurHash3, x86, 32 bits, seed 0, fed byte by byte. */
struct murmur3 {
    uint32_t hash;
    uint32_t block; /* bytes that do not make four yet, the first one lowest */
    uint32_t len;
};

void murmur3_add(struct murmur3 *state, unsigned char byte);
/* The hash of what was added; the state is used up. */
uint32_t murmur3_end(struct murmur3 *state);

/* String.hashCode of Java: over the UTF-16 of what the UTF-8 says; a byte that is no UTF-8 counts
 * as U+FFFD, as Java reads it. */
uint32_t hash_java_string(const char *key, size_t len);

#endif
