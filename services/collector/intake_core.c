#include "services/collector/intake_core.h"

/* What can be said of a unit code once, and what holds of it on a run of days without a change in
 * the catalogue: that of the row seen last. Rows of one batch nearly always lie in one such run. */
struct unit_view {
    enum refusal refusal; /* whatever the day */
    uint32_t code;
    day_t first; /* of the run; above `last`: none looked at yet */
    day_t last;
    enum refusal run_refusal;
    uint32_t unit;
    bool asked; /* whether the unit reports under `rule`, in this run */
    uint32_t rule;
    bool reports;
};

/* Likewise of an indicator; its day is that of the row seen last. */
struct indicator_view {
    enum refusal refusal;
    uint32_t ordinal;
    const struct indicator *def;
    uint32_t ops; /* bits 1 << op that are allowed */
    bool seen;
    day_t day;
    enum refusal day_refusal;
};

struct judge {
    const struct intake *in;
    const struct catalogue *catalogue;
    const day_t *changes; /* of the catalogue, ascending */
    uint32_t change_count;
    day_t today;
    struct unit_view *units;
    struct indicator_view *indicators;
};

/* --- the whole batch */

static bool all_codes(const struct slice *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!ident_valid(words[i]))
            return false;
    return true;
}

enum refusal intake_judge_batch(const struct intake *in, const struct batch *batch)
{
    if (!all_codes(batch->units, batch->unit_count) ||
        !all_codes(batch->indicators, batch->indicator_count))
        return REFUSAL_BAD_CODE;
    if (batch->row_count == 0)
        return REFUSAL_EMPTY;
    if (batch->reported_at_ms > in->time_ms + INTAKE_AHEAD_MS)
        return REFUSAL_CLOCK_AHEAD;
    return REFUSAL_NONE;
}

static bool *find_bad_words(const struct slice *words, uint32_t count, struct arena *arena)
{
    bool *bad = arena_alloc(arena, count * sizeof *bad);
    for (uint32_t i = 0; i < count; i++)
        bad[i] = !ident_valid(words[i]);
    return bad;
}

uint32_t intake_bad_codes(const struct intake *in, const struct batch *batch,
                          struct row_refusal **out)
{
    const bool *unit_bad = find_bad_words(batch->units, batch->unit_count, in->arena);
    const bool *indicator_bad =
        find_bad_words(batch->indicators, batch->indicator_count, in->arena);
    uint32_t count = 0;
    *out = arena_alloc(in->arena, batch->row_count * sizeof **out);
    for (uint32_t row = 0; row < batch->row_count; row++)
        if (unit_bad[batch->unit_refs[row]] || indicator_bad[batch->indicator_refs[row]])
            (*out)[count++] = (struct row_refusal){row, REFUSAL_BAD_CODE};
    return count;
}

/* --- its rows */

/* Codes of an earlier catalogue keep their ordinals, though no unit may bear them now. */
static struct unit_view view_unit(const struct judge *j, struct slice code)
{
    struct unit_view v = {.first = 1, .last = 0};
    v.code = catalogue_code_find(j->catalogue, code);
    if (v.code == CATALOGUE_NONE ||
        catalogue_unit_near(j->catalogue, v.code, j->today) == CATALOGUE_NONE)
        v.refusal = REFUSAL_UNKNOWN_UNIT;
    return v;
}

static uint32_t allowed_ops(const struct indicator *def)
{
    return 1u << OP_CLEAR | 1u << (def->entry == ENTRY_TALLY ? OP_ADD : OP_SET);
}

static struct indicator_view view_indicator(const struct judge *j, struct slice id)
{
    struct indicator_view v = {0};
    v.ordinal = registry_indicator_find(j->in->registry, id);
    if (v.ordinal == REGISTRY_NONE) {
        v.refusal = REFUSAL_UNKNOWN_INDICATOR;
        return v;
    }
    v.def = registry_indicator(j->in->registry, v.ordinal);
    v.ops = allowed_ops(v.def);
    /* A ratio has no reporters and no figures of its own: nothing else would say what is wrong. */
    if (v.def->kind == INDICATOR_RATIO)
        v.refusal = REFUSAL_BAD_OP;
    return v;
}

static struct judge judge_open(const struct intake *in, const struct batch *batch)
{
    struct judge j = {
        .in = in, .catalogue = registry_catalogue(in->registry), .today = day_of_ms(in->time_ms)};
    j.change_count = catalogue_change_days(j.catalogue, &j.changes);
    j.units = arena_alloc(in->arena, batch->unit_count * sizeof *j.units);
    for (uint32_t i = 0; i < batch->unit_count; i++)
        j.units[i] = view_unit(&j, batch->units[i]);
    j.indicators = arena_alloc(in->arena, batch->indicator_count * sizeof *j.indicators);
    for (uint32_t i = 0; i < batch->indicator_count; i++)
        j.indicators[i] = view_indicator(&j, batch->indicators[i]);
    return j;
}

