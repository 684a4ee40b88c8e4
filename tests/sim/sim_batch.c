/* What producers state. The value of a batch's first row is the index of its statement, so that it
 * is known again under whatever number and stamp it comes. */
#include "tests/sim/sim.h"

#include "common/base/check.h"
#include "common/journal/journal.h"
#include "common/wire/wire.h"

enum {
    ROWS_MAX = 12,
    ROWS_USUAL = 6,
    RECENT_DAYS = 3,
    POISON_BYTES = 12,
    NO_STATEMENT = 1 << 30,
    CAMPAIGN = 0 /* the indicator of that number */
};

struct draft {
    struct sim *w;
    struct random *dice;
    const struct registry *registry;
    struct batch batch;
    struct slice units[ROWS_MAX];
    struct slice indicators[ROWS_MAX];
    uint32_t unit_refs[ROWS_MAX];
    uint32_t indicator_refs[ROWS_MAX];
    day_t days[ROWS_MAX];
    uint8_t ops[ROWS_MAX];
    int64_t values[ROWS_MAX];
};

static struct sim_content *content_of(struct sim *w, struct slice bytes, uint32_t statement)
{
    struct sim_content *c = arena_alloc(&w->memory, sizeof *c);
    *c = (struct sim_content){.statement = statement};
    c->bytes = slice_of(arena_string(&w->memory, bytes.data, bytes.len), bytes.len);
    journal_hash(c->bytes, c->hash);
    return c;
}

static const struct sim_content *pack(struct sim *w, const struct batch *b, uint32_t statement)
{
    struct buf bytes = {0};
    wire_pack_batch(b, &bytes);
    const struct sim_content *c = content_of(w, buf_slice(&bytes), statement);
    buf_fini(&bytes);
    return c;
}

/* --- rows --- */

struct pick {
    struct draft *d;
    uint32_t indicator;
    day_t day;
    uint32_t seen;
    uint32_t unit;
};

static void pick_reporter(void *arg, uint32_t unit, unsigned depth)
{
    struct pick *p = arg;
    (void)depth;
    if (registry_is_reporter(p->d->registry, p->indicator, unit, p->day) &&
        random_below(p->d->dice, ++p->seen) == 0)
        p->unit = unit;
}

static bool is_campaign(const struct draft *d, uint32_t indicator)
{
    return d->w->campaign && indicator == CAMPAIGN;
}

static struct slice choose_unit(struct draft *d, uint32_t indicator, day_t day)
{
    const struct catalogue *c = registry_catalogue(d->registry);
    struct pick p = {.d = d, .indicator = indicator, .day = day, .unit = CATALOGUE_NONE};
    if (random_chance(d->dice, 4))
        return slice_str("khong-co");
    if (is_campaign(d, indicator))
        return slice_str("u0");
    if (random_chance(d->dice, 92))
        catalogue_visit_on(c, CATALOGUE_NONE, day, pick_reporter, &p);
    uint32_t code = p.unit == CATALOGUE_NONE ? random_below(d->dice, catalogue_code_count(c))
                                             : catalogue_unit(c, p.unit)->code;
    return slice_str(catalogue_code_text(c, code));
}

/* In a campaign mostly its own, but not where a value says which statement it is of. */
static uint32_t choose_indicator(struct draft *d, bool may_set)
{
    if (!may_set && d->w->campaign && random_chance(d->dice, 60))
        return CAMPAIGN;
    for (;;) {
        uint32_t i = random_below(d->dice, registry_indicator_count(d->registry));
        const struct indicator *def = registry_indicator(d->registry, i);
        if (def->kind != INDICATOR_RATIO &&
            (!may_set || (def->entry == ENTRY_SET && i != CAMPAIGN)))
            return i;
    }
}

/* A level that goes up from day to day: slowly or fast, in some worlds faster from some day on, and
 * now and then stated far off. */
