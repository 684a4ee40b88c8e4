#include "services/collector/collector_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

/* The largest entry, a catalogue of 16 MiB, still fits on top. */
_Static_assert(2 * COLLECTOR_GROUP_BYTES_MAX < JOURNAL_COMMIT_BYTES_MAX, "far below what is read");

void group_fini(struct group *g)
{
    buf_fini(&g->entries);
    free(g->starts);
}

void group_clear(struct group *g)
{
    buf_clear(&g->entries);
    g->count = 0;
}

static void start(struct collector *c, int64_t time_ms)
{
    require(c->group.count == 0 && time_ms >= c->state.clock.time_ms);
    c->group.first_offset = c->state.next_offset;
    c->group.time_ms = time_ms;
}

static struct entry_place append(struct collector *c, struct entry *e)
{
    struct group *g = &c->group;
    void *starts = g->starts;
    struct entry_place place = {
        .offset = c->state.next_offset,
        .position = JOURNAL_COMMIT_HEAD_BYTES + (uint32_t)g->entries.len,
    };
    alloc_reserve(&starts, &g->capacity, g->count + 1, sizeof *g->starts);
    g->starts = starts;
    g->starts[g->count++] = g->entries.len;
    e->offset = c->state.next_offset++;
    e->time_ms = g->time_ms;
    journal_entry_encode(&g->entries, e);
    return place;
}

struct slice group_last(const struct group *g)
{
    size_t start = g->starts[g->count - 1];
    return slice_of(g->entries.data + start, g->entries.len - start);
}

void group_write(struct collector *c, struct kv *kv)
{
    struct group *g = &c->group;
    struct commit_head head = {.number = c->state.commit_number + 1,
                               .first_offset = g->first_offset,
                               .entry_count = (uint32_t)g->count,
                               .time_ms = g->time_ms};
    if (g->count == 0)
        return;
    memcpy(head.previous_hash, c->state.hash, HASH_BYTES);
    buf_clear(&c->commit);
    journal_commit_encode(&c->commit, &head, buf_slice(&g->entries));
    journal_store_append(kv, head.first_offset, buf_slice(&c->commit));
    c->state.commit_number = head.number;
    memcpy(c->state.hash, head.hash, HASH_BYTES);
    c->state.clock = clock_mark(&c->clock, head.time_ms);
    record_state_put(kv, &c->state);
    c->round_bytes += c->commit.len;
    group_clear(g);
}

static void write_alone(struct collector *c, struct kv *kv, struct entry e, int64_t time_ms)
{
    start(c, time_ms);
    append(c, &e);
    group_write(c, kv);
}

void group_write_ticks(struct collector *c, struct kv *kv)
{
    int64_t tick_ms;
    while (clock_next_tick(&c->clock, &tick_ms))
        write_alone(c, kv, (struct entry){.kind = ENTRY_TICK}, tick_ms);
}

void group_write_genesis(struct collector *c, struct kv *kv)
{
    struct entry e = {.kind = ENTRY_GENESIS, .replay = c->state.replay};
    memcpy(e.instance, c->state.instance, sizeof e.instance);
    write_alone(c, kv, e, c->clock.time_ms);
}

void group_open(struct collector *c, struct kv *kv)
{
    if (c->group.count > 0)
        return;
    group_write_ticks(c, kv);
    start(c, c->clock.time_ms);
}

struct entry_place group_add(struct collector *c, struct kv *kv, struct entry *e)
{
    int64_t time_ms = c->group.time_ms;
    if (c->group.entries.len >= COLLECTOR_GROUP_BYTES_MAX) {
        group_write(c, kv);
        start(c, time_ms);
    }
    return append(c, e);
}

bool collector_seal(struct collector *c, struct kv *kv)
{
    group_write(c, kv);
    group_write_ticks(c, kv);
    bool written = c->round_bytes > 0;
    c->round_bytes = 0;
    return written;
}

size_t collector_group_bytes(const struct collector *c)
{
    return c->round_bytes + c->group.entries.len;
}
