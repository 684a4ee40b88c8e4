#include "services/aggregator/puller.h"

#include "common/journal/journal.h"

/* Offsets the collector does not have, or has under another hash: one of the two was restored. */
static int judge(int code)
{
    return code == ERR_INVALID ? ERR_CORRUPT : code;
}

static const struct pull_peer collector = {.name = "collector", .kind = WIRE_FETCH, .judge = judge};

void puller_init(struct puller *p, struct net_socket *socket, uint32_t bytes_max, uint32_t wait_ms)
{
    *p = (struct puller){.bytes_max = bytes_max, .from_offset = 1};
    pull_init(&p->pull, &collector, socket, wait_ms);
}

void puller_seek(struct puller *p, uint64_t from_offset, const uint8_t previous_hash[HASH_BYTES])
{
    p->from_offset = from_offset;
    memcpy(p->previous_hash, previous_hash, HASH_BYTES);
    pull_forget(&p->pull);
}

static void ask(struct puller *p, int64_t now_ms)
{
    struct wire_fetch fetch = {
        .from_offset = p->from_offset, .bytes_max = p->bytes_max, .wait_ms = p->pull.wait_ms};
    struct buf message = {0};
    memcpy(fetch.previous_hash, p->previous_hash, HASH_BYTES);
    wire_pack_fetch(&fetch, &message);
    pull_send(&p->pull, buf_slice(&message), now_ms);
    buf_fini(&message);
}

void puller_poke(struct puller *p, int64_t now_ms)
{
    if (pull_is_due(&p->pull, now_ms))
        ask(p, now_ms);
}

/* --- answers */

bool puller_next_commit(struct puller_reply *r, struct slice *commit)
{
    struct reader reader = reader_of(r->raw.rest);
    uint32_t len = reader_u32(&reader);
    *commit = reader_bytes(&reader, len);
    if (reader.bad)
        return false;
    r->raw.rest = slice_of(reader.at, (size_t)(reader.end - reader.at));
    return true;
}

/* Where the answer ends is where the next request begins. */
static int move_on(struct puller *p, const struct puller_reply *r, struct err *e)
{
    struct puller_reply walk = {.raw = {.rest = r->raw.rest}};
    struct commit_head head;
    struct slice commit;
    for (uint32_t i = 0; i < r->commits.commit_count; i++) {
        if (!puller_next_commit(&walk, &commit))
            return pull_unreadable(&p->pull, e);
        int rc = journal_commit_peek(commit, &head, e);
        if (rc != 0)
            return rc;
        p->from_offset = head.first_offset + head.entry_count;
        memcpy(p->previous_hash, head.hash, HASH_BYTES);
    }
    return walk.raw.rest.len == 0 ? 0 : pull_unreadable(&p->pull, e);
}

static int take_commits(struct puller *p, struct puller_reply *r, struct err *e)
{
    if (wire_unpack_commits(r->raw.answer, &r->commits, e) != 0)
        return pull_unreadable(&p->pull, e);
    return move_on(p, r, e);
}

int puller_receive(struct puller *p, int64_t now_ms, struct puller_reply *out, struct err *e)
{
    int rc = pull_receive(&p->pull, now_ms, &out->raw, e);
    if (rc != 0)
        return rc;
    rc = take_commits(p, out, e);
    if (rc != 0) {
        pull_reply_clear(&out->raw);
        return rc;
    }
    pull_answered(&p->pull);
    ask(p, now_ms);
    return 0;
}
