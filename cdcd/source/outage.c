#include "source/outage.h"

#include <unistd.h>

#define GOOD_STREAM_MS 2000
#define SAY_AGAIN_MS 30000 /* between two lines about the same outage */

struct outage outage_make(int64_t retry_min_ms, int64_t retry_max_ms, int64_t now_ms)
{
    uint64_t seed = (uint64_t)getpid() << 24 ^ (uint64_t)now_ms;
    return (struct outage){.backoff = backoff_make(retry_min_ms, retry_max_ms, seed)};
}

int64_t outage_wait_ms(struct outage *outage, int64_t now_ms, const char *reason)
{
    unsigned n_suppressed;
    if (outage->streaming && now_ms - outage->since_ms >= GOOD_STREAM_MS)
        backoff_reset(&outage->backoff);
    outage->streaming = false;
    if (log_limit_pass(&outage->said, now_ms, SAY_AGAIN_MS, &n_suppressed))
        log_warn("no changes come from postgresql, trying again reason=\"%s\" suppressed=%u",
                 reason, n_suppressed);
    return backoff_next_ms(&outage->backoff, now_ms);
}

void outage_refused(struct outage *outage, int64_t now_ms, const char *reason)
{
    unsigned n_suppressed;
    if (log_limit_pass(&outage->refused, now_ms, SAY_AGAIN_MS, &n_suppressed))
        log_error("postgresql refuses what it allowed before, trying again reason=\"%s\" "
                  "suppressed=%u",
                  reason, n_suppressed);
}

void outage_over(struct outage *outage, int64_t now_ms)
{
    outage->streaming = true;
    outage->since_ms = now_ms;
    outage->said = (struct log_limit){0};
    outage->refused = (struct log_limit){0};
}
