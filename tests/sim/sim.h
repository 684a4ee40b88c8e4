/* The whole system as pure cores on a simulated network, disk and clock: one seed makes one world,
 * the same each time. The parts (collector, aggregator, notifier, producers, operator, observer) do
 * what the services' wiring does, in the same order, and can die at every commit, sync and send.
 * What must always hold is checked where it could break; a failure says seed and step and stops the
 * process, as nothing after it means anything. */
#ifndef TONGHOP_TESTS_SIM_H
#define TONGHOP_TESTS_SIM_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/client/spool_core.h"
#include "common/wire/frame_wire.h"
#include "services/aggregator/feed_core.h"
#include "services/aggregator/ledger_core.h"
#include "services/collector/collector_core.h"
#include "services/notifier/notifier_core.h"
#include "tests/support/memkv.h"
#include "tests/support/random_tree.h"
#include "tests/support/random_world.h"

enum {
    SIM_COLLECTOR,
    SIM_AGGREGATOR,
    SIM_OPERATOR,
    SIM_OBSERVER,
    SIM_INTRUDER, /* sends what nobody should */
    SIM_NOTIFIER,
    SIM_PRODUCER_FIRST,
    SIM_PRODUCERS_MAX = 12,
    SIM_NODES_MAX = SIM_PRODUCER_FIRST + SIM_PRODUCERS_MAX,
    SIM_IDENTITIES_MAX = 8, /* registered names; several producers may share one */
    SIM_SPOOL_HELD_MAX = 64,
    SIM_SPOOLS_MAX = 256,
    SIM_PULLS_MAX = 8, /* of frames, that wait at the aggregator */
};

struct sim;
struct sim_message;

/* What goes wrong in this world, until the calm at the end. */
struct sim_weather {
    unsigned loss_percent;
    unsigned double_percent;
    int delay_ms_max;
    unsigned crash_permille;       /* at each commit and send */
    unsigned commit_fail_permille; /* store full */
    unsigned partitions;           /* how many, over the time of the storm */
    unsigned clock_jumps;
    unsigned accidents; /* spools lost or restored */
    unsigned changes;   /* of catalogue, plan, producers, keys */
    unsigned nights;    /* and days, in which nothing happens */
};

/* --- time, network, failure: sim_world.c */

struct sim_event {
    int64_t at_ms;
    uint64_t order; /* of those at the same time, the first made comes first */
    void (*run)(struct sim *w, struct sim_event *e);
    unsigned node;
    uint32_t life; /* of the node; the event dies with it. 0: outlives it */
    struct sim_message *message;
};

struct sim_node {
    bool up;
    uint32_t life; /* 1, 2, 3 … a restart begins another */
    bool cut;      /* by a partition: nothing comes in or goes out */
};

enum sim_message_kind {
    SIM_SUBMIT,
    SIM_SUBMIT_ANSWER,
    SIM_FETCH,
    SIM_COMMITS,
    SIM_APPLY,
    SIM_APPLY_ANSWER,
    SIM_QUERY,
    SIM_QUERY_ANSWER,
    SIM_SNAPSHOT_REQUEST,
    SIM_SNAPSHOT,
    SIM_UPDATE,
    SIM_HEADS,
    SIM_FRAMES_PULL,
    SIM_FRAMES,
    SIM_NOTIFICATION,
};

enum sim_apply_kind { SIM_APPLY_BODY, SIM_APPLY_REPLAY_TICK, SIM_APPLY_CLOCK_ACCEPT };

/* A payload as some producer made it. */
struct sim_content {
    struct slice bytes;
    uint8_t hash[HASH_BYTES];
    uint32_t statement; /* index; stamped again it is still the same statement. 0: none */
    bool oversized;
};

struct sim_submit {
    uint8_t key[KEY_BYTES];
    struct spool_id spool;
    uint64_t number;
    struct ident officer; /* empty unless a delegate speaks */
    uint32_t link;        /* of the sender: answers of one link do not come over another */
    const struct sim_content *content;
};

