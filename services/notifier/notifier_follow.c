/* From the aggregator into the store: pull, apply in slices, commit. */
#include "common/base/alloc.h"
#include "services/notifier/notifier_service.h"

enum { SLICE_MS = 50 /* of applying, between two looks at the sockets */ };

static const struct follower_words words = {
    .pulls_help = "Pulls of frames, by how they ended.",
    .answers_event = "aggregator_answers",
    .refuses_event = "aggregator_refuses_key",
    .refuses_message = "put this notifier's public key among the aggregator's service_keys",
    .unreachable_event = "aggregator_unreachable",
    .cannot_follow = "these frames cannot be followed any further",
};

static const struct store_retry_words retry_words = {
    .failed_event = "commit_failed",
    .failed_message = "nobody is told anything new; make room or raise store.map_size",
    .succeeds_event = "commit_succeeds",
};

void notifier_follow_init(struct notifier_service *s)
{
    follower_init(&s->follower, s->service, &words);
    store_retry_init(&s->store_retry, s->log, &retry_words);
}

/* --- the core on the store */

int notifier_follow_open(struct notifier_service *s, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc == 0)
        rc = notifier_open(&s->core, kv, &wire_codec, e);
    store_abort(&kv);
    if (rc == 0)
        s->done = notifier_position(s->core);
    return rc;
}

/* Nothing in memory outlives a failed commit: all since the last one is pulled again. */
static void start_over(struct notifier_service *s, const struct err *why)
{
    struct err e;
    int64_t pause_ms = store_retry_failed(&s->store_retry, why);
    ++*s->count.commits_failed;
    store_abort(&s->kv);
    pull_reply_clear(&s->reply.raw);
    notifier_close(s->core);
    s->core = NULL;
    s->changed_count = 0;
    if (notifier_follow_open(s, &e) != 0) {
        err_wrap(&e, "open the states again after a failed commit");
        service_fail(s->service, &e);
        return;
    }
    frame_puller_seek(&s->puller, s->done.offset);
    pull_pause(&s->puller.pull, loop_now_ms() + pause_ms);
}

static void commit(struct notifier_service *s)
{
    struct err e;
    if (!s->kv)
        return;
    if (store_commit(&s->kv, &e) != 0) {
        start_over(s, &e);
        return;
    }
    ++*s->count.commits;
    s->done = notifier_position(s->core);
    s->puller.after_offset = s->done.offset;
    store_retry_succeeded(&s->store_retry);
    notifier_feed_revoke(s, s->changed, s->changed_count);
    s->changed_count = 0;
    notifier_deliver_more(s);
}

static void become_ready(struct notifier_service *s)
{
    if (!follower_has_arrived(&s->follower, s->done.offset))
        return;
    s->puller.pull.wait_ms = (uint32_t)s->config->fetch_wait_ms;
    feed_gates_start(&s->feed_gates);
    follower_become_ready(&s->follower, s->done.offset);
}

void notifier_follow_wake(struct notifier_service *s, int64_t delay_ms)
{
    wake_timer_set(&s->wake_timer, service_loop(s->service), delay_ms);
}

/* --- applying */

static void note_changed(struct notifier_service *s, const struct wire_frame_entry *entry)
{
    struct producer_change change;
    if (entry->kind != ENTRY_PRODUCER ||
        wire_unpack_producer_change(entry->body, &s->arena, &change, NULL) != 0 ||
        change.kind == PRODUCER_KEY_ADD)
        return;
    void *changed = s->changed;
    alloc_reserve(&changed, &s->changed_capacity, s->changed_count + 1, sizeof *s->changed);
    s->changed = changed;
    s->changed[s->changed_count++] = change.producer.name;
}

static struct notifier_entry *take_entries(struct notifier_service *s, const struct wire_frame *f)
{
    struct notifier_entry *entries = arena_alloc(&s->arena, f->entry_count * sizeof *entries);
    for (uint32_t i = 0; i < f->entry_count; i++)
        entries[i] =
            (struct notifier_entry){f->entries[i].kind, f->entries[i].offset, f->entries[i].body};
    return entries;
}

