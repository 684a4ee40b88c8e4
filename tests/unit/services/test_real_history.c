/* The plans and unit histories that ship, summed by the real ledger across the changes of
 * boundaries of 2024 and 2025. What must come out is found by going through the CSV files row by
 * row, with nothing of ours but the reading of dates. */
#include "common/wire/wire.h"
#include "services/aggregator/ledger_core.h"
#include "services/cli/plan_file.h"
#include "services/collector/intake_core.h"
#include "tests/support/memkv.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>

enum { CODE_BYTES = 8, PATH_BYTES = 1024, LINE_BYTES = 512, FIELDS_MAX = 8 };
enum { ROWS_MAX = 1024, HANDOVERS_MAX = 2048, FIGURES_MAX = 8192 };
enum { LEAVES = -1, PROVINCE = 1, DISTRICT = 2, COMMUNE = 3 };

/* ---- the files, row by row ---- */

struct row {
    char code[CODE_BYTES];
    char parent[CODE_BYTES];
    day_t from;
    day_t to;
    int level;
    bool begins;
};

struct handover {
    day_t on;
    char before[CODE_BYTES];
    char after[CODE_BYTES];
    char people; /* all, part, none by their first letter */
};

struct figure {
    const char *indicator;
    char code[CODE_BYTES];
    day_t day;
    int64_t value;
    bool sent;
};

static struct row rows[ROWS_MAX];
static size_t row_count;
static struct handover handovers[HANDOVERS_MAX];
static size_t handover_count;
static struct figure figures[FIGURES_MAX];
static size_t figure_count;

static day_t day(const char *text)
{
    day_t out = 0;
    struct err e = {0};
    if (day_parse(slice_str(text), &out, &e) != 0)
        ck_abort_msg("%s: %s", text, e.text);
    return out;
}

static const char *source_path(const char *name, char out[PATH_BYTES])
{
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    snprintf(out, PATH_BYTES, "%s/config/%s", source, name);
    return out;
}

/* The files quote nothing; a quote would come out as a code that nobody has. */
static unsigned split(char *line, char *fields[FIELDS_MAX])
{
    unsigned count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && count < FIELDS_MAX;) {
        fields[count++] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = '\0';
    }
    return count;
}

static void read_csv(const char *name, unsigned columns, void (*take)(char *fields[FIELDS_MAX]))
{
    char path[PATH_BYTES], line[LINE_BYTES], *fields[FIELDS_MAX];
    FILE *file = fopen(source_path(name, path), "r");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    for (bool head = true; fgets(line, sizeof line, file); head = false) {
        ck_assert_uint_eq(split(line, fields), columns);
        if (!head)
            take(fields);
    }
    fclose(file);
}

static void take_row(char *fields[FIELDS_MAX])
{
    ck_assert_uint_lt(row_count, ROWS_MAX);
    struct row *r = &rows[row_count++];
    snprintf(r->code, sizeof r->code, "%s", fields[0]);
    snprintf(r->parent, sizeof r->parent, "%s", fields[6]);
    r->from = day(fields[1]);
    r->to = fields[2][0] ? day(fields[2]) : DAY_NEVER;
    r->level = fields[5][0] == 'p' ? PROVINCE : fields[5][0] == 'd' ? DISTRICT : COMMUNE;
    r->begins = strcmp(fields[7], "new") == 0;
}

static void take_handover(char *fields[FIELDS_MAX])
{
    ck_assert_uint_lt(handover_count, HANDOVERS_MAX);
    struct handover *h = &handovers[handover_count++];
    h->on = day(fields[0]);
    snprintf(h->before, sizeof h->before, "%s", fields[1]);
    snprintf(h->after, sizeof h->after, "%s", fields[2]);
    h->people = fields[3][0];
}

static int row_on(const char *code, day_t on)
{
    for (size_t i = 0; i < row_count; i++)
        if (strcmp(rows[i].code, code) == 0 && rows[i].from <= on && on <= rows[i].to)
            return (int)i;
    return -1;
}

static int parent_on(int row, day_t on)
{
    return rows[row].parent[0] ? row_on(rows[row].parent, on) : -1;
}

/* The first day of the unit that the row belongs to. */
static day_t unit_begins(int row)
{
    day_t from = rows[row].from;
    while (!rows[row].begins) {
        row = row_on(rows[row].code, from - 1);
        ck_assert_int_ge(row, 0);
        from = rows[row].from;
    }
    return from;
}

static bool is_below(int row, const char *code, day_t on)
{
    for (; row >= 0; row = parent_on(row, on))
        if (strcmp(rows[row].code, code) == 0)
            return true;
    return false;
}

static bool is_leaf(int row, day_t on)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].from <= on && on <= rows[i].to && strcmp(rows[i].parent, rows[row].code) == 0)
            return false;
    return true;
}

/* The next row from `from` on of a unit in force that is below `code` and of that level, or a leaf;
 * -1 when there is none left. */
static int next_unit(int from, const char *code, int level, day_t on)
{
    for (int i = from; i < (int)row_count; i++) {
        bool of_level = level == LEAVES ? is_leaf(i, on) : rows[i].level == level;
        if (rows[i].from <= on && on <= rows[i].to && of_level && is_below(i, code, on))
            return i;
    }
    return -1;
}

static unsigned count_units(const char *code, int level, day_t on)
{
    unsigned count = 0;
    for (int i = next_unit(0, code, level, on); i >= 0; i = next_unit(i + 1, code, level, on))
        count++;
    return count;
}

/* ---- what must come out ---- */

struct sum {
    int64_t value;
    unsigned figures;
};

static const struct figure *latest_figure(const char *indicator, const char *code, day_t from,
                                          day_t to)
{
    const struct figure *latest = NULL;
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure *f = &figures[i];
        if (strcmp(f->indicator, indicator) != 0 || strcmp(f->code, code) != 0)
            continue;
        /* of one day the one said last counts */
        if (f->day >= from && f->day <= to && (!latest || f->day >= latest->day))
            latest = f;
    }
    return latest;
}

/* What a unit has: its latest figure, and what came over since with `all` the people of another. */
static struct sum carried(const char *indicator, int row, day_t on)
{
    day_t begins = unit_begins(row);
    const struct figure *own = latest_figure(indicator, rows[row].code, begins, on);
    struct sum total = {own ? own->value : 0, own ? 1 : 0};
    for (size_t i = 0; i < handover_count; i++) {
        const struct handover *h = &handovers[i];
        if (h->people != 'a' || strcmp(h->after, rows[row].code) != 0)
            continue;
        if (h->on < begins || h->on > on || (own && h->on <= own->day))
            continue;
        int before = row_on(h->before, h->on - 1);
        ck_assert_int_ge(before, 0);
        struct sum handed = carried(indicator, before, h->on - 1);
        total.value += handed.value;
        total.figures += handed.figures;
    }
    return total;
}

