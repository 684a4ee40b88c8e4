#include "services/aggregator/ledger_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { ROLLUP_MAP_FIRST = 4096, SERIES_STEPS_MAX = 1024 };

/* --- the map of changes --- */

static uint64_t cell_hash(struct ledger_cell_key key)
{
    uint64_t h = (((uint64_t)key.indicator << 32) | key.code) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= ((uint64_t)(uint32_t)key.day + 1) * UINT64_C(0xC2B2AE3D27D4EB4F);
    h ^= h >> 29;
    return h * UINT64_C(0xD6E8FEB86659FD93) >> 16;
}

int cell_key_compare(struct ledger_cell_key a, struct ledger_cell_key b)
{
    if (a.indicator != b.indicator)
        return a.indicator < b.indicator ? -1 : 1;
    if (a.code != b.code)
        return a.code < b.code ? -1 : 1;
    return (a.day > b.day) - (a.day < b.day);
}

/* Where the key's number stands in the index, or belongs. */
static uint32_t *map_probe(const struct rollup_map *m, struct ledger_cell_key key)
{
    size_t at = cell_hash(key) & (m->index_size - 1);
    while (m->index[at] != 0 && cell_key_compare(m->slots[m->index[at] - 1].key, key) != 0)
        at = (at + 1) & (m->index_size - 1);
    return &m->index[at];
}

static void map_grow(struct rollup_map *m)
{
    m->index_size = m->index_size == 0 ? ROLLUP_MAP_FIRST : m->index_size * 2;
    free(m->index);
    m->index = alloc_zeroed(m->index_size, sizeof *m->index);
    for (size_t i = 0; i < m->count; i++)
        *map_probe(m, m->slots[i].key) = (uint32_t)i + 1;
}

