#include "common/service/follower.h"

#include "common/net/loop.h"

enum { UNREACHABLE_MS = 3000 /* without a link: worth a line in the log */ };

void follower_init(struct follower *f, struct service *service, const struct follower_words *words)
{
    struct counters *c = service_counters(service);
    f->service = service;
    f->words = words;
    f->linked_ms = loop_now_ms();
    f->counters.answered = counters_add(c, "pulls_total", "answered", words->pulls_help);
    f->counters.failed = counters_add(c, "pulls_total", "failed", words->pulls_help);
    f->counters.unanswered = counters_add(c, "pulls_total", "unanswered", words->pulls_help);
    f->counters.stale = counters_add(c, "pulls_total", "stale", words->pulls_help);
}

void follower_refresh(struct follower *f, const struct pull *p)
{
    *f->counters.unanswered = p->retries;
    *f->counters.stale = p->stale;
}

/* --- answers */

void follower_give_up(struct follower *f, const struct err *why)
{
    struct err e = *why;
    err_wrap(&e, "%s", f->words->cannot_follow);
    service_fail(f->service, &e);
}

void follower_note(struct follower *f, int rc, const struct err *e)
{
    const struct log *log = service_log(f->service);
    if (rc == 0) {
        ++*f->counters.answered;
        log_complain_over(log, &f->complaint, f->words->answers_event);
    } else if (rc == ERR_CORRUPT) {
        follower_give_up(f, e);
    } else if (rc != ERR_AGAIN) {
        ++*f->counters.failed;
        log_complain(log, &f->complaint, log_event("pull_failed"), log_err(e));
    }
}

/* --- catching up */

void follower_learn_head(struct follower *f, uint64_t head_offset, uint64_t done_offset)
{
    f->head_offset = head_offset;
    if (f->goal_known)
        return;
    f->goal_known = true;
    f->goal_offset = head_offset;
    log_info(service_log(f->service), log_event("catching_up"), log_uint("from", done_offset),
             log_uint("to", head_offset));
}

bool follower_has_arrived(const struct follower *f, uint64_t done_offset)
{
    return !f->ready && f->goal_known && done_offset >= f->goal_offset;
}

void follower_become_ready(struct follower *f, uint64_t done_offset)
{
    f->ready = true;
    log_info(service_log(f->service), log_event("caught_up"), log_uint("offset", done_offset));
    service_ready(f->service);
}

/* --- the link */

void follower_look(struct follower *f, const struct net_socket *socket, const char *endpoint)
{
    const struct log *log = service_log(f->service);
    enum net_state state = net_state(socket);
    if (state == NET_CONNECTED)
        f->linked_ms = loop_now_ms();
    if (state == NET_REFUSED)
        log_complain(log, &f->complaint, log_event(f->words->refuses_event),
                     log_text("message", f->words->refuses_message));
    else if (loop_now_ms() - f->linked_ms > UNREACHABLE_MS)
        log_complain(log, &f->complaint, log_event(f->words->unreachable_event),
                     log_text("endpoint", endpoint));
}
