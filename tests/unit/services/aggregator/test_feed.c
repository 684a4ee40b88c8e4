/* The feed against a subscriber that knows nothing but snapshots, updates and heads, over made-up
 * provinces. TONGHOP_MODEL_SEEDS says how many worlds, TONGHOP_MODEL_SEED runs one alone. */
#include "common/base/alloc.h"
#include "services/aggregator/feed_core.h"
#include "tests/support/memkv.h"
#include "tests/support/random_world.h"
#include "tests/support/suite.h"

#include <inttypes.h>

enum { WORLDS = 120, ROWS = 120, LOSS_PERCENT = 20 };

/* ---- a subscriber ---- */

struct heard_stream {
    struct feed_stream stream;
    uint64_t number; /* of the last update taken */
    bool stale;      /* it missed something and knows it */
    struct feed_cell *cells;
    size_t count;
    size_t capacity;
};

struct subscriber {
    uint64_t epoch;
    struct heard_stream *streams;
    size_t count;
    size_t missed; /* gaps it found */
};

static bool same_stream(struct feed_stream a, struct feed_stream b)
{
    return a.indicator == b.indicator && a.code == b.code && a.root == b.root;
}

static struct heard_stream *find(struct subscriber *s, struct feed_stream stream)
{
    for (size_t i = 0; i < s->count; i++)
        if (same_stream(s->streams[i].stream, stream))
            return &s->streams[i];
    ck_abort_msg("an update of a stream that the heads do not have");
    return NULL;
}

static void take_cell(struct heard_stream *h, const struct feed_cell *cell)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->cells[i].code == cell->code && h->cells[i].day == cell->day) {
            h->cells[i] = *cell;
            return;
        }
    alloc_reserve((void **)&h->cells, &h->capacity, h->count + 1, sizeof *h->cells);
    h->cells[h->count++] = *cell;
}

static void take_update(struct subscriber *s, const struct feed_cells *update)
{
    struct heard_stream *h = find(s, update->stream);
    if (h->stale || update->number <= h->number)
        return;
    if (update->number != h->number + 1) {
        h->stale = true;
        s->missed++;
        return;
    }
    h->number = update->number;
    for (size_t i = 0; i < update->cell_count; i++)
        take_cell(h, &update->cells[i]);
}

static void forget(struct subscriber *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->streams[i].cells);
    free(s->streams);
    s->streams = NULL;
    s->count = 0;
}

static void take_heads(struct subscriber *s, const struct feed *f)
{
    const struct feed_head *heads;
    size_t count = feed_heads(f, &heads);
    if (s->epoch != feed_epoch(f)) {
        forget(s);
        s->epoch = feed_epoch(f);
        s->streams = alloc_zeroed(count + 1, sizeof *s->streams);
        for (s->count = 0; s->count < count; s->count++)
            s->streams[s->count] =
                (struct heard_stream){.stream = heads[s->count].stream, .stale = true};
    }
    for (size_t i = 0; i < count; i++) {
        struct heard_stream *h = find(s, heads[i].stream);
        if (!h->stale && h->number != heads[i].number) {
            h->stale = true;
            s->missed++;
        }
    }
}

/* ---- the aggregator ---- */

struct world_feed {
    uint64_t seed;
    struct random dice;
    const struct random_journal *journal;
    struct memkv *store;
    struct ledger *ledger;
    struct feed *feed;
    size_t applied;
    uint64_t epochs;
    struct subscriber subscriber;
};

static const struct registry *registry_of(const struct world_feed *w)
{
    return ledger_registry(w->ledger);
}

static void open_ledger(struct world_feed *w)
{
    struct kv *kv = memkv_begin(w->store, false);
    ck_assert_int_eq(ledger_open(&w->ledger, kv, &random_world_codec, NULL), 0);
    memkv_abort(&kv);
    feed_begin(w->feed, registry_of(w), ++w->epochs);
}

static bool is_registry(const struct entry *e)
{
    return e->kind == ENTRY_CATALOGUE || e->kind == ENTRY_PLAN;
}

