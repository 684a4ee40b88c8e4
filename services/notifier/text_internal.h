/* Shared by the two languages of text_core.h. */
#ifndef TONGHOP_NOTIFIER_TEXT_INTERNAL_H
#define TONGHOP_NOTIFIER_TEXT_INTERNAL_H

#include "services/notifier/text_core.h"

/* A rate in thousandths: whole from ten up, below with one decimal. */
void text_rate(int64_t milli, const struct text_facts *f, bool english, struct buf *out);
/* "1,8" times, for needed by rate; nothing (false) when the rate is nothing or it is not more. */
bool text_times(const struct text_facts *f, bool english, struct buf *out);

void text_english_recipient(const struct text_facts *f, struct buf *out);
void text_english_subject(const struct text_facts *f, struct buf *out);
void text_english_body(const struct text_facts *f, struct buf *out);
void text_english_forecast(const struct text_facts *f, struct buf *out);

#endif
