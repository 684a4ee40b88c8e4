#include "common/model/observation.h"

#include "tests/support/suite.h"

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Few values of each field, the extremes among them, so that ties in the leading fields are common.
 */
static struct stamp random_stamp(uint32_t *state)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_C(1725498000123), INT64_MAX};
    static const uint64_t numbers[] = {1, 2, UINT64_C(1) << 32, UINT64_MAX};
    static const uint32_t words[] = {0, 1, 0x80000000u, UINT32_MAX};
    struct stamp s = {0};
    s.reported_at_ms = times[random_next(state) % 5];
    s.producer = words[random_next(state) % 4];
    s.spool.bytes[random_next(state) % 2 ? 0 : SPOOL_ID_BYTES - 1] =
        (uint8_t)(random_next(state) % 2 ? 0xff : 1);
    s.number = numbers[random_next(state) % 4];
    s.row = words[random_next(state) % 4];
    return s;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return a->reported_at_ms == b->reported_at_ms && a->producer == b->producer &&
           memcmp(a->spool.bytes, b->spool.bytes, SPOOL_ID_BYTES) == 0 && a->number == b->number &&
           a->row == b->row;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* check reports every passed assertion to its parent, too slow for a million: compare by hand. */
START_TEST(stamps_are_in_a_total_order)
{
    uint32_t state = 20240905;
    for (int round = 0; round < 1000000; round++) {
        struct stamp a = random_stamp(&state);
        struct stamp b = round % 8 ? random_stamp(&state) : a;
        struct stamp c = random_stamp(&state);
        int ab = sign(stamp_compare(&a, &b));
        int bc = sign(stamp_compare(&b, &c));
        int ac = sign(stamp_compare(&a, &c));
        if ((ab == 0) != same(&a, &b)) {
            ck_abort_msg("round %d: equal in order and equal in content differ (%d)", round, ab);
        }
        if (ab != -sign(stamp_compare(&b, &a))) {
            ck_abort_msg("round %d: not antisymmetric (%d)", round, ab);
        }
        if (ab <= 0 && bc <= 0 && ac != (ab < 0 || bc < 0 ? -1 : 0)) {
            ck_abort_msg("round %d: not transitive (%d, %d, %d)", round, ab, bc, ac);
        }
    }
}
END_TEST

START_TEST(the_earlier_named_field_decides)
{
    static const struct {
        struct stamp less;
        struct stamp greater;
        const char *reason;
    } rows[] = {
        {{1, 9, {{9}}, 9, 9}, {2, 0, {{0}}, 0, 0}, "time before everything else"},
        {{-1, 0, {{0}}, 0, 0}, {0, 0, {{0}}, 0, 0}, "times before 1970 are negative"},
        {{1, 1, {{9}}, 9, 9}, {1, 2, {{0}}, 0, 0}, "producer before spool"},
        {{1, 1, {{1}}, 9, 9}, {1, 1, {{2}}, 0, 0}, "spool before number"},
        {{1, 1, {{0x7f}}, 1, 1}, {1, 1, {{0x80}}, 1, 1}, "spool bytes are unsigned"},
        {{1, 1, {{1}}, 1, 9}, {1, 1, {{1}}, 2, 0}, "number before row"},
        {{1, 1, {{1}}, 1, 1}, {1, 1, {{1}}, UINT64_C(1) << 40, 1}, "numbers have 64 bits"},
        {{1, 1, {{1}}, 1, 1}, {1, 1, {{1}}, 1, 2}, "row last: a later row of a batch wins"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(stamp_compare(&rows[i].less, &rows[i].greater) < 0, "%s", rows[i].reason);
        ck_assert_msg(stamp_compare(&rows[i].greater, &rows[i].less) > 0, "%s", rows[i].reason);
    }
}
END_TEST

SUITE_MAIN("observation", stamps_are_in_a_total_order, the_earlier_named_field_decides)
