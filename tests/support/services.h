/* A collector and an aggregator as real processes in a private directory, with fresh keys, and what
 * a client does with them. Both listen on ipc and on a free tcp port; the first operator's key
 * stands in both files. Everything fails the test by itself unless it says what it returns. */
#ifndef TONGHOP_TESTS_SERVICES_H
#define TONGHOP_TESTS_SERVICES_H

#include "common/client/request.h"
#include "common/model/producer.h"
#include "common/wire/query_wire.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

enum { SERVICES_ENDPOINT_BYTES = 128, SERVICES_PATIENCE_MS = 30000 };

struct services_options {
    bool replay; /* the journal's time is moved by the operator alone */
    /* More lines of each file, whole YAML groups that it does not have yet ("round:\n  messages:
     * 1\n"); NULL: none. The files have listen, key_file, service_keys, operate_keys, collector,
     * feed, store.directory, journal. */
    const char *collector_more;
    const char *aggregator_more;
    const char *map_size; /* of both stores; NULL: 1GiB */
};

struct services {
    struct services_options options;
    struct temp_dir dir;
    struct process collector;
    struct process aggregator;
    struct net_keypair collector_keys;
    struct net_keypair aggregator_keys;
    struct net_keypair operator_keys;
    char collector_ipc[SERVICES_ENDPOINT_BYTES];
    char query_ipc[SERVICES_ENDPOINT_BYTES];
    char feed_ipc[SERVICES_ENDPOINT_BYTES];
    struct net *net;                    /* the test's own side */
    struct request *collector_operator; /* the operator's link to each, made at first use */
    struct request *aggregator_operator;
};

/* Both processes run and are ready. */
void services_open(struct services *c, const struct services_options *options);
/* Stops what runs, cleanly, and removes the directory: the test's last line. */
void services_close(struct services *c);
void services_kill(struct services *c);  /* -9, both */
void services_start(struct services *c); /* what does not run; both are ready */
/* Both files anew, with stores of that size: holds from the next start of each. */
void services_set_map_size(struct services *c, const char *map_size);
/* Where that process listens on tcp since its last start; returns `out`. */
const char *services_tcp(const struct process *p, char out[SERVICES_ENDPOINT_BYTES]);

/* --- as the operator */

struct catalogue_spec;
/* Journal offset of the entry; 0 for what has none. */
uint64_t services_apply(struct services *c, const struct wire_apply *what);
/* The code and sentence of the answer instead. */
int services_try_apply(struct services *c, const struct wire_apply *what, struct err *e);
uint64_t services_apply_catalogue(struct services *c, const struct catalogue_spec *spec);
uint64_t services_apply_plan(struct services *c, const struct plan *plan);
/* Registers a producer with one new key, which is put into *keys. `scopes`: codes between blanks.
 */
uint64_t services_add_producer(struct services *c, const char *name, uint32_t roles,
                               const char *source, const char *scopes, struct net_keypair *keys);
uint64_t services_revoke_key(struct services *c, const char *name, const struct net_keypair *keys);
/* Waits until the aggregator shows the entry at `offset`. */
void services_await(struct services *c, uint64_t offset);
/* `verify` of the running aggregator: exit code, and what it printed (terminated; may be NULL). */
int services_verify(struct services *c, struct buf *out);
/* The process's health; strings live in the arena. */
struct wire_health services_health(struct services *c, bool of_aggregator, struct arena *arena);

/* --- as a producer */

struct services_link {
    struct services *services;
    struct net_socket *socket;
    struct spool_id spool; /* random; may be set */
};
void services_link_open(struct services_link *l, struct services *c, const char *endpoint,
                        const struct net_keypair *keys);
void services_link_close(struct services_link *l);
void services_send(struct services_link *l, uint64_t number, struct slice payload);
/* The next answer, as it came; its number. ERR_AGAIN after the patience, or ERR_DENIED. */
int services_receive(struct services_link *l, uint64_t *number, struct buf *answer);
/* Sends and waits for this number's answer. *bytes may be NULL; strings live in the arena. */
struct wire_submit_answer services_submit(struct services_link *l, uint64_t number,
                                          const struct batch *batch, struct arena *arena,
                                          struct buf *bytes);

/* --- as who asks */

/* A link to the aggregator's ipc endpoint; the caller closes it before the services. */
struct request *services_asker(struct services *c, const struct net_keypair *keys);
/* One figure once `not_before` is applied: rc of the request; the answer's own code is in it. */
int services_ask(struct request *r, const struct wire_question *q, uint64_t not_before,
                 struct arena *arena, struct wire_answer *out, struct err *e);

#endif