/* Of every row in force that day: its stock with all below it. */
static void stocks_on(const char *indicator, day_t on, struct sum out[ROWS_MAX])
{
    memset(out, 0, ROWS_MAX * sizeof *out);
    for (int i = 0; i < (int)row_count; i++) {
        if (rows[i].from > on || on > rows[i].to)
            continue;
        struct sum own = carried(indicator, i, on);
        for (int r = i; r >= 0; r = parent_on(r, on)) {
            out[r].value += own.value;
            out[r].figures += own.figures;
        }
    }
}

/* Figures dated within the days, of the units below `code` then. */
static struct sum flow_between(const char *indicator, const char *code, day_t first, day_t last)
{
    struct sum total = {0};
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure *f = &figures[i];
        int row = row_on(f->code, f->day);
        if (strcmp(f->indicator, indicator) != 0 || f->day < first || f->day > last || row < 0)
            continue;
        if (!is_below(row, code, f->day))
            continue;
        total.value += f->value;
        total.figures++;
    }
    return total;
}

/* ---- the real ledger, given a journal ---- */

struct world {
    struct plan_file file;
    struct arena arena;
    struct memkv *store;
    struct ledger *ledger;
    uint64_t entries;
    uint64_t next_row;
    int64_t time_ms;
};

static uint64_t journal(struct world *w, struct entry e)
{
    static const uint8_t hash[HASH_BYTES] = {1};
    struct err err = {0};
    struct kv *kv = memkv_begin(w->store, true);
    e.offset = e.commit = ++w->entries;
    e.time_ms = w->time_ms;
    e.body_bytes = (uint32_t)e.body.len;
    e.delegate = e.operator_producer = REGISTRY_NONE;
    if (ledger_apply(w->ledger, kv, &e, &err) != 0)
        ck_abort_msg("entry %" PRIu64 ": %s", e.offset, err.text);
    ledger_end_commit(w->ledger, e.commit, hash);
    ledger_flush(w->ledger, kv, NULL);
    if (memkv_commit(&kv, &err) != 0)
        ck_abort_msg("entry %" PRIu64 ": %s", e.offset, err.text);
    return e.offset;
}

static void journal_body(struct world *w, enum entry_kind kind, struct buf *body)
{
    journal(w, (struct entry){.kind = kind, .body = buf_slice(body)});
    buf_fini(body);
}

/* The units as they were known on that day: what ended on it or later is still in force, and of
 * later rows nobody knew. DAY_NEVER: all of them. */
static void world_apply_units(struct world *w, day_t known)
{
    const struct catalogue_spec *all = &w->file.catalogue;
    struct buf body = {0};
    struct catalogue_spec cut = {
        .spans = arena_alloc(&w->arena, all->span_count * sizeof *all->spans),
        .successions = arena_alloc(&w->arena, all->succession_count * sizeof *all->successions)};
    for (uint32_t i = 0; i < all->span_count; i++) {
        struct unit_span s = all->spans[i];
        if (s.from > known)
            continue;
        s.to = s.to >= known ? DAY_NEVER : s.to;
        cut.spans[cut.span_count++] = s;
    }
    for (uint32_t i = 0; i < all->succession_count; i++)
        if (all->successions[i].on <= known)
            cut.successions[cut.succession_count++] = all->successions[i];
    wire_pack_catalogue(&cut, &body);
    journal_body(w, ENTRY_CATALOGUE, &body);
}

static void world_apply_plan(struct world *w)
{
    struct buf body = {0};
    wire_pack_plan(&w->file.plan, &body);
    journal_body(w, ENTRY_PLAN, &body);
}

/* Registers somebody who may speak for these units, as they are on `scopes_on` (0: ever), on behalf
 * of the source. */
static uint32_t world_apply_producer(struct world *w, const char *name, const char *source,
                                     const char *const *scopes, unsigned count, day_t scopes_on)
{
    struct producer_change c = {.kind = PRODUCER_SET};
    struct producer *p = &c.producer;
    struct buf body = {0};
    ck_assert(ident_set(&p->name, slice_str(name)) && ident_set(&p->source, slice_str(source)));
    for (unsigned i = 0; i < count; i++)
        ck_assert(ident_set(&p->scopes[p->scope_count++], slice_str(scopes[i])));
    p->roles = ROLE_SUBMIT;
    p->scopes_on = scopes_on;
    wire_pack_producer_change(&c, &body);
    journal_body(w, ENTRY_PRODUCER, &body);
    return registry_producer_find(ledger_registry(w->ledger), slice_str(name));
}

/* For each source of the plan an office that speaks for the provinces, under the source's name. */
static void world_apply_offices(struct world *w, const char *const *provinces, unsigned count)
{
    for (unsigned i = 0; i < w->file.plan.source_count; i++) {
        const char *source = w->file.plan.sources[i].id.text;
        world_apply_producer(w, source, source, provinces, count, 0);
    }
}

/* The officer of a commune of 1 July 2025. */
static uint32_t world_apply_officer(struct world *w, const char *commune)
{
    return world_apply_producer(w, commune, "khuyenhoc", &commune, 1, day("2025-07-01"));
}

static void world_set_time(struct world *w, const char *on)
{
    w->time_ms = day_start_ms(day(on)) + 12 * 3600 * 1000;
}

static void world_open(struct world *w, const char *plan, const char *units)
{
    char path[PATH_BYTES];
    struct err e = {0};
    memset(w, 0, sizeof *w);
    row_count = handover_count = figure_count = 0;
    read_csv(units, 8, take_row);
    read_csv("units/successions.csv", 6, take_handover);
    if (plan_file_load(source_path(plan, path), &w->file, &e) != 0)
        ck_abort_msg("%s", e.text);
    arena_init(&w->arena, 0);
    w->store = memkv_create(LEDGER_TABLE_COUNT);
    struct kv *kv = memkv_begin(w->store, true);
    ck_assert_int_eq(ledger_open(&w->ledger, kv, &wire_codec, &e), 0);
    ck_assert_int_eq(memkv_commit(&kv, &e), 0);
    world_set_time(w, "2024-06-30");
    journal(w, (struct entry){.kind = ENTRY_GENESIS});
}

/* Hải Phòng and Hải Dương with the units known on that day. */
static void world_open_haiphong(struct world *w, day_t known)
{
    static const char *const provinces[] = {"30", "31"};
    world_open(w, "plans/haiphong-2024.yaml", "units/haiphong.csv");
    world_apply_units(w, known);
    world_apply_plan(w);
    world_apply_offices(w, provinces, 2);
}

static void world_close(struct world *w)
{
    ledger_close(w->ledger);
    memkv_destroy(w->store);
    arena_fini(&w->arena);
    plan_file_fini(&w->file);
}

static uint32_t world_indicator(const struct world *w, const char *id)
{
    uint32_t found = registry_indicator_find(ledger_registry(w->ledger), slice_str(id));
    ck_assert_msg(found != REGISTRY_NONE, "the plan has no indicator %s", id);
    return found;
}

static uint32_t world_code(const struct world *w, const char *code)
{
    return catalogue_code_find(registry_catalogue(ledger_registry(w->ledger)), slice_str(code));
}

/* ---- figures ---- */

