#include "tests/support/suite.h"

#include "tests/unit/services/notifier/campaign.h"

/* Whole campaigns through the notifier, from seeds. What it must be: right, early and rare. */

static const int hours[] = {0, 8, 12, 17}; /* of a day's ticks */

struct findings {
    int wrong;                  /* units called behind that reach their share in the end */
    int wrong_above;            /* of them, the province and districts */
    int reached;                /* units that reach their share */
    int behind;                 /* units called behind */
    int first[CAMPAIGN_UNITS];  /* hour of the first time, from day 0 on, or CAMPAIGN_NEVER */
    int ends[CAMPAIGN_UNITS];   /* percent of the share, at the end */
    int silent[CAMPAIGN_UNITS]; /* times its district was told that it has not reported */
    int told;                   /* messages */
    enum alert_state last[CAMPAIGN_UNITS];
};

static int unit_index(const struct campaign *c, const char *code)
{
    for (int i = 0; i < CAMPAIGN_UNITS; i++)
        if (strcmp(c->codes[i], code) == 0)
            return i;
    return -1;
}

struct looking {
    const struct campaign *c;
    struct findings *f;
};

static bool reaches(const struct campaign *c, int unit)
{
    return c->truth[unit][CAMPAIGN_DAYS - 1] >= c->lower[unit];
}

static bool is_to_district(const struct notifier_decision *d)
{
    static const char prefix[] = "quanhuyen.";
    return d->reason == REASON_TOLD && d->recipient.len > sizeof prefix - 1 &&
           memcmp(d->recipient.data, prefix, sizeof prefix - 1) == 0;
}

/* A line without a move is told late, or a message about several others: it says nothing new of its
 * own unit. */
static bool look_at_decision(void *arg, const struct notifier_decision *d)
{
    struct looking *l = arg;
    struct findings *f = l->f;
    int unit = unit_index(l->c, d->unit.text);
    f->told += d->reason == REASON_TOLD;
    f->silent[unit] += is_to_district(d) && d->tell == TELL_SILENT;
    if (d->from == d->to)
        return true;
    f->last[unit] = d->to;
    if (d->tell != TELL_BEHIND || f->first[unit] != CAMPAIGN_NEVER)
        return true;
    f->first[unit] = (int)((d->tick_ms - day_start_ms(CAMPAIGN_START - 1)) / 3600000);
    f->behind++;
    f->wrong += reaches(l->c, unit);
    f->wrong_above += reaches(l->c, unit) && unit <= CAMPAIGN_DISTRICTS;
    return true;
}

static struct findings no_findings(const struct campaign *c)
{
    struct findings f = {0};
    for (int i = 0; i < CAMPAIGN_UNITS; i++) {
        f.first[i] = CAMPAIGN_NEVER;
        f.ends[i] = (int)(c->truth[i][CAMPAIGN_DAYS - 1] * 100 / c->lower[i]);
        f.reached += reaches(c, i);
    }
    return f;
}

static struct findings run(uint64_t seed, const struct campaign_shape *shape)
{
    struct campaign *c = campaign_create(seed, shape);
    struct follower f = follower_create();
    struct findings out = no_findings(c);
    for (int day = 1; day < CAMPAIGN_WATCHED; day++)
        for (size_t k = 0; k < sizeof hours / sizeof *hours; k++) {
            struct notifier_frame frame = campaign_frame(c, day * 24 + hours[k]);
            follower_apply(&f, &frame);
        }
    struct kv *kv = memkv_begin(f.store, false);
    struct looking l = {c, &out};
    ck_assert_int_eq(notifier_visit_history(kv, 0, look_at_decision, &l, NULL), 0);
    memkv_abort(&kv);
    follower_fini(&f);
    campaign_destroy(c);
    return out;
}

enum {
    SEEDS = 25,
    HALF_TIME = 24 + 31 * 12, /* noon of 20 September */
    SLOW_PERCENT = 57,        /* where all together end at 60 */
};

static const struct campaign_shape real_month = {.outcome_percent = 106,
                                                 .spread_percent = 12,
                                                 .weekend_percent = 25,
                                                 .rush_percent = 200,
                                                 .opening_percent = 5,
                                                 .typhoon = true,
                                                 .late = true,
                                                 .silent_district = 6};

