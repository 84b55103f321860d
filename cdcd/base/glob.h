/* Patterns as Redis matches them: `*` any bytes, `?` one byte, `[a-c]` and `[^a-c]` one byte of a
 * set, `\` takes the next byte as it is. A bracket that is not closed ends with the pattern.
 *
 * No recursion; the time is at most the product of the two lengths. */
#ifndef CDCD_BASE_GLOB_H
#define CDCD_BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t text_len);

#endif
