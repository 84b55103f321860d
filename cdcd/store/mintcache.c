#include "store/mintcache.h"

#include <stdbool.h>
#include <string.h>

#define OP_PROTO 0x80
#define OP_FRAME 0x95 /* and a length of 8 bytes; from protocol 4 */
#define OP_BINFLOAT 0x47
#define OP_TUPLE2 0x86
#define OP_BINPUT 0x71      /* and a byte */
#define OP_LONG_BINPUT 0x72 /* and 4 bytes */
#define OP_MEMOIZE 0x94
#define OP_STOP '.'

static unsigned char byte_at(const char *value, long at)
{
    return (unsigned char)value[at];
}

/* What stands before STOP makes a pair, and may note it for later use, which is never made. The
 * pair's second part stands before that, from `from` on. */
static bool ends_as_pair(const char *value, size_t from, size_t len)
{
    const char *end = value + len;
    size_t left = len - from;
    if (left < 3 || byte_at(end, -1) != OP_STOP)
        return false;
    if (byte_at(end, -2) == OP_TUPLE2)
        return true;
    if (left >= 4 && byte_at(end, -3) == OP_TUPLE2)
        return byte_at(end, -2) == OP_MEMOIZE;
    if (left >= 5 && byte_at(end, -4) == OP_TUPLE2)
        return byte_at(end, -3) == OP_BINPUT;
    return left >= 8 && byte_at(end, -7) == OP_TUPLE2 && byte_at(end, -6) == OP_LONG_BINPUT;
}

size_t mintcache_time_at(const char *value, size_t len)
{
    static const size_t frame_bytes = 9;
    size_t at = 2;
    /* The head with its time, some value, TUPLE2 and STOP. */
    if (len < 2 + 1 + MINTCACHE_TIME_BYTES + 3 || byte_at(value, 0) != OP_PROTO)
        return 0;
    unsigned protocol = byte_at(value, 1);
    if (protocol < 2 || protocol > 5)
        return 0;
    if (protocol >= 4 && byte_at(value, (long)at) == OP_FRAME)
        at += frame_bytes;
    size_t behind = at + 1 + MINTCACHE_TIME_BYTES;
    if (len < behind || byte_at(value, (long)at) != OP_BINFLOAT)
        return 0;
    return ends_as_pair(value, behind, len) ? at + 1 : 0;
}
