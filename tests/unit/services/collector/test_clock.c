#include "services/collector/clock_core.h"

#include <stdio.h>
#include <string.h>

#include "common/model/day.h"
#include "tests/support/suite.h"

enum { MINUTE = CLOCK_TICK_MS, HOUR = CLOCK_JUMP_MS, SECOND = 1000 };

#define DAY_MS (24 * (int64_t)HOUR)
static const int64_t DAY = DAY_MS;

/* 2024-09-05T08:00:30.000+07:00 */
static int64_t base_ms(void)
{
    return day_start_ms(day_of(2024, 9, 5)) + 8 * (int64_t)HOUR + 30 * SECOND;
}

static struct clock_reading reading(char boot, int64_t wall_ms, int64_t monotonic_ms)
{
    struct clock_reading now = {.wall_ms = wall_ms, .monotonic_ms = monotonic_ms};
    memset(now.boot_id, boot, sizeof now.boot_id);
    return now;
}

/* After a reboot, as nothing tells how long the machine was off. */
static struct clock_core live(int64_t time_ms, int64_t wall_ms)
{
    struct clock_core c;
    struct clock_reading now = reading('B', wall_ms, 1000);
    struct clock_mark last = {.time_ms = time_ms,
                              .tick_ms = time_ms - time_ms % MINUTE,
                              .monotonic_ms = 500 * (int64_t)HOUR,
                              .boot_id = "another"};
    clock_start(&c, false, &last, &now);
    return c;
}

static int64_t next_tick(struct clock_core *c)
{
    int64_t tick_ms = -1;
    return clock_next_tick(c, &tick_ms) ? tick_ms : -1;
}

