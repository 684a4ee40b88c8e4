#include "services/cli/plan_allot.h"

#include "common/base/alloc.h"
#include "common/base/dict.h"
#include "common/base/parse.h"
#include "services/cli/csv_file.h"

#include <inttypes.h>
#include <stdlib.h>

#define POPULATION_MAX UINT64_C(10000000000) /* more people than there are */

static const uint8_t level_of[PLAN_ALLOT_LEVELS] = {2, 3};

/* ---- dividing ---- */

struct part {
    uint64_t remainder;
    size_t index;
};

static int part_compare(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->remainder != y->remainder)
        return x->remainder > y->remainder ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

bool plan_allot_divide(int64_t total, const uint64_t *weights, size_t count, int64_t *shares)
{
    uint64_t whole = 0;
    int64_t left = total;
    for (size_t i = 0; i < count; i++)
        whole += weights[i];
    memset(shares, 0, count * sizeof *shares);
    if (whole == 0)
        return total == 0;
    struct part *parts = alloc_zeroed(count, sizeof *parts);
    for (size_t i = 0; i < count; i++) {
        unsigned __int128 product = (unsigned __int128)(uint64_t)total * weights[i];
        shares[i] = (int64_t)(product / whole);
        parts[i] = (struct part){(uint64_t)(product % whole), i};
        left -= shares[i];
    }
    qsort(parts, count, sizeof *parts, part_compare);
    for (int64_t i = 0; i < left; i++)
        shares[parts[i].index]++;
    free(parts);
    return true;
}

/* ---- populations ---- */

struct populations {
    struct dict *codes;
    uint64_t *people; /* by the code's number */
    size_t capacity;
    int64_t year;
    const char *file;
};

enum { CODE, YEAR, POPULATION, COLUMNS };
static const struct csv_column columns[COLUMNS] = {
    [CODE] = {.name = "code", .required = true},
    [YEAR] = {.name = "year", .required = true},
    [POPULATION] = {.name = "population", .required = true},
};
static const struct csv_shape shape = {columns, COLUMNS, CATALOGUE_SPANS_MAX, false};

static int take_population(void *arg, const struct csv_row *row, struct err *e)
{
    struct populations *p = arg;
    struct err cause = {0};
    struct ident code;
    int64_t year = 0;
    uint64_t people = 0;
    if (row->given != row->expected)
        return csv_file_count_error(e, p->file, row);
    if (!ident_set(&code, row->fields[CODE]))
        return csv_file_error(e, p->file, row->row, "code", "is no code of a unit");
    if (parse_i64(row->fields[YEAR], 1900, 2199, &year, &cause) != 0)
        return csv_file_error(e, p->file, row->row, "year", "%s", cause.text);
    if (parse_u64(row->fields[POPULATION], 0, POPULATION_MAX, &people, &cause) != 0)
        return csv_file_error(e, p->file, row->row, "population", "%s", cause.text);
    if (year != p->year)
        return 0;
    if (dict_find(p->codes, ident_slice(&code)) != DICT_NONE)
        return csv_file_error(e, p->file, row->row, "code",
                              "%s has a population of %" PRId64 " already", code.text, year);
    uint32_t number = dict_add(p->codes, ident_slice(&code));
    alloc_reserve((void **)&p->people, &p->capacity, number + 1, sizeof *p->people);
    p->people[number] = people;
    return 0;
}

static int read_populations(struct populations *p, const char *plan_path,
                            const struct plan_allot_level *level, struct err *e)
{
    char path[2 * PLAN_PATH_BYTES_MAX];
    struct buf data = {0};
    struct err cause = {0};
    if (!level->at || !level->file)
        return 0;
    plan_yaml_join(plan_path, level->file, path);
    *p = (struct populations){.codes = dict_create(), .year = level->year, .file = path};
    int rc = csv_file_load(path, CSV_FILE_BYTES_MAX, &data, &cause);
    if (rc != 0) {
        doc_error(level->at, e, "%s", cause.text);
        if (e)
            e->code = rc;
    } else {
        rc = csv_file_read(path, buf_slice(&data), &shape, take_population, p, e);
    }
    p->file = level->file;
    buf_fini(&data);
    return rc;
}

static void populations_fini(struct populations *p)
{
    dict_destroy(p->codes);
    free(p->people);
}

/* ---- one family: a unit that has a share, and those just below it ---- */

struct allot {
    struct plan_allotment *how;
    struct populations populations[PLAN_ALLOT_LEVELS];
    const struct catalogue *catalogue;
    const struct doc_node *at;
    struct target *target;
    struct gather shares; /* struct target_share */
};

struct family {
    struct allot *allot;
    unsigned level; /* index; PLAN_ALLOT_LEVELS: no children so far */
    bool mixed;
    uint32_t *units;
    size_t count;
    size_t capacity;
};

