/* A small province for a cluster in replay mode to count in, and what tests ask of it.
 *
 *   31 province -- 303 district -- 11001, 11002, 11003, 11004 communes
 *               \- 304 district -- 11101, 11102, 11103, 11104 communes
 *
 * Indicators, all reported by communes on behalf of the source "hkh": "classes" (flow, set, by
 * day), "calls" (flow, tally, by day), "members" (stock, by month). */
#ifndef TONGHOP_TESTS_PROVINCE_H
#define TONGHOP_TESTS_PROVINCE_H

#include "common/model/entry.h"
#include "tests/support/cluster.h"
#include "tests/support/peer.h"

enum { PROVINCE_DISTRICTS = 2, PROVINCE_COMMUNES = 8 /* the first half in the first district */ };
extern const char province_code[];
extern const char *const province_districts[PROVINCE_DISTRICTS];
extern const char *const province_communes[PROVINCE_COMMUNES];

/* Journal time once province_apply has run: 2024-09-05, eight in the morning. */
#define PROVINCE_TIME_MS INT64_C(1725498000000)
#define PROVINCE_DAY "2024-09-05"

/* Moves the journal to that time and applies catalogue and plan; the offset of the last. */
uint64_t province_apply(struct cluster *c);

/* The plan's second version: the same, with a target for "classes". */
uint64_t province_add_target(struct cluster *c);

/* The catalogue once more, with one unit that ends on that day and has no heir; NULL: with none. */
uint64_t province_end_unit(struct cluster *c, const char *code, const char *last_day);

/* The same with so many communes more, of at least 80 bytes each, that ended in 2020: a large entry
 * that changes nothing for anybody later. */
uint64_t province_add_former(struct cluster *c, uint32_t count);

struct province_row {
    const char *unit;
    const char *indicator;
    const char *day;
    enum op op;
    int64_t value;
};
/* A batch reported at PROVINCE_TIME_MS; it lives as long as the arena. */
struct batch province_batch_of(struct arena *arena, const struct province_row *rows,
                               uint32_t count);
/* The same of one row. */
struct batch province_batch(struct arena *arena, const char *unit, const char *indicator,
                            const char *day, enum op op, int64_t value);

/* One question about PROVINCE_DAY, once the entry at `not_before` is in: its answer, or the code
 * and sentence of the answer or of the request. */
int province_ask(struct peer *p, const char *unit, const char *indicator, uint64_t not_before,
                 struct wire_answer *out, struct err *e);
/* As the operator: the sum over a unit's subtree on that day; 0 when there is no value. */
int64_t province_sum(struct cluster *c, const char *unit, const char *indicator,
                     uint64_t not_before);

/* Every entry of the collector's journal, pulled under a key with the role service and checked
 * against the chain of hashes; an entry lives until `visit` returns. Returns their count. */
uint64_t province_visit_journal(struct cluster *c, const struct net_keypair *keys,
                                void (*visit)(void *arg, const struct entry *e), void *arg);

#endif
