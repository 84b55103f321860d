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

/* False for a key of more than 512 MB: a Redis hangs up on it (proto-max-bulk-len), so no such key
 * can exist there, unless that setting was raised. */
bool redis_takes_key(const struct batch_op *op);
/* How many ops from the next on can leave in one order or another: deletes. */
unsigned redis_run_length(const struct flight *flight);
/* Brings n ops from the next on into groups of one cache each, in the order of first appearance,
 * so that a command's answer counts for one cache. */
void redis_group_run(struct flight *flight, unsigned n);
/* How many of n ops from the next on one command takes. */
unsigned redis_command_length(const struct flight *flight, unsigned n);

#endif
