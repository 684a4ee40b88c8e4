#include "services/notifier/pace_core.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/model/observation.h"

enum {
    SATURDAY = 6,
    MILLI = 1000,
    SPIKE_TIMES = 4,
    BELOW_PATH_PERMILLE = 900,
    SPARE_PERMILLE = 50,
    DEAD_PART = 8,     /* a day with less than this part of a good one is dead */
    STOPPAGE_DAYS = 7, /* the longest stoppage forgiven */
    MENDING_DAYS = 2,  /* after one: roofs come first */
    MENDING_LEFT = 2,  /* left out where so many other weekdays are known */
    SPARSE_DAYS = 100, /* a quarter and a bit: where reports are not daily, the days looked back */
};

/* ---- the path ---- */

static bool is_weekend(day_t d)
{
    return day_weekday(d) >= SATURDAY;
}

bool pace_is_suspended(const struct target *t, day_t d)
{
    for (unsigned i = 0; i < t->suspended_count; i++)
        if (t->suspended[i].from <= d && d <= t->suspended[i].to)
            return true;
    return false;
}

unsigned pace_weight(const struct target *t, day_t d)
{
    if (pace_is_suspended(t, d))
        return 0;
    return is_weekend(d) ? t->weekend_permille : MILLI;
}

int64_t pace_weight_between(const struct target *t, day_t first, day_t last)
{
    int64_t sum = 0;
    for (day_t d = first; d <= last; d++)
        sum += pace_weight(t, d);
    return sum;
}

/* No sum is beyond what one figure may be: 100 nghìn tỷ đồng. So nothing below overflows. */
static int64_t bounded(int64_t v)
{
    if (v > OBSERVATION_VALUE_MAX)
        return OBSERVATION_VALUE_MAX;
    return v < -OBSERVATION_VALUE_MAX ? -OBSERVATION_VALUE_MAX : v;
}

static int64_t scale(int64_t value, int64_t times, int64_t by)
{
    return by == 0 ? value : (int64_t)((__int128)value * times / by);
}

/* Of a path whose every day is suspended, all is expected on the due day. */
static int64_t expected_on(const struct pace_input *in, int64_t opening, day_t d)
{
    const struct target *t = in->target;
    int64_t whole = pace_weight_between(t, t->start, t->due);
    if (d >= t->due)
        return in->lower;
    if (d < t->start || whole == 0)
        return opening;
    return opening + scale(in->lower - opening, pace_weight_between(t, t->start, d), whole);
}

bool pace_day_covered(const struct pace_day *d)
{
    return d->owed > 0 &&
           (uint64_t)d->reported * MILLI >= (uint64_t)d->owed * PACE_COVERED_PERMILLE;
}

/* ---- what single days brought ---- */

struct samples {
    int64_t values[SPARSE_DAYS]; /* in thousandths */
    unsigned count;
};

struct history {
    const struct pace_input *in;
    int64_t *levels;           /* as judged: of a flow, summed up and filled in */
    int64_t *gains;            /* in thousandths, of the days of which they are known */
    bool *gained;              /* they are */
    struct samples classes[2]; /* of recent days: weekdays, weekends */
    unsigned last;             /* index of the day judged by */
};

static day_t day_at(const struct pace_input *in, unsigned index)
{
    return in->target->start - 1 + (day_t)index;
}

static void set_gain(struct history *h, unsigned index, int64_t milli)
{
    h->gains[index] = milli;
    h->gained[index] = !pace_is_suspended(h->in->target, day_at(h->in, index));
}

/* What came between two covered days is spread over the days between by their weight: after days
 * without power one report brings all of them at once. */
static void add_span(struct history *h, unsigned from, unsigned to)
{
    const struct target *t = h->in->target;
    int64_t gain = (h->levels[to] - h->levels[from]) * MILLI;
    int64_t whole = pace_weight_between(t, day_at(h->in, from + 1), day_at(h->in, to));
    if (to == from + 1) {
        set_gain(h, to, gain);
        return;
    }
    for (unsigned i = from + 1; i <= to && whole > 0; i++)
        set_gain(h, i, scale(gain, pace_weight(t, day_at(h->in, i)), whole));
}

static void stock_history(struct history *h)
{
    const struct pace_input *in = h->in;
    unsigned anchor = 0;
    bool anchored = in->days[0].known;
    for (unsigned i = 0; i < in->day_count; i++)
        h->levels[i] = in->days[i].known ? bounded(in->days[i].level) : 0;
    for (unsigned i = 1; i <= h->last; i++) {
        if (!pace_day_covered(&in->days[i]))
            continue;
        if (anchored)
            add_span(h, anchor, i);
        anchor = i;
        anchored = true;
    }
}

/* ---- the middle, and means ---- */

