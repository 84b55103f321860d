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

static unsigned char byte_at(const char *value, size_t at)
{
    return (unsigned char)value[at];
}

/* What stands before STOP makes a pair, and may note it for later use, which is never made. */
static bool ends_as_pair(const char *value, size_t len)
{
    if (byte_at(value, len - 1) != OP_STOP)
        return false;
    if (byte_at(value, len - 2) == OP_TUPLE2)
        return true;
    if (byte_at(value, len - 3) == OP_TUPLE2)
        return byte_at(value, len - 2) == OP_MEMOIZE;
    if (byte_at(value, len - 4) == OP_TUPLE2)
        return byte_at(value, len - 3) == OP_BINPUT;
    return byte_at(value, len - 7) == OP_TUPLE2 && byte_at(value, len - 6) == OP_LONG_BINPUT;
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
    if (protocol >= 4 && byte_at(value, at) == OP_FRAME)
        at += frame_bytes;
    if (len < at + 1 + MINTCACHE_TIME_BYTES + 3 || byte_at(value, at) != OP_BINFLOAT)
        return 0;
    return ends_as_pair(value, len) ? at + 1 : 0;
}
