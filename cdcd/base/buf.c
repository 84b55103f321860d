#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_room(struct buf *buf, size_t n)
{
    if (buf->cap - buf->len < n) {
        size_t cap = buf->cap ? buf->cap : 64;
        while (cap - buf->len < n)
            cap *= 2;
        buf->data = mem_resize(buf->data, cap);
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void buf_put(struct buf *buf, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    memcpy(buf_room(buf, n), bytes, n);
    buf->len += n;
}

void buf_put_str(struct buf *buf, const char *str)
{
    buf_put(buf, str, strlen(str));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n <= 0)
        return;
    char *at = buf_room(buf, (size_t)n + 1);
    va_start(args, format);
    vsnprintf(at, (size_t)n + 1, format, args);
    va_end(args);
    buf->len += (size_t)n;
}

const char *buf_str(struct buf *buf)
{
    *buf_room(buf, 1) = '\0';
    return buf->data;
}

void buf_reset(struct buf *buf, size_t keep)
{
    buf->len = 0;
    if (buf->cap > keep)
        buf_free(buf);
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

struct reader reader_make(const void *bytes, size_t n)
{
    const char *at = bytes;
    return (struct reader){.at = at, .end = n ? at + n : at};
}

const char *reader_bytes(struct reader *reader, size_t n)
{
    if (reader->broken || reader_left(reader) < n) {
        reader->broken = true;
        return NULL;
    }
    const char *at = reader->at;
    reader->at += n;
    return at;
}

static uint64_t read_number(struct reader *reader, size_t n)
{
    const unsigned char *at = (const unsigned char *)reader_bytes(reader, n);
    uint64_t value = 0;
    for (size_t i = 0; at && i < n; i++)
        value = value << 8 | at[i];
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_number(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)read_number(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_number(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_number(reader, 8);
}

const char *reader_str(struct reader *reader)
{
    size_t left = reader_left(reader);
    const char *nul = reader->broken || left == 0 ? NULL : memchr(reader->at, 0, left);
    if (!nul) {
        reader->broken = true;
        return NULL;
    }
    const char *at = reader->at;
    reader->at = nul + 1;
    return at;
}

size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

bool reader_ok(const struct reader *reader)
{
    return !reader->broken;
}
