/* The collector's wiring: messages in rounds, one commit a round, answers only after it. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/wire/wire.h"
#include "services/collector/journal_store_core.h"

enum {
    ROUND_MESSAGES_MAX = 8,
    TICK_MS = 25 * 1000,
    KEEP_BYTES = 1 << 20,
};

int64_t sim_collector_wall_ms(const struct sim *w)
{
    return sim_true_ms(w) + w->collector.wall_offset_ms;
}

/* The machine itself was started some time before. */
static int64_t monotonic_ms(const struct sim *w)
{
    return sim_true_ms(w) - w->start_ms + 1000;
}

/* --- faults of the disk --- */

static void arm_faults(struct sim *w, struct memkv *disk)
{
    struct random *dice = &w->dice[SIM_COLLECTOR];
    static const int codes[] = {ERR_FULL, ERR_FULL, ERR_IO};
    if (w->calm || !sim_chance_permille(dice, w->weather.commit_fail_permille))
        return;
    int code = codes[random_below(dice, 3)];
    if (random_chance(dice, 50))
        memkv_fail_commit_after(disk, 1, code);
    else
        memkv_fail_put_after(disk, random_between(dice, 1, 12), code);
}

/* --- life and death --- */

static void run_round(struct sim *w, struct sim_event *e);

static void tick(struct sim *w, struct sim_event *e)
{
    if (w->now_ms > w->last_tick_ms)
        return;
    run_round(w, e);
    if (w->nodes[SIM_COLLECTOR].life == e->life)
        sim_schedule(w, TICK_MS,
                     (struct sim_event){.run = tick, .node = SIM_COLLECTOR, .life = e->life});
}

static int open_core(struct sim *w, struct err *err)
{
    struct sim_collector *c = &w->collector;
    struct collector_options options = {
        .replay = w->replay,
        .fixed_keys = &sim_operator_key,
        .fixed_key_count = 1,
        .now = {.wall_ms = sim_collector_wall_ms(w), .monotonic_ms = monotonic_ms(w)}};
    memcpy(options.instance, &w->seed, sizeof w->seed);
    struct kv *kv = memkv_begin(c->disk, true);
    int rc = collector_open(&c->core, kv, &wire_codec, &options, err);
    if (rc != 0) {
        memkv_abort(&kv);
        return rc;
    }
    return memkv_commit(&kv, err);
}

/* A fault left armed by the life before may strike: that start fails, and another is tried. */
void sim_collector_start(struct sim *w)
{
    struct err err = {0};
    arena_init(&w->collector.arena, KEEP_BYTES);
    int rc = open_core(w, &err);
    if (rc != 0 && rc != ERR_FULL && rc != ERR_IO)
        sim_fail(w, "the collector does not start: %s", err.text);
    if (rc != 0) {
        sim_crash(w, SIM_COLLECTOR, "start failed");
        return;
    }
    sim_journal_follow(w);
    sim_schedule(w, TICK_MS,
                 (struct sim_event){
                     .run = tick, .node = SIM_COLLECTOR, .life = w->nodes[SIM_COLLECTOR].life});
}

void sim_collector_die(struct sim *w)
{
    struct sim_collector *c = &w->collector;
    memkv_crash(c->disk);
    collector_close(c->core);
    c->core = NULL;
    c->inbox_count = 0;
    c->round_due = false;
    arena_fini(&c->arena);
}

void sim_collector_fini(struct sim *w)
{
    if (w->nodes[SIM_COLLECTOR].up)
        sim_collector_die(w);
    memkv_destroy(w->collector.disk);
    free(w->collector.inbox);
}

/* --- one message --- */

static struct sim_message *answer_to(struct sim *w, const struct sim_message *m,
                                     enum sim_message_kind kind)
{
    struct sim_message *answer = sim_message(w, kind, SIM_COLLECTOR, m->from);
    answer->to_life = m->from_life;
    answer->id = m->id;
    return answer;
}

