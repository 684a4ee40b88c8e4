/* Periods are those that end in DAY_FIRST..DAY_LAST; outside, nothing lies in a period and none
 * ends. So every period has a text form that is accepted, and a day column may hold any 32 bits. */
#include "common/model/period.h"

#include "common/model/scan.h"

enum {
    YEAR_FIRST = 1900,
    YEAR_LAST = 2199,
    FIRST_SUNDAY = 3,   /* 1970-01-04 */
    LONGEST_DAYS = 366, /* no period is longer */
    CUT_DAY = 15,       /* an administrative month begins on the 15th of the month before */
    WEEK_DAYS = 7,
};

/* A month-like period begins every `stride` reporting months, counted from January of year 0, and
 * lasts `length` of them; 0 for days and weeks. */
static const struct {
    const char *name;
    int stride;
    int length;
    char letter; /* of the text form "2024-Q3" */
} kinds[PERIOD_KIND_COUNT] = {
    [PERIOD_DAY] = {"day", 0, 0, 0},
    [PERIOD_WEEK] = {"week", 0, 0, 'W'},
    [PERIOD_MONTH] = {"month", 1, 1, 0},
    [PERIOD_QUARTER] = {"quarter", 3, 3, 'Q'},
    [PERIOD_HALF_YEAR] = {"half-year", 6, 6, 'H'},
    [PERIOD_NINE_MONTHS] = {"nine-months", 12, 9, 0},
    [PERIOD_YEAR] = {"year", 12, 12, 0},
};

static const char *const calendars[] = {
    [CALENDAR_CIVIL] = "civil",
    [CALENDAR_ADMINISTRATIVE] = "administrative",
};

static const char administrative_prefix[] = "hc:";

static bool is_known(enum period_kind kind, enum period_calendar calendar)
{
    return kind < PERIOD_KIND_COUNT && calendar <= CALENDAR_ADMINISTRATIVE &&
           !(kind == PERIOD_WEEK && calendar == CALENDAR_ADMINISTRATIVE);
}

/* The reporting month that d belongs to, in months since January of year 0. */
static int month_of(enum period_calendar calendar, day_t d)
{
    int year, month, day;
    day_split(d, &year, &month, &day);
    return year * 12 + month - 1 + (calendar == CALENDAR_ADMINISTRATIVE && day >= CUT_DAY);
}

static day_t month_first(enum period_calendar calendar, int month)
{
    if (calendar == CALENDAR_CIVIL) {
        return day_of(month / 12, month % 12 + 1, 1);
    }
    return day_of((month - 1) / 12, (month - 1) % 12 + 1, CUT_DAY);
}

static struct period months_from(enum period_calendar calendar, int month, int length)
{
    return (struct period){month_first(calendar, month), month_first(calendar, month + length) - 1};
}

/* The period that d lies in, or the next one when d lies in none. d is near the accepted range. */
static struct period at_or_after(enum period_kind kind, enum period_calendar calendar, day_t d)
{
    if (kind == PERIOD_DAY) {
        return (struct period){d, d};
    }
    if (kind == PERIOD_WEEK) {
        day_t monday = d - (day_weekday(d) - 1);
        return (struct period){monday, monday + WEEK_DAYS - 1};
    }
    int month = month_of(calendar, d);
    int begins = month - month % kinds[kind].stride;
    if (month - begins >= kinds[kind].length) {
        begins += kinds[kind].stride;
    }
    return months_from(calendar, begins, kinds[kind].length);
}

bool period_containing(enum period_kind kind, enum period_calendar calendar, day_t d,
                       struct period *out)
{
    if (!is_known(kind, calendar) || d < DAY_FIRST - LONGEST_DAYS || d > DAY_LAST) {
        return false;
    }
    struct period p = at_or_after(kind, calendar, d);
    if (d < p.first || p.last < DAY_FIRST || p.last > DAY_LAST) {
        return false;
    }
    *out = p;
    return true;
}

bool period_ending(enum period_kind kind, enum period_calendar calendar, day_t last,
                   struct period *out)
{
    struct period p;
    if (!period_containing(kind, calendar, last, &p) || p.last != last) {
        return false;
    }
    *out = p;
    return true;
}

day_t period_next_end(enum period_kind kind, enum period_calendar calendar, day_t d)
{
    if (!is_known(kind, calendar) || d > DAY_LAST) {
        return DAY_NEVER;
    }
    struct period p = at_or_after(kind, calendar, d < DAY_FIRST ? DAY_FIRST : d);
    return p.last > DAY_LAST ? DAY_NEVER : p.last;
}

