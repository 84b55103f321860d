/* Commands for a Redis server, always as an array of bulk strings, so that no byte of a key can
 * end one: https://redis.io/docs/reference/protocol-spec/ (RESP2). Written straight into the
 * buffer that leaves. */
#ifndef CDCD_STORE_REDIS_COMMAND_H
#define CDCD_STORE_REDIS_COMMAND_H

#include "base/buf.h"
#include "store/server.h"

/* The array's head; n bulk strings must follow. */
void redis_put_head(struct buf *out, size_t n);
void redis_put_bulk(struct buf *out, const char *bytes, size_t n);
/* A whole command of n words that hold no NUL. */
void redis_put_words(struct buf *out, const char *const *words, size_t n);

/* UNLINK of n ops from a place of the flight's order on. */
void redis_put_unlink(struct buf *out, const struct flight *flight, unsigned from, unsigned n);
/* The script that makes the key's number larger than any that it had: answers 1 when the key was
 * there, 0 when not. */
void redis_put_bump(struct buf *out, const struct batch_op *op);
/* cursor is digits, as Redis gave them. */
void redis_put_scan(struct buf *out, const char *cursor, const struct batch_op *op);

#endif
