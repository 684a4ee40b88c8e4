#include "common/model/observation.h"

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int stamp_compare(const struct stamp *a, const struct stamp *b)
{
    if (a->reported_at_ms != b->reported_at_ms) {
        return a->reported_at_ms < b->reported_at_ms ? -1 : 1;
    }
    int order = compare_u64(a->producer, b->producer);
    if (order == 0) {
        order = memcmp(a->spool.bytes, b->spool.bytes, SPOOL_ID_BYTES);
    }
    if (order == 0) {
        order = compare_u64(a->number, b->number);
    }
    return order ? order : compare_u64(a->row, b->row);
}
