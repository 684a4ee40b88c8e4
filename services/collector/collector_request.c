/* One message: who sent it, what it asks, and to whom in the core it goes. */
#include "common/journal/journal.h"
#include "services/collector/collector_service.h"

static struct slice frame(const struct net_message *m, unsigned i)
{
    return i < m->frame_count ? m->frames[i] : slice_of(NULL, 0);
}

/* --- submissions */

static void count_batch(struct collector_service *s, const struct verdict *v)
{
    struct collector_counters *n = &s->count;
    if (v->refusal < COLLECTOR_REFUSALS && n->batches[v->refusal])
        ++*n->batches[v->refusal];
    if (v->repeated) {
        ++*n->batches_repeated;
        return;
    }
    for (uint32_t i = 0; i < v->refused_count; i++)
        if (v->refused[i].code < COLLECTOR_ROW_REFUSALS && n->rows_refused[v->refused[i].code])
            ++*n->rows_refused[v->refused[i].code];
    if (v->refusal == REFUSAL_NONE)
        *n->rows_accepted += v->row_count - v->refused_count;
}

static void log_refusal(struct collector_service *s, const struct submission *in,
                        const struct verdict *v)
{
    char key[NET_KEY_TEXT_BYTES];
    struct net_key sender;
    if (v->refusal == REFUSAL_NONE || s->log->level > LOG_LEVEL_INFO)
        return;
    memcpy(sender.bytes, in->key, KEY_BYTES);
    key_format_z85(&sender, key);
    log_info(s->log, log_event("batch_refused"), log_text("key", key),
             log_uint("number", in->number), log_text("reason", refusal_name(v->refusal)));
}

static void answer_verdict(struct collector_service *s, const struct collector_asker *to,
                           const struct verdict *v)
{
    uint32_t *rows = arena_alloc(&s->arena, (v->refused_count + 1) * sizeof *rows);
    uint32_t *codes = arena_alloc(&s->arena, (v->refused_count + 1) * sizeof *codes);
    for (uint32_t i = 0; i < v->refused_count; i++) {
        rows[i] = v->refused[i].row;
        codes[i] = v->refused[i].code;
    }
    struct wire_submit_answer answer = {
        .refusal = v->refusal,
        .offset = v->offset,
        .collector_time_ms = v->time_ms,
        .accepted_rows = v->refusal == REFUSAL_NONE ? v->row_count - v->refused_count : 0,
        .refused_count = v->refused_count,
        .refused_rows = rows,
        .refused_codes = codes,
        .expected_number = v->expected_number,
    };
    struct buf message = {0};
    wire_pack_submit_answer(&answer, &message);
    collector_round_answer(s, to, buf_slice(&message));
    buf_fini(&message);
}

static void take_submission(struct collector_service *s, const struct collector_asker *from,
                            const struct net_message *m)
{
    struct batch batch;
    struct submission in = {.spool = from->head.spool,
                            .number = from->head.id,
                            .officer = frame(m, 2),
                            .payload = frame(m, 1)};
    struct verdict verdict = {.refusal = REFUSAL_UNAVAILABLE,
                              .time_ms = collector_clock(s->core)->time_ms};
    struct kv *kv = collector_round_kv(s);
    memcpy(in.key, m->key.bytes, KEY_BYTES);
    if (kv) {
        journal_hash(in.payload, in.hash);
        in.unpack_code = in.payload.len > BATCH_PAYLOAD_BYTES_MAX
                             ? ERR_LIMIT
                             : wire_unpack_batch(in.payload, &s->arena, &batch, NULL);
        in.batch = in.unpack_code == 0 ? &batch : NULL;
        collector_submit(s->core, kv, &in, &s->arena, &verdict);
    }
    count_batch(s, &verdict);
    log_refusal(s, &in, &verdict);
    answer_verdict(s, from, &verdict);
}

static int no_store(struct err *e)
{
    return err_set(e, ERR_AGAIN,
                   "the collector's store cannot be written at present: send it again later");
}

