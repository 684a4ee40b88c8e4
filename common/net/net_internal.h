/* What the files of this folder share. */
#ifndef TONGHOP_NET_INTERNAL_H
#define TONGHOP_NET_INTERNAL_H

#include "common/net/net.h"

#include <zmq.h>

struct net_feed;
struct net_wishes;

struct net {
    void *context;
    void *zap;
    net_admit_fn *admit;
    void *admit_arg;
    struct net_options options; /* defaults filled in */
    struct net_counters counters;
    struct net_socket *sockets;
    uint64_t monitors_made;
};

struct net_socket {
    struct net *net;
    struct net_socket *next;
    enum net_kind kind;
    enum net_state state;
    uint64_t links; /* made so far */
    void *zmq;
    void *monitor;
    char *endpoint;
    int64_t redial_at_ms;      /* 0: libzmq looks after the link itself */
    struct net_feed *feed;     /* NET_XPUB */
    struct net_wishes *wishes; /* NET_SUB */
};

/* The descriptors to wait for besides the sockets' messages: key admission and link events. */
size_t net_poll_count(const struct net *n);
void net_poll_fill(const struct net *n, zmq_pollitem_t *items);
/* Does all of that work which is due, without waiting. ERR_NET when keys can't be judged any more.
 */
int net_serve(struct net *n, struct err *e);
int64_t net_deadline_ms(const struct net *n); /* when net_serve must be called; INT64_MAX never */
int net_poll(zmq_pollitem_t *items, size_t count, int64_t timeout_ms, struct err *e);

/* Sends `count` parts and takes them over in any case. 0 or a negative err_code. */
int net_parts_send(void *zmq, const struct net_route *route, zmq_msg_t *parts, unsigned count);
int net_parts_receive(struct net_socket *s, struct net_message *m);

struct net_feed *net_feed_create(void);
void net_feed_destroy(struct net_feed *f);
size_t net_feed_count(const struct net_feed *f); /* subscribers */
int net_feed_receive(struct net_socket *s, struct net_message *m);
/* Takes the parts over; may_hear as in net_publish. */
int net_feed_send(struct net_socket *s, zmq_msg_t *parts, unsigned count, net_may_hear_fn *may_hear,
                  void *arg);

struct net_wishes *net_wishes_create(void);
void net_wishes_destroy(struct net_wishes *w);
void net_wishes_restart(struct net_wishes *w); /* a new link: ask for everything again */
void net_wishes_flush(struct net_socket *s, int64_t now_ms);
int64_t net_wishes_deadline_ms(const struct net_wishes *w);

#endif
