/* The pull of frames: asks the aggregator for the ticks after the last one applied, one request at
 * a time, the next when all of an answer is applied. It checks only what it needs to ask on; that
 * each frame follows the one before is for whoever applies them. */
#ifndef TONGHOP_NOTIFIER_FRAME_PULLER_H
#define TONGHOP_NOTIFIER_FRAME_PULLER_H

#include "common/service/pull.h"
#include "common/wire/frame_wire.h"

struct frame_puller {
    struct pull pull; /* the dialogue with the aggregator */
    uint32_t bytes_max;
    uint64_t after_offset;
};

/* Zeroed at first. */
struct frame_reply {
    struct pull_reply raw; /* its rest: frames not taken yet; pull_reply_clear when held */
    struct wire_frames frames;
};

void frame_puller_init(struct frame_puller *p, struct net_socket *socket, uint32_t bytes_max,
                       uint32_t wait_ms);
/* From here on; what is under way is forgotten. */
void frame_puller_seek(struct frame_puller *p, uint64_t after_offset);
/* Sends what is due: the first request, or the same again after silence or a lost link. Call it
 * every now and then, not while an answer is being applied. */
void frame_puller_poke(struct frame_puller *p, int64_t now_ms);

/* Takes one message. 0: an answer, perhaps an empty one, in *out. ERR_AGAIN: nothing, or nothing of
 * use. ERR_CORRUPT: the two do not follow one journal, nobody may go on by himself. Any other: the
 * aggregator could not serve it; it is asked again later. */
int frame_puller_receive(struct frame_puller *p, int64_t now_ms, struct frame_reply *out,
                         struct err *e);

#endif
