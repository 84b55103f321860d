#include "expression/scan.h"

#include <string.h>

struct scan scan_make(struct text text)
{
    return (struct scan){text.bytes, text.len ? text.bytes + text.len : text.bytes};
}

bool scan_is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

bool scan_spaces(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && (*scan->at == ' ' || (*scan->at >= '\t' && *scan->at <= '\r')))
        scan->at++;
    return scan->at > begin;
}

bool scan_byte(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

bool scan_word(struct scan *scan, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(scan->end - scan->at) < n || strncasecmp(scan->at, word, n) != 0)
        return false;
    scan->at += n;
    return true;
}

bool scan_digits(struct scan *scan, int min, int max, int64_t *value)
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

bool scan_int(struct scan *scan, int min, int max, int *value)
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
