#include "common/model/day.h"

#include "common/model/scan.h"

enum {
    YEAR_FIRST = 1900,
    YEAR_LAST = 2199,
    SECOND_MS = 1000,
    MINUTE_MS = 60 * SECOND_MS,
    HOUR_MS = 60 * MINUTE_MS,
    DAY_MS = 24 * HOUR_MS,
    ERA_DAYS = 146097, /* 400 Gregorian years */
    ERA_SHIFT = 719468 /* days from 0000-03-01, where eras begin, to 1970-01-01 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

static day_t saturate(int64_t days)
{
    if (days >= DAY_NEVER) {
        return DAY_NEVER;
    }
    return days < INT32_MIN ? INT32_MIN : (day_t)days;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Years are counted from 1 March, so that the leap day is the last of its year and a month's start
 * is a linear form of its number: (153 m + 2) / 5. */
day_t day_of(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return saturate(era * ERA_DAYS + day_of_era - ERA_SHIFT);
}

void day_split(day_t d, int *year, int *month, int *day)
{
    int64_t shifted = (int64_t)d + ERA_SHIFT;
    int64_t era = floor_div(shifted, ERA_DAYS);
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

bool day_exists(int year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= month_days(year, month);
}

int day_weekday(day_t d)
{
    int64_t since_monday = (int64_t)d + 3; /* 1970-01-01 was a Thursday */
    return (int)(since_monday - floor_div(since_monday, 7) * 7) + 1;
}

static bool in_range(int year)
{
    return year >= YEAR_FIRST && year <= YEAR_LAST;
}

/* Three numbers of at most four digits with one of "/-. " between them, in the order written. */
static bool read_loosely(struct slice text, int numbers[3], size_t widths[3])
{
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = scan_at(text, i);
        if (c >= '0' && c <= '9') {
            if (!inside) {
                if (count == 3) {
                    return false;
                }
                numbers[count] = 0;
                widths[count++] = 0;
            }
            if (++widths[count - 1] > 4) {
                return false;
            }
            numbers[count - 1] = numbers[count - 1] * 10 + (c - '0');
        } else if (c != '/' && c != '-' && c != '.' && c != ' ') {
            return false;
        }
        inside = c >= '0' && c <= '9';
    }
    return count == 3;
}

/* The day somebody most likely meant: year first, or as dates are written in Viet Nam, day first.
 */
static bool guess(struct slice text, day_t *out)
{
    int n[3];
    size_t widths[3];
    if (!read_loosely(text, n, widths) || (widths[0] == 4) == (widths[2] == 4)) {
        return false;
    }
    int year = widths[0] == 4 ? n[0] : n[2];
    int day = widths[0] == 4 ? n[2] : n[0];
    if (!in_range(year) || !day_exists(year, n[1], day)) {
        return false;
    }
    *out = day_of(year, n[1], day);
    return true;
}

static int refuse_shape(struct slice text, struct err *err)
{
    char shown[SCAN_EXCERPT_BYTES], meant[DAY_TEXT_BYTES];
    day_t d;
    if (text.len == 0) {
        return err_set(err, ERR_INVALID, "the day is missing: write it like 2024-09-05");
    }
    scan_excerpt(text, shown);
    if (guess(text, &d)) {
        return err_set(err, ERR_INVALID, "%s: write %s", shown, day_format(d, meant));
    }
    return err_set(err, ERR_INVALID,
                   "\"%s\" is not a day: write year, month and day like 2024-09-05", shown);
}

static int refuse_date(int year, int month, int day, struct err *err)
{
    if (month < 1 || month > 12) {
        return err_set(err, ERR_INVALID, "%04d-%02d-%02d does not exist: months run from 01 to 12",
                       year, month, day);
    }
    return err_set(err, ERR_INVALID, "%04d-%02d-%02d does not exist: %04d-%02d has %d days", year,
                   month, day, year, month, month_days(year, month));
}

int day_parse(struct slice text, day_t *out, struct err *err)
{
    int year, month, day;
    if (text.len != 10 || !scan_digits(text, 0, 4, &year) || scan_at(text, 4) != '-' ||
        !scan_digits(text, 5, 2, &month) || scan_at(text, 7) != '-' ||
        !scan_digits(text, 8, 2, &day)) {
        return refuse_shape(text, err);
    }
    if (!day_exists(year, month, day)) {
        return refuse_date(year, month, day, err);
    }
    if (!in_range(year)) {
        return err_set(err, ERR_INVALID,
                       "%04d-%02d-%02d is out of range: days from 1900-01-01 to 2199-12-31 are "
                       "accepted, check the year",
                       year, month, day);
    }
    *out = day_of(year, month, day);
    return ERR_OK;
}

static char *put_text(char *at, const char *text)
{
    size_t len = strlen(text);
    memcpy(at, text, len);
    return at + len;
}

/* A day column comes from outside and may hold any 32 bits; what has no four-digit year gets a word
 * that fits in DAY_TEXT_BYTES. NULL for a day that can be written. */
static const char *word_beyond(day_t d, int year, const char *never, const char *before,
                               const char *after)
{
    if (d == DAY_NEVER) {
        return never;
    }
    if (year < 0) {
        return before;
    }
    return year > 9999 ? after : NULL;
}

static char *put_date(char *at, int year, int month, int day)
{
    at = put_text(scan_put_digits(at, year, 4), "-");
    at = put_text(scan_put_digits(at, month, 2), "-");
    return scan_put_digits(at, day, 2);
}

const char *day_format(day_t d, char out[DAY_TEXT_BYTES])
{
    int year, month, day;
    day_split(d, &year, &month, &day);
    const char *word = word_beyond(d, year, "never", "before 0", "after 9999");
    *(word ? put_text(out, word) : put_date(out, year, month, day)) = '\0';
    return out;
}

const char *day_format_vi(day_t d, char out[DAY_TEXT_BYTES])
{
    int year, month, day;
    day_split(d, &year, &month, &day);
    const char *word = word_beyond(d, year, "vô hạn", "trước 0", "sau 9999");
    if (word) {
        *put_text(out, word) = '\0';
        return out;
    }
    char *at = put_text(scan_put_digits(out, day, 2), "/");
    at = put_text(scan_put_digits(at, month, 2), "/");
    *scan_put_digits(at, year, 4) = '\0';
    return out;
}

/* Splits without ever adding to time_ms: it may be any 64 bits from a batch's header. */
static int64_t split_ms(int64_t time_ms, int *ms_of_day)
{
    int64_t days = floor_div(time_ms, DAY_MS);
    int64_t rest = time_ms % DAY_MS;
    rest += (rest < 0 ? DAY_MS : 0) + DAY_UTC_OFFSET_MS;
    *ms_of_day = (int)(rest % DAY_MS);
    return days + rest / DAY_MS;
}

day_t day_of_ms(int64_t time_ms)
{
    int ms_of_day;
    return saturate(split_ms(time_ms, &ms_of_day));
}

int64_t day_start_ms(day_t d)
{
    return (int64_t)d * DAY_MS - DAY_UTC_OFFSET_MS;
}

static char *put_clock(char *at, int ms_of_day)
{
    at = put_text(scan_put_digits(at, ms_of_day / HOUR_MS, 2), ":");
    at = put_text(scan_put_digits(at, ms_of_day / MINUTE_MS % 60, 2), ":");
    at = put_text(scan_put_digits(at, ms_of_day / SECOND_MS % 60, 2), ".");
    return scan_put_digits(at, ms_of_day % SECOND_MS, 3);
}

const char *day_time_format(int64_t time_ms, char out[32])
{
    int year, month, day, ms_of_day;
    day_t d = saturate(split_ms(time_ms, &ms_of_day));
    day_split(d, &year, &month, &day);
    const char *word = word_beyond(d, year, "after 9999", "before 0", "after 9999");
    if (word) {
        *put_text(out, word) = '\0';
        return out;
    }
    char *at = put_text(put_date(out, year, month, day), "T");
    *put_text(put_clock(at, ms_of_day), "+07:00") = '\0';
    return out;
}

struct clock {
    int hour;
    int minute;
    int second;
    int ms;
    int offset_sign;
    int offset_hour;
    int offset_minute;
};

/* "T08:00:00" or "T08:00:00.123" from byte 10 on; *zone gets what follows. */
static bool read_clock(struct slice text, struct clock *c, struct slice *zone)
{
    if (scan_at(text, 10) != 'T' || !scan_digits(text, 11, 2, &c->hour) ||
        scan_at(text, 13) != ':' || !scan_digits(text, 14, 2, &c->minute) ||
        scan_at(text, 16) != ':' || !scan_digits(text, 17, 2, &c->second)) {
        return false;
    }
    size_t at = 19;
    c->ms = 0;
    if (scan_at(text, at) == '.') {
        if (!scan_digits(text, at + 1, 3, &c->ms)) {
            return false;
        }
        at += 4;
    }
    *zone = slice_of((const char *)text.data + at, text.len - at);
    return true;
}

/* "Z" or "+07:00". */
static bool read_zone(struct slice zone, struct clock *c)
{
    char sign = scan_at(zone, 0);
    c->offset_sign = sign == '-' ? -1 : 1;
    c->offset_hour = 0;
    c->offset_minute = 0;
    if (zone.len == 1 && sign == 'Z') {
        return true;
    }
    return zone.len == 6 && (sign == '+' || sign == '-') &&
           scan_digits(zone, 1, 2, &c->offset_hour) && scan_at(zone, 3) == ':' &&
           scan_digits(zone, 4, 2, &c->offset_minute);
}

/* No leap seconds: journal time has none. UTC+14 is the farthest zone in use. */
static bool clock_exists(const struct clock *c)
{
    return c->hour < 24 && c->minute < 60 && c->second < 60 && c->offset_minute < 60 &&
           c->offset_hour * 60 + c->offset_minute <= 14 * 60;
}

static int64_t clock_ms(const struct clock *c)
{
    int64_t offset = c->offset_sign * (c->offset_hour * HOUR_MS + c->offset_minute * MINUTE_MS);
    return (int64_t)c->hour * HOUR_MS + c->minute * MINUTE_MS + c->second * SECOND_MS + c->ms -
           offset;
}

int day_time_parse(struct slice text, int64_t *out_ms, struct err *err)
{
    char shown[SCAN_EXCERPT_BYTES];
    struct clock c;
    struct slice zone;
    day_t d;
    bool read = read_clock(text, &c, &zone);
    if (read && zone.len == 0) {
        return err_set(err, ERR_INVALID,
                       "%s has no offset: add +07:00 for the time in Viet Nam, or Z for UTC",
                       scan_excerpt(text, shown));
    }
    if (!read || !read_zone(zone, &c)) {
        return err_set(err, ERR_INVALID,
                       "\"%s\" is not a time: write it like 2024-09-05T08:00:00+07:00",
                       scan_excerpt(text, shown));
    }
    int code = day_parse(slice_of(text.data, 10), &d, err);
    if (code != ERR_OK) {
        return code;
    }
    if (!clock_exists(&c)) {
        return err_set(err, ERR_INVALID,
                       "%s does not exist: hours run from 00 to 23, minutes and seconds from 00 to "
                       "59, offsets to 14:00",
                       scan_excerpt(text, shown));
    }
    *out_ms = (int64_t)d * DAY_MS + clock_ms(&c);
    return ERR_OK;
}