START_TEST(nobody_who_reaches_his_share_is_called_behind)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct findings f = run(seed, &real_month);
        ck_assert_int_gt(f.reached, CAMPAIGN_UNITS / 2);
        ck_assert_msg(f.wrong == 0, "seed %d: %d units called behind reach their share", (int)seed,
                      f.wrong);
        ck_assert_msg(f.first[0] == CAMPAIGN_NEVER, "seed %d: the province behind in hour %d",
                      (int)seed, f.first[0]);
    }
}
END_TEST

/* A third of all in the last five days: no method that knows nothing of it is right of every
 * commune; the leaders must not hear a false word, the officers hardly one. */
START_TEST(a_stronger_rush_and_quieter_weekends_deceive_hardly_anybody)
{
    struct campaign_shape shape = real_month;
    int wrong = 0, reached = 0;
    shape.rush_percent = 240;
    shape.weekend_percent = 10;
    shape.outcome_percent = 108;
    for (uint64_t seed = 101; seed <= 100 + SEEDS; seed++) {
        struct findings f = run(seed, &shape);
        ck_assert_msg(f.wrong_above == 0, "seed %d: %d districts called behind reach their share",
                      (int)seed, f.wrong_above);
        wrong += f.wrong;
        reached += f.reached;
    }
    ck_assert_msg(wrong * 500 <= reached, "%d of %d units that reach their share", wrong, reached);
}
END_TEST

/* Small districts have few communes, and a late report weighs more there: nine in ten of the slow
 * ones by half-time, and each of them a day later. */
START_TEST(far_short_is_said_of_province_and_slow_districts_before_half_time)
{
    struct campaign_shape shape = real_month;
    int slow = 0, early = 0;
    shape.outcome_percent = 60;
    for (uint64_t seed = 201; seed <= 200 + SEEDS; seed++) {
        struct findings f = run(seed, &shape);
        ck_assert_msg(f.first[0] <= HALF_TIME, "seed %d: the province behind in hour %d only",
                      (int)seed, f.first[0]);
        ck_assert_int_eq(f.last[0], STATE_MISSED);
        for (int d = 1; d < CAMPAIGN_ISLAND; d++) {
            bool is_slow = d != shape.silent_district && f.ends[d] < SLOW_PERCENT;
            slow += is_slow;
            early += is_slow && f.first[d] <= HALF_TIME;
            ck_assert_msg(!is_slow || f.first[d] <= HALF_TIME + 24,
                          "seed %d: district %d, which ends at %d%%, behind in hour %d only",
                          (int)seed, d, f.ends[d], f.first[d]);
        }
    }
    ck_assert_msg(early * 10 >= slow * 9, "%d of %d slow districts by half-time", early, slow);
}
END_TEST

START_TEST(a_silent_district_is_told_once_and_its_communes_not_at_all)
{
    struct campaign_shape shape = real_month;
    shape.typhoon = false;
    shape.late = false;
    struct findings f = run(301, &shape);
    for (int i = 0; i < CAMPAIGN_UNITS; i++)
        ck_assert_msg(f.silent[i] == (i == shape.silent_district), "unit %d told %d times", i,
                      f.silent[i]);
}
END_TEST

START_TEST(a_quiet_month_inside_the_band_ends_met_with_few_words)
{
    struct campaign_shape shape = {
        .outcome_percent = 105, .spread_percent = 2, .weekend_percent = 30, .rush_percent = 100};
    struct findings f = run(401, &shape);
    ck_assert_int_eq(f.last[0], STATE_MET);
    ck_assert_int_eq(f.behind, 0);
    /* the end: the province's leaders, and each district */
    ck_assert_int_eq(f.told, 1 + CAMPAIGN_DISTRICTS);
}
END_TEST

SUITE_MAIN("pace over whole campaigns", nobody_who_reaches_his_share_is_called_behind,
           a_stronger_rush_and_quieter_weekends_deceive_hardly_anybody,
           far_short_is_said_of_province_and_slow_districts_before_half_time,
           a_silent_district_is_told_once_and_its_communes_not_at_all,
           a_quiet_month_inside_the_band_ends_met_with_few_words)
