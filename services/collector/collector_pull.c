/* Pulls of the journal: answered from committed data; one that wants what is not there yet waits
 * until it is, or until its time is over. */
#include "common/base/alloc.h"
#include "services/collector/collector_service.h"
#include "services/collector/journal_store_core.h"

enum { PULL_WAIT_MAX_MS = 60 * 1000, READ_PAUSE_MS = 1000 /* after one that failed */ };

static void count_refused(struct collector_service *s, const struct err *e)
{
    ++*s->count.fetches_refused;
    if (e->code == ERR_CORRUPT || e->code == ERR_INVALID)
        log_warn(s->log, log_event("fetch_refused"), log_err(e));
}

static size_t clamp(uint32_t asked, int64_t most)
{
    return asked == 0 || (int64_t)asked > most ? (size_t)most : asked;
}

int collector_pull_take(void *service, const struct asker *from, const struct net_message *m,
                        struct err *e)
{
    struct collector_service *s = service;
    struct collector_pull pull = {.from = *from};
    int rc = wire_unpack_fetch(responder_frame(m, 1), &pull.fetch, e);
    if (rc == 0 && (int64_t)s->pull_count >= s->config->fetches_parked_max)
        rc = err_set(e, ERR_AGAIN, "%lld pulls wait already: ask again later",
                     (long long)s->config->fetches_parked_max);
    if (rc != 0) {
        count_refused(s, e);
        return rc;
    }
    uint32_t wait_ms =
        pull.fetch.wait_ms < PULL_WAIT_MAX_MS ? pull.fetch.wait_ms : PULL_WAIT_MAX_MS;
    pull.deadline_ms = loop_now_ms() + wait_ms;
    s->pulls[s->pull_count++] = pull;
    return 0;
}

static void answer(struct collector_service *s, const struct collector_pull *p, uint32_t count)
{
    const struct collector_head *head = &s->told.head;
    struct wire_commits commits = {.first_offset = p->fetch.from_offset,
                                   .commit_count = count,
                                   .head_offset = head->offset,
                                   .head_time_ms = head->time_ms};
    struct buf message = {0};
    wire_pack_commits(&commits, &message);
    responder_send(&s->responder, &p->from, WIRE_FETCH, buf_slice(&message),
                   buf_slice(&s->pull_bytes));
    buf_fini(&message);
    ++*(count > 0 ? s->count.fetches_served : s->count.fetches_empty);
}

/* True when the pull is answered, whatever with. */
static bool serve(struct collector_service *s, struct kv *kv, struct collector_pull *p,
                  int64_t now_ms)
{
    struct err e;
    uint32_t count;
    buf_clear(&s->pull_bytes);
    int rc = journal_store_fetch(kv, p->fetch.from_offset, p->fetch.previous_hash,
                                 clamp(p->fetch.bytes_max, s->config->fetch_bytes_max),
                                 &s->pull_bytes, &count, &e);
    p->tried = true;
    if (rc == 0 && count == 0 && now_ms < p->deadline_ms)
        return false;
    if (rc == 0) {
        answer(s, p, count);
    } else {
        count_refused(s, &e);
        responder_fail(&s->responder, &p->from, &e);
    }
    return true;
}

static bool is_due(const struct collector_pull *p, uint64_t head_offset, int64_t now_ms)
{
    return !p->tried || p->fetch.from_offset <= head_offset || p->deadline_ms <= now_ms;
}

static bool any_due(const struct collector_service *s, uint64_t head_offset, int64_t now_ms)
{
    for (size_t i = 0; i < s->pull_count; i++)
        if (is_due(&s->pulls[i], head_offset, now_ms))
            return true;
    return false;
}

static void serve_due(struct collector_service *s, struct kv *kv, uint64_t head_offset,
                      int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->pull_count; i++) {
        struct collector_pull *p = &s->pulls[i];
        if (!is_due(p, head_offset, now_ms) || !serve(s, kv, p, now_ms))
            s->pulls[kept++] = *p;
    }
    s->pull_count = kept;
}

static void on_deadline(void *service)
{
    struct collector_service *s = service;
    s->pull_timer = 0; /* the round's end serves what is due */
}

/* One timer, for the earliest deadline: a busy follower pulls hundreds of times a second. */
static void arm_timer(struct collector_service *s, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < s->pull_count; i++)
        if (s->pulls[i].deadline_ms < due_ms)
            due_ms = s->pulls[i].deadline_ms;
    if (now_ms < s->pull_pause_ms)
        due_ms = s->pull_pause_ms;
    if (due_ms == INT64_MAX || (s->pull_timer != 0 && s->pull_timer_ms <= due_ms))
        return;
    struct loop *loop = service_loop(s->service);
    loop_cancel_timer(loop, s->pull_timer);
    s->pull_timer_ms = due_ms;
    s->pull_timer =
        loop_add_timer_once(loop, due_ms > now_ms ? due_ms - now_ms : 0, on_deadline, s);
}

/* Without the pause a pull whose time is over would bring round after round. */
static void read_and_serve(struct collector_service *s, uint64_t head_offset, int64_t now_ms)
{
    struct err e;
    struct kv *kv = NULL;
    if (store_begin(s->store, false, &kv, &e) != 0) {
        s->pull_pause_ms = now_ms + READ_PAUSE_MS;
        log_complain(s->log, &s->pull_complaint, log_event("read_failed"), log_err(&e),
                     log_text("message", "pulls of the journal wait"));
        return;
    }
    log_complain_over(s->log, &s->pull_complaint, "read_succeeds");
    serve_due(s, kv, head_offset, now_ms);
    store_abort(&kv);
}

void collector_pull_serve(struct collector_service *s)
{
    int64_t now_ms = loop_now_ms();
    uint64_t head_offset = s->told.head.offset;
    if (s->pull_count == 0)
        return;
    if (now_ms >= s->pull_pause_ms && any_due(s, head_offset, now_ms))
        read_and_serve(s, head_offset, now_ms);
    arm_timer(s, now_ms);
}
