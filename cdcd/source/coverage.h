/* The tables that are wanted, which of them the stream gives, and what is said about it: the events
 * `table` and `appeared`, and complaints on stderr.
 *
 * There is the list that holds, the one that is wanted next, and while the catalog is asked about
 * the latter, the candidate: it is adopted or refused, and wanted again when the connection went.
 */
#ifndef CDCD_SOURCE_COVERAGE_H
#define CDCD_SOURCE_COVERAGE_H

#include "base/err.h"
#include "source/catalog.h"
#include "source/source.h"
#include "source/wanted.h"

#include <stdbool.h>

struct coverage;
struct feed;

/* The caller owns it; events and ctx are borrowed, tables copied. create: missing tables will be
 * added to the publication. */
struct coverage *coverage_make(const struct source_events *events, void *ctx, bool create,
                               const struct source_table *tables, unsigned n_tables);
/* NULL is allowed. */
void coverage_free(struct coverage *coverage);

/* The list that holds; borrowed until another is adopted. */
struct wanted_list *coverage_list(const struct coverage *coverage);
/* Other tables are wanted next, instead of those that are wanted next now; tables are copied. */
void coverage_want(struct coverage *coverage, const struct source_table *tables, unsigned n_tables);
/* What is wanted next becomes the candidate; borrowed until that is decided. NULL: nothing is. */
struct wanted_list *coverage_take_next(struct coverage *coverage);
/* True when other tables are wanted next. */
bool coverage_wants_next(const struct coverage *coverage);
/* The candidate holds from now on; changed as in coverage_note. */
void coverage_adopt(struct coverage *coverage, const struct catalog *catalog, bool changed);
void coverage_refuse(struct coverage *coverage);
/* The catalog will not answer: a candidate is wanted next again, unless another already is. */
void coverage_abandon(struct coverage *coverage);

/* Gives `table` for each that exists, and complains about all that is wrong with the tables that
 * hold. */
void coverage_review(struct coverage *coverage, const struct catalog *catalog,
                     struct complaints *complaints);
/* Before the tables (the candidate's, if there is one) are used for the first time: gives `table`
 * for each that exists. 0, or -1 with err filled in when something is wrong with any, or with the
 * publication itself, which no candidate is blamed for. All is printed, warnings once a process. */
int coverage_judge(struct coverage *coverage, const struct catalog *catalog, struct err *err);
/* Later on: what is wrong is printed once, and stops nothing. */
void coverage_warn(struct coverage *coverage, const struct catalog *catalog);
/* Notes which tables are covered from the start of the stream. A table that was added to the
 * publication just now (changed) is so only with a slot that is yet to be made: what an older one
 * has from before is not given. */
void coverage_note(struct coverage *coverage, const struct catalog *catalog, bool changed,
                   bool new_slot);
/* Notes which tables are not covered now, so that they appear when they are again. */
void coverage_lose(struct coverage *coverage, const struct catalog *catalog);
/* True when the stream gives tables with the old name of their schema, as PostgreSQL 15 does until
 * another stream begins; they appear again when compared next. */
bool coverage_doubt_renamed(struct coverage *coverage, const struct catalog *catalog,
                            const struct feed *feed);
/* Gives `table` and `appeared` if the table at that place is covered and was not, is another one of
 * the same name, or has other triggers. What a transaction did to it before it was in the
 * publication is not given, though it may be committed only later: so `appeared` comes again when
 * all have ended that ran when it was found. */
void coverage_compare(struct coverage *coverage, const struct catalog *catalog, unsigned place);

#endif
