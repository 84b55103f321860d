#include "source/prepare.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/remedy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct prepare {
    struct pgconn *conn;
    const struct source_opts *opts;
    const struct prepare_events *events;
    void *ctx;
    struct wanted_list *wanted; /* NULL while nothing is prepared */
    struct catalog *catalog;    /* what was read in this preparation, or one abandoned */
    struct buf sql;             /* the statement that is being run */
};

static void on_server(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void on_tables(void *ctx, const PGresult *result, const struct pg_fault *fault);
static void on_publication(void *ctx, const PGresult *result, const struct pg_fault *fault);

struct prepare *prepare_make(struct pgconn *conn, const struct source_opts *opts,
                             const struct prepare_events *events, void *ctx)
{
    struct prepare *prepare = mem_alloc(sizeof *prepare);
    *prepare = (struct prepare){.conn = conn, .opts = opts, .events = events, .ctx = ctx};
    return prepare;
}

void prepare_start(struct prepare *prepare, struct wanted_list *wanted)
{
    assert(!prepare->wanted);
    catalog_free(prepare->catalog);
    prepare->catalog = catalog_make();
    prepare->wanted = wanted;
    wanted_prune(wanted);
    catalog_ask_server(prepare->catalog, prepare->conn, prepare->opts, on_server, prepare);
}

bool prepare_is_running(const struct prepare *prepare)
{
    return prepare->wanted != NULL;
}

void prepare_abandon(struct prepare *prepare)
{
    prepare->wanted = NULL;
}

void prepare_free(struct prepare *prepare)
{
    if (!prepare)
        return;
    catalog_free(prepare->catalog);
    buf_free(&prepare->sql);
    free(prepare);
}

static void finish(struct prepare *prepare, enum prepare_outcome outcome, bool changed,
                   const struct err *err)
{
    struct catalog *catalog = prepare->catalog;
    prepare->wanted = NULL;
    prepare->catalog = NULL; /* within done the next preparation may begin */
    prepare->events->done(prepare->ctx, outcome, catalog, changed, err);
    catalog_free(catalog);
}

static void finish_later(struct prepare *prepare, const char *what, const char *reason)
{
    struct err err;
    err_set(&err, EX_TEMPFAIL, "%s: %s", what, reason);
    finish(prepare, PREPARE_LATER, false, &err);
}

static void on_server(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct prepare *prepare = ctx;
    if (fault) {
        finish_later(prepare, "the catalog cannot be read", fault->reason);
        return;
    }
    catalog_read_server(prepare->catalog, result);
    if (prepare->catalog->server.version == 0) {
        finish_later(prepare, "the catalog cannot be read", "our role is gone");
        return;
    }
    if (prepare->catalog->server.in_recovery) {
        finish_later(prepare, "the server is a standby",
                     "waiting for a primary (of several hosts, target_session_attrs=read-write "
                     "picks it)");
        return;
    }
    catalog_ask_tables(prepare->catalog, prepare->conn, prepare->wanted, prepare->opts, on_tables,
                       prepare);
}

static void on_tables(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct prepare *prepare = ctx;
    struct err err = {0};
    if (fault) {
        finish_later(prepare, "the catalog cannot be read", fault->reason);
        return;
    }
    catalog_read_tables(prepare->catalog, prepare->wanted, result);
    int judged = prepare->events->judge(prepare->ctx, prepare->catalog, &err);
    if (!prepare->wanted)
        return; /* abandoned meanwhile */
    if (judged != 0) {
        finish(prepare, PREPARE_REFUSED, false, &err);
        return;
    }
    buf_reset(&prepare->sql, SIZE_MAX);
    if (!prepare->opts->create || !remedy_publication_sql(prepare->catalog, &prepare->sql)) {
        finish(prepare, PREPARE_DONE, false, &err);
        return;
    }
    pgconn_query(prepare->conn, buf_str(&prepare->sql), NULL, 0, on_publication, prepare);
}

/* Another cdcd was faster, a lock was not to be had, the server is going: all of that passes. */
static bool passes(const struct pg_fault *fault)
{
    static const char *const classes[] = {"08", "40", "53", "55", "57", "58"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(fault->sqlstate, classes[i], 2) == 0)
            return true;
    return fault_is(fault, "42710") || fault_is(fault, "42P01") || fault_is(fault, "");
}

static void on_publication(void *ctx, const PGresult *result, const struct pg_fault *fault)
{
    struct prepare *prepare = ctx;
    struct err err = {0};
    (void)result;
    if (!fault) {
        log_info("publication changed sql=\"%s\"", buf_str(&prepare->sql));
        finish(prepare, PREPARE_DONE, true, &err);
        return;
    }
    if (passes(fault)) {
        finish_later(prepare, "the publication cannot be made now", fault->reason);
        return;
    }
    if (fault_is(fault, "42501"))
        remedy_denied(prepare->catalog, fault->reason, buf_str(&prepare->sql), &err);
    else
        err_set(&err, EX_CONFIG, "cannot make the publication: %s; have its owner run: %s",
                fault->reason, buf_str(&prepare->sql));
    finish(prepare, PREPARE_REFUSED, false, &err);
}
