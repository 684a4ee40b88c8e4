#include "services/aggregator/feed_core.h"

#include <stdlib.h>

#include "common/base/alloc.h"

enum { NO_ROW = UINT32_MAX };

struct cells {
    struct feed_cell *items;
    size_t count;
    size_t capacity;
};

/* A noted cell and the index of its stream. */
struct noted {
    uint32_t stream;
    uint32_t code;
    day_t day;
};

/* heads[row * width + column]: a row an indicator, a column a subtree. */
struct feed {
    uint64_t epoch;
    struct feed_head *heads;
    size_t head_count;
    uint32_t *rows;    /* by indicator; NO_ROW: a ratio has no cells */
    uint32_t *columns; /* by code; NO_ROW: never just below a root */
    uint32_t indicator_count;
    uint32_t code_count;
    uint32_t width;

    struct ledger_cell_key *noted;
    size_t noted_count;
    size_t noted_capacity;

    struct cells beat;
    struct feed_cells *updates;
    size_t update_count;
    size_t update_capacity;
    struct cells snapshot;
};

struct feed *feed_create(void)
{
    return alloc_zeroed(1, sizeof(struct feed));
}

static void forget_streams(struct feed *f)
{
    free(f->heads);
    free(f->rows);
    free(f->columns);
}

void feed_destroy(struct feed *f)
{
    if (f == NULL)
        return;
    forget_streams(f);
    free(f->noted);
    free(f->beat.items);
    free(f->updates);
    free(f->snapshot.items);
    free(f);
}

uint64_t feed_epoch(const struct feed *f)
{
    return f->epoch;
}

/* --- where a cell belongs --- */

/* Holds for days from..until - 1 of the code. */
struct place {
    uint32_t code;
    day_t from;
    day_t until;
    uint32_t subtree;
};

static struct place place_of(const struct catalogue *c, uint32_t code, day_t day)
{
    struct place p = {code, day, day + 1, FEED_ROOT};
    uint32_t ancestors[CATALOGUE_DEPTH_MAX];
    uint32_t near = catalogue_unit_near(c, code, day);
    if (near == CATALOGUE_NONE)
        return p;
    const struct unit *unit = catalogue_unit(c, near);
    day_t on = day > unit->to ? unit->to : day < unit->from ? unit->from : day;
    unsigned depth = catalogue_ancestor_codes_on(c, near, on, ancestors);
    if (depth >= 2)
        p.subtree = ancestors[depth - 2];
    if (on == day) {
        day_t change = catalogue_next_change(c, near, on);
        p.until = unit->to != DAY_NEVER && unit->to + 1 < change ? unit->to + 1 : change;
    }
    return p;
}

/* Neighbours share a place, and cells come by code and day. */
static uint32_t subtree_of(const struct catalogue *c, struct place *last, uint32_t code, day_t day)
{
    if (last->code != code || day < last->from || day >= last->until)
        *last = place_of(c, code, day);
    return last->subtree;
}

static struct place no_place(void)
{
    return (struct place){CATALOGUE_NONE, 0, 0, FEED_ROOT};
}

struct feed_stream feed_stream_of(const struct registry *r, struct ledger_cell_key cell)
{
    return (struct feed_stream){cell.indicator,
                                place_of(registry_catalogue(r), cell.code, cell.day).subtree};
}

static struct feed_head *find_head(const struct feed *f, struct feed_stream s)
{
    uint32_t row = s.indicator < f->indicator_count ? f->rows[s.indicator] : NO_ROW;
    uint32_t column = 0;
    if (s.subtree != FEED_ROOT)
        column = s.subtree < f->code_count ? f->columns[s.subtree] : NO_ROW;
    if (row == NO_ROW || column == NO_ROW)
        return NULL;
    return &f->heads[(size_t)row * f->width + column];
}

/* --- an epoch --- */

/* Marks every code that the unit is below a root under. */
static void mark_second_level(struct feed *f, const struct catalogue *c, uint32_t unit)
{
    uint32_t ancestors[CATALOGUE_DEPTH_MAX];
    const struct unit *u = catalogue_unit(c, unit);
    for (day_t on = u->from; on != DAY_NEVER && on <= u->to;
         on = catalogue_next_change(c, unit, on))
        if (catalogue_ancestor_codes_on(c, unit, on, ancestors) == 2)
            f->columns[u->code] = 0;
}

static void number_columns(struct feed *f, const struct catalogue *c)
{
    f->code_count = catalogue_code_count(c);
    f->columns = alloc_zeroed(f->code_count + 1, sizeof *f->columns);
    for (uint32_t code = 0; code < f->code_count; code++)
        f->columns[code] = NO_ROW;
    for (uint32_t unit = 0; unit < catalogue_unit_count(c); unit++)
        mark_second_level(f, c, unit);
    f->width = 1; /* "@" */
    for (uint32_t code = 0; code < f->code_count; code++)
        if (f->columns[code] != NO_ROW)
            f->columns[code] = f->width++;
}

static uint32_t number_rows(struct feed *f, const struct registry *r)
{
    uint32_t count = 0;
    f->indicator_count = registry_indicator_count(r);
    f->rows = alloc_zeroed(f->indicator_count + 1, sizeof *f->rows);
    for (uint32_t i = 0; i < f->indicator_count; i++)
        f->rows[i] = registry_indicator(r, i)->kind == INDICATOR_RATIO ? NO_ROW : count++;
    return count;
}

