/* Sends batches to a collector and keeps them until each is answered: a spool on disk, a link, and
 * spool_core between them. Enqueued means on disk; the line may be down for days. One thread; for
 * a command submit_client_run waits, a service calls submit_client_step from its own loop. */
#ifndef TONGHOP_CLIENT_SUBMIT_CLIENT_H
#define TONGHOP_CLIENT_SUBMIT_CLIENT_H

#include "common/client/spool.h"
#include "common/client/spool_core.h"
#include "common/net/net.h"
#include "common/wire/wire.h"

#include <signal.h>

struct submit_client;

/* Any may be NULL. What is passed in lives until the hook returns. No hook may call the client. */
struct submit_client_hooks {
    void *arg;
    /* For good; also a refusal of the whole batch. */
    void (*answered)(void *arg, uint64_t ticket, const struct wire_submit_answer *answer);
    /* Its clock was ahead: it goes again under the collector's time. */
    void (*restamped)(void *arg, uint64_t ticket, int64_t reported_at_ms);
    void (*reopened)(void *arg, enum spool_reason reason, const struct spool_id *id);
    void (*blocked)(void *arg, enum refusal refusal);
};

struct submit_client_options {
    const char *endpoint;
    struct net_key server_key;
    struct net_keypair self;
    const char *officer; /* for a delegate: the officer it speaks for; NULL otherwise */
    const char *spool_directory;
    bool keep_answers;
    struct spool_options spool; /* zeros: the defaults */
    struct submit_client_hooks hooks;
};

/* Opens the spool and begins to connect. Caller closes; `net` must outlive it. What the options
 * point to is copied or not needed later. */
int submit_client_open(struct submit_client **out, struct net *net,
                       const struct submit_client_options *options, struct err *e);
void submit_client_close(struct submit_client *c); /* accepts NULL; what waits stays on disk */

struct spool *submit_client_spool(struct submit_client *c); /* borrowed: notes, kept answers */
struct net_socket *submit_client_socket(struct submit_client *c);
uint64_t submit_client_pending(const struct submit_client *c);

/* On disk when it returns 0. *ticket (nullable) names the batch in the hooks. */
int submit_client_put(struct submit_client *c, const struct batch *batch, uint64_t *ticket,
                      struct err *e);
/* Packed batches, all or none; `note` may be NULL. */
int submit_client_put_payloads(struct submit_client *c, const struct slice *payloads, size_t count,
                               const char *note, struct slice value, struct err *e);

/* Takes what has come, sends what is due; never waits. Negative: the spool failed (its sentence in
 * *e); what a peer says is never an error here. */
int submit_client_step(struct submit_client *c, struct err *e);
/* Until when a step would do nothing; -1: until the socket is readable. */
int64_t submit_client_wait_ms(const struct submit_client *c);

/* What the collector said last over the present link, when that was no good answer: so that it can
 * be told in the reader's language. */
enum refusal submit_client_refusal(const struct submit_client *c);

/* Steps until nothing waits for an answer. quiet_ms: the longest time in which none is answered for
 * good. `stop` (nullable) ends it when not 0. 0; ERR_AGAIN: stopped, or the collector answers that
 * it takes nothing now; ERR_NET: nobody answers; ERR_DENIED: our key is refused or may not submit;
 * or what the spool says. Whatever it returns, what is not answered stays in the spool. */
int submit_client_run(struct submit_client *c, int quiet_ms, const volatile sig_atomic_t *stop,
                      struct err *e);

#endif
