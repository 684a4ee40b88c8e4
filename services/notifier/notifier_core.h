/* The notifier: judges every target at every unit that has a share, at the ticks of the day, and
 * decides who is told what. A pure function of the aggregator's frames: given in order, with an
 * ordered key-value transaction (common/base/kv.h), the same frames give the same states, texts and
 * ids, whatever crashed. Position, states, history and outbox move in the caller's one transaction;
 * a frame that was applied already changes nothing. When a commit fails, close the notifier and
 * open it again: nothing in memory outlives a failed commit.
 *
 * It judges at the first tick of a civil day at or after 08:00 and at the first at or after 17:00
 * (Viet Nam). Ticks before 08:00, missed midnights among them, judge nothing: nobody is told at
 * night.
 *
 * Tables (integers in keys big-endian, in values varint or zigzag; strings are blocks: length, then
 * bytes; `text\0` is the text and a NUL, which no ident holds):
 *   META      "position"             format u8, offset u64, time i64, last judged i64, next number
 *                                    u64: of the history
 *   REGISTRY  offset u64             kind u8, body: catalogues, plans, producers
 *   CELLS     indicator\0 unit\0 day i32
 *                                    amount, figures, reported, on time; absent when all are zero
 *   STATES    plan\0 target\0 unit\0 first day i32 (of the unit: codes are reused)
 *                                    format u8, alert, the figures it was last judged by, who was
 *                                    told what of it; gone when the unit has no share any longer
 *   HISTORY   number u64             format u8, one decision: what changed, who was told and how,
 *                                    or why nobody
 *   IDS       id of a decision       number u64
 *   OUTBOX    number u64 channel u8  empty; there until delivered
 *
 * A message is one recipient's at one tick: what happened to one unit, or the same to several. Its
 * id is made of plan, target, the recipient's own unit, what is said, the tick and the recipient;
 * with
 * "/" and the channel it is the notification's. */
#ifndef TONGHOP_NOTIFIER_NOTIFIER_CORE_H
#define TONGHOP_NOTIFIER_NOTIFIER_CORE_H

#include "common/base/kv.h"
#include "common/model/codec.h"
#include "common/model/registry.h"
#include "services/notifier/pace_core.h"
#include "services/notifier/state_core.h"
#include "services/notifier/text_core.h"

enum notifier_table {
    NOTIFIER_META,
    NOTIFIER_REGISTRY,
    NOTIFIER_CELLS,
    NOTIFIER_STATES,
    NOTIFIER_OUTBOX,
    NOTIFIER_HISTORY,
    NOTIFIER_IDS,
    NOTIFIER_TABLE_COUNT
};
extern const char *const notifier_table_names[NOTIFIER_TABLE_COUNT];

enum {
    NOTIFIER_FORMAT = 1,
    NOTIFIER_ID_BYTES = 256,       /* with its terminator */
    NOTIFIER_RECIPIENT_BYTES = 48, /* "quanhuyen.303" */
};

enum notifier_channel { CHANNEL_MAILDIR, CHANNEL_FEED, CHANNEL_COUNT };
extern const char *const notifier_channel_names[CHANNEL_COUNT]; /* in ids: never change one */

/* A frame as proto/frame.proto has it, decoded. All borrowed for the call. */
struct notifier_entry {
    enum entry_kind kind; /* catalogue, plan, producer */
    uint64_t offset;
    struct slice body;
};
struct notifier_cell {
    struct slice indicator;
    struct slice unit;
    day_t day;
    int64_t amount;
    int32_t figures;
    uint32_t reported;
    uint32_t on_time;
};
struct notifier_frame {
    uint64_t offset;          /* of the tick's entry */
    uint64_t previous_offset; /* of the tick before; 0: none */
    int64_t time_ms;
    const struct notifier_entry *entries;
    size_t entry_count;
    bool everything;
    const struct notifier_cell *cells;
    size_t cell_count;
};

struct notifier;

/* Opens on what `kv` holds (nothing: a new one). ERR_CORRUPT names the table; ERR_VERSION a store
 * written by a later version. `codec` is borrowed as long as the notifier lives. */
int notifier_open(struct notifier **out, struct kv *kv, const struct codec *codec, struct err *err);
void notifier_close(struct notifier *n); /* accepts NULL */

/* Applies the next frame. One at or before the position is passed over. ERR_CORRUPT when its
 * previous_offset is another than ours, or when an entry cannot be applied: stop, one of the two
 * stores was restored from a backup. After an error, abort the transaction and open again. */
