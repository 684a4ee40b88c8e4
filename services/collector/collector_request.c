/* One message: who sent it, what it asks, and to whom in the core it goes. */
#include "common/journal/journal.h"
#include "services/collector/collector_service.h"

/* --- submissions */

static void answer_verdict(struct collector_service *s, const struct asker *to,
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
    collector_round_answer(s, to, buf_slice(&message))->refusal = v->refusal;
    buf_fini(&message);
}

static int take_submission(void *service, const struct asker *from, const struct net_message *m,
                           struct err *e)
{
    struct collector_service *s = service;
    struct batch batch;
    struct submission in = {.spool = from->head.spool,
                            .number = from->head.id,
                            .officer = responder_frame(m, 2),
                            .payload = responder_frame(m, 1)};
    struct verdict verdict = {.refusal = REFUSAL_UNAVAILABLE,
                              .time_ms = collector_clock(s->core)->time_ms};
    struct kv *kv = collector_round_kv(s);
    (void)e; /* whatever is wrong is a verdict */
    memcpy(in.key, m->key.bytes, KEY_BYTES);
    if (kv) {
        journal_hash(in.payload, in.hash);
        in.unpack_code = in.payload.len > BATCH_PAYLOAD_BYTES_MAX
                             ? ERR_LIMIT
                             : wire_unpack_batch(in.payload, &s->arena, &batch, NULL);
        in.batch = in.unpack_code == 0 ? &batch : NULL;
        collector_submit(s->core, kv, &in, &s->arena, &verdict);
    }
    collector_counters_note(s, &verdict);
    answer_verdict(s, from, &verdict);
    return 0;
}

static bool answer_version(void *service, const struct asker *from)
{
    struct collector_service *s = service;
    struct verdict verdict = {.refusal = REFUSAL_BAD_VERSION,
                              .time_ms = collector_clock(s->core)->time_ms};
    if (from->head.kind != WIRE_SUBMIT)
        return false;
    answer_verdict(s, from, &verdict);
    return true;
}

static int no_store(struct err *e)
{
    return err_set(e, ERR_AGAIN,
                   "the collector's store cannot be written at present: send it again later");
}

static int take_spool_state(void *service, const struct asker *from, const struct net_message *m,
                            struct err *e)
{
    struct collector_service *s = service;
    uint64_t last;
    struct kv *kv = collector_round_kv(s);
    int rc = kv ? collector_last_number(s->core, kv, m->key.bytes, responder_frame(m, 2),
                                        &from->head.spool, &last, e)
                : no_store(e);
    if (rc != 0)
        return rc;
    struct buf message = {0};
    wire_pack_spool_state(last, &message);
    collector_round_answer(s, from, buf_slice(&message));
    buf_fini(&message);
    return 0;
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
                 bool *dry_run, struct err *e)
{
    struct wire_apply a;
    int rc = wire_unpack_apply(responder_frame(m, 1), &s->arena, &a, e);
    *dry_run = rc == 0 && a.dry_run;
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

static int take_apply(void *service, const struct asker *from, const struct net_message *m,
                      struct err *e)
{
    struct collector_service *s = service;
    struct wire_apply_answer answer = {.message = e->text};
    bool dry_run; /* nothing was asked to change: whoever asks hears the answer, the log does not */
    *e = (struct err){0};
    answer.code = apply(s, m, &answer.offset, &dry_run, e);
    if (answer.code != 0 && !dry_run)
        log_warn(s->log, log_event("apply_refused"), log_err(e));
    struct buf message = {0};
    wire_pack_apply_answer(&answer, &message);
    collector_round_answer(s, from, buf_slice(&message))->applied_offset =
        answer.code == 0 ? answer.offset : 0;
    buf_fini(&message);
    return 0;
}

/* --- health */

static const char *state_name(const struct collector_service *s)
{
    if (s->store_full)
        return "store_full";
    return s->told.clock.held ? "clock_held" : "ready";
}

static const char *state_detail(const struct collector_service *s)
{
    if (s->store_full)
        return "the last commit failed: make room or raise store.map_size; producers are told to "
               "send again later";
    if (s->told.clock.held)
        return "the machine's clock has jumped by more than an hour: set it right, or accept "
               "clock_ms with an operate key";
    return "";
}

static void tell_health(void *service, struct wire_health *out)
{
    const struct collector_service *s = service;
    const struct collector_head *head = &s->told.head;
    out->ready = !s->store_full;
    out->state = state_name(s);
    out->detail = state_detail(s);
    out->offset = head->offset;
    out->head_offset = head->offset;
    out->time_ms = s->told.clock.time_ms;
    out->clock_ms = s->told.clock.wall_ms;
    out->commit_number = head->commit_number;
    out->replay = head->replay;
    memcpy(out->head_hash, head->hash, HASH_BYTES);
}

static void refresh(void *service)
{
    struct collector_service *s = service;
    *s->count.clock_held = s->told.clock.held;
}

/* --- who may ask what */

static struct identity identify(const void *service, const struct net_key *key)
{
    const struct collector_service *s = service;
    return collector_identify(s->core, key->bytes);
}

/* Submissions are judged by the core, which answers a revoked key as such. */
static const struct responder_kind kinds[] = {
    {WIRE_SUBMIT, "submit", 0, take_submission},
    {WIRE_SPOOL_STATE, "spool_state", ROLE_SUBMIT | ROLE_DELEGATE, take_spool_state},
    {WIRE_FETCH, "fetch", ROLE_SERVICE, collector_pull_take},
    {WIRE_APPLY, "apply", ROLE_OPERATE, take_apply},
};

const struct responder_definition collector_requests = {
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
    .roles = UINT32_MAX,
    .frames_max = 3,
    .serves = "requests",
    .identify = identify,
    .health = tell_health,
    .refresh = refresh,
    .answer_version = answer_version,
};
