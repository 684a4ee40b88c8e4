/* "Did you mean": the nearest of the names that exist, for unknown keys, commands and codes. */
#ifndef TONGHOP_BASE_TEXT_H
#define TONGHOP_BASE_TEXT_H

#include "common/base/slice.h"

enum { TEXT_WORD_BYTES_MAX = 64 };

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b, in bytes. Above
 * TEXT_WORD_BYTES_MAX on either side the answer is SIZE_MAX unless the two are equal. */
size_t text_edit_distance(struct slice a, struct slice b);

/* The candidate nearest to `word`, the first of equals; NULL when none is near enough to be meant
 * (more than a third of the longer word differs). NULL candidates are passed over. Borrowed from
 * `candidates`. */
const char *text_nearest(struct slice word, const char *const *candidates, size_t count);

#endif
