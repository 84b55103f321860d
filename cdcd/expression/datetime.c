/* The calendar, and the texts of days and moments. Of what PostgreSQL reads, the ISO forms are
 * read; any other is an error here, never another day. */
#include "expression/datetime.h"

#include "base/mem.h"
#include "expression/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NOT_READ[] = "not a date that cdcd reads";
static const char OUT_OF_RANGE[] = "date or time out of range";

/* Days from 2000-01-01 in the proleptic Gregorian calendar, years beginning in March so that the
 * leap day comes last. */
int64_t datetime_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 730425;
}

static void split_day(int64_t days, struct datetime *split)
{
    days += 730425;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    split->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    split->month = (int)(month < 10 ? month + 3 : month - 9);
    split->year = year + era * 400 + (split->month <= 2);
}

struct datetime datetime_split(int64_t micros)
{
    struct datetime split;
    int64_t days = micros / DATETIME_DAY, rest = micros % DATETIME_DAY;
    if (rest < 0) {
        rest += DATETIME_DAY;
        days--;
    }
    split_day(days, &split);
    split.micros = (int)(rest % 1000000);
    rest /= 1000000;
    split.second = (int)(rest % 60);
    split.minute = (int)(rest / 60 % 60);
    split.hour = (int)(rest / 3600);
    return split;
}

int64_t datetime_of_date(int32_t days)
{
    if (days == INT32_MIN)
        return INT64_MIN;
    if (days == INT32_MAX)
        return INT64_MAX;
    int64_t micros;
    if (__builtin_mul_overflow((int64_t)days, DATETIME_DAY, &micros) || micros >= DATETIME_END)
        return INT64_MAX - 1;
    return micros;
}

/* What stands in a text, before it is put together. */
struct reading {
    int64_t year;
    int month, day, hour, minute, second;
    int64_t micros; /* of the second; up to 1000000 */
    int zone;       /* seconds east of UTC */
};

static bool read_day(struct scan *scan, struct reading *reading)
{
    int month, day;
    if (!scan_digits(scan, 4, 7, &reading->year) || !scan_byte(scan, '-') ||
        !scan_int(scan, 1, 2, &month) || !scan_byte(scan, '-') || !scan_int(scan, 1, 2, &day))
        return false;
    reading->month = month;
    reading->day = day;
    return true;
}

/* PostgreSQL reads the fraction as a float and rounds that. */
static bool read_long_fraction(struct scan *scan, int64_t *micros)
{
    char text[32] = "0.";
    size_t n = 2;
    for (; scan_is_digit(scan); scan->at++) {
        if (n == sizeof text - 1)
            return false;
        text[n++] = *scan->at;
    }
    *micros = llrint(strtod(text, NULL) * 1000000);
    return true;
}

