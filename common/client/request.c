#include "common/client/request.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"

#include <stdlib.h>

enum { WAIT_SLICE_MS = 100 };

struct request {
    struct net_socket *socket;
    uint64_t id;    /* of the last request */
    uint64_t links; /* of the socket, when that was sent: another link brings no answer */
};

/* One wait of a request: until when, and what ends it early. */
struct patience {
    int64_t deadline_ms;
    int timeout_ms;
    const volatile sig_atomic_t *stop;
};

int request_open(struct request **out, struct net *net, const struct request_peer *peer,
                 struct err *e)
{
    struct request *r = alloc_zeroed(1, sizeof *r);
    int rc =
        net_connect(net, NET_DEALER, peer->endpoint, &peer->server_key, &peer->self, &r->socket, e);
    if (rc != 0) {
        request_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void request_close(struct request *r)
{
    if (!r)
        return;
    net_close(r->socket);
    free(r);
}

static int wait_failed(const struct request *r, int rc, const struct patience *p, struct err *e)
{
    const char *where = net_endpoint(r->socket);
    if (rc == ERR_DENIED)
        return err_set(e, rc, "%s: this key is not known there: ask provincial IT to register it",
                       where);
    if (rc == ERR_NET)
        return err_set(e, rc, "%s: the socket is unusable", where);
    return err_set(e, ERR_NET,
                   "%s: no answer within %d ms: is the service running, and is its key right?",
                   where, p->timeout_ms);
}

/* One slice of a wait, short so that a stop is seen soon. 1: ready; 0: not yet. */
static int wait_slice(const struct request *r, int (*wait)(struct net_socket *s, int timeout_ms),
                      const struct patience *p, struct err *e)
{
    int64_t left_ms = p->deadline_ms - loop_now_ms();
    if (left_ms < 0)
        return wait_failed(r, ERR_AGAIN, p, e);
    int rc = wait(r->socket, left_ms < WAIT_SLICE_MS ? (int)left_ms : WAIT_SLICE_MS);
    if (rc != 0 && rc != ERR_AGAIN)
        return wait_failed(r, rc, p, e);
    if (rc != 0 && p->stop && *p->stop)
        return err_set(e, ERR_AGAIN, "stopped");
    return rc == 0;
}

/* A link may take messages a moment before it is known to be made. */
static int wait_for_link(const struct request *r, const struct patience *p, struct err *e)
{
    int rc;
    do
        rc = wait_slice(r, net_wait_writable, p, e);
    while (rc == 0 || (rc > 0 && net_state(r->socket) != NET_CONNECTED));
    return rc < 0 ? rc : 0;
}

/* Under the present id, over the present link. */
static int send_request(struct request *r, enum wire_kind kind, struct slice message,
                        const struct patience *p, struct err *e)
{
    uint8_t head[WIRE_HEAD_BYTES];
    struct wire_head h = {.version = WIRE_VERSION, .kind = (uint8_t)kind, .id = r->id};
    wire_head_encode(&h, head);
    struct slice frames[2] = {slice_of(head, sizeof head), message};
    int rc = ERR_AGAIN;
    while (rc == ERR_AGAIN) {
        rc = wait_for_link(r, p, e);
        if (rc != 0)
            return rc;
        r->links = net_links(r->socket);
        rc = net_send(r->socket, NULL, frames, 2, e);
    }
    return rc;
}

/* What changes nothing may be asked twice. Of the rest nobody knows whether it has arrived. */
static bool is_question(enum wire_kind kind)
{
    return kind != WIRE_SUBMIT && kind != WIRE_APPLY;
}

/* 1: the answer is in *reply; 0: not ours, go on waiting. */
static int take_answer(struct request *r, const struct net_message *m, enum wire_kind kind,
                       struct buf *reply, struct err *e)
{
    struct wire_head head;
    if (m->frame_count < 2 || wire_head_decode(m->frames[0], &head, NULL) != 0 || head.id != r->id)
        return 0;
    if (head.kind == WIRE_FAILURE || head.kind == (WIRE_FAILURE | WIRE_ANSWER)) {
        struct err said = {0};
        if (wire_unpack_failure(m->frames[1], &said, e) != 0)
            return ERR_CORRUPT;
        return err_set(e, said.code, "%s", said.text);
    }
    if (head.kind != ((unsigned)kind | WIRE_ANSWER))
        return err_set(e, ERR_CORRUPT, "%s: an answer of kind %u to a request of kind %u",
                       net_endpoint(r->socket), head.kind, (unsigned)kind);
    buf_bytes(reply, m->frames[1].data, m->frames[1].len);
    return 1;
}

int request_ask(struct request *r, enum wire_kind kind, struct slice message, int timeout_ms,
                const volatile sig_atomic_t *stop, struct buf *reply, struct err *e)
{
    struct patience p = {loop_now_ms() + timeout_ms, timeout_ms, stop};
    bool again = is_question(kind); /* once: a question that ends the service must not go on */
    buf_clear(reply);
    r->id++;
    int rc = send_request(r, kind, message, &p, e);
    while (rc == 0) {
        struct net_message m;
        int waited = wait_slice(r, net_wait, &p, e);
        if (waited < 0)
            return waited;
        if (waited > 0 && net_receive(r->socket, &m) == 0) {
            rc = take_answer(r, &m, kind, reply, e);
            net_message_clear(&m);
        } else if (again && net_links(r->socket) != r->links) {
            again = false;
            rc = send_request(r, kind, message, &p, e);
        }
    }
    return rc < 0 ? rc : 0;
}
