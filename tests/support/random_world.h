/* Made-up provinces for the model checks: from a seed comes a journal in which units move, merge,
 * split, begin anew and end, plans and sources of record change, and producers state figures,
 * early, late, twice, corrected and withdrawn. Sometimes a late catalogue changes what was long
 * believed. The same seed makes the same journal. Bodies hold the address of the value they stand
 * for, so no wire format takes part. */
#ifndef TONGHOP_TESTS_RANDOM_WORLD_H
#define TONGHOP_TESTS_RANDOM_WORLD_H

#include "common/base/arena.h"
#include "common/model/codec.h"
#include "common/model/entry.h"
#include "common/model/registry.h"

/* Takes such bodies; they live as long as what made them. */
extern const struct codec random_world_codec;
/* A body for `value`, which must outlive it; the eight bytes are the arena's. */
struct slice random_world_body(struct arena *arena, const void *value);

/* splitmix64: the same numbers everywhere. */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *r);
uint32_t random_below(struct random *r, uint32_t limit); /* 0 .. limit - 1; 0 when limit is 0 */
int random_between(struct random *r, int low, int high); /* both included */
bool random_chance(struct random *r, unsigned percent);

/* Entries 1, 2, 3 … and the number of each one's commit. */
struct random_journal {
    struct entry *entries;
    uint64_t *commits;
    size_t count;
};

struct random_world {
    struct random_journal journal;
    day_t first; /* every figure's day lies in first..last, and so should what is asked */
    day_t last;
    bool fixed_sources;  /* no producer ever changes its source */
    struct arena memory; /* all that the journal borrows */
};

/* `rows`: about how many are stated. Never fails; the caller destroys. */
struct random_world *random_world_create(uint64_t seed, unsigned rows);
void random_world_destroy(struct random_world *w);

enum random_order {
    ORDER_KEPT,     /* batches as they came, at their times */
    ORDER_SAME_DAY, /* batches as they came, all on one civil day */
    ORDER_SHUFFLED, /* batches in any order, all on that same civil day */
};
/* The same entries with the registry's first, in their order, then the batches; one entry a commit.
 * Borrows from the world; free with random_journal_fini. */
struct random_journal random_world_rearrange(const struct random_world *w, enum random_order order,
                                             uint64_t seed);
void random_journal_fini(struct random_journal *j);

#endif
