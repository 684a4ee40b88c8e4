/* What a target must be, seen in the plan alone and on the tree. */
#include "common/model/observation.h"
#include "common/model/plan_tree.h"
#include "common/model/registry.h"
#include "tests/support/suite.h"

enum {
    SEP_5 = 19971,  /* 2024-09-05 */
    OCT_5 = 20001,  /* 2024-10-05 */
    DEC_31 = 20088, /* 2024-12-31 */
};

static struct ident id(const char *text)
{
    struct ident out = {""};
    if (text[0] != '\0')
        ck_assert_msg(ident_set(&out, slice_str(text)), "%s", text);
    return out;
}

/* Two targets without a fault: one shared out over two districts and the communes of the first, and
 * a ratio. */
struct sample {
    struct plan plan;
    struct source source;
    struct indicator indicators[3];
    struct target targets[2];
    struct target_share shares[5];
};

static struct indicator stock(const char *name)
{
    struct indicator one = {.id = id(name),
                            .name = "Số người",
                            .kind = INDICATOR_STOCK,
                            .measure = id("persons"),
                            .maximum = OBSERVATION_VALUE_MAX,
                            .reporters = REPORTS_LEAF,
                            .record_count = 1};
    one.records[0] = (struct source_of_record){SEP_5, id("association")};
    return one;
}

static void make_sample(struct sample *s)
{
    *s = (struct sample){.source = {id("association"), "Hội Khuyến học"},
                         .indicators = {stock("registered"),
                                        stock("people"),
                                        {.id = id("share"),
                                         .name = "Tỷ lệ",
                                         .kind = INDICATOR_RATIO,
                                         .numerator = id("registered"),
                                         .denominator = id("people")}},
                         .targets = {{.id = id("HP1"),
                                      .title = "Công dân đăng ký",
                                      .clause = "III.3",
                                      .indicator = id("registered"),
                                      .unit = id("31"),
                                      .lower = 100,
                                      .stretch = 120,
                                      .start = SEP_5,
                                      .due = OCT_5,
                                      .weekend_permille = 500,
                                      .suspended = {{SEP_5 + 2, SEP_5 + 4}, {SEP_5 + 9, SEP_5 + 9}},
                                      .suspended_count = 2,
                                      .share_count = 5},
                                     {.id = id("HP2"),
                                      .title = "Hội viên",
                                      .clause = "",
                                      .indicator = id("share"),
                                      .unit = id("31"),
                                      .lower = 300000,
                                      .start = SEP_5,
                                      .due = DEC_31,
                                      .weekend_permille = 1000}},
                         .shares = {{id("1"), 30, 35},
                                    {id("2"), 30, 35},
                                    {id("312"), 60, 70},
                                    {id("318"), 1, 2},
                                    {id("320"), 39, 48}}};
    s->targets[0].shares = s->shares;
    s->plan = (struct plan){.id = id("hp"),
                            .version = 1,
                            .title = "Tháng Khuyến học",
                            .root = id("31"),
                            .from = SEP_5,
                            .to = OCT_5,
                            .sources = &s->source,
                            .source_count = 1,
                            .indicators = s->indicators,
                            .indicator_count = 3,
                            .targets = s->targets,
                            .target_count = 2};
}

/* ---- in the plan alone ---- */

