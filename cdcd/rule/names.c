#include "rule/ruleset.h"

unsigned ruleset_n_stores(const struct ruleset *ruleset)
{
    return ruleset->n_stores + ruleset->n_extra_stores;
}

const char *ruleset_cache_name(const struct ruleset *ruleset, unsigned cache)
{
    return ruleset->caches[cache]->name;
}

void ruleset_lookups(const struct ruleset *ruleset,
                     void (*found)(void *ctx, const struct lookup *lookup), void *ctx)
{
    for (unsigned i = 0; i < ruleset->n_caches; i++)
        for (unsigned j = 0; j < ruleset->caches[i]->n_triggers; j++)
            if (ruleset->caches[i]->triggers[j].query)
                found(ctx, &ruleset->caches[i]->triggers[j].query->lookup);
}