static unsigned shared_level(const struct allot *a, uint32_t unit)
{
    uint8_t level = catalogue_span_on(a->catalogue, unit, a->target->due)->level;
    for (unsigned i = 0; i < PLAN_ALLOT_LEVELS; i++)
        if (a->how->levels[i].at && level_of[i] == level)
            return i;
    return PLAN_ALLOT_LEVELS;
}

static void take_child(void *arg, uint32_t unit, unsigned depth)
{
    struct family *f = arg;
    if (depth != 1)
        return;
    unsigned level = shared_level(f->allot, unit);
    if (level == PLAN_ALLOT_LEVELS)
        return;
    f->mixed = f->mixed || (f->count > 0 && level != f->level);
    f->level = level;
    alloc_reserve((void **)&f->units, &f->capacity, f->count + 1, sizeof *f->units);
    f->units[f->count++] = unit;
}

static const char *code_of(const struct allot *a, uint32_t unit)
{
    return catalogue_code_text(a->catalogue, catalogue_unit(a->catalogue, unit)->code);
}

static struct plan_override *find_override(const struct allot *a, const char *code)
{
    struct plan_override *all = a->how->overrides.items;
    for (size_t i = 0; i < a->how->overrides.count; i++)
        if (strcmp(all[i].share.unit.text, code) == 0)
            return &all[i];
    return NULL;
}

static int find_weight(const struct allot *a, const struct family *f, uint32_t unit, uint64_t *out,
                       struct err *e)
{
    const struct plan_allot_level *level = &a->how->levels[f->level];
    const struct populations *p = &a->populations[f->level];
    *out = 1;
    if (!level->file)
        return 0;
    uint32_t number = dict_find(p->codes, slice_str(code_of(a, unit)));
    if (number == DICT_NONE)
        return doc_error(level->at, e,
                         "%s has no population of unit %s (%s) for %" PRId64
                         ": add the row, or give the unit its share under overrides",
                         level->file, code_of(a, unit),
                         catalogue_span_on(a->catalogue, unit, a->target->due)->name, level->year);
    *out = p->people[number];
    return 0;
}

/* What one bound comes to for each: what is fixed, and parts of the rest. */
static int divide_bound(const struct allot *a, const char *bound, const char *parent, int64_t whole,
                        const uint64_t *weights, const int64_t *fixed, size_t count,
                        int64_t *shares, struct err *e)
{
    int64_t rest = whole;
    for (size_t i = 0; i < count; i++)
        if (fixed[i] >= 0)
            rest -= fixed[i];
    if (rest < 0)
        return doc_error(a->at, e,
                         "allot.overrides: the %s bounds fixed below %s come to %" PRId64
                         ", more than the %" PRId64 " that it has to bring",
                         bound, parent, whole - rest, whole);
    if (!plan_allot_divide(rest, weights, count, shares))
        return doc_error(a->at, e,
                         "allot: %" PRId64 " of the %" PRId64
                         " of %s are left over, and no unit below it that could bring them: "
                         "correct the overrides or the populations",
                         rest, whole, parent);
    for (size_t i = 0; i < count; i++)
        if (fixed[i] >= 0)
            shares[i] = fixed[i];
    return 0;
}

/* The numbers of a family, beside its units. */
struct sums {
    uint64_t *weights; /* 0 where the share is fixed */
    int64_t *fixed_lower;
    int64_t *fixed_stretch; /* negative: not fixed */
    int64_t *lower;
    int64_t *stretch;
};

static int gather_sums(const struct allot *a, const struct family *f, struct sums *s, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < f->count && rc == 0; i++) {
        struct plan_override *o = find_override(a, code_of(a, f->units[i]));
        s->fixed_lower[i] = s->fixed_stretch[i] = -1;
        if (!o) {
            rc = find_weight(a, f, f->units[i], &s->weights[i], e);
            continue;
        }
        o->used = true;
        s->fixed_lower[i] = o->share.lower;
        s->fixed_stretch[i] = o->share.stretch;
    }
    return rc;
}

/* Rounding may leave a stretch bound below the lower one where the two are close: then the
 * difference is divided instead. */
static int lift_stretch(const struct allot *a, const char *parent, int64_t lower, int64_t stretch,
                        size_t count, struct sums *s, struct err *e)
{
    bool below = false;
    for (size_t i = 0; i < count; i++)
        below = below || s->stretch[i] < s->lower[i];
    if (!below)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (s->fixed_stretch[i] >= 0)
            s->fixed_stretch[i] -= s->fixed_lower[i];
    int rc = divide_bound(a, "stretch", parent, stretch - lower, s->weights, s->fixed_stretch,
                          count, s->stretch, e);
    for (size_t i = 0; i < count; i++)
        s->stretch[i] += s->lower[i];
    return rc;
}