static void say(const char *indicator, const char *code, const char *on, int64_t value)
{
    ck_assert_uint_lt(figure_count, FIGURES_MAX);
    struct figure *f = &figures[figure_count++];
    *f = (struct figure){.indicator = indicator, .day = day(on), .value = value};
    snprintf(f->code, sizeof f->code, "%s", code);
}

/* Every `step`th unit of the level below a code, beginning with the one numbered `first`. */
static void say_many(const char *indicator, const char *code, int level, const char *on,
                     unsigned first, unsigned step)
{
    unsigned number = 0;
    day_t at = day(on);
    for (int i = next_unit(0, code, level, at); i >= 0; i = next_unit(i + 1, code, level, at))
        if (number++ % step == first)
            say(indicator, rows[i].code, on, 1 + (at * 37 + atoi(rows[i].code)) % 997);
}

/* The figures from the one numbered `first` on, all of one indicator, as a batch. A unit stands in
 * the dictionary once for each of its rows: nothing asks for fewer. */
static struct batch pack_figures(struct world *w, size_t first)
{
    uint32_t count = (uint32_t)(figure_count - first);
    struct batch b = {.reported_at_ms = w->time_ms,
                      .unit_count = count,
                      .indicator_count = 1,
                      .row_count = count,
                      .units = arena_alloc(&w->arena, count * sizeof *b.units),
                      .indicators = arena_alloc(&w->arena, sizeof *b.indicators),
                      .unit_refs = arena_alloc(&w->arena, count * sizeof *b.unit_refs),
                      .indicator_refs = arena_alloc(&w->arena, count * sizeof *b.indicator_refs),
                      .days = arena_alloc(&w->arena, count * sizeof *b.days),
                      .values = arena_alloc(&w->arena, count * sizeof *b.values)};
    b.indicators[0] = slice_str(figures[first].indicator);
    for (uint32_t i = 0; i < count; i++) {
        struct figure *f = &figures[first + i];
        ck_assert_str_eq(f->indicator, figures[first].indicator);
        f->sent = true;
        b.units[i] = slice_str(f->code);
        b.unit_refs[i] = i;
        b.indicator_refs[i] = 0;
        b.days[i] = f->day;
        b.values[i] = f->value;
    }
    return b;
}

static uint32_t judge(struct world *w, uint32_t producer, const struct batch *b,
                      struct row_refusal **refused)
{
    struct intake in = {.registry = ledger_registry(w->ledger),
                        .producer = producer,
                        .time_ms = w->time_ms,
                        .arena = &w->arena};
    ck_assert_int_eq(intake_judge_batch(&in, b), REFUSAL_NONE);
    return intake_judge_rows(&in, b, refused);
}

/* Sends what was said, by the office whose source is the one of record; the collector must take all
 * of it. */
static void send_figures(struct world *w)
{
    size_t first = figure_count;
    struct row_refusal *refused;
    struct buf body = {0};
    while (first > 0 && !figures[first - 1].sent)
        first--;
    if (first == figure_count)
        return;
    const struct registry *r = ledger_registry(w->ledger);
    struct batch b = pack_figures(w, first);
    const struct indicator *def =
        registry_indicator(r, world_indicator(w, figures[first].indicator));
    uint32_t producer = registry_producer_find(r, ident_slice(&def->records[0].source));
    if (judge(w, producer, &b, &refused) > 0)
        ck_abort_msg("%s of %s: %s", figures[first].indicator, figures[first + refused->row].code,
                     refusal_name((enum refusal)refused->code));
    wire_pack_batch(&b, &body);
    journal(w, (struct entry){.kind = ENTRY_BATCH,
                              .producer = producer,
                              .number = w->entries,
                              .reported_at_ms = w->time_ms,
                              .body = buf_slice(&body),
                              .first_row = w->next_row,
                              .row_count = b.row_count});
    w->next_row += b.row_count;
    w->time_ms += 60 * 1000;
    buf_fini(&body);
}

/* ---- questions ---- */

static int ask(struct world *w, const char *indicator, const char *code, day_t first, day_t last,
               struct ledger_value *out)
{
    struct ledger_question q = {.indicator = world_indicator(w, indicator),
                                .code = world_code(w, code),
                                .first = first,
                                .last = last,
                                .source = REGISTRY_NONE};
    memset(out, 0, sizeof *out);
    struct kv *kv = memkv_begin(w->store, false);
    int rc = ledger_query(w->ledger, kv, &q, out, NULL);
    memkv_abort(&kv);
    return rc;
}

static const char *answer_text(int rc, const struct ledger_value *v, char out[128])
{
    if (rc != 0)
        snprintf(out, 128, "%s", err_name(rc));
    else if (!v->has_value)
        snprintf(out, 128, "no value");
    else
        snprintf(out, 128, "%" PRId64 " of %u figures", v->value, v->figures);
    return out;
}

static void expect_answer(const char *indicator, const char *code, day_t on, struct sum expected,
                          int rc, const struct ledger_value *got)
{
    char text[128], name[DAY_TEXT_BYTES];
    if (rc == 0 && got->has_value == (expected.figures > 0) && got->value == expected.value &&
        got->figures == expected.figures)
        return;
    ck_abort_msg("%s of %s on %s: expected %" PRId64 " of %u figures, got %s", indicator, code,
                 day_format(on, name), expected.value, expected.figures,
                 answer_text(rc, got, text));
}

/* `value` of `count` figures; 0 of 0: nothing. */
static void expect(struct world *w, const char *indicator, const char *code, const char *on,
                   int64_t value, unsigned count)
{
    struct ledger_value got;
    int rc = ask(w, indicator, code, day(on), day(on), &got);
    expect_answer(indicator, code, day(on), (struct sum){value, count}, rc, &got);
}

static void expect_nobody(struct world *w, const char *indicator, const char *code, const char *on)
{
    struct ledger_value got;
    char text[128];
    int rc = ask(w, indicator, code, day(on), day(on), &got);
    ck_assert_msg(rc == ERR_NOT_FOUND, "%s on %s: no unit bears the code, got %s", code, on,
                  answer_text(rc, &got, text));
}

/* Every unit of the files on that day, and every code that no unit bears then. */
static void expect_stocks(struct world *w, const char *indicator, day_t on)
{
    static struct sum expected[ROWS_MAX];
    struct ledger_value got;
    stocks_on(indicator, on, expected);
    for (size_t i = 0; i < row_count; i++) {
        int rc = ask(w, indicator, rows[i].code, on, on, &got);
        if (rows[i].from <= on && on <= rows[i].to)
            expect_answer(indicator, rows[i].code, on, expected[i], rc, &got);
        else if (row_on(rows[i].code, on) < 0)
            ck_assert_msg(rc == ERR_NOT_FOUND, "%s, which no unit bears, has an answer",
                          rows[i].code);
    }
}

static struct sum total_on(const char *indicator, const char *code, const char *on)
{
    static struct sum all[ROWS_MAX];
    stocks_on(indicator, day(on), all);
    int row = row_on(code, day(on));
    ck_assert_int_ge(row, 0);
    return all[row];
}

/* ---- the past stays what it was ---- */

