/* Loading configuration and rules for verbs that need no servers. */
#ifndef CDCD_VERB_LOAD_H
#define CDCD_VERB_LOAD_H

#include "config.h"
#include "verb/verb.h"

struct loaded {
    struct config *config; /* NULL when rules files were named and there is no cdcd.cfg */
    struct ruleset *ruleset;
    struct complaints complaints;
};

/* Loads the rules files, or, without any, those of cdcd.cfg. Stores are those of cdcd.cfg if -c was
 * given or the default one can be read; else any store is taken to exist. What is wrong is among
 * the complaints, and ruleset is NULL then. The caller frees. */
void load_all(struct loaded *loaded, const struct verb_args *args, const char *const *files,
              unsigned n_files);
void load_free(struct loaded *loaded);

#endif
