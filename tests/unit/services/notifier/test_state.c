#include "tests/support/suite.h"

#include "services/notifier/state_core.h"

#include <string.h>

enum { TODAY = 19971, STEPS_MAX = 8 };

enum {
    OPEN = FACT_STARTED | FACT_SEEN,
    GOOD = OPEN | FACT_JUDGED | FACT_CLEAR | FACT_SAFE,
    RISKY = OPEN | FACT_JUDGED | FACT_CLEAR | FACT_RISK,
    BAD = OPEN | FACT_JUDGED | FACT_BEHIND | FACT_RISK,
    BETWEEN = OPEN | FACT_JUDGED, /* neither clear nor behind, neither safe nor at risk */
    SILENT = OPEN | FACT_OVERDUE,
    NEVER = FACT_STARTED | FACT_OVERDUE, /* not one figure */
};

/* One step: what is so `day` days after the first, with so many days of figures. */
struct step {
    int day;
    int evidence;
    uint32_t facts;
    enum alert_state state;
    enum state_tell tell;
};

struct story {
    const char *name;
    struct step steps[STEPS_MAX];
    unsigned count;
};

static void play(const struct story *s)
{
    struct state_record r = state_initial(TODAY);
    for (unsigned i = 0; i < s->count; i++) {
        const struct step *one = &s->steps[i];
        struct state_outcome o = state_step(&r, one->facts, TODAY + one->day, one->evidence);
        ck_assert_msg(r.state == one->state, "%s, step %u: %s, not %s", s->name, i,
                      alert_state_id(r.state), alert_state_id(one->state));
        ck_assert_msg(o.tell == one->tell, "%s, step %u: tells %d, not %d", s->name, i, (int)o.tell,
                      (int)one->tell);
        ck_assert_msg(o.to == r.state && o.moved == (o.from != o.to), "%s, step %u", s->name, i);
    }
}

static const struct story beginnings[] = {
    {"nothing before the start", {{0, 0, 0, STATE_NOT_STARTED, TELL_NOBODY}}, 1},
    {"begins on pace", {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY}}, 1},
    {"without any figure nobody is on pace, and nobody is told before reports are due",
     {{0, 0, FACT_STARTED, STATE_NOT_REPORTED, TELL_NOBODY},
      {9, 0, FACT_STARTED, STATE_NOT_REPORTED, TELL_NOBODY},
      {10, 0, FACT_STARTED | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_SILENT},
      {11, 0, FACT_STARTED | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_NOBODY},
      {12, 11, OPEN, STATE_ON_PACE, TELL_NOBODY}},
     5},
    {"amended to begin later",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY}, {1, 0, 0, STATE_NOT_STARTED, TELL_NOBODY}},
     2},
    {"suspended days judge nobody",
     {{0, 0, GOOD, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD | FACT_SUSPENDED, STATE_SUSPENDED, TELL_NOBODY},
      {5, 1, SILENT | FACT_SUSPENDED, STATE_SUSPENDED, TELL_NOBODY},
      {6, 6, GOOD, STATE_ON_PACE, TELL_NOBODY}},
     4},
    {"what was told before suspended days is so after them",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 3, BAD | FACT_SUSPENDED, STATE_SUSPENDED, TELL_NOBODY},
      {8, 4, BETWEEN, STATE_BEHIND, TELL_NOBODY}},
     5},
    {"silent after suspended days",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, OPEN | FACT_SUSPENDED, STATE_SUSPENDED, TELL_NOBODY},
      {8, 1, SILENT, STATE_NOT_REPORTED, TELL_SILENT}},
     3},
};

