#include "common/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

static size_t checked_product(size_t count, size_t each)
{
    require(each == 0 || count <= SIZE_MAX / each);
    return count * each;
}

/* An allocation of nothing is still a pointer of its own: NULL means "none" to the callers. */
static size_t at_least_one(size_t bytes)
{
    return bytes == 0 ? 1 : bytes;
}

void *alloc_bytes(size_t bytes)
{
    void *memory = malloc(at_least_one(bytes));
    require(memory != NULL);
    return memory;
}

void *alloc_zeroed(size_t count, size_t each)
{
    void *memory = calloc(1, at_least_one(checked_product(count, each)));
    require(memory != NULL);
    return memory;
}

void *alloc_resize(void *old, size_t count, size_t each)
{
    void *memory = realloc(old, at_least_one(checked_product(count, each)));
    require(memory != NULL);
    return memory;
}

char *alloc_string(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(alloc_bytes(bytes), text, bytes);
}

void alloc_reserve(void **array, size_t *capacity, size_t need, size_t each)
{
    if (need <= *capacity)
        return;
    size_t grown = *capacity < 8 ? 8 : *capacity;
    while (grown < need && grown <= SIZE_MAX / 2)
        grown *= 2;
    if (grown < need)
        grown = need;
    *array = alloc_resize(*array, grown, each);
    *capacity = grown;
}
