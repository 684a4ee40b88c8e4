#include "tests/support/suite.h"

#include <inttypes.h>

#include "common/base/buf.h"

static const int64_t signed_samples[] = {
    INT64_MIN, INT64_MIN + 1, INT32_MIN, -65, -64, -1, 0, 1, 63, 64, INT32_MAX, INT64_MAX};
enum { SIGNED_SAMPLES = sizeof signed_samples / sizeof *signed_samples };

START_TEST(everything_written_is_read_back)
{
    struct buf b = {0};
    buf_u8(&b, 0xAB);
    buf_u16(&b, 0xABCD);
    buf_u32(&b, 0xABCDEF01);
    buf_u64(&b, UINT64_C(0xABCDEF0123456789));
    buf_i32_ordered(&b, -7);
    buf_i64_ordered(&b, INT64_MIN);
    buf_varint(&b, UINT64_MAX);
    buf_zigzag(&b, -65);
    buf_block(&b, slice_str("xã"));
    buf_bytes(&b, NULL, 0);
    buf_printf(&b, "%d", 42);
    struct reader r = reader_of(buf_slice(&b));
    ck_assert_uint_eq(reader_u8(&r), 0xAB);
    ck_assert_uint_eq(reader_u16(&r), 0xABCD);
    ck_assert_uint_eq(reader_u32(&r), 0xABCDEF01);
    ck_assert_uint_eq(reader_u64(&r), UINT64_C(0xABCDEF0123456789));
    ck_assert_int_eq(reader_i32_ordered(&r), -7);
    ck_assert_int_eq(reader_i64_ordered(&r), INT64_MIN);
    ck_assert_uint_eq(reader_varint(&r), UINT64_MAX);
    ck_assert_int_eq(reader_zigzag(&r), -65);
    ck_assert(slice_equal(reader_block(&r), slice_str("xã")));
    ck_assert(!reader_done(&r));
    ck_assert(slice_equal(reader_bytes(&r, 2), slice_str("42")));
    ck_assert(reader_done(&r));
    buf_fini(&b);
}
END_TEST

START_TEST(integers_are_big_endian)
{
    struct buf b = {0};
    buf_u32(&b, 0x01020304);
    ck_assert(slice_equal(buf_slice(&b), slice_of("\x01\x02\x03\x04", 4)));
    buf_fini(&b);
}
END_TEST

START_TEST(byte_order_of_ordered_integers_is_numeric_order)
{
    struct buf low = {0}, high = {0};
    for (size_t i = 0; i + 1 < SIGNED_SAMPLES; i++) {
        buf_clear(&low);
        buf_clear(&high);
        buf_i64_ordered(&low, signed_samples[i]);
        buf_i64_ordered(&high, signed_samples[i + 1]);
        ck_assert_msg(slice_compare(buf_slice(&low), buf_slice(&high)) < 0,
                      "%" PRId64 " is not below %" PRId64, signed_samples[i],
                      signed_samples[i + 1]);
    }
    buf_fini(&low);
    buf_fini(&high);
}
END_TEST

START_TEST(small_magnitudes_take_few_bytes)
{
    struct {
        int64_t value;
        size_t bytes;
    } rows[] = {{0, 1}, {-1, 1}, {63, 1}, {-64, 1}, {64, 2}, {-65, 2}, {INT64_MIN, 10}};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_clear(&b);
        buf_zigzag(&b, rows[i].value);
        ck_assert_msg(b.len == rows[i].bytes, "%" PRId64 " took %zu bytes", rows[i].value, b.len);
    }
    buf_fini(&b);
}
END_TEST

START_TEST(signed_varints_keep_every_value)
{
    struct buf b = {0};
    for (size_t i = 0; i < SIGNED_SAMPLES; i++)
        buf_zigzag(&b, signed_samples[i]);
    struct reader r = reader_of(buf_slice(&b));
    for (size_t i = 0; i < SIGNED_SAMPLES; i++)
        ck_assert_int_eq(reader_zigzag(&r), signed_samples[i]);
    ck_assert(reader_done(&r));
    buf_fini(&b);
}
END_TEST

