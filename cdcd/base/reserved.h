/* SQL's reserved words. */
#ifndef CDCD_BASE_RESERVED_H
#define CDCD_BASE_RESERVED_H

#include <stdbool.h>

/* True when PostgreSQL takes the word, which is in lower case, for no column unless it is quoted:
 * `user` and `current_date` would be values. */
bool reserved_word(const char *word);

#endif
