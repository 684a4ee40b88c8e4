/* The ledger against a naive recomputation, over made-up provinces. TONGHOP_MODEL_SEEDS says how
 * many worlds, TONGHOP_MODEL_SEED runs one alone: the seed that a failure names. */
#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "services/aggregator/ledger_core.h"
#include "tests/support/memkv.h"
#include "tests/support/naive_ledger.h"
#include "tests/support/random_world.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORLDS = 300, ROWS = 160 };

/* ---- a ledger that is given a journal ---- */

struct bench {
    uint64_t seed;
    struct random dice;
    const struct random_journal *journal;
    struct memkv *store;
    struct kv *kv; /* the transaction that waits for a flush; NULL: none */
    struct ledger *ledger;
    size_t applied;
};

static void bench_open(struct bench *b)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(b->store, true);
    if (ledger_open(&b->ledger, kv, &random_world_codec, &err) < 0)
        ck_abort_msg("seed %" PRIu64 ": open after entry %zu: %s", b->seed, b->applied, err.text);
    if (memkv_commit(&kv, &err) < 0)
        ck_abort_msg("seed %" PRIu64 ": commit after entry %zu: %s", b->seed, b->applied, err.text);
    b->applied = (size_t)ledger_position(b->ledger).offset;
}

static struct bench bench_start(uint64_t seed, const struct random_journal *journal)
{
    struct bench b = {.seed = seed, .dice = {seed ^ UINT64_C(0xd1ce)}, .journal = journal};
    b.store = memkv_create(LEDGER_TABLE_COUNT);
    bench_open(&b);
    return b;
}

static void bench_end(struct bench *b)
{
    memkv_abort(&b->kv);
    ledger_close(b->ledger);
    memkv_destroy(b->store);
}

static void apply_commit(struct bench *b)
{
    static const uint8_t hash[HASH_BYTES] = {1};
    struct err err = {0};
    uint64_t commit = b->journal->commits[b->applied];
    if (!b->kv)
        b->kv = memkv_begin(b->store, true);
    for (; b->applied < b->journal->count && b->journal->commits[b->applied] == commit;
         b->applied++)
        if (ledger_apply(b->ledger, b->kv, &b->journal->entries[b->applied], &err) < 0)
            ck_abort_msg("seed %" PRIu64 ": entry %zu: %s", b->seed, b->applied + 1, err.text);
    ledger_end_commit(b->ledger, commit, hash);
}

static void flush(struct bench *b)
{
    struct err err = {0};
    ledger_flush(b->ledger, b->kv, NULL);
    if (memkv_commit(&b->kv, &err) < 0)
        ck_abort_msg("seed %" PRIu64 ": commit after entry %zu: %s", b->seed, b->applied, err.text);
}

static void reopen(struct bench *b)
{
    memkv_abort(&b->kv); /* what was not flushed is lost, and comes again */
    ledger_close(b->ledger);
    bench_open(b);
}

static bool at_end(const struct bench *b)
{
    return b->applied == b->journal->count;
}

/* Up to the next flush, which comes after one commit or several. */
static void apply_and_flush(struct bench *b)
{
    do
        apply_commit(b);
    while (!at_end(b) && random_chance(&b->dice, 60));
    flush(b);
}

/* ---- one answer against the other ---- */

enum { VALUE_TEXT_BYTES = 256 };

static const char *value_text(int rc, const struct ledger_value *v, char out[VALUE_TEXT_BYTES])
{
    snprintf(out, VALUE_TEXT_BYTES,
             "rc %d, %s %" PRId64 " (%" PRId64 "/%" PRId64
             "), figures %u, owed %u, reported %u, on time %u, source %u",
             rc, v->has_value ? "value" : "no value", v->value, v->numerator, v->denominator,
             v->figures, v->owed, v->reported, v->on_time, v->source);
    return out;
}

static bool same_value(const struct ledger_value *a, const struct ledger_value *b)
{
    return a->has_value == b->has_value && a->value == b->value && a->numerator == b->numerator &&
           a->denominator == b->denominator && a->figures == b->figures && a->owed == b->owed &&
           a->reported == b->reported && a->on_time == b->on_time && a->source == b->source;
}