static const char *const watched[] = {
    "2024-09-03", "2024-09-04", "2024-09-05", "2024-10-04", "2024-10-05", "2024-12-30",
    "2024-12-31", "2025-01-01", "2025-01-02", "2025-01-14", "2025-01-15", "2025-03-10",
    "2025-06-29", "2025-06-30", "2025-07-01", "2025-07-02", "2025-07-10", "2025-07-11",
};
enum { WATCHED = sizeof watched / sizeof *watched };

struct remembered {
    int rc;
    struct ledger_value value;
};
static struct remembered memory[WATCHED][ROWS_MAX];

static bool same_answer(const struct remembered *a, const struct remembered *b)
{
    const struct ledger_value *x = &a->value, *y = &b->value;
    return a->rc == b->rc && x->has_value == y->has_value && x->value == y->value &&
           x->figures == y->figures && x->owed == y->owed && x->reported == y->reported &&
           x->on_time == y->on_time && x->source == y->source;
}

/* Asks every code on every watched day up to `last`; compares with what was answered before. */
static void remember(struct world *w, const char *last, bool compare)
{
    char before[128], after[128];
    for (size_t d = 0; d < WATCHED && day(watched[d]) <= day(last); d++)
        for (size_t i = 0; i < row_count; i++) {
            struct remembered now;
            day_t on = day(watched[d]);
            now.rc = ask(w, "cdht.dangky", rows[i].code, on, on, &now.value);
            struct remembered *then = &memory[d][i];
            if (compare && !same_answer(then, &now))
                ck_abort_msg("%s on %s was %s, is now %s", rows[i].code, watched[d],
                             answer_text(then->rc, &then->value, before),
                             answer_text(now.rc, &now.value, after));
            *then = now;
        }
}

static void expect_watched(struct world *w, const char *last)
{
    for (size_t d = 0; d < WATCHED && day(watched[d]) <= day(last); d++)
        expect_stocks(w, "cdht.dangky", day(watched[d]));
}

static void say_leaves(const char *on, unsigned first, unsigned step)
{
    say_many("cdht.dangky", "31", LEAVES, on, first, step);
    say_many("cdht.dangky", "30", LEAVES, on, first, step);
}

START_TEST(all_changes_of_the_tree_are_watched)
{
    struct world w;
    world_open(&w, "plans/haiphong-2024.yaml", "units/haiphong.csv");
    for (size_t i = 0; i < row_count; i++) {
        char name[DAY_TEXT_BYTES];
        day_t from = rows[i].from;
        if (from > day(watched[0]) && from != day("2025-01-01") && from != day("2025-07-01"))
            ck_abort_msg("%s changes on %s: watch the days around it", rows[i].code,
                         day_format(from, name));
    }
    world_close(&w);
}
END_TEST

/* The catalogue comes after the change it tells of, as it does in life. */
START_TEST(the_past_of_hai_phong_is_the_same_before_and_after_each_change)
{
    struct world w;
    world_open_haiphong(&w, day("2024-12-31"));
    world_set_time(&w, "2025-01-08");
    say_leaves("2024-09-04", 0, 1);
    say_leaves("2024-09-05", 0, 3);
    say_leaves("2024-10-05", 1, 3);
    say_leaves("2024-12-31", 2, 5);
    send_figures(&w);
    expect_watched(&w, "2024-12-31");
    remember(&w, "2024-12-31", false);

    world_apply_units(&w, day("2025-06-30"));
    remember(&w, "2024-12-31", true);
    expect_watched(&w, "2025-01-14");

    world_set_time(&w, "2025-07-08");
    say_leaves("2025-01-15", 0, 3);
    say_leaves("2025-03-10", 1, 2);
    say_leaves("2025-06-30", 2, 4);
    say_leaves("2024-12-31", 1, 7); /* corrections of the year before */
    send_figures(&w);
    expect_watched(&w, "2025-06-30");
    remember(&w, "2025-06-30", false);

    world_apply_units(&w, DAY_NEVER);
    remember(&w, "2025-06-30", true);
    expect_watched(&w, "2025-07-02");

    world_set_time(&w, "2025-07-20");
    say_leaves("2025-07-10", 0, 3);
    send_figures(&w);
    remember(&w, "2025-06-30", true);
    expect_watched(&w, "2025-07-11");
    world_close(&w);
}
END_TEST

struct excluded {
    const struct world *world;
    unsigned count;
    int64_t sum;
};

static void take_excluded(void *arg, uint32_t indicator, uint32_t code, day_t on, uint32_t source,
                          int64_t value)
{
    struct excluded *x = arg;
    (void)indicator, (void)source;
    ck_assert_uint_eq(code, world_code(x->world, "11347"));
    ck_assert_int_eq(on, day("2025-01-03"));
    x->count++;
    x->sum += value;
}

static struct excluded list_excluded(struct world *w)
{
    struct excluded x = {.world = w};
    struct kv *kv = memkv_begin(w->store, false);
    ledger_visit_excluded(w->ledger, kv, take_excluded, &x);
    memkv_abort(&kv);
    return x;
}

/* 11347 reported for 3 January, before anybody had told the system that it ended with the year. */
START_TEST(a_figure_that_the_late_history_leaves_without_a_unit_is_listed_not_summed)
{
    struct world w;
    world_open_haiphong(&w, day("2024-12-31"));
    world_set_time(&w, "2025-01-08");
    say("cdht.dangky", "11347", "2024-12-20", 20);
    say("cdht.dangky", "11347", "2025-01-03", 25);
    send_figures(&w);
    expect(&w, "cdht.dangky", "304", "2025-01-03", 25, 1);
    ck_assert_uint_eq(list_excluded(&w).count, 0);

    world_apply_units(&w, DAY_NEVER);
    expect(&w, "cdht.dangky", "304", "2025-01-03", 20, 1);
    expect(&w, "cdht.dangky", "11341", "2025-01-03", 20, 1);
    expect(&w, "cdht.dangky", "31", "2025-01-03", 20, 1);
    struct excluded x = list_excluded(&w);
    ck_assert_uint_eq(x.count, 1);
    ck_assert_int_eq(x.sum, 25);
    world_close(&w);
}
END_TEST

/* ---- 1 January 2025 ---- */

START_TEST(three_communes_take_their_stock_from_312_to_303_on_the_day)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-03-01");
    say("cdht.dangky", "11587", "2024-10-05", 7);
    say("cdht.dangky", "11599", "2024-10-05", 70);
    say("cdht.dangky", "11602", "2024-10-05", 700);
    send_figures(&w);
    expect(&w, "cdht.dangky", "312", "2024-10-04", 0, 0);
    expect(&w, "cdht.dangky", "312", "2024-12-31", 777, 3);
    expect(&w, "cdht.dangky", "303", "2024-12-31", 0, 0);
    expect(&w, "cdht.dangky", "312", "2025-01-01", 0, 0);
    expect(&w, "cdht.dangky", "303", "2025-01-01", 777, 3);
    expect(&w, "cdht.dangky", "303", "2025-01-02", 777, 3);
    expect(&w, "cdht.dangky", "31", "2024-12-31", 777, 3);
    expect(&w, "cdht.dangky", "31", "2025-01-01", 777, 3);

    say("cdht.dangky", "11599", "2024-12-31", 80); /* a late correction moves as well */
    say("cdht.dangky", "11602", "2025-01-01", 701);
    send_figures(&w);
    expect(&w, "cdht.dangky", "312", "2024-12-30", 777, 3);
    expect(&w, "cdht.dangky", "312", "2024-12-31", 787, 3);
    expect(&w, "cdht.dangky", "312", "2025-01-01", 0, 0);
    expect(&w, "cdht.dangky", "303", "2025-01-01", 788, 3);
    world_close(&w);
}
END_TEST