int notifier_apply_frame(struct notifier *n, struct kv *kv, const struct notifier_frame *frame,
                         struct err *err);

struct notifier_position {
    uint64_t offset; /* of the last tick applied: the after_offset of the next pull; 0 at first */
    int64_t time_ms;
    int64_t judged_ms; /* the last tick that judged; 0: none */
};
struct notifier_position notifier_position(const struct notifier *n);
const struct registry *notifier_registry(const struct notifier *n);

/* ---- what stands ---- */

/* What one recipient was told of one target at one unit, and what stood in it. Ticks are 0 where
 * nothing was told, or nothing of it holds any longer. */
struct notifier_told {
    struct ident of;   /* whose leaders, office or officers; empty: never told */
    int64_t behind_ms; /* the tick at which "behind" was told */
    day_t judged;      /* the day that was judged by */
    int64_t level;
    int64_t lower;
    uint64_t terms;    /* of share and path; differ when the plan was amended */
    int64_t silent_ms; /* of the silence, or the last reminder of it */
    int64_t final_ms;  /* of the result */
    enum alert_state final;
    bool revised; /* it was told as a correction */
    int64_t final_level;
    int64_t final_lower;
    uint64_t final_terms;
};

/* One target at one unit, as last judged. Idents, not names: the registry has those. */
struct notifier_state {
    struct ident plan;
    struct ident target;
    struct ident unit;
    day_t unit_from;
    struct state_record record;
    day_t judged_on; /* the civil day of the tick */
    int64_t lower;
    int64_t stretch;
    struct pace pace;
    struct notifier_told told[TEXT_ROLE_COUNT]; /* by role: a unit has one recipient of each */
    day_t silent_from; /* while not reported: the due days missing; from > to: none is due */
    day_t silent_to;
};
/* In order of plan, target and code of the unit. The state lives until `visit` returns; no write
 * to `kv` inside. ERR_CORRUPT when one cannot be read. */
int notifier_visit_states(struct kv *kv,
                          void (*visit)(void *arg, const struct notifier_state *state), void *arg,
                          struct err *err);

/* ---- decisions ---- */

enum notifier_reason {
    REASON_TOLD = 0,
    REASON_QUIET = 1,     /* this transition is told to nobody */
    REASON_INHIBITED = 2, /* the unit in `inhibitor` is told already, or about to be */
    REASON_DIGEST = 3, /* stands in the message `id`; without one, in its district's at the end */
};

/* A line of the history. A message about several units is a line of its own, of the recipient's
 * unit and with `from` as `to`, before the lines of those units. Slices are borrowed from the
 * store, until the next write or the end of the transaction. */
struct notifier_decision {
    uint64_t number; /* 1, 2, 3 … */
    struct slice id; /* without a channel; empty unless told, or told in that message */
    struct ident plan;
    struct ident target;
    struct ident unit;
    enum alert_state from;
    enum alert_state to;
    enum state_tell tell;
    enum notifier_reason reason;
    int64_t tick_ms;
    struct slice recipient;      /* "quanhuyen.303": told, or held back from; empty when quiet */
    struct slice recipient_name; /* to be shown */
    struct slice subject;
    struct slice body;
    struct slice corrects; /* id of the decision that this one undoes or ends */
    struct ident inhibitor;
};

/* One message over one channel that waits to be delivered. */
struct notification {
    uint64_t number;
    enum notifier_channel channel;
    char id[NOTIFIER_ID_BYTES];       /* with the channel */
    char corrects[NOTIFIER_ID_BYTES]; /* with the channel; "" for none */
    struct notifier_decision decision;
};

/* The first that waits after (number, channel); number 0: the first of all. 1 found, 0 none,
 * negative: ERR_CORRUPT. */
int notifier_outbox_next(struct kv *kv, uint64_t after_number, enum notifier_channel after_channel,
                         struct notification *out, struct err *err);
/* It need not be kept any longer; twice is once. */
void notifier_outbox_delivered(struct kv *kv, uint64_t number, enum notifier_channel channel);
bool notifier_is_waiting(struct kv *kv, uint64_t number, enum notifier_channel channel);

/* Decisions with a number above `after`, in order, until `visit` returns false. */
int notifier_visit_history(struct kv *kv, uint64_t after,
                           bool (*visit)(void *arg, const struct notifier_decision *d), void *arg,
                           struct err *err);
/* By id, with or without the channel. 1 found, 0 there is none, negative: ERR_CORRUPT. */
int notifier_find(struct kv *kv, struct slice id, struct notifier_decision *out, struct err *err);

#endif
