#include "services/notifier/state_core.h"

#define IN(state) (1u << STATE_##state)

enum { SILENT_DAILY = 3, SILENT_SPARSE = 1 };

enum {
    PACE_FACTS = FACT_BEHIND | FACT_CLEAR | FACT_RISK | FACT_SAFE, /* held over days of figures */
    HELD_FACTS = PACE_FACTS | FACT_FINAL,
    TOLD_FACTS = FACT_TOLD_BEHIND | FACT_TOLD_SILENT | FACT_TOLD_UNKNOWN,
    AWAY = FACT_SUSPENDED | FACT_OVERDUE | FACT_FINAL, /* no verdict on the pace */
};

enum {
    OPEN = IN(ON_PACE) | IN(AT_RISK) | IN(BEHIND),
    WAITING = IN(NOT_STARTED) | IN(NOT_REPORTED) | IN(SUSPENDED),
    RETURNING = IN(NOT_REPORTED) | IN(SUSPENDED),
    CLOSED = IN(MET) | IN(EXCEEDED) | IN(MISSED),
    ANY = OPEN | WAITING | CLOSED,
};

enum { STAY = -1, STARTED_INDEX = 0 /* of FACT_STARTED */ };

struct transition {
    uint32_t from; /* set of states */
    int to;        /* or STAY: only somebody is told */
    uint32_t need; /* all of these facts */
    uint32_t without;
    int hold_days; /* each needed fact of the pace, and the end, has held this long */
    enum state_tell tell;
};

