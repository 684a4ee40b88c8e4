#include "tests/bench/work.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"

enum { DATED_BACK_PERCENT = 5, FIGURE_MAX = 1000 };

static char commune_codes[WORK_COMMUNES][16];
static char indicator_ids[WORK_INDICATORS][24];

static uint64_t work_random(struct work *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

void work_init(struct work *w, day_t first_day)
{
    memset(w, 0, sizeof *w);
    w->first_day = first_day;
    w->random = UINT64_C(0x2545F4914F6CDD1D);
    for (unsigned i = 0; i < WORK_COMMUNES; i++)
        snprintf(commune_codes[i], sizeof commune_codes[i], "%05u", 11300 + 3 * i);
    for (unsigned i = 0; i < WORK_INDICATORS; i++)
        snprintf(indicator_ids[i], sizeof indicator_ids[i], "chitieu%u", i);
}

const char *work_indicator(unsigned i)
{
    return indicator_ids[i];
}

static void span_set(struct unit_span *span, const char *code, const char *parent, uint8_t level)
{
    memset(span, 0, sizeof *span);
    ident_set(&span->code, slice_str(code));
    if (parent != NULL)
        ident_set(&span->parent, slice_str(parent));
    span->from = day_of(2020, 1, 1);
    span->to = DAY_NEVER;
    span->name = code;
    span->type = "";
    span->level = level;
    span->begins = true;
}

const struct catalogue_spec *work_catalogue(const struct work *w)
{
    static struct unit_span spans[1 + WORK_DISTRICTS + WORK_COMMUNES];
    static char districts[WORK_DISTRICTS][16];
    static struct catalogue_spec spec = {.spans = spans};
    (void)w;
    span_set(&spans[0], "31", NULL, 1);
    for (unsigned i = 0; i < WORK_DISTRICTS; i++) {
        snprintf(districts[i], sizeof districts[i], "%u", 303 + i);
        span_set(&spans[1 + i], districts[i], "31", 2);
    }
    for (unsigned i = 0; i < WORK_COMMUNES; i++)
        span_set(&spans[1 + WORK_DISTRICTS + i], commune_codes[i], districts[i % WORK_DISTRICTS],
                 3);
    spec.span_count = sizeof spans / sizeof *spans;
    return &spec;
}

static void indicator_init(struct indicator *ind, unsigned i)
{
    memset(ind, 0, sizeof *ind);
    ident_set(&ind->id, slice_str(indicator_ids[i]));
    ident_set(&ind->measure, slice_str("persons"));
    ind->name = "Số người";
    ind->kind = i % 2 == 0 ? INDICATOR_FLOW : INDICATOR_STOCK;
    ind->maximum = 1000000;
    ind->reporters = REPORTS_LEAF;
    ind->records[0].from = day_of(2020, 1, 1);
    ident_set(&ind->records[0].source, slice_str("khuyenhoc"));
    ind->record_count = 1;
}

const struct plan *work_plan(const struct work *w)
{
    static struct indicator indicators[WORK_INDICATORS];
    static struct duty duties[WORK_INDICATORS];
    static struct target targets[WORK_INDICATORS];
    static struct source source = {.name = "Hội Khuyến học"};
    static struct plan plan = {.version = 1, .title = "Đo tốc độ", .document = "-"};
    ident_set(&source.id, slice_str("khuyenhoc"));
    ident_set(&plan.id, slice_str("bench"));
    ident_set(&plan.root, slice_str("31"));
    plan.from = w->first_day;
    plan.to = w->first_day + WORK_DAYS - 1;
    for (unsigned i = 0; i < WORK_INDICATORS; i++) {
        indicator_init(&indicators[i], i);
        duties[i] = (struct duty){indicators[i].id, plan.from, plan.to, 1};
        targets[i] = (struct target){.id = indicators[i].id,
                                     .title = "Mục tiêu",
                                     .clause = "",
                                     .indicator = indicators[i].id,
                                     .unit = plan.root,
                                     .lower = 1000000,
                                     .start = plan.from,
                                     .due = plan.to,
                                     .weekend_permille = 1000};
    }
    plan.sources = &source;
    plan.source_count = 1;
    plan.indicators = indicators;
    plan.indicator_count = WORK_INDICATORS;
    plan.duties = duties;
    plan.duty_count = WORK_INDICATORS;
    plan.targets = targets; /* all of them: what it costs to keep frames is in the figures */
    plan.target_count = WORK_INDICATORS;
    return &plan;
}

struct batch *work_batch(uint32_t rows_max)
{
    struct batch *b = alloc_zeroed(1, sizeof *b);
    b->units = alloc_zeroed(WORK_COMMUNES, sizeof *b->units);
    b->indicators = alloc_zeroed(WORK_INDICATORS, sizeof *b->indicators);
    b->unit_refs = alloc_zeroed(rows_max, sizeof *b->unit_refs);
    b->indicator_refs = alloc_zeroed(rows_max, sizeof *b->indicator_refs);
    b->days = alloc_zeroed(rows_max, sizeof *b->days);
    b->values = alloc_zeroed(rows_max, sizeof *b->values);
    return b;
}

/* A row's commune goes into the batch's dictionary once: the rows of one commune follow each other.
 */
static uint32_t unit_ref(struct batch *b, unsigned commune)
{
    struct slice code = slice_str(commune_codes[commune]);
    if (b->unit_count == 0 || !slice_equal(b->units[b->unit_count - 1], code))
        b->units[b->unit_count++] = code;
    return b->unit_count - 1;
}

void work_next(struct work *w, struct batch *b, uint32_t rows, int64_t reported_at_ms)
{
    b->reported_at_ms = reported_at_ms;
    b->row_count = rows;
    b->unit_count = 0;
    b->indicator_count = WORK_INDICATORS;
    for (unsigned i = 0; i < WORK_INDICATORS; i++)
        b->indicators[i] = slice_str(indicator_ids[i]);
    for (uint32_t row = 0; row < rows; row++, w->row++) {
        unsigned indicator = w->row % WORK_INDICATORS;
        unsigned commune = w->row / WORK_INDICATORS % WORK_COMMUNES;
        unsigned day = w->row / WORK_INDICATORS / WORK_COMMUNES % WORK_DAYS;
        if (day > 0 && work_random(w) % 100 < DATED_BACK_PERCENT)
            day = (unsigned)(work_random(w) % day);
        int64_t value = (int64_t)(work_random(w) % FIGURE_MAX);
        w->figures[commune][indicator][day] = value;
        w->reported[commune][indicator][day] = true;
        b->unit_refs[row] = unit_ref(b, commune);
        b->indicator_refs[row] = indicator;
        b->days[row] = w->first_day + (day_t)day;
        b->values[row] = value;
    }
}

static int64_t commune_total(const struct work *w, unsigned commune, unsigned indicator)
{
    int64_t sum = 0;
    for (unsigned day = 0; day < WORK_DAYS; day++)
        if (w->reported[commune][indicator][day])
            sum = (indicator % 2 == 0 ? sum : 0) + w->figures[commune][indicator][day];
    return sum;
}

int64_t work_total(const struct work *w, unsigned indicator)
{
    int64_t sum = 0;
    for (unsigned commune = 0; commune < WORK_COMMUNES; commune++)
        sum += commune_total(w, commune, indicator);
    return sum;
}
