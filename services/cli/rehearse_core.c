#include "services/cli/rehearse_core.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

#include <stdlib.h>

enum {
    SATURDAY = 6,
    MILLI = 1000,
    PERCENT = 100,
    SPREAD_PERCENT = 12, /* how far districts, and leaves within one, differ in zeal */
    OPENING_PERCENT = 5, /* what stood there before the campaign began */
    WEEKEND_MILLI = 250,
    STORM_MILLI = 75,
    MENDING_MILLI = 500, /* roofs come first */
    MENDING_DAYS = 2,
    RUSH_DAYS = 5,
    RUSH_MILLI = 1650,
    LAST_MILLI = 1300, /* the due day, be it a Saturday */
    DARK_DAYS = 3,
    SILENT_AFTER = 11, /* days from the start */
    SILENT_DAYS = 7,
    SILENT_LEAVES_MIN = 5, /* a district that is seen, but not so large that nobody can judge */
    SILENT_LEAVES_PERMILLE = 90,
    TRESPASS_AFTER = 14,
    NEVER = -1,
};
#define MINUTE_MS INT64_C(60000)
#define HOURS(h) ((int64_t)(h)*60) /* in minutes */
#define STORM_DAY 19973            /* 2024-09-07: typhoon Yagi */

const char *const rehearse_outcome_names[REHEARSE_OUTCOME_COUNT] = {"inside", "just-short",
                                                                    "far-short"};

/* ---- chance: splitmix64, the same numbers everywhere ---- */

struct chance {
    uint64_t state;
};

static uint64_t chance_next(struct chance *c)
{
    uint64_t z = c->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* Both included. */
static int64_t chance_between(struct chance *c, int64_t low, int64_t high)
{
    return low + (int64_t)(chance_next(c) % (uint64_t)(high - low + 1));
}

static bool chance_percent(struct chance *c, unsigned percent)
{
    return chance_next(c) % PERCENT < percent;
}

/* ---- the target and its units ---- */

bool rehearse_is_within(const struct rehearse_days *days, day_t d)
{
    return days->from <= d && d <= days->to;
}

static const struct indicator *find_indicator(const struct plan *p, const struct ident *id)
{
    for (unsigned i = 0; i < p->indicator_count; i++)
        if (ident_equal(&p->indicators[i].id, id))
            return &p->indicators[i];
    return NULL;
}

static const struct target *find_target(const struct plan *p)
{
    for (unsigned i = 0; i < p->target_count; i++) {
        const struct indicator *one = find_indicator(p, &p->targets[i].indicator);
        if (one && one->kind == INDICATOR_STOCK && one->reporters == REPORTS_LEAF &&
            one->period == PERIOD_DAY)
            return &p->targets[i];
    }
    return NULL;
}

static int check_target(const struct plan *p, const struct target *t, struct err *err)
{
    if (!t)
        return err_set(
            err, ERR_INVALID,
            "plan %s: no target is on a stock that leaves report daily: there is nothing "
            "to rehearse",
            p->id.text);
    if (t->share_count == 0)
        return err_set(
            err, ERR_INVALID,
            "plan %s, target %s: is not shared out: a rehearsal needs every unit's share",
            p->id.text, t->id.text);
    if (t->due - t->start >= REHEARSE_DAYS_MAX)
        return err_set(err, ERR_LIMIT, "plan %s, target %s: runs for more than %d days", p->id.text,
                       t->id.text, REHEARSE_DAYS_MAX);
    if (t->lower > REHEARSE_BOUND_MAX || t->stretch > REHEARSE_BOUND_MAX)
        return err_set(err, ERR_LIMIT, "plan %s, target %s: a rehearsal plays bounds up to %d",
                       p->id.text, t->id.text, REHEARSE_BOUND_MAX);
    return 0;
}

/* One way through the tree: counts first, then fills. */
struct survey {
    struct rehearse *r;
    const struct target *target;
    const struct catalogue *catalogue;
    uint32_t top;
};

static struct rehearse_unit describe(const struct survey *s, uint32_t unit)
{
    const char *code = catalogue_code_text(s->catalogue, catalogue_unit(s->catalogue, unit)->code);
    struct rehearse_unit out = {.name = catalogue_span_on(s->catalogue, unit, s->r->start)->name};
    const struct target_share *share = target_share_find(s->target, slice_str(code));
    require(ident_set(&out.code, slice_str(code)));
    if (share) {
        out.lower = share->lower;
        out.stretch = share->stretch;
    }
    return out;
}

static void count_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct survey *s = arg;
    s->r->group_count += depth == 1;
    s->r->leaf_count += catalogue_is_leaf_on(s->catalogue, unit, s->r->start);
}