/* The first that fits is taken. */
static const struct transition table[] = {
    /* amended: it begins later, or ends later; the end that was told is none */
    {CLOSED, STATE_NOT_STARTED, 0, FACT_STARTED, 0, TELL_REVISED},
    {ANY & ~IN(NOT_STARTED), STATE_NOT_STARTED, 0, FACT_STARTED, 0, TELL_NOBODY},
    {CLOSED, STATE_BEHIND, FACT_STARTED | FACT_JUDGED | FACT_BEHIND | FACT_TOLD_BEHIND,
     FACT_FINAL | FACT_OVERDUE | FACT_REACHED, 0, TELL_REVISED},
    {CLOSED, STATE_AT_RISK, FACT_STARTED | FACT_JUDGED | FACT_RISK, FACT_FINAL | FACT_REACHED, 0,
     TELL_REVISED},
    {CLOSED, STATE_ON_PACE, FACT_STARTED, FACT_FINAL, 0, TELL_REVISED},
    {IN(NOT_REPORTED), STAY, FACT_TOLD_UNKNOWN, FACT_FINAL, 0, TELL_REVISED},

    /* the end: reached is reached, missed needs the reports of the due day */
    {CLOSED & ~IN(EXCEEDED), STATE_EXCEEDED, FACT_FINAL | FACT_STRETCHED, 0, 0, TELL_REVISED},
    {OPEN | WAITING, STATE_EXCEEDED, FACT_FINAL | FACT_STRETCHED, 0, 0, TELL_FINAL},
    {CLOSED & ~IN(MET), STATE_MET, FACT_FINAL | FACT_REACHED, FACT_STRETCHED, 0, TELL_REVISED},
    {OPEN | WAITING, STATE_MET, FACT_FINAL | FACT_REACHED, FACT_STRETCHED, 0, TELL_FINAL},
    {CLOSED & ~IN(MISSED), STATE_MISSED, FACT_FINAL | FACT_COMPLETE, FACT_REACHED, 0, TELL_REVISED},
    {OPEN | WAITING, STATE_MISSED, FACT_FINAL | FACT_COMPLETE, FACT_REACHED, 0, TELL_FINAL},
    {OPEN | IN(SUSPENDED), STATE_NOT_REPORTED, FACT_FINAL | FACT_OVERDUE,
     FACT_REACHED | FACT_COMPLETE, 0, TELL_SILENT},
    {OPEN | IN(SUSPENDED), STATE_NOT_REPORTED, FACT_FINAL, FACT_REACHED | FACT_COMPLETE, 0,
     TELL_NOBODY},
    /* not a word on the end for three days more: leaders hear that there will be none */
    {IN(NOT_REPORTED), STAY, FACT_FINAL, FACT_REACHED | FACT_COMPLETE | FACT_TOLD_UNKNOWN, 3,
     TELL_FINAL},

    /* suspended, as after a typhoon */
    {OPEN | IN(NOT_STARTED) | IN(NOT_REPORTED), STATE_SUSPENDED, FACT_STARTED | FACT_SUSPENDED,
     FACT_FINAL, 0, TELL_NOBODY},
    {IN(SUSPENDED), STATE_NOT_REPORTED, 0, FACT_SUSPENDED | FACT_SEEN, 0, TELL_NOBODY},

    /* the beginning: without any figure nobody is on pace; nobody is told before reports are due */
    {IN(NOT_STARTED), STATE_ON_PACE, FACT_STARTED | FACT_SEEN, 0, 0, TELL_NOBODY},
    {IN(NOT_STARTED), STATE_NOT_REPORTED, FACT_STARTED, FACT_SEEN, 0, TELL_NOBODY},

    /* corrected figures take back what was told, at once */
    {IN(BEHIND), STATE_ON_PACE, FACT_TOLD_BEHIND | FACT_UNDONE | FACT_SAFE, FACT_OVERDUE, 0,
     TELL_UNDONE},
    {IN(BEHIND) | IN(AT_RISK), STATE_AT_RISK, FACT_TOLD_BEHIND | FACT_UNDONE,
     FACT_OVERDUE | FACT_BEHIND | FACT_REACHED, 0, TELL_UNDONE},
    {IN(ON_PACE), STAY, FACT_TOLD_BEHIND | FACT_UNDONE, FACT_OVERDUE | FACT_BEHIND, 0, TELL_UNDONE},

    /* silence: never a word on the pace of those who do not report */
    {OPEN | IN(SUSPENDED), STATE_NOT_REPORTED, FACT_OVERDUE, FACT_SUSPENDED, 0, TELL_SILENT},
    {IN(NOT_REPORTED), STAY, FACT_OVERDUE, FACT_TOLD_SILENT, 0, TELL_SILENT},
    /* what was told goes on to be so until figures say otherwise */
    {RETURNING, STATE_BEHIND, FACT_SEEN | FACT_TOLD_BEHIND, AWAY | FACT_SAFE | FACT_REACHED, 0,
     TELL_NOBODY},
    {RETURNING, STATE_AT_RISK, FACT_SEEN | FACT_JUDGED | FACT_RISK, AWAY | FACT_REACHED, 0,
     TELL_NOBODY},
    {RETURNING, STATE_ON_PACE, FACT_SEEN, AWAY, 0, TELL_NOBODY},

    /* there already, whatever the pace: at the end no more figures come to hold it */
    {IN(BEHIND) | IN(AT_RISK), STATE_ON_PACE, FACT_REACHED, 0, 0, TELL_RECOVERED},
    {IN(ON_PACE), STAY, FACT_REACHED | FACT_TOLD_BEHIND, 0, 0, TELL_RECOVERED},

    /* the pace */
    {IN(ON_PACE) | IN(AT_RISK), STATE_BEHIND, FACT_JUDGED | FACT_BEHIND, FACT_REACHED, 2,
     TELL_BEHIND},
    {IN(BEHIND), STAY, FACT_JUDGED | FACT_BEHIND, FACT_TOLD_BEHIND, 2, TELL_BEHIND},
    {IN(BEHIND), STATE_ON_PACE, FACT_JUDGED | FACT_CLEAR | FACT_SAFE, 0, 2, TELL_RECOVERED},
    {IN(BEHIND), STATE_AT_RISK, FACT_JUDGED | FACT_CLEAR, 0, 2, TELL_NOBODY},
    {IN(ON_PACE), STATE_AT_RISK, FACT_JUDGED | FACT_RISK, FACT_REACHED, 2, TELL_NOBODY},
    {IN(AT_RISK), STATE_ON_PACE, FACT_JUDGED | FACT_SAFE, 0, 2, TELL_RECOVERED},
    {IN(ON_PACE), STAY, FACT_JUDGED | FACT_SAFE | FACT_TOLD_BEHIND, 0, 2, TELL_RECOVERED},
};

