#include "services/notifier/notifier_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"

/* From cells to facts: what each unit with a share has brought, day by day, and what was owed. */

/* ---- figures of one unit ---- */

/* One indicator of one unit, from the day before the target's start on. */
struct series {
    int64_t *amounts; /* by day; [0] all that came before as well */
    int64_t *figures;
    uint32_t *reported;
};

static day_t last_day(const struct judging *j)
{
    return j->today < j->target->due ? j->today : j->target->due;
}

static unsigned day_count(const struct judging *j)
{
    day_t last = last_day(j), first = j->target->start - 1;
    return last < first ? 1 : (unsigned)(last - first) + 1;
}

static struct series series_make(struct judging *j, unsigned days)
{
    struct series s = {arena_alloc(&j->n->arena, days * sizeof *s.amounts),
                       arena_alloc(&j->n->arena, days * sizeof *s.figures),
                       arena_alloc(&j->n->arena, days * sizeof *s.reported)};
    memset(s.amounts, 0, days * sizeof *s.amounts);
    memset(s.figures, 0, days * sizeof *s.figures);
    memset(s.reported, 0, days * sizeof *s.reported);
    return s;
}

static void series_add(struct series *s, unsigned index, struct slice value)
{
    struct reader r = reader_of(value);
    int64_t amount = reader_zigzag(&r);
    int64_t figures = reader_zigzag(&r);
    uint64_t reported = reader_varint(&r);
    if (r.bad || __builtin_add_overflow(s->amounts[index], amount, &s->amounts[index]))
        return;
    s->figures[index] += figures;
    s->reported[index] += (uint32_t)reported;
}

/* All that stands under the unit's code, whichever unit bore it. Of a flow, what came before the
 * start is not the target's. */
static void series_read(struct judging *j, uint32_t part, uint32_t unit, unsigned days,
                        struct series *s)
{
    const struct catalogue *c = registry_catalogue(j->n->registry);
    const struct indicator *i = registry_indicator(j->n->registry, part);
    day_t first = j->target->start - 1;
    struct buf from = {0};
    struct slice key, value;
    notifier_cell_key(ident_slice(&i->id),
                      slice_str(catalogue_code_text(c, catalogue_unit(c, unit)->code)),
                      i->kind == INDICATOR_STOCK ? DAY_FIRST : first + 1, &from);
    size_t prefix = from.len - sizeof(day_t);
    struct kv_cursor *at = kv_cursor_open(j->kv, NOTIFIER_CELLS);
    for (bool more = kv_cursor_seek(at, buf_slice(&from), &key, &value);
         more && key.len == from.len && memcmp(key.data, from.data, prefix) == 0;
         more = kv_cursor_move(at, KV_NEXT, &key, &value)) {
        struct reader r = reader_of(slice_of((const uint8_t *)key.data + prefix, sizeof(day_t)));
        day_t day = reader_i32_ordered(&r);
        if (day > first + (day_t)days - 1)
            break;
        series_add(s, day <= first ? 0 : (unsigned)(day - first), value);
    }
    kv_cursor_close(at);
    buf_fini(&from);
}

/* To levels: of a stock always, of a flow where it is a part of a ratio. */
static void series_sum(struct series *s, unsigned days)
{
    for (unsigned i = 1; i < days; i++) {
        if (__builtin_add_overflow(s->amounts[i], s->amounts[i - 1], &s->amounts[i]))
            s->amounts[i] = s->amounts[i - 1];
        s->figures[i] += s->figures[i - 1];
    }
}

/* The days of the target's on which this very unit was in force: codes are reused, and what another
 * bore under the same one is not its own. Empty where from > to. */
static struct day_range days_of_unit(const struct judging *j, uint32_t unit, unsigned days)
{
    const struct unit *u = catalogue_unit(registry_catalogue(j->n->registry), unit);
    day_t first = j->target->start - 1, last = first + (day_t)days - 1;
    return (struct day_range){u->from > first ? u->from : first, u->to < last ? u->to : last};
}

