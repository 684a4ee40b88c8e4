/* Journal time: never goes back, and does not believe a machine's clock that jumps by more than an
 * hour against the monotonic one until an operate key accepts it; a restart makes no jump credible.
 * In replay mode it moves only when told. Pure: both clocks are arguments. The monotonic one counts
 * from the machine's boot, suspended time included (CLOCK_BOOTTIME), so that it goes on while no
 * collector runs. */
#ifndef TONGHOP_COLLECTOR_CLOCK_CORE_H
#define TONGHOP_COLLECTOR_CLOCK_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum { CLOCK_JUMP_MS = 3600 * 1000, CLOCK_TICK_MS = 60 * 1000, CLOCK_BOOT_ID_BYTES = 16 };

/* For longer than a month nobody is without a collector unnoticed, and a clock whose battery is
 * empty, or set to another year, is found out. */
#define CLOCK_DOWN_MAX_MS (INT64_C(31) * 24 * 3600 * 1000)

/* What the machine says. */
struct clock_reading {
    int64_t wall_ms;
    int64_t monotonic_ms; /* since boot */
    uint8_t boot_id[CLOCK_BOOT_ID_BYTES];
};

/* Where time stood at the journal's last commit: what a restart judges the machine by. */
struct clock_mark {
    int64_t time_ms; /* of the commit; 0 in a new journal */
    int64_t tick_ms; /* of the last tick */
    int64_t monotonic_ms;
    int64_t lag_ms;
    uint8_t boot_id[CLOCK_BOOT_ID_BYTES];
    bool held;
};

struct clock_core {
    bool replay;
    bool held;       /* a jump waits to be accepted; time goes on by the monotonic clock */
    int64_t time_ms; /* journal time */
    int64_t wall_ms; /* what the machine said last */
    int64_t monotonic_ms;
    int64_t tick_ms; /* time of the last tick */
    int64_t lag_ms;  /* how far the machine may stay behind journal time: a jump back, accepted */
    uint8_t boot_id[CLOCK_BOOT_ID_BYTES];
};

/* Live, in the boot of the last commit, a restart is no more than a pause: the machine's clock is
 * judged against the monotonic one, as ever. In another boot nothing tells how long the machine was
 * off: it is believed up to CLOCK_DOWN_MAX_MS ahead of the journal and an hour behind it, and no
 * further than an hour either way while a jump was waiting. What is not believed, or lies beyond
 * DAY_LAST, is held. */
void clock_start(struct clock_core *c, bool replay, const struct clock_mark *last,
                 const struct clock_reading *now);
/* For the commit that is being written, of journal time `time_ms`. */
struct clock_mark clock_mark(const struct clock_core *c, int64_t time_ms);
/* Takes a reading of both clocks. Time follows the machine's clock; while that is behind, by an
 * hour at most, time goes at half its speed until the two meet. A jump that is taken back before
 * anybody accepted it no longer waits. */
void clock_read(struct clock_core *c, int64_t wall_ms, int64_t monotonic_ms);
/* Accepts a waiting jump; ERR_INVALID when none waits or it is another time than the one shown
 * (more than a minute apart). After a jump back time goes at half its speed, as it cannot go back.
 */
int clock_accept(struct clock_core *c, int64_t wall_ms, struct err *err);
/* Replay only: moves to time_ms; ERR_INVALID backwards, beyond DAY_LAST or in live mode. A move to
 * where time stands already is no move and gives no tick. */
int clock_replay(struct clock_core *c, int64_t time_ms, struct err *err);
/* The next tick that is due at the present time, in order: every full minute, but of minutes missed
 * only the midnights (Viet Nam) and the last one. false: none. Marks it as taken. In replay mode
 * every move is one tick, with the midnights in between before it; the first move has none before.
 */
bool clock_next_tick(struct clock_core *c, int64_t *tick_ms);

#endif
