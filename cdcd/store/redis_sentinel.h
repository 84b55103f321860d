/* Asks the sentinels of a Redis who its master is:
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 *
 * Each sentinel has a connection that is kept. It is asked over it, and between questions it says
 * of itself when the master changes (+switch-master). What a sentinel said last is its vote, until
 * all are asked anew or its connection is lost; an address that more than half of all sentinels of
 * the configuration vote for is elected. They are asked anew now and then, in case a message was
 * lost. */
#ifndef CDCD_STORE_REDIS_SENTINEL_H
#define CDCD_STORE_REDIS_SENTINEL_H

#include "store/store.h"
#include "store/url.h"

/* How often they are asked though nothing happened. */
#define REDIS_SENTINEL_ASK_MS 10000

struct redis_sentinels;

/* From the event loop. Strings and addresses are lent. */
struct redis_sentinel_events {
    /* Said after each asking, and whenever it is another one. */
    void (*elected)(void *ctx, const struct address *address);
    /* All have answered, or cannot, and none is elected. */
    void (*undecided)(void *ctx, const char *reason);
    /* A sentinel made this one the master, or heard of it. */
    void (*switched)(void *ctx, const struct address *address);
};

/* opts are borrowed until it is freed, and were checked. The caller owns it. */
struct redis_sentinels *redis_sentinels_make(const struct store_opts *opts, struct event_base *base,
                                             const struct redis_sentinel_events *events, void *ctx);
/* Forgets all votes, and asks. May be called from its events. */
void redis_sentinels_ask(struct redis_sentinels *sentinels);
void redis_sentinels_free(struct redis_sentinels *sentinels);

/* host[:port] of a sentinel. 0, or -1 with err filled. */
int redis_sentinel_parse(const char *text, struct address *address, struct err *err);

#endif
