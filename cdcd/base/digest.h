/* Digests of bytes, as applications put them into keys. None of them is for secrets.
 *
 * MD5 is RFC 1321, SHA-1 and SHA-256 are FIPS 180-4, CRC-32 is that of IEEE 802.3 (zlib's, php's
 * and Python's crc32). */
#ifndef CDCD_BASE_DIGEST_H
#define CDCD_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum digest { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_CRC32 };

#define DIGEST_MOST_BYTES 32
#define DIGEST_MOST_HEX (2 * DIGEST_MOST_BYTES)

/* Writes the digest of n bytes, a CRC in network byte order; returns how many bytes it has. */
size_t digest_bytes(enum digest digest, const void *bytes, size_t n,
                    unsigned char to[static DIGEST_MOST_BYTES]);
/* The same in lower-case hex and a NUL; returns how many digits it has. The digest may overwrite
 * the bytes that it is of. */
size_t digest_hex(enum digest digest, const void *bytes, size_t n,
                  char to[static DIGEST_MOST_HEX + 1]);
uint32_t digest_crc32(const void *bytes, size_t n);

#endif
