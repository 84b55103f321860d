#include "daemon.h"

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "flow/pipeline.h"
#include "model/stats.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* How long SIGTERM waits for what has been read; what is not finished by then is read again. */
#define DRAIN_SECONDS 10
/* How long a lookup may take. Longer than a query that finds keys has any reason to, and short
 * enough that what waits for it, its unit and all after it, is not held up for long. */
#define LOOKUP_TIMEOUT_MS 5000

struct daemon {
    struct config *config;
    struct event_base *base;
    struct event *signals[3];
    struct event *turn_timer; /* the pipeline wants to be called, though nothing happens */
    struct event *drain_timer;
    struct store **stores;
    struct source *source;
    struct lookups *lookups;
    struct pipeline *pipeline;
    bool stopping;
    bool closing; /* the source has been asked to leave */
    bool over;
    int code;
};

static int64_t now_ms(void *ctx)
{
    struct timespec now;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

static void check_files(const struct config *config, struct complaints *complaints)
{
    for (unsigned i = 0; i < config->n_stores; i++)
        store_check_files(&config->stores[i], complaints);
}

static struct ruleset *load_rules(const struct config *config, struct complaints *complaints)
{
    return ruleset_load(config->rules, config->n_rules, config->rule_stores, config->n_stores,
                        false, complaints);
}

static void on_failed(void *ctx, const struct err *err)
{
    struct daemon *d = ctx;
    log_error("%s", err->text);
    d->code = err->code;
    d->over = true;
}

static void on_closed(void *ctx)
{
    struct daemon *d = ctx;
    d->source = NULL;
    d->over = true;
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;
    (void)fd;
    (void)what;
    log_warn("not everything was finished in time, it will be read again seconds=%d",
             DRAIN_SECONDS);
    d->over = true;
}

static void on_stop(evutil_socket_t signal, short what, void *ctx)
{
    struct daemon *d = ctx;
    (void)what;
    if (d->stopping) {
        log_warn("stopping at once signal=%d", (int)signal);
        d->over = true;
        return;
    }
    d->stopping = true;
    log_info("stopping, finishing what has been read signal=%d", (int)signal);
    pipeline_drain(d->pipeline);
    struct timeval limit = {.tv_sec = DRAIN_SECONDS};
    evtimer_add(d->drain_timer, &limit);
}

static void on_reload(evutil_socket_t signal, short what, void *ctx)
{
    struct daemon *d = ctx;
    struct complaints complaints = {0};
    (void)signal;
    (void)what;
    if (d->stopping)
        return;
    struct ruleset *ruleset = load_rules(d->config, &complaints);
    complaints_print(&complaints, stderr);
    complaints_free(&complaints);
    if (ruleset)
        pipeline_reload(d->pipeline, ruleset);
    else
        log_error("rules not loaded, the old ones stay");
}

/* The timer only ends the loop's sleep. */
static void on_turn_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
}

static void open_loop(struct daemon *d)
{
    static const struct {
        int signal;
        event_callback_fn handler;
    } handlers[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};
    struct event_config *options = event_config_new();
    event_config_set_flag(options, EVENT_BASE_FLAG_PRECISE_TIMER);
    d->base = event_base_new_with_config(options);
    event_config_free(options);
    if (!d->base)
        abort();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        d->signals[i] = evsignal_new(d->base, handlers[i].signal, handlers[i].handler, d);
        evsignal_add(d->signals[i], NULL);
    }
    d->turn_timer = evtimer_new(d->base, on_turn_timer, d);
    d->drain_timer = evtimer_new(d->base, on_drain_timeout, d);
}

static void open_pipeline(struct daemon *d, struct ruleset *ruleset)
{
    const struct config *config = d->config;
    struct pipeline_opts opts = {
        .gate = config->source.gate,
        .weak_is_error = config->weak_is_error,
        .batch_ops = config->batch_ops,
        .buffer_bytes = config->buffer_bytes,
        .retry_min_ms = config->retry_min_ms,
        .retry_max_ms = config->retry_max_ms,
        .detach_after_ms = config->detach_after_ms,
        .now_ms = now_ms,
        .failed = on_failed,
        .source_closed = on_closed,
        .ctx = d,
    };
    d->pipeline = pipeline_make(&opts, ruleset);
    d->stores = mem_alloc(config->n_stores * sizeof(struct store *));
    for (unsigned i = 0; i < config->n_stores; i++) {
        const struct store_ops *driver = store_driver(config->stores[i].type);
        d->stores[i] =
            driver->open(&config->stores[i], d->base, pipeline_store_events(), d->pipeline);
        pipeline_add_store(d->pipeline, d->stores[i]);
    }
}