static const struct story paces[] = {
    {"behind after three days of figures, told once",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {2, 2, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 4, BAD, STATE_BEHIND, TELL_NOBODY}},
     5},
    {"days of waiting for figures are not days of figures",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {2, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {4, 3, BAD, STATE_BEHIND, TELL_BEHIND}},
     5},
    {"one bad day is forgotten",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {2, 2, GOOD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_ON_PACE, TELL_NOBODY},
      {4, 4, BAD, STATE_ON_PACE, TELL_NOBODY}},
     5},
    {"at risk is told to nobody, nor is its end",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, RISKY, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, RISKY, STATE_AT_RISK, TELL_NOBODY},
      {4, 4, GOOD, STATE_AT_RISK, TELL_NOBODY},
      {6, 6, GOOD, STATE_ON_PACE, TELL_NOBODY}},
     5},
    {"between two thresholds it stays behind",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 4, OPEN | FACT_JUDGED | FACT_RISK, STATE_BEHIND, TELL_NOBODY},
      {9, 9, OPEN | FACT_JUDGED | FACT_RISK, STATE_BEHIND, TELL_NOBODY}},
     5},
    {"behind, at risk and behind again is one alert; on pace ends it",
     {{1, 1, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 4, RISKY, STATE_BEHIND, TELL_NOBODY},
      {6, 6, RISKY, STATE_AT_RISK, TELL_NOBODY},
      {8, 8, GOOD, STATE_AT_RISK, TELL_NOBODY},
      {10, 10, GOOD, STATE_ON_PACE, TELL_RECOVERED},
      {11, 11, GOOD, STATE_ON_PACE, TELL_NOBODY}},
     8},
    {"who has reached the share is at risk no longer, at once",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, RISKY, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, RISKY, STATE_AT_RISK, TELL_NOBODY},
      {4, 3, RISKY | FACT_REACHED, STATE_ON_PACE, TELL_NOBODY},
      {9, 9, RISKY | FACT_REACHED, STATE_ON_PACE, TELL_NOBODY}},
     5},
    {"nor behind, and those who were told hear it",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 3, BAD | FACT_REACHED, STATE_ON_PACE, TELL_RECOVERED},
      {9, 9, BAD | FACT_REACHED, STATE_ON_PACE, TELL_NOBODY}},
     5},
    {"behind, at risk, behind: told once",
     {{1, 1, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 4, RISKY, STATE_BEHIND, TELL_NOBODY},
      {6, 6, RISKY, STATE_AT_RISK, TELL_NOBODY},
      {7, 7, BAD, STATE_AT_RISK, TELL_NOBODY},
      {9, 9, BAD, STATE_BEHIND, TELL_NOBODY}},
     7},
};

static const struct story silences[] = {
    {"who does not report is not behind",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {3, 1, SILENT | FACT_BEHIND, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 1, SILENT | FACT_BEHIND, STATE_NOT_REPORTED, TELL_NOBODY},
      {10, 9, GOOD, STATE_ON_PACE, TELL_NOBODY}},
     4},
    {"behind, silent, behind: told of each once",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {7, 3, SILENT, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 8, BAD, STATE_BEHIND, TELL_NOBODY},
      {10, 9, BAD, STATE_BEHIND, TELL_NOBODY},
      {12, 9, SILENT, STATE_NOT_REPORTED, TELL_SILENT}},
     7},
    {"silent, and neither clear of it: behind as before",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {7, 3, SILENT, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 4, BETWEEN, STATE_BEHIND, TELL_NOBODY}},
     5},
    {"silent, and at risk by the first figures that come",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {3, 1, SILENT, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 9, RISKY, STATE_AT_RISK, TELL_NOBODY}},
     3},
    {"behind, silent, there: those who were told hear it",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {7, 3, SILENT, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 9, GOOD | FACT_REACHED, STATE_ON_PACE, TELL_NOBODY},
      {9, 9, GOOD | FACT_REACHED, STATE_ON_PACE, TELL_RECOVERED}},
     6},
    {"behind, silent, back on pace: the alert is ended",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {7, 3, SILENT, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 8, GOOD, STATE_ON_PACE, TELL_NOBODY},
      {11, 10, GOOD, STATE_ON_PACE, TELL_RECOVERED}},
     6},
};

