#include "tests/support/suite.h"

#include "tests/unit/services/notifier/campaign.h"

/* From frames to states, one unit's target at a time: what is its own, what it owes, and since
 * when. Six weeks from 2 June 2025, a Monday; on 1 July wards are merged. */

#define START 20241 /* 2025-06-02 */
#define MERGER 20270
#define DUE (START + 41)
enum { SPANS_MAX = 4, CELLS_MAX = 4 };

static const char ward[] = "11311", other[] = "11299";

struct world {
    struct arena arena;
    struct unit_span spans[SPANS_MAX];
    struct succession successions[2];
    struct catalogue_spec spec;
    struct source source;
    struct indicator indicator;
    struct duty duty;
    struct target target;
    struct plan plan;
    struct follower follower;
    struct buf catalogue_body, plan_body;
    struct notifier_cell cells[CELLS_MAX];
    size_t cell_count;
    uint64_t offset;
    bool new_plan; /* to be sent with the next frame */
};

static struct unit_span span_of(const char *code, day_t from, day_t to, const char *parent)
{
    struct unit_span s = {.code = campaign_ident(code),
                          .from = from,
                          .to = to,
                          .name = "Phường Hồng Bàng",
                          .type = "Phường",
                          .level = parent ? 3 : 1,
                          .begins = from == MERGER};
    if (parent)
        s.parent = campaign_ident(parent);
    return s;
}

/* Two wards until the merger, then one that bears the code of one of them. */
static void make_units(struct world *w, enum succession_people people)
{
    w->spans[0] = span_of("31", START - 2000, DAY_NEVER, NULL);
    w->spans[1] = span_of(other, START - 2000, MERGER - 1, "31");
    w->spans[2] = span_of(ward, START - 2000, MERGER - 1, "31");
    w->spans[3] = span_of(ward, MERGER, DAY_NEVER, "31");
    w->successions[0] =
        (struct succession){MERGER, campaign_ident(other), campaign_ident(ward), people};
    w->successions[1] =
        (struct succession){MERGER, campaign_ident(ward), campaign_ident(ward), people};
    w->spec = (struct catalogue_spec){w->spans, SPANS_MAX, w->successions, 2};
}

static void make_plan(struct world *w, enum indicator_kind kind)
{
    w->source = (struct source){campaign_ident("khuyenhoc"), "Hội Khuyến học"};
    w->indicator = (struct indicator){.id = campaign_ident("dem"),
                                      .name = "Số người",
                                      .kind = kind,
                                      .measure = campaign_ident("persons"),
                                      .maximum = 1000000,
                                      .reporters = REPORTS_LEAF,
                                      .record_count = 1};
    w->indicator.records[0] = (struct source_of_record){START - 1, w->source.id};
    w->duty = (struct duty){w->indicator.id, START, DUE, 1};
    w->target = (struct target){.id = campaign_ident("T"),
                                .title = "Chỉ tiêu",
                                .clause = "",
                                .indicator = w->indicator.id,
                                .unit = campaign_ident(ward),
                                .lower = 1000,
                                .start = START,
                                .due = DUE,
                                .weekend_permille = 1000};
    w->plan = (struct plan){.id = campaign_ident("thu"),
                            .version = 1,
                            .title = "Kế hoạch thử",
                            .document = "Kế hoạch thử",
                            .root = campaign_ident("31"),
                            .from = START,
                            .to = DUE,
                            .sources = &w->source,
                            .source_count = 1,
                            .indicators = &w->indicator,
                            .indicator_count = 1,
                            .duties = &w->duty,
                            .duty_count = 1,
                            .targets = &w->target,
                            .target_count = 1};
}

static struct world *world_create(enum indicator_kind kind, enum succession_people people)
{
    struct world *w = alloc_zeroed(1, sizeof *w);
    make_units(w, people);
    make_plan(w, kind);
    w->follower = follower_create();
    w->new_plan = true;
    return w;
}

static void world_destroy(struct world *w)
{
    follower_fini(&w->follower);
    buf_fini(&w->catalogue_body);
    buf_fini(&w->plan_body);
    free(w);
}

/* What the next frame brings of a unit: one report, of the amount that it adds. */
static void report(struct world *w, const char *unit, day_t day, int64_t amount)
{
    ck_assert_uint_lt(w->cell_count, CELLS_MAX);
    w->cells[w->cell_count++] = (struct notifier_cell){
        slice_str("dem"), slice_str(unit), day, amount, w->indicator.kind == INDICATOR_FLOW, 1, 1};
}

