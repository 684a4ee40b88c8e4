/* The ledger: facts, their versions, and what they add up to. A pure function of the journal: it is
 * given entries in order and an ordered key-value transaction (common/base/kv.h), and every commit
 * of that transaction leaves facts, rollups and the journal position true together.
 *
 * Entries are folded in memory and written by ledger_flush, each cell once; the owner commits the
 * transaction after a flush and only then tells anybody. When a commit fails, the ledger is closed
 * and opened again from what the store holds: nothing in memory outlives a failed commit.
 *
 * Tables (keys big-endian; integers in values varint or zigzag; docs/storage.md draws them):
 * - META, "position": offset, commit number, hash, time, next row.
 * - REGISTRY, by offset: kind and body of catalogues, plans, producers.
 * - FACTS, by indicator, code, day, source: op, value, stamp of the statement that holds, its
 *   version, the newest version, the civil day on which the first statement came.
 * - ADDS, by fact key and stamp: the adds of a tally (all kept, so that a late clear can take out
 *   those before it).
 * - VERSIONS, by first row: a batch's rows as they came: offset, times, producer, spool, number,
 *   then per row: op, won, value, distance to the cell's version before.
 * - CELLS, by indicator, code, day: amount, figures, reported, on time; absent when all are zero.
 * - DAYS, by day: last offset whose civil day is not after it.
 * - FRAMES, by the tick's offset: what changed in cells of targets since the tick before; kept.
 * - UNFRAMED, by indicator, code, day: cells of targets that differ from what they were at the last
 *   tick, as they were then.
 *
 * A row's version number is its batch's first_row plus its row: versions need no index by cell,
 * each points to its cell's previous one. A version carries `won`: it was the statement that held
 * when it came; what was known at offset N is the newest version up to N that won.
 *
 * Facts and cells are kept by code, not by unit: at most one unit bears a code on a day, so a
 * code's prefix sum is the unit's value all along, and a late catalogue need not touch a fact.
 *
 * A cell holds what one day adds to one subtree. Flow: amount = sum of the figures dated that day.
 * Stock: amount = sum of the steps: own figure minus what was carried before; at each change of the
 * tree the carried value leaves the old ancestors and joins the new; at a unit's end it passes to
 * the heir, whose own figures replace it, or ends. `figures` moves with it, one for each own figure
 * that the sum is made of, so that missing is told from zero. Only the source of record's figures
 * count. */
#ifndef TONGHOP_AGGREGATOR_LEDGER_CORE_H
#define TONGHOP_AGGREGATOR_LEDGER_CORE_H

#include "common/base/kv.h"
#include "common/model/codec.h"
#include "common/model/entry.h"
#include "common/model/registry.h"

enum ledger_table {
    LEDGER_META,
    LEDGER_REGISTRY,
    LEDGER_FACTS,
    LEDGER_ADDS,
    LEDGER_VERSIONS,
    LEDGER_CELLS,
    LEDGER_DAYS,
    LEDGER_FRAMES,
    LEDGER_UNFRAMED,
    LEDGER_TABLE_COUNT
};
extern const char *const ledger_table_names[LEDGER_TABLE_COUNT];

enum { LEDGER_FORMAT = 1 };

struct ledger;

struct ledger_position {
    uint64_t offset;        /* last entry applied; 0 at the start */
    uint64_t commit_number; /* of its commit */
    uint8_t commit_hash[HASH_BYTES];
    int64_t time_ms;
    uint64_t next_row;    /* rows of all batches so far */
    uint64_t tick_offset; /* of the last tick, so of the last frame; 0: none */
    int64_t tick_time_ms;
};

/* A cell that a flush changed. */
struct ledger_cell_key {
    uint32_t indicator;
    uint32_t code;
    day_t day;
};
struct ledger_changes {
    bool everything;               /* a catalogue or plan changed: any cell may have */
    struct ledger_cell_key *cells; /* ascending; owned by the ledger until the next flush */
    size_t cell_count;
};

/* Opens on what `kv` holds (nothing: an empty ledger). ERR_CORRUPT names the table and key. */
int ledger_open(struct ledger **out, struct kv *kv, const struct codec *codec, struct err *err);
void ledger_close(struct ledger *l);

/* Applies the next entry (offset = position + 1; anything else is ERR_INVALID and changes nothing).
 * A catalogue or plan first flushes, then rebuilds the cells that may differ; a tick flushes and
 * makes its frame. */
int ledger_apply(struct ledger *l, struct kv *kv, const struct entry *e, struct err *err);
/* Tells that the entries of a commit are all in; a flush may only follow here. */
void ledger_end_commit(struct ledger *l, uint64_t number, const uint8_t hash[HASH_BYTES]);
/* Writes what was folded, and the position, into kv. `changes` may be NULL. */
void ledger_flush(struct ledger *l, struct kv *kv, struct ledger_changes *changes);

struct ledger_position ledger_position(const struct ledger *l); /* of what was applied */
const struct registry *ledger_registry(const struct ledger *l);
size_t ledger_pending(const struct ledger *l); /* bytes of memory that wait for a flush */