static const char *unit_name(const struct world *w, const char *code, const char *on)
{
    const struct catalogue *c = registry_catalogue(ledger_registry(w->ledger));
    uint32_t unit = catalogue_unit_on(c, world_code(w, code), day(on));
    ck_assert_uint_ne(unit, CATALOGUE_NONE);
    return catalogue_span_on(c, unit, day(on))->name;
}

/* 11332 Máy Tơ, 11341 Lạc Viên and 11347 Gia Viên became 11341 Gia Viên. */
START_TEST(the_new_gia_vien_holds_the_sum_until_its_own_first_figure)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-03-01");
    ck_assert_str_eq(unit_name(&w, "11341", "2024-12-31"), "Phường Lạc Viên");
    ck_assert_str_eq(unit_name(&w, "11341", "2025-01-01"), "Phường Gia Viên");
    say("cdht.dangky", "11332", "2024-10-05", 3);
    say("cdht.dangky", "11341", "2024-10-05", 100);
    say("cdht.dangky", "11347", "2024-10-05", 20);
    send_figures(&w);
    expect(&w, "cdht.dangky", "11341", "2024-12-31", 100, 1);
    expect(&w, "cdht.dangky", "11347", "2024-12-31", 20, 1);
    expect(&w, "cdht.dangky", "11341", "2025-01-01", 123, 3);
    expect_nobody(&w, "cdht.dangky", "11347", "2025-01-01");
    expect_nobody(&w, "cdht.dangky", "11332", "2025-01-01");

    say("cdht.dangky", "11341", "2025-01-20", 130);
    send_figures(&w);
    expect(&w, "cdht.dangky", "11341", "2025-01-19", 123, 3);
    expect(&w, "cdht.dangky", "11341", "2025-01-20", 130, 1);
    expect(&w, "cdht.dangky", "304", "2025-01-19", 123, 3);
    expect(&w, "cdht.dangky", "304", "2025-01-20", 130, 1);

    say("cdht.dangky", "11341", "2024-12-25", 110); /* Lạc Viên's, though it comes in March 2025 */
    send_figures(&w);
    expect(&w, "cdht.dangky", "11341", "2024-12-24", 100, 1);
    expect(&w, "cdht.dangky", "11341", "2024-12-31", 110, 1);
    expect(&w, "cdht.dangky", "11341", "2025-01-19", 133, 3);
    expect(&w, "cdht.dangky", "11341", "2025-01-20", 130, 1);
    expect(&w, "cdht.dangky", "31", "2025-01-20", 130, 1);
    world_close(&w);
}
END_TEST

/* ---- 1 July 2025 ---- */

static bool has_heir(const char *code, day_t on)
{
    for (size_t i = 0; i < handover_count; i++)
        if (handovers[i].on == on && handovers[i].people == 'a' &&
            strcmp(handovers[i].before, code) == 0)
            return true;
    return false;
}

static void expect_no_districts(struct world *w, const char *indicator)
{
    struct ledger_value got;
    unsigned count = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].level != DISTRICT || rows[i].to != day("2025-06-30"))
            continue;
        count++;
        ck_assert_int_eq(ask(w, indicator, rows[i].code, rows[i].to, rows[i].to, &got), 0);
        expect_nobody(w, indicator, rows[i].code, "2025-07-01");
    }
    ck_assert_uint_eq(count, count_units("31", DISTRICT, day("2025-06-30")) +
                                 count_units("30", DISTRICT, day("2025-06-30")));
}

START_TEST(the_province_keeps_what_goes_whole_to_an_heir_when_districts_end)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-07-08");
    unsigned count = 0, value = 0;
    day_t last = day("2025-06-30");
    for (int i = next_unit(0, "31", LEAVES, last); i >= 0; i = next_unit(i + 1, "31", LEAVES, last))
        if (has_heir(rows[i].code, last + 1)) {
            say("cdht.dangky", rows[i].code, "2025-06-30", 1 + i);
            value += 1 + (unsigned)i;
            count++;
        }
    ck_assert_uint_gt(count, 100);
    send_figures(&w);
    expect(&w, "cdht.dangky", "31", "2025-06-30", value, count);
    expect(&w, "cdht.dangky", "31", "2025-07-01", value, count);
    expect_no_districts(&w, "cdht.dangky");
    expect_stocks(&w, "cdht.dangky", last + 1);
    world_close(&w);
}
END_TEST

/* Whose people were divided hands nothing over until somebody decides. */
START_TEST(what_a_divided_commune_had_ends_with_it)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-07-08");
    say_leaves("2025-06-30", 0, 1);
    send_figures(&w);
    struct sum before = total_on("cdht.dangky", "31", "2025-06-30");
    struct sum joined = total_on("cdht.dangky", "30", "2025-06-30");
    struct sum ended = {0};
    for (size_t i = 0; i < figure_count; i++)
        if (!has_heir(figures[i].code, day("2025-07-01"))) {
            ended.value += figures[i].value;
            ended.figures++;
        }
    ck_assert_uint_gt(ended.figures, 0);
    expect(&w, "cdht.dangky", "31", "2025-06-30", before.value, before.figures);
    expect(&w, "cdht.dangky", "31", "2025-07-01", before.value + joined.value - ended.value,
           before.figures + joined.figures - ended.figures);
    expect_no_districts(&w, "cdht.dangky");
    expect_nobody(&w, "cdht.dangky", "30", "2025-07-01");
    expect_stocks(&w, "cdht.dangky", day("2025-07-01"));
    world_close(&w);
}
END_TEST

/* 11341 Gia Viên was divided between 11329 Ngô Quyền and 11359, the next Gia Viên. */
START_TEST(a_recorded_decision_hands_over_what_a_divided_commune_had)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-07-08");
    say("cdht.dangky", "11341", "2025-06-30", 41);
    send_figures(&w);
    expect(&w, "cdht.dangky", "31", "2025-06-30", 41, 1);
    expect(&w, "cdht.dangky", "31", "2025-07-01", 0, 0);

    for (uint32_t i = 0; i < w.file.catalogue.succession_count; i++) {
        struct succession *s = &w.file.catalogue.successions[i];
        if (s->on == day("2025-07-01") && strcmp(s->old_code.text, "11341") == 0 &&
            strcmp(s->new_code.text, "11359") == 0)
            s->people = PEOPLE_ALL;
    }
    world_apply_units(&w, DAY_NEVER);
    expect(&w, "cdht.dangky", "31", "2025-06-30", 41, 1);
    expect(&w, "cdht.dangky", "31", "2025-07-01", 41, 1);
    expect(&w, "cdht.dangky", "11359", "2025-07-01", 41, 1);
    expect(&w, "cdht.dangky", "11329", "2025-07-01", 0, 0);
    world_close(&w);
}
END_TEST

