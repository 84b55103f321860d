/* An inspection of the database: the catalog's queries one after the other on a connection like the
 * stream's, then each lookup explained on one like the lookups' own, in a pipeline. */
#include "source/source.h"

#include "base/mem.h"
#include "base/timer.h"
#include "source/catalog.h"
#include "source/conninfo.h"
#include "source/coverage.h"
#include "source/facts.h"
#include "source/lookup_answer.h"
#include "source/lookup_statement.h"
#include "source/pgconn.h"
#include "source/remedy.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct inspection {
    const struct source_opts *opts;
    const struct source_inspection *what;
    struct complaints *complaints;
    struct event_base *base;
    struct pgconn *side;
    struct pgconn *lookups;
    PGconn *pipeline;
    struct coverage *coverage;
    struct catalog *catalog;
    struct facts facts;
    unsigned n_synced; /* transactions of lookups that PostgreSQL has ended, two of each */
};

static void on_side_ready(void *ctx);
static void on_lost(void *ctx, const struct pg_fault *fault);
static void on_server(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void on_facts(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void on_tables(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void explain_lookups(struct inspection *i);
static void on_lookups_ready(void *ctx);
static bool on_lookups_results(void *ctx);

static void finish(struct inspection *i)
{
    event_base_loopbreak(i->base);
}

static void complain_unreachable(struct inspection *i, const char *reason)
{
    complain_code(i->complaints, EX_UNAVAILABLE, i->what->file, 0,
                  "PostgreSQL cannot be reached: %s; start it, or mend source.conninfo", reason);
    finish(i);
}

static void complain_broken(struct inspection *i)
{
    struct pg_fault fault;
    fault_from_text(&fault, PQerrorMessage(i->pipeline));
    complain_unreachable(i, fault.reason);
}

static void on_deadline(void *ctx)
{
    struct inspection *i = ctx;
    char reason[80];
    lookup_none_within(reason, sizeof reason, "answer from", i->what->timeout_ms);
    complain_unreachable(i, reason);
}

static void on_lost(void *ctx, const struct pg_fault *fault)
{
    struct inspection *i = ctx;
    struct err err = {0};
    if (!fault_is_final(fault, &err)) {
        complain_unreachable(i, fault->reason);
        return;
    }
    complain_code(i->complaints, err.code, i->what->file, 0, "%s", err.text);
    finish(i);
}

/* Of the events that coverage gives, a review needs `table` alone. */
static void inspect(struct inspection *i)
{
    static const struct pgconn_events side_events = {.ready = on_side_ready, .lost = on_lost};
    static const struct pgconn_events lookup_events = {
        .ready = on_lookups_ready, .lost = on_lost, .results = on_lookups_results};
    struct source_events events = {.table = i->what->table};
    struct arena *arena = arena_make();
    struct conninfo conninfo = conninfo_make(arena, i->opts->conninfo, CONNINFO_SQL, 0);
    struct timer *deadline = timer_make(i->base, on_deadline, i);
    i->coverage =
        coverage_make(&events, i->what->ctx, i->opts->create, i->what->tables, i->what->n_tables);
    i->catalog = catalog_make();
    i->side = pgconn_make(i->base, &side_events, i);
    i->lookups = pgconn_make(i->base, &lookup_events, i);
    timer_start_ms(deadline, i->what->timeout_ms);
    pgconn_open(i->side, &conninfo);
    event_base_dispatch(i->base);
    pgconn_free(i->side);
    pgconn_free(i->lookups);
    timer_free(deadline);
    catalog_free(i->catalog);
    coverage_free(i->coverage);
    arena_free(arena);
}

void source_inspect(const struct source_opts *opts, const struct source_inspection *what,
                    struct complaints *complaints)
{
    struct inspection inspection = {.opts = opts, .what = what, .complaints = complaints};
    struct err err = {0};
    if (conninfo_check(opts->conninfo, &err) != 0) {
        complain_code(complaints, err.code, what->file, 0, "%s", err.text);
        return;
    }
    inspection.base = event_base_new();
    if (!inspection.base)
        abort();
    inspect(&inspection);
    event_base_free(inspection.base);
}

static void on_side_ready(void *ctx)
{
    struct inspection *i = ctx;
    catalog_ask_server(i->catalog, i->side, i->opts, on_server, i);
}

/* False when the answer is none. */
static bool is_answer(struct inspection *i, const struct pg_fault *fault)
{
    if (!fault)
        return true;
    complain(i->complaints, SEVERITY_ERROR, i->what->file, 0,
             "PostgreSQL's catalog cannot be read: %s; look at what PostgreSQL's log says of it",
             fault->reason);
    finish(i);
    return false;
}

static void ask_tables(struct inspection *i)
{
    catalog_ask_tables(i->catalog, i->side, coverage_list(i->coverage), i->opts, on_tables, i);
}

static void on_server(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct inspection *i = ctx;
    if (!is_answer(i, fault))
        return;
    catalog_read_server(i->catalog, result);
    if (i->catalog->server.version == 0) {
        complain_unreachable(i, "our role is gone");
        return;
    }
    if (i->catalog->server.in_recovery)
        complain(i->complaints, SEVERITY_ERROR, i->what->file, 0,
                 "the server is a standby, and cdcd reads a primary; name that in "
                 "source.conninfo (of several hosts, target_session_attrs=read-write picks it)");
    remedy_server_all(i->catalog, i->opts->create, i->what->file, i->complaints);
    if (i->opts->mode == SOURCE_OUTBOX)
        ask_tables(i);
    else
        facts_ask(i->side, i->opts->slot, i->opts->publication, on_facts, i);
}

static void on_facts(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct inspection *i = ctx;
    if (!is_answer(i, fault))
        return;
    i->facts = facts_read(result);
    facts_judge(&i->facts, i->catalog, i->opts->create, i->what->file, i->complaints);
    ask_tables(i);
}

static void on_tables(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct inspection *i = ctx;
    struct wanted_list *wanted = coverage_list(i->coverage);
    if (!is_answer(i, fault))
        return;
    catalog_read_tables(i->catalog, wanted, result);
    coverage_review(i->coverage, i->catalog, i->complaints);
    if (i->opts->create && i->opts->mode == SOURCE_REPLICATION)
        facts_judge_rights(&i->facts, i->catalog, wanted, i->what->file, i->complaints);
    explain_lookups(i);
}

/* ---- lookups ---- */

static void explain_lookups(struct inspection *i)
{
    if (i->what->n_lookups == 0) {
        finish(i);
        return;
    }
    struct arena *arena = arena_make();
    struct conninfo conninfo = conninfo_make_lookups(arena, i->opts->conninfo, i->what->timeout_ms);
    pgconn_open(i->lookups, &conninfo);
    arena_free(arena);
}

/* A plan runs nothing, and PostgreSQL looks at privileges for it. It must be the generic one: of a
 * plan for NULLs PostgreSQL folds away what they make false, with the tables that are read there.
 * The setting is absent before PostgreSQL 12, where a statement's first plans are custom ones. */
#define GENERIC_PLANS                                                                             \
    "SELECT pg_catalog.set_config(name, 'force_generic_plan', true) FROM pg_catalog.pg_settings " \
    "WHERE name = 'plan_cache_mode'"

static bool ask(PGconn *pipeline, const char *sql)
{
    return PQsendQueryParams(pipeline, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_plan(PGconn *pipeline, const char *name, unsigned n_params)
{
    struct buf sql = {0};
    buf_printf(&sql, "EXPLAIN EXECUTE %s", name);
    for (unsigned i = 0; i < n_params; i++)
        buf_put_str(&sql, i == 0 ? "(NULL" : ", NULL");
    if (n_params)
        buf_put_str(&sql, ")");
    bool sent = ask(pipeline, buf_str(&sql));
    buf_free(&sql);
    return sent;
}

/* Two transactions: the question, and what is left of it when it failed. */
static bool send_explain(PGconn *pipeline, const struct lookup *lookup, const char *name)
{
    struct buf sql = {0};
    buf_printf(&sql, "PREPARE %s AS ", name);
    lookup_wrap(lookup, &sql);
    bool sent = ask(pipeline, GENERIC_PLANS) && ask(pipeline, buf_str(&sql)) &&
                send_plan(pipeline, name, lookup->n_params) && PQpipelineSync(pipeline) == 1;
    buf_free(&sql);
    buf_printf(&sql, "DEALLOCATE %s", name);
    sent = sent && ask(pipeline, buf_str(&sql)) && PQpipelineSync(pipeline) == 1;
    buf_free(&sql);
    return sent;
}

static void on_lookups_ready(void *ctx)
{
    struct inspection *i = ctx;
    const struct statements statements = statements_make();
    bool sent = true;
    i->pipeline = pgconn_pipeline(i->lookups);
    for (unsigned n = 0; n < i->what->n_lookups && sent; n++)
        sent =
            send_explain(i->pipeline, i->what->lookups[n], statement_name(&statements, n + 1).text);
    if (sent)
        pgconn_flush(i->lookups);
    else
        complain_broken(i);
}

static void complain_lookup(struct inspection *i, const PGresult *result)
{
    const struct lookup *lookup = i->what->lookups[i->n_synced / 2];
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *denied = sqlstate && strcmp(sqlstate, "42501") == 0
                             ? "; GRANT SELECT on it to the role of source.conninfo"
                             : "; mend the query";
    complain(i->complaints, SEVERITY_ERROR, lookup->file, lookup->line,
             "PostgreSQL refuses the lookup of %s: %s%s", lookup->cache,
             text ? text : "it does not say why", denied);
}

static bool on_lookups_results(void *ctx)
{
    struct inspection *i = ctx;
    bool any = false;
    while (i->n_synced < 2 * i->what->n_lookups && !PQisBusy(i->pipeline)) {
        PGresult *result = PQgetResult(i->pipeline);
        any = true;
        if (PQstatus(i->pipeline) == CONNECTION_BAD) {
            PQclear(result);
            complain_broken(i);
            return any;
        }
        if (result && PQresultStatus(result) == PGRES_FATAL_ERROR && i->n_synced % 2 == 0)
            complain_lookup(i, result);
        if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            i->n_synced++;
        PQclear(result);
    }
    if (i->n_synced == 2 * i->what->n_lookups)
        finish(i);
    return any;
}

const char *source_role(struct arena *arena, const struct source_opts *opts)
{
    return conninfo_user(arena, opts->conninfo);
}
