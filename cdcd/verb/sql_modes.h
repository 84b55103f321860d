/* What `cdcd sql` prints for each mode of the source, and takes back. */
#ifndef CDCD_VERB_SQL_MODES_H
#define CDCD_VERB_SQL_MODES_H

#include "source/source.h"
#include "verb/needs.h"
#include "verb/script.h"

/* role: the one that cdcd connects as; NULL: cdcd.cfg does not name it. */
void sql_outbox_up(struct script *script, const struct needs *needs, const char *role);
void sql_outbox_down(struct script *script, const struct needs *needs);
void sql_replication_up(struct script *script, const struct needs *needs,
                        const struct source_opts *source, const char *role);
void sql_replication_down(struct script *script, const struct needs *needs,
                          const struct source_opts *source);

#endif
