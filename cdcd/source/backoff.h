/* How long to wait before the next attempt.
 *
 * Waits double from min_ms to max_ms, each shortened at random by up to a quarter, so that those
 * who lost the same server do not come back at the same instant. In the first half minute of an
 * outage no wait is longer than a second (unless min_ms is): most outages are restarts. */
#ifndef CDCD_SOURCE_BACKOFF_H
#define CDCD_SOURCE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t min_ms;
    int64_t max_ms;
    int64_t since_ms; /* when the outage began */
    unsigned attempts;
    unsigned short random[3];
};

struct backoff backoff_make(int64_t min_ms, int64_t max_ms, uint64_t seed);
int64_t backoff_next_ms(struct backoff *backoff, int64_t now_ms);
/* All went well: the next outage begins with the shortest wait. */
void backoff_reset(struct backoff *backoff);

#endif