static const struct story corrections[] = {
    {"corrected figures take the alert back at once",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 3, GOOD | FACT_UNDONE, STATE_ON_PACE, TELL_UNDONE},
      {5, 4, GOOD, STATE_ON_PACE, TELL_NOBODY}},
     5},
    {"corrected, but at risk all the same",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 3, RISKY | FACT_UNDONE, STATE_AT_RISK, TELL_UNDONE},
      {5, 4, RISKY | FACT_UNDONE, STATE_AT_RISK, TELL_NOBODY}},
     5},
    {"behind today, whatever was corrected of the past",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {4, 4, BAD | FACT_UNDONE, STATE_BEHIND, TELL_NOBODY}},
     4},
};

enum { END = OPEN | FACT_FINAL, DONE = END | FACT_COMPLETE };

static const struct story ends[] = {
    {"met",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {9, 8, DONE | FACT_REACHED, STATE_MET, TELL_FINAL},
      {9, 8, DONE | FACT_REACHED, STATE_MET, TELL_NOBODY}},
     3},
    {"exceeded", {{9, 8, DONE | FACT_REACHED | FACT_STRETCHED, STATE_EXCEEDED, TELL_FINAL}}, 1},
    {"reached is reached, whoever has not reported",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {9, 3, END | FACT_REACHED | FACT_OVERDUE, STATE_MET, TELL_FINAL}},
     2},
    {"missed needs the last reports",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {9, 3, END | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_SILENT},
      {12, 8, DONE, STATE_MISSED, TELL_FINAL}},
     3},
    {"missed, and met by a correction",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {9, 8, DONE, STATE_MISSED, TELL_FINAL},
      {20, 8, DONE | FACT_REACHED, STATE_MET, TELL_REVISED},
      {30, 8, DONE, STATE_MISSED, TELL_REVISED}},
     4},
    {"a later due day opens it again, and takes back what was told",
     {{9, 8, DONE, STATE_MISSED, TELL_FINAL},
      {10, 9, GOOD, STATE_ON_PACE, TELL_REVISED},
      {20, 19, DONE, STATE_MISSED, TELL_FINAL}},
     3},
    {"at risk by the later due day, too",
     {{9, 8, DONE, STATE_MISSED, TELL_FINAL}, {10, 9, RISKY, STATE_AT_RISK, TELL_REVISED}},
     2},
    {"behind by the later due day, too, as was told",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {1, 1, BAD, STATE_ON_PACE, TELL_NOBODY},
      {3, 3, BAD, STATE_BEHIND, TELL_BEHIND},
      {9, 8, DONE, STATE_MISSED, TELL_FINAL},
      {10, 9, BAD, STATE_BEHIND, TELL_REVISED},
      {11, 10, BAD, STATE_BEHIND, TELL_NOBODY}},
     6},
    {"so does a later beginning",
     {{9, 8, DONE, STATE_MISSED, TELL_FINAL}, {10, 9, 0, STATE_NOT_STARTED, TELL_REVISED}},
     2},
    {"without the last reports nobody knows the end: told once, after three days more",
     {{0, 0, FACT_STARTED, STATE_NOT_REPORTED, TELL_NOBODY},
      {3, 0, NEVER, STATE_NOT_REPORTED, TELL_SILENT},
      {9, 0, NEVER | FACT_FINAL, STATE_NOT_REPORTED, TELL_NOBODY},
      {11, 0, NEVER | FACT_FINAL, STATE_NOT_REPORTED, TELL_NOBODY},
      {12, 0, NEVER | FACT_FINAL, STATE_NOT_REPORTED, TELL_FINAL},
      {13, 0, NEVER | FACT_FINAL, STATE_NOT_REPORTED, TELL_NOBODY},
      {20, 8, DONE, STATE_MISSED, TELL_FINAL}},
     7},
    {"nobody is asked for reports of no day",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {9, 3, END, STATE_NOT_REPORTED, TELL_NOBODY},
      {12, 3, END, STATE_NOT_REPORTED, TELL_FINAL}},
     3},
    {"nor is that so any longer with a later due day",
     {{0, 0, OPEN, STATE_ON_PACE, TELL_NOBODY},
      {9, 3, END | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_SILENT},
      {12, 3, END | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_FINAL},
      {13, 3, SILENT, STATE_NOT_REPORTED, TELL_REVISED},
      {14, 3, SILENT, STATE_NOT_REPORTED, TELL_NOBODY},
      {20, 3, END | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_NOBODY},
      {23, 3, END | FACT_OVERDUE, STATE_NOT_REPORTED, TELL_FINAL}},
     7},
};

