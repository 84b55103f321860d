/* Values of a row as JSON. Private to rule/. */
#ifndef CDCD_RULE_JSONTEXT_H
#define CDCD_RULE_JSONTEXT_H

#include "base/buf.h"

#include <stdint.h>

/* Appends PostgreSQL's text of a value of a type (its oid; 0: not known): finite numbers, booleans,
 * json and jsonb as JSON has them, all else as a string. */
void jsontext_put(const char *text, size_t n, uint32_t type, struct buf *to);
/* Appends a string. UTF-8 stays as it is; a byte that belongs to no character becomes U+FFFD. */
void jsontext_put_string(const char *text, size_t n, struct buf *to);

#endif
