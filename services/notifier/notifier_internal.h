/* What the files of the notifier's core share: records, and a judgement in the making. */
#ifndef TONGHOP_NOTIFIER_NOTIFIER_INTERNAL_H
#define TONGHOP_NOTIFIER_NOTIFIER_INTERNAL_H

#include "common/base/arena.h"
#include "services/notifier/notifier_core.h"
#include "services/notifier/text_core.h"

struct notifier {
    const struct codec *codec;
    struct registry *registry;
    struct arena arena;
    struct notifier_position position;
    uint64_t next_number;
};

/* ---- records ---- */

int notifier_corrupt(struct err *err, const char *table);
void notifier_cell_key(struct slice indicator, struct slice unit, day_t day, struct buf *out);
void notifier_cell_put(struct kv *kv, const struct notifier_cell *cell);
void notifier_cells_clear(struct kv *kv);
/* The state of (plan, target, unit, unit_from), which the caller has set; the rest is filled in. 1
 * found, 0 new. */
int notifier_state_get(struct kv *kv, struct notifier_state *s, struct err *err);
void notifier_state_put(struct kv *kv, const struct notifier_state *s);
void notifier_decision_put(struct kv *kv, const struct notifier_decision *d);

/* ---- one target judged at one tick ---- */

enum { NOTIFIER_NO_UNIT = -1 };

/* One unit with a share of the target. */
struct judged {
    uint32_t unit;  /* in the catalogue, as of the target's due day */
    int above;      /* index of the unit above it with a share, or NOTIFIER_NO_UNIT */
    unsigned level; /* of the unit */
    const char *name;
    bool old; /* it had a state before */
    struct notifier_state state;
    struct state_outcome outcome;
    int64_t told_now; /* by the figures of today, what stood on state.told_judged */
    uint32_t silent_owed;
    uint32_t silent_reported;
    day_t heard; /* last day of which a report has come; DAY_NEVER: none */
};

struct judging {
    struct notifier *n;
    struct kv *kv;
    int64_t time_ms;
    day_t today;
    const struct plan *plan;
    const struct target *target;
    const struct indicator *indicator;
    uint32_t parts[2]; /* ordinals: the indicator, or a ratio's numerator and denominator */
    unsigned part_count;
    unsigned due_days;    /* after the target's due day, until its last reports are due */
    struct judged *units; /* parents before children */
    size_t unit_count;
    size_t unit_capacity;
};

/* Every target of every plan at this tick: states, history and outbox. */
int notifier_judge(struct notifier *n, struct kv *kv, int64_t time_ms, struct err *err);
/* Figures of one unit: fills pace and facts into the record, and steps it. */
void notifier_look(struct judging *j, struct judged *u);
/* Are reports owed less often than daily? */
bool notifier_is_sparse(const struct judging *j);
/* Writes what the steps came to. */
int notifier_tell(struct judging *j, struct err *err);

#endif
