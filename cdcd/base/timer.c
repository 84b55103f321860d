#include "base/timer.h"

#include "base/mem.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

struct timer {
    struct event_base *base;
    struct event *event;
    void (*fire)(void *ctx);
    void *ctx;
};

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    const struct timer *timer = ctx;
    (void)fd;
    (void)what;
    timer->fire(timer->ctx);
}

struct timer *timer_make(struct event_base *base, void (*fire)(void *ctx), void *ctx)
{
    struct timer *timer = mem_alloc(sizeof *timer);
    *timer = (struct timer){.base = base, .fire = fire, .ctx = ctx};
    timer->event = evtimer_new(base, on_time, timer);
    if (!timer->event)
        abort();
    return timer;
}

void timer_start_us(struct timer *timer, int64_t us)
{
    struct timeval after = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    /* The loop counts from when its turn began: in a long turn a short time would be over. */
    event_base_update_cache_time(timer->base);
    if (evtimer_add(timer->event, &after) != 0)
        abort();
}

void timer_start_ms(struct timer *timer, int64_t ms)
{
    timer_start_us(timer, ms * 1000);
}

void timer_stop(struct timer *timer)
{
    evtimer_del(timer->event);
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
}

int64_t timer_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
