#include "tests/support/random_world.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/support/random_tree.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- numbers ---- */

uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t random_below(struct random *r, uint32_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(random_next(r) % limit);
}

int random_between(struct random *r, int low, int high)
{
    return low + (int)random_below(r, (uint32_t)(high - low + 1));
}

bool random_chance(struct random *r, unsigned percent)
{
    return random_below(r, 100) < percent;
}

/* ---- bodies ---- */

struct slice random_world_body(struct arena *arena, const void *value)
{
    void *body = arena_alloc(arena, sizeof value);
    memcpy(body, &value, sizeof value);
    return slice_of(body, sizeof value);
}

static int unpack(struct slice s, void *out, size_t bytes, struct err *err)
{
    const void *value;
    if (s.len != sizeof value)
        return err_set(err, ERR_CORRUPT, "a body of %zu bytes is no address", s.len);
    memcpy(&value, s.data, sizeof value);
    memcpy(out, value, bytes);
    return 0;
}

static int unpack_batch(struct slice s, struct arena *arena, struct batch *out, struct err *err)
{
    (void)arena;
    return unpack(s, out, sizeof *out, err);
}

static int unpack_catalogue(struct slice s, struct arena *arena, struct catalogue_spec *out,
                            struct err *err)
{
    (void)arena;
    return unpack(s, out, sizeof *out, err);
}

static int unpack_plan(struct slice s, struct arena *arena, struct plan *out, struct err *err)
{
    (void)arena;
    return unpack(s, out, sizeof *out, err);
}

static int unpack_producer_change(struct slice s, struct arena *arena, struct producer_change *out,
                                  struct err *err)
{
    (void)arena;
    return unpack(s, out, sizeof *out, err);
}

const struct codec random_world_codec = {unpack_batch, unpack_catalogue, unpack_plan,
                                         unpack_producer_change};

/* ---- the world while it is made ---- */

enum {
    SOURCES = 3,
    INDICATORS_MAX = 6, /* reported ones; one ratio beside them */
    PRODUCERS = 4,
    SPOOLS = 2, /* of each producer */
    HOT_MAX = 64,
};

/* A cell spoken of before: what corrections and repetitions are about. */
struct hot {
    uint32_t indicator;
    uint32_t code;
    day_t day;
};

struct maker {
    struct random random;
    struct random_world *w;
    struct registry *registry;
    struct random_tree *tree;
    size_t capacity;
    size_t commit_capacity;
    uint64_t commit;
    uint64_t next_row;
    int64_t time_ms;
    day_t began; /* civil day of the journal's first entry */
    unsigned rows;
    unsigned rows_wanted;
    bool dense; /* few days, daily figures, many mergers: much comes upon one unit */
    struct indicator indicators[INDICATORS_MAX + 1];
    unsigned indicator_count;
    uint32_t plan_version;
    uint64_t numbers[PRODUCERS][SPOOLS];
    struct hot hot[HOT_MAX];
    unsigned hot_count;
};

static void *take(struct maker *m, size_t count, size_t each)
{
    void *memory = arena_alloc(&m->w->memory, count * each + 1);
    memset(memory, 0, count * each + 1);
    return memory;
}

static struct ident ident(const char *prefix, unsigned number)
{
    struct ident id;
    snprintf(id.text, sizeof id.text, "%s%u", prefix, number);
    return id;
}

static struct entry *add_entry(struct maker *m, enum entry_kind kind)
{
    struct random_journal *j = &m->w->journal;
    void *entries = j->entries, *commits = j->commits;
    alloc_reserve(&entries, &m->capacity, j->count + 1, sizeof *j->entries);
    alloc_reserve(&commits, &m->commit_capacity, j->count + 1, sizeof *j->commits);
    j->entries = entries;
    j->commits = commits;
    struct entry *e = &j->entries[j->count];
    *e = (struct entry){.kind = kind,
                        .offset = j->count + 1,
                        .time_ms = m->time_ms,
                        .producer = UINT32_MAX,
                        .delegate = UINT32_MAX,
                        .operator_producer = UINT32_MAX};
    j->commits[j->count++] = m->commit;
    return e;
}

static void add_body(struct maker *m, enum entry_kind kind, const void *value)
{
    struct entry *e = add_entry(m, kind);
    e->body = random_world_body(&m->w->memory, value);
    e->body_bytes = (uint32_t)e->body.len;
}

