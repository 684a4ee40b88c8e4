/* One message: who sent it, what it asks; and those that wait for a journal entry. */
#include "services/aggregator/aggregator_service.h"

enum { WAIT_MAX_MS = 60 * 1000, WAITING_BYTES_MAX = 64 << 20 };

static struct slice frame(const struct net_message *m, unsigned i)
{
    return i < m->frame_count ? m->frames[i] : slice_of(NULL, 0);
}

/* --- sending */

void aggregator_send(struct aggregator_service *s, const struct aggregator_asker *to, uint8_t kind,
                     const struct buf *message)
{
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = to->head;
    head.version = WIRE_VERSION;
    head.kind = kind | WIRE_ANSWER;
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), buf_slice(message)};
    int rc = net_send(to->socket, &to->route, frames, 2, NULL);
    if (rc != 0)
        ++*(rc == ERR_NOT_FOUND ? s->count.answers_dropped_gone : s->count.answers_dropped_full);
}

void aggregator_send_failure(struct aggregator_service *s, const struct aggregator_asker *to,
                             const struct err *e)
{
    struct buf message = {0};
    wire_pack_failure(e->code, e->text, &message);
    aggregator_send(s, to, WIRE_FAILURE, &message);
    buf_fini(&message);
}

/* --- health and counters */

static const char *state_name(const struct aggregator_service *s)
{
    if (service_draining(s->service))
        return "draining";
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

static void take_health(struct aggregator_service *s, const struct aggregator_asker *from)
{
    struct wire_health health = {
        .service = "aggregator",
        .version = TONGHOP_VERSION,
        .ready = s->ready && !service_draining(s->service),
        .state = state_name(s),
        .detail = state_detail(s),
        .offset = s->done.offset,
        .head_offset = s->head_offset,
        .time_ms = s->done.time_ms,
        .commit_number = s->done.commit_number,
    };
    struct buf message = {0};
    memcpy(health.head_hash, s->done.commit_hash, HASH_BYTES);
    wire_pack_health(&health, &message);
    aggregator_send(s, from, WIRE_HEALTH, &message);
    buf_fini(&message);
}

static void take_counters(struct aggregator_service *s, const struct aggregator_asker *from)
{
    struct buf text = {0}, message = {0};
    aggregator_counters_refresh(s);
    counters_render(service_counters(s->service), &text);
    buf_u8(&text, 0);
    wire_pack_counters((const char *)text.data, &message);
    aggregator_send(s, from, WIRE_COUNTERS, &message);
    buf_fini(&message);
    buf_fini(&text);
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

static int answer_question(struct aggregator_service *s, const struct aggregator_asker *from,
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
        aggregator_send(s, from, from->head.kind, &message);
    buf_fini(&message);
    return rc;
}

/* --- waiting */

static int park(struct aggregator_service *s, const struct aggregator_asker *from,
                const struct question *q, struct slice message, struct err *e)
{
    if ((int64_t)s->waiter_count >= s->config->waiting_max ||
        s->waiter_bytes + message.len > WAITING_BYTES_MAX) {
        ++*s->count.requests_waiting_full;
        return err_set(e, ERR_AGAIN, "%zu questions wait already: ask again later",
                       s->waiter_count);
    }
    uint32_t wait_ms = q->wait_ms < WAIT_MAX_MS ? q->wait_ms : WAIT_MAX_MS;
    struct aggregator_waiter *w = &s->waiters[s->waiter_count++];
    *w = (struct aggregator_waiter){
        .from = *from, .not_before = q->not_before, .deadline_ms = loop_now_ms() + wait_ms};
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

static int take_question(struct aggregator_service *s, const struct aggregator_asker *from,
                         struct slice message, struct err *e)
{
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

static int check_allowed(struct aggregator_service *s, const struct aggregator_asker *from,
                         struct err *e)
{
    struct identity who = access_identify(s, &from->key);
    bool operate = from->head.kind == WIRE_COUNTERS;
    if (operate ? (who.roles & ROLE_OPERATE) != 0 : access_may_ask(who))
        return 0;
    ++*s->count.requests_denied;
    char key[NET_KEY_TEXT_BYTES];
    key_format_z85(&from->key, key);
    log_complain(s->log, &s->denied_complaint, log_event("request_denied"), log_text("key", key),
                 log_uint("kind", from->head.kind),
                 log_text("revoked", who.revoked ? "true" : "false"));
    return err_set(e, ERR_DENIED,
                   who.revoked ? "this key was revoked: ask provincial IT for a new one"
                               : "this key may not ask that: ask provincial IT for the role");
}

/* Its key may have been revoked while it waited. */
static void serve_waiter(struct aggregator_service *s, struct aggregator_waiter *w)
{
    struct question q;
    struct err e;
    int rc = check_allowed(s, &w->from, &e);
    if (rc == 0 && w->not_before > s->done.offset)
        rc = not_reached(s, w->not_before, &e);
    if (rc == 0)
        rc = unpack_question(s, w->from.head.kind, buf_slice(&w->message), &q, &e);
    if (rc == 0)
        rc = answer_question(s, &w->from, &q, &e);
    if (rc != 0)
        aggregator_send_failure(s, &w->from, &e);
    s->waiter_bytes -= w->message.len;
    buf_fini(&w->message);
    arena_reset(&s->arena);
}

void aggregator_request_serve_waiting(struct aggregator_service *s)
{
    int64_t now_ms = loop_now_ms(), next_ms = INT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < s->waiter_count; i++) {
        struct aggregator_waiter *w = &s->waiters[i];
        if (w->not_before <= s->done.offset || w->deadline_ms <= now_ms) {
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

/* --- dispatch */

static bool is_served(const struct aggregator_service *s, uint8_t kind)
{
    return kind < WIRE_FAILURE && s->count.requests[kind] != NULL;
}

static int dispatch(struct aggregator_service *s, const struct aggregator_asker *from,
                    const struct net_message *m, struct err *e)
{
    ++*s->count.requests[from->head.kind];
    if (from->head.kind == WIRE_HEALTH)
        take_health(s, from);
    else if (from->head.kind == WIRE_COUNTERS)
        take_counters(s, from);
    else
        return take_question(s, from, frame(m, 1), e);
    return 0;
}

static int take(struct aggregator_service *s, struct aggregator_asker *from,
                const struct net_message *m, struct err *e)
{
    int rc = wire_head_decode(frame(m, 0), &from->head, e);
    if (rc == 0 && (m->malformed || !m->has_key || m->frame_count < 2))
        rc = err_set(e, ERR_INVALID, "a request has two frames, a head and a message");
    if (rc != 0) {
        ++*s->count.requests_malformed;
        return rc;
    }
    if (!is_served(s, from->head.kind)) {
        ++*s->count.requests_unknown;
        return err_set(e, ERR_INVALID, "the aggregator serves no requests of kind %u",
                       from->head.kind);
    }
    rc = check_allowed(s, from, e);
    return rc != 0 ? rc : dispatch(s, from, m, e);
}

void aggregator_request_take(struct aggregator_gate *gate, const struct net_message *m)
{
    struct aggregator_service *s = gate->owner;
    struct aggregator_asker from = {.socket = gate->socket, .route = m->route, .key = m->key};
    struct err e;
    if (take(s, &from, m, &e) != 0)
        aggregator_send_failure(s, &from, &e);
    arena_reset(&s->arena);
}
