#include "rule/dateformat.h"

#include <string.h>
#include <time.h>

#define MINUTES_A_DAY 1440

const char *dateformat_fault(const char *pattern)
{
    static const char conversions[] = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
    if (!*pattern)
        return pattern;
    for (const char *at = strchr(pattern, '%'); at; at = strchr(at + 2, '%'))
        if (!at[1] || !strchr(conversions, at[1]))
            return at;
    return NULL;
}

/* A reader of fixed numbers that stays broken. */
struct scan {
    const char *at;
    const char *end;
    bool broken;
};

static bool take(struct scan *scan, char byte)
{
    if (scan->broken || scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

static void need(struct scan *scan, char byte)
{
    scan->broken |= !take(scan, byte);
}

/* So many digits, and a number between the two. */
static int number(struct scan *scan, int n_digits, int least, int most)
{
    int value = 0;
    for (int i = 0; i < n_digits; i++, scan->at++) {
        if (scan->at == scan->end || *scan->at < '0' || *scan->at > '9') {
            scan->broken = true;
            return least;
        }
        value = 10 * value + (*scan->at - '0');
    }
    scan->broken |= value < least || value > most;
    return value;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year));
}

static void read_time(struct scan *scan, struct tm *tm)
{
    tm->tm_hour = number(scan, 2, 0, 23);
    need(scan, ':');
    tm->tm_min = number(scan, 2, 0, 59);
    need(scan, ':');
    tm->tm_sec = number(scan, 2, 0, 59);
    if (!take(scan, '.'))
        return;
    number(scan, 1, 0, 9);
    while (!scan->broken && scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
}

/* Minutes east of Greenwich. */
static int read_offset(struct scan *scan)
{
    if (scan->broken || scan->at == scan->end)
        return 0;
    int sign = take(scan, '-') ? -1 : 1;
    if (sign == 1)
        need(scan, '+');
    int minutes = 60 * number(scan, 2, 0, 15);
    if (take(scan, ':'))
        minutes += number(scan, 2, 0, 59);
    return sign * minutes;
}

static void shift_day(struct tm *tm, int days)
{
    tm->tm_mday += days;
    if (tm->tm_mday > days_of_month(tm->tm_year, tm->tm_mon)) {
        tm->tm_mday = 1;
        tm->tm_mon++;
    } else if (tm->tm_mday == 0) {
        tm->tm_mon--;
        tm->tm_mday = tm->tm_mon < 0 ? 31 : days_of_month(tm->tm_year, tm->tm_mon);
    }
    tm->tm_year += tm->tm_mon == 12 ? 1 : tm->tm_mon < 0 ? -1 : 0;
    tm->tm_mon = (tm->tm_mon + 12) % 12;
}

/* At most 16 hours: never more than one day away. */
static void to_utc(struct tm *tm, int offset)
{
    int minutes = 60 * tm->tm_hour + tm->tm_min - offset;
    if (minutes < 0)
        shift_day(tm, -1);
    else if (minutes >= MINUTES_A_DAY)
        shift_day(tm, 1);
    minutes = (minutes + MINUTES_A_DAY) % MINUTES_A_DAY;
    tm->tm_hour = minutes / 60;
    tm->tm_min = minutes % 60;
}

/* What follows from year, month and day. */
static void complete(struct tm *tm)
{
    int before = tm->tm_year - 1;
    for (int month = 0; month < tm->tm_mon; month++)
        tm->tm_yday += days_of_month(tm->tm_year, month);
    tm->tm_yday += tm->tm_mday - 1;
    /* The first of January of the year 1 was a Monday. */
    tm->tm_wday = (1 + before * 365 + before / 4 - before / 100 + before / 400 + tm->tm_yday) % 7;
    tm->tm_year -= 1900;
    tm->tm_zone = "UTC";
}

static bool read_date(const char *text, size_t n, struct tm *tm)
{
    struct scan scan = {text, text + n, false};
    tm->tm_year = number(&scan, 4, 1000, 9999);
    need(&scan, '-');
    tm->tm_mon = number(&scan, 2, 1, 12) - 1;
    need(&scan, '-');
    tm->tm_mday = number(&scan, 2, 1, 31);
    if (scan.broken || tm->tm_mday > days_of_month(tm->tm_year, tm->tm_mon))
        return false;
    if (take(&scan, ' ') || take(&scan, 'T')) {
        read_time(&scan, tm);
        to_utc(tm, read_offset(&scan));
    }
    return !scan.broken && scan.at == scan.end && tm->tm_year >= 1000 && tm->tm_year <= 9999;
}

bool dateformat_put(const char *pattern, const char *text, size_t n, struct buf *to)
{
    struct tm tm = {0};
    if (!read_date(text, n, &tm))
        return false;
    complete(&tm);
    /* %c, the longest, has 24 bytes. */
    size_t room = 12 * strlen(pattern) + 1;
    char *at = buf_room(to, room);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    to->len += strftime(at, room, pattern, &tm);
#pragma GCC diagnostic pop
    return true;
}
