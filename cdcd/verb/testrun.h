/* Running a test: the change is given to the rules, their questions are answered from the test, and
 * the ops that come are compared with what it expects. */
#ifndef CDCD_VERB_TESTRUN_H
#define CDCD_VERB_TESTRUN_H

#include "base/buf.h"
#include "verb/testfile.h"

#include <stdbool.h>

/* A line of what differs. */
struct test_finding {
    char
        sign; /* '-' expected and missing, '+' not expected, '!' must not come, '?' anything else */
    const char *text; /* an op, or with '?' a sentence */
    const char *file; /* where it is said: of '+' and '!' the rule, else the test file */
    int line;
    const char *image; /* of '+' and '!'; else NULL */
};

struct test_result {
    const struct test *test;
    struct test_finding *findings; /* the file's arena's */
    unsigned n_findings;           /* 0: it passed */
    const char **notes;            /* why it proves little */
    unsigned n_notes;
};

/* number is one that no other test run with this ruleset has. */
struct test_result testrun(const struct test_file *file, const struct test *test, uint64_t number);

#endif
