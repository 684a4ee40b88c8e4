#include "tests/support/naive_ledger.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

#include <stdlib.h>

/* What holds for one cell, whoever may ask for it. */
struct fact {
    struct naive_cell cell;
    bool has_figure;
    int64_t value;
    bool has_first;
    day_t first_day; /* civil day on which the first set or add came */
};

struct naive_ledger {
    struct registry *registry;
    struct naive_statement *statements;
    size_t statement_count;
    size_t statement_capacity;
    struct fact *facts;
    size_t fact_count;
    size_t fact_capacity;
};

/* ---- from the journal ---- */

static bool is_refused(const struct entry *e, uint32_t row)
{
    for (uint32_t i = 0; i < e->refused_count; i++)
        if (e->refused[i].row == row)
            return true;
    return false;
}

static void add_statement(struct naive_ledger *n, struct naive_statement s)
{
    void *items = n->statements;
    alloc_reserve(&items, &n->statement_capacity, n->statement_count + 1, sizeof *n->statements);
    n->statements = items;
    n->statements[n->statement_count++] = s;
}

static struct naive_statement statement_of(const struct naive_ledger *n, const struct entry *e,
                                           const struct batch *b, uint32_t row)
{
    const struct registry *r = n->registry;
    const struct producer *producer = registry_producer(r, e->producer);
    struct naive_statement s = {
        .cell = {registry_indicator_find(r, b->indicators[b->indicator_refs[row]]),
                 catalogue_code_find(registry_catalogue(r), b->units[b->unit_refs[row]]),
                 b->days[row], registry_source_find(r, ident_slice(&producer->source))},
        .op = b->ops ? (enum op)b->ops[row] : OP_SET,
        .value = b->values[row],
        .stamp = {e->reported_at_ms, e->producer, e->spool, e->number, row},
        .offset = e->offset,
        .received_at_ms = e->time_ms,
    };
    require(s.cell.indicator != REGISTRY_NONE && s.cell.code != CATALOGUE_NONE);
    require(s.cell.source != REGISTRY_NONE);
    return s;
}

static void take_batch(struct naive_ledger *n, const struct entry *e, const struct codec *codec,
                       struct arena *arena)
{
    struct batch b;
    if (e->refusal != REFUSAL_NONE)
        return;
    require(codec->unpack_batch(e->body, arena, &b, NULL) == 0);
    for (uint32_t row = 0; row < b.row_count; row++)
        if (!is_refused(e, row))
            add_statement(n, statement_of(n, e, &b, row));
}

static void take_entry(struct naive_ledger *n, const struct entry *e, const struct codec *codec,
                       struct arena *arena)
{
    struct catalogue_spec spec;
    struct plan plan;
    struct producer_change change;
    switch (e->kind) {
    case ENTRY_BATCH:
        take_batch(n, e, codec, arena);
        break;
    case ENTRY_CATALOGUE:
        require(codec->unpack_catalogue(e->body, arena, &spec, NULL) == 0);
        require(registry_apply_catalogue(n->registry, &spec, NULL) == 0);
        break;
    case ENTRY_PLAN:
        require(codec->unpack_plan(e->body, arena, &plan, NULL) == 0);
        require(registry_apply_plan(n->registry, &plan, NULL) == 0);
        break;
    case ENTRY_PRODUCER:
        require(codec->unpack_producer_change(e->body, arena, &change, NULL) == 0);
        require(registry_apply_producer(n->registry, &change, NULL) == 0);
        break;
    case ENTRY_GENESIS:
    case ENTRY_TICK:
    case ENTRY_CLOCK:
        break;
    }
}

/* ---- facts ---- */

static bool same_cell(const struct naive_cell *a, const struct naive_cell *b)
{
    return a->indicator == b->indicator && a->code == b->code && a->day == b->day &&
           a->source == b->source;
}

/* Everything accepted is gone through for each cell: what holds is the greatest set or clear, or
 * the adds after the greatest clear. */
