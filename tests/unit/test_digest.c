#include "base/buf.h"
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void gives(enum digest digest, const char *text, const char *hex)
{
    char to[DIGEST_MOST_HEX + 1];
    assert_int_equal(digest_hex(digest, text, strlen(text), to), strlen(hex));
    assert_string_equal(to, hex);
}

static void md5_is_that_of_rfc_1321(void **state)
{
    (void)state;
    gives(DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
    gives(DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
    gives(DIGEST_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    gives(DIGEST_MD5,
          "1234567890123456789012345678901234567890123456789012345678901234567890"
          "1234567890",
          "57edf4a22be3c955ac49da2e2107b67a");
}

static void sha1_is_that_of_rfc_3174(void **state)
{
    (void)state;
    gives(DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    gives(DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    gives(DIGEST_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

static void sha256_is_that_of_rfc_6234(void **state)
{
    (void)state;
    gives(DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    gives(DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    gives(DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void crc32_keeps_its_leading_zeros(void **state)
{
    (void)state;
    gives(DIGEST_CRC32, "", "00000000");
    gives(DIGEST_CRC32, "123456789", "cbf43926");
    gives(DIGEST_CRC32, "The quick brown fox jumps over the lazy dog", "414fa339");
    assert_int_equal(digest_crc32("123456789", 9), 0xcbf43926);
}

static void bytes_above_127_and_nul_are_bytes(void **state)
{
    (void)state;
    char to[DIGEST_MOST_HEX + 1];
    digest_hex(DIGEST_MD5, "\xd0\xaf\0", 3, to);
    assert_string_equal(to, "708d992f8f5336e42b07bf5438068938");
    digest_hex(DIGEST_CRC32, "\xff\xff\xff\xff", 4, to);
    assert_string_equal(to, "ffffffff");
}

static void a_million_bytes_are_digested(void **state)
{
    (void)state;
    struct buf bytes = {0};
    char to[DIGEST_MOST_HEX + 1];
    memset(buf_room(&bytes, 1000000), 'a', 1000000);
    digest_hex(DIGEST_MD5, bytes.data, 1000000, to);
    assert_string_equal(to, "7707d6ae4e027c70eea2a935c2296f21");
    digest_hex(DIGEST_SHA1, bytes.data, 1000000, to);
    assert_string_equal(to, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(md5_is_that_of_rfc_1321),
        cmocka_unit_test(sha1_is_that_of_rfc_3174),
        cmocka_unit_test(sha256_is_that_of_rfc_6234),
        cmocka_unit_test(crc32_keeps_its_leading_zeros),
        cmocka_unit_test(bytes_above_127_and_nul_are_bytes),
        cmocka_unit_test(a_million_bytes_are_digested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
