/* Entries found again: in the open group, which has no commit yet, or in the journal's store. */
#include "services/collector/collector_internal.h"

static int no_entry(uint64_t offset, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the journal has no entry %llu", (unsigned long long)offset);
}

static bool in_group(const struct collector *c, uint64_t offset)
{
    return c->group.count > 0 && offset >= c->group.first_offset;
}

static int entry_in_group(const struct group *g, uint64_t offset, struct arena *arena,
                          struct entry *out, struct err *err)
{
    struct commit_head head = {.first_offset = g->first_offset, .time_ms = g->time_ms};
    uint64_t index = offset - g->first_offset;
    if (index >= g->count)
        return no_entry(offset, err);
    struct slice rest =
        slice_of(g->entries.data + g->starts[index], g->entries.len - g->starts[index]);
    return journal_entry_decode(&rest, &head, (uint32_t)index, false, arena, out, err);
}

int entry_find(struct collector *c, struct kv *kv, const struct entry_place *place,
               struct arena *arena, struct entry *out, struct err *err)
{
    if (in_group(c, place->offset))
        return entry_in_group(&c->group, place->offset, arena, out, err);
    return journal_store_peek(kv, place->offset, place->position, arena, out, err);
}

int collector_entry(struct collector *c, struct kv *kv, uint64_t offset, struct arena *arena,
                    struct entry *out, struct err *err)
{
    int rc = in_group(c, offset) ? entry_in_group(&c->group, offset, arena, out, err)
                                 : journal_store_entry(kv, offset, arena, out, err);
    if (rc == 0 && out->body.len > 0)
        out->body.data = arena_string(arena, out->body.data, out->body.len);
    return rc;
}
