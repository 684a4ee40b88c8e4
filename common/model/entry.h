/* Journal entries as values. Whatever changes an outcome is one of these, in one order. */
#ifndef TONGHOP_MODEL_ENTRY_H
#define TONGHOP_MODEL_ENTRY_H

#include "common/model/observation.h"
#include "common/model/refusal.h"

enum entry_kind {
    ENTRY_GENESIS = 1,   /* the first: instance id, live or replay */
    ENTRY_BATCH = 2,     /* a batch with its verdicts */
    ENTRY_CATALOGUE = 3, /* body: registry.proto Catalogue */
    ENTRY_PLAN = 4,      /* body: registry.proto Plan */
    ENTRY_PRODUCER = 5,  /* body: registry.proto ProducerChange */
    ENTRY_TICK = 6,      /* a minute, every midnight included; time is the commit's */
    ENTRY_CLOCK = 7,     /* an operator accepted a jump of the clock */
    /* 8 closing, 9 acknowledgement, 10 silence, 11 text, 12 base: not written yet, never reuse */
};

struct row_refusal {
    uint32_t row;  /* 0-based */
    uint16_t code; /* enum refusal */
};

/* An entry is a head, which the chain of hashes covers, and a body, which it covers through the
 * body's hash in the head: a body may be erased or kept apart without breaking the chain. */
struct entry {
    enum entry_kind kind;
    uint64_t offset;               /* 1, 2, 3 … over the whole journal */
    uint64_t commit;               /* number of its commit */
    int64_t time_ms;               /* of its commit */
    uint8_t body_hash[HASH_BYTES]; /* BLAKE2b-256 of the body, also when the body is not kept */
    uint32_t body_bytes;           /* size of the body as received */
    struct slice body;             /* borrowed; empty when not kept (refused whole) */

    /* ENTRY_BATCH */
    uint32_t producer; /* registry ordinal of the officer */
    uint32_t delegate; /* ordinal of the gateway that spoke for it, or UINT32_MAX */
    struct spool_id spool;
    uint64_t number;
    int64_t reported_at_ms;
    uint64_t first_row; /* rows of all batches before this one: row i is version first_row + i */
    uint32_t row_count;
    uint16_t refusal;            /* of the whole batch; 0: rows speak for themselves */
    struct row_refusal *refused; /* ascending by row */
    uint32_t refused_count;

    /* ENTRY_CATALOGUE, PLAN, PRODUCER, CLOCK: who did it */
    uint32_t operator_producer; /* ordinal, or UINT32_MAX for a key of the service's own file */

    int64_t time_before_ms; /* ENTRY_CLOCK: journal time before the jump */

    /* ENTRY_GENESIS */
    uint8_t instance[16];
    bool replay;
};

#endif
