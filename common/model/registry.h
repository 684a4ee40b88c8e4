/* Everything journalled that figures are judged and summed by: the unit catalogue, plans with their
 * indicators and sources, producers and their keys. The collector keeps one to judge by, the
 * aggregator another to sum by; both are the same function of the journal. Ordinals (of codes,
 * indicators, sources, producers) are given in journal order and never change. Pure. */
#ifndef TONGHOP_MODEL_REGISTRY_H
#define TONGHOP_MODEL_REGISTRY_H

#include "common/model/catalogue.h"
#include "common/model/codec.h"
#include "common/model/entry.h"
#include "common/model/plan.h"
#include "common/model/producer.h"

enum {
    REGISTRY_NONE = UINT32_MAX,
    /* Over all plans there ever were: stored keys hold these ordinals in 16 bits. */
    REGISTRY_INDICATORS_MAX = 65535,
    REGISTRY_SOURCES_MAX = 65535,
};

struct registry;

struct registry *registry_create(void);
void registry_destroy(struct registry *r);

/* Each either takes effect whole or leaves the registry as it was and says why. Copies its input.
 */
int registry_apply_catalogue(struct registry *r, const struct catalogue_spec *spec,
                             struct err *err);
/* Refused, beside what plan_check says: a version not above the plan's last; a kind, entry, period
 * or calendar of an indicator that differs from any definition before, whichever plan gave it
 * (facts stand under it); a root, or the scope of a target, that the catalogue does not have;
 * shares that do not add up on the tree of the due day (plan_tree.h); with ERR_LIMIT, more
 * indicators or sources than the limits above. All else about an indicator that several plans share
 * is as the plan applied last has it: were they held to agree, none of them could ever be amended,
 * as a plan never goes. An indicator that no plan has any longer keeps its ordinal and its last
 * definition, and loses its duties. */
int registry_apply_plan(struct registry *r, const struct plan *plan, struct err *err);
/* Refused: a key bound already, or ever revoked; more than PRODUCER_KEYS_MAX valid ones; unknown
 * names and sources; scope codes unknown to the catalogue, or that no unit bears on `scopes_on`;
 * submit without a source or a scope; any change of a retired producer but the revocation of a key,
 * and a second revocation. */
int registry_apply_producer(struct registry *r, const struct producer_change *change,
                            struct err *err);
/* Decodes the body of a catalogue, plan or producer entry and applies it; other kinds are
 * ERR_INVALID. What is decoded lies in the arena, and is not needed afterwards. */
int registry_apply_entry(struct registry *r, const struct codec *codec, enum entry_kind kind,
                         struct slice body, struct arena *arena, struct err *err);
/* Would every sum and coverage stay as it is if this plan were applied? Asked before it is. False
 * for the first version of a plan. */
bool registry_counts_alike(const struct registry *r, const struct plan *plan);

const struct catalogue *registry_catalogue(const struct registry *r); /* an empty one at first */

uint32_t registry_indicator_count(const struct registry *r);
uint32_t registry_indicator_find(const struct registry *r, struct slice id); /* ordinal or NONE */
const struct indicator *registry_indicator(const struct registry *r, uint32_t ordinal);
/* Does a target of any plan, as it stands, name it, or a ratio that it is part of? Targets
 * themselves are in their plans. */
bool registry_is_targeted(const struct registry *r, uint32_t indicator);
uint32_t registry_source_count(const struct registry *r);
uint32_t registry_source_find(const struct registry *r, struct slice id);
const struct source *registry_source(const struct registry *r, uint32_t ordinal);
/* Ordinal of the source of record on that date, or NONE. */
uint32_t registry_record_on(const struct registry *r, uint32_t indicator, day_t on);
uint32_t registry_plan_count(const struct registry *r);
const struct plan *registry_plan(const struct registry *r, uint32_t index); /* latest versions */

uint32_t registry_producer_count(const struct registry *r);
uint32_t registry_producer_find(const struct registry *r, struct slice name);
/* NULL when there is none of that ordinal: ordinals of producers also come from a journal. */
const struct producer *registry_producer(const struct registry *r, uint32_t ordinal);
uint32_t registry_producer_by_key(const struct registry *r, const uint8_t key[KEY_BYTES],
                                  bool *revoked); /* ordinal, revoked keys too; or NONE */

struct identity {
    uint32_t producer; /* ordinal, or REGISTRY_NONE for a fixed key */
    uint32_t roles;    /* 0: nobody we know, or retired, or revoked; fixed and registered joined */
    bool revoked;      /* also counts against a fixed key */
};
struct identity registry_identify(const struct registry *r, const struct fixed_key *fixed,
                                  unsigned fixed_count, const uint8_t key[KEY_BYTES]);

/* May this producer speak of that unit's figure of that day? A scope code means the unit that bears
 * it on the producer's `scopes_on`; where that was not said, the last one that bears or bore it.
 * Its subtree as of the day is covered and, by catalogue_in_scope, those of all it came from:
 * another unit of the same code only if the scope's unit came from it. Roles give nothing here: an
 * operator who submits does so for the units it was given. A retired producer covers nothing, nor
 * does an ordinal of none. */
bool registry_covers(const struct registry *r, uint32_t producer, uint32_t unit, day_t on);
/* May it see that figure, in a query or a feed? What it covers; operate and service roles see all
 * unless retired. */
bool registry_in_scope(const struct registry *r, uint32_t producer, uint32_t unit, day_t on);
/* Does that unit report this indicator on that day (leaf, or its level)? Nobody reports a ratio. */
bool registry_is_reporter(const struct registry *r, uint32_t indicator, uint32_t unit, day_t on);
/* The duty under which a report for the period ending on that day is owed, the one due first where
 * plans share the indicator; NULL when there is none, or no period ends then. */
const struct duty *registry_duty_on(const struct registry *r, uint32_t indicator,
                                    day_t period_last);
/* How many units in the subtree of `unit`, as of that day, owe that report (0 without a duty).
 * The plan's root does not narrow it: a plan may outlive the unit at its top. */
uint32_t registry_owed(const struct registry *r, uint32_t indicator, uint32_t unit,
                       day_t period_last);
/* registry_owed added up over all periods that end in first..last, within the unit's life; in time
 * by the changes of the tree and the duties, not by the days. */
uint64_t registry_owed_between(const struct registry *r, uint32_t indicator, uint32_t unit,
                               day_t first, day_t last);

#endif
