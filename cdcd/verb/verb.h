/* What the program can be told: verbs, and the options that they share.
 *
 * Data goes to stdout, messages to stderr. A verb gives the exit code: 0 done, 1 found a problem, 2
 * differs, 3 warnings only with --strict, else one of sysexits.h. */
#ifndef CDCD_VERB_VERB_H
#define CDCD_VERB_VERB_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

#define EXIT_WARNINGS 3

/* Options that some verbs take, as bits; -c is every verb's. */
enum verb_option {
    VERB_TAKES_JSON = 1,
    VERB_TAKES_STRICT = 2,
    VERB_TAKES_CHANGE = 4, /* --old, --new, --table, --db, --key, --where, --store */
    VERB_TAKES_TESTS = 8,  /* --run, --junit */
    VERB_TAKES_LIVE = 64,  /* --live */
    VERB_TAKES_SQL = 128,  /* --mode, --down */
};

struct verb_args {
    const struct verb *verbs; /* all there are */
    const char *config;       /* NULL when -c was not given */
    bool json;
    bool strict;
    bool live;
    const char *old_row;
    const char *new_row;
    const char *table;
    bool db;
    const char *key;
    const char *where;
    const char *store;
    const char *run;   /* a regular expression */
    const char *junit; /* a file's path */
    const char *mode;  /* of the source */
    bool down;
    const char *const *operands; /* what is no option, the verb excepted */
    unsigned n_operands;
};

struct verb {
    const char *name;     /* NULL ends the table */
    const char *operands; /* for help: "[FILE...]" */
    const char *help;
    int (*run)(const struct verb_args *args); /* NULL: not built yet */
    unsigned options;
    unsigned least_operands, most_operands;
};

/* Runs the verb that the command line names; its exit code, or EX_USAGE. */
int verb_main(const struct verb *verbs, int argc, char **argv);
/* Says what is wrong with the command line on stderr; EX_USAGE. */
int verb_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says that there is no such verb, and the nearest; EX_USAGE. */
int verb_unknown(const struct verb *verbs, const char *word);

int verb_check(const struct verb_args *args);
int verb_explain(const struct verb_args *args);
int verb_diff(const struct verb_args *args);
int verb_sql(const struct verb_args *args);
int verb_test(const struct verb_args *args);
int verb_version(const struct verb_args *args);
int verb_help(const struct verb_args *args);

#endif
