#include "services/cli/figure.h"

#include "common/base/parse.h"
#include "common/model/observation.h"
#include "common/model/scan.h"

#include <stdio.h>
#include <string.h>

enum { WORD_BYTES = 64, CLOCK_FROM = 11 /* in "2024-09-05T08:00:00.000+07:00" */ };

int figure_take_code(struct slice word, bool english, struct ident *out, struct err *e)
{
    if (ident_set(out, word))
        return 0;
    return err_set(e, ERR_INVALID,
                   english ? "a code is 1 to 32 of the characters 0-9 A-Z a-z . _ -: take it from "
                             "the list of units or indicators"
                           : "mã không hợp lệ (mã gồm 1 đến 32 ký tự: chữ số, chữ cái không dấu, "
                             "dấu . _ -): đề nghị lấy mã từ danh mục đơn vị hoặc danh mục chỉ tiêu "
                             "thống kê");
}

int figure_take_period(struct slice word, bool english, struct figure_period *out, struct err *e)
{
    if (period_parse(word, &out->kind, &out->calendar, &out->days, NULL) == 0)
        return 0;
    return err_set(e, ERR_INVALID,
                   english ? "write 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M or "
                             "2024, with hc: in front for the administrative calendar"
                           : "viết như 2024-09-05, 2024-W36, 2024-09, 2024-Q3, 2024-H1, 2024-9M, "
                             "2024; lịch hành chính thêm hc: ở trước");
}

int figure_other_period(const struct figure_period *given, enum period_kind kind,
                        enum period_calendar calendar, bool english, struct err *e)
{
    char written[PERIOD_TEXT_BYTES], wanted[PERIOD_TEXT_BYTES];
    day_t last = given->days.last;
    period_format(given->kind, given->calendar, last, written);
    period_format(kind, calendar, period_next_end(kind, calendar, last), wanted);
    return err_set(e, ERR_INVALID,
                   english ? "period %s: this indicator is reported by another kind of period, "
                             "written like %s"
                           : "kỳ %s: chỉ tiêu thống kê này báo cáo theo loại kỳ khác, viết như %s",
                   written, wanted);
}

static int take_run(struct slice word, size_t dots, struct period *out)
{
    struct slice last = slice_of((const char *)word.data + dots + 2, word.len - dots - 2);
    int rc = day_parse(slice_of(word.data, dots), &out->first, NULL);
    if (rc == 0)
        rc = day_parse(last, &out->last, NULL);
    return rc == 0 && out->last < out->first ? ERR_INVALID : rc;
}

int figure_take_days(struct slice word, bool english, struct period *out, struct err *e)
{
    struct figure_period one;
    struct period days;
    const char *dots = memmem(word.data, word.len, "..", 2);
    if (!dots) {
        int rc = figure_take_period(word, english, &one, e);
        if (rc == 0)
            *out = one.days;
        return rc;
    }
    if (take_run(word, (size_t)(dots - (const char *)word.data), &days) == 0) {
        *out = days;
        return 0;
    }
    return err_set(e, ERR_INVALID,
                   english ? "write the first day and the last, which is not before it: "
                             "2024-09-05..2024-10-05"
                           : "viết ngày đầu rồi ngày cuối, ngày cuối không trước ngày đầu: "
                             "2024-09-05..2024-10-05");
}

/* 90.000 without its separators, where that is what is wrong. */
static bool without_separators(struct slice field, char out[WORD_BYTES])
{
    const char *at = field.data;
    size_t len = 0;
    bool any = false;
    for (size_t i = 0; i < field.len && len + 1 < WORD_BYTES; i++) {
        if (at[i] == '.' || at[i] == ',' || at[i] == ' ')
            any = true;
        else
            out[len++] = at[i];
    }
    out[len] = '\0';
    int64_t value;
    return any && parse_i64(slice_str(out), -OBSERVATION_VALUE_MAX, OBSERVATION_VALUE_MAX, &value,
                            NULL) == 0;
}

int figure_take_value(struct slice word, bool english, int64_t *out, struct err *e)
{
    char plain[WORD_BYTES];
    if (parse_i64(word, -OBSERVATION_VALUE_MAX, OBSERVATION_VALUE_MAX, out, NULL) == 0)
        return 0;
    if (word.len == 0)
        return err_set(e, ERR_INVALID,
                       english ? "empty: take the row out, or write 0 if it is zero"
                               : "trống: chưa có số thì bỏ dòng này, số là không thì viết 0");
    bool separators = without_separators(word, plain);
    return err_set(e, ERR_INVALID,
                   english ? "no whole number; if the mark separates thousands, write %s"
                           : "không phải số nguyên; nếu dấu chấm, phẩy để ngăn hàng nghìn, viết %s",
                   separators ? plain : "90000");
}

int figure_take_time(struct slice word, bool english, int64_t *out_ms, struct err *e)
{
    day_t day;
    if (day_time_parse(word, out_ms, NULL) == 0)
        return 0;
    if (day_parse(word, &day, NULL) == 0) {
        *out_ms = day_start_ms(day);
        return 0;
    }
    return err_set(e, ERR_INVALID,
                   english ? "write 2024-09-05 or 2024-09-05T08:00:00+07:00"
                           : "viết như 2024-09-05 hoặc 2024-09-05T08:00:00+07:00");
}

int figure_wrap(struct err *e, bool english, const char *vietnamese_name, const char *english_name,
                struct slice word)
{
    char excerpt[SCAN_EXCERPT_BYTES];
    return err_wrap(e, "%s \"%s\"", english ? english_name : vietnamese_name,
                    scan_excerpt(word, excerpt));
}

const char *figure_day(day_t day, bool english, char out[DAY_TEXT_BYTES])
{
    return english ? day_format(day, out) : day_format_vi(day, out);
}

const char *figure_time(int64_t time_ms, bool english, char out[FIGURE_TIME_BYTES])
{
    char day[DAY_TEXT_BYTES], whole[FIGURE_TIME_BYTES];
    day_time_format(time_ms, whole);
    snprintf(out, FIGURE_TIME_BYTES, "%s %.8s", figure_day(day_of_ms(time_ms), english, day),
             whole + CLOCK_FROM);
    return out;
}
