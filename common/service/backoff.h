/* A pause that doubles from one failure to the next, up to a limit, and begins anew after a
 * success. */
#ifndef TONGHOP_SERVICE_BACKOFF_H
#define TONGHOP_SERVICE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ms;
    int64_t max_ms;
    int64_t pause_ms; /* the last one; 0: nothing has failed since the last success */
};

int64_t backoff_grow(struct backoff *b); /* after a failure: how long to wait now, ms */
void backoff_reset(struct backoff *b);   /* after a success */

#endif
