/* Operators and functions of dates and moments. */
#include "expression/calls.h"
#include "expression/datetime.h"

#include <string.h>

static const char OUT_OF_RANGE[] = "date out of range";

static bool is_infinite(int32_t days)
{
    return days == INT32_MIN || days == INT32_MAX;
}

static const char *shift(struct call *call, int32_t days, int64_t by)
{
    int64_t shifted = is_infinite(days) ? days : days + by;
    call->result->days = (int32_t)shifted;
    if (is_infinite(days))
        return NULL;
    return shifted < DATETIME_MIN_DAY || shifted >= DATETIME_END_DAY ? OUT_OF_RANGE : NULL;
}

const char *date_add(struct call *call)
{
    return shift(call, call->args[0].days, call->args[1].integer);
}

const char *int_add_date(struct call *call)
{
    return shift(call, call->args[1].days, call->args[0].integer);
}

const char *date_sub(struct call *call)
{
    return shift(call, call->args[0].days, -call->args[1].integer);
}

const char *date_diff(struct call *call)
{
    int32_t left = call->args[0].days, right = call->args[1].days;
    if (is_infinite(left) || is_infinite(right))
        return "infinite dates cannot be subtracted";
    call->result->integer = (int64_t)left - right;
    return NULL;
}

enum unit {
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
};
#define N_UNITS 13

static bool find_unit(struct text text, enum unit *unit)
{
    static const char *const NAMES[N_UNITS][9] = {
        {"microsecond", "microseconds", "us", "usec", "usecs", "useconds", "usecond"},
        {"millisecond", "milliseconds", "ms", "msec", "msecs", "mseconds"},
        {"second", "seconds", "s", "sec", "secs"},
        {"minute", "minutes", "m", "min", "mins"},
        {"hour", "hours", "h", "hr", "hrs"},
        {"day", "days", "d"},
        {"week", "weeks", "w"},
        {"month", "months", "mon", "mons"},
        {"quarter", "qtr"},
        {"year", "years", "y", "yr", "yrs"},
        {"decade", "decades", "dec", "decs"},
        {"century", "centuries", "c", "cent"},
        {"millennium", "millennia", "mil", "mils"},
    };
    for (unsigned i = 0; i < N_UNITS; i++) {
        for (unsigned k = 0; NAMES[i][k]; k++) {
            if (text.len == strlen(NAMES[i][k]) &&
                !strncasecmp(text.bytes, NAMES[i][k], text.len)) {
                *unit = (enum unit)i;
                return true;
            }
        }
    }
    return false;
}

static int64_t floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;
    return value - rest - (rest < 0 ? step : 0);
}

/* Decades begin with the year that step divides, centuries and millennia with the one after. */
static int64_t year_of(enum unit unit, int64_t year)
{
    if (unit == UNIT_DECADE)
        return floor_to(year, 10);
    if (unit == UNIT_CENTURY)
        return floor_to(year - 1, 100) + 1;
    return unit == UNIT_MILLENNIUM ? floor_to(year - 1, 1000) + 1 : year;
}

static int64_t truncated(enum unit unit, int64_t micros)
{
    static const int64_t STEPS[] = {1, 1000, 1000000, 60000000, 3600000000, DATETIME_DAY};
    if (unit <= UNIT_DAY)
        return floor_to(micros, STEPS[unit]);
    if (unit == UNIT_WEEK) /* 2000-01-03 was a Monday */
        return floor_to(micros - 2 * DATETIME_DAY, 7 * DATETIME_DAY) + 2 * DATETIME_DAY;
    struct datetime split = datetime_split(micros);
    int month = unit == UNIT_MONTH     ? split.month
                : unit == UNIT_QUARTER ? (split.month - 1) / 3 * 3 + 1
                                       : 1;
    return datetime_days(year_of(unit, split.year), month, 1) * DATETIME_DAY;
}

const char *time_trunc(struct call *call)
{
    int64_t micros = call->args[1].micros;
    call->result->micros = micros;
    if (micros == INT64_MIN || micros == INT64_MAX)
        return NULL;
    enum unit unit;
    if (!find_unit(call->args[0].text, &unit))
        return "not a unit of time that date_trunc() knows";
    call->result->micros = truncated(unit, micros);
    return call->result->micros < DATETIME_MIN ? "timestamp out of range" : NULL;
}
