/* Whatever the order of arrival: six statements around a move and a merger, in all 720 orders, each
 * compared per unit and day with the naive recomputation. */
#include "services/aggregator/ledger_core.h"
#include "tests/support/memkv.h"
#include "tests/support/naive_ledger.h"
#include "tests/support/random_world.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    STATEMENTS = 6,
    ORDERS = 720,
    REGISTRY_ENTRIES = 3, /* catalogue, plan, producer */
    ENTRIES = REGISTRY_ENTRIES + STATEMENTS,
    MOVE = 10,   /* x goes from a to b */
    MERGER = 20, /* day of September on which y becomes something else */
    DAYS = 26,
    CODES = 7,
    INDICATORS = 3, /* a stock, a flow, a tally: each statement is made of all three */
};

static const char *const codes[CODES] = {"p", "a", "b", "x", "y", "z", "w"};
static const char *const indicators[INDICATORS] = {"stock", "flow", "tally"};

static day_t september(int day)
{
    return day_of(2024, 9, day);
}

struct statement {
    const char *code;
    int day;      /* of September; the merger is on the 20th, the move on the 10th */
    int reported; /* the greatest holds; of equals the later row of this table */
    enum op op;
    int64_t value;
};

enum merger { INTO_Z, INTO_W, Y_ANEW };

