/* Sockets between the programs: every message is encrypted and comes from a peer whose key was let
 * in. The only folder that knows ZeroMQ. What a peer may say or do once it is in is the service's
 * business; this module only tells whose key a message came under.
 *
 * Nothing here blocks except net_wait and net_wait_writable, which are for commands. A struct net
 * and its sockets belong to one thread; create them after fork. Key admission is served by the poll
 * loop (loop.h) or by the two waits: while neither runs, nobody new gets in. */
#ifndef TONGHOP_NET_NET_H
#define TONGHOP_NET_NET_H

#include "common/base/err.h"
#include "common/base/slice.h"

/* ---- keys (Curve25519; written as 40 characters of Z85) ---- */

enum { NET_KEY_BYTES = 32, NET_KEY_TEXT_BYTES = 41 /* terminated */ };

struct net_key {
    uint8_t bytes[NET_KEY_BYTES];
};

struct net_keypair {
    struct net_key public_key;
    struct net_key secret_key;
};

void keypair_generate(struct net_keypair *out);
void keypair_wipe(struct net_keypair *pair); /* accepts NULL; forgets the secret */
void key_format_z85(const struct net_key *key, char out[NET_KEY_TEXT_BYTES]);
int key_parse_z85(struct slice text, struct net_key *out, struct err *e); /* ERR_INVALID */
bool key_equal(const struct net_key *a, const struct net_key *b);

/* A key file has the lines `public = "…"` and `secret = "…"`; `#` begins a comment. Refused, with
 * what to do: one that group or others may read, one whose halves do not belong together, unknown
 * or repeated names (with file:line:column). ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID, ERR_IO. */
int keypair_load(const char *path, struct net_keypair *out, struct err *e);
/* Makes a new file, mode 0600, synced; ERR_EXISTS rather than replace one. */
int keypair_save(const char *path, const struct net_keypair *pair, struct err *e);
/* A public key file has the one line `public = "…"`, and anyone may read it. A file that also holds
 * a secret is refused: it must not be handed around. */
int key_public_load(const char *path, struct net_key *out, struct err *e);
int key_public_save(const char *path, const struct net_key *key, struct err *e); /* mode 0644 */

/* ---- the net: one a process ---- */

struct net;
struct net_socket;

enum { NET_LINGER_MS = 500 };

struct net_options {
    unsigned io_threads;         /* 0: 1 */
    unsigned sockets_max;        /* 0: 1023; counts a few inner ones too */
    unsigned queue_messages_max; /* each way, each peer; 0: 1000 */
    unsigned retry_ms;           /* longest pause before a lost or refused link is tried again;
                                    0: 5000. Jitter is added. */
    unsigned handshake_ms;       /* longest that a link may take to be made, the wait for a busy
                                    listener's loop included; 0: 10000 */
    size_t message_bytes_max;    /* of one frame; 0: 16 MiB. A larger one never arrives: the link
                                    is cut and made anew. Set it above the limit that the service
                                    itself answers with a refusal. */
};

struct net_counters {
    uint64_t peers_admitted;
    uint64_t peers_refused;         /* by the admit function, or for want of one */
    uint64_t handshakes_failed;     /* not our protocol, wrong server key, cut short, too slow */
    uint64_t links_lost;            /* peer gone or silent, or it sent an oversized frame */
    uint64_t messages_malformed;    /* too many frames, or no request on a NET_XPUB */
    uint64_t messages_slow_dropped; /* by a NET_XPUB, for subscribers whose queue was full */
};

int net_create(struct net **out, const struct net_options *options, struct err *e);
/* Accepts NULL; closes what sockets are left; takes NET_LINGER_MS at most. */
void net_destroy(struct net *n);
const struct net_counters *net_counters(const struct net *n); /* lives as long as n */

/* Who is let in: called for each handshake on any listening socket. Until it is set, nobody is.
 * peer_address is an IP address, empty over ipc. */
typedef bool net_admit_fn(void *arg, const struct net_key *key, const char *peer_address);
void net_admit(struct net *n, net_admit_fn *admit, void *arg);

/* ---- sockets ---- */

/* NET_XPUB and NET_SUB keep the meaning of the ZeroMQ sockets but are made of a ROUTER and a
 * DEALER: in libzmq 4.3.4 (Debian 12) a real XPUB with manual subscriptions reads freed memory when
 * a subscription is allowed whose sender has just gone (zeromq/libzmq#4137, seen under valgrind).
 */
enum net_kind {
    NET_ROUTER, /* listens; answers many NET_DEALER */
    NET_XPUB,   /* listens; feeds many NET_SUB; each subscription is allowed by hand */
    NET_DEALER, /* connects; asks a NET_ROUTER */
    NET_SUB,    /* connects; hears a NET_XPUB */
};

enum net_state {
    NET_LISTENING,
    NET_CONNECTING, /* not yet, or no more: tried again and again */
    NET_CONNECTED,
    NET_REFUSED, /* the peer does not know our key; tried again at leisure */
};

/* endpoint: "tcp://ADDRESS:PORT" (ADDRESS may be *, PORT may be 0 or *: one that is free) or
 * "ipc:///path": its directory must be private (nobody else may write there); a stale socket file
 * is removed, one where a process listens is not. */
