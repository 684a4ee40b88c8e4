/* The life of an alert as a table: which state follows which, under what conditions, after how many
 * days, and whether somebody is told. One alert is one target at one unit. Pure. */
#ifndef TONGHOP_NOTIFIER_STATE_CORE_H
#define TONGHOP_NOTIFIER_STATE_CORE_H

#include "common/model/alert_state.h"
#include "common/model/day.h"

/* What is so today, as bits. */
enum state_fact {
    FACT_STARTED = 1 << 0,
    FACT_SUSPENDED = 1 << 1,
    FACT_SEEN = 1 << 2,    /* there is a figure, be it an opening balance */
    FACT_OVERDUE = 1 << 3, /* the last reports due are missing, and no later ones have come */
    FACT_JUDGED = 1 << 4,  /* there is a forecast */
    FACT_BEHIND = 1 << 5,  /* the four of struct pace */
    FACT_CLEAR = 1 << 6,
    FACT_RISK = 1 << 7,
    FACT_SAFE = 1 << 8,
    FACT_FINAL = 1 << 9,      /* the due day is over and the reports of it are due */
    FACT_REACHED = 1 << 10,   /* at least the lower bound, today or on the due day */
    FACT_STRETCHED = 1 << 11, /* and the stretch bound */
    FACT_COMPLETE = 1 << 12,  /* the due day is covered */
    FACT_UNDONE = 1 << 13, /* by the figures as they stand now "behind" would not have been said */
    FACT_TOLD_BEHIND = 1 << 14, /* set by state_step from the record, not by the caller */
    FACT_TOLD_SILENT = 1 << 15,
    FACT_TOLD_UNKNOWN = 1 << 16, /* that it is over, and nobody knows how it ended */
    FACT_COUNT = 17
};

enum state_tell {
    TELL_NOBODY,
    TELL_BEHIND,
    TELL_SILENT,
    TELL_RECOVERED, /* behind was told, and is over */
    TELL_UNDONE,    /* behind was told, on figures that were corrected since */
    TELL_FINAL,     /* met, exceeded, missed; not reported: over, and the end is not known */
    TELL_REVISED,   /* a final state was told, and is another one now, or none: it ends later */
};

struct state_record {
    enum alert_state state;
    day_t since;            /* the day on which it was entered */
    uint32_t told;          /* of the FACT_TOLD_ */
    uint32_t facts;         /* those of the last step */
    int32_t evidence;       /* that of the last step */
    day_t held[FACT_COUNT]; /* since when each of them has held without a break: a day; of the
                             * pace's facts, how many days of figures there were then */
};

struct state_outcome {
    enum alert_state from;
    enum alert_state to;
    bool moved; /* from differs from to */
    enum state_tell tell;
};

/* How many of the last due reports must be missing before a unit counts as silent. */
unsigned state_silent_after(bool sparse);

struct state_record state_initial(day_t today);
/* `evidence` is how many days of figures there are: the facts of the pace are held over those, not
 * over days of waiting for figures. */
struct state_outcome state_step(struct state_record *r, uint32_t facts, day_t today,
                                int32_t evidence);

/* The day from which on the target is open, as a step with these facts today will have it: since it
 * was first seen started, or is open again after its end. Nothing that was due before is owed. */
day_t state_open_since(const struct state_record *r, uint32_t facts, day_t today);

/* What was to be told was held back: it is asked again at the next step. */
void state_untell(struct state_record *r, enum state_tell tell);

#endif
