#include "base/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Fetched once: a fetch costs more than the digest of a key. */
static struct {
    EVP_MD_CTX *working;
    EVP_MD *algorithms[DIGEST_SHA256 + 1];
} fetched;

/* A library context of our own takes the default provider and no openssl.cnf, so that there is MD5
 * on a machine whose policy allows none: here it makes names, not signatures. */
static void fetch(void)
{
    static const char *const names[] = {
        [DIGEST_MD5] = "MD5", [DIGEST_SHA1] = "SHA1", [DIGEST_SHA256] = "SHA256"};
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    fetched.working = EVP_MD_CTX_new();
    assert(library && fetched.working);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        fetched.algorithms[i] = EVP_MD_fetch(library, names[i], NULL);
        assert(fetched.algorithms[i]);
    }
}

static size_t openssl_digest(enum digest digest, const void *bytes, size_t n, unsigned char *to)
{
    unsigned len = 0;
    if (!fetched.working)
        fetch();
    int ok = EVP_DigestInit_ex2(fetched.working, fetched.algorithms[digest], NULL) &&
             EVP_DigestUpdate(fetched.working, bytes, n) &&
             EVP_DigestFinal_ex(fetched.working, to, &len);
    assert(ok);
    return len;
}

size_t digest_bytes(enum digest digest, const void *bytes, size_t n,
                    unsigned char to[static DIGEST_MOST_BYTES])
{
    if (digest != DIGEST_CRC32)
        return openssl_digest(digest, bytes, n, to);
    uint32_t crc = digest_crc32(bytes, n);
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(crc >> (24 - 8 * i));
    return 4;
}

size_t digest_hex(enum digest digest, const void *bytes, size_t n,
                  char to[static DIGEST_MOST_HEX + 1])
{
    unsigned char raw[DIGEST_MOST_BYTES];
    size_t len = digest_bytes(digest, bytes, n, raw);
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    to[2 * len] = '\0';
    return 2 * len;
}

/* Four bits at a time: a table of 16 stays in the cache beside what matters more. */
uint32_t digest_crc32(const void *bytes, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const unsigned char *byte = bytes;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= byte[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