static void compare(const struct bench *b, const struct naive_ledger *naive,
                    const struct ledger_question *q, int rc, const struct ledger_value *got,
                    const char *what)
{
    struct ledger_value expected;
    int expected_rc = naive_ledger_query(naive, q, &expected);
    if (rc == expected_rc && (rc < 0 || same_value(got, &expected)))
        return;
    const struct registry *r = naive_ledger_registry(naive);
    char first[DAY_TEXT_BYTES], last[DAY_TEXT_BYTES];
    char expected_text[VALUE_TEXT_BYTES], got_text[VALUE_TEXT_BYTES];
    ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64
                 " after entry %zu, %s: indicator %s code %s %s..%s source %u\n  expected %s\n  "
                 "got      %s",
                 b->seed, b->applied, what, registry_indicator(r, q->indicator)->id.text,
                 catalogue_code_text(registry_catalogue(r), q->code), day_format(q->first, first),
                 day_format(q->last, last), q->source,
                 value_text(expected_rc, &expected, expected_text), value_text(rc, got, got_text));
}

static void ask(const struct bench *b, struct kv *kv, const struct naive_ledger *naive,
                const struct ledger_question *q)
{
    struct ledger_value got;
    int rc = ledger_query(b->ledger, kv, q, &got, NULL);
    compare(b, naive, q, rc, &got, "now");
}

static bool is_ratio(const struct naive_ledger *naive, uint32_t indicator)
{
    return registry_indicator(naive_ledger_registry(naive), indicator)->kind == INDICATOR_RATIO;
}

static struct ledger_question some_question(struct bench *b, const struct random_world *w,
                                            const struct naive_ledger *naive)
{
    const struct registry *r = naive_ledger_registry(naive);
    struct ledger_question q = {
        .indicator = random_below(&b->dice, registry_indicator_count(r)),
        .code = random_below(&b->dice, catalogue_code_count(registry_catalogue(r))),
        .last = random_between(&b->dice, w->first - 1, w->last + 1),
        .source = REGISTRY_NONE};
    q.first = random_chance(&b->dice, 30) ? q.last : random_between(&b->dice, w->first - 1, q.last);
    if (!is_ratio(naive, q.indicator) && random_chance(&b->dice, 10))
        q.source = random_below(&b->dice, registry_source_count(r));
    return q;
}

static void ask_some(struct bench *b, const struct random_world *w,
                     const struct naive_ledger *naive, unsigned count)
{
    struct kv *kv = memkv_begin(b->store, false);
    for (unsigned i = 0; i < count; i++) {
        struct ledger_question q = some_question(b, w, naive);
        ask(b, kv, naive, &q);
    }
    memkv_abort(&kv);
}

/* Of every indicator and code, each day in a short world, every ninth in a long one. */
static void ask_everything(struct bench *b, const struct random_world *w,
                           const struct naive_ledger *naive)
{
    const struct registry *r = naive_ledger_registry(naive);
    struct kv *kv = memkv_begin(b->store, false);
    day_t step = w->last - w->first > 100 ? 9 : 1;
    struct ledger_question q = {.source = REGISTRY_NONE};
    for (q.indicator = 0; q.indicator < registry_indicator_count(r); q.indicator++)
        for (q.code = 0; q.code < catalogue_code_count(registry_catalogue(r)); q.code++)
            for (q.last = w->first - 1; q.last <= w->last + 1; q.last += step) {
                q.first = q.last - random_between(&b->dice, 0, 6 * step);
                ask(b, kv, naive, &q);
            }
    memkv_abort(&kv);
}

static void ask_as_known(struct bench *b, const struct random_world *w)
{
    size_t offset = 1 + random_below(&b->dice, (uint32_t)b->applied);
    struct naive_ledger *naive =
        naive_ledger_create(b->journal->entries, offset, &random_world_codec);
    struct kv *kv = memkv_begin(b->store, false);
    char what[48];
    snprintf(what, sizeof what, "as known at offset %zu", offset);
    bool has_plan = registry_indicator_count(naive_ledger_registry(naive)) > 0;
    for (int i = 0; has_plan && i < 25; i++) {
        struct ledger_question q = some_question(b, w, naive);
        struct ledger_value got;
        int rc = ledger_query_as_known(b->ledger, kv, offset, &q, &got, NULL);
        compare(b, naive, &q, rc, &got, what);
    }
    memkv_abort(&kv);
    naive_ledger_destroy(naive);
}

/* ---- facts, one by one ---- */

struct excluded {
    size_t count;
    int64_t sum;
};

static void add_excluded(void *arg, uint32_t indicator, uint32_t code, day_t day, uint32_t source,
                         int64_t value)
{
    struct excluded *e = arg;
    (void)indicator, (void)code, (void)day, (void)source;
    e->count++;
    e->sum += value;
}