static struct fact fact_of(const struct naive_ledger *n, const struct naive_cell *cell)
{
    struct fact f = {.cell = *cell};
    const struct naive_statement *top = NULL; /* the greatest set or clear */
    for (size_t i = 0; i < n->statement_count; i++) {
        const struct naive_statement *s = &n->statements[i];
        if (!same_cell(&s->cell, cell))
            continue;
        if (s->op != OP_CLEAR && !f.has_first) {
            f.has_first = true;
            f.first_day = day_of_ms(s->received_at_ms);
        }
        if (s->op != OP_ADD && (!top || stamp_compare(&s->stamp, &top->stamp) > 0))
            top = s;
    }
    if (top && top->op == OP_SET) {
        f.has_figure = true;
        f.value = top->value;
    }
    for (size_t i = 0; i < n->statement_count; i++) {
        const struct naive_statement *s = &n->statements[i];
        if (!same_cell(&s->cell, cell) || s->op != OP_ADD)
            continue;
        if (top && stamp_compare(&s->stamp, &top->stamp) < 0)
            continue;
        f.has_figure = true;
        f.value += s->value;
    }
    if (f.value > OBSERVATION_VALUE_MAX || f.value < -OBSERVATION_VALUE_MAX)
        f.has_figure = false; /* a tally beyond what a figure may be */
    return f;
}

static const struct fact *find_fact(const struct naive_ledger *n, const struct naive_cell *cell)
{
    for (size_t i = 0; i < n->fact_count; i++)
        if (same_cell(&n->facts[i].cell, cell))
            return &n->facts[i];
    return NULL;
}

static void gather_facts(struct naive_ledger *n)
{
    for (size_t i = 0; i < n->statement_count; i++) {
        const struct naive_cell *cell = &n->statements[i].cell;
        if (find_fact(n, cell))
            continue;
        void *items = n->facts;
        alloc_reserve(&items, &n->fact_capacity, n->fact_count + 1, sizeof *n->facts);
        n->facts = items;
        n->facts[n->fact_count++] = fact_of(n, cell);
    }
}

struct naive_ledger *naive_ledger_create(const struct entry *entries, size_t count,
                                         const struct codec *codec)
{
    struct naive_ledger *n = alloc_zeroed(1, sizeof *n);
    struct arena arena;
    arena_init(&arena, 0);
    n->registry = registry_create();
    for (size_t i = 0; i < count; i++)
        take_entry(n, &entries[i], codec, &arena);
    gather_facts(n);
    arena_fini(&arena);
    return n;
}

void naive_ledger_destroy(struct naive_ledger *n)
{
    if (!n)
        return;
    registry_destroy(n->registry);
    free(n->statements);
    free(n->facts);
    free(n);
}

const struct registry *naive_ledger_registry(const struct naive_ledger *n)
{
    return n->registry;
}

size_t naive_ledger_statements(const struct naive_ledger *n, const struct naive_statement **out)
{
    *out = n->statements;
    return n->statement_count;
}

bool naive_ledger_figure(const struct naive_ledger *n, const struct naive_cell *cell,
                         int64_t *value)
{
    const struct fact *f = find_fact(n, cell);
    if (!f || !f->has_figure)
        return false;
    *value = f->value;
    return true;
}

size_t naive_ledger_excluded(const struct naive_ledger *n, int64_t *sum)
{
    const struct catalogue *c = registry_catalogue(n->registry);
    size_t count = 0;
    *sum = 0;
    for (size_t i = 0; i < n->fact_count; i++) {
        const struct fact *f = &n->facts[i];
        if (!f->has_figure || catalogue_unit_on(c, f->cell.code, f->cell.day) != CATALOGUE_NONE)
            continue;
        count++;
        *sum += f->value;
    }
    return count;
}

/* ---- sums ---- */

/* A sum, and the number of own figures it is made of. */
struct sum {
    __int128 value;
    uint32_t figures;
};

/* Whose figures are asked for: one source's, or those of record. */
struct asked {
    const struct naive_ledger *n;
    const struct catalogue *catalogue;
    uint32_t indicator;
    uint32_t source; /* REGISTRY_NONE: of record on each figure's day */
};

