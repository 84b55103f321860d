/* to_char() of moments: every template pattern of PostgreSQL's but TM, which speaks the language
 * of the server, and SP, which it does not do either. */
#include "expression/calls.h"
#include "expression/datetime.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define WIDEST 32 /* bytes that one pattern makes at most */

enum pattern {
    NOTHING, /* FX: matters to reading alone */
    AM_PM,
    AD_BC,
    ZONE,
    ZONE_HOURS,
    ZONE_MINUTES,
    ZONE_OFFSET,
    MONTH_NAME,
    MONTH_SHORT,
    MONTH_ROMAN,
    DAY_NAME,
    DAY_SHORT,
    /* those below are numbers, which TH may follow */
    HOUR12,
    HOUR24,
    MINUTE,
    SECOND,
    FRACTION,
    SECONDS_OF_DAY,
    MONTH,
    DAY_OF_YEAR,
    ISO_DAY_OF_YEAR,
    DAY,
    DAY_OF_WEEK,
    ISO_DAY_OF_WEEK,
    WEEK_OF_YEAR,
    ISO_WEEK,
    WEEK_OF_MONTH,
    QUARTER,
    CENTURY,
    YEAR,
    YEAR_COMMA,
    ISO_YEAR,
    JULIAN,
};

enum letters { LETTERS_NONE, LETTERS_UPPER, LETTERS_TITLE, LETTERS_LOWER };

/* In the order in which PostgreSQL tries them: of two that begin alike the longer first. A pattern
 * that makes a number is written in either case; digits of years and fractions are in n. */
