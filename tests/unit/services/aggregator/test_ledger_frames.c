/* Who applies the frames of a journal, one after the other, holds at each tick what the ledger held
 * there; and the frames are the same wherever flushes fell and whatever was lost between. Over
 * made-up provinces, as in test_ledger_model.c: TONGHOP_MODEL_SEEDS and TONGHOP_MODEL_SEED. */
#include "common/base/alloc.h"
#include "services/aggregator/ledger_core.h"
#include "tests/support/memkv.h"
#include "tests/support/random_world.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORLDS = 300, ROWS = 160 };

/* ---- a set of cells, ascending ---- */

struct held_cell {
    struct ledger_cell_key key;
    struct ledger_cell cell;
};
struct held {
    struct held_cell *items;
    size_t count;
    size_t capacity;
};

static int compare_keys(const struct ledger_cell_key *a, const struct ledger_cell_key *b)
{
    if (a->indicator != b->indicator)
        return a->indicator < b->indicator ? -1 : 1;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return (a->day > b->day) - (a->day < b->day);
}

static bool same_cell(const struct ledger_cell *a, const struct ledger_cell *b)
{
    return a->amount == b->amount && a->figures == b->figures && a->reported == b->reported &&
           a->on_time == b->on_time;
}

/* Puts the cell, or takes it out when it is all zero; false: that changed nothing. */
static bool hold(struct held *h, struct ledger_cell_key key, struct ledger_cell cell)
{
    static const struct ledger_cell zero;
    size_t at = 0;
    while (at < h->count && compare_keys(&h->items[at].key, &key) < 0)
        at++;
    bool known = at < h->count && compare_keys(&h->items[at].key, &key) == 0;
    if (same_cell(&cell, known ? &h->items[at].cell : &zero))
        return false;
    if (same_cell(&cell, &zero)) {
        memmove(&h->items[at], &h->items[at + 1], (--h->count - at) * sizeof *h->items);
        return true;
    }
    if (!known) {
        alloc_reserve((void **)&h->items, &h->capacity, h->count + 1, sizeof *h->items);
        memmove(&h->items[at + 1], &h->items[at], (h->count++ - at) * sizeof *h->items);
    }
    h->items[at] = (struct held_cell){key, cell};
    return true;
}

/* ---- a ledger that is given a journal, and what it held at each tick ---- */

struct bench {
    uint64_t seed;
    struct random dice;
    const struct random_journal *journal;
    struct memkv *store;
    struct kv *kv;
    struct ledger *ledger;
    size_t applied;
};

static void bench_open(struct bench *b)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(b->store, true);
    int rc = ledger_open(&b->ledger, kv, &random_world_codec, &err);
    ck_assert_msg(rc == 0, "TONGHOP_MODEL_SEED=%" PRIu64 ": open: %s", b->seed, err.text);
    ck_assert_int_eq(memkv_commit(&kv, &err), 0);
    b->applied = (size_t)ledger_position(b->ledger).offset;
}

static struct bench bench_start(uint64_t seed, const struct random_journal *journal)
{
    struct bench b = {.seed = seed, .dice = {seed ^ UINT64_C(0xf7a3e)}, .journal = journal};
    b.store = memkv_create(LEDGER_TABLE_COUNT);
    bench_open(&b);
    b.kv = memkv_begin(b.store, true);
    return b;
}

static void bench_end(struct bench *b)
{
    memkv_abort(&b->kv);
    ledger_close(b->ledger);
    memkv_destroy(b->store);
}

static void apply_one(struct bench *b)
{
    struct err err = {0};
    int rc = ledger_apply(b->ledger, b->kv, &b->journal->entries[b->applied], &err);
    ck_assert_msg(rc == 0, "TONGHOP_MODEL_SEED=%" PRIu64 ": entry %zu: %s", b->seed, b->applied + 1,
                  err.text);
    b->applied++;
}

static void apply_commit(struct bench *b)
{
    static const uint8_t hash[HASH_BYTES] = {1};
    uint64_t commit = b->journal->commits[b->applied];
    while (b->applied < b->journal->count && b->journal->commits[b->applied] == commit)
        apply_one(b);
    ledger_end_commit(b->ledger, commit, hash);
}

static void flush(struct bench *b)
{
    ledger_flush(b->ledger, b->kv, NULL);
    ck_assert_int_eq(memkv_commit(&b->kv, NULL), 0);
    b->kv = memkv_begin(b->store, true);
}