/* Some commits, then a checkpoint; at once behind one that changes the tree, as the service does.
 */
static void apply_some(struct world_feed *w)
{
    static const uint8_t hash[HASH_BYTES] = {1};
    struct ledger_changes changes;
    struct err e = {0};
    bool registry = false;
    struct kv *kv = memkv_begin(w->store, true);
    do {
        uint64_t commit = w->journal->commits[w->applied];
        for (; w->applied < w->journal->count && w->journal->commits[w->applied] == commit;
             w->applied++) {
            const struct entry *entry = &w->journal->entries[w->applied];
            ck_assert_msg(ledger_apply(w->ledger, kv, entry, &e) == 0, "seed %" PRIu64 ": %s",
                          w->seed, e.text);
            registry = registry || is_registry(entry);
        }
        ledger_end_commit(w->ledger, commit, hash);
    } while (!registry && w->applied < w->journal->count && random_chance(&w->dice, 50));
    ledger_flush(w->ledger, kv, &changes);
    ck_assert_int_eq(memkv_commit(&kv, &e), 0);
    if (changes.everything)
        feed_begin(w->feed, registry_of(w), ++w->epochs);
    else
        feed_note(w->feed, changes.cells, changes.cell_count);
}

/* One beat, of which some updates are lost on the way. */
static void beat(struct world_feed *w, unsigned loss_percent)
{
    const struct feed_cells *updates;
    struct kv *kv = memkv_begin(w->store, false);
    size_t count = feed_beat(w->feed, registry_of(w), kv, &updates);
    memkv_abort(&kv);
    for (size_t i = 0; i < count; i++)
        if (w->subscriber.epoch == feed_epoch(w->feed) && !random_chance(&w->dice, loss_percent))
            take_update(&w->subscriber, &updates[i]);
    take_heads(&w->subscriber, w->feed);
}

/* Snapshots are asked for when the subscriber gets to it, not in the beat. One of another epoch
 * than the heads it heard last tells it nothing, and a stream may have gone with the old epoch: it
 * waits for the heads. */
static void take_snapshots(struct world_feed *w, unsigned percent)
{
    struct feed_cells snapshot;
    if (w->subscriber.epoch != feed_epoch(w->feed))
        return;
    struct kv *kv = memkv_begin(w->store, false);
    for (size_t i = 0; i < w->subscriber.count; i++) {
        struct heard_stream *h = &w->subscriber.streams[i];
        if (!h->stale || !random_chance(&w->dice, percent))
            continue;
        ck_assert(feed_snapshot(w->feed, registry_of(w), kv, h->stream, &snapshot));
        h->count = 0;
        h->number = snapshot.number;
        h->stale = false;
        for (size_t c = 0; c < snapshot.cell_count; c++)
            take_cell(h, &snapshot.cells[c]);
    }
    memkv_abort(&kv);
}

/* ---- the two side by side ---- */

struct comparison {
    struct world_feed *w;
    size_t cells;
};

static bool same_cell(struct ledger_cell a, struct ledger_cell b)
{
    return a.amount == b.amount && a.figures == b.figures && a.reported == b.reported &&
           a.on_time == b.on_time;
}

static bool is_zero(struct ledger_cell c)
{
    return same_cell(c, (struct ledger_cell){0});
}

static void compare_cell(void *arg, struct ledger_cell_key key, struct ledger_cell cell)
{
    struct comparison *c = arg;
    struct heard_stream *h = find(&c->w->subscriber, feed_stream_of(registry_of(c->w), key));
    c->cells++;
    for (size_t i = 0; i < h->count; i++)
        if (h->cells[i].code == key.code && h->cells[i].day == key.day) {
            ck_assert_msg(same_cell(h->cells[i].value, cell),
                          "TONGHOP_MODEL_SEED=%" PRIu64 " after entry %zu: code %u day %d: heard "
                          "%" PRId64 ", the ledger has %" PRId64,
                          c->w->seed, c->w->applied, key.code, key.day, h->cells[i].value.amount,
                          cell.amount);
            return;
        }
    ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64 " after entry %zu: code %u day %d was never heard",
                 c->w->seed, c->w->applied, key.code, key.day);
}