static day_t today(const struct maker *m)
{
    return day_of_ms(m->time_ms);
}

static day_t some_day(struct maker *m)
{
    return random_between(&m->random, m->w->first, m->w->last);
}

/* ---- catalogues ---- */

/* A history that cannot be is taken back, and the one before stands. */
static void change_catalogue(struct maker *m)
{
    struct catalogue_spec *spec = take(m, 1, sizeof *spec);
    bool late = random_chance(&m->random, 35);
    random_tree_change(m->tree, &m->random, m->w->first, late ? today(m) : m->w->last);
    random_tree_spec(m->tree, &m->w->memory, spec);
    if (registry_apply_catalogue(m->registry, spec, NULL) == 0)
        add_body(m, ENTRY_CATALOGUE, spec);
    else
        random_tree_undo(m->tree);
}

static void first_catalogue(struct maker *m)
{
    struct catalogue_spec *spec = take(m, 1, sizeof *spec);
    m->tree = random_tree_create(&m->random, m->w->first, m->dense);
    random_tree_spec(m->tree, &m->w->memory, spec);
    require(registry_apply_catalogue(m->registry, spec, NULL) == 0);
    add_body(m, ENTRY_CATALOGUE, spec);
}

/* ---- plans ---- */

static enum period_kind some_period(struct maker *m)
{
    bool is_long = m->w->last - m->w->first > 100;
    if (m->dense)
        return PERIOD_DAY;
    if (!is_long)
        return random_chance(&m->random, 80)
                   ? PERIOD_DAY
                   : (enum period_kind)random_between(&m->random, PERIOD_WEEK, PERIOD_MONTH);
    return (enum period_kind)random_below(&m->random, PERIOD_KIND_COUNT);
}

static void choose_records(struct maker *m, struct indicator *one)
{
    day_t from = random_chance(&m->random, 85) ? m->w->first - 1 : some_day(m);
    unsigned count = (unsigned)random_between(&m->random, 1, m->dense ? 2 : 3);
    one->record_count = 0;
    for (unsigned i = 0; i < count && from <= m->w->last; i++) {
        one->records[one->record_count++] =
            (struct source_of_record){from, ident("s", random_below(&m->random, SOURCES))};
        from += random_between(&m->random, 1, (m->w->last - m->w->first) / 2);
    }
}

static void choose_reporters(struct maker *m, struct indicator *one)
{
    one->reporters = random_chance(&m->random, 60)
                         ? REPORTS_LEAF
                         : (uint32_t)random_between(&m->random, 1, 7) << 2; /* levels 2 to 4 */
}

static struct indicator new_indicator(struct maker *m)
{
    static const struct {
        enum indicator_kind kind;
        enum indicator_entry entry;
    } shapes[] = {{INDICATOR_FLOW, ENTRY_SET},
                  {INDICATOR_STOCK, ENTRY_SET},
                  {INDICATOR_STOCK, ENTRY_SET},
                  {INDICATOR_FLOW, ENTRY_TALLY}};
    unsigned shape = random_below(&m->random, 4);
    struct indicator one = {.id = ident("i", m->indicator_count),
                            .name = "Chỉ tiêu",
                            .kind = shapes[shape].kind,
                            .entry = shapes[shape].entry,
                            .measure = ident("m", 0),
                            .minimum = -OBSERVATION_VALUE_MAX,
                            .maximum = OBSERVATION_VALUE_MAX,
                            .period = some_period(m)};
    one.calendar = one.period != PERIOD_WEEK && random_chance(&m->random, 30)
                       ? CALENDAR_ADMINISTRATIVE
                       : CALENDAR_CIVIL;
    choose_records(m, &one);
    choose_reporters(m, &one);
    return one;
}

static void choose_duties(struct maker *m, struct plan *p, const struct indicator *one)
{
    day_t from = random_chance(&m->random, 60) ? m->w->first : some_day(m);
    unsigned count = (unsigned)random_between(&m->random, 0, 2);
    for (unsigned i = 0; i < count && from <= m->w->last; i++) {
        day_t to = random_between(&m->random, from, m->w->last + 5);
        p->duties[p->duty_count++] = (struct duty){one->id, from, to, random_below(&m->random, 6)};
        from = to + random_between(&m->random, 1, 5);
    }
}