/* How many periods have ended by d, counted from some fixed day before DAY_FIRST. */
static int ends_through(enum period_kind kind, enum period_calendar calendar, day_t d)
{
    enum { WEEKS_BEFORE = 10000 }; /* keeps the dividend positive, where / rounds down */
    if (kind == PERIOD_DAY) {
        return d;
    }
    if (kind == PERIOD_WEEK) {
        return (d - FIRST_SUNDAY + WEEKS_BEFORE * WEEK_DAYS) / WEEK_DAYS;
    }
    int stride = kinds[kind].stride;
    int number = month_of(calendar, d) / stride;
    day_t last = months_from(calendar, number * stride, kinds[kind].length).last;
    return number + (last <= d);
}

unsigned period_count_ends(enum period_kind kind, enum period_calendar calendar, day_t first,
                           day_t last)
{
    day_t from = first < DAY_FIRST ? DAY_FIRST : first;
    day_t to = last > DAY_LAST ? DAY_LAST : last;
    if (!is_known(kind, calendar) || from > to) {
        return 0;
    }
    return (unsigned)(ends_through(kind, calendar, to) - ends_through(kind, calendar, from - 1));
}

/* ISO 8601: a week belongs to the year of its Thursday, and 4 January lies in week 1. */
static day_t iso_first_monday(int year)
{
    day_t fourth = day_of(year, 1, 4);
    return fourth - (day_weekday(fourth) - 1);
}

static int iso_weeks(int year)
{
    return (iso_first_monday(year + 1) - iso_first_monday(year)) / WEEK_DAYS;
}

/* What a text says before it is known whether such a period exists. */
struct written {
    struct slice text; /* whole, for the sentence */
    enum period_kind kind;
    enum period_calendar calendar;
    int year;
    int number; /* of the week, month, quarter or half-year; 1 for others */
};

static bool read_numbered(struct slice body, enum period_kind kind, size_t digits,
                          struct written *w)
{
    size_t at = kinds[kind].letter ? 6 : 5;
    if (body.len != at + digits || scan_at(body, 4) != '-' ||
        (kinds[kind].letter && scan_at(body, 5) != kinds[kind].letter)) {
        return false;
    }
    w->kind = kind;
    return scan_digits(body, at, digits, &w->number);
}

/* The forms other than a day's, without the prefix. */
static bool read_body(struct slice body, struct written *w)
{
    w->number = 1;
    if (!scan_digits(body, 0, 4, &w->year)) {
        return false;
    }
    if (body.len == 4) {
        w->kind = PERIOD_YEAR;
        return true;
    }
    if (body.len == 7 && memcmp((const char *)body.data + 4, "-9M", 3) == 0) {
        w->kind = PERIOD_NINE_MONTHS;
        return true;
    }
    return read_numbered(body, PERIOD_WEEK, 2, w) || read_numbered(body, PERIOD_MONTH, 2, w) ||
           read_numbered(body, PERIOD_QUARTER, 1, w) || read_numbered(body, PERIOD_HALF_YEAR, 1, w);
}

static bool looks_like_day(struct slice body)
{
    int digits;
    return body.len == 10 && scan_digits(body, 0, 4, &digits) && scan_at(body, 4) == '-' &&
           scan_digits(body, 5, 2, &digits) && scan_at(body, 7) == '-' &&
           scan_digits(body, 8, 2, &digits);
}

static int numbers_in_year(const struct written *w)
{
    if (w->kind == PERIOD_WEEK) {
        return iso_weeks(w->year);
    }
    return 12 / kinds[w->kind].stride;
}

static struct period written_period(const struct written *w)
{
    if (w->kind == PERIOD_WEEK) {
        day_t monday = iso_first_monday(w->year) + (w->number - 1) * WEEK_DAYS;
        return (struct period){monday, monday + WEEK_DAYS - 1};
    }
    int begins = w->year * 12 + (w->number - 1) * kinds[w->kind].stride;
    return months_from(w->calendar, begins, kinds[w->kind].length);
}

#define FORMS                                                                                      \
    "write 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M or 2024, for the "             \
    "administrative calendar (no weeks) with hc: in front"

static int refuse_shape(struct slice text, struct err *err)
{
    char shown[SCAN_EXCERPT_BYTES];
    return err_set(err, ERR_INVALID, "\"%s\" is not a period: " FORMS, scan_excerpt(text, shown));
}

/* 0 when the period exists. */
static int check_written(const struct written *w, struct err *err)
{
    char shown[SCAN_EXCERPT_BYTES];
    scan_excerpt(w->text, shown);
    if (!is_known(w->kind, w->calendar)) {
        return err_set(err, ERR_INVALID, "%s: the administrative calendar has no weeks; " FORMS,
                       shown);
    }
    if (w->year < YEAR_FIRST || w->year > YEAR_LAST) {
        return err_set(err, ERR_INVALID,
                       "%s is out of range: years from 1900 to 2199 are accepted; " FORMS, shown);
    }
    int count = numbers_in_year(w);
    if (w->number < 1 || w->number > count) {
        return err_set(err, ERR_INVALID, "%s does not exist: %d has %d %ss; " FORMS, shown, w->year,
                       count, period_kind_name(w->kind));
    }
    return ERR_OK;
}

