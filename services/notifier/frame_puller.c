#include "services/notifier/frame_puller.h"

enum {
    SILENCE_MS = 3000, /* beyond what the aggregator may keep a request */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
};

void frame_puller_init(struct frame_puller *p, struct net_socket *socket, uint32_t bytes_max,
                       uint32_t wait_ms)
{
    *p = (struct frame_puller){.socket = socket,
                               .bytes_max = bytes_max,
                               .wait_ms = wait_ms,
                               .backoff_ms = BACKOFF_FIRST_MS};
}

void frame_puller_seek(struct frame_puller *p, uint64_t after_offset)
{
    p->after_offset = after_offset;
    p->waiting = false;
}

void frame_puller_pause(struct frame_puller *p, int64_t until_ms)
{
    p->not_before_ms = until_ms;
}

static void back_off(struct frame_puller *p, int64_t now_ms)
{
    p->waiting = false;
    p->not_before_ms = now_ms + p->backoff_ms;
    p->backoff_ms = p->backoff_ms * 2 < BACKOFF_MAX_MS ? p->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void ask(struct frame_puller *p, int64_t now_ms)
{
    struct wire_head head = {.version = WIRE_VERSION, .kind = WIRE_FRAMES, .id = p->id + 1};
    struct wire_frames_request request = {
        .after_offset = p->after_offset, .bytes_max = p->bytes_max, .wait_ms = p->wait_ms};
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct buf message = {0};
    wire_head_encode(&head, bytes);
    wire_pack_frames_request(&request, &message);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), buf_slice(&message)};
    if (net_send(p->socket, NULL, frames, 2, NULL) == 0) {
        p->id++;
        p->waiting = true;
        p->links = net_links(p->socket);
        p->sent_ms = now_ms;
    }
    buf_fini(&message);
}

static bool is_lost(const struct frame_puller *p, int64_t now_ms)
{
    return net_state(p->socket) != NET_CONNECTED || net_links(p->socket) != p->links ||
           now_ms - p->sent_ms > p->wait_ms + SILENCE_MS;
}

void frame_puller_poke(struct frame_puller *p, int64_t now_ms)
{
    if (p->waiting && is_lost(p, now_ms)) {
        p->retries++;
        back_off(p, now_ms);
    }
    if (!p->waiting && now_ms >= p->not_before_ms)
        ask(p, now_ms);
}

/* --- answers */

static int unreadable(struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "the aggregator's answer to a pull cannot be read: is it of the same release?");
}

static int take_failure(struct frame_puller *p, struct slice message, int64_t now_ms, struct err *e)
{
    struct err why;
    if (wire_unpack_failure(message, &why, NULL) != 0)
        return unreadable(e);
    back_off(p, now_ms);
    /* What it has not got yet is no news; what it would not give is. */
    int code = why.code == ERR_AGAIN ? ERR_NET : why.code;
    return err_set(e, code, "the aggregator says: %s", why.text);
}

static int take_answer(struct frame_puller *p, struct frame_reply *r, int64_t now_ms, struct err *e)
{
    const struct net_message *m = &r->message;
    struct wire_head head;
    if (m->frame_count < 2 || wire_head_decode(m->frames[0], &head, e) != 0)
        return unreadable(e);
    if (head.id != p->id || !p->waiting) {
        p->stale++;
        return err_set(e, ERR_AGAIN, "an answer to a request that was given up");
    }
    if (head.kind == (WIRE_FAILURE | WIRE_ANSWER))
        return take_failure(p, m->frames[1], now_ms, e);
    if (head.kind != (WIRE_FRAMES | WIRE_ANSWER) ||
        wire_unpack_frames(m->frames[1], &r->frames, e) != 0)
        return unreadable(e);
    r->rest = m->frame_count > 2 ? m->frames[2] : slice_of(NULL, 0);
    p->backoff_ms = BACKOFF_FIRST_MS;
    p->waiting = false;
    return 0;
}

int frame_puller_receive(struct frame_puller *p, int64_t now_ms, struct frame_reply *out,
                         struct err *e)
{
    int rc = net_receive(p->socket, &out->message);
    if (rc != 0)
        return err_set(e, rc, "no answer from the aggregator");
    out->held = true;
    rc = take_answer(p, out, now_ms, e);
    if (rc != 0)
        frame_reply_clear(out);
    return rc;
}

void frame_reply_clear(struct frame_reply *r)
{
    if (r->held)
        net_message_clear(&r->message);
    r->held = false;
    r->rest = slice_of(NULL, 0);
}
