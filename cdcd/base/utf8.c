#include "base/utf8.h"

#include <assert.h>

static bool is_surrogate(uint32_t code)
{
    return code >= 0xd800 && code < 0xe000;
}

/* As the first byte has it; 0 for one that begins no character. */
static size_t length_of(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
}

size_t utf8_read(const char *text, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = n ? (unsigned char)text[0] : 0xff;
    size_t length = length_of(lead);
    if (length == 0 || length > n)
        return 0;
    uint32_t sum = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xc0) != 0x80)
            return 0;
        sum = sum << 6 | (byte & 0x3fU);
    }
    if (sum < least[length] || sum > 0x10ffff || is_surrogate(sum))
        return 0;
    *code = sum;
    return length;
}

size_t utf8_write(uint32_t code, char to[UTF8_MAX_BYTES])
{
    static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    assert(code <= 0x10ffff && !is_surrogate(code));
    for (size_t i = length; i-- > 1; code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(heads[length] | code);
    return length;
}

bool utf8_is_valid(const char *text, size_t n)
{
    uint32_t code;
    for (size_t at = 0, length; at < n; at += length) {
        length = utf8_read(text + at, n - at, &code);
        if (length == 0)
            return false;
    }
    return true;
}
