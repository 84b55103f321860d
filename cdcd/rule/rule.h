/* Rules: which keys a change of a row makes out of date.
 *
 * A ruleset is what all rules files say together; it is loaded whole or not at all, and does not
 * change afterwards. It meets a relation when the first change of it comes, and again when the
 * relation is defined anew. The grammar is in rules/README.md. */
#ifndef CDCD_RULE_RULE_H
#define CDCD_RULE_RULE_H

#include "base/err.h"
#include "model/change.h"
#include "model/lookup.h"
#include "model/op.h"

#include <stdint.h>

struct ruleset;

/* What rules need to know of a store; a store's place in the array is op.store. */
struct rule_store {
    const char *name;
    const char *prefix;
    const char *type;
    unsigned actions; /* bits 1 << enum op_action that it can do */
};

/* Where an op came from; lent. */
struct origin {
    const char *file;
    int line; /* of the trigger */
    const char *app;
    const char *cache;
    const char *image; /* "old", "new", or "all" where no single row was meant */
};

typedef void (*rule_op_fn)(void *ctx, const struct op *op, const struct origin *origin);

/* What a change asks of PostgreSQL before its keys are known. Lent, but for the lookup, which the
 * ruleset keeps until it is freed; whoever asks later copies the rest. */
struct question {
    const struct lookup *lookup;
    const struct value *params; /* lookup->n_params; VALUE_TEXT or VALUE_NULL */
    const char *context;        /* what ruleset_answer wants back, of any alignment */
    uint32_t context_len;
};

/* Where a change's ops and questions go, in the order of the rules. */
struct rule_sink {
    rule_op_fn op;
    void (*ask)(void *ctx, const struct question *question, const struct origin *origin);
};

/* Loads the files that the globs name, in order. Everything that is wrong is complained about;
 * NULL when there was an error. Stores are borrowed until the ruleset is freed; with any_store, a
 * store that is not among them is taken to exist (op.store is then n_stores and beyond, see
 * ruleset_store_name). The caller owns the ruleset. */
struct ruleset *ruleset_load(const char *const *globs, unsigned n_globs,
                             const struct rule_store *stores, unsigned n_stores, bool any_store,
                             struct complaints *complaints);
/* One owner more; the ruleset lives until as many have freed it. */
struct ruleset *ruleset_hold(struct ruleset *ruleset);
/* NULL is allowed. */
void ruleset_free(struct ruleset *ruleset);

/* What goes wrong while changes are matched (an expression fails, a table does not fit its rules)
 * is told, each time; lent. Until then it is logged, seldom. What an answer itself says, that it
 * failed or found too many rows, is not told to who has answered. */
void ruleset_tell(struct ruleset *ruleset,
                  void (*told)(void *ctx, const char *file, int line, const char *text), void *ctx);

/* Gives, in order, the ops that a change makes: caches in the order of the files, keys of a cache
 * in the order written, for each key the old image before the new; of a cache the same op,
 * and the same question, once. */
void ruleset_change(struct ruleset *ruleset, const struct change *change,
                    const struct rule_sink *sink, void *ctx);
/* Gives the ops of a question that was answered, or failed: then all that it could have named is
 * cleared, in doubt. The context is the question's. Not from within a change. */
void ruleset_answer(struct ruleset *ruleset, const char *context, uint32_t context_len,
                    const struct answer *answer, rule_op_fn emit, void *ctx);
/* Gives, for every cache, the ops that clear all of it: its keys without parameters, and its `all`.
 * For when changes may have been missed. */
void ruleset_clear(struct ruleset *ruleset, rule_op_fn emit, void *ctx);
/* The same for the caches that a table's rows can change. */
void ruleset_clear_table(struct ruleset *ruleset, const char *schema, const char *table,
                         rule_op_fn emit, void *ctx);

/* A table that rules name, or, with * and ? in its names, tables. */
struct rule_table {
    const char *schema;
    const char *name;
    const char *file; /* the first trigger that names it */
    int line;
};

/* Each once, in the order of the files; borrowed until the ruleset is freed. */
const struct rule_table *ruleset_tables(const struct ruleset *ruleset, unsigned *n);

/* Complains about what the rules want of a table that is as the catalog says: columns that it has
 * not (warnings: the rule sleeps), expressions that do not fit its types (errors), UPDATEs that
 * count and are not given (errors), and keys whose old values its replica identity does not send
 * (errors, or warnings when weak_is_error is false), with the SQL that mends it. */
