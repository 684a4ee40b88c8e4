/* From the collector into the store: pull, apply in slices, checkpoint. */
#include "services/aggregator/aggregator_service.h"

enum {
    SLICE_MS = 20,         /* of applying, between two looks at the sockets */
    COST_SHARE = 8,        /* checkpoints take at most one part in so many of the time */
    UNREACHABLE_MS = 3000, /* without a link: worth a line in the log */
    RETRY_FIRST_MS = 1000, /* after a failed checkpoint */
    RETRY_MAX_MS = 60000,
};

/* --- the ledger on the store */

int aggregator_follow_open(struct aggregator_service *s, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc == 0)
        rc = ledger_open(&s->ledger, kv, &wire_codec, e);
    store_abort(&kv);
    if (rc == 0)
        s->done = ledger_position(s->ledger);
    return rc;
}

/* Nothing in memory outlives a failed commit: all since the checkpoint is pulled again. */
static void start_over(struct aggregator_service *s, const struct err *why)
{
    struct err e;
    s->store_full = true;
    s->retry_ms = s->retry_ms == 0 ? RETRY_FIRST_MS : s->retry_ms * 2;
    s->retry_ms = s->retry_ms < RETRY_MAX_MS ? s->retry_ms : RETRY_MAX_MS;
    ++*s->count.checkpoints_failed;
    log_complain(s->log, &s->store_complaint, log_event("checkpoint_failed"), log_err(why),
                 log_int("retry_ms", s->retry_ms),
                 log_text("message", "the figures stand where they were; make room or raise "
                                     "store.map_size"));
    store_abort(&s->kv);
    puller_reply_clear(&s->reply);
    ledger_close(s->ledger);
    s->ledger = NULL;
    if (aggregator_follow_open(s, &e) != 0) {
        err_wrap(&e, "open the ledger again after a failed checkpoint");
        service_fail(s->service, &e);
        return;
    }
    puller_seek(&s->puller, s->done.offset + 1, s->done.commit_hash);
    puller_pause(&s->puller, loop_now_ms() + s->retry_ms);
}

/* --- checkpoints */

static void become_ready(struct aggregator_service *s)
{
    if (s->ready || !s->goal_known || s->done.offset < s->goal_offset)
        return;
    s->ready = true;
    s->puller.wait_ms = (uint32_t)s->config->fetch_wait_ms;
    aggregator_excluded_count(s);
    aggregator_feed_begin(s);
    aggregator_feed_open(s);
    log_info(s->log, log_event("caught_up"), log_uint("offset", s->done.offset));
    service_ready(s->service);
}

void aggregator_follow_checkpoint(struct aggregator_service *s)
{
    struct ledger_changes changes;
    struct err e;
    if (!s->kv)
        return;
    int64_t began_ms = loop_now_ms();
    ledger_flush(s->ledger, s->kv, &changes);
    int rc = store_commit(&s->kv, &e);
    s->checkpoint_ms = loop_now_ms();
    s->checkpoint_cost_ms = s->checkpoint_ms - began_ms;
    if (rc != 0) {
        start_over(s, &e);
        return;
    }
    ++*s->count.checkpoints;
    s->done = ledger_position(s->ledger);
    s->store_full = false;
    s->retry_ms = 0;
    log_complain_over(s->log, &s->store_complaint, "checkpoint_succeeds");
    if (!s->ready)
        return;
    aggregator_feed_changed(s, &changes);
    if (changes.everything)
        aggregator_excluded_count(s);
}

static bool is_caught_up(const struct aggregator_service *s)
{
    return !s->reply.held && ledger_position(s->ledger).offset >= s->head_offset;
}

/* The least time between two checkpoints when there is nothing more to apply: a lone report is
 * checkpointed at once, a stream of them some tens of times a second, and less often when it costs
 * more. */
static int64_t idle_interval(const struct aggregator_service *s)
{
    int64_t by_cost = COST_SHARE * s->checkpoint_cost_ms;
    int64_t interval =
        by_cost > s->config->checkpoint_idle_ms ? by_cost : s->config->checkpoint_idle_ms;
    return interval < s->config->checkpoint_busy_ms ? interval : s->config->checkpoint_busy_ms;
}

static int64_t checkpoint_due_ms(const struct aggregator_service *s)
{
    int64_t busy_ms = s->applied_since_ms + s->config->checkpoint_busy_ms;
    if (!is_caught_up(s))
        return busy_ms;
    if (aggregator_request_is_waited_for(s, ledger_position(s->ledger).offset))
        return 0;
    int64_t idle_ms = s->checkpoint_ms + idle_interval(s);
    return idle_ms < busy_ms ? idle_ms : busy_ms;
}

static bool has_much_pending(const struct aggregator_service *s)
{
    return ledger_pending(s->ledger) > (size_t)s->config->checkpoint_pending;
}

static void checkpoint_when_due(struct aggregator_service *s)
{
    if (!s->kv)
        return;
    int64_t wait_ms = checkpoint_due_ms(s) - loop_now_ms();
    if (wait_ms <= 0 || has_much_pending(s))
        aggregator_follow_checkpoint(s);
    else
        aggregator_follow_wake(s, wait_ms);
}

static void on_wake(void *service)
{
    struct aggregator_service *s = service;
    s->wake_timer = 0; /* the round's end does what is due */
}