/* Districts report the population: the island district alone has an heir, 11948. */
START_TEST(what_districts_reported_themselves_ends_with_them)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-07-08");
    say_many("danso", "31", DISTRICT, "2024-12-31", 0, 1);
    send_figures(&w);
    ck_assert_uint_eq(figure_count, 15);
    int64_t all = 0, island = 0;
    for (size_t i = 0; i < figure_count; i++) {
        all += figures[i].value;
        if (strcmp(figures[i].code, "318") == 0)
            island = figures[i].value;
    }
    expect(&w, "danso", "31", "2025-06-30", all, 15);
    expect(&w, "danso", "31", "2025-07-01", island, 1);
    expect(&w, "danso", "11948", "2025-07-01", island, 1);
    expect_no_districts(&w, "danso");
    world_close(&w);
}
END_TEST

/* Each level counts its own: the province's goes to the new province, the communes' to theirs. */
START_TEST(what_each_level_reported_goes_its_own_way)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-07-08");
    say("coquan.tongso", "31", "2024-12-31", 1000);
    say("coquan.tongso", "30", "2024-12-31", 200);
    say("coquan.tongso", "303", "2024-12-31", 30);
    say("coquan.tongso", "11311", "2024-12-31", 4);
    send_figures(&w);
    expect(&w, "coquan.tongso", "31", "2025-06-30", 1034, 3);
    expect(&w, "coquan.tongso", "303", "2025-06-30", 34, 2);
    expect(&w, "coquan.tongso", "31", "2025-07-01", 1204, 3);
    expect(&w, "coquan.tongso", "11311", "2025-07-01", 4, 1);
    for (size_t d = 0; d < WATCHED; d++)
        expect_stocks(&w, "coquan.tongso", day(watched[d]));
    world_close(&w);
}
END_TEST

/* ---- who may speak of whom ---- */

/* Is the unit bearing `code` on that day the officer's unit of 1 July 2025, or did it come from it,
 * however long ago? Land alone makes no predecessor. */
static bool came_from(const char *officer, day_t officer_on, const char *code, day_t on)
{
    int row = row_on(officer, officer_on);
    if (strcmp(officer, code) == 0 && on >= unit_begins(row) && on <= officer_on)
        return true;
    day_t begins = unit_begins(row);
    for (size_t i = 0; i < handover_count; i++) {
        const struct handover *h = &handovers[i];
        if (h->people != 'n' && strcmp(h->after, officer) == 0 && h->on >= begins &&
            h->on <= officer_on && came_from(h->before, h->on - 1, code, on))
            return true;
    }
    return false;
}

/* One figure of every leaf of both old provinces, and of the new one, on four days. */
static void say_everywhere(void)
{
    static const char *const days[] = {"2024-09-05", "2024-12-31", "2025-03-01", "2025-07-01"};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        say_many("cdht.dangky", "31", LEAVES, days[i], 0, 1);
        if (row_on("30", day(days[i])) >= 0)
            say_many("cdht.dangky", "30", LEAVES, days[i], 0, 1);
    }
}

/* What the collector says to each row must be what the files say; how many it takes. */
static unsigned expect_verdicts(struct world *w, uint32_t officer, const char *commune)
{
    struct row_refusal *refused;
    struct batch b = pack_figures(w, 0);
    uint32_t count = judge(w, officer, &b, &refused), at = 0;
    for (uint32_t i = 0; i < b.row_count; i++) {
        enum refusal got = REFUSAL_NONE;
        if (at < count && refused[at].row == i)
            got = (enum refusal)refused[at++].code;
        bool own = came_from(commune, day("2025-07-01"), figures[i].code, figures[i].day);
        char name[DAY_TEXT_BYTES];
        if (got != (own ? REFUSAL_NONE : REFUSAL_OUT_OF_SCOPE))
            ck_abort_msg("the officer of %s speaks of %s on %s: %s, expected %s", commune,
                         figures[i].code, day_format(figures[i].day, name), refusal_name(got),
                         own ? "accepted" : "out of scope");
    }
    return b.row_count - count;
}

START_TEST(each_new_officer_corrects_the_predecessors_and_no_neighbour)
{
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    world_set_time(&w, "2025-07-08");
    say_everywhere();
    day_t on = day("2025-07-01");
    unsigned officers = 0;
    for (int i = next_unit(0, "31", COMMUNE, on); i >= 0;
         i = next_unit(i + 1, "31", COMMUNE, on), officers++) {
        uint32_t officer = world_apply_officer(&w, rows[i].code);
        ck_assert_uint_gt(expect_verdicts(&w, officer, rows[i].code), 1);
    }
    ck_assert_uint_eq(officers, 114);
    world_close(&w);
}
END_TEST

/* The same by name, for people: 11341 was divided between 11329 and 11359, and gave 11311 land. */
START_TEST(the_officer_of_ngo_quyen_corrects_gia_vien_of_2024)
{
    static const struct {
        const char *reason;
        const char *officer;
        const char *code;
        const char *on;
        bool may;
    } cases[] = {
        {"its own unit", "11329", "11329", "2025-07-01", true},
        {"its own code, the unit before", "11329", "11329", "2025-06-30", true},
        {"divided, one part came here", "11329", "11341", "2025-06-30", true},
        {"the same, half a year earlier under another name", "11329", "11341", "2024-12-31", true},
        {"what had gone into that one", "11329", "11347", "2024-12-31", true},
        {"the other heir of the divided one", "11359", "11347", "2024-12-31", true},
        {"its neighbour of today", "11329", "11359", "2025-07-01", false},
        {"its neighbour of then", "11329", "11311", "2024-12-31", false},
        {"land came, people did not", "11311", "11341", "2025-06-30", false},
        {"the island's special zone, the island district", "11948", "318", "2024-09-05", true},
        {"the island, a commune of the mainland", "11948", "11341", "2024-12-31", false},
    };
    struct world w;
    world_open_haiphong(&w, DAY_NEVER);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t officer = world_apply_officer(&w, cases[i].officer);
        const struct registry *r = ledger_registry(w.ledger);
        uint32_t unit = catalogue_unit_on(registry_catalogue(r), world_code(&w, cases[i].code),
                                          day(cases[i].on));
        ck_assert_msg(registry_covers(r, officer, unit, day(cases[i].on)) == cases[i].may,
                      "%s: %s of %s on %s", cases[i].reason, cases[i].officer, cases[i].code,
                      cases[i].on);
    }
    world_close(&w);
}
END_TEST

/* ---- who owes ---- */

/* The plan's duty ends in October 2024; its second version goes on. */
static void amend_duties(struct world *w, const char *to)
{
    w->file.plan.version++;
    w->file.plan.to = day(to);
    for (unsigned i = 0; i < w->file.plan.duty_count; i++)
        w->file.plan.duties[i].to = day(to);
    world_apply_plan(w);
}

