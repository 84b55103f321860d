#include "base/glob.h"

/* at stands behind the opening bracket, and is moved behind the closing one. As in Redis, an
 * escaped byte begins no range, and a range may be written backwards. */
static bool set_holds(const char **at, const char *end, unsigned char byte)
{
    bool negated = *at < end && **at == '^';
    bool found = false;
    *at += negated;
    while (*at < end && **at != ']') {
        bool escaped = **at == '\\' && end - *at >= 2;
        *at += escaped;
        unsigned char from = (unsigned char)*(*at)++;
        unsigned char to = from;
        if (!escaped && end - *at >= 2 && **at == '-') {
            to = (unsigned char)(*at)[1];
            *at += 2;
        }
        if (from <= to ? from <= byte && byte <= to : to <= byte && byte <= from)
            found = true;
    }
    if (*at < end)
        (*at)++;
    return found != negated;
}

/* Matches one byte with what stands at `at`, which is no star, and moves behind that. */
static bool match_one(const char **at, const char *end, unsigned char byte)
{
    char c = *(*at)++;
    if (c == '?')
        return true;
    if (c == '[')
        return set_holds(at, end, byte);
    if (c == '\\' && *at < end)
        c = *(*at)++;
    return (unsigned char)c == byte;
}

/* All but a star takes exactly one byte, so it is enough to try again from the last star. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t text_len)
{
    const char *at = pattern, *end = pattern + pattern_len;
    const char *text_end = text + text_len;
    const char *star = NULL, *star_text = NULL;
    while (text < text_end) {
        if (at < end && *at == '*') {
            star = ++at;
            star_text = text;
        } else if (at < end && match_one(&at, end, (unsigned char)*text)) {
            text++;
        } else if (star) {
            at = star;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (at < end && *at == '*')
        at++;
    return at == end;
}
