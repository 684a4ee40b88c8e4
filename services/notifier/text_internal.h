/* Shared by the two languages of text_core.h. */
#ifndef TONGHOP_NOTIFIER_TEXT_INTERNAL_H
#define TONGHOP_NOTIFIER_TEXT_INTERNAL_H

#include "services/notifier/text_core.h"

void text_put(struct buf *out, const char *text);
/* A rate in thousandths, estimated: whole from ten up, below with one decimal. */
void text_rate(int64_t milli, const struct text_facts *f, bool english, struct buf *out);
/* What is to be added, or lacks: of a ratio percentage points. */
void text_gain(int64_t v, const struct text_facts *f, bool english, struct buf *out);
/* What is only estimated, to three figures at most: 39.500 of 39.527. */
int64_t text_round(int64_t v);
/* "1,8" times, for needed by rate; nothing (false) when the rate is nothing or it is not more. */
bool text_times(const struct text_facts *f, bool english, struct buf *out);
/* Does it say how things ended? */
bool text_is_result(const struct text_facts *f);
/* Reports of the day judged by, over all units that the message is about, and those days. */
struct text_coverage {
    uint32_t owed;
    uint32_t reported;
    day_t first;
    day_t last;
};
struct text_coverage text_cover(const struct text_facts *f);

void text_vietnamese_recipient(const struct text_facts *f, struct buf *out);
void text_vietnamese_subject(const struct text_facts *f, struct buf *out);
void text_vietnamese_body(const struct text_facts *f, struct buf *out);

void text_english_recipient(const struct text_facts *f, struct buf *out);
void text_english_subject(const struct text_facts *f, struct buf *out);
void text_english_body(const struct text_facts *f, struct buf *out);

#endif
