/* Whose number is it, was it used, and what does the batch come to. */
#include "services/collector/collector_internal.h"

#include "common/base/check.h"
#include "services/collector/intake_core.h"

/* Who speaks: the officer whose scope, source, numbers and order count, and who speaks for it. */
struct speaker {
    uint32_t producer;
    uint32_t delegate; /* UINT32_MAX: the officer itself */
};

static enum refusal check_officer(const struct collector *c, struct slice officer,
                                  struct speaker *out)
{
    out->producer = registry_producer_find(c->registry, officer);
    if (out->producer == REGISTRY_NONE)
        return REFUSAL_UNKNOWN_OFFICER;
    const struct producer *p = registry_producer(c->registry, out->producer);
    return p->retired || !(p->roles & ROLE_SUBMIT) ? REFUSAL_NOT_ALLOWED : REFUSAL_NONE;
}

/* A delegate has no figures of its own, and nobody else may speak for another. Keys of the
 * service's own file have no ordinal to be journalled under. */
static enum refusal find_speaker(const struct collector *c, const uint8_t key[KEY_BYTES],
                                 struct slice officer, struct speaker *out)
{
    struct identity who = collector_identify(c, key);
    if (who.revoked)
        return REFUSAL_REVOKED;
    if (who.producer == REGISTRY_NONE)
        return REFUSAL_NOT_ALLOWED;
    if (who.roles & ROLE_DELEGATE) {
        out->delegate = who.producer;
        return check_officer(c, officer, out);
    }
    out->producer = who.producer;
    out->delegate = UINT32_MAX;
    return officer.len > 0 || !(who.roles & ROLE_SUBMIT) ? REFUSAL_NOT_ALLOWED : REFUSAL_NONE;
}

/* First answer and repeated one are made from the entry alone, so that they are the same. */
static void answer_with(const struct entry *e, struct verdict *out)
{
    out->refusal = e->refusal;
    out->offset = e->offset;
    out->time_ms = e->time_ms;
    out->row_count = e->row_count;
    out->refused_count = e->refused_count;
    out->refused = e->refused;
}

static enum refusal unpack_refusal(int unpack_code)
{
    if (unpack_code == 0)
        return REFUSAL_NONE;
    return unpack_code == ERR_LIMIT ? REFUSAL_TOO_LARGE : REFUSAL_MALFORMED;
}

/* The body of a batch refused whole is not kept, and its rows are none; only which of them held bad
 * codes is, for the answer. */
static void judge(const struct collector *c, const struct submission *in, struct arena *arena,
                  struct entry *e)
{
    struct intake intake = {.registry = c->registry,
                            .producer = e->producer,
                            .time_ms = c->group.time_ms,
                            .arena = arena};
    e->refusal = (uint16_t)unpack_refusal(in->unpack_code);
    if (e->refusal != REFUSAL_NONE)
        return;
    require(in->batch != NULL);
    e->reported_at_ms = in->batch->reported_at_ms;
    e->refusal = (uint16_t)intake_judge_batch(&intake, in->batch);
    if (e->refusal == REFUSAL_BAD_CODE)
        e->refused_count = intake_bad_codes(&intake, in->batch, &e->refused);
    if (e->refusal != REFUSAL_NONE)
        return;
    e->body = in->payload;
    e->row_count = in->batch->row_count;
    e->refused_count = intake_judge_rows(&intake, in->batch, &e->refused);
}

/* The next number of its spool: journalled, whatever comes of it. */
static void take(struct collector *c, struct kv *kv, const struct submission *in,
                 const struct speaker *who, struct spool_record spool, struct arena *arena,
                 struct verdict *out)
{
    group_open(c, kv);
    struct entry e = {.kind = ENTRY_BATCH,
                      .body_bytes = (uint32_t)in->payload.len,
                      .producer = who->producer,
                      .delegate = who->delegate,
                      .spool = in->spool,
                      .number = in->number,
                      .first_row = c->state.next_row};
    memcpy(e.body_hash, in->hash, HASH_BYTES);
    judge(c, in, arena, &e);
    struct entry_place place = group_add(c, kv, &e);
    c->state.next_row += e.row_count;
    if (spool.last_number == 0)
        spool.ordinal = c->state.next_spool++;
    spool.last_number = in->number;
    record_spool_put(kv, who->producer, &in->spool, &spool);
    record_number_put(kv, spool.ordinal, in->number, &place);
    answer_with(&e, out);
}

