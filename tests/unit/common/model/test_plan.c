#include "common/model/observation.h"
#include "common/model/plan.h"
#include "tests/support/suite.h"

#include <stdio.h>

enum {
    SEP_2024 = 19967, /* 2024-09-01 */
    OCT_2024 = 19997, /* 2024-10-01 */
};

static struct ident id(const char *text)
{
    struct ident out = {""};
    if (text[0] != '\0')
        ck_assert_msg(ident_set(&out, slice_str(text)), "%s", text);
    return out;
}

/* A plan without a fault: a stock, a tally and their ratio. Each test breaks one thing. */
struct sample {
    struct plan plan;
    struct source sources[3];
    struct indicator indicators[4];
    struct duty duties[3];
};

static struct indicator counted(const char *name, enum indicator_kind kind,
                                enum indicator_entry entry)
{
    struct indicator one = {.id = id(name),
                            .name = "Số công dân đăng ký",
                            .kind = kind,
                            .entry = entry,
                            .measure = id("persons"),
                            .maximum = OBSERVATION_VALUE_MAX,
                            .reporters = REPORTS_LEAF,
                            .period = PERIOD_DAY,
                            .record_count = 1};
    one.records[0] = (struct source_of_record){SEP_2024, id("association")};
    return one;
}

static struct indicator ratio(void)
{
    return (struct indicator){.id = id("share"),
                              .name = "Tỷ lệ",
                              .kind = INDICATOR_RATIO,
                              .numerator = id("registered"),
                              .denominator = id("classes")};
}

static void make_sample(struct sample *s)
{
    *s = (struct sample){
        .sources = {{id("association"), "Hội Khuyến học"}, {id("education"), "Sở GD&ĐT"}},
        .indicators = {counted("registered", INDICATOR_STOCK, ENTRY_SET),
                       counted("classes", INDICATOR_FLOW, ENTRY_TALLY), ratio()},
        .duties = {{id("registered"), SEP_2024, SEP_2024 + 29, 1},
                   {id("registered"), OCT_2024, OCT_2024 + 4, 0}}};
    s->plan = (struct plan){.id = id("hp-204"),
                            .version = 1,
                            .title = "Tháng Khuyến học",
                            .root = id("31"),
                            .from = SEP_2024,
                            .to = OCT_2024 + 4,
                            .sources = s->sources,
                            .source_count = 2,
                            .indicators = s->indicators,
                            .indicator_count = 3,
                            .duties = s->duties,
                            .duty_count = 2};
}

START_TEST(plan_without_a_fault_is_accepted)
{
    struct sample s;
    struct err err = {0};
    make_sample(&s);
    ck_assert_msg(plan_check(&s.plan, &err) == 0, "%s", err.text);
    s.indicators[0].reporters = 1u << 3 | 1u << 2;
    s.indicators[0].minimum = -OBSERVATION_VALUE_MAX;
    s.indicators[0].calendar = CALENDAR_ADMINISTRATIVE;
    s.plan.duty_count = 0;
    ck_assert_msg(plan_check(&s.plan, &err) == 0, "%s", err.text);
}
END_TEST

