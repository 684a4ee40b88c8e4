#include "tests/support/suite.h"

#include "services/notifier/pace_core.h"

/* September 2024: 2 is a Monday. Targets begin on Monday 2 and end on Sunday 29: four weeks. */
enum { DAYS = 29, FIRST = 19968, DUE = FIRST + 27, ALL = 400 };

static struct target target_of(unsigned weekend_permille)
{
    return (struct target){
        .start = FIRST, .due = DUE, .lower = ALL, .weekend_permille = weekend_permille};
}

/* A unit that reports each day, on time, `weekday` and `weekend` a day, up to `today`. */
static void live(struct pace_day days[DAYS], unsigned count, int64_t weekday, int64_t weekend)
{
    int64_t level = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            level += day_weekday(FIRST - 1 + (day_t)i) >= 6 ? weekend : weekday;
        days[i] = (struct pace_day){true, level, i > 0, i > 0};
    }
}

static struct pace judge_kind(const struct target *t, enum indicator_kind kind,
                              const struct pace_day *days, unsigned count)
{
    struct pace out;
    pace_judge(&(struct pace_input){.target = t,
                                    .lower = ALL,
                                    .kind = kind,
                                    .today = FIRST - 1 + (day_t)count - 1,
                                    .days = days,
                                    .day_count = count},
               &out);
    return out;
}

static struct pace judge(const struct target *t, const struct pace_day *days, unsigned count)
{
    return judge_kind(t, INDICATOR_STOCK, days, count);
}

START_TEST(the_path_weighs_weekends_and_suspended_days)
{
    struct target t = target_of(250);
    t.suspended[0] = (struct day_range){FIRST + 7, FIRST + 8};
    t.suspended_count = 1;
    static const struct {
        int day;
        unsigned weight;
        const char *why;
    } rows[] = {
        {0, 1000, "a Monday"},
        {5, 250, "a Saturday"},
        {6, 250, "a Sunday"},
        {7, 0, "suspended"},
        {8, 0, "suspended, the last day"},
        {9, 1000, "the day after"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(pace_weight(&t, FIRST + rows[i].day) == rows[i].weight, "%s: %u", rows[i].why,
                      pace_weight(&t, FIRST + rows[i].day));
    ck_assert_int_eq(pace_weight_between(&t, t.start, t.due), 18 * 1000 + 8 * 250);
}
END_TEST

START_TEST(expected_and_needed_follow_the_path)
{
    struct target t = target_of(0); /* twenty weekdays, twenty a day */
    struct pace_day days[DAYS];
    live(days, DAYS, 10, 0);
    struct pace p = judge(&t, days, 13); /* Friday of the second week */
    ck_assert_int_eq(p.judged, FIRST + 11);
    ck_assert_int_eq(p.level, 100);
    ck_assert_int_eq(p.expected, 200);
    ck_assert_int_eq(p.rate, 10 * 1000);
    ck_assert_int_eq(p.projected, 200);
    ck_assert_int_eq(p.needed, 30);
    ck_assert_int_eq(p.weekdays_left, 10);
}
END_TEST

START_TEST(an_opening_balance_belongs_to_the_count)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    live(days, DAYS, 10, 0);
    for (unsigned i = 0; i < DAYS; i++)
        days[i].level += 200;
    struct pace p = judge(&t, days, 13);
    ck_assert_int_eq(p.opening, 200);
    ck_assert_int_eq(p.expected, 300);
    ck_assert_int_eq(p.projected, 400);
    ck_assert(p.safe && !p.risk && !p.behind);
}
END_TEST

START_TEST(no_forecast_before_there_is_history_enough)
{
    static const struct {
        unsigned days;
        bool forecast;
        const char *why;
    } rows[] = {
        {1, false, "nothing but the opening balance"},
        {7, false, "six days of reports"},
        {8, true, "seven days of reports, a quarter of the path"},
    };
    struct target t = target_of(250);
    struct pace_day days[DAYS];
    live(days, DAYS, 1, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pace p = judge(&t, days, rows[i].days);
        ck_assert_msg(p.has_forecast == rows[i].forecast, "%s", rows[i].why);
        ck_assert_msg(!p.behind, "%s: nobody is behind so early", rows[i].why);
    }
}
END_TEST

START_TEST(days_not_reported_are_not_zero)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    live(days, DAYS, 20, 0);
    for (unsigned i = 10; i < 13; i++) { /* the level is carried, no report has come */
        days[i].level = days[9].level;
        days[i].reported = 0;
    }
    struct pace p = judge(&t, days, 13);
    ck_assert_int_eq(p.judged, FIRST + 8);
    ck_assert_int_eq(p.level, 140);
    ck_assert_int_eq(p.expected, 140);
    ck_assert_int_eq(p.expected_today, 200);
    ck_assert_int_eq(p.rate, 20 * 1000);
    ck_assert_int_eq(p.projected, ALL);
}
END_TEST

