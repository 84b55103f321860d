#include "verb/live.h"

#include "base/log.h"
#include "base/mem.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define DATABASE_MS 15000
#define STORES_MS 5000

enum server_state { SERVER_UNKNOWN, SERVER_UP, SERVER_DOWN, SERVER_DENIED };

/* A server of a store. */
struct probe {
    enum server_state state;
    char reason[1024];
};

struct probed_store {
    const struct store_opts *opts;
    struct store *store;
    struct probe *probes;
    unsigned n;
    struct store_opts quiet; /* what it is opened with */
};

struct probing {
    struct event_base *base;
    struct probed_store *stores;
    unsigned n_stores;
    unsigned n_unknown;
};

struct asking {
    const struct ruleset *ruleset;
    bool weak_is_error;
    const struct lookup **lookups;
    unsigned n_lookups;
};

/* ---- the stores ---- */

/* What is said first of a server counts, but a denial tells more than that it is down. */
static void settle(struct probing *probing, const struct store *store, unsigned server,
                   enum server_state state, const char *reason)
{
    unsigned i = 0;
    while (probing->stores[i].store != store)
        i++;
    struct probe *probe = &probing->stores[i].probes[server];
    if (probe->state >= state)
        return;
    probing->n_unknown -= probe->state == SERVER_UNKNOWN;
    probe->state = state;
    snprintf(probe->reason, sizeof probe->reason, "%s", reason);
    if (probing->n_unknown == 0)
        event_base_loopbreak(probing->base);
}

static void on_up(void *ctx, struct store *store, unsigned server)
{
    settle(ctx, store, server, SERVER_UP, "");
}

static void on_down(void *ctx, struct store *store, unsigned server, const char *reason)
{
    settle(ctx, store, server, SERVER_DOWN, reason);
}

static void on_denied(void *ctx, struct store *store, unsigned server, const struct err *err)
{
    settle(ctx, store, server, SERVER_DENIED, err->text);
}

static void on_ready(void *ctx, struct store *store, unsigned server)
{
    (void)ctx;
    (void)store;
    (void)server;
}

static void on_renewed(void *ctx, struct store *store, unsigned server, int64_t since_ms)
{
    (void)ctx;
    (void)store;
    (void)server;
    (void)since_ms;
}

static void open_store(struct probing *probing, struct probed_store *probed)
{
    static const struct store_events events = {.up = on_up,
                                               .down = on_down,
                                               .renewed = on_renewed,
                                               .ready = on_ready,
                                               .mended = on_ready,
                                               .denied = on_denied};
    probed->quiet = *probed->opts;
    /* Where clients eject, a server that comes back would be cleared. */
    probed->quiet.selector = NULL;
    probed->store =
        store_driver(probed->opts->type)->open(&probed->quiet, probing->base, &events, probing);
    probed->n = probed->store->ops->n_servers(probed->store);
    probed->probes = mem_alloc(probed->n * sizeof *probed->probes);
    probing->n_unknown += probed->n;
}

/* What a driver adds to a reason, `reason: what to do`, is better than what can be said here. */
static bool has_remedy(const char *reason)
{
    return strstr(reason, ": ");
}

static void report(const struct probed_store *probed, unsigned server,
                   struct complaints *complaints)
{
    const struct probe *probe = &probed->probes[server];
    const struct store_opts *opts = probed->opts;
    const char *name = probed->store->ops->server_name(probed->store, server);
    switch (probe->state) {
    case SERVER_UP:
        break;
    case SERVER_DENIED:
        complain_code(complaints, EX_NOPERM, opts->file, opts->line, "%s", probe->reason);
        break;
    case SERVER_DOWN:
        complain_code(complaints, EX_UNAVAILABLE, opts->file, opts->line,
                      "store %s (%s) cannot be reached: %s%s", opts->name, name, probe->reason,
                      has_remedy(probe->reason) ? "" : "; start it, or mend its address");
        break;
    case SERVER_UNKNOWN:
        complain_code(complaints, EX_UNAVAILABLE, opts->file, opts->line,
                      "store %s (%s) does not answer within %d s; start it, or mend its address",
                      opts->name, name, STORES_MS / 1000);
        break;
    }
}

static void check_stores(const struct config *config, struct complaints *complaints)
{
    struct timeval limit = {.tv_sec = STORES_MS / 1000};
    struct probing probing = {.base = event_base_new(), .n_stores = config->n_stores};
    if (!probing.base)
        abort();
    probing.stores = mem_alloc(config->n_stores * sizeof *probing.stores);
    for (unsigned i = 0; i < config->n_stores; i++) {
        probing.stores[i].opts = &config->stores[i];
        open_store(&probing, &probing.stores[i]);
    }
    event_base_loopexit(probing.base, &limit);
    if (probing.n_unknown)
        event_base_dispatch(probing.base);
    for (unsigned i = 0; i < config->n_stores; i++) {
        struct probed_store *probed = &probing.stores[i];
        for (unsigned server = 0; server < probed->n; server++)
            report(probed, server, complaints);
        probed->store->ops->close(probed->store);
        free(probed->probes);
    }
    free(probing.stores);
    event_base_free(probing.base);
}

/* ---- the database ---- */

static void on_table(void *ctx, const struct relation *relation, struct complaints *complaints)
{
    const struct asking *asking = ctx;
    ruleset_judge(asking->ruleset, relation, asking->weak_is_error, complaints);
    ruleset_advise(asking->ruleset, relation, complaints);
}

static void on_lookup(void *ctx, const struct lookup *lookup)
{
    struct asking *asking = ctx;
    asking->lookups =
        mem_resize(asking->lookups, (asking->n_lookups + 1) * sizeof *asking->lookups);
    asking->lookups[asking->n_lookups++] = lookup;
}

static void check_database(const struct loaded *loaded, const char *path,
                           struct complaints *complaints)
{
    const struct config *config = loaded->config;
    unsigned n;
    const struct rule_table *tables = ruleset_tables(loaded->ruleset, &n);
    struct source_table *wanted = mem_alloc(n * sizeof *wanted);
    struct asking asking = {.ruleset = loaded->ruleset, .weak_is_error = config->weak_is_error};
    for (unsigned i = 0; i < n; i++)
        wanted[i] =
            (struct source_table){tables[i].schema, tables[i].name, tables[i].file, tables[i].line};
    ruleset_lookups(loaded->ruleset, on_lookup, &asking);
    struct source_inspection what = {
        .tables = wanted,
        .n_tables = n,
        .lookups = asking.lookups,
        .n_lookups = asking.n_lookups,
        .table = on_table,
        .ctx = &asking,
        .file = path,
        .timeout_ms = DATABASE_MS,
    };
    source_inspect(&config->source, &what, complaints);
    free(asking.lookups);
    free(wanted);
}

void live_check(struct loaded *loaded, const char *path)
{
    struct complaints *complaints = &loaded->complaints;
    if (!loaded->config && complaints->n_errors == 0)
        complain_code(complaints, EX_NOINPUT, path, 0,
                      "cannot be read, and --live needs what it says of source and stores; name "
                      "it with -c");
    if (complaints->n_errors || !loaded->ruleset)
        return;
    /* What drivers say on the way is said by the complaints. */
    log_level_set(LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN);
    check_database(loaded, path, complaints);
    check_stores(loaded->config, complaints);
}