/* One timer, for the earliest of whatever is waited for. */
void aggregator_follow_wake(struct aggregator_service *s, int64_t delay_ms)
{
    struct loop *loop = service_loop(s->service);
    int64_t due_ms = loop_now_ms() + delay_ms;
    if (s->wake_timer != 0 && s->wake_ms <= due_ms)
        return;
    loop_cancel_timer(loop, s->wake_timer);
    s->wake_timer = loop_add_timer_once(loop, delay_ms, on_wake, s);
    s->wake_ms = due_ms;
}

/* --- applying */

static int begin(struct aggregator_service *s, struct err *e)
{
    if (s->kv)
        return 0;
    s->applied_since_ms = loop_now_ms();
    return store_begin(s->store, true, &s->kv, e);
}

static void count_applied(struct aggregator_service *s, const struct ledger_position *before)
{
    struct ledger_position after = ledger_position(s->ledger);
    ++*s->count.commits_applied;
    *s->count.entries_applied += after.offset - before->offset;
    *s->count.rows_applied += after.next_row - before->next_row;
}

static void apply_failed(struct aggregator_service *s, const struct err *e)
{
    if (e->code == ERR_FULL || e->code == ERR_IO || e->code == ERR_AGAIN) {
        start_over(s, e); /* the store's trouble; all others are the journal's */
        return;
    }
    struct err why = *e;
    puller_reply_clear(&s->reply);
    err_wrap(&why, "this journal cannot be followed any further");
    service_fail(s->service, &why);
}

/* What hangs on the registry, keys and the tree, must never be newer than the figures that are
 * shown under it, so such a change is checkpointed at once. False: it started over, or stops. */
static bool apply_commit(struct aggregator_service *s, struct slice commit)
{
    struct err e;
    struct follow_effects effects = {0};
    struct ledger_position before = ledger_position(s->ledger);
    int rc = begin(s, &e);
    if (rc == 0)
        rc = follow_commit(s->ledger, s->kv, commit, &s->arena, &effects, &e);
    if (rc != 0)
        apply_failed(s, &e);
    else
        count_applied(s, &before);
    if (rc == 0 && effects.registry)
        aggregator_follow_checkpoint(s);
    if (rc == 0 && !s->store_full)
        aggregator_feed_revoke(s, &effects);
    arena_reset(&s->arena);
    return rc == 0 && s->ledger != NULL;
}

static void apply_slice(struct aggregator_service *s)
{
    struct slice commit;
    int64_t until_ms = loop_now_ms() + SLICE_MS;
    while (s->reply.held && loop_now_ms() < until_ms) {
        if (!puller_next_commit(&s->reply, &commit)) {
            puller_reply_clear(&s->reply);
            return;
        }
        if (!apply_commit(s, commit))
            return;
        if (has_much_pending(s))
            aggregator_follow_checkpoint(s);
    }
    if (s->reply.held)
        aggregator_follow_wake(s, 0);
}

void aggregator_follow_round(struct aggregator_service *s)
{
    apply_slice(s);
    checkpoint_when_due(s);
    become_ready(s);
}

/* --- the collector's answers */

static void learn_head(struct aggregator_service *s, uint64_t pull)
{
    s->head_offset = s->reply.commits.head_offset;
    s->head_pull = pull;
    if (s->goal_known)
        return;
    s->goal_known = true;
    s->goal_offset = s->head_offset;
    log_info(s->log, log_event("catching_up"), log_uint("from", s->done.offset),
             log_uint("to", s->goal_offset));
}

void aggregator_follow_receive(void *service)
{
    struct aggregator_service *s = service;
    struct err e;
    uint64_t pull = s->puller.id; /* an answer sends the next one */
    if (s->reply.held)
        return; /* waits in the socket until this one is applied */
    int rc = puller_receive(&s->puller, loop_now_ms(), &s->reply, &e);
    if (rc == 0) {
        ++*s->count.pulls;
        log_complain_over(s->log, &s->pull_complaint, "collector_answers");
        learn_head(s, pull);
    } else if (rc == ERR_CORRUPT) {
        err_wrap(&e, "this journal cannot be followed any further");
        service_fail(s->service, &e);
    } else if (rc != ERR_AGAIN) {
        ++*s->count.pulls_failed;
        log_complain(s->log, &s->pull_complaint, log_event("pull_failed"), log_err(&e));
    }
}

static void tell_link(struct aggregator_service *s)
{
    enum net_state state = net_state(s->puller.socket);
    if (state == NET_CONNECTED)
        s->linked_ms = loop_now_ms();
    if (state == NET_REFUSED)
        log_complain(s->log, &s->pull_complaint, log_event("collector_refuses_key"),
                     log_text("message", "put this aggregator's public key among the "
                                         "collector's service_keys"));
    else if (loop_now_ms() - s->linked_ms > UNREACHABLE_MS)
        log_complain(s->log, &s->pull_complaint, log_event("collector_unreachable"),
                     log_text("endpoint", s->config->collector_endpoint));
}

void aggregator_follow_poke(void *service)
{
    struct aggregator_service *s = service;
    if (service_draining(s->service) || s->reply.held)
        return;
    tell_link(s);
    puller_poke(&s->puller, loop_now_ms());
}