static uint32_t source_on(const struct asked *a, day_t on)
{
    if (a->source != REGISTRY_NONE)
        return a->source;
    return registry_record_on(a->n->registry, a->indicator, on);
}

/* Does this fact hold a figure that counts for what is asked? */
static bool counts(const struct asked *a, const struct fact *f)
{
    return f->has_figure && f->cell.indicator == a->indicator &&
           f->cell.source == source_on(a, f->cell.day);
}

static bool is_below(const struct catalogue *c, uint32_t unit, uint32_t code, day_t on)
{
    uint32_t ancestors[CATALOGUE_DEPTH_MAX];
    unsigned count = catalogue_ancestor_codes_on(c, unit, on, ancestors);
    for (unsigned i = 0; i < count; i++)
        if (ancestors[i] == code)
            return true;
    return false;
}

/* The unit's latest own figure dated since its first day and not after `on`. */
static const struct fact *own_figure(const struct asked *a, const struct unit *u, day_t on)
{
    const struct fact *latest = NULL;
    for (size_t i = 0; i < a->n->fact_count; i++) {
        const struct fact *f = &a->n->facts[i];
        if (!counts(a, f) || f->cell.code != u->code)
            continue;
        if (f->cell.day < u->from || f->cell.day > on || f->cell.day > u->to)
            continue;
        if (!latest || f->cell.day > latest->cell.day)
            latest = f;
    }
    return latest;
}

/* A unit's stock: its own figure, and what came over from those it is the heir of since. */
static struct sum carried(const struct asked *a, uint32_t unit, day_t on, bool inherits)
{
    const struct unit *u = catalogue_unit(a->catalogue, unit);
    const struct fact *own = own_figure(a, u, on);
    struct sum total = {own ? own->value : 0, own ? 1 : 0};
    for (uint32_t i = 0; inherits && i < catalogue_unit_count(a->catalogue); i++) {
        const struct unit *before = catalogue_unit(a->catalogue, i);
        if (before->heir != unit || before->to + 1 > on || (own && before->to + 1 <= own->cell.day))
            continue;
        struct sum handed = carried(a, i, before->to, true);
        total.value += handed.value;
        total.figures += handed.figures;
    }
    return total;
}

static struct sum stock_below(const struct asked *a, uint32_t code, day_t on)
{
    struct sum total = {0, 0};
    for (uint32_t i = 0; i < catalogue_unit_count(a->catalogue); i++) {
        if (!is_below(a->catalogue, i, code, on))
            continue;
        struct sum one = carried(a, i, on, true);
        total.value += one.value;
        total.figures += one.figures;
    }
    return total;
}

/* `alone`: the code's own figures only. */
static struct sum flow_between(const struct asked *a, uint32_t code, day_t first, day_t last,
                               bool alone)
{
    struct sum total = {0, 0};
    for (size_t i = 0; i < a->n->fact_count; i++) {
        const struct fact *f = &a->n->facts[i];
        if (!counts(a, f) || f->cell.day < first || f->cell.day > last)
            continue;
        uint32_t unit = catalogue_unit_on(a->catalogue, f->cell.code, f->cell.day);
        if (unit == CATALOGUE_NONE || !is_below(a->catalogue, unit, code, f->cell.day))
            continue;
        if (alone && f->cell.code != code)
            continue;
        total.value += f->value;
        total.figures++;
    }
    return total;
}

/* ---- coverage ---- */

static const struct fact *figure_of_record(const struct naive_ledger *n, uint32_t indicator,
                                           uint32_t code, day_t on)
{
    struct naive_cell cell = {indicator, code, on, registry_record_on(n->registry, indicator, on)};
    const struct fact *f = find_fact(n, &cell);
    return f && f->has_figure ? f : NULL;
}

static void cover_unit(const struct naive_ledger *n, uint32_t indicator, uint32_t unit, day_t on,
                       const struct duty *duty, struct ledger_value *out)
{
    uint32_t code = catalogue_unit(registry_catalogue(n->registry), unit)->code;
    if (!registry_is_reporter(n->registry, indicator, unit, on))
        return;
    out->owed++;
    const struct fact *f = figure_of_record(n, indicator, code, on);
    if (!f)
        return;
    out->reported++;
    if (f->first_day <= on + (day_t)duty->due_days)
        out->on_time++;
}