unsigned state_silent_after(bool sparse)
{
    return sparse ? SILENT_SPARSE : SILENT_DAILY;
}

struct state_record state_initial(day_t today)
{
    return (struct state_record){.state = STATE_NOT_STARTED, .since = today};
}

day_t state_open_since(const struct state_record *r, uint32_t facts, day_t today)
{
    bool goes_on = (r->facts & FACT_STARTED) != 0;
    bool reopened = (r->facts & FACT_FINAL) != 0 && (facts & FACT_FINAL) == 0;
    return goes_on && !reopened ? r->held[STARTED_INDEX] : today;
}

static void note_facts(struct state_record *r, uint32_t facts, day_t today, int32_t evidence)
{
    r->held[STARTED_INDEX] = state_open_since(r, facts, today);
    for (unsigned i = 0; i < FACT_COUNT; i++) {
        uint32_t fact = 1u << i;
        if ((facts & fact) != 0 && (r->facts & fact) == 0)
            r->held[i] = (fact & PACE_FACTS) != 0 ? evidence : today;
    }
    r->facts = facts;
    r->evidence = evidence;
}

static bool has_held(const struct state_record *r, const struct transition *t, day_t today,
                     int32_t evidence)
{
    for (unsigned i = 0; i < FACT_COUNT; i++) {
        uint32_t fact = 1u << i;
        int32_t now = (fact & PACE_FACTS) != 0 ? evidence : today;
        if ((t->need & HELD_FACTS & fact) != 0 && now - r->held[i] < t->hold_days)
            return false;
    }
    return true;
}

static bool applies(const struct state_record *r, const struct transition *t, uint32_t facts,
                    day_t today, int32_t evidence)
{
    return (t->from >> r->state & 1) != 0 && (facts & t->need) == t->need &&
           (facts & t->without) == 0 && has_held(r, t, today, evidence);
}

static uint32_t told_by(const struct state_record *r, enum state_tell tell)
{
    if (tell == TELL_BEHIND)
        return FACT_TOLD_BEHIND;
    if (tell == TELL_FINAL && r->state == STATE_NOT_REPORTED)
        return FACT_TOLD_UNKNOWN;
    return tell == TELL_SILENT ? FACT_TOLD_SILENT : 0;
}

/* Nobody is told twice of one spell, nor that something is over of which he was never told. */
static enum state_tell worth_telling(struct state_record *r, enum state_tell tell)
{
    uint32_t mark = told_by(r, tell);
    if (tell == TELL_REVISED)
        r->told &= ~(uint32_t)FACT_TOLD_UNKNOWN;
    if (mark != 0 && (r->told & mark) != 0)
        return TELL_NOBODY;
    r->told |= mark;
    if (tell != TELL_RECOVERED && tell != TELL_UNDONE)
        return tell;
    bool was_told = (r->told & FACT_TOLD_BEHIND) != 0;
    r->told &= ~(uint32_t)FACT_TOLD_BEHIND;
    return was_told ? tell : TELL_NOBODY;
}

void state_untell(struct state_record *r, enum state_tell tell)
{
    r->told &= ~told_by(r, tell);
}

static void enter(struct state_record *r, int to, day_t today)
{
    if (to == STAY || to == (int)r->state)
        return;
    if (r->state == STATE_NOT_REPORTED)
        r->told &= ~(uint32_t)(FACT_TOLD_SILENT | FACT_TOLD_UNKNOWN);
    r->state = (enum alert_state)to;
    r->since = today;
}

struct state_outcome state_step(struct state_record *r, uint32_t facts, day_t today,
                                int32_t evidence)
{
    struct state_outcome out = {.from = r->state, .to = r->state, .tell = TELL_NOBODY};
    facts = (facts & ~(uint32_t)TOLD_FACTS) | r->told;
    note_facts(r, facts, today, evidence);
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        const struct transition *t = &table[i];
        if (!applies(r, t, facts, today, evidence))
            continue;
        enter(r, t->to, today);
        out.tell = worth_telling(r, t->tell);
        break;
    }
    out.to = r->state;
    out.moved = out.from != out.to;
    return out;
}
