/* The pull of the journal: asks the collector for what comes next, one request at a time, and asks
 * for more as soon as an answer is here, before anybody has applied it: so the network and the
 * collector work while we do. Several requests in flight would need to know where an answer ends
 * before it has come; one of some megabytes, sent ahead like this, keeps both sides as busy.
 *
 * It checks only what it needs to ask on; chain and hashes are for whoever applies (follow.h). */
#ifndef TONGHOP_AGGREGATOR_PULLER_H
#define TONGHOP_AGGREGATOR_PULLER_H

#include "common/service/pull.h"

struct puller {
    struct pull pull; /* the dialogue with the collector */
    uint32_t bytes_max;
    uint64_t from_offset;
    uint8_t previous_hash[HASH_BYTES];
};

/* Zeroed at first. */
struct puller_reply {
    struct pull_reply raw; /* its rest: commits not taken yet; pull_reply_clear when held */
    struct wire_commits commits;
};

void puller_init(struct puller *p, struct net_socket *socket, uint32_t bytes_max, uint32_t wait_ms);
/* From here on; what is under way is forgotten. */
void puller_seek(struct puller *p, uint64_t from_offset, const uint8_t previous_hash[HASH_BYTES]);
/* Sends what is due: the first request, or the same again after silence or a lost link. Call it
 * every now and then. */
void puller_poke(struct puller *p, int64_t now_ms);

/* Takes one message. 0: an answer, perhaps an empty one, in *out, and the next request is sent
 * already. ERR_AGAIN: nothing, or nothing of use. ERR_CORRUPT: what is there cannot be this
 * journal's next part, nobody may go on by himself. Any other: the collector could not serve it;
 * it is asked again later. */
int puller_receive(struct puller *p, int64_t now_ms, struct puller_reply *out, struct err *e);
/* The next commit's bytes, borrowed until the reply is cleared; false: there is no further one. */
bool puller_next_commit(struct puller_reply *r, struct slice *commit);

#endif
