#include "services/aggregator/puller.h"

#include "common/journal/journal.h"

enum {
    SILENCE_MS = 3000, /* beyond what the collector may keep a request */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
};

void puller_init(struct puller *p, struct net_socket *socket, uint32_t bytes_max, uint32_t wait_ms)
{
    *p = (struct puller){.socket = socket, .bytes_max = bytes_max, .wait_ms = wait_ms};
    p->from_offset = 1;
    p->backoff_ms = BACKOFF_FIRST_MS;
}

void puller_seek(struct puller *p, uint64_t from_offset, const uint8_t previous_hash[HASH_BYTES])
{
    p->from_offset = from_offset;
    memcpy(p->previous_hash, previous_hash, HASH_BYTES);
    p->waiting = false;
}

void puller_pause(struct puller *p, int64_t until_ms)
{
    p->not_before_ms = until_ms;
}

static void back_off(struct puller *p, int64_t now_ms)
{
    p->waiting = false;
    p->not_before_ms = now_ms + p->backoff_ms;
    p->backoff_ms = p->backoff_ms * 2 < BACKOFF_MAX_MS ? p->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void ask(struct puller *p, int64_t now_ms)
{
    struct wire_head head = {.version = WIRE_VERSION, .kind = WIRE_FETCH, .id = p->id + 1};
    struct wire_fetch fetch = {
        .from_offset = p->from_offset, .bytes_max = p->bytes_max, .wait_ms = p->wait_ms};
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct buf message = {0};
    memcpy(fetch.previous_hash, p->previous_hash, HASH_BYTES);
    wire_head_encode(&head, bytes);
    wire_pack_fetch(&fetch, &message);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), buf_slice(&message)};
    if (net_send(p->socket, NULL, frames, 2, NULL) == 0) {
        p->id++;
        p->waiting = true;
        p->sent_ms = now_ms;
    }
    buf_fini(&message);
}

static bool is_lost(const struct puller *p, int64_t now_ms)
{
    return net_state(p->socket) != NET_CONNECTED || now_ms - p->sent_ms > p->wait_ms + SILENCE_MS;
}

void puller_poke(struct puller *p, int64_t now_ms)
{
    if (p->waiting && is_lost(p, now_ms)) {
        p->retries++;
        back_off(p, now_ms);
    }
    if (!p->waiting && now_ms >= p->not_before_ms)
        ask(p, now_ms);
}

/* --- answers */

bool puller_next_commit(struct puller_reply *r, struct slice *commit)
{
    struct reader reader = reader_of(r->rest);
    uint32_t len = reader_u32(&reader);
    *commit = reader_bytes(&reader, len);
    if (reader.bad)
        return false;
    r->rest = slice_of(reader.at, (size_t)(reader.end - reader.at));
    return true;
}

static int torn(struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "the collector's answer to a pull cannot be read: is it of the same release?");
}

/* Where the answer ends is where the next request begins. */
static int move_on(struct puller *p, const struct puller_reply *r, struct err *e)
{
    struct puller_reply walk = {.rest = r->rest};
    struct commit_head head;
    struct slice commit;
    for (uint32_t i = 0; i < r->commits.commit_count; i++) {
        if (!puller_next_commit(&walk, &commit))
            return torn(e);
        int rc = journal_commit_peek(commit, &head, e);
        if (rc != 0)
            return rc;
        p->from_offset = head.first_offset + head.entry_count;
        memcpy(p->previous_hash, head.hash, HASH_BYTES);
    }
    return walk.rest.len == 0 ? 0 : torn(e);
}

/* Offsets the collector does not have, or has under another hash: one of the two was restored. */
static int take_failure(struct puller *p, struct slice message, int64_t now_ms, struct err *e)
{
    struct err why;
    if (wire_unpack_failure(message, &why, NULL) != 0)
        return torn(e);
    back_off(p, now_ms);
    int code = why.code == ERR_INVALID ? ERR_CORRUPT : why.code;
    return err_set(e, code, "the collector says: %s", why.text);
}

static int take_answer(struct puller *p, struct puller_reply *r, int64_t now_ms, struct err *e)
{
    const struct net_message *m = &r->message;
    struct wire_head head;
    if (m->frame_count < 2 || wire_head_decode(m->frames[0], &head, e) != 0)
        return torn(e);
    if (head.id != p->id || !p->waiting) {
        p->stale++;
        return err_set(e, ERR_AGAIN, "an answer to a request that was given up");
    }
    if (head.kind == (WIRE_FAILURE | WIRE_ANSWER))
        return take_failure(p, m->frames[1], now_ms, e);
    if (head.kind != (WIRE_FETCH | WIRE_ANSWER) ||
        wire_unpack_commits(m->frames[1], &r->commits, e) != 0)
        return torn(e);
    r->rest = m->frame_count > 2 ? m->frames[2] : slice_of(NULL, 0);
    int rc = move_on(p, r, e);
    if (rc != 0)
        return rc;
    p->backoff_ms = BACKOFF_FIRST_MS;
    p->waiting = false;
    ask(p, now_ms);
    return 0;
}

int puller_receive(struct puller *p, int64_t now_ms, struct puller_reply *out, struct err *e)
{
    int rc = net_receive(p->socket, &out->message);
    if (rc != 0)
        return err_set(e, rc, "no answer from the collector");
    out->held = true;
    rc = take_answer(p, out, now_ms, e);
    if (rc != 0)
        puller_reply_clear(out);
    return rc;
}

void puller_reply_clear(struct puller_reply *r)
{
    if (r->held)
        net_message_clear(&r->message);
    r->held = false;
    r->rest = slice_of(NULL, 0);
}
