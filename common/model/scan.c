#include "common/model/scan.h"

#include "common/base/utf8.h"

bool scan_digits(struct slice text, size_t from, size_t count, int *out)
{
    if (from > text.len || count > text.len - from) {
        return false;
    }
    const char *at = (const char *)text.data + from;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return false;
        }
        value = value * 10 + (at[i] - '0');
    }
    *out = value;
    return true;
}

char scan_at(struct slice text, size_t from)
{
    return from < text.len ? ((const char *)text.data)[from] : '\0';
}

/* Bytes of the printable character at the head of the text, 0 when there is none. */
static size_t character_bytes(const char *at, size_t left)
{
    if (at[0] == '\t' || at[0] == '\n') {
        return 0;
    }
    for (size_t bytes = 1; bytes <= 4 && bytes <= left; bytes++) {
        if (utf8_text(slice_of(at, bytes))) {
            return bytes;
        }
    }
    return 0;
}

const char *scan_excerpt(struct slice text, char out[SCAN_EXCERPT_BYTES])
{
    static const char cut[] = "...";
    const char *at = text.data;
    size_t used = 0;
    for (size_t i = 0; i < text.len;) {
        size_t bytes = character_bytes(at + i, text.len - i);
        size_t shown = bytes ? bytes : 1;
        if (used + shown + sizeof cut > SCAN_EXCERPT_BYTES) {
            memcpy(out + used, cut, sizeof cut);
            return out;
        }
        memcpy(out + used, bytes ? at + i : "?", shown);
        used += shown;
        i += shown;
    }
    out[used] = '\0';
    return out;
}

char *scan_put_digits(char *at, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}
