#include "services/cli/plan_targets.h"

#include "common/config/schema.h"
#include "common/model/observation.h"
#include "common/model/scan.h"
#include "services/cli/plan_allot.h"

#include <stdlib.h>

enum {
    TITLE_BYTES_MAX = 400,
    CLAUSE_BYTES_MAX = 100,
    BOUND_BYTES_MAX = 32,
    PERCENT_DIGITS = 4, /* behind the point: what a millionth leaves */
    PPM_A_PERCENT = RATIO_WHOLE / 100,
};

struct target_yaml {
    const struct doc_node *at;
    const char *id;
    const char *title;
    const char *clause;
    const char *indicator;
    const char *unit;
    const char *lower;
    const char *stretch;
    const char *start;
    const char *due;
    int64_t weekend_permille;
    struct gather suspended; /* struct day_range */
    struct {
        size_t by;
        const char *file;
        int64_t year;
    } rules[PLAN_ALLOT_LEVELS];
    struct plan_allotment allot;
};

/* ---- lists inside a target ---- */

struct range_yaml {
    const char *from;
    const char *to;
};

static const struct schema_row range_rows[] = {
    {.key = "from",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "first day on which nothing was to be expected",
     SCHEMA_AT(struct range_yaml, from)},
    {.key = "to",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "the last",
     SCHEMA_AT(struct range_yaml, to)},
};

static int take_range(const struct doc_node *item, void *field, struct err *e)
{
    struct range_yaml y = {0};
    struct day_range range = {0};
    int rc = schema_read(range_rows, sizeof range_rows / sizeof *range_rows, item, &y, e);
    if (rc == 0)
        rc = plan_yaml_day(item, "from", &range.from, e);
    if (rc == 0)
        rc = plan_yaml_day(item, "to", &range.to, e);
    if (rc == 0)
        *(struct day_range *)gather_add(field, sizeof range) = range;
    return rc;
}

struct override_yaml {
    const char *unit;
    int64_t lower;
    int64_t stretch;
};

static const struct schema_row override_rows[] = {
    {.key = "unit",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "code of a unit below the scope, in quotes",
     SCHEMA_AT(struct override_yaml, unit)},
    {.key = "lower",
     .type = SCHEMA_INTEGER,
     .maximum = OBSERVATION_VALUE_MAX,
     .required = true,
     .help = "what it has to bring, whatever the rule says",
     SCHEMA_AT(struct override_yaml, lower)},
    {.key = "stretch",
     .type = SCHEMA_INTEGER,
     .maximum = OBSERVATION_VALUE_MAX,
     .standard = "0",
     .help = "its stretch bound, where the target has one",
     SCHEMA_AT(struct override_yaml, stretch)},
};

static int take_override(const struct doc_node *item, void *field, struct err *e)
{
    struct gather *all = field;
    struct override_yaml y = {0};
    int rc = schema_read(override_rows, sizeof override_rows / sizeof *override_rows, item, &y, e);
    if (rc != 0)
        return rc;
    const struct plan_override *before = all->items;
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(before[i].share.unit.text, y.unit) == 0)
            return doc_error(doc_find(item, "unit"), e, "unit: \"%s\" stands in the table twice",
                             y.unit);
    struct plan_override *o = gather_add(all, sizeof *o);
    o->at = item;
    plan_yaml_ident(&o->share.unit, y.unit);
    o->share.lower = y.lower;
    o->share.stretch = y.stretch;
    return 0;
}

/* ---- one target ---- */

static const struct schema_row target_rows[] = {
    {.key = "id",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "what messages and queries name",
     SCHEMA_AT(struct target_yaml, id)},
    {.key = "title",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = TITLE_BYTES_MAX,
     .required = true,
     .help = "for people",
     SCHEMA_AT(struct target_yaml, title)},
    {.key = "clause",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = CLAUSE_BYTES_MAX,
     .help = "where the document asks for it",
     SCHEMA_AT(struct target_yaml, clause)},
    {.key = "indicator",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "id of an indicator",
     SCHEMA_AT(struct target_yaml, indicator)},
    {.key = "unit",
     .type = SCHEMA_IDENTIFIER,
     .help = "code of the unit that has to reach it, in quotes; left out: the plan's province",
     SCHEMA_AT(struct target_yaml, unit)},
    {.key = "lower",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = BOUND_BYTES_MAX,
     .required = true,
     .help = "reached means at least this: 90000, or 30% of a ratio",
     SCHEMA_AT(struct target_yaml, lower)},
    {.key = "stretch",
     .type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = BOUND_BYTES_MAX,
     .help = "what is aimed at beyond it",
     SCHEMA_AT(struct target_yaml, stretch)},
    {.key = "start",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "first day that counts towards it",
     SCHEMA_AT(struct target_yaml, start)},
    {.key = "due",
     .type = SCHEMA_DATE,
     .required = true,
     .help = "last day",
     SCHEMA_AT(struct target_yaml, due)},
    {.key = "weekend_permille",
     .type = SCHEMA_INTEGER,
     .maximum = TARGET_WEEKEND_MAX,
     .standard = "1000",
     .help = "what a Saturday or Sunday weighs on the expected path; 1000 is as much as a weekday",
     SCHEMA_AT(struct target_yaml, weekend_permille)},
    {.key = "suspended",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = TARGET_SUSPENDED_MAX,
     .item = take_range,
     .help = "days on which nothing is expected",
     SCHEMA_AT(struct target_yaml, suspended)},
    {.key = "allot.overrides",
     .type = SCHEMA_LIST,
     .minimum = 1,
     .maximum = TARGET_SHARES_MAX,
     .item = take_override,
     .help = "shares that were decided; the others share the rest",
     SCHEMA_AT(struct target_yaml, allot.overrides)},
};

