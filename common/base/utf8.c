#include "common/base/utf8.h"

/* Bytes of the valid sequence at `at`, 0 when there is none; its code point into *point. The narrow
 * bounds on the second byte are table 3-7 of the Unicode standard: they alone rule out overlong
 * forms, surrogates and what lies above U+10FFFF. */
static size_t sequence_at(const uint8_t *at, size_t left, uint32_t *point)
{
    uint8_t lead = at[0];
    *point = lead;
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < bytes)
        return 0;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    *point = lead & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (at[i] < low || at[i] > high)
            return 0;
        *point = *point << 6 | (at[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return bytes;
}

size_t utf8_first_bad(struct slice s)
{
    const uint8_t *bytes = s.data;
    uint32_t point;
    size_t at = 0;
    while (at < s.len) {
        size_t step = sequence_at(bytes + at, s.len - at, &point);
        if (step == 0)
            break;
        at += step;
    }
    return at;
}

bool utf8_valid(struct slice s)
{
    return utf8_first_bad(s) == s.len;
}

static bool is_control(uint32_t point)
{
    if (point == '\t' || point == '\n')
        return false;
    return point < 0x20 || (point >= 0x7F && point <= 0x9F);
}

bool utf8_text(struct slice s)
{
    const uint8_t *bytes = s.data;
    uint32_t point;
    size_t step;
    for (size_t at = 0; at < s.len; at += step) {
        step = sequence_at(bytes + at, s.len - at, &point);
        if (step == 0 || is_control(point))
            return false;
    }
    return true;
}
