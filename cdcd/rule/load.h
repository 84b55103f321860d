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
    /* Of the cache at hand. */
    struct scopes *scopes;
};

#define LOAD_MAX_NAMES 16 /* of each, and of let */

/* The combinations of the elements of a cache's `each`, and its `let`. */
struct scopes {
    struct template_binding *each; /* n_each of them a combination, one combination after another */
    unsigned n_each;
    unsigned n_combinations; /* one at least */
    struct template_binding *lets;
    unsigned n_lets;
    const struct conf *each_place;
    const struct conf *let_place;
    bool each_used[LOAD_MAX_NAMES];
    bool lets_used[LOAD_MAX_NAMES];
};

/* The settings of a cache, or a trigger, that say what is done. */
struct action_settings {
    int action; /* enum op_action */
    int64_t ttl_ms;
    int64_t grace_ms;
    int format; /* enum op_format */
    const char *value;
    const char *message;
};

#define LOAD_ERROR(loader, place, ...) \
    complain((loader)->complaints, SEVERITY_ERROR, (place)->file, (place)->line, __VA_ARGS__)
#define LOAD_WARNING(loader, place, ...) \
    complain((loader)->complaints, SEVERITY_WARNING, (place)->file, (place)->line, __VA_ARGS__)

void load_cache(struct loader *loader, const struct conf *node);
/* Reads `each` and `let`, either NULL; false when something was wrong. */
bool load_scopes(struct loader *loader, const struct conf *each, const struct conf *let);
/* Complains of names of `each` and `let` that no template of the cache uses. */
void load_unused(struct loader *loader, const struct cache *cache);
/* Compiles the texts, each for every combination, into the cache's keys; false when one was wrong.
 * place is where they are written: a string, or an array of them. */
bool load_keys(struct loader *loader, struct cache *cache, const struct conf *place,
               const struct opt_strings *texts, bool pattern);
/* Compiles the text of a key that takes no row: the key, or the match, of `all`. */
bool load_all_key(struct loader *loader, const struct conf *place, const char *text, bool pattern,
                  struct key *key);
/* The scope of a combination, for the cache's templates. */
struct template_scope load_scope(struct loader *loader, struct cache *cache, unsigned combination);

/* The words of `action`, for tables of options. */
/* clang-format off */
#define LOAD_ACTIONS \
    {"delete", OP_DELETE, false}, {"bump", OP_BUMP, false}, {"stale", OP_STALE, false}, \
    {"expire", OP_EXPIRE, false}, {"set", OP_SET, false}, \
    {"delete-members", OP_DELETE_MEMBERS, false}, {"publish", OP_PUBLISH, false}, \
    {"scan", OP_SCAN, false}, {0}
#define LOAD_FORMATS {"mintcache", OP_FORMAT_MINTCACHE, false}, {0}
/* The settings of an action that a cache and a trigger have alike, for tables of options whose
 * AT(action) is a struct action_settings, and `formats` the words of LOAD_FORMATS. */
#define LOAD_ACTION_ROWS \
    {.name = "grace", .type = OPT_TIME, AT(action.grace_ms), \
     .help = "stale: how long the old value is served"}, \
    {.name = "ttl", .type = OPT_TIME, AT(action.ttl_ms), \
     .help = "expire, set: how long the key lives; stale: the longest that it is cached"}, \
    {.name = "format", .type = OPT_WORD, AT(action.format), .words = formats, \
     .help = "stale: how the value says its time itself, \"mintcache\""}, \
    {.name = "value", .type = OPT_STRING, AT(action.value), .help = "set: the value's template"}
/* clang-format on */

/* Whether the settings of a group, a cache's or a trigger's, are those that the action takes; false
 * when something was wrong. */
bool load_check_action(struct loader *loader, const struct conf *node,
                       const struct action_settings *settings, bool good, bool of_trigger);
/* Makes the action, whose values are one for each of the cache's keys. */
bool load_action(struct loader *loader, struct cache *cache, const struct conf *node,
                 const struct action_settings *settings, struct action *action);

/* Finds the cache's stores, and complains of those that cannot do what it does. */
void load_stores(struct loader *loader, struct cache *cache, const struct conf *node,
                 const struct opt_strings *names);
/* Complains at the place of each of the cache's stores that cannot do the action. */
void load_store_actions(struct loader *loader, const struct cache *cache, const struct conf *place,
                        enum op_action action);
/* Warns when the cache's `all`, written in that group, leaves some of its keys. */
void load_cover(struct loader *loader, const struct cache *cache, const struct conf *all);
/* Reads `triggers` into the cache, whose keys and `all` are known; keys_known is false when a key
 * was wrong, and its parameters cannot be told. */
void load_triggers(struct loader *loader, struct cache *cache, const struct conf *node,
                   bool keys_known);
/* What `bind`, which may be NULL, says of the parameters. */
bool load_bind(struct loader *loader, const struct cache *cache, const struct conf *bind,
               bool keys_known, struct trigger *trigger);
/* The other parameters are columns of their names; for when all parameters are known. */
void load_unbound(const struct cache *cache, const struct trigger *trigger);
/* The condition of a trigger. */
bool load_when(struct loader *loader, const struct conf *node, struct trigger *trigger);
/* The lookup of a trigger. */
bool load_lookup(struct loader *loader, const struct conf *node, const char *sql, unsigned limit,
                 struct trigger *trigger);
/* The names of the columns that a query's text says its result has, NULL-terminated; NULL when it
 * does not say. */
const char *const *load_select(struct arena *arena, const char *sql);
/* Complains of what a cache that was read cannot have meant. */
void load_check_cache(struct loader *loader, const struct cache *cache, const struct conf *node);
/* Complains of keys that two caches have, and do different things to. */
void load_check_owners(struct loader *loader);
/* Where to complain of a setting: at it, or at its group when it is not there. */
const struct conf *load_place(const struct conf *group, const char *name);

#endif
