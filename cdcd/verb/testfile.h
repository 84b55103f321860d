/* Test files: changes of rows, and the ops that rules must make of them. */
#ifndef CDCD_VERB_TESTFILE_H
#define CDCD_VERB_TESTFILE_H

#include "base/opt.h"
#include "rule/rule.h"
#include "verb/row.h"

/* An op as the file writes it, with control bytes as opline.h prints them. */
struct test_line {
    const char *text;
    int line;
};

struct test_lines {
    struct test_line *list;
    unsigned n;
    bool given; /* an empty list is one */
};

/* What a cache's lookup would find. */
struct test_answer {
    const char *cache;
    int line;
    struct answer answer;
};

struct test {
    const char *name;
    const char *file;
    int line;
    struct opt_strings only; /* none: every cache */
    int only_line;
    const char *table;
    enum change_op op;
    struct row old_row, new_row;
    struct test_answer *answers;
    unsigned n_answers;
    struct test_lines expect, absent;
};

struct test_file {
    const char *path;
    struct arena *arena; /* owns the rest */
    struct ruleset *ruleset;
    struct test *tests;
    unsigned n_tests;
};

/* Reads a file and loads its rules, with the stores of the configuration `config`; NULL: of the
 * cdcd.cfg beside the file, or, without one, any store. What is wrong is complained about; false
 * then. The caller closes it either way. */
bool testfile_open(struct test_file *file, const char *path, const char *config,
                   struct complaints *complaints);
void testfile_close(struct test_file *file);

#endif
