#include "common/model/day.h"

#include <stdio.h>

#include "common/model/scan.h"
#include "tests/support/suite.h"

struct date {
    int year;
    int month;
    int day;
};

static int naive_month_days(int year, int month)
{
    switch (month) {
    case 2:
        return (year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)) ? 29 : 28;
    case 4:
    case 6:
    case 9:
    case 11:
        return 30;
    default:
        return 31;
    }
}

static void naive_tomorrow(struct date *t)
{
    if (++t->day <= naive_month_days(t->year, t->month)) {
        return;
    }
    t->day = 1;
    if (++t->month > 12) {
        t->month = 1;
        t->year++;
    }
}

/* check reports every passed assertion to its parent, too slow for 100,000 days: compare by hand.
 */
START_TEST(every_day_agrees_with_a_walk_through_the_calendar)
{
    struct date walk = {1900, 1, 1};
    int weekday = 1; /* 1900-01-01 was a Monday */
    for (day_t d = DAY_FIRST; d <= DAY_LAST; d++) {
        char text[DAY_TEXT_BYTES], expected[40];
        int year, month, day;
        day_t parsed = 0;
        day_split(d, &year, &month, &day);
        snprintf(expected, sizeof expected, "%04d-%02d-%02d", walk.year, walk.month, walk.day);
        day_format(d, text);
        if (year != walk.year || month != walk.month || day != walk.day ||
            day_of(year, month, day) != d || day_weekday(d) != weekday || strcmp(text, expected) ||
            day_parse(slice_str(text), &parsed, NULL) != ERR_OK || parsed != d) {
            ck_abort_msg("day %d: expected %s weekday %d, got %s (%d-%d-%d) weekday %d, of %d, "
                         "parsed %d",
                         d, expected, weekday, text, year, month, day, day_weekday(d),
                         day_of(year, month, day), parsed);
        }
        naive_tomorrow(&walk);
        weekday = weekday % 7 + 1;
    }
    ck_assert_int_eq(walk.year, 2200);
    ck_assert_int_eq(walk.month * 100 + walk.day, 101);
}
END_TEST

START_TEST(fixed_days_have_their_numbers)
{
    ck_assert_int_eq(day_of(1970, 1, 1), 0);
    ck_assert_int_eq(day_of(1900, 1, 1), DAY_FIRST);
    ck_assert_int_eq(day_of(2199, 12, 31), DAY_LAST);
    ck_assert_int_eq(day_of(2000, 2, 29), 11016);
    ck_assert_int_eq(day_weekday(day_of(2024, 9, 5)), 4);
}
END_TEST

