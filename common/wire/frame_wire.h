/* Frames as values: what the aggregator hands to those who judge at each tick; see wire.h for the
 * rules and proto/frame.proto for what they mean. */
#ifndef TONGHOP_WIRE_FRAME_WIRE_H
#define TONGHOP_WIRE_FRAME_WIRE_H

#include "common/model/entry.h"
#include "common/wire/wire.h"

enum {
    /* A frame may hold every cell there is: a whole province's year of a dozen daily indicators. */
    WIRE_FRAME_BYTES_MAX = 64 << 20,
    /* The largest part of a message that answers a pull: a frame behind its length. Both ends must
     * send and take as much. */
    WIRE_FRAMES_BYTES_MAX = WIRE_FRAME_BYTES_MAX + 4,
    WIRE_FRAME_CELLS_MAX = 1 << 22,
    WIRE_FRAME_ENTRIES_MAX = 1 << 16,
};

struct wire_frames_request {
    uint64_t after_offset;
    uint32_t bytes_max; /* 0: as many as the aggregator likes to give */
    uint32_t wait_ms;
};
void wire_pack_frames_request(const struct wire_frames_request *r, struct buf *out);
int wire_unpack_frames_request(struct slice s, struct wire_frames_request *out, struct err *err);

struct wire_frames {
    uint32_t frame_count;
    uint64_t head_offset; /* of the last tick applied; 0: none yet */
    int64_t head_time_ms;
};
void wire_pack_frames(const struct wire_frames *f, struct buf *out);
int wire_unpack_frames(struct slice s, struct wire_frames *out, struct err *err);

struct wire_frame_entry {
    enum entry_kind kind; /* catalogue, plan or producer */
    uint64_t offset;
    struct slice body; /* borrowed */
};

struct wire_frame_cell {
    const char *indicator; /* an identifier; borrowed */
    const char *unit;      /* likewise */
    day_t day;
    int64_t amount;
    int32_t figures;
    uint32_t reported;
    uint32_t on_time;
};

struct wire_frame {
    uint64_t offset;
    uint64_t previous_offset;
    int64_t time_ms;
    bool everything;
    uint32_t entry_count;
    struct wire_frame_entry *entries;
    uint32_t cell_count;
    struct wire_frame_cell *cells;
};
/* Appends the frame behind its length, as they stand one after the other in an answer. ERR_LIMIT,
 * with nothing appended, when it is larger than a frame may be. */
int wire_pack_frame(const struct wire_frame *f, struct buf *out, struct err *err);
/* Takes the first frame off *rest, which is left alone on failure. */
int wire_unpack_frame(struct slice *rest, struct arena *arena, struct wire_frame *out,
                      struct err *err);

#endif