/* In the world's memory, never changed once sent. */
struct sim_message {
    enum sim_message_kind kind;
    unsigned from;
    unsigned to;
    uint32_t to_life;   /* an answer goes to the life that asked; 0: any */
    uint32_t from_life; /* of the sender when it sent */
    uint64_t id;
    uint64_t floor; /* highest offset the receiver had seen when this was made */
    union {
        struct sim_submit submit;
        struct {
            struct sim_submit asked;
            struct verdict verdict;
        } answer;
        struct {
            uint64_t from_offset;
            uint8_t previous_hash[HASH_BYTES];
            uint32_t bytes_max;
        } fetch;
        struct {
            struct slice commits;
            uint32_t count;
            uint64_t head_offset;
        } commits;
        struct {
            enum sim_apply_kind kind;
            struct collector_change change;
            int64_t time_ms;
        } apply;
        struct {
            int code;
            uint64_t offset;
        } apply_answer;
        struct wire_frames_request pull;
        struct slice frames; /* packed, one after the other */
        struct {
            uint64_t number;
            struct slice bytes;
        } notification;
        struct {
            uint64_t dice;
            uint64_t not_before;
        } query;
        struct {
            uint64_t offset;
            uint64_t not_before;
        } query_answer;
        struct sim_feed_message {
            uint64_t epoch;
            uint64_t offset;
            struct feed_stream stream; /* of an update, a snapshot and its request */
            uint64_t number;
            const struct feed_cell *cells;
            size_t cell_count;
            const struct feed_head *heads;
            size_t head_count;
            uint64_t truth; /* sim_cell_sum of all cells there are; not for the receiver's eyes but
                               to judge it by */
        } feed;
    };
};

/* --- what was committed: sim_journal.c */

/* The journal as the collector's disk has it, read without the collector. */
struct sim_journal {
    struct entry *entries;         /* bodies in the world's memory */
    uint64_t *commits;             /* number of each entry's commit */
    uint8_t (*hashes)[HASH_BYTES]; /* and its hash */
    size_t count;
    size_t entry_capacity;
    size_t commit_capacity;
    size_t hash_capacity;
    struct commit_head head;
    uint64_t next_row;
    uint64_t accepted_rows;
    struct sim_spool_seen {
        uint32_t producer;
        struct spool_id id;
        uint64_t last_number;
    } spools[SIM_SPOOLS_MAX];
    unsigned spool_count;
};

/* Takes in what the collector's store has beyond what is known, and checks it. */
void sim_journal_follow(struct sim *w);
/* What a producer was told stands in the journal, word for word. */
void sim_journal_check_answer(struct sim *w, const struct sim_message *answer);
void sim_journal_fini(struct sim_journal *j);

/* --- a second ledger that nothing ever happens to: sim_verifier.c ------------------------------
 */

struct sim_verifier {
    struct memkv *disk;
    struct ledger *ledger;
};

void sim_verifier_open(struct sim *w);
void sim_verifier_close(struct sim *w);
/* Brings it to the end of the commit that ends at `offset`. */
void sim_verifier_advance(struct sim *w, uint64_t offset);
/* The aggregator's store, at that very offset, has the same records. */
void sim_verifier_compare(struct sim *w, struct memkv *other, uint64_t offset);
/* Everything is delivered: each statement once, every question answered as the naive ledger does,
 * and the notifier's store is that of one which nothing ever happened to. */
void sim_verifier_check_end(struct sim *w);

/* --- the parts ---------------------------------------------------------------------------------
 */

struct sim_collector {
    struct memkv *disk;
    struct collector *core;
    struct sim_message **inbox;
    size_t inbox_count;
    size_t inbox_capacity;
    bool round_due;
    int64_t wall_offset_ms; /* how far the machine's clock is off */
    struct arena arena;
};

void sim_collector_start(struct sim *w);
void sim_collector_receive(struct sim *w, struct sim_message *m);
/* Takes all that waits, without faults and without answers: for the founding. */
void sim_collector_settle(struct sim *w);
void sim_collector_die(struct sim *w);
void sim_collector_fini(struct sim *w);
int64_t sim_collector_wall_ms(const struct sim *w);

struct sim_aggregator {
    struct memkv *disk;
    struct memkv *backup; /* an older copy of the disk; NULL: none */
    struct ledger *ledger;
    struct kv *kv;              /* waits for a checkpoint; NULL: nothing applied since */
    uint64_t fetch_id;          /* of the one outstanding */
    bool head_known;            /* of the journal, as found after the start */
    uint64_t head_at_start;     /* below it nothing is shown */
    uint64_t checkpoint_offset; /* position of the last commit of this store */
    uint64_t checkpoints;
    bool checkpoint_due;
    bool fetch_due;
    struct feed *feed;
    bool feed_open;          /* an epoch was begun in this life */
    uint64_t epoch;          /* the last one of all lives */
    int64_t feed_free_at_ms; /* the link to the subscriber keeps its order */
    uint64_t cell_sum;       /* of all cells, as of the checkpoint of that number */
    uint64_t cell_sum_at;
    struct sim_message **waiting; /* queries */
    size_t waiting_count;
    size_t waiting_capacity;
    struct sim_pull {
        const struct sim_message *message;
        int64_t deadline_ms;
    } pulls[SIM_PULLS_MAX];
    unsigned pull_count;
    struct arena arena;
};

