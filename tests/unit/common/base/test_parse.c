#include "tests/support/suite.h"

#include <inttypes.h>

#include "common/base/parse.h"
#include "common/base/text.h"

START_TEST(a_plain_number_is_read)
{
    struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"7", 7},
        {"-7", -7},
        {"90000", 90000},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        int64_t v = 1;
        int rc = parse_i64(slice_str(rows[i].text), INT64_MIN, INT64_MAX, &v, &e);
        ck_assert_msg(rc == 0 && v == rows[i].value, "%s: %d, %" PRId64 ", %s", rows[i].text, rc, v,
                      e.text);
    }
}
END_TEST

START_TEST(anything_else_is_refused_with_what_to_write)
{
    struct {
        const char *reason;
        const char *text;
        const char *says;
    } rows[] = {
        {"empty", "", "empty"},
        {"only a sign", "-", "a '-' without digits"},
        {"plus", "+5", "'+' at column 1: write the number without it"},
        {"blank in front", " 5", "a blank at column 1"},
        {"blank behind", "5 ", "a blank at column 2"},
        {"line end", "5\n", "0x0a at column 2"},
        {"letter", "12a4", "'a' at column 3 is not a digit"},
        {"two signs", "--5", "'-' at column 2"},
        {"not ASCII", "1\xE1\xBB\x87", "0xe1 at column 2"},
        {"leading zero", "007", "leading zero at column 1"},
        {"leading zero after the sign", "-07", "leading zero at column 2"},
        {"minus zero", "-0", "write 0"},
        {"dot for thousands", "90.000", "write 90000"},
        {"comma for thousands", "90,000", "write 90000"},
        {"several groups", "-1.234.567", "write -1234567"},
        {"a fraction", "90.5", "'.' at column 3 is not a digit: write a whole number"},
        {"a fraction of three digits", "0.500", "'.' at column 2 is not a digit: write a whole"},
        {"groups of the wrong size", "9.00.000", "'.' at column 2 is not a digit: write a whole"},
        {"four digits in front", "1000.000", "'.' at column 5 is not a digit: write a whole"},
        {"nothing behind the dot", "90.", "'.' at column 3 is not a digit: write a whole"},
        {"nothing before the dot", ".900", "'.' at column 1 is not a digit: write a whole"},
        {"hexadecimal", "0x10", "'x' at column 2"},
        {"above the largest", "9223372036854775808", "out of range"},
        {"below the smallest", "-9223372036854775809", "out of range"},
        {"far above", "99999999999999999999999999", "out of range"},
        {"far below", "-99999999999999999999999999", "out of range"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        int64_t v = 77;
        int rc = parse_i64(slice_str(rows[i].text), INT64_MIN, INT64_MAX, &v, &e);
        ck_assert_msg(rc == ERR_INVALID, "%s: %d", rows[i].reason, rc);
        ck_assert_msg(strstr(e.text, rows[i].says) != NULL, "%s: says: %s", rows[i].reason, e.text);
        ck_assert_msg(v == 77, "%s: wrote %" PRId64, rows[i].reason, v);
    }
}
END_TEST

START_TEST(a_nul_inside_is_not_the_end)
{
    struct err e = {0};
    int64_t v;
    ck_assert_int_eq(parse_i64(slice_of("5\0", 2), 0, 9, &v, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "0x00 at column 2") != NULL, "%s", e.text);
}
END_TEST

START_TEST(the_bounds_are_allowed_and_named)
{
    struct err e = {0};
    int64_t v;
    ck_assert_int_eq(parse_i64(slice_str("-3"), -3, 12, &v, NULL), 0);
    ck_assert_int_eq(parse_i64(slice_str("12"), -3, 12, &v, NULL), 0);
    ck_assert_int_eq(parse_i64(slice_str("-4"), -3, 12, &v, NULL), ERR_INVALID);
    ck_assert_int_eq(parse_i64(slice_str("13"), -3, 12, &v, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "out of range: write a number from -3 to 12");
}
END_TEST

START_TEST(an_unsigned_number_has_no_sign)
{
    uint64_t v;
    struct err e = {0};
    ck_assert_int_eq(parse_u64(slice_str("18446744073709551615"), 0, UINT64_MAX, &v, NULL), 0);
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert_int_eq(parse_u64(slice_str("18446744073709551616"), 0, UINT64_MAX, &v, NULL),
                     ERR_INVALID);
    ck_assert_int_eq(parse_u64(slice_str("-1"), 0, UINT64_MAX, &v, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "'-' at column 1") != NULL, "%s", e.text);
    ck_assert_int_eq(parse_u64(slice_str("4"), 5, 9, &v, NULL), ERR_INVALID);
    ck_assert_int_eq(parse_u64(slice_str("10"), 5, 9, &v, NULL), ERR_INVALID);
}
END_TEST

START_TEST(sizes_have_binary_units)
{
    struct {
        const char *text;
        int rc;
        uint64_t value;
        const char *reason;
    } rows[] = {
        {"0", 0, 0, "plain bytes"},
        {"512", 0, 512, "plain bytes"},
        {"512B", 0, 512, "bytes said"},
        {"3KiB", 0, 3072, "kibi"},
        {"64MiB", 0, UINT64_C(64) << 20, "mebi"},
        {"1GiB", 0, UINT64_C(1) << 30, "gibi"},
        {"1TiB", 0, UINT64_C(1) << 40, "tebi, the maximum of this test"},
        {"2TiB", ERR_INVALID, 0, "above the maximum"},
        {"16777216TiB", ERR_INVALID, 0, "does not fit 64 bits"},
        {"64MB", ERR_INVALID, 0, "decimal unit"},
        {"64mib", ERR_INVALID, 0, "one spelling"},
        {"64 MiB", ERR_INVALID, 0, "blank"},
        {"64M", ERR_INVALID, 0, "short unit"},
        {"MiB", ERR_INVALID, 0, "no number"},
        {"-1MiB", ERR_INVALID, 0, "sign"},
        {"1.5GiB", ERR_INVALID, 0, "fraction"},
        {"", ERR_INVALID, 0, "empty"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        uint64_t v = 0;
        int rc = parse_bytes_size(slice_str(rows[i].text), 0, UINT64_C(1) << 40, &v, &e);
        ck_assert_msg(rc == rows[i].rc && v == rows[i].value, "%s (%s): %d, %" PRIu64 ", %s",
                      rows[i].text, rows[i].reason, rc, v, e.text);
    }
}
END_TEST

START_TEST(hexadecimal_goes_both_ways)
{
    const uint8_t bytes[] = {0x00, 0x9f, 0xa0, 0xff};
    uint8_t back[4];
    char text[9];
    format_hex(bytes, sizeof bytes, text);
    ck_assert_str_eq(text, "009fa0ff");
    ck_assert_int_eq(parse_hex(slice_str(text), back, sizeof back, NULL), 0);
    ck_assert_mem_eq(back, bytes, sizeof bytes);
    ck_assert_int_eq(parse_hex(slice_str("009FA0FF"), back, sizeof back, NULL), 0);
    ck_assert_mem_eq(back, bytes, sizeof bytes);
}
END_TEST

START_TEST(malformed_hexadecimal_is_refused_and_nothing_written)
{
    struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"", "0 characters: write exactly 4"},
        {"123", "3 characters: write exactly 4"},
        {"12345", "5 characters: write exactly 4"},
        {"123456", "6 characters: write exactly 4"},
        {"12g4", "'g' at column 3"},
        {"0x12", "'x' at column 2"},
        {"12 4", "a blank at column 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        uint8_t out[2] = {7, 7};
        int rc = parse_hex(slice_str(rows[i].text), out, sizeof out, &e);
        ck_assert_msg(rc == ERR_INVALID, "%s: %d", rows[i].text, rc);
        ck_assert_msg(strstr(e.text, rows[i].says) != NULL, "%s: %s", rows[i].text, e.text);
        ck_assert_msg(out[0] == 7 && out[1] == 7, "%s: was written", rows[i].text);
    }
}
END_TEST

START_TEST(edits_are_counted)
{
    struct {
        const char *a;
        const char *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},           {"", "abc", 3},           {"store", "store", 0},
        {"stroe", "store", 1}, {"stor", "store", 1},     {"stores", "store", 1},
        {"stare", "store", 1}, {"kitten", "sitting", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice a = slice_str(rows[i].a), b = slice_str(rows[i].b);
        size_t there = text_edit_distance(a, b), back = text_edit_distance(b, a);
        ck_assert_msg(there == rows[i].distance && back == there, "%s %s: %zu, %zu", rows[i].a,
                      rows[i].b, there, back);
    }
}
END_TEST

START_TEST(words_beyond_the_limit_are_only_equal_or_not)
{
    char a[TEXT_WORD_BYTES_MAX + 2], b[TEXT_WORD_BYTES_MAX + 2];
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    struct slice longest = slice_of(a, TEXT_WORD_BYTES_MAX);
    struct slice too_long = slice_of(b, TEXT_WORD_BYTES_MAX + 1);
    ck_assert_uint_eq(text_edit_distance(longest, slice_of(b, TEXT_WORD_BYTES_MAX - 1)), 1);
    ck_assert_uint_eq(text_edit_distance(longest, too_long), SIZE_MAX);
    ck_assert_uint_eq(text_edit_distance(too_long, slice_of(a, TEXT_WORD_BYTES_MAX + 1)), 0);
}
END_TEST

START_TEST(the_nearest_name_is_offered_when_it_can_be_meant)
{
    const char *const keys[] = {"listen", NULL, "store.path", "store.map_size", "log.level"};
    const size_t count = sizeof keys / sizeof *keys;
    ck_assert_str_eq(text_nearest(slice_str("store.map_sise"), keys, count), "store.map_size");
    ck_assert_str_eq(text_nearest(slice_str("lisetn"), keys, count), "listen");
    ck_assert_str_eq(text_nearest(slice_str("loglevel"), keys, count), "log.level");
    ck_assert_ptr_null(text_nearest(slice_str("colour"), keys, count));
    ck_assert_ptr_null(text_nearest(slice_str(""), keys, count));
    ck_assert_ptr_null(text_nearest(slice_str("listen"), keys, 0));
}
END_TEST

SUITE_MAIN("parse", a_plain_number_is_read, anything_else_is_refused_with_what_to_write,
           a_nul_inside_is_not_the_end, the_bounds_are_allowed_and_named,
           an_unsigned_number_has_no_sign, sizes_have_binary_units, hexadecimal_goes_both_ways,
           malformed_hexadecimal_is_refused_and_nothing_written, edits_are_counted,
           words_beyond_the_limit_are_only_equal_or_not,
           the_nearest_name_is_offered_when_it_can_be_meant)
