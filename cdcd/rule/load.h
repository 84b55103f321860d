/* Loading rules files: what load.c (files) and the other load_*.c share. Private to
 * rule/. Each of them goes on after a complaint, so that all of them are made at once. */
#ifndef CDCD_RULE_LOAD_H
#define CDCD_RULE_LOAD_H

#include "base/opt.h"
#include "rule/ruleset.h"

struct loader {
    struct ruleset *set;
    struct arena *arena; /* the set's */
    struct complaints *complaints;
    struct opt_reader reader;
    bool any_store;
    /* Of the file at hand. */
    const char *file;
    const char *app;
    const char *prefix;
    const char *schema;
    struct opt_strings store; /* none when the file has no default */
    const struct conf *store_place;
};

void load_cache(struct loader *loader, const struct conf *node);
/* Finds the cache's stores, and complains of those that cannot do what it does. */
void load_stores(struct loader *loader, struct cache *cache, const struct conf *node,
                 const struct opt_strings *names);
/* Warns when the cache's `all`, written in that group, leaves some of its keys. */
void load_cover(struct loader *loader, const struct cache *cache, const struct conf *all);
/* Reads `triggers` into the cache, whose keys and `all` are known; keys_known is false when a key
 * was wrong, and its parameters cannot be told. */
void load_triggers(struct loader *loader, struct cache *cache, const struct conf *node,
                   bool keys_known);
/* Where to complain of a setting: at it, or at its group when it is not there. */
const struct conf *load_place(const struct conf *group, const char *name);

#endif