START_TEST(only_days_of_the_gregorian_calendar_exist)
{
    static const struct {
        int year, month, day;
        bool exists;
        const char *reason;
    } rows[] = {
        {2024, 2, 29, true, "leap year"},
        {2023, 2, 29, false, "common year"},
        {2000, 2, 29, true, "divisible by 400"},
        {2100, 2, 29, false, "divisible by 100 only"},
        {2024, 4, 31, false, "April has 30 days"},
        {2024, 12, 31, true, "last day of a year"},
        {2024, 0, 1, false, "months start at 1"},
        {2024, 13, 1, false, "months end at 12"},
        {2024, 1, 0, false, "days start at 1"},
        {2024, -1, -1, false, "negative numbers"},
        {2024, INT32_MAX, INT32_MIN, false, "any number may come from outside"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(day_exists(rows[i].year, rows[i].month, rows[i].day) == rows[i].exists,
                      "%d-%d-%d: %s", rows[i].year, rows[i].month, rows[i].day, rows[i].reason);
    }
}
END_TEST

START_TEST(a_refused_day_is_told_what_is_wrong_and_leaves_the_result_alone)
{
    static const struct {
        const char *text;
        const char *sentence;
    } rows[] = {
        {"", "the day is missing: write it like 2024-09-05"},
        {"2024-02-30", "2024-02-30 does not exist: 2024-02 has 29 days"},
        {"2023-02-29", "2023-02-29 does not exist: 2023-02 has 28 days"},
        {"2024-04-00", "2024-04-00 does not exist: 2024-04 has 30 days"},
        {"2024-13-01", "2024-13-01 does not exist: months run from 01 to 12"},
        {"2024-00-01", "2024-00-01 does not exist: months run from 01 to 12"},
        {"1899-12-31", "1899-12-31 is out of range: days from 1900-01-01 to 2199-12-31 are "
                       "accepted, check the year"},
        {"2200-01-01", "2200-01-01 is out of range: days from 1900-01-01 to 2199-12-31 are "
                       "accepted, check the year"},
        {"05/09/2024", "05/09/2024: write 2024-09-05"},
        {"5/9/2024", "5/9/2024: write 2024-09-05"},
        {"05-09-2024", "05-09-2024: write 2024-09-05"},
        {"5.9.2024", "5.9.2024: write 2024-09-05"},
        {"2024/09/05", "2024/09/05: write 2024-09-05"},
        {"2024-9-5", "2024-9-5: write 2024-09-05"},
        {"2024-09-05 ", "2024-09-05 : write 2024-09-05"},
        {"5/9/24", "\"5/9/24\" is not a day: write year, month and day like 2024-09-05"},
        {"30/02/2024", "\"30/02/2024\" is not a day: write year, month and day like 2024-09-05"},
        {"2024-09", "\"2024-09\" is not a day: write year, month and day like 2024-09-05"},
        {"ngày mai", "\"ngày mai\" is not a day: write year, month and day like 2024-09-05"},
        {"2024-09-0x", "\"2024-09-0x\" is not a day: write year, month and day like 2024-09-05"},
        {"-024-09-05", "\"-024-09-05\" is not a day: write year, month and day like 2024-09-05"},
        {"99999999999/1/1",
         "\"99999999999/1/1\" is not a day: write year, month and day like 2024-09-05"},
        {"1/2/3/2024", "\"1/2/3/2024\" is not a day: write year, month and day like 2024-09-05"},
        {"a\nb\x01\xff", "\"a?b??\" is not a day: write year, month and day like 2024-09-05"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};
        day_t d = -7;
        ck_assert_int_eq(day_parse(slice_str(rows[i].text), &d, &err), ERR_INVALID);
        ck_assert_str_eq(err.text, rows[i].sentence);
        ck_assert_int_eq(d, -7);
        ck_assert_int_eq(day_parse(slice_str(rows[i].text), &d, NULL), ERR_INVALID);
    }
}
END_TEST

START_TEST(days_are_written_the_vietnamese_way_for_people)
{
    char text[DAY_TEXT_BYTES];
    ck_assert_str_eq(day_format_vi(day_of(2024, 9, 5), text), "05/09/2024");
    ck_assert_str_eq(day_format_vi(DAY_NEVER, text), "vô hạn");
    ck_assert_str_eq(day_format_vi(INT32_MIN, text), "trước 0");
    ck_assert_str_eq(day_format_vi(DAY_NEVER - 1, text), "sau 9999");
}
END_TEST

START_TEST(days_that_cannot_be_written_get_a_word)
{
    char text[DAY_TEXT_BYTES];
    ck_assert_str_eq(day_format(DAY_NEVER, text), "never");
    ck_assert_str_eq(day_format(DAY_NEVER - 1, text), "after 9999");
    ck_assert_str_eq(day_format(INT32_MIN, text), "before 0");
    ck_assert_str_eq(day_format(day_of(9999, 12, 31), text), "9999-12-31");
    ck_assert_str_eq(day_format(day_of(9999, 12, 31) + 1, text), "after 9999");
    ck_assert_str_eq(day_format(day_of(0, 1, 1), text), "0000-01-01");
    ck_assert_str_eq(day_format(day_of(0, 1, 1) - 1, text), "before 0");
    ck_assert_int_ge(day_weekday(INT32_MIN), 1);
    ck_assert_int_le(day_weekday(INT32_MAX), 7);
}
END_TEST

START_TEST(a_civil_day_begins_at_midnight_in_viet_nam)
{
    for (day_t d = DAY_FIRST; d <= DAY_LAST; d++) {
        int64_t start = day_start_ms(d);
        if (day_of_ms(start) != d || day_of_ms(start - 1) != d - 1 ||
            day_of_ms(start + INT64_C(86399999)) != d) {
            ck_abort_msg("day %d: starts at %lld, which is day %d", d, (long long)start,
                         day_of_ms(start));
        }
    }
    ck_assert_int_eq(day_start_ms(0), -DAY_UTC_OFFSET_MS);
    ck_assert_int_eq(day_of_ms(INT64_MAX), DAY_NEVER);
    ck_assert_int_eq(day_of_ms(INT64_MIN), INT32_MIN);
}
END_TEST

START_TEST(a_time_is_written_with_milliseconds_and_offset)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {INT64_C(1725498000123), "2024-09-05T08:00:00.123+07:00"},
        {0, "1970-01-01T07:00:00.000+07:00"},
        {-1, "1970-01-01T06:59:59.999+07:00"},
        {-DAY_UTC_OFFSET_MS - 1, "1969-12-31T23:59:59.999+07:00"},
        {INT64_MAX, "after 9999"},
        {INT64_MIN, "before 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        ck_assert_str_eq(day_time_format(rows[i].ms, text), rows[i].text);
    }
}
END_TEST

START_TEST(a_written_time_is_read_back)
{
    int64_t step =
        INT64_C(7919) * 60013 + 1; /* some 5.5 days: every hour and millisecond in turn */
    for (int64_t ms = day_start_ms(DAY_FIRST); ms < day_start_ms(DAY_LAST + 1); ms += step) {
        char text[32];
        int64_t back = 0;
        struct err err = {0};
        day_time_format(ms, text);
        if (day_time_parse(slice_str(text), &back, &err) != ERR_OK || back != ms) {
            ck_abort_msg("%lld: written %s, read %lld %s", (long long)ms, text, (long long)back,
                         err.text);
        }
    }
}
END_TEST

