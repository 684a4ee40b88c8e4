/* Producers that send numbered batches to a cluster, out of spools on disk, and keep their own
 * count of what must come of them. Each batch adds an amount that no other batch adds, so that the
 * totals tell a lost one or one counted twice. */
#ifndef TONGHOP_TESTS_LOAD_H
#define TONGHOP_TESTS_LOAD_H

#include "common/client/submit_client.h"
#include "tests/support/province.h"
#include "tests/support/random_world.h"

enum { LOAD_CLIENTS = 3, LOAD_BATCHES_MAX = 1 << 18 };

struct load;
struct loop;

struct load_client {
    struct load *load;
    struct submit_client *client;
    struct net_keypair keys;
    char spool[TEMP_PATH_BYTES];
    uint64_t stated; /* batches put into the spool: tickets 1..stated */
    uint64_t answered;
    uint64_t *offsets; /* by ticket: where its answer says it stands; 0: no answer yet */
    uint64_t reopened; /* spools given up: never, here */
};

struct load {
    struct cluster *cluster;
    struct loop *loop;
    struct net_keypair auditor; /* may pull the journal */
    struct load_client clients[LOAD_CLIENTS];
    int64_t sums[PROVINCE_COMMUNES]; /* what was stated, by commune */
};

/* Registers the producers, the first ever in this journal. The cluster outlives the load. */
void load_open(struct load *l, struct cluster *c);
void load_close(struct load *l);
/* One round: takes answers, sends what is due and, with `more`, states further batches. Waits some
 * milliseconds at most. */
void load_step(struct load *l, bool more);
/* load_step with more, for a random time below most_ms, and until answers_min more have come. */
void load_work(struct load *l, struct random *random, unsigned most_ms, uint64_t answers_min);
/* Closes a producer's spool and opens it again from disk, as a command that was ended would. */
void load_reopen(struct load *l, unsigned client);
/* Until all is answered. */
void load_finish(struct load *l);
uint64_t load_stated(const struct load *l);
uint64_t load_answered(const struct load *l);
/* After load_finish: each batch has one answer, stands once in the journal, where its answer said,
 * and the sums of communes, districts and the province are what was stated. */
void load_check(struct load *l);

/* A number from the environment, for how long and from which seed a test goes on. */
uint64_t load_setting(const char *name, uint64_t standard);

#endif
