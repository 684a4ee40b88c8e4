/* One timer for the earliest of whatever a service waits for. It only begins a round: what is due
 * by then is done at the round's end (loop_after). */
#ifndef TONGHOP_SERVICE_WAKE_TIMER_H
#define TONGHOP_SERVICE_WAKE_TIMER_H

#include "common/net/loop.h"

/* Zeroed at first; lives as long as the loop runs. */
struct wake_timer {
    uint64_t id;    /* 0: none is set */
    int64_t due_ms; /* monotonic */
};

/* A round begins after delay_ms at the latest; one that is set for earlier stays. */
void wake_timer_set(struct wake_timer *w, struct loop *loop, int64_t delay_ms);

#endif
