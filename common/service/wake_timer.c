#include "common/service/wake_timer.h"

static void on_wake(void *timer)
{
    struct wake_timer *w = timer;
    w->id = 0;
}

void wake_timer_set(struct wake_timer *w, struct loop *loop, int64_t delay_ms)
{
    int64_t due_ms = loop_now_ms() + delay_ms;
    if (w->id != 0 && w->due_ms <= due_ms)
        return;
    loop_cancel_timer(loop, w->id);
    w->id = loop_add_timer_once(loop, delay_ms, on_wake, w);
    w->due_ms = due_ms;
}
