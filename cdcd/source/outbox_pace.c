#include "source/outbox_pace.h"

#define AWAKE_WAIT_MS 3  /* between two reads under load */
#define LOAD_READS 8     /* so many that found something, */
#define LOAD_MS 100      /* within this, are load */
#define QUIET_MS 100     /* nothing for so long is none any more */
#define QUIET_WAIT_MS 20 /* the first wait after that; then four times as long each time */
#define RENEW_MS 20000   /* of what triggers were told */

struct outbox_pace outbox_pace_make(int64_t poll_ms)
{
    return (struct outbox_pace){.poll_ms = poll_ms};
}

static void set_awake(struct outbox_pace *pace, bool awake)
{
    pace->awake = awake;
    pace->told = false;
    pace->n_quiet = 0;
}

void outbox_pace_read(struct outbox_pace *pace, bool fruitful, int64_t now_ms)
{
    if (fruitful != (pace->n_fruitful > 0)) {
        pace->n_fruitful = 0;
        pace->since_ms = now_ms;
    }
    pace->n_fruitful += fruitful;
    pace->n_quiet++;
    if (pace->awake && !fruitful && now_ms - pace->since_ms >= QUIET_MS)
        set_awake(pace, false);
    if (pace->awake || pace->n_fruitful < LOAD_READS)
        return;
    if (now_ms - pace->since_ms <= LOAD_MS)
        set_awake(pace, true);
    else
        pace->n_fruitful = 0; /* the next run is measured anew */
}

int64_t outbox_pace_wait_ms(const struct outbox_pace *pace)
{
    if (pace->awake)
        return AWAKE_WAIT_MS;
    if (pace->n_quiet == 0)
        return 0;
    int64_t wait_ms = QUIET_WAIT_MS;
    for (unsigned i = 1; i < pace->n_quiet && wait_ms < pace->poll_ms; i++)
        wait_ms *= 4;
    return wait_ms < pace->poll_ms ? wait_ms : pace->poll_ms;
}

bool outbox_pace_must_tell(const struct outbox_pace *pace, int64_t now_ms)
{
    return !pace->told || (!pace->awake && now_ms - pace->told_ms >= RENEW_MS);
}

void outbox_pace_told(struct outbox_pace *pace, int64_t now_ms)
{
    pace->told = true;
    pace->told_ms = now_ms;
}
