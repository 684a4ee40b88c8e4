/* Which numbers go out and what becomes of them: single rules first, then a collector that loses,
 * repeats, delays and refuses at random, with every batch accounted for at the end. */
#include "common/client/spool_core.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <string.h>

static const struct spool_options quick = {
    .window = 4, .answer_ms = 1000, .backoff_ms = 100, .backoff_max_ms = 800, .blocked_ms = 5000};

static struct spool_random random_of(uint64_t n)
{
    struct spool_random r = {.jitter = n};
    memset(r.id.bytes, (int)(n % 251) + 1, sizeof r.id.bytes);
    return r;
}

static void start(struct spool_core *s, unsigned batches, struct spool_effects *fx)
{
    struct spool_random r = random_of(0);
    spool_core_init(s, &quick, &r.id, 1, 1);
    for (unsigned i = 0; i < batches; i++)
        ck_assert_uint_eq(spool_core_enqueue(s), i + 1);
    spool_core_link(s, true, 0, fx);
}

static void answer(struct spool_core *s, uint64_t number, enum refusal refusal, uint64_t expected,
                   int64_t now_ms, struct spool_effects *fx)
{
    struct spool_answer a = {refusal, expected, 777};
    struct spool_random r = random_of(9);
    spool_core_answer(s, number, &a, now_ms, &r, fx);
}

static void tick(struct spool_core *s, int64_t now_ms, struct spool_effects *fx)
{
    struct spool_random r = random_of(5);
    spool_core_tick(s, now_ms, &r, fx);
}

static void expect(const struct spool_effects *fx, unsigned i, enum spool_effect_kind kind,
                   uint64_t number)
{
    ck_assert_msg(i < fx->count, "only %u effects, wanted %u", fx->count, i + 1);
    ck_assert_msg(fx->items[i].kind == kind && fx->items[i].number == number,
                  "effect %u is kind %d of %" PRIu64 ", not %d of %" PRIu64, i, fx->items[i].kind,
                  fx->items[i].number, kind, number);
}

START_TEST(no_more_than_the_window_is_in_flight)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 6, &fx);
    ck_assert_uint_eq(fx.count, 4);
    for (unsigned i = 0; i < 4; i++)
        expect(&fx, i, SPOOL_SEND, i + 1);
    answer(&s, 2, REFUSAL_NONE, 0, 1, &fx);
    ck_assert_uint_eq(fx.count, 1); /* 1 still holds the window */
    answer(&s, 1, REFUSAL_NONE, 0, 1, &fx);
    ck_assert_uint_eq(fx.count, 3);
    expect(&fx, 0, SPOOL_DONE, 1);
    expect(&fx, 1, SPOOL_SEND, 5);
    expect(&fx, 2, SPOOL_SEND, 6);
    ck_assert_uint_eq(spool_core_pending(&s), 4);
}
END_TEST

START_TEST(silence_sends_again_what_is_unanswered_only)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 3, &fx);
    answer(&s, 2, REFUSAL_NONE, 0, 10, &fx);
    ck_assert_int_eq(spool_core_wait_ms(&s, 10), 1000);
    tick(&s, 1009, &fx);
    ck_assert_uint_eq(fx.count, 0);
    tick(&s, 1010, &fx); /* due: a pause first */
    ck_assert_uint_eq(fx.count, 0);
    int64_t wait_ms = spool_core_wait_ms(&s, 1010);
    ck_assert_msg(wait_ms >= 50 && wait_ms <= 100, "pause of %" PRId64 " ms", wait_ms);
    tick(&s, 1010 + wait_ms, &fx);
    ck_assert_uint_eq(fx.count, 2);
    expect(&fx, 0, SPOOL_SEND, 1);
    expect(&fx, 1, SPOOL_SEND, 3);
}
END_TEST

START_TEST(a_copy_of_an_answer_does_nothing)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 2, &fx);
    answer(&s, 1, REFUSAL_NONE, 0, 1, &fx);
    expect(&fx, 0, SPOOL_DONE, 1);
    answer(&s, 1, REFUSAL_NONE, 0, 2, &fx);
    ck_assert_uint_eq(fx.count, 0);
    answer(&s, 99, REFUSAL_NONE, 0, 2, &fx);
    ck_assert_uint_eq(fx.count, 0);
}
END_TEST