/* Questions. Asked between a commit and the next apply, of a transaction that holds what was
 * flushed. */
struct ledger_question {
    uint32_t indicator; /* ordinal; ratios are asked for as such */
    uint32_t code;      /* of the unit bearing it on `last` */
    day_t first;
    day_t last;
    uint32_t
        source; /* REGISTRY_NONE: of record, summed over the subtree; else the unit's own figure */
};
struct ledger_value {
    bool has_value;
    int64_t value; /* ratio: parts per million */
    int64_t numerator;
    int64_t denominator;
    uint32_t figures;
    uint32_t owed;
    uint32_t reported;
    uint32_t on_time;
    uint32_t source; /* of record on `last`, or REGISTRY_NONE */
};
/* ERR_NOT_FOUND: no unit bears the code on `last`; ERR_LIMIT: the sum does not fit in 64 bits. */
int ledger_query(const struct ledger *l, struct kv *kv, const struct ledger_question *q,
                 struct ledger_value *out, struct err *err);
/* As known when the entry at `offset` was the last: recomputed from versions and from the registry
 * as it stood then. */
int ledger_query_as_known(struct ledger *l, struct kv *kv, uint64_t offset,
                          const struct ledger_question *q, struct ledger_value *out,
                          struct err *err);
/* The last offset whose civil day is not after `day`; 0 when there is none. */
uint64_t ledger_offset_on(struct kv *kv, day_t day);

/* The versions of a unit's figures for one day, newest first, of one source or (REGISTRY_NONE) all.
 */
struct ledger_version {
    uint32_t source;
    enum op op;
    int64_t value;
    bool holds;
    bool superseded; /* did not win when it came */
    struct stamp stamp;
    uint32_t delegate; /* UINT32_MAX: none */
    int64_t received_at_ms;
    uint64_t offset;
    uint64_t commit; /* number of its commit */
};
/* `visit` returns false when it has seen enough of one source. */
int ledger_trace(const struct ledger *l, struct kv *kv, uint32_t indicator, uint32_t code,
                 day_t day, uint32_t source,
                 bool (*visit)(void *arg, const struct ledger_version *v), void *arg,
                 struct err *err);

/* One cell as it stands in the store (all zero when absent). */
struct ledger_cell {
    int64_t amount;
    int32_t figures;
    uint32_t reported;
    uint32_t on_time;
};
struct ledger_cell ledger_cell_get(struct kv *kv, struct ledger_cell_key key);
/* All cells of one indicator, ascending by code and day. */
void ledger_visit_cells(struct kv *kv, uint32_t indicator,
                        void (*visit)(void *arg, struct ledger_cell_key key,
                                      struct ledger_cell cell),
                        void *arg);
/* Those of one code. */
void ledger_visit_code(struct kv *kv, uint32_t indicator, uint32_t code,
                       void (*visit)(void *arg, struct ledger_cell_key key,
                                     struct ledger_cell cell),
                       void *arg);
/* Frames: one for every tick that was applied, a function of the journal alone. */
struct ledger_frame {
    uint64_t offset;          /* of the tick's entry */
    uint64_t previous_offset; /* of the tick before; 0: none */
    int64_t time_ms;
    bool everything; /* all cells of targeted indicators, a catalogue or plan having come */
    uint64_t cell_count;
    struct slice cells; /* for ledger_frame_next_cell; as long as the transaction's memory */
    struct ledger_cell_key at;
};
/* The first behind that offset, and the last. ERR_NOT_FOUND (*err untouched) when there is none,
 * ERR_CORRUPT. */
int ledger_frame_after(struct kv *kv, uint64_t after, struct ledger_frame *out, struct err *err);
int ledger_frame_last(struct kv *kv, struct ledger_frame *out, struct err *err);
bool ledger_frame_at(struct kv *kv, uint64_t offset); /* is there one of that tick? */
/* Its cells, ascending; each as it stands since that tick, all zero where it is gone. False at the
 * end; fewer than cell_count: corrupt. */
bool ledger_frame_next_cell(struct ledger_frame *frame, struct ledger_cell_key *key,
                            struct ledger_cell *cell);
/* The first catalogue, plan or producer change behind that offset; false: none. `body` is the
 * transaction's. */
bool ledger_registry_after(struct kv *kv, uint64_t after, uint64_t *offset, enum entry_kind *kind,
                           struct slice *body);

/* Facts whose code no unit bears on their day (a late catalogue): kept, not summed. */
void ledger_visit_excluded(const struct ledger *l, struct kv *kv,
                           void (*visit)(void *arg, uint32_t indicator, uint32_t code, day_t day,
                                         uint32_t source, int64_t value),
                           void *arg);

/* The canonical dump: every record in key order as one line of text, the same for the same journal.
 * With `figures_only`, facts (op and value alone) and cells: the same for the same set of accepted
 * observations in any order of arrival. */
void ledger_dump(const struct ledger *l, struct kv *kv, bool figures_only,
                 void (*line)(void *arg, const char *text), void *arg);

#endif
