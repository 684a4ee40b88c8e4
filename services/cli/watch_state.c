#include "services/cli/watch_state.h"

#include "common/base/alloc.h"
#include "common/base/dict.h"

#include <stdio.h>
#include <stdlib.h>

struct stream {
    bool held;
    bool refused; /* not ours to see */
    uint64_t number;
    uint64_t generation; /* of its last snapshot */
};

struct cell {
    uint32_t next; /* the unit's next cell, + 1; 0: none */
    uint32_t unit; /* in units */
    uint32_t stream;
    uint64_t generation;
    struct wire_cell value;
};

struct watch_state {
    watch_change_fn *change;
    void *arg;
    uint64_t epoch;
    uint64_t generation;
    bool settled;              /* nothing is left of an earlier epoch */
    struct dict *stream_names; /* "indicator/subtree" */
    struct stream *streams;
    size_t stream_capacity;
    struct dict *unit_names; /* "indicator/unit" */
    uint32_t *units;         /* the first cell of each, + 1 */
    size_t unit_capacity;
    struct dict *cell_names; /* "indicator/unit/day" */
    struct cell *cells;
    size_t cell_capacity;
};

struct watch_state *watch_create(watch_change_fn *change, void *arg)
{
    struct watch_state *w = alloc_zeroed(1, sizeof *w);
    w->change = change;
    w->arg = arg;
    w->stream_names = dict_create();
    w->unit_names = dict_create();
    w->cell_names = dict_create();
    return w;
}

void watch_destroy(struct watch_state *w)
{
    if (!w)
        return;
    dict_destroy(w->stream_names);
    dict_destroy(w->unit_names);
    dict_destroy(w->cell_names);
    free(w->streams);
    free(w->units);
    free(w->cells);
    free(w);
}

/* The number of a name; a new one's record of `each` bytes in *items is zeroed. */
static uint32_t number_of(struct dict *names, struct buf *name, void **items, size_t *capacity,
                          size_t each)
{
    uint32_t count = dict_count(names), n = dict_add(names, buf_slice(name));
    if (n == count) {
        alloc_reserve(items, capacity, (size_t)count + 1, each);
        memset((char *)*items + (size_t)n * each, 0, each);
    }
    buf_fini(name);
    return n;
}

static uint32_t find_stream(struct watch_state *w, const struct wire_stream *s)
{
    struct buf name = {0};
    char subtree[WIRE_SUBTREE_BYTES];
    buf_printf(&name, "%s/%s", s->indicator.text, wire_subtree_format(s, subtree));
    return number_of(w->stream_names, &name, (void **)&w->streams, &w->stream_capacity,
                     sizeof *w->streams);
}

static uint32_t find_unit(struct watch_state *w, const char *indicator, const char *unit)
{
    struct buf name = {0};
    buf_printf(&name, "%s/%s", indicator, unit);
    return number_of(w->unit_names, &name, (void **)&w->units, &w->unit_capacity, sizeof *w->units);
}

static struct cell *find_cell(struct watch_state *w, const char *indicator,
                              const struct wire_cell *c)
{
    struct buf name = {0};
    uint32_t count = dict_count(w->cell_names), unit = find_unit(w, indicator, c->unit.text);
    buf_printf(&name, "%s/%s/%d", indicator, c->unit.text, c->day);
    uint32_t n =
        number_of(w->cell_names, &name, (void **)&w->cells, &w->cell_capacity, sizeof *w->cells);
    struct cell *cell = &w->cells[n];
    cell->value.unit = c->unit;
    cell->value.day = c->day;
    cell->unit = unit;
    if (n == count) {
        cell->next = w->units[unit];
        w->units[unit] = n + 1;
    }
    return cell;
}

/* What the unit comes to on that day: of a stock its level, of a flow the sum so far. */
static int64_t total_on(const struct watch_state *w, uint32_t unit, day_t day)
{
    int64_t total = 0;
    for (uint32_t n = w->units[unit]; n != 0; n = w->cells[n - 1].next)
        if (w->cells[n - 1].value.day <= day)
            total += w->cells[n - 1].value.amount;
    return total;
}

static struct watch_cell shown(const struct watch_state *w, const struct cell *cell,
                               char indicator[IDENT_BYTES_MAX + 1])
{
    const char *name = dict_text(w->unit_names, cell->unit);
    snprintf(indicator, IDENT_BYTES_MAX + 1, "%.*s", (int)strcspn(name, "/"), name);
    return (struct watch_cell){.indicator = indicator,
                               .unit = cell->value.unit.text,
                               .day = cell->value.day,
                               .amount = cell->value.amount,
                               .before = cell->value.amount,
                               .total = total_on(w, cell->unit, cell->value.day),
                               .figures = cell->value.figures,
                               .reported = cell->value.reported,
                               .on_time = cell->value.on_time};
}

