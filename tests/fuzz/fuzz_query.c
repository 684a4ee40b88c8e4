#include "common/wire/frame_wire.h"
#include "common/wire/query_wire.h"
#include "tests/fuzz/fuzz.h"

static void read_request(uint8_t which, struct slice s, struct arena *arena, struct err *err)
{
    struct wire_query query;
    struct wire_trace trace;
    struct wire_units units;
    struct wire_stream stream;
    struct wire_fetch fetch;
    struct wire_frames_request frames;
    if (which == 0)
        wire_unpack_query(s, arena, &query, err);
    else if (which == 1)
        wire_unpack_trace(s, &trace, err);
    else if (which == 2)
        wire_unpack_units(s, &units, err);
    else if (which == 3)
        wire_unpack_snapshot_request(s, &stream, err);
    else if (which == 4)
        wire_unpack_fetch(s, &fetch, err);
    else if (which == 5)
        wire_unpack_frames_request(s, &frames, err);
}

static void read_reply(uint8_t which, struct slice s, struct arena *arena, struct err *err)
{
    struct wire_query_reply query;
    struct wire_trace_reply trace;
    struct wire_units_reply units;
    struct wire_cells cells;
    struct wire_heads heads;
    struct wire_health health;
    struct wire_frames frames;
    struct wire_frame frame;
    if (which == 16)
        wire_unpack_query_reply(s, arena, &query, err);
    else if (which == 17)
        wire_unpack_trace_reply(s, arena, &trace, err);
    else if (which == 18)
        wire_unpack_units_reply(s, arena, &units, err);
    else if (which == 19)
        wire_unpack_snapshot(s, arena, &cells, err);
    else if (which == 20)
        wire_unpack_update(s, arena, &cells, err);
    else if (which == 21)
        wire_unpack_heads(s, arena, &heads, err);
    else if (which == 22)
        wire_unpack_health(s, arena, &health, err);
    else if (which == 23)
        wire_unpack_frames(s, &frames, err);
    else if (which == 24)
        while (s.len > 0 && wire_unpack_frame(&s, arena, &frame, err) == 0)
            continue;
}

/* The first byte says which message the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    read_request(data[0], slice_of(data + 1, size - 1), &arena, &err);
    read_reply(data[0], slice_of(data + 1, size - 1), &arena, &err);
    arena_fini(&arena);
    return 0;
}
