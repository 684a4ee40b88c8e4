/* One hand-made peer of a service: sends whatever frames a test wants, good or bad, and takes what
 * comes back. Submissions are numbered here as a client would, unless the test numbers them. */
#ifndef TONGHOP_TESTS_PEER_H
#define TONGHOP_TESTS_PEER_H

#include "common/base/arena.h"
#include "common/net/net.h"
#include "common/wire/query_wire.h"
#include "common/wire/wire.h"

enum { PEER_PATIENCE_MS = 60000 /* only a failure takes so long */ };

struct peer {
    struct net_socket *socket;
    struct spool_id spool;    /* random */
    uint64_t next_number;     /* of peer_submit */
    struct net_message reply; /* the last one; frames stay until the next receive */
    struct wire_head head;    /* of the reply */
    struct arena arena;       /* what was unpacked from it, until the next receive */
};

void peer_open(struct peer *p, struct net *net, const char *endpoint,
               const struct net_key *server_key, const struct net_keypair *self);
void peer_close(struct peer *p); /* also one never opened, if zeroed */

/* Until the peer is connected; fails the test otherwise. */
void peer_await_link(struct peer *p);
/* Until its key is refused. */
void peer_await_refusal(struct peer *p);
void peer_send(struct peer *p, const struct slice *frames, unsigned count);
/* Waits for a message that echoes `id`, its head in p->head; others are thrown away. */
void peer_receive(struct peer *p, uint64_t id);

/* A submission as it is, and the answer to it. 0, or the code of a Failure, with its sentence in
 * *e. `officer` may be NULL. */
int peer_submit_payload(struct peer *p, uint64_t number, struct slice payload, const char *officer,
                        struct wire_submit_answer *out, struct err *e);
int peer_submit(struct peer *p, const struct batch *batch, const char *officer,
                struct wire_submit_answer *out, struct err *e);

/* Any other request; the answer's message in *out, which lives until the next receive. */
int peer_ask(struct peer *p, enum wire_kind kind, struct slice message, struct slice *out,
             struct err *e);
int peer_ask_health(struct peer *p, struct wire_health *out, struct err *e);
/* `text` lives until the next receive. */
int peer_ask_counters(struct peer *p, const char **text, struct err *e);
/* Applies a->..., and gives the code and sentence of the answer as its own. */
int peer_apply(struct peer *p, const struct wire_apply *a, uint64_t *offset, struct err *e);
int peer_query(struct peer *p, const struct wire_query *q, struct wire_query_reply *out,
               struct err *e);

#endif
