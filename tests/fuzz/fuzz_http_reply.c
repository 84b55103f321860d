/* What an HTTP cache says, and the keys that it is told. Whatever is taken lies within what was
 * given, the cuts between reads change nothing, and no key breaks out of its request. */
#include "store/http_reply.h"
#include "store/http_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* The statuses of all replies, and how it ended; at most `step` bytes at a time. */
static void read_all(const char *bytes, size_t n, size_t step, struct buf *said)
{
    struct http_reader *reader = http_reader_make();
    enum http_reading reading = HTTP_PARTIAL;
    struct http_reply reply = {0};
    for (size_t at = 0; at < n && reading != HTTP_BROKEN && !reply.last;) {
        size_t some = n - at < step ? n - at : step;
        size_t used = http_read(reader, false, bytes + at, some, &reading, &reply);
        require(used <= some && (reading != HTTP_PARTIAL || used == some));
        at += used;
        require(reading != HTTP_REPLY || (reply.status >= 200 && strlen(reply.location) < 64));
        if (reading == HTTP_REPLY)
            buf_printf(said, "%u %d %s\n", reply.status, reply.last, reply.location);
    }
    if (reading == HTTP_PARTIAL && http_read_end(reader, &reply) == HTTP_REPLY)
        buf_printf(said, "%u at the end\n", reply.status);
    http_reader_free(reader);
}

static void read_in_two_ways(const char *bytes, size_t n)
{
    struct buf at_once = {0}, slowly = {0};
    read_all(bytes, n, n, &at_once);
    read_all(bytes, n, 1, &slowly);
    require(strcmp(buf_str(&at_once), buf_str(&slowly)) == 0);
    buf_free(&at_once);
    buf_free(&slowly);
}

/* A request is one: its head ends where it ends. */
static void ask(const struct http_target *target, const char *key, size_t n)
{
    struct buf out = {0};
    if (!http_key_is_possible(target, key, n))
        return;
    http_put_delete(&out, target, key, n);
    size_t len = out.len;
    require(strstr(buf_str(&out), "\r\n\r\n") == out.data + len - 4 && strlen(out.data) == len);
    buf_reset(&out, 1 << 20);
    http_put_ban(&out, target, key, n);
    require(strstr(buf_str(&out), "\r\n\r\n") == out.data + out.len - 4);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_target path = {"PURGE", "h", "/", NULL};
    static const struct http_target header = {"PURGE", "h", "/", "xkey-purge"};
    const char *bytes = (const char *)data;
    read_in_two_ways(bytes, size);
    ask(&path, bytes, size);
    ask(&header, bytes, size);
    return 0;
}