void sim_aggregator_start(struct sim *w);
void sim_aggregator_receive(struct sim *w, struct sim_message *m);
void sim_aggregator_die(struct sim *w);
void sim_aggregator_fini(struct sim *w);

/* Pulls of frames, on the aggregator's side: sim_frames.c. */
void sim_frames_take(struct sim *w, const struct sim_message *m);
/* Answers those that can be, from what is checkpointed. False: the aggregator is dead. */
bool sim_frames_serve(struct sim *w);
/* A frame with its entries and cells, by their names; in the arena and the transaction's memory. */
void sim_frame_read(struct sim *w, const struct ledger *l, struct kv *kv,
                    struct ledger_frame *frame, struct arena *arena, struct wire_frame *out);

/* --- the notifier: sim_notifier.c; its maildir, and what is known of its decisions: sim_post.c ---
 */

/* A message of the maildir. What is not synced may be lost or torn by a crash. */
struct sim_mail {
    struct slice name;
    struct slice written; /* in tmp/; empty: not there */
    bool written_synced;
    struct slice placed; /* in new/, as a reader sees it; empty: not there */
    bool placed_synced;  /* its bytes, not its place */
    struct slice kept;   /* in new/ after a crash, whatever was not synced is lost */
    bool kept_whole;
};

/* A decision as it was first committed, and what has become of it. */
struct sim_decision {
    struct slice record; /* of the history */
    bool told;           /* else only noted, and nothing goes out */
    struct slice notification;
    struct slice text; /* of the mail */
    struct sim_mail mail;
    unsigned published; /* times it was sent to the feed */
    bool done[CHANNEL_COUNT];
};

struct sim_notifier {
    struct memkv *disk;
    struct notifier *core;
    struct notifier_position done; /* as of the last commit */
    uint64_t earlier_offset;       /* as of the one before, of this life */
    uint64_t pull_id;              /* of the one outstanding */
    const struct sim_message *reply;
    struct slice rest; /* of its frames: to be applied yet */
    struct sim_channel {
        uint64_t done_number;
        bool due;
    } channels[CHANNEL_COUNT];
    int64_t feed_free_at_ms;
    struct arena arena;
};

void sim_notifier_start(struct sim *w);
void sim_notifier_receive(struct sim *w, struct sim_message *m);
void sim_notifier_die(struct sim *w);
void sim_notifier_fini(struct sim *w);
bool sim_notifier_idle(const struct sim *w);
int sim_notifier_apply(struct notifier *core, struct kv *kv, const struct wire_frame *f,
                       struct arena *arena, struct err *err);

/* What outlives every crash of the notifier: the world's memory of it. */
struct sim_post {
    struct sim_decision *decisions; /* by number, from 1 on */
    size_t count;
    size_t capacity;
    size_t open_from; /* below it all is delivered over every channel */
    uint64_t offset;  /* highest position that was committed */
    uint64_t told;
    uint64_t redelivered;
    uint64_t tells[TELL_REVISED + 1];
    bool moves[STATE_COUNT][STATE_COUNT];
};

/* A notification as it goes out: name of the file or topic, and bytes. In the world's memory. */
void sim_post_wrap(struct sim *w, const struct notification *n, struct slice *place,
                   struct slice *message);
/* After a commit of the notifier: learns what it decided, and checks what it calls delivered. */
void sim_post_follow(struct sim *w);
void sim_post_publish(struct sim *w, uint64_t number, struct slice message);
void sim_post_hear(struct sim *w, const struct sim_message *m);
/* As maildir_put and maildir_sync do it, step by step. */
struct sim_mail *sim_mail_write(struct sim *w, struct slice name, struct slice text);
void sim_mail_sync(struct sim_mail *mail);
void sim_mail_place(struct sim *w, struct sim_mail *mail);
void sim_maildir_sync(struct sim *w);
void sim_maildir_crash(struct sim *w);
/* All that was decided has gone out, and stands in the history of `kv`, word for word. */
void sim_post_check_end(struct sim *w, struct kv *kv);
void sim_post_fini(struct sim_post *p);

