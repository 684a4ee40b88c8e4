/* What can be wrong with a plan's targets, seen in the plan alone. */
#include "common/model/observation.h"
#include "common/model/plan_check.h"

#include <inttypes.h>
#include <stdio.h>

static const char *place_of(char out[PLAN_PLACE_BYTES], unsigned index, const char *field)
{
    snprintf(out, PLAN_PLACE_BYTES, "targets[%u].%s", index, field);
    return out;
}

static int check_words(const struct plan *p, unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    const struct target *t = &p->targets[index];
    int rc = plan_check_ident(&t->id, place_of(place, index, "id"), err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < index; i++)
        if (ident_equal(&p->targets[i].id, &t->id))
            return err_set(err, ERR_INVALID, "%s: \"%s\" is the id of targets[%u] already", place,
                           t->id.text, i);
    rc = plan_check_text(t->title, place_of(place, index, "title"), err);
    return rc < 0 ? rc : plan_check_ident(&t->unit, place_of(place, index, "unit"), err);
}

/* ---- bounds ---- */

static int check_lower(const struct target *t, const struct indicator *of, unsigned index,
                       struct err *err)
{
    int64_t most = of->kind == INDICATOR_RATIO ? RATIO_WHOLE : OBSERVATION_VALUE_MAX;
    if (t->lower < 1)
        return err_set(err, ERR_INVALID,
                       "targets[%u].lower: %" PRId64 " is reached by doing nothing: a target is at "
                       "least 1",
                       index, t->lower);
    if (t->lower > most)
        return err_set(err, ERR_LIMIT, "targets[%u].lower: %" PRId64 " is above %" PRId64 ", %s",
                       index, t->lower, most,
                       of->kind == INDICATOR_RATIO ? "which is all there are"
                                                   : "the largest figure there is");
    return 0;
}

static int check_stretch(const struct target *t, const struct indicator *of, unsigned index,
                         struct err *err)
{
    int64_t most = of->kind == INDICATOR_RATIO ? RATIO_WHOLE : OBSERVATION_VALUE_MAX;
    if (t->stretch == 0 || (t->lower <= t->stretch && t->stretch <= most))
        return 0;
    return err_set(err, ERR_INVALID,
                   "targets[%u].stretch: %" PRId64 " is not between the lower bound %" PRId64
                   " and %" PRId64 ": leave it out if there is one bound only",
                   index, t->stretch, t->lower, most);
}

/* ---- days ---- */

static int check_span(const struct target *t, unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES], start[DAY_TEXT_BYTES], due[DAY_TEXT_BYTES];
    int rc = plan_check_day(t->start, place_of(place, index, "start"), err);
    if (rc == 0)
        rc = plan_check_day(t->due, place_of(place, index, "due"), err);
    if (rc < 0 || t->start <= t->due)
        return rc;
    return err_set(err, ERR_INVALID, "%s: %s is before %s, the day it starts", place,
                   day_format(t->due, due), day_format(t->start, start));
}

static int check_suspension(const struct target *t, unsigned index, unsigned k, struct err *err)
{
    char place[PLAN_PLACE_BYTES], from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES];
    const struct day_range *one = &t->suspended[k];
    snprintf(place, sizeof place, "targets[%u].suspended[%u]", index, k);
    int rc = plan_check_days(one->from, one->to, place, err);
    if (rc < 0)
        return rc;
    if (k > 0 && one->from <= t->suspended[k - 1].to)
        return err_set(err, ERR_INVALID,
                       "%s.from: %s is not after %s, where the ones before end: put them in order "
                       "of day",
                       place, day_format(one->from, from), day_format(t->suspended[k - 1].to, to));
    if (t->start <= one->from && one->to <= t->due)
        return 0;
    return err_set(err, ERR_INVALID, "%s: %s to %s is not within the target's own days", place,
                   day_format(one->from, from), day_format(one->to, to));
}

static int check_suspended(const struct target *t, unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    day_t days = 0;
    int rc = plan_check_count(t->suspended_count, TARGET_SUSPENDED_MAX,
                              place_of(place, index, "suspended"), err);
    for (unsigned k = 0; k < t->suspended_count && rc == 0; k++) {
        rc = check_suspension(t, index, k, err);
        days += t->suspended[k].to - t->suspended[k].from + 1;
    }
    if (rc < 0 || days <= t->due - t->start)
        return rc;
    return err_set(err, ERR_INVALID, "%s: no day is left to reach the target in", place);
}

