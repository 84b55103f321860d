/* The list `tests` of a test file. */
#ifndef CDCD_VERB_TESTREAD_H
#define CDCD_VERB_TESTREAD_H

#include "base/confread.h"
#include "verb/testfile.h"

/* Reads the tests into the file; complains of what is wrong. */
void testread_tests(struct test_file *file, const struct conf *node, struct complaints *complaints);

#endif
