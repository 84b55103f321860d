#include "base/str.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 48

struct unit {
    const char *name;
    uint64_t factor;
};

/* Edits (insert, delete, replace) that make one word of the other, whatever their case. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    unsigned row[WORD_MAX + 1];
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            unsigned replaced = corner + !same;
            unsigned edited = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = replaced < edited ? replaced : edited;
        }
    }
    return row[n];
}

const char *str_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t len = strlen(word);
    unsigned best_distance = len < 4 ? 2 : (unsigned)(len / 3 + 2);
    for (; len <= WORD_MAX && *words; words++) {
        if (strlen(*words) > WORD_MAX)
            continue;
        unsigned edits = distance(word, *words);
        if (edits < best_distance) {
            best_distance = edits;
            best = *words;
        }
    }
    return best;
}

/* A whole number and one of the units, nothing else. */
static bool parse_quantity(const char *text, const struct unit *units, uint64_t *value)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno)
        return false;
    for (; units->name; units++) {
        if (strcasecmp(end, units->name) != 0)
            continue;
        return !__builtin_mul_overflow((uint64_t)number, units->factor, value);
    }
    return false;
}

bool str_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"B", 1},         {"kB", 1 << 10}, {"KiB", 1 << 10}, {"MB", 1 << 20},
        {"MiB", 1 << 20}, {"GB", 1 << 30}, {"GiB", 1 << 30}, {NULL, 0},
    };
    return parse_quantity(text, units, bytes);
}

bool str_time(const char *text, int64_t *ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
    };
    uint64_t value;
    if (!parse_quantity(text, units, &value) || value > INT64_MAX / 1000000)
        return false;
    *ms = (int64_t)value;
    return true;
}

bool str_time_range(const char *text, int64_t *from_ms, int64_t *to_ms)
{
    char first[32];
    const char *dots = strstr(text, "..");
    if (!dots || (size_t)(dots - text) >= sizeof first)
        return false;
    memcpy(first, text, (size_t)(dots - text));
    first[dots - text] = '\0';
    return str_time(first, from_ms) && str_time(dots + 2, to_ms) && *from_ms <= *to_ms;
}

/* Puts the value of `NAME` or `NAME:-default`, which is between the braces; false when unset. */
static bool put_variable(struct buf *to, struct arena *arena, const char *inside, size_t n,
                         const char **missing)
{
    char *name = arena_strndup(arena, inside, n);
    char *fallback = strstr(name, ":-");
    if (fallback)
        *fallback = '\0';
    const char *value = getenv(name);
    if (fallback && (!value || !*value))
        value = fallback + 2;
    if (!value) {
        *missing = name;
        return false;
    }
    buf_put_str(to, value);
    return true;
}

char *str_expand(struct arena *arena, const char *text, const char **missing)
{
    struct buf out = {0};
    char *result = NULL;
    *missing = NULL;
    for (const char *start; (start = strstr(text, "${"));) {
        const char *end = strchr(start, '}');
        if (!end)
            goto out;
        buf_put(&out, text, (size_t)(start - text));
        if (!put_variable(&out, arena, start + 2, (size_t)(end - start - 2), missing))
            goto out;
        text = end + 1;
    }
    buf_put_str(&out, text);
    result = arena_strndup(arena, out.data, out.len);
out:
    buf_free(&out);
    return result;
}
