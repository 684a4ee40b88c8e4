/* Every kind of period in both calendars against a naive reading of the rules, day by day from
 * 1898 to 2201: a table of which days begin and end a period, written as the decree writes it. */
#include "common/model/period.h"

#include <stdio.h>

#include "tests/support/suite.h"

enum {
    WALK_FIRST = -26297, /* 1898-01-01 */
    WALK_LAST = 84735,   /* 2201-12-31 */
    WALK_DAYS = WALK_LAST - WALK_FIRST + 1,
};

struct walked {
    int year, month, day, weekday;
};

static struct walked walk[WALK_DAYS];
static day_t first_of[WALK_DAYS]; /* of the period that each day lies in, DAY_NEVER for none */
static day_t last_of[WALK_DAYS];
static day_t next_end[WALK_DAYS];
static unsigned ends_until[WALK_DAYS + 1]; /* periods that ended before each day */

static int naive_month_days(int year, int month)
{
    bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
    bool short_month = month == 4 || month == 6 || month == 9 || month == 11;
    return month == 2 ? (leap ? 29 : 28) : short_month ? 30 : 31;
}

static void fill_walk(void)
{
    struct walked at = {1898, 1, 1, 6}; /* a Saturday */
    for (int i = 0; i < WALK_DAYS; i++) {
        walk[i] = at;
        at.weekday = at.weekday % 7 + 1;
        if (++at.day > naive_month_days(at.year, at.month)) {
            at.day = 1;
            at.year += at.month == 12;
            at.month = at.month % 12 + 1;
        }
    }
}

static bool on(const struct walked *d, int day, int month)
{
    return d->day == day && d->month == month;
}

static bool naive_begins(enum period_kind kind, enum period_calendar calendar,
                         const struct walked *d)
{
    bool civil = calendar == CALENDAR_CIVIL;
    switch (kind) {
    case PERIOD_DAY:
        return true;
    case PERIOD_WEEK:
        return civil && d->weekday == 1;
    case PERIOD_MONTH:
        return d->day == (civil ? 1 : 15);
    case PERIOD_QUARTER:
        return civil ? on(d, 1, 1) || on(d, 1, 4) || on(d, 1, 7) || on(d, 1, 10)
                     : on(d, 15, 12) || on(d, 15, 3) || on(d, 15, 6) || on(d, 15, 9);
    case PERIOD_HALF_YEAR:
        return civil ? on(d, 1, 1) || on(d, 1, 7) : on(d, 15, 12) || on(d, 15, 6);
    default:
        return civil ? on(d, 1, 1) : on(d, 15, 12);
    }
}

static bool naive_ends(enum period_kind kind, enum period_calendar calendar, const struct walked *d)
{
    bool civil = calendar == CALENDAR_CIVIL;
    switch (kind) {
    case PERIOD_DAY:
        return true;
    case PERIOD_WEEK:
        return civil && d->weekday == 7;
    case PERIOD_MONTH:
        return d->day == (civil ? naive_month_days(d->year, d->month) : 14);
    case PERIOD_QUARTER:
        return civil ? on(d, 31, 3) || on(d, 30, 6) || on(d, 30, 9) || on(d, 31, 12)
                     : on(d, 14, 3) || on(d, 14, 6) || on(d, 14, 9) || on(d, 14, 12);
    case PERIOD_HALF_YEAR:
        return civil ? on(d, 30, 6) || on(d, 31, 12) : on(d, 14, 6) || on(d, 14, 12);
    case PERIOD_NINE_MONTHS:
        return civil ? on(d, 30, 9) : on(d, 14, 9);
    default:
        return civil ? on(d, 31, 12) : on(d, 14, 12);
    }
}

static void mark_period(int from, int to)
{
    bool accepted = WALK_FIRST + to >= DAY_FIRST && WALK_FIRST + to <= DAY_LAST;
    for (int i = from; i <= to; i++) {
        first_of[i] = accepted ? WALK_FIRST + from : DAY_NEVER;
        last_of[i] = accepted ? WALK_FIRST + to : DAY_NEVER;
    }
}