enum { TARGET_ROWS = sizeof target_rows / sizeof *target_rows, RULE_ROWS = 3 };

/* How a level shares is a word, or a map that says more: other rows for the same key. They are
 * those of the first level; a further level has its own keys, and its fields behind these. */
static const char *const word_rules[] = {"equally", NULL};
static const char *const map_rules[] = {"population", NULL};

static const struct schema_row word_row = {
    .type = SCHEMA_CHOICE,
    .choices = word_rules,
    .help = "how they share: equally, or {by: population, file: ..., year: ...}",
    SCHEMA_AT(struct target_yaml, rules[0].by)};

static const struct schema_row map_rows[RULE_ROWS] = {
    {.type = SCHEMA_CHOICE,
     .choices = map_rules,
     .required = true,
     .help = "population",
     SCHEMA_AT(struct target_yaml, rules[0].by)},
    {.type = SCHEMA_STRING,
     .minimum = 1,
     .maximum = PLAN_PATH_BYTES_MAX,
     .required = true,
     .help = "CSV file with the columns code, year, population",
     SCHEMA_AT(struct target_yaml, rules[0].file)},
    {.type = SCHEMA_INTEGER,
     .minimum = 1900,
     .maximum = 2199,
     .required = true,
     .help = "of the populations",
     SCHEMA_AT(struct target_yaml, rules[0].year)},
};

static const struct {
    const char *word;
    const char *map[RULE_ROWS];
} rule_keys[PLAN_ALLOT_LEVELS] = {
    {"allot.districts", {"allot.districts.by", "allot.districts.file", "allot.districts.year"}},
    {"allot.communes", {"allot.communes.by", "allot.communes.file", "allot.communes.year"}},
};

static void add_row(struct schema_row *rows, size_t *count, struct schema_row row, const char *key,
                    unsigned level)
{
    row.key = key;
    row.offset += level * sizeof((struct target_yaml *)NULL)->rules[0];
    rows[(*count)++] = row;
}

static int read_target(const struct doc_node *item, struct target_yaml *y, struct err *e)
{
    struct schema_row rows[TARGET_ROWS + PLAN_ALLOT_LEVELS * RULE_ROWS];
    size_t count = TARGET_ROWS;
    memcpy(rows, target_rows, sizeof target_rows);
    for (unsigned level = 0; level < PLAN_ALLOT_LEVELS; level++) {
        const struct doc_node *rule = schema_find(item, rule_keys[level].word);
        bool is_map = rule && rule->kind == DOC_MAP;
        y->allot.levels[level].at = rule;
        for (unsigned i = 0; i < RULE_ROWS && is_map; i++)
            add_row(rows, &count, map_rows[i], rule_keys[level].map[i], level);
        if (!is_map)
            add_row(rows, &count, word_row, rule_keys[level].word, level);
    }
    return schema_read(rows, count, item, y, e);
}

static int check_allot(const struct doc_node *item, const struct target_yaml *y, struct err *e)
{
    const struct doc_node *allot = doc_find(item, "allot");
    if (!allot || y->allot.levels[0].at || y->allot.levels[1].at)
        return 0;
    return doc_error(allot, e,
                     "allot: says nothing of districts or communes: write `districts: equally`, or "
                     "leave it out");
}

static void target_yaml_fini(struct target_yaml *y)
{
    gather_fini(&y->suspended);
    gather_fini(&y->allot.overrides);
}

int plan_targets_take(const struct doc_node *item, void *field, struct err *e)
{
    struct plan_targets *t = field;
    struct target_yaml y = {.at = item, .clause = ""};
    int rc = doc_expect(item, DOC_MAP, e);
    if (rc == 0)
        rc = read_target(item, &y, e);
    if (rc == 0)
        rc = check_allot(item, &y, e);
    if (rc != 0) {
        target_yaml_fini(&y);
        return rc;
    }
    for (unsigned level = 0; level < PLAN_ALLOT_LEVELS; level++) {
        y.allot.levels[level].file = y.rules[level].file;
        y.allot.levels[level].year = y.rules[level].year;
    }
    *(struct target_yaml *)gather_add(&t->items, sizeof y) = y;
    return 0;
}