static int parse_day_form(struct slice body, struct period *out, struct err *err)
{
    struct err why;
    day_t d;
    int code = day_parse(body, &d, &why);
    if (code != ERR_OK) {
        return err_set(err, code, "%s; " FORMS, why.text);
    }
    *out = (struct period){d, d};
    return ERR_OK;
}

static enum period_calendar strip_prefix(struct slice *body)
{
    size_t len = sizeof administrative_prefix - 1;
    if (body->len < len || memcmp(body->data, administrative_prefix, len) != 0) {
        return CALENDAR_CIVIL;
    }
    *body = slice_of((const char *)body->data + len, body->len - len);
    return CALENDAR_ADMINISTRATIVE;
}

static int parse_body(struct slice body, struct written *w, struct period *out, struct err *err)
{
    if (looks_like_day(body)) {
        w->kind = PERIOD_DAY;
        return parse_day_form(body, out, err);
    }
    if (!read_body(body, w)) {
        return refuse_shape(w->text, err);
    }
    int code = check_written(w, err);
    if (code == ERR_OK) {
        *out = written_period(w);
    }
    return code;
}

int period_parse(struct slice text, enum period_kind *kind, enum period_calendar *calendar,
                 struct period *out, struct err *err)
{
    struct slice body = text;
    struct written w = {.text = text, .calendar = strip_prefix(&body)};
    int code = parse_body(body, &w, out, err);
    if (code == ERR_OK) {
        *kind = w.kind;
        *calendar = w.calendar;
    }
    return code;
}

/* "2024-W36": the number of digits is that of the largest number of the kind. */
static char *put_numbered(char *at, enum period_kind kind, int year, int number)
{
    at = scan_put_digits(at, year, 4);
    *at++ = '-';
    if (kinds[kind].letter) {
        *at++ = kinds[kind].letter;
    }
    return scan_put_digits(at, number, kind == PERIOD_WEEK || kind == PERIOD_MONTH ? 2 : 1);
}

static char *put_week(char *at, struct period p)
{
    int year, month, day;
    day_split(p.first + 3, &year, &month, &day);
    return put_numbered(at, PERIOD_WEEK, year, (p.first - iso_first_monday(year)) / WEEK_DAYS + 1);
}

static char *put_months(char *at, enum period_kind kind, enum period_calendar calendar, day_t last)
{
    int month = month_of(calendar, last);
    int year = month / 12;
    if (kind == PERIOD_NINE_MONTHS) {
        at = scan_put_digits(at, year, 4);
        memcpy(at, "-9M", 3);
        return at + 3;
    }
    if (kind == PERIOD_YEAR) {
        return scan_put_digits(at, year, 4);
    }
    return put_numbered(at, kind, year, month % 12 / kinds[kind].stride + 1);
}

/* A day that ends no such period is written as the day it is, so that a sentence about it can say
 * so. */
const char *period_format(enum period_kind kind, enum period_calendar calendar, day_t last,
                          char out[PERIOD_TEXT_BYTES])
{
    struct period p;
    if (!period_ending(kind, calendar, last, &p)) {
        return day_format(last, out);
    }
    char *at = out;
    if (calendar == CALENDAR_ADMINISTRATIVE) {
        memcpy(at, administrative_prefix, sizeof administrative_prefix - 1);
        at += sizeof administrative_prefix - 1;
    }
    if (kind == PERIOD_DAY) {
        day_format(last, at);
        return out;
    }
    at = kind == PERIOD_WEEK ? put_week(at, p) : put_months(at, kind, calendar, last);
    *at = '\0';
    return out;
}

const char *period_kind_name(enum period_kind kind)
{
    return kind < PERIOD_KIND_COUNT ? kinds[kind].name : "unknown";
}

int period_kind_parse(struct slice text, enum period_kind *out)
{
    for (enum period_kind kind = PERIOD_DAY; kind < PERIOD_KIND_COUNT; kind++) {
        if (slice_equal(text, slice_str(kinds[kind].name))) {
            *out = kind;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

const char *period_calendar_name(enum period_calendar calendar)
{
    return calendar <= CALENDAR_ADMINISTRATIVE ? calendars[calendar] : "unknown";
}

int period_calendar_parse(struct slice text, enum period_calendar *out)
{
    for (enum period_calendar c = CALENDAR_CIVIL; c <= CALENDAR_ADMINISTRATIVE; c++) {
        if (slice_equal(text, slice_str(calendars[c]))) {
            *out = c;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}
