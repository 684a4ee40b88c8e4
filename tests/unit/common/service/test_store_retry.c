/* Failed commits: the pauses, the complaint, and which errors are worth another attempt. */
#include "common/service/store_retry.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct store_retry_words words = {
    .failed_event = "commit_failed",
    .failed_message = "make room",
    .succeeds_event = "commit_succeeds",
};

/* What is written to the log since the last look. */
struct capture {
    struct log log;
    int read_fd;
    char text[4096];
};

static struct capture capture_open(void)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    return (struct capture){.log = {.fd = fds[1], .level = LOG_LEVEL_INFO}, .read_fd = fds[0]};
}

static const char *capture_look(struct capture *c)
{
    ck_assert_int_eq(write(c->log.fd, "$", 1), 1); /* so that read never waits */
    ssize_t got = read(c->read_fd, c->text, sizeof c->text);
    ck_assert_int_gt(got, 0);
    c->text[got - 1] = '\0';
    return c->text;
}

START_TEST(pauses_double_up_to_a_minute_and_begin_anew_after_a_success)
{
    static const int64_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct capture c = capture_open();
    struct store_retry r;
    struct err full;
    err_set(&full, ERR_FULL, "the map is full");
    store_retry_init(&r, &c.log, &words);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof pauses_ms / sizeof *pauses_ms; i++)
            ck_assert_int_eq(store_retry_failed(&r, &full), pauses_ms[i]);
        ck_assert(r.full);
        store_retry_succeeded(&r);
        ck_assert(!r.full);
    }
}
END_TEST

START_TEST(a_failure_is_told_once_and_so_is_its_end)
{
    struct capture c = capture_open();
    struct store_retry r;
    struct err full;
    err_set(&full, ERR_FULL, "the map is full");
    store_retry_init(&r, &c.log, &words);
    store_retry_succeeded(&r);
    ck_assert_str_eq(capture_look(&c), "");
    store_retry_failed(&r, &full);
    ck_assert_ptr_nonnull(strstr(capture_look(&c),
                                 " level=warn event=commit_failed error=\"the map is full\" "
                                 "retry_ms=1000 message=\"make room\"\n"));
    store_retry_failed(&r, &full);
    ck_assert_str_eq(capture_look(&c), "");
    store_retry_succeeded(&r);
    ck_assert_ptr_nonnull(
        strstr(capture_look(&c), " event=commit_succeeds message=\"over after 2"));
    store_retry_succeeded(&r);
    ck_assert_str_eq(capture_look(&c), "");
}
END_TEST

static const struct {
    const char *reason;
    int code;
    bool helps;
} errors[] = {
    {"room can be made", ERR_FULL, true},
    {"a disk may come back", ERR_IO, true},
    {"nothing is wrong, only busy", ERR_AGAIN, true},
    {"the same bytes would be wrong again", ERR_CORRUPT, false},
    {"the same input would be refused again", ERR_INVALID, false},
    {"a newer format stays newer", ERR_VERSION, false},
};

START_TEST(only_the_stores_own_trouble_is_worth_another_attempt)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct err e;
        err_set(&e, errors[i].code, "trouble");
        ck_assert_msg(store_retry_may_help(&e) == errors[i].helps, "%s", errors[i].reason);
    }
}
END_TEST

SUITE_MAIN("service/store_retry", pauses_double_up_to_a_minute_and_begin_anew_after_a_success,
           a_failure_is_told_once_and_so_is_its_end,
           only_the_stores_own_trouble_is_worth_another_attempt)