static void fill_naive(enum period_kind kind, enum period_calendar calendar)
{
    int begun = -1;
    for (int i = 0; i < WALK_DAYS; i++) {
        first_of[i] = last_of[i] = DAY_NEVER;
        if (naive_begins(kind, calendar, &walk[i])) {
            begun = i;
        }
        if (begun >= 0 && naive_ends(kind, calendar, &walk[i])) {
            mark_period(begun, i);
            begun = -1;
        }
    }
    day_t next = DAY_NEVER;
    for (int i = WALK_DAYS - 1; i >= 0; i--) {
        next = last_of[i] == WALK_FIRST + i ? WALK_FIRST + i : next;
        next_end[i] = next;
    }
    for (int i = 0; i < WALK_DAYS; i++) {
        ends_until[i + 1] = ends_until[i] + (last_of[i] == WALK_FIRST + i);
    }
}

/* Runs one check for each kind and calendar, on the naive tables of it. */
static void for_each_kind(void (*check)(enum period_kind kind, enum period_calendar calendar))
{
    fill_walk();
    for (enum period_kind kind = PERIOD_DAY; kind < PERIOD_KIND_COUNT; kind++) {
        for (enum period_calendar c = CALENDAR_CIVIL; c <= CALENDAR_ADMINISTRATIVE; c++) {
            fill_naive(kind, c);
            check(kind, c);
        }
    }
}

/* check reports every passed assertion to its parent, too slow for a million days: compare by hand.
 */
static void fail_at(enum period_kind kind, enum period_calendar calendar, day_t d, const char *what,
                    int64_t expected, int64_t got)
{
    char text[DAY_TEXT_BYTES];
    ck_abort_msg("%s %s at %s: %s expected %lld, got %lld", period_calendar_name(calendar),
                 period_kind_name(kind), day_format(d, text), what, (long long)expected,
                 (long long)got);
}

static void check_containing(enum period_kind kind, enum period_calendar calendar)
{
    for (int i = 0; i < WALK_DAYS; i++) {
        day_t d = WALK_FIRST + i;
        struct period p = {DAY_NEVER, DAY_NEVER};
        bool in = period_containing(kind, calendar, d, &p);
        if (in != (first_of[i] != DAY_NEVER) || p.first != first_of[i]) {
            fail_at(kind, calendar, d, "first day", first_of[i], p.first);
        }
        if (p.last != last_of[i]) {
            fail_at(kind, calendar, d, "last day", last_of[i], p.last);
        }
    }
}

START_TEST(the_period_that_holds_a_day_agrees_with_the_calendar_walked)
{
    for_each_kind(check_containing);
}
END_TEST

static void check_ending(enum period_kind kind, enum period_calendar calendar)
{
    for (int i = 0; i < WALK_DAYS; i++) {
        day_t d = WALK_FIRST + i;
        struct period p = {DAY_NEVER, DAY_NEVER};
        bool ends = last_of[i] == d;
        if (period_ending(kind, calendar, d, &p) != ends) {
            fail_at(kind, calendar, d, "ends a period", ends, !ends);
        }
        if (p.first != (ends ? first_of[i] : DAY_NEVER)) {
            fail_at(kind, calendar, d, "first day", ends ? first_of[i] : DAY_NEVER, p.first);
        }
        if (period_next_end(kind, calendar, d) != next_end[i]) {
            fail_at(kind, calendar, d, "next end", next_end[i], period_next_end(kind, calendar, d));
        }
    }
}

START_TEST(the_days_that_end_a_period_agree_with_the_calendar_walked)
{
    for_each_kind(check_ending);
}
END_TEST

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void check_count_of(enum period_kind kind, enum period_calendar calendar, int from, int to)
{
    unsigned expected = from > to ? 0 : ends_until[to + 1] - ends_until[from];
    unsigned got = period_count_ends(kind, calendar, WALK_FIRST + from, WALK_FIRST + to);
    if (got != expected) {
        ck_abort_msg("%s %s, days %d..%d: expected %u ends, got %u", period_calendar_name(calendar),
                     period_kind_name(kind), WALK_FIRST + from, WALK_FIRST + to, expected, got);
    }
}

static void check_count(enum period_kind kind, enum period_calendar calendar)
{
    uint32_t state = 20240905;
    for (int i = 0; i < WALK_DAYS; i++) {
        int length = (int)(random_next(&state) % 800);
        check_count_of(kind, calendar, i, i);
        check_count_of(kind, calendar, i, i + length < WALK_DAYS ? i + length : WALK_DAYS - 1);
        check_count_of(kind, calendar, i, (int)(random_next(&state) % WALK_DAYS));
    }
    ck_assert_uint_eq(period_count_ends(kind, calendar, INT32_MIN, DAY_NEVER),
                      ends_until[WALK_DAYS]);
    ck_assert_uint_eq(period_count_ends(kind, calendar, DAY_NEVER, DAY_NEVER), 0);
}

