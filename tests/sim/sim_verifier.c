#include "tests/sim/sim.h"

#include <inttypes.h>

#include "common/wire/wire.h"
#include "services/aggregator/ledger_internal.h"
#include "tests/support/naive_ledger.h"

enum { QUESTIONS_AT_END = 60, ARENA_KEEP = 1 << 16 };

static void open_ledger(struct sim *w)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(w->verifier.disk, false);
    if (ledger_open(&w->verifier.ledger, kv, &wire_codec, &err) != 0)
        sim_fail(w, "the verifier's ledger does not open: %s", err.text);
    memkv_abort(&kv);
}

void sim_verifier_open(struct sim *w)
{
    w->verifier.disk = memkv_create(LEDGER_TABLE_COUNT);
    open_ledger(w);
}

void sim_verifier_close(struct sim *w)
{
    ledger_close(w->verifier.ledger);
    memkv_destroy(w->verifier.disk);
}

static void apply(struct sim *w, struct kv *kv, uint64_t until)
{
    struct ledger *l = w->verifier.ledger;
    const struct sim_journal *j = &w->journal;
    struct err err = {0};
    for (uint64_t at = ledger_position(l).offset; at < until; at++) {
        if (ledger_apply(l, kv, &j->entries[at], &err) != 0)
            sim_fail(w, "the verifier at entry %" PRIu64 ": %s", at + 1, err.text);
        if (at + 1 == until || j->commits[at + 1] != j->commits[at])
            ledger_end_commit(l, j->commits[at], j->hashes[at]);
    }
}

void sim_verifier_advance(struct sim *w, uint64_t offset)
{
    struct ledger *l = w->verifier.ledger;
    struct err err = {0};
    if (ledger_position(l).offset >= offset)
        return;
    struct kv *kv = memkv_begin(w->verifier.disk, true);
    apply(w, kv, offset);
    ledger_flush(l, kv, NULL);
    if (memkv_commit(&kv, &err) != 0)
        sim_fail(w, "the verifier's commit: %s", err.text);
}

void sim_verifier_compare(struct sim *w, struct memkv *other, uint64_t offset)
{
    struct buf difference = {0};
    sim_verifier_advance(w, offset);
    if (ledger_position(w->verifier.ledger).offset > offset)
        return; /* the aggregator's store is an older one */
    if (!memkv_equal(other, w->verifier.disk, &difference))
        sim_fail(w,
                 "at offset %" PRIu64 " the aggregator's store is not what the journal gives: %.*s",
                 offset, (int)difference.len, (const char *)difference.data);
    buf_fini(&difference);
}

/* --- at the end --- */

/* Stamped ahead of the collector's clock it is journalled once more, refused; that does not count
 * here, and neither does a whole batch that was refused for another reason. */
static void check_statements(struct sim *w)
{
    for (size_t i = 1; i < w->statement_count; i++) {
        const struct sim_statement *s = &w->statements[i];
        if (s->suspect)
            continue;
        if (s->journalled > 1 || (s->kept && s->journalled == 0))
            sim_fail(w, "statement %zu of node %u, %s: journalled %u times", i, s->producer,
                     s->kept ? "which its maker was told is kept" : "not known to be kept",
                     s->journalled);
    }
}

/* Every accepted row is a version that is not refused. */
static void check_conservation(struct sim *w)
{
    struct kv *kv = memkv_begin(w->aggregator.disk, false);
    uint64_t accepted = 0;
    for (uint64_t version = 0; version < w->journal.next_row; version++) {
        struct version_head head;
        struct version_row row;
        if (!version_find(kv, version, &head, &row))
            sim_fail(w, "version %" PRIu64 " of %" PRIu64 " is not in the aggregator's store",
                     version, w->journal.next_row);
        accepted += !row.refused;
    }
    memkv_abort(&kv);
    if (accepted != w->journal.accepted_rows)
        sim_fail(w, "%" PRIu64 " versions are not refused, %" PRIu64 " rows were accepted",
                 accepted, w->journal.accepted_rows);
}

static bool same_value(const struct ledger_value *a, const struct ledger_value *b)
{
    return a->has_value == b->has_value && a->value == b->value && a->figures == b->figures &&
           a->owed == b->owed && a->reported == b->reported && a->on_time == b->on_time;
}

