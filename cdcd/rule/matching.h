/* What match.c (changes), ask.c (lookups) and give.c (ops) share while one change, or one answer,
 * becomes ops. Private to rule/. */
#ifndef CDCD_RULE_MATCHING_H
#define CDCD_RULE_MATCHING_H

#include "rule/ruleset.h"

#define MATCHING_KEEP_BYTES 65536 /* of a buffer, for the next change */

struct matching {
    struct ruleset *ruleset;
    const struct change *change; /* NULL for an answer */
    const struct rule_sink *sink;
    void *ctx;
    bool doubted;      /* the cache at hand has been cleared because of a doubt */
    bool has_row[2];   /* ruleset->rows has that image */
    bool row_known[2]; /* and all of its values were sent */
};

/* How a key is given: as what, where from. */
struct giving {
    struct cache *cache;
    const struct key *key;
    const struct action *action;
    const struct template *value; /* NULL: a set becomes a delete */
    int line;                     /* of the rule */
    const char *image;
    bool in_doubt;
};

void matching_begin(struct matching *m, struct ruleset *ruleset);
/* From here on ops are the next cache's, which does not know what those before it made. */
void matching_next_cache(struct matching *m);
/* How a trigger gives the key of that number, for an image. */
struct giving giving_key(const struct trigger *trigger, unsigned key, enum image image);
/* Makes the key's op in each store of the cache, unless this change has made it before. Values are
 * by parameter. Nothing is given unless the outcome is TEMPLATE_TEXT. */
enum template_outcome give(struct matching *m, const struct giving *giving,
                           const struct template_value *values);
/* The same, where a key in doubt clears its cache's `all`. */
void give_or_clear(struct matching *m, const struct giving *giving,
                   const struct template_value *values);
/* Gives the cache's `all`. */
void give_all(struct matching *m, struct cache *cache, int line, bool in_doubt);
/* Clears the cache because a key could not be named; once a change. */
void clear_in_doubt(struct matching *m, struct cache *cache, int line);
/* Clears keys that have no parameters by name, and if there are others, `all`. */
void clear_cache(struct matching *m, struct cache *cache, const struct action *action, int line,
                 bool in_doubt);
/* Counts what went wrong with a rule, and says it, seldom. The reason holds no values. */
void rule_failed(struct matching *m, struct cache *cache, int line, const char *what,
                 const char *reason);
/* The same for what an answer says, which who answered knows. */
void lookup_failed(struct matching *m, const struct trigger *trigger, const char *reason);
/* Says, seldom, that a lookup's rows were more than its limit. */
void lookup_found_many(struct matching *m, const struct trigger *trigger);

/* Fills the parameters from an image of the change. */
void fetch_values(struct matching *m, const struct trigger_plan *planned, enum image image);
/* True when those parameters, bits of a mask, are the same in both images. */
bool same_values(const struct trigger_plan *planned, uint32_t params);
/* Asks the trigger's lookup for each image for which it holds. */
void ask(struct matching *m, const struct trigger_plan *planned);

#endif