static void check_excluded(const struct bench *b, const struct naive_ledger *naive)
{
    struct excluded got = {0}, expected;
    struct kv *kv = memkv_begin(b->store, false);
    ledger_visit_excluded(b->ledger, kv, add_excluded, &got);
    memkv_abort(&kv);
    expected.count = naive_ledger_excluded(naive, &expected.sum);
    if (got.count != expected.count || got.sum != expected.sum)
        ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64
                     " after entry %zu: excluded: expected %zu with sum %" PRId64
                     ", got %zu with sum %" PRId64,
                     b->seed, b->applied, expected.count, expected.sum, got.count, got.sum);
}

static void check_offsets(const struct bench *b, const struct random_world *w)
{
    struct kv *kv = memkv_begin(b->store, false);
    for (day_t on = w->first - 2; on <= w->last + 2; on++) {
        uint64_t expected = 0;
        for (size_t i = 0; i < b->applied; i++)
            if (day_of_ms(b->journal->entries[i].time_ms) <= on)
                expected = b->journal->entries[i].offset;
        uint64_t got = ledger_offset_on(kv, on);
        if (got != expected)
            ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64
                         " after entry %zu: offset on day %d: expected %" PRIu64 ", got %" PRIu64,
                         b->seed, b->applied, on, expected, got);
    }
    memkv_abort(&kv);
}

/* What a cell's history says of itself, gathered from its newest version to its oldest. */
struct history {
    uint64_t last_offset;
    bool out_of_order;
    size_t statements;
    size_t holding;
    int64_t held; /* sum of what holds: one set, or the adds of a tally */
    bool has_figure;
};

static bool add_version(void *arg, const struct ledger_version *v)
{
    struct history *h = arg;
    h->out_of_order = h->out_of_order || (h->statements > 0 && v->offset > h->last_offset);
    h->last_offset = v->offset;
    h->statements++;
    if (!v->holds)
        return true;
    h->holding++;
    h->has_figure = h->has_figure || v->op != OP_CLEAR;
    h->held += v->op == OP_CLEAR ? 0 : v->value;
    return true;
}

static size_t count_statements(const struct naive_ledger *naive, const struct naive_cell *cell)
{
    const struct naive_statement *all;
    size_t total = naive_ledger_statements(naive, &all), count = 0;
    for (size_t i = 0; i < total; i++)
        count += all[i].cell.indicator == cell->indicator && all[i].cell.code == cell->code &&
                 all[i].cell.day == cell->day && all[i].cell.source == cell->source;
    return count;
}

static void check_history(const struct bench *b, struct kv *kv, const struct naive_ledger *naive,
                          const struct naive_cell *cell)
{
    struct history h = {0};
    int64_t value = 0;
    bool has_figure = naive_ledger_figure(naive, cell, &value);
    size_t statements = count_statements(naive, cell);
    int rc = ledger_trace(b->ledger, kv, cell->indicator, cell->code, cell->day, cell->source,
                          add_version, &h, NULL);
    bool counts = h.held <= OBSERVATION_VALUE_MAX && h.held >= -OBSERVATION_VALUE_MAX;
    h.has_figure = h.has_figure && counts; /* a tally beyond what a figure may be */
    h.held = counts ? h.held : 0;
    if (rc == 0 && !h.out_of_order && h.statements == statements && h.has_figure == has_figure &&
        h.held == value)
        return;
    ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64
                 " after entry %zu: history of indicator %u code %u day %d source %u: rc %d%s, "
                 "expected %zu statements holding %s %" PRId64 ", got %zu holding %s %" PRId64,
                 b->seed, b->applied, cell->indicator, cell->code, cell->day, cell->source, rc,
                 h.out_of_order ? ", not newest first" : "", statements,
                 has_figure ? "value" : "no value", value, h.statements,
                 h.has_figure ? "value" : "no value", h.held);
}

static void check_histories(struct bench *b, const struct naive_ledger *naive)
{
    const struct naive_statement *all;
    size_t count = naive_ledger_statements(naive, &all);
    struct kv *kv = memkv_begin(b->store, false);
    for (size_t i = 0; i < count; i++)
        check_history(b, kv, naive, &all[i].cell);
    memkv_abort(&kv);
}

/* ---- worlds ---- */

