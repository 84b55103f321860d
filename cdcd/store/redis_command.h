/* Commands for a Redis server, always as an array of bulk strings, so that no byte of a key can
 * end one: https://redis.io/docs/reference/protocol-spec/ (RESP2). Written straight into the
 * buffer that leaves. */
#ifndef CDCD_STORE_REDIS_COMMAND_H
#define CDCD_STORE_REDIS_COMMAND_H

#include "base/buf.h"
#include "store/server.h"

#define REDIS_BULK_MAX_BYTES (512u << 20) /* proto-max-bulk-len */

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
/* The script that cuts the key's time to live to its ttl_ms: answers as that of a bump. */
void redis_put_expire(struct buf *out, const struct batch_op *op);
/* The script that makes the time within its value zero (OP_FORMAT_MINTCACHE), or deletes the key
 * when the value has none: answers as that of a bump. */
void redis_put_mint(struct buf *out, const struct batch_op *op);
/* The script that cuts it to grace_ms and sets the companion, for the application to find: answers
 * as that of a bump. */
void redis_put_stale(struct buf *out, const struct batch_op *op, bool cluster);
void redis_put_exists(struct buf *out, const struct batch_op *op);
/* SET to the op's value, for its ttl_ms if that is set. */
void redis_put_set(struct buf *out, const struct batch_op *op);
void redis_put_publish(struct buf *out, const struct batch_op *op);
/* Appends the name of a key that goes with the op's: the suffix behind it, and in a cluster braces
 * around it where it has no hash tag of its own, so that both are of one slot. (A key with a
 * closing brace and no tag has its companion in another.) */
void redis_companion(struct buf *to, const struct batch_op *op, const char *suffix, bool cluster);
void redis_put_unlink_one(struct buf *out, const struct buf *key);
/* The script that renames the op's set to `aside`: answers 1; 0 when there is no set, 2 when there
 * is an `aside` already. */
void redis_put_aside(struct buf *out, const struct batch_op *op, const struct buf *aside);
/* A page of a set's members. */
void redis_put_members(struct buf *out, const char *cursor, const struct buf *aside);
/* cursor is digits, as Redis gave them. */
void redis_put_scan(struct buf *out, const char *cursor, const struct batch_op *op);

/* False for a key that is larger: a Redis hangs up on it, so no such key can exist there, unless
 * that setting was raised. */
bool redis_takes_key(const struct batch_op *op);

#endif
