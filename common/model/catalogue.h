/* Administrative units over time. A unit is (code, first day): codes and names are reused by other
 * units, parents change, levels come and go. Built from dated spans and the table of successions;
 * immutable once built. Code ordinals continue those of the catalogue before, so that whatever is
 * stored under an ordinal stays true when a later catalogue is applied. Pure. */
#ifndef TONGHOP_MODEL_CATALOGUE_H
#define TONGHOP_MODEL_CATALOGUE_H

#include "common/base/err.h"
#include "common/model/day.h"
#include "common/model/ident.h"

enum {
    CATALOGUE_SPANS_MAX = 65536,
    CATALOGUE_SUCCESSIONS_MAX = 65536,
    CATALOGUE_COVERED_MAX = 1 << 22, /* pairs of a unit and one it came from, however long ago */
    CATALOGUE_IN_FORCE_MAX = 32768,  /* on one day: keeps sums in range, see observation.h */
    CATALOGUE_LEVEL_MAX = 7,
    CATALOGUE_LEVEL_LEAF_MAX = 3,                  /* communes: see catalogue_is_leaf_on */
    CATALOGUE_DEPTH_MAX = CATALOGUE_LEVEL_MAX + 1, /* as levels grow on the way down */
    CATALOGUE_NONE = UINT32_MAX,
};

/* A run of days in which nothing about the unit changed. What plan files and the journal carry. */
struct unit_span {
    struct ident code;
    day_t from;
    day_t to;         /* last day in force; DAY_NEVER: still */
    const char *name; /* UTF-8 NFC with its type in front; borrowed */
    const char *type;
    uint8_t level; /* 0 country, 1 province, 2 district, 3 commune, 4 village; 5..7 organisations */
    /* Empty: a root. Borne on every day of the span, at a smaller level, be it by one unit after
     * another: a parent that begins anew does not cut the spans below it. */
    struct ident parent;
    bool begins; /* true: a new unit begins with this span, though its code was borne before */
};

enum succession_people { PEOPLE_ALL, PEOPLE_PART, PEOPLE_NONE };

/* What became of a unit that ended the day before `on`, and which unit in force on `on` (beginning
 * then, or going on) took its people. Only PEOPLE_ALL hands a carried stock over; of PEOPLE_PART a
 * person must decide, and the decision is an ALL row that replaces it. ALL and PART make the old
 * unit a predecessor, whose subtree the new one's scope covers; NONE (land only) does not. */
struct succession {
    day_t on;
    struct ident old_code;
    struct ident new_code;
    enum succession_people people;
};

struct catalogue_spec {
    struct unit_span *spans;
    uint32_t span_count;
    struct succession *successions;
    uint32_t succession_count;
};

/* One unit: its code, its life, its spans (consecutive, no gap), who it went to. */
struct unit {
    uint32_t code; /* ordinal */
    day_t from;
    day_t to;            /* last day; DAY_NEVER: still */
    uint32_t span_first; /* index of spans, in time order */
    uint32_t span_count;
    uint32_t heir; /* unit that takes its carried stock the day after `to`; CATALOGUE_NONE */
};

struct catalogue;

/* Checks and builds. `before` (may be NULL) lends its code ordinals: codes it knew keep theirs,
 * even those the spec no longer has, new ones follow in the order of the spec. Unit indexes are
 * this catalogue's own. Refused with ERR_INVALID, naming the row (1-based, "span 12"): bad codes,
 * names, levels and dates, spans of one code that overlap, a parent not in force throughout the
 * span or not of a smaller level (so no cycles, and never too deep), successions whose old code
 * ends no unit the day before or whose new code is not in force, the same one twice, two heirs with
 * people ALL; with ERR_LIMIT what is above the limits. Copies what it needs from the spec. Caller
 * destroys; *out is left alone on failure. */
int catalogue_build(const struct catalogue_spec *spec, const struct catalogue *before,
                    struct catalogue **out, struct err *err);
void catalogue_destroy(struct catalogue *c);

uint32_t catalogue_code_count(const struct catalogue *c);
uint32_t catalogue_code_find(const struct catalogue *c, struct slice code); /* ordinal or NONE */
const char *catalogue_code_text(const struct catalogue *c, uint32_t code);
uint32_t catalogue_unit_count(const struct catalogue *c);
const struct unit *catalogue_unit(const struct catalogue *c, uint32_t unit);

/* The unit bearing `code` on that day, or NONE. */
uint32_t catalogue_unit_on(const struct catalogue *c, uint32_t code, day_t on);
/* The unit bearing `code` on that day or, failing that, the last before, else the first after. */
uint32_t catalogue_unit_near(const struct catalogue *c, uint32_t code, day_t on);
/* What that unit was called, on the day of its own nearest to `on`; NULL when none has ever borne
 * the code, as after an amendment that takes a unit back. Borrowed. */
const char *catalogue_name_near(const struct catalogue *c, struct slice code, day_t on);
/* NULL when the unit is not in force then. */
const struct unit_span *catalogue_span_on(const struct catalogue *c, uint32_t unit, day_t on);
/* The parent on that day, a unit in force then, or NONE for a root. */
uint32_t catalogue_parent_on(const struct catalogue *c, uint32_t unit, day_t on);
/* The unit itself, then its parent, up to the root, as of that day; the count: 0 when the unit is
 * not in force then. */
unsigned catalogue_ancestors_on(const struct catalogue *c, uint32_t unit, day_t on,
                                uint32_t out[CATALOGUE_DEPTH_MAX]);
/* As above, as code ordinals. */
unsigned catalogue_ancestor_codes_on(const struct catalogue *c, uint32_t unit, day_t on,
                                     uint32_t out[CATALOGUE_DEPTH_MAX]);
/* In force, of level 0 to 3, and none of those levels below. A village, a school or an agency below
 * a commune neither silences it nor is a leaf beside it: with either, `leaf` would add a figure
 * twice or lose it. They report under rules that name their levels. */
bool catalogue_is_leaf_on(const struct catalogue *c, uint32_t unit, day_t on);
/* The first day after `on` on which the unit's ancestors differ (its own end not counted), or
 * DAY_NEVER: changes of the parent, or of any ancestor's parent. DAY_NEVER when not in force. */
day_t catalogue_next_change(const struct catalogue *c, uint32_t unit, day_t on);
/* Units handing their stock to this one (each one's `heir` is this unit); count, and via *out a
 * borrowed array. */
uint32_t catalogue_heirs_of(const struct catalogue *c, uint32_t unit, const uint32_t **out);
/* Is `unit`, as of that day, in the subtree of `scope` or of one of those that scope came
 * from, however long ago? False when not in force. */
bool catalogue_in_scope(const struct catalogue *c, uint32_t unit, day_t on, uint32_t scope);
/* Days on which anything in the tree, names included, changes, ascending; between two of them it is
 * constant. */
uint32_t catalogue_change_days(const struct catalogue *c, const day_t **out);
/* Calls visit for every unit in force on that day in the subtree of `root` (all, if NONE), parents
 * before children, siblings by the text of their codes; nobody when `root` is not in force. */
void catalogue_visit_on(const struct catalogue *c, uint32_t root, day_t on,
                        void (*visit)(void *arg, uint32_t unit, unsigned depth), void *arg);

#endif