static void lose(struct bench *b)
{
    memkv_abort(&b->kv);
    ledger_close(b->ledger);
    bench_open(b);
    b->kv = memkv_begin(b->store, true);
}

static void hold_visited(void *arg, struct ledger_cell_key key, struct ledger_cell cell)
{
    hold(arg, key, cell);
}

static struct held targeted_cells(struct bench *b)
{
    struct held held = {0};
    const struct registry *r = ledger_registry(b->ledger);
    for (uint32_t i = 0; i < registry_indicator_count(r); i++)
        if (registry_is_targeted(r, i))
            ledger_visit_cells(b->kv, i, hold_visited, &held);
    return held;
}

/* By offset: what the tick there left; empty for other entries. */
static struct held *held_at_ticks(uint64_t seed, const struct random_journal *j)
{
    static const uint8_t hash[HASH_BYTES] = {1};
    struct held *at = alloc_zeroed(j->count + 1, sizeof *at);
    struct bench b = bench_start(seed, j);
    while (b.applied < j->count) {
        apply_one(&b);
        if (j->entries[b.applied - 1].kind == ENTRY_TICK)
            at[b.applied] = targeted_cells(&b);
        if (b.applied == j->count || j->commits[b.applied] != j->commits[b.applied - 1]) {
            ledger_end_commit(b.ledger, j->commits[b.applied - 1], hash);
            flush(&b);
        }
    }
    bench_end(&b);
    return at;
}

/* ---- a follower ---- */

static void take_frame(uint64_t seed, struct held *follower, struct ledger_frame *frame)
{
    struct ledger_cell_key key, before = {0};
    struct ledger_cell cell;
    uint64_t cells = 0;
    if (frame->everything)
        follower->count = 0;
    while (ledger_frame_next_cell(frame, &key, &cell)) {
        ck_assert_msg(cells == 0 || compare_keys(&before, &key) < 0,
                      "TONGHOP_MODEL_SEED=%" PRIu64 ": frame %" PRIu64 ": cells out of order", seed,
                      frame->offset);
        ck_assert_msg(hold(follower, key, cell),
                      "TONGHOP_MODEL_SEED=%" PRIu64 ": frame %" PRIu64
                      ": a cell is in it that did not change",
                      seed, frame->offset);
        before = key;
        cells++;
    }
    ck_assert_uint_eq(cells, frame->cell_count);
}

static void compare(uint64_t seed, uint64_t offset, const struct held *got, const struct held *want)
{
    bool same = got->count == want->count;
    for (size_t i = 0; same && i < got->count; i++)
        same = compare_keys(&got->items[i].key, &want->items[i].key) == 0 &&
               same_cell(&got->items[i].cell, &want->items[i].cell);
    ck_assert_msg(same,
                  "TONGHOP_MODEL_SEED=%" PRIu64 ": tick %" PRIu64
                  ": %zu cells by the frames, %zu in the ledger, or not the same ones",
                  seed, offset, got->count, want->count);
}