static int64_t campaign_value(struct draft *d, day_t day)
{
    const struct sim *w = d->w;
    day_t days = day - w->first + 1, before = days < w->turn ? days : w->turn;
    int64_t value = before * w->pace + (days - before) * w->pace_after;
    if (random_chance(d->dice, 8))
        value = value * random_between(d->dice, 0, 5) / 2;
    return value + random_between(d->dice, 0, 1 + w->pace / 4);
}

static int64_t choose_value(struct draft *d, uint32_t indicator, day_t day)
{
    return indicator == CAMPAIGN ? campaign_value(d, day) : random_between(d->dice, -30, 300);
}

static day_t choose_day(struct draft *d, uint32_t indicator)
{
    const struct sim *w = d->w;
    const struct indicator *def = registry_indicator(d->registry, indicator);
    day_t tomorrow = day_of_ms(sim_true_ms(w)) + 1, first = w->first;
    day_t last = tomorrow < w->last ? tomorrow : w->last;
    if (is_campaign(d, indicator) && w->slept_ms == 0)
        return w->first + (day_t)d->batch.row_count; /* what has been, one day after the other */
    if (is_campaign(d, indicator) && random_chance(d->dice, 60))
        first = last - RECENT_DAYS;
    return period_next_end(def->period, def->calendar, random_between(d->dice, first, last));
}

static void add_row(struct draft *d, int64_t marker)
{
    struct batch *b = &d->batch;
    uint32_t row = b->row_count++;
    uint32_t indicator = choose_indicator(d, marker != 0);
    const struct indicator *def = registry_indicator(d->registry, indicator);
    d->days[row] = choose_day(d, indicator);
    d->units[row] = choose_unit(d, indicator, d->days[row]);
    d->indicators[row] = ident_slice(&def->id);
    d->unit_refs[row] = d->indicator_refs[row] = row;
    bool clear = marker == 0 && random_chance(d->dice, indicator == CAMPAIGN ? 3 : 15);
    d->ops[row] = clear ? OP_CLEAR : def->entry == ENTRY_TALLY ? OP_ADD : OP_SET;
    d->values[row] = marker != 0 ? marker : clear ? 0 : choose_value(d, indicator, d->days[row]);
    b->unit_count = b->indicator_count = b->row_count;
}

static void draft_init(struct draft *d, struct sim *w, unsigned node)
{
    *d = (struct draft){.w = w, .dice = &w->dice[node], .registry = w->operator.registry };
    d->batch = (struct batch){.units = d->units,
                              .indicators = d->indicators,
                              .unit_refs = d->unit_refs,
                              .indicator_refs = d->indicator_refs,
                              .days = d->days,
                              .ops = d->ops,
                              .values = d->values};
}

const struct sim_content *sim_batch_make(struct sim *w, unsigned node, uint32_t statement,
                                         int64_t reported_at_ms)
{
    struct draft d;
    draft_init(&d, w, node);
    d.batch.reported_at_ms = reported_at_ms;
    add_row(&d, statement != 0 ? statement : NO_STATEMENT);
    for (uint32_t more = random_below(d.dice, w->campaign ? ROWS_MAX : ROWS_USUAL); more > 0;
         more--)
        add_row(&d, 0);
    return pack(w, &d.batch, statement);
}

const struct sim_content *sim_batch_poison(struct sim *w, unsigned node, uint32_t statement)
{
    uint8_t bytes[POISON_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next(&w->dice[node]);
    bytes[0] = 0xff; /* no field has that tag */
    return content_of(w, slice_of(bytes, sizeof bytes), statement);
}

const struct sim_content *sim_batch_restamp(struct sim *w, const struct sim_content *content,
                                            int64_t reported_at_ms)
{
    struct batch b;
    int rc = wire_unpack_batch(content->bytes, &w->memory, &b, NULL);
    require(rc == 0);
    b.reported_at_ms = reported_at_ms;
    return pack(w, &b, content->statement);
}