static const struct template
{
    const char *text;
    enum pattern pattern;
    int n;
    enum letters letters; /* NONE: upper and lower case mean the same */
}
TEMPLATES[] = {
    {"A.D.", AD_BC, 1, LETTERS_UPPER},
    {"A.M.", AM_PM, 1, LETTERS_UPPER},
    {"AD", AD_BC, 0, LETTERS_UPPER},
    {"AM", AM_PM, 0, LETTERS_UPPER},
    {"B.C.", AD_BC, 1, LETTERS_UPPER},
    {"BC", AD_BC, 0, LETTERS_UPPER},
    {"P.M.", AM_PM, 1, LETTERS_UPPER},
    {"PM", AM_PM, 0, LETTERS_UPPER},
    {"a.d.", AD_BC, 1, LETTERS_LOWER},
    {"a.m.", AM_PM, 1, LETTERS_LOWER},
    {"ad", AD_BC, 0, LETTERS_LOWER},
    {"am", AM_PM, 0, LETTERS_LOWER},
    {"b.c.", AD_BC, 1, LETTERS_LOWER},
    {"bc", AD_BC, 0, LETTERS_LOWER},
    {"p.m.", AM_PM, 1, LETTERS_LOWER},
    {"pm", AM_PM, 0, LETTERS_LOWER},
    {"CC", CENTURY, 2, LETTERS_NONE},
    {"DAY", DAY_NAME, 0, LETTERS_UPPER},
    {"Day", DAY_NAME, 0, LETTERS_TITLE},
    {"day", DAY_NAME, 0, LETTERS_LOWER},
    {"DDD", DAY_OF_YEAR, 3, LETTERS_NONE},
    {"DD", DAY, 2, LETTERS_NONE},
    {"DY", DAY_SHORT, 0, LETTERS_UPPER},
    {"Dy", DAY_SHORT, 0, LETTERS_TITLE},
    {"dy", DAY_SHORT, 0, LETTERS_LOWER},
    {"D", DAY_OF_WEEK, 0, LETTERS_NONE},
    {"FF1", FRACTION, 1, LETTERS_NONE},
    {"FF2", FRACTION, 2, LETTERS_NONE},
    {"FF3", FRACTION, 3, LETTERS_NONE},
    {"FF4", FRACTION, 4, LETTERS_NONE},
    {"FF5", FRACTION, 5, LETTERS_NONE},
    {"FF6", FRACTION, 6, LETTERS_NONE},
    {"FX", NOTHING, 0, LETTERS_NONE},
    {"HH24", HOUR24, 2, LETTERS_NONE},
    {"HH12", HOUR12, 2, LETTERS_NONE},
    {"HH", HOUR12, 2, LETTERS_NONE},
    {"IDDD", ISO_DAY_OF_YEAR, 3, LETTERS_NONE},
    {"ID", ISO_DAY_OF_WEEK, 0, LETTERS_NONE},
    {"IW", ISO_WEEK, 2, LETTERS_NONE},
    {"IYYY", ISO_YEAR, 4, LETTERS_NONE},
    {"IYY", ISO_YEAR, 3, LETTERS_NONE},
    {"IY", ISO_YEAR, 2, LETTERS_NONE},
    {"I", ISO_YEAR, 1, LETTERS_NONE},
    {"J", JULIAN, 0, LETTERS_NONE},
    {"MI", MINUTE, 2, LETTERS_NONE},
    {"MM", MONTH, 2, LETTERS_NONE},
    {"MONTH", MONTH_NAME, 0, LETTERS_UPPER},
    {"Month", MONTH_NAME, 0, LETTERS_TITLE},
    {"month", MONTH_NAME, 0, LETTERS_LOWER},
    {"MON", MONTH_SHORT, 0, LETTERS_UPPER},
    {"Mon", MONTH_SHORT, 0, LETTERS_TITLE},
    {"mon", MONTH_SHORT, 0, LETTERS_LOWER},
    {"MS", FRACTION, 3, LETTERS_NONE},
    {"OF", ZONE_OFFSET, 0, LETTERS_NONE},
    {"Q", QUARTER, 0, LETTERS_NONE},
    {"RM", MONTH_ROMAN, 0, LETTERS_UPPER},
    {"rm", MONTH_ROMAN, 0, LETTERS_LOWER},
    {"SSSSS", SECONDS_OF_DAY, 0, LETTERS_NONE},
    {"SSSS", SECONDS_OF_DAY, 0, LETTERS_NONE},
    {"SS", SECOND, 2, LETTERS_NONE},
    {"TZH", ZONE_HOURS, 0, LETTERS_NONE},
    {"TZM", ZONE_MINUTES, 0, LETTERS_NONE},
    {"TZ", ZONE, 0, LETTERS_UPPER},
    {"tz", ZONE, 0, LETTERS_LOWER},
    {"US", FRACTION, 6, LETTERS_NONE},
    {"WW", WEEK_OF_YEAR, 2, LETTERS_NONE},
    {"W", WEEK_OF_MONTH, 0, LETTERS_NONE},
    {"Y,YYY", YEAR_COMMA, 0, LETTERS_NONE},
    {"YYYY", YEAR, 4, LETTERS_NONE},
    {"YYY", YEAR, 3, LETTERS_NONE},
    {"YY", YEAR, 2, LETTERS_NONE},
    {"Y", YEAR, 1, LETTERS_NONE},
};