static void open_source(struct daemon *d, const struct ruleset *ruleset)
{
    unsigned n;
    struct source_table *tables = pipeline_tables(ruleset, &n);
    d->source = source_driver()->open(&d->config->source, tables, n, d->base,
                                      pipeline_source_events(), d->pipeline);
    pipeline_set_source(d->pipeline, d->source);
    free(tables);
}

static void open_lookups(struct daemon *d)
{
    struct lookups_opts opts = {
        .conninfo = d->config->source.conninfo,
        .timeout_ms = LOOKUP_TIMEOUT_MS,
        .retry_min_ms = d->config->source.retry_min_ms,
        .retry_max_ms = d->config->source.retry_max_ms,
    };
    d->lookups = source_lookups()->open(&opts, d->base, pipeline_answered, d->pipeline);
    pipeline_set_lookups(d->pipeline, d->lookups);
}

static void run(struct daemon *d)
{
    while (!d->over) {
        int64_t sleep_ms = d->closing ? -1 : pipeline_turn(d->pipeline);
        if (d->stopping && !d->closing && pipeline_drained(d->pipeline)) {
            d->closing = true;
            pipeline_close_source(d->pipeline);
        }
        struct timeval sleep = {.tv_sec = sleep_ms / 1000, .tv_usec = sleep_ms % 1000 * 1000};
        evtimer_del(d->turn_timer);
        if (sleep_ms >= 0)
            evtimer_add(d->turn_timer, &sleep);
        if (!d->over)
            event_base_loop(d->base, EVLOOP_ONCE);
    }
}

static void close_all(struct daemon *d)
{
    if (d->source)
        d->source->ops->close(d->source, NULL);
    d->lookups->ops->close(d->lookups);
    for (unsigned i = 0; i < d->config->n_stores; i++)
        d->stores[i]->ops->close(d->stores[i]);
    free(d->stores);
    pipeline_free(d->pipeline);
    /* From here on a signal has no handler, and must not end us by itself. */
    sigset_t signals;
    sigfillset(&signals);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    for (int i = 0; i < 3; i++)
        event_free(d->signals[i]);
    event_free(d->turn_timer);
    event_free(d->drain_timer);
    event_base_free(d->base);
}

static void log_totals(void)
{
    char line[1024];
    size_t n = 0;
#define STATS_PRINT(name, help)                                         \
    n += (size_t)snprintf(line + n, sizeof line - n, " " #name "=%llu", \
                          (unsigned long long)stats()->name);
    STATS_TABLE(STATS_PRINT)
#undef STATS_PRINT
    log_info("stopped%s", line);
}

int daemon_run(const char *config_path)
{
    struct daemon d = {0};
    struct complaints complaints = {0};
    struct ruleset *ruleset = NULL;
    d.config = config_read(config_path, &complaints);
    if (d.config)
        check_files(d.config, &complaints);
    if (d.config && d.config->n_rules)
        ruleset = load_rules(d.config, &complaints);
    complaints_print(&complaints, stderr);
    d.code = complaints.code;
    complaints_free(&complaints);
    if (d.code) {
        ruleset_free(ruleset);
        config_free(d.config);
        return d.code;
    }
    log_level_set(d.config->log_level);
    log_info("starting version=%s caches=%u stores=%u", CDCD_VERSION, ruleset_n_caches(ruleset),
             d.config->n_stores);
    open_loop(&d);
    open_pipeline(&d, ruleset);
    open_lookups(&d);
    open_source(&d, ruleset);
    run(&d);
    close_all(&d);
    log_totals();
    config_free(d.config);
    return d.code;
}
