#include "services/aggregator/ledger_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"

/* --- what one fact was */

/* The newest version that had come by `offset`, going back from `version`. */
static bool version_by(struct kv *kv, uint64_t version, uint64_t offset, uint64_t *at,
                       struct version_head *head, struct version_row *row)
{
    while (version != VERSION_NONE && version_find(kv, version, head, row)) {
        *at = version;
        if (head->offset <= offset)
            return true;
        version = row->previous;
    }
    return false;
}

static bool known_set(struct kv *kv, const struct fact *fact, uint64_t offset, int64_t *value)
{
    struct version_head head;
    struct version_row row;
    uint64_t at;
    bool found = version_by(kv, fact->newest, offset, &at, &head, &row);
    while (found && !row.won)
        found = version_by(kv, row.previous, offset, &at, &head, &row);
    if (!found || row.op != OP_SET)
        return false;
    *value = row.value;
    return true;
}

/* Of a tally: the sum of the adds after the greatest clear, both as they had come by then. */
static bool known_tally(struct kv *kv, const struct fact *fact, uint64_t offset, int64_t *value)
{
    struct version_head head;
    struct version_row row;
    struct stamp clear;
    bool cleared = false;
    uint64_t at, adds = 0;
    __int128 sum = 0;
    for (bool more = version_by(kv, fact->newest, offset, &at, &head, &row); more;
         more = version_by(kv, row.previous, offset, &at, &head, &row)) {
        struct stamp stamp = version_stamp(&head, at);
        if (row.op == OP_CLEAR && (!cleared || stamp_compare(&stamp, &clear) > 0)) {
            clear = stamp;
            cleared = true;
        }
    }
    for (bool more = version_by(kv, fact->newest, offset, &at, &head, &row); more;
         more = version_by(kv, row.previous, offset, &at, &head, &row)) {
        struct stamp stamp = version_stamp(&head, at);
        if (row.op == OP_CLEAR || (cleared && stamp_compare(&stamp, &clear) <= 0))
            continue;
        sum += row.value;
        adds++;
    }
    return tally_figure(sum, adds, value);
}

bool known_figure(struct kv *kv, const struct fact *fact, uint64_t offset, int64_t *value)
{
    return fact->op == OP_ADD ? known_tally(kv, fact, offset, value)
                              : known_set(kv, fact, offset, value);
}

/* --- an indicator's figures, as a sorted list */

struct listed_figure {
    uint32_t code;
    day_t day;
    struct rollup_figure figure;
};

struct listed_figures {
    struct figures base;
    struct listed_figure *items;
    size_t count;
    size_t capacity;
};

/* The first item not below (code, day). */
static size_t listed_find(const struct listed_figures *f, uint32_t code, day_t day)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct listed_figure *x = &f->items[middle];
        if (x->code < code || (x->code == code && x->day < day))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static day_t listed_next(struct figures *base, uint32_t indicator, uint32_t code, day_t after,
                         day_t until)
{
    const struct listed_figures *f = (const struct listed_figures *)base;
    size_t i = listed_find(f, code, after + 1);
    (void)indicator;
    return i < f->count && f->items[i].code == code && f->items[i].day <= until ? f->items[i].day
                                                                                : DAY_NEVER;
}

static bool listed_last(struct figures *base, uint32_t indicator, uint32_t code, day_t before,
                        day_t since, day_t *day, int64_t *value)
{
    const struct listed_figures *f = (const struct listed_figures *)base;
    size_t i = listed_find(f, code, before);
    (void)indicator;
    if (i == 0 || f->items[i - 1].code != code || f->items[i - 1].day < since)
        return false;
    *day = f->items[i - 1].day;
    *value = f->items[i - 1].figure.value;
    return true;
}

static void list_figures(struct known *k, struct kv *kv, uint32_t indicator,
                         struct listed_figures *out)
{
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_FACTS);
    uint8_t from[FACT_KEY_BYTES];
    struct slice key, value;
    fact_key_encode((struct fact_key){indicator, 0, INT32_MIN, 0}, from);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value);
         more && fact_key_decode(key).indicator == indicator;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct fact_key at = fact_key_decode(key);
        struct fact fact;
        struct rollup_figure figure;
        if (at.source != registry_record_on(k->registry, indicator, at.day) ||
            !fact_decode(value, &fact) || !known_figure(kv, &fact, k->offset, &figure.value))
            continue;
        figure.first_day = fact.first_day; /* whatever is known now, the first statement had come */
        alloc_reserve((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items);
        out->items[out->count++] = (struct listed_figure){at.code, at.day, figure};
    }
    kv_cursor_close(c);
}

/* --- views */

const struct known_cells *known_cells_of(struct known *k, struct kv *kv, uint32_t indicator)
{
    for (size_t i = 0; i < k->view_count; i++)
        if (k->views[i].indicator == indicator)
            return &k->views[i];
    struct listed_figures list = {.base = {listed_next, listed_last}};
    list_figures(k, kv, indicator, &list);
    struct rollup rollup = {.registry = k->registry, .figures = &list.base};
    for (size_t i = 0; i < list.count; i++)
        rollup_add(&rollup, indicator, list.items[i].code, list.items[i].day,
                   &list.items[i].figure);
    alloc_reserve((void **)&k->views, &k->view_capacity, k->view_count + 1, sizeof *k->views);
    struct known_cells *view = &k->views[k->view_count++];
    view->indicator = indicator;
    view->cells = rollup_take(&rollup, &view->count);
    free(list.items);
    return view;
}

void known_destroy(struct known *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->view_count; i++)
        free(k->views[i].cells);
    free(k->views);
    registry_destroy(k->registry);
    free(k);
}

int known_at(struct ledger *l, struct kv *kv, uint64_t offset, struct known **out, struct err *err)
{
    if (l->known == NULL || l->known->offset != offset) {
        known_destroy(l->known);
        l->known = NULL;
        struct known *k = alloc_zeroed(1, sizeof *k);
        k->offset = offset;
        k->registry = registry_create();
        int rc = ledger_restore(k->registry, kv, l->codec, offset, err);
        if (rc != 0) {
            known_destroy(k);
            return rc;
        }
        l->known = k;
    }
    *out = l->known;
    return 0;
}
