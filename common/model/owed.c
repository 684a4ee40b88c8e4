#include "common/model/owed.h"

#include "common/base/alloc.h"

#include <stdlib.h>

enum { OWED_TABLES = 64 };

struct owed_table {
    uint32_t reporters;
    uint32_t stretch; /* index of the change day it begins with */
    uint32_t *counts; /* by unit */
};

struct owed_cache {
    struct owed_table tables[OWED_TABLES];
    unsigned used;
    unsigned oldest; /* the one to give up next */
    unsigned last;   /* the one asked for last: most questions come in a row */
};

struct owed_cache *owed_create(void)
{
    return alloc_zeroed(1, sizeof(struct owed_cache));
}

void owed_clear(struct owed_cache *o)
{
    for (unsigned i = 0; i < o->used; i++)
        free(o->tables[i].counts);
    *o = (struct owed_cache){0};
}

void owed_destroy(struct owed_cache *o)
{
    if (!o)
        return;
    owed_clear(o);
    free(o);
}

bool owed_reports(const struct catalogue *c, uint32_t reporters, uint32_t unit, day_t on)
{
    if (reporters == REPORTS_LEAF)
        return catalogue_is_leaf_on(c, unit, on);
    const struct unit_span *span = catalogue_span_on(c, unit, on);
    return span && (reporters >> span->level & 1) != 0;
}

struct counting {
    const struct catalogue *c;
    uint32_t reporters;
    day_t on;
    uint32_t *counts;
    uint32_t up[CATALOGUE_DEPTH_MAX]; /* the way from the root to the unit visited */
};

/* Parents come before children, so the way up to each unit is known when it is met. */
static void count_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct counting *k = arg;
    k->up[depth] = unit;
    if (!owed_reports(k->c, k->reporters, unit, k->on))
        return;
    for (unsigned i = 0; i <= depth; i++)
        k->counts[k->up[i]]++;
}

static uint32_t *count_all(const struct catalogue *c, uint32_t reporters, day_t on)
{
    struct counting k = {.c = c, .reporters = reporters, .on = on};
    k.counts = alloc_zeroed((size_t)catalogue_unit_count(c) + 1, sizeof *k.counts);
    catalogue_visit_on(c, CATALOGUE_NONE, on, count_unit, &k);
    return k.counts;
}

/* Index of the last change day not after `on`. The caller knows there is one. */
static uint32_t stretch_of(const struct catalogue *c, day_t on)
{
    const day_t *days;
    uint32_t low = 0, high = catalogue_change_days(c, &days);
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (days[middle] <= on)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool is_table(const struct owed_table *t, uint32_t reporters, uint32_t stretch)
{
    return t->counts && t->reporters == reporters && t->stretch == stretch;
}

static unsigned place_for_new(struct owed_cache *o)
{
    if (o->used < OWED_TABLES)
        return o->used++;
    unsigned place = o->oldest;
    o->oldest = (place + 1) % OWED_TABLES;
    free(o->tables[place].counts);
    return place;
}

static const uint32_t *counts_of(struct owed_cache *o, const struct catalogue *c,
                                 uint32_t reporters, day_t on)
{
    uint32_t stretch = stretch_of(c, on);
    if (is_table(&o->tables[o->last], reporters, stretch))
        return o->tables[o->last].counts;
    unsigned i = 0;
    while (i < o->used && !is_table(&o->tables[i], reporters, stretch))
        i++;
    if (i == o->used) {
        i = place_for_new(o);
        o->tables[i] = (struct owed_table){reporters, stretch, count_all(c, reporters, on)};
    }
    o->last = i;
    return o->tables[i].counts;
}

uint32_t owed_below(struct owed_cache *o, const struct catalogue *c, uint32_t reporters,
                    uint32_t unit, day_t on)
{
    if (!catalogue_span_on(c, unit, on))
        return 0;
    return counts_of(o, c, reporters, on)[unit];
}

uint64_t owed_between(struct owed_cache *o, const struct catalogue *c,
                      const struct indicator *indicator, uint32_t unit, day_t first, day_t last)
{
    if (unit >= catalogue_unit_count(c))
        return 0;
    const struct unit *life = catalogue_unit(c, unit);
    const day_t *days;
    uint32_t count = catalogue_change_days(c, &days);
    day_t at = first > life->from ? first : life->from;
    day_t end = last < life->to ? last : life->to;
    uint64_t owed = 0;
    if (at > end)
        return 0;
    for (uint32_t stretch = stretch_of(c, at);; stretch++) {
        bool cut = stretch + 1 < count && days[stretch + 1] <= end;
        day_t until = cut ? days[stretch + 1] - 1 : end;
        unsigned ends = period_count_ends(indicator->period, indicator->calendar, at, until);
        if (ends > 0)
            owed += (uint64_t)ends * owed_below(o, c, indicator->reporters, unit, at);
        if (!cut)
            return owed;
        at = until + 1;
    }
}
