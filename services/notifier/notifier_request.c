/* One message: who sent it, what it asks; and those that wait for a tick. */
#include "services/notifier/notifier_service.h"

/* --- health */

static bool is_delivery_held(const struct notifier_service *s)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        if (s->channels[i].backoff.pause_ms > 0)
            return true;
    return false;
}

static const char *standing(const struct notifier_service *s)
{
    if (s->store_retry.full)
        return "store_full";
    if (!s->follower.ready)
        return "catching_up";
    return is_delivery_held(s) ? "delivery_held" : "ready";
}

static const char *detail(const struct notifier_service *s)
{
    if (s->store_retry.full)
        return "the last commit failed: make room or raise store.map_size; nobody is told anything "
               "new until then";
    if (!s->follower.goal_known)
        return "the aggregator has not answered yet";
    if (!s->follower.ready)
        return "the ticks are judged up to the head found at the start";
    return is_delivery_held(s) ? "messages cannot be laid down, see the log; they are tried again"
                               : "";
}

static void tell_health(void *service, struct wire_health *out)
{
    const struct notifier_service *s = service;
    out->ready = s->follower.ready;
    out->state = standing(s);
    out->detail = detail(s);
    out->offset = s->done.offset;
    out->head_offset = s->follower.head_offset;
    out->time_ms = s->done.time_ms;
}

/* --- questions */

static int answer(struct notifier_service *s, const struct asker *from, const struct wire_alerts *q,
                  struct err *e)
{
    struct wire_alerts_reply reply;
    struct kv *kv = NULL;
    struct buf message = {0};
    int rc = store_begin(s->store, false, &kv, e);
    if (rc == 0)
        rc = notifier_alerts_answer(s, kv, access_identify(s, &from->key), q, &reply, e);
    if (kv && kv_failed(kv))
        rc = err_set(e, kv->err.code, "%s", kv->err.text);
    store_abort(&kv);
    if (rc != 0)
        return rc;
    wire_pack_alerts_reply(&reply, &message);
    responder_send(&s->responder, from, from->head.kind, buf_slice(&message), slice_of(NULL, 0));
    buf_fini(&message);
    return 0;
}

static bool is_reached(const struct notifier_service *s, uint64_t not_before)
{
    return not_before == 0 || (not_before <= s->done.offset && notifier_deliver_rests(s));
}

static int not_reached(struct notifier_service *s, uint64_t not_before, struct err *e)
{
    ++*s->count.requests_timed_out;
    return err_set(e, ERR_AGAIN,
                   "no tick at or after entry %llu is judged yet, %llu is the last: ask again",
                   (unsigned long long)not_before, (unsigned long long)s->done.offset);
}

/* --- waiting */

static int stopping(struct err *e)
{
    return err_set(e, ERR_AGAIN, "the notifier is stopping: ask again");
}

static int park(struct notifier_service *s, const struct asker *from, const struct wire_alerts *q,
                struct slice message, struct err *e)
{
    struct waiter w = {.from = *from, .not_before = q->not_before};
    if (service_draining(s->service))
        return stopping(e);
    int rc = waiting_add(&s->questions, &w, message, q->wait_ms, e);
    *s->count.requests_waiting_full += rc != 0;
    return rc;
}

static int take_alerts(void *service, const struct asker *from, const struct net_message *m,
                       struct err *e)
{
    struct notifier_service *s = service;
    struct slice message = responder_frame(m, 1);
    struct wire_alerts q;
    if (!s->follower.ready) {
        ++*s->count.requests_catching_up;
        return err_set(
            e, ERR_AGAIN, "the notifier is catching up: tick %llu of %llu is judged; ask again",
            (unsigned long long)s->done.offset, (unsigned long long)s->follower.goal_offset);
    }
    int rc = wire_unpack_alerts(message, &s->arena, &q, e);
    if (rc != 0)
        ++*s->count.requests_malformed;
    else if (is_reached(s, q.not_before))
        rc = answer(s, from, &q, e);
    else
        rc = q.wait_ms == 0 ? not_reached(s, q.not_before, e) : park(s, from, &q, message, e);
    return rc;
}

/* Its key may have been revoked while it waited. */
static void serve_waiter(void *service, const struct waiter *w)
{
    struct notifier_service *s = service;
    struct wire_alerts q;
    struct err e;
    int rc = responder_check(&s->responder, &w->from, &e);
    if (rc == 0 && !is_reached(s, w->not_before))
        rc = not_reached(s, w->not_before, &e);
    if (rc == 0)
        rc = wire_unpack_alerts(buf_slice(&w->message), &s->arena, &q, &e);
    if (rc == 0)
        rc = answer(s, &w->from, &q, &e);
    if (rc != 0)
        responder_fail(&s->responder, &w->from, &e);
    arena_reset(&s->arena);
}

static bool is_due(void *service, const struct waiter *w)
{
    return is_reached(service, w->not_before);
}

void notifier_request_serve_waiting(struct notifier_service *s)
{
    int64_t now_ms = loop_now_ms();
    int64_t next_ms = waiting_serve(&s->questions, now_ms, is_due, serve_waiter, s);
    if (s->questions.count > 0)
        notifier_follow_wake(s, next_ms - now_ms);
}

static void send_away(void *service, const struct waiter *w)
{
    struct notifier_service *s = service;
    struct err e;
    stopping(&e);
    responder_fail(&s->responder, &w->from, &e);
}

void notifier_request_end_waiting(struct notifier_service *s)
{
    waiting_serve(&s->questions, INT64_MAX, is_due, send_away, s);
}

/* --- what is served */

static struct identity identify(const void *service, const struct net_key *key)
{
    return access_identify(service, key);
}

static const struct responder_kind kinds[] = {
    {WIRE_ALERTS, "alerts", ACCESS_ROLES_ASK, take_alerts},
};

const struct responder_definition notifier_requests = {
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
    .roles = ACCESS_ROLES_ASK,
    .frames_max = 2,
    .serves = "questions",
    .identify = identify,
    .health = tell_health,
    .refresh = notifier_counters_refresh,
};