/* Parents come before their children, so that the group a leaf lies in is the last one met. */
static void take_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct survey *s = arg;
    struct rehearse *r = s->r;
    if (depth == 1)
        r->groups[r->group_count++] = (struct rehearse_group){.unit = describe(s, unit)};
    if (depth == 0 || !catalogue_is_leaf_on(s->catalogue, unit, r->start))
        return;
    r->groups[r->group_count - 1].leaf_count++;
    r->leaves[r->leaf_count++] =
        (struct rehearse_leaf){.unit = describe(s, unit),
                               .level = catalogue_span_on(s->catalogue, unit, r->start)->level,
                               .group = r->group_count - 1};
}

static int survey_units(struct survey *s, struct err *err)
{
    struct rehearse *r = s->r;
    s->top = catalogue_unit_on(
        s->catalogue, catalogue_code_find(s->catalogue, ident_slice(&s->target->unit)), r->start);
    catalogue_visit_on(s->catalogue, s->top, r->start, count_unit, s);
    if (s->top == CATALOGUE_NONE || r->group_count == 0)
        return err_set(err, ERR_INVALID, "target %s: unit %s has nothing below it on its first day",
                       s->target->id.text, s->target->unit.text);
    if (r->leaf_count > REHEARSE_LEAVES_MAX)
        return err_set(err, ERR_LIMIT, "target %s: %u units report: a rehearsal plays %d at most",
                       s->target->id.text, r->leaf_count, REHEARSE_LEAVES_MAX);
    r->groups = arena_alloc(&r->arena, r->group_count * sizeof *r->groups);
    r->leaves = arena_alloc(&r->arena, r->leaf_count * sizeof *r->leaves);
    r->group_count = r->leaf_count = 0;
    catalogue_visit_on(s->catalogue, s->top, r->start, take_unit, s);
    r->top = describe(s, s->top);
    r->top.lower = s->target->lower;
    r->top.stretch = s->target->stretch;
    return 0;
}

/* ---- what happens in it ---- */

static void plan_storm(struct rehearse *r)
{
    r->storm = (struct rehearse_days){STORM_DAY, STORM_DAY};
    r->dark = (struct rehearse_days){STORM_DAY + 1, STORM_DAY + DARK_DAYS};
    if (r->storm.from < r->start || r->dark.to + RUSH_DAYS >= r->due)
        r->storm = r->dark = (struct rehearse_days){0, -1};
}

static bool may_be_silent(const struct rehearse *r, unsigned group)
{
    unsigned count = r->groups[group].leaf_count;
    return count >= SILENT_LEAVES_MIN &&
           count * MILLI <= r->leaf_count * (unsigned)SILENT_LEAVES_PERMILLE;
}

static void plan_silence(struct rehearse *r, struct chance *c)
{
    unsigned fit = 0;
    r->silent = (struct rehearse_days){0, -1};
    for (unsigned i = 0; i < r->group_count; i++)
        fit += may_be_silent(r, i);
    if (fit == 0 || r->start + SILENT_AFTER + SILENT_DAYS + RUSH_DAYS > r->due)
        return;
    int64_t which = chance_between(c, 0, fit - 1);
    for (unsigned i = 0; i < r->group_count; i++)
        if (may_be_silent(r, i) && which-- == 0)
            r->silent_group = i;
    r->silent.from = r->start + SILENT_AFTER;
    r->silent.to = r->silent.from + SILENT_DAYS - 1;
}

