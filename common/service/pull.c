#include "common/service/pull.h"

enum {
    SILENCE_MS = 3000, /* beyond what the peer may keep a request */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
};

void pull_init(struct pull *p, const struct pull_peer *peer, struct net_socket *socket,
               uint32_t wait_ms)
{
    *p = (struct pull){.peer = peer,
                       .socket = socket,
                       .wait_ms = wait_ms,
                       .backoff = {.first_ms = BACKOFF_FIRST_MS, .max_ms = BACKOFF_MAX_MS}};
}

void pull_forget(struct pull *p)
{
    p->waiting = false;
}

void pull_pause(struct pull *p, int64_t until_ms)
{
    p->not_before_ms = until_ms;
}

/* --- asking */

static void back_off(struct pull *p, int64_t now_ms)
{
    p->waiting = false;
    p->not_before_ms = now_ms + backoff_grow(&p->backoff);
}

static bool is_lost(const struct pull *p, int64_t now_ms)
{
    return net_state(p->socket) != NET_CONNECTED || net_links(p->socket) != p->links ||
           now_ms - p->sent_ms > p->wait_ms + SILENCE_MS;
}

bool pull_is_due(struct pull *p, int64_t now_ms)
{
    if (p->waiting && is_lost(p, now_ms)) {
        p->retries++;
        back_off(p, now_ms);
    }
    return !p->waiting && now_ms >= p->not_before_ms;
}

void pull_send(struct pull *p, struct slice request, int64_t now_ms)
{
    struct wire_head head = {.version = WIRE_VERSION, .kind = p->peer->kind, .id = p->id + 1};
    uint8_t bytes[WIRE_HEAD_BYTES];
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), request};
    if (net_send(p->socket, NULL, frames, 2, NULL) != 0)
        return;
    p->id++;
    p->waiting = true;
    p->links = net_links(p->socket);
    p->sent_ms = now_ms;
}

/* --- answers */

int pull_unreadable(const struct pull *p, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "the %s's answer to a pull cannot be read: is it of the same release?",
                   p->peer->name);
}

static int take_failure(struct pull *p, struct slice message, int64_t now_ms, struct err *e)
{
    struct err why;
    if (wire_unpack_failure(message, &why, NULL) != 0)
        return pull_unreadable(p, e);
    back_off(p, now_ms);
    return err_set(e, p->peer->judge(why.code), "the %s says: %s", p->peer->name, why.text);
}

static int take_answer(struct pull *p, struct pull_reply *r, int64_t now_ms, struct err *e)
{
    const struct net_message *m = &r->message;
    struct wire_head head;
    if (m->frame_count < 2 || wire_head_decode(m->frames[0], &head, e) != 0)
        return pull_unreadable(p, e);
    if (head.id != p->id || !p->waiting) {
        p->stale++;
        return err_set(e, ERR_AGAIN, "an answer to a request that was given up");
    }
    if (head.kind == (WIRE_FAILURE | WIRE_ANSWER))
        return take_failure(p, m->frames[1], now_ms, e);
    if (head.kind != (p->peer->kind | WIRE_ANSWER))
        return pull_unreadable(p, e);
    r->answer = m->frames[1];
    r->rest = m->frame_count > 2 ? m->frames[2] : slice_of(NULL, 0);
    return 0;
}

int pull_receive(struct pull *p, int64_t now_ms, struct pull_reply *out, struct err *e)
{
    int rc = net_receive(p->socket, &out->message);
    if (rc != 0)
        return err_set(e, rc, "no answer from the %s", p->peer->name);
    out->held = true;
    rc = take_answer(p, out, now_ms, e);
    if (rc != 0)
        pull_reply_clear(out);
    return rc;
}

void pull_answered(struct pull *p)
{
    p->waiting = false;
    backoff_reset(&p->backoff);
}

void pull_reply_clear(struct pull_reply *r)
{
    if (r->held)
        net_message_clear(&r->message);
    r->held = false;
    r->answer = slice_of(NULL, 0);
    r->rest = slice_of(NULL, 0);
}
