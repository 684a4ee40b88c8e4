/* What a commune says: (unit, indicator, period, source, op, value), in batches numbered 1, 2, 3 …
 * within (producer, spool). */
#ifndef TONGHOP_MODEL_OBSERVATION_H
#define TONGHOP_MODEL_OBSERVATION_H

#include "common/base/slice.h"
#include "common/model/day.h"

enum op {
    OP_SET = 0,   /* the figure for this period is */
    OP_CLEAR = 1, /* I withdraw it; nothing is not zero */
    OP_ADD = 2,   /* a signed amount more; only where the indicator says entry: tally */
    OP_COUNT
};

/* No figure is beyond these, so that sums over any tree fit in 128 bits and day steps in 64:
 * 32,768 units x 2 x 10^14 < 2^63. 10^14 đồng is 100 nghìn tỷ. */
#define OBSERVATION_VALUE_MAX INT64_C(100000000000000)

enum {
    BATCH_ROWS_MAX = 65536,
    BATCH_DICTIONARY_MAX = 16384,      /* entries of each of the two dictionaries */
    BATCH_PAYLOAD_BYTES_MAX = 1 << 20, /* larger is refused as too_large, consuming its number */
    SPOOL_ID_BYTES = 16,
    HASH_BYTES = 32,
};

struct spool_id {
    uint8_t bytes[SPOOL_ID_BYTES]; /* random */
};

/* A decoded payload: dictionaries once, then columns. Everything is borrowed from the arena or the
 * message it was decoded from. References are below the dictionary counts and ops below OP_COUNT:
 * the decoder has checked the shape; sense is intake's matter. */
struct batch {
    int64_t reported_at_ms; /* when the officer stated the figures, UTC */
    uint32_t unit_count;
    uint32_t indicator_count;
    uint32_t row_count;
    struct slice *units;      /* codes */
    struct slice *indicators; /* ids */
    uint32_t *unit_refs;      /* row_count of each column */
    uint32_t *indicator_refs;
    day_t *days;     /* last day of the period */
    uint8_t *ops;    /* NULL: every row is OP_SET */
    int64_t *values; /* 0 where op is OP_CLEAR */
};

/* The order in which statements override each other, whatever the order of arrival. */
struct stamp {
    int64_t reported_at_ms;
    uint32_t producer; /* ordinal in the registry, fixed by the journal */
    struct spool_id spool;
    uint64_t number;
    uint32_t row;
};

int stamp_compare(const struct stamp *a, const struct stamp *b); /* <0, 0, >0 */

#endif
