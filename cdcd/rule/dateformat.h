/* Dates as strftime writes them in the C locale, from PostgreSQL's text of a date, timestamp or
 * timestamptz. The process' time zone and locale play no part. Private to rule/. */
#ifndef CDCD_RULE_DATEFORMAT_H
#define CDCD_RULE_DATEFORMAT_H

#include "base/buf.h"

#include <stdbool.h>

/* The first conversion of the pattern that C11 does not have, or "" when the pattern is empty; NULL
 * when it is good. Borrowed from the pattern. */
const char *dateformat_fault(const char *pattern);
/* Appends the date; one with an offset from UTC is brought to UTC. False, and nothing appended,
 * when the text is no date, or one that applications write in different ways: infinity, BC, and
 * years before 1000 or after 9999. */
bool dateformat_put(const char *pattern, const char *text, size_t n, struct buf *to);

#endif
