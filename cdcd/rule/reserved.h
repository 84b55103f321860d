/* SQL's reserved words. Private to rule/. */
#ifndef CDCD_RULE_RESERVED_H
#define CDCD_RULE_RESERVED_H

#include <stdbool.h>

/* True when PostgreSQL takes the word, which is in lower case, for no column unless it is quoted:
 * `user` and `current_date` would be values. */
bool reserved_word(const char *word);

#endif
