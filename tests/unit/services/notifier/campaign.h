/* Made-up campaigns in a province of the size of Hải Phòng: 14 districts with 217 communes, and one
 * that reports itself. From a seed comes what each leaf really brings day by day, when it reports
 * it, and so the aggregator's frames. Shares: districts by population, communes of one equally. */
#ifndef TONGHOP_TESTS_CAMPAIGN_H
#define TONGHOP_TESTS_CAMPAIGN_H

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/wire/wire.h"
#include "services/notifier/notifier_core.h"
#include "tests/support/memkv.h"
#include "tests/support/random_world.h"

enum {
    CAMPAIGN_DISTRICTS = 15,
    CAMPAIGN_COMMUNES = 217,
    CAMPAIGN_LEAVES = CAMPAIGN_COMMUNES + 1,
    CAMPAIGN_UNITS = 1 + CAMPAIGN_DISTRICTS + CAMPAIGN_COMMUNES,
    CAMPAIGN_DAYS = 32,                   /* [0] is 4 September, the opening balance */
    CAMPAIGN_WATCHED = 36,                /* frames go on to 9 October */
    CAMPAIGN_ISLAND = CAMPAIGN_DISTRICTS, /* index of the district without communes */
    CAMPAIGN_NEVER = 1000000,
};
#define CAMPAIGN_START 19971 /* 2024-09-05 */
#define CAMPAIGN_DUE 20001   /* 2024-10-05 */
#define CAMPAIGN_LOWER INT64_C(90000)
#define CAMPAIGN_STRETCH INT64_C(100000)

struct campaign_shape {
    unsigned outcome_percent; /* of the lower bound, at the end */
    unsigned
        spread_percent; /* between units: the best bring so much more, the worst so much less */
    unsigned weekend_percent; /* of a weekday's work */
    unsigned rush_percent;    /* work of each of the last five days, of a usual one */
    unsigned opening_percent; /* of the total, on the day before */
    bool typhoon;             /* 7 to 10 September without work or power, half work for two days */
    bool late;                /* reports come up to four days late, some never, some corrected */
    int silent_district;      /* 1 .. 15 reports nothing from day 8 to 14; 0: none */
};

struct campaign_report {
    int leaf; /* index of the unit */
    int day;
    int hour; /* at which it comes, from the midnight before day 0 on */
    int64_t value;
};

struct campaign_cell {
    int64_t amount;
    int32_t figures;
    uint32_t reported;
};

struct campaign {
    struct campaign_shape shape;
    struct random random;
    struct arena arena;
    char codes[CAMPAIGN_UNITS][12]; /* province, districts, communes by district */
    int above[CAMPAIGN_UNITS];
    int64_t lower[CAMPAIGN_UNITS];
    int64_t stretch[CAMPAIGN_UNITS];
    int64_t truth[CAMPAIGN_UNITS][CAMPAIGN_DAYS]; /* cumulative */
    struct campaign_report *reports;              /* by hour */
    size_t report_count, report_capacity, report_next;
    struct {
        bool known;
        int64_t value;
    } known[CAMPAIGN_UNITS][CAMPAIGN_DAYS];
    struct campaign_cell cells[CAMPAIGN_UNITS][CAMPAIGN_DAYS]; /* as sent */
    struct catalogue_spec spec;
    struct plan plan;
    struct buf catalogue_body, plan_body;
    struct notifier_entry entries[2];
    struct notifier_cell *out; /* of the frame made last */
    size_t out_count, out_capacity;
    uint64_t offset;
};

static const unsigned campaign_populations[CAMPAIGN_DISTRICTS] = {
    96111,  165309, 219762, 132943, 118047, 49029, 60319, 333810,
    195717, 146712, 140417, 154789, 182835, 32090, 624,
};
static const unsigned campaign_commune_counts[CAMPAIGN_DISTRICTS] = {
    9, 12, 15, 8, 10, 5, 6, 35, 21, 16, 15, 19, 30, 16, 0,
};

