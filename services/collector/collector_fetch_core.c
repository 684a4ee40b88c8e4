/* The journal read again: commits for those who follow it, single entries for the collector. */
#include "services/collector/collector_internal.h"

static int no_entry(uint64_t offset, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the journal has no entry %llu", (unsigned long long)offset);
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

/* Entries have no index within their commit: those before are read over. */
static int entry_in_commit(struct collector *c, struct slice commit, uint64_t offset,
                           struct arena *arena, struct entry *out, struct err *err)
{
    struct commit_head head;
    struct slice rest;
    int rc = journal_commit_decode(commit, &head, &rest, err);
    if (rc == 0 && offset - head.first_offset >= head.entry_count)
        rc = no_entry(offset, err);
    uint32_t index = (uint32_t)(offset - head.first_offset);
    for (uint32_t i = 0; i < index && rc == 0; i++) {
        rc = journal_entry_decode(&rest, &head, i, false, &c->scratch, out, err);
        arena_reset(&c->scratch);
    }
    return rc != 0 ? rc : journal_entry_decode(&rest, &head, index, false, arena, out, err);
}

int fetch_entry(struct collector *c, struct kv *kv, uint64_t offset, struct arena *arena,
                struct entry *out, struct err *err)
{
    struct slice commit;
    if (c->group.count > 0 && offset >= c->group.first_offset)
        return entry_in_group(&c->group, offset, arena, out, err);
    if (record_commit_around(kv, offset, &commit))
        return entry_in_commit(c, commit, offset, arena, out, err);
    int rc = record_result(kv, err);
    return rc != 0 ? rc : no_entry(offset, err);
}

int collector_entry(struct collector *c, struct kv *kv, uint64_t offset, struct arena *arena,
                    struct entry *out, struct err *err)
{
    int rc = fetch_entry(c, kv, offset, arena, out, err);
    if (rc == 0 && out->body.len > 0)
        out->body.data = arena_string(arena, out->body.data, out->body.len);
    return rc;
}

static int check_chain(uint64_t from_offset, const uint8_t asked[HASH_BYTES],
                       const uint8_t ours[HASH_BYTES], struct err *err)
{
    if (memcmp(asked, ours, HASH_BYTES) == 0)
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "the journal's commit before offset %llu is not the one that was read: one of "
                   "the two was restored from a backup; compare heads before going on",
                   (unsigned long long)from_offset);
}

static int check_from(uint64_t from_offset, uint64_t head_offset, struct err *err)
{
    if (from_offset != 0 && from_offset <= head_offset)
        return 0;
    return err_set(err, ERR_INVALID,
                   "offset %llu was asked for, the journal has 1 to %llu: it is another journal, "
                   "or this one was restored from a backup",
                   (unsigned long long)from_offset, (unsigned long long)head_offset);
}

/* The cursor stands on the commit afterwards. */
static int find_start(struct kv_cursor *cursor, uint64_t from_offset,
                      const uint8_t previous_hash[HASH_BYTES], struct slice *commit,
                      struct err *err)
{
    uint64_t found;
    struct commit_head head;
    if (!record_seek(cursor, from_offset, &found, commit) || found != from_offset)
        return err_set(err, ERR_INVALID,
                       "offset %llu starts no commit: ask for the one after the last commit read",
                       (unsigned long long)from_offset);
    int rc = journal_commit_peek(*commit, &head, err);
    return rc != 0 ? rc : check_chain(from_offset, previous_hash, head.previous_hash, err);
}

static uint32_t append_commits(struct kv_cursor *cursor, struct slice commit, size_t bytes_max,
                               struct buf *out)
{
    size_t start = out->len;
    uint32_t count = 0;
    uint64_t offset;
    do {
        buf_u32(out, (uint32_t)commit.len);
        buf_bytes(out, commit.data, commit.len);
        count++;
    } while (record_next(cursor, &offset, &commit) &&
             out->len - start + sizeof(uint32_t) + commit.len <= bytes_max);
    return count;
}

int collector_fetch(struct collector *c, struct kv *kv, uint64_t from_offset,
                    const uint8_t previous_hash[HASH_BYTES], size_t bytes_max, struct buf *out,
                    uint32_t *count, struct err *err)
{
    struct collector_head head = collector_head(c);
    *count = 0;
    if (from_offset == head.offset + 1)
        return check_chain(from_offset, previous_hash, head.hash, err);
    int rc = check_from(from_offset, head.offset, err);
    if (rc != 0)
        return rc;
    struct slice commit;
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_COMMITS);
    rc = find_start(cursor, from_offset, previous_hash, &commit, err);
    if (rc == 0)
        *count = append_commits(cursor, commit, bytes_max, out);
    kv_cursor_close(cursor);
    return kv_failed(kv) ? record_result(kv, err) : rc;
}
