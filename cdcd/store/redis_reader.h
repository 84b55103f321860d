/* Bytes of a Redis server to replies (RESP2), and nothing that hurts on the way.
 *
 * hiredis parses; what it must not see is refused before: it would allocate gigabytes for the head
 * of an array, and wait for ever for the end of a line. So no array has more than 100000 elements,
 * no reply more than 64 MB, no line more than 64 kB, and there are no types but RESP2's. A reader
 * that refused something is broken for good. */
#ifndef CDCD_STORE_REDIS_READER_H
#define CDCD_STORE_REDIS_READER_H

#include <stddef.h>

struct redis_reader;
struct redisReply;

/* The caller owns it. */
struct redis_reader *redis_reader_make(void);
void redis_reader_free(struct redis_reader *reader);
/* The bytes are copied. 0, or -1 when they cannot be of a Redis server. */
int redis_reader_feed(struct redis_reader *reader, const char *bytes, size_t n);
/* 1 and the next reply, which the caller owns (freeReplyObject); 0 when there is none yet; -1 when
 * what was fed makes no sense. */
int redis_reader_next(struct redis_reader *reader, struct redisReply **reply);
/* Why it is broken; borrowed until it is freed. */
const char *redis_reader_error(const struct redis_reader *reader);

#endif
