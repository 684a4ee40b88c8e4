/* Questions that wait until what they ask about is there, or until their time is over: kept as they
 * came, decoded again when they are served. */
#ifndef TONGHOP_SERVICE_WAITING_H
#define TONGHOP_SERVICE_WAITING_H

#include "common/service/responder.h"

struct waiter {
    struct asker from;
    struct buf message;
    uint64_t not_before; /* an entry of the journal */
    uint64_t asked_at;   /* for the owner: where it stood itself when this came */
    int64_t deadline_ms; /* monotonic */
};

/* Read by the owner, written here alone. */
struct waiting {
    struct waiter *waiters; /* in the order in which they came */
    size_t count;
    size_t most;
    size_t bytes; /* of their messages */
    size_t bytes_max;
};

/* Is its turn there, before its deadline? */
typedef bool waiting_is_due_fn(void *owner, const struct waiter *w);
/* Answers, or tells why not; may not add to the list. The waiter is gone afterwards. */
typedef void waiting_serve_fn(void *owner, const struct waiter *w);

void waiting_init(struct waiting *w, size_t most, size_t bytes_max);
void waiting_fini(struct waiting *w); /* also on a zeroed one */

/* Copies the message. A wait above a minute is cut to one. ERR_AGAIN: too many wait already. */
int waiting_add(struct waiting *w, const struct waiter *asked, struct slice message,
                uint32_t wait_ms, struct err *e);
/* Serves whoever is due, or whose deadline has passed at now_ms. Returns the next deadline,
 * INT64_MAX when nobody is left. */
int64_t waiting_serve(struct waiting *w, int64_t now_ms, waiting_is_due_fn *is_due,
                      waiting_serve_fn *serve, void *owner);

#endif
