/* The states of an alert, and what they are called: in ids and records, on screens, in messages. */
#ifndef TONGHOP_MODEL_ALERT_STATE_H
#define TONGHOP_MODEL_ALERT_STATE_H

#include <stdbool.h>

/* The numbers are those of proto/alert.proto, and stored: never reuse one. */
enum alert_state {
    STATE_NOT_STARTED = 0,
    STATE_ON_PACE = 1,
    STATE_AT_RISK = 2,
    STATE_BEHIND = 3,
    STATE_NOT_REPORTED = 4, /* nobody can say: reports owed are missing */
    STATE_MET = 5,
    STATE_EXCEEDED = 6, /* the stretch bound, too */
    STATE_MISSED = 7,
    STATE_SUSPENDED = 8,
    STATE_COUNT
};

/* "behind": part of the ids of notifications, so never changed. Of no state: "unknown". */
const char *alert_state_id(enum alert_state s);
/* "chậm tiến độ", or in English. Of no state: "?". */
const char *alert_state_words(enum alert_state s, bool english);

#endif