/* The tick at 08:00 of that day. */
static void look_on(struct world *w, day_t day)
{
    struct notifier_entry entries[2];
    struct notifier_frame f = {.offset = w->offset + 10,
                               .previous_offset = w->offset,
                               .time_ms = day_start_ms(day) + 8 * INT64_C(3600000),
                               .entries = entries,
                               .cells = w->cells,
                               .cell_count = w->cell_count};
    if (w->offset == 0) {
        wire_pack_catalogue(&w->spec, &w->catalogue_body);
        entries[f.entry_count++] =
            (struct notifier_entry){ENTRY_CATALOGUE, 1, buf_slice(&w->catalogue_body)};
    }
    if (w->new_plan) {
        w->plan_body.len = 0;
        wire_pack_plan(&w->plan, &w->plan_body);
        entries[f.entry_count++] =
            (struct notifier_entry){ENTRY_PLAN, w->offset + 2, buf_slice(&w->plan_body)};
    }
    follower_apply(&w->follower, &f);
    w->offset = f.offset;
    w->cell_count = 0;
    w->new_plan = false;
}

static void keep_state(void *arg, const struct notifier_state *s)
{
    *(struct notifier_state *)arg = *s;
}

static struct notifier_state state_now(struct world *w)
{
    struct notifier_state s = {0};
    struct kv *kv = memkv_begin(w->follower.store, false);
    ck_assert_int_eq(notifier_visit_states(kv, keep_state, &s, NULL), 0);
    memkv_abort(&kv);
    return s;
}

struct count {
    enum state_tell tell;
    enum alert_state to;
    int told;
};

static bool count_told(void *arg, const struct notifier_decision *d)
{
    struct count *c = arg;
    c->told += d->reason == REASON_TOLD && d->tell == c->tell && d->to == c->to;
    return true;
}

static int times_told(struct world *w, enum state_tell tell, enum alert_state to)
{
    struct count c = {.tell = tell, .to = to};
    struct kv *kv = memkv_begin(w->follower.store, false);
    ck_assert_int_eq(notifier_visit_history(kv, 0, count_told, &c, NULL), 0);
    memkv_abort(&kv);
    return c.told;
}

/* ---- what is its own ---- */

/* Each ward ten a day, then the one of both twenty: all told, exactly on the path of 840. */
static void live_through_the_merger(struct world *w, day_t last)
{
    for (day_t d = START; d <= last; d++) {
        if (d < MERGER)
            report(w, other, d, 10);
        report(w, ward, d, d < MERGER ? 10 : 20);
        look_on(w, d + 1);
    }
}

START_TEST(a_flow_over_a_merger_is_that_of_all_the_merged)
{
    struct world *w = world_create(INDICATOR_FLOW, PEOPLE_ALL);
    w->target.lower = 840;
    live_through_the_merger(w, MERGER + 7);
    struct notifier_state s = state_now(w);
    ck_assert_int_eq(s.pace.actual, (MERGER + 8 - START) * 20);
    ck_assert_int_eq(s.pace.level, s.pace.expected);
    ck_assert_uint_eq(s.pace.reports, MERGER + 8 - START);
    ck_assert_int_eq(s.pace.projected, 840);
    ck_assert_int_eq(s.record.state, STATE_ON_PACE);
    world_destroy(w);
}
END_TEST

START_TEST(a_flow_of_another_unit_under_the_same_code_is_not_counted)
{
    struct world *w = world_create(INDICATOR_FLOW, PEOPLE_NONE);
    live_through_the_merger(w, MERGER + 7);
    ck_assert_int_eq(state_now(w).pace.actual, 8 * 20);
    world_destroy(w);
}
END_TEST

/* The aggregator hands the stock of the other ward over to the code on the day of the merger, in
 * one cell with what the new ward's own first figure adds. */
START_TEST(a_stock_over_a_merger_opens_with_that_of_all_the_merged)
{
    struct world *w = world_create(INDICATOR_STOCK, PEOPLE_ALL);
    struct notifier_cell *cells = w->cells;
    for (int i = 0; i < 2; i++) {
        report(w, i == 0 ? other : ward, START - 1, i == 0 ? 300 : 100);
        cells[i].figures = 1;
        cells[i].reported = 0;
    }
    for (day_t d = START; d <= MERGER + 7; d++) {
        if (d < MERGER)
            report(w, other, d, 5);
        report(w, ward, d, d == MERGER ? 300 + 5 * (MERGER - START) + 10 : d < MERGER ? 5 : 10);
        look_on(w, d + 1);
    }
    struct notifier_state s = state_now(w);
    ck_assert_int_eq(s.pace.opening, 400);
    ck_assert_int_eq(s.pace.actual, 400 + (MERGER + 8 - START) * 10);
    ck_assert_int_eq(s.pace.rate, 10 * 1000);
    world_destroy(w);
}
END_TEST

/* ---- how long a verdict has held ---- */

/* Five a day where twenty-four are needed. */
static bool is_behind_on(struct world *w, day_t today, day_t reported)
{
    if (reported != 0) {
        report(w, ward, reported, 5);
        w->cells[0].figures = reported == MERGER;
    }
    look_on(w, today);
    return state_now(w).record.state == STATE_BEHIND;
}

