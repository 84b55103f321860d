/* Text in lower or upper case, where applications agree on it. Private to rule/. */
#ifndef CDCD_RULE_LETTERCASE_H
#define CDCD_RULE_LETTERCASE_H

#include "base/buf.h"

#include <stdbool.h>

enum lettercase { LETTERCASE_LOWER, LETTERCASE_UPPER };

/* Appends the text with its ASCII letters turned. False, and nothing
 * appended, when it holds a letter beyond ASCII that some applications turn (Python, Java,
 * JavaScript) and others do not (PHP 8, Lua), or when it is no UTF-8. The text may be of the
 * buf when that has room for n bytes more. */
bool lettercase_put(enum lettercase to_case, const char *text, size_t n, struct buf *to);

#endif
