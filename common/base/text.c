#include "common/base/text.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment with three rows of the table: a swap looks two rows back. */
size_t text_edit_distance(struct slice a, struct slice b)
{
    if (slice_equal(a, b))
        return 0;
    if (a.len > TEXT_WORD_BYTES_MAX || b.len > TEXT_WORD_BYTES_MAX)
        return SIZE_MAX;
    const uint8_t *p = a.data;
    const uint8_t *q = b.data;
    size_t rows[3][TEXT_WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        const size_t *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            now[j] = least(before[j], now[j - 1]) + 1;
            now[j] = least(now[j], before[j - 1] + (p[i - 1] != q[j - 1]));
            if (i > 1 && j > 1 && p[i - 1] == q[j - 2] && p[i - 2] == q[j - 1])
                now[j] = least(now[j], two_before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *text_nearest(struct slice word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i] == NULL)
            continue;
        struct slice candidate = slice_str(candidates[i]);
        size_t distance = text_edit_distance(word, candidate);
        size_t longer = word.len > candidate.len ? word.len : candidate.len;
        if (distance < nearest_distance && distance <= (longer + 2) / 3) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
