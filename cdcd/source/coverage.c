#include "source/coverage.h"

#include "base/log.h"
#include "base/mem.h"
#include "source/feed.h"
#include "source/remedy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Of the tables that match a pattern, so many are spoken of. */
#define SHOWN_MAX 3

struct coverage {
    const struct source_events *events;
    void *ctx;
    bool create;
    struct wanted_list *list;      /* holds */
    struct wanted_list *next;      /* NULL when none is wanted */
    struct wanted_list *candidate; /* NULL while none is looked at */
    struct complaints said;        /* what need not be said again */
    unsigned n_appeared;           /* in this look at the tables */
};

struct coverage *coverage_make(const struct source_events *events, void *ctx, bool create,
                               const struct source_table *tables, unsigned n_tables)
{
    struct coverage *coverage = mem_alloc(sizeof *coverage);
    *coverage = (struct coverage){
        .events = events,
        .ctx = ctx,
        .create = create,
        .list = wanted_make(tables, n_tables),
    };
    return coverage;
}

void coverage_free(struct coverage *coverage)
{
    if (!coverage)
        return;
    wanted_free(coverage->list);
    wanted_free(coverage->next);
    wanted_free(coverage->candidate);
    complaints_free(&coverage->said);
    free(coverage);
}

struct wanted_list *coverage_list(const struct coverage *coverage)
{
    return coverage->list;
}

void coverage_want(struct coverage *coverage, const struct source_table *tables, unsigned n_tables)
{
    wanted_free(coverage->next);
    coverage->next = wanted_make(tables, n_tables);
}

struct wanted_list *coverage_take_next(struct coverage *coverage)
{
    assert(!coverage->candidate);
    coverage->candidate = coverage->next;
    coverage->next = NULL;
    return coverage->candidate;
}

bool coverage_wants_next(const struct coverage *coverage)
{
    return coverage->next != NULL;
}

void coverage_adopt(struct coverage *coverage, const struct catalog *catalog, bool changed)
{
    wanted_inherit(coverage->candidate, coverage->list);
    wanted_free(coverage->list);
    coverage->list = coverage->candidate;
    coverage->candidate = NULL;
    coverage_note(coverage, catalog, changed, false);
}

void coverage_refuse(struct coverage *coverage)
{
    wanted_free(coverage->candidate);
    coverage->candidate = NULL;
}

void coverage_abandon(struct coverage *coverage)
{
    if (!coverage->next) {
        coverage->next = coverage->candidate;
        coverage->candidate = NULL;
    }
    coverage_refuse(coverage);
}

/* Prints what was not said before; errors again if they end something. */
static void print(struct coverage *coverage, const struct complaints *complaints,
                  bool repeat_errors)
{
    struct complaints fresh = {0};
    for (unsigned i = 0; i < complaints->n; i++) {
        const struct complaint *one = &complaints->list[i];
        unsigned n = coverage->said.n;
        complain(&coverage->said, one->severity, one->file, one->line, "%s", one->text);
        if (coverage->said.n > n || (repeat_errors && one->severity == SEVERITY_ERROR))
            complain(&fresh, one->severity, one->file, one->line, "%s", one->text);
    }
    complaints_print(&fresh, stderr);
    complaints_free(&fresh);
}

static bool has_rows(const struct catalog_table *table)
{
    return table->kind == TABLE_ORDINARY || table->kind == TABLE_PARTITIONED;
}

static void give_table(struct coverage *coverage, const struct catalog_table *table,
                       struct complaints *complaints)
{
    if (has_rows(table))
        coverage->events->table(coverage->ctx, &table->relation, complaints);
}

/* Moves complaints; the code of the first error goes with them. */
static void move(struct complaints *to, struct complaints *from)
{
    for (unsigned i = 0; i < from->n; i++) {
        const struct complaint *one = &from->list[i];
        if (one->severity == SEVERITY_ERROR)
            complain_code(to, from->code, one->file, one->line, "%s", one->text);
        else
            complain(to, SEVERITY_WARNING, one->file, one->line, "%s", one->text);
    }
    complaints_free(from);
}

static void review_one(struct coverage *coverage, const struct catalog *catalog, unsigned place,
                       const struct wanted *one, bool give, struct complaints *complaints)
{
    remedy_table(catalog, place, one, coverage->create, complaints);
    if (give)
        give_table(coverage, &catalog->tables[place], complaints);
}

