/* Memory that is given back all at once: one arena a message or a fetch, reset after it. Blocks are
 * kept across resets up to `keep_bytes`, so that a steady load allocates nothing. */
#ifndef TONGHOP_BASE_ARENA_H
#define TONGHOP_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t keep_bytes;
};

void arena_init(struct arena *a, size_t keep_bytes);
void arena_fini(struct arena *a);
/* Aligned for any type, uninitialised, valid until arena_reset or arena_fini. */
void *arena_alloc(struct arena *a, size_t bytes);
char *arena_string(struct arena *a, const char *text, size_t len); /* terminated copy */
void arena_reset(struct arena *a);

#endif