static int unpack(struct sim *w, const struct sim_content *content, struct batch *out)
{
    if (content->oversized)
        return ERR_LIMIT;
    return wire_unpack_batch(content->bytes, &w->collector.arena, out, NULL);
}

static struct sim_message *take_submit(struct sim *w, struct kv *kv, const struct sim_message *m)
{
    const struct sim_submit *s = &m->submit;
    struct sim_message *answer = answer_to(w, m, SIM_SUBMIT_ANSWER);
    struct batch batch;
    struct submission in = {.spool = s->spool,
                            .number = s->number,
                            .officer = ident_slice(&s->officer),
                            .payload = s->content->bytes,
                            .unpack_code = unpack(w, s->content, &batch)};
    memcpy(in.key, s->key, KEY_BYTES);
    memcpy(in.hash, s->content->hash, HASH_BYTES);
    in.batch = in.unpack_code == 0 ? &batch : NULL;
    answer->answer.asked = *s;
    collector_submit(w->collector.core, kv, &in, &w->memory, &answer->answer.verdict);
    return answer;
}

static int apply(struct sim *w, struct kv *kv, const struct sim_message *m, uint64_t *offset,
                 struct err *err)
{
    struct collector *core = w->collector.core;
    switch (m->apply.kind) {
    case SIM_APPLY_REPLAY_TICK:
        return collector_replay_tick(core, kv, sim_operator_key.key, m->apply.time_ms, offset, err);
    case SIM_APPLY_CLOCK_ACCEPT:
        return collector_clock_accept(core, kv, sim_operator_key.key, m->apply.time_ms, offset,
                                      err);
    case SIM_APPLY_BODY:
        break;
    }
    return collector_apply(core, kv, sim_operator_key.key, &m->apply.change, offset, err);
}

static struct sim_message *take_apply(struct sim *w, struct kv *kv, const struct sim_message *m)
{
    struct sim_message *answer = answer_to(w, m, SIM_APPLY_ANSWER);
    struct err err = {0};
    answer->apply_answer.code = apply(w, kv, m, &answer->apply_answer.offset, &err);
    if (answer->apply_answer.code != 0)
        sim_log(w, "not applied: %s", err.text);
    return answer;
}

static struct sim_message *take(struct sim *w, struct kv *kv, const struct sim_message *m)
{
    return m->kind == SIM_SUBMIT ? take_submit(w, kv, m) : take_apply(w, kv, m);
}

/* Pulls are answered from what is committed. */
static void serve_fetch(struct sim *w, const struct sim_message *m)
{
    struct buf commits = {0};
    struct err err = {0};
    struct sim_message *answer = answer_to(w, m, SIM_COMMITS);
    struct kv *kv = memkv_begin(w->collector.disk, false);
    int rc = journal_store_fetch(kv, m->fetch.from_offset, m->fetch.previous_hash,
                                 m->fetch.bytes_max, &commits, &answer->commits.count, &err);
    memkv_abort(&kv);
    if (rc != 0)
        sim_fail(w, "a pull from %" PRIu64 " was refused: %s", m->fetch.from_offset, err.text);
    answer->commits.head_offset = collector_head(w->collector.core).offset;
    answer->commits.commits =
        slice_of(arena_string(&w->memory, (const char *)commits.data, commits.len), commits.len);
    buf_fini(&commits);
    sim_send(w, answer);
}

/* --- a round --- */

/* Nothing of the round happened. */
static void make_unavailable(struct sim_message *answer, int64_t time_ms)
{
    if (answer->kind == SIM_APPLY_ANSWER) {
        answer->apply_answer.code = ERR_AGAIN;
        answer->apply_answer.offset = 0;
    } else {
        answer->answer.verdict =
            (struct verdict){.refusal = REFUSAL_UNAVAILABLE, .time_ms = time_ms};
    }
}

static void reload(struct sim *w)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(w->collector.disk, false);
    if (collector_reload(w->collector.core, kv, &err) != 0)
        sim_fail(w, "the collector cannot go on after a failed commit: %s", err.text);
    memkv_abort(&kv);
}

