/* Sizes and durations as people write them in configuration: a whole number (base/parse.h) with its
 * unit right behind it. Text in, text out; positions in a file are doc.h's. */
#ifndef TONGHOP_CONFIG_QUANTITY_H
#define TONGHOP_CONFIG_QUANTITY_H

#include "common/base/err.h"

#include <stdint.h>

enum quantity_kind {
    QUANTITY_INTEGER,  /* no unit */
    QUANTITY_SIZE,     /* bytes: B, KiB, MiB, GiB, TiB */
    QUANTITY_DURATION, /* milliseconds: ms, s, min, h, d */
};

enum { QUANTITY_TEXT_BYTES = 32 };

/* ERR_INVALID, with a sentence that says what to write; *out is written on success only. */
int quantity_parse(enum quantity_kind kind, const char *text, int64_t minimum, int64_t maximum,
                   int64_t *out, struct err *e);
/* With the largest unit that divides it; returns `out`. */
const char *quantity_format(enum quantity_kind kind, int64_t value, char out[QUANTITY_TEXT_BYTES]);

#endif