static void id_twice(struct sample *s)
{
    s->targets[1].id = s->targets[0].id;
}
static void no_title(struct sample *s)
{
    s->targets[0].title = "";
}
static void no_unit(struct sample *s)
{
    s->targets[0].unit = id("");
}
static void unknown_indicator(struct sample *s)
{
    s->targets[0].indicator = id("members");
}
static void nothing_to_do(struct sample *s)
{
    s->targets[0].lower = 0;
}
static void more_than_any_figure(struct sample *s)
{
    s->targets[0].lower = OBSERVATION_VALUE_MAX + 1;
}
static void more_than_all(struct sample *s)
{
    s->targets[1].lower = RATIO_WHOLE + 1;
}
static void stretch_below(struct sample *s)
{
    s->targets[0].stretch = 99;
}
static void due_early(struct sample *s)
{
    s->targets[0].due = SEP_5 - 1;
}
static void no_start(struct sample *s)
{
    s->targets[0].start = DAY_FIRST - 1;
}
static void suspended_backwards(struct sample *s)
{
    s->targets[0].suspended[1] = (struct day_range){SEP_5 + 9, SEP_5 + 8};
}
static void suspended_twice(struct sample *s)
{
    s->targets[0].suspended[1] = (struct day_range){SEP_5 + 4, SEP_5 + 8};
}
static void suspended_outside(struct sample *s)
{
    s->targets[0].suspended[1] = (struct day_range){OCT_5, OCT_5 + 1};
}
static void suspended_throughout(struct sample *s)
{
    s->targets[0].suspended[0] = (struct day_range){SEP_5, OCT_5};
    s->targets[0].suspended_count = 1;
}
static void too_many_suspensions(struct sample *s)
{
    s->targets[0].suspended_count = TARGET_SUSPENDED_MAX + 1;
}
static void heavy_weekend(struct sample *s)
{
    s->targets[0].weekend_permille = TARGET_WEEKEND_MAX + 1;
}
static void share_of_a_ratio(struct sample *s)
{
    s->targets[1].shares = s->shares;
    s->targets[1].share_count = 1;
}
static void share_twice(struct sample *s)
{
    s->shares[1].unit = id("1");
}
static void share_negative(struct sample *s)
{
    s->shares[0].lower = -1;
}
static void share_above_the_whole(struct sample *s)
{
    s->shares[0].lower = 101;
}
static void share_stretch_below(struct sample *s)
{
    s->shares[0].stretch = 29;
}
static void share_stretch_of_none(struct sample *s)
{
    s->targets[0].stretch = 0;
}
static void too_many_targets(struct sample *s)
{
    s->plan.target_count = PLAN_TARGETS_MAX + 1;
}
static void too_many_shares(struct sample *s)
{
    s->targets[0].share_count = TARGET_SHARES_MAX + 1;
}