static int divide(const struct allot *a, const struct family *f, const struct target_share *whole,
                  struct sums *s, struct err *e)
{
    const char *parent = whole->unit.text;
    int rc = gather_sums(a, f, s, e);
    if (rc == 0)
        rc = divide_bound(a, "lower", parent, whole->lower, s->weights, s->fixed_lower, f->count,
                          s->lower, e);
    if (rc != 0 || a->target->stretch == 0)
        return rc;
    rc = divide_bound(a, "stretch", parent, whole->stretch, s->weights, s->fixed_stretch, f->count,
                      s->stretch, e);
    return rc != 0 ? rc : lift_stretch(a, parent, whole->lower, whole->stretch, f->count, s, e);
}

static int allot_below(struct allot *a, uint32_t unit, const struct target_share *whole,
                       struct err *e);

/* The tree is as deep as there are levels, so this ends soon. */
static int keep_shares(struct allot *a, const struct family *f, const struct sums *s, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < f->count && rc == 0; i++) {
        struct target_share share = {.lower = s->lower[i], .stretch = s->stretch[i]};
        plan_yaml_ident(&share.unit, code_of(a, f->units[i]));
        *(struct target_share *)gather_add(&a->shares, sizeof share) = share;
        rc = allot_below(a, f->units[i], &share, e);
    }
    return rc;
}

static int allot_family(struct allot *a, const struct family *f, const struct target_share *whole,
                        struct err *e)
{
    int64_t *numbers = alloc_zeroed(f->count, 4 * sizeof *numbers);
    struct sums s = {.weights = alloc_zeroed(f->count, sizeof *s.weights),
                     .fixed_lower = numbers,
                     .fixed_stretch = numbers + f->count,
                     .lower = numbers + 2 * f->count,
                     .stretch = numbers + 3 * f->count};
    int rc = divide(a, f, whole, &s, e);
    if (rc == 0)
        rc = keep_shares(a, f, &s, e);
    free(s.weights);
    free(numbers);
    return rc;
}

static int allot_below(struct allot *a, uint32_t unit, const struct target_share *whole,
                       struct err *e)
{
    struct family f = {.allot = a, .level = PLAN_ALLOT_LEVELS};
    char due[DAY_TEXT_BYTES];
    int rc = 0;
    catalogue_visit_on(a->catalogue, unit, a->target->due, take_child, &f);
    if (f.mixed)
        rc = doc_error(a->at, e,
                       "allot: on %s both districts and communes stand just below %s: they cannot "
                       "share by two rules; give each its share under overrides of one level",
                       day_format(a->target->due, due), whole->unit.text);
    else if (f.count > 0)
        rc = allot_family(a, &f, whole, e);
    free(f.units);
    return rc;
}

/* ---- the whole ---- */

static int check_overrides(const struct allot *a, struct err *e)
{
    const struct plan_override *all = a->how->overrides.items;
    char due[DAY_TEXT_BYTES];
    for (size_t i = 0; i < a->how->overrides.count; i++)
        if (!all[i].used)
            return doc_error(all[i].at, e,
                             "overrides: no unit below %s that is shared out to bears the code %s "
                             "on %s",
                             a->target->unit.text, all[i].share.unit.text,
                             day_format(a->target->due, due));
    return 0;
}

static int share_compare(const void *a, const void *b)
{
    const struct target_share *x = a, *y = b;
    return slice_compare(ident_slice(&x->unit), ident_slice(&y->unit));
}

static int allot_all(struct allot *a, struct err *e)
{
    char due[DAY_TEXT_BYTES];
    struct target *t = a->target;
    uint32_t code = catalogue_code_find(a->catalogue, ident_slice(&t->unit));
    uint32_t scope = catalogue_unit_on(a->catalogue, code, t->due);
    struct target_share whole = {t->unit, t->lower, t->stretch};
    if (scope == CATALOGUE_NONE)
        return doc_error(a->at, e, "allot: no unit bears the code %s on %s, the day it is due",
                         t->unit.text, day_format(t->due, due));
    int rc = allot_below(a, scope, &whole, e);
    if (rc == 0 && a->shares.count == 0)
        rc =
            doc_error(a->at, e, "allot: no district or commune stands below %s on %s: leave it out",
                      t->unit.text, day_format(t->due, due));
    return rc != 0 ? rc : check_overrides(a, e);
}

int plan_allot(struct plan_allotment *how, const char *plan_path, const struct catalogue *c,
               const struct doc_node *at, struct target *t, struct arena *arena, struct err *e)
{
    struct allot a = {.how = how, .catalogue = c, .at = at, .target = t};
    int rc = 0;
    for (unsigned i = 0; i < PLAN_ALLOT_LEVELS && rc == 0; i++)
        rc = read_populations(&a.populations[i], plan_path, &how->levels[i], e);
    if (rc == 0)
        rc = allot_all(&a, e);
    if (rc == 0) {
        qsort(a.shares.items, a.shares.count, sizeof(struct target_share), share_compare);
        t->share_count = (unsigned)a.shares.count;
        t->shares = gather_move(&a.shares, sizeof *t->shares, arena);
    }
    for (unsigned i = 0; i < PLAN_ALLOT_LEVELS; i++)
        populations_fini(&a.populations[i]);
    gather_fini(&a.shares);
    return rc;
}
