/* The aggregator's wiring: pulls one piece at a time, folds, checkpoints, and shows only what a
 * checkpoint holds. After a start nothing is shown below the head that the journal had then. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/journal/journal.h"
#include "common/wire/wire.h"

enum {
    FETCH_TIMEOUT_MS = 5 * 1000,
    FETCH_PAUSE_MS = 9 * 1000,
    BEAT_MS = 11 * 1000,
    KEEP_BYTES = 1 << 20,
    QUESTIONS = 3, /* in one query */
};

static struct sim_event own_event(struct sim *w, void (*run)(struct sim *, struct sim_event *))
{
    return (struct sim_event){
        .run = run, .node = SIM_AGGREGATOR, .life = w->nodes[SIM_AGGREGATOR].life};
}

/* --- life and death --- */

static void send_fetch(struct sim *w, struct sim_event *e);
static void beat(struct sim *w, struct sim_event *e);

static void open_ledger(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    struct err err = {0};
    struct kv *kv = memkv_begin(a->disk, false);
    if (ledger_open(&a->ledger, kv, &wire_codec, &err) != 0)
        sim_fail(w, "the aggregator does not start: %s", err.text);
    memkv_abort(&kv);
    a->checkpoint_offset = ledger_position(a->ledger).offset;
}

void sim_aggregator_start(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    arena_init(&a->arena, KEEP_BYTES);
    open_ledger(w);
    a->feed = feed_create();
    a->head_known = false;
    send_fetch(w, NULL);
    sim_schedule(w, BEAT_MS, own_event(w, beat));
}

/* Its store is only derived: it may be lost, or an older copy put back. */
static void maybe_lose_store(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    struct random *dice = &w->dice[SIM_AGGREGATOR];
    if (w->calm || w->options.no_faults || !random_chance(dice, 20))
        return;
    struct memkv *next = a->backup && random_chance(dice, 60) ? memkv_copy(a->backup)
                                                              : memkv_create(LEDGER_TABLE_COUNT);
    sim_log(w, "the aggregator's store is lost, or an older copy put back");
    memkv_destroy(a->disk);
    a->disk = next;
    a->checkpoints++;
}

void sim_aggregator_die(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    a->kv = NULL;
    memkv_crash(a->disk);
    ledger_close(a->ledger);
    a->ledger = NULL;
    feed_destroy(a->feed);
    a->feed = NULL;
    a->feed_open = false;
    a->waiting_count = a->pull_count = 0;
    a->checkpoint_due = a->fetch_due = false;
    arena_fini(&a->arena);
    maybe_lose_store(w);
}

void sim_aggregator_fini(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    if (w->nodes[SIM_AGGREGATOR].up)
        sim_aggregator_die(w);
    memkv_destroy(a->disk);
    memkv_destroy(a->backup);
    free(a->waiting);
}

/* --- pulling --- */

static void fetch_again(struct sim *w, struct sim_event *e)
{
    if (e->message->id == w->aggregator.fetch_id)
        send_fetch(w, NULL);
}

static void send_fetch(struct sim *w, struct sim_event *e)
{
    struct sim_aggregator *a = &w->aggregator;
    struct sim_message *m = sim_message(w, SIM_FETCH, SIM_AGGREGATOR, SIM_COLLECTOR);
    struct ledger_position at = ledger_position(a->ledger);
    (void)e;
    a->fetch_due = false;
    m->id = ++a->fetch_id;
    m->fetch.from_offset = at.offset + 1;
    memcpy(m->fetch.previous_hash, at.commit_hash, HASH_BYTES);
    m->fetch.bytes_max = (uint32_t)sim_after(w, SIM_AGGREGATOR, 100, 8000);
    sim_send(w, m);
    struct sim_event again = own_event(w, fetch_again);
    again.message = m;
    sim_schedule(w, FETCH_TIMEOUT_MS, again);
}

static int apply_commit(struct sim *w, struct slice commit, struct err *err)
{
    struct sim_aggregator *a = &w->aggregator;
    struct commit_head head;
    struct slice rest;
    int rc = journal_commit_decode(commit, &head, &rest, err);
    struct ledger_position at = ledger_position(a->ledger);
    if (rc == 0 && memcmp(head.previous_hash, at.commit_hash, HASH_BYTES) != 0)
        rc = err_set(err, ERR_CORRUPT, "commit %" PRIu64 " does not follow", head.number);
    for (uint32_t i = 0; rc == 0 && i < head.entry_count; i++) {
        struct entry e;
        rc = journal_entry_decode(&rest, &head, i, true, &a->arena, &e, err);
        if (rc == 0)
            rc = ledger_apply(a->ledger, a->kv, &e, err);
        arena_reset(&a->arena);
    }
    if (rc == 0)
        ledger_end_commit(a->ledger, head.number, head.hash);
    return rc;
}