START_TEST(as_many_units_owe_as_there_are_leaves)
{
    static const struct {
        const char *on;
        unsigned communes;
        unsigned leaves; /* the island district besides; since July it is a commune */
    } cases[] = {
        {"2024-09-05", 217, 218}, {"2024-12-31", 217, 218}, {"2025-01-01", 167, 168},
        {"2025-03-01", 167, 168}, {"2025-06-30", 167, 168}, {"2025-07-01", 114, 114},
    };
    struct world w;
    struct ledger_value got;
    world_open_haiphong(&w, DAY_NEVER);
    ck_assert_int_eq(ask(&w, "cdht.dangky", "31", day("2025-03-01"), day("2025-03-01"), &got), 0);
    ck_assert_uint_eq(got.owed, 0);
    amend_duties(&w, "2025-12-31");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        day_t on = day(cases[i].on);
        ck_assert_uint_eq(count_units("31", COMMUNE, on), cases[i].communes);
        ck_assert_uint_eq(count_units("31", LEAVES, on), cases[i].leaves);
        ck_assert_int_eq(ask(&w, "cdht.dangky", "31", on, on, &got), 0);
        ck_assert_msg(got.owed == cases[i].leaves, "%s: %u owe, expected %u", cases[i].on, got.owed,
                      cases[i].leaves);
    }
    world_close(&w);
}
END_TEST

START_TEST(coverage_counts_the_leaves_of_each_day)
{
    struct world w;
    struct ledger_value got;
    world_open_haiphong(&w, DAY_NEVER);
    amend_duties(&w, "2025-12-31");
    world_set_time(&w, "2024-09-06");
    say_many("cdht.dangky", "31", LEAVES, "2024-09-05", 0, 1);
    send_figures(&w);
    ck_assert_int_eq(ask(&w, "cdht.dangky", "31", day("2024-09-05"), day("2024-09-05"), &got), 0);
    ck_assert_uint_eq(got.owed, 218);
    ck_assert_uint_eq(got.reported, 218);
    ck_assert_uint_eq(got.on_time, 218);
    world_set_time(&w, "2025-03-05");
    say_many("cdht.dangky", "31", COMMUNE, "2025-03-01", 0, 1);
    send_figures(&w);
    ck_assert_int_eq(ask(&w, "cdht.dangky", "31", day("2025-03-01"), day("2025-03-01"), &got), 0);
    ck_assert_uint_eq(got.owed, 168);
    ck_assert_uint_eq(got.reported, 167);
    ck_assert_uint_eq(got.on_time, 0);
    world_close(&w);
}
END_TEST

/* ---- Sóc Trăng ---- */

static const char *const months[] = {
    "2025-01-14", "2025-02-14", "2025-03-14", "2025-04-14", "2025-05-14", "2025-06-14",
    "2025-07-14", "2025-08-14", "2025-09-14", "2025-10-14", "2025-11-14", "2025-12-14",
};
enum { MONTHS = 12, MONTHS_OF_94 = 6 };

/* 108 communes until June; of the 103 of the new Cần Thơ, the 43 that came from them. */
static bool was_soctrang(int row)
{
    for (size_t i = 0; i < handover_count; i++) {
        const struct handover *h = &handovers[i];
        if (h->on != day("2025-07-01") || strcmp(h->after, rows[row].code) != 0)
            continue;
        int before = row_on(h->before, h->on - 1);
        if (h->people != 'n' && before >= 0 && is_below(before, "94", h->on - 1))
            return true;
    }
    /* a commune that only changed its province is the same unit, and handed nothing over */
    int before = row_on(rows[row].code, day("2025-06-30"));
    return unit_begins(row) < day("2025-07-01") && before >= 0 &&
           is_below(before, "94", day("2025-06-30"));
}

static unsigned say_new_members(const char *on)
{
    unsigned count = 0;
    const char *province = day(on) < day("2025-07-01") ? "94" : "92";
    for (int i = next_unit(0, province, COMMUNE, day(on)); i >= 0;
         i = next_unit(i + 1, province, COMMUNE, day(on)))
        if (province[1] == '4' || was_soctrang(i)) {
            say("hoivien.moi", rows[i].code, on, 1 + (day(on) + i) % 50);
            count++;
        }
    return count;
}

/* As the plan file says in its last comment: each commune owes each month. */
static void switch_on_duties(struct world *w)
{
    static struct duty duty;
    duty = (struct duty){.from = day("2025-01-14"), .to = day("2025-12-14"), .due_days = 6};
    ck_assert(ident_set(&duty.indicator, slice_str("hoivien.moi")));
    w->file.plan.duties = &duty;
    w->file.plan.duty_count = 1;
}

static void world_open_soctrang(struct world *w, day_t known)
{
    static const char *const provinces[] = {"92", "93", "94"};
    world_open(w, "plans/soctrang-2025.yaml", "units/cantho.csv");
    /* quarters of 2024 as well, for the change of 1 September */
    for (unsigned i = 0; i < w->file.plan.indicator_count; i++)
        if (w->file.plan.indicators[i].kind == INDICATOR_STOCK)
            w->file.plan.indicators[i].records[0].from = day("2024-06-14");
    switch_on_duties(w);
    world_apply_units(w, known);
    world_apply_plan(w);
    world_apply_offices(w, provinces, 3);
}

static void expect_flow(struct world *w, const char *code, const char *first, const char *last,
                        struct sum expected)
{
    struct ledger_value got;
    int rc = ask(w, "hoivien.moi", code, day(first), day(last), &got);
    expect_answer("hoivien.moi", code, day(last), expected, rc, &got);
}

static struct sum expected_flow(const char *code, const char *first, const char *last)
{
    return flow_between("hoivien.moi", code, day(first), day(last));
}

static void expect_month(struct world *w, unsigned m)
{
    static const char *const roots[] = {"92", "93", "94", "941", "942", "31522", "31528"};
    struct ledger_value got;
    struct period month;
    day_t last = day(months[m]);
    ck_assert(period_ending(PERIOD_MONTH, CALENDAR_ADMINISTRATIVE, last, &month));
    ck_assert_int_eq(month.first, m == 0 ? day("2024-12-15") : day(months[m - 1]) + 1);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        int rc = ask(w, "hoivien.moi", roots[i], month.first, last, &got);
        if (row_on(roots[i], last) < 0)
            ck_assert_int_eq(rc, ERR_NOT_FOUND);
        else
            expect_answer("hoivien.moi", roots[i], last,
                          flow_between("hoivien.moi", roots[i], month.first, last), rc, &got);
    }
}

/* The year straddles 1 July: the first six administrative months are the old communes', under 94;
 * that of 15 June to 14 July is reported by those in force on its last day, under 92. */