static void set_cell(struct watch_state *w, struct cell *cell, const struct wire_cell *value)
{
    struct wire_cell before = cell->value;
    char indicator[IDENT_BYTES_MAX + 1];
    cell->value = *value;
    if (before.amount == value->amount && before.figures == value->figures &&
        before.reported == value->reported && before.on_time == value->on_time)
        return;
    struct watch_cell one = shown(w, cell, indicator);
    one.before = before.amount;
    w->change(w->arg, &one);
}

static void take_cells(struct watch_state *w, uint32_t stream, const struct wire_cells *u)
{
    for (uint32_t i = 0; i < u->cell_count; i++) {
        const char *indicator = u->stream.indicator.text;
        struct cell *cell = find_cell(w, indicator, &u->cells[i]);
        cell->stream = stream;
        cell->generation = w->streams[stream].generation;
        set_cell(w, cell, &u->cells[i]);
    }
}

bool watch_update(struct watch_state *w, const struct wire_cells *u)
{
    uint32_t n = find_stream(w, &u->stream);
    struct stream *s = &w->streams[n];
    if (u->epoch != w->epoch || !s->held || u->number > s->number + 1) {
        s->held = false;
        s->refused = false; /* what is heard may be seen, from today on perhaps */
        return false;
    }
    if (u->number <= s->number)
        return true; /* it is in the snapshot */
    s->number = u->number;
    take_cells(w, n, u);
    return true;
}

static void drop_missing(struct watch_state *w, uint32_t stream)
{
    for (uint32_t i = 0; i < dict_count(w->cell_names); i++) {
        struct cell *cell = &w->cells[i];
        if (cell->stream != stream || cell->generation == w->streams[stream].generation)
            continue;
        struct wire_cell none = {.unit = cell->value.unit, .day = cell->value.day};
        cell->generation = w->streams[stream].generation;
        set_cell(w, cell, &none);
    }
}

void watch_snapshot(struct watch_state *w, const struct wire_cells *u,
                    const struct wire_stream *asked)
{
    uint32_t n = find_stream(w, asked);
    if (u->code != 0) {
        w->streams[n].refused = u->code == ERR_DENIED;
        return;
    }
    if (u->epoch != w->epoch)
        return; /* the next heads begin anew */
    w->streams[n].generation = ++w->generation;
    w->streams[n].held = true;
    w->streams[n].number = u->number;
    take_cells(w, n, u);
    drop_missing(w, n);
}

/* Numbers of another epoch say nothing; the cells stay until the new snapshots tell what changed.
 */
static void begin_epoch(struct watch_state *w, uint64_t epoch)
{
    for (uint32_t i = 0; i < dict_count(w->stream_names); i++)
        w->streams[i].held = w->streams[i].refused = false;
    w->epoch = epoch;
    w->settled = false;
}

/* All streams of the epoch are held: what only streams of an earlier one had is gone. */
static void settle(struct watch_state *w)
{
    for (uint32_t i = 0; i < dict_count(w->stream_names) && !w->settled; i++) {
        if (w->streams[i].held)
            continue;
        w->streams[i].generation = ++w->generation;
        drop_missing(w, i);
    }
    w->settled = true;
}

bool watch_heads(struct watch_state *w, const struct wire_heads *h, const char *indicator,
                 void (*want)(void *arg, const struct wire_stream *stream), void *arg)
{
    bool whole = true;
    if (h->epoch != w->epoch)
        begin_epoch(w, h->epoch);
    for (uint32_t i = 0; i < h->head_count; i++) {
        const struct wire_stream_head *head = &h->heads[i];
        if (indicator && strcmp(indicator, head->stream.indicator.text) != 0)
            continue;
        uint32_t n = find_stream(w, &head->stream); /* may move the streams */
        const struct stream *s = &w->streams[n];
        if (s->refused || (s->held && s->number >= head->number))
            continue;
        whole = false;
        want(arg, &head->stream);
    }
    if (whole)
        settle(w);
    return whole;
}

void watch_visit(const struct watch_state *w,
                 void (*visit)(void *arg, const struct watch_cell *cell), void *arg)
{
    char indicator[IDENT_BYTES_MAX + 1];
    for (uint32_t i = 0; i < dict_count(w->cell_names); i++) {
        const struct wire_cell *v = &w->cells[i].value;
        if (v->amount == 0 && v->figures == 0 && v->reported == 0)
            continue;
        struct watch_cell one = shown(w, &w->cells[i], indicator);
        visit(arg, &one);
    }
}

bool watch_holds_any(const struct watch_state *w)
{
    for (uint32_t i = 0; i < dict_count(w->stream_names); i++)
        if (w->streams[i].held)
            return true;
    return false;
}
