#include "common/service/backoff.h"

int64_t backoff_grow(struct backoff *b)
{
    int64_t next_ms = b->pause_ms == 0 ? b->first_ms : b->pause_ms * 2;
    b->pause_ms = next_ms < b->max_ms ? next_ms : b->max_ms;
    return b->pause_ms;
}

void backoff_reset(struct backoff *b)
{
    b->pause_ms = 0;
}
