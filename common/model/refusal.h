/* Why a batch or a row was refused: one code, one sentence. The numbers are stored in the journal
 * and sent on the wire; they are never reused. The table of sentences stands in refusal.c and, for
 * people, in proto/submit.proto. */
#ifndef TONGHOP_MODEL_REFUSAL_H
#define TONGHOP_MODEL_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

enum refusal {
    REFUSAL_NONE = 0,
    /* of a whole batch; those marked * use up its number */
    REFUSAL_MALFORMED = 1,       /* * cannot be decoded */
    REFUSAL_TOO_LARGE = 2,       /* * over the payload limit */
    REFUSAL_NUMBER_REUSED = 3,   /*   this number was used with another content */
    REFUSAL_NUMBER_GAP = 4,      /*   a number is missing before this one; answer says which */
    REFUSAL_CLOCK_AHEAD = 5,     /* * stamped more than five minutes ahead of the collector */
    REFUSAL_NOT_ALLOWED = 6,     /*   this key may not submit */
    REFUSAL_REVOKED = 7,         /*   this key was revoked */
    REFUSAL_UNKNOWN_OFFICER = 8, /*   the delegate named nobody we know */
    REFUSAL_UNAVAILABLE = 9,     /*   not now: store full or shutting down; send again later */
    REFUSAL_SETTLED = 10,        /*   answered long ago; the answer is no longer kept */
    REFUSAL_BAD_VERSION = 11,    /*   the header's protocol version is not spoken here */
    REFUSAL_EMPTY = 12,          /* * no rows */
    /* * a unit or indicator that is not [0-9A-Za-z._-]{1,32}, which may be anything, a person's
     * name too: no such batch is kept. Also the code of each row that names one. */
    REFUSAL_BAD_CODE = 32,
    /* of one row */
    REFUSAL_UNKNOWN_UNIT = 33,
    REFUSAL_UNIT_NOT_IN_FORCE = 34, /* exists, but not on the figure's date */
    REFUSAL_OUT_OF_SCOPE = 35,      /* not in the producer's subtree */
    REFUSAL_UNKNOWN_INDICATOR = 36,
    REFUSAL_NOT_REPORTER = 37,  /* this indicator is reported by other units (leaf, a level) */
    REFUSAL_BAD_PERIOD = 38,    /* the day ends no period of the indicator's kind */
    REFUSAL_FUTURE_PERIOD = 39, /* the period has not begun on the civil day of the journal */
    REFUSAL_BELOW_MINIMUM = 40,
    REFUSAL_ABOVE_MAXIMUM = 41,
    REFUSAL_BAD_OP = 42, /* add on a set indicator, or set on a tally, or a computed ratio */
    REFUSAL_PERIOD_TOO_OLD = 43, /* before the unit catalogue begins */
};

const char *refusal_name(enum refusal code);        /* "unknown_unit"; "refusal_N" when unknown */
const char *refusal_sentence_en(enum refusal code); /* what to do about it, one sentence */
const char *refusal_sentence_vi(enum refusal code);
bool refusal_consumes_number(enum refusal code);

#endif