static const struct scenario {
    const char *reason;
    enum merger merger;
    struct statement statements[STATEMENTS];
} scenarios[] = {
    {"figures before, on and after the move; the first is withdrawn",
     INTO_Z,
     {{"x", 5, 1, OP_SET, 10},
      {"x", 10, 2, OP_SET, 13},
      {"x", 12, 3, OP_SET, 15},
      {"x", 5, 4, OP_CLEAR, 0},
      {"x", 10, 5, OP_CLEAR, 0},
      {"y", 9, 1, OP_SET, 7}}},
    {"the heir's own figure of the day it inherits on is stated and withdrawn",
     INTO_Z,
     {{"y", 18, 1, OP_SET, 7},
      {"z", 4, 2, OP_SET, 100},
      {"z", 20, 3, OP_SET, 120},
      {"z", 20, 4, OP_CLEAR, 0},
      {"y", 19, 5, OP_SET, 8},
      {"x", 6, 6, OP_SET, 1}}},
    {"two become a new unit, which states its own figure late",
     INTO_W,
     {{"y", 5, 4, OP_SET, 7},
      {"z", 6, 1, OP_SET, 100},
      {"w", 22, 2, OP_SET, 140},
      {"y", 5, 5, OP_CLEAR, 0},
      {"y", 5, 3, OP_SET, 9},
      {"w", 24, 6, OP_SET, -3}}},
    {"all that the new unit carries is withdrawn, its own figure first",
     INTO_W,
     {{"w", 21, 1, OP_SET, 50},
      {"w", 21, 2, OP_CLEAR, 0},
      {"y", 3, 1, OP_SET, 5},
      {"y", 3, 2, OP_CLEAR, 0},
      {"z", 3, 1, OP_SET, 6},
      {"z", 3, 2, OP_CLEAR, 0}}},
    {"a unit begins anew under its own code and inherits from itself",
     Y_ANEW,
     {{"y", 5, 1, OP_SET, 30},
      {"y", 20, 2, OP_SET, 40},
      {"y", 20, 3, OP_CLEAR, 0},
      {"y", 19, 4, OP_SET, 33},
      {"y", 23, 5, OP_SET, 44},
      {"y", 5, 6, OP_CLEAR, 0}}},
    {"one cell said six times, some in the same moment",
     INTO_Z,
     {{"y", 9, 1, OP_SET, 1},
      {"y", 9, 2, OP_SET, 2},
      {"y", 9, 2, OP_CLEAR, 0},
      {"y", 9, 2, OP_SET, 3},
      {"y", 9, 3, OP_CLEAR, 0},
      {"y", 9, 3, OP_SET, 4}}},
    {"values that cancel out still are figures",
     INTO_W,
     {{"y", 8, 1, OP_SET, 10},
      {"z", 8, 1, OP_SET, -10},
      {"x", 8, 1, OP_SET, 0},
      {"x", 11, 2, OP_SET, 0},
      {"w", 20, 2, OP_SET, 0},
      {"w", 20, 3, OP_CLEAR, 0}}},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* ---- the journal of a scenario ---- */

struct journal {
    struct arena memory;
    struct entry entries[ENTRIES];
};

static struct ident ident(const char *text)
{
    struct ident id = {""};
    ck_assert(ident_set(&id, slice_str(text)));
    return id;
}

static void *take(struct journal *j, size_t bytes)
{
    void *memory = arena_alloc(&j->memory, bytes);
    memset(memory, 0, bytes);
    return memory;
}

static void add_span(struct catalogue_spec *spec, const char *code, day_t from, day_t to, int level,
                     const char *parent)
{
    struct unit_span *span = &spec->spans[spec->span_count++];
    *span = (struct unit_span){.code = ident(code),
                               .from = from,
                               .to = to,
                               .name = code,
                               .type = "xã",
                               .level = (uint8_t)level,
                               .begins = from == september(MERGER)};
    if (parent)
        span->parent = ident(parent);
}

static void add_succession(struct catalogue_spec *spec, const char *old_code, const char *new_code)
{
    spec->successions[spec->succession_count++] =
        (struct succession){september(MERGER), ident(old_code), ident(new_code), PEOPLE_ALL};
}

static struct catalogue_spec *catalogue_of(struct journal *j, enum merger merger)
{
    struct catalogue_spec *spec = take(j, sizeof *spec);
    day_t first = september(1), end = september(MERGER) - 1;
    spec->spans = take(j, 16 * sizeof *spec->spans);
    spec->successions = take(j, 4 * sizeof *spec->successions);
    add_span(spec, "p", first, DAY_NEVER, 1, NULL);
    add_span(spec, "a", first, DAY_NEVER, 2, "p");
    add_span(spec, "b", first, DAY_NEVER, 2, "p");
    add_span(spec, "x", first, september(MOVE) - 1, 3, "a");
    add_span(spec, "x", september(MOVE), DAY_NEVER, 3, "b");
    add_span(spec, "y", first, end, 3, "b");
    add_span(spec, "z", first, merger == INTO_W ? end : DAY_NEVER, 3, "b");
    if (merger == INTO_Z)
        add_succession(spec, "y", "z");
    if (merger == Y_ANEW) {
        add_span(spec, "y", end + 1, DAY_NEVER, 3, "a");
        add_succession(spec, "y", "y");
    }
    add_span(spec, "w", merger == INTO_W ? end + 1 : first, DAY_NEVER, 3, "a");
    if (merger == INTO_W) {
        add_succession(spec, "y", "w");
        add_succession(spec, "z", "w");
    }
    return spec;
}

static struct plan *plan_for(struct journal *j)
{
    static struct source source = {{"s"}, "Nguồn"};
    struct plan *p = take(j, sizeof *p);
    *p = (struct plan){.id = ident("kh"),
                       .version = 1,
                       .title = "Kế hoạch",
                       .root = ident("p"),
                       .from = september(1),
                       .to = september(30),
                       .sources = &source,
                       .source_count = 1,
                       .indicators = take(j, INDICATORS * sizeof *p->indicators),
                       .indicator_count = INDICATORS,
                       .duties = take(j, INDICATORS * sizeof *p->duties),
                       .duty_count = INDICATORS};
    for (int i = 0; i < INDICATORS; i++) {
        p->indicators[i] = (struct indicator){.id = ident(indicators[i]),
                                              .name = "Chỉ tiêu",
                                              .kind = i == 0 ? INDICATOR_STOCK : INDICATOR_FLOW,
                                              .entry = i == 2 ? ENTRY_TALLY : ENTRY_SET,
                                              .measure = ident("persons"),
                                              .minimum = -1000,
                                              .maximum = 1000,
                                              .reporters = REPORTS_LEAF,
                                              .records = {{september(1), ident("s")}},
                                              .record_count = 1};
        p->duties[i] = (struct duty){ident(indicators[i]), september(1), september(30), 2};
    }
    return p;
}

static struct producer_change *producer_for(struct journal *j)
{
    struct producer_change *c = take(j, sizeof *c);
    c->kind = PRODUCER_SET;
    c->producer.name = ident("n");
    c->producer.roles = ROLE_SUBMIT;
    c->producer.source = ident("s");
    c->producer.scopes[0] = ident("p");
    c->producer.scope_count = 1;
    return c;
}

static struct batch *batch_of(struct journal *j, const struct statement *s)
{
    struct batch *b = take(j, sizeof *b);
    b->unit_count = 1;
    b->indicator_count = INDICATORS;
    b->row_count = INDICATORS;
    b->units = take(j, sizeof *b->units);
    b->units[0] = slice_str(s->code);
    b->indicators = take(j, INDICATORS * sizeof *b->indicators);
    b->unit_refs = take(j, INDICATORS * sizeof *b->unit_refs);
    b->indicator_refs = take(j, INDICATORS * sizeof *b->indicator_refs);
    b->days = take(j, INDICATORS * sizeof *b->days);
    b->ops = take(j, INDICATORS * sizeof *b->ops);
    b->values = take(j, INDICATORS * sizeof *b->values);
    for (uint32_t i = 0; i < INDICATORS; i++) {
        b->indicators[i] = slice_str(indicators[i]);
        b->indicator_refs[i] = i;
        b->days[i] = september(s->day);
        b->ops[i] = (uint8_t)(i == 2 && s->op == OP_SET ? OP_ADD : s->op);
        b->values[i] = s->value;
    }
    return b;
}

static struct entry entry_of(struct journal *j, enum entry_kind kind, const void *value)
{
    return (struct entry){.kind = kind,
                          .time_ms = day_start_ms(september(15)),
                          .body = random_world_body(&j->memory, value),
                          .delegate = UINT32_MAX,
                          .operator_producer = UINT32_MAX};
}

static void fill_journal(struct journal *j, const struct scenario *s)
{
    arena_init(&j->memory, 0);
    j->entries[0] = entry_of(j, ENTRY_CATALOGUE, catalogue_of(j, s->merger));
    j->entries[1] = entry_of(j, ENTRY_PLAN, plan_for(j));
    j->entries[2] = entry_of(j, ENTRY_PRODUCER, producer_for(j));
    for (uint64_t i = 0; i < STATEMENTS; i++) {
        struct entry *e = &j->entries[REGISTRY_ENTRIES + i];
        *e = entry_of(j, ENTRY_BATCH, batch_of(j, &s->statements[i]));
        e->number = i + 1;
        e->reported_at_ms = s->statements[i].reported;
        e->row_count = INDICATORS;
    }
    for (uint64_t i = 0; i < ENTRIES; i++)
        j->entries[i].offset = i + 1;
}

/* ---- what must come out ---- */

struct answers {
    struct {
        int rc;
        struct ledger_value value;
    } at[INDICATORS][CODES][DAYS];
};

static struct ledger_question question_of(uint32_t indicator, uint32_t code, int day)
{
    return (struct ledger_question){indicator, code, september(1), september(day + 1),
                                    REGISTRY_NONE};
}

/* Codes and indicators get their ordinals in the order of the catalogue and the plan. */
static void expect(const struct journal *j, struct answers *out)
{
    struct naive_ledger *naive = naive_ledger_create(j->entries, ENTRIES, &random_world_codec);
    for (uint32_t i = 0; i < INDICATORS; i++)
        for (uint32_t c = 0; c < CODES; c++)
            for (int day = 0; day < DAYS; day++) {
                struct ledger_question q = question_of(i, c, day);
                out->at[i][c][day].rc = naive_ledger_query(naive, &q, &out->at[i][c][day].value);
            }
    naive_ledger_destroy(naive);
}

/* ---- every order ---- */

/* The n-th order of six. */
static void order_of(int n, int out[STATEMENTS])
{
    int left[STATEMENTS] = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < STATEMENTS; i++) {
        int rest = STATEMENTS - i, at = n % rest;
        n /= rest;
        out[i] = left[at];
        memmove(&left[at], &left[at + 1], (size_t)(rest - at - 1) * sizeof *left);
    }
}

