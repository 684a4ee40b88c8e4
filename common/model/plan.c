#include "common/model/plan.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/model/catalogue.h"
#include "common/model/observation.h"
#include "common/model/plan_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct source_of_record *indicator_record_on(const struct indicator *i, day_t on)
{
    const struct source_of_record *found = NULL;
    for (unsigned k = 0; k < i->record_count && i->records[k].from <= on; k++)
        found = &i->records[k];
    return found;
}

static bool has_source(const struct plan *p, const struct ident *id)
{
    for (unsigned i = 0; i < p->source_count; i++)
        if (ident_equal(&p->sources[i].id, id))
            return true;
    return false;
}

/* ---- sources ---- */

static int check_source(const struct plan *p, unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    snprintf(place, sizeof place, "sources[%u].id", index);
    int rc = plan_check_ident(&p->sources[index].id, place, err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < index; i++)
        if (ident_equal(&p->sources[i].id, &p->sources[index].id))
            return err_set(err, ERR_INVALID, "%s: \"%s\" is the id of sources[%u] already", place,
                           p->sources[index].id.text, i);
    snprintf(place, sizeof place, "sources[%u].name", index);
    return plan_check_text(p->sources[index].name, place, err);
}

static int check_sources(const struct plan *p, struct err *err)
{
    int rc = plan_check_count(p->source_count, PLAN_SOURCES_MAX, "sources", err);
    for (unsigned i = 0; i < p->source_count && rc == 0; i++)
        rc = check_source(p, i, err);
    return rc;
}

/* ---- indicators ---- */

static int check_indicator_id(const struct plan *p, unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    const struct indicator *one = &p->indicators[index];
    snprintf(place, sizeof place, "indicators[%u].id", index);
    int rc = plan_check_ident(&one->id, place, err);
    if (rc < 0)
        return rc;
    unsigned first = (unsigned)(plan_find_indicator(p, &one->id) - p->indicators);
    if (first != index)
        return err_set(err, ERR_INVALID, "%s: \"%s\" is the id of indicators[%u] already", place,
                       one->id.text, first);
    snprintf(place, sizeof place, "indicators[%u].name", index);
    return plan_check_text(one->name, place, err);
}

static int check_kind(const struct indicator *one, unsigned index, struct err *err)
{
    if (one->kind != INDICATOR_FLOW && one->kind != INDICATOR_STOCK && one->kind != INDICATOR_RATIO)
        return err_set(err, ERR_INVALID, "indicators[%u].kind: is not flow, stock or ratio", index);
    if (one->entry != ENTRY_SET && one->entry != ENTRY_TALLY)
        return err_set(err, ERR_INVALID, "indicators[%u].entry: is not set or tally", index);
    if (one->entry == ENTRY_TALLY && one->kind != INDICATOR_FLOW)
        return err_set(err, ERR_INVALID,
                       "indicators[%u].entry: only a flow can be a tally, as only amounts add up",
                       index);
    return 0;
}

static int check_period(const struct indicator *one, unsigned index, struct err *err)
{
    if ((unsigned)one->period >= PERIOD_KIND_COUNT)
        return err_set(err, ERR_INVALID, "indicators[%u].period: is no kind of period", index);
    if (one->calendar != CALENDAR_CIVIL && one->calendar != CALENDAR_ADMINISTRATIVE)
        return err_set(err, ERR_INVALID, "indicators[%u].calendar: is not civil or administrative",
                       index);
    if (one->period == PERIOD_WEEK && one->calendar == CALENDAR_ADMINISTRATIVE)
        return err_set(
            err, ERR_INVALID,
            "indicators[%u].calendar: the administrative calendar has no weeks: take the "
            "civil one",
            index);
    return 0;
}

static int check_bound(int64_t value, const char *name, unsigned index, struct err *err)
{
    if (-OBSERVATION_VALUE_MAX <= value && value <= OBSERVATION_VALUE_MAX)
        return 0;
    return err_set(err, ERR_LIMIT,
                   "indicators[%u].%s: %" PRId64 " is beyond %" PRId64 ", the largest figure there "
                   "is",
                   index, name, value, value < 0 ? -OBSERVATION_VALUE_MAX : OBSERVATION_VALUE_MAX);
}

