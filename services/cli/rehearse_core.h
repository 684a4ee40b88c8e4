/* A campaign that never was, for trying everything out: from a seed, a plan and its units comes
 * what every reporting unit really registers day by day, and every report as it goes out, with the
 * quiet weekends, the late, repeated and corrected reports, the days without power, the district
 * that is silent and the rush at the end that a real month has. Units, targets and shares are the
 * plan's; every count is made up here. The same seed gives the same campaign. Sends nothing. Pure.
 */
#ifndef TONGHOP_CLI_REHEARSE_CORE_H
#define TONGHOP_CLI_REHEARSE_CORE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/catalogue.h"
#include "common/model/plan.h"

enum {
    REHEARSE_LEAVES_MAX = 4096,
    REHEARSE_DAYS_MAX = 400,
    REHEARSE_BOUND_MAX = 1000000000, /* of what the target counts */
    REHEARSE_STEPS_A_DAY = 5,        /* 08:00, 12:00, 17:00, 21:00, midnight */
};

/* Where the total ends: between the target's two bounds; a few in the hundred below the lower one;
 * a little above half of it. */
enum rehearse_outcome {
    REHEARSE_INSIDE,
    REHEARSE_JUST_SHORT,
    REHEARSE_FAR_SHORT,
    REHEARSE_OUTCOME_COUNT
};
extern const char *const rehearse_outcome_names[REHEARSE_OUTCOME_COUNT]; /* "inside" … */

enum rehearse_kind {
    REHEARSE_PLAIN,
    REHEARSE_WRONG,      /* a figure that will be corrected */
    REHEARSE_CORRECTION, /* of that */
    REHEARSE_REPEAT,     /* the same figure once more */
    REHEARSE_TRESPASS,   /* a figure of somebody else: to be refused */
    REHEARSE_KIND_COUNT
};

struct rehearse_unit {
    struct ident code;
    const char *name; /* with its type in front */
    int64_t lower;    /* its share of the target, and of the stretch bound */
    int64_t stretch;
};

/* Who reports. */
struct rehearse_leaf {
    struct rehearse_unit unit;
    unsigned level; /* as in the catalogue */
    unsigned group;
    int64_t total; /* registered on the due day */
};

/* What stands just below the target's unit: a district, and the leaves in it (itself, where it has
 * none below). */
struct rehearse_group {
    struct rehearse_unit unit;
    unsigned leaf_count;
};

/* One figure, as it is stated. Those with one leaf and time, a trespass apart, go out together. */
struct rehearse_report {
    int64_t at_ms;
    unsigned step;
    unsigned leaf;  /* whose report */
    unsigned about; /* whose figure: the leaf, except in a trespass */
    day_t day;
    int64_t value;
    enum rehearse_kind kind;
};

/* The clock moves to tick_ms; then the reports stated since the tick before go out. */
struct rehearse_step {
    int64_t tick_ms;
    day_t day; /* the civil day that it belongs to: midnight ends a day */
    size_t first;
    size_t count;
};

struct rehearse_days {
    day_t from;
    day_t to; /* below `from`: none */
};

/* Read by everybody, written by rehearse_create alone. */
struct rehearse {
    struct ident indicator;
    struct ident target;
    day_t start; /* of the target; the day before has the opening balance */
    day_t due;
    struct rehearse_unit top;
    struct rehearse_group *groups;
    unsigned group_count;
    struct rehearse_leaf *leaves;
    unsigned leaf_count;
    int64_t total;              /* on the due day */
    struct rehearse_days storm; /* the day of it */
    struct rehearse_days dark;  /* without power: nothing is registered, nothing reported */
    struct rehearse_days silent;
    unsigned silent_group; /* reports nothing on those days, though it goes on registering */
    size_t trespass;       /* index of that report; report_count: there is none */
    struct rehearse_report *reports;
    size_t report_count;
    struct rehearse_step *steps;
    unsigned step_count;
    int64_t *truth; /* by leaf, then day: use rehearse_truth */
    struct arena arena;
};

struct rehearse_options {
    uint64_t seed;
    enum rehearse_outcome outcome;
};

/* Of the plan's first target whose indicator is a stock that leaves report daily. ERR_INVALID when
 * it has none, or one without shares; ERR_LIMIT. Names are borrowed from the catalogue, which must
 * outlive it. Caller destroys. */
int rehearse_create(struct rehearse **out, const struct rehearse_options *options,
                    const struct plan *plan, const struct catalogue *catalogue, struct err *err);
void rehearse_destroy(struct rehearse *r); /* accepts NULL */

/* Registered in all up to the end of that day, from start - 1 to due. */
int64_t rehearse_truth(const struct rehearse *r, unsigned leaf, day_t day);
/* The reports after `first` that go out in one batch with it: the index behind the last. */
size_t rehearse_batch_end(const struct rehearse *r, size_t first);
bool rehearse_is_within(const struct rehearse_days *days, day_t d);

#endif