/* Sums wrap, as the sums of a tally may: they stay exact modulo 2^64 whatever the order. */
static int64_t sum_wrapping(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void cell_add(struct ledger_cell *cell, const struct ledger_cell *delta)
{
    cell->amount = sum_wrapping(cell->amount, delta->amount);
    cell->figures += delta->figures;
    cell->reported += delta->reported;
    cell->on_time += delta->on_time;
}

static void map_add(struct rollup_map *m, struct ledger_cell_key key, struct ledger_cell delta)
{
    if (m->count * 2 >= m->index_size)
        map_grow(m);
    uint32_t *number = map_probe(m, key);
    if (*number == 0) {
        alloc_reserve((void **)&m->slots, &m->capacity, m->count + 1, sizeof *m->slots);
        m->slots[m->count] = (struct rollup_slot){.key = key};
        *number = (uint32_t)++m->count;
    }
    cell_add(&m->slots[*number - 1].delta, &delta);
}

/* A slot's key as numbers that sort as keys do, and which slot it is. */
struct slot_order {
    uint64_t high;
    uint32_t low;
    uint32_t slot;
};

static int order_compare(const void *a, const void *b)
{
    const struct slot_order *x = a, *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

static struct slot_order *map_order(const struct rollup_map *m, size_t *count)
{
    struct slot_order *order = alloc_zeroed(m->count + 1, sizeof *order);
    *count = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct ledger_cell_key k = m->slots[i].key;
        if (!cell_is_zero(&m->slots[i].delta))
            order[(*count)++] = (struct slot_order){((uint64_t)k.indicator << 32) | k.code,
                                                    (uint32_t)k.day ^ 0x80000000u, (uint32_t)i};
    }
    qsort(order, *count, sizeof *order, order_compare);
    return order;
}

/* --- spreading a change over the tree and time --- */

static struct carried carried_sub(struct carried a, struct carried b)
{
    return (struct carried){(int64_t)((uint64_t)a.amount - (uint64_t)b.amount),
                            a.figures - b.figures};
}

static bool carried_is_zero(struct carried c)
{
    return c.amount == 0 && c.figures == 0;
}

static const struct catalogue *tree_of(const struct rollup *r)
{
    return registry_catalogue(r->registry);
}

static void add_codes(struct rollup *r, uint32_t indicator, const uint32_t *codes, unsigned count,
                      day_t day, struct ledger_cell delta)
{
    for (unsigned i = 0; i < count; i++)
        map_add(&r->map, (struct ledger_cell_key){indicator, codes[i], day}, delta);
}

static struct ledger_cell cell_of(struct carried c)
{
    return (struct ledger_cell){.amount = c.amount, .figures = c.figures};
}

static struct ledger_cell cell_minus(struct carried c)
{
    return cell_of(carried_sub((struct carried){0, 0}, c));
}

static bool holds_code(const uint32_t *codes, unsigned count, uint32_t code)
{
    for (unsigned i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* On `day` the unit's ancestors became others: what it carries leaves the ones and joins the
 * others. */
static void transfer(struct rollup *r, uint32_t indicator, uint32_t unit, day_t day,
                     struct carried delta)
{
    uint32_t old[CATALOGUE_DEPTH_MAX], new[CATALOGUE_DEPTH_MAX];
    unsigned old_count = catalogue_ancestor_codes_on(tree_of(r), unit, day - 1, old);
    unsigned new_count = catalogue_ancestor_codes_on(tree_of(r), unit, day, new);
    for (unsigned i = 0; i < old_count; i++)
        if (!holds_code(new, new_count, old[i]))
            add_codes(r, indicator, &old[i], 1, day, cell_minus(delta));
    for (unsigned i = 0; i < new_count; i++)
        if (!holds_code(old, old_count, new[i]))
            add_codes(r, indicator, &new[i], 1, day, cell_of(delta));
}

static void series_flush(struct rollup *r)
{
    struct rollup_series *s = &r->series;
    for (size_t i = 0; i < s->count; i++) {
        const struct series_step *step = &s->steps[i];
        uint32_t codes[CATALOGUE_DEPTH_MAX];
        if (cell_is_zero(&step->delta))
            continue;
        unsigned count = catalogue_ancestor_codes_on(tree_of(r), s->unit, step->in_force, codes);
        add_codes(r, s->indicator, codes, count, step->day, step->delta);
    }
    s->count = 0;
}

/* Where the step belongs: most come in order, so the end is looked at first. */
static size_t series_place(const struct rollup_series *s, day_t day, day_t in_force)
{
    size_t at = s->count;
    while (at > 0 && (s->steps[at - 1].day > day ||
                      (s->steps[at - 1].day == day && s->steps[at - 1].in_force > in_force)))
        at--;
    return at;
}

/* Changes what all ancestors of the unit, as of `in_force`, have on `day`. */
static void add_ancestors(struct rollup *r, uint32_t indicator, uint32_t unit, day_t in_force,
                          day_t day, struct ledger_cell delta)
{
    struct rollup_series *s = &r->series;
    if (s->unit != unit || s->indicator != indicator || s->count >= SERIES_STEPS_MAX)
        series_flush(r);
    s->unit = unit;
    s->indicator = indicator;
    size_t at = series_place(s, day, in_force);
    if (at > 0 && s->steps[at - 1].day == day && s->steps[at - 1].in_force == in_force) {
        cell_add(&s->steps[at - 1].delta, &delta);
        return;
    }
    alloc_reserve((void **)&s->steps, &s->capacity, s->count + 1, sizeof *s->steps);
    memmove(&s->steps[at + 1], &s->steps[at], (s->count - at) * sizeof *s->steps);
    s->steps[at] = (struct series_step){day, in_force, delta};
    s->count++;
}

static day_t next_figure(struct rollup *r, uint32_t indicator, const struct unit *u, day_t after)
{
    if (after >= u->to)
        return DAY_NEVER;
    return r->figures->next(r->figures, indicator, u->code, after, u->to);
}

/* From `day` on the unit carries `delta` more: until its next own figure, through every change of
 * the tree, and past its end in its heir, whose own figures end it too. Heirs are later units, so
 * the loop ends. */
static void spread(struct rollup *r, uint32_t indicator, uint32_t unit, day_t day,
                   struct carried delta)
{
    while (!carried_is_zero(delta)) {
        const struct unit *u = catalogue_unit(tree_of(r), unit);
        day_t next = next_figure(r, indicator, u, day);
        day_t last = next != DAY_NEVER ? next - 1 : u->to;
        add_ancestors(r, indicator, unit, day, day, cell_of(delta));
        day_t change = catalogue_next_change(tree_of(r), unit, day);
        for (; change <= last && change != DAY_NEVER;
             change = catalogue_next_change(tree_of(r), unit, change))
            transfer(r, indicator, unit, change, delta);
        if (last == DAY_NEVER)
            return;
        bool stays =
            next != DAY_NEVER && change != next; /* the ancestors of `last` are still his */
        add_ancestors(r, indicator, unit, stays ? next : last, last + 1, cell_minus(delta));
        if (next != DAY_NEVER || u->heir == CATALOGUE_NONE)
            return;
        unit = u->heir;
        day = last + 1;
        const struct unit *heir = catalogue_unit(tree_of(r), unit);
        if (r->figures->next(r->figures, indicator, heir->code, day - 1, day) == day)
            return; /* the heir's own figure of that very day stands instead */
    }
}

/* --- what was carried before a figure --- */

static struct carried carried_on(struct rollup *r, uint32_t indicator, uint32_t unit, day_t day,
                                 day_t before);

/* What predecessors that ended in [from, to) handed over the day after. */
static struct carried handed_over(struct rollup *r, uint32_t indicator, uint32_t unit, day_t from,
                                  day_t to)
{
    struct carried sum = {0, 0};
    const uint32_t *before;
    uint32_t count = catalogue_heirs_of(tree_of(r), unit, &before);
    for (uint32_t i = 0; i < count; i++) {
        day_t end = catalogue_unit(tree_of(r), before[i])->to;
        if (end < from || end >= to)
            continue;
        struct carried one = carried_on(r, indicator, before[i], end, end + 1);
        sum.amount = sum_wrapping(sum.amount, one.amount);
        sum.figures += one.figures;
    }
    return sum;
}

/* What the unit holds at the end of a day of its life when only its own figures dated before
 * `before` are looked at: the latest of them, and what was handed over to it after that. The depth
 * is bounded by the generations of units. */
static struct carried carried_on(struct rollup *r, uint32_t indicator, uint32_t unit, day_t day,
                                 day_t before)
{
    const struct unit *u = catalogue_unit(tree_of(r), unit);
    day_t figure_day;
    int64_t value;
    if (!r->figures->last(r->figures, indicator, u->code, before, u->from, &figure_day, &value))
        return handed_over(r, indicator, unit, DAY_FIRST - 1, day);
    struct carried sum = handed_over(r, indicator, unit, figure_day, day);
    sum.amount = sum_wrapping(sum.amount, value);
    sum.figures += 1;
    return sum;
}

/* --- one figure */

static struct ledger_cell coverage_of(struct rollup *r, uint32_t indicator, uint32_t unit,
                                      day_t day, const struct rollup_figure *figure)
{
    const struct duty *duty = registry_duty_on(r->registry, indicator, day);
    if (figure == NULL || duty == NULL || !registry_is_reporter(r->registry, indicator, unit, day))
        return (struct ledger_cell){0};
    bool on_time = figure->first_day <= day + (day_t)duty->due_days;
    return (struct ledger_cell){.reported = 1, .on_time = on_time ? 1 : 0};
}

static void change_coverage(struct rollup *r, uint32_t indicator, uint32_t unit, day_t day,
                            const struct rollup_figure *old, const struct rollup_figure *new)
{
    struct ledger_cell before = coverage_of(r, indicator, unit, day, old);
    struct ledger_cell after = coverage_of(r, indicator, unit, day, new);
    struct ledger_cell delta = {.reported = after.reported - before.reported,
                                .on_time = after.on_time - before.on_time};
    if (!cell_is_zero(&delta))
        add_ancestors(r, indicator, unit, day, day, delta);
}

static struct carried figure_carried(const struct rollup_figure *f)
{
    return f == NULL ? (struct carried){0, 0} : (struct carried){f->value, 1};
}

static bool is_stock(const struct rollup *r, uint32_t indicator)
{
    return registry_indicator(r->registry, indicator)->kind == INDICATOR_STOCK;
}

void rollup_change(struct rollup *r, uint32_t indicator, uint32_t code, day_t day,
                   const struct rollup_figure *old, const struct rollup_figure *new)
{
    uint32_t unit = catalogue_unit_on(tree_of(r), code, day);
    if (unit == CATALOGUE_NONE || (old == NULL && new == NULL))
        return;
    change_coverage(r, indicator, unit, day, old, new);
    struct carried before = figure_carried(old), after = figure_carried(new);
    if (!is_stock(r, indicator)) {
        add_ancestors(r, indicator, unit, day, day, cell_of(carried_sub(after, before)));
        return;
    }
    if (old == NULL)
        before = carried_on(r, indicator, unit, day, day);
    if (new == NULL)
        after = carried_on(r, indicator, unit, day, day);
    spread(r, indicator, unit, day, carried_sub(after, before));
}

void rollup_add(struct rollup *r, uint32_t indicator, uint32_t code, day_t day,
                const struct rollup_figure *figure)
{
    uint32_t unit = catalogue_unit_on(tree_of(r), code, day);
    if (unit == CATALOGUE_NONE)
        return;
    change_coverage(r, indicator, unit, day, NULL, figure);
    if (is_stock(r, indicator))
        spread(r, indicator, unit, day, figure_carried(figure));
    else
        add_ancestors(r, indicator, unit, day, day, cell_of(figure_carried(figure)));
}

/* --- into the store */

struct ledger_cell ledger_cell_get(struct kv *kv, struct ledger_cell_key key)
{
    uint8_t bytes[CELL_KEY_BYTES];
    struct slice value;
    cell_key_encode(key, bytes);
    if (!kv_get(kv, LEDGER_CELLS, slice_of(bytes, sizeof bytes), &value))
        return (struct ledger_cell){0};
    return cell_decode(value);
}

static void cell_put(struct kv *kv, struct ledger_cell_key key, const struct ledger_cell *cell,
                     struct buf *scratch)
{
    uint8_t bytes[CELL_KEY_BYTES];
    cell_key_encode(key, bytes);
    if (cell_is_zero(cell)) {
        kv_del(kv, LEDGER_CELLS, slice_of(bytes, sizeof bytes));
        return;
    }
    buf_clear(scratch);
    cell_encode(cell, scratch);
    kv_put(kv, LEDGER_CELLS, slice_of(bytes, sizeof bytes), buf_slice(scratch));
}

struct rollup_slot *rollup_take(struct rollup *r, size_t *count)
{
    series_flush(r);
    struct slot_order *order = map_order(&r->map, count);
    struct rollup_slot *taken = alloc_zeroed(*count + 1, sizeof *taken);
    for (size_t i = 0; i < *count; i++)
        taken[i] = r->map.slots[order[i].slot];
    free(order);
    rollup_fini(r);
    return taken;
}

void rollup_fini(struct rollup *r)
{
    free(r->map.slots);
    free(r->map.index);
    free(r->series.steps);
    memset(&r->map, 0, sizeof r->map);
    memset(&r->series, 0, sizeof r->series);
}

static void note_change(struct rollup_changes *changes, const struct registry *registry,
                        struct kv *kv, struct ledger_cell_key key, const struct ledger_cell *before,
                        const struct ledger_cell *after)
{
    alloc_reserve((void **)&changes->keys, &changes->capacity, changes->count + 1,
                  sizeof *changes->keys);
    changes->keys[changes->count++] = key;
    if (!changes->framed_whole && registry_is_targeted(registry, key.indicator))
        frame_note(kv, key, before, after);
}

void rollup_write(struct rollup *r, struct kv *kv, struct rollup_changes *changes)
{
    struct buf scratch = {0};
    series_flush(r);
    size_t n;
    struct slot_order *order = map_order(&r->map, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rollup_slot *slot = &r->map.slots[order[i].slot];
        struct ledger_cell before = ledger_cell_get(kv, slot->key), cell = before;
        cell_add(&cell, &slot->delta);
        cell_put(kv, slot->key, &cell, &scratch);
        if (changes != NULL)
            note_change(changes, r->registry, kv, slot->key, &before, &cell);
    }
    free(order);
    rollup_fini(r);
    buf_fini(&scratch);
}

/* --- figures as they stand in the store */

/* The counting figure of record at a fact's record, if it is one. */
static bool stored_figure(struct stored_figures *f, struct slice key, struct slice value,
                          int64_t *figure)
{
    struct fact_key k = fact_key_decode(key);
    struct fact fact;
    return k.source == registry_record_on(f->registry, k.indicator, k.day) &&
           fact_decode(value, &fact) && fact_figure(&fact, figure);
}

static day_t stored_next(struct figures *base, uint32_t indicator, uint32_t code, day_t after,
                         day_t until)
{
    struct stored_figures *f = (struct stored_figures *)base;
    uint8_t from[FACT_KEY_BYTES];
    struct slice key, value;
    int64_t figure;
    fact_key_encode((struct fact_key){indicator, code, after + 1, 0}, from);
    bool more = kv_cursor_seek(f->cursor, slice_of(from, sizeof from), &key, &value);
    for (; more; more = kv_cursor_move(f->cursor, KV_NEXT, &key, &value)) {
        struct fact_key k = fact_key_decode(key);
        if (k.indicator != indicator || k.code != code || k.day > until)
            return DAY_NEVER;
        if (stored_figure(f, key, value, &figure))
            return k.day;
    }
    return DAY_NEVER;
}

/* Positions the cursor on the last record below the key. */
static bool seek_before(struct kv_cursor *c, struct slice wanted, struct slice *key,
                        struct slice *value)
{
    if (kv_cursor_seek(c, wanted, key, value))
        return kv_cursor_move(c, KV_PREV, key, value);
    return kv_cursor_move(c, KV_LAST, key, value);
}

static bool stored_last(struct figures *base, uint32_t indicator, uint32_t code, day_t before,
                        day_t since, day_t *day, int64_t *figure)
{
    struct stored_figures *f = (struct stored_figures *)base;
    uint8_t from[FACT_KEY_BYTES];
    struct slice key, value;
    fact_key_encode((struct fact_key){indicator, code, before, 0}, from);
    bool more = seek_before(f->cursor, slice_of(from, sizeof from), &key, &value);
    for (; more; more = kv_cursor_move(f->cursor, KV_PREV, &key, &value)) {
        struct fact_key k = fact_key_decode(key);
        if (k.indicator != indicator || k.code != code || k.day < since)
            return false;
        *day = k.day;
        if (stored_figure(f, key, value, figure))
            return true;
    }
    return false;
}

void stored_figures_open(struct stored_figures *f, const struct registry *registry, struct kv *kv)
{
    f->base.next = stored_next;
    f->base.last = stored_last;
    f->registry = registry;
    f->cursor = kv_cursor_open(kv, LEDGER_FACTS);
}

void stored_figures_close(struct stored_figures *f)
{
    kv_cursor_close(f->cursor);
    f->cursor = NULL;
}