/* ---- what is registered ---- */

static int64_t draw_total(const struct rehearse *r, enum rehearse_outcome outcome, struct chance *c)
{
    int64_t lower = r->top.lower, above = r->top.stretch - lower;
    if (above <= 0)
        above = lower / 10;
    switch (outcome) {
    case REHEARSE_JUST_SHORT:
        return lower * chance_between(c, 955, 990) / MILLI;
    case REHEARSE_FAR_SHORT:
        return lower * chance_between(c, 510, 560) / MILLI;
    default:
        return lower + above * chance_between(c, 350, 750) / MILLI;
    }
}

struct part {
    unsigned leaf;
    int64_t weight;
    int64_t rest; /* of the division, for who gets what is left over */
};

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest > y->rest ? -1 : 1;
    return (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

/* The total by weight, exactly: largest remainders. */
static void share_out(struct rehearse *r, struct part *parts)
{
    __int128 whole = 0;
    int64_t left = r->total;
    for (unsigned i = 0; i < r->leaf_count; i++)
        whole += parts[i].weight;
    for (unsigned i = 0; i < r->leaf_count && whole > 0; i++) {
        __int128 product = (__int128)r->total * parts[i].weight;
        r->leaves[i].total = (int64_t)(product / whole);
        parts[i].rest = (int64_t)(product % whole);
        left -= r->leaves[i].total;
    }
    qsort(parts, r->leaf_count, sizeof *parts, compare_parts);
    for (unsigned i = 0; left > 0; i = (i + 1) % r->leaf_count, left--)
        r->leaves[parts[i].leaf].total++;
}

/* By share, where leaves have none by that of their district. */
static int64_t weight_of(const struct rehearse *r, unsigned leaf)
{
    const struct rehearse_group *g = &r->groups[r->leaves[leaf].group];
    int64_t share = r->leaves[leaf].unit.lower;
    return share > 0 ? share * MILLI : g->unit.lower * MILLI / g->leaf_count;
}

static int64_t draw_zeal(struct chance *c)
{
    return chance_between(c, PERCENT - SPREAD_PERCENT, PERCENT + SPREAD_PERCENT);
}

static void share_total(struct rehearse *r, struct chance *c)
{
    struct part *parts = alloc_zeroed(r->leaf_count, sizeof *parts);
    int64_t *zeal = alloc_zeroed(r->group_count, sizeof *zeal);
    for (unsigned i = 0; i < r->group_count; i++)
        zeal[i] = draw_zeal(c);
    for (unsigned i = 0; i < r->leaf_count; i++)
        parts[i] = (struct part){
            .leaf = i, .weight = weight_of(r, i) * zeal[r->leaves[i].group] * draw_zeal(c)};
    share_out(r, parts);
    free(parts);
    free(zeal);
}

/* How much is done on that day, in thousandths of a usual weekday. */
static int64_t work_on(const struct rehearse *r, day_t d)
{
    int64_t work = day_weekday(d) >= SATURDAY ? WEEKEND_MILLI : MILLI;
    if (d == r->due)
        return LAST_MILLI;
    if (rehearse_is_within(&r->dark, d))
        return 0;
    if (rehearse_is_within(&r->storm, d))
        return STORM_MILLI;
    if (d > r->dark.to && d <= r->dark.to + MENDING_DAYS)
        return work * MENDING_MILLI / MILLI;
    return d > r->due - RUSH_DAYS ? work * RUSH_MILLI / MILLI : work;
}

static unsigned day_count(const struct rehearse *r)
{
    return (unsigned)(r->due - r->start) + 2;
}

static void live(struct rehearse *r, unsigned leaf, struct chance *c)
{
    int64_t *truth = r->truth + (size_t)leaf * day_count(r);
    int64_t total = r->leaves[leaf].total, opening = total * OPENING_PERCENT / PERCENT;
    int64_t done = 0;
    truth[0] = 0;
    for (unsigned i = 1; i < day_count(r); i++)
        truth[i] = truth[i - 1] + work_on(r, r->start - 1 + (day_t)i) * chance_between(c, 40, 160);
    int64_t whole = truth[day_count(r) - 1];
    for (unsigned i = 0; i < day_count(r); i++) {
        done = truth[i];
        truth[i] = opening + (int64_t)((__int128)(total - opening) * done / whole);
    }
}

int64_t rehearse_truth(const struct rehearse *r, unsigned leaf, day_t day)
{
    require(leaf < r->leaf_count && day >= r->start - 1 && day <= r->due);
    return r->truth[(size_t)leaf * day_count(r) + (size_t)(day - r->start + 1)];
}

/* ---- what is reported, and when ---- */

/* A leaf's own habits. */
struct reporter {
    struct rehearse *r;
    struct chance *chance;
    unsigned leaf;
    int64_t light_ms;  /* when its power is back */
    int64_t resume_ms; /* when its district speaks again */
    size_t capacity;
};

static int64_t moment(day_t d, int64_t minutes)
{
    return day_start_ms(d) + minutes * MINUTE_MS;
}

static void add_report(struct reporter *p, int64_t at_ms, day_t day, int64_t value,
                       enum rehearse_kind kind)
{
    struct rehearse *r = p->r;
    void *reports = r->reports;
    alloc_reserve(&reports, &p->capacity, r->report_count + 1, sizeof *r->reports);
    r->reports = reports;
    r->reports[r->report_count++] = (struct rehearse_report){.at_ms = at_ms,
                                                             .leaf = p->leaf,
                                                             .about = p->leaf,
                                                             .day = day,
                                                             .value = value,
                                                             .kind = kind};
}

/* When nothing can be sent it goes once the line is back. The storm comes at noon. */
static int64_t when_possible(const struct reporter *p, int64_t at_ms)
{
    const struct rehearse *r = p->r;
    if (r->dark.from <= r->dark.to && at_ms >= moment(r->storm.from, HOURS(12)) &&
        at_ms < p->light_ms)
        at_ms = p->light_ms;
    if (r->leaves[p->leaf].group == r->silent_group &&
        rehearse_is_within(&r->silent, day_of_ms(at_ms)))
        at_ms = p->resume_ms;
    return at_ms;
}

/* All of the last figures are in before the evening on which they are due. */
static int64_t in_time(const struct reporter *p, int64_t at_ms)
{
    int64_t last_ms = moment(p->r->due + 1, HOURS(20));
    return at_ms <= last_ms ? at_ms : last_ms - chance_between(p->chance, 1, 300) * MINUTE_MS;
}

/* Minutes after the midnight with which the day begins, or NEVER. */
static int64_t draw_delay(struct reporter *p, day_t d)
{
    struct chance *c = p->chance;
    int64_t dice = chance_between(c, 0, 99);
    int to_monday = 8 - day_weekday(d);
    if (d == p->r->start - 1)
        return chance_between(c, HOURS(14), HOURS(17) - 5);
    if (rehearse_is_within(&p->r->storm, d))
        return chance_between(c, HOURS(9), HOURS(12) - 5);
    if (to_monday <= 2 && d != p->r->due && chance_percent(c, 12))
        return HOURS(24 * to_monday) + chance_between(c, HOURS(7), HOURS(11));
    if (dice < 74)
        return chance_between(c, HOURS(16), HOURS(21) - 5);
    if (dice < 84)
        return chance_between(c, HOURS(21), HOURS(24) - 5);
    if (dice < 95)
        return chance_between(c, HOURS(24 + 7), HOURS(24 + 12));
    if (dice < 99 || d >= p->r->due - 1)
        return chance_between(c, HOURS(48 + 7), HOURS(48 + 18));
    return NEVER;
}

static void report_wrongly(struct reporter *p, int64_t at_ms, day_t d)
{
    int64_t truth = rehearse_truth(p->r, p->leaf, d);
    int64_t wrong = chance_percent(p->chance, 50) ? truth - truth / 10 : truth + truth / 10;
    int64_t later_ms = chance_between(p->chance, 3 * 60, 30 * 60) * MINUTE_MS;
    int64_t mended_ms = in_time(p, when_possible(p, at_ms + later_ms));
    if (wrong == truth || mended_ms <= at_ms) {
        add_report(p, at_ms, d, truth, REHEARSE_PLAIN);
        return;
    }
    add_report(p, at_ms, d, wrong, REHEARSE_WRONG);
    add_report(p, mended_ms, d, truth, REHEARSE_CORRECTION);
}

static void report_twice(struct reporter *p, int64_t at_ms, day_t d)
{
    int64_t truth = rehearse_truth(p->r, p->leaf, d);
    int64_t later_ms = chance_between(p->chance, 20, 180) * MINUTE_MS;
    int64_t again_ms = in_time(p, when_possible(p, at_ms + later_ms));
    add_report(p, at_ms, d, truth, REHEARSE_PLAIN);
    if (again_ms > at_ms)
        add_report(p, again_ms, d, truth, REHEARSE_REPEAT);
}

/* After its silence a district does not make up for every day. */
static bool is_forgotten(const struct reporter *p, day_t d)
{
    const struct rehearse *r = p->r;
    return r->leaves[p->leaf].group == r->silent_group && rehearse_is_within(&r->silent, d) &&
           d != r->silent.to && chance_percent(p->chance, 30);
}

static void report_day(struct reporter *p, day_t d)
{
    int64_t delay = draw_delay(p, d), dice = chance_between(p->chance, 0, 99);
    bool is_usual = d >= p->r->start && !rehearse_is_within(&p->r->dark, d);
    if (delay == NEVER || is_forgotten(p, d))
        return;
    int64_t at_ms = in_time(p, when_possible(p, moment(d, delay)));
    if (is_usual && dice < 3)
        report_wrongly(p, at_ms, d);
    else if (is_usual && dice < 7)
        report_twice(p, at_ms, d);
    else
        add_report(p, at_ms, d, rehearse_truth(p->r, p->leaf, d), REHEARSE_PLAIN);
}

static void report_all(struct reporter *p)
{
    struct rehearse *r = p->r;
    p->light_ms = moment(r->dark.to + 1, HOURS(7) + chance_between(p->chance, 0, HOURS(12)));
    p->resume_ms = moment(r->silent.to + 1, HOURS(7) + chance_between(p->chance, 0, HOURS(9)));
    for (day_t d = r->start - 1; d <= r->due; d++)
        report_day(p, d);
}

static bool may_trespass(const struct rehearse *r, unsigned leaf)
{
    unsigned group = r->leaves[leaf].group;
    return group != r->silent_group && leaf + 1 < r->leaf_count &&
           r->leaves[leaf + 1].group == group;
}

/* Somebody's password lies on somebody else's desk. */
static void add_trespass(struct reporter *p)
{
    struct rehearse *r = p->r;
    day_t day = r->start + TRESPASS_AFTER;
    if (day >= r->due)
        return;
    for (unsigned tries = 0; tries < r->leaf_count; tries++) {
        p->leaf = (unsigned)chance_between(p->chance, 0, r->leaf_count - 1);
        if (!may_trespass(r, p->leaf))
            continue;
        int64_t minutes = chance_between(p->chance, HOURS(9), HOURS(11));
        int64_t value = rehearse_truth(r, p->leaf + 1, day - 1);
        add_report(p, moment(day, minutes), day - 1, value + value / 5 + 1, REHEARSE_TRESPASS);
        r->reports[r->report_count - 1].about = p->leaf + 1;
        return;
    }
}

/* ---- steps ---- */

static void make_steps(struct rehearse *r)
{
    static const int hours[REHEARSE_STEPS_A_DAY] = {8, 12, 17, 21, 24};
    unsigned days = day_count(r) + 1; /* the last reports are due the day after */
    r->steps = arena_alloc(&r->arena, (days * REHEARSE_STEPS_A_DAY + 1) * sizeof *r->steps);
    for (unsigned i = 0; i <= days * REHEARSE_STEPS_A_DAY; i++) {
        day_t d = r->start - 1 + (day_t)(i / REHEARSE_STEPS_A_DAY);
        r->steps[r->step_count++] = (struct rehearse_step){
            .tick_ms = moment(d, HOURS(hours[i % REHEARSE_STEPS_A_DAY])), .day = d};
    }
}

static int compare_reports(const void *a, const void *b)
{
    const struct rehearse_report *x = a, *y = b;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->leaf != y->leaf)
        return x->leaf < y->leaf ? -1 : 1;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->day > y->day) - (x->day < y->day);
}