static struct plan *plan_of(struct maker *m)
{
    struct plan *p = take(m, 1, sizeof *p);
    *p = (struct plan){.id = ident("ke-hoach-", 0),
                       .version = ++m->plan_version,
                       .title = "Kế hoạch",
                       .document = "1/KH",
                       .root = ident("u", 0),
                       .from = m->w->first,
                       .to = m->w->last,
                       .source_count = SOURCES,
                       .sources = take(m, SOURCES, sizeof *p->sources),
                       .indicators = take(m, INDICATORS_MAX + 1, sizeof *p->indicators),
                       .duties = take(m, INDICATORS_MAX * 2, sizeof *p->duties)};
    for (unsigned i = 0; i < SOURCES; i++)
        p->sources[i] = (struct source){ident("s", i), "Nguồn"};
    return p;
}

/* Of some indicators, with dice of their own: worlds without targets stay as they were. */
static void choose_targets(struct maker *m, struct plan *p)
{
    struct random aside = {m->random.state ^ UINT64_C(0x7a96e7)};
    p->targets = take(m, p->indicator_count, sizeof *p->targets);
    for (unsigned i = 0; i < p->indicator_count; i++)
        if (random_chance(&aside, 40))
            p->targets[p->target_count++] = (struct target){.id = ident("t", i),
                                                            .title = "Mục tiêu",
                                                            .clause = "",
                                                            .indicator = p->indicators[i].id,
                                                            .unit = p->root,
                                                            .lower = 100,
                                                            .start = m->w->first,
                                                            .due = m->w->last,
                                                            .weekend_permille = 1000};
}

static bool apply_plan(struct maker *m, struct plan *p)
{
    choose_targets(m, p);
    if (registry_apply_plan(m->registry, p, NULL) < 0)
        return false;
    add_body(m, ENTRY_PLAN, p);
    return true;
}

/* Two of the counted ones over each other, whatever their kinds. */
static struct indicator ratio_of(struct maker *m)
{
    unsigned top = random_below(&m->random, m->indicator_count);
    unsigned below =
        (top + 1 + random_below(&m->random, m->indicator_count - 1)) % m->indicator_count;
    return (struct indicator){.id = ident("ratio", 0),
                              .name = "Tỷ lệ",
                              .kind = INDICATOR_RATIO,
                              .numerator = ident("i", top),
                              .denominator = ident("i", below)};
}

/* May be refused, as when the second plan still defines its indicator as before. */
static void change_plan(struct maker *m)
{
    struct plan *p = plan_of(m);
    struct indicator before[INDICATORS_MAX + 1];
    unsigned count_before = m->indicator_count;
    memcpy(before, m->indicators, sizeof before);
    if (m->indicator_count < INDICATORS_MAX && random_chance(&m->random, 20)) {
        m->indicators[m->indicator_count] = new_indicator(m);
        m->indicator_count++;
    }
    for (unsigned i = 0; i < m->indicator_count; i++) {
        struct indicator *one = &m->indicators[i];
        if (random_chance(&m->random, 40))
            choose_records(m, one);
        if (random_chance(&m->random, 20))
            choose_reporters(m, one);
        p->indicators[p->indicator_count++] = *one;
        choose_duties(m, p, one);
    }
    p->indicators[p->indicator_count++] = ratio_of(m);
    if (apply_plan(m, p))
        return;
    memcpy(m->indicators, before, sizeof before);
    m->indicator_count = count_before;
}

/* A second plan that carries one indicator of the first, with a calendar of its own. */
static void add_second_plan(struct maker *m)
{
    struct plan *p = plan_of(m);
    p->id = ident("ke-hoach-", 1);
    p->indicators[p->indicator_count++] = m->indicators[0];
    choose_duties(m, p, &m->indicators[0]);
    apply_plan(m, p);
}

static void first_plan(struct maker *m)
{
    unsigned count = (unsigned)random_between(&m->random, 2, 3);
    while (m->indicator_count < count) {
        m->indicators[m->indicator_count] = new_indicator(m);
        m->indicator_count++;
    }
    change_plan(m);
}

/* ---- producers ---- */

static void set_producer(struct maker *m, unsigned number, unsigned source)
{
    struct producer_change *change = take(m, 1, sizeof *change);
    change->kind = PRODUCER_SET;
    change->producer.name = ident("p", number);
    change->producer.roles = ROLE_SUBMIT;
    change->producer.source = ident("s", source);
    change->producer.scopes[0] = ident("u", 0);
    change->producer.scope_count = 1;
    if (registry_apply_producer(m->registry, change, NULL) == 0)
        add_body(m, ENTRY_PRODUCER, change);
}

