/* What is wrong with what the catalog says, and the SQL that mends it. Pure.
 *
 * Where the source is the outbox cdcd makes nothing, and `create` means nothing. */
#ifndef CDCD_SOURCE_REMEDY_H
#define CDCD_SOURCE_REMEDY_H

#include "base/buf.h"
#include "base/err.h"
#include "source/catalog.h"

#include <stdbool.h>

/* 0, or -1 with err filled in: server, slot or publication are not as they must be. With create,
 * what can be made may be missing, and a lost slot may be made anew. */
int remedy_server(const struct catalog *catalog, bool create, struct err *err);
/* Complains about all that remedy_server and remedy_operations find, not the first alone. */
void remedy_server_all(const struct catalog *catalog, bool create, const char *file,
                       struct complaints *complaints);
/* Fills err in for a slot that is older than its publication; reason is the server's. */
void remedy_old_slot(const char *slot, const char *reason, struct err *err);
/* Complains about the table at that place: a warning when it is missing, errors when its changes
 * will not come (warnings where only a pattern wants it). With create it may be missing in the
 * publication. */
void remedy_table(const struct catalog *catalog, unsigned place, const struct wanted *wanted,
                  bool create, struct complaints *complaints);
/* Complains about a pattern (1 + its place) that no table matches, and, unless create, about those
 * tables that match and are not published: warnings. */
void remedy_pattern(const struct catalog *catalog, const struct wanted_list *wanted,
                    unsigned pattern, bool create, struct complaints *complaints);
/* True when the stream gives the table's changes. */
bool remedy_is_covered(const struct catalog *catalog, const struct catalog_table *table);
/* 0, or -1 with err filled in: the publication leaves out operations, so that changes would be
 * missed (with create it may, as that can be mended); or the outbox cannot be read. */
int remedy_operations(const struct catalog *catalog, bool create, struct err *err);
/* Appends the statements that make the publication, or mend it; false when it is as it should
 * be. */
bool remedy_publication_sql(const struct catalog *catalog, struct buf *sql);
/* Fills err in for such statements that our role may not run; reason is the server's. */
void remedy_denied(const struct catalog *catalog, const char *reason, const char *sql,
                   struct err *err);

#endif