static const char *const MONTHS[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const DAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const ROMAN[] = {"I",   "II",   "III", "IV", "V",  "VI",
                                    "VII", "VIII", "IX",  "X",  "XI", "XII"};

struct moment {
    struct datetime split;
    int64_t days;
    int day_of_year, day_of_week; /* the week from Sunday, 0 */
    int64_t iso_year;
    int iso_day_of_year;
    bool zoned;
};

static struct moment moment_of(int64_t micros)
{
    struct moment moment = {.split = datetime_split(micros)};
    int64_t year = moment.split.year;
    moment.days = datetime_days(year, moment.split.month, moment.split.day);
    moment.day_of_year = (int)(moment.days - datetime_days(year, 1, 1)) + 1;
    moment.day_of_week = (int)(((moment.days + 6) % 7 + 7) % 7);
    int since_monday = (moment.day_of_week + 6) % 7;
    /* the week belongs to the year of its Thursday, the first is that of January 4 */
    struct datetime thursday = datetime_split((moment.days - since_monday + 3) * DATETIME_DAY);
    moment.iso_year = thursday.year;
    int64_t fourth = datetime_days(thursday.year, 1, 4);
    int64_t first = fourth - ((fourth + 5) % 7 + 7) % 7;
    moment.iso_day_of_year = (int)(moment.days - first) + 1;
    return moment;
}

static const char *suffix_of(const char *number, bool upper)
{
    static const char *const SUFFIXES[][2] = {
        {"th", "TH"}, {"st", "ST"}, {"nd", "ND"}, {"rd", "RD"}};
    size_t n = strlen(number);
    char last = number[n - 1];
    bool teen = n > 1 && number[n - 2] == '1';
    return SUFFIXES[!teen && last >= '1' && last <= '3' ? last - '0' : 0][upper];
}

static void recase(char *text, enum letters letters)
{
    for (char *at = text; *at; at++) {
        bool letter = (*at | 0x20) >= 'a' && (*at | 0x20) <= 'z';
        if (letter && letters == LETTERS_UPPER)
            *at = (char)(*at & ~0x20);
        else if (letter && letters == LETTERS_LOWER)
            *at = (char)(*at | 0x20);
    }
}

static int64_t positive(int64_t year)
{
    return year <= 0 ? 1 - year : year;
}

static int64_t last_digits(int64_t value, int n)
{
    static const int LIMITS[] = {1, 10, 100, 1000};
    return n < 4 ? value % LIMITS[n] : value;
}

static int64_t number_of(const struct moment *moment, enum pattern pattern, int n)
{
    static const int UNITS[] = {1, 100000, 10000, 1000, 100, 10, 1};
    const struct datetime *split = &moment->split;
    switch (pattern) {
    case HOUR12:
        return split->hour % 12 ? split->hour % 12 : 12;
    case HOUR24:
        return split->hour;
    case MINUTE:
        return split->minute;
    case SECOND:
        return split->second;
    case FRACTION:
        return split->micros / UNITS[n];
    case SECONDS_OF_DAY:
        return split->hour * 3600 + split->minute * 60 + split->second;
    case MONTH:
        return split->month;
    case DAY_OF_YEAR:
        return moment->day_of_year;
    case ISO_DAY_OF_YEAR:
        return moment->iso_day_of_year;
    case DAY:
        return split->day;
    case DAY_OF_WEEK:
        return moment->day_of_week + 1;
    case ISO_DAY_OF_WEEK:
        return moment->day_of_week ? moment->day_of_week : 7;
    case WEEK_OF_YEAR:
        return (moment->day_of_year - 1) / 7 + 1;
    case ISO_WEEK:
        return (moment->iso_day_of_year - 1) / 7 + 1;
    case WEEK_OF_MONTH:
        return (split->day - 1) / 7 + 1;
    case QUARTER:
        return (split->month - 1) / 3 + 1;
    case CENTURY:
        return split->year > 0 ? (split->year - 1) / 100 + 1 : split->year / 100 - 1;
    case YEAR:
        return last_digits(positive(split->year), n);
    case ISO_YEAR:
        return last_digits(positive(moment->iso_year), n);
    case JULIAN:
        return moment->days + 2451545;
    default:
        return 0;
    }
}

static void put_number(char *out, const struct moment *moment, const struct template *template,
                       bool fill)
{
    if (template->pattern == YEAR_COMMA) {
        long long year = positive(moment->split.year);
        snprintf(out, WIDEST, "%lld,%03lld", year / 1000, year % 1000);
        return;
    }
    int64_t value = number_of(moment, template->pattern, template->n);
    bool filled = fill || template->pattern == FRACTION;
    int width = !filled ? 0 : template->n + (template->n && value < 0);
    snprintf(out, WIDEST, "%0*lld", width, (long long)value);
}

static const char *word_of(const struct moment *moment, const struct template *template)
{
    bool dotted = template->n;
    switch (template->pattern) {
    case AM_PM:
        if (moment->split.hour >= 12)
            return dotted ? "P.M." : "PM";
        return dotted ? "A.M." : "AM";
    case AD_BC:
        if (moment->split.year <= 0)
            return dotted ? "B.C." : "BC";
        return dotted ? "A.D." : "AD";
    case ZONE:
        return moment->zoned ? "UTC" : "";
    case ZONE_HOURS:
    case ZONE_OFFSET:
        return "+00";
    case ZONE_MINUTES:
        return "00";
    case MONTH_NAME:
    case MONTH_SHORT:
        return MONTHS[moment->split.month - 1];
    case MONTH_ROMAN:
        return ROMAN[moment->split.month - 1];
    case DAY_NAME:
    case DAY_SHORT:
        return DAYS[moment->day_of_week];
    default:
        return "";
    }
}

static void put_word(char *out, const struct moment *moment, const struct template *template,
                     bool fill)
{
    enum pattern pattern = template->pattern;
    const char *word = word_of(moment, template);
    if (pattern == ZONE_OFFSET && !fill)
        word = "+0";
    int width = pattern == MONTH_NAME || pattern == DAY_NAME ? 9 : pattern == MONTH_ROMAN ? 4 : 0;
    int most = pattern == MONTH_SHORT || pattern == DAY_SHORT ? 3 : WIDEST;
    snprintf(out, WIDEST, "%-*.*s", fill ? width : 0, most, word);
    recase(out, template->letters);
}

static bool begins(const char *at, const char *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - at) >= n && !memcmp(at, text, n);
}

