#include "catalog_run.h"

static void dates_are_read_and_written_in_iso_form(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"text", "2024-02-29"}}, "2024-02-29", "date"},
        {"cast", {{"text", "2023-02-29"}}, FAILS, "date"},
        {"cast", {{"text", "1900-02-29"}}, FAILS, "date"},
        {"cast", {{"text", "2000-02-29"}}, "2000-02-29", "date"},
        {"cast", {{"text", " 2024-1-5 "}}, "2024-01-05", "date"},
        {"cast", {{"text", "0001-01-01"}}, "0001-01-01", "date"},
        {"cast", {{"text", "0001-01-01 BC"}}, "0001-01-01 BC", "date"},
        {"cast", {{"text", "0005-02-29 BC"}}, "0005-02-29 BC", "date"},
        {"cast", {{"text", "0000-01-01"}}, FAILS, "date"},
        {"cast", {{"text", "4714-11-24 BC"}}, "4714-11-24 BC", "date"},
        {"cast", {{"text", "4714-11-23 BC"}}, FAILS, "date"},
        {"cast", {{"text", "5874897-12-31"}}, "5874897-12-31", "date"},
        {"cast", {{"text", "5874898-01-01"}}, FAILS, "date"},
        {"cast", {{"text", "12345-06-07"}}, "12345-06-07", "date"},
        {"cast", {{"text", "infinity"}}, "infinity", "date"},
        {"cast", {{"text", "-infinity"}}, "-infinity", "date"},
        {"cast", {{"text", "epoch"}}, "1970-01-01", "date"},
        {"cast", {{"text", "2024-13-01"}}, FAILS, "date"},
        {"cast", {{"text", "2024-00-10"}}, FAILS, "date"},
        {"cast", {{"text", "2024-01-32"}}, FAILS, "date"},
        {"cast", {{"text", ""}}, FAILS, "date"},
        {"cast", {{"text", "2024-02-29 23:59:59"}}, "2024-02-29", "date"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void moments_are_read_and_written_in_iso_form(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"text", "2024-02-29 24:00:00"}}, "2024-03-01 00:00:00", "timestamp"},
        {"cast", {{"text", "2024-02-29 24:00:01"}}, FAILS, "timestamp"},
        {"cast", {{"text", "2024-12-31 23:59:60"}}, "2025-01-01 00:00:00", "timestamp"},
        {"cast", {{"text", "2024-12-31 23:59:60.5"}}, FAILS, "timestamp"},
        {"cast", {{"text", "2024-01-01T12:34:56.789"}}, "2024-01-01 12:34:56.789", "timestamp"},
        {"cast",
         {{"text", "2024-01-01 12:34:56.1234565"}},
         "2024-01-01 12:34:56.123456",
         "timestamp"},
        {"cast",
         {{"text", "2024-01-01 12:34:56.1234575"}},
         "2024-01-01 12:34:56.123458",
         "timestamp"},
        {"cast", {{"text", "2024-01-01 00:00:00.9999999"}}, "2024-01-01 00:00:01", "timestamp"},
        {"cast", {{"text", "2024-01-01 12:34"}}, "2024-01-01 12:34:00", "timestamp"},
        {"cast",
         {{"text", "294276-12-31 23:59:59.999999"}},
         "294276-12-31 23:59:59.999999",
         "timestamp"},
        {"cast", {{"text", "294277-01-01"}}, FAILS, "timestamp"},
        {"cast", {{"text", "4714-11-24 00:00:00 BC"}}, "4714-11-24 00:00:00 BC", "timestamp"},
        {"cast", {{"text", "2024-01-01 12:00:00+05"}}, "2024-01-01 12:00:00", "timestamp"},
        {"cast", {{"text", "infinity"}}, "infinity", "timestamp"},
        {"cast", {{"text", "2024-01-01 12:00:00+05:30"}}, "2024-01-01 06:30:00+00", "timestamptz"},
        {"cast", {{"text", "2024-01-01 12:00:00-0130"}}, "2024-01-01 13:30:00+00", "timestamptz"},
        {"cast", {{"text", "2024-01-01 12:00:00Z"}}, "2024-01-01 12:00:00+00", "timestamptz"},
        {"cast", {{"text", "2024-01-01 12:00:00 UTC"}}, "2024-01-01 12:00:00+00", "timestamptz"},
        {"cast", {{"text", "2024-01-01 12:00:00+16"}}, FAILS, "timestamptz"},
        {"cast", {{"text", "2024-01-01"}}, "2024-01-01 00:00:00+00", "timestamptz"},
        {"cast",
         {{"text", "1999-12-31 23:59:59.5-00:00:01"}},
         "2000-01-01 00:00:00.5+00",
         "timestamptz"},
        {"cast",
         {{"text", "0044-03-15 12:00:00+00 BC"}},
         "0044-03-15 12:00:00+00 BC",
         "timestamptz"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void days_are_added_and_subtracted(void **state)
{
    static const struct expectation rows[] = {
        {"+", {{"date", "2024-02-28"}, {"int4", "2"}}, "2024-03-01", NULL},
        {"+", {{"int4", "-1"}, {"date", "2024-03-01"}}, "2024-02-29", NULL},
        {"-", {{"date", "2024-03-01"}, {"int4", "366"}}, "2023-03-01", NULL},
        {"-", {{"date", "2024-03-01"}, {"date", "2023-03-01"}}, "366", NULL},
        {"-", {{"date", "2000-01-01"}, {"date", "0001-01-01 BC"}}, "730485", NULL},
        {"-", {{"date", "infinity"}, {"date", "2024-01-01"}}, FAILS, NULL},
        {"+", {{"date", "infinity"}, {"int4", "5"}}, "infinity", NULL},
        {"+", {{"date", "5874897-12-31"}, {"int4", "1"}}, FAILS, NULL},
        {"-", {{"date", "4714-11-24 BC"}, {"int4", "1"}}, FAILS, NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void dates_compare_with_moments_beyond_their_range(void **state)
{
    static const struct expectation rows[] = {
        {"<", {{"date", "5874897-12-31"}, {"timestamp", "infinity"}}, "t", NULL},
        {">", {{"date", "5874897-12-31"}, {"timestamp", "294276-12-31 23:59:59"}}, "t", NULL},
        {"=", {{"date", "2024-01-01"}, {"timestamp", "2024-01-01 00:00:00"}}, "t", NULL},
        {"<", {{"date", "2024-01-01"}, {"timestamptz", "2024-01-01 00:00:00.000001"}}, "t", NULL},
        {"=", {{"timestamp", "infinity"}, {"date", "infinity"}}, "t", NULL},
        {"<", {{"date", "-infinity"}, {"timestamptz", "4714-11-24 00:00:00 BC"}}, "t", NULL},
        {">=",
         {{"timestamptz", "2024-01-01 00:00:00+00"}, {"timestamp", "2024-01-01 00:00:00"}},
         "t",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void moments_and_dates_are_cast(void **state)
{
    static const struct expectation rows[] = {
        {"cast", {{"timestamp", "1999-12-31 23:59:59.999999"}}, "1999-12-31", "date"},
        {"cast", {{"timestamp", "2000-01-01 00:00:00"}}, "2000-01-01", "date"},
        {"cast", {{"timestamp", "0001-12-31 23:00:00 BC"}}, "0001-12-31 BC", "date"},
        {"cast", {{"timestamp", "infinity"}}, "infinity", "date"},
        {"cast", {{"date", "2024-02-29"}}, "2024-02-29 00:00:00", "timestamp"},
        {"cast", {{"date", "294277-01-01"}}, FAILS, "timestamp"},
        {"cast", {{"date", "-infinity"}}, "-infinity", "timestamp"},
        {"cast", {{"timestamp", "2024-01-01 12:00:00"}}, "2024-01-01 12:00:00+00", "timestamptz"},
        {"cast", {{"timestamptz", "2024-01-01 12:00:00.5+01"}}, "2024-01-01 11:00:00.5+00", "text"},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void date_trunc_cuts_at_units_of_the_clock(void **state)
{
    static const struct expectation rows[] = {
        {"date_trunc",
         {{"text", "microseconds"}, {"timestamp", "2024-05-17 12:34:56.789123"}},
         "2024-05-17 12:34:56.789123",
         NULL},
        {"date_trunc",
         {{"text", "milliseconds"}, {"timestamp", "1999-05-17 12:34:56.789923"}},
         "1999-05-17 12:34:56.789",
         NULL},
        {"date_trunc",
         {{"text", "second"}, {"timestamp", "1999-12-31 23:59:59.999999"}},
         "1999-12-31 23:59:59",
         NULL},
        {"date_trunc",
         {{"text", "minute"}, {"timestamp", "2024-05-17 12:34:56"}},
         "2024-05-17 12:34:00",
         NULL},
        {"date_trunc",
         {{"text", "hour"}, {"timestamp", "1969-12-31 23:30:00"}},
         "1969-12-31 23:00:00",
         NULL},
        {"date_trunc",
         {{"text", "day"}, {"timestamp", "1969-12-31 23:30:00"}},
         "1969-12-31 00:00:00",
         NULL},
        {"date_trunc", {{"text", "foo"}, {"timestamp", "2024-01-01 00:00:00"}}, FAILS, NULL},
        {"date_trunc", {{"text", "day"}, {"timestamp", "infinity"}}, "infinity", NULL},
        {"date_trunc", {{"text", "foo"}, {"timestamp", "-infinity"}}, "-infinity", NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void date_trunc_cuts_at_units_of_the_calendar(void **state)
{
    static const struct expectation rows[] = {
        {"date_trunc",
         {{"text", "week"}, {"timestamp", "2024-01-01 12:00:00"}},
         "2024-01-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "week"}, {"timestamp", "2023-12-31 12:00:00"}},
         "2023-12-25 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "Month"}, {"timestamp", "2024-05-17 12:34:56"}},
         "2024-05-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "quarter"}, {"timestamp", "2024-05-17 12:34:56"}},
         "2024-04-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "quarter"}, {"timestamp", "2024-12-31 00:00:00"}},
         "2024-10-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "year"}, {"timestamp", "2024-05-17 12:34:56"}},
         "2024-01-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "decade"}, {"timestamp", "2024-05-17 12:34:56"}},
         "2020-01-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "century"}, {"timestamp", "2000-05-17 12:34:56"}},
         "1901-01-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "century"}, {"timestamp", "2001-05-17 12:34:56"}},
         "2001-01-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "millennium"}, {"timestamp", "2000-12-31 00:00:00"}},
         "1001-01-01 00:00:00",
         NULL},
        {"date_trunc",
         {{"text", "decade"}, {"timestamp", "0005-01-01 00:00:00 BC"}},
         "0011-01-01 00:00:00 BC",
         NULL},
        {"date_trunc",
         {{"text", "century"}, {"timestamp", "0101-01-01 00:00:00 BC"}},
         "0200-01-01 00:00:00 BC",
         NULL},
        {"date_trunc",
         {{"text", "day"}, {"timestamptz", "2024-01-01 01:00:00+02"}},
         "2023-12-31 00:00:00+00",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void to_char_knows_the_template_patterns(void **state)
{
    static const struct expectation rows[] = {
        {"to_char",
         {{"timestamp", "2024-02-09 15:04:05.067"}, {"text", "YYYY-MM-DD HH24:MI:SS.MS"}},
         "2024-02-09 15:04:05.067",
         NULL},
        {"to_char",
         {{"timestamp", "2024-02-09 00:04:05.067"},
          {"text", "HH12 HH hh24 AM p.m. US FF1 FF3 SSSS"}},
         "12 12 00 AM a.m. 067000 0 067 245",
         NULL},
        {"to_char",
         {{"timestamp", "2024-02-09 12:00:00"}, {"text", "FMDDth FMMonth YYYY"}},
         "9th February 2024",
         NULL},
        {"to_char",
         {{"timestamp", "2024-02-09 12:00:00"},
          {"text", "DAY|Day|day|Dy|FMDay|MON|Mon|month|RM|rm|FMRM"}},
         "FRIDAY   |Friday   |friday   |Fri|Friday|FEB|Feb|february |II  |ii  |II",
         NULL},
        {"to_char",
         {{"timestamp", "2021-01-03 12:00:00"}, {"text", "IYYY-IW-ID IDDD IYY IY I"}},
         "2020-53-7 371 020 20 0",
         NULL},
        {"to_char",
         {{"timestamp", "2020-12-31 12:00:00"}, {"text", "IYYY-\"W\"IW-ID WW W DDD D J Q CC"}},
         "2020-W53-4 53 5 366 5 2459215 4 21",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

static void to_char_counts_years_before_christ_and_ordinals(void **state)
{
    static const struct expectation rows[] = {
        {"to_char",
         {{"timestamp", "0044-03-15 12:00:00 BC"}, {"text", "YYYY BC CC Y,YYY a.d."}},
         "0044 BC -01 0,044 b.c.",
         NULL},
        {"to_char",
         {{"timestamp", "12345-01-02 00:00:00"}, {"text", "YYYY YYY YY Y Y,YYY"}},
         "12345 345 45 5 12,345",
         NULL},
        {"to_char",
         {{"timestamp", "2024-01-11 00:00:00"}, {"text", "DDTH DDth FMDDTH MMth HH24TH"}},
         "11TH 11th 11TH 01st 00TH",
         NULL},
        {"to_char",
         {{"timestamp", "2024-01-22 01:02:03"}, {"text", "DDth MIth SSth D,d"}},
         "22nd 02nd 03rd 2,2",
         NULL},
        {"to_char",
         {{"timestamp", "2024-01-22 01:02:03"},
          {"text", "\"quoted \\\"YYYY\" \\\"YY\\\" xx \303\251"}},
         "quoted \"YYYY \"24\" xx \303\251",
         NULL},
        {"to_char",
         {{"timestamptz", "2024-01-22 01:02:03"}, {"text", "TZ tz OF TZH:TZM"}},
         "UTC utc +00 +00:00",
         NULL},
        {"to_char", {{"timestamp", "2024-01-22 01:02:03"}, {"text", ""}}, IS_NULL, NULL},
        {"to_char", {{"timestamp", "infinity"}, {"text", "YYYY"}}, IS_NULL, NULL},
        {"to_char",
         {{"timestamp", "2024-01-22 01:02:03"},
          {"text", "FXYYYY FMMM FMMI FMHH12 FMCC FMDDD FMMS"}},
         "2024 1 2 1 21 22 000",
         NULL},
    };
    (void)state;
    EXPECT_ALL(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_and_written_in_iso_form),
        cmocka_unit_test(moments_are_read_and_written_in_iso_form),
        cmocka_unit_test(days_are_added_and_subtracted),
        cmocka_unit_test(dates_compare_with_moments_beyond_their_range),
        cmocka_unit_test(moments_and_dates_are_cast),
        cmocka_unit_test(date_trunc_cuts_at_units_of_the_clock),
        cmocka_unit_test(date_trunc_cuts_at_units_of_the_calendar),
        cmocka_unit_test(to_char_knows_the_template_patterns),
        cmocka_unit_test(to_char_counts_years_before_christ_and_ordinals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
