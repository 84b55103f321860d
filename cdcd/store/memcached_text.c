#include "store/memcached_text.h"

#include "store/url.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 250
#define BASE64_RAW_MAX 186 /* 248 bytes of base64; 187 would be 252 */
#define LINE_MAX_BYTES 2048
#define VALUE_MAX_BYTES 1024

static bool is_plain(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte <= 0x20 || byte == 0x7F)
            return false;
    }
    return len <= KEY_MAX;
}

/* `md KEY` or `md BASE64 b`. */
static bool put_command(struct buf *out, const char *verb, const char *key, size_t len)
{
    unsigned char encoded[KEY_MAX + 6];
    bool plain = is_plain(key, len);
    if (len == 0 || (!plain && len > BASE64_RAW_MAX))
        return false;
    buf_put_str(out, verb);
    if (plain) {
        buf_put(out, key, len);
        return true;
    }
    int n = EVP_EncodeBlock(encoded, (const unsigned char *)key, (int)len);
    buf_put(out, encoded, (size_t)n);
    buf_put(out, " b", 2);
    return true;
}

bool memcached_put_delete(struct buf *out, const char *key, size_t len)
{
    if (!put_command(out, "md ", key, len))
        return false;
    buf_put(out, "\r\n", 2);
    return true;
}

bool memcached_put_bump(struct buf *out, const char *key, size_t len, uint64_t start)
{
    if (!put_command(out, "ma ", key, len))
        return false;
    buf_printf(out, " N0 J%llu v\r\n", (unsigned long long)start);
    return true;
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
static size_t read_value(const char *bytes, size_t n, size_t line, struct memcached_answer *answer)
{
    size_t len = 0, digits = 0;
    answer->kind = MEMCACHED_BROKEN;
    for (; 3 + digits < line && isdigit((unsigned char)bytes[3 + digits]); digits++) {
        len = len * 10 + (size_t)(bytes[3 + digits] - '0');
        if (len > VALUE_MAX_BYTES)
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
    *answer = (struct memcached_answer){MEMCACHED_VA, bytes + line + 2, len};
    return whole;
}

size_t memcached_read_answer(const char *bytes, size_t n, struct memcached_answer *answer)
{
    static const struct {
        const char *word;
        enum memcached_answer_kind kind;
    } words[] = {
        {"HD", MEMCACHED_HD},
        {"NF", MEMCACHED_NF},
        {"MN", MEMCACHED_MN},
        {"VERSION", MEMCACHED_VERSION},
        {"ERROR", MEMCACHED_ERROR},
        {"CLIENT_ERROR", MEMCACHED_ERROR},
        {"SERVER_ERROR", MEMCACHED_BUSY},
    };
    long line = line_length(bytes, n);
    *answer = (struct memcached_answer){line == -1 ? MEMCACHED_PARTIAL : MEMCACHED_BROKEN, NULL, 0};
    if (line < 0)
        return 0;
    if (begins(bytes, (size_t)line, "VA"))
        return read_value(bytes, n, (size_t)line, answer);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!begins(bytes, (size_t)line, words[i].word))
            continue;
        *answer = (struct memcached_answer){words[i].kind, bytes, (size_t)line};
        if (words[i].kind == MEMCACHED_VERSION && line > 8) {
            answer->text += 8;
            answer->len -= 8;
        }
        return (size_t)line + 2;
    }
    return 0;
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
