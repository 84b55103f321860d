/* A reader of texts that have a fixed form. Private to expression/. */
#ifndef CDCD_EXPRESSION_SCAN_H
#define CDCD_EXPRESSION_SCAN_H

#include "expression/catalog.h"

struct scan {
    const char *at, *end;
};

struct scan scan_make(struct text text);
bool scan_is_digit(const struct scan *scan);
/* Spaces as C's isspace has them; true when there was one. */
bool scan_spaces(struct scan *scan);
/* Those below read what they name and say so, or leave everything as it is. */
bool scan_byte(struct scan *scan, char byte);
/* ASCII letters of either case; given in lower case. */
bool scan_word(struct scan *scan, const char *word);
/* All digits that follow, if there are min to max of them. */
bool scan_digits(struct scan *scan, int min, int max, int64_t *value);
/* Up to max digits, if there are min at least. */
bool scan_int(struct scan *scan, int min, int max, int *value);

#endif