static void take_spool_state(struct collector_service *s, const struct collector_asker *from,
                             const struct net_message *m)
{
    struct err e;
    uint64_t last;
    struct kv *kv = collector_round_kv(s);
    int rc = kv ? collector_last_number(s->core, kv, m->key.bytes, frame(m, 2), &from->head.spool,
                                        &last, &e)
                : no_store(&e);
    if (rc != 0) {
        collector_send_failure(s, from, &e);
        return;
    }
    struct buf message = {0};
    wire_pack_spool_state(last, &message);
    collector_round_answer(s, from, buf_slice(&message));
    buf_fini(&message);
}

/* --- what is applied */

static int apply_document(struct collector_service *s, struct kv *kv, const struct net_message *m,
                          const struct wire_apply *a, uint64_t *offset, struct err *e)
{
    static const enum entry_kind kinds[] = {[WIRE_APPLY_CATALOGUE] = ENTRY_CATALOGUE,
                                            [WIRE_APPLY_PLAN] = ENTRY_PLAN,
                                            [WIRE_APPLY_PRODUCER] = ENTRY_PRODUCER};
    struct collector_change change = {
        .kind = kinds[a->kind], .body = a->body, .dry_run = a->dry_run};
    journal_hash(a->body, change.hash);
    return collector_apply(s->core, kv, m->key.bytes, &change, offset, e);
}

static int apply(struct collector_service *s, const struct net_message *m, uint64_t *offset,
                 struct err *e)
{
    struct wire_apply a;
    int rc = wire_unpack_apply(frame(m, 1), &s->arena, &a, e);
    if (rc != 0)
        return rc;
    struct kv *kv = collector_round_kv(s);
    if (!kv)
        return no_store(e);
    switch (a.kind) {
    case WIRE_APPLY_REPLAY_TICK:
        return collector_replay_tick(s->core, kv, m->key.bytes, a.time_ms, offset, e);
    case WIRE_APPLY_CLOCK_ACCEPT:
        return collector_clock_accept(s->core, kv, m->key.bytes, a.time_ms, offset, e);
    default:
        return apply_document(s, kv, m, &a, offset, e);
    }
}

static void take_apply(struct collector_service *s, const struct collector_asker *from,
                       const struct net_message *m)
{
    struct err e = {0};
    struct wire_apply_answer answer = {.message = e.text};
    answer.code = apply(s, m, &answer.offset, &e);
    if (answer.code == 0 && answer.offset > 0)
        log_info(s->log, log_event("applied"), log_uint("offset", answer.offset));
    if (answer.code != 0)
        log_warn(s->log, log_event("apply_refused"), log_err(&e));
    struct buf message = {0};
    wire_pack_apply_answer(&answer, &message);
    collector_round_answer(s, from, buf_slice(&message));
    buf_fini(&message);
}

/* --- health and counters */

static const char *state_name(struct collector_service *s)
{
    if (service_draining(s->service))
        return "draining";
    if (s->store_full)
        return "store_full";
    return collector_clock(s->core)->held ? "clock_held" : "ready";
}

static const char *state_detail(struct collector_service *s)
{
    if (s->store_full)
        return "the last commit failed: make room or raise store.map_size; producers are told to "
               "send again later";
    if (collector_clock(s->core)->held)
        return "the machine's clock has jumped by more than an hour: set it right, or accept "
               "clock_ms with an operate key";
    return "";
}

static void take_health(struct collector_service *s, const struct collector_asker *from)
{
    struct collector_head head = collector_head(s->core);
    const struct clock_core *clock = collector_clock(s->core);
    struct wire_health health = {
        .service = "collector",
        .version = TONGHOP_VERSION,
        .ready = !s->store_full && !service_draining(s->service),
        .state = state_name(s),
        .detail = state_detail(s),
        .offset = head.offset,
        .head_offset = head.offset,
        .time_ms = clock->time_ms,
        .clock_ms = clock->wall_ms,
        .commit_number = head.commit_number,
        .replay = head.replay,
    };
    struct buf message = {0};
    memcpy(health.head_hash, head.hash, HASH_BYTES);
    wire_pack_health(&health, &message);
    collector_send(s, from, WIRE_HEALTH, buf_slice(&message), slice_of(NULL, 0));
    buf_fini(&message);
}