static int check_weekend(const struct target *t, unsigned index, struct err *err)
{
    if (t->weekend_permille <= TARGET_WEEKEND_MAX)
        return 0;
    return err_set(err, ERR_LIMIT, "targets[%u].weekend_permille: %u is more than %d", index,
                   t->weekend_permille, TARGET_WEEKEND_MAX);
}

/* ---- shares ---- */

static int check_share_bounds(const struct target *t, const struct target_share *s,
                              const char *place, struct err *err)
{
    if (s->lower < 0 || s->lower > t->lower)
        return err_set(err, ERR_INVALID,
                       "%s.lower: %" PRId64 " of unit %s is not between 0 and the whole, %" PRId64,
                       place, s->lower, s->unit.text, t->lower);
    if (t->stretch == 0 && s->stretch != 0)
        return err_set(err, ERR_INVALID, "%s.stretch: the target has none, so unit %s has none",
                       place, s->unit.text);
    if (t->stretch != 0 && (s->stretch < s->lower || s->stretch > t->stretch))
        return err_set(err, ERR_INVALID,
                       "%s.stretch: %" PRId64 " of unit %s is not between its lower bound %" PRId64
                       " and the whole, %" PRId64,
                       place, s->stretch, s->unit.text, s->lower, t->stretch);
    return 0;
}

static int check_share(const struct target *t, unsigned index, unsigned k, struct err *err)
{
    char place[PLAN_PLACE_BYTES], field[PLAN_PLACE_BYTES + 8];
    const struct target_share *s = &t->shares[k];
    snprintf(place, sizeof place, "targets[%u].shares[%u]", index, k);
    snprintf(field, sizeof field, "%s.unit", place);
    int rc = plan_check_ident(&s->unit, field, err);
    if (rc < 0)
        return rc;
    if (k > 0 && slice_compare(ident_slice(&t->shares[k - 1].unit), ident_slice(&s->unit)) >= 0)
        return err_set(err, ERR_INVALID,
                       "%s: \"%s\" is not after \"%s\": put shares in order of code, each once",
                       field, s->unit.text, t->shares[k - 1].unit.text);
    return check_share_bounds(t, s, place, err);
}

static int check_shares(const struct target *t, const struct indicator *of, unsigned index,
                        struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    if (t->share_count > 0 && of->kind == INDICATOR_RATIO)
        return err_set(err, ERR_INVALID,
                       "%s: \"%s\" is a ratio, which each unit reaches for itself: take them out",
                       place_of(place, index, "shares"), of->id.text);
    int rc =
        plan_check_count(t->share_count, TARGET_SHARES_MAX, place_of(place, index, "shares"), err);
    for (unsigned k = 0; k < t->share_count && rc == 0; k++)
        rc = check_share(t, index, k, err);
    return rc;
}

/* ---- the whole ---- */

static int check_target(const struct plan *p, unsigned index, struct err *err)
{
    const struct target *t = &p->targets[index];
    const struct indicator *of = plan_find_indicator(p, &t->indicator);
    int rc = check_words(p, index, err);
    if (rc == 0 && !of)
        rc = err_set(err, ERR_INVALID,
                     "targets[%u].indicator: \"%s\" is no indicator of this plan: add it to "
                     "indicators",
                     index, t->indicator.text);
    if (rc == 0)
        rc = check_lower(t, of, index, err);
    if (rc == 0)
        rc = check_stretch(t, of, index, err);
    if (rc == 0)
        rc = check_span(t, index, err);
    if (rc == 0)
        rc = check_suspended(t, index, err);
    if (rc == 0)
        rc = check_weekend(t, index, err);
    return rc < 0 ? rc : check_shares(t, of, index, err);
}

int plan_check_targets(const struct plan *p, struct err *err)
{
    int rc = plan_check_count(p->target_count, PLAN_TARGETS_MAX, "targets", err);
    for (unsigned i = 0; i < p->target_count && rc == 0; i++)
        rc = check_target(p, i, err);
    return rc;
}

const struct target_share *target_share_find(const struct target *t, struct slice unit)
{
    unsigned low = 0, high = t->share_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = slice_compare(ident_slice(&t->shares[middle].unit), unit);
        if (order == 0)
            return &t->shares[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
