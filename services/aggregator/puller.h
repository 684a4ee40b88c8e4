/* The pull of the journal: asks the collector for what comes next, one request at a time, and asks
 * for more as soon as an answer is here, before anybody has applied it: so the network and the
 * collector work while we do. Several requests in flight would need to know where an answer ends
 * before it has come; one of some megabytes, sent ahead like this, keeps both sides as busy.
 *
 * It checks only what it needs to ask on; chain and hashes are for whoever applies (follow.h). */
#ifndef TONGHOP_AGGREGATOR_PULLER_H
#define TONGHOP_AGGREGATOR_PULLER_H

#include "common/net/net.h"
#include "common/wire/wire.h"

struct puller {
    struct net_socket *socket; /* borrowed; a NET_DEALER to the collector */
    uint32_t bytes_max;
    uint32_t wait_ms; /* the owner may change it */
    uint64_t from_offset;
    uint8_t previous_hash[HASH_BYTES];
    uint64_t id;           /* of the request under way or the last one */
    bool waiting;          /* a request is under way */
    int64_t sent_ms;       /* when */
    int64_t not_before_ms; /* no request before */
    int64_t backoff_ms;
    uint64_t retries; /* requests that went unanswered */
    uint64_t stale;   /* answers to requests that were given up */
};

struct puller_reply {
    struct net_message message;
    bool held; /* then puller_reply_clear is due */
    struct wire_commits commits;
    struct slice rest; /* commits not taken yet */
};

void puller_init(struct puller *p, struct net_socket *socket, uint32_t bytes_max, uint32_t wait_ms);
/* From here on; what is under way is forgotten. */
void puller_seek(struct puller *p, uint64_t from_offset, const uint8_t previous_hash[HASH_BYTES]);
/* Sends what is due: the first request, or the same again after silence or a lost link. Call it
 * every now and then. */
void puller_poke(struct puller *p, int64_t now_ms);
void puller_pause(struct puller *p, int64_t until_ms);

/* Takes one message. 0: an answer, perhaps an empty one, in *out, and the next request is sent
 * already. ERR_AGAIN: nothing, or nothing of use. ERR_CORRUPT: what is there cannot be this
 * journal's next part, nobody may go on by himself. Any other: the collector could not serve it;
 * it is asked again later. */
int puller_receive(struct puller *p, int64_t now_ms, struct puller_reply *out, struct err *e);
/* The next commit's bytes, borrowed until the reply is cleared; false: there is no further one. */
bool puller_next_commit(struct puller_reply *r, struct slice *commit);
void puller_reply_clear(struct puller_reply *r); /* also twice */

#endif