static void series_take(struct series *out, const struct series *s, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++) {
        if (__builtin_add_overflow(out->amounts[i], s->amounts[i], &out->amounts[i]))
            continue;
        out->figures[i] += s->figures[i];
        out->reported[i] += s->reported[i];
    }
}

/* The unit's own days, and before them those of the units that it came from, however long ago: a
 * ward into which six were merged has brought what the six have. */
static void series_gather(struct judging *j, uint32_t part, uint32_t unit, unsigned days,
                          struct series *out)
{
    struct day_range own = days_of_unit(j, unit, days);
    day_t first = j->target->start - 1;
    const uint32_t *before;
    if (own.from <= own.to) {
        struct series s = series_make(j, days);
        series_read(j, part, unit, days, &s);
        if (registry_indicator(j->n->registry, part)->kind == INDICATOR_STOCK)
            series_sum(&s, days);
        series_take(out, &s, (unsigned)(own.from - first), (unsigned)(own.to - first));
    }
    if (own.from <= first)
        return;
    uint32_t count = catalogue_heirs_of(registry_catalogue(j->n->registry), unit, &before);
    for (uint32_t i = 0; i < count; i++)
        series_gather(j, part, before[i], days, out);
}

/* How many reports the unit, or those that it came from, owe for the period that ends that day. */
static uint32_t owed_on(const struct judging *j, uint32_t part, uint32_t unit, day_t d)
{
    const struct catalogue *c = registry_catalogue(j->n->registry);
    const uint32_t *before;
    uint32_t owed = 0;
    if (d >= catalogue_unit(c, unit)->from)
        return registry_owed(j->n->registry, part, unit, d);
    uint32_t count = catalogue_heirs_of(c, unit, &before);
    for (uint32_t i = 0; i < count; i++)
        owed += owed_on(j, part, before[i], d);
    return owed;
}

static int64_t ratio_of(int64_t numerator, int64_t denominator)
{
    return (int64_t)((__int128)numerator * RATIO_WHOLE / denominator);
}

static void fill_values(const struct judging *j, const struct series parts[2], unsigned days,
                        struct pace_day *out)
{
    for (unsigned i = 0; i < days; i++) {
        out[i].known = parts[0].figures[i] > 0;
        out[i].level = parts[0].amounts[i];
        if (j->part_count < 2)
            continue;
        out[i].known = out[i].known && parts[1].figures[i] > 0 && parts[1].amounts[i] > 0;
        out[i].level = out[i].known ? ratio_of(parts[0].amounts[i], parts[1].amounts[i]) : 0;
    }
}

static void fill_reports(const struct judging *j, const struct judged *u,
                         const struct series parts[2], unsigned days, struct pace_day *out)
{
    for (unsigned i = 1; i < days; i++) {
        day_t d = j->target->start - 1 + (day_t)i;
        for (unsigned k = 0; k < j->part_count; k++) {
            uint32_t owed = owed_on(j, j->parts[k], u->unit, d);
            uint32_t reported = parts[k].reported[i];
            out[i].owed += owed;
            out[i].reported += reported < owed ? reported : owed;
        }
    }
}

static struct pace_day *read_days(struct judging *j, const struct judged *u, unsigned days)
{
    struct series parts[2];
    struct pace_day *out = arena_alloc(&j->n->arena, days * sizeof *out);
    memset(out, 0, days * sizeof *out);
    for (unsigned k = 0; k < j->part_count; k++) {
        parts[k] = series_make(j, days);
        series_gather(j, j->parts[k], u->unit, days, &parts[k]);
        if (j->indicator->kind == INDICATOR_RATIO &&
            registry_indicator(j->n->registry, j->parts[k])->kind == INDICATOR_FLOW)
            series_sum(&parts[k], days);
    }
    fill_values(j, parts, days, out);
    fill_reports(j, u, parts, days, out);
    return out;
}

