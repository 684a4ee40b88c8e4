/* The publishing side of a service: the endpoints for subscriptions, requests taken a bounded
 * number a round and given to the service, messages sent to all, rights taken away, and all of it
 * counted. What a topic means, and who may hear it, only the service knows. */
#ifndef TONGHOP_SERVICE_FEED_GATES_H
#define TONGHOP_SERVICE_FEED_GATES_H

#include "common/service/responder.h"

/* A subscription asked for, or given back; borrowed for the call. */
struct feed_request {
    struct net_socket *socket; /* for net_subscription_allow and _remove */
    const struct net_key *key;
    struct slice topic;
    bool subscribe; /* else unsubscribe */
};

typedef void feed_request_fn(void *owner, const struct feed_request *request);

struct feed_gates;

struct feed_gate {
    struct feed_gates *all;
    struct net_socket *socket;
};

/* Part of the owner's struct, zeroed at first; read by the owner, written here alone, but for what
 * it counts as allowed and narrowed. */
struct feed_gates {
    struct responder *responder;
    feed_request_fn *take;
    struct feed_gate gates[ENDPOINTS_MAX];
    unsigned count; /* 0: nobody can subscribe */
    struct {
        uint64_t *dropped;
        uint64_t *allowed;
        uint64_t *narrowed;
        uint64_t *refused;
        uint64_t *revoked;
    } counters;
    struct log_complaint refused_complaint;
};

void feed_gates_register(struct feed_gates *f, struct counters *c); /* before it is opened */
void feed_gates_refresh(struct feed_gates *f);                      /* gauges */

/* Listens on sockets of the responder's net; its owner is the one that `take` is called with. Both
 * outlive it. On failure, and at the end, feed_gates_close. */
int feed_gates_open(struct feed_gates *f, struct responder *r, const struct schema_strings *listen,
                    feed_request_fn *take, struct err *e);
/* Subscriptions are taken from here on; before, they wait in the sockets. */
void feed_gates_start(struct feed_gates *f);
void feed_gates_close(struct feed_gates *f); /* before the responder; also half-open or zeroed */

/* To all that have subscribed; with may_hear, only where it says so (net_publish). Never fails: a
 * subscriber learns of a loss by what is numbered in the messages. */
void feed_gates_publish(struct feed_gates *f, struct slice topic, struct slice message,
                        net_may_hear_fn *may_hear, void *arg);
/* Counts and logs a request that nothing was given for. */
void feed_gates_refuse(struct feed_gates *f, const struct feed_request *request,
                       const char *message);
/* Everything that this key subscribed to is taken away, and counted. */
void feed_gates_revoke(struct feed_gates *f, const struct net_key *key);

#endif