START_TEST(unavailable_waits_longer_each_time)
{
    struct spool_core s;
    struct spool_effects fx;
    int64_t now_ms = 0, pause_max_ms = 100;
    start(&s, 1, &fx);
    for (unsigned i = 0; i < 6; i++) {
        answer(&s, 1, REFUSAL_UNAVAILABLE, 0, now_ms, &fx);
        ck_assert_uint_eq(fx.count, 0);
        int64_t wait_ms = spool_core_wait_ms(&s, now_ms);
        ck_assert_msg(wait_ms >= pause_max_ms / 2 && wait_ms <= pause_max_ms,
                      "try %u: pause of %" PRId64 " ms instead of at most %" PRId64, i, wait_ms,
                      pause_max_ms);
        now_ms += wait_ms;
        tick(&s, now_ms, &fx);
        expect(&fx, 0, SPOOL_SEND, 1);
        pause_max_ms = pause_max_ms < 800 ? pause_max_ms * 2 : 800;
    }
}
END_TEST

START_TEST(a_gap_goes_back_to_the_number_asked_for)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 4, &fx);
    answer(&s, 2, REFUSAL_NUMBER_GAP, 1, 1, &fx);
    answer(&s, 3, REFUSAL_NUMBER_GAP, 1, 1, &fx);
    answer(&s, 4, REFUSAL_NUMBER_GAP, 1, 1, &fx);
    ck_assert_uint_eq(fx.count, 0);
    tick(&s, 1 + spool_core_wait_ms(&s, 1), &fx);
    ck_assert_uint_eq(fx.count, 4); /* once, though three answers asked for it */
    expect(&fx, 0, SPOOL_SEND, 1);
}
END_TEST

START_TEST(a_reused_number_opens_a_new_spool_once_the_rest_is_answered)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 3, &fx);
    answer(&s, 1, REFUSAL_NUMBER_REUSED, 2, 1, &fx);
    ck_assert_uint_eq(fx.count, 0); /* 2 may have been taken: it must not be stated twice */
    answer(&s, 2, REFUSAL_NONE, 0, 2, &fx);
    expect(&fx, 0, SPOOL_DONE, 2);
    answer(&s, 3, REFUSAL_NUMBER_REUSED, 4, 3, &fx);
    expect(&fx, 0, SPOOL_REOPEN, 0);
    ck_assert_int_eq(fx.items[0].reason, SPOOL_NUMBER_REUSED);
    struct spool_random r = random_of(9);
    ck_assert_mem_eq(s.id.bytes, r.id.bytes, SPOOL_ID_BYTES);
    expect(&fx, 1, SPOOL_SEND, 1); /* two are left: the old 1 and 3 */
    expect(&fx, 2, SPOOL_SEND, 2);
    ck_assert_uint_eq(fx.count, 3);
    ck_assert_uint_eq(s.next_number, 3);
}
END_TEST

START_TEST(being_asked_for_a_forgotten_number_opens_a_new_spool)
{
    struct spool_core s;
    struct spool_effects fx;
    struct spool_random r = random_of(0);
    spool_core_init(&s, &quick, &r.id, 7, 8);
    spool_core_link(&s, true, 0, &fx);
    expect(&fx, 0, SPOOL_SEND, 7);
    answer(&s, 7, REFUSAL_NUMBER_GAP, 3, 1, &fx);
    expect(&fx, 0, SPOOL_REOPEN, 0);
    ck_assert_int_eq(fx.items[0].reason, SPOOL_NUMBER_LOST);
    expect(&fx, 1, SPOOL_SEND, 1);
}
END_TEST

START_TEST(a_clock_ahead_is_stamped_again_under_a_new_number)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 2, &fx);
    answer(&s, 1, REFUSAL_CLOCK_AHEAD, 0, 1, &fx);
    expect(&fx, 0, SPOOL_RESTAMP, 1);
    ck_assert_uint_eq(fx.items[0].to, 3);
    ck_assert_int_eq(fx.items[0].time_ms, 777);
    expect(&fx, 1, SPOOL_SEND, 3);
    ck_assert_uint_eq(spool_core_pending(&s), 2);
}
END_TEST