static void fill_row(struct feed *f, uint32_t indicator)
{
    struct feed_head *row = &f->heads[(size_t)f->rows[indicator] * f->width];
    row[0].stream = (struct feed_stream){indicator, FEED_ROOT};
    for (uint32_t code = 0; code < f->code_count; code++)
        if (f->columns[code] != NO_ROW)
            row[f->columns[code]].stream = (struct feed_stream){indicator, code};
}

void feed_begin(struct feed *f, const struct registry *r, uint64_t epoch)
{
    forget_streams(f);
    number_columns(f, registry_catalogue(r));
    f->head_count = (size_t)number_rows(f, r) * f->width;
    f->heads = alloc_zeroed(f->head_count + 1, sizeof *f->heads);
    for (uint32_t i = 0; i < f->indicator_count; i++)
        if (f->rows[i] != NO_ROW)
            fill_row(f, i);
    f->epoch = epoch;
    f->noted_count = 0; /* the snapshots of the new epoch have them */
    f->update_count = 0;
}

size_t feed_heads(const struct feed *f, const struct feed_head **out)
{
    *out = f->heads;
    return f->head_count;
}

/* --- beats --- */

void feed_note(struct feed *f, const struct ledger_cell_key *cells, size_t count)
{
    alloc_reserve((void **)&f->noted, &f->noted_capacity, f->noted_count + count, sizeof *f->noted);
    if (count > 0)
        memcpy(f->noted + f->noted_count, cells, count * sizeof *cells);
    f->noted_count += count;
}

static int noted_compare(const void *a, const void *b)
{
    const struct noted *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return x->day < y->day ? -1 : x->day > y->day;
}

/* The noted cells by stream, each once; the caller frees. */
static struct noted *sort_noted(const struct feed *f, const struct registry *r, size_t *count)
{
    struct noted *items = alloc_zeroed(f->noted_count + 1, sizeof *items);
    struct place place = no_place();
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < f->noted_count; i++) {
        struct ledger_cell_key k = f->noted[i];
        struct feed_stream s = {k.indicator,
                                subtree_of(registry_catalogue(r), &place, k.code, k.day)};
        const struct feed_head *head = find_head(f, s);
        if (head != NULL)
            items[n++] = (struct noted){(uint32_t)(head - f->heads), k.code, k.day};
    }
    qsort(items, n, sizeof *items, noted_compare);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || noted_compare(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    *count = kept;
    return items;
}

static void add_update(struct feed *f, uint32_t stream, const struct feed_cell *cells, size_t count)
{
    alloc_reserve((void **)&f->updates, &f->update_capacity, f->update_count + 1,
                  sizeof *f->updates);
    f->updates[f->update_count++] =
        (struct feed_cells){f->heads[stream].stream, ++f->heads[stream].number, cells, count};
}

size_t feed_beat(struct feed *f, const struct registry *r, struct kv *kv,
                 const struct feed_cells **out)
{
    size_t count, start = 0;
    struct noted *items = sort_noted(f, r, &count);
    alloc_reserve((void **)&f->beat.items, &f->beat.capacity, count + 1, sizeof *f->beat.items);
    f->update_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct ledger_cell_key key = {f->heads[items[i].stream].stream.indicator, items[i].code,
                                      items[i].day};
        f->beat.items[i] = (struct feed_cell){key.code, key.day, ledger_cell_get(kv, key)};
        bool last = i + 1 == count || items[i + 1].stream != items[i].stream ||
                    i + 1 - start == FEED_UPDATE_CELLS_MAX;
        if (!last)
            continue;
        add_update(f, items[i].stream, &f->beat.items[start], i + 1 - start);
        start = i + 1;
    }
    free(items);
    f->noted_count = 0;
    *out = f->updates;
    return f->update_count;
}

/* --- snapshots --- */

struct snapshot_walk {
    struct cells *cells;
    const struct catalogue *catalogue;
    struct place place;
    uint32_t subtree;
};

static void snapshot_visit(void *arg, struct ledger_cell_key key, struct ledger_cell cell)
{
    struct snapshot_walk *w = arg;
    if (subtree_of(w->catalogue, &w->place, key.code, key.day) != w->subtree)
        return;
    alloc_reserve((void **)&w->cells->items, &w->cells->capacity, w->cells->count + 1,
                  sizeof *w->cells->items);
    w->cells->items[w->cells->count++] = (struct feed_cell){key.code, key.day, cell};
}

bool feed_snapshot(struct feed *f, const struct registry *r, struct kv *kv,
                   struct feed_stream stream, struct feed_cells *out)
{
    const struct feed_head *head = find_head(f, stream);
    if (head == NULL)
        return false;
    struct snapshot_walk w = {&f->snapshot, registry_catalogue(r), no_place(), stream.subtree};
    f->snapshot.count = 0;
    ledger_visit_cells(kv, stream.indicator, snapshot_visit, &w);
    *out = (struct feed_cells){stream, head->number, f->snapshot.items, f->snapshot.count};
    return true;
}
