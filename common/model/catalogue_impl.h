/* What a catalogue is made of, shared by catalogue_build.c, which fills it, and catalogue.c, which
 * reads it. Nobody else includes this. */
#ifndef TONGHOP_MODEL_CATALOGUE_IMPL_H
#define TONGHOP_MODEL_CATALOGUE_IMPL_H

#include "common/base/arena.h"
#include "common/base/dict.h"
#include "common/model/catalogue.h"

struct day_run {
    day_t from;
    day_t to;
};

/* A list for each of some numbered things, all in one array: list i is items[first[i]] up to, not
 * including, items[first[i + 1]]. */
struct catalogue_lists {
    uint32_t *items;
    uint32_t *first;
};

struct catalogue {
    struct dict *codes;
    struct arena text; /* names and types of the spans */

    struct unit_span *spans; /* by code ordinal, then time */
    uint32_t span_count;
    uint32_t *span_unit;
    uint32_t *span_parent;    /* code ordinal, or CATALOGUE_NONE */
    day_t *span_parent_until; /* last day of the unit on which its parent still has that code */

    struct unit *units; /* by code ordinal, then time */
    uint32_t unit_count;
    uint32_t *code_units; /* first unit of each code; one more for the end */

    day_t *change_days;
    uint32_t change_count;

    /* Spans below each code, by code text, then time; the last list holds the roots. */
    struct catalogue_lists children;
    /* Days on which anybody of a level that can be a leaf is below each code: runs, in time order,
     * indexed by populated_first. */
    struct day_run *populated;
    uint32_t *populated_first;

    struct catalogue_lists heirs;
    /* Everything a unit came from, however long ago, ascending. Kept whole and not searched for, as
     * the question is asked for every dictionary entry of every batch. */
    struct catalogue_lists covered;
};

/* Of the spans low up to, not including, high, which are in time order and at least one: the last
 * that begins by that day; the first when none does. */
static inline uint32_t catalogue_span_near(const struct catalogue *c, uint32_t low, uint32_t high,
                                           day_t on)
{
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (c->spans[middle].from <= on)
            low = middle;
        else
            high = middle;
    }
    return low;
}

#endif