/* ---- silence ---- */

bool notifier_is_sparse(const struct judging *j)
{
    return registry_indicator(j->n->registry, j->parts[0])->period != PERIOD_DAY;
}

static bool is_due(const struct judging *j, day_t d)
{
    for (unsigned k = 0; k < j->part_count; k++) {
        const struct duty *duty = registry_duty_on(j->n->registry, j->parts[k], d);
        if (duty && j->today <= d + (day_t)duty->due_days)
            return false;
    }
    return true;
}

/* Was it still to come when the plan, or its later end, was first judged by? Nobody is overdue with
 * what was due before. */
static bool is_owed_since(const struct judging *j, day_t d, day_t open_since)
{
    for (unsigned k = 0; k < j->part_count; k++) {
        const struct duty *duty = registry_duty_on(j->n->registry, j->parts[k], d);
        if (duty && d + (day_t)duty->due_days >= open_since)
            return true;
    }
    return false;
}

/* The last reports that are due, back to the last day covered: all missing? */
static bool look_for_silence(const struct judging *j, const struct pace_day *days, unsigned count,
                             day_t open_since, struct judged *u)
{
    unsigned missing = 0;
    u->state.silent_to = j->target->start - 1;
    u->state.silent_from = j->target->start;
    for (unsigned i = count - 1; i > 0 && !pace_day_covered(&days[i]); i--) {
        day_t d = j->target->start - 1 + (day_t)i;
        if (days[i].owed == 0 || pace_is_suspended(j->target, d) || !is_due(j, d) ||
            !is_owed_since(j, d, open_since))
            continue;
        if (missing == 0)
            u->state.silent_to = d;
        u->state.silent_from = d;
        u->silent_owed += days[i].owed;
        u->silent_reported += days[i].reported;
        missing++;
    }
    return missing >= state_silent_after(notifier_is_sparse(j));
}

static day_t last_heard(const struct judging *j, const struct pace_day *days, unsigned count)
{
    for (unsigned i = count - 1; i > 0; i--)
        if (days[i].reported > 0)
            return j->target->start - 1 + (day_t)i;
    return days[0].known ? j->target->start - 1 : DAY_NEVER;
}

/* ---- facts ---- */

static uint32_t pace_facts(const struct pace *p)
{
    return (p->has_forecast ? FACT_JUDGED : 0u) | (p->behind ? FACT_BEHIND : 0u) |
           (p->clear ? FACT_CLEAR : 0u) | (p->risk ? FACT_RISK : 0u) | (p->safe ? FACT_SAFE : 0u);
}

/* Are the last reports owed there, those of suspended days apart? Where none are owed, a figure is
 * enough. */
static bool is_complete(const struct judging *j, const struct pace_day *days, unsigned count)
{
    for (unsigned i = count - 1; i > 0; i--)
        if (days[i].owed > 0 && !pace_is_suspended(j->target, j->target->start - 1 + (day_t)i))
            return pace_day_covered(&days[i]);
    return days[count - 1].known;
}

static uint32_t end_facts(const struct judging *j, const struct judged *u,
                          const struct pace_day *days, unsigned count)
{
    const struct notifier_state *s = &u->state;
    bool known = days[count - 1].known || s->pace.actual > 0;
    bool final = j->today > j->target->due + (day_t)j->due_days;
    return (final ? FACT_FINAL : 0u) | (known && s->pace.actual >= s->lower ? FACT_REACHED : 0u) |
           (known && s->stretch > 0 && s->pace.actual >= s->stretch ? FACT_STRETCHED : 0u) |
           (is_complete(j, days, count) ? FACT_COMPLETE : 0u);
}

