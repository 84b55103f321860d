/* What `explain` answers about keys. */
#ifndef CDCD_VERB_EXPLAIN_H
#define CDCD_VERB_EXPLAIN_H

#include "verb/verb.h"

/* Which triggers clear args->key; the exit code. */
int explain_key(const struct verb_args *args);
/* Which server of args->store has args->where, or, with "-", each line of stdin; the exit code. */
int explain_where(const struct verb_args *args);

#endif