START_TEST(the_count_of_ends_agrees_with_the_calendar_walked)
{
    for_each_kind(check_count);
}
END_TEST

static void check_text(enum period_kind kind, enum period_calendar calendar)
{
    for (int i = 0; i < WALK_DAYS; i++) {
        day_t d = WALK_FIRST + i;
        if (last_of[i] != d) {
            continue;
        }
        char text[PERIOD_TEXT_BYTES];
        enum period_kind kind_read = PERIOD_KIND_COUNT;
        enum period_calendar calendar_read = CALENDAR_CIVIL;
        struct period p = {0, 0};
        struct err err = {0};
        period_format(kind, calendar, d, text);
        int code = period_parse(slice_str(text), &kind_read, &calendar_read, &p, &err);
        if (code != ERR_OK || kind_read != kind || calendar_read != calendar ||
            p.first != first_of[i] || p.last != d) {
            ck_abort_msg("%s: read as %s %s %d..%d, expected %s %s %d..%d; %s", text,
                         period_calendar_name(calendar_read), period_kind_name(kind_read), p.first,
                         p.last, period_calendar_name(calendar), period_kind_name(kind),
                         first_of[i], d, err.text);
        }
    }
}

START_TEST(every_period_is_read_back_from_its_text)
{
    for_each_kind(check_text);
}
END_TEST

START_TEST(iso_weeks_are_numbered_as_they_are_counted)
{
    fill_walk();
    int year = 0;
    int number = 0;
    for (int i = 0; i + 6 < WALK_DAYS; i++) {
        if (walk[i].weekday != 1) {
            continue;
        }
        number = walk[i + 3].year == year ? number + 1 : 1; /* the Thursday's year is the week's */
        year = walk[i + 3].year;
        char text[PERIOD_TEXT_BYTES], expected[40];
        snprintf(expected, sizeof expected, "%04d-W%02d", year, number);
        if (year < 1900 || WALK_FIRST + i + 6 > DAY_LAST) {
            continue;
        }
        period_format(PERIOD_WEEK, CALENDAR_CIVIL, WALK_FIRST + i + 6, text);
        if (strcmp(text, expected) != 0) {
            ck_abort_msg("week of day %d: expected %s, got %s", WALK_FIRST + i, expected, text);
        }
    }
}
END_TEST