START_TEST(new_members_of_the_year_are_those_of_the_units_then_in_force)
{
    struct world w;
    world_open_soctrang(&w, DAY_NEVER);
    world_set_time(&w, "2025-12-20");
    for (unsigned m = 0; m < MONTHS; m++)
        ck_assert_uint_eq(say_new_members(months[m]), m < MONTHS_OF_94 ? 108 : 43);
    send_figures(&w);
    for (unsigned m = 0; m < MONTHS; m++)
        expect_month(&w, m);
    struct sum before = expected_flow("94", "2024-12-15", "2025-06-30");
    struct sum after = expected_flow("92", "2025-07-01", "2025-12-14");
    ck_assert_uint_eq(before.figures, MONTHS_OF_94 * 108);
    ck_assert_uint_eq(after.figures, (MONTHS - MONTHS_OF_94) * 43);
    expect_flow(&w, "94", "2024-12-15", "2025-06-30", before);
    expect_flow(&w, "92", "2024-12-15", "2025-12-14", after);
    expect_nobody(&w, "hoivien.moi", "94", "2025-07-01");
    int64_t all = 0;
    for (size_t i = 0; i < figure_count; i++)
        all += figures[i].value;
    ck_assert_int_eq(before.value + after.value, all);
    world_close(&w);
}
END_TEST

START_TEST(communes_owe_the_administrative_month_that_ends_in_their_life)
{
    static const struct {
        const char *code;
        const char *month;
        unsigned owed;
    } cases[] = {
        {"94", "2025-06-14", 108},
        {"92", "2025-07-14", 103}, /* a plan's root does not narrow who owes */
        {"31522", "2025-06-14", 1},
        {"941", "2025-06-14", 9},
    };
    struct world w;
    struct ledger_value got;
    world_open_soctrang(&w, DAY_NEVER);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        day_t on = day(cases[i].month);
        unsigned owed = cases[i].owed;
        ck_assert_uint_eq(count_units(cases[i].code, COMMUNE, on), owed);
        ck_assert_int_eq(ask(&w, "hoivien.moi", cases[i].code, on, on, &got), 0);
        ck_assert_msg(got.owed == owed, "%s on %s: %u owe, expected %u", cases[i].code,
                      cases[i].month, got.owed, owed);
        ck_assert_int_eq(ask(&w, "hoivien.moi", cases[i].code, on - 1, on - 1, &got), 0);
        ck_assert_uint_eq(got.owed, 0);
    }
    world_close(&w);
}
END_TEST

/* 31513 and 31522 became 31522 on 1 September 2024. */
START_TEST(the_stock_of_two_wards_of_soc_trang_joins_on_1_september_2024)
{
    struct world w;
    world_open_soctrang(&w, day("2024-08-31"));
    world_set_time(&w, "2025-01-08");
    say("dangvien.tongso", "31513", "2024-06-14", 5);
    say("dangvien.tongso", "31522", "2024-06-14", 60);
    say("dangvien.tongso", "941", "2024-06-14", 700);
    say("dangvien.tongso", "94", "2024-06-14", 8000);
    send_figures(&w);
    expect(&w, "dangvien.tongso", "31522", "2024-09-01", 60, 1);
    world_apply_units(&w, DAY_NEVER);
    expect(&w, "dangvien.tongso", "31513", "2024-08-31", 5, 1);
    expect(&w, "dangvien.tongso", "31522", "2024-08-31", 60, 1);
    expect(&w, "dangvien.tongso", "31522", "2024-09-01", 65, 2);
    expect_nobody(&w, "dangvien.tongso", "31513", "2024-09-01");
    expect(&w, "dangvien.tongso", "941", "2024-08-31", 765, 3);
    expect(&w, "dangvien.tongso", "941", "2024-09-01", 765, 3);
    expect(&w, "dangvien.tongso", "94", "2024-09-01", 8765, 4);
    say("dangvien.tongso", "31522", "2024-09-14", 66);
    send_figures(&w);
    expect(&w, "dangvien.tongso", "31522", "2024-09-13", 65, 2);
    expect(&w, "dangvien.tongso", "31522", "2024-09-14", 66, 1);
    expect(&w, "dangvien.tongso", "94", "2024-09-14", 8766, 3);
    /* on 1 July 2025 the ward's goes to 31510, the province's to 92, the district's own ends */
    expect(&w, "dangvien.tongso", "94", "2025-06-30", 8766, 3);
    expect(&w, "dangvien.tongso", "31510", "2025-07-01", 66, 1);
    expect(&w, "dangvien.tongso", "92", "2025-07-01", 8066, 2);
    expect_nobody(&w, "dangvien.tongso", "94", "2025-07-01");
    expect_nobody(&w, "dangvien.tongso", "941", "2025-07-01");
    world_close(&w);
}
END_TEST

static const char *const stock_days[] = {"2024-06-14", "2024-08-31", "2024-09-01", "2024-09-14",
                                         "2024-12-14", "2025-03-14", "2025-06-14", "2025-06-30",
                                         "2025-07-01", "2025-09-13", "2025-09-14"};

START_TEST(every_unit_of_the_three_provinces_has_its_stock_on_every_day)
{
    static const char *const ends[] = {"2024-06-14", "2024-09-14", "2025-03-14", "2025-06-14",
                                       "2025-09-14"};
    static const char *const provinces[] = {"92", "93", "94"};
    struct world w;
    world_open_soctrang(&w, DAY_NEVER);
    world_set_time(&w, "2025-12-20");
    for (size_t q = 0; q < sizeof ends / sizeof *ends; q++)
        for (size_t p = 0; p < sizeof provinces / sizeof *provinces; p++) {
            if (row_on(provinces[p], day(ends[q])) < 0)
                continue;
            for (int level = PROVINCE; level <= COMMUNE; level++)
                say_many("dangvien.tongso", provinces[p], level, ends[q], q % 2, level);
        }
    send_figures(&w);
    for (size_t i = 0; i < sizeof stock_days / sizeof *stock_days; i++)
        expect_stocks(&w, "dangvien.tongso", day(stock_days[i]));
    world_close(&w);
}
END_TEST

SUITE_MAIN("real history", all_changes_of_the_tree_are_watched,
           the_past_of_hai_phong_is_the_same_before_and_after_each_change,
           a_figure_that_the_late_history_leaves_without_a_unit_is_listed_not_summed,
           three_communes_take_their_stock_from_312_to_303_on_the_day,
           the_new_gia_vien_holds_the_sum_until_its_own_first_figure,
           the_province_keeps_what_goes_whole_to_an_heir_when_districts_end,
           what_a_divided_commune_had_ends_with_it,
           a_recorded_decision_hands_over_what_a_divided_commune_had,
           what_districts_reported_themselves_ends_with_them,
           what_each_level_reported_goes_its_own_way,
           each_new_officer_corrects_the_predecessors_and_no_neighbour,
           the_officer_of_ngo_quyen_corrects_gia_vien_of_2024,
           as_many_units_owe_as_there_are_leaves, coverage_counts_the_leaves_of_each_day,
           new_members_of_the_year_are_those_of_the_units_then_in_force,
           communes_owe_the_administrative_month_that_ends_in_their_life,
           the_stock_of_two_wards_of_soc_trang_joins_on_1_september_2024,
           every_unit_of_the_three_provinces_has_its_stock_on_every_day)
