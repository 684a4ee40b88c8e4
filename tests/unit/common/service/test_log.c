/* Lines as they reach stderr: one each, whatever stands in the values. */
#include "common/base/err.h"
#include "common/service/log.h"
#include "tests/support/suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int64_t clock_ms = 1725498000123; /* 2024-09-05T01:00:00.123Z */

static int64_t fake_now(void)
{
    return clock_ms;
}

/* What is written to the log of `c` since the last look. */
struct capture {
    struct log log;
    int read_fd;
    char text[3 * LOG_LINE_BYTES];
};

static struct capture capture_open(enum log_level level)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    return (struct capture){.log = {.fd = fds[1], .level = level, .now_ms = fake_now},
                            .read_fd = fds[0]};
}

static const char *capture_look(struct capture *c)
{
    ck_assert_int_eq(write(c->log.fd, "$", 1), 1); /* so that read never waits */
    ssize_t got = read(c->read_fd, c->text, sizeof c->text);
    ck_assert_int_gt(got, 0);
    c->text[got - 1] = '\0';
    return c->text;
}

#define STAMP "2024-09-05T08:00:00.123+07:00"

START_TEST(a_line_has_time_level_event_and_fields)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    log_info(&c.log, log_event("batch_taken"), log_text("producer", "lac-vien"),
             log_uint("number", UINT64_MAX), log_int("delta", -5));
    ck_assert_str_eq(capture_look(&c), STAMP " level=info event=batch_taken producer=lac-vien "
                                             "number=18446744073709551615 delta=-5\n");
}
END_TEST

static const struct {
    const char *reason;
    const char *value;
    const char *written;
} values[] = {
    {"a plain word", "tcp://[::1]:5555", "tcp://[::1]:5555"},
    {"nothing", "", "\"\""},
    {"no pointer", NULL, "\"\""},
    {"a blank", "two words", "\"two words\""},
    {"an equals sign", "a=b", "\"a=b\""},
    {"quotes and backslashes", "no \"x\" in \\y", "\"no \\\"x\\\" in \\\\y\""},
    {"a line break cannot forge a line", "x\nlevel=error", "\"x\\nlevel=error\""},
    {"a return and a tab", "x\ry\tz", "\"x\\x0dy\\tz\""},
    {"an escape sequence for the terminal", "\x1B[2J", "\"\\x1b[2J\""},
    {"Vietnamese stays readable", "Lạc Viên", "\"Lạc Viên\""},
    {"broken UTF-8", "L\xE1\xBAx", "\"L\\xe1\\xbax\""},
    {"a C1 control", "x\xC2\x9By", "\"x\\xc2\\x9by\""},
    {"DEL", "x\x7Fy", "\"x\\x7fy\""},
};

START_TEST(values_are_quoted_and_escaped_when_needed)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char line[200];
        snprintf(line, sizeof line, STAMP " level=warn event=e v=%s\n", values[i].written);
        log_warn(&c.log, log_event("e"), log_text("v", values[i].value));
        const char *got = capture_look(&c);
        ck_assert_msg(strcmp(got, line) == 0, "%s:\n got %s\nwant %s", values[i].reason, got, line);
    }
}
END_TEST

START_TEST(lines_below_the_level_are_not_written)
{
    struct capture c = capture_open(LOG_LEVEL_WARN);
    log_debug(&c.log, log_event("a"));
    log_info(&c.log, log_event("b"));
    log_error(&c.log, log_event("c"));
    ck_assert_str_eq(capture_look(&c), STAMP " level=error event=c\n");
}
END_TEST

START_TEST(context_stands_behind_the_event_on_each_line)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    struct log peer = log_with(&c.log, LOG_FIELDS(log_text("peer", "gate way")));
    struct log batch = log_with(&peer, LOG_FIELDS(log_uint("number", 7)));
    log_info(&batch, log_event("taken"), log_int("rows", 3));
    ck_assert_str_eq(capture_look(&c),
                     STAMP " level=info event=taken peer=\"gate way\" number=7 rows=3\n");
    log_info(&c.log, log_event("other"));
    ck_assert_str_eq(capture_look(&c), STAMP " level=info event=other\n");
}
END_TEST

START_TEST(context_that_does_not_fit_is_left_out_whole)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    char big[LOG_CONTEXT_BYTES + 1];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    struct log log = log_with(&c.log, LOG_FIELDS(log_int("a", 1), log_text("b", big)));
    log_info(&log, log_event("e"));
    ck_assert_str_eq(capture_look(&c), STAMP " level=info event=e a=1\n");
}
END_TEST

START_TEST(a_line_too_long_is_cut_at_a_field_and_says_so)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    static char big[2 * LOG_LINE_BYTES];
    memset(big, 'x', sizeof big - 1);
    log_info(&c.log, log_event("e"), log_int("a", 1), log_text("b", big), log_int("c", 2));
    ck_assert_str_eq(capture_look(&c), STAMP " level=info event=e a=1 cut=true\n");
}
END_TEST