static void apply(struct ledger *l, struct kv *kv, const struct entry *e)
{
    struct err err = {0};
    ck_assert_msg(ledger_apply(l, kv, e, &err) == 0, "%s", err.text);
}

static void flush(struct ledger *l, struct kv *kv, uint64_t commit)
{
    static const uint8_t hash[HASH_BYTES];
    ledger_end_commit(l, commit, hash);
    ledger_flush(l, kv, NULL);
}

static void apply_in_order(struct ledger *l, struct kv *kv, const struct journal *j,
                           const int order[STATEMENTS], bool flush_each)
{
    for (uint64_t i = 0; i < REGISTRY_ENTRIES; i++)
        apply(l, kv, &j->entries[i]);
    for (uint64_t i = 0; i < STATEMENTS; i++) {
        struct entry e = j->entries[REGISTRY_ENTRIES + order[i]];
        e.offset = REGISTRY_ENTRIES + i + 1;
        e.first_row = i * INDICATORS;
        apply(l, kv, &e);
        if (flush_each)
            flush(l, kv, i + 1);
    }
    flush(l, kv, STATEMENTS);
}

static bool same(const struct ledger_value *a, const struct ledger_value *b)
{
    return a->has_value == b->has_value && a->value == b->value && a->figures == b->figures &&
           a->owed == b->owed && a->reported == b->reported && a->on_time == b->on_time;
}

