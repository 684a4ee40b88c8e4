#include "common/model/catalogue.h"

#include "common/base/check.h"
#include "common/model/catalogue_impl.h"

#include <stdlib.h>

void catalogue_destroy(struct catalogue *c)
{
    if (!c)
        return;
    dict_destroy(c->codes);
    arena_fini(&c->text);
    free(c->spans);
    free(c->span_unit);
    free(c->span_parent);
    free(c->span_parent_until);
    free(c->units);
    free(c->code_units);
    free(c->change_days);
    free(c->children.items);
    free(c->children.first);
    free(c->populated);
    free(c->populated_first);
    free(c->heirs.items);
    free(c->heirs.first);
    free(c->covered.items);
    free(c->covered.first);
    free(c);
}

uint32_t catalogue_code_count(const struct catalogue *c)
{
    return dict_count(c->codes);
}

uint32_t catalogue_code_find(const struct catalogue *c, struct slice code)
{
    uint32_t found = dict_find(c->codes, code);
    return found == DICT_NONE ? CATALOGUE_NONE : found;
}

const char *catalogue_code_text(const struct catalogue *c, uint32_t code)
{
    return dict_text(c->codes, code);
}

uint32_t catalogue_unit_count(const struct catalogue *c)
{
    return c->unit_count;
}

const struct unit *catalogue_unit(const struct catalogue *c, uint32_t unit)
{
    require(unit < c->unit_count);
    return &c->units[unit];
}

/* The last unit of the code that began by that day, or NONE. */
static uint32_t last_begun(const struct catalogue *c, uint32_t code, day_t on)
{
    uint32_t low = c->code_units[code], high = c->code_units[code + 1], first = low;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->units[middle].from <= on)
            low = middle + 1;
        else
            high = middle;
    }
    return low == first ? CATALOGUE_NONE : low - 1;
}

uint32_t catalogue_unit_on(const struct catalogue *c, uint32_t code, day_t on)
{
    if (code >= catalogue_code_count(c))
        return CATALOGUE_NONE;
    uint32_t unit = last_begun(c, code, on);
    return unit != CATALOGUE_NONE && c->units[unit].to >= on ? unit : CATALOGUE_NONE;
}

uint32_t catalogue_unit_near(const struct catalogue *c, uint32_t code, day_t on)
{
    if (code >= catalogue_code_count(c) || c->code_units[code] == c->code_units[code + 1])
        return CATALOGUE_NONE;
    uint32_t unit = last_begun(c, code, on);
    return unit == CATALOGUE_NONE ? c->code_units[code] : unit;
}

static bool in_force(const struct catalogue *c, uint32_t unit, day_t on)
{
    return c->units[unit].from <= on && on <= c->units[unit].to;
}

/* Index of the span of a unit that is in force. */
static uint32_t span_index_on(const struct catalogue *c, uint32_t unit, day_t on)
{
    uint32_t first = c->units[unit].span_first;
    return catalogue_span_near(c, first, first + c->units[unit].span_count, on);
}

const struct unit_span *catalogue_span_on(const struct catalogue *c, uint32_t unit, day_t on)
{
    if (unit >= c->unit_count || !in_force(c, unit, on))
        return NULL;
    return &c->spans[span_index_on(c, unit, on)];
}

const char *catalogue_name_near(const struct catalogue *c, struct slice code, day_t on)
{
    uint32_t ordinal = catalogue_code_find(c, code);
    uint32_t unit =
        ordinal == CATALOGUE_NONE ? CATALOGUE_NONE : catalogue_unit_near(c, ordinal, on);
    if (unit == CATALOGUE_NONE)
        return NULL;
    const struct unit *u = &c->units[unit];
    return catalogue_span_on(c, unit, on < u->from ? u->from : on > u->to ? u->to : on)->name;
}

uint32_t catalogue_parent_on(const struct catalogue *c, uint32_t unit, day_t on)
{
    if (unit >= c->unit_count || !in_force(c, unit, on))
        return CATALOGUE_NONE;
    return catalogue_unit_on(c, c->span_parent[span_index_on(c, unit, on)], on);
}

unsigned catalogue_ancestors_on(const struct catalogue *c, uint32_t unit, day_t on,
                                uint32_t out[CATALOGUE_DEPTH_MAX])
{
    if (unit >= c->unit_count || !in_force(c, unit, on))
        return 0;
    unsigned count = 0;
    for (uint32_t at = unit; at != CATALOGUE_NONE; at = catalogue_parent_on(c, at, on)) {
        require(count <
                CATALOGUE_DEPTH_MAX); /* levels grow on the way down, and there are so many */
        out[count++] = at;
    }
    return count;
}