/* Every cell is heard in its stream, and nothing else is. */
static void compare(struct world_feed *w)
{
    struct comparison c = {w, 0};
    size_t heard = 0;
    struct kv *kv = memkv_begin(w->store, false);
    for (uint32_t i = 0; i < registry_indicator_count(registry_of(w)); i++)
        ledger_visit_cells(kv, i, compare_cell, &c);
    memkv_abort(&kv);
    for (size_t i = 0; i < w->subscriber.count; i++)
        for (size_t k = 0; k < w->subscriber.streams[i].count; k++)
            heard += !is_zero(w->subscriber.streams[i].cells[k].value);
    ck_assert_msg(heard == c.cells,
                  "TONGHOP_MODEL_SEED=%" PRIu64 " after entry %zu: %zu cells heard, %zu there",
                  w->seed, w->applied, heard, c.cells);
}

/* Nothing is lost any more, and every snapshot is taken. */
static void settle_and_compare(struct world_feed *w)
{
    beat(w, 0);
    take_snapshots(w, 100);
    compare(w);
}

static void restart(struct world_feed *w)
{
    ledger_close(w->ledger);
    open_ledger(w);
}

static struct world_feed feed_start(uint64_t seed, const struct random_world *world)
{
    struct world_feed w = {.seed = seed, .dice = {seed ^ 0xfeed}, .journal = &world->journal};
    w.store = memkv_create(LEDGER_TABLE_COUNT);
    w.feed = feed_create();
    open_ledger(&w);
    return w;
}

static void feed_end(struct world_feed *w)
{
    forget(&w->subscriber);
    feed_destroy(w->feed);
    ledger_close(w->ledger);
    memkv_destroy(w->store);
}

/* How often the subscriber found a gap, and how many epochs there were. */
struct tally {
    size_t missed;
    uint64_t epochs;
};

static void follow(uint64_t seed, struct tally *tally)
{
    struct random_world *world = random_world_create(seed, 20 + (unsigned)(seed % ROWS));
    struct world_feed w = feed_start(seed, world);
    while (w.applied < w.journal->count) {
        apply_some(&w);
        if (random_chance(&w.dice, 60))
            beat(&w, LOSS_PERCENT);
        take_snapshots(&w, 50);
        if (random_chance(&w.dice, 3))
            restart(&w);
        if (random_chance(&w.dice, 20))
            settle_and_compare(&w);
    }
    settle_and_compare(&w);
    tally->missed += w.subscriber.missed;
    tally->epochs += w.epochs;
    feed_end(&w);
    random_world_destroy(world);
}