/* The run of days around `day` in which the catalogue does not change. */
static void find_run(const struct judge *j, day_t day, day_t *first, day_t *last)
{
    uint32_t low = 0, high = j->change_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (j->changes[middle] <= day)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low == 0 ? INT32_MIN : j->changes[low - 1];
    *last = low == j->change_count ? DAY_NEVER : j->changes[low] - 1;
}

static void look_at_run(const struct judge *j, struct unit_view *v, day_t day)
{
    find_run(j, day, &v->first, &v->last);
    v->asked = false;
    v->unit = catalogue_unit_on(j->catalogue, v->code, day);
    if (v->unit == CATALOGUE_NONE)
        v->run_refusal = REFUSAL_UNIT_NOT_IN_FORCE;
    else if (!registry_covers(j->in->registry, j->in->producer, v->unit, day))
        v->run_refusal = REFUSAL_OUT_OF_SCOPE;
    else
        v->run_refusal = REFUSAL_NONE;
}

static enum refusal judge_day(const struct judge *j, const struct indicator *def, day_t day)
{
    struct period period;
    if (!period_ending(def->period, def->calendar, day, &period))
        return REFUSAL_BAD_PERIOD;
    if (j->change_count == 0 || day < j->changes[0])
        return REFUSAL_PERIOD_TOO_OLD;
    return period.first > j->today ? REFUSAL_FUTURE_PERIOD : REFUSAL_NONE;
}

static enum refusal judge_indicator_on(const struct judge *j, struct indicator_view *v, day_t day)
{
    if (!v->seen || v->day != day) {
        v->seen = true;
        v->day = day;
        v->day_refusal = judge_day(j, v->def, day);
    }
    return v->day_refusal;
}

static enum refusal judge_unit_on(const struct judge *j, struct unit_view *v, day_t day)
{
    if (day < v->first || day > v->last)
        look_at_run(j, v, day);
    return v->run_refusal;
}

/* Indicators mostly share one rule, so that one answer a unit is enough. */
static bool reports_on(const struct judge *j, struct unit_view *u, const struct indicator_view *i,
                       day_t day)
{
    if (!u->asked || u->rule != i->def->reporters) {
        u->asked = true;
        u->rule = i->def->reporters;
        u->reports = registry_is_reporter(j->in->registry, i->ordinal, u->unit, day);
    }
    return u->reports;
}

static enum refusal judge_value(const struct indicator *def, int64_t value)
{
    if (value < def->minimum || value < -OBSERVATION_VALUE_MAX)
        return REFUSAL_BELOW_MINIMUM;
    if (value > def->maximum || value > OBSERVATION_VALUE_MAX)
        return REFUSAL_ABOVE_MAXIMUM;
    return REFUSAL_NONE;
}

/* The first fault in the order in which a person would mend them: what is spoken of, when, whether
 * it may be, and only then the figure. */
static enum refusal judge_row(const struct judge *j, const struct batch *batch, uint32_t row)
{
    struct unit_view *u = &j->units[batch->unit_refs[row]];
    struct indicator_view *i = &j->indicators[batch->indicator_refs[row]];
    day_t day = batch->days[row];
    enum op op = batch->ops ? (enum op)batch->ops[row] : OP_SET;
    enum refusal refusal = u->refusal != REFUSAL_NONE ? u->refusal : i->refusal;
    if (refusal == REFUSAL_NONE)
        refusal = judge_indicator_on(j, i, day);
    if (refusal == REFUSAL_NONE)
        refusal = judge_unit_on(j, u, day);
    if (refusal != REFUSAL_NONE)
        return refusal;
    if (!reports_on(j, u, i, day))
        return REFUSAL_NOT_REPORTER;
    if (!(i->ops & 1u << op))
        return REFUSAL_BAD_OP;
    return op == OP_CLEAR ? REFUSAL_NONE : judge_value(i->def, batch->values[row]);
}

uint32_t intake_judge_rows(const struct intake *in, const struct batch *batch,
                           struct row_refusal **out)
{
    struct judge j = judge_open(in, batch);
    uint32_t count = 0;
    *out = NULL;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        enum refusal refusal = judge_row(&j, batch, row);
        if (refusal == REFUSAL_NONE)
            continue;
        if (count == 0)
            *out = arena_alloc(in->arena, (batch->row_count - row) * sizeof **out);
        (*out)[count++] = (struct row_refusal){row, (uint16_t)refusal};
    }
    return count;
}