unsigned catalogue_ancestor_codes_on(const struct catalogue *c, uint32_t unit, day_t on,
                                     uint32_t out[CATALOGUE_DEPTH_MAX])
{
    unsigned count = catalogue_ancestors_on(c, unit, on, out);
    for (unsigned i = 0; i < count; i++)
        out[i] = c->units[out[i]].code;
    return count;
}

bool catalogue_is_leaf_on(const struct catalogue *c, uint32_t unit, day_t on)
{
    const struct unit_span *span = catalogue_span_on(c, unit, on);
    if (!span || span->level > CATALOGUE_LEVEL_LEAF_MAX)
        return false;
    uint32_t code = c->units[unit].code;
    uint32_t low = c->populated_first[code], high = c->populated_first[code + 1], first = low;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->populated[middle].from <= on)
            low = middle + 1;
        else
            high = middle;
    }
    return low == first || c->populated[low - 1].to < on;
}

/* An ancestor's end is among the days it keeps its parent until, so it needs no look of its own. */
day_t catalogue_next_change(const struct catalogue *c, uint32_t unit, day_t on)
{
    uint32_t up[CATALOGUE_DEPTH_MAX];
    unsigned count = catalogue_ancestors_on(c, unit, on, up);
    day_t until = DAY_NEVER;
    for (unsigned i = 0; i < count; i++) {
        day_t one = c->span_parent_until[span_index_on(c, up[i], on)];
        until = one < until ? one : until;
    }
    return count == 0 || until >= c->units[unit].to ? DAY_NEVER : until + 1;
}

static uint32_t list_of(const struct catalogue_lists *lists, uint32_t index, const uint32_t **out)
{
    *out = lists->items + lists->first[index];
    return lists->first[index + 1] - lists->first[index];
}

uint32_t catalogue_heirs_of(const struct catalogue *c, uint32_t unit, const uint32_t **out)
{
    require(unit < c->unit_count);
    return list_of(&c->heirs, unit, out);
}

static bool came_from(const struct catalogue *c, uint32_t scope, uint32_t unit)
{
    const uint32_t *list;
    uint32_t low = 0, high = list_of(&c->covered, scope, &list);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list[middle] == unit)
            return true;
        if (list[middle] < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool catalogue_in_scope(const struct catalogue *c, uint32_t unit, day_t on, uint32_t scope)
{
    if (scope >= c->unit_count)
        return false;
    uint32_t up[CATALOGUE_DEPTH_MAX];
    unsigned count = catalogue_ancestors_on(c, unit, on, up);
    for (unsigned i = 0; i < count; i++)
        if (up[i] == scope || came_from(c, scope, up[i]))
            return true;
    return false;
}

uint32_t catalogue_change_days(const struct catalogue *c, const day_t **out)
{
    *out = c->change_days;
    return c->change_count;
}

struct walk {
    const struct catalogue *c;
    day_t on;
    void (*visit)(void *arg, uint32_t unit, unsigned depth);
    void *arg;
};

static void walk_below(const struct walk *w, uint32_t list, unsigned depth);

static void walk_unit(const struct walk *w, uint32_t unit, unsigned depth)
{
    w->visit(w->arg, unit, depth);
    walk_below(w, w->c->units[unit].code, depth + 1);
}

/* At most CATALOGUE_DEPTH_MAX calls deep. */
static void walk_below(const struct walk *w, uint32_t list, unsigned depth)
{
    const uint32_t *spans;
    uint32_t count = list_of(&w->c->children, list, &spans);
    for (uint32_t i = 0; i < count; i++) {
        const struct unit_span *span = &w->c->spans[spans[i]];
        if (span->from <= w->on && w->on <= span->to)
            walk_unit(w, w->c->span_unit[spans[i]], depth);
    }
}

void catalogue_visit_on(const struct catalogue *c, uint32_t root, day_t on,
                        void (*visit)(void *arg, uint32_t unit, unsigned depth), void *arg)
{
    struct walk w = {c, on, visit, arg};
    if (root == CATALOGUE_NONE)
        walk_below(&w, catalogue_code_count(c), 0);
    else if (root < c->unit_count && in_force(c, root, on))
        walk_unit(&w, root, 0);
}
