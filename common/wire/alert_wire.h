/* Notifications, states of targets and decisions as values; see wire.h for the rules and
 * proto/alert.proto for what they mean. Texts are borrowed on the way out, in the arena on the way
 * in. */
#ifndef TONGHOP_WIRE_ALERT_WIRE_H
#define TONGHOP_WIRE_ALERT_WIRE_H

#include "common/model/alert_state.h"
#include "common/wire/wire.h"

enum {
    WIRE_ALERT_STATES = STATE_COUNT,
    WIRE_ALERT_STATES_MAX = 32768,   /* in one reply */
    WIRE_ALERT_DECISIONS_MAX = 1000, /* in one reply */
};

struct wire_notification {
    const char *id;
    struct ident plan;
    struct ident target;
    struct ident unit;
    uint32_t from_state;
    uint32_t to_state;
    int64_t tick_ms;
    const char *recipient;
    const char *recipient_name;
    const char *channel;
    const char *subject;
    const char *body;
    const char *corrects;
    uint64_t number;
};
void wire_pack_notification(const struct wire_notification *n, struct buf *out);
int wire_unpack_notification(struct slice s, struct arena *arena, struct wire_notification *out,
                             struct err *err);

struct wire_alerts_head {
    uint64_t number;
    uint64_t offset;
    int64_t time_ms;
};
void wire_pack_alerts_head(const struct wire_alerts_head *h, struct buf *out);
int wire_unpack_alerts_head(struct slice s, struct wire_alerts_head *out, struct err *err);

enum wire_alerts_what {
    WIRE_ALERTS_STATES,
    WIRE_ALERTS_NOTIFICATIONS,
    WIRE_ALERTS_HISTORY,
    WIRE_ALERTS_ONE,
};
struct wire_alerts {
    enum wire_alerts_what what;
    struct ident plan; /* empty: all; likewise the two below */
    struct ident target;
    struct ident unit;
    const char *id;
    uint64_t after;
    uint32_t count_max;
    uint64_t not_before;
    uint32_t wait_ms;
};
void wire_pack_alerts(const struct wire_alerts *a, struct buf *out);
int wire_unpack_alerts(struct slice s, struct arena *arena, struct wire_alerts *out,
                       struct err *err);

struct wire_alert_state {
    struct ident plan;
    struct ident target;
    struct ident unit;
    const char *unit_name;
    uint32_t depth;
    const char *target_title;
    struct ident indicator;
    struct ident measure; /* empty of a ratio */
    bool ratio;
    day_t due;
    uint32_t state;
    day_t since;
    int64_t lower;
    int64_t stretch;
    bool has_actual;
    int64_t actual;
    int64_t expected;
    int64_t expected_today;
    day_t judged;
    uint32_t owed;
    uint32_t reported;
    bool has_forecast;
    int64_t projected;
    int64_t needed;
    day_t silent_from;
    day_t silent_to;
};
struct wire_alert_decision {
    uint64_t number;
    const char *id;
    struct ident plan;
    struct ident target;
    struct ident unit;
    const char *unit_name;
    uint32_t from_state;
    uint32_t to_state;
    uint32_t reason;
    int64_t tick_ms;
    const char *recipient;
    const char *recipient_name;
    const char *subject;
    const char *body;
    const char *corrects;
    struct ident inhibitor;
    uint32_t waiting;
};
struct wire_alerts_reply {
    uint64_t offset;
    int64_t time_ms;
    int64_t judged_ms;
    uint32_t state_count;
    struct wire_alert_state *states;
    uint32_t decision_count;
    struct wire_alert_decision *decisions;
    bool more;
};
void wire_pack_alerts_reply(const struct wire_alerts_reply *r, struct buf *out);
int wire_unpack_alerts_reply(struct slice s, struct arena *arena, struct wire_alerts_reply *out,
                             struct err *err);

#endif
