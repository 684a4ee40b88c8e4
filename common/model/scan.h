/* What the parsers and writers of this folder share: strict digits, and a piece of somebody's input
 * that is fit to stand in a sentence. */
#ifndef TONGHOP_MODEL_SCAN_H
#define TONGHOP_MODEL_SCAN_H

#include "common/base/slice.h"

enum { SCAN_EXCERPT_BYTES = 48 };

/* Exactly `count` (at most 9) decimal digits at `from`; false, *out untouched, when they are not
 * there. */
bool scan_digits(struct slice text, size_t from, size_t count, int *out);
/* The byte at `from`, 0 past the end. */
char scan_at(struct slice text, size_t from);
/* The text, cut with "..." when long; "?" stands for control bytes and for what is not UTF-8, so
 * that it can go into a log line or a JSON answer. Returns out. */
const char *scan_excerpt(struct slice text, char out[SCAN_EXCERPT_BYTES]);

/* Writes `width` decimal digits of value (not negative) with leading zeros, no terminator; returns
 * the end. */
char *scan_put_digits(char *at, int value, int width);

#endif
