/* Follows the journal: checks each commit against the one before and gives its entries to a ledger.
 * The same for the running service and for the verifier. */
#ifndef TONGHOP_AGGREGATOR_FOLLOW_H
#define TONGHOP_AGGREGATOR_FOLLOW_H

#include "common/base/arena.h"
#include "services/aggregator/ledger_core.h"

struct follow_effects {
    bool registry; /* a catalogue, plan or producer change was among the entries */
    /* Keys' owners whose rights changed: ordinals of producers, in the arena. */
    uint32_t *producers;
    size_t producer_count;
};

/* One whole commit. ERR_CORRUPT: it does not follow, its bytes contradict their hash, or its
 * entries the ledger; nobody may go on by himself. After any error the ledger and the transaction
 * are to be thrown away. A transaction that has failed gives its own error. */
int follow_commit(struct ledger *l, struct kv *kv, struct slice commit, struct arena *arena,
                  struct follow_effects *effects, struct err *e);

#endif