static int check_bounds(const struct indicator *one, unsigned index, struct err *err)
{
    int rc = check_bound(one->minimum, "minimum", index, err);
    if (rc == 0)
        rc = check_bound(one->maximum, "maximum", index, err);
    if (rc < 0 || one->minimum <= one->maximum)
        return rc;
    return err_set(err, ERR_INVALID,
                   "indicators[%u].maximum: %" PRId64 " is below the minimum %" PRId64, index,
                   one->maximum, one->minimum);
}

static int check_reporters(const struct indicator *one, unsigned index, struct err *err)
{
    if (one->reporters == REPORTS_LEAF)
        return 0;
    if (one->reporters != 0 && one->reporters < 1u << (CATALOGUE_LEVEL_MAX + 1))
        return 0;
    return err_set(err, ERR_INVALID,
                   "indicators[%u].reports: say either leaf or levels from 0 to %d, so that a unit "
                   "and those below it are not both added",
                   index, CATALOGUE_LEVEL_MAX);
}

static int check_record(const struct plan *p, const struct indicator *one, unsigned index,
                        unsigned k, struct err *err)
{
    char place[PLAN_PLACE_BYTES], from[DAY_TEXT_BYTES], before[DAY_TEXT_BYTES];
    const struct source_of_record *record = &one->records[k];
    snprintf(place, sizeof place, "indicators[%u].records[%u].from", index, k);
    int rc = plan_check_day(record->from, place, err);
    if (rc < 0)
        return rc;
    if (k > 0 && record->from <= one->records[k - 1].from)
        return err_set(
            err, ERR_INVALID,
            "%s: %s is not after %s, where the one before begins: put them in order of day", place,
            day_format(record->from, from), day_format(one->records[k - 1].from, before));
    if (!has_source(p, &record->source))
        return err_set(
            err, ERR_INVALID,
            "indicators[%u].records[%u].source: \"%s\" is no source of this plan: add it "
            "to sources",
            index, k, record->source.text);
    return 0;
}

static int check_records(const struct plan *p, const struct indicator *one, unsigned index,
                         struct err *err)
{
    if (one->record_count == 0)
        return err_set(err, ERR_INVALID,
                       "indicators[%u].records: is empty: say whose figures count", index);
    if (one->record_count > INDICATOR_RECORDS_MAX)
        return err_set(err, ERR_LIMIT,
                       "indicators[%u].records: %u of them: an indicator has at most %d", index,
                       one->record_count, INDICATOR_RECORDS_MAX);
    int rc = 0;
    for (unsigned k = 0; k < one->record_count && rc == 0; k++)
        rc = check_record(p, one, index, k, err);
    return rc;
}

static int check_no_ratio_part(const struct ident *id, const char *name, unsigned index,
                               struct err *err)
{
    if (id->text[0] == '\0')
        return 0;
    return err_set(err, ERR_INVALID,
                   "indicators[%u].%s: only a ratio has one: leave it out, or make the kind ratio",
                   index, name);
}

static int check_reported(const struct plan *p, const struct indicator *one, unsigned index,
                          struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    snprintf(place, sizeof place, "indicators[%u].measure", index);
    int rc = plan_check_ident(&one->measure, place, err);
    if (rc == 0)
        rc = check_bounds(one, index, err);
    if (rc == 0)
        rc = check_reporters(one, index, err);
    if (rc == 0)
        rc = check_records(p, one, index, err);
    if (rc == 0)
        rc = check_no_ratio_part(&one->numerator, "numerator", index, err);
    return rc < 0 ? rc : check_no_ratio_part(&one->denominator, "denominator", index, err);
}

static int check_ratio_part(const struct plan *p, const struct ident *id, const char *name,
                            unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    snprintf(place, sizeof place, "indicators[%u].%s", index, name);
    int rc = plan_check_ident(id, place, err);
    if (rc < 0)
        return rc;
    const struct indicator *part = plan_find_indicator(p, id);
    if (!part)
        return err_set(err, ERR_INVALID,
                       "%s: \"%s\" is no indicator of this plan: add it to indicators", place,
                       id->text);
    if (part->kind == INDICATOR_RATIO)
        return err_set(err, ERR_INVALID,
                       "%s: \"%s\" is a ratio itself: take the counts it is made of", place,
                       id->text);
    return 0;
}