/* After a failed commit memory is worth nothing, and what was pulled for it follows nothing. */
static void reopen(struct sim *w)
{
    ledger_close(w->aggregator.ledger);
    w->aggregator.ledger = NULL;
    open_ledger(w);
    send_fetch(w, NULL);
}

static void apply_commits(struct sim *w, const struct sim_message *m)
{
    struct sim_aggregator *a = &w->aggregator;
    struct err err = {0};
    struct reader r = reader_of(m->commits.commits);
    if (a->kv == NULL)
        a->kv = memkv_begin(a->disk, true);
    for (uint32_t i = 0; i < m->commits.count; i++) {
        struct slice commit = reader_bytes(&r, reader_u32(&r));
        int rc = apply_commit(w, commit, &err);
        if (rc != 0 && !kv_failed(a->kv))
            sim_fail(w, "the aggregator cannot go on: %s", err.text);
    }
}

/* --- questions --- */

static struct ledger_question choose_question(const struct sim *w, const struct registry *r,
                                              struct random *dice)
{
    struct ledger_question q = {.indicator = random_below(dice, registry_indicator_count(r)),
                                .code =
                                    random_below(dice, catalogue_code_count(registry_catalogue(r))),
                                .last = random_between(dice, w->first, w->last),
                                .source = REGISTRY_NONE};
    q.first = random_between(dice, w->first, q.last);
    return q;
}

static bool same_value(const struct ledger_value *a, const struct ledger_value *b)
{
    return a->has_value == b->has_value && a->value == b->value && a->numerator == b->numerator &&
           a->denominator == b->denominator && a->figures == b->figures && a->owed == b->owed &&
           a->reported == b->reported && a->on_time == b->on_time && a->source == b->source;
}

/* What is answered is what the journal up to that offset comes to. */
static void check_question(struct sim *w, struct kv *kv, const struct ledger_question *q)
{
    struct sim_aggregator *a = &w->aggregator;
    struct ledger_value got = {0}, expected = {0};
    struct kv *other = memkv_begin(w->verifier.disk, false);
    int rc = ledger_query(a->ledger, kv, q, &got, NULL);
    int expected_rc = ledger_query(w->verifier.ledger, other, q, &expected, NULL);
    memkv_abort(&other);
    if (rc != expected_rc || (rc == 0 && !same_value(&got, &expected)))
        sim_fail(w,
                 "at offset %" PRIu64 " indicator %u, code %u, days %d to %d: answered %d, value "
                 "%" PRId64 "; the journal gives %d, value %" PRId64,
                 a->checkpoint_offset, q->indicator, q->code, q->first, q->last, rc, got.value,
                 expected_rc, expected.value);
}

static void check_questions(struct sim *w, uint64_t seed)
{
    struct sim_aggregator *a = &w->aggregator;
    const struct registry *r = ledger_registry(a->ledger);
    struct random dice = {seed};
    if (registry_indicator_count(r) == 0)
        return;
    sim_verifier_advance(w, a->checkpoint_offset);
    if (ledger_position(w->verifier.ledger).offset != a->checkpoint_offset)
        return; /* it falls back behind what it showed: whoever saw that will tell */
    struct kv *kv = memkv_begin(a->disk, false);
    for (int i = 0; i < QUESTIONS; i++) {
        struct ledger_question q = choose_question(w, r, &dice);
        check_question(w, kv, &q);
    }
    memkv_abort(&kv);
}

static bool is_serving(const struct sim_aggregator *a)
{
    return a->head_known && a->checkpoint_offset >= a->head_at_start;
}

static void answer_query(struct sim *w, const struct sim_message *m)
{
    struct sim_message *answer = sim_message(w, SIM_QUERY_ANSWER, SIM_AGGREGATOR, m->from);
    check_questions(w, m->query.dice);
    answer->to_life = m->from_life;
    answer->id = m->id;
    answer->floor = w->observer.offset;
    answer->query_answer.offset = w->aggregator.checkpoint_offset;
    answer->query_answer.not_before = m->query.not_before;
    sim_send(w, answer);
}

/* Those that can be; the others wait on. False: the aggregator is dead. */
static bool answer_waiting(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    size_t kept = 0;
    for (size_t i = 0; i < a->waiting_count; i++) {
        struct sim_message *m = a->waiting[i];
        if (!is_serving(a) || a->kv != NULL || a->checkpoint_offset < m->query.not_before) {
            a->waiting[kept++] = m;
            continue;
        }
        answer_query(w, m);
        if (sim_crashes(w, SIM_AGGREGATOR, "aggregator: question answered"))
            return false;
    }
    a->waiting_count = kept;
    return true;
}