static unsigned env_number(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

START_TEST(snapshot_and_updates_are_the_ledgers_cells)
{
    unsigned worlds = env_number("TONGHOP_MODEL_SEEDS", WORLDS);
    unsigned alone = env_number("TONGHOP_MODEL_SEED", 0);
    struct tally tally = {0};
    for (uint64_t seed = alone ? alone : 1; seed <= (alone ? alone : worlds); seed++)
        follow(seed, &tally);
    /* Else the test would not have tried what it is about. */
    ck_assert_uint_gt(tally.missed, 0);
    ck_assert_uint_gt(tally.epochs, alone ? 1 : worlds);
}
END_TEST

START_TEST(a_cell_noted_often_goes_out_once)
{
    const struct feed_cells *updates;
    struct random_world *world = random_world_create(3, ROWS);
    struct world_feed w = feed_start(3, world);
    struct ledger_cell_key key = {0};
    while (w.applied < w.journal->count)
        apply_some(&w);
    beat(&w, 0);
    key.day = world->last;
    feed_note(w.feed, &key, 1);
    feed_note(w.feed, &key, 1);
    struct kv *kv = memkv_begin(w.store, false);
    ck_assert_uint_eq(feed_beat(w.feed, registry_of(&w), kv, &updates), 1);
    ck_assert_uint_eq(updates[0].cell_count, 1);
    ck_assert_uint_eq(feed_beat(w.feed, registry_of(&w), kv, &updates), 0);
    memkv_abort(&kv);
    feed_end(&w);
    random_world_destroy(world);
}
END_TEST

START_TEST(a_read_that_fails_tells_nothing_and_forgets_nothing)
{
    const struct feed_cells *updates;
    const struct feed_head *heads;
    struct random_world *world = random_world_create(3, ROWS);
    struct world_feed w = feed_start(3, world);
    while (w.applied < w.journal->count)
        apply_some(&w);
    beat(&w, 0);
    struct ledger_cell_key key = {.day = world->last};
    feed_note(w.feed, &key, 1);
    struct kv *kv = memkv_begin(w.store, false);
    err_set(&kv->err, ERR_IO, "the disk is gone");
    ck_assert_uint_eq(feed_beat(w.feed, registry_of(&w), kv, &updates), 0);
    memkv_abort(&kv);
    size_t count = feed_heads(w.feed, &heads);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(heads[i].number, find(&w.subscriber, heads[i].stream)->number);
    kv = memkv_begin(w.store, false);
    ck_assert_uint_eq(feed_beat(w.feed, registry_of(&w), kv, &updates), 1);
    ck_assert_uint_eq(updates[0].cell_count, 1);
    memkv_abort(&kv);
    feed_end(&w);
    random_world_destroy(world);
}
END_TEST

/* ---- what a snapshot costs ---- */

static struct {
    const struct kv_ops *real;
    size_t moves;
} counted;

static int count_move(struct kv_cursor *c, enum kv_move move, struct slice *key,
                      struct slice *value)
{
    counted.moves++;
    return counted.real->cursor_move(c, move, key, value);
}

static size_t snapshot_all(struct world_feed *w, struct kv *kv)
{
    const struct feed_head *heads;
    struct feed_cells snapshot;
    size_t count = feed_heads(w->feed, &heads), cells = 0;
    for (size_t i = 0; i < count; i++) {
        ck_assert(feed_snapshot(w->feed, registry_of(w), kv, heads[i].stream, &snapshot));
        cells += snapshot.cell_count;
    }
    return cells;
}

/* Else a subscriber with many streams costs the square of what it gets. */
START_TEST(snapshots_of_all_streams_read_little_more_than_their_cells)
{
    struct random_world *world = random_world_create(5, 20 * ROWS);
    struct world_feed w = feed_start(5, world);
    while (w.applied < w.journal->count)
        apply_some(&w);
    struct kv *kv = memkv_begin(w.store, false);
    struct kv_ops ops = *kv->ops;
    counted.real = kv->ops;
    counted.moves = 0;
    ops.cursor_move = count_move;
    kv->ops = &ops;
    size_t cells = snapshot_all(&w, kv);
    kv->ops = counted.real;
    memkv_abort(&kv);
    ck_assert_uint_gt(cells, 0);
    ck_assert_msg(counted.moves <= 2 * cells, "%zu moves for %zu cells", counted.moves, cells);
    feed_end(&w);
    random_world_destroy(world);
}
END_TEST

START_TEST(a_stream_that_is_none_has_no_snapshot)
{
    struct feed_cells snapshot;
    struct random_world *world = random_world_create(4, ROWS);
    struct world_feed w = feed_start(4, world);
    struct kv *kv = memkv_begin(w.store, false);
    ck_assert(!feed_snapshot(w.feed, registry_of(&w), kv, (struct feed_stream){UINT32_MAX, 0, true},
                             &snapshot));
    ck_assert(!feed_snapshot(w.feed, registry_of(&w), kv, (struct feed_stream){0, 12345, false},
                             &snapshot));
    memkv_abort(&kv);
    feed_end(&w);
    random_world_destroy(world);
}
END_TEST

SUITE_MAIN("feed", snapshot_and_updates_are_the_ledgers_cells, a_cell_noted_often_goes_out_once,
           a_read_that_fails_tells_nothing_and_forgets_nothing,
           snapshots_of_all_streams_read_little_more_than_their_cells,
           a_stream_that_is_none_has_no_snapshot)
