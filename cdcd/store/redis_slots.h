/* Where the keys of a Redis Cluster are: slots of keys, and what servers say of the owners of
 * slots. Pure. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
#ifndef CDCD_STORE_REDIS_SLOTS_H
#define CDCD_STORE_REDIS_SLOTS_H

#include "base/err.h"
#include "store/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS_N 16384
#define SLOTS_NO_OWNER UINT16_MAX

struct redisReply;

/* Of the whole key, or of its hash tag: what stands in the first pair of braces, unless that is
 * empty. */
unsigned redis_slot(const char *key, size_t len);
/* True when the key has a hash tag. */
bool redis_has_tag(const char *key, size_t len);

/* What one server answered. */
struct slot_map {
    struct address *masters; /* each once */
    unsigned n_masters;
    uint16_t owner[SLOTS_N]; /* a place among the masters, or SLOTS_NO_OWNER */
};

/* Reads the answer to CLUSTER SLOTS; asked is the server that gave it, which is meant where a host
 * is left out. The caller owns the map. NULL with err filled when it is no such answer. */
struct slot_map *slot_map_read(const struct redisReply *reply, const struct address *asked,
                               struct err *err);
/* NULL is allowed. */
void slot_map_free(struct slot_map *map);

/* What a node says of its own slots. */
struct slot_count {
    unsigned n;  /* that it owns */
    bool moving; /* some key of them, or to them, is perhaps being moved */
};

/* Reads the answer to CLUSTER NODES; false when it is no such answer. */
bool slot_count_read(const struct redisReply *reply, struct slot_count *count);

struct slot_redirect {
    bool ask;   /* this once; else for good */
    bool known; /* the server could name who owns it now */
    unsigned slot;
    struct address to; /* if known */
};

/* Reads an error "MOVED 3999 127.0.0.1:6381" or "ASK ..."; false when it is neither, or makes no
 * sense. */
bool slot_redirect_read(const char *text, size_t len, const struct address *asked,
                        struct slot_redirect *redirect);

#endif
