/* Timers of the source: something is called once, from the event loop, after a time.
 *
 * A timer may be started, stopped and freed from within its own call. */
#ifndef CDCD_SOURCE_PGTIMER_H
#define CDCD_SOURCE_PGTIMER_H

#include <stdint.h>

struct event_base;
struct pgtimer;

/* The caller owns the timer; ctx is borrowed until it is freed. */
struct pgtimer *pgtimer_make(struct event_base *base, void (*fire)(void *ctx), void *ctx);
/* Starts it, or starts it anew. */
void pgtimer_start_ms(struct pgtimer *timer, int64_t ms);
void pgtimer_start_us(struct pgtimer *timer, int64_t us);
void pgtimer_stop(struct pgtimer *timer);
/* NULL is allowed. */
void pgtimer_free(struct pgtimer *timer);

/* A clock that is never set; its zero means nothing. */
int64_t pgtimer_now_ms(void);

#endif