void plan_targets_fini(struct plan_targets *t)
{
    struct target_yaml *all = t->items.items;
    for (size_t i = 0; i < t->items.count; i++)
        target_yaml_fini(&all[i]);
    gather_fini(&t->items);
}

/* ---- bounds: what they are written in hangs on the indicator ---- */

/* "30%", "97.5%": up to four digits behind the point. */
static bool parse_percent(struct slice text, int64_t *ppm)
{
    const char *digits = text.data;
    int64_t value = 0, scale = PPM_A_PERCENT;
    size_t i = 0;
    for (; i < text.len && i < 3 && digits[i] >= '0' && digits[i] <= '9'; i++)
        value = value * 10 + (digits[i] - '0');
    bool whole = i > 0 && (i == 1 || digits[0] != '0');
    *ppm = value * scale;
    if (i < text.len && digits[i] == '.') {
        size_t first = ++i;
        for (; i < text.len && i - first < PERCENT_DIGITS && digits[i] >= '0' && digits[i] <= '9';
             i++)
            *ppm += (digits[i] - '0') * (scale /= 10);
        whole = whole && i > first;
    }
    return whole && i + 1 == text.len && digits[i] == '%' && *ppm <= RATIO_WHOLE;
}

static int read_bound(const struct doc_node *item, const char *key, bool ratio, int64_t *out,
                      struct err *e)
{
    char excerpt[SCAN_EXCERPT_BYTES];
    const struct doc_node *node = doc_find(item, key);
    if (!node)
        return 0;
    if (!ratio)
        return doc_integer(node, 1, OBSERVATION_VALUE_MAX, out, e);
    if (parse_percent(slice_str(node->text), out))
        return 0;
    return doc_error(
        node, e,
        "%s: \"%s\" is no part of a whole: of a ratio write percent, 30%% or 97.5%%, up to "
        "100%%",
        key, scan_excerpt(slice_str(node->text), excerpt));
}

/* An unknown indicator is for plan_check to refuse. */
static bool is_ratio(const struct plan *p, const char *indicator)
{
    for (unsigned i = 0; i < p->indicator_count; i++)
        if (strcmp(p->indicators[i].id.text, indicator) == 0)
            return p->indicators[i].kind == INDICATOR_RATIO;
    return false;
}

static int make_target(const struct target_yaml *y, const struct plan *p, struct target *t,
                       struct err *e)
{
    *t = (struct target){.title = y->title,
                         .clause = y->clause,
                         .unit = p->root,
                         .weekend_permille = (unsigned)y->weekend_permille,
                         .suspended_count = (unsigned)y->suspended.count};
    plan_yaml_ident(&t->id, y->id);
    plan_yaml_ident(&t->indicator, y->indicator);
    if (y->unit)
        plan_yaml_ident(&t->unit, y->unit);
    if (y->suspended.count > 0)
        memcpy(t->suspended, y->suspended.items, y->suspended.count * sizeof *t->suspended);
    bool ratio = is_ratio(p, y->indicator);
    int rc = read_bound(y->at, "lower", ratio, &t->lower, e);
    if (rc == 0)
        rc = read_bound(y->at, "stretch", ratio, &t->stretch, e);
    if (rc == 0)
        rc = plan_yaml_day(y->at, "start", &t->start, e);
    if (rc == 0)
        rc = plan_yaml_day(y->at, "due", &t->due, e);
    if (rc == 0 && ratio && doc_find(y->at, "allot"))
        rc = doc_error(doc_find(y->at, "allot"), e,
                       "allot: \"%s\" is a ratio, which each unit reaches for itself: take it out",
                       y->indicator);
    return rc;
}

int plan_targets_make(const struct plan_targets *t, struct plan_file *out, struct err *e)
{
    const struct target_yaml *all = t->items.items;
    struct plan *p = &out->plan;
    int rc = 0;
    p->target_count = (unsigned)t->items.count;
    p->targets = arena_alloc(&out->arena, (p->target_count + 1) * sizeof *p->targets);
    for (unsigned i = 0; i < p->target_count && rc == 0; i++)
        rc = make_target(&all[i], p, &p->targets[i], e);
    return rc;
}

int plan_targets_allot(struct plan_targets *t, const char *plan_path, struct plan_file *out,
                       struct err *e)
{
    struct target_yaml *all = t->items.items;
    struct catalogue *c = NULL;
    int rc = catalogue_build(&out->catalogue, NULL, &c, e);
    for (size_t i = 0; i < t->items.count && rc == 0; i++) {
        const struct doc_node *at = doc_find(all[i].at, "allot");
        if (at)
            rc = plan_allot(&all[i].allot, plan_path, c, at, &out->plan.targets[i], &out->arena, e);
    }
    catalogue_destroy(c);
    return rc;
}