static unsigned step_of(const struct rehearse *r, int64_t at_ms)
{
    unsigned low = 0, high = r->step_count - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (r->steps[middle].tick_ms < at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put_in_order(struct rehearse *r)
{
    for (size_t i = 0; i < r->report_count; i++)
        r->reports[i].step = step_of(r, r->reports[i].at_ms);
    qsort(r->reports, r->report_count, sizeof *r->reports, compare_reports);
    r->trespass = r->report_count;
    for (size_t i = r->report_count; i-- > 0;) {
        struct rehearse_step *s = &r->steps[r->reports[i].step];
        s->first = i;
        s->count++;
        if (r->reports[i].kind == REHEARSE_TRESPASS)
            r->trespass = i;
    }
}

size_t rehearse_batch_end(const struct rehearse *r, size_t first)
{
    const struct rehearse_report *a = &r->reports[first];
    size_t end = first + 1;
    for (; end < r->report_count; end++) {
        const struct rehearse_report *b = &r->reports[end];
        bool apart = a->kind == REHEARSE_TRESPASS || b->kind == REHEARSE_TRESPASS;
        if (apart || b->step != a->step || b->leaf != a->leaf || b->at_ms != a->at_ms)
            break;
    }
    return end;
}

/* ---- together ---- */

static void play(struct rehearse *r, const struct rehearse_options *options)
{
    struct chance chance = {options->seed};
    struct reporter p = {.r = r, .chance = &chance};
    plan_storm(r);
    plan_silence(r, &chance);
    r->total = draw_total(r, options->outcome, &chance);
    share_total(r, &chance);
    r->truth = arena_alloc(&r->arena, (size_t)r->leaf_count * day_count(r) * sizeof *r->truth);
    for (p.leaf = 0; p.leaf < r->leaf_count; p.leaf++) {
        live(r, p.leaf, &chance);
        report_all(&p);
    }
    add_trespass(&p);
    make_steps(r);
    put_in_order(r);
}

int rehearse_create(struct rehearse **out, const struct rehearse_options *options,
                    const struct plan *plan, const struct catalogue *catalogue, struct err *err)
{
    const struct target *t = find_target(plan);
    int rc = check_target(plan, t, err);
    if (rc < 0)
        return rc;
    struct rehearse *r = alloc_zeroed(1, sizeof *r);
    arena_init(&r->arena, 0);
    r->indicator = t->indicator;
    r->target = t->id;
    r->start = t->start;
    r->due = t->due;
    struct survey s = {.r = r, .target = t, .catalogue = catalogue};
    rc = survey_units(&s, err);
    if (rc < 0) {
        rehearse_destroy(r);
        return rc;
    }
    play(r, options);
    *out = r;
    return 0;
}

void rehearse_destroy(struct rehearse *r)
{
    if (!r)
        return;
    free(r->reports);
    arena_fini(&r->arena);
    free(r);
}
