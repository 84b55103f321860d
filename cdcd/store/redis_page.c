#include "store/redis_page.h"

#include "store/redis_command.h"
#include "store/redis_slots.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

bool redis_is_page(const redisReply *reply, size_t room)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return false;
    const redisReply *cursor = reply->element[0], *keys = reply->element[1];
    if (cursor->type != REDIS_REPLY_STRING || keys->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < keys->elements; i++)
        if (keys->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return cursor->len > 0 && cursor->len < room &&
           strspn(cursor->str, "0123456789") == cursor->len;
}

static unsigned slot_of(const redisReply *key)
{
    return redis_slot(key->str, key->len);
}

static int compare_slots(const void *a, const void *b)
{
    unsigned slot_a = slot_of(*(redisReply *const *)a), slot_b = slot_of(*(redisReply *const *)b);
    return slot_a < slot_b ? -1 : slot_a > slot_b;
}

void redis_page_sort(redisReply **keys, size_t n, enum redis_sharing sharing)
{
    if (sharing == SHARING_SLOT && n > 1)
        qsort(keys, n, sizeof *keys, compare_slots);
}

static size_t n_sharing(redisReply *const *keys, size_t n, enum redis_sharing sharing)
{
    size_t len = 1;
    if (sharing == SHARING_ALL)
        return n;
    while (sharing == SHARING_SLOT && len < n && slot_of(keys[len]) == slot_of(keys[0]))
        len++;
    return len;
}

size_t redis_put_page_unlink(struct buf *out, redisReply *const *keys, size_t n,
                             enum redis_sharing sharing)
{
    size_t len = n_sharing(keys, n, sharing);
    redis_put_head(out, len + 1);
    redis_put_bulk(out, "UNLINK", 6);
    for (size_t i = 0; i < len; i++)
        redis_put_bulk(out, keys[i]->str, keys[i]->len);
    return len;
}
