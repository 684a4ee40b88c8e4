#include "tests/support/peer.h"

#include "common/net/loop.h"

#include <check.h>
#include <sodium.h>

enum { ARENA_KEEP_BYTES = 64 << 10 };

void peer_open(struct peer *p, struct net *net, const char *endpoint,
               const struct net_key *server_key, const struct net_keypair *self)
{
    struct err e = {0};
    memset(p, 0, sizeof *p);
    randombytes_buf(p->spool.bytes, sizeof p->spool.bytes);
    p->next_number = 1;
    arena_init(&p->arena, ARENA_KEEP_BYTES);
    int rc = net_connect(net, NET_DEALER, endpoint, server_key, self, &p->socket, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
}

void peer_close(struct peer *p)
{
    if (!p->socket)
        return;
    net_message_clear(&p->reply);
    net_close(p->socket);
    p->socket = NULL;
    arena_fini(&p->arena);
}

void peer_await_link(struct peer *p)
{
    int rc = net_wait_writable(p->socket, PEER_PATIENCE_MS);
    ck_assert_msg(rc == 0, "%s: no link: %s", net_endpoint(p->socket), err_name(rc));
}

void peer_await_refusal(struct peer *p)
{
    int rc = net_wait_writable(p->socket, PEER_PATIENCE_MS);
    ck_assert_msg(rc == ERR_DENIED, "%s: not refused, but %s", net_endpoint(p->socket),
                  err_name(rc));
}

void peer_send(struct peer *p, const struct slice *frames, unsigned count)
{
    struct err e = {0};
    int rc;
    do {
        peer_await_link(p);
        rc = net_send(p->socket, NULL, frames, count, &e);
    } while (rc == ERR_AGAIN);
    ck_assert_msg(rc == 0, "%s", e.text);
}

void peer_receive(struct peer *p, uint64_t id)
{
    int64_t deadline_ms = loop_now_ms() + PEER_PATIENCE_MS;
    arena_reset(&p->arena);
    for (;;) {
        net_message_clear(&p->reply);
        int64_t left_ms = deadline_ms - loop_now_ms();
        int rc = net_wait(p->socket, left_ms > 0 ? (int)left_ms : 0);
        ck_assert_msg(rc == 0, "%s: no answer: %s", net_endpoint(p->socket), err_name(rc));
        if (net_receive(p->socket, &p->reply) != 0)
            continue;
        ck_assert_uint_ge(p->reply.frame_count, 2);
        ck_assert_int_eq(wire_head_decode(p->reply.frames[0], &p->head, NULL), 0);
        if (p->head.id == id)
            return;
    }
}

/* 0, or what the Failure says. */
static int take_failure(const struct peer *p, struct err *e)
{
    struct err said = {0}, why = {0};
    if (p->head.kind != (WIRE_FAILURE | WIRE_ANSWER))
        return 0;
    ck_assert_msg(wire_unpack_failure(p->reply.frames[1], &said, &why) == 0, "%s", why.text);
    ck_assert_int_lt(said.code, 0);
    return err_set(e, said.code, "%s", said.text);
}

int peer_submit_payload(struct peer *p, uint64_t number, struct slice payload, const char *officer,
                        struct wire_submit_answer *out, struct err *e)
{
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct err why = {0};
    struct wire_head head = {WIRE_VERSION, WIRE_SUBMIT, number, p->spool};
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), payload,
                             officer ? slice_str(officer) : slice_of(NULL, 0)};
    peer_send(p, frames, officer ? 3 : 2);
    peer_receive(p, number);
    int rc = take_failure(p, e);
    if (rc != 0)
        return rc;
    ck_assert_uint_eq(p->head.kind, WIRE_SUBMIT | WIRE_ANSWER);
    ck_assert_mem_eq(p->head.spool.bytes, p->spool.bytes, SPOOL_ID_BYTES);
    rc = wire_unpack_submit_answer(p->reply.frames[1], &p->arena, out, &why);
    ck_assert_msg(rc == 0, "%s", why.text);
    return 0;
}

int peer_submit(struct peer *p, const struct batch *batch, const char *officer,
                struct wire_submit_answer *out, struct err *e)
{
    struct buf payload = {0};
    wire_pack_batch(batch, &payload);
    int rc = peer_submit_payload(p, p->next_number, buf_slice(&payload), officer, out, e);
    buf_fini(&payload);
    if (rc == 0 && (out->refusal == 0 || refusal_consumes_number((enum refusal)out->refusal)))
        p->next_number++;
    return rc;
}

int peer_ask(struct peer *p, enum wire_kind kind, struct slice message, struct slice *out,
             struct err *e)
{
    static uint64_t last_id = UINT64_C(1) << 40; /* apart from numbers of batches */
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = {.version = WIRE_VERSION, .kind = (uint8_t)kind, .id = ++last_id};
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), message};
    peer_send(p, frames, 2);
    peer_receive(p, head.id);
    int rc = take_failure(p, e);
    if (rc != 0)
        return rc;
    ck_assert_uint_eq(p->head.kind, (unsigned)kind | WIRE_ANSWER);
    *out = p->reply.frames[1];
    return 0;
}

int peer_ask_health(struct peer *p, struct wire_health *out, struct err *e)
{
    struct slice reply;
    int rc = peer_ask(p, WIRE_HEALTH, slice_of(NULL, 0), &reply, e);
    return rc != 0 ? rc : wire_unpack_health(reply, &p->arena, out, e);
}

int peer_ask_counters(struct peer *p, const char **text, struct err *e)
{
    struct slice reply;
    int rc = peer_ask(p, WIRE_COUNTERS, slice_of(NULL, 0), &reply, e);
    return rc != 0 ? rc : wire_unpack_counters(reply, &p->arena, text, e);
}

int peer_apply(struct peer *p, const struct wire_apply *a, uint64_t *offset, struct err *e)
{
    struct buf message = {0};
    struct slice reply;
    struct wire_apply_answer answer;
    wire_pack_apply(a, &message);
    int rc = peer_ask(p, WIRE_APPLY, buf_slice(&message), &reply, e);
    buf_fini(&message);
    if (rc == 0)
        rc = wire_unpack_apply_answer(reply, &p->arena, &answer, e);
    if (rc != 0)
        return rc;
    if (offset)
        *offset = answer.offset;
    return answer.code == 0 ? 0 : err_set(e, answer.code, "%s", answer.message);
}

int peer_query(struct peer *p, const struct wire_query *q, struct wire_query_reply *out,
               struct err *e)
{
    struct buf message = {0};
    struct slice reply;
    wire_pack_query(q, &message);
    int rc = peer_ask(p, WIRE_QUERY, buf_slice(&message), &reply, e);
    buf_fini(&message);
    return rc != 0 ? rc : wire_unpack_query_reply(reply, &p->arena, out, e);
}
