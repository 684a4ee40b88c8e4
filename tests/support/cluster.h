/* A collector, an aggregator and, if wanted, a notifier as an operator would run them: own
 * processes, own configuration files and keys, in a private directory. Both listen on ipc and at a
 * free tcp port. Replay mode unless said otherwise, so that civil time is what the test says. The
 * province they count in: province.h. */
#ifndef TONGHOP_TESTS_CLUSTER_H
#define TONGHOP_TESTS_CLUSTER_H

#include "common/model/producer.h"
#include "tests/support/peer.h"
#include "tests/support/process.h"

struct cluster_options {
    const char *data;           /* existing folder for the stores; NULL: the private directory */
    const char *collector_map;  /* store.map_size; NULL: 1GiB */
    const char *aggregator_map; /* likewise */
    const char *collector_more; /* further lines of its configuration; NULL: none */
    bool live;                  /* the journal's time is the clock's */
    bool notifier;              /* there is one */
    const char *notifier_map;   /* store.map_size; NULL: 1GiB */
};

struct cluster {
    struct temp_dir dir;
    struct cluster_options options; /* may be changed before cluster_configure */
    struct net_keypair collector_keys;
    struct net_keypair aggregator_keys;
    struct net_keypair notifier_keys; /* may pull frames */
    struct net_keypair operator_keys;
    struct net *net; /* the test's own side */
    struct process collector;
    struct process aggregator;
    struct process notifier;
    char collector_ipc[TEMP_PATH_BYTES];
    char query_ipc[TEMP_PATH_BYTES];
    char feed_ipc[TEMP_PATH_BYTES];
    char alerts_ipc[TEMP_PATH_BYTES];      /* the notifier's questions */
    char alerts_feed_ipc[TEMP_PATH_BYTES]; /* its feed */
    char maildir[TEMP_PATH_BYTES];
};

/* Makes directory, keys and configurations; starts nothing. */
void cluster_open(struct cluster *c, const char *name);
/* Ends what runs (it must end well) and removes the directory: the test's last line. */
void cluster_close(struct cluster *c);
/* Writes the configurations anew, for the next start. */
void cluster_configure(struct cluster *c);
void cluster_start(struct cluster *c); /* what does not run, and waits until all are ready */

/* Where a process listens in this run; `out` holds TEMP_PATH_BYTES and is returned. */
const char *cluster_tcp(const struct process *p, char *out);
/* Peers over ipc. */
void cluster_peer_collector(struct cluster *c, struct peer *p, const struct net_keypair *keys);
void cluster_peer_aggregator(struct cluster *c, struct peer *p, const struct net_keypair *keys);
void cluster_peer_notifier(struct cluster *c, struct peer *p, const struct net_keypair *keys);

/* As the operator; each fails the test when it is refused, and returns the journal's offset. */
uint64_t cluster_apply(struct cluster *c, const struct wire_apply *a);
uint64_t cluster_set_producer(struct cluster *c, const struct producer *p);
uint64_t cluster_change_key(struct cluster *c, enum producer_change_kind kind, const char *name,
                            const struct net_key *key);
/* What cluster_set_producer takes. Who submits does so on behalf of "hkh"; scope may be NULL. */
struct producer cluster_producer(const char *name, uint32_t roles, const char *scope);
/* Registers one and binds a new key to it. */
uint64_t cluster_add_producer(struct cluster *c, const char *name, uint32_t roles,
                              const char *scope, struct net_keypair *keys);

/* As the operator: a counter as it is printed, batches_total{reason="taken"}. */
uint64_t cluster_collector_count(struct cluster *c, const char *counter);
uint64_t cluster_aggregator_count(struct cluster *c, const char *counter);
uint64_t cluster_notifier_count(struct cluster *c, const char *counter);
/* `verify` of the aggregator must find nothing. The collector runs, the aggregator may. */
void cluster_verify(struct cluster *c);

#endif
