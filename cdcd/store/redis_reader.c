#include "store/redis_reader.h"

#include "base/mem.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_MAX 100000
#define REPLY_MAX_BYTES (64 << 20)
#define LINE_MAX_BYTES 65536
#define DIGITS_MAX 20

struct redis_reader {
    redisReader *parser;
    /* The scan for heads: every element, at whatever depth, is a line, and after the line of a bulk
     * string that many bytes and two more. */
    char head[DIGITS_MAX + 3]; /* of the line so far: its type, digits, CR and LF */
    char last;                 /* byte of the line so far */
    size_t line_len;           /* of the whole line so far */
    size_t skip;               /* bytes of a bulk string to come */
    size_t n_pending;          /* bytes fed since the last reply was whole */
    char error[160];           /* empty while all is well */
};

struct redis_reader *redis_reader_make(void)
{
    struct redis_reader *reader = mem_alloc(sizeof *reader);
    reader->parser = redisReaderCreate();
    if (!reader->parser)
        abort();
    return reader;
}

void redis_reader_free(struct redis_reader *reader)
{
    if (!reader)
        return;
    redisReaderFree(reader->parser);
    free(reader);
}

static int broken(struct redis_reader *reader, const char *why)
{
    snprintf(reader->error, sizeof reader->error, "%s", why);
    return -1;
}

/* The number of a head, "-1" or digits and nothing else: whatever hiredis might read otherwise
 * would set the two at odds about where the next head is. */
static bool head_number(const char *digits, long long *n)
{
    size_t len = strspn(digits, "0123456789");
    *n = -1;
    if (strcmp(digits, "-1\r") == 0)
        return true;
    if (len == 0 || len >= DIGITS_MAX || strcmp(digits + len, "\r") != 0)
        return false;
    *n = strtoll(digits, NULL, 10);
    return true;
}

/* A line has ended: of a bulk string, how much follows; of an array, whether it is too large. */
static int end_line(struct redis_reader *reader)
{
    long long n;
    char type = reader->head[0];
    size_t len = reader->line_len < sizeof reader->head ? reader->line_len : sizeof reader->head;
    reader->head[len - 1] = '\0';
    reader->line_len = 0;
    if (type != '*' && type != '$')
        return 0;
    if (!head_number(reader->head + 1, &n))
        return broken(reader, "a length is no number");
    if (type == '*')
        return n > ARRAY_MAX ? broken(reader, "an array is too large") : 0;
    if (n > REPLY_MAX_BYTES)
        return broken(reader, "a string is too large");
    reader->skip = n < 0 ? 0 : (size_t)n + 2;
    return 0;
}

static int scan_byte(struct redis_reader *reader, char c)
{
    if (reader->line_len == 0 && !memchr("+-:$*", c, 5))
        return broken(reader, "a reply is of no known type");
    if (reader->line_len < sizeof reader->head)
        reader->head[reader->line_len] = c;
    reader->line_len++;
    if (c == '\n' && reader->last != '\r')
        return broken(reader, "a line ends without CR");
    reader->last = c;
    if (c == '\n')
        return end_line(reader);
    return reader->line_len > LINE_MAX_BYTES ? broken(reader, "a line is too long") : 0;
}

static int scan(struct redis_reader *reader, const char *bytes, size_t n)
{
    size_t i = 0;
    while (i < n) {
        if (reader->skip == 0) {
            if (scan_byte(reader, bytes[i++]) < 0)
                return -1;
            continue;
        }
        size_t skipped = reader->skip < n - i ? reader->skip : n - i;
        reader->skip -= skipped;
        i += skipped;
    }
    return 0;
}

int redis_reader_feed(struct redis_reader *reader, const char *bytes, size_t n)
{
    if (reader->error[0] || scan(reader, bytes, n) < 0)
        return -1;
    reader->n_pending += n;
    if (reader->n_pending > REPLY_MAX_BYTES)
        return broken(reader, "a reply is too large");
    if (redisReaderFeed(reader->parser, bytes, n) != REDIS_OK)
        return broken(reader, reader->parser->errstr);
    return 0;
}

int redis_reader_next(struct redis_reader *reader, struct redisReply **reply)
{
    void *got = NULL;
    if (reader->error[0])
        return -1;
    if (redisReaderGetReply(reader->parser, &got) != REDIS_OK)
        return broken(reader, reader->parser->errstr);
    *reply = got;
    if (!got)
        return 0;
    reader->n_pending = 0;
    return 1;
}

const char *redis_reader_error(const struct redis_reader *reader)
{
    return reader->error;
}
