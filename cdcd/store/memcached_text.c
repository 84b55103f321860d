#include "store/memcached_text.h"

#include "store/url.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 250
#define BASE64_RAW_MAX 186 /* 248 bytes of base64; 187 would be 252 */
#define LINE_MAX_BYTES 2048
#define RELATIVE_MAX (30 * 24 * 3600) /* a larger time is a date */

static bool is_plain(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte <= 0x20 || byte == 0x7F)
            return false;
    }
    return len <= KEY_MAX;
}

bool memcached_takes_key(const char *key, size_t len)
{
    return len > 0 && (is_plain(key, len) || len <= BASE64_RAW_MAX);
}

/* `md KEY`, or `md BASE64 b`; what stands behind the key, if anything, comes before the b. */
static bool put_command(struct buf *out, const char *verb, const char *key, size_t len,
                        const char *behind)
{
    unsigned char encoded[KEY_MAX + 6];
    bool plain = is_plain(key, len);
    if (!memcached_takes_key(key, len))
        return false;
    buf_put_str(out, verb);
    if (plain) {
        buf_put(out, key, len);
    } else {
        int n = EVP_EncodeBlock(encoded, (const unsigned char *)key, (int)len);
        buf_put(out, encoded, (size_t)n);
    }
    buf_put_str(out, behind);
    if (!plain)
        buf_put(out, " b", 2);
    return true;
}

bool memcached_put_delete(struct buf *out, const char *key, size_t len)
{
    if (!put_command(out, "md ", key, len, ""))
        return false;
    buf_put(out, "\r\n", 2);
    return true;
}

bool memcached_put_bump(struct buf *out, const char *key, size_t len, uint64_t start)
{
    if (!put_command(out, "ma ", key, len, ""))
        return false;
    buf_printf(out, " N0 J%" PRIu64 " v\r\n", start);
    return true;
}

bool memcached_put_stale(struct buf *out, const char *key, size_t len, int64_t exptime)
{
    if (!put_command(out, "md ", key, len, ""))
        return false;
    buf_printf(out, " I T%" PRId64 "\r\n", exptime);
    return true;
}

bool memcached_put_get(struct buf *out, const char *key, size_t len, const char *flags)
{
    if (!put_command(out, "mg ", key, len, ""))
        return false;
    buf_put_str(out, flags);
    buf_put(out, "\r\n", 2);
    return true;
}

bool memcached_put_touch(struct buf *out, const char *key, size_t len, int64_t exptime)
{
    if (!put_command(out, "mg ", key, len, ""))
        return false;
    buf_printf(out, " T%" PRId64 "\r\n", exptime);
    return true;
}

bool memcached_put_set(struct buf *out, const char *key, size_t len,
                       const struct memcached_item *item)
{
    char value_len[24];
    snprintf(value_len, sizeof value_len, " %zu", item->value_len);
    if (!put_command(out, "ms ", key, len, value_len))
        return false;
    buf_printf(out, " T%" PRId64 " F%" PRId64, item->exptime, item->client_flags);
    if (item->cas)
        buf_printf(out, " C%" PRId64, item->cas);
    buf_put(out, "\r\n", 2);
    buf_put(out, item->value, item->value_len);
    buf_put(out, "\r\n", 2);
    return true;
}

int64_t memcached_seconds(int64_t ms)
{
    return ms / 1000 + (ms % 1000 > 0);
}

int64_t memcached_exptime(int64_t seconds, int64_t now)
{
    if (seconds <= RELATIVE_MAX)
        return seconds;
    return seconds < INT32_MAX - now ? now + seconds : INT32_MAX;
}

/* The length of the first line without its CR LF; -1 when it is not whole yet, -2 when it never
 * will be. */
static long line_length(const char *bytes, size_t n)
{
    const char *end = n ? memchr(bytes, '\n', n) : NULL;
    if (!end)
        return n > LINE_MAX_BYTES ? -2 : -1;
    if (end == bytes || end[-1] != '\r')
        return -2;
    return end - bytes - 1;
}

static bool begins(const char *line, size_t n, const char *with)
{
    size_t len = strlen(with);
    return n >= len && memcmp(line, with, len) == 0 && (n == len || line[len] == ' ');
}

/* `VA <length> <flags>*`, and that many bytes: the value ends with a line end of its own. */
static size_t read_value(const char *bytes, size_t n, size_t line, size_t most,
                         struct memcached_answer *answer)
{
    size_t len = 0, digits = 0;
    answer->kind = MEMCACHED_BROKEN;
    for (; 3 + digits < line && isdigit((unsigned char)bytes[3 + digits]); digits++) {
        len = len * 10 + (size_t)(bytes[3 + digits] - '0');
        if (len > most)
            return 0;
    }
    if (digits == 0 || (3 + digits < line && bytes[3 + digits] != ' '))
        return 0;
    size_t whole = line + 2 + len + 2;
    if (n < whole) {
        answer->kind = MEMCACHED_PARTIAL;
        return 0;
    }
    if (memcmp(bytes + whole - 2, "\r\n", 2) != 0)
        return 0;
    *answer = (struct memcached_answer){
        .kind = MEMCACHED_VA,
        .text = bytes + line + 2,
        .len = len,
        .flags = bytes + 3 + digits,
        .flags_len = line - 3 - digits,
    };
    return whole;
}