static void change_producer(struct maker *m)
{
    unsigned number = random_below(&m->random, PRODUCERS);
    set_producer(m, number,
                 m->w->fixed_sources ? number % SOURCES : random_below(&m->random, SOURCES));
}

/* ---- batches ---- */

/* The place of `text` in a dictionary that has room for it. */
static uint32_t place_in(struct slice *items, uint32_t *count, struct slice text)
{
    for (uint32_t i = 0; i < *count; i++)
        if (slice_equal(items[i], text))
            return i;
    items[*count] = text;
    return (*count)++;
}

static struct slice kept_text(struct maker *m, const char *text)
{
    size_t len = strlen(text);
    return slice_of(arena_string(&m->w->memory, text, len), len);
}

struct picking {
    struct random *random;
    const struct registry *registry;
    uint32_t indicator;
    day_t day;
    bool reporters_only;
    uint32_t seen;
    uint32_t unit;
};

static void pick_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct picking *p = arg;
    (void)depth;
    if (p->reporters_only && !registry_is_reporter(p->registry, p->indicator, unit, p->day))
        return;
    if (random_below(p->random, ++p->seen) == 0)
        p->unit = unit;
}

/* A unit in force on that day, mostly one that reports; NONE when there is none. */
static uint32_t some_unit(struct maker *m, uint32_t indicator, day_t day)
{
    struct picking p = {.random = &m->random,
                        .registry = m->registry,
                        .indicator = indicator,
                        .day = day,
                        .reporters_only = random_chance(&m->random, 85),
                        .unit = CATALOGUE_NONE};
    catalogue_visit_on(registry_catalogue(m->registry), CATALOGUE_NONE, day, pick_unit, &p);
    return p.unit;
}

static bool new_cell(struct maker *m, struct hot *out)
{
    out->indicator = random_below(&m->random, registry_indicator_count(m->registry));
    const struct indicator *def = registry_indicator(m->registry, out->indicator);
    if (def->kind == INDICATOR_RATIO)
        return false;
    day_t latest = today(m) + 3 < m->w->last ? today(m) + 3 : m->w->last;
    day_t near = random_chance(&m->random, 40) ? latest - 10 : m->w->first;
    out->day =
        period_next_end(def->period, def->calendar, random_between(&m->random, near, latest));
    uint32_t unit =
        out->day <= m->w->last ? some_unit(m, out->indicator, out->day) : CATALOGUE_NONE;
    if (unit == CATALOGUE_NONE)
        return false;
    out->code = catalogue_unit(registry_catalogue(m->registry), unit)->code;
    m->hot[m->hot_count < HOT_MAX ? m->hot_count++ : random_below(&m->random, HOT_MAX)] = *out;
    return true;
}

static bool known_cell(struct maker *m, struct hot *out)
{
    if (m->hot_count == 0)
        return false;
    *out = m->hot[random_below(&m->random, m->hot_count)];
    return catalogue_unit_on(registry_catalogue(m->registry), out->code, out->day) !=
           CATALOGUE_NONE;
}

static int64_t some_value(struct maker *m)
{
    if (random_chance(&m->random, 3))
        return random_chance(&m->random, 50) ? OBSERVATION_VALUE_MAX : -OBSERVATION_VALUE_MAX;
    if (random_chance(&m->random, 10))
        return 0;
    return random_between(&m->random, -20, 200);
}

static void state(struct maker *m, struct batch *b, const struct hot *cell)
{
    const struct indicator *def = registry_indicator(m->registry, cell->indicator);
    const char *code = catalogue_code_text(registry_catalogue(m->registry), cell->code);
    uint32_t row = b->row_count++;
    b->unit_refs[row] = place_in(b->units, &b->unit_count, kept_text(m, code));
    b->indicator_refs[row] =
        place_in(b->indicators, &b->indicator_count, kept_text(m, def->id.text));
    b->days[row] = cell->day;
    bool clear = random_chance(&m->random, 20);
    b->ops[row] = clear ? OP_CLEAR : def->entry == ENTRY_TALLY ? OP_ADD : OP_SET;
    b->values[row] = clear ? 0 : some_value(m);
}

