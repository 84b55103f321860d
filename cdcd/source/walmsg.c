#include "source/walmsg.h"

#include "base/buf.h"

/* PostgreSQL counts from 2000-01-01. */
#define EPOCH_DIFFERENCE_US INT64_C(946684800000000)

struct walmsg walmsg_read(const char *bytes, size_t n)
{
    struct walmsg message = {0};
    struct reader reader = reader_make(bytes, n);
    uint8_t kind = reader_u8(&reader);
    if (kind == WALMSG_DATA) {
        /* Where the data is from and up to: of relations and origins it is 0/0, so it is no use. */
        reader_u64(&reader);
        reader_u64(&reader);
        reader_u64(&reader);
        message.data_len = reader_left(&reader);
        message.data = reader_bytes(&reader, message.data_len);
    } else if (kind == WALMSG_KEEPALIVE) {
        message.end_lsn = reader_u64(&reader);
        reader_u64(&reader);
        message.wants_answer = reader_u8(&reader) != 0;
    } else {
        return message;
    }
    if (reader_ok(&reader) && reader_left(&reader) == 0)
        message.kind = (enum walmsg_kind)kind;
    return message;
}

static char *put_u64(char *at, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (char)(value >> shift & 0xff);
    return at;
}

void walmsg_status(char bytes[WALMSG_STATUS_BYTES], uint64_t lsn, int64_t now_us)
{
    char *at = bytes;
    *at++ = 'r';
    at = put_u64(at, lsn); /* written */
    at = put_u64(at, lsn); /* flushed: the one that frees WAL */
    at = put_u64(at, lsn); /* applied */
    at = put_u64(at, (uint64_t)(now_us - EPOCH_DIFFERENCE_US));
    *at = 0; /* no answer, please */
}
