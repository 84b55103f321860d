/* Timers: something is called once, from the event loop, after a time.
 *
 * A timer may be started, stopped and freed from within its own call. */
#ifndef CDCD_BASE_TIMER_H
#define CDCD_BASE_TIMER_H

#include <stdint.h>

struct event_base;
struct timer;

/* The caller owns the timer; ctx is borrowed until it is freed. */
struct timer *timer_make(struct event_base *base, void (*fire)(void *ctx), void *ctx);
/* Starts it, or starts it anew. */
void timer_start_ms(struct timer *timer, int64_t ms);
void timer_start_us(struct timer *timer, int64_t us);
void timer_stop(struct timer *timer);
/* NULL is allowed. */
void timer_free(struct timer *timer);

/* A clock that is never set; its zero means nothing. */
int64_t timer_now_ms(void);

#endif
