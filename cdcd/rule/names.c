#include "rule/ruleset.h"

unsigned ruleset_n_stores(const struct ruleset *ruleset)
{
    return ruleset->n_stores + ruleset->n_extra_stores;
}

const char *ruleset_cache_name(const struct ruleset *ruleset, unsigned cache)
{
    return ruleset->caches[cache]->name;
}