static inline bool campaign_is_leaf(int unit)
{
    return unit > CAMPAIGN_DISTRICTS || unit == CAMPAIGN_ISLAND;
}

/* ---- tree and plan ---- */

static inline void campaign_name_units(struct campaign *c)
{
    int next = 1 + CAMPAIGN_DISTRICTS;
    snprintf(c->codes[0], sizeof c->codes[0], "31");
    c->above[0] = -1;
    for (int d = 0; d < CAMPAIGN_DISTRICTS; d++) {
        snprintf(c->codes[1 + d], sizeof c->codes[0], "%d", 303 + d);
        c->above[1 + d] = 0;
        for (unsigned k = 0; k < campaign_commune_counts[d]; k++) {
            snprintf(c->codes[next], sizeof c->codes[0], "%d", 11001 + next);
            c->above[next++] = 1 + d;
        }
    }
}

static inline void campaign_share(int64_t total, int64_t people, int64_t shares[CAMPAIGN_UNITS])
{
    int64_t left = total;
    int next = 1 + CAMPAIGN_DISTRICTS;
    shares[0] = total;
    for (int d = CAMPAIGN_DISTRICTS - 1; d >= 0; d--) {
        shares[1 + d] = d == 0 ? left : total * campaign_populations[d] / people;
        left -= shares[1 + d];
    }
    for (int d = 0; d < CAMPAIGN_DISTRICTS; d++)
        for (unsigned k = 0, n = campaign_commune_counts[d]; k < n; k++)
            shares[next++] = shares[1 + d] / n + (k < shares[1 + d] % n);
}

static inline struct ident campaign_ident(const char *text)
{
    struct ident id = {""};
    ident_set(&id, slice_str(text));
    return id;
}

static inline void campaign_catalogue(struct campaign *c)
{
    static const char *const types[] = {"", "Thành phố", "Quận", "Phường"};
    c->spec.span_count = CAMPAIGN_UNITS;
    c->spec.spans = arena_alloc(&c->arena, CAMPAIGN_UNITS * sizeof *c->spec.spans);
    for (int i = 0; i < CAMPAIGN_UNITS; i++) {
        int level = i == 0 ? 1 : i <= CAMPAIGN_DISTRICTS ? 2 : 3;
        char name[32];
        int len = snprintf(name, sizeof name, "%s %s", types[level], c->codes[i]);
        c->spec.spans[i] = (struct unit_span){.code = campaign_ident(c->codes[i]),
                                              .from = CAMPAIGN_START - 2000,
                                              .to = DAY_NEVER,
                                              .name = arena_string(&c->arena, name, (size_t)len),
                                              .type = types[level],
                                              .level = (uint8_t)level};
        if (i > 0)
            c->spec.spans[i].parent = campaign_ident(c->codes[c->above[i]]);
    }
}

static inline int campaign_compare_shares(const void *a, const void *b)
{
    const struct target_share *x = a, *y = b;
    return strcmp(x->unit.text, y->unit.text);
}