static void cover(const struct naive_ledger *n, uint32_t indicator, uint32_t code, day_t first,
                  day_t last, struct ledger_value *out)
{
    const struct catalogue *c = registry_catalogue(n->registry);
    for (day_t on = first; on <= last; on++) {
        const struct duty *duty = registry_duty_on(n->registry, indicator, on);
        for (uint32_t i = 0; duty && i < catalogue_unit_count(c); i++)
            if (is_below(c, i, code, on))
                cover_unit(n, indicator, i, on, duty, out);
    }
}

/* ---- questions ---- */

static int put_value(__int128 value, int64_t *out)
{
    if (value > INT64_MAX || value < INT64_MIN)
        return ERR_LIMIT;
    *out = (int64_t)value;
    return 0;
}

static int put_sum(struct sum sum, struct ledger_value *out)
{
    out->has_value = sum.figures > 0;
    out->figures = sum.figures;
    return put_value(sum.value, &out->value);
}

static int query_counted(const struct naive_ledger *n, const struct ledger_question *q,
                         struct ledger_value *out)
{
    const struct catalogue *c = registry_catalogue(n->registry);
    struct asked a = {n, c, q->indicator, q->source};
    uint32_t unit = catalogue_unit_on(c, q->code, q->last);
    if (unit == CATALOGUE_NONE)
        return ERR_NOT_FOUND;
    day_t begins = catalogue_unit(c, unit)->from;
    day_t first = q->first > begins ? q->first : begins;
    bool alone = q->source != REGISTRY_NONE;
    out->source = registry_record_on(n->registry, q->indicator, q->last);
    if (!alone)
        cover(n, q->indicator, q->code, first, q->last, out);
    if (registry_indicator(n->registry, q->indicator)->kind == INDICATOR_FLOW)
        return put_sum(flow_between(&a, q->code, first, q->last, alone), out);
    return put_sum(alone ? carried(&a, unit, q->last, false) : stock_below(&a, q->code, q->last),
                   out);
}

/* Half away from zero. */
static __int128 parts_per_million(int64_t numerator, int64_t denominator)
{
    __int128 n = (__int128)numerator * 1000000, d = denominator;
    bool negative = (n < 0) != (d < 0);
    n = n < 0 ? -n : n;
    d = d < 0 ? -d : d;
    __int128 rounded = n / d + (n % d * 2 >= d ? 1 : 0);
    return negative ? -rounded : rounded;
}

static int query_ratio(const struct naive_ledger *n, const struct ledger_question *q,
                       const struct indicator *def, struct ledger_value *out)
{
    struct ledger_question part = *q;
    struct ledger_value top = {0}, bottom = {0};
    part.indicator = registry_indicator_find(n->registry, ident_slice(&def->numerator));
    int rc = naive_ledger_query(n, &part, &top);
    part.indicator = registry_indicator_find(n->registry, ident_slice(&def->denominator));
    if (rc == 0)
        rc = naive_ledger_query(n, &part, &bottom);
    if (rc < 0)
        return rc;
    out->numerator = top.value;
    out->denominator = bottom.value;
    out->figures = top.figures + bottom.figures;
    out->owed = top.owed + bottom.owed;
    out->reported = top.reported + bottom.reported;
    out->on_time = top.on_time + bottom.on_time;
    out->source = REGISTRY_NONE;
    out->has_value = top.has_value && bottom.has_value && bottom.value != 0;
    return out->has_value ? put_value(parts_per_million(top.value, bottom.value), &out->value) : 0;
}

int naive_ledger_query(const struct naive_ledger *n, const struct ledger_question *q,
                       struct ledger_value *out)
{
    const struct indicator *def = registry_indicator(n->registry, q->indicator);
    *out = (struct ledger_value){.source = REGISTRY_NONE};
    return def->kind == INDICATOR_RATIO ? query_ratio(n, q, def, out) : query_counted(n, q, out);
}
