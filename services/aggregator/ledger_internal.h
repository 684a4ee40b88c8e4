/* What the ledger's files share and nobody else sees: records, the fold of cells waiting to be
 * written, and the arithmetic of rollups. */
#ifndef TONGHOP_AGGREGATOR_LEDGER_INTERNAL_H
#define TONGHOP_AGGREGATOR_LEDGER_INTERNAL_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "services/aggregator/ledger_core.h"

/* --- records: ledger_record_core.c --- */

struct fact_key {
    uint32_t indicator;
    uint32_t code;
    day_t day;
    uint32_t source;
};

enum { FACT_KEY_BYTES = 12, STAMP_BYTES = 40, CELL_KEY_BYTES = 10, ADD_KEY_BYTES = 52 };

#define VERSION_NONE UINT64_MAX

/* What holds now for a cell. A tally's `op` is OP_ADD: `sum` is the sum of its `adds` since the
 * greatest clear, whose stamp is `stamp` when `cleared`. */
struct fact {
    enum op op;
    bool cleared;       /* tally: a clear was seen */
    uint64_t adds;      /* tally: adds after it */
    int64_t value;      /* set */
    __int128 sum;       /* tally: exact, though only a sum within OBSERVATION_VALUE_MAX counts */
    struct stamp stamp; /* of the statement that holds; of a tally: of its clear */
    uint64_t holds;     /* version that holds; tally: its newest clear or VERSION_NONE */
    uint64_t newest;    /* version that came last */
    day_t first_day;    /* civil day on which the first set or add came; DAY_NEVER: none */
};

void fact_key_encode(struct fact_key key, uint8_t out[FACT_KEY_BYTES]);
struct fact_key fact_key_decode(struct slice key);
void fact_encode(const struct fact *f, struct buf *out);
bool fact_decode(struct slice value, struct fact *out); /* false: corrupt */
/* Does the fact count as a figure, and which? */
bool fact_figure(const struct fact *f, int64_t *value);
/* The figure that a tally is: none without an add, nor beyond what a figure may be. */
bool tally_figure(__int128 sum, uint64_t adds, int64_t *value);

void stamp_encode(const struct stamp *s, uint8_t out[STAMP_BYTES]);
void cell_key_encode(struct ledger_cell_key key, uint8_t out[CELL_KEY_BYTES]);
struct ledger_cell_key cell_key_decode(struct slice key);
int cell_key_compare(struct ledger_cell_key a, struct ledger_cell_key b); /* <0, 0, >0 */
void cell_encode(const struct ledger_cell *c, struct buf *out);
struct ledger_cell cell_decode(struct slice value);
static inline bool cell_equal(const struct ledger_cell *a, const struct ledger_cell *b)
{
    return a->amount == b->amount && a->figures == b->figures && a->reported == b->reported &&
           a->on_time == b->on_time;
}
static inline bool cell_is_zero(const struct ledger_cell *c)
{
    return c->amount == 0 && c->figures == 0 && c->reported == 0 && c->on_time == 0;
}

/* A batch's rows are kept in blocks of about this size, so that three fill a page of the store. */
enum { VERSION_BLOCK_BYTES = 1280 };
struct version_head {
    uint64_t first_row; /* of the block: version number of its row 0 */
    uint64_t batch_row; /* row of the batch that it is */
    uint64_t offset;
    uint64_t commit;
    int64_t time_ms;
    int64_t reported_at_ms;
    uint32_t producer;
    uint32_t delegate;
    struct spool_id spool;
    uint64_t number;
};
struct version_row {
    bool refused;
    enum op op;
    bool won;
    int64_t value;
    uint64_t previous; /* version number or VERSION_NONE */
};
void version_head_encode(const struct version_head *h, struct buf *out);
void version_row_encode(uint64_t version, const struct version_row *row, struct buf *out);
/* Finds a version in the store; false: not there (corrupt). */
bool version_find(struct kv *kv, uint64_t version, struct version_head *head,
                  struct version_row *row);
