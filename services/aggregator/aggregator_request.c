/* One message: who sent it, what it asks; and those that wait for a journal entry. */
#include "services/aggregator/aggregator_service.h"

enum {
    WAIT_MAX_MS = 60 * 1000,
    WAITING_BYTES_MAX = 64 << 20,
    /* Of what may wait, for one key, so that none keeps the others out; the keys of services, which
     * ask for many, may take all. */
    KEY_BYTES_WAITING_MAX = WIRE_MESSAGE_BYTES_MAX,
    KEY_SHARE = 16,
};

/* --- health */

static const char *state_name(const struct aggregator_service *s)
{
    if (s->store_full)
        return "store_full";
    return s->ready ? "ready" : "catching_up";
}

static const char *state_detail(const struct aggregator_service *s)
{
    if (s->store_full)
        return "the last checkpoint failed: make room or raise store.map_size; the figures stand "
               "where they were";
    if (!s->goal_known)
        return "the collector has not answered yet";
    return s->ready ? "" : "the journal is applied up to the head found at the start";
}

static void tell_health(void *service, struct wire_health *out)
{
    const struct aggregator_service *s = service;
    out->ready = s->ready;
    out->state = state_name(s);
    out->detail = state_detail(s);
    out->offset = s->done.offset;
    out->head_offset = s->head_offset;
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
    for (size_t i = 0; i < s->waiter_count; i++) {
        if (!key_equal(&s->waiters[i].from.key, &from->key))
            continue;
        count++;
        more += s->waiters[i].message.len;
    }
    if (count == 1 || (count <= share && more <= KEY_BYTES_WAITING_MAX))
        return 0;
    ++*s->count.requests_waiting_full;
    return err_set(e, ERR_AGAIN, "%lld questions of this key wait already: ask again later",
                   (long long)count - 1);
}

static int park(struct aggregator_service *s, const struct asker *from, const struct question *q,
                struct slice message, struct err *e)
{
    int rc = service_draining(s->service) ? stopping(e) : check_key_share(s, from, message.len, e);
    if (rc != 0)
        return rc;
    if ((int64_t)s->waiter_count >= s->config->waiting_max ||
        s->waiter_bytes + message.len > WAITING_BYTES_MAX) {
        ++*s->count.requests_waiting_full;
        return err_set(e, ERR_AGAIN, "%zu questions wait already: ask again later",
                       s->waiter_count);
    }
    uint32_t wait_ms = q->wait_ms < WAIT_MAX_MS ? q->wait_ms : WAIT_MAX_MS;
    struct aggregator_waiter *w = &s->waiters[s->waiter_count++];
    *w = (struct aggregator_waiter){.from = *from,
                                    .not_before = q->not_before,
                                    .pull = s->puller.id,
                                    .deadline_ms = loop_now_ms() + wait_ms};
    buf_bytes(&w->message, message.data, message.len);
    s->waiter_bytes += message.len;
    return 0;
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
    if (!s->ready) {
        ++*s->count.requests_catching_up;
        return err_set(e, ERR_AGAIN,
                       "the aggregator is catching up: entry %llu of %llu is applied; ask again",
                       (unsigned long long)s->done.offset, (unsigned long long)s->goal_offset);
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
    for (size_t i = 0; i < s->waiter_count; i++)
        if (s->waiters[i].not_before <= offset)
            return true;
    return false;
}

/* The journal does not reach there. Who asks may have heard of an entry before we do, so only a
 * head that was told in answer to a later pull says so: two times fetch.wait at most, if the
 * collector answers. */
static bool is_beyond(const struct aggregator_service *s, const struct aggregator_waiter *w)
{
    return s->head_pull > w->pull && w->not_before > s->head_offset;
}

static int not_there(struct aggregator_service *s, uint64_t not_before, struct err *e)
{
    ++*s->count.requests_beyond;
    return err_set(
        e, ERR_INVALID,
        "entry %llu is not in the journal, its head is %llu: ask with the offset that an "
        "answer of this collector gave",
        (unsigned long long)not_before, (unsigned long long)s->head_offset);
}

/* Its key may have been revoked while it waited. */
static void serve_waiter(struct aggregator_service *s, struct aggregator_waiter *w)
{
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
    s->waiter_bytes -= w->message.len;
    buf_fini(&w->message);
    arena_reset(&s->arena);
}

void aggregator_request_end_waiting(struct aggregator_service *s)
{
    struct err e;
    stopping(&e);
    for (size_t i = 0; i < s->waiter_count; i++) {
        responder_fail(&s->responder, &s->waiters[i].from, &e);
        buf_fini(&s->waiters[i].message);
    }
    s->waiter_count = 0;
    s->waiter_bytes = 0;
}

void aggregator_request_serve_waiting(struct aggregator_service *s)
{
    int64_t now_ms = loop_now_ms(), next_ms = INT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < s->waiter_count; i++) {
        struct aggregator_waiter *w = &s->waiters[i];
        if (w->not_before <= s->done.offset || w->deadline_ms <= now_ms || is_beyond(s, w)) {
            serve_waiter(s, w);
            continue;
        }
        if (w->deadline_ms < next_ms)
            next_ms = w->deadline_ms;
        s->waiters[kept++] = *w;
    }
    s->waiter_count = kept;
    if (kept > 0)
        aggregator_follow_wake(s, next_ms - now_ms);
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