static bool is_same_number(const struct entry *e, const struct submission *in, uint32_t producer)
{
    return e->kind == ENTRY_BATCH && e->producer == producer && e->number == in->number &&
           memcmp(&e->spool, &in->spool, sizeof e->spool) == 0;
}

/* ERR_NOT_FOUND when the entry was trimmed. */
static int find_earlier(struct collector *c, struct kv *kv, const struct submission *in,
                        const struct speaker *who, uint32_t spool, struct arena *arena,
                        struct entry *e, struct err *err)
{
    struct entry_place place;
    if (!record_number_get(kv, spool, in->number, &place))
        return ERR_NOT_FOUND;
    int rc = entry_find(c, kv, &place, arena, e, err);
    if (rc == 0 && !is_same_number(e, in, who->producer))
        rc = err_set(err, ERR_CORRUPT,
                     "the journal's store: the index of batch numbers leads to entry %llu, which "
                     "is another: restore the store from a backup",
                     (unsigned long long)place.offset);
    return rc;
}

/* A number that was used before. */
static void repeat(struct collector *c, struct kv *kv, const struct submission *in,
                   const struct speaker *who, struct spool_record spool, struct arena *arena,
                   struct verdict *out)
{
    struct entry e;
    struct err err = {0};
    int rc = find_earlier(c, kv, in, who, spool.ordinal, arena, &e, &err);
    if (rc == ERR_NOT_FOUND) {
        out->refusal = REFUSAL_SETTLED;
    } else if (rc != 0) {
        if (!kv_failed(kv))
            kv->err = err;
    } else if (memcmp(e.body_hash, in->hash, HASH_BYTES) != 0) {
        out->refusal = REFUSAL_NUMBER_REUSED;
        out->expected_number = spool.last_number + 1;
    } else {
        answer_with(&e, out);
        out->repeated = true;
    }
}

static void answer_number(struct collector *c, struct kv *kv, const struct submission *in,
                          const struct speaker *who, struct arena *arena, struct verdict *out)
{
    struct spool_record spool = {0};
    record_spool_get(kv, who->producer, &in->spool, &spool);
    if (in->number == spool.last_number + 1) {
        take(c, kv, in, who, spool, arena, out);
    } else if (in->number > spool.last_number || in->number == 0) {
        out->refusal = REFUSAL_NUMBER_GAP;
        out->expected_number = spool.last_number + 1;
    } else {
        repeat(c, kv, in, who, spool, arena, out);
    }
}

void collector_submit(struct collector *c, struct kv *kv, const struct submission *in,
                      struct arena *arena, struct verdict *out)
{
    struct speaker who;
    *out = (struct verdict){.time_ms = c->clock.time_ms};
    out->refusal = (uint16_t)find_speaker(c, in->key, in->officer, &who);
    if (out->refusal == REFUSAL_NONE && !kv_failed(kv))
        answer_number(c, kv, in, &who, arena, out);
    if (kv_failed(kv))
        *out = (struct verdict){.refusal = REFUSAL_UNAVAILABLE, .time_ms = c->clock.time_ms};
}

static int refuse_speaker(enum refusal refusal, struct err *err)
{
    int code = refusal == REFUSAL_UNKNOWN_OFFICER ? ERR_NOT_FOUND : ERR_DENIED;
    return err_set(err, code, "%s", refusal_sentence_en(refusal));
}

int collector_last_number(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                          struct slice officer, const struct spool_id *spool, uint64_t *last,
                          struct err *err)
{
    struct speaker who;
    struct spool_record record = {0};
    enum refusal refusal = find_speaker(c, key, officer, &who);
    if (refusal != REFUSAL_NONE)
        return refuse_speaker(refusal, err);
    record_spool_get(kv, who.producer, spool, &record);
    *last = record.last_number;
    return record_result(kv, err);
}