START_TEST(time_follows_the_machine_and_never_goes_back)
{
    static const struct {
        const char *why;
        int64_t wall_step, monotonic_step, time_step;
        bool held;
    } rows[] = {
        {"both clocks agree", SECOND, SECOND, SECOND, false},
        {"the machine gains a little", SECOND + 5, SECOND, SECOND + 5, false},
        {"the machine loses a little", SECOND - 5, SECOND, SECOND - 5, false},
        {"set back half an hour: half speed", SECOND - HOUR / 2, SECOND, SECOND / 2, false},
        {"set back an hour exactly", SECOND - HOUR, SECOND, SECOND / 2, false},
        {"set back more than an hour", SECOND - HOUR - 1, SECOND, SECOND, true},
        {"set ahead an hour exactly", SECOND + HOUR, SECOND, SECOND + HOUR, false},
        {"set ahead more than an hour", SECOND + HOUR + 1, SECOND, SECOND, true},
        {"a machine gone mad", INT64_MAX / 2, SECOND, SECOND, true},
        {"a monotonic clock gone back counts as standing", 0, -SECOND, 0, false},
        {"two hours pass on both", 2 * HOUR, 2 * HOUR, 2 * HOUR, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock_core c = live(base_ms(), base_ms());
        clock_read(&c, base_ms() + rows[i].wall_step, 1000 + rows[i].monotonic_step);
        ck_assert_msg(c.time_ms - base_ms() == rows[i].time_step && c.held == rows[i].held,
                      "%s: time went %lld (expected %lld), held %d", rows[i].why,
                      (long long)(c.time_ms - base_ms()), (long long)rows[i].time_step, c.held);
    }
}
END_TEST

START_TEST(half_speed_ends_when_the_machine_has_caught_up)
{
    struct clock_core c = live(base_ms(), base_ms());
    int64_t wall = base_ms() - 10 * SECOND, monotonic = 1000, before = c.time_ms;
    for (int i = 0; i < 30000; i++) { /* a reading a millisecond must not stop the time */
        clock_read(&c, ++wall, ++monotonic);
        ck_assert_msg(c.time_ms >= before, "went back by %lld", (long long)(before - c.time_ms));
        before = c.time_ms;
        if (i == 9999)
            ck_assert_int_eq(c.time_ms - base_ms(), 5000);
    }
    ck_assert_int_eq(c.time_ms, wall);
}
END_TEST

START_TEST(after_a_reboot_a_month_is_believed_but_not_a_clock_set_back)
{
    static const struct {
        const char *why;
        int64_t wall, time;
        bool held;
    } rows[] = {
        {"a reboot within the second", 400, 400, false},
        {"three days of downtime", 72 * (int64_t)HOUR, 72 * (int64_t)HOUR, false},
        {"a month off", 31 * DAY_MS, 31 * DAY_MS, false},
        {"more than a month", 31 * DAY_MS + 1, 0, true},
        {"another year", 366 * DAY_MS, 0, true},
        {"half an hour behind", -HOUR / 2, 0, false},
        {"an hour behind", -HOUR, 0, false},
        {"more than an hour behind", -HOUR - 1, 0, true},
        {"after the year 2199", INT64_MAX / 4, 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock_core c = live(base_ms(), base_ms() + rows[i].wall);
        ck_assert_msg(c.time_ms == base_ms() + rows[i].time && c.held == rows[i].held,
                      "%s: time %+lld, held %d", rows[i].why, (long long)(c.time_ms - base_ms()),
                      c.held);
    }
}
END_TEST

/* A commit, a stop, and a start when both clocks have moved. */
static struct clock_core restart(const struct clock_core *c, char boot, int64_t wall_ms,
                                 int64_t monotonic_ms)
{
    struct clock_core again;
    struct clock_mark mark = clock_mark(c, c->time_ms);
    struct clock_reading now = reading(boot, wall_ms, monotonic_ms);
    clock_start(&again, false, &mark, &now);
    return again;
}

START_TEST(in_one_boot_a_restart_is_no_more_than_a_pause)
{
    static const struct {
        const char *why;
        int64_t wall_step, monotonic_step, time_step;
        bool held;
    } rows[] = {
        {"at once", 0, 0, 0, false},
        {"a minute", MINUTE, MINUTE, MINUTE, false},
        {"three days", 3 * DAY_MS, 3 * DAY_MS, 3 * DAY_MS, false},
        {"forty days", 40 * DAY_MS, 40 * DAY_MS, 40 * DAY_MS, false},
        {"a minute in which a day passed", DAY_MS, MINUTE, MINUTE, true},
        {"an hour ahead", HOUR + MINUTE, MINUTE, HOUR + MINUTE, false},
        {"more than an hour ahead", HOUR + MINUTE + 1, MINUTE, MINUTE, true},
        {"a day in which a minute passed", MINUTE, DAY_MS, DAY_MS, true},
        {"an hour behind", DAY_MS - HOUR, DAY_MS, DAY_MS - HOUR, false},
        {"more than an hour behind", DAY_MS - HOUR - 1, DAY_MS, DAY_MS, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock_core c = live(base_ms(), base_ms());
        c = restart(&c, 'B', base_ms() + rows[i].wall_step, 1000 + rows[i].monotonic_step);
        ck_assert_msg(c.time_ms - base_ms() == rows[i].time_step && c.held == rows[i].held,
                      "%s: time went %lld (expected %lld), held %d", rows[i].why,
                      (long long)(c.time_ms - base_ms()), (long long)rows[i].time_step, c.held);
    }
}
END_TEST

/* Otherwise a restart would be a way round the operator. */
START_TEST(a_jump_that_waited_waits_after_a_restart)
{
    static const struct {
        const char *why;
        char boot;
        int64_t wall_step;
        bool held;
    } rows[] = {
        {"the same boot", 'B', 26 * (int64_t)HOUR, true},
        {"the same boot, set right", 'B', MINUTE, false},
        {"another boot", 'C', 26 * (int64_t)HOUR, true},
        {"another boot, set right", 'C', MINUTE, false},
        {"another boot, still two hours ahead", 'C', 2 * HOUR, true},
        {"another boot, now behind", 'C', -2 * HOUR, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock_core c = live(base_ms(), base_ms());
        clock_read(&c, base_ms() + 26 * (int64_t)HOUR, 1000);
        ck_assert(c.held);
        c = restart(&c, rows[i].boot, base_ms() + rows[i].wall_step, 1000);
        ck_assert_msg(c.held == rows[i].held, "%s: held %d", rows[i].why, c.held);
        clock_read(&c, base_ms() + rows[i].wall_step + SECOND, 1000 + SECOND);
        ck_assert_msg(c.held == rows[i].held, "%s, a second later: held %d", rows[i].why, c.held);
    }
}
END_TEST

START_TEST(a_jump_back_once_accepted_stays_accepted_after_a_restart)
{
    for (char boot = 'B'; boot <= 'C'; boot++) {
        struct clock_core c = live(base_ms(), base_ms());
        int64_t wall = base_ms() - 5 * HOUR;
        clock_read(&c, wall, 1000);
        ck_assert_int_eq(clock_accept(&c, wall, NULL), 0);
        c = restart(&c, boot, wall, 1000);
        ck_assert_msg(!c.held, "boot %c", boot);
        ck_assert_int_eq(c.time_ms, base_ms());
    }
}
END_TEST

START_TEST(held_time_goes_on_until_the_jump_is_accepted_or_taken_back)
{
    struct clock_core c = live(base_ms(), base_ms());
    clock_read(&c, base_ms() + 2 * HOUR, 2000);
    ck_assert(c.held);
    clock_read(&c, base_ms() + 2 * HOUR + SECOND, 3000);
    ck_assert_int_eq(c.time_ms, base_ms() + 2 * SECOND);
    struct clock_core taken_back = c;
    clock_read(&taken_back, base_ms() + 3 * SECOND, 4000);
    ck_assert(!taken_back.held);
    ck_assert_int_eq(taken_back.time_ms, base_ms() + 3 * SECOND);
    ck_assert_int_eq(clock_accept(&c, base_ms() + 2 * HOUR, NULL), 0);
    ck_assert(!c.held);
    ck_assert_int_eq(c.time_ms, base_ms() + 2 * HOUR + SECOND);
}
END_TEST

START_TEST(accept_wants_the_time_that_was_shown)
{
    static const struct {
        const char *why;
        int64_t jump, accepted;
        int code;
    } rows[] = {
        {"nothing waits", 0, 0, ERR_INVALID},
        {"the time shown", 2 * HOUR, 2 * HOUR, 0},
        {"a minute off", 2 * HOUR, 2 * HOUR - MINUTE, 0},
        {"more than a minute early", 2 * HOUR, 2 * HOUR - MINUTE - 1, ERR_INVALID},
        {"more than a minute late", 2 * HOUR, 2 * HOUR + MINUTE + 1, ERR_INVALID},
        {"nonsense", 2 * HOUR, INT64_MIN / 2, ERR_INVALID},
        {"after the year 2199", INT64_MAX / 4, INT64_MAX / 4, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clock_core c = live(base_ms(), base_ms());
        clock_read(&c, base_ms() + rows[i].jump, 1000);
        struct err err = {0};
        int code = clock_accept(&c, base_ms() + rows[i].accepted, &err);
        ck_assert_msg(code == rows[i].code, "%s: %d (%s)", rows[i].why, code, err.text);
        ck_assert_msg(c.held == (code != 0 && rows[i].jump != 0), "%s: held", rows[i].why);
    }
}
END_TEST

START_TEST(a_jump_back_once_accepted_is_caught_up_with_at_half_speed)
{
    struct clock_core c = live(base_ms(), base_ms());
    int64_t wall = base_ms() - 2 * HOUR;
    clock_read(&c, wall, 1000);
    ck_assert(c.held);
    ck_assert_int_eq(clock_accept(&c, wall, NULL), 0);
    ck_assert_int_eq(c.time_ms, base_ms());
    clock_read(&c, wall + MINUTE, 1000 + MINUTE);
    ck_assert(!c.held);
    ck_assert_int_eq(c.time_ms, base_ms() + MINUTE / 2);
    clock_read(&c, wall - 2 * HOUR, 1000 + MINUTE);
    ck_assert_msg(c.held, "a further jump back waits again");
}
END_TEST

START_TEST(ticks_are_every_minute_and_of_those_missed_the_midnights_and_the_last)
{
    struct clock_core c = live(base_ms(), base_ms());
    int64_t minute = base_ms() - 30 * SECOND;
    ck_assert_int_eq(next_tick(&c), -1);
    clock_read(&c, base_ms() + 30 * SECOND, 1000 + 30 * SECOND);
    ck_assert_int_eq(next_tick(&c), minute + MINUTE);
    ck_assert_int_eq(next_tick(&c), -1);
    c = live(base_ms(), base_ms() + 2 * DAY);
    day_t today = day_of_ms(base_ms());
    ck_assert_int_eq(next_tick(&c), day_start_ms(today + 1));
    ck_assert_int_eq(next_tick(&c), day_start_ms(today + 2));
    ck_assert_int_eq(next_tick(&c), minute + 2 * DAY);
    ck_assert_int_eq(next_tick(&c), -1);
}
END_TEST

START_TEST(a_midnight_that_is_now_is_one_tick)
{
    day_t tomorrow = day_of_ms(base_ms()) + 1;
    struct clock_core c = live(base_ms(), day_start_ms(tomorrow));
    ck_assert_int_eq(next_tick(&c), day_start_ms(tomorrow));
    ck_assert_int_eq(next_tick(&c), -1);
}
END_TEST

START_TEST(a_new_journal_has_its_first_tick_at_the_next_minute)
{
    struct clock_core c = live(0, base_ms());
    ck_assert_int_eq(c.time_ms, base_ms());
    ck_assert_int_eq(next_tick(&c), -1);
    clock_read(&c, base_ms() + MINUTE, 1000 + MINUTE);
    ck_assert_int_eq(next_tick(&c), base_ms() + 30 * SECOND);
}
END_TEST

START_TEST(replay_moves_only_when_told_and_ticks_at_every_move)
{
    struct clock_core c;
    struct clock_mark none = {0};
    struct clock_reading now = reading('A', base_ms(), 1000);
    clock_start(&c, true, &none, &now);
    clock_read(&c, base_ms() + HOUR, 1000 + HOUR);
    ck_assert_int_eq(c.time_ms, 0);
    ck_assert_int_eq(next_tick(&c), -1);
    ck_assert_int_eq(clock_replay(&c, base_ms(), NULL), 0);
    ck_assert_int_eq(next_tick(&c), base_ms()); /* and no midnight since 1970 */
    ck_assert_int_eq(next_tick(&c), -1);
    ck_assert_int_eq(clock_replay(&c, base_ms() + DAY, NULL), 0);
    ck_assert_int_eq(next_tick(&c), day_start_ms(day_of_ms(base_ms()) + 1));
    ck_assert_int_eq(next_tick(&c), base_ms() + DAY);
    ck_assert_int_eq(clock_replay(&c, base_ms() + DAY, NULL), 0);
    ck_assert_int_eq(next_tick(&c), -1);
    ck_assert_int_eq(clock_replay(&c, base_ms(), NULL), ERR_INVALID);
    ck_assert_int_eq(clock_replay(&c, INT64_MAX, NULL), ERR_INVALID);
    ck_assert_int_eq(clock_accept(&c, base_ms(), NULL), ERR_INVALID);
    struct clock_core machine = live(base_ms(), base_ms());
    ck_assert_int_eq(clock_replay(&machine, base_ms() + DAY, NULL), ERR_INVALID);
}
END_TEST

SUITE_MAIN("clock", time_follows_the_machine_and_never_goes_back,
           half_speed_ends_when_the_machine_has_caught_up,
           after_a_reboot_a_month_is_believed_but_not_a_clock_set_back,
           in_one_boot_a_restart_is_no_more_than_a_pause, a_jump_that_waited_waits_after_a_restart,
           a_jump_back_once_accepted_stays_accepted_after_a_restart,
           held_time_goes_on_until_the_jump_is_accepted_or_taken_back,
           accept_wants_the_time_that_was_shown,
           a_jump_back_once_accepted_is_caught_up_with_at_half_speed,
           ticks_are_every_minute_and_of_those_missed_the_midnights_and_the_last,
           a_midnight_that_is_now_is_one_tick, a_new_journal_has_its_first_tick_at_the_next_minute,
           replay_moves_only_when_told_and_ticks_at_every_move)