/* Would "behind" be said of the same days by the plan and the figures as they are now? */
static bool is_undone(const struct judging *j, struct judged *u, struct pace_input in)
{
    const struct notifier_told *told = notifier_told_last(&u->state);
    day_t first = j->target->start - 1;
    struct pace then;
    if ((u->state.record.told & FACT_TOLD_BEHIND) == 0 || !told || told->judged <= first ||
        told->judged > first + (day_t)in.day_count - 1)
        return false;
    in.day_count = (unsigned)(told->judged - first) + 1;
    in.today = told->judged;
    pace_judge(&in, &then);
    u->told_now = then.level;
    bool amended = told->terms != notifier_terms(j->target, &u->state);
    return (amended || then.level > told->level) && then.has_forecast && then.clear;
}

/* Days of figures so far: of those that come all at once after a gap the last alone. Where reports
 * are not daily one is as good as two, or half a year would go by before a verdict has held. */
static int32_t evidence_of(const struct judging *j, const struct notifier_state *s,
                           day_t judged_before)
{
    if (s->pace.judged <= judged_before)
        return s->record.evidence;
    return s->record.evidence + (notifier_is_sparse(j) ? 2 : 1);
}

void notifier_look(struct judging *j, struct judged *u)
{
    unsigned count = day_count(j);
    const struct pace_day *days = read_days(j, u, count);
    struct notifier_state *s = &u->state;
    struct pace_input in = {.target = j->target,
                            .lower = s->lower,
                            .kind = j->indicator->kind,
                            .sparse = notifier_is_sparse(j),
                            .today = j->today,
                            .days = days,
                            .day_count = count};
    day_t judged_before = s->pace.judged;
    pace_judge(&in, &s->pace);
    uint32_t facts = pace_facts(&s->pace) | end_facts(j, u, days, count);
    if (j->today >= j->target->start &&
        j->today >= catalogue_unit(registry_catalogue(j->n->registry), u->unit)->from)
        facts |= FACT_STARTED;
    if (pace_is_suspended(j->target, j->today))
        facts |= FACT_SUSPENDED;
    if (days[count - 1].known || s->pace.covered)
        facts |= FACT_SEEN;
    day_t open_since = state_open_since(&s->record, facts, j->today);
    if (look_for_silence(j, days, count, open_since, u))
        facts = (facts & ~(uint32_t)FACT_JUDGED) | FACT_OVERDUE;
    if (is_undone(j, u, in))
        facts |= FACT_UNDONE;
    u->heard = last_heard(j, days, count);
    s->judged_on = j->today;
    u->outcome = state_step(&s->record, facts, j->today, evidence_of(j, s, judged_before));
    arena_reset(&j->n->arena);
}

/* ---- the units of a target ---- */

struct gathering {
    struct judging *j;
    int way[CATALOGUE_DEPTH_MAX]; /* index of the unit with a share at each depth, from the top */
};

static const struct unit_span *span_now(const struct judging *j, uint32_t unit)
{
    const struct catalogue *c = registry_catalogue(j->n->registry);
    const struct unit_span *span = catalogue_span_on(c, unit, j->today);
    return span ? span : catalogue_span_on(c, unit, j->target->due);
}

static void add_unit(struct judging *j, uint32_t unit, int above, int64_t lower, int64_t stretch)
{
    const struct unit_span *span = span_now(j, unit);
    void *units = j->units;
    alloc_reserve(&units, &j->unit_capacity, j->unit_count + 1, sizeof *j->units);
    j->units = units;
    struct judged *u = &j->units[j->unit_count++];
    *u = (struct judged){.unit = unit, .above = above, .level = span->level, .name = span->name};
    u->state.plan = j->plan->id;
    u->state.target = j->target->id;
    u->state.unit = span->code;
    u->state.unit_from = catalogue_unit(registry_catalogue(j->n->registry), unit)->from;
    u->state.record = state_initial(j->today);
    u->state.lower = lower;
    u->state.stretch = stretch;
}

