/* Where a unit stands on the way to its share, and where it will end if it goes on like this.
 * docs/pace.md gives the formulae and their reasons. It knows nothing of alerts: it says what is
 * so, state_core says what that amounts to. Whole numbers only, so that every machine comes to the
 * same end. Pure. */
#ifndef TONGHOP_NOTIFIER_PACE_CORE_H
#define TONGHOP_NOTIFIER_PACE_CORE_H

#include "common/model/plan.h"

enum {
    PACE_COVERED_PERMILLE = 800, /* a day counts as covered from this share of its reports on */
    PACE_HISTORY_PERMILLE = 200, /* of the path must be behind us before anything is forecast */
    PACE_VERDICT_PERMILLE = 300, /* before anybody is at risk, or behind */
    PACE_REPORTS_DAILY = 7,      /* and this many periods covered, where reports are daily */
    PACE_REPORTS_SPARSE = 3,     /* or, where they are not */
    PACE_RECENT_DAYS = 14,       /* the rate is that of these days, up to the one judged by */
    /* At risk: what may fairly be hoped for does not reach. */
    PACE_FAIR_DOUBT_PERMILLE = 750, /* standard errors of the rate that are granted */
    PACE_FAIR_RUSH_PERMILLE = 120,  /* what the last days usually bring on top, of a campaign */
    PACE_FAIR_REST_PERMILLE = 700,  /* but no more than this, of what lies ahead */
    /* Behind: nor does the best that can hardly be ruled out. */
    PACE_SLACK_PERMILLE = 1150,     /* what lies ahead may well go this much better than the rate */
    PACE_EARLY_PERMILLE = 1000,     /* and more in the first half: so much of what lacks to it */
    PACE_CHANCE_TIMES = 4,          /* standard deviations of a count that chance is granted */
    PACE_DOUBT_PERMILLE = 2500,     /* standard errors of the rate that are granted */
    PACE_RUSH_PERMILLE = 300,       /* what the last days may bring on top, of a campaign */
    PACE_RUSH_REST_PERMILLE = 2500, /* but no more than this, of what lies ahead */
    PACE_LEVEL_MAX_DAYS = 4096,
};

/* What was known of one day when it was looked at. */
struct pace_day {
    bool known;        /* there is a figure that `level` is made of */
    int64_t level;     /* stock: carried up to the day; flow: of this day alone; ratio: ppm */
    uint32_t owed;     /* reports for the period that ends on this day; 0: none ends */
    uint32_t reported; /* of them, come */
};

struct pace_input {
    const struct target *target; /* start, due, weekend weight, days suspended */
    int64_t lower;               /* the unit's own share */
    enum indicator_kind kind;
    bool sparse; /* reports are not owed daily */
    day_t today;
    /* days[0] is the day before the target's start, where its opening balance stands; the last is
     * today, or the due day when that is over. day_count at most PACE_LEVEL_MAX_DAYS. */
    const struct pace_day *days;
    unsigned day_count;
};

struct pace {
    int64_t opening;
    int64_t actual; /* as known today, whatever is still to come */
    int64_t level;  /* on the day judged by; of a flow with what is missing filled in */
    day_t judged;   /* the last covered day; the day before the start while there is none */
    uint32_t owed;  /* reports of that day */
    uint32_t reported;
    bool filled;            /* of a flow: what was not reported is estimated into `level` */
    bool covered;           /* there is such a day */
    unsigned reports;       /* covered periods so far */
    unsigned path_permille; /* share of the path that lies behind the day judged by */
    int64_t expected;       /* on the path, on the day judged by */
    int64_t expected_today;
    int64_t rate;           /* on a weekday, in thousandths of the measure: the middle half of
                             * recent days, a stoppage left out */
    day_t stopped_from;     /* a stoppage that the rate leaves out */
    unsigned stopped_days;  /* 0: there was none of late */
    int64_t rate_weekend;   /* on a Saturday or Sunday */
    int64_t projected;      /* on the due day, at that rate */
    int64_t best;           /* on the due day, with slack and a rush at the end */
    int64_t needed;         /* a weekday from the day judged by on, rounded up; 0 when reached;
                             * where no weekday is left, all that is missing */
    unsigned weekdays_left; /* after the day judged by, suspended ones not counted */
    bool has_forecast;      /* false: rate, projected and best say nothing yet */
    /* Of the forecast. Between two of a pair lies the hysteresis of the states. */
    bool behind; /* below the path, and even the best would not reach; never after the due day */
    bool clear;  /* the best would, with something to spare */
    bool risk;   /* not there, and the rate with a usual rush would not reach */
    bool safe;   /* there, or it would, with something to spare */
};

void pace_judge(const struct pace_input *in, struct pace *out);

/* A day's weight on the path in thousandths of a weekday. */
unsigned pace_weight(const struct target *t, day_t d);
/* Summed over first..last. */
int64_t pace_weight_between(const struct target *t, day_t first, day_t last);
bool pace_is_suspended(const struct target *t, day_t d);
bool pace_day_covered(const struct pace_day *d); /* false where nothing is owed */

#endif
