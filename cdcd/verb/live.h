/* What `check --live` looks at besides the files: the database, and the stores. */
#ifndef CDCD_VERB_LIVE_H
#define CDCD_VERB_LIVE_H

#include "verb/load.h"

/* Complains about what is wrong with them, or that there is no cdcd.cfg, which is looked for at
 * path. Rules that make no sense are not held against a database. Blocks for some seconds. */
void live_check(struct loaded *loaded, const char *path);

#endif
