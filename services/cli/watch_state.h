/* A subscriber's copy of the feed: streams with their numbers, cells with their values. Says when a
 * snapshot is wanted; level-triggered as proto/feed.proto has it. No sockets here. */
#ifndef TONGHOP_CLI_WATCH_STATE_H
#define TONGHOP_CLI_WATCH_STATE_H

#include "common/wire/query_wire.h"

struct watch_state;

struct watch_cell {
    const char *indicator; /* lives until the change function returns */
    const char *unit;
    day_t day;
    int64_t amount;
    int64_t before; /* amount before */
    int64_t total;  /* of the unit, all days up to this one */
    int32_t figures;
    uint32_t reported;
    uint32_t on_time;
};
/* Called for each cell whose amount, figures or reports are not what they were. */
typedef void watch_change_fn(void *arg, const struct watch_cell *cell);

struct watch_state *watch_create(watch_change_fn *change, void *arg);
void watch_destroy(struct watch_state *w); /* accepts NULL */

/* Takes an update. False: it does not follow what is held, and the next heads will want a snapshot.
 */
bool watch_update(struct watch_state *w, const struct wire_cells *u);
/* Takes a snapshot: cells that it lacks are gone. A snapshot with a code marks the stream as not
 * ours. */
void watch_snapshot(struct watch_state *w, const struct wire_cells *u,
                    const struct wire_stream *asked);
/* Compares; in a new epoch every stream is taken anew. Calls want() for each stream whose snapshot
 * is due. True when none was: what is held is the aggregator's state. */
bool watch_heads(struct watch_state *w, const struct wire_heads *h, const char *indicator,
                 void (*want)(void *arg, const struct wire_stream *stream), void *arg);
/* False: the key may see no stream, or there is none. */
bool watch_holds_any(const struct watch_state *w);
void watch_visit(const struct watch_state *w,
                 void (*visit)(void *arg, const struct watch_cell *cell), void *arg);

#endif
