/* What a rules file means, without how it is written: each cache as a list of facts, with defaults
 * filled in and the file's own settings put where they act. Order, white space, comments and
 * defaults that are written out make no difference. */
#ifndef CDCD_VERB_MEANING_H
#define CDCD_VERB_MEANING_H

#include "base/confread.h"

struct fact {
    const char *name; /* "action", "trigger"; of triggers there may be many */
    const char *value;
    int line;
};

struct meaning_cache {
    const char *name;
    int line;
    struct fact *facts; /* by name, then value */
    unsigned n_facts;
};

struct meaning {
    const char *file;
    const char *app;
    int app_line;
    struct meaning_cache *caches; /* by name */
    unsigned n_caches;
};

/* Of a file that the rules' own loader has found right. What it keeps is the arena's. */
void meaning_read(struct meaning *meaning, struct arena *arena, const struct conf *root);

#endif