static unsigned env_number(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* Calls `check` for one world a seed. */
static void for_each_world(void (*check)(uint64_t seed, const struct random_world *w))
{
    unsigned worlds = env_number("TONGHOP_MODEL_SEEDS", WORLDS);
    unsigned alone = env_number("TONGHOP_MODEL_SEED", 0);
    uint64_t first = alone ? alone : 1, last = alone ? alone : worlds;
    for (uint64_t seed = first; seed <= last; seed++) {
        /* Most are small: what goes wrong in few rows is best found in few rows. */
        struct random_world *w =
            random_world_create(seed, seed % 3 == 0 ? ROWS : 10 + (unsigned)(seed % 50));
        check(seed, w);
        random_world_destroy(w);
    }
}

static void check_answers(uint64_t seed, const struct random_world *w)
{
    struct bench b = bench_start(seed, &w->journal);
    while (!at_end(&b)) {
        apply_and_flush(&b);
        if (!at_end(&b) && !random_chance(&b.dice, 25))
            continue;
        struct naive_ledger *naive =
            naive_ledger_create(w->journal.entries, b.applied, &random_world_codec);
        ask_some(&b, w, naive, 60);
        ask_as_known(&b, w);
        if (at_end(&b)) {
            ask_everything(&b, w, naive);
            check_excluded(&b, naive);
            check_histories(&b, naive);
            check_offsets(&b, w);
        }
        naive_ledger_destroy(naive);
    }
    bench_end(&b);
}

START_TEST(every_answer_is_the_one_recomputed_day_by_day)
{
    for_each_world(check_answers);
}
END_TEST

/* ---- what a flush says it changed ---- */

struct cell_list {
    struct {
        struct ledger_cell_key key;
        struct ledger_cell cell;
    } * items;
    size_t count;
    size_t capacity;
};

static void add_cell(void *arg, struct ledger_cell_key key, struct ledger_cell cell)
{
    struct cell_list *list = arg;
    void *items = list->items;
    alloc_reserve(&items, &list->capacity, list->count + 1, sizeof *list->items);
    list->items = items;
    list->items[list->count].key = key;
    list->items[list->count++].cell = cell;
}

static struct cell_list cells_of(const struct bench *b, struct kv *kv)
{
    struct cell_list list = {0};
    uint32_t indicators = registry_indicator_count(ledger_registry(b->ledger));
    for (uint32_t i = 0; i < indicators; i++)
        ledger_visit_cells(kv, i, add_cell, &list);
    return list;
}

static int compare_keys(const struct ledger_cell_key *a, const struct ledger_cell_key *b)
{
    if (a->indicator != b->indicator)
        return a->indicator < b->indicator ? -1 : 1;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return (a->day > b->day) - (a->day < b->day);
}

static bool is_named(const struct ledger_changes *changes, const struct ledger_cell_key *key)
{
    for (size_t i = 0; i < changes->cell_count; i++)
        if (compare_keys(&changes->cells[i], key) == 0)
            return true;
    return false;
}

/* Each cell of `list` that is not the same in `other` must be named. */
static void check_named(const struct bench *b, const struct cell_list *list,
                        const struct ledger_changes *changes, const struct cell_list *other)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ledger_cell was = {0};
        for (size_t k = 0; k < other->count; k++)
            if (compare_keys(&other->items[k].key, &list->items[i].key) == 0)
                was = other->items[k].cell;
        const struct ledger_cell *is = &list->items[i].cell;
        bool differs = is->amount != was.amount || is->figures != was.figures ||
                       is->reported != was.reported || is->on_time != was.on_time;
        if (differs && !is_named(changes, &list->items[i].key))
            ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64
                         " after entry %zu: cell of indicator %u code %u day %d changed and is not "
                         "among the %zu named",
                         b->seed, b->applied, list->items[i].key.indicator, list->items[i].key.code,
                         list->items[i].key.day, changes->cell_count);
    }
}

static void check_ascending(const struct bench *b, const struct ledger_changes *changes)
{
    for (size_t i = 1; i < changes->cell_count; i++)
        if (compare_keys(&changes->cells[i - 1], &changes->cells[i]) > 0)
            ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64
                         " after entry %zu: changed cells %zu and %zu are not in order",
                         b->seed, b->applied, i - 1, i);
}

static void check_one_flush(struct bench *b)
{
    struct err err = {0};
    struct ledger_changes changes;
    struct kv *before = memkv_begin(b->store, false);
    struct cell_list old = cells_of(b, before);
    memkv_abort(&before);
    apply_commit(b);
    ledger_flush(b->ledger, b->kv, &changes);
    struct cell_list new = cells_of(b, b->kv);
    check_ascending(b, &changes);
    if (!changes.everything) {
        check_named(b, &old, &changes, &new);
        check_named(b, &new, &changes, &old);
    }
    free(old.items);
    free(new.items);
    if (memkv_commit(&b->kv, &err) < 0)
        ck_abort_msg("seed %" PRIu64 ": commit after entry %zu: %s", b->seed, b->applied, err.text);
}