START_TEST(one_report_after_days_of_silence_is_spread_over_them)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    live(days, DAYS, 20, 0);
    for (unsigned i = 8; i < 12; i++) {
        days[i].level = days[7].level;
        days[i].reported = 0;
    }
    struct pace p = judge(&t, days, 13); /* one report brings five days at once */
    ck_assert_int_eq(p.level, 200);
    ck_assert_int_eq(p.rate, 20 * 1000);
    ck_assert_int_eq(p.projected, ALL);
}
END_TEST

START_TEST(half_the_reports_are_no_day_to_judge_by)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    live(days, DAYS, 20, 0);
    for (unsigned i = 1; i < DAYS; i++)
        days[i].owed = days[i].reported = 10;
    days[11].reported = 8;
    days[12].reported = 7;
    struct pace p = judge(&t, days, 13);
    ck_assert_int_eq(p.judged, FIRST + 10);
    ck_assert_uint_eq(p.reported, 8);
    ck_assert_uint_eq(p.owed, 10);
}
END_TEST

START_TEST(quiet_weekends_are_known_from_the_unit_itself)
{
    struct target t = target_of(1000); /* the plan expects seven days a week */
    struct pace_day days[DAYS];
    live(days, DAYS, 20, 0); /* the unit works on five */
    struct pace p = judge(&t, days, 22);
    ck_assert_int_eq(p.rate_weekend, 0);
    ck_assert_int_eq(p.projected, ALL);
    ck_assert(!p.behind);
}
END_TEST

START_TEST(one_pile_of_forms_does_not_stand_for_a_week)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    live(days, DAYS, 5, 0);
    for (unsigned i = 10; i < DAYS; i++)
        days[i].level += 150;
    struct pace p = judge(&t, days, 13);
    ck_assert_int_eq(p.rate, 5 * 1000);
    ck_assert_int_eq(p.projected, 50 + 150 + 50);
}
END_TEST

START_TEST(a_week_without_power_is_no_pace)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    live(days, DAYS, 24, 0);
    for (unsigned i = 8; i < DAYS; i++) /* from the second Monday on nothing, for three days */
        days[i].level = i < 11 ? days[7].level : days[i].level - 3 * 24;
    struct pace p = judge(&t, days, 15);
    ck_assert_int_eq(p.rate, 24 * 1000);
    ck_assert_int_eq(p.projected, 17 * 24);
    ck_assert(!p.behind && !p.risk);
}
END_TEST

START_TEST(behind_is_below_the_path_and_beyond_a_rush)
{
    static const struct {
        int64_t weekday;
        unsigned day;
        bool behind, risk;
        const char *why;
    } rows[] = {
        {20, 13, false, false, "on the path"},
        {19, 13, false, false, "a little below: the last weeks may well make it up"},
        {18, 13, false, false, "nine tenths: a usual rush would do"},
        {17, 13, false, true, "a usual rush would not: at risk, and told to nobody"},
        {18, 25, false, true, "nine tenths, with two days to go"},
        {15, 13, false, true, "three quarters: at risk, but a great rush would do"},
        {8, 13, true, true, "two fifths: no rush makes that up"},
        {8, 8, false, false, "the same after a week: too early for a verdict"},
        {12, 27, true, true, "three fifths near the end"},
        {30, 13, false, false, "far ahead"},
        {0, 13, true, true, "standing still"},
    };
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        live(days, DAYS, rows[i].weekday, 0);
        struct pace p = judge(&t, days, rows[i].day);
        ck_assert_msg(p.behind == rows[i].behind, "%s: behind %d, best %lld", rows[i].why, p.behind,
                      (long long)p.best);
        ck_assert_msg(p.risk == rows[i].risk, "%s: risk %d", rows[i].why, p.risk);
        ck_assert_msg(!(p.behind && p.clear) && !(p.risk && p.safe), "%s: both at once",
                      rows[i].why);
    }
}
END_TEST

START_TEST(the_days_of_mending_after_a_stoppage_are_no_pace_either)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    int64_t level = 0;
    for (unsigned i = 0; i < DAYS; i++) { /* Monday to Wednesday nothing, then two days by halves */
        bool weekday = day_weekday(FIRST - 1 + (day_t)i) < 6;
        level += i == 0 || !weekday || (i >= 8 && i <= 10) ? 0 : i == 11 || i == 12 ? 12 : 24;
        days[i] = (struct pace_day){true, level, i > 0, i > 0};
    }
    struct pace p = judge(&t, days, 18); /* by then five of seven days lie in or after the storm */
    ck_assert_int_eq(p.rate, 24 * 1000);
    ck_assert_int_eq(p.projected, p.level + 7 * 24);
}
END_TEST

