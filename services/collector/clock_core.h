/* Journal time: never goes back, and does not believe a machine's clock that jumps by more than an
 * hour against the monotonic one until an operate key accepts it. In replay mode it moves only when
 * told. Pure: both clocks are arguments. */
#ifndef TONGHOP_COLLECTOR_CLOCK_CORE_H
#define TONGHOP_COLLECTOR_CLOCK_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum { CLOCK_JUMP_MS = 3600 * 1000, CLOCK_TICK_MS = 60 * 1000 };

struct clock_core {
    bool replay;
    bool held;       /* a jump waits to be accepted; time goes on by the monotonic clock */
    int64_t time_ms; /* journal time */
    int64_t wall_ms; /* what the machine said last */
    int64_t monotonic_ms;
    int64_t tick_ms; /* time of the last tick */
    int64_t lag_ms;  /* how far the machine may stay behind journal time: a jump back, accepted */
};

/* time_ms, tick_ms: where the journal stands (0: new). Live, time that passed while nobody ran is
 * believed, however long; a machine's clock more than an hour behind the journal, or beyond
 * DAY_LAST, is held. */
void clock_start(struct clock_core *c, bool replay, int64_t time_ms, int64_t tick_ms,
                 int64_t wall_ms, int64_t monotonic_ms);
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
