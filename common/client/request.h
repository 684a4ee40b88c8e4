/* One question, one answer: for commands, which may wait. A link to one service over which requests
 * of any kind go; a Failure that comes instead of an answer is that request's error. One thread. */
#ifndef TONGHOP_CLIENT_REQUEST_H
#define TONGHOP_CLIENT_REQUEST_H

#include "common/base/buf.h"
#include "common/net/net.h"
#include "common/wire/wire.h"

#include <signal.h>

struct request;

struct request_peer {
    const char *endpoint;
    struct net_key server_key;
    struct net_keypair self;
};

/* Begins to connect; that nobody is there shows at the first request. Caller closes; `net` must
 * outlive it. */
int request_open(struct request **out, struct net *net, const struct request_peer *peer,
                 struct err *e);
void request_close(struct request *r); /* accepts NULL */

/* Sends and waits. *reply is emptied and gets the answer's message. `stop` (nullable) ends the wait
 * when not 0. When the link is lost and made again, a request that changes nothing (all but an
 * Apply) is sent once more. ERR_NET: no answer within timeout_ms; ERR_DENIED: our key is refused;
 * ERR_AGAIN: stopped; ERR_CORRUPT: an answer that is none; or the code and sentence of the Failure.
 * After an error the link goes on: an answer that comes too late is thrown away. */
int request_ask(struct request *r, enum wire_kind kind, struct slice message, int timeout_ms,
                const volatile sig_atomic_t *stop, struct buf *reply, struct err *e);

#endif
