/* What rules files become: caches with their keys and triggers. Private to rule/.
 *
 *     ruleset 1-n file 1-n cache 1-n key         (template, in each of the cache's stores)
 *                               1-n trigger     (table, ops, columns, which column is which
 * parameter) 0-1 all         (a key without parameters that stands for every key)
 *
 * load*.c make it, plan.c joins it with a relation, match.c runs the plan. The ruleset's arena owns
 * everything but the plans and the scratch memory. */
#ifndef CDCD_RULE_RULESET_H
#define CDCD_RULE_RULESET_H

#include "base/buf.h"
#include "base/log.h"
#include "rule/plan.h"
#include "rule/rule.h"
#include "rule/seen.h"
#include "rule/template.h"

#define RULESET_MAX_KEYS 200 /* of a cache; a key's number is its op's stage */

struct key {
    struct template template;
    enum op_action action;
    uint8_t stage;
};

/* A store of a cache, with what stands before each key there. */
struct cache_store {
    uint16_t number;
    const char *prefix;
    uint32_t prefix_len;
    const char *pattern_prefix; /* the same, escaped for a scan */
    uint32_t pattern_prefix_len;
};

struct bind {
    unsigned param;
    const char *column;
};

struct trigger {
    struct cache *cache;
    const char *schema;
    const char *table;
    const char *file;
    int line;
    unsigned ops;               /* bits 1 << enum change_op */
    bool clears_all;            /* target = "all" */
    const char *const *columns; /* an UPDATE counts if one differs; none: always */
    unsigned n_columns;
    const char *const *sources; /* by parameter: the column that fills it */
};

struct cache {
    const char *name;
    const char *app;
    const char *file;
    int line;
    uint16_t number;
    enum op_action action;
    const char *prefix;
    const struct cache_store *stores;
    unsigned n_stores;
    struct template_params params;
    const struct key *keys;
    unsigned n_keys;
    const struct key *all; /* NULL when there is none */
    const struct trigger *triggers;
    unsigned n_triggers;
    struct log_limit unhandled_limit;
};

struct ruleset {
    struct arena *arena;
    unsigned n_holders;              /* besides the first */
    const struct rule_store *stores; /* borrowed */
    unsigned n_stores;
    const char **extra_stores; /* names that any_store took to exist */
    unsigned n_extra_stores;
    const char **files;
    const char **apps; /* of the files, in their order */
    int *app_lines;
    unsigned n_files;
    struct cache **caches;
    unsigned n_caches;
    unsigned n_triggers;
    struct rule_table *tables;
    unsigned n_tables;
    struct plan *plans;     /* by oid */
    struct plan *last_plan; /* changes come in runs */
    struct buf keys;        /* of the change at hand */
    struct seen seen;
};

bool trigger_is_about(const struct trigger *trigger, const char *schema, const char *table);
/* True when some key of the cache takes a parameter. */
bool cache_has_params(const struct cache *cache);

#endif