START_TEST(a_key_that_may_not_submit_blocks_and_loses_nothing)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 1, &fx);
    answer(&s, 1, REFUSAL_REVOKED, 0, 0, &fx);
    expect(&fx, 0, SPOOL_BLOCKED, 1);
    ck_assert_int_eq(fx.items[0].refusal, REFUSAL_REVOKED);
    ck_assert_int_eq(spool_core_wait_ms(&s, 0), 5000);
    tick(&s, 5000, &fx);
    expect(&fx, 0, SPOOL_SEND, 1);
    answer(&s, 1, REFUSAL_REVOKED, 0, 5001, &fx);
    ck_assert_uint_eq(fx.count, 0); /* told once */
    tick(&s, 10001, &fx);
    answer(&s, 1, REFUSAL_NONE, 0, 10002, &fx);
    expect(&fx, 0, SPOOL_DONE, 1);
}
END_TEST

START_TEST(refusals_that_consume_the_number_do_not_block_the_rest)
{
    static const enum refusal consumed[] = {REFUSAL_MALFORMED, REFUSAL_TOO_LARGE, REFUSAL_EMPTY,
                                            REFUSAL_SETTLED};
    for (size_t i = 0; i < sizeof consumed / sizeof *consumed; i++) {
        struct spool_core s;
        struct spool_effects fx;
        start(&s, 5, &fx);
        answer(&s, 1, consumed[i], 0, 1, &fx);
        expect(&fx, 0, SPOOL_DONE, 1);
        expect(&fx, 1, SPOOL_SEND, 5);
    }
}
END_TEST

START_TEST(nothing_is_sent_while_the_link_is_down)
{
    struct spool_core s;
    struct spool_effects fx;
    start(&s, 2, &fx);
    spool_core_link(&s, false, 10, &fx);
    ck_assert_int_eq(spool_core_wait_ms(&s, 10), SPOOL_WAIT_FOREVER);
    tick(&s, 5000, &fx);
    ck_assert_uint_eq(fx.count, 0);
    spool_core_link(&s, true, 6000, &fx);
    ck_assert_uint_eq(fx.count, 2);
}
END_TEST

/* ---- a hostile line and a moody collector ---- */

enum { BATCHES = 40, SPOOLS = 64, LINE = 512 };

struct held {
    unsigned ticket;
    unsigned stamp; /* content is (ticket, stamp) */
};

struct world {
    uint64_t seed;
    struct spool_core core;
    struct held held[BATCHES * 40]; /* by number; ticket 0: none */
    struct spool_id id;
    unsigned done[BATCHES + 1];
    unsigned taken[BATCHES + 1];
    /* the collector, for the spools it has seen */
    struct spool_id ids[SPOOLS];
    unsigned id_count;
    uint64_t last[SPOOLS];
    struct held content[SPOOLS][BATCHES * 40];
    struct {
        bool used;
        bool is_answer;
        unsigned link;
        struct spool_id id;
        uint64_t number;
        struct held what;
        struct spool_answer answer;
    } line[LINE];
    unsigned link; /* counts connections: no answer outlives its own */
    int64_t now_ms;
};

static uint64_t draw(struct world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % below;
}

static struct spool_random draw_random(struct world *w)
{
    struct spool_random r = {.jitter = draw(w, UINT64_MAX)};
    uint64_t a = draw(w, UINT64_MAX), b = draw(w, UINT64_MAX);
    memcpy(r.id.bytes, &a, 8);
    memcpy(r.id.bytes + 8, &b, 8);
    return r;
}

static int free_slot(struct world *w)
{
    for (int i = 0; i < LINE; i++)
        if (!w->line[i].used)
            return i;
    return -1;
}

