#include "common/service/waiting.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/net/loop.h"

enum { WAIT_MAX_MS = 60 * 1000 };

void waiting_init(struct waiting *w, size_t most, size_t bytes_max)
{
    *w = (struct waiting){
        .waiters = alloc_zeroed(most, sizeof *w->waiters), .most = most, .bytes_max = bytes_max};
}

void waiting_fini(struct waiting *w)
{
    for (size_t i = 0; i < w->count; i++)
        buf_fini(&w->waiters[i].message);
    free(w->waiters);
    *w = (struct waiting){0};
}

int waiting_add(struct waiting *w, const struct waiter *asked, struct slice message,
                uint32_t wait_ms, struct err *e)
{
    if (w->count >= w->most || w->bytes + message.len > w->bytes_max)
        return err_set(e, ERR_AGAIN, "%zu questions wait already: ask again later", w->count);
    struct waiter *one = &w->waiters[w->count++];
    *one = *asked;
    one->message = (struct buf){0};
    one->deadline_ms = loop_now_ms() + (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    buf_bytes(&one->message, message.data, message.len);
    w->bytes += message.len;
    return 0;
}

int64_t waiting_serve(struct waiting *w, int64_t now_ms, waiting_is_due_fn *is_due,
                      waiting_serve_fn *serve, void *owner)
{
    int64_t next_ms = INT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct waiter *one = &w->waiters[i];
        if (one->deadline_ms <= now_ms || is_due(owner, one)) {
            serve(owner, one);
            w->bytes -= one->message.len;
            buf_fini(&one->message);
            continue;
        }
        if (one->deadline_ms < next_ms)
            next_ms = one->deadline_ms;
        w->waiters[kept++] = *one;
    }
    w->count = kept;
    return next_ms;
}