static void ask(struct sim *w, struct kv *kv, const struct naive_ledger *naive,
                const struct ledger_question *q)
{
    struct ledger_value got = {0}, expected = {0};
    int rc = ledger_query(w->aggregator.ledger, kv, q, &got, NULL);
    int expected_rc = naive_ledger_query(naive, q, &expected);
    if (rc == expected_rc && (rc != 0 || same_value(&got, &expected)))
        return;
    const struct registry *r = naive_ledger_registry(naive);
    sim_fail(w,
             "indicator %s, code %s, days %d to %d: answered %d, value %" PRId64
             " of %u figures, %u of %u reported; recomputed %d, value %" PRId64
             " of %u figures, %u of %u reported",
             registry_indicator(r, q->indicator)->id.text,
             catalogue_code_text(registry_catalogue(r), q->code), q->first, q->last, rc, got.value,
             got.figures, got.reported, got.owed, expected_rc, expected.value, expected.figures,
             expected.reported, expected.owed);
}

static void ask_questions(struct sim *w, const struct naive_ledger *naive)
{
    const struct registry *r = naive_ledger_registry(naive);
    struct random *dice = &w->weather_dice;
    struct kv *kv = memkv_begin(w->aggregator.disk, false);
    for (int i = 0; i < QUESTIONS_AT_END; i++) {
        struct ledger_question q = {
            .indicator = random_below(dice, registry_indicator_count(r)),
            .code = random_below(dice, catalogue_code_count(registry_catalogue(r))),
            .last = random_between(dice, w->first, w->last),
            .source = REGISTRY_NONE};
        q.first = random_between(dice, w->first, q.last);
        ask(w, kv, naive, &q);
    }
    memkv_abort(&kv);
}

/* --- the notifier --- */

static struct notifier *open_notifier(struct sim *w, struct kv *kv)
{
    struct notifier *core;
    struct err err = {0};
    if (notifier_open(&core, kv, &wire_codec, &err) != 0)
        sim_fail(w, "the verifier's notifier does not open: %s", err.text);
    return core;
}

/* Every frame there is, in one go. */
static void judge_all(struct sim *w, struct notifier *core, struct kv *kv)
{
    struct ledger_frame frame = {0};
    struct wire_frame named;
    struct arena arena;
    struct err err = {0};
    struct kv *frames = memkv_begin(w->verifier.disk, false);
    arena_init(&arena, ARENA_KEEP);
    while (ledger_frame_after(frames, frame.offset, &frame, &err) == 0) {
        sim_frame_read(w, w->verifier.ledger, frames, &frame, &arena, &named);
        if (sim_notifier_apply(core, kv, &named, &arena, &err) != 0)
            break;
        arena_reset(&arena);
    }
    if (err.code != 0)
        sim_fail(w, "the verifier's notifier: %s", err.text);
    arena_fini(&arena);
    memkv_abort(&frames);
}

static void deliver_all(struct sim *w, struct kv *kv)
{
    for (uint64_t number = 1; number <= w->post.count; number++)
        for (unsigned channel = 0; channel < CHANNEL_COUNT; channel++)
            notifier_outbox_delivered(kv, number, (enum notifier_channel)channel);
}

/* The same cells, states, decisions, ids; and nothing waits in either. */
static void check_notifier(struct sim *w)
{
    struct buf difference = {0};
    struct memkv *disk = memkv_create(NOTIFIER_TABLE_COUNT);
    struct kv *kv = memkv_begin(disk, true);
    struct notifier *core = open_notifier(w, kv);
    judge_all(w, core, kv);
    deliver_all(w, kv);
    sim_post_check_end(w, kv);
    if (memkv_commit(&kv, NULL) != 0 || !memkv_equal(w->notifier.disk, disk, &difference))
        sim_fail(w, "the notifier's store is not that of one to which nothing happened: %.*s",
                 (int)difference.len, (const char *)difference.data);
    notifier_close(core);
    memkv_destroy(disk);
    buf_fini(&difference);
}

void sim_verifier_check_end(struct sim *w)
{
    check_statements(w);
    sim_verifier_compare(w, w->aggregator.disk, w->aggregator.checkpoint_offset);
    check_conservation(w);
    struct naive_ledger *naive =
        naive_ledger_create(w->journal.entries, w->journal.count, &wire_codec);
    ask_questions(w, naive);
    naive_ledger_destroy(naive);
    check_notifier(w);
}