/* Every length around the bound: the line ends in a newline, and never lies about the cut. */
START_TEST(the_bound_of_a_line_is_kept_to_the_byte)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    static char big[LOG_LINE_BYTES + 2];
    size_t head = strlen(STAMP " level=info event=e b=");
    for (size_t len = LOG_LINE_BYTES - head - 2; len < LOG_LINE_BYTES - head + 3; len++) {
        memset(big, 'x', len);
        big[len] = '\0';
        log_info(&c.log, log_event("e"), log_text("b", big));
        const char *got = capture_look(&c);
        bool fits = head + len <= LOG_LINE_BYTES;
        ck_assert_msg((strstr(got, " cut=true\n") == NULL) == fits, "%zu bytes", head + len);
        ck_assert_msg(got[strlen(got) - 1] == '\n', "%zu bytes", head + len);
    }
}
END_TEST

START_TEST(an_error_is_logged_as_its_sentence)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    struct err e;
    err_set(&e, ERR_FULL, "open store /data/agg: map full");
    log_error(&c.log, log_event("failed"), log_err(&e));
    ck_assert_str_eq(capture_look(&c),
                     STAMP " level=error event=failed error=\"open store /data/agg: map full\"\n");
}
END_TEST

START_TEST(the_systems_clock_serves_when_none_is_given)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    c.log.now_ms = NULL;
    log_info(&c.log, log_event("e"));
    const char *got = capture_look(&c);
    ck_assert_msg(strlen(got) == strlen(STAMP " level=info event=e\n") &&
                      strncmp(got, "20", 2) == 0,
                  "%s", got);
}
END_TEST

static void complain_at(struct capture *c, struct log_complaint *complaint, int64_t after_ms)
{
    static const int64_t start_ms = 1725498000123;
    clock_ms = start_ms + after_ms;
    log_complain(&c->log, complaint, log_event("store_full"));
    clock_ms = start_ms;
}

START_TEST(a_complaint_is_logged_once_then_backs_off)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    struct log_complaint complaint = {0};
    complain_at(&c, &complaint, 0);
    ck_assert_str_eq(capture_look(&c), STAMP " level=warn event=store_full\n");
    for (int64_t ms = 1; ms < 10000; ms += 1111)
        complain_at(&c, &complaint, ms);
    ck_assert_str_eq(capture_look(&c), "");
    complain_at(&c, &complaint, 10000);
    ck_assert_ptr_nonnull(strstr(capture_look(&c), "event=store_full repeated=11\n"));
    complain_at(&c, &complaint, 29999);
    ck_assert_str_eq(capture_look(&c), "");
    complain_at(&c, &complaint, 30000);
    ck_assert_ptr_nonnull(strstr(capture_look(&c), "event=store_full repeated=13\n"));
}
END_TEST

START_TEST(a_complaint_is_repeated_at_least_every_hour)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    struct log_complaint complaint = {0};
    int64_t last_ms = 0;
    for (int64_t ms = 0; ms < 24 * 3600 * 1000; ms += 60 * 1000) {
        complain_at(&c, &complaint, ms);
        if (*capture_look(&c) != '\0') {
            ck_assert_int_le(ms - last_ms, 61 * 60 * 1000);
            last_ms = ms;
        }
    }
    ck_assert_int_gt(last_ms, 22 * 3600 * 1000);
}
END_TEST

START_TEST(the_end_of_a_complaint_is_told_with_its_count)
{
    struct capture c = capture_open(LOG_LEVEL_INFO);
    struct log_complaint complaint = {0};
    log_complain_over(&c.log, &complaint, "store_has_room");
    ck_assert_str_eq(capture_look(&c), "");
    for (int i = 0; i < 12; i++)
        log_complain(&c.log, &complaint, log_event("store_full"));
    capture_look(&c);
    clock_ms += 63000;
    log_complain_over(&c.log, &complaint, "store_has_room");
    ck_assert_str_eq(capture_look(&c), "2024-09-05T08:01:03.123+07:00 level=info "
                                       "event=store_has_room message=\"over after 12 in 63 "
                                       "seconds\"\n");
    log_complain_over(&c.log, &complaint, "store_has_room");
    ck_assert_str_eq(capture_look(&c), "");
    log_complain(&c.log, &complaint, log_event("store_full"));
    ck_assert_ptr_nonnull(strstr(capture_look(&c), "event=store_full\n"));
}
END_TEST

SUITE_MAIN("service/log", a_line_has_time_level_event_and_fields,
           values_are_quoted_and_escaped_when_needed, lines_below_the_level_are_not_written,
           context_stands_behind_the_event_on_each_line,
           context_that_does_not_fit_is_left_out_whole,
           a_line_too_long_is_cut_at_a_field_and_says_so, the_bound_of_a_line_is_kept_to_the_byte,
           an_error_is_logged_as_its_sentence, the_systems_clock_serves_when_none_is_given,
           a_complaint_is_logged_once_then_backs_off, a_complaint_is_repeated_at_least_every_hour,
           the_end_of_a_complaint_is_told_with_its_count)
