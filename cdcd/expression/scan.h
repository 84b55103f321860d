/* A reader of texts that have a fixed form; inline, for values are read so often. Private to
 * expression/. */
#ifndef CDCD_EXPRESSION_SCAN_H
#define CDCD_EXPRESSION_SCAN_H

#include "expression/catalog.h"

#include <string.h>

struct scan {
    const char *at, *end;
};

static inline struct scan scan_make(struct text text)
{
    return (struct scan){text.bytes, text.len ? text.bytes + text.len : text.bytes};
}

static inline bool scan_is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Spaces as C's isspace has them; true when there was one. */
static inline bool scan_spaces(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && (*scan->at == ' ' || (*scan->at >= '\t' && *scan->at <= '\r')))
        scan->at++;
    return scan->at > begin;
}

/* Those below read what they name and say so, or leave everything as it is. */
static inline bool scan_byte(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

/* ASCII letters of either case; given in lower case. */
static inline bool scan_word(struct scan *scan, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(scan->end - scan->at) < n || strncasecmp(scan->at, word, n) != 0)
        return false;
    scan->at += n;
    return true;
}

/* All digits that follow, if there are min to max of them. */
static inline bool scan_digits(struct scan *scan, int min, int max, int64_t *value)
{
    struct scan tried = *scan;
    int n = 0;
    *value = 0;
    for (; scan_is_digit(&tried); tried.at++) {
        if (++n > max)
            return false;
        *value = *value * 10 + (*tried.at - '0');
    }
    if (n < min)
        return false;
    *scan = tried;
    return true;
}

/* Up to max digits, if there are min at least. */
static inline bool scan_int(struct scan *scan, int min, int max, int *value)
{
    struct scan tried = *scan;
    int n = 0;
    *value = 0;
    for (; n < max && scan_is_digit(&tried); tried.at++, n++)
        *value = *value * 10 + (*tried.at - '0');
    if (n < min)
        return false;
    *scan = tried;
    return true;
}

#endif
