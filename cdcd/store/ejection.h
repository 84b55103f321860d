/* What becomes of a server's keys when it does not answer, where clients eject: they use other
 * servers for its keys meanwhile, and leave copies there when it is back. Each may be found again
 * at its next outage. And what the server kept through an outage may be old.
 *
 * Times are of the monotonic clock, in milliseconds. */
#ifndef CDCD_STORE_EJECTION_H
#define CDCD_STORE_EJECTION_H

#include <stdbool.h>
#include <stdint.h>

/* Down for so long: it is cleared before it is used again. */
#define EJECTION_CLEAR_AFTER_MS 1000
/* Copies that were left elsewhere are taken to be there for so long. */
#define EJECTION_STRAY_MS (24 * 3600 * INT64_C(1000))

enum ejection_state {
    EJECTION_NEVER, /* clients do not eject */
    EJECTION_NEW,   /* not seen up or down */
    EJECTION_UP,
    EJECTION_DOWN,
};

/* One server's. */
struct ejection {
    enum ejection_state state;
    int64_t down_since_ms;
    int64_t strays_until_ms; /* 0: nothing strayed */
};

/* The connection was lost, or could not be made; it may have been dead since then. */
void ejection_down(struct ejection *ejection, int64_t since_ms);
/* It answers. True when it must be cleared before it is up. A server that was not there at the
 * first attempt counts as down for long. */
bool ejection_must_clear(const struct ejection *ejection, int64_t now_ms);
void ejection_up(struct ejection *ejection, int64_t now_ms);
/* True while copies of its keys may be on other servers. */
bool ejection_strays(const struct ejection *ejection, int64_t now_ms);

#endif
