/* The commit of a round, and the answers that waited for it. */
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "services/collector/collector_service.h"

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;
    require(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* BOOTTIME and not MONOTONIC: a machine that was asleep has not had its clock moved. */
static void read_clocks(struct collector_service *s)
{
    clock_read(collector_clock(s->core), clock_ms(CLOCK_REALTIME), clock_ms(CLOCK_BOOTTIME));
}

static void complain(struct collector_service *s, const struct err *e)
{
    s->store_full = true;
    ++*s->count.commits_failed;
    log_complain(s->log, &s->commit_complaint, log_event("commit_failed"), log_err(e),
                 log_text("message", "nothing of the round was kept; producers are told to send "
                                     "again later"));
}

struct kv *collector_round_kv(struct collector_service *s)
{
    struct err e;
    if (s->kv)
        return s->kv;
    if (store_begin(s->store, true, &s->kv, &e) != 0) {
        complain(s, &e);
        return NULL;
    }
    read_clocks(s);
    return s->kv;
}

/* --- sending */

struct collector_answer *collector_round_answer(struct collector_service *s, const struct asker *to,
                                                struct slice message)
{
    struct collector_outbox *o = &s->outbox;
    alloc_reserve((void **)&o->answers, &o->capacity, o->count + 1, sizeof *o->answers);
    struct collector_answer *a = &o->answers[o->count++];
    *a = (struct collector_answer){.to = *to, .start = o->bytes.len, .len = message.len};
    buf_bytes(&o->bytes, message.data, message.len);
    return a;
}

static void log_refusal(const struct collector_service *s, const struct collector_answer *a)
{
    char key[NET_KEY_TEXT_BYTES];
    if (s->log->level > LOG_LEVEL_INFO)
        return;
    key_format_z85(&a->to.key, key);
    log_info(s->log, log_event("batch_refused"), log_text("key", key),
             log_uint("number", a->to.head.id),
             log_text("reason", refusal_name((enum refusal)a->refusal)));
}

static void log_answer(const struct collector_service *s, const struct collector_answer *a)
{
    if (a->applied_offset > 0)
        log_info(s->log, log_event("applied"), log_uint("offset", a->applied_offset));
    if (a->refusal != REFUSAL_NONE)
        log_refusal(s, a);
}

/* Some answers have no bytes, and a buffer that never held any has no address. */
static struct slice message_of(const struct collector_outbox *o, const struct collector_answer *a)
{
    return a->len > 0 ? slice_of(o->bytes.data + a->start, a->len) : slice_of(NULL, 0);
}

static void send_answers(struct collector_service *s)
{
    for (size_t i = 0; i < s->outbox.count; i++) {
        const struct collector_answer *a = &s->outbox.answers[i];
        log_answer(s, a);
        responder_send(&s->responder, &a->to, a->to.head.kind, message_of(&s->outbox, a),
                       slice_of(NULL, 0));
    }
}

/* What was promised did not happen. */
static void send_unavailable(struct collector_service *s, const struct err *e)
{
    struct err again;
    struct wire_submit_answer refusal = {.refusal = REFUSAL_UNAVAILABLE,
                                         .collector_time_ms = collector_clock(s->core)->time_ms};
    struct buf message = {0};
    wire_pack_submit_answer(&refusal, &message);
    err_set(&again, ERR_AGAIN, "nothing was stored: %s; send it again later", e->text);
    for (size_t i = 0; i < s->outbox.count; i++) {
        const struct asker *to = &s->outbox.answers[i].to;
        if (to->head.kind == WIRE_SUBMIT) {
            ++*s->count.batches[REFUSAL_UNAVAILABLE];
            responder_send(&s->responder, to, WIRE_SUBMIT, buf_slice(&message), slice_of(NULL, 0));
        } else {
            responder_fail(&s->responder, to, &again);
        }
    }
    *s->count.answers_unavailable += s->outbox.count;
    buf_fini(&message);
}

/* --- the commit */

/* Ends the transaction; nothing is written when nothing was journalled. */
static int end_transaction(struct collector_service *s, struct err *e)
{
    bool written = collector_seal(s->core, s->kv);
    if (!written && !kv_failed(s->kv)) {
        store_abort(&s->kv);
        return 0;
    }
    int rc = store_commit(&s->kv, e);
    if (rc == 0) {
        ++*s->count.commits;
        s->store_full = false;
        log_complain_over(s->log, &s->commit_complaint, "commit_succeeds");
    }
    return rc;
}

static int reload(struct collector_service *s, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc == 0)
        rc = collector_reload(s->core, kv, e);
    store_abort(&kv);
    return rc;
}

static void round_failed(struct collector_service *s, const struct err *e)
{
    struct err why;
    complain(s, e);
    collector_counters_drop(s);
    send_unavailable(s, e);
    if (reload(s, &why) != 0) {
        err_wrap(&why, "read the journal again after a failed commit");
        service_fail(s->service, &why);
    }
}

void collector_round_finish(void *service)
{
    struct collector_service *s = service;
    struct err e;
    if (s->kv && end_transaction(s, &e) != 0) {
        round_failed(s, &e);
    } else {
        collector_counters_keep(s);
        send_answers(s);
    }
    s->told = (struct collector_told){collector_head(s->core), *collector_clock(s->core)};
    s->outbox.count = 0;
    buf_clear(&s->outbox.bytes);
    collector_pull_serve(s);
}

static void tell_clock(struct collector_service *s)
{
    const struct clock_core *c = collector_clock(s->core);
    if (!c->held) {
        log_complain_over(s->log, &s->clock_complaint, "clock_goes_on");
        return;
    }
    char journal[32], machine[32];
    log_complain(s->log, &s->clock_complaint, log_event("clock_held"),
                 log_text("journal_time", day_time_format(c->time_ms, journal)),
                 log_text("machine_time", day_time_format(c->wall_ms, machine)),
                 log_text("message", "the machine's clock has jumped: set it right, or accept the "
                                     "jump with an operate key"));
}

void collector_round_tick(void *service)
{
    struct collector_service *s = service;
    collector_round_kv(s);
    tell_clock(s);
}
