/* Allocation that stops the process when there is no memory: the stores are crash-safe, and
 * out-of-memory paths that nobody can test are worse. Sizes that come from outside are bounded by
 * the caller before they get here. */
#ifndef TONGHOP_BASE_ALLOC_H
#define TONGHOP_BASE_ALLOC_H

#include <stddef.h>

void *alloc_bytes(size_t bytes);                          /* uninitialised; never NULL */
void *alloc_zeroed(size_t count, size_t each);            /* zeroed; checks the product */
void *alloc_resize(void *old, size_t count, size_t each); /* realloc; checks the product */
char *alloc_string(const char *text);                     /* copy; caller frees */
/* Grows *array (of *capacity items of `each` bytes) so that it holds at least `need` items. */
void alloc_reserve(void **array, size_t *capacity, size_t need, size_t each);

#endif
