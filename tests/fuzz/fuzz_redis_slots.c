/* What a node of a Redis Cluster says of slots: maps, its own slots, redirections. */
#include "store/redis_reader.h"
#include "store/redis_slots.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct address asked = {.host = "h", .port = 1, .name = "h:1"};

/* Owners are among the masters, or nobody. */
static void read_map(const struct redisReply *reply)
{
    struct err err;
    struct slot_map *map = slot_map_read(reply, &asked, &err);
    for (unsigned slot = 0; map && slot < SLOTS_N; slot++)
        if (map->owner[slot] != SLOTS_NO_OWNER && map->owner[slot] >= map->n_masters)
            abort();
    slot_map_free(map);
}

static void read_reply(const struct redisReply *reply)
{
    struct slot_redirect redirect;
    struct slot_count count;
    read_map(reply);
    slot_count_read(reply, &count);
    if (reply->type != REDIS_REPLY_ERROR)
        return;
    bool good = slot_redirect_read(reply->str, reply->len, &asked, &redirect);
    if (good && (redirect.slot >= SLOTS_N || (redirect.known && redirect.to.port == 0)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_reader *reader = redis_reader_make();
    struct redisReply *reply;
    int got = redis_reader_feed(reader, (const char *)data, size);
    while (got >= 0 && (got = redis_reader_next(reader, &reply)) > 0) {
        read_reply(reply);
        freeReplyObject(reply);
    }
    redis_reader_free(reader);
    return 0;
}