static int compare_values(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void sort_samples(struct samples *s)
{
    if (s->count > 1)
        qsort(s->values, s->count, sizeof *s->values, compare_values);
}

static int64_t not_negative(int64_t v)
{
    return v < 0 ? 0 : v;
}

/* The mean of the middle half of sorted days. As deaf to a pile of forms or a lost day as the
 * median, and of ten uneven days it lies nearer to what the unit does. */
static int64_t usual_of(const struct samples *s)
{
    unsigned cut = s->count / 4;
    __int128 sum = 0;
    for (unsigned i = cut; i < s->count - cut; i++)
        sum += s->values[i];
    return s->count == 0 ? 0 : not_negative((int64_t)(sum / (s->count - 2 * cut)));
}

/* Three quarters of the days bring no more. After a week in which power and roads were gone the
 * middle is that of a bad week; what people do on a good day they will do again. */
static int64_t upper_quartile_of(const struct samples *s)
{
    return s->count == 0 ? 0 : s->values[(s->count * 3 - 1) / 4];
}

/* Where most days bring nothing and some a lot the middle says nothing. One pile of forms entered
 * at once must not stand for a week, though. */
static int64_t mean_of(const struct samples *s)
{
    int64_t most = SPIKE_TIMES * usual_of(s);
    __int128 sum = 0;
    for (unsigned i = 0; i < s->count; i++)
        sum += most > 0 && s->values[i] > most ? most : s->values[i];
    return s->count == 0 ? 0 : (int64_t)(sum / s->count);
}

/* ---- recent days ---- */

static unsigned first_recent(const struct history *h)
{
    unsigned recent = h->in->sparse ? SPARSE_DAYS : PACE_RECENT_DAYS;
    return h->last >= recent ? h->last - recent + 1 : 1;
}

static void collect(struct history *h, unsigned skip_from, unsigned skip_to)
{
    h->classes[0].count = h->classes[1].count = 0;
    for (unsigned i = first_recent(h); i <= h->last; i++) {
        struct samples *s = &h->classes[is_weekend(day_at(h->in, i))];
        if ((i < skip_from || i > skip_to) && h->gained[i])
            s->values[s->count++] = h->gains[i];
    }
    sort_samples(&h->classes[0]);
    sort_samples(&h->classes[1]);
}

/* One stoppage is no pace: the longest run of days, two weekdays in it at least, on which next to
 * nothing came. Only one, and of so many days, is forgiven: who stands still is not on his way. */
static unsigned find_stoppage(const struct history *h, unsigned *from)
{
    int64_t usual = upper_quartile_of(&h->classes[0]);
    unsigned best = 0, run = 0, weekdays = 0;
    for (unsigned i = first_recent(h); i <= h->last; i++) {
        bool dead = h->gained[i] && h->gains[i] * DEAD_PART <= usual;
        run = dead ? run + 1 : 0;
        weekdays = dead ? weekdays + !is_weekend(day_at(h->in, i)) : 0;
        if (run > best && weekdays >= 2 && run <= STOPPAGE_DAYS) {
            best = run;
            *from = i - run + 1;
        }
    }
    return best;
}

struct rates {
    int64_t weekday; /* thousandths of the measure a day */
    int64_t weekend;
};

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t square_root(int64_t v)
{
    int64_t low = 0, high = INT64_C(3037000499);
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (middle * middle <= v)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* How far the mean of so few, so uneven days may lie from what the unit really does, in so many
 * thousandths of its standard error: the mean deviation stands for 0.8 of the standard one. */
static int64_t doubt_of(const struct samples *s, int64_t permille)
{
    int64_t mean = mean_of(s);
    __int128 sum = 0;
    for (unsigned i = 0; i < s->count; i++)
        sum += s->values[i] > mean ? s->values[i] - mean : mean - s->values[i];
    if (s->count == 0)
        return 0;
    int64_t deviation = (int64_t)(sum / s->count) / 4 * 5;
    int64_t root_milli = square_root((int64_t)s->count * MILLI * MILLI);
    return scale(deviation, permille, root_milli);
}

static int64_t fair_of(const struct samples *s)
{
    return usual_of(s) + doubt_of(s, PACE_FAIR_DOUBT_PERMILLE);
}

static int64_t high_of(const struct samples *s)
{
    int64_t middle = greater(usual_of(s), mean_of(s)) + doubt_of(s, PACE_DOUBT_PERMILLE);
    return greater(middle, upper_quartile_of(s));
}

static struct rates rates_by(const struct history *h, int64_t (*rate_of)(const struct samples *))
{
    const struct samples *weekend = &h->classes[1];
    struct rates r = {.weekday = rate_of(&h->classes[0])};
    r.weekend = weekend->count < 2 ? scale(r.weekday, h->in->target->weekend_permille, MILLI)
                                   : rate_of(weekend);
    return r;
}

struct estimate {
    struct rates usual;
    struct rates fair; /* what may be hoped for */
    struct rates high; /* what cannot well be doubted to be more than the unit does */
    day_t stopped_from;
    unsigned stopped_days;
};

/* A stoppage is nobody's pace, nor are the days of mending that follow it: without them the rates
 * would be those of the storm. `high` keeps the latter, as they say how uneven days are. */
static struct estimate estimate_rates(struct history *h)
{
    struct estimate e;
    unsigned from = 0;
    collect(h, 1, 0);
    unsigned days = find_stoppage(h, &from);
    if (days > 0)
        collect(h, from, from + days - 1);
    e.high = rates_by(h, high_of);
    if (days > 0)
        collect(h, from, from + days - 1 + MENDING_DAYS);
    if (days > 0 && h->classes[0].count < MENDING_LEFT)
        collect(h, from, from + days - 1);
    e.usual = rates_by(h, usual_of);
    e.fair = rates_by(h, fair_of);
    e.stopped_from = day_at(h->in, from);
    e.stopped_days = days;
    return e;
}

/* What first..last bring at these rates, in the measure. */
static int64_t yield(const struct target *t, const struct rates *r, day_t first, day_t last)
{
    __int128 milli = 0;
    for (day_t d = first; d <= last; d++)
        if (!pace_is_suspended(t, d))
            milli += is_weekend(d) ? r->weekend : r->weekday;
    milli /= MILLI;
    return milli > OBSERVATION_VALUE_MAX ? OBSERVATION_VALUE_MAX : (int64_t)milli;
}

/* ---- flows: what was not reported is not nothing ---- */

static void flow_samples(struct history *h)
{
    const struct pace_input *in = h->in;
    for (unsigned i = 1; i <= h->last; i++) {
        const struct pace_day *d = &in->days[i];
        if (pace_day_covered(d))
            set_gain(h, i, scale(bounded(d->level) * MILLI, d->owed, d->reported));
    }
}

/* A sparse flow's figure stands for all the days of its period. */
static void flow_history(struct history *h)
{
    const struct pace_input *in = h->in;
    if (!in->sparse)
        flow_samples(h);
    struct rates usual = estimate_rates(h).usual;
    int64_t sum = 0;
    for (unsigned i = 0; i < in->day_count; i++) {
        const struct pace_day *d = &in->days[i];
        int64_t amount = i > 0 && d->known ? bounded(d->level) : 0;
        int64_t rate = is_weekend(day_at(in, i)) ? usual.weekend : usual.weekday;
        if (i > 0 && pace_day_covered(d))
            amount = scale(amount, d->owed, d->reported);
        else if (i > 0 && i < h->last && d->owed > 0 && amount < rate / MILLI)
            amount = rate / MILLI;
        sum = bounded(sum + amount);
        h->levels[i] = sum;
    }
    unsigned anchor = 0;
    for (unsigned i = 1; in->sparse && i <= h->last; i++) {
        if (!pace_day_covered(&in->days[i]))
            continue;
        add_span(h, anchor, i);
        anchor = i;
    }
}

/* ---- the verdict ---- */

/* People come one by one: of a share of 28 the half may be late by chance. So many standard
 * deviations of a count are granted; of money or a ratio, next to nothing. */
static int64_t chance(int64_t way)
{
    return way <= 0 ? 0 : PACE_CHANCE_TIMES * square_root(way);
}

/* In the first half of the way little is known: more slack, the more of it is still to come. */
static int64_t slack_permille(const struct pace *p)
{
    int64_t early = MILLI / 2 - (int64_t)p->path_permille;
    return PACE_SLACK_PERMILLE + (early > 0 ? early * PACE_EARLY_PERMILLE / MILLI : 0);
}

/* What the last days bring on top, at these rates: a part of the whole campaign, and as its end
 * draws near no more than a multiple of what lies ahead. */
static int64_t rush(const struct target *t, const struct rates *r, day_t judged,
                    int64_t campaign_permille, int64_t rest_permille)
{
    int64_t whole = scale(yield(t, r, t->start, t->due), campaign_permille, MILLI);
    int64_t most = scale(yield(t, r, judged + 1, t->due), rest_permille, MILLI);
    return whole < most ? whole : most;
}

static void give_verdict(const struct pace_input *in, int64_t fair, struct pace *p)
{
    int64_t way = in->lower - p->opening;
    int64_t spare = scale(not_negative(way), SPARE_PERMILLE, MILLI);
    bool late_enough = p->path_permille >= PACE_VERDICT_PERMILLE;
    bool over = p->judged >= in->target->due || in->today > in->target->due;
    bool below =
        p->level - p->opening < scale(p->expected - p->opening, BELOW_PATH_PERMILLE, MILLI);
    p->behind = way > 0 && below && late_enough && !over && p->best + chance(way) < in->lower;
    p->clear = way <= 0 || p->best >= in->lower + spare;
    p->risk = way > 0 && late_enough && fair < in->lower && p->level < in->lower;
    p->safe = p->level >= in->lower || fair >= in->lower + spare / 2;
}

static void forecast(struct history *h, struct pace *p)
{
    const struct target *t = h->in->target;
    struct estimate e = estimate_rates(h);
    p->rate = e.usual.weekday;
    p->rate_weekend = e.usual.weekend;
    p->stopped_from = e.stopped_from;
    p->stopped_days = e.stopped_days;
    p->projected = p->level + yield(t, &e.usual, p->judged + 1, t->due);
    p->best = p->level + scale(yield(t, &e.high, p->judged + 1, t->due), slack_permille(p), MILLI) +
              rush(t, &e.high, p->judged, PACE_RUSH_PERMILLE, PACE_RUSH_REST_PERMILLE);
    int64_t fair = p->level + yield(t, &e.fair, p->judged + 1, t->due) +
                   rush(t, &e.usual, p->judged, PACE_FAIR_RUSH_PERMILLE, PACE_FAIR_REST_PERMILLE);
    if (p->has_forecast)
        give_verdict(h->in, fair, p);
}

static unsigned weekdays_between(const struct target *t, day_t first, day_t last)
{
    unsigned count = 0;
    for (day_t d = first; d <= last; d++)
        count += !is_weekend(d) && !pace_is_suspended(t, d);
    return count;
}

static void look_ahead(const struct pace_input *in, struct pace *p)
{
    const struct target *t = in->target;
    int64_t left = pace_weight_between(t, p->judged + 1, t->due);
    int64_t missing = not_negative(in->lower - p->level);
    p->weekdays_left = weekdays_between(t, p->judged + 1, t->due);
    p->needed =
        p->weekdays_left == 0 ? missing : (int64_t)(((__int128)missing * MILLI + left - 1) / left);
    int64_t whole = pace_weight_between(t, t->start, t->due);
    int64_t done = pace_weight_between(t, t->start, p->judged);
    p->path_permille = whole == 0 ? 0 : (unsigned)(done * MILLI / whole);
}

/* As reported, up to and with the day at `last`. */
static int64_t flow_sum(const struct pace_input *in, unsigned last)
{
    int64_t sum = 0;
    for (unsigned i = 1; i <= last; i++)
        sum = bounded(sum + (in->days[i].known ? bounded(in->days[i].level) : 0));
    return sum;
}

static void look_back(const struct pace_input *in, struct history *h, struct pace *p)
{
    for (unsigned i = 1; i < in->day_count; i++) {
        if (!pace_day_covered(&in->days[i]))
            continue;
        p->reports++;
        p->covered = true;
        h->last = i;
        p->owed = in->days[i].owed;
        p->reported = in->days[i].reported;
    }
    p->judged = day_at(in, h->last);
    if (in->kind == INDICATOR_FLOW) {
        flow_history(h);
    } else {
        stock_history(h);
        p->opening = h->levels[0];
    }
    p->level = h->levels[h->last];
    p->filled = in->kind == INDICATOR_FLOW && p->level != flow_sum(in, h->last);
}

static int64_t actual_of(const struct pace_input *in)
{
    const struct pace_day *last = &in->days[in->day_count - 1];
    if (in->kind == INDICATOR_FLOW)
        return flow_sum(in, in->day_count - 1);
    return last->known ? bounded(last->level) : 0;
}

void pace_judge(const struct pace_input *in, struct pace *out)
{
    require(in->day_count >= 1 && in->day_count <= PACE_LEVEL_MAX_DAYS);
    struct history h = {.in = in};
    h.levels = alloc_zeroed(in->day_count, sizeof *h.levels);
    h.gains = alloc_zeroed(in->day_count, sizeof *h.gains);
    h.gained = alloc_zeroed(in->day_count, sizeof *h.gained);
    *out = (struct pace){0};
    out->actual = actual_of(in);
    look_back(in, &h, out);
    out->expected = expected_on(in, out->opening, out->judged);
    out->expected_today = expected_on(in, out->opening, in->today);
    look_ahead(in, out);
    unsigned enough = in->sparse ? PACE_REPORTS_SPARSE : PACE_REPORTS_DAILY;
    out->has_forecast = out->reports >= enough && out->path_permille >= PACE_HISTORY_PERMILLE;
    forecast(&h, out);
    free(h.levels);
    free(h.gains);
    free(h.gained);
}