/* A ratio is computed: nobody reports it, so its bounds, reporters and measure are not looked at.
 */
static int check_ratio(const struct plan *p, const struct indicator *one, unsigned index,
                       struct err *err)
{
    int rc = check_ratio_part(p, &one->numerator, "numerator", index, err);
    if (rc == 0)
        rc = check_ratio_part(p, &one->denominator, "denominator", index, err);
    if (rc < 0)
        return rc;
    if (ident_equal(&one->numerator, &one->denominator))
        return err_set(
            err, ERR_INVALID,
            "indicators[%u].denominator: \"%s\" is the numerator too: it would always be "
            "100%%",
            index, one->denominator.text);
    if (one->record_count > 0)
        return err_set(err, ERR_INVALID,
                       "indicators[%u].records: a ratio has none: those of its numerator and "
                       "denominator hold",
                       index);
    return 0;
}

static int check_indicator(const struct plan *p, unsigned index, struct err *err)
{
    const struct indicator *one = &p->indicators[index];
    int rc = check_indicator_id(p, index, err);
    if (rc == 0)
        rc = check_kind(one, index, err);
    if (rc == 0)
        rc = check_period(one, index, err);
    if (rc < 0)
        return rc;
    return one->kind == INDICATOR_RATIO ? check_ratio(p, one, index, err)
                                        : check_reported(p, one, index, err);
}

static int check_indicators(const struct plan *p, struct err *err)
{
    int rc = plan_check_count(p->indicator_count, PLAN_INDICATORS_MAX, "indicators", err);
    for (unsigned i = 0; i < p->indicator_count && rc == 0; i++)
        rc = check_indicator(p, i, err);
    return rc;
}

/* ---- duties ---- */

static int check_duty_overlaps(const struct plan *p, unsigned index, struct err *err)
{
    const struct duty *later = &p->duties[index];
    for (unsigned i = 0; i < index; i++) {
        const struct duty *one = &p->duties[i];
        if (ident_equal(&one->indicator, &later->indicator) && one->from <= later->to &&
            later->from <= one->to)
            return err_set(
                err, ERR_INVALID,
                "duties[%u]: overlaps duties[%u] of \"%s\": a report would be owed twice", index, i,
                later->indicator.text);
    }
    return 0;
}

static int check_duty(const struct plan *p, unsigned index, struct err *err)
{
    char place[PLAN_PLACE_BYTES];
    const struct duty *one = &p->duties[index];
    const struct indicator *indicator = plan_find_indicator(p, &one->indicator);
    if (!indicator)
        return err_set(err, ERR_INVALID,
                       "duties[%u].indicator: \"%s\" is no indicator of this plan: add it to "
                       "indicators",
                       index, one->indicator.text);
    if (indicator->kind == INDICATOR_RATIO)
        return err_set(err, ERR_INVALID,
                       "duties[%u].indicator: \"%s\" is a ratio, which nobody reports: owe its "
                       "numerator and denominator",
                       index, one->indicator.text);
    if (one->due_days > DUTY_DUE_DAYS_MAX)
        return err_set(err, ERR_LIMIT, "duties[%u].due_days: %u is more than %d", index,
                       one->due_days, DUTY_DUE_DAYS_MAX);
    snprintf(place, sizeof place, "duties[%u]", index);
    int rc = plan_check_days(one->from, one->to, place, err);
    return rc < 0 ? rc : check_duty_overlaps(p, index, err);
}

static int check_duties(const struct plan *p, struct err *err)
{
    int rc = plan_check_count(p->duty_count, PLAN_DUTIES_MAX, "duties", err);
    for (unsigned i = 0; i < p->duty_count && rc == 0; i++)
        rc = check_duty(p, i, err);
    return rc;
}

static int check_head(const struct plan *p, struct err *err)
{
    int rc = plan_check_ident(&p->id, "id", err);
    if (rc == 0 && p->version == 0)
        rc = err_set(err, ERR_INVALID, "version: is 0: versions count from 1");
    if (rc == 0)
        rc = plan_check_text(p->title, "title", err);
    if (rc == 0)
        rc = plan_check_ident(&p->root, "root", err);
    return rc < 0 ? rc : plan_check_days(p->from, p->to, "", err);
}

