/* When the outbox is read, and whether triggers shall NOTIFY. The time is an argument.
 *
 * NOTIFY takes a lock that all commits of a cluster wait for, so under load it is not wanted: reads
 * that find something one after the other mean load, and then the outbox is polled at short
 * intervals. When nothing has come for a while, triggers are told to NOTIFY again. A transaction
 * that looked before that, and commits after the read that follows, is found by one of the next
 * polls. */
#ifndef CDCD_SOURCE_OUTBOX_PACE_H
#define CDCD_SOURCE_OUTBOX_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Triggers are told for so long that cdcd sleeps; if it dies, they stop to NOTIFY after that. */
#define OUTBOX_ASLEEP_S 60

struct outbox_pace {
    int64_t poll_ms;
    bool awake;          /* triggers shall not NOTIFY */
    bool told;           /* triggers know */
    int64_t told_ms;     /* when they were told */
    int64_t since_ms;    /* of the present run of fruitful reads, or of empty ones */
    unsigned n_fruitful; /* reads of that run */
    unsigned n_quiet;    /* reads since triggers were told that cdcd sleeps */
};

struct outbox_pace outbox_pace_make(int64_t poll_ms);
/* A read ended. */
void outbox_pace_read(struct outbox_pace *pace, bool fruitful, int64_t now_ms);
/* The next read is due after this, if nobody notifies. */
int64_t outbox_pace_wait_ms(const struct outbox_pace *pace);
/* True when triggers must be told what `awake` is. */
bool outbox_pace_must_tell(const struct outbox_pace *pace, int64_t now_ms);
void outbox_pace_told(struct outbox_pace *pace, int64_t now_ms);

#endif