/* A row that was refused holds anything. */
static void state_nonsense(struct maker *m, struct entry *e, struct batch *b)
{
    uint32_t row = b->row_count++;
    b->unit_refs[row] = place_in(b->units, &b->unit_count, kept_text(m, "khong-co"));
    b->indicator_refs[row] = place_in(b->indicators, &b->indicator_count, kept_text(m, "i0"));
    b->days[row] = some_day(m);
    b->ops[row] = (uint8_t)random_below(&m->random, OP_COUNT);
    b->values[row] = INT64_MAX;
    e->refused[e->refused_count++] = (struct row_refusal){row, REFUSAL_UNKNOWN_UNIT};
}

/* A good row that was refused all the same, as out of scope. */
static void refuse_last(struct entry *e, const struct batch *b)
{
    e->refused[e->refused_count++] = (struct row_refusal){b->row_count - 1, REFUSAL_OUT_OF_SCOPE};
}

static struct batch *batch_for(struct maker *m, uint32_t rows)
{
    struct batch *b = take(m, 1, sizeof *b);
    b->units = take(m, rows, sizeof *b->units);
    b->indicators = take(m, rows, sizeof *b->indicators);
    b->unit_refs = take(m, rows, sizeof *b->unit_refs);
    b->indicator_refs = take(m, rows, sizeof *b->indicator_refs);
    b->days = take(m, rows, sizeof *b->days);
    b->ops = take(m, rows, sizeof *b->ops);
    b->values = take(m, rows, sizeof *b->values);
    return b;
}

static void fill_batch(struct maker *m, struct entry *e, struct batch *b, uint32_t rows)
{
    struct hot cell = {0};
    bool again = false;
    while (b->row_count < rows) {
        again = again && random_chance(&m->random, 25);
        if (!again)
            again = random_chance(&m->random, 40) ? known_cell(m, &cell) : new_cell(m, &cell);
        if (!again || random_chance(&m->random, 5)) {
            state_nonsense(m, e, b);
            continue;
        }
        state(m, b, &cell);
        if (random_chance(&m->random, 6))
            refuse_last(e, b);
    }
}

static bool all_sets(const struct batch *b)
{
    for (uint32_t i = 0; i < b->row_count; i++)
        if (b->ops[i] != OP_SET)
            return false;
    return true;
}

/* Who speaks, from where, under which number, and when it says so: times are coarse, so that many
 * are equal and the rest of the stamp decides. */
static void sign_batch(struct maker *m, struct entry *e)
{
    unsigned who = random_below(&m->random, PRODUCERS), spool = random_below(&m->random, SPOOLS);
    e->producer = registry_producer_find(m->registry, ident_slice(&(struct ident){"p0"})) + who;
    e->delegate = random_chance(&m->random, 20) ? random_below(&m->random, PRODUCERS) : UINT32_MAX;
    memset(e->spool.bytes, (int)(spool * 7 + who), SPOOL_ID_BYTES);
    e->number = ++m->numbers[who][spool];
    e->reported_at_ms = day_start_ms(today(m) - random_between(&m->random, 0, 4));
    e->first_row = m->next_row;
}

static void add_batch(struct maker *m)
{
    uint32_t rows = random_chance(&m->random, 5) ? 40 : (uint32_t)random_between(&m->random, 1, 8);
    struct entry *e = add_entry(m, ENTRY_BATCH);
    struct batch *b = batch_for(m, rows);
    sign_batch(m, e);
    e->refused = take(m, rows, sizeof *e->refused);
    fill_batch(m, e, b, rows);
    if (all_sets(b) && random_chance(&m->random, 50))
        b->ops = NULL;
    b->reported_at_ms = e->reported_at_ms;
    e->row_count = rows;
    e->body = random_world_body(&m->w->memory, b);
    e->body_bytes = (uint32_t)e->body.len;
    m->next_row += rows;
    m->rows += rows;
}

/* Its number is used up, and only its size is kept. */
static void add_refused_batch(struct maker *m)
{
    struct entry *e = add_entry(m, ENTRY_BATCH);
    sign_batch(m, e);
    e->refusal = random_chance(&m->random, 50) ? REFUSAL_MALFORMED : REFUSAL_TOO_LARGE;
    e->body_bytes = 99;
}

/* ---- the journal ---- */

static void add_something(struct maker *m)
{
    uint32_t what = random_below(&m->random, 100);
    if (what < 62)
        add_batch(m);
    else if (what < 76)
        change_catalogue(m);
    else if (what < 82)
        change_plan(m);
    else if (what < 84)
        add_second_plan(m);
    else if (what < 88)
        change_producer(m);
    else if (what < 92)
        add_refused_batch(m);
    else
        add_entry(m, what < 98 ? ENTRY_TICK : ENTRY_CLOCK);
}