static void take_query(struct sim *w, struct sim_message *m)
{
    struct sim_aggregator *a = &w->aggregator;
    void *waiting = a->waiting;
    alloc_reserve(&waiting, &a->waiting_capacity, a->waiting_count + 1, sizeof *a->waiting);
    a->waiting = waiting;
    a->waiting[a->waiting_count++] = m;
    answer_waiting(w);
}

/* --- the feed --- */

static void begin_epoch(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    a->feed_open = true;
    feed_begin(a->feed, ledger_registry(a->ledger), ++a->epoch);
}

static void note_changes(struct sim *w, const struct ledger_changes *changes)
{
    struct sim_aggregator *a = &w->aggregator;
    if (!is_serving(a))
        return;
    if (!a->feed_open || changes->everything)
        begin_epoch(w);
    else
        feed_note(a->feed, changes->cells, changes->cell_count);
}

static void *copy_of(struct sim *w, const void *items, size_t bytes)
{
    void *copy = arena_alloc(&w->memory, bytes + 1);
    if (bytes > 0)
        memcpy(copy, items, bytes);
    return copy;
}

static struct sim_message *feed_message(struct sim *w, enum sim_message_kind kind)
{
    struct sim_message *m = sim_message(w, kind, SIM_AGGREGATOR, SIM_OBSERVER);
    m->floor = w->observer.offset;
    m->feed.epoch = w->aggregator.epoch;
    m->feed.offset = w->aggregator.checkpoint_offset;
    return m;
}

static void put_cells(struct sim *w, struct sim_message *m, const struct feed_cells *cells)
{
    m->feed.stream = cells->stream;
    m->feed.number = cells->number;
    m->feed.cell_count = cells->cell_count;
    m->feed.cells = copy_of(w, cells->cells, cells->cell_count * sizeof *cells->cells);
}

static void add_to_sum(void *arg, struct ledger_cell_key key, struct ledger_cell value)
{
    struct feed_cell cell = {key.code, key.day, value};
    *(uint64_t *)arg += sim_cell_sum(key.indicator, &cell);
}

static uint64_t sum_cells(struct sim *w, struct kv *kv)
{
    struct sim_aggregator *a = &w->aggregator;
    const struct registry *r = ledger_registry(a->ledger);
    if (a->cell_sum_at == a->checkpoints)
        return a->cell_sum;
    a->cell_sum = 0;
    a->cell_sum_at = a->checkpoints;
    for (uint32_t i = 0; i < registry_indicator_count(r); i++)
        ledger_visit_cells(kv, i, add_to_sum, &a->cell_sum);
    return a->cell_sum;
}

static void send_heads(struct sim *w, struct kv *kv)
{
    struct sim_aggregator *a = &w->aggregator;
    struct sim_message *m = feed_message(w, SIM_HEADS);
    const struct feed_head *heads;
    m->feed.head_count = feed_heads(a->feed, &heads);
    m->feed.heads = copy_of(w, heads, m->feed.head_count * sizeof *heads);
    m->feed.truth = sum_cells(w, kv);
    sim_send_in_order(w, m, &a->feed_free_at_ms);
}

/* False: the aggregator is dead. */
static bool send_updates(struct sim *w, struct kv *kv)
{
    struct sim_aggregator *a = &w->aggregator;
    const struct feed_cells *updates;
    size_t count = feed_beat(a->feed, ledger_registry(a->ledger), kv, &updates);
    for (size_t i = 0; i < count; i++) {
        struct sim_message *m = feed_message(w, SIM_UPDATE);
        put_cells(w, m, &updates[i]);
        sim_send_in_order(w, m, &a->feed_free_at_ms);
        if (sim_crashes(w, SIM_AGGREGATOR, "aggregator: update sent"))
            return false;
    }
    return true;
}

static bool checkpoint(struct sim *w);

static void beat(struct sim *w, struct sim_event *e)
{
    struct sim_aggregator *a = &w->aggregator;
    (void)e;
    if (a->kv != NULL && !checkpoint(w))
        return;
    sim_schedule(w, BEAT_MS, own_event(w, beat));
    if (!is_serving(a))
        return;
    if (!a->feed_open)
        begin_epoch(w);
    struct kv *kv = memkv_begin(a->disk, false);
    if (!send_updates(w, kv))
        return;
    send_heads(w, kv);
    memkv_abort(&kv);
}