size_t memcached_read_answer(const char *bytes, size_t n, size_t most,
                             struct memcached_answer *answer)
{
    static const struct {
        const char *word;
        enum memcached_answer_kind kind;
    } words[] = {
        {"HD", MEMCACHED_HD},
        {"OK", MEMCACHED_OK},
        {"NF", MEMCACHED_NF},
        {"EN", MEMCACHED_EN},
        {"EX", MEMCACHED_EX},
        {"MN", MEMCACHED_MN},
        {"VERSION", MEMCACHED_VERSION},
        {"ERROR", MEMCACHED_ERROR},
        {"CLIENT_ERROR", MEMCACHED_ERROR},
        {"SERVER_ERROR", MEMCACHED_BUSY},
    };
    long line = line_length(bytes, n);
    *answer = (struct memcached_answer){.kind = line == -1 ? MEMCACHED_PARTIAL : MEMCACHED_BROKEN};
    if (line < 0)
        return 0;
    if (begins(bytes, (size_t)line, "VA"))
        return read_value(bytes, n, (size_t)line, most, answer);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!begins(bytes, (size_t)line, words[i].word))
            continue;
        size_t word = strlen(words[i].word);
        *answer = (struct memcached_answer){
            .kind = words[i].kind,
            .text = bytes,
            .len = (size_t)line,
            .flags = bytes + word,
            .flags_len = (size_t)line - word,
        };
        if (words[i].kind == MEMCACHED_VERSION && line > 8) {
            answer->text += 8;
            answer->len -= 8;
        }
        return (size_t)line + 2;
    }
    return 0;
}

/* The number behind a flag's letter; false when it is none that fits. */
static bool read_number(const char *text, size_t n, int64_t *number)
{
    char digits[24];
    char *end;
    if (n == 0 || n >= sizeof digits)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    errno = 0;
    *number = strtoll(digits, &end, 10);
    return !errno && *end == '\0' && (isdigit((unsigned char)digits[0]) || digits[0] == '-');
}

static bool read_flag(const char *flag, size_t n, struct memcached_flags *flags)
{
    int64_t *const number = *flag == 'c'   ? &flags->cas
                            : *flag == 'f' ? &flags->client_flags
                            : *flag == 's' ? &flags->size
                            : *flag == 't' ? &flags->ttl_s
                                           : NULL;
    if (*flag == 'W')
        flags->won = true;
    return !number || read_number(flag + 1, n - 1, number);
}

bool memcached_read_flags(const struct memcached_answer *answer, struct memcached_flags *flags)
{
    const char *at = answer->flags, *end = at + answer->flags_len;
    bool good = true;
    *flags = (struct memcached_flags){.ttl_s = -1};
    while (at < end) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        size_t n = (size_t)((blank ? blank : end) - at);
        if (n > 0)
            good &= read_flag(at, n, flags);
        at += n + 1;
    }
    return good;
}

/* `key=%41b exp=...`; false when it is no such line. */
static bool read_listed_key(const char *line, size_t n, struct buf *key)
{
    const char *end = memchr(line, ' ', n);
    key->len = 0;
    if (n < 5 || memcmp(line, "key=", 4) != 0)
        return false;
    size_t len = end ? (size_t)(end - line) : n;
    return url_decode(line + 4, len - 4, key) && key->len > 0;
}

/* The lines of a listing end with a bare LF in some versions, and END with CR LF. */
size_t memcached_read_listing(const char *bytes, size_t n, enum memcached_listing_kind *kind,
                              struct buf *key)
{
    const char *newline = n ? memchr(bytes, '\n', n) : NULL;
    *kind = !newline && n <= LINE_MAX_BYTES ? LISTING_PARTIAL : LISTING_BROKEN;
    if (!newline)
        return 0;
    size_t line = (size_t)(newline - bytes);
    size_t used = line + 1;
    if (line > 0 && bytes[line - 1] == '\r')
        line--;
    if (begins(bytes, line, "END"))
        *kind = LISTING_END;
    else if (begins(bytes, line, "BUSY"))
        *kind = LISTING_BUSY;
    else if (begins(bytes, line, "ERROR") || begins(bytes, line, "CLIENT_ERROR"))
        *kind = LISTING_REFUSED;
    else if (read_listed_key(bytes, line, key))
        *kind = LISTING_KEY;
    return used;
}

bool memcached_version_is_known(const char *version, size_t len)
{
    char text[32];
    unsigned major, minor, patch;
    snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), version);
    if (sscanf(text, "%3u.%3u.%3u", &major, &minor, &patch) != 3)
        return false;
    if (major != 1)
        return major > 1;
    return minor > 6 || (minor == 6 && patch >= 10);
}
