#include "tests/support/suite.h"

#include "common/base/utf8.h"

START_TEST(utf8_is_told_from_what_is_not)
{
    struct {
        const char *reason;
        const char *bytes;
        size_t len;
        size_t first_bad; /* len: all is valid */
        bool text;
    } rows[] = {
        {"empty", "", 0, 0, true},
        {"Vietnamese", "x\xC3\xA3 L\xE1\xBA\xA1\x63", 8, 8, true},
        {"tab and newline", "a\tb\n", 4, 4, true},
        {"NUL is valid but no text", "a\0b", 3, 3, false},
        {"carriage return", "a\r\n", 3, 3, false},
        {"escape", "\x1b[2J", 4, 4, false},
        {"DEL", "\x7f", 1, 1, false},
        {"C1, first", "\xC2\x80", 2, 2, false},
        {"C1, last", "\xC2\x9F", 2, 2, false},
        {"first after C1", "\xC2\xA0", 2, 2, true},
        {"last of two bytes", "\xDF\xBF", 2, 2, true},
        {"first of three bytes", "\xE0\xA0\x80", 3, 3, true},
        {"last before the surrogates", "\xED\x9F\xBF", 3, 3, true},
        {"first after the surrogates", "\xEE\x80\x80", 3, 3, true},
        {"last of three bytes", "\xEF\xBF\xBF", 3, 3, true},
        {"first of four bytes", "\xF0\x90\x80\x80", 4, 4, true},
        {"U+10FFFF", "\xF4\x8F\xBF\xBF", 4, 4, true},
        {"lone continuation", "ab\x80", 3, 2, false},
        {"overlong slash", "\xC0\xAF", 2, 0, false},
        {"overlong two bytes", "\xC1\xBF", 2, 0, false},
        {"overlong three bytes", "\xE0\x9F\xBF", 3, 0, false},
        {"overlong four bytes", "\xF0\x8F\xBF\xBF", 4, 0, false},
        {"first surrogate", "\xED\xA0\x80", 3, 0, false},
        {"last surrogate", "a\xED\xBF\xBF", 4, 1, false},
        {"above U+10FFFF", "\xF4\x90\x80\x80", 4, 0, false},
        {"lead F5", "\xF5\x80\x80\x80", 4, 0, false},
        {"lead FF", "\xFF", 1, 0, false},
        {"cut after one of two", "a\xC3", 2, 1, false},
        {"cut after two of three", "a\xE1\xBA", 3, 1, false},
        {"cut after three of four", "\xF0\x90\x80", 3, 0, false},
        {"third byte is no continuation", "\xE1\xBAz", 3, 0, false},
        {"TCVN3 text, one byte a letter", "x\xB7", 2, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice s = slice_of(rows[i].bytes, rows[i].len);
        size_t bad = utf8_first_bad(s);
        ck_assert_msg(bad == rows[i].first_bad, "%s: first bad at %zu", rows[i].reason, bad);
        ck_assert_msg(utf8_valid(s) == (bad == s.len), "%s: valid disagrees", rows[i].reason);
        ck_assert_msg(utf8_text(s) == rows[i].text, "%s: text is %d", rows[i].reason, utf8_text(s));
    }
}
END_TEST

static size_t encode(uint32_t point, uint8_t out[4])
{
    if (point < 0x80)
        return out[0] = (uint8_t)point, 1;
    size_t bytes = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = bytes; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3F));
    out[0] = (uint8_t)((0xF00u >> bytes & 0xFF) | point);
    return bytes;
}

START_TEST(every_code_point_but_surrogates_is_valid)
{
    for (uint32_t point = 0; point < 0x110000; point++) {
        uint8_t bytes[4];
        size_t len = encode(point, bytes);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        if (utf8_valid(slice_of(bytes, len)) == surrogate)
            ck_abort_msg("U+%04X", point);
    }
}
END_TEST

SUITE_MAIN("utf8", utf8_is_told_from_what_is_not, every_code_point_but_surrogates_is_valid)
