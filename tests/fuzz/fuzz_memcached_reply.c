/* What a memcached says: answers and listings. Whatever is taken lies within what was given, and
 * what is whole does not change when more follows. */
#include "store/memcached_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void read_answers(const char *bytes, size_t n)
{
    struct memcached_answer answer, alone;
    struct memcached_flags flags;
    for (size_t at = 0, used; at <= n; at += used) {
        used = memcached_read_answer(bytes + at, n - at, MOST, &answer);
        require(used <= n - at);
        if (used == 0)
            return;
        require(answer.flags >= bytes + at && answer.flags + answer.flags_len <= bytes + at + used);
        memcached_read_flags(&answer, &flags);
        require(answer.text >= bytes + at && answer.text + answer.len <= bytes + at + used);
        require(memcached_read_answer(bytes + at, used, MOST, &alone) == used);
        require(alone.kind == answer.kind && alone.len == answer.len);
        require(memcached_read_answer(bytes + at, used - 1, MOST, &alone) == 0);
    }
}

static void read_listing(const char *bytes, size_t n)
{
    enum memcached_listing_kind kind;
    struct buf key = {0};
    for (size_t at = 0, used; at <= n; at += used) {
        used = memcached_read_listing(bytes + at, n - at, &kind, &key);
        require(used <= n - at);
        if (used == 0)
            break;
    }
    buf_free(&key);
}

/* Whatever the key, what is written is one line. */
static void write_key(const char *bytes, size_t n)
{
    struct buf out = {0};
    if (memcached_put_delete(&out, bytes, n)) {
        require(out.len <= 3 + 250 + 2 + 2);
        require(memchr(out.data, '\r', out.len) == out.data + out.len - 2);
        require(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
    } else {
        require(out.len == 0);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    read_answers(bytes, size);
    read_listing(bytes, size);
    write_key(bytes, size);
    return 0;
}