static inline void campaign_plan(struct campaign *c)
{
    static struct source source = {.name = "Hội Khuyến học"};
    struct indicator *indicator = arena_alloc(&c->arena, sizeof *indicator);
    struct duty *duty = arena_alloc(&c->arena, sizeof *duty);
    struct target *target = arena_alloc(&c->arena, sizeof *target);
    source.id = campaign_ident("khuyenhoc");
    *indicator = (struct indicator){.id = campaign_ident("cdht.dangky"),
                                    .name = "Công dân học tập: số người đăng ký (lũy kế)",
                                    .kind = INDICATOR_STOCK,
                                    .measure = campaign_ident("persons"),
                                    .maximum = 1000000,
                                    .reporters = REPORTS_LEAF,
                                    .record_count = 1};
    indicator->records[0] = (struct source_of_record){CAMPAIGN_START - 1, source.id};
    *duty = (struct duty){indicator->id, CAMPAIGN_START, CAMPAIGN_DUE, 1};
    *target = (struct target){.id = campaign_ident("HP1"),
                              .title = "90.000 đến 100.000 công dân đăng ký",
                              .clause = "III.3",
                              .indicator = indicator->id,
                              .unit = campaign_ident("31"),
                              .lower = CAMPAIGN_LOWER,
                              .stretch = CAMPAIGN_STRETCH,
                              .start = CAMPAIGN_START,
                              .due = CAMPAIGN_DUE,
                              .weekend_permille = 300,
                              .share_count = CAMPAIGN_UNITS - 1};
    target->shares = arena_alloc(&c->arena, (CAMPAIGN_UNITS - 1) * sizeof *target->shares);
    for (int i = 1; i < CAMPAIGN_UNITS; i++)
        target->shares[i - 1] =
            (struct target_share){campaign_ident(c->codes[i]), c->lower[i], c->stretch[i]};
    qsort(target->shares, CAMPAIGN_UNITS - 1, sizeof *target->shares, campaign_compare_shares);
    c->plan = (struct plan){.id = campaign_ident("haiphong-2024"),
                            .version = 1,
                            .title = "Tháng Khuyến học năm 2024",
                            .document = "Kế hoạch 204/KH-UBND",
                            .root = campaign_ident("31"),
                            .from = CAMPAIGN_START,
                            .to = CAMPAIGN_DUE,
                            .sources = &source,
                            .source_count = 1,
                            .indicators = indicator,
                            .indicator_count = 1,
                            .duties = duty,
                            .duty_count = 1,
                            .targets = target,
                            .target_count = 1};
}

/* ---- what really happened ---- */

/* How much is done on that day, in thousandths of a usual weekday. */
static inline int64_t campaign_work(const struct campaign *c, int day)
{
    int64_t work =
        day_weekday(CAMPAIGN_START - 1 + day) >= 6 ? c->shape.weekend_percent * 10 : 1000;
    if (c->shape.typhoon && day >= 3 && day <= 6)
        return 0;
    if (c->shape.typhoon && (day == 7 || day == 8))
        work /= 2;
    if (day > CAMPAIGN_DAYS - 1 - 5)
        work = work * c->shape.rush_percent / 100;
    return work;
}

static inline void campaign_live(struct campaign *c, int leaf, int64_t total)
{
    int64_t weights[CAMPAIGN_DAYS] = {0}, whole = 0, done = 0;
    int64_t opening = total * c->shape.opening_percent / 100;
    for (int d = 1; d < CAMPAIGN_DAYS; d++) {
        weights[d] = campaign_work(c, d) * random_between(&c->random, 40, 160);
        whole += weights[d];
    }
    c->truth[leaf][0] = opening;
    for (int d = 1; d < CAMPAIGN_DAYS; d++) {
        done += weights[d];
        c->truth[leaf][d] = opening + (total - opening) * done / whole;
    }
}

static inline void campaign_sum_up(struct campaign *c)
{
    for (int i = CAMPAIGN_UNITS - 1; i > 0; i--)
        for (int d = 0; d < CAMPAIGN_DAYS; d++)
            c->truth[c->above[i]][d] += c->truth[i][d];
}

/* ---- what is reported, and when ---- */

static inline void campaign_add_report(struct campaign *c, int leaf, int day, int hour, int64_t v)
{
    void *reports = c->reports;
    alloc_reserve(&reports, &c->report_capacity, c->report_count + 1, sizeof *c->reports);
    c->reports = reports;
    c->reports[c->report_count++] = (struct campaign_report){leaf, day, hour, v};
}

static inline int campaign_delay_hours(struct campaign *c)
{
    unsigned dice = random_below(&c->random, 100);
    if (!c->shape.late || dice < 70)
        return random_between(&c->random, 17, 20);
    if (dice < 88)
        return 24 + random_between(&c->random, 7, 11);
    if (dice < 95)
        return 48 + random_between(&c->random, 7, 18);
    return dice < 98 ? 96 + random_between(&c->random, 7, 18) : CAMPAIGN_NEVER;
}

