#include "services/collector/clock_core.h"

#include <string.h>

#include "common/model/day.h"

enum { TIME_TEXT_BYTES = 32 };

/* A time that no figure could have. */
static bool is_beyond(int64_t time_ms)
{
    return time_ms >= day_start_ms(DAY_LAST + 1);
}

static bool is_jump(const struct clock_core *c, int64_t expected_ms, int64_t wall_ms)
{
    return wall_ms > expected_ms + CLOCK_JUMP_MS ||
           wall_ms < expected_ms - CLOCK_JUMP_MS - c->lag_ms;
}

/* The machine is behind: half speed lets it catch up, and no minute is left without its tick for
 * long. An odd millisecond is left for the next reading, or frequent ones would stop the time. */
static void follow_slowly(struct clock_core *c, int64_t wall_ms, int64_t elapsed_ms)
{
    c->time_ms += elapsed_ms / 2;
    c->monotonic_ms -= elapsed_ms % 2;
    int64_t behind_ms = c->time_ms - wall_ms;
    if (behind_ms < c->lag_ms)
        c->lag_ms = behind_ms;
}

/* Time as the monotonic clock carries it is what the machine's clock is judged by. */
static void follow(struct clock_core *c, int64_t wall_ms, int64_t elapsed_ms)
{
    c->held = is_jump(c, c->time_ms + elapsed_ms, wall_ms);
    if (c->held) {
        c->time_ms += elapsed_ms;
    } else if (wall_ms < c->time_ms + elapsed_ms / 2) {
        follow_slowly(c, wall_ms, elapsed_ms);
    } else {
        c->time_ms = wall_ms;
        c->lag_ms = 0;
    }
}

/* After a reboot. */
static bool is_believable(const struct clock_mark *last, int64_t wall_ms)
{
    int64_t most_ms = last->held ? CLOCK_JUMP_MS : CLOCK_DOWN_MAX_MS;
    return !is_beyond(wall_ms) && wall_ms - last->time_ms <= most_ms;
}

static void start_in_new_boot(struct clock_core *c, const struct clock_mark *last,
                              const struct clock_reading *now)
{
    c->wall_ms = now->wall_ms;
    c->monotonic_ms = now->monotonic_ms;
    if (now->wall_ms <= last->time_ms) {
        follow(c, now->wall_ms, 0);
    } else {
        c->held = !is_believable(last, now->wall_ms);
        c->time_ms = c->held ? last->time_ms : now->wall_ms;
        c->lag_ms = c->held ? last->lag_ms : 0;
    }
}

static void start_new(struct clock_core *c, const struct clock_reading *now)
{
    c->time_ms = c->tick_ms = c->wall_ms = now->wall_ms;
    c->monotonic_ms = now->monotonic_ms;
}

void clock_start(struct clock_core *c, bool replay, const struct clock_mark *last,
                 const struct clock_reading *now)
{
    *c = (struct clock_core){.replay = replay,
                             .time_ms = last->time_ms,
                             .tick_ms = last->tick_ms,
                             .monotonic_ms = last->monotonic_ms,
                             .lag_ms = last->lag_ms,
                             .held = last->held};
    memcpy(c->boot_id, now->boot_id, sizeof c->boot_id);
    bool same_boot = memcmp(last->boot_id, now->boot_id, sizeof c->boot_id) == 0;
    if (!replay && last->time_ms == 0)
        start_new(c, now);
    else if (replay || same_boot)
        clock_read(c, now->wall_ms, now->monotonic_ms);
    else
        start_in_new_boot(c, last, now);
}

struct clock_mark clock_mark(const struct clock_core *c, int64_t time_ms)
{
    struct clock_mark mark = {.time_ms = time_ms,
                              .tick_ms = c->tick_ms,
                              .monotonic_ms = c->monotonic_ms,
                              .lag_ms = c->lag_ms,
                              .held = c->held};
    memcpy(mark.boot_id, c->boot_id, sizeof mark.boot_id);
    return mark;
}

void clock_read(struct clock_core *c, int64_t wall_ms, int64_t monotonic_ms)
{
    int64_t elapsed_ms = monotonic_ms > c->monotonic_ms ? monotonic_ms - c->monotonic_ms : 0;
    c->wall_ms = wall_ms;
    c->monotonic_ms += elapsed_ms;
    if (!c->replay)
        follow(c, wall_ms, elapsed_ms);
}

static int check_acceptable(const struct clock_core *c, int64_t wall_ms, struct err *err)
{
    char shown[TIME_TEXT_BYTES];
    if (!c->held)
        return err_set(err, ERR_INVALID,
                       "clock: no jump is waiting to be accepted; there is nothing to do");
    if (is_beyond(c->wall_ms))
        return err_set(err, ERR_INVALID,
                       "clock: the machine's clock says %lld ms, after the year 2199: set it right",
                       (long long)c->wall_ms);
    if (wall_ms < c->wall_ms - CLOCK_TICK_MS || wall_ms > c->wall_ms + CLOCK_TICK_MS)
        return err_set(err, ERR_INVALID,
                       "clock: the machine's clock says %s, not the time given: look at the "
                       "status again and accept the time that stands there",
                       day_time_format(c->wall_ms, shown));
    return 0;
}

int clock_accept(struct clock_core *c, int64_t wall_ms, struct err *err)
{
    int rc = check_acceptable(c, wall_ms, err);
    if (rc != 0)
        return rc;
    c->held = false;
    if (c->wall_ms > c->time_ms)
        c->time_ms = c->wall_ms;
    c->lag_ms = c->time_ms - c->wall_ms;
    return 0;
}

int clock_replay(struct clock_core *c, int64_t time_ms, struct err *err)
{
    char shown[TIME_TEXT_BYTES];
    if (!c->replay)
        return err_set(err, ERR_INVALID,
                       "clock: this journal is live, its time is the machine's: only a journal "
                       "begun in replay mode can be moved");
    if (time_ms < c->time_ms)
        return err_set(err, ERR_INVALID,
                       "clock: the journal stands at %s and never goes back: give that time or a "
                       "later one",
                       day_time_format(c->time_ms, shown));
    if (is_beyond(time_ms))
        return err_set(err, ERR_INVALID,
                       "clock: %lld ms lies after the year 2199: correct the time",
                       (long long)time_ms);
    c->time_ms = time_ms;
    return 0;
}

static int64_t last_due(const struct clock_core *c)
{
    return c->replay ? c->time_ms : c->time_ms - c->time_ms % CLOCK_TICK_MS;
}

bool clock_next_tick(struct clock_core *c, int64_t *tick_ms)
{
    int64_t last_ms = last_due(c);
    if (last_ms <= c->tick_ms)
        return false;
    int64_t midnight_ms = day_start_ms(day_of_ms(c->tick_ms) + 1);
    bool first_move = c->tick_ms == 0;
    c->tick_ms = midnight_ms < last_ms && !first_move ? midnight_ms : last_ms;
    *tick_ms = c->tick_ms;
    return true;
}
