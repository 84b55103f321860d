/* Days and moments, as PostgreSQL's date, timestamp and timestamptz, in UTC. Private to
 * expression/. */
#ifndef CDCD_EXPRESSION_DATETIME_H
#define CDCD_EXPRESSION_DATETIME_H

#include "expression/catalog.h"

#define DATETIME_DAY INT64_C(86400000000)    /* microseconds */
#define DATETIME_MIN_DAY INT32_C(-2451545)   /* 4714-11-24 BC, of both types */
#define DATETIME_END_DAY INT32_C(2145031949) /* the first day that no date can be */
#define DATETIME_MIN (DATETIME_MIN_DAY * DATETIME_DAY)
#define DATETIME_END INT64_C(9223371331200000000) /* the first moment that no timestamp can be */

struct datetime {
    int64_t year; /* 0 is 1 BC */
    int month, day;
    int hour, minute, second, micros;
};

int64_t datetime_days(int64_t year, int month, int day);
/* Of a finite moment. */
struct datetime datetime_split(int64_t micros);
/* Midnight; between the last timestamp and infinity when no timestamp reaches it. */
int64_t datetime_of_date(int32_t days);

const char *datetime_read_date(struct text text, int32_t *days);
const char *datetime_read(struct text text, bool with_zone, int64_t *micros);
struct text datetime_write_date(int32_t days, struct arena *arena);
struct text datetime_write(int64_t micros, bool with_zone, struct arena *arena);

#endif
