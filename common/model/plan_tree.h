/* Do a plan's shares add up on the tree? Asked when a plan is applied, of the catalogue that stands
 * then; a catalogue that comes later does not unmake a plan. Pure. */
#ifndef TONGHOP_MODEL_PLAN_TREE_H
#define TONGHOP_MODEL_PLAN_TREE_H

#include "common/model/catalogue.h"
#include "common/model/plan.h"

/* Of each target with shares, on its due day: the scope and every unit with a share are in force;
 * what stands above such a unit is the scope or has a share itself; the shares just below the scope
 * add up to the target, and those just below a unit, where there are any, to its own share, in both
 * bounds exactly. A unit without a share has to bring nothing. ERR_NOT_FOUND for a unit that is not
 * there, ERR_INVALID for the rest. The plan has passed plan_check. */
int plan_tree_check(const struct plan *p, const struct catalogue *c, struct err *err);

#endif
