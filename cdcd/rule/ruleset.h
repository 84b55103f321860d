/* What rules files become: caches with their keys and triggers. Private to rule/.
 *
 *     ruleset 1-n file 1-n cache 1-n key       (template; one for each element of `each`)
 *                               1-1 action    (what is done to the keys)
 *                               1-n trigger   (table, ops, columns, when, what fills each
 * parameter) 0-1 all       (a key without parameters that stands for every key)
 *
 * load*.c make it, plan.c joins it with a relation, match.c runs the plan, ask.c has lookups
 * answered, give.c makes ops of keys. The ruleset's arena owns everything but the plans and the
 * scratch memory. */
#ifndef CDCD_RULE_RULESET_H
#define CDCD_RULE_RULESET_H

#include "base/buf.h"
#include "base/log.h"
#include "expression/expression.h"
#include "rule/plan.h"
#include "rule/rule.h"
#include "rule/seen.h"
#include "rule/template.h"

#define RULESET_MAX_STAGES 200 /* keys of a cache as they are written */
#define RULESET_MAX_KEYS 2000  /* with each element of `each` */
#define RULESET_MAX_LOOKUP_PARAMS 64

struct key {
    struct template template;
    const char *shown; /* as it was written, with the elements of `each` put in */
    uint32_t params;   /* bits 1 << parameter: those that make it, or its message, another */
    uint8_t stage;
};

/* What is done to a key. */
struct action {
    enum op_action op;
    int64_t ttl_ms;
    int64_t grace_ms;
    enum op_format format;
    const struct template *values; /* set: the value, publish: the message, by key; else NULL */
};

/* A store of a cache, with what stands before each key there. */
struct cache_store {
    uint16_t number;
    bool publishes; /* what `announce` says goes there */
    const char *prefix;
    uint32_t prefix_len;
    const char *pattern_prefix; /* the same, escaped for a scan */
    uint32_t pattern_prefix_len;
};

/* What fills a key parameter: a column, or an expression; neither: the whole row. */
struct param_source {
    const char *column;
    const struct expression *expression;
    bool bound; /* bind says so */
    int line;
};

/* A lookup of a trigger. */
struct query {
    struct lookup lookup;
    const char *const *columns; /* by its parameters */
    /* The names of its result's columns as far as its text tells, NULL-terminated; NULL when it
     * does not. */
    const char *const *gives;
};

struct trigger {
    struct cache *cache;
    const char *schema;
    const char *table;
    const char *schema_pattern; /* with * and ?; NULL: the name as it is */
    const char *table_pattern;
    const char *file;
    int line;
    unsigned ops;               /* bits 1 << enum change_op */
    unsigned images;            /* bits 1 << enum image that give keys */
    bool clears_all;            /* target = "all" */
    const char *const *columns; /* an UPDATE counts if one differs; none: always */
    unsigned n_columns;
    const struct expression *when; /* NULL: always */
    int when_line;
    struct param_source *sources; /* by parameter */
    const struct query *query;    /* NULL: the row's own values alone */
    const struct action *action;  /* the cache's, or its own */
};

struct cache {
    const char *name;
    const char *app;
    const char *file;
    int line;
    uint16_t number;
    struct action action;
    int64_t redelete_ms;
    const char *announce; /* a channel; NULL: none */
    uint32_t announce_len;
    const char *prefix;
    const struct cache_store *stores;
    unsigned n_stores;
    struct template_params params;
    uint32_t key_params; /* those of all its keys */
    struct key *keys;
    unsigned n_keys;
    const struct key *all; /* NULL when there is none */
    struct action all_action;
    const struct trigger *triggers;
    unsigned n_triggers;
    uint64_t n_errors; /* expressions and lookups that failed */
    struct log_limit unhandled_limit;
    struct log_limit error_limit;
    struct log_limit many_limit;
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
    struct judged *judged;  /* tables that were complained of, by oid */
    /* What hears of what goes wrong; NULL: the log. */
    void (*told)(void *ctx, const char *file, int line, const char *text);
    void *told_ctx;
    /* Of the change at hand; keys and what was seen of them, of one cache. */
    struct buf keys;
    struct buf rows[2]; /* the images as JSON */
    struct buf context; /* of the question at hand */
    struct program_scratch scratch;
    struct seen seen;
};

bool trigger_is_about(const struct trigger *trigger, const char *schema, const char *table);
/* True when an old image of a row gives keys. */
bool trigger_takes_old(const struct trigger *trigger);
/* True when some key of the cache takes a parameter. */
bool cache_has_params(const struct cache *cache);
/* True when the lookup's text tells that its result has that column. */
bool query_gives(const struct query *query, const char *name);

#endif