static void check_changes(uint64_t seed, const struct random_world *w)
{
    struct bench b = bench_start(seed, &w->journal);
    while (!at_end(&b))
        check_one_flush(&b);
    bench_end(&b);
}

START_TEST(a_flush_names_every_cell_that_it_changed)
{
    for_each_world(check_changes);
}
END_TEST

/* ---- dumps ---- */

static void add_line(void *arg, const char *text)
{
    buf_printf(arg, "%s\n", text);
}

static struct buf dump_of(const struct bench *b, bool figures_only)
{
    struct buf text = {0};
    struct kv *kv = memkv_begin(b->store, false);
    buf_printf(&text, "-\n");
    ledger_dump(b->ledger, kv, figures_only, add_line, &text);
    memkv_abort(&kv);
    return text;
}

static struct buf dump_after_all(uint64_t seed, const struct random_journal *j, bool figures_only)
{
    struct bench b = bench_start(seed, j);
    while (!at_end(&b))
        apply_and_flush(&b);
    struct buf dump = dump_of(&b, figures_only);
    bench_end(&b);
    return dump;
}

/* The first line in which two dumps part, cut to something one can read. */
static void require_same_dump(uint64_t seed, struct buf *a, struct buf *b, const char *what)
{
    const char *x = (const char *)a->data, *y = (const char *)b->data;
    while (strcmp(x, y) != 0) {
        size_t x_len = strcspn(x, "\n"), y_len = strcspn(y, "\n");
        if (x_len != y_len || memcmp(x, y, x_len) != 0)
            ck_abort_msg("TONGHOP_MODEL_SEED=%" PRIu64 ": %s:\n  one   %.*s\n  other %.*s", seed,
                         what, (int)(x_len < 300 ? x_len : 300), x,
                         (int)(y_len < 300 ? y_len : 300), y);
        x += x_len + (x[x_len] != '\0');
        y += y_len + (y[y_len] != '\0');
    }
    buf_fini(a);
    buf_fini(b);
}

static void check_reopening(uint64_t seed, const struct random_world *w)
{
    struct bench b = bench_start(seed, &w->journal);
    while (!at_end(&b) || b.kv) {
        if (!at_end(&b))
            apply_commit(&b);
        if (at_end(&b) || random_chance(&b.dice, 50))
            flush(&b);
        if (random_chance(&b.dice, 30))
            reopen(&b);
    }
    struct buf interrupted = dump_of(&b, false);
    bench_end(&b);
    struct buf straight = dump_after_all(seed + 1, &w->journal, false);
    require_same_dump(seed, &straight, &interrupted, "straight on, and with losses and openings");
}

START_TEST(a_ledger_opened_again_goes_on_as_if_it_had_never_been_closed)
{
    for_each_world(check_reopening);
}
END_TEST

static void check_order(uint64_t seed, const struct random_world *w)
{
    struct random_journal kept = random_world_rearrange(w, ORDER_SAME_DAY, seed);
    struct random_journal shuffled = random_world_rearrange(w, ORDER_SHUFFLED, seed);
    struct buf one = dump_after_all(seed, &kept, true);
    struct buf other = dump_after_all(seed, &shuffled, true);
    require_same_dump(seed, &one, &other, "batches as they came, and in another order");
    random_journal_fini(&kept);
    random_journal_fini(&shuffled);
}

START_TEST(batches_in_any_order_leave_the_same_figures)
{
    for_each_world(check_order);
}
END_TEST

/* Facts that came before a catalogue or a plan count as if they had come after it. */
static void check_registry_first(uint64_t seed, const struct random_world *w)
{
    if (!w->fixed_sources)
        return;
    struct random_journal first = random_world_rearrange(w, ORDER_KEPT, seed);
    struct buf one = dump_after_all(seed, &w->journal, true);
    struct buf other = dump_after_all(seed, &first, true);
    require_same_dump(seed, &one, &other, "the registry as it came, and before all batches");
    random_journal_fini(&first);
}

START_TEST(a_late_catalogue_or_plan_leaves_what_an_early_one_would_have)
{
    for_each_world(check_registry_first);
}
END_TEST

SUITE_MAIN("ledger model", every_answer_is_the_one_recomputed_day_by_day,
           a_flush_names_every_cell_that_it_changed,
           a_ledger_opened_again_goes_on_as_if_it_had_never_been_closed,
           batches_in_any_order_leave_the_same_figures,
           a_late_catalogue_or_plan_leaves_what_an_early_one_would_have)