static struct notifier_cell *take_cells(struct notifier_service *s, const struct wire_frame *f)
{
    struct notifier_cell *cells = arena_alloc(&s->arena, f->cell_count * sizeof *cells);
    for (uint32_t i = 0; i < f->cell_count; i++) {
        const struct wire_frame_cell *from = &f->cells[i];
        cells[i] = (struct notifier_cell){.indicator = slice_str(from->indicator),
                                          .unit = slice_str(from->unit),
                                          .day = from->day,
                                          .amount = from->amount,
                                          .figures = from->figures,
                                          .reported = from->reported,
                                          .on_time = from->on_time};
    }
    return cells;
}

/* The transaction's own failure goes first: after it the core may have seen anything. */
static int apply_frame(struct notifier_service *s, const struct wire_frame *f, struct err *e)
{
    struct notifier_frame frame = {.offset = f->offset,
                                   .previous_offset = f->previous_offset,
                                   .time_ms = f->time_ms,
                                   .entries = take_entries(s, f),
                                   .entry_count = f->entry_count,
                                   .everything = f->everything,
                                   .cells = take_cells(s, f),
                                   .cell_count = f->cell_count};
    int rc = notifier_apply_frame(s->core, s->kv, &frame, e);
    for (uint32_t i = 0; rc == 0 && i < f->entry_count; i++)
        note_changed(s, &f->entries[i]);
    return kv_failed(s->kv) ? err_set(e, s->kv->err.code, "%s", s->kv->err.text) : rc;
}

static int apply_next(struct notifier_service *s, struct err *e)
{
    struct wire_frame frame;
    int rc = s->kv ? 0 : store_begin(s->store, true, &s->kv, e);
    if (rc == 0)
        rc = wire_unpack_frame(&s->reply.raw.rest, &s->arena, &frame, e);
    if (rc == 0)
        rc = apply_frame(s, &frame, e);
    arena_reset(&s->arena);
    *s->count.frames_applied += rc == 0;
    return rc;
}

static void apply_failed(struct notifier_service *s, const struct err *e)
{
    if (store_retry_may_help(e)) {
        start_over(s, e); /* all others are the frames' trouble */
        return;
    }
    pull_reply_clear(&s->reply.raw);
    store_abort(&s->kv);
    follower_give_up(&s->follower, e);
}

/* Many frames may share a transaction: each is in it whole, and so is all that it led to. */
static void apply_slice(struct notifier_service *s)
{
    struct err e;
    int64_t until_ms = loop_now_ms() + SLICE_MS;
    while (s->reply.raw.rest.len > 0 && loop_now_ms() < until_ms)
        if (apply_next(s, &e) != 0) {
            apply_failed(s, &e);
            return;
        }
    commit(s);
    if (s->reply.raw.rest.len > 0)
        notifier_follow_wake(s, 0);
    else
        pull_reply_clear(&s->reply.raw);
}

void notifier_follow_round(struct notifier_service *s)
{
    if (s->reply.raw.held && !service_draining(s->service)) {
        apply_slice(s);
        notifier_follow_poke(s);
    }
    if (s->core)
        become_ready(s);
}

/* --- the aggregator's answers */

void notifier_follow_receive(void *service)
{
    struct notifier_service *s = service;
    struct err e;
    if (s->reply.raw.held)
        return; /* waits in the socket until this one is applied */
    int rc = frame_puller_receive(&s->puller, loop_now_ms(), &s->reply, &e);
    follower_note(&s->follower, rc, &e);
    if (rc == 0)
        follower_learn_head(&s->follower, s->reply.frames.head_offset, s->done.offset);
}

void notifier_follow_poke(void *service)
{
    struct notifier_service *s = service;
    if (service_draining(s->service) || s->reply.raw.held)
        return;
    follower_look(&s->follower, s->puller.pull.socket, s->config->aggregator_endpoint);
    frame_puller_poke(&s->puller, loop_now_ms());
}
