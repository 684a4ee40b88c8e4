/* The answering side of a service: endpoints that listen, keys that are let in, requests taken a
 * bounded number a round, each checked and given to the handler of its kind, answers and failures
 * sent, and all of it counted. Health and counters are served here for every service. What a
 * request means, and who a key belongs to, only the service knows.
 *
 * A request is a head (common/wire), a message and, where the service takes it, a third frame. It
 * is answered under its kind, or by a Failure; a revocation takes hold at the next message. */
#ifndef TONGHOP_SERVICE_RESPONDER_H
#define TONGHOP_SERVICE_RESPONDER_H

#include "common/model/registry.h"
#include "common/net/net.h"
#include "common/service/endpoint_config.h"
#include "common/service/service.h"
#include "common/wire/wire.h"

/* Whose request, and where the answer goes. */
struct asker {
    struct net_socket *socket;
    struct net_route route;
    struct net_key key;
    struct wire_head head; /* of the request */
};

/* 0: answered, or it will be; else the sentence in *e goes back as a Failure. The message and what
 * the handler puts into the arena are gone afterwards. */
typedef int responder_take_fn(void *owner, const struct asker *from, const struct net_message *m,
                              struct err *e);

struct responder_kind {
    uint8_t kind;     /* an enum wire_kind */
    const char *name; /* in requests_total */
    uint32_t roles;   /* one of them is needed; 0: the handler judges */
    responder_take_fn *take;
};

/* `owner` is the service's own struct. */
struct responder_definition {
    const struct responder_kind *kinds; /* but health and counters */
    size_t kind_count;
    uint32_t roles;      /* a key with one of them is let in, and may ask for health */
    unsigned frames_max; /* 2 or 3 */
    const char *serves;  /* for the log: "questions" */
    struct identity (*identify)(const void *owner, const struct net_key *key);
    /* Name, version and what a drain changes are filled in by the responder. */
    void (*health)(void *owner, struct wire_health *out);
    /* Gauges, before they are shown; may be NULL. */
    void (*refresh)(void *owner);
    /* A head of another version that its asker expects another answer to than a Failure: true when
     * that was given. May be NULL. */
    bool (*answer_version)(void *owner, const struct asker *from);
};

struct responder_options {
    const struct endpoint_config *endpoint;
    struct net_options net;
    struct arena *arena;    /* reset after each request */
    int64_t round_messages; /* the most that are taken in one round of the loop ... */
    int64_t round_bytes;    /* ... and until their bytes exceed this */
};

/* Part of the owner's struct, zeroed at first; read by the owner, written here alone. */
struct responder {
    const struct responder_definition *definition;
    void *owner;
    struct service *service;
    const struct log *log;
    struct arena *arena;
    struct net *net;         /* the owner's further sockets are made on it too */
    struct net_keypair keys; /* from key_file */
    struct net_socket *gates[ENDPOINTS_MAX];
    unsigned gate_count;
    unsigned first_gate; /* asked first in this round: each has its turn */
    int64_t round_messages;
    int64_t round_bytes;
    int64_t messages; /* taken in this round */
    int64_t bytes;
    const struct responder_kind *kinds[WIRE_FAILURE]; /* by kind; NULL: not served */
    struct {
        uint64_t *requests[WIRE_FAILURE];
        uint64_t *malformed;
        uint64_t *unknown;
        uint64_t *denied;
        uint64_t *version;
        uint64_t *dropped_full;
        uint64_t *dropped_gone;
        uint64_t *keys_refused;
        uint64_t *net_admitted;
        uint64_t *net_refused;
        uint64_t *net_handshakes_failed;
        uint64_t *net_links_lost;
        uint64_t *net_malformed;
    } count;
    struct log_complaint key_complaint;
    struct log_complaint denied_complaint;
};

/* Reads the key file and listens. `owner` and `definition` outlive it. On failure, and at the end,
 * responder_close; what it registers with the loop goes then, or with the loop. */
int responder_open(struct responder *r, struct service *service,
                   const struct responder_definition *definition, void *owner,
                   const struct responder_options *options, struct err *e);
/* The owner's own sockets on r->net go before. Also on a half-open or zeroed one. */
void responder_close(struct responder *r);
/* A further socket of that sort, told in the log; the caller closes it (below). */
int responder_listen(struct responder *r, enum net_kind kind, const char *endpoint,
                     const char *serves, struct net_socket **out, struct err *e);
/* Takes a socket of the owner's out of the loop and closes it. Accepts NULL, also on a responder
 * that was not opened. */
void responder_close_socket(struct responder *r, struct net_socket *socket);

/* Has the asker of this request a role that it needs? For one that had to wait, too, as its key may
 * have been revoked meanwhile. ERR_DENIED, counted and logged. */
int responder_check(struct responder *r, const struct asker *from, struct err *e);

/* An answer that cannot be sent is dropped and counted: the peer asks again. `body` may be empty:
 * then there is no third frame. */
void responder_send(struct responder *r, const struct asker *to, uint8_t kind, struct slice message,
                    struct slice body);
void responder_fail(struct responder *r, const struct asker *to, const struct err *e);

/* The frame of that number; empty when there is none. */
static inline struct slice responder_frame(const struct net_message *m, unsigned i)
{
    return i < m->frame_count ? m->frames[i] : slice_of(NULL, 0);
}

#endif