#define PLAY(stories)                                                                              \
    for (size_t i = 0; i < sizeof(stories) / sizeof *(stories); i++)                               \
    play(&(stories)[i])

START_TEST(beginnings_are_quiet)
{
    PLAY(beginnings);
}
END_TEST

START_TEST(the_pace_is_told_when_it_has_held)
{
    PLAY(paces);
}
END_TEST

START_TEST(silence_is_another_matter_than_being_behind)
{
    PLAY(silences);
}
END_TEST

START_TEST(corrections_are_told)
{
    PLAY(corrections);
}
END_TEST

START_TEST(ends_are_told_once_and_may_be_revised)
{
    PLAY(ends);
}
END_TEST

START_TEST(what_was_held_back_is_asked_again)
{
    struct state_record r = state_initial(TODAY);
    state_step(&r, OPEN, TODAY, 0);
    ck_assert_int_eq(state_step(&r, SILENT, TODAY + 3, 0).tell, TELL_SILENT);
    state_untell(&r, TELL_SILENT);
    ck_assert_int_eq(state_step(&r, SILENT, TODAY + 4, 0).tell, TELL_SILENT);
    ck_assert_int_eq(state_step(&r, SILENT, TODAY + 4, 0).tell, TELL_NOBODY);
}
END_TEST

START_TEST(a_target_is_open_since_it_started_or_was_extended)
{
    static const struct {
        int day;
        uint32_t facts;
        int since;
        const char *why;
    } rows[] = {
        {0, 0, 0, "not yet"},
        {2, OPEN, 2, "started"},
        {5, SILENT, 2, "still open"},
        {9, OPEN | FACT_FINAL, 2, "over"},
        {12, OPEN, 12, "extended"},
        {13, SILENT, 12, "still open"},
        {20, OPEN | FACT_FINAL | FACT_COMPLETE, 12, "over again"},
        {21, 0, 21, "put off"},
    };
    struct state_record r = state_initial(TODAY);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        day_t today = TODAY + rows[i].day, since = state_open_since(&r, rows[i].facts, today);
        ck_assert_msg(since == TODAY + rows[i].since, "%s: since day %d", rows[i].why,
                      since - TODAY);
        state_step(&r, rows[i].facts, today, 0);
    }
}
END_TEST

START_TEST(any_facts_in_any_state_give_a_state)
{
    for (unsigned state = 0; state < STATE_COUNT; state++)
        for (uint32_t facts = 0; facts < 1u << FACT_COUNT; facts++) {
            struct state_record r = {.state = (enum alert_state)state, .since = TODAY};
            struct state_outcome o = state_step(&r, facts, TODAY + 9, 8);
            ck_assert_uint_lt(o.to, STATE_COUNT);
            if (facts & FACT_OVERDUE && o.to == STATE_BEHIND && o.moved)
                ck_abort_msg("from %s with %x: behind without reports", alert_state_id(o.from),
                             facts);
        }
}
END_TEST

SUITE_MAIN("alert states", beginnings_are_quiet, the_pace_is_told_when_it_has_held,
           silence_is_another_matter_than_being_behind, corrections_are_told,
           ends_are_told_once_and_may_be_revised, what_was_held_back_is_asked_again,
           a_target_is_open_since_it_started_or_was_extended, any_facts_in_any_state_give_a_state)