void ruleset_judge(const struct ruleset *ruleset, const struct relation *relation,
                   bool weak_is_error, struct complaints *complaints);

/* Judges a table that changes come of, for which nothing is refused: logs the complaints as
 * warnings, unless they are those that were logged of it last. Gives them as well; complaints is
 * empty at first. */
void ruleset_warn(struct ruleset *ruleset, const struct relation *relation,
                  struct complaints *complaints);

/* Warns of `when` and `columns` that read old values which are never sent: right, but they count as
 * true for every UPDATE. And of what reads large values, which are not sent where they are left as
 * they were. */
void ruleset_advise(const struct ruleset *ruleset, const struct relation *relation,
                    struct complaints *complaints);

/* Gives the ops that each trigger of a table can cause, in order, their parameters as they are
 * written: `get_comments:{post_id}`. The image is "key", or "all" where the trigger's target is. */
void ruleset_list(struct ruleset *ruleset, const char *schema, const char *table, rule_op_fn emit,
                  void *ctx);
/* Gives the columns that the rules of a table read; one may come more than once. True when a rule
 * reads the whole row, so every column that the table has. */
bool ruleset_columns(const struct ruleset *ruleset, const char *schema, const char *table,
                     void (*found)(void *ctx, const char *column), void *ctx);

/* What a trigger wants of a column, or of the whole row; bits. */
enum rule_want {
    RULE_WANTS = 1,        /* its value */
    RULE_WANTS_OLD = 2,    /* its old value, for a key or a lookup: without it a key stays behind */
    RULE_COMPARES_OLD = 4, /* its old value, for `when` or `columns`: without it they hold */
    RULE_WANTS_PERHAPS =
        8, /* if the table has it: else a lookup whose text does not tell gives it */
};

/* A trigger that is about a table; lent. */
struct rule_wanter {
    const char *file;
    int line;
    const char *cache;
    unsigned row;    /* what it wants of every column */
    bool any_update; /* it counts UPDATEs, whatever they change */
};

struct rule_want_sink {
    void (*trigger)(void *ctx, const struct rule_wanter *wanter);
    /* Of the trigger given last; one may come more than once. */
    void (*column)(void *ctx, const char *column, unsigned want);
};

/* Gives the triggers of a table, and what they want of it, in the order of the files. */
void ruleset_wants(const struct ruleset *ruleset, const char *schema, const char *table,
                   const struct rule_want_sink *sink, void *ctx);

/* What stands in a key where its template has a name in braces. */
struct rule_reading {
    const char *written; /* between the braces: "slug|urlencode" */
    struct value value;
};

/* A trigger that clears a key; lent. */
struct rule_clearer {
    const struct op *op;                 /* the key as the rules write it; of a scan, its pattern */
    const struct origin *origin;         /* the image is "key", or "all" */
    const char *schema, *table;          /* which may have * and ? */
    unsigned ops;                        /* bits 1 << enum change_op, of changes that clear it */
    const struct rule_reading *readings; /* what the key has in the template's places */
    unsigned n_readings;
};

/* Gives the triggers that clear a key in a store, as far as the key tells: whether a row has the
 * values that stand in it, and meets the trigger's conditions, nobody asks. */
void ruleset_find(struct ruleset *ruleset, const char *key, size_t key_len,
                  void (*found)(void *ctx, const struct rule_clearer *clearer), void *ctx);

/* Gives each lookup; borrowed until the ruleset is freed. */
void ruleset_lookups(const struct ruleset *ruleset,
                     void (*found)(void *ctx, const struct lookup *lookup), void *ctx);

const char *ruleset_store_name(const struct ruleset *ruleset, unsigned store);
/* Those given, and those that any_store took to exist. */
unsigned ruleset_n_stores(const struct ruleset *ruleset);
/* By its number, op.cache. */
const char *ruleset_cache_name(const struct ruleset *ruleset, unsigned cache);
unsigned ruleset_n_files(const struct ruleset *ruleset);
/* Its path; borrowed until the ruleset is freed. */
const char *ruleset_file(const struct ruleset *ruleset, unsigned file);
unsigned ruleset_n_caches(const struct ruleset *ruleset);
unsigned ruleset_n_triggers(const struct ruleset *ruleset);

#endif
