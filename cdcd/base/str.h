/* Words and quantities as people write them. */
#ifndef CDCD_BASE_STR_H
#define CDCD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* The word of the NULL-terminated list that was most likely meant; NULL when none is near. */
const char *str_nearest(const char *word, const char *const *words);

/* "64MB" (B, kB, MB, GB, powers of 1024; KiB, MiB, GiB too) into bytes; false when it is no size.
 */
bool str_size(const char *text, uint64_t *bytes);

/* "250ms", "30s", "5min", "1h", "1d" into milliseconds; false when it is no time. */
bool str_time(const char *text, int64_t *ms);

/* "100ms..30s"; false when it is no range or the first is the larger. */
bool str_time_range(const char *text, int64_t *from_ms, int64_t *to_ms);

/* Replaces ${NAME} and ${NAME:-default} from the environment; the copy is the arena's. A variable
 * that is not set and has no default gives NULL, and *missing (the arena's) names it; so does a
 * `${` that does not end, with *missing NULL. */
char *str_expand(struct arena *arena, const char *text, const char **missing);

#endif