START_TEST(a_time_may_come_with_any_offset_and_without_milliseconds)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2024-09-05T08:00:00.123+07:00", INT64_C(1725498000123)},
        {"2024-09-05T08:00:00+07:00", INT64_C(1725498000000)},
        {"2024-09-05T01:00:00Z", INT64_C(1725498000000)},
        {"2024-09-05T01:00:00.007Z", INT64_C(1725498000007)},
        {"2024-09-04T22:30:00-02:30", INT64_C(1725498000000)},
        {"1970-01-01T14:00:00+14:00", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = 0;
        struct err err = {0};
        ck_assert_msg(day_time_parse(slice_str(rows[i].text), &ms, &err) == ERR_OK, "%s: %s",
                      rows[i].text, err.text);
        ck_assert_msg(ms == rows[i].ms, "%s: %lld", rows[i].text, (long long)ms);
    }
}
END_TEST

START_TEST(a_refused_time_is_told_what_is_wrong)
{
#define NOT_A_TIME(text) "\"" text "\" is not a time: write it like 2024-09-05T08:00:00+07:00"
#define NO_SUCH_TIME(text)                                                                         \
    text                                                                                           \
        " does not exist: hours run from 00 to 23, minutes and seconds from 00 to 59, offsets to " \
        "14:00"
    static const struct {
        const char *text;
        const char *sentence;
    } rows[] = {
        {"", NOT_A_TIME("")},
        {"2024-09-05", NOT_A_TIME("2024-09-05")},
        {"2024-09-05 08:00:00+07:00", NOT_A_TIME("2024-09-05 08:00:00+07:00")},
        {"2024-09-05T08:00+07:00", NOT_A_TIME("2024-09-05T08:00+07:00")},
        {"2024-09-05T08:00:00.1+07:00", NOT_A_TIME("2024-09-05T08:00:00.1+07:00")},
        {"2024-09-05T08:00:00+0700", NOT_A_TIME("2024-09-05T08:00:00+0700")},
        {"2024-09-05T08:00:00+07:00x", NOT_A_TIME("2024-09-05T08:00:00+07:00x")},
        {"2024-09-05T08:00:00z", NOT_A_TIME("2024-09-05T08:00:00z")},
        {"2024-09-05T08:00:00",
         "2024-09-05T08:00:00 has no offset: add +07:00 for the time in Viet "
         "Nam, or Z for UTC"},
        {"2024-02-30T08:00:00Z", "2024-02-30 does not exist: 2024-02 has 29 days"},
        {"05/09/2024T08:00:00Z", "05/09/2024: write 2024-09-05"},
        {"2024-09-05T24:00:00Z", NO_SUCH_TIME("2024-09-05T24:00:00Z")},
        {"2024-09-05T08:60:00Z", NO_SUCH_TIME("2024-09-05T08:60:00Z")},
        {"2016-12-31T23:59:60Z", NO_SUCH_TIME("2016-12-31T23:59:60Z")},
        {"2024-09-05T08:00:00+14:01", NO_SUCH_TIME("2024-09-05T08:00:00+14:01")},
        {"2024-09-05T08:00:00+07:60", NO_SUCH_TIME("2024-09-05T08:00:00+07:60")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};
        int64_t ms = -7;
        ck_assert_int_eq(day_time_parse(slice_str(rows[i].text), &ms, &err), ERR_INVALID);
        ck_assert_str_eq(err.text, rows[i].sentence);
        ck_assert_int_eq(ms, -7);
    }
}
END_TEST

START_TEST(an_excerpt_is_short_and_whole_characters)
{
    static const struct {
        const char *text;
        const char *shown;
        const char *reason;
    } rows[] = {
        {"", "", "nothing to show"},
        {"xã Gia Viên", "xã Gia Viên", "Vietnamese stays readable"},
        {"a\tb\nc\x7f", "a?b?c?", "control bytes break log lines"},
        {"\xc0\xaf\xed\xa0\x80", "?????", "overlong forms and surrogates are not UTF-8"},
        {"0123456789012345678901234567890123456789012345678901",
         "01234567890123456789012345678901234567890123...", "long input is cut"},
        {"0123456789012345678901234567890123456789012ễễễễ",
         "0123456789012345678901234567890123456789012...", "never inside a character"},
        {"\xe1\xbb", "??", "a character cut off at the end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[SCAN_EXCERPT_BYTES];
        ck_assert_msg(strcmp(scan_excerpt(slice_str(rows[i].text), out), rows[i].shown) == 0,
                      "%s: got %s", rows[i].reason, out);
    }
}
END_TEST

SUITE_MAIN("day", every_day_agrees_with_a_walk_through_the_calendar, fixed_days_have_their_numbers,
           only_days_of_the_gregorian_calendar_exist,
           a_refused_day_is_told_what_is_wrong_and_leaves_the_result_alone,
           days_are_written_the_vietnamese_way_for_people, days_that_cannot_be_written_get_a_word,
           a_civil_day_begins_at_midnight_in_viet_nam,
           a_time_is_written_with_milliseconds_and_offset, a_written_time_is_read_back,
           a_time_may_come_with_any_offset_and_without_milliseconds,
           a_refused_time_is_told_what_is_wrong, an_excerpt_is_short_and_whole_characters)