static void world_effects(struct world *w, const struct spool_effects *fx)
{
    for (unsigned i = 0; i < fx->count; i++) {
        const struct spool_effect *e = &fx->items[i];
        int slot;
        struct held moved[sizeof w->held / sizeof *w->held];
        uint64_t to = 0;
        switch (e->kind) {
        case SPOOL_SEND:
            ck_assert_msg(w->held[e->number].ticket, "sends %" PRIu64 ", not held", e->number);
            slot = free_slot(w);
            if (slot < 0 || draw(w, 10) == 0)
                break;
            w->line[slot].used = true;
            w->line[slot].is_answer = false;
            w->line[slot].link = w->link;
            w->line[slot].id = w->id;
            w->line[slot].number = e->number;
            w->line[slot].what = w->held[e->number];
            break;
        case SPOOL_DONE:
            w->done[w->held[e->number].ticket]++;
            w->held[e->number].ticket = 0;
            break;
        case SPOOL_RESTAMP:
            w->held[e->to] = w->held[e->number];
            w->held[e->to].stamp++;
            w->held[e->number].ticket = 0;
            break;
        case SPOOL_REOPEN:
            memset(moved, 0, sizeof moved);
            for (size_t n = 1; n < sizeof w->held / sizeof *w->held; n++)
                if (w->held[n].ticket)
                    moved[++to] = w->held[n];
            memcpy(w->held, moved, sizeof moved);
            w->id = e->id;
            ck_assert_uint_eq(w->core.next_number, to + 1);
            break;
        case SPOOL_BLOCKED:
            break;
        }
    }
}

static unsigned known_spool(struct world *w, const struct spool_id *id)
{
    for (unsigned i = 0; i < w->id_count; i++)
        if (memcmp(w->ids[i].bytes, id->bytes, SPOOL_ID_BYTES) == 0)
            return i;
    ck_assert_uint_lt(w->id_count, SPOOLS);
    w->ids[w->id_count] = *id;
    return w->id_count++;
}

static struct spool_answer collector_take(struct world *w, int slot)
{
    unsigned sp = known_spool(w, &w->line[slot].id);
    uint64_t n = w->line[slot].number;
    struct held what = w->line[slot].what;
    if (draw(w, 8) == 0)
        return (struct spool_answer){.refusal = REFUSAL_UNAVAILABLE};
    if (n <= w->last[sp]) {
        bool same =
            w->content[sp][n].ticket == what.ticket && w->content[sp][n].stamp == what.stamp;
        bool ahead = w->content[sp][n].stamp == 0 && what.ticket % 7 == 0;
        if (!same)
            return (struct spool_answer){REFUSAL_NUMBER_REUSED, w->last[sp] + 1, 0};
        return (struct spool_answer){ahead ? REFUSAL_CLOCK_AHEAD : REFUSAL_NONE, 0, 0};
    }
    if (n != w->last[sp] + 1)
        return (struct spool_answer){REFUSAL_NUMBER_GAP, w->last[sp] + 1, 0};
    w->last[sp] = n;
    w->content[sp][n] = what;
    if (what.stamp == 0 && what.ticket % 7 == 0)
        return (struct spool_answer){.refusal = REFUSAL_CLOCK_AHEAD};
    w->taken[what.ticket]++;
    return (struct spool_answer){.refusal = REFUSAL_NONE};
}

/* One message, any message, arrives; sometimes a copy stays on the line. */
static void deliver(struct world *w)
{
    int slot = (int)draw(w, LINE);
    for (int i = 0; i < LINE && !w->line[slot].used; i++)
        slot = (slot + 1) % LINE;
    if (!w->line[slot].used)
        return;
    bool copy = draw(w, 10) == 0; /* of answers too: an old refusal may come after a new one */
    if (!w->line[slot].is_answer) {
        struct spool_answer a = collector_take(w, slot);
        int back = free_slot(w);
        if (back >= 0 && draw(w, 10) != 0) {
            w->line[back] = w->line[slot];
            w->line[back].is_answer = true;
            w->line[back].answer = a;
        }
    } else if (w->line[slot].link == w->link &&
               memcmp(w->line[slot].id.bytes, w->id.bytes, SPOOL_ID_BYTES) == 0) {
        struct spool_effects fx;
        struct spool_random r = draw_random(w);
        spool_core_answer(&w->core, w->line[slot].number, &w->line[slot].answer, w->now_ms, &r,
                          &fx);
        world_effects(w, &fx);
    }
    w->line[slot].used = copy;
}

static void set_link(struct world *w, bool up)
{
    struct spool_effects fx;
    w->link++;
    spool_core_link(&w->core, up, w->now_ms, &fx);
    world_effects(w, &fx);
}