int plan_check(const struct plan *p, struct err *err)
{
    int rc = check_head(p, err);
    if (rc == 0)
        rc = check_sources(p, err);
    if (rc == 0)
        rc = check_indicators(p, err);
    if (rc == 0)
        rc = check_duties(p, err);
    return rc < 0 ? rc : plan_check_targets(p, err);
}

/* ---- what makes a difference to figures ---- */

static bool same_records(const struct indicator *a, const struct indicator *b)
{
    if (a->record_count != b->record_count)
        return false;
    for (unsigned i = 0; i < a->record_count; i++)
        if (a->records[i].from != b->records[i].from ||
            !ident_equal(&a->records[i].source, &b->records[i].source))
            return false;
    return true;
}

bool indicator_counts_alike(const struct indicator *a, const struct indicator *b)
{
    return ident_equal(&a->id, &b->id) && a->kind == b->kind && a->entry == b->entry &&
           a->reporters == b->reporters && a->period == b->period && a->calendar == b->calendar &&
           same_records(a, b) && ident_equal(&a->numerator, &b->numerator) &&
           ident_equal(&a->denominator, &b->denominator);
}

static bool duty_counts_alike(const struct duty *a, const struct duty *b)
{
    return ident_equal(&a->indicator, &b->indicator) && a->from == b->from && a->to == b->to &&
           a->due_days == b->due_days;
}

bool plan_counts_alike(const struct plan *a, const struct plan *b)
{
    if (a->indicator_count != b->indicator_count || a->duty_count != b->duty_count)
        return false;
    for (unsigned i = 0; i < a->indicator_count; i++)
        if (!indicator_counts_alike(&a->indicators[i], &b->indicators[i]))
            return false;
    for (unsigned i = 0; i < a->duty_count; i++)
        if (!duty_counts_alike(&a->duties[i], &b->duties[i]))
            return false;
    return true;
}

/* ---- copies ---- */

struct plan_owned {
    struct plan plan; /* first, so that a plan handed out leads back here */
    struct arena memory;
};

static const char *copy_text(struct arena *a, const char *text)
{
    return text ? arena_string(a, text, strlen(text)) : NULL;
}

static void *copy_array(struct arena *a, const void *from, size_t count, size_t each)
{
    if (count == 0)
        return NULL;
    void *to = arena_alloc(a, count * each);
    memcpy(to, from, count * each);
    return to;
}

static void own_target(struct arena *a, struct target *t)
{
    t->title = copy_text(a, t->title);
    t->clause = copy_text(a, t->clause);
    t->shares = copy_array(a, t->shares, t->share_count, sizeof *t->shares);
}

struct plan *plan_copy(const struct plan *p)
{
    struct plan_owned *own = alloc_zeroed(1, sizeof *own);
    struct arena *a = &own->memory;
    arena_init(a, 0);
    own->plan = *p;
    own->plan.title = copy_text(a, p->title);
    own->plan.document = copy_text(a, p->document);
    own->plan.sources = copy_array(a, p->sources, p->source_count, sizeof *p->sources);
    for (unsigned i = 0; i < p->source_count; i++)
        own->plan.sources[i].name = copy_text(a, p->sources[i].name);
    own->plan.indicators = copy_array(a, p->indicators, p->indicator_count, sizeof *p->indicators);
    for (unsigned i = 0; i < p->indicator_count; i++)
        own->plan.indicators[i].name = copy_text(a, p->indicators[i].name);
    own->plan.duties = copy_array(a, p->duties, p->duty_count, sizeof *p->duties);
    own->plan.targets = copy_array(a, p->targets, p->target_count, sizeof *p->targets);
    for (unsigned i = 0; i < p->target_count; i++)
        own_target(a, &own->plan.targets[i]);
    return &own->plan;
}

void plan_destroy(struct plan *p)
{
    if (!p)
        return;
    struct plan_owned *own = (struct plan_owned *)p;
    arena_fini(&own->memory);
    free(own);
}
