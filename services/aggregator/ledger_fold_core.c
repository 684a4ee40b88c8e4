#include "services/aggregator/ledger_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"

/* 128 Ki cells of 120 bytes: what a province changes in a month, and 16 MiB of memory at the most.
 */
enum { FOLD_KEEP = 128 * 1024, FOLD_INDEX_FIRST = 1024 };

static uint64_t fold_hash(struct fact_key key)
{
    uint64_t a = ((uint64_t)key.indicator << 32) | key.code;
    uint64_t b = ((uint64_t)(uint32_t)key.day << 16) ^ key.source;
    uint64_t h = (a * UINT64_C(0x9E3779B97F4A7C15)) ^ (b * UINT64_C(0xC2B2AE3D27D4EB4F));
    h ^= h >> 32;
    return h * UINT64_C(0xD6E8FEB86659FD93) >> 16;
}

static bool fact_key_equal(struct fact_key a, struct fact_key b)
{
    return a.indicator == b.indicator && a.code == b.code && a.day == b.day && a.source == b.source;
}

void fold_fini(struct fold *f)
{
    free(f->cells);
    free(f->index);
    memset(f, 0, sizeof *f);
}

static void fold_index_put(struct fold *f, size_t cell)
{
    size_t at = fold_hash(f->cells[cell].key) & (f->index_size - 1);
    while (f->index[at] != 0)
        at = (at + 1) & (f->index_size - 1);
    f->index[at] = (uint32_t)cell + 1;
}

static void fold_index_grow(struct fold *f)
{
    f->index_size = f->index_size == 0 ? FOLD_INDEX_FIRST : f->index_size * 2;
    free(f->index);
    f->index = alloc_zeroed(f->index_size, sizeof *f->index);
    for (size_t i = 0; i < f->count; i++)
        fold_index_put(f, i);
}

static bool fold_load(struct kv *kv, struct fold_cell *cell)
{
    uint8_t key[FACT_KEY_BYTES];
    struct slice value;
    fact_key_encode(cell->key, key);
    cell->fact.newest = VERSION_NONE;
    cell->fact.holds = VERSION_NONE;
    cell->fact.first_day = DAY_NEVER;
    if (!kv_get(kv, LEDGER_FACTS, slice_of(key, sizeof key), &value))
        return true;
    if (!fact_decode(value, &cell->fact))
        return false;
    cell->exists = true;
    cell->stored_counts = fact_figure(&cell->fact, &cell->stored_value);
    cell->stored_first_day = cell->fact.first_day;
    return true;
}

void fold_expect(const struct fold *f, struct fact_key key, bool near)
{
    if (f->index_size == 0)
        return;
    const uint32_t *slot = &f->index[fold_hash(key) & (f->index_size - 1)];
    if (!near) {
        __builtin_prefetch(slot);
        return;
    }
    if (*slot == 0)
        return;
    const struct fold_cell *cell = &f->cells[*slot - 1];
    __builtin_prefetch(cell);
    __builtin_prefetch((const char *)cell + 64);
    __builtin_prefetch((const char *)cell + 128);
}

struct fold_cell *fold_cell(struct fold *f, struct kv *kv, struct fact_key key)
{
    if (f->count * 2 >= f->index_size)
        fold_index_grow(f);
    size_t at = fold_hash(key) & (f->index_size - 1);
    for (; f->index[at] != 0; at = (at + 1) & (f->index_size - 1)) {
        struct fold_cell *cell = &f->cells[f->index[at] - 1];
        if (fact_key_equal(cell->key, key))
            return cell;
    }
    alloc_reserve((void **)&f->cells, &f->capacity, f->count + 1, sizeof *f->cells);
    struct fold_cell *cell = &f->cells[f->count];
    memset(cell, 0, sizeof *cell);
    cell->key = key;
    if (!fold_load(kv, cell))
        return NULL;
    f->index[at] = (uint32_t)++f->count;
    return cell;
}

static struct fold_order order_of(struct fact_key key, uint32_t cell)
{
    uint32_t day = (uint32_t)key.day ^ 0x80000000u;
    return (struct fold_order){
        .high = ((uint64_t)key.indicator << 48) | ((uint64_t)key.code << 16) | (day >> 16),
        .low = ((uint64_t)(day & 0xffff) << 48) | ((uint64_t)key.source << 32) | cell,
    };
}

static int order_compare(const void *a, const void *b)
{
    const struct fold_order *x = a, *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

size_t fold_dirty_sorted(const struct fold *f, struct fold_order **out)
{
    *out = alloc_zeroed(f->dirty_count + 1, sizeof **out);
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->cells[i].dirty)
            (*out)[n++] = order_of(f->cells[i].key, (uint32_t)i);
    qsort(*out, n, sizeof **out, order_compare);
    return n;
}

void fold_trim(struct fold *f)
{
    if (f->count <= FOLD_KEEP)
        return;
    f->count = 0;
    f->capacity = 0;
    free(f->cells);
    free(f->index);
    f->cells = NULL;
    f->index = NULL;
    f->index_size = 0;
}
