#include "source/backoff.h"

#include <stdlib.h>

#define RESTART_MS 30000
#define RESTART_WAIT_MS 1000

struct backoff backoff_make(int64_t min_ms, int64_t max_ms, uint64_t seed)
{
    return (struct backoff){
        .min_ms = min_ms,
        .max_ms = max_ms,
        .random = {(unsigned short)seed, (unsigned short)(seed >> 16),
                   (unsigned short)(seed >> 32)},
    };
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t backoff_next_ms(struct backoff *backoff, int64_t now_ms)
{
    if (backoff->attempts == 0)
        backoff->since_ms = now_ms;
    int64_t wait_ms = backoff->min_ms;
    for (unsigned i = 0; i < backoff->attempts && wait_ms < backoff->max_ms; i++)
        wait_ms *= 2;
    wait_ms = smaller(wait_ms, backoff->max_ms);
    if (now_ms - backoff->since_ms < RESTART_MS && wait_ms > RESTART_WAIT_MS)
        wait_ms = backoff->min_ms > RESTART_WAIT_MS ? backoff->min_ms : RESTART_WAIT_MS;
    backoff->attempts++;
    return wait_ms - (int64_t)((double)wait_ms / 4 * erand48(backoff->random));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->attempts = 0;
}
