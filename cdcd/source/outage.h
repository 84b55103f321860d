/* The time between two streams: when to try again, and how often to speak of it. */
#ifndef CDCD_SOURCE_OUTAGE_H
#define CDCD_SOURCE_OUTAGE_H

#include "base/log.h"
#include "source/backoff.h"

#include <stdbool.h>
#include <stdint.h>

struct outage {
    struct backoff backoff;
    struct log_limit said;
    struct log_limit refused;
    bool streaming;
    int64_t since_ms; /* when the stream began, while streaming */
};

struct outage outage_make(int64_t retry_min_ms, int64_t retry_max_ms, int64_t now_ms);
/* An attempt failed, or the stream ended: says so, unless that was said of this outage lately, and
 * returns how long to wait. A stream that lived for a while makes the next outage a new one. */
int64_t outage_wait_ms(struct outage *outage, int64_t now_ms, const char *reason);
/* The server refuses what it allowed before; waiting mends that only if the operator does. */
void outage_refused(struct outage *outage, int64_t now_ms, const char *reason);
void outage_over(struct outage *outage, int64_t now_ms);

#endif