struct stamp version_stamp(const struct version_head *head, uint64_t version);

/* --- cells waiting: ledger_fold_core.c --- */

struct fold_cell {
    struct fact_key key;
    bool exists; /* there is a fact, stored or to be stored */
    bool dirty;
    bool stored_counts; /* what the rollups contain of it */
    int64_t stored_value;
    day_t stored_first_day;
    struct fact fact;
};

/* A hash table that is also a cache: clean cells stay until there are too many. */
struct fold {
    struct fold_cell *cells;
    size_t count;
    size_t capacity;
    uint32_t *index;   /* cell number + 1; 0 empty */
    size_t index_size; /* a power of two */
    size_t dirty_count;
};

void fold_fini(struct fold *f);
/* The cell, loaded from kv when it is new here; NULL when its record is corrupt. */
struct fold_cell *fold_cell(struct fold *f, struct kv *kv, struct fact_key key);
/* Tells the processor which cell is wanted soon: first where to find it, then, called again nearer
 * to the time, the cell itself. A fold is larger than the caches; this halves the cost of a row. */
void fold_expect(const struct fold *f, struct fact_key key, bool near);

/* A dirty cell's key as numbers that sort as keys do, and which cell it is. */
struct fold_order {
    uint64_t high; /* indicator, code, upper half of the day */
    uint64_t low;  /* lower half of the day, source, number of the cell */
};
static inline uint32_t fold_order_cell(struct fold_order o)
{
    return (uint32_t)o.low;
}
/* The dirty cells in key order, into *out (owned by the caller); their count. */
size_t fold_dirty_sorted(const struct fold *f, struct fold_order **out);
/* Forgets clean cells when there are more than the cache may keep. */
void fold_trim(struct fold *f);

/* --- frames: ledger_frame_core.c --- */

/* A cell of a targeted indicator changes: keeps in the store what it held at the last frame, until
 * it holds that again. */
void frame_note(struct kv *kv, struct ledger_cell_key key, const struct ledger_cell *before,
                const struct ledger_cell *after);
/* Has a catalogue or a plan come since that tick? Then the next frame holds all, and nothing is
 * noted. */
bool frame_holds_everything(struct kv *kv, uint64_t tick_offset);
/* The tick's frame, with all cells written. */
void frame_make(const struct registry *registry, struct kv *kv, const struct entry *tick,
                uint64_t previous_offset, bool everything);

/* --- rollups: ledger_rollup_core.c --- */

/* A value and how many figures it is made of. */
struct carried {
    int64_t amount;
    int32_t figures;
};

/* Where figures are looked up: the store's facts, or a set recomputed as known at some offset. */
struct figures {
    /* The first day after `after`, not after `until`, with a counting figure of record; DAY_NEVER.
     */
    day_t (*next)(struct figures *f, uint32_t indicator, uint32_t code, day_t after, day_t until);
    /* The last such day before `before`, not before `since`; fills value. false: none. */
    bool (*last)(struct figures *f, uint32_t indicator, uint32_t code, day_t before, day_t since,
                 day_t *day, int64_t *value);
};

/* Changes to cells, summed per cell. */
struct rollup_slot {
    struct ledger_cell_key key;
    struct ledger_cell delta;
};
struct rollup_map {
    struct rollup_slot *slots;
    size_t count;
    size_t capacity;
    uint32_t *index;   /* slot number + 1; 0 empty */
    size_t index_size; /* a power of two */
};

/* Changes of one unit that go to all its ancestors, summed by day before they are spread over
 * these: a corrected daily stock takes from each next day what it gave it the day before. */
struct rollup_series {
    uint32_t indicator;
    uint32_t unit;
    struct series_step {
        day_t day;
        day_t in_force; /* whose ancestors: those of this day */
        struct ledger_cell delta;
    } * steps; /* ascending */
    size_t count;
    size_t capacity;
};

