/* From the collector into the store: pull, apply in slices, checkpoint. */
#include "services/aggregator/aggregator_service.h"

enum {
    SLICE_MS = 20,  /* of applying, between two looks at the sockets */
    COST_SHARE = 8, /* checkpoints take at most one part in so many of the time */
};

static const struct follower_words words = {
    .pulls_help = "Pulls of the journal, by how they ended.",
    .answers_event = "collector_answers",
    .refuses_event = "collector_refuses_key",
    .refuses_message = "put this aggregator's public key among the collector's service_keys",
    .unreachable_event = "collector_unreachable",
    .cannot_follow = "this journal cannot be followed any further",
};

static const struct store_retry_words retry_words = {
    .failed_event = "checkpoint_failed",
    .failed_message = "the figures stand where they were; make room or raise store.map_size",
    .succeeds_event = "checkpoint_succeeds",
};

void aggregator_follow_init(struct aggregator_service *s)
{
    follower_init(&s->follower, s->service, &words);
    store_retry_init(&s->store_retry, s->log, &retry_words);
}

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
    int64_t pause_ms = store_retry_failed(&s->store_retry, why);
    ++*s->count.checkpoints_failed;
    store_abort(&s->kv);
    pull_reply_clear(&s->reply.raw);
    ledger_close(s->ledger);
    s->ledger = NULL;
    if (aggregator_follow_open(s, &e) != 0) {
        err_wrap(&e, "open the ledger again after a failed checkpoint");
        service_fail(s->service, &e);
        return;
    }
    puller_seek(&s->puller, s->done.offset + 1, s->done.commit_hash);
    pull_pause(&s->puller.pull, loop_now_ms() + pause_ms);
}

/* --- checkpoints */

static void become_ready(struct aggregator_service *s)
{
    if (!follower_has_arrived(&s->follower, s->done.offset))
        return;
    s->puller.pull.wait_ms = (uint32_t)s->config->fetch_wait_ms;
    aggregator_excluded_count(s);
    aggregator_feed_begin(s);
    feed_gates_start(&s->feed_gates);
    follower_become_ready(&s->follower, s->done.offset);
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
    store_retry_succeeded(&s->store_retry);
    if (!s->follower.ready)
        return;
    aggregator_feed_changed(s, &changes);
    if (changes.everything)
        aggregator_excluded_count(s);
}

static bool is_caught_up(const struct aggregator_service *s)
{
    return !s->reply.raw.held && ledger_position(s->ledger).offset >= s->follower.head_offset;
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

void aggregator_follow_wake(struct aggregator_service *s, int64_t delay_ms)
{
    wake_timer_set(&s->wake_timer, service_loop(s->service), delay_ms);
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
    if (store_retry_may_help(e)) {
        start_over(s, e); /* all others are the journal's trouble */
        return;
    }
    pull_reply_clear(&s->reply.raw);
    follower_give_up(&s->follower, e);
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
    if (rc == 0 && !s->store_retry.full)
        aggregator_feed_revoke(s, &effects);
    arena_reset(&s->arena);
    return rc == 0 && s->ledger != NULL;
}

static void apply_slice(struct aggregator_service *s)
{
    struct slice commit;
    int64_t until_ms = loop_now_ms() + SLICE_MS;
    while (s->reply.raw.held && loop_now_ms() < until_ms) {
        if (!puller_next_commit(&s->reply, &commit)) {
            pull_reply_clear(&s->reply.raw);
            return;
        }
        if (!apply_commit(s, commit))
            return;
        if (has_much_pending(s))
            aggregator_follow_checkpoint(s);
    }
    if (s->reply.raw.held)
        aggregator_follow_wake(s, 0);
}

void aggregator_follow_round(struct aggregator_service *s)
{
    apply_slice(s);
    checkpoint_when_due(s);
    become_ready(s);
}

/* --- the collector's answers */

void aggregator_follow_receive(void *service)
{
    struct aggregator_service *s = service;
    struct err e;
    uint64_t pull = s->puller.pull.id; /* an answer sends the next one */
    if (s->reply.raw.held)
        return; /* waits in the socket until this one is applied */
    int rc = puller_receive(&s->puller, loop_now_ms(), &s->reply, &e);
    follower_note(&s->follower, rc, &e);
    if (rc != 0)
        return;
    follower_learn_head(&s->follower, s->reply.commits.head_offset, s->done.offset);
    s->head_pull = pull;
}

void aggregator_follow_poke(void *service)
{
    struct aggregator_service *s = service;
    if (service_draining(s->service) || s->reply.raw.held)
        return;
    follower_look(&s->follower, s->puller.pull.socket, s->config->collector_endpoint);
    puller_poke(&s->puller, loop_now_ms());
}