/* What is wrong with thousands of tenants is said of the first few. */
static void review(struct coverage *coverage, const struct catalog *catalog,
                   const struct wanted_list *wanted, bool give, struct complaints *complaints)
{
    unsigned *n_bad = mem_alloc(wanted->n_patterns * sizeof *n_bad);
    unsigned n_errors = 0;
    for (unsigned i = 0; i < catalog->n_tables; i++) {
        const struct wanted *one = &wanted->tables[i];
        struct complaints own = {0};
        review_one(coverage, catalog, i, one, give, &own);
        if (one->pattern && own.n && n_bad[one->pattern - 1]++ >= SHOWN_MAX) {
            n_errors += own.n_errors;
            complaints_free(&own);
        }
        move(complaints, &own);
    }
    for (unsigned i = 0; i < wanted->n_patterns; i++) {
        const struct wanted_pattern *pattern = &wanted->patterns[i];
        remedy_pattern(catalog, wanted, i + 1, coverage->create, complaints);
        if (n_bad[i] > SHOWN_MAX)
            complain(complaints, n_errors ? SEVERITY_ERROR : SEVERITY_WARNING, pattern->file,
                     pattern->line,
                     "%u more tables that match %s.%s do not fit their rules; mend them as those "
                     "that are named",
                     n_bad[i] - SHOWN_MAX, pattern->schema, pattern->name);
    }
    free(n_bad);
}

void coverage_review(struct coverage *coverage, const struct catalog *catalog,
                     struct complaints *complaints)
{
    review(coverage, catalog, coverage->list, true, complaints);
}

int coverage_judge(struct coverage *coverage, const struct catalog *catalog, struct err *err)
{
    int result = 0;
    struct wanted_list *wanted = coverage->candidate ? coverage->candidate : coverage->list;
    struct complaints complaints = {0};
    if (!coverage->candidate && remedy_operations(catalog, coverage->create, err) != 0)
        return -1;
    review(coverage, catalog, wanted, true, &complaints);
    print(coverage, &complaints, true);
    if (complaints.n_errors == 1)
        result = err_set(err, complaints.code, "a table does not fit its rules, see above");
    else if (complaints.n_errors)
        result = err_set(err, complaints.code, "tables and rules do not fit, %u errors, see above",
                         complaints.n_errors);
    complaints_free(&complaints);
    return result;
}

void coverage_warn(struct coverage *coverage, const struct catalog *catalog)
{
    struct complaints complaints = {0};
    struct err err;
    if (remedy_operations(catalog, coverage->create, &err) != 0)
        complain(&complaints, SEVERITY_WARNING, NULL, 0, "%s", err.text);
    review(coverage, catalog, coverage->list, false, &complaints);
    print(coverage, &complaints, false);
    complaints_free(&complaints);
}

void coverage_note(struct coverage *coverage, const struct catalog *catalog, bool changed,
                   bool new_slot)
{
    for (unsigned i = 0; i < catalog->n_tables; i++) {
        const struct catalog_table *table = &catalog->tables[i];
        struct wanted *one = &coverage->list->tables[i];
        bool exists = table->kind != TABLE_MISSING;
        bool covered = remedy_is_covered(catalog, table);
        if (one->covered == 0 && (covered || (exists && changed && new_slot)))
            one->covered = one->late ? WANTED_LATE : table->relation.oid;
        else if (exists && changed && !covered)
            one->covered = WANTED_LATE;
        one->late = false;
        if (!one->stamp)
            wanted_stamp(coverage->list, i, table->stamp);
    }
    coverage->list->noted = true;
}

/* Why, with the remedy, is what is complained of last. */
static void log_lost(struct coverage *coverage, const struct catalog *catalog, unsigned place)
{
    const struct wanted *one = &coverage->list->tables[place];
    const char *what = catalog->tables[place].published ? "some changes" : "changes";
    struct complaints found = {0};
    remedy_table(catalog, place, one, coverage->create, &found);
    if (found.n)
        log_warn("%s of a table come no more table=%s.%s reason=\"%s\"", what, one->schema,
                 one->name, found.list[found.n - 1].text);
    else
        log_warn("%s of a table come no more table=%s.%s remedy=\"cdcd check --live says why\"",
                 what, one->schema, one->name);
    complaints_free(&found);
}