struct rollup {
    const struct registry *registry;
    struct figures *figures;
    struct rollup_map map;
    struct rollup_series series;
};

void rollup_fini(struct rollup *r);
/* A figure of record for (indicator, code, day) changed from old to new (NULL: none); `first_day`
 * is when its first statement came. The figures show the days before as new, those after as old. */
struct rollup_figure {
    int64_t value;
    day_t first_day;
};
void rollup_change(struct rollup *r, uint32_t indicator, uint32_t code, day_t day,
                   const struct rollup_figure *old, const struct rollup_figure *new);
/* Adds what one figure contributes, with all figures in their final state. */
void rollup_add(struct rollup *r, uint32_t indicator, uint32_t code, day_t day,
                const struct rollup_figure *figure);
/* The changed cells in key order, as a new array that the caller frees; empties the rollup. */
struct rollup_slot *rollup_take(struct rollup *r, size_t *count);
/* Cells whose value changed; a cell may be there more than once. */
struct rollup_changes {
    struct ledger_cell_key *keys;
    size_t count;
    size_t capacity;
    bool framed_whole; /* the next frame holds everything: what changes is not noted for it */
};
/* Writes the map into the cells of kv, and empties it; `changes` may be NULL. */
void rollup_write(struct rollup *r, struct kv *kv, struct rollup_changes *changes);

/* Figures as they stand in the store. */
struct stored_figures {
    struct figures base;
    const struct registry *registry;
    struct kv_cursor *cursor;
};
void stored_figures_open(struct stored_figures *f, const struct registry *registry, struct kv *kv);
void stored_figures_close(struct stored_figures *f);

/* --- the ledger: ledger_core.c --- */

struct ledger_day {
    day_t day;
    uint64_t offset;
};

/* --- as known at an offset: ledger_known_core.c --- */

/* The cells of one indicator, recomputed from versions. */
struct known_cells {
    uint32_t indicator;
    struct rollup_slot *cells; /* ascending; `delta` is the cell */
    size_t count;
};
struct known {
    uint64_t offset;
    struct registry *registry; /* as it stood */
    struct known_cells *views;
    size_t view_count;
    size_t view_capacity;
};
void known_destroy(struct known *k); /* accepts NULL */
/* The view at `offset`, kept in the ledger for the next question. */
int known_at(struct ledger *l, struct kv *kv, uint64_t offset, struct known **out, struct err *err);
const struct known_cells *known_cells_of(struct known *k, struct kv *kv, uint32_t indicator);
/* The figure that a fact was when the entry at `offset` was the last; false: none. */
bool known_figure(struct kv *kv, const struct fact *fact, uint64_t offset, int64_t *value);

/* --- the ledger: ledger_core.c --- */

struct ledger {
    const struct codec *codec;
    struct registry *registry;
    struct ledger_position position;
    struct arena arena;
    struct fold fold;
    struct rollup rollup;
    struct buf versions; /* blocks one after the other */
    struct version_block {
        uint64_t first_row;
        size_t start;
        size_t len;
    } * blocks;
    size_t block_count;
    size_t block_capacity;
    struct ledger_day *days; /* last offset of each civil day since the last flush */
    size_t day_count;
    size_t day_capacity;
    bool rebuilt; /* a catalogue or plan since the last flush */
    struct rollup_changes changes;
    struct known *known; /* the last "as known" view, kept for the next question */
};

/* Fills *err with what to do about a record of that table that cannot be read; ERR_CORRUPT. */
int ledger_corrupt(struct err *err, const char *table);
int ledger_restore(struct registry *r, struct kv *kv, const struct codec *codec,
                   uint64_t up_to_offset, struct err *err);
/* Writes dirty facts and the cells they change; not the position. */
void ledger_flush_cells(struct ledger *l, struct kv *kv);
void ledger_rebuild(struct ledger *l, struct kv *kv);
void ledger_clear_cells(struct kv *kv, unsigned table); /* all records of CELLS or UNFRAMED */

#endif
