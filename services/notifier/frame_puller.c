#include "services/notifier/frame_puller.h"

/* What it has not got yet is no news; what it would not give is. */
static int judge(int code)
{
    return code == ERR_AGAIN ? ERR_NET : code;
}

static const struct pull_peer aggregator = {
    .name = "aggregator", .kind = WIRE_FRAMES, .judge = judge};

void frame_puller_init(struct frame_puller *p, struct net_socket *socket, uint32_t bytes_max,
                       uint32_t wait_ms)
{
    *p = (struct frame_puller){.bytes_max = bytes_max};
    pull_init(&p->pull, &aggregator, socket, wait_ms);
}

void frame_puller_seek(struct frame_puller *p, uint64_t after_offset)
{
    p->after_offset = after_offset;
    pull_forget(&p->pull);
}

void frame_puller_poke(struct frame_puller *p, int64_t now_ms)
{
    struct wire_frames_request request = {
        .after_offset = p->after_offset, .bytes_max = p->bytes_max, .wait_ms = p->pull.wait_ms};
    struct buf message = {0};
    if (!pull_is_due(&p->pull, now_ms))
        return;
    wire_pack_frames_request(&request, &message);
    pull_send(&p->pull, buf_slice(&message), now_ms);
    buf_fini(&message);
}

int frame_puller_receive(struct frame_puller *p, int64_t now_ms, struct frame_reply *out,
                         struct err *e)
{
    int rc = pull_receive(&p->pull, now_ms, &out->raw, e);
    if (rc != 0)
        return rc;
    if (wire_unpack_frames(out->raw.answer, &out->frames, e) == 0) {
        pull_answered(&p->pull);
        return 0;
    }
    pull_reply_clear(&out->raw);
    return pull_unreadable(&p->pull, e);
}
