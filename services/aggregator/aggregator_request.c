/* One message: who sent it, what it asks; and those that wait for a journal entry. */
#include "services/aggregator/aggregator_service.h"

enum {
    /* Of what may wait, for one key, so that none keeps the others out; the keys of services, which
     * ask for many, may take all. */
    KEY_BYTES_WAITING_MAX = WIRE_MESSAGE_BYTES_MAX,
    KEY_SHARE = 16,
};

/* --- health */

static const char *state_name(const struct aggregator_service *s)
{
    if (s->store_retry.full)
        return "store_full";
    return s->follower.ready ? "ready" : "catching_up";
}

static const char *state_detail(const struct aggregator_service *s)
{
    if (s->store_retry.full)
        return "the last checkpoint failed: make room or raise store.map_size; the figures stand "
               "where they were";
    if (!s->follower.goal_known)
        return "the collector has not answered yet";
    return s->follower.ready ? "" : "the journal is applied up to the head found at the start";
}

static void tell_health(void *service, struct wire_health *out)
{
    const struct aggregator_service *s = service;
    out->ready = s->follower.ready;
    out->state = state_name(s);
    out->detail = state_detail(s);
    out->offset = s->done.offset;
    out->head_offset = s->follower.head_offset;
    out->time_ms = s->done.time_ms;
    out->commit_number = s->done.commit_number;
    memcpy(out->head_hash, s->done.commit_hash, HASH_BYTES);
}

/* --- questions */

/* Decoded; the arena has what it points to. */
struct question {
    union {
        struct wire_query query;
        struct wire_trace trace;
        struct wire_units units;
        struct wire_stream stream;
    };
    uint64_t not_before;
    uint32_t wait_ms;
};

static int unpack_question(struct aggregator_service *s, uint8_t kind, struct slice message,
                           struct question *q, struct err *e)
{
    int rc;
    q->not_before = 0;
    q->wait_ms = 0;
    switch (kind) {
    case WIRE_QUERY:
        rc = wire_unpack_query(message, &s->arena, &q->query, e);
        if (rc == 0) {
            q->not_before = q->query.not_before;
            q->wait_ms = q->query.wait_ms;
        }
        return rc;
    case WIRE_TRACE:
        rc = wire_unpack_trace(message, &q->trace, e);
        if (rc == 0) {
            q->not_before = q->trace.not_before;
            q->wait_ms = q->trace.wait_ms;
        }
        return rc;
    case WIRE_UNITS:
        return wire_unpack_units(message, &q->units, e);
    default:
        return wire_unpack_snapshot_request(message, &q->stream, e);
    }
}

static int answer_question(struct aggregator_service *s, const struct asker *from,
                           const struct question *q, struct err *e)
{
    struct kv *kv = NULL;
    struct buf message = {0};
    struct identity who = access_identify(s, &from->key);
    int rc = store_begin(s->store, false, &kv, e);
    if (rc != 0)
        return rc;
    switch (from->head.kind) {
    case WIRE_QUERY:
        aggregator_answer_query(s, kv, who, &q->query, &message);
        break;
    case WIRE_TRACE:
        aggregator_answer_trace(s, kv, who, &q->trace, &message);
        break;
    case WIRE_UNITS:
        aggregator_answer_units(s, who, &q->units, &message);
        break;
    default:
        aggregator_answer_snapshot(s, kv, who, &q->stream, &message);
        break;
    }
    rc = kv_failed(kv) ? err_set(e, kv->err.code, "%s", kv->err.text) : 0;
    store_abort(&kv);
    if (rc == 0)
        responder_send(&s->responder, from, from->head.kind, buf_slice(&message),
                       slice_of(NULL, 0));
    buf_fini(&message);
    return rc;
}

/* --- waiting */

static int stopping(struct err *e)
{
    return err_set(e, ERR_AGAIN, "the aggregator is stopping: ask again");
}

static int check_key_share(struct aggregator_service *s, const struct asker *from, size_t more,
                           struct err *e)
{
    int64_t count = 1, share = s->config->waiting_max / KEY_SHARE;
    if (access_identify(s, &from->key).roles & ROLE_SERVICE)
        return 0;
    for (size_t i = 0; i < s->questions.count; i++) {
        const struct waiter *w = &s->questions.waiters[i];
        if (!key_equal(&w->from.key, &from->key))
            continue;
        count++;
        more += w->message.len;
    }
    if (count == 1 || (count <= share && more <= KEY_BYTES_WAITING_MAX))
        return 0;
    return err_set(e, ERR_AGAIN, "%lld questions of this key wait already: ask again later",
                   (long long)count - 1);
}

static int park(struct aggregator_service *s, const struct asker *from, const struct question *q,
                struct slice message, struct err *e)
{
    struct waiter w = {.from = *from, .not_before = q->not_before, .asked_at = s->puller.pull.id};
    if (service_draining(s->service))
        return stopping(e);
    int rc = check_key_share(s, from, message.len, e);
    if (rc == 0)
        rc = waiting_add(&s->questions, &w, message, q->wait_ms, e);
    *s->count.requests_waiting_full += rc != 0;
    return rc;
}

