/* Civil days and journal time. A day is a count since 1970-01-01 (Gregorian, proleptic); journal
 * time is milliseconds since then in UTC, and its civil day is the day in Viet Nam (UTC+7, no
 * daylight saving since 1975). Pure; no clock here. */
#ifndef TONGHOP_MODEL_DAY_H
#define TONGHOP_MODEL_DAY_H

#include "common/base/err.h"
#include "common/base/slice.h"

typedef int32_t day_t; /* days since 1970-01-01; 1900-01-01..2199-12-31 are accepted from outside */

enum {
    DAY_FIRST = -25567,    /* 1900-01-01 */
    DAY_LAST = 84005,      /* 2199-12-31 */
    DAY_NEVER = INT32_MAX, /* "still in force": after every day */
    DAY_TEXT_BYTES = 11,   /* "2024-09-05" and its terminator */
};

enum { DAY_UTC_OFFSET_MS = 7 * 3600 * 1000 };

day_t day_of(int year, int month, int day); /* the caller knows the date exists */
void day_split(day_t d, int *year, int *month, int *day);
bool day_exists(int year, int month, int day);
int day_weekday(day_t d); /* 1 Monday .. 7 Sunday */
/* "2024-09-05", nothing else; the sentence names the fault. */
int day_parse(struct slice text, day_t *out, struct err *err);
const char *day_format(day_t d, char out[DAY_TEXT_BYTES]);
const char *day_format_vi(day_t d, char out[DAY_TEXT_BYTES]); /* 05/09/2024 */
day_t day_of_ms(int64_t time_ms);
int64_t day_start_ms(day_t d); /* first millisecond of the civil day */
/* "2024-09-05T08:00:00.123+07:00"; out holds 32 bytes. */
const char *day_time_format(int64_t time_ms, char out[32]);
/* Accepts that form, with or without milliseconds, with "Z" or an offset. */
int day_time_parse(struct slice text, int64_t *out_ms, struct err *err);

#endif
