/* Bytes: a buffer that grows, and a reader that cannot run over.
 *
 * A buf owns its bytes until buf_free. Growing cannot fail: without memory the program aborts, and
 * what was not confirmed is sent again by PostgreSQL.
 *
 * A reader borrows the bytes it reads. Numbers are in network byte order. A read past the end gives
 * zero (or NULL) and breaks the reader for good, so a parser reads a whole message and asks once,
 * reader_ok, whether it was good. */
#ifndef CDCD_BASE_BUF_H
#define CDCD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NULL until the first byte */
    size_t len;
    size_t cap;
};

/* Makes room for n bytes more and returns where they start; lent until the next call that grows. */
char *buf_room(struct buf *buf, size_t n);
void buf_put(struct buf *buf, const void *bytes, size_t n);
void buf_put_str(struct buf *buf, const char *str);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The bytes as a C string; lent until the next change. */
const char *buf_str(struct buf *buf);
/* Empties, and keeps the memory unless it is more than keep bytes. */
void buf_reset(struct buf *buf, size_t keep);
void buf_free(struct buf *buf);

struct reader {
    const char *at;
    const char *end;
    bool broken;
};

struct reader reader_make(const void *bytes, size_t n);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
/* n bytes, lent from what the reader reads; NULL when there are fewer. */
const char *reader_bytes(struct reader *reader, size_t n);
/* A NUL-terminated string, lent; NULL when no NUL follows. */
const char *reader_str(struct reader *reader);
size_t reader_left(const struct reader *reader);
/* True when nothing was read past the end. */
bool reader_ok(const struct reader *reader);

#endif