START_TEST(each_fault_of_a_target_is_refused_with_its_place)
{
    static const struct {
        void (*spoil)(struct sample *s);
        int code;
        const char *sentence;
    } rows[] = {
        {id_twice, ERR_INVALID, "targets[1].id: \"HP1\" is the id of targets[0] already"},
        {no_title, ERR_INVALID, "targets[0].title: is empty"},
        {no_unit, ERR_INVALID, "targets[0].unit: \"\" is not 1 to 32"},
        {unknown_indicator, ERR_INVALID, "targets[0].indicator: \"members\" is no indicator"},
        {nothing_to_do, ERR_INVALID, "targets[0].lower: 0 is reached by doing nothing"},
        {more_than_any_figure, ERR_LIMIT, "targets[0].lower: 100000000000001 is above"},
        {more_than_all, ERR_LIMIT, "targets[1].lower: 1000001 is above 1000000, which is all"},
        {stretch_below, ERR_INVALID, "targets[0].stretch: 99 is not between the lower bound 100"},
        {due_early, ERR_INVALID, "targets[0].due: 2024-09-04 is before 2024-09-05"},
        {no_start, ERR_INVALID, "targets[0].start: is no day from 1900-01-01"},
        {suspended_backwards, ERR_INVALID, "targets[0].suspended[1].to: 2024-09-13 is before"},
        {suspended_twice, ERR_INVALID, "targets[0].suspended[1].from: 2024-09-09 is not after"},
        {suspended_outside, ERR_INVALID,
         "targets[0].suspended[1]: 2024-10-05 to 2024-10-06 is not within the target's own days"},
        {suspended_throughout, ERR_INVALID, "targets[0].suspended: no day is left"},
        {too_many_suspensions, ERR_LIMIT, "targets[0].suspended: 9 of them"},
        {heavy_weekend, ERR_LIMIT, "targets[0].weekend_permille: 10001 is more than 10000"},
        {share_of_a_ratio, ERR_INVALID, "targets[1].shares: \"share\" is a ratio"},
        {share_twice, ERR_INVALID, "targets[0].shares[1].unit: \"1\" is not after \"1\""},
        {share_negative, ERR_INVALID, "targets[0].shares[0].lower: -1 of unit 1"},
        {share_above_the_whole, ERR_INVALID, "targets[0].shares[0].lower: 101 of unit 1"},
        {share_stretch_below, ERR_INVALID, "targets[0].shares[0].stretch: 29 of unit 1"},
        {share_stretch_of_none, ERR_INVALID, "targets[0].shares[0].stretch: the target has none"},
        {too_many_targets, ERR_LIMIT, "targets: 257 of them: a plan has at most 256"},
        {too_many_shares, ERR_LIMIT, "targets[0].shares: 16385 of them"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample s;
        struct err err = {0};
        make_sample(&s);
        ck_assert_msg(plan_check(&s.plan, &err) == 0, "%s", err.text);
        rows[i].spoil(&s);
        int rc = plan_check(&s.plan, &err);
        ck_assert_msg(rc == rows[i].code &&
                          strncmp(err.text, rows[i].sentence, strlen(rows[i].sentence)) == 0,
                      "%d: %s\n  instead of %s", rc, err.text, rows[i].sentence);
    }
}
END_TEST

START_TEST(targets_change_no_sum)
{
    struct sample with, without;
    make_sample(&with);
    make_sample(&without);
    without.plan.target_count = 0;
    ck_assert(plan_counts_alike(&with.plan, &without.plan));
}
END_TEST

START_TEST(a_copy_has_targets_of_its_own)
{
    struct sample s;
    char title[] = "Công dân";
    make_sample(&s);
    s.targets[0].title = title;
    struct plan *copy = plan_copy(&s.plan);
    memset(title, 'x', sizeof title - 1);
    memset(s.targets, 0, sizeof s.targets);
    memset(s.shares, 0, sizeof s.shares);
    ck_assert_str_eq(copy->targets[0].title, "Công dân");
    ck_assert_str_eq(copy->targets[0].clause, "III.3");
    ck_assert_int_eq(plan_check(copy, NULL), 0);
    ck_assert_int_eq(target_share_find(&copy->targets[0], slice_str("320"))->lower, 39);
    ck_assert_ptr_null(target_share_find(&copy->targets[0], slice_str("319")));
    ck_assert_ptr_null(target_share_find(&copy->targets[1], slice_str("320")));
    plan_destroy(copy);
}
END_TEST

/* ---- on the tree ---- */

static struct unit_span span(const char *code, day_t to, uint8_t level, const char *parent)
{
    return (struct unit_span){id(code), SEP_5 - 400, to, "Xã", "Xã", level, id(parent), false};
}

/* 312 has two communes, 318 is an island, 320 has one commune without a share, 319 has ended. */
static struct registry *province(void)
{
    struct unit_span spans[] = {
        span("31", DAY_NEVER, 1, ""),    span("312", DAY_NEVER, 2, "31"),
        span("318", DAY_NEVER, 2, "31"), span("319", OCT_5 - 1, 2, "31"),
        span("320", DAY_NEVER, 2, "31"), span("1", DAY_NEVER, 3, "312"),
        span("2", DAY_NEVER, 3, "312"),  span("3", DAY_NEVER, 3, "320"),
        span("79", DAY_NEVER, 1, ""),
    };
    struct catalogue_spec spec = {spans, sizeof spans / sizeof *spans, NULL, 0};
    struct registry *r = registry_create();
    struct err err = {0};
    ck_assert_msg(registry_apply_catalogue(r, &spec, &err) == 0, "%s", err.text);
    return r;
}

static void scope_unknown(struct sample *s)
{
    s->targets[1].unit = id("99");
}
static void share_of_no_unit(struct sample *s)
{
    s->shares[4].unit = id("321");
}
static void share_of_one_that_ended(struct sample *s)
{
    s->shares[3].unit = id("319");
}
static void share_below_one_without(struct sample *s)
{
    s->shares[0].unit = id("3");
    s->targets[0].share_count = 1;
}
static void share_of_another_province(struct sample *s)
{
    s->shares[4].unit = id("79");
}
static void share_of_the_scope(struct sample *s)
{
    s->targets[0].unit = id("312");
}
static void districts_fall_short(struct sample *s)
{
    s->shares[4].lower = 38;
}
static void communes_are_too_much(struct sample *s)
{
    s->shares[1].stretch = 36;
}

START_TEST(shares_must_add_up_on_the_tree_of_the_due_day)
{
    static const struct {
        void (*spoil)(struct sample *s);
        int code;
        const char *sentence;
    } rows[] = {
        {scope_unknown, ERR_NOT_FOUND, "targets[1].unit: \"99\" is no unit of the catalogue"},
        {share_of_no_unit, ERR_NOT_FOUND,
         "targets[0].shares: no unit bears the code 321 on 2024-10-05, the day it is due"},
        {share_of_one_that_ended, ERR_NOT_FOUND, "targets[0].shares: no unit bears the code 319"},
        {share_below_one_without, ERR_INVALID,
         "targets[0].shares: unit 3 is neither just below 31"},
        {share_of_another_province, ERR_INVALID, "targets[0].shares: unit 79 is neither just"},
        {share_of_the_scope, ERR_INVALID, "targets[0].shares: unit 312 is neither just below 312"},
        {districts_fall_short, ERR_INVALID,
         "targets[0].shares: the lower bounds just below 31 come to 99, which is not its own 100"},
        {communes_are_too_much, ERR_INVALID,
         "targets[0].shares: the stretch bounds just below 312 come to 71, which is not its own "
         "70"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample s;
        struct err err = {0};
        struct registry *r = province();
        make_sample(&s);
        rows[i].spoil(&s);
        int rc = registry_apply_plan(r, &s.plan, &err);
        ck_assert_msg(rc == rows[i].code &&
                          strncmp(err.text, rows[i].sentence, strlen(rows[i].sentence)) == 0,
                      "%d: %s\n  instead of %s", rc, err.text, rows[i].sentence);
        ck_assert_uint_eq(registry_plan_count(r), 0);
        registry_destroy(r);
    }
}
END_TEST

static bool targeted(const struct registry *r, const char *indicator)
{
    return registry_is_targeted(r, registry_indicator_find(r, slice_str(indicator)));
}

START_TEST(what_a_target_names_is_targeted_as_long_as_it_does)
{
    struct sample s;
    struct err err = {0};
    struct registry *r = province();
    make_sample(&s);
    ck_assert_msg(registry_apply_plan(r, &s.plan, &err) == 0, "%s", err.text);
    ck_assert(targeted(r, "registered"));
    ck_assert_msg(targeted(r, "people") && targeted(r, "share"), "a ratio's parts are");
    ck_assert_int_eq(registry_plan(r, 0)->targets[0].shares[4].lower, 39);
    s.plan.version = 2;
    s.plan.target_count = 1;
    ck_assert_msg(registry_counts_alike(r, &s.plan), "targets alone change no sum");
    ck_assert_msg(registry_apply_plan(r, &s.plan, &err) == 0, "%s", err.text);
    ck_assert(targeted(r, "registered"));
    ck_assert(!targeted(r, "people") && !targeted(r, "share"));
    registry_destroy(r);
}
END_TEST

SUITE_MAIN("plan_target", each_fault_of_a_target_is_refused_with_its_place, targets_change_no_sum,
           a_copy_has_targets_of_its_own, shares_must_add_up_on_the_tree_of_the_due_day,
           what_a_target_names_is_targeted_as_long_as_it_does)
