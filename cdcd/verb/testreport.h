/* Results of tests: TAP (testanything.org, version 13), JSON, and JUnit's XML. */
#ifndef CDCD_VERB_TESTREPORT_H
#define CDCD_VERB_TESTREPORT_H

#include "verb/testrun.h"

#include <stdio.h>

void testreport_tap(FILE *to, const struct test_result *results, unsigned n);
void testreport_json(FILE *to, const struct test_result *results, unsigned n);
void testreport_junit(FILE *to, const struct test_result *results, unsigned n);

#endif
