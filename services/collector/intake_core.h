/* What to accept: the verdict on every row of a batch. Pure: a function of the registry, the
 * producer, the batch and the civil day. Nobody judges a batch again; what is decided here is
 * journalled. */
#ifndef TONGHOP_COLLECTOR_INTAKE_CORE_H
#define TONGHOP_COLLECTOR_INTAKE_CORE_H

#include "common/base/arena.h"
#include "common/model/entry.h"
#include "common/model/registry.h"

enum { INTAKE_AHEAD_MS = 5 * 60 * 1000 };

struct intake {
    const struct registry *registry;
    uint32_t producer;   /* ordinal whose scope, source and order count */
    int64_t time_ms;     /* journal time */
    struct arena *arena; /* for the result and the tables per dictionary entry */
};

/* Of the whole batch: REFUSAL_NONE, BAD_CODE, EMPTY or CLOCK_AHEAD. BAD_CODE for any word of its
 * dictionaries that is no code, used by a row or not: it may be anything, a person's name too, and
 * what is accepted is kept for ever. */
enum refusal intake_judge_batch(const struct intake *in, const struct batch *batch);
/* Of each row of a batch that is refused as BAD_CODE: those that name such a word, ascending;
 * returns their count. */
uint32_t intake_bad_codes(const struct intake *in, const struct batch *batch,
                          struct row_refusal **out);
/* Of each row of a batch that is not refused whole: those refused, ascending; returns their count.
 * Checks once per dictionary entry what can be checked there, so that a row costs a few
 * nanoseconds. */
uint32_t intake_judge_rows(const struct intake *in, const struct batch *batch,
                           struct row_refusal **out);

#endif
