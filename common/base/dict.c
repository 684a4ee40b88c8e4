#include "common/base/dict.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/check.h"

/* Open addressing with linear probing, never more than half full. The slot keeps half of the hash,
 * so that a probe touches the text only when it is almost surely the one, and growing never does.
 */
enum { SLOTS_MIN = 16 };

struct dict_slot {
    uint32_t hash;
    uint32_t number; /* DICT_NONE: the slot is free */
};

struct dict_entry {
    const char *text;
    size_t len;
};

struct dict {
    struct arena texts;
    struct dict_entry *entries;
    size_t entries_cap;
    uint32_t count;
    struct dict_slot *slots;
    size_t slots_count; /* a power of two, or 0 */
};

struct dict *dict_create(void)
{
    struct dict *d = alloc_zeroed(1, sizeof *d);
    arena_init(&d->texts, 0);
    return d;
}

void dict_destroy(struct dict *d)
{
    if (d == NULL)
        return;
    arena_fini(&d->texts);
    free(d->entries);
    free(d->slots);
    free(d);
}

/* Eight bytes a step, multiplied and folded (the steps of xxHash); the numbers are its primes. */
static uint32_t hash_of(struct slice text)
{
    const uint64_t prime = UINT64_C(0x9E3779B185EBCA87);
    const uint8_t *at = text.data;
    uint64_t h = (uint64_t)text.len * prime;
    size_t left = text.len;
    while (left > 0) {
        uint64_t word = 0;
        size_t step = left < sizeof word ? left : sizeof word;
        memcpy(&word, at, step);
        h = (h ^ word) * prime;
        h ^= h >> 29;
        at += step;
        left -= step;
    }
    h *= UINT64_C(0xC2B2AE3D27D4EB4F);
    return (uint32_t)(h >> 32);
}

/* The slot of the text, or the free one where it would go. */
static size_t find_slot(const struct dict *d, struct slice text, uint32_t hash)
{
    size_t mask = d->slots_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        const struct dict_slot *slot = &d->slots[i];
        if (slot->number == DICT_NONE)
            return i;
        const struct dict_entry *entry = &d->entries[slot->number];
        if (slot->hash == hash && slice_equal(slice_of(entry->text, entry->len), text))
            return i;
    }
}

static void place(struct dict_slot *slots, size_t count, struct dict_slot one)
{
    size_t i = one.hash & (count - 1);
    while (slots[i].number != DICT_NONE)
        i = (i + 1) & (count - 1);
    slots[i] = one;
}

static void grow_slots(struct dict *d)
{
    size_t count = d->slots_count == 0 ? SLOTS_MIN : d->slots_count * 2;
    struct dict_slot *slots = alloc_resize(NULL, count, sizeof *slots);
    memset(slots, 0xFF, count * sizeof *slots); /* every number is DICT_NONE */
    for (size_t i = 0; i < d->slots_count; i++)
        if (d->slots[i].number != DICT_NONE)
            place(slots, count, d->slots[i]);
    free(d->slots);
    d->slots = slots;
    d->slots_count = count;
}

static uint32_t append_entry(struct dict *d, struct slice text)
{
    require(d->count + 1 < DICT_NONE);
    void *entries = d->entries;
    alloc_reserve(&entries, &d->entries_cap, (size_t)d->count + 1, sizeof *d->entries);
    d->entries = entries;
    d->entries[d->count] =
        (struct dict_entry){arena_string(&d->texts, text.data, text.len), text.len};
    return d->count++;
}

uint32_t dict_add(struct dict *d, struct slice text)
{
    if ((size_t)d->count * 2 >= d->slots_count)
        grow_slots(d);
    uint32_t hash = hash_of(text);
    struct dict_slot *slot = &d->slots[find_slot(d, text, hash)];
    if (slot->number == DICT_NONE)
        *slot = (struct dict_slot){.hash = hash, .number = append_entry(d, text)};
    return slot->number;
}

uint32_t dict_find(const struct dict *d, struct slice text)
{
    if (d->slots_count == 0)
        return DICT_NONE;
    return d->slots[find_slot(d, text, hash_of(text))].number;
}

const char *dict_text(const struct dict *d, uint32_t number)
{
    require(number < d->count);
    return d->entries[number].text;
}

uint32_t dict_count(const struct dict *d)
{
    return d->count;
}

struct dict *dict_copy(const struct dict *d)
{
    struct dict *copy = dict_create();
    for (uint32_t i = 0; i < d->count; i++)
        append_entry(copy, slice_of(d->entries[i].text, d->entries[i].len));
    if (d->slots_count > 0) {
        copy->slots = alloc_resize(NULL, d->slots_count, sizeof *d->slots);
        memcpy(copy->slots, d->slots, d->slots_count * sizeof *d->slots);
        copy->slots_count = d->slots_count;
    }
    return copy;
}