static inline void campaign_report_day(struct campaign *c, int leaf, int day)
{
    int delay = campaign_delay_hours(c), hour = day * 24 + delay;
    int district = campaign_is_leaf(leaf) && leaf == CAMPAIGN_ISLAND ? leaf : c->above[leaf];
    if (delay == CAMPAIGN_NEVER)
        return;
    if (c->shape.typhoon && day >= 3 && day <= 6 && hour < 7 * 24)
        hour = 7 * 24 + random_between(&c->random, 7, 30);
    if (district == c->shape.silent_district && hour >= 8 * 24 && hour < 15 * 24) {
        if (random_chance(&c->random, 50))
            return;
        hour = 15 * 24 + random_between(&c->random, 7, 30);
    }
    int64_t truth = c->truth[leaf][day];
    if (c->shape.late && random_chance(&c->random, 2)) {
        campaign_add_report(c, leaf, day, hour, truth * 9 / 10);
        hour += 48;
    }
    campaign_add_report(c, leaf, day, hour, truth);
}

static inline int campaign_compare_reports(const void *a, const void *b)
{
    const struct campaign_report *x = a, *y = b;
    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    if (x->leaf != y->leaf)
        return x->leaf < y->leaf ? -1 : 1;
    return (x->day > y->day) - (x->day < y->day);
}

static inline struct campaign *campaign_create(uint64_t seed, const struct campaign_shape *shape)
{
    struct campaign *c = alloc_zeroed(1, sizeof *c);
    int64_t people = 0;
    c->shape = *shape;
    c->random.state = seed;
    arena_init(&c->arena, 1 << 20);
    for (int d = 0; d < CAMPAIGN_DISTRICTS; d++)
        people += campaign_populations[d];
    campaign_name_units(c);
    campaign_share(CAMPAIGN_LOWER, people, c->lower);
    campaign_share(CAMPAIGN_STRETCH, people, c->stretch);
    campaign_catalogue(c);
    campaign_plan(c);
    int spread[1 + CAMPAIGN_DISTRICTS];
    for (int d = 0; d <= CAMPAIGN_DISTRICTS; d++)
        spread[d] =
            random_between(&c->random, -(int)shape->spread_percent, (int)shape->spread_percent);
    for (int i = 1; i < CAMPAIGN_UNITS; i++) {
        if (!campaign_is_leaf(i))
            continue;
        int own =
            random_between(&c->random, -(int)shape->spread_percent, (int)shape->spread_percent);
        int district = i == CAMPAIGN_ISLAND ? i : c->above[i];
        campaign_live(c, i,
                      c->lower[i] * shape->outcome_percent * (100 + spread[district]) / 100 *
                          (100 + own) / 10000);
        for (int d = 0; d < CAMPAIGN_DAYS; d++)
            campaign_report_day(c, i, d);
    }
    campaign_sum_up(c);
    qsort(c->reports, c->report_count, sizeof *c->reports, campaign_compare_reports);
    return c;
}

static inline void campaign_destroy(struct campaign *c)
{
    free(c->reports);
    free(c->out);
    buf_fini(&c->catalogue_body);
    buf_fini(&c->plan_body);
    arena_fini(&c->arena);
    free(c);
}

/* ---- frames ---- */

static inline void campaign_cells_of(const struct campaign *c,
                                     struct campaign_cell (*cells)[CAMPAIGN_DAYS])
{
    for (int i = CAMPAIGN_UNITS - 1; i >= 0; i--) {
        int64_t before = 0;
        bool any = false;
        for (int d = 0; d < CAMPAIGN_DAYS && campaign_is_leaf(i); d++) {
            if (!c->known[i][d].known)
                continue;
            cells[i][d].amount += c->known[i][d].value - before;
            cells[i][d].figures += !any;
            cells[i][d].reported++;
            before = c->known[i][d].value;
            any = true;
        }
        for (int d = 0; d < CAMPAIGN_DAYS && i > 0; d++) {
            struct campaign_cell *up = &cells[c->above[i]][d];
            up->amount += cells[i][d].amount;
            up->figures += cells[i][d].figures;
            up->reported += cells[i][d].reported;
        }
    }
}