/* False when the table at that place is not covered now. */
static bool stays(struct coverage *coverage, const struct catalog *catalog, unsigned place)
{
    const struct catalog_table *table = &catalog->tables[place];
    struct wanted *one = &coverage->list->tables[place];
    if (remedy_is_covered(catalog, table))
        return true;
    if (one->covered != 0 && !one->gone) /* tenants leave */
        log_lost(coverage, catalog, place);
    one->covered = 0;
    one->unseen = 0;
    return false;
}

void coverage_lose(struct coverage *coverage, const struct catalog *catalog)
{
    for (unsigned i = 0; i < catalog->n_tables; i++)
        stays(coverage, catalog, i);
}

bool coverage_doubt_renamed(struct coverage *coverage, const struct catalog *catalog,
                            const struct feed *feed)
{
    bool any = false;
    if (catalog->mode == SOURCE_OUTBOX)
        return false; /* each row has the name as it was */
    for (unsigned i = 0; i < catalog->n_tables; i++) {
        const struct relation *table = &catalog->tables[i].relation;
        const struct relation *given = feed->ops->relation(feed, table->oid);
        if (!given || strcmp(given->schema, table->schema) == 0)
            continue;
        coverage->list->tables[i].covered = WANTED_LATE;
        any = true;
    }
    return any;
}

/* What its rules complain about is logged by who takes the event, and not printed again when the
 * list is looked at anew. */
static void give_late_table(struct coverage *coverage, const struct catalog_table *table)
{
    struct complaints found = {0};
    if (!has_rows(table))
        return;
    coverage->events->late_table(coverage->ctx, &table->relation, &found);
    for (unsigned i = 0; i < found.n; i++) {
        const struct complaint *complaint = &found.list[i];
        complain(&coverage->said, complaint->severity, complaint->file, complaint->line, "%s",
                 complaint->text);
    }
    complaints_free(&found);
}

/* Triggers are made with a lock that no writer holds: what they did not see has been committed. */
static uint64_t unseen_before(const struct catalog *catalog)
{
    bool any = catalog->mode == SOURCE_REPLICATION && catalog->xmin < catalog->xmax;
    return any ? catalog->xmax : 0;
}

/* The table is published or watched, and was not when it was last looked at. */
static void appear(struct coverage *coverage, const struct catalog *catalog, unsigned place)
{
    struct wanted *one = &coverage->list->tables[place];
    if (!one->pattern || coverage->n_appeared++ < SHOWN_MAX)
        log_info("changes of a table come from now on table=%s.%s", one->schema, one->name);
    one->unseen = unseen_before(catalog);
    wanted_stamp(coverage->list, place, catalog->tables[place].stamp);
    give_late_table(coverage, &catalog->tables[place]);
    coverage->events->appeared(coverage->ctx, &catalog->tables[place].relation);
}

/* True when somebody has touched the triggers: they may have been disabled for a time. */
static bool are_others(const struct wanted *one, const struct catalog_table *table)
{
    if (one->covered != table->relation.oid || !one->stamp || !table->stamp ||
        strcmp(one->stamp, table->stamp) == 0)
        return false;
    log_warn("triggers of a table were made anew or disabled for a time, and changes may have been "
             "missed table=%s.%s",
             one->schema, one->name);
    return true;
}

void coverage_compare(struct coverage *coverage, const struct catalog *catalog, unsigned place)
{
    const struct catalog_table *table = &catalog->tables[place];
    struct wanted *one = &coverage->list->tables[place];
    if (catalog->mode == SOURCE_OUTBOX && !catalog_outbox_is_usable(catalog))
        return; /* what is watched is not known */
    coverage->n_appeared = place == 0 ? 0 : coverage->n_appeared;
    if (!stays(coverage, catalog, place))
        return;
    if (one->covered != table->relation.oid || are_others(one, table)) {
        one->covered = table->relation.oid;
        appear(coverage, catalog, place);
    } else if (one->unseen && catalog->xmin >= one->unseen) {
        one->unseen = 0;
        coverage->events->appeared(coverage->ctx, &table->relation);
    }
    if (place + 1 == catalog->n_tables && coverage->n_appeared > SHOWN_MAX)
        log_info("changes of more tables come from now on n=%u", coverage->n_appeared - SHOWN_MAX);
}
