/* A plan: the caches that a relation's rows can change, with the places of the columns that they
 * need. Private to rule/.
 *
 * It is made when the first change of a relation comes and holds for the relation's version; a
 * relation that no rule names has an empty plan, so that it costs a look-up and no more. */
#ifndef CDCD_RULE_PLAN_H
#define CDCD_RULE_PLAN_H

#include "model/change.h"
#include "rule/template.h"

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct program;
struct ruleset;

#define PLAN_NO_COLUMN (-1)

/* What fills a key parameter: the column, or else the program; neither: it is in doubt. */
struct source_plan {
    int column;
    uint32_t type; /* oid */
    const struct program *program;
    bool row; /* the whole row instead */
};

struct trigger_plan {
    const struct trigger *trigger;
    const int *columns; /* of the trigger's columns; PLAN_NO_COLUMN where the relation has none */
    const struct source_plan *sources; /* by parameter of the cache */
    const struct program *when;        /* NULL: always */
    const int *asks;                   /* by parameter of the lookup */
    /* For the change at hand. */
    unsigned images;                  /* bits 1 << enum image for which the trigger holds */
    struct template_value *values[2]; /* by enum image and parameter */
};

struct cache_plan {
    struct cache *cache;
    struct trigger_plan *triggers;
    unsigned n_triggers;
};

struct plan {
    uint32_t oid;
    uint64_t version;
    struct arena *arena; /* owns what follows; NULL when there is nothing */
    struct cache_plan *caches;
    unsigned n_caches;
    bool evaluates; /* expressions, which need scratch memory */
    UT_hash_handle hh;
};

/* The relation's plan; borrowed until the relation is defined anew, or another is looked for. */
const struct plan *plan_find(struct ruleset *ruleset, const struct relation *relation);
void plan_free_all(struct ruleset *ruleset);
/* Forgets which tables were complained of. */
void plan_forget_judged(struct ruleset *ruleset);
/* The column's place, or PLAN_NO_COLUMN. */
int plan_column(const struct relation *relation, const char *name);

#endif