START_TEST(nobody_is_behind_once_the_due_day_is_over)
{
    static const struct {
        unsigned reported; /* days of which reports have come */
        day_t today;
        bool behind;
        const char *why;
    } rows[] = {
        {26, DUE - 1, true, "the last Friday is known: two days are left to do something"},
        {26, DUE, true, "the due day itself"},
        {26, DUE + 1, false, "it is over, though its reports have not come"},
        {28, DUE + 1, false, "it is over, and all have come"},
        {28, DUE, false, "the last day is known already"},
    };
    struct target t = target_of(250);
    struct pace_day days[DAYS];
    struct pace p;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        live(days, DAYS, 4, 1);
        for (unsigned k = rows[i].reported + 1; k < DAYS; k++)
            days[k].reported = 0;
        day_t last = rows[i].today < DUE ? rows[i].today : DUE;
        pace_judge(&(struct pace_input){.target = &t,
                                        .lower = ALL,
                                        .kind = INDICATOR_STOCK,
                                        .today = rows[i].today,
                                        .days = days,
                                        .day_count = (unsigned)(last - FIRST) + 2},
                   &p);
        ck_assert_msg(p.behind == rows[i].behind, "%s: behind %d", rows[i].why, p.behind);
    }
}
END_TEST

START_TEST(where_no_weekday_is_left_all_that_is_missing_is_needed)
{
    struct target t = target_of(250);
    struct pace_day days[DAYS];
    live(days, DAYS, 10, 2);
    struct pace p = judge(&t, days, 27); /* the last Friday */
    ck_assert_uint_eq(p.weekdays_left, 0);
    ck_assert_int_eq(p.needed, ALL - p.level);
}
END_TEST

START_TEST(who_has_reached_the_share_is_safe)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    for (unsigned i = 0; i < DAYS; i++) /* all of it at once, and nothing since */
        days[i] = (struct pace_day){true, i < 5 ? 0 : ALL, i > 0, i > 0};
    for (unsigned count = 6; count <= DAYS; count++) {
        struct pace p = judge(&t, days, count);
        ck_assert_msg(!p.risk && !p.behind, "day %u: risk %d, behind %d", count, p.risk, p.behind);
        ck_assert_msg(!p.has_forecast || p.safe, "day %u: not safe", count);
    }
}
END_TEST

START_TEST(of_a_small_share_chance_is_granted)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS];
    struct pace p;
    live(days, DAYS, 0, 0);
    for (unsigned i = 3; i < DAYS; i++) /* two of ten after two weeks */
        days[i].level = i < 9 ? 1 : 2;
    pace_judge(&(struct pace_input){.target = &t,
                                    .lower = 10,
                                    .kind = INDICATOR_STOCK,
                                    .today = FIRST + 11,
                                    .days = days,
                                    .day_count = 13},
               &p);
    ck_assert(!p.behind);
}
END_TEST

START_TEST(a_flow_is_filled_in_where_reports_are_missing)
{
    struct target t = target_of(0);
    struct pace_day days[DAYS] = {0};
    for (unsigned i = 1; i < DAYS; i++) {
        bool weekday = day_weekday(FIRST - 1 + (day_t)i) < 6;
        days[i] = (struct pace_day){true, weekday ? 20 : 0, 10, 10};
    }
    days[3].reported = 8; /* sixteen of the twenty */
    days[3].level = 16;
    days[4].reported = 2; /* hardly any */
    days[4].level = 3;
    struct pace p = judge_kind(&t, INDICATOR_FLOW, days, 13);
    ck_assert_int_eq(p.actual, 200 - 4 - 17);
    ck_assert_int_eq(p.level, 200);
    ck_assert(p.filled);
    ck_assert_int_eq(p.projected, ALL);
}
END_TEST

START_TEST(the_largest_figures_do_not_overflow)
{
    struct target t = target_of(1000);
    struct pace_day days[DAYS];
    struct pace p;
    for (unsigned i = 0; i < DAYS; i++)
        days[i] = (struct pace_day){true, i % 2 == 0 ? INT64_MAX : INT64_MIN, 1, 1};
    for (int kind = INDICATOR_FLOW; kind <= INDICATOR_RATIO; kind++)
        pace_judge(&(struct pace_input){.target = &t,
                                        .lower = INT64_C(100000000000000),
                                        .kind = (enum indicator_kind)kind,
                                        .sparse = kind == INDICATOR_RATIO,
                                        .today = DUE,
                                        .days = days,
                                        .day_count = DAYS},
                   &p);
    ck_assert_int_le(p.level, INT64_C(100000000000000));
}
END_TEST

SUITE_MAIN("pace", the_path_weighs_weekends_and_suspended_days, expected_and_needed_follow_the_path,
           an_opening_balance_belongs_to_the_count, no_forecast_before_there_is_history_enough,
           days_not_reported_are_not_zero, one_report_after_days_of_silence_is_spread_over_them,
           half_the_reports_are_no_day_to_judge_by, quiet_weekends_are_known_from_the_unit_itself,
           one_pile_of_forms_does_not_stand_for_a_week, a_week_without_power_is_no_pace,
           the_days_of_mending_after_a_stoppage_are_no_pace_either,
           behind_is_below_the_path_and_beyond_a_rush, nobody_is_behind_once_the_due_day_is_over,
           where_no_weekday_is_left_all_that_is_missing_is_needed,
           who_has_reached_the_share_is_safe, of_a_small_share_chance_is_granted,
           a_flow_is_filled_in_where_reports_are_missing, the_largest_figures_do_not_overflow)
