#include "tests/support/suite.h"

#include "tests/unit/services/notifier/campaign.h"

/* Who is shown "at risk" over whole campaigns: those who end short, early; of those who reach their
 * share few, and none who has reached it. */

enum {
    SEEDS = 5,
    DAY_HOURS = 24,
    HALF_TIME = 16 * DAY_HOURS + 17, /* 20 September */
    FIRST_OF_OCTOBER = 27 * DAY_HOURS + 8,
    LAST_LOOK = 32 * DAY_HOURS + 8, /* the day after the last */
};

struct watch {
    const struct campaign *c;
    int hour;
    int first[CAMPAIGN_UNITS];    /* hour at which at risk or behind was first shown, or NEVER */
    bool october[CAMPAIGN_UNITS]; /* shown on 1 October */
    bool last[CAMPAIGN_UNITS];    /* after the last day */
    int there;                    /* times that one who has reached the share was shown so */
};

struct tally {
    int reached, once, october, last, there;
    int short_of, early;
};

static int unit_index(const struct campaign *c, const char *code)
{
    for (int i = 0; i < CAMPAIGN_UNITS; i++)
        if (strcmp(c->codes[i], code) == 0)
            return i;
    return -1;
}

static void watch_state(void *arg, const struct notifier_state *s)
{
    struct watch *w = arg;
    int unit = unit_index(w->c, s->unit.text);
    if (s->record.state != STATE_AT_RISK && s->record.state != STATE_BEHIND)
        return;
    w->there += s->pace.actual >= s->lower;
    w->october[unit] |= w->hour == FIRST_OF_OCTOBER;
    w->last[unit] |= w->hour == LAST_LOOK;
    if (w->first[unit] == CAMPAIGN_NEVER)
        w->first[unit] = w->hour;
}

static void watch_hour(struct campaign *c, struct follower *f, struct watch *w, int hour)
{
    struct notifier_frame frame = campaign_frame(c, hour);
    follower_apply(f, &frame);
    w->hour = hour;
    struct kv *kv = memkv_begin(f->store, false);
    ck_assert_int_eq(notifier_visit_states(kv, watch_state, w, NULL), 0);
    memkv_abort(&kv);
}

static void add_up(const struct watch *w, struct tally *t)
{
    t->there += w->there;
    for (int i = 0; i < CAMPAIGN_UNITS; i++) {
        bool reached = w->c->truth[i][CAMPAIGN_DAYS - 1] >= w->c->lower[i];
        t->reached += reached;
        t->once += reached && w->first[i] != CAMPAIGN_NEVER;
        t->october += reached && w->october[i];
        t->last += reached && w->last[i];
        t->short_of += !reached;
        t->early += !reached && w->first[i] <= HALF_TIME;
    }
}

/* The province's first hour is in *province. */
static void watch_campaign(uint64_t seed, unsigned outcome_percent, struct tally *t, int *province)
{
    struct campaign_shape shape = {.outcome_percent = outcome_percent,
                                   .spread_percent = 12,
                                   .weekend_percent = 25,
                                   .rush_percent = 165,
                                   .opening_percent = 5,
                                   .typhoon = true,
                                   .late = true,
                                   .silent_district = 6};
    struct campaign *c = campaign_create(seed, &shape);
    struct follower f = follower_create();
    struct watch w = {.c = c};
    for (int i = 0; i < CAMPAIGN_UNITS; i++)
        w.first[i] = CAMPAIGN_NEVER;
    for (int day = 1; day < CAMPAIGN_WATCHED; day++) {
        watch_hour(c, &f, &w, day * DAY_HOURS + 8);
        watch_hour(c, &f, &w, day * DAY_HOURS + 17);
    }
    add_up(&w, t);
    *province = w.first[0];
    follower_fini(&f);
    campaign_destroy(c);
}

START_TEST(who_reaches_the_share_is_seldom_at_risk_and_never_once_there)
{
    struct tally t = {0};
    int province;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        watch_campaign(seed, 106, &t, &province);
    ck_assert_int_gt(t.reached, SEEDS * CAMPAIGN_UNITS / 2);
    ck_assert_msg(t.there == 0, "%d times one who had reached the share was shown at risk",
                  t.there);
    ck_assert_msg(t.once * 10 <= t.reached * 4, "%d of %d once at risk", t.once, t.reached);
    ck_assert_msg(t.october * 10 <= t.reached * 2, "%d of %d on 1 October", t.october, t.reached);
    ck_assert_msg(t.last * 20 <= t.reached, "%d of %d after the last day", t.last, t.reached);
}
END_TEST

START_TEST(who_ends_just_short_is_at_risk_by_half_time)
{
    struct tally t = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int province;
        watch_campaign(seed, 96, &t, &province);
        ck_assert_msg(province <= HALF_TIME, "seed %d: the province in hour %d only", (int)seed,
                      province);
    }
    ck_assert_msg(t.early * 2 >= t.short_of, "%d of %d who end short", t.early, t.short_of);
}
END_TEST

SUITE_MAIN("at risk over whole campaigns",
           who_reaches_the_share_is_seldom_at_risk_and_never_once_there,
           who_ends_just_short_is_at_risk_by_half_time)
