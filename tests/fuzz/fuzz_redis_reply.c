/* The replies of a Redis server: whole, and cut in two at a place the first byte names. */
#include "store/redis_reader.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many replies were read, or -1. */
static int read_all(const char *bytes, size_t n, size_t cut)
{
    struct redis_reader *reader = redis_reader_make();
    struct redisReply *reply;
    int n_replies = 0, got = 0;
    for (unsigned part = 0; part < 2 && got >= 0; part++) {
        const char *from = part ? bytes + cut : bytes;
        got = redis_reader_feed(reader, from, part ? n - cut : cut);
        while (got >= 0 && (got = redis_reader_next(reader, &reply)) > 0) {
            freeReplyObject(reply);
            n_replies++;
        }
    }
    redis_reader_free(reader);
    return got < 0 ? -1 : n_replies;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    if (read_all(bytes, n, n) != read_all(bytes, n, data[0] < n ? data[0] : n))
        abort();
    return 0;
}
