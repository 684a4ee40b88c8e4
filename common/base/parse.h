/* Strict reading of numbers from text, in configuration, CSV files and arguments: the whole input
 * is the number, there is one spelling of each, and the error sentence says what to write instead.
 * Nothing is skipped, rounded or guessed: `90.000` is ninety thousand to one reader and ninety to
 * another, so it is refused with both readings in mind. Columns in sentences count bytes from 1. */
#ifndef TONGHOP_BASE_PARSE_H
#define TONGHOP_BASE_PARSE_H

#include "common/base/err.h"
#include "common/base/slice.h"

/* Decimal with an optional leading '-': no '+', no blanks, no leading zeros, no "-0". Returns 0 or
 * ERR_INVALID; *out is written on success only. min and max are themselves allowed. */
int parse_i64(struct slice text, int64_t min, int64_t max, int64_t *out, struct err *e);
int parse_u64(struct slice text, uint64_t min, uint64_t max, uint64_t *out, struct err *e);

/* A size in bytes: a number as above, then nothing or one of B, KiB, MiB, GiB, TiB ("64MiB"). The
 * decimal units (KB, MB …) are refused: nobody agrees on what they are. */
int parse_bytes_size(struct slice text, uint64_t min, uint64_t max, uint64_t *out, struct err *e);

/* Exactly 2 * out_bytes digits, either case. */
int parse_hex(struct slice text, uint8_t *out, size_t out_bytes, struct err *e);
/* Lower case, terminated: `out` has room for 2 * count + 1 characters. */
void format_hex(const uint8_t *bytes, size_t count, char *out);

#endif
