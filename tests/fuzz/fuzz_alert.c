#include "common/wire/alert_wire.h"
#include "common/wire/frame_wire.h"
#include "tests/fuzz/fuzz.h"

enum { NOTIFICATION, HEAD, REQUEST, REPLY, FRAME };

static void read_frames(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_frame frame;
    while (s.len > 0 && wire_unpack_frame(&s, arena, &frame, err) == 0)
        continue;
}

/* The first byte says which message the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_notification notification;
    struct wire_alerts_head head;
    struct wire_alerts request;
    struct wire_alerts_reply reply;
    struct arena arena;
    struct err err;
    if (size == 0)
        return 0;
    struct slice s = slice_of(data + 1, size - 1);
    arena_init(&arena, 0);
    if (data[0] == NOTIFICATION)
        wire_unpack_notification(s, &arena, &notification, &err);
    else if (data[0] == HEAD)
        wire_unpack_alerts_head(s, &head, &err);
    else if (data[0] == REQUEST)
        wire_unpack_alerts(s, &arena, &request, &err);
    else if (data[0] == REPLY)
        wire_unpack_alerts_reply(s, &arena, &reply, &err);
    else if (data[0] == FRAME)
        read_frames(s, &arena, &err);
    arena_fini(&arena);
    return 0;
}