static void check_follower(struct bench *b, const struct held *at)
{
    struct held follower = {0};
    struct ledger_frame frame = {0};
    struct err err = {0};
    const struct random_journal *j = b->journal;
    uint64_t previous = 0;
    for (uint64_t offset = 1; offset <= j->count; offset++) {
        const struct entry *e = &j->entries[offset - 1];
        ck_assert_int_eq(ledger_frame_at(b->kv, offset), e->kind == ENTRY_TICK);
        if (e->kind != ENTRY_TICK)
            continue;
        ck_assert_msg(ledger_frame_after(b->kv, previous, &frame, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(frame.offset, offset);
        ck_assert_uint_eq(frame.previous_offset, previous);
        ck_assert_int_eq(frame.time_ms, e->time_ms);
        take_frame(b->seed, &follower, &frame);
        compare(b->seed, offset, &follower, &at[offset]);
        previous = offset;
    }
    ck_assert_int_eq(ledger_frame_after(b->kv, previous, &frame, &err), ERR_NOT_FOUND);
    ck_assert_uint_eq(ledger_position(b->ledger).tick_offset, previous);
    free(follower.items);
}

static void check_world(uint64_t seed, const struct random_world *w)
{
    struct held *at = held_at_ticks(seed, &w->journal);
    struct bench b = bench_start(seed, &w->journal);
    while (b.applied < w->journal.count) {
        apply_commit(&b);
        if (random_chance(&b.dice, 40) || b.applied == w->journal.count)
            flush(&b);
        if (random_chance(&b.dice, 25))
            lose(&b);
    }
    check_follower(&b, at);
    bench_end(&b);
    for (size_t i = 0; i <= w->journal.count; i++)
        free(at[i].items);
    free(at);
}

static unsigned env_number(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

START_TEST(who_applies_every_frame_holds_what_the_ledger_held_at_each_tick)
{
    unsigned worlds = env_number("TONGHOP_MODEL_SEEDS", WORLDS);
    unsigned alone = env_number("TONGHOP_MODEL_SEED", 0);
    for (uint64_t seed = alone ? alone : 1; seed <= (alone ? alone : worlds); seed++) {
        struct random_world *w =
            random_world_create(seed, seed % 3 == 0 ? ROWS : 10 + (unsigned)(seed % 50));
        check_world(seed, w);
        random_world_destroy(w);
    }
}
END_TEST

/* ---- what stands between frames ---- */

START_TEST(an_idle_tick_costs_some_ten_bytes)
{
    struct bench b = bench_start(1, &(struct random_journal){0});
    struct entry entries[] = {{.kind = ENTRY_GENESIS, .offset = 1, .time_ms = 1725494400000},
                              {.kind = ENTRY_TICK, .offset = 2, .time_ms = 1725494460000}};
    struct slice key, value;
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(ledger_apply(b.ledger, b.kv, &entries[i], NULL), 0);
    struct kv_cursor *c = kv_cursor_open(b.kv, LEDGER_FRAMES);
    ck_assert(kv_cursor_move(c, KV_LAST, &key, &value));
    ck_assert_msg(key.len + value.len <= 20, "%zu bytes", key.len + value.len);
    kv_cursor_close(c);
    bench_end(&b);
}
END_TEST

START_TEST(catalogues_plans_and_producers_are_found_by_where_they_stood)
{
    struct random_world *w = random_world_create(7, ROWS);
    struct bench b = bench_start(7, &w->journal);
    uint64_t offset = 0;
    enum entry_kind kind;
    struct slice body;
    while (b.applied < w->journal.count)
        apply_commit(&b);
    for (size_t i = 0; i < w->journal.count; i++) {
        const struct entry *e = &w->journal.entries[i];
        if (e->kind != ENTRY_CATALOGUE && e->kind != ENTRY_PLAN && e->kind != ENTRY_PRODUCER)
            continue;
        ck_assert(ledger_registry_after(b.kv, offset, &offset, &kind, &body));
        ck_assert_uint_eq(offset, e->offset);
        ck_assert_int_eq(kind, e->kind);
        ck_assert(slice_equal(body, e->body));
    }
    ck_assert(!ledger_registry_after(b.kv, offset, &offset, &kind, &body));
    bench_end(&b);
    random_world_destroy(w);
}
END_TEST

/* ---- changed, and changed back ---- */

static const day_t some_day = 19975;

static struct ident id(const char *text)
{
    struct ident out;
    ck_assert(ident_set(&out, slice_str(text)));
    return out;
}

/* One unit, one flow with a target, one producer; two reports: a figure, and its withdrawal. */
struct story {
    struct arena memory;
    struct unit_span span;
    struct catalogue_spec catalogue;
    struct source source;
    struct indicator indicator;
    struct target target;
    struct plan plan;
    struct producer_change producer;
    struct slice unit_word, indicator_word;
    uint32_t zero_ref;
    int64_t value;
    uint8_t clear;
    struct batch set, withdrawal;
    struct entry entries[8];
    uint64_t commits[8];
    struct random_journal journal;
};

static void tell(struct story *s, enum entry_kind kind, const void *value)
{
    size_t at = s->journal.count++;
    s->entries[at] = (struct entry){.kind = kind,
                                    .offset = at + 1,
                                    .time_ms = day_start_ms(some_day) + (int64_t)at * 1000,
                                    .delegate = UINT32_MAX};
    s->commits[at] = at + 1;
    if (value)
        s->entries[at].body = random_world_body(&s->memory, value);
}

static void tell_batch(struct story *s, const struct batch *b)
{
    tell(s, ENTRY_BATCH, b);
    struct entry *e = &s->entries[s->journal.count - 1];
    e->number = e->offset;
    e->reported_at_ms = e->time_ms;
    e->row_count = 1;
    e->first_row = e[-1].kind == ENTRY_BATCH ? 1 : 0;
}

static void set_the_scene(struct story *s)
{
    arena_init(&s->memory, 0);
    s->span = (struct unit_span){id("31"), some_day, DAY_NEVER, "Xã", "Xã", 1, {""}, false};
    s->catalogue = (struct catalogue_spec){.spans = &s->span, .span_count = 1};
    s->source = (struct source){id("s"), "Nguồn"};
    s->indicator = (struct indicator){.id = id("i"),
                                      .name = "Chỉ tiêu",
                                      .measure = id("m"),
                                      .maximum = 100,
                                      .reporters = REPORTS_LEAF,
                                      .records = {{some_day, s->source.id}},
                                      .record_count = 1};
    s->target = (struct target){.id = id("t"),
                                .title = "Mục tiêu",
                                .clause = "",
                                .indicator = s->indicator.id,
                                .unit = s->span.code,
                                .lower = 10,
                                .start = some_day,
                                .due = some_day + 9,
                                .weekend_permille = 1000};
    s->plan = (struct plan){.id = id("p"),
                            .version = 1,
                            .title = "Kế hoạch",
                            .root = s->span.code,
                            .from = some_day,
                            .to = some_day + 9,
                            .sources = &s->source,
                            .source_count = 1,
                            .indicators = &s->indicator,
                            .indicator_count = 1,
                            .targets = &s->target,
                            .target_count = 1};
    s->producer = (struct producer_change){.kind = PRODUCER_SET,
                                           .producer = {.name = id("xa"),
                                                        .roles = ROLE_SUBMIT,
                                                        .source = s->source.id,
                                                        .scopes = {s->span.code},
                                                        .scope_count = 1}};
    s->unit_word = slice_str("31");
    s->indicator_word = slice_str("i");
    s->value = 5;
    s->clear = OP_CLEAR;
    s->set = (struct batch){.units = &s->unit_word,
                            .unit_count = 1,
                            .indicators = &s->indicator_word,
                            .indicator_count = 1,
                            .unit_refs = &s->zero_ref,
                            .indicator_refs = &s->zero_ref,
                            .values = &s->value,
                            .row_count = 1};
}

START_TEST(what_changed_and_changed_back_is_in_no_frame_wherever_flushes_fell)
{
    static const struct {
        unsigned flush_after; /* of entries 5 and 6: bits */
        const char *reason;
    } rows[] = {{0, "no flush"}, {1, "a flush while it stood"}, {3, "a flush after each"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct story s = {0};
        day_t day = some_day;
        struct ledger_frame frame = {0};
        set_the_scene(&s);
        s.set.days = &day;
        s.withdrawal = s.set;
        s.withdrawal.ops = &s.clear;
        s.journal.entries = s.entries;
        s.journal.commits = s.commits;
        tell(&s, ENTRY_GENESIS, NULL);
        tell(&s, ENTRY_CATALOGUE, &s.catalogue);
        tell(&s, ENTRY_PLAN, &s.plan);
        tell(&s, ENTRY_PRODUCER, &s.producer);
        tell(&s, ENTRY_TICK, NULL);
        tell_batch(&s, &s.set);
        tell_batch(&s, &s.withdrawal);
        tell(&s, ENTRY_TICK, NULL);
        struct bench b = bench_start(i, &s.journal);
        while (b.applied < s.journal.count) {
            apply_commit(&b);
            if (b.applied >= 6 && (rows[i].flush_after >> (b.applied - 6) & 1))
                flush(&b);
        }
        ck_assert_int_eq(ledger_frame_after(b.kv, 5, &frame, NULL), 0);
        ck_assert_msg(!frame.everything && frame.cell_count == 0, "%s: %d, %" PRIu64 " cells",
                      rows[i].reason, frame.everything, frame.cell_count);
        bench_end(&b);
        arena_fini(&s.memory);
    }
}
END_TEST

SUITE_MAIN("ledger frames", who_applies_every_frame_holds_what_the_ledger_held_at_each_tick,
           an_idle_tick_costs_some_ten_bytes,
           what_changed_and_changed_back_is_in_no_frame_wherever_flushes_fell,
           catalogues_plans_and_producers_are_found_by_where_they_stood)
