/* A page of SCAN or SSCAN: its shape, and the deletes of what it found. */
#ifndef CDCD_STORE_REDIS_PAGE_H
#define CDCD_STORE_REDIS_PAGE_H

#include "base/buf.h"

struct redisReply;

/* True for a cursor of fewer than room digits, and keys. */
bool redis_is_page(const struct redisReply *reply, size_t room);

/* How keys may share a command. */
enum redis_sharing { SHARING_ALL, SHARING_SLOT, SHARING_NONE };

/* Brings the keys into an order in which those that may share a command stand together. */
void redis_page_sort(struct redisReply **keys, size_t n, enum redis_sharing sharing);
/* UNLINK of the first of n keys and those that may share its command: how many. */
size_t redis_put_page_unlink(struct buf *out, struct redisReply *const *keys, size_t n,
                             enum redis_sharing sharing);

#endif
