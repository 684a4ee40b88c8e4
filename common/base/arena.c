#include "common/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { BLOCK_BYTES_MIN = 1024, BLOCK_BYTES_DOUBLED_MAX = 1 << 20 };

/* The newest block is the head of the list and the only one with room. */
struct arena_block {
    struct arena_block *next;
    size_t capacity;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t keep_bytes)
{
    *a = (struct arena){.blocks = NULL, .keep_bytes = keep_bytes};
}

static void free_blocks(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        free(block);
    }
}

void arena_fini(struct arena *a)
{
    if (a != NULL)
        free_blocks(a);
}

static void add_block(struct arena *a, size_t capacity)
{
    require(capacity <= SIZE_MAX - sizeof(struct arena_block));
    struct arena_block *block = alloc_bytes(sizeof *block + capacity);
    block->next = a->blocks;
    block->capacity = capacity;
    block->used = 0;
    a->blocks = block;
}

static size_t next_capacity(const struct arena *a, size_t bytes)
{
    size_t capacity = a->blocks == NULL ? BLOCK_BYTES_MIN : a->blocks->capacity * 2;
    if (capacity > BLOCK_BYTES_DOUBLED_MAX)
        capacity = BLOCK_BYTES_DOUBLED_MAX;
    return capacity < bytes ? bytes : capacity;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    require(bytes <= SIZE_MAX / 2);
    size_t rounded = (bytes + align - 1) / align * align;
    if (a->blocks == NULL || a->blocks->capacity - a->blocks->used < rounded)
        add_block(a, next_capacity(a, rounded));
    void *memory = a->blocks->bytes + a->blocks->used;
    a->blocks->used += rounded;
    return memory;
}

char *arena_string(struct arena *a, const char *text, size_t len)
{
    require(len < SIZE_MAX);
    char *copy = arena_alloc(a, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* Several blocks become one of their joint size, so that the same load next time fits in it. */
void arena_reset(struct arena *a)
{
    struct arena_block *head = a->blocks;
    if (head == NULL)
        return;
    if (head->next == NULL && head->capacity <= a->keep_bytes) {
        head->used = 0;
        return;
    }
    size_t total = 0;
    for (const struct arena_block *block = head; block != NULL; block = block->next)
        total += block->capacity;
    free_blocks(a);
    size_t kept = total < a->keep_bytes ? total : a->keep_bytes;
    if (kept >= BLOCK_BYTES_MIN)
        add_block(a, kept);
}
