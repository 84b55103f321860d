/* Which of the wanted tables the stream gives, and what is said about it: the events `table` and
 * `appeared`, and complaints on stderr. */
#ifndef CDCD_SOURCE_COVERAGE_H
#define CDCD_SOURCE_COVERAGE_H

#include "base/err.h"
#include "source/catalog.h"
#include "source/source.h"
#include "source/wanted.h"

#include <stdbool.h>

struct coverage;

/* The caller owns it; events and ctx are borrowed. create: the publication is extended. */
struct coverage *coverage_make(const struct source_events *events, void *ctx, bool create);
/* Before the tables are used for the first time: gives `table` for each that exists. 0, or -1 with
 * err filled in when something is wrong with any of them. All is printed, warnings once. */
int coverage_judge(struct coverage *coverage, const struct catalog *catalog,
                   const struct wanted_list *wanted, struct err *err);
/* Later on, what is wrong is printed once, and stops nothing. */
void coverage_warn(struct coverage *coverage, const struct catalog *catalog,
                   const struct wanted_list *wanted);
/* Notes which tables are covered from the start of the stream. A table that was added to the
 * publication just now (changed) is so only with a slot that is yet to be made: an older one will
 * give changes of before that the publication did not have it then. */
void coverage_note(const struct catalog *catalog, struct wanted_list *wanted, bool changed,
                   bool new_slot);
/* Gives `table` and `appeared` if the table at that place is covered and was not, or is another
 * table of the same name. */
void coverage_compare(struct coverage *coverage, const struct catalog *catalog, unsigned place,
                      struct wanted_list *wanted);
/* NULL is allowed. */
void coverage_free(struct coverage *coverage);

#endif
