/* A borrowed run of bytes. Who lends it and for how long is said by the function that returns it.
 */
#ifndef TONGHOP_BASE_SLICE_H
#define TONGHOP_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const void *data;
    size_t len; /* bytes */
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){data, len};
}

static inline struct slice slice_str(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Byte order, the shorter first when one is a prefix of the other: the order of keys in a store. */
int slice_compare(struct slice a, struct slice b);

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
