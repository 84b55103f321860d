#include "rule/lettercase.h"

#include "base/utf8.h"

#include <stdint.h>

struct range {
    uint32_t first;
    uint32_t last;
};

/* What has no case in any of Unicode's mappings, and what is in the case already. Not all of it,
 * but the scripts that names and titles are written in; what is not here is in doubt. */
static const struct range caseless[] = {
    {0xa0, 0xb4},     {0xb6, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},       {0x5d0, 0x5ea},
    {0x600, 0x6ff},   {0x900, 0xe7f},   {0x2000, 0x20cf},   {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff}, {0xfe00, 0xfe0f}, {0x1f300, 0x1faff}, {0x20000, 0x323af},
};
static const struct range lower[] = {
    {0xb5, 0xb5}, {0xdf, 0xf6}, {0xf8, 0xff}, {0x3ac, 0x3ce}, {0x430, 0x45f}};
static const struct range upper[] = {
    {0xc0, 0xd6}, {0xd8, 0xde}, {0x391, 0x3a1}, {0x3a3, 0x3a9}, {0x400, 0x42f}};

static bool is_in(const struct range *ranges, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

static bool stays(enum lettercase to_case, uint32_t code)
{
    if (is_in(caseless, sizeof caseless / sizeof *caseless, code))
        return true;
    return to_case == LETTERCASE_LOWER ? is_in(lower, sizeof lower / sizeof *lower, code)
                                       : is_in(upper, sizeof upper / sizeof *upper, code);
}

bool lettercase_put(enum lettercase to_case, const char *text, size_t n, struct buf *to)
{
    char first = to_case == LETTERCASE_LOWER ? 'A' : 'a', last = (char)(first + 25);
    char *at = buf_room(to, n);
    for (size_t i = 0; i < n; i++) {
        if (!(text[i] & 0x80)) {
            at[i] = (char)(text[i] >= first && text[i] <= last ? text[i] ^ 0x20 : text[i]);
            continue;
        }
        uint32_t code;
        size_t length = utf8_read(text + i, n - i, &code);
        if (length == 0 || !stays(to_case, code))
            return false;
        for (size_t end = i + length - 1; i < end; i++)
            at[i] = text[i];
        at[i] = text[i];
    }
    to->len += n;
    return true;
}
