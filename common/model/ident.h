/* Dictionary strings: unit codes, indicator ids, sources, producer names. At most 32 bytes of
 * [0-9A-Za-z._-], so that no free text, which may hold names of people, gets into a chain that
 * cannot be erased. */
#ifndef TONGHOP_MODEL_IDENT_H
#define TONGHOP_MODEL_IDENT_H

#include "common/base/slice.h"

enum { IDENT_BYTES_MAX = 32 };

struct ident {
    char text[IDENT_BYTES_MAX + 1]; /* terminated */
};

bool ident_valid(struct slice text);
bool ident_set(struct ident *out, struct slice text); /* false, *out untouched, when not valid */
static inline struct slice ident_slice(const struct ident *id)
{
    return slice_str(id->text);
}
static inline bool ident_equal(const struct ident *a, const struct ident *b)
{
    return strcmp(a->text, b->text) == 0;
}

#endif