static void take_counters(struct collector_service *s, const struct collector_asker *from)
{
    struct buf text = {0}, message = {0};
    collector_counters_refresh(s);
    counters_render(service_counters(s->service), &text);
    buf_u8(&text, 0);
    wire_pack_counters((const char *)text.data, &message);
    collector_send(s, from, WIRE_COUNTERS, buf_slice(&message), slice_of(NULL, 0));
    buf_fini(&message);
    buf_fini(&text);
}

/* --- who may ask what */

/* Submissions are judged by the core, which answers a revoked key as such. */
static uint32_t roles_for(uint8_t kind)
{
    switch (kind) {
    case WIRE_SPOOL_STATE:
        return ROLE_SUBMIT | ROLE_DELEGATE;
    case WIRE_FETCH:
        return ROLE_SERVICE;
    case WIRE_APPLY:
    case WIRE_COUNTERS:
        return ROLE_OPERATE;
    default:
        return UINT32_MAX;
    }
}

static int check_allowed(struct collector_service *s, const struct net_message *m, uint8_t kind,
                         struct err *e)
{
    struct identity who = collector_identify(s->core, m->key.bytes);
    if (kind == WIRE_SUBMIT || (who.roles & roles_for(kind)) != 0)
        return 0;
    ++*s->count.requests_denied;
    char key[NET_KEY_TEXT_BYTES];
    key_format_z85(&m->key, key);
    log_complain(s->log, &s->denied_complaint, log_event("request_denied"), log_text("key", key),
                 log_uint("kind", kind), log_text("revoked", who.revoked ? "true" : "false"));
    return err_set(e, ERR_DENIED,
                   who.revoked ? "this key was revoked: ask provincial IT for a new one"
                               : "this key may not ask that: ask provincial IT for the role");
}

static void dispatch(struct collector_service *s, const struct collector_asker *from,
                     const struct net_message *m)
{
    switch (from->head.kind) {
    case WIRE_SUBMIT:
        take_submission(s, from, m);
        break;
    case WIRE_SPOOL_STATE:
        take_spool_state(s, from, m);
        break;
    case WIRE_FETCH:
        collector_pull_take(s, from, frame(m, 1));
        break;
    case WIRE_APPLY:
        take_apply(s, from, m);
        break;
    case WIRE_HEALTH:
        take_health(s, from);
        break;
    default:
        take_counters(s, from);
        break;
    }
}

static void refuse_version(struct collector_service *s, const struct collector_asker *from,
                           const struct err *e)
{
    ++*s->count.requests_version;
    if (from->head.kind == WIRE_SUBMIT)
        answer_verdict(s, from,
                       &(struct verdict){.refusal = REFUSAL_BAD_VERSION,
                                         .time_ms = collector_clock(s->core)->time_ms});
    else
        collector_send_failure(s, from, e);
}

static bool is_served(const struct collector_service *s, uint8_t kind)
{
    return kind < WIRE_FAILURE && s->count.requests[kind] != NULL;
}

void collector_request_take(struct collector_gate *gate, const struct net_message *m)
{
    struct collector_service *s = gate->owner;
    struct collector_asker from = {.socket = gate->socket, .route = m->route};
    struct err e;
    int rc = wire_head_decode(frame(m, 0), &from.head, &e);
    if (rc == ERR_VERSION) {
        refuse_version(s, &from, &e);
    } else if (rc != 0 || m->malformed || !m->has_key || m->frame_count < 2 || m->frame_count > 3) {
        ++*s->count.requests_malformed;
        if (rc == 0)
            err_set(&e, ERR_INVALID, "a request has two or three frames");
        collector_send_failure(s, &from, &e);
    } else if (!is_served(s, from.head.kind)) {
        ++*s->count.requests_unknown;
        err_set(&e, ERR_INVALID, "the collector serves no requests of kind %u", from.head.kind);
        collector_send_failure(s, &from, &e);
    } else if (check_allowed(s, m, from.head.kind, &e) != 0) {
        collector_send_failure(s, &from, &e);
    } else {
        ++*s->count.requests[from.head.kind];
        dispatch(s, &from, m);
    }
    arena_reset(&s->arena);
}