/* What lies on a producer's disk: the spool as it was last synced. */
struct sim_spool {
    struct spool_id id;
    uint64_t next_number;
    struct sim_held {
        uint64_t number;
        const struct sim_content *content;
    } held[SIM_SPOOL_HELD_MAX]; /* ascending by number */
    unsigned held_count;
};

struct sim_producer {
    unsigned identity;
    unsigned speaks_for; /* identity of the officer; own identity unless a delegate */
    int64_t skew_ms;
    unsigned window; /* of numbers in flight; the same in all its lives */
    struct sim_spool disk;
    struct sim_spool image; /* written, not synced yet */
    struct sim_spool backup;
    bool has_backup;
    bool suspect; /* its spool was lost or restored: what it sent may be lost, or come twice */
    struct spool_core core;
    uint8_t key[KEY_BYTES];
    uint32_t link;      /* counts the times it went up or down */
    int64_t wake_at_ms; /* of the earliest tick that is scheduled; 0: none */
    unsigned statements_left;
};

/* A statement that somebody wanted to make, and what became of it. */
struct sim_statement {
    unsigned producer; /* node */
    bool kept;         /* its maker was told so */
    bool suspect;      /* made before its spool was lost or restored */
    bool poison;       /* cannot be decoded */
    uint8_t hash[HASH_BYTES];
    unsigned journalled;
};

void sim_producer_start(struct sim *w, unsigned node);
void sim_producer_receive(struct sim *w, struct sim_message *m);
void sim_producer_die(struct sim *w, unsigned node);
/* Begins to make statements. */
void sim_producer_begin(struct sim *w, unsigned node);
bool sim_producer_idle(const struct sim *w, unsigned node);
/* Spool lost, or an older copy put back. */
void sim_producer_accident(struct sim *w, unsigned node);
void sim_producer_use_key(struct sim *w, unsigned identity, const uint8_t key[KEY_BYTES]);

void sim_intruder_begin(struct sim *w);
void sim_intruder_receive(struct sim *w, struct sim_message *m);

struct sim_identity {
    struct ident name;
    uint32_t roles;
    uint8_t key[KEY_BYTES];
    uint8_t next_key[KEY_BYTES];
    enum { SIM_KEY_STEADY, SIM_KEY_ADDING, SIM_KEY_REVOKING } rotation;
};

struct sim_operator {
    struct random_tree *tree;
    struct indicator *indicators;
    uint32_t plan_version;
    struct registry *registry; /* as it will be when all changes sent are applied */
    struct sim_identity identities[SIM_IDENTITIES_MAX];
    unsigned identity_count;
    uint8_t revoked_key[KEY_BYTES]; /* of an identity nobody has any longer */
    unsigned changes_left;
    struct sim_message *outstanding; /* sent until it is answered */
    uint64_t next_id;
    int64_t replay_ms;
};

extern const struct fixed_key sim_operator_key;
/* Catalogue, plan and producers of the beginning, applied before anything can fail. */
void sim_operator_found(struct sim *w);
void sim_operator_begin(struct sim *w);
void sim_operator_receive(struct sim *w, struct sim_message *m);
void sim_operator_fini(struct sim *w);
bool sim_operator_idle(const struct sim *w);
/* Targets for the plan, whose indicators stand: sim_targets.c. In the world's memory. */
void sim_targets_choose(struct sim *w, struct plan *p);

struct sim_observer {
    uint64_t offset; /* highest seen */
    uint64_t next_id;
    uint64_t answers;
    uint64_t told_offset; /* that some producer was told */
    uint64_t epoch;
    struct sim_stream *streams;
    size_t stream_count;
    size_t stream_capacity;
    uint64_t true_offset; /* at which its cells were last found to be the aggregator's */
    uint64_t compared;    /* how often */
};

void sim_observer_begin(struct sim *w);
void sim_observer_receive(struct sim *w, struct sim_message *m);
bool sim_observer_idle(const struct sim *w);
void sim_observer_fini(struct sim *w);
/* What a cell adds to a sum that does not depend on the order; 0 for a cell of zeros. */
uint64_t sim_cell_sum(uint32_t indicator, const struct feed_cell *cell);

/* --- batches: sim_batch.c -----------------------------------------------------------------------
 */

/* A statement by that producer, as a payload stamped time_ms; `statement` is its index. */
const struct sim_content *sim_batch_make(struct sim *w, unsigned node, uint32_t statement,
                                         int64_t reported_at_ms);
