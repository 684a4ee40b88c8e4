/* The sequencer: numbers, verdicts, the journal. Pure: messages and times in, journal commits in an
 * ordered key-value transaction and answers out. The owner works in rounds: read the clocks, give
 * every waiting message to collector_submit or collector_apply, collector_seal, commit the
 * transaction, and only then send the answers. When the commit fails, none of it happened:
 * collector_reload, and every answer of the round becomes `unavailable`.
 *
 * Tables, drawn byte by byte in docs/storage.md (keys big-endian):
 *   META      "state"                       where the journal, its numbers and its time stand
 *   COMMITS   first offset u64              the commit's bytes (journal_store_core.h alone)
 *   SPOOLS    producer u32, spool 16 bytes  spool ordinal, last number
 *   NUMBERS   spool ordinal u32, number u64 where the batch's entry stands
 *   REGISTRY  offset u64                    catalogues, plans, producers: the entry's bytes
 */
#ifndef TONGHOP_COLLECTOR_COLLECTOR_CORE_H
#define TONGHOP_COLLECTOR_COLLECTOR_CORE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/kv.h"
#include "common/journal/journal.h"
#include "common/model/codec.h"
#include "common/model/registry.h"
#include "services/collector/clock_core.h"

enum collector_table {
    COLLECTOR_META,
    COLLECTOR_COMMITS,
    COLLECTOR_SPOOLS,
    COLLECTOR_NUMBERS,
    COLLECTOR_REGISTRY,
    COLLECTOR_TABLE_COUNT
};
extern const char *const collector_table_names[COLLECTOR_TABLE_COUNT];

enum {
    COLLECTOR_FORMAT = 1,
    /* A commit that has so many bytes is closed: one more entry is the most that it is above. */
    COLLECTOR_GROUP_BYTES_MAX = 16 << 20,
};

struct collector_options {
    bool replay; /* of a new journal; an old one keeps its own, and a difference is refused */
    uint8_t instance[16];               /* random, for a new journal */
    const struct fixed_key *fixed_keys; /* borrowed for the collector's life */
    unsigned fixed_key_count;
    struct clock_reading now;
};

struct collector;

/* Opens on what kv (a write transaction, to be committed by the caller) holds; a new journal gets
 * its genesis commit, at time 0 in replay mode. ERR_INVALID: the mode differs, or a new live
 * journal on a clock before 1970; ERR_CORRUPT, ERR_VERSION: the store. *out is left alone on
 * failure. */
int collector_open(struct collector **out, struct kv *kv, const struct codec *codec,
                   const struct collector_options *options, struct err *err);
void collector_close(struct collector *c);
/* After a failed commit, with a new transaction (reading is enough): memory as the store has it. On
 * an error the collector is only good for collector_close. */
int collector_reload(struct collector *c, struct kv *kv, struct err *err);

struct clock_core *collector_clock(struct collector *c);

struct identity collector_identify(const struct collector *c, const uint8_t key[KEY_BYTES]);

struct submission {
    uint8_t key[KEY_BYTES]; /* authenticated */
    struct spool_id spool;
    uint64_t number;
    struct slice officer;     /* named by a delegate; empty otherwise */
    uint8_t hash[HASH_BYTES]; /* BLAKE2b-256 of the payload */
    struct slice payload;
    int unpack_code;           /* 0, ERR_INVALID (malformed), ERR_LIMIT (too large) */
    const struct batch *batch; /* NULL unless unpack_code is 0 */
};

struct verdict {
    uint16_t refusal; /* of the whole batch */
    uint64_t offset;  /* 0: not journalled */
    int64_t time_ms;
    uint32_t row_count;
    uint32_t refused_count;
    struct row_refusal *refused; /* in the arena */
    uint64_t expected_number;
    bool repeated; /* the answer to an earlier submission, given again */
};

/* Judges a submission and, where it is to be journalled, adds it to the open group.
 * REFUSAL_UNAVAILABLE once the transaction has failed. */
void collector_submit(struct collector *c, struct kv *kv, const struct submission *in,
                      struct arena *arena, struct verdict *out);
/* *last 0: never heard of. ERR_NOT_FOUND: nobody bears the officer's name; ERR_DENIED: the key may
 * not submit, or not for that officer. */
int collector_last_number(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                          struct slice officer, const struct spool_id *spool, uint64_t *last,
                          struct err *err);

/* Applies a catalogue, plan or producer change (`body` is its packed form): checked against the
 * registry, added to the group. 0 and *offset (0 for a dry run), or a negative code and the
 * sentence; ERR_DENIED without the role operate. */
struct collector_change {
    enum entry_kind kind; /* ENTRY_CATALOGUE, ENTRY_PLAN, ENTRY_PRODUCER */
    struct slice body;
    uint8_t hash[HASH_BYTES];
    bool dry_run;
};
int collector_apply(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                    const struct collector_change *change, uint64_t *offset, struct err *err);
/* Moves a replayed journal's time; ERR_DENIED without the role operate. *offset: of its last tick;
 * of the last entry when time stood there already (an answer that was lost is asked for again). */
int collector_replay_tick(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                          int64_t time_ms, uint64_t *offset, struct err *err);
/* Accepts the jump that waits; ERR_DENIED without the role operate. */
int collector_clock_accept(struct collector *c, struct kv *kv, const uint8_t key[KEY_BYTES],
                           int64_t time_ms, uint64_t *offset, struct err *err);

/* Writes due ticks and the open group as commits into kv. true when anything was written. */
bool collector_seal(struct collector *c, struct kv *kv);
/* What the round has come to so far, sealed or not: for bounding it. */
size_t collector_group_bytes(const struct collector *c);

struct collector_head {
    uint64_t offset; /* last journalled entry */
    uint64_t commit_number;
    uint8_t hash[HASH_BYTES];
    int64_t time_ms;
    bool replay;
};
struct collector_head collector_head(const struct collector *c); /* sealed entries only */

/* Cuts off the commits wholly below `offset`, but never the last. Their batches' numbers are
 * answered `settled` from then on; what was applied, and the last number of each spool, stay. What
 * goes is gone: the caller has a backup that begins where the journal did, and a base. */
int collector_trim(struct kv *kv, uint64_t offset, struct err *err);
/* The entry at an offset, of the open group too, body included, decoded into the arena;
 * ERR_NOT_FOUND. Those who follow the journal fetch it from journal_store_core.h. */
int collector_entry(struct collector *c, struct kv *kv, uint64_t offset, struct arena *arena,
                    struct entry *out, struct err *err);

#endif