static bool begins_lower(const char *at, const char *end, const char *text)
{
    for (; *text; text++, at++) {
        char lower = (char)(*text >= 'A' && *text <= 'Z' ? *text | 0x20 : *text);
        if (at == end || *at != lower)
            return false;
    }
    return true;
}

static const struct template *find(const char *at, const char *end)
{
    for (size_t i = 0; i < sizeof TEMPLATES / sizeof TEMPLATES[0]; i++) {
        if (begins(at, end, TEMPLATES[i].text) ||
            (TEMPLATES[i].letters == LETTERS_NONE && begins_lower(at, end, TEMPLATES[i].text)))
            return &TEMPLATES[i];
    }
    return NULL;
}

/* Text in double quotes is copied, a backslash in it taking the next as it is; outside of them the
 * backslash does so before a quote alone. */
static const char *copy_literal(const char *at, const char *end, char **out)
{
    if (*at != '"') {
        if (*at == '\\' && at + 1 < end && at[1] == '"')
            at++;
        *(*out)++ = *at++;
        return at;
    }
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
        *(*out)++ = *at;
    }
    return at < end ? at + 1 : at;
}

static const char *put_template(const struct template *template, const struct moment *moment,
                                bool fill, const char *at, const char *end, char **out)
{
    char text[WIDEST + 4];
    bool number = template->pattern >= HOUR12;
    at += strlen(template->text);
    if (number)
        put_number(text, moment, template, fill);
    else
        put_word(text, moment, template, fill);
    bool upper = begins(at, end, "TH");
    if (upper || begins(at, end, "th")) {
        at += 2;
        if (number)
            strcat(text, suffix_of(text, upper));
    }
    size_t n = strlen(text);
    memcpy(*out, text, n);
    *out += n;
    return at;
}

static const char *write(struct call *call, const struct moment *moment, struct text format)
{
    char *bytes = arena_alloc(call->arena, (size_t)format.len * WIDEST + 1), *out = bytes;
    const char *at = format.bytes, *end = at + format.len;
    while (at < end) {
        if (begins(at, end, "TM") || begins(at, end, "tm"))
            return "to_char() with TM depends on the server's language";
        bool fill = !begins(at, end, "FM") && !begins(at, end, "fm");
        if (!fill)
            at += 2;
        const struct template *template = at < end ? find(at, end) : NULL;
        if (template)
            at = put_template(template, moment, fill, at, end, &out);
        else if (at < end)
            at = copy_literal(at, end, &out);
        if (template && begins(at, end, "SP"))
            return "to_char() with SP is not done";
    }
    call->result->text = (struct text){bytes, (uint32_t)(out - bytes)};
    return NULL;
}

const char *time_to_char(struct call *call)
{
    int64_t micros = call->args[0].micros;
    if (micros == INT64_MIN || micros == INT64_MAX || !call->args[1].text.len) {
        call->result->kind = DATUM_NULL;
        return NULL;
    }
    if (call->args[1].text.len > UINT16_MAX)
        return "a to_char() pattern too long";
    struct moment moment = moment_of(micros);
    moment.zoned = call->types[0] == TYPE_TIMESTAMPTZ;
    return write(call, &moment, call->args[1].text);
}
