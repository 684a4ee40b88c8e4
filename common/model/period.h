/* Reporting periods: civil ones, and the administrative ones of Decree 09/2019/NĐ-CP article 12
 * (month: the 15th of the month before to the 14th; quarter: the 15th of the month before the
 * quarter to the 14th of its last month; six months: 15 December to 14 June; nine months:
 * 15 December to 14 September; year: 15 December to 14 December). A figure is dated by its period's
 * last day, so an observation carries one day and the indicator says which kind of period ends
 * then. */
#ifndef TONGHOP_MODEL_PERIOD_H
#define TONGHOP_MODEL_PERIOD_H

#include "common/model/day.h"

enum period_kind {
    PERIOD_DAY,
    PERIOD_WEEK, /* ISO 8601: Monday to Sunday; civil only */
    PERIOD_MONTH,
    PERIOD_QUARTER,
    PERIOD_HALF_YEAR,
    PERIOD_NINE_MONTHS, /* from the year's start */
    PERIOD_YEAR,
    PERIOD_KIND_COUNT
};

enum period_calendar { CALENDAR_CIVIL, CALENDAR_ADMINISTRATIVE };

struct period {
    day_t first;
    day_t last;
};

enum { PERIOD_TEXT_BYTES = 24 };

/* The period of that kind that `d` lies in. Nine months: a day of October to December (civil) lies
 * in none; false then, and for weeks of the administrative calendar. */
bool period_containing(enum period_kind kind, enum period_calendar calendar, day_t d,
                       struct period *out);
/* Is `last` the last day of a period of that kind? Fills *out when it is. */
bool period_ending(enum period_kind kind, enum period_calendar calendar, day_t last,
                   struct period *out);
/* The last day of the first period of that kind that ends on or after d. */
day_t period_next_end(enum period_kind kind, enum period_calendar calendar, day_t d);
/* How many periods of that kind end in first..last. */
unsigned period_count_ends(enum period_kind kind, enum period_calendar calendar, day_t first,
                           day_t last);

/* Text forms: 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M, 2024; administrative ones
 * with a leading "hc:" (hành chính), as in hc:2024-09. */
int period_parse(struct slice text, enum period_kind *kind, enum period_calendar *calendar,
                 struct period *out, struct err *err);
const char *period_format(enum period_kind kind, enum period_calendar calendar, day_t last,
                          char out[PERIOD_TEXT_BYTES]);
const char *period_kind_name(enum period_kind kind); /* "day", "nine-months", … as in plan files */
int period_kind_parse(struct slice text, enum period_kind *out);
const char *period_calendar_name(enum period_calendar calendar); /* "civil", "administrative" */
int period_calendar_parse(struct slice text, enum period_calendar *out);

#endif
