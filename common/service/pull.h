/* One side of a dialogue in which a service asks another for what comes next: one request at a
 * time, sent again after silence or a lost link, with growing pauses after failures. What is asked
 * and what an answer means is for whoever follows. */
#ifndef TONGHOP_SERVICE_PULL_H
#define TONGHOP_SERVICE_PULL_H

#include "common/net/net.h"
#include "common/service/backoff.h"
#include "common/wire/wire.h"

struct pull_peer {
    const char *name;       /* "collector", for the sentences */
    uint8_t kind;           /* of the requests, an enum wire_kind */
    int (*judge)(int code); /* what this failure that it answers with means here */
};

struct pull {
    const struct pull_peer *peer;
    struct net_socket *socket; /* borrowed; a NET_DEALER to the peer */
    uint32_t wait_ms;          /* how long it may keep a request; the owner may change it */
    uint64_t id;               /* of the request under way or the last one */
    bool waiting;              /* a request is under way */
    uint64_t links; /* of the socket when it was sent: what was asked over a lost one is lost */
    int64_t sent_ms;
    int64_t not_before_ms; /* no request before */
    struct backoff backoff;
    uint64_t retries; /* requests that went unanswered */
    uint64_t stale;   /* answers to requests that were given up */
};

/* Zeroed at first. */
struct pull_reply {
    struct net_message message;
    bool held;           /* then pull_reply_clear is due */
    struct slice answer; /* the message's second frame */
    struct slice rest;   /* its third, as far as it is not taken yet */
};

void pull_init(struct pull *p, const struct pull_peer *peer, struct net_socket *socket,
               uint32_t wait_ms);
void pull_forget(struct pull *p); /* what is under way */
void pull_pause(struct pull *p, int64_t until_ms);

/* Is it time to ask? What is lost is given up first. Call it every now and then. */
bool pull_is_due(struct pull *p, int64_t now_ms);
/* Asks; what cannot be sent is due again at once. */
void pull_send(struct pull *p, struct slice request, int64_t now_ms);

/* Takes one message. 0: the answer in *out, and pull_answered is due when it can be read.
 * ERR_AGAIN: nothing, or an answer to a request that was given up. ERR_CORRUPT: it cannot be read.
 * Else the peer's failure, as judged; it is asked again later. */
int pull_receive(struct pull *p, int64_t now_ms, struct pull_reply *out, struct err *e);
void pull_answered(struct pull *p);
int pull_unreadable(const struct pull *p, struct err *e); /* ERR_CORRUPT */
void pull_reply_clear(struct pull_reply *r);              /* also twice */

#endif