START_TEST(after_a_gap_one_day_of_figures_is_one)
{
    struct world *w = world_create(INDICATOR_STOCK, PEOPLE_NONE);
    day_t d = MERGER;
    w->target.start = w->duty.from = MERGER;
    w->target.due = w->duty.to = w->plan.to = MERGER + 41;
    while (!state_now(w).pace.behind) {
        ck_assert(!is_behind_on(w, d + 1, d));
        d++;
    }
    ck_assert(!is_behind_on(w, d + 1, 0)); /* of two days nothing comes */
    ck_assert(!is_behind_on(w, d + 2, 0));
    ck_assert_msg(!is_behind_on(w, d + 3, d + 2), "one more day of figures, and three dates");
    ck_assert_msg(is_behind_on(w, d + 4, d + 3), "the second");
    world_destroy(w);
}
END_TEST

/* ---- since when it owes ---- */

START_TEST(nothing_is_overdue_that_was_due_before_the_plan_came)
{
    struct world *w = world_create(INDICATOR_FLOW, PEOPLE_ALL);
    day_t entry = MERGER + 6;
    w->target.start = w->duty.from = MERGER;
    for (day_t today = entry; today < entry + 3; today++) {
        look_on(w, today);
        ck_assert_msg(times_told(w, TELL_SILENT, STATE_NOT_REPORTED) == 0,
                      "told %d days after the plan came", today - entry);
    }
    look_on(w, entry + 3); /* of entry - 1, which was due on the very day, to entry + 1 */
    struct notifier_state s = state_now(w);
    ck_assert_int_eq(s.record.state, STATE_NOT_REPORTED);
    ck_assert_int_eq(s.silent_from, entry - 1);
    ck_assert_int_eq(s.silent_to, entry + 1);
    ck_assert_int_ge(times_told(w, TELL_SILENT, STATE_NOT_REPORTED), 1);
    world_destroy(w);
}
END_TEST

static void extend(struct world *w, day_t due)
{
    w->plan.version++;
    w->plan.to = w->target.due = w->duty.to = due;
    w->new_plan = true;
}

START_TEST(an_extended_target_owes_nothing_of_the_days_before)
{
    struct world *w = world_create(INDICATOR_FLOW, PEOPLE_ALL);
    live_through_the_merger(w, DUE);
    look_on(w, DUE + 2);
    ck_assert_int_eq(state_now(w).record.state, STATE_MISSED);
    extend(w, DUE + 15);
    for (day_t today = DUE + 5; today < DUE + 8; today++) {
        look_on(w, today);
        ck_assert_msg(state_now(w).record.state != STATE_NOT_REPORTED, "overdue %d days after",
                      today - DUE - 5);
    }
    look_on(w, DUE + 8);
    ck_assert_int_eq(state_now(w).record.state, STATE_NOT_REPORTED);
    ck_assert_int_eq(state_now(w).silent_from, DUE + 4);
    world_destroy(w);
}
END_TEST

START_TEST(an_end_that_nobody_knows_is_told_once)
{
    struct world *w = world_create(INDICATOR_FLOW, PEOPLE_ALL);
    for (day_t today = START; today < DUE + 5; today++)
        look_on(w, today);
    ck_assert_int_eq(times_told(w, TELL_FINAL, STATE_NOT_REPORTED), 0);
    for (day_t today = DUE + 5; today < DUE + 15; today++)
        look_on(w, today);
    ck_assert_int_eq(times_told(w, TELL_FINAL, STATE_NOT_REPORTED), 1);
    world_destroy(w);
}
END_TEST

START_TEST(an_end_under_suspension_is_a_result_all_the_same)
{
    struct world *w = world_create(INDICATOR_FLOW, PEOPLE_ALL);
    w->target.suspended[0] = (struct day_range){DUE - 2, DUE};
    w->target.suspended_count = 1;
    live_through_the_merger(w, DUE - 3);
    for (day_t today = DUE - 1; today < DUE + 6; today++)
        look_on(w, today);
    ck_assert_int_eq(state_now(w).record.state, STATE_MISSED);
    ck_assert_int_eq(times_told(w, TELL_FINAL, STATE_MISSED), 1);
    ck_assert_int_eq(times_told(w, TELL_SILENT, STATE_NOT_REPORTED), 0);
    world_destroy(w);
}
END_TEST

SUITE_MAIN("judging a unit's figures", a_flow_over_a_merger_is_that_of_all_the_merged,
           a_flow_of_another_unit_under_the_same_code_is_not_counted,
           a_stock_over_a_merger_opens_with_that_of_all_the_merged,
           after_a_gap_one_day_of_figures_is_one,
           nothing_is_overdue_that_was_due_before_the_plan_came,
           an_extended_target_owes_nothing_of_the_days_before,
           an_end_that_nobody_knows_is_told_once, an_end_under_suspension_is_a_result_all_the_same)