START_TEST(malformed_varints_are_refused)
{
    struct {
        const char *reason;
        const char *bytes;
        size_t len;
        bool good;
    } rows[] = {
        {"largest", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true},
        {"a bit past 64", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, false},
        {"eleven bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, false},
        {"cut short", "\xff\xff", 2, false},
        {"nothing there", "", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reader r = reader_of(slice_of(rows[i].bytes, rows[i].len));
        uint64_t v = reader_varint(&r);
        ck_assert_msg(r.bad == !rows[i].good, "%s: bad=%d value=%" PRIu64, rows[i].reason, r.bad,
                      v);
        ck_assert_msg(rows[i].good || v == 0, "%s: gave %" PRIu64, rows[i].reason, v);
    }
}
END_TEST

START_TEST(after_a_short_read_every_read_gives_zero)
{
    struct reader r = reader_of(slice_of("\xff\xff\xff", 3));
    ck_assert_uint_eq(reader_u32(&r), 0);
    ck_assert(r.bad);
    ck_assert_uint_eq(reader_u8(&r), 0);
    ck_assert_int_eq(reader_i32_ordered(&r), 0);
    ck_assert_int_eq(reader_i64_ordered(&r), 0);
    ck_assert_uint_eq(reader_varint(&r), 0);
    ck_assert_int_eq(reader_zigzag(&r), 0);
    ck_assert_uint_eq(reader_bytes(&r, 1).len, 0);
    ck_assert_uint_eq(reader_block(&r).len, 0);
    ck_assert(!reader_done(&r));
}
END_TEST

START_TEST(a_block_longer_than_the_rest_is_refused)
{
    struct buf b = {0};
    buf_varint(&b, UINT64_MAX);
    buf_bytes(&b, "abc", 3);
    struct reader r = reader_of(buf_slice(&b));
    ck_assert_uint_eq(reader_block(&r).len, 0);
    ck_assert(r.bad);
    buf_fini(&b);
}
END_TEST

START_TEST(reading_nothing_from_nothing_is_done)
{
    struct reader r = reader_of(slice_of(NULL, 0));
    ck_assert_uint_eq(reader_bytes(&r, 0).len, 0);
    ck_assert(reader_done(&r));
}
END_TEST

START_TEST(printed_text_is_terminated_and_appended)
{
    struct buf b = {0};
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%02d,", i);
    ck_assert_uint_eq(b.len, 300);
    ck_assert_uint_eq(b.data[b.len], 0);
    ck_assert_str_eq((const char *)b.data + 294, "98,99,");
    buf_fini(&b);
}
END_TEST

START_TEST(a_prefix_comes_first)
{
    ck_assert_int_lt(slice_compare(slice_str("ab"), slice_str("abc")), 0);
    ck_assert_int_gt(slice_compare(slice_str("b"), slice_str("abc")), 0);
    ck_assert_int_lt(slice_compare(slice_of(NULL, 0), slice_str("a")), 0);
    ck_assert_int_lt(slice_compare(slice_str("a"), slice_str("\xff")), 0);
    ck_assert_int_eq(slice_compare(slice_of(NULL, 0), slice_str("")), 0);
}
END_TEST

SUITE_MAIN("buf", everything_written_is_read_back, integers_are_big_endian,
           byte_order_of_ordered_integers_is_numeric_order, small_magnitudes_take_few_bytes,
           signed_varints_keep_every_value, malformed_varints_are_refused,
           after_a_short_read_every_read_gives_zero, a_block_longer_than_the_rest_is_refused,
           reading_nothing_from_nothing_is_done, printed_text_is_terminated_and_appended,
           a_prefix_comes_first)