static void gather_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct gathering *g = arg;
    struct judging *j = g->j;
    const struct catalogue *c = registry_catalogue(j->n->registry);
    const char *code = catalogue_code_text(c, catalogue_unit(c, unit)->code);
    const struct target_share *share = target_share_find(j->target, slice_str(code));
    int above = depth == 0 ? NOTIFIER_NO_UNIT : g->way[depth - 1];
    g->way[depth] = above;
    if (depth > 0 && !share)
        return;
    g->way[depth] = (int)j->unit_count;
    add_unit(j, unit, above, depth == 0 ? j->target->lower : share->lower,
             depth == 0 ? j->target->stretch : share->stretch);
}

static void gather_units(struct judging *j)
{
    const struct catalogue *c = registry_catalogue(j->n->registry);
    uint32_t code = catalogue_code_find(c, ident_slice(&j->target->unit));
    uint32_t top =
        code == CATALOGUE_NONE ? CATALOGUE_NONE : catalogue_unit_on(c, code, j->target->due);
    struct gathering g = {.j = j};
    j->unit_count = 0;
    if (top != CATALOGUE_NONE)
        catalogue_visit_on(c, top, j->target->due, gather_unit, &g);
}

/* ---- a target ---- */

static bool find_parts(struct judging *j)
{
    const struct registry *r = j->n->registry;
    uint32_t ordinal = registry_indicator_find(r, ident_slice(&j->target->indicator));
    if (ordinal == REGISTRY_NONE)
        return false;
    j->indicator = registry_indicator(r, ordinal);
    j->parts[0] = ordinal;
    j->part_count = 1;
    if (j->indicator->kind == INDICATOR_RATIO) {
        j->parts[0] = registry_indicator_find(r, ident_slice(&j->indicator->numerator));
        j->parts[1] = registry_indicator_find(r, ident_slice(&j->indicator->denominator));
        j->part_count = 2;
    }
    return j->parts[0] != REGISTRY_NONE && (j->part_count < 2 || j->parts[1] != REGISTRY_NONE);
}

static void find_due_days(struct judging *j)
{
    j->due_days = 0;
    for (unsigned k = 0; k < j->part_count; k++) {
        const struct duty *d = registry_duty_on(j->n->registry, j->parts[k], j->target->due);
        if (d && d->due_days > j->due_days)
            j->due_days = d->due_days;
    }
}

/* The record that stands; what the plan says of the unit, it says anew each time. */
static int load_state(struct judging *j, struct judged *u, struct err *err)
{
    int64_t lower = u->state.lower, stretch = u->state.stretch;
    int rc = notifier_state_get(j->kv, &u->state, err);
    u->old = rc > 0;
    u->state.lower = lower;
    u->state.stretch = stretch;
    return rc < 0 ? rc : 0;
}

static int judge_target(struct judging *j, struct err *err)
{
    int rc = 0;
    /* Longer than eleven years is no campaign; its days are not gone through twice a day. */
    if (!find_parts(j) || j->target->due - j->target->start + 2 > PACE_LEVEL_MAX_DAYS)
        return 0;
    find_due_days(j);
    gather_units(j);
    for (size_t i = 0; i < j->unit_count && rc == 0; i++) {
        rc = load_state(j, &j->units[i], err);
        if (rc == 0)
            notifier_look(j, &j->units[i]);
    }
    return rc < 0 ? rc : notifier_tell(j, err);
}

int notifier_judge(struct notifier *n, struct kv *kv, int64_t time_ms, struct err *err)
{
    struct judging j = {.n = n, .kv = kv, .time_ms = time_ms, .today = day_of_ms(time_ms)};
    int rc = 0;
    for (uint32_t p = 0; p < registry_plan_count(n->registry) && rc == 0; p++) {
        j.plan = registry_plan(n->registry, p);
        for (unsigned t = 0; t < j.plan->target_count && rc == 0; t++) {
            j.target = &j.plan->targets[t];
            rc = judge_target(&j, err);
        }
    }
    free(j.units);
    return rc;
}
