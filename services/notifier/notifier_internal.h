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
void notifier_state_del(struct kv *kv, const struct notifier_state *s);
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
    int64_t told_now; /* by the figures of today, what stood on the day of notifier_told_last */
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
/* Takes back, after all targets were judged, what stands told of targets that the plan has no more,
 * or not at that unit; such states end. */
int notifier_tell_removed(struct notifier *n, struct kv *kv, int64_t time_ms, struct err *err);

/* ---- what was told ---- */

/* Of those who stand told that the unit is behind, the one told last; NULL: nobody does. */
const struct notifier_told *notifier_told_last(const struct notifier_state *s);
/* Share and path as a number: another one, and the plan was amended. */
uint64_t notifier_terms(const struct target *t, const struct notifier_state *s);

/* ---- one thing to tell one recipient of one unit ---- */

struct telling {
    struct judged *unit;
    enum text_role role;
    const struct judged *of; /* whose leaders, office or officers */
    enum text_kind kind;
    enum alert_state to; /* what is said of it */
    bool amended;        /* since the message before, if any: the plan */
    bool corrected;      /* the figures */
    bool sent;
    day_t told_on;     /* of the message before; DAY_NEVER: there is none */
    day_t reminded_of; /* of silence: the same */
    struct notifier_told before;
    char corrects[NOTIFIER_ID_BYTES]; /* what it takes back, ends or changes; "" for none */
};

/* "quanhuyen.303" */
void notifier_recipient(enum text_role role, const struct ident *of,
                        char out[NOTIFIER_RECIPIENT_BYTES]);
/* The id of a message of that plan and target. `to`: of a result, which. */
void notifier_id(const struct notifier_state *s, const struct ident *of, enum text_role role,
                 enum text_kind kind, enum alert_state to, int64_t time_ms,
                 char out[NOTIFIER_ID_BYTES]);
/* Puts it into words, those of `lead` or, without one, of all: history, ids and outbox. */
void notifier_say(struct judging *j, const struct telling *lead, struct telling *const *all,
                  size_t count);
/* The line of the history and what waits for delivery; the words are made of the facts. */
void notifier_send(struct notifier *n, struct kv *kv, struct notifier_decision *d,
                   struct text_facts *f);
enum state_tell notifier_tell_of(enum text_kind kind);
const char *notifier_document(const struct plan *p);

#endif
