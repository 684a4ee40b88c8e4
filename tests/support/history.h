/* Random unit histories, kept day by day in the plainest form there is, beside the catalogue spec
 * that says the same: what model checks compare the catalogue and all that hangs on it with. Units
 * come, go, come back under their old code, move, change level, are cut, merged and renamed. */
#ifndef TONGHOP_TESTS_HISTORY_H
#define TONGHOP_TESTS_HISTORY_H

#include "common/model/catalogue.h"

enum {
    HISTORY_CODES = 14,
    HISTORY_DAYS = 48,
    HISTORY_FIRST = 19723, /* 2024-01-01, day 0; the last day goes on for ever */
    HISTORY_SUCCESSIONS_MAX = HISTORY_CODES * HISTORY_DAYS * 3,
};

struct history_cell {
    bool alive;
    unsigned unit; /* of its code: 1, 2, 3 ... */
    int parent;    /* a code's index, or -1 */
    uint8_t level;
};

struct history {
    uint64_t random; /* state */
    struct history_cell cells[HISTORY_CODES][HISTORY_DAYS];
    struct unit_span spans[HISTORY_CODES * HISTORY_DAYS]; /* in no order */
    struct succession successions[HISTORY_SUCCESSIONS_MAX];
    struct catalogue_spec spec; /* of these two */
};

/* The same seed gives the same history. */
void history_make(struct history *h, uint64_t seed);
uint32_t history_random(struct history *h, uint32_t below);
const char *history_code(int code); /* its text; order of text is not order of index */
/* Of any text, none for "". Fails the test when it is no identifier. */
struct ident history_ident(const char *text);

#endif