static void check_answer(struct ledger *l, struct kv *kv, const struct answers *expected,
                         const struct ledger_question *q, int day, const char *what)
{
    struct ledger_value got;
    int rc = ledger_query(l, kv, q, &got, NULL);
    int expected_rc = expected->at[q->indicator][q->code][day].rc;
    const struct ledger_value *e = &expected->at[q->indicator][q->code][day].value;
    if (rc == expected_rc && (rc < 0 || same(&got, e)))
        return;
    ck_abort_msg("%s: %s of %s on %d September: expected rc %d value %" PRId64
                 " of %u figures, %u reported, %u on time; got rc %d value %" PRId64
                 " of %u figures, %u reported, %u on time",
                 what, indicators[q->indicator], codes[q->code], day + 1, expected_rc, e->value,
                 e->figures, e->reported, e->on_time, rc, got.value, got.figures, got.reported,
                 got.on_time);
}

static void check_order(const struct journal *j, const struct answers *expected, int number,
                        bool flush_each, const char *reason)
{
    int order[STATEMENTS];
    char what[256];
    struct ledger *l;
    struct memkv *store = memkv_create(LEDGER_TABLE_COUNT);
    struct kv *kv = memkv_begin(store, true);
    order_of(number, order);
    snprintf(what, sizeof what, "%s: order %d%d%d%d%d%d, %s", reason, order[0] + 1, order[1] + 1,
             order[2] + 1, order[3] + 1, order[4] + 1, order[5] + 1,
             flush_each ? "each written at once" : "written together");
    ck_assert_int_eq(ledger_open(&l, kv, &random_world_codec, NULL), 0);
    apply_in_order(l, kv, j, order, flush_each);
    for (uint32_t i = 0; i < INDICATORS; i++)
        for (uint32_t c = 0; c < CODES; c++)
            for (int day = 0; day < DAYS; day++) {
                struct ledger_question q = question_of(i, c, day);
                check_answer(l, kv, expected, &q, day, what);
            }
    ledger_close(l);
    memkv_abort(&kv);
    memkv_destroy(store);
}

START_TEST(every_order_of_six_statements_gives_the_same_figures)
{
    for (int s = 0; s < SCENARIOS; s++) {
        struct journal j;
        struct answers expected;
        fill_journal(&j, &scenarios[s]);
        expect(&j, &expected);
        for (int n = 0; n < ORDERS; n++) {
            check_order(&j, &expected, n, true, scenarios[s].reason);
            check_order(&j, &expected, n, false, scenarios[s].reason);
        }
        arena_fini(&j.memory);
    }
}
END_TEST

/* The naive recomputation itself, against figures worked out by hand for the second scenario. */
START_TEST(the_expected_figures_are_those_worked_out_by_hand)
{
    static const struct {
        const char *reason;
        uint32_t code;
        int day;
        int64_t value;
        uint32_t figures;
    } rows[] = {
        {"z's own figure", 5, 4, 100, 1},
        {"x still lies in a", 1, 9, 1, 1},
        {"x moved out of a with its stock", 1, 10, 0, 0},
        {"and into b, beside z", 2, 10, 101, 2},
        {"y's second figure replaced its first", 2, 19, 109, 3},
        {"y handed over: z's figure of the day was withdrawn", 5, 20, 108, 2},
        {"the province keeps the sum through the merger", 0, 20, 109, 3},
    };
    struct journal j;
    struct answers expected;
    fill_journal(&j, &scenarios[1]);
    expect(&j, &expected);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ledger_value *v = &expected.at[0][rows[i].code][rows[i].day - 1].value;
        ck_assert_msg(v->value == rows[i].value && v->figures == rows[i].figures,
                      "%s: expected %" PRId64 " of %u figures, got %" PRId64 " of %u",
                      rows[i].reason, rows[i].value, rows[i].figures, v->value, v->figures);
    }
    arena_fini(&j.memory);
}
END_TEST

SUITE_MAIN("ledger permutations", every_order_of_six_statements_gives_the_same_figures,
           the_expected_figures_are_those_worked_out_by_hand)