int net_listen(struct net *n, enum net_kind kind, const char *endpoint,
               const struct net_keypair *server, struct net_socket **out, struct err *e);
/* Returns at once; the link is made in the background, and again after each loss. */
int net_connect(struct net *n, enum net_kind kind, const char *endpoint,
                const struct net_key *server_key, const struct net_keypair *self,
                struct net_socket **out, struct err *e);
/* Accepts NULL. Take it out of its loop first. What a listening socket was given goes on out for at
 * most NET_LINGER_MS, for which net_destroy waits; what a connecting one had not sent is forgotten.
 */
void net_close(struct net_socket *s);
/* The real endpoint ("tcp://127.0.0.1:40123" after binding port 0); lives as long as s. */
const char *net_endpoint(const struct net_socket *s);
enum net_state net_state(const struct net_socket *s); /* as of the last round of the loop or wait */
/* How often a connecting socket's link was made, as of the same: two looks that find the same state
 * may have missed a loss between them, and what was asked over a lost link has no answer. */
uint64_t net_links(const struct net_socket *s);

/* ---- messages ---- */

enum { NET_ROUTE_BYTES = 255, NET_FRAMES_MAX = 4 };

/* How to answer a peer of a NET_ROUTER. Opaque: it says nothing about who the peer is. */
struct net_route {
    uint8_t len;
    uint8_t bytes[NET_ROUTE_BYTES];
};

/* Don't copy or move one: frames may point into it. */
struct net_message {
    struct net_route route; /* NET_ROUTER, NET_XPUB; else len 0 */
    struct net_key key;     /* of the authenticated sender, where has_key; NET_ROUTER, NET_XPUB */
    bool has_key;
    bool malformed;       /* had more than NET_FRAMES_MAX frames; the rest were thrown away */
    unsigned frame_count; /* never above NET_FRAMES_MAX; may be 0 from a hostile peer */
    struct slice frames[NET_FRAMES_MAX]; /* borrowed from the message until net_message_clear */
    union {                              /* the library's own messages; net_message.c only */
        void *align;
        unsigned char bytes[64];
    } parts[NET_FRAMES_MAX];
    unsigned parts_used;
};

/* Takes one message, never waits. 0; ERR_AGAIN when there is none (then *m owns nothing); ERR_NET
 * when the socket is unusable. *m need not be initialised; after 0 the caller clears it.
 * On NET_XPUB a message is a request: frames[0] is one byte, 1 subscribe or 0 unsubscribe, and then
 * the topic; after a reconnection a subscriber asks for everything again. */
int net_receive(struct net_socket *s, struct net_message *m);
void net_message_clear(struct net_message *m); /* also twice; not on an uninitialised one */

/* Sends all frames as one message, or nothing; copies them; never waits. route: for NET_ROUTER,
 * else NULL. ERR_AGAIN: the peer's queue is full, or a NET_DEALER has no link yet. ERR_NOT_FOUND:
 * the router has no such peer. ERR_LIMIT: a frame above message_bytes_max. A NET_XPUB drops for
 * subscribers whose queue is full and still returns 0: number what is sent. The first frame of
 * a NET_XPUB's message begins with the topic. */
int net_send(struct net_socket *s, const struct net_route *route, const struct slice *frames,
             unsigned count, struct err *e);
/* net_send on a NET_XPUB, but only to subscribers whose key may hear it. Asked of each at every
 * message, so that a right never outlives what it hung on. */
typedef bool net_may_hear_fn(void *arg, const struct net_key *key);
int net_publish(struct net_socket *s, const struct slice *frames, unsigned count,
                net_may_hear_fn *may_hear, void *arg, struct err *e);

/* ---- subscriptions ---- */

enum { NET_TOPIC_BYTES_MAX = 255, NET_TOPICS_MAX = 4096 /* one subscriber */ };

/* On NET_XPUB, about the request last received, before the next net_receive: gives its sender
 * `topic` (a prefix; perhaps narrower than what was asked; may be called for several), or takes it
 * away. A request that is not answered by a call changes nothing: nobody hears anything unallowed.
 * An unsubscribe names what the peer asked for: take away what it was given.
 * ERR_LIMIT (topic too long, or too many); ERR_NOT_FOUND when there was no request or, for remove,
 * no such topic. */
int net_subscription_allow(struct net_socket *s, struct slice topic);
int net_subscription_remove(struct net_socket *s, struct slice topic);
/* On NET_XPUB: takes everything away from every subscriber with this key (one that was revoked). */
void net_subscription_revoke(struct net_socket *s, const struct net_key *key);
/* On NET_SUB; asked in the background and again after each reconnection. ERR_LIMIT. */
int net_subscribe(struct net_socket *s, struct slice topic);
int net_unsubscribe(struct net_socket *s, struct slice topic);

/* ---- for commands, which have no loop ---- */

/* Waits for a message to receive, or until one can be sent. 0; ERR_AGAIN after timeout_ms
 * (negative: no limit); ERR_DENIED as soon as the peer refuses our key; ERR_NET. A caught
 * signal does not end the wait. */
int net_wait(struct net_socket *s, int timeout_ms);
int net_wait_writable(struct net_socket *s, int timeout_ms);

#endif
