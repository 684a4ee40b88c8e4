/* Targets of every kind, allotted to some units of the tree as it is on the due day. */
#include <stdlib.h>

#include "tests/sim/sim.h"

enum {
    SHARES_MAX = 64,
    UNITS_MAX = 32, /* below one unit */
    RATIO_STEP = 100 * 1000,
};

struct allotment {
    struct random *dice;
    const struct catalogue *catalogue;
    struct target *target;
    struct target_share *shares;
    uint32_t units[UNITS_MAX]; /* chosen, just below the unit at hand */
    unsigned unit_count;
};

static void choose_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct allotment *a = arg;
    if (depth == 1 && a->unit_count < UNITS_MAX && random_chance(a->dice, 75))
        a->units[a->unit_count++] = unit;
}

/* `lower` in parts among some of the units just below; what cannot be divided goes to the first. */
static void divide(struct allotment *a, uint32_t unit, int64_t lower)
{
    struct target *t = a->target;
    a->unit_count = 0;
    catalogue_visit_on(a->catalogue, unit, t->due, choose_unit, a);
    if (a->unit_count == 0 || t->share_count + a->unit_count > SHARES_MAX)
        return;
    for (unsigned i = 0; i < a->unit_count; i++) {
        const char *code =
            catalogue_code_text(a->catalogue, catalogue_unit(a->catalogue, a->units[i])->code);
        struct target_share *s = &a->shares[t->share_count++];
        ident_set(&s->unit, slice_str(code));
        s->lower = lower / a->unit_count + (i == 0 ? lower % a->unit_count : 0);
        s->stretch = t->stretch == 0 ? 0 : 2 * s->lower;
    }
}

static int compare_shares(const void *a, const void *b)
{
    const struct target_share *x = a, *y = b;
    return slice_compare(ident_slice(&x->unit), ident_slice(&y->unit));
}

/* Below the scope, and below some of the units there. */
static void allot(struct sim *w, struct target *t)
{
    struct allotment a = {.dice = &w->dice[SIM_OPERATOR],
                          .catalogue = registry_catalogue(w->operator.registry),
                          .target = t};
    uint32_t code = catalogue_code_find(a.catalogue, ident_slice(&t->unit));
    uint32_t top = catalogue_unit_on(a.catalogue, code, t->due);
    if (top == CATALOGUE_NONE)
        return;
    t->shares = a.shares = arena_alloc(&w->memory, SHARES_MAX * sizeof *t->shares);
    divide(&a, top, t->lower);
    for (unsigned i = 0, below = t->share_count; i < below; i++) {
        code = catalogue_code_find(a.catalogue, ident_slice(&t->shares[i].unit));
        if (random_chance(a.dice, 60))
            divide(&a, catalogue_unit_on(a.catalogue, code, t->due), t->shares[i].lower);
    }
    qsort(t->shares, t->share_count, sizeof *t->shares, compare_shares);
}

static void suspend(struct random *dice, struct target *t)
{
    day_t from = t->start + random_between(dice, 0, 2);
    if (t->due < from + 2 || !random_chance(dice, 15))
        return;
    t->suspended[0] = (struct day_range){from, from + random_between(dice, 0, 1)};
    t->suspended_count = 1;
}

static struct target make_target(struct sim *w, const struct plan *p, const struct indicator *of)
{
    struct random *dice = &w->dice[SIM_OPERATOR];
    bool ratio = of->kind == INDICATOR_RATIO;
    struct target t = {.id = of->id,
                       .title = "Mục tiêu",
                       .clause = "",
                       .indicator = of->id,
                       .unit = p->root,
                       .lower = ratio ? RATIO_STEP * random_between(dice, 1, 9)
                                      : random_between(dice, 1, 40) * random_between(dice, 1, 100),
                       .start = w->first + random_between(dice, -1, 4),
                       .weekend_permille = 250 * random_below(dice, 5)};
    t.due = t.start + random_between(dice, 4, w->last - t.start);
    if (w->campaign && of == p->indicators && random_chance(dice, 80)) {
        t.due = w->last + random_between(dice, -4, 4);
        t.lower = random_between(dice, 600, 4000);
    }
    if (!ratio && random_chance(dice, 50))
        t.stretch = 2 * t.lower;
    suspend(dice, &t);
    if (!ratio && random_chance(dice, 70))
        allot(w, &t);
    return t;
}

/* Of every second indicator, the others in the next version: frames are then made of changing sets
 * of cells. The campaign's always. */
void sim_targets_choose(struct sim *w, struct plan *p)
{
    p->targets = arena_alloc(&w->memory, p->indicator_count * sizeof *p->targets);
    p->target_count = 0;
    for (unsigned i = 0; i < p->indicator_count; i++)
        if (i == 0 || i % 2 == p->version % 2)
            p->targets[p->target_count++] = make_target(w, p, &p->indicators[i]);
}
