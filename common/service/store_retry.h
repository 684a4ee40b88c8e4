/* What stands between a failed commit and the next attempt: a growing pause, a complaint in the
 * log, and that it is over once a commit succeeds. The owner throws away what it has in memory and
 * takes it again from the last commit: nothing of a failed one may be built upon. */
#ifndef TONGHOP_SERVICE_STORE_RETRY_H
#define TONGHOP_SERVICE_STORE_RETRY_H

#include "common/base/err.h"
#include "common/service/backoff.h"
#include "common/service/log.h"

#include <stdbool.h>

/* Literals. */
struct store_retry_words {
    const char *failed_event;
    const char *failed_message; /* what stands still meanwhile, and what to do */
    const char *succeeds_event; /* logged once after failures */
};

/* Read by the owner, written here alone. */
struct store_retry {
    const struct log *log;
    const struct store_retry_words *words;
    struct backoff backoff;
    struct log_complaint complaint;
    bool full; /* the last commit failed */
};

void store_retry_init(struct store_retry *r, const struct log *log,
                      const struct store_retry_words *words);
/* Logged and noted; returns the pause until the next attempt, ms. */
int64_t store_retry_failed(struct store_retry *r, const struct err *why);
void store_retry_succeeded(struct store_retry *r);
/* Is this error the store's trouble, which time and room may mend? Any other lies in what was
 * applied and would come again. */
bool store_retry_may_help(const struct err *e);

#endif
