#include "common/base/check.h"
#include "common/journal/journal.h"
#include "tests/fuzz/fuzz.h"

/* Entries alone as well: behind the hash of a commit no fuzzer would find them. */
static void read_entries(struct slice entries, const struct commit_head *head, uint32_t count)
{
    struct arena arena;
    struct entry e;
    struct err err;
    arena_init(&arena, 0);
    for (uint32_t i = 0; i < count && entries.len > 0; i++)
        if (journal_entry_decode(&entries, head, i, true, &arena, &e, &err) != 0)
            break;
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct commit_head head = {.number = 1, .first_offset = 1, .entry_count = 1};
    struct slice entries;
    struct err err;
    read_entries(slice_of(data, size), &head, UINT32_MAX);
    if (journal_commit_decode(slice_of(data, size), &head, &entries, &err) == 0)
        read_entries(entries, &head, head.entry_count);
    return 0;
}
