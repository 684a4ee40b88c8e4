/* How many units of a subtree report under a rule (leaf, or levels) on a day. Counted for all units
 * of a stretch of days without a change at once, and kept for the stretches asked of last: coverage
 * asks for thousands of units of the same few dates. Pure; one thread. */
#ifndef TONGHOP_MODEL_OWED_H
#define TONGHOP_MODEL_OWED_H

#include "common/model/catalogue.h"
#include "common/model/plan.h"

struct owed_cache;

struct owed_cache *owed_create(void);
void owed_destroy(struct owed_cache *o); /* accepts NULL */
void owed_clear(struct owed_cache *o);   /* the catalogue was replaced */

/* Does the unit report under `reporters` (struct indicator) on that day? False when not in force.
 */
bool owed_reports(const struct catalogue *c, uint32_t reporters, uint32_t unit, day_t on);
/* How many units do in the subtree of `unit`, itself included; 0 when not in force. */
uint32_t owed_below(struct owed_cache *o, const struct catalogue *c, uint32_t reporters,
                    uint32_t unit, day_t on);
/* The same, added up over all periods of the indicator that end in first..last within the unit's
 * life: in time by the stretches of the tree, not by the days. */
uint64_t owed_between(struct owed_cache *o, const struct catalogue *c,
                      const struct indicator *indicator, uint32_t unit, day_t first, day_t last);

#endif
