#include "common/model/plan_tree.h"

#include "common/base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the shares just below one unit come to; so few fit in 64 bits: each is at most the target,
 * and there are at most TARGET_SHARES_MAX. */
struct below {
    __int128 lower;
    __int128 stretch;
    unsigned count;
};

struct tree {
    const struct target *target;
    unsigned index;
    const struct catalogue *catalogue;
    uint32_t scope;
    struct below top;
    struct below *below; /* beside the target's shares */
};

static int find_unit(const struct tree *t, const struct ident *code, uint32_t *out, struct err *err)
{
    char due[DAY_TEXT_BYTES];
    uint32_t ordinal = catalogue_code_find(t->catalogue, ident_slice(code));
    *out = catalogue_unit_on(t->catalogue, ordinal, t->target->due);
    if (*out != CATALOGUE_NONE)
        return 0;
    return err_set(
        err, ERR_NOT_FOUND,
        "targets[%u].shares: no unit bears the code %s on %s, the day it is due: correct "
        "the code, or apply a catalogue that has it first",
        t->index, code->text, day_format(t->target->due, due));
}

static struct slice code_of(const struct tree *t, uint32_t unit)
{
    return slice_str(catalogue_code_text(t->catalogue, catalogue_unit(t->catalogue, unit)->code));
}

/* Where a share is to be added: to the whole, or to that of the unit above. */
static struct below *above(struct tree *t, uint32_t unit)
{
    uint32_t parent = catalogue_parent_on(t->catalogue, unit, t->target->due);
    if (parent == CATALOGUE_NONE || unit == t->scope)
        return NULL;
    if (parent == t->scope)
        return &t->top;
    const struct target_share *share = target_share_find(t->target, code_of(t, parent));
    return share ? &t->below[share - t->target->shares] : NULL;
}

static int add_share(struct tree *t, const struct target_share *share, struct err *err)
{
    uint32_t unit;
    int rc = find_unit(t, &share->unit, &unit, err);
    if (rc < 0)
        return rc;
    struct below *sum = above(t, unit);
    if (!sum)
        return err_set(err, ERR_INVALID,
                       "targets[%u].shares: unit %s is neither just below %s nor below a unit that "
                       "has a share: it would be counted nowhere",
                       t->index, share->unit.text, t->target->unit.text);
    sum->lower += share->lower;
    sum->stretch += share->stretch;
    sum->count++;
    return 0;
}

static int check_sum(const struct tree *t, const struct ident *unit, const char *bound,
                     __int128 sum, int64_t whole, struct err *err)
{
    if (sum == whole)
        return 0;
    return err_set(err, ERR_INVALID,
                   "targets[%u].shares: the %s bounds just below %s come to %" PRId64
                   ", which is not its own %" PRId64,
                   t->index, bound, unit->text, sum > INT64_MAX ? INT64_MAX : (int64_t)sum, whole);
}

static int check_sums(const struct tree *t, const struct ident *unit, const struct below *sum,
                      int64_t lower, int64_t stretch, struct err *err)
{
    int rc = check_sum(t, unit, "lower", sum->lower, lower, err);
    return rc < 0 ? rc : check_sum(t, unit, "stretch", sum->stretch, stretch, err);
}

static int check_target(struct tree *t, struct err *err)
{
    const struct target *target = t->target;
    int rc = find_unit(t, &target->unit, &t->scope, err);
    for (unsigned i = 0; i < target->share_count && rc == 0; i++)
        rc = add_share(t, &target->shares[i], err);
    if (rc == 0)
        rc = check_sums(t, &target->unit, &t->top, target->lower, target->stretch, err);
    for (unsigned i = 0; i < target->share_count && rc == 0; i++)
        if (t->below[i].count > 0)
            rc = check_sums(t, &target->shares[i].unit, &t->below[i], target->shares[i].lower,
                            target->shares[i].stretch, err);
    return rc;
}

int plan_tree_check(const struct plan *p, const struct catalogue *c, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; i < p->target_count && rc == 0; i++) {
        if (p->targets[i].share_count == 0)
            continue;
        struct tree t = {.target = &p->targets[i], .index = i, .catalogue = c};
        t.below = alloc_zeroed(p->targets[i].share_count, sizeof *t.below);
        rc = check_target(&t, err);
        free(t.below);
    }
    return rc;
}