static void open_journal(struct maker *m)
{
    m->commit = 1;
    add_entry(m, ENTRY_GENESIS);
    first_catalogue(m);
    for (int i = random_between(&m->random, 0, 3); i > 0; i--)
        change_catalogue(m);
    first_plan(m);
    for (unsigned i = 0; i < PRODUCERS; i++)
        set_producer(m, i, i % SOURCES);
}

/* Time goes on so that the last rows come near the last day. */
static void run_journal(struct maker *m)
{
    while (m->rows < m->rows_wanted) {
        int64_t left_ms = day_start_ms(m->w->last) - m->time_ms;
        unsigned left = m->rows_wanted - m->rows;
        int64_t step_ms = left_ms > 0 ? left_ms / left * 12 : 1000;
        m->time_ms += (int64_t)(random_next(&m->random) % (uint64_t)(step_ms + 1));
        m->commit++;
        for (int i = random_between(&m->random, 1, 4); i > 0; i--)
            add_something(m);
    }
}

struct random_world *random_world_create(uint64_t seed, unsigned rows)
{
    struct random_world *w = alloc_zeroed(1, sizeof *w);
    struct maker m = {.random = {seed}, .w = w, .rows_wanted = rows};
    arena_init(&w->memory, 0);
    bool is_long = random_chance(&m.random, 15);
    m.dense = !is_long && random_chance(&m.random, 50);
    w->first = day_of(2024, 8, 20) + random_between(&m.random, 0, 40);
    w->last = w->first + (is_long   ? 500
                          : m.dense ? random_between(&m.random, 8, 14)
                                    : random_between(&m.random, 15, 50));
    w->fixed_sources = random_chance(&m.random, 60);
    m.time_ms = day_start_ms(w->first + (is_long ? 60 : 5));
    m.registry = registry_create();
    open_journal(&m);
    run_journal(&m);
    random_tree_destroy(m.tree);
    registry_destroy(m.registry);
    return w;
}

void random_world_destroy(struct random_world *w)
{
    if (!w)
        return;
    random_journal_fini(&w->journal);
    arena_fini(&w->memory);
    free(w);
}

/* ---- the same in another order ---- */

static bool changes_registry(const struct entry *e)
{
    return e->kind == ENTRY_CATALOGUE || e->kind == ENTRY_PLAN || e->kind == ENTRY_PRODUCER;
}

static void append(struct random_journal *j, const struct entry *e)
{
    j->entries[j->count++] = *e;
}

static void shuffle(struct entry *entries, size_t count, uint64_t seed)
{
    struct random random = {seed};
    for (size_t i = count; i > 1; i--) {
        size_t k = random_below(&random, (uint32_t)i);
        struct entry moved = entries[i - 1];
        entries[i - 1] = entries[k];
        entries[k] = moved;
    }
}

static void number_anew(struct random_journal *j)
{
    uint64_t row = 0;
    for (size_t i = 0; i < j->count; i++) {
        j->entries[i].offset = i + 1;
        j->commits[i] = i + 1;
        j->entries[i].first_row = row;
        row += j->entries[i].row_count;
    }
}

struct random_journal random_world_rearrange(const struct random_world *w, enum random_order order,
                                             uint64_t seed)
{
    const struct random_journal *from = &w->journal;
    struct random_journal j = {.entries = alloc_zeroed(from->count, sizeof *j.entries),
                               .commits = alloc_zeroed(from->count, sizeof *j.commits)};
    append(&j, &from->entries[0]); /* the genesis */
    for (size_t i = 0; i < from->count; i++)
        if (changes_registry(&from->entries[i]))
            append(&j, &from->entries[i]);
    size_t batches = j.count;
    for (size_t i = 0; i < from->count; i++)
        if (from->entries[i].kind == ENTRY_BATCH)
            append(&j, &from->entries[i]);
    if (order == ORDER_SHUFFLED)
        shuffle(j.entries + batches, j.count - batches, seed);
    for (size_t i = 0; i < j.count; i++)
        if (order != ORDER_KEPT || i < batches)
            j.entries[i].time_ms = from->entries[0].time_ms;
    number_anew(&j);
    return j;
}

void random_journal_fini(struct random_journal *j)
{
    free(j->entries);
    free(j->commits);
    *j = (struct random_journal){0};
}