static bool read_fraction(struct scan *scan, int64_t *micros)
{
    static const int UNITS[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const char *begin = scan->at;
    int value = 0;
    scan_int(scan, 0, 6, &value);
    *micros = (int64_t)value * UNITS[scan->at - begin];
    if (!scan_is_digit(scan))
        return true;
    scan->at = begin;
    return read_long_fraction(scan, micros);
}

static bool read_time(struct scan *scan, struct reading *reading)
{
    if (!scan_int(scan, 1, 2, &reading->hour) || !scan_byte(scan, ':') ||
        !scan_int(scan, 1, 2, &reading->minute))
        return false;
    if (!scan_byte(scan, ':'))
        return true;
    if (!scan_int(scan, 1, 2, &reading->second))
        return false;
    return !scan_byte(scan, '.') || read_fraction(scan, &reading->micros);
}

static bool read_offset(struct scan *scan, struct reading *reading)
{
    int sign = scan_byte(scan, '-') ? -1 : 1;
    if (sign > 0 && !scan_byte(scan, '+'))
        return false;
    int hours, minutes = 0, seconds = 0;
    const char *begin = scan->at;
    if (!scan_int(scan, 1, 4, &hours))
        return false;
    if (scan->at - begin > 2) { /* together, as in +530 */
        minutes = hours % 100;
        hours /= 100;
    } else if (scan_byte(scan, ':')) {
        if (!scan_int(scan, 1, 2, &minutes))
            return false;
        if (scan_byte(scan, ':') && !scan_int(scan, 1, 2, &seconds))
            return false;
    }
    reading->zone = sign * (hours * 3600 + minutes * 60 + seconds);
    return hours <= 15 && minutes < 60 && seconds < 60;
}

static bool read_zone(struct scan *scan, struct reading *reading)
{
    char first = scan->at < scan->end ? *scan->at : 'b';
    if (first == '+' || first == '-')
        return read_offset(scan, reading);
    return first == 'b' || first == 'B' || scan_word(scan, "utc") || scan_word(scan, "gmt") ||
           scan_word(scan, "z");
}

static int days_of_month(int64_t year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return DAYS[month - 1] + (leap && month == 2);
}

static bool in_range(const struct reading *reading)
{
    if (reading->month < 1 || reading->month > 12 || reading->day < 1 ||
        reading->day > days_of_month(reading->year, reading->month))
        return false;
    int64_t seconds = reading->hour * 3600 + reading->minute * 60 + reading->second;
    return reading->minute < 60 && reading->second <= 60 &&
           seconds * 1000000 + reading->micros <= DATETIME_DAY;
}

static const char *read_all(struct text text, struct reading *reading)
{
    struct scan scan = scan_make(text);
    memset(reading, 0, sizeof *reading);
    scan_spaces(&scan);
    if (!read_day(&scan, reading))
        return NOT_READ;
    bool timed = scan_word(&scan, "t");
    if (timed || (scan_spaces(&scan) && scan_is_digit(&scan))) {
        if (!read_time(&scan, reading))
            return NOT_READ;
        scan_spaces(&scan);
        if (!read_zone(&scan, reading))
            return NOT_READ;
        scan_spaces(&scan);
    }
    bool bc = scan_word(&scan, "bc");
    scan_spaces(&scan);
    if (scan.at != scan.end || !reading->year)
        return NOT_READ;
    if (bc)
        reading->year = 1 - reading->year;
    return in_range(reading) ? NULL : OUT_OF_RANGE;
}

/* True when the text is a word for a moment: the infinities, and the epoch. */
static bool read_word(struct text text, int64_t *micros)
{
    struct scan scan = scan_make(text);
    scan_spaces(&scan);
    if (scan_is_digit(&scan))
        return false;
    if (scan_word(&scan, "infinity"))
        *micros = INT64_MAX;
    else if (scan_word(&scan, "-infinity"))
        *micros = INT64_MIN;
    else if (scan_word(&scan, "epoch"))
        *micros = -10957 * DATETIME_DAY;
    else
        return false;
    scan_spaces(&scan);
    return scan.at == scan.end;
}

const char *datetime_read_date(struct text text, int32_t *days)
{
    int64_t micros;
    if (read_word(text, &micros)) {
        bool finite = micros != INT64_MAX && micros != INT64_MIN;
        *days = finite ? (int32_t)(micros / DATETIME_DAY) : micros > 0 ? INT32_MAX : INT32_MIN;
        return NULL;
    }
    struct reading reading;
    const char *error = read_all(text, &reading);
    if (error)
        return error;
    int64_t day = datetime_days(reading.year, reading.month, reading.day);
    if (day < DATETIME_MIN_DAY || day >= DATETIME_END_DAY)
        return OUT_OF_RANGE;
    *days = (int32_t)day;
    return NULL;
}

const char *datetime_read(struct text text, bool with_zone, int64_t *micros)
{
    if (read_word(text, micros))
        return NULL;
    struct reading reading;
    const char *error = read_all(text, &reading);
    if (error)
        return error;
    int64_t day = datetime_days(reading.year, reading.month, reading.day);
    if (day < DATETIME_MIN_DAY - 1 || day > DATETIME_END / DATETIME_DAY)
        return OUT_OF_RANGE;
    int64_t seconds = reading.hour * 3600 + reading.minute * 60 + reading.second;
    if (with_zone)
        seconds -= reading.zone;
    int64_t moment = seconds * 1000000 + reading.micros;
    if (__builtin_add_overflow(day * DATETIME_DAY, moment, micros) || *micros < DATETIME_MIN ||
        *micros >= DATETIME_END)
        return OUT_OF_RANGE;
    return NULL;
}

static struct text infinity(bool positive)
{
    return positive ? (struct text){"infinity", 8} : (struct text){"-infinity", 9};
}

static struct text lend(const char *bytes)
{
    return (struct text){bytes, (uint32_t)strlen(bytes)};
}

struct text datetime_write_date(int32_t days, struct arena *arena)
{
    if (days == INT32_MIN || days == INT32_MAX)
        return infinity(days > 0);
    struct datetime split;
    split_day(days, &split);
    bool bc = split.year <= 0;
    return lend(arena_printf(arena, "%04lld-%02d-%02d%s",
                             (long long)(bc ? 1 - split.year : split.year), split.month, split.day,
                             bc ? " BC" : ""));
}

struct text datetime_write(int64_t micros, bool with_zone, struct arena *arena)
{
    if (micros == INT64_MIN || micros == INT64_MAX)
        return infinity(micros > 0);
    struct datetime split = datetime_split(micros);
    bool bc = split.year <= 0;
    char fraction[16] = "";
    if (split.micros) {
        snprintf(fraction, sizeof fraction, ".%06d", split.micros);
        for (char *last = strchr(fraction, '\0'); *--last == '0';)
            *last = '\0';
    }
    return lend(arena_printf(arena, "%04lld-%02d-%02d %02d:%02d:%02d%s%s%s",
                             (long long)(bc ? 1 - split.year : split.year), split.month, split.day,
                             split.hour, split.minute, split.second, fraction,
                             with_zone ? "+00" : "", bc ? " BC" : ""));
}