START_TEST(a_period_is_read_from_its_text)
{
    static const struct {
        const char *text;
        enum period_kind kind;
        enum period_calendar calendar;
        const char *first;
        const char *last;
        const char *reason;
    } rows[] = {
        {"2024-09-05", PERIOD_DAY, CALENDAR_CIVIL, "2024-09-05", "2024-09-05", "a day"},
        {"2024-W36", PERIOD_WEEK, CALENDAR_CIVIL, "2024-09-02", "2024-09-08", "a week"},
        {"2020-W53", PERIOD_WEEK, CALENDAR_CIVIL, "2020-12-28", "2021-01-03", "a 53rd week"},
        {"2026-W53", PERIOD_WEEK, CALENDAR_CIVIL, "2026-12-28", "2027-01-03", "a 53rd week"},
        {"2025-W01", PERIOD_WEEK, CALENDAR_CIVIL, "2024-12-30", "2025-01-05", "begins in 2024"},
        {"2024-09", PERIOD_MONTH, CALENDAR_CIVIL, "2024-09-01", "2024-09-30", "a month"},
        {"2024-02", PERIOD_MONTH, CALENDAR_CIVIL, "2024-02-01", "2024-02-29", "leap February"},
        {"2024-Q3", PERIOD_QUARTER, CALENDAR_CIVIL, "2024-07-01", "2024-09-30", "a quarter"},
        {"2024-H1", PERIOD_HALF_YEAR, CALENDAR_CIVIL, "2024-01-01", "2024-06-30", "a half-year"},
        {"2024-9M", PERIOD_NINE_MONTHS, CALENDAR_CIVIL, "2024-01-01", "2024-09-30", "nine months"},
        {"2024", PERIOD_YEAR, CALENDAR_CIVIL, "2024-01-01", "2024-12-31", "a year"},
        {"hc:2024-09-05", PERIOD_DAY, CALENDAR_ADMINISTRATIVE, "2024-09-05", "2024-09-05",
         "days are the same in both calendars"},
        {"hc:2024-09", PERIOD_MONTH, CALENDAR_ADMINISTRATIVE, "2024-08-15", "2024-09-14",
         "from the 15th of the month before"},
        {"hc:2024-01", PERIOD_MONTH, CALENDAR_ADMINISTRATIVE, "2023-12-15", "2024-01-14",
         "begins in the year before"},
        {"hc:2024-Q3", PERIOD_QUARTER, CALENDAR_ADMINISTRATIVE, "2024-06-15", "2024-09-14",
         "from the month before the quarter"},
        {"hc:2024-H1", PERIOD_HALF_YEAR, CALENDAR_ADMINISTRATIVE, "2023-12-15", "2024-06-14",
         "the first six months"},
        {"hc:2024-H2", PERIOD_HALF_YEAR, CALENDAR_ADMINISTRATIVE, "2024-06-15", "2024-12-14",
         "the last six months"},
        {"hc:2024-9M", PERIOD_NINE_MONTHS, CALENDAR_ADMINISTRATIVE, "2023-12-15", "2024-09-14",
         "nine months"},
        {"hc:2024", PERIOD_YEAR, CALENDAR_ADMINISTRATIVE, "2023-12-15", "2024-12-14", "a year"},
        {"hc:1900-01", PERIOD_MONTH, CALENDAR_ADMINISTRATIVE, "1899-12-15", "1900-01-14",
         "ends in the accepted range though it begins before"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char first[DAY_TEXT_BYTES], last[DAY_TEXT_BYTES], text[PERIOD_TEXT_BYTES];
        enum period_kind kind;
        enum period_calendar calendar;
        struct period p;
        struct err err = {0};
        ck_assert_msg(period_parse(slice_str(rows[i].text), &kind, &calendar, &p, &err) == ERR_OK,
                      "%s (%s): %s", rows[i].text, rows[i].reason, err.text);
        ck_assert_str_eq(day_format(p.first, first), rows[i].first);
        ck_assert_str_eq(day_format(p.last, last), rows[i].last);
        ck_assert_int_eq(kind, rows[i].kind);
        ck_assert_int_eq(calendar, rows[i].calendar);
        ck_assert_str_eq(period_format(kind, calendar, p.last, text), rows[i].text);
    }
}
END_TEST

#define FORMS                                                                                      \
    "write 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M or 2024, for the "             \
    "administrative calendar (no weeks) with hc: in front"
#define NOT_A_PERIOD(text) "\"" text "\" is not a period: " FORMS

START_TEST(a_refused_period_is_told_what_is_wrong_and_the_forms_that_are_right)
{
    static const struct {
        const char *text;
        const char *sentence;
    } rows[] = {
        {"", NOT_A_PERIOD("")},
        {"hc:", NOT_A_PERIOD("hc:")},
        {"hc", NOT_A_PERIOD("hc")},
        {"HC:2024-09", NOT_A_PERIOD("HC:2024-09")},
        {"09/2024", NOT_A_PERIOD("09/2024")},
        {"05/09/2024", NOT_A_PERIOD("05/09/2024")},
        {"24", NOT_A_PERIOD("24")},
        {"20245", NOT_A_PERIOD("20245")},
        {"2024-9", NOT_A_PERIOD("2024-9")},
        {"2024-W6", NOT_A_PERIOD("2024-W6")},
        {"2024-w36", NOT_A_PERIOD("2024-w36")},
        {"2024-Q03", NOT_A_PERIOD("2024-Q03")},
        {"2024-6M", NOT_A_PERIOD("2024-6M")},
        {"2024-Q", NOT_A_PERIOD("2024-Q")},
        {"2024-09 ", NOT_A_PERIOD("2024-09 ")},
        {"hc:hc:2024", NOT_A_PERIOD("hc:hc:2024")},
        {"tháng 9", NOT_A_PERIOD("tháng 9")},
        {"2024-13", "2024-13 does not exist: 2024 has 12 months; " FORMS},
        {"2024-00", "2024-00 does not exist: 2024 has 12 months; " FORMS},
        {"2024-Q5", "2024-Q5 does not exist: 2024 has 4 quarters; " FORMS},
        {"hc:2024-H3", "hc:2024-H3 does not exist: 2024 has 2 half-years; " FORMS},
        {"2024-W53", "2024-W53 does not exist: 2024 has 52 weeks; " FORMS},
        {"2020-W54", "2020-W54 does not exist: 2020 has 53 weeks; " FORMS},
        {"2020-W00", "2020-W00 does not exist: 2020 has 53 weeks; " FORMS},
        {"hc:2024-W36", "hc:2024-W36: the administrative calendar has no weeks; " FORMS},
        {"1899", "1899 is out of range: years from 1900 to 2199 are accepted; " FORMS},
        {"2200-W01", "2200-W01 is out of range: years from 1900 to 2199 are accepted; " FORMS},
        {"2024-02-30", "2024-02-30 does not exist: 2024-02 has 29 days; " FORMS},
        {"hc:2024-02-30", "2024-02-30 does not exist: 2024-02 has 29 days; " FORMS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum period_kind kind = PERIOD_KIND_COUNT;
        enum period_calendar calendar = CALENDAR_ADMINISTRATIVE;
        struct period p = {-7, -7};
        struct err err = {0};
        ck_assert_int_eq(period_parse(slice_str(rows[i].text), &kind, &calendar, &p, &err),
                         ERR_INVALID);
        ck_assert_str_eq(err.text, rows[i].sentence);
        ck_assert_msg(kind == PERIOD_KIND_COUNT && calendar == CALENDAR_ADMINISTRATIVE &&
                          p.first == -7 && p.last == -7,
                      "%s changed the result", rows[i].text);
    }
}
END_TEST

START_TEST(any_day_column_is_harmless)
{
    static const day_t days[] = {INT32_MIN, INT32_MIN + 1, DAY_FIRST - 400, DAY_LAST + 1,
                                 1 << 30,   INT32_MAX - 1, DAY_NEVER};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        for (enum period_kind kind = PERIOD_DAY; kind <= PERIOD_KIND_COUNT; kind++) {
            char text[PERIOD_TEXT_BYTES], day_text[DAY_TEXT_BYTES];
            struct period p;
            ck_assert(!period_containing(kind, CALENDAR_CIVIL, days[i], &p));
            ck_assert(!period_ending(kind, CALENDAR_ADMINISTRATIVE, days[i], &p));
            period_next_end(kind, CALENDAR_ADMINISTRATIVE, days[i]);
            ck_assert_str_eq(period_format(kind, CALENDAR_ADMINISTRATIVE, days[i], text),
                             day_format(days[i], day_text));
        }
    }
}
END_TEST

START_TEST(a_day_that_ends_no_period_is_written_as_a_day)
{
    char text[PERIOD_TEXT_BYTES];
    ck_assert_str_eq(period_format(PERIOD_MONTH, CALENDAR_CIVIL, day_of(2024, 9, 5), text),
                     "2024-09-05");
    ck_assert_str_eq(
        period_format(PERIOD_NINE_MONTHS, CALENDAR_ADMINISTRATIVE, day_of(2024, 12, 14), text),
        "2024-12-14");
}
END_TEST

START_TEST(kinds_and_calendars_are_read_back_from_their_names)
{
    enum period_kind kind_read;
    enum period_calendar calendar_read;
    for (enum period_kind kind = PERIOD_DAY; kind < PERIOD_KIND_COUNT; kind++) {
        ck_assert_int_eq(period_kind_parse(slice_str(period_kind_name(kind)), &kind_read), ERR_OK);
        ck_assert_int_eq(kind_read, kind);
    }
    for (enum period_calendar c = CALENDAR_CIVIL; c <= CALENDAR_ADMINISTRATIVE; c++) {
        ck_assert_int_eq(period_calendar_parse(slice_str(period_calendar_name(c)), &calendar_read),
                         ERR_OK);
        ck_assert_int_eq(calendar_read, c);
    }
    ck_assert_str_eq(period_kind_name(PERIOD_NINE_MONTHS), "nine-months");
    ck_assert_str_eq(period_kind_name(PERIOD_KIND_COUNT), "unknown");
    ck_assert_int_eq(period_kind_parse(slice_str("Month"), &kind_read), ERR_INVALID);
    ck_assert_int_eq(period_kind_parse(slice_str(""), &kind_read), ERR_INVALID);
    ck_assert_int_eq(period_calendar_parse(slice_str("lunar"), &calendar_read), ERR_INVALID);
}
END_TEST

SUITE_MAIN("period", the_period_that_holds_a_day_agrees_with_the_calendar_walked,
           the_days_that_end_a_period_agree_with_the_calendar_walked,
           the_count_of_ends_agrees_with_the_calendar_walked,
           every_period_is_read_back_from_its_text, iso_weeks_are_numbered_as_they_are_counted,
           a_period_is_read_from_its_text,
           a_refused_period_is_told_what_is_wrong_and_the_forms_that_are_right,
           any_day_column_is_harmless, a_day_that_ends_no_period_is_written_as_a_day,
           kinds_and_calendars_are_read_back_from_their_names)