/* A collector restored from a backup has forgotten its last numbers, and what they held. */
static void forget(struct world *w)
{
    set_link(w, false);
    for (unsigned i = 0; i < w->id_count; i++)
        w->last[i] = draw(w, w->last[i] + 1);
}

static void world_step(struct world *w)
{
    struct spool_effects fx;
    struct spool_random r = draw_random(w);
    w->now_ms += (int64_t)draw(w, 300);
    if (draw(w, 50) == 0)
        set_link(w, !w->core.link_up);
    spool_core_tick(&w->core, w->now_ms, &r, &fx);
    world_effects(w, &fx);
    for (uint64_t i = draw(w, 6); i > 0; i--)
        deliver(w);
}

static void run_world(struct world *w, uint64_t seed, bool forgetful)
{
    memset(w, 0, sizeof *w);
    w->seed = seed * 2654435761u + 1;
    struct spool_random r = draw_random(w);
    struct spool_effects fx;
    w->id = r.id;
    spool_core_init(&w->core, &quick, &r.id, 1, 1);
    spool_core_link(&w->core, true, 0, &fx);
    for (unsigned ticket = 1; ticket <= BATCHES; ticket++) {
        w->held[spool_core_enqueue(&w->core)] = (struct held){ticket, 0};
        for (uint64_t i = draw(w, 4); i > 0; i--)
            world_step(w);
        if (forgetful && draw(w, 30) == 0)
            forget(w);
    }
    for (unsigned i = 0; i < 20000 && spool_core_pending(&w->core) > 0; i++) {
        if (!w->core.link_up)
            set_link(w, true);
        world_step(w);
    }
}

static struct world world;

START_TEST(every_batch_is_taken_exactly_once_over_a_hostile_line)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        run_world(&world, seed, false);
        for (unsigned t = 1; t <= BATCHES; t++)
            ck_assert_msg(world.done[t] == 1 && world.taken[t] == 1,
                          "seed %" PRIu64 ": batch %u answered %u times, taken %u times", seed, t,
                          world.done[t], world.taken[t]);
    }
}
END_TEST

START_TEST(a_collector_that_forgot_gets_everything_unanswered_in_new_spools)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        run_world(&world, seed, true);
        for (unsigned t = 1; t <= BATCHES; t++)
            ck_assert_msg(world.done[t] == 1 && world.taken[t] >= 1,
                          "seed %" PRIu64 ": batch %u answered %u times, taken %u times", seed, t,
                          world.done[t], world.taken[t]);
    }
}
END_TEST

/* 2 was answered before 1, and then the process ended. */
START_TEST(a_spool_opened_again_with_a_gap_sends_only_what_it_holds)
{
    struct spool_core s;
    struct spool_effects fx;
    struct spool_random r = random_of(0);
    spool_core_init(&s, &quick, &r.id, 1, 4);
    spool_core_skip(&s, 2);
    ck_assert_uint_eq(spool_core_pending(&s), 2);
    spool_core_link(&s, true, 0, &fx);
    ck_assert_uint_eq(fx.count, 2);
    expect(&fx, 0, SPOOL_SEND, 1);
    expect(&fx, 1, SPOOL_SEND, 3);
    answer(&s, 1, REFUSAL_NONE, 0, 1, &fx);
    ck_assert_uint_eq(s.first, 3);
}
END_TEST

SUITE_MAIN("client/spool_core", no_more_than_the_window_is_in_flight,
           silence_sends_again_what_is_unanswered_only, a_copy_of_an_answer_does_nothing,
           unavailable_waits_longer_each_time, a_gap_goes_back_to_the_number_asked_for,
           a_reused_number_opens_a_new_spool_once_the_rest_is_answered,
           being_asked_for_a_forgotten_number_opens_a_new_spool,
           a_clock_ahead_is_stamped_again_under_a_new_number,
           a_key_that_may_not_submit_blocks_and_loses_nothing,
           refusals_that_consume_the_number_do_not_block_the_rest,
           nothing_is_sent_while_the_link_is_down,
           a_spool_opened_again_with_a_gap_sends_only_what_it_holds,
           every_batch_is_taken_exactly_once_over_a_hostile_line,
           a_collector_that_forgot_gets_everything_unanswered_in_new_spools)
