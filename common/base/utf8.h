/* Is this UTF-8? Refuses overlong forms, surrogates and code points above U+10FFFF. It does not
 * normalise, count characters or know a language. */
#ifndef TONGHOP_BASE_UTF8_H
#define TONGHOP_BASE_UTF8_H

#include "common/base/slice.h"

bool utf8_valid(struct slice s); /* NUL and control characters are allowed */
/* Valid, and fit to be shown: no NUL, no control character (C0, DEL, C1) but tab and newline. */
bool utf8_text(struct slice s);
/* Offset in bytes of the first sequence that is not valid; s.len when all of it is. */
size_t utf8_first_bad(struct slice s);

#endif