static void no_id(struct sample *s)
{
    s->plan.id = id("");
}
static void version_nought(struct sample *s)
{
    s->plan.version = 0;
}
static void no_title(struct sample *s)
{
    s->plan.title = "";
}
static void no_root(struct sample *s)
{
    s->plan.root = id("");
}
static void no_day(struct sample *s)
{
    s->plan.to = DAY_NEVER;
}
static void ends_early(struct sample *s)
{
    s->plan.to = SEP_2024 - 1;
}
static void source_miscoded(struct sample *s)
{
    memcpy(s->sources[1].id.text, "a b", sizeof "a b");
}
static void source_twice(struct sample *s)
{
    s->sources[1].id = s->sources[0].id;
}
static void source_nameless(struct sample *s)
{
    s->sources[0].name = NULL;
}
static void indicator_without_id(struct sample *s)
{
    s->indicators[1].id = id("");
}
static void indicator_twice(struct sample *s)
{
    s->indicators[2].id = id("registered");
}
static void indicator_nameless(struct sample *s)
{
    s->indicators[0].name = "";
}
static void kind_unknown(struct sample *s)
{
    s->indicators[0].kind = (enum indicator_kind)9;
}
static void entry_unknown(struct sample *s)
{
    s->indicators[0].entry = (enum indicator_entry)9;
}
static void tally_of_a_stock(struct sample *s)
{
    s->indicators[0].entry = ENTRY_TALLY;
}
static void measureless(struct sample *s)
{
    s->indicators[0].measure = id("");
}
static void above_all(struct sample *s)
{
    s->indicators[0].maximum = OBSERVATION_VALUE_MAX + 1;
}
static void below_all(struct sample *s)
{
    s->indicators[0].minimum = INT64_MIN;
}
static void bounds_crossed(struct sample *s)
{
    s->indicators[1].minimum = 6;
    s->indicators[1].maximum = 5;
}
static void nobody_reports(struct sample *s)
{
    s->indicators[0].reporters = 0;
}
static void leaf_and_level(struct sample *s)
{
    s->indicators[0].reporters = REPORTS_LEAF | 1u << 2;
}
static void level_too_deep(struct sample *s)
{
    s->indicators[0].reporters = 1u << 8;
}
static void period_unknown(struct sample *s)
{
    s->indicators[0].period = PERIOD_KIND_COUNT;
}
static void calendar_unknown(struct sample *s)
{
    s->indicators[0].calendar = (enum period_calendar)2;
}
static void administrative_week(struct sample *s)
{
    s->indicators[0].period = PERIOD_WEEK;
    s->indicators[0].calendar = CALENDAR_ADMINISTRATIVE;
}
static void no_record(struct sample *s)
{
    s->indicators[0].record_count = 0;
}
static void too_many_records(struct sample *s)
{
    s->indicators[0].record_count = INDICATOR_RECORDS_MAX + 1;
}
static void record_without_day(struct sample *s)
{
    s->indicators[0].records[0].from = DAY_LAST + 1;
}
static void records_out_of_order(struct sample *s)
{
    s->indicators[0].record_count = 2;
    s->indicators[0].records[1] = s->indicators[0].records[0];
}
static void record_of_a_stranger(struct sample *s)
{
    s->indicators[1].records[0].source = id("nobody");
}
static void ratio_part_of_a_stock(struct sample *s)
{
    s->indicators[0].denominator = id("classes");
}
static void ratio_of_nothing(struct sample *s)
{
    s->indicators[2].denominator = id("");
}
static void ratio_of_a_stranger(struct sample *s)
{
    s->indicators[2].numerator = id("population");
}
static void ratio_of_a_ratio(struct sample *s)
{
    s->indicators[2].numerator = id("share");
}
static void ratio_to_itself(struct sample *s)
{
    s->indicators[2].denominator = id("registered");
}
static void ratio_with_record(struct sample *s)
{
    s->indicators[2].record_count = 1;
    s->indicators[2].records[0] = s->indicators[0].records[0];
}
static void duty_of_a_stranger(struct sample *s)
{
    s->duties[1].indicator = id("members");
}
static void duty_of_a_ratio(struct sample *s)
{
    s->duties[1].indicator = id("share");
}
static void due_too_late(struct sample *s)
{
    s->duties[0].due_days = 367;
}
static void duty_ends_early(struct sample *s)
{
    s->duties[1].to = OCT_2024 - 1;
}
static void duty_without_day(struct sample *s)
{
    s->duties[1].from = DAY_FIRST - 1;
}
static void duties_overlap(struct sample *s)
{
    s->duties[1].from = SEP_2024 + 29;
}
static void too_many_sources(struct sample *s)
{
    s->plan.source_count = PLAN_SOURCES_MAX + 1;
}
static void too_many_indicators(struct sample *s)
{
    s->plan.indicator_count = PLAN_INDICATORS_MAX + 1;
}
static void too_many_duties(struct sample *s)
{
    s->plan.duty_count = PLAN_DUTIES_MAX + 1;
}

