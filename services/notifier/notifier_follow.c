/* From the aggregator into the store: pull, apply in slices, commit. */
#include "common/base/alloc.h"
#include "services/notifier/notifier_service.h"

enum {
    SLICE_MS = 50,         /* of applying, between two looks at the sockets */
    UNREACHABLE_MS = 3000, /* without a link: worth a line in the log */
    RETRY_FIRST_MS = 1000, /* after a failed commit */
    RETRY_MAX_MS = 60000,
};

static const char cannot_follow[] = "these frames cannot be followed any further";

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
    s->store_full = true;
    s->retry_ms = s->retry_ms == 0 ? RETRY_FIRST_MS : s->retry_ms * 2;
    s->retry_ms = s->retry_ms < RETRY_MAX_MS ? s->retry_ms : RETRY_MAX_MS;
    ++*s->count.commits_failed;
    log_complain(s->log, &s->store_complaint, log_event("commit_failed"), log_err(why),
                 log_int("retry_ms", s->retry_ms),
                 log_text("message", "nobody is told anything new; make room or raise "
                                     "store.map_size"));
    store_abort(&s->kv);
    frame_reply_clear(&s->reply);
    notifier_close(s->core);
    s->core = NULL;
    s->changed_count = 0;
    if (notifier_follow_open(s, &e) != 0) {
        err_wrap(&e, "open the states again after a failed commit");
        service_fail(s->service, &e);
        return;
    }
    frame_puller_seek(&s->puller, s->done.offset);
    frame_puller_pause(&s->puller, loop_now_ms() + s->retry_ms);
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
    s->store_full = false;
    s->retry_ms = 0;
    log_complain_over(s->log, &s->store_complaint, "commit_succeeds");
    notifier_feed_revoke(s, s->changed, s->changed_count);
    s->changed_count = 0;
    notifier_deliver_more(s);
}

static void become_ready(struct notifier_service *s)
{
    if (s->ready || !s->goal_known || s->done.offset < s->goal_offset)
        return;
    s->ready = true;
    s->puller.wait_ms = (uint32_t)s->config->fetch_wait_ms;
    notifier_feed_open(s);
    log_info(s->log, log_event("caught_up"), log_uint("offset", s->done.offset));
    service_ready(s->service);
}

/* --- timers */

static void on_wake(void *service)
{
    struct notifier_service *s = service;
    s->wake_timer = 0; /* the round's end does what is due */
}

void notifier_follow_wake(struct notifier_service *s, int64_t delay_ms)
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
        rc = wire_unpack_frame(&s->reply.rest, &s->arena, &frame, e);
    if (rc == 0)
        rc = apply_frame(s, &frame, e);
    arena_reset(&s->arena);
    *s->count.frames_applied += rc == 0;
    return rc;
}

static void apply_failed(struct notifier_service *s, const struct err *e)
{
    if (e->code == ERR_FULL || e->code == ERR_IO || e->code == ERR_AGAIN) {
        start_over(s, e); /* the store's trouble; all others are the frames' */
        return;
    }
    struct err why = *e;
    frame_reply_clear(&s->reply);
    store_abort(&s->kv);
    err_wrap(&why, cannot_follow);
    service_fail(s->service, &why);
}

/* Many frames may share a transaction: each is in it whole, and so is all that it led to. */
static void apply_slice(struct notifier_service *s)
{
    struct err e;
    int64_t until_ms = loop_now_ms() + SLICE_MS;
    while (s->reply.rest.len > 0 && loop_now_ms() < until_ms)
        if (apply_next(s, &e) != 0) {
            apply_failed(s, &e);
            return;
        }
    commit(s);
    if (s->reply.rest.len > 0)
        notifier_follow_wake(s, 0);
    else
        frame_reply_clear(&s->reply);
}

void notifier_follow_round(struct notifier_service *s)
{
    if (s->reply.held && !service_draining(s->service)) {
        apply_slice(s);
        notifier_follow_poke(s);
    }
    if (s->core)
        become_ready(s);
}

/* --- the aggregator's answers */

static void learn_head(struct notifier_service *s)
{
    s->head_offset = s->reply.frames.head_offset;
    if (s->goal_known)
        return;
    s->goal_known = true;
    s->goal_offset = s->head_offset;
    log_info(s->log, log_event("catching_up"), log_uint("from", s->done.offset),
             log_uint("to", s->goal_offset));
}

void notifier_follow_receive(void *service)
{
    struct notifier_service *s = service;
    struct err e;
    if (s->reply.held)
        return; /* waits in the socket until this one is applied */
    int rc = frame_puller_receive(&s->puller, loop_now_ms(), &s->reply, &e);
    if (rc == 0) {
        ++*s->count.pulls;
        log_complain_over(s->log, &s->pull_complaint, "aggregator_answers");
        learn_head(s);
    } else if (rc == ERR_CORRUPT) {
        err_wrap(&e, cannot_follow);
        service_fail(s->service, &e);
    } else if (rc != ERR_AGAIN) {
        ++*s->count.pulls_failed;
        log_complain(s->log, &s->pull_complaint, log_event("pull_failed"), log_err(&e));
    }
}

static void tell_link(struct notifier_service *s)
{
    enum net_state state = net_state(s->puller.socket);
    if (state == NET_CONNECTED)
        s->linked_ms = loop_now_ms();
    if (state == NET_REFUSED)
        log_complain(s->log, &s->pull_complaint, log_event("aggregator_refuses_key"),
                     log_text("message", "put this notifier's public key among the aggregator's "
                                         "service_keys"));
    else if (loop_now_ms() - s->linked_ms > UNREACHABLE_MS)
        log_complain(s->log, &s->pull_complaint, log_event("aggregator_unreachable"),
                     log_text("endpoint", s->config->aggregator_endpoint));
}

void notifier_follow_poke(void *service)
{
    struct notifier_service *s = service;
    if (service_draining(s->service) || s->reply.held)
        return;
    tell_link(s);
    frame_puller_poke(&s->puller, loop_now_ms());
}