/* Bytes that are no batch. */
const struct sim_content *sim_batch_poison(struct sim *w, unsigned node, uint32_t statement);
const struct sim_content *sim_batch_restamp(struct sim *w, const struct sim_content *content,
                                            int64_t reported_at_ms);

/* --- the world -----------------------------------------------------------------------------------
 */

struct sim_options {
    bool verbose;
    bool no_faults;          /* whatever the seed says: only the crashes asked for below, and the
                                same journal whenever the aggregator is ready */
    const char *crash_where; /* at this place (NULL: any place) */
    uint64_t crash_at;       /* the how many-th time it is passed; 0: never */
};

struct sim {
    uint64_t seed;
    uint64_t step;
    int64_t now_ms;   /* when events happen, from start_ms on; no part can read it */
    int64_t slept_ms; /* true time is later by the nights that have passed: sim_true_ms */
    int64_t start_ms;
    int64_t storm_end_ms;
    int64_t last_tick_ms; /* after it the collector wakes up for messages only */
    bool calm;            /* faults are over */
    bool replay;
    day_t first; /* days that figures are about */
    day_t last;
    bool campaign; /* most figures are the first indicator's at the top: there pace can be judged */
    int pace;      /* how much a day brings it, until the day of that number */
    int turn;
    int pace_after;
    struct sim_options options;
    struct sim_weather weather;
    uint64_t points; /* places of a crash passed; of crash_where only, if given */
    uint64_t crashes;
    struct arena memory;
    struct random weather_dice;
    struct random dice[SIM_NODES_MAX]; /* each part its own, so that one's fate leaves others be */
    struct sim_node nodes[SIM_NODES_MAX];
    unsigned node_count;

    struct sim_event *events; /* a heap */
    size_t event_count;
    size_t event_capacity;
    uint64_t next_order;

    struct sim_journal journal;
    struct sim_verifier verifier;
    struct sim_collector collector;
    struct sim_aggregator aggregator;
    struct sim_notifier notifier;
    struct sim_post post;
    struct sim_operator operator;
    struct sim_observer observer;
    struct sim_producer producers[SIM_NODES_MAX]; /* by node */
    struct sim_statement *statements;             /* 0 is none */
    size_t statement_count;
    size_t statement_capacity;
};

/* What a run came to. */
struct sim_outcome {
    uint64_t answers;  /* to the observer's questions */
    uint64_t compared; /* times the observer's cells were found to be the aggregator's */
    uint64_t steps;
    uint64_t points;
    uint64_t crashes;
    uint64_t entries;
    uint8_t head[HASH_BYTES];
    uint8_t dump[HASH_BYTES];    /* of the aggregator's canonical dump */
    uint8_t history[HASH_BYTES]; /* of the notifier's */
    uint64_t decisions;
    uint64_t told;
    uint64_t redelivered; /* messages that went out again */
    uint64_t tells[TELL_REVISED + 1];
    bool moves[STATE_COUNT][STATE_COUNT]; /* from, to */
};

/* Runs the world of that seed to its end. Anything that does not hold ends the process. */
struct sim_outcome sim_run(uint64_t seed, const struct sim_options *options);
/* The world that is running, or NULL. */
const struct sim *sim_current(void);

/* A crash at `where`, if it is to be: true when the node is dead, and the caller must return. */
bool sim_crashes(struct sim *w, unsigned node, const char *where);
void sim_crash(struct sim *w, unsigned node, const char *where);
void sim_schedule(struct sim *w, int64_t after_ms, struct sim_event event);
/* Since 1970. */
int64_t sim_true_ms(const struct sim *w);
/* A copy in the world's memory. */
struct slice sim_keep(struct sim *w, struct slice bytes);
/* Between low and high, from the node's dice. */
int64_t sim_after(struct sim *w, unsigned node, int64_t low_ms, int64_t high_ms);
/* A message of zeros from `from` to `to`. */
struct sim_message *sim_message(struct sim *w, enum sim_message_kind kind, unsigned from,
                                unsigned to);
/* On a link that keeps its order but may lose: arrives not before what was sent there before. */
void sim_send_in_order(struct sim *w, struct sim_message *m, int64_t *free_at_ms);
/* Sends it: it may be lost, come twice, late, and after later ones. */
void sim_send(struct sim *w, struct sim_message *m);
bool sim_chance_permille(struct random *r, unsigned permille);
void sim_log(const struct sim *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void sim_fail(const struct sim *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
