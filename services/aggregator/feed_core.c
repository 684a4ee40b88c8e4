#include "services/aggregator/feed_core.h"

#include <stdlib.h>

#include "common/base/alloc.h"

enum { NO_ROW = UINT32_MAX, NO_SPOT = UINT32_MAX };

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

/* A code that has, or may come to have, cells at a spot. */
struct member {
    uint32_t spot;
    uint32_t code;
};

/* heads[row * width + column]: a row an indicator, a column a spot. A spot is a subtree or a root,
 * of whatever indicator: twice the ordinal of its code, and one more for a root. */
struct feed {
    uint64_t epoch;
    struct feed_head *heads;
    size_t head_count;
    uint32_t *rows;    /* by indicator; NO_ROW: a ratio has no cells */
    uint32_t *columns; /* by spot; NO_ROW: its code was never a root, or never just below one */
    uint32_t indicator_count;
    uint32_t code_count;
    uint32_t width;
    struct member *members; /* ascending: a column's stand together */
    size_t member_count;
    size_t member_capacity;
    size_t *member_first; /* by column, and one more for the end */

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
    free(f->member_first);
}

void feed_destroy(struct feed *f)
{
    if (f == NULL)
        return;
    forget_streams(f);
    free(f->members);
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

/* The spot of a unit's cells of a day on which it is in force. */
static uint32_t spot_on(const struct catalogue *c, uint32_t unit, day_t on)
{
    uint32_t ancestors[CATALOGUE_DEPTH_MAX];
    unsigned depth = catalogue_ancestor_codes_on(c, unit, on, ancestors);
    return depth >= 2 ? 2 * ancestors[depth - 2] : 2 * ancestors[0] + 1;
}

static struct feed_stream stream_at(uint32_t indicator, uint32_t spot)
{
    if (spot == NO_SPOT)
        return (struct feed_stream){indicator, CATALOGUE_NONE, false};
    return (struct feed_stream){indicator, spot / 2, spot % 2 == 1};
}

/* Holds for days from..until - 1 of the code. */
struct place {
    uint32_t code;
    day_t from;
    day_t until;
    uint32_t spot;
};

static struct place place_of(const struct catalogue *c, uint32_t code, day_t day)
{
    struct place p = {code, day, day + 1, NO_SPOT};
    uint32_t near = catalogue_unit_near(c, code, day);
    if (near == CATALOGUE_NONE)
        return p;
    const struct unit *unit = catalogue_unit(c, near);
    day_t on = day > unit->to ? unit->to : day < unit->from ? unit->from : day;
    p.spot = spot_on(c, near, on);
    if (on == day) {
        day_t change = catalogue_next_change(c, near, on);
        p.until = unit->to != DAY_NEVER && unit->to + 1 < change ? unit->to + 1 : change;
    }
    return p;
}

/* Neighbours share a place, and cells come by code and day. */
static uint32_t spot_of(const struct catalogue *c, struct place *last, uint32_t code, day_t day)
{
    if (last->code != code || day < last->from || day >= last->until)
        *last = place_of(c, code, day);
    return last->spot;
}

static struct place no_place(void)
{
    return (struct place){CATALOGUE_NONE, 0, 0, NO_SPOT};
}

struct feed_stream feed_stream_of(const struct registry *r, struct ledger_cell_key cell)
{
    return stream_at(cell.indicator, place_of(registry_catalogue(r), cell.code, cell.day).spot);
}

static struct feed_head *find_head(const struct feed *f, struct feed_stream s)
{
    uint32_t row = s.indicator < f->indicator_count ? f->rows[s.indicator] : NO_ROW;
    uint32_t column = s.code < f->code_count ? f->columns[2 * s.code + s.root] : NO_ROW;
    if (row == NO_ROW || column == NO_ROW)
        return NULL;
    return &f->heads[(size_t)row * f->width + column];
}

/* --- an epoch --- */

/* Every spot at which the unit ever has cells. */
static void add_members(struct feed *f, const struct catalogue *c, uint32_t unit)
{
    const struct unit *u = catalogue_unit(c, unit);
    for (day_t on = u->from; on != DAY_NEVER && on <= u->to;
         on = catalogue_next_change(c, unit, on)) {
        alloc_reserve((void **)&f->members, &f->member_capacity, f->member_count + 1,
                      sizeof *f->members);
        f->members[f->member_count++] = (struct member){spot_on(c, unit, on), u->code};
    }
}

static int member_compare(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->spot != y->spot)
        return x->spot < y->spot ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

static void gather_members(struct feed *f, const struct catalogue *c)
{
    size_t kept = 0;
    f->member_count = 0;
    for (uint32_t unit = 0; unit < catalogue_unit_count(c); unit++)
        add_members(f, c, unit);
    if (f->member_count > 0)
        qsort(f->members, f->member_count, sizeof *f->members, member_compare);
    for (size_t i = 0; i < f->member_count; i++)
        if (kept == 0 || member_compare(&f->members[kept - 1], &f->members[i]) != 0)
            f->members[kept++] = f->members[i];
    f->member_count = kept;
}

static void number_columns(struct feed *f, const struct catalogue *c)
{
    gather_members(f, c);
    f->code_count = catalogue_code_count(c);
    f->columns = alloc_zeroed(2 * (size_t)f->code_count + 1, sizeof *f->columns);
    f->member_first = alloc_zeroed(f->member_count + 1, sizeof *f->member_first);
    for (uint32_t spot = 0; spot < 2 * f->code_count; spot++)
        f->columns[spot] = NO_ROW;
    f->width = 0;
    for (size_t i = 0; i < f->member_count; i++)
        if (f->columns[f->members[i].spot] == NO_ROW) {
            f->member_first[f->width] = i;
            f->columns[f->members[i].spot] = f->width++;
        }
    f->member_first[f->width] = f->member_count;
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
    for (uint32_t column = 0; column < f->width; column++)
        row[column].stream = stream_at(indicator, f->members[f->member_first[column]].spot);
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
        uint32_t spot = spot_of(registry_catalogue(r), &place, k.code, k.day);
        const struct feed_head *head = find_head(f, stream_at(k.indicator, spot));
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

/* False: the transaction has failed. */
static bool read_cells(struct feed *f, const struct noted *items, size_t count, struct kv *kv)
{
    alloc_reserve((void **)&f->beat.items, &f->beat.capacity, count + 1, sizeof *f->beat.items);
    for (size_t i = 0; i < count; i++) {
        struct ledger_cell_key key = {f->heads[items[i].stream].stream.indicator, items[i].code,
                                      items[i].day};
        f->beat.items[i] = (struct feed_cell){key.code, key.day, ledger_cell_get(kv, key)};
    }
    return !kv_failed(kv);
}

static void cut_updates(struct feed *f, const struct noted *items, size_t count)
{
    size_t start = 0;
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count || items[i + 1].stream != items[i].stream ||
                    i + 1 - start == FEED_UPDATE_CELLS_MAX;
        if (!last)
            continue;
        add_update(f, items[i].stream, &f->beat.items[start], i + 1 - start);
        start = i + 1;
    }
}

size_t feed_beat(struct feed *f, const struct registry *r, struct kv *kv,
                 const struct feed_cells **out)
{
    size_t count;
    struct noted *items = sort_noted(f, r, &count);
    f->update_count = 0;
    if (read_cells(f, items, count, kv)) {
        cut_updates(f, items, count);
        f->noted_count = 0;
    }
    free(items);
    *out = f->updates;
    return f->update_count;
}

/* --- snapshots --- */

struct snapshot_walk {
    struct cells *cells;
    const struct catalogue *catalogue;
    struct place place;
    uint32_t spot;
};

static void snapshot_visit(void *arg, struct ledger_cell_key key, struct ledger_cell cell)
{
    struct snapshot_walk *w = arg;
    if (spot_of(w->catalogue, &w->place, key.code, key.day) != w->spot)
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
    uint32_t spot = 2 * stream.code + stream.root, column = f->columns[spot];
    struct snapshot_walk w = {&f->snapshot, registry_catalogue(r), no_place(), spot};
    f->snapshot.count = 0;
    for (size_t i = f->member_first[column]; i < f->member_first[column + 1]; i++)
        ledger_visit_code(kv, stream.indicator, f->members[i].code, snapshot_visit, &w);
    *out = (struct feed_cells){stream, head->number, f->snapshot.items, f->snapshot.count};
    return true;
}