/* As end_transaction in the service. */
static int end_transaction(struct sim *w, struct kv **kv, struct err *err)
{
    bool written = collector_seal(w->collector.core, *kv);
    if (written || kv_failed(*kv))
        return memkv_commit(kv, err);
    memkv_abort(kv);
    return 0;
}

/* Commits the round; false: the collector is dead. */
static bool commit(struct sim *w, struct kv **kv, struct sim_message **answers, size_t count)
{
    struct err err = {0};
    arm_faults(w, w->collector.disk);
    int rc = end_transaction(w, kv, &err);
    if (rc == 0) {
        sim_journal_follow(w);
        return !sim_crashes(w, SIM_COLLECTOR, "collector: committed, nothing answered");
    }
    sim_log(w, "the collector's commit fails: %s", err.text);
    reload(w);
    sim_journal_follow(w);
    for (size_t i = 0; i < count; i++)
        make_unavailable(answers[i], collector_clock(w->collector.core)->time_ms);
    return true;
}

static void send_answers(struct sim *w, struct sim_message **answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sim_send(w, answers[i]);
        if (sim_crashes(w, SIM_COLLECTOR, "collector: answer sent"))
            return;
    }
}

static void take_out(struct sim_collector *c, size_t count)
{
    c->inbox_count -= count;
    memmove(c->inbox, c->inbox + count, c->inbox_count * sizeof *c->inbox);
}

static void schedule_round(struct sim *w)
{
    struct sim_collector *c = &w->collector;
    if (c->round_due || c->inbox_count == 0)
        return;
    c->round_due = true;
    sim_schedule(w, sim_after(w, SIM_COLLECTOR, 0, 30),
                 (struct sim_event){.run = run_round,
                                    .node = SIM_COLLECTOR,
                                    .life = w->nodes[SIM_COLLECTOR].life});
}

/* Rounds without faults and answers, until nothing waits: the founding. */
void sim_collector_settle(struct sim *w)
{
    struct sim_collector *c = &w->collector;
    struct err err = {0};
    struct kv *kv = memkv_begin(c->disk, true);
    clock_read(collector_clock(c->core), sim_collector_wall_ms(w), monotonic_ms(w));
    for (size_t i = 0; i < c->inbox_count; i++)
        if (take(w, kv, c->inbox[i])->apply_answer.code != 0)
            sim_fail(w, "the founding's message %zu is refused", i + 1);
    take_out(c, c->inbox_count);
    if (end_transaction(w, &kv, &err) != 0)
        sim_fail(w, "the founding is not committed: %s", err.text);
    sim_journal_follow(w);
}

static void run_round(struct sim *w, struct sim_event *e)
{
    struct sim_collector *c = &w->collector;
    struct sim_message *answers[ROUND_MESSAGES_MAX];
    size_t count = c->inbox_count < ROUND_MESSAGES_MAX ? c->inbox_count : ROUND_MESSAGES_MAX;
    (void)e;
    c->round_due = false;
    struct kv *kv = memkv_begin(c->disk, true);
    clock_read(collector_clock(c->core), sim_collector_wall_ms(w), monotonic_ms(w));
    for (size_t i = 0; i < count; i++) {
        answers[i] = take(w, kv, c->inbox[i]);
        if (sim_crashes(w, SIM_COLLECTOR, "collector: judged, not committed"))
            return;
    }
    take_out(c, count);
    if (!commit(w, &kv, answers, count))
        return;
    arena_reset(&c->arena);
    schedule_round(w);
    send_answers(w, answers, count);
}

void sim_collector_receive(struct sim *w, struct sim_message *m)
{
    struct sim_collector *c = &w->collector;
    if (m->kind == SIM_FETCH) {
        serve_fetch(w, m);
        return;
    }
    void *inbox = c->inbox;
    alloc_reserve(&inbox, &c->inbox_capacity, c->inbox_count + 1, sizeof *c->inbox);
    c->inbox = inbox;
    c->inbox[c->inbox_count++] = m;
    schedule_round(w);
}
