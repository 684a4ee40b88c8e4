/* The feed: which stream a changed cell belongs to, and under which number it goes out. Level
 * triggered: an update carries whole new values, so a subscriber that takes a stream's snapshot and
 * the updates numbered above it holds exactly the ledger's cells, and one that misses a number sees
 * it in the heads. Pure: changes and a transaction in, values out; sockets and beats are the
 * owner's.
 *
 * Streams are fixed within an epoch: every indicator that is counted, times every code that is or
 * was borne just below a root, with all cells of that subtree, and every code that is or was borne
 * by a root, with that root's own cells. A cell belongs to the stream of the unit that bears its
 * code on its day, or of the last one before (the day after a unit's end takes its stock away
 * again): that unit's ancestor just below the root, or the root itself, as of that day. When a
 * catalogue or plan changes any of this, a new epoch begins. */
#ifndef TONGHOP_AGGREGATOR_FEED_CORE_H
#define TONGHOP_AGGREGATOR_FEED_CORE_H

#include "services/aggregator/ledger_core.h"

enum {
    FEED_UPDATE_CELLS_MAX = 64 << 10, /* more of one stream go out under several numbers */
};

struct feed_stream {
    uint32_t indicator; /* ordinal */
    uint32_t code;      /* ordinal; of the subtree's top, or of the root */
    bool root;          /* the root's own cells, nothing below it */
};

struct feed_cell {
    uint32_t code;
    day_t day;
    struct ledger_cell value; /* whole and new; all zero: the cell is gone */
};

/* An update, or a snapshot: then `number` is that of the last update that is in it. */
struct feed_cells {
    struct feed_stream stream;
    uint64_t number;
    const struct feed_cell *cells;
    size_t cell_count;
};

struct feed_head {
    struct feed_stream stream;
    uint64_t number; /* of the last update; 0: none yet in this epoch */
};

struct feed;

struct feed *feed_create(void); /* without streams until feed_begin */
void feed_destroy(struct feed *f);

/* A new epoch: the streams that the registry gives, each at number 0. */
void feed_begin(struct feed *f, const struct registry *r, uint64_t epoch);
uint64_t feed_epoch(const struct feed *f);

/* Cells that a checkpoint changed; kept until the next beat, each once however often it is noted.
 */
void feed_note(struct feed *f, const struct ledger_cell_key *cells, size_t count);
/* What changed since the beat before, with the values that kv holds: their number, and in *out the
 * updates, which live until the next beat or begin. Of a transaction that has failed nothing is
 * told: 0, and all of it goes out with the next beat. */
size_t feed_beat(struct feed *f, const struct registry *r, struct kv *kv,
                 const struct feed_cells **out);
/* All streams, by indicator and then by the ordinals of their codes. */
size_t feed_heads(const struct feed *f, const struct feed_head **out);

/* All cells of a stream as kv holds them. False: there is no such stream. *out lives until the next
 * snapshot. */
bool feed_snapshot(struct feed *f, const struct registry *r, struct kv *kv,
                   struct feed_stream stream, struct feed_cells *out);

/* The stream of a cell. */
struct feed_stream feed_stream_of(const struct registry *r, struct ledger_cell_key cell);

#endif