static void take_snapshot_request(struct sim *w, const struct sim_message *asked)
{
    struct sim_aggregator *a = &w->aggregator;
    struct feed_cells cells;
    if (!is_serving(a) || !a->feed_open || (a->kv != NULL && !checkpoint(w)))
        return;
    struct sim_message *m = feed_message(w, SIM_SNAPSHOT);
    struct kv *kv = memkv_begin(a->disk, false);
    if (feed_snapshot(a->feed, ledger_registry(a->ledger), kv, asked->feed.stream, &cells)) {
        put_cells(w, m, &cells);
        m->to_life = asked->from_life;
        sim_send(w, m);
    }
    memkv_abort(&kv);
}

/* --- checkpoints --- */

static void arm_faults(struct sim *w)
{
    struct random *dice = &w->dice[SIM_AGGREGATOR];
    if (w->calm || !sim_chance_permille(dice, w->weather.commit_fail_permille))
        return;
    memkv_fail_commit_after(w->aggregator.disk, 1, random_chance(dice, 70) ? ERR_FULL : ERR_IO);
}

static void keep_backup(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    if (w->options.no_faults || !random_chance(&w->dice[SIM_AGGREGATOR], 3))
        return;
    memkv_destroy(a->backup);
    a->backup = memkv_copy(a->disk);
}

static void after_checkpoint(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    a->checkpoint_offset = ledger_position(a->ledger).offset;
    if (a->checkpoint_offset > w->journal.count)
        sim_fail(w, "the aggregator is at %" PRIu64 ", the journal ends at %zu",
                 a->checkpoint_offset, w->journal.count);
    if (a->checkpoints++ % 16 == 0)
        sim_verifier_compare(w, a->disk, a->checkpoint_offset);
    keep_backup(w);
}

/* False: the aggregator is dead. */
static bool checkpoint(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    struct ledger_changes changes;
    struct err err = {0};
    ledger_flush(a->ledger, a->kv, &changes);
    if (sim_crashes(w, SIM_AGGREGATOR, "aggregator: flushed, not committed"))
        return false;
    arm_faults(w);
    if (memkv_commit(&a->kv, &err) != 0) {
        sim_log(w, "the aggregator's checkpoint fails: %s", err.text);
        reopen(w);
        return true;
    }
    after_checkpoint(w);
    if (sim_crashes(w, SIM_AGGREGATOR, "aggregator: checkpoint made, not published"))
        return false;
    note_changes(w, &changes);
    return answer_waiting(w) && sim_frames_serve(w);
}

static void checkpoint_event(struct sim *w, struct sim_event *e)
{
    (void)e;
    w->aggregator.checkpoint_due = false;
    if (w->aggregator.kv != NULL)
        checkpoint(w);
}

static void schedule_checkpoint(struct sim *w)
{
    struct sim_aggregator *a = &w->aggregator;
    if (a->checkpoint_due)
        return;
    a->checkpoint_due = true;
    sim_schedule(w, sim_after(w, SIM_AGGREGATOR, 0, 1500), own_event(w, checkpoint_event));
}

static void schedule_fetch(struct sim *w, bool at_head)
{
    if (w->aggregator.fetch_due)
        return;
    w->aggregator.fetch_due = true;
    sim_schedule(w, at_head ? sim_after(w, SIM_AGGREGATOR, 100, FETCH_PAUSE_MS) : 0,
                 own_event(w, send_fetch));
}

/* --- messages --- */

static void take_commits(struct sim *w, const struct sim_message *m)
{
    struct sim_aggregator *a = &w->aggregator;
    if (m->id != a->fetch_id)
        return; /* of a pull that was given up */
    a->fetch_id++;
    if (!a->head_known) {
        a->head_known = true;
        a->head_at_start = m->commits.head_offset;
    }
    if (m->commits.count > 0)
        apply_commits(w, m);
    if (sim_crashes(w, SIM_AGGREGATOR, "aggregator: applied, not flushed"))
        return;
    if (a->kv != NULL)
        schedule_checkpoint(w);
    schedule_fetch(w, ledger_position(a->ledger).offset >= m->commits.head_offset);
}

void sim_aggregator_receive(struct sim *w, struct sim_message *m)
{
    if (m->kind == SIM_COMMITS)
        take_commits(w, m);
    else if (m->kind == SIM_QUERY)
        take_query(w, m);
    else if (m->kind == SIM_SNAPSHOT_REQUEST)
        take_snapshot_request(w, m);
    else if (m->kind == SIM_FRAMES_PULL)
        sim_frames_take(w, m);
}
