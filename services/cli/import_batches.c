#include "services/cli/import_batches.h"

#include "common/base/alloc.h"
#include "common/wire/wire.h"

#include <stdlib.h>

static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct import_row *rows = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (rows[x].reported_at_ms != rows[y].reported_at_ms)
        return rows[x].reported_at_ms < rows[y].reported_at_ms ? -1 : 1;
    return (x > y) - (x < y);
}

static bool begins_batch(const struct import_file *f, const struct import_batches *b, size_t i)
{
    if (i == 0 || i - b->firsts[b->count - 1] == IMPORT_BATCH_ROWS)
        return true;
    return f->rows[b->order[i]].reported_at_ms != f->rows[b->order[i - 1]].reported_at_ms;
}

void import_batches_cut(const struct import_file *f, struct import_batches *out)
{
    *out = (struct import_batches){.order = alloc_zeroed(f->row_count + 1, sizeof *out->order),
                                   .firsts = alloc_zeroed(f->row_count + 1, sizeof *out->firsts)};
    for (size_t i = 0; i < f->row_count; i++)
        out->order[i] = (uint32_t)i;
    qsort_r(out->order, f->row_count, sizeof *out->order, compare_rows, f->rows);
    for (size_t i = 0; i < f->row_count; i++)
        if (begins_batch(f, out, i))
            out->firsts[out->count++] = i;
    out->firsts[out->count] = f->row_count;
}

void import_batches_fini(struct import_batches *b)
{
    free(b->order);
    free(b->firsts);
    *b = (struct import_batches){0};
}

/* The batch's own dictionary, in the order in which its rows use it. */
static uint32_t use(struct dict *own, const struct dict *all, uint32_t number)
{
    return dict_add(own, slice_str(dict_text(all, number)));
}

static struct slice *texts_of(const struct dict *d, struct arena *arena)
{
    uint32_t count = dict_count(d);
    struct slice *out = arena_alloc(arena, (count + 1) * sizeof *out);
    for (uint32_t i = 0; i < count; i++)
        out[i] = slice_str(dict_text(d, i));
    return out;
}

static void fill_columns(const struct import_file *f, const uint32_t *order, uint32_t count,
                         struct dict *units, struct dict *indicators, struct arena *arena,
                         struct batch *out)
{
    out->row_count = count;
    out->unit_refs = arena_alloc(arena, count * sizeof *out->unit_refs);
    out->indicator_refs = arena_alloc(arena, count * sizeof *out->indicator_refs);
    out->days = arena_alloc(arena, count * sizeof *out->days);
    out->ops = arena_alloc(arena, count);
    out->values = arena_alloc(arena, count * sizeof *out->values);
    for (uint32_t i = 0; i < count; i++) {
        const struct import_row *row = &f->rows[order[i]];
        out->unit_refs[i] = use(units, f->units, row->unit);
        out->indicator_refs[i] = use(indicators, f->indicators, row->indicator);
        out->days[i] = row->day;
        out->ops[i] = row->op;
        out->values[i] = row->value;
    }
}

void import_batches_pack(const struct import_file *f, const struct import_batches *b, size_t t,
                         struct buf *out)
{
    struct arena arena;
    struct dict *units = dict_create(), *indicators = dict_create();
    const uint32_t *order = b->order + b->firsts[t];
    struct batch batch = {.reported_at_ms = f->rows[order[0]].reported_at_ms};
    arena_init(&arena, 0);
    fill_columns(f, order, (uint32_t)(b->firsts[t + 1] - b->firsts[t]), units, indicators, &arena,
                 &batch);
    batch.unit_count = dict_count(units);
    batch.units = texts_of(units, &arena);
    batch.indicator_count = dict_count(indicators);
    batch.indicators = texts_of(indicators, &arena);
    wire_pack_batch(&batch, out);
    dict_destroy(units);
    dict_destroy(indicators);
    arena_fini(&arena);
}
