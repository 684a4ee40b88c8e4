#include "common/service/store_retry.h"

enum { RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 60000 };

void store_retry_init(struct store_retry *r, const struct log *log,
                      const struct store_retry_words *words)
{
    *r = (struct store_retry){.log = log,
                              .words = words,
                              .backoff = {.first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS}};
}

int64_t store_retry_failed(struct store_retry *r, const struct err *why)
{
    int64_t pause_ms = backoff_grow(&r->backoff);
    r->full = true;
    log_complain(r->log, &r->complaint, log_event(r->words->failed_event), log_err(why),
                 log_int("retry_ms", pause_ms), log_text("message", r->words->failed_message));
    return pause_ms;
}

void store_retry_succeeded(struct store_retry *r)
{
    r->full = false;
    backoff_reset(&r->backoff);
    log_complain_over(r->log, &r->complaint, r->words->succeeds_event);
}

bool store_retry_may_help(const struct err *e)
{
    return e->code == ERR_FULL || e->code == ERR_IO || e->code == ERR_AGAIN;
}
