/* The parts that the checks of a plan are made of. Only for the files of a plan in this folder.
 * `place` is where in the plan it stands ("targets[2].lower") and begins every sentence. */
#ifndef TONGHOP_MODEL_PLAN_CHECK_H
#define TONGHOP_MODEL_PLAN_CHECK_H

#include "common/model/plan.h"

enum { PLAN_PLACE_BYTES = 64 };

int plan_check_ident(const struct ident *id, const char *place, struct err *err);
int plan_check_text(const char *text, const char *place, struct err *err);
int plan_check_day(day_t d, const char *place, struct err *err);
/* Fields `from` and `to` of `place`. */
int plan_check_days(day_t from, day_t to, const char *place, struct err *err);
int plan_check_count(unsigned count, unsigned most, const char *place, struct err *err);
const struct indicator *plan_find_indicator(const struct plan *p, const struct ident *id);

/* plan_target.c */
int plan_check_targets(const struct plan *p, struct err *err);

#endif