START_TEST(each_fault_is_refused_with_its_place)
{
    static const struct {
        void (*spoil)(struct sample *s);
        int code;
        const char *sentence;
    } rows[] = {
        {no_id, ERR_INVALID, "id: \"\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {version_nought, ERR_INVALID, "version: is 0: versions count from 1"},
        {no_title, ERR_INVALID, "title: is empty: people need something to read there"},
        {no_root, ERR_INVALID, "root: \"\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {no_day, ERR_INVALID, "to: is no day from 1900-01-01 to 2199-12-31"},
        {ends_early, ERR_INVALID, "to: 2024-08-31 is before 2024-09-01, the day it begins"},
        {source_miscoded, ERR_INVALID,
         "sources[1].id: \"a b\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {source_twice, ERR_INVALID,
         "sources[1].id: \"association\" is the id of sources[0] already"},
        {source_nameless, ERR_INVALID,
         "sources[0].name: is empty: people need something to read there"},
        {indicator_without_id, ERR_INVALID,
         "indicators[1].id: \"\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {indicator_twice, ERR_INVALID,
         "indicators[2].id: \"registered\" is the id of indicators[0] already"},
        {indicator_nameless, ERR_INVALID,
         "indicators[0].name: is empty: people need something to read there"},
        {kind_unknown, ERR_INVALID, "indicators[0].kind: is not flow, stock or ratio"},
        {entry_unknown, ERR_INVALID, "indicators[0].entry: is not set or tally"},
        {tally_of_a_stock, ERR_INVALID,
         "indicators[0].entry: only a flow can be a tally, as only amounts add up"},
        {measureless, ERR_INVALID,
         "indicators[0].measure: \"\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {above_all, ERR_LIMIT,
         "indicators[0].maximum: 100000000000001 is beyond 100000000000000, the largest figure "
         "there "
         "is"},
        {below_all, ERR_LIMIT,
         "indicators[0].minimum: -9223372036854775808 is beyond -100000000000000, the largest "
         "figure "
         "there is"},
        {bounds_crossed, ERR_INVALID, "indicators[1].maximum: 5 is below the minimum 6"},
        {nobody_reports, ERR_INVALID,
         "indicators[0].reports: say either leaf or levels from 0 to 7, so that a unit and those "
         "below it are not both added"},
        {leaf_and_level, ERR_INVALID,
         "indicators[0].reports: say either leaf or levels from 0 to 7, so that a unit and those "
         "below it are not both added"},
        {level_too_deep, ERR_INVALID,
         "indicators[0].reports: say either leaf or levels from 0 to 7, so that a unit and those "
         "below it are not both added"},
        {period_unknown, ERR_INVALID, "indicators[0].period: is no kind of period"},
        {calendar_unknown, ERR_INVALID, "indicators[0].calendar: is not civil or administrative"},
        {administrative_week, ERR_INVALID,
         "indicators[0].calendar: the administrative calendar has no weeks: take the civil one"},
        {no_record, ERR_INVALID, "indicators[0].records: is empty: say whose figures count"},
        {too_many_records, ERR_LIMIT,
         "indicators[0].records: 17 of them: an indicator has at most 16"},
        {record_without_day, ERR_INVALID,
         "indicators[0].records[0].from: is no day from 1900-01-01 to 2199-12-31"},
        {records_out_of_order, ERR_INVALID,
         "indicators[0].records[1].from: 2024-09-01 is not after 2024-09-01, where the one before "
         "begins: put them in order of day"},
        {record_of_a_stranger, ERR_INVALID,
         "indicators[1].records[0].source: \"nobody\" is no source of this plan: add it to "
         "sources"},
        {ratio_part_of_a_stock, ERR_INVALID,
         "indicators[0].denominator: only a ratio has one: leave it out, or make the kind ratio"},
        {ratio_of_nothing, ERR_INVALID,
         "indicators[2].denominator: \"\" is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {ratio_of_a_stranger, ERR_INVALID,
         "indicators[2].numerator: \"population\" is no indicator of this plan: add it to "
         "indicators"},
        {ratio_of_a_ratio, ERR_INVALID,
         "indicators[2].numerator: \"share\" is a ratio itself: take the counts it is made of"},
        {ratio_to_itself, ERR_INVALID,
         "indicators[2].denominator: \"registered\" is the numerator too: it would always be 100%"},
        {ratio_with_record, ERR_INVALID,
         "indicators[2].records: a ratio has none: those of its numerator and denominator hold"},
        {duty_of_a_stranger, ERR_INVALID,
         "duties[1].indicator: \"members\" is no indicator of this plan: add it to indicators"},
        {duty_of_a_ratio, ERR_INVALID,
         "duties[1].indicator: \"share\" is a ratio, which nobody reports: owe its numerator and "
         "denominator"},
        {due_too_late, ERR_LIMIT, "duties[0].due_days: 367 is more than 366"},
        {duty_ends_early, ERR_INVALID,
         "duties[1].to: 2024-09-30 is before 2024-10-01, the day it begins"},
        {duty_without_day, ERR_INVALID, "duties[1].from: is no day from 1900-01-01 to 2199-12-31"},
        {duties_overlap, ERR_INVALID,
         "duties[1]: overlaps duties[0] of \"registered\": a report would be owed twice"},
        {too_many_sources, ERR_LIMIT, "sources: 257 of them: a plan has at most 256"},
        {too_many_indicators, ERR_LIMIT, "indicators: 1025 of them: a plan has at most 1024"},
        {too_many_duties, ERR_LIMIT, "duties: 4097 of them: a plan has at most 4096"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample s;
        struct err err = {0};
        make_sample(&s);
        rows[i].spoil(&s);
        int rc = plan_check(&s.plan, &err);
        ck_assert_msg(rc == rows[i].code, "%d for: %s", rc, rows[i].sentence);
        ck_assert_str_eq(err.text, rows[i].sentence);
    }
}
END_TEST

START_TEST(record_holds_from_its_day_to_the_next)
{
    struct indicator one = counted("registered", INDICATOR_STOCK, ENTRY_SET);
    one.record_count = 2;
    one.records[1] = (struct source_of_record){OCT_2024, id("software")};
    ck_assert_ptr_null(indicator_record_on(&one, SEP_2024 - 1));
    ck_assert_str_eq(indicator_record_on(&one, SEP_2024)->source.text, "association");
    ck_assert_str_eq(indicator_record_on(&one, OCT_2024 - 1)->source.text, "association");
    ck_assert_str_eq(indicator_record_on(&one, OCT_2024)->source.text, "software");
    ck_assert_str_eq(indicator_record_on(&one, DAY_NEVER)->source.text, "software");
    one.record_count = 0;
    ck_assert_ptr_null(indicator_record_on(&one, OCT_2024));
}
END_TEST

static void other_words(struct sample *s)
{
    s->plan.version++;
    s->plan.title = "Tên khác";
    s->plan.document = "123/KH-UBND";
    s->plan.to++;
    s->sources[0].name = "Tên khác";
    s->indicators[0].name = "Tên khác";
    s->indicators[0].measure = id("families");
    s->indicators[0].minimum = 1;
    s->indicators[0].maximum = 2;
}
static void one_indicator_less(struct sample *s)
{
    s->plan.indicator_count--;
}
static void other_indicator(struct sample *s)
{
    s->indicators[0].id = id("another");
}
static void other_kind(struct sample *s)
{
    s->indicators[0].kind = INDICATOR_FLOW;
}
static void other_entry(struct sample *s)
{
    s->indicators[1].entry = ENTRY_SET;
}
static void other_reporters(struct sample *s)
{
    s->indicators[0].reporters = 1u << 3;
}
static void other_period(struct sample *s)
{
    s->indicators[0].period = PERIOD_MONTH;
}
static void other_calendar(struct sample *s)
{
    s->indicators[0].calendar = CALENDAR_ADMINISTRATIVE;
}
static void other_record_source(struct sample *s)
{
    s->indicators[0].records[0].source = id("education");
}
static void other_record_day(struct sample *s)
{
    s->indicators[0].records[0].from++;
}
static void one_record_more(struct sample *s)
{
    s->indicators[0].records[s->indicators[0].record_count++] =
        (struct source_of_record){OCT_2024, id("education")};
}
static void other_numerator(struct sample *s)
{
    s->indicators[2].numerator = id("classes");
}
static void other_denominator(struct sample *s)
{
    s->indicators[2].denominator = id("registered");
}
static void one_duty_less(struct sample *s)
{
    s->plan.duty_count--;
}
static void other_duty_indicator(struct sample *s)
{
    s->duties[0].indicator = id("classes");
}
static void other_duty_from(struct sample *s)
{
    s->duties[0].from++;
}
static void other_duty_to(struct sample *s)
{
    s->duties[0].to++;
}
static void other_due(struct sample *s)
{
    s->duties[0].due_days++;
}

START_TEST(plans_count_alike_when_only_words_and_bounds_differ)
{
    static const struct {
        void (*change)(struct sample *s);
        bool alike;
        const char *reason;
    } rows[] = {
        {other_words, true, "words, bounds, version"},
        {one_indicator_less, false, "an indicator less"},
        {other_indicator, false, "another indicator"},
        {other_kind, false, "kind"},
        {other_entry, false, "entry"},
        {other_reporters, false, "who reports"},
        {other_period, false, "period"},
        {other_calendar, false, "calendar"},
        {other_record_source, false, "source of record"},
        {other_record_day, false, "day of a source of record"},
        {one_record_more, false, "a source of record more"},
        {other_numerator, false, "numerator"},
        {other_denominator, false, "denominator"},
        {one_duty_less, false, "a duty less"},
        {other_duty_indicator, false, "a duty's indicator"},
        {other_duty_from, false, "a duty's first day"},
        {other_duty_to, false, "a duty's last day"},
        {other_due, false, "when a duty is due, which coverage tells on time from late by"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sample before, after;
        make_sample(&before);
        make_sample(&after);
        rows[i].change(&after);
        ck_assert_msg(plan_counts_alike(&before.plan, &after.plan) == rows[i].alike, "%s",
                      rows[i].reason);
        ck_assert_msg(plan_counts_alike(&after.plan, &before.plan) == rows[i].alike, "%s, back",
                      rows[i].reason);
    }
}
END_TEST

START_TEST(copy_outlives_what_it_was_made_of)
{
    struct sample s;
    char name[] = "Số lớp";
    make_sample(&s);
    s.indicators[1].name = name;
    s.plan.document = NULL;
    struct plan *copy = plan_copy(&s.plan);
    memset(name, 'x', sizeof name - 1);
    memset(s.duties, 0, sizeof s.duties);
    ck_assert_str_eq(copy->indicators[1].name, "Số lớp");
    ck_assert_ptr_null(copy->document);
    ck_assert_int_eq(copy->duties[1].from, OCT_2024);
    ck_assert_int_eq(plan_check(copy, NULL), 0);
    plan_destroy(copy);
    plan_destroy(NULL);
}
END_TEST

SUITE_MAIN("plan", plan_without_a_fault_is_accepted, each_fault_is_refused_with_its_place,
           record_holds_from_its_day_to_the_next,
           plans_count_alike_when_only_words_and_bounds_differ, copy_outlives_what_it_was_made_of)