static inline void campaign_send_changes(struct campaign *c)
{
    struct campaign_cell(*now)[CAMPAIGN_DAYS] = alloc_zeroed(CAMPAIGN_UNITS, sizeof *now);
    campaign_cells_of(c, now);
    c->out_count = 0;
    for (int i = 0; i < CAMPAIGN_UNITS; i++) {
        for (int d = 0; d < CAMPAIGN_DAYS; d++) {
            struct campaign_cell *was = &c->cells[i][d], *is = &now[i][d];
            if (was->amount == is->amount && was->figures == is->figures &&
                was->reported == is->reported)
                continue;
            void *out = c->out;
            alloc_reserve(&out, &c->out_capacity, c->out_count + 1, sizeof *c->out);
            c->out = out;
            c->out[c->out_count++] = (struct notifier_cell){slice_str("cdht.dangky"),
                                                            slice_str(c->codes[i]),
                                                            CAMPAIGN_START - 1 + d,
                                                            is->amount,
                                                            is->figures,
                                                            is->reported,
                                                            is->reported};
            *was = *is;
        }
    }
    free(now);
}

/* The tick of that hour, with what came since the one before. Hours go up. Borrowed until the next
 * call. */
static inline struct notifier_frame campaign_frame(struct campaign *c, int hour)
{
    struct notifier_frame f = {.offset = c->offset + 10,
                               .previous_offset = c->offset,
                               .time_ms =
                                   day_start_ms(CAMPAIGN_START - 1) + hour * INT64_C(3600000)};
    if (c->offset == 0) {
        wire_pack_catalogue(&c->spec, &c->catalogue_body);
        wire_pack_plan(&c->plan, &c->plan_body);
        c->entries[0] = (struct notifier_entry){ENTRY_CATALOGUE, 2, buf_slice(&c->catalogue_body)};
        c->entries[1] = (struct notifier_entry){ENTRY_PLAN, 3, buf_slice(&c->plan_body)};
        f.entries = c->entries;
        f.entry_count = 2;
        f.everything = true;
    }
    for (; c->report_next < c->report_count && c->reports[c->report_next].hour < hour;
         c->report_next++) {
        const struct campaign_report *r = &c->reports[c->report_next];
        c->known[r->leaf][r->day].known = true;
        c->known[r->leaf][r->day].value = r->value;
    }
    campaign_send_changes(c);
    f.cells = c->out;
    f.cell_count = c->out_count;
    c->offset = f.offset;
    return f;
}

/* ---- a notifier that follows ---- */

struct follower {
    struct memkv *store;
    struct notifier *notifier;
};

static inline void follower_open(struct follower *f)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(f->store, false);
    if (notifier_open(&f->notifier, kv, &wire_codec, &err) < 0)
        ck_abort_msg("open: %s", err.text);
    memkv_abort(&kv);
}

static inline struct follower follower_create(void)
{
    struct follower f = {.store = memkv_create(NOTIFIER_TABLE_COUNT)};
    follower_open(&f);
    return f;
}

static inline void follower_fini(struct follower *f)
{
    notifier_close(f->notifier);
    memkv_destroy(f->store);
}

static inline void follower_apply(struct follower *f, const struct notifier_frame *frame)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(f->store, true);
    if (notifier_apply_frame(f->notifier, kv, frame, &err) < 0)
        ck_abort_msg("frame %llu: %s", (unsigned long long)frame->offset, err.text);
    if (memkv_commit(&kv, &err) < 0)
        ck_abort_msg("commit: %s", err.text);
}

#endif
