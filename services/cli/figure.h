/* The words of a figure as officers write them, in a file or on the command line: a code, a period,
 * a number, a time. One sentence for each slip, in Vietnamese and English, wherever it is met. */
#ifndef TONGHOP_CLI_FIGURE_H
#define TONGHOP_CLI_FIGURE_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/model/ident.h"
#include "common/model/period.h"

struct figure_period {
    enum period_kind kind;
    enum period_calendar calendar;
    struct period days;
};

/* Each returns ERR_INVALID with a sentence that does not repeat the word; *out is written on
 * success only. */
int figure_take_code(struct slice word, bool english, struct ident *out, struct err *e);
int figure_take_period(struct slice word, bool english, struct figure_period *out, struct err *e);
/* A period, or any days: "2024-09-05..2024-10-05". For questions. */
int figure_take_days(struct slice word, bool english, struct period *out, struct err *e);
int figure_take_value(struct slice word, bool english, int64_t *out, struct err *e);
/* A day (its first moment) or a time. */
int figure_take_time(struct slice word, bool english, int64_t *out_ms, struct err *e);

/* That the indicator is reported by another kind of period, and how such a one is written. */
int figure_other_period(const struct figure_period *given, enum period_kind kind,
                        enum period_calendar calendar, bool english, struct err *e);

/* Puts what the word is for, and the word, in front of the sentence: unit "…": sentence. */
int figure_wrap(struct err *e, bool english, const char *vietnamese_name, const char *english_name,
                struct slice word);

enum { FIGURE_TIME_BYTES = 32 };
/* "05/09/2024 08:00:00", in English "2024-09-05 08:00:00"; the time of Viet Nam. Returns out. */
const char *figure_time(int64_t time_ms, bool english, char out[FIGURE_TIME_BYTES]);
/* "05/09/2024" or "2024-09-05". */
const char *figure_day(day_t day, bool english, char out[DAY_TEXT_BYTES]);

#endif