static int not_reached(struct aggregator_service *s, uint64_t not_before, struct err *e)
{
    ++*s->count.requests_timed_out;
    return err_set(e, ERR_AGAIN,
                   "entry %llu of the journal is not applied yet, %llu is the last: ask again",
                   (unsigned long long)not_before, (unsigned long long)s->done.offset);
}

static int take_question(void *service, const struct asker *from, const struct net_message *m,
                         struct err *e)
{
    struct aggregator_service *s = service;
    struct slice message = responder_frame(m, 1);
    struct question q;
    if (!s->follower.ready) {
        ++*s->count.requests_catching_up;
        return err_set(
            e, ERR_AGAIN, "the aggregator is catching up: entry %llu of %llu is applied; ask again",
            (unsigned long long)s->done.offset, (unsigned long long)s->follower.goal_offset);
    }
    int rc = unpack_question(s, from->head.kind, message, &q, e);
    if (rc != 0)
        ++*s->count.requests_malformed;
    else if (q.not_before <= s->done.offset)
        rc = answer_question(s, from, &q, e);
    else
        rc = q.wait_ms == 0 ? not_reached(s, q.not_before, e) : park(s, from, &q, message, e);
    return rc;
}

bool aggregator_request_is_waited_for(const struct aggregator_service *s, uint64_t offset)
{
    for (size_t i = 0; i < s->questions.count; i++)
        if (s->questions.waiters[i].not_before <= offset)
            return true;
    return false;
}

/* The journal does not reach there. Who asks may have heard of an entry before we do, so only a
 * head that was told in answer to a later pull says so: two times fetch.wait at most, if the
 * collector answers. */
static bool is_beyond(const struct aggregator_service *s, const struct waiter *w)
{
    return s->head_pull > w->asked_at && w->not_before > s->follower.head_offset;
}

static int not_there(struct aggregator_service *s, uint64_t not_before, struct err *e)
{
    ++*s->count.requests_beyond;
    return err_set(
        e, ERR_INVALID,
        "entry %llu is not in the journal, its head is %llu: ask with the offset that an "
        "answer of this collector gave",
        (unsigned long long)not_before, (unsigned long long)s->follower.head_offset);
}

/* Its key may have been revoked while it waited. */
static void serve_waiter(void *service, const struct waiter *w)
{
    struct aggregator_service *s = service;
    struct question q;
    struct err e;
    int rc = responder_check(&s->responder, &w->from, &e);
    if (rc == 0 && is_beyond(s, w))
        rc = not_there(s, w->not_before, &e);
    else if (rc == 0 && w->not_before > s->done.offset)
        rc = not_reached(s, w->not_before, &e);
    if (rc == 0)
        rc = unpack_question(s, w->from.head.kind, buf_slice(&w->message), &q, &e);
    if (rc == 0)
        rc = answer_question(s, &w->from, &q, &e);
    if (rc != 0)
        responder_fail(&s->responder, &w->from, &e);
    arena_reset(&s->arena);
}

static bool is_due(void *service, const struct waiter *w)
{
    const struct aggregator_service *s = service;
    return w->not_before <= s->done.offset || is_beyond(s, w);
}

void aggregator_request_serve_waiting(struct aggregator_service *s)
{
    int64_t now_ms = loop_now_ms();
    int64_t next_ms = waiting_serve(&s->questions, now_ms, is_due, serve_waiter, s);
    if (s->questions.count > 0)
        aggregator_follow_wake(s, next_ms - now_ms);
}

static void send_away(void *service, const struct waiter *w)
{
    struct aggregator_service *s = service;
    struct err e;
    stopping(&e);
    responder_fail(&s->responder, &w->from, &e);
}

void aggregator_request_end_waiting(struct aggregator_service *s)
{
    waiting_serve(&s->questions, INT64_MAX, is_due, send_away, s);
}

/* --- what is served */

static struct identity identify(const void *service, const struct net_key *key)
{
    return access_identify(service, key);
}

static const struct responder_kind kinds[] = {
    {WIRE_QUERY, "query", ACCESS_ROLES_ASK, take_question},
    {WIRE_TRACE, "trace", ACCESS_ROLES_ASK, take_question},
    {WIRE_UNITS, "units", ACCESS_ROLES_ASK, take_question},
    {WIRE_SNAPSHOT, "snapshot", ACCESS_ROLES_ASK, take_question},
    {WIRE_FRAMES, "frames", ROLE_SERVICE, aggregator_frames_take},
};

const struct responder_definition aggregator_requests = {
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
    .roles = ACCESS_ROLES_ASK,
    .frames_max = 2,
    .serves = "questions",
    .identify = identify,
    .health = tell_health,
    .refresh = aggregator_counters_refresh,
};
