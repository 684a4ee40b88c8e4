#include "services/collector/journal_store_core.h"

#include "common/base/be.h"
#include "services/collector/collector_internal.h"

enum { OFFSET_KEY_BYTES = 8 };

static uint64_t offset_of(struct slice key)
{
    struct reader r = reader_of(key);
    return reader_u64(&r);
}

static int no_commit(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the journal has no commit");
}

/* The first commit that starts at `offset` or above it. */
static bool seek(struct kv_cursor *cursor, uint64_t offset, uint64_t *found, struct slice *commit)
{
    uint8_t from[OFFSET_KEY_BYTES];
    struct slice key;
    be_put_u64(from, offset);
    if (!kv_cursor_seek(cursor, slice_of(from, sizeof from), &key, commit))
        return false;
    *found = offset_of(key);
    return true;
}

/* The commit that `offset` lies in, or would if it were longer; false: none. */
static bool find_around(struct kv *kv, uint64_t offset, struct slice *commit)
{
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_COMMITS);
    uint64_t first;
    bool found = seek(cursor, offset, &first, commit);
    if (!found)
        found = kv_cursor_move(cursor, KV_LAST, NULL, commit);
    else if (first != offset)
        found = kv_cursor_move(cursor, KV_PREV, NULL, commit);
    kv_cursor_close(cursor);
    return found;
}

void journal_store_append(struct kv *kv, uint64_t first_offset, struct slice commit)
{
    uint8_t key[OFFSET_KEY_BYTES];
    be_put_u64(key, first_offset);
    kv_append(kv, COLLECTOR_COMMITS, slice_of(key, sizeof key), commit);
}

int journal_store_ends(struct kv *kv, struct commit_head *first, struct commit_head *last,
                       struct err *err)
{
    struct slice commit, entries;
    int rc = ERR_NOT_FOUND;
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_COMMITS);
    if (kv_cursor_move(cursor, KV_FIRST, NULL, &commit))
        rc = journal_commit_peek(commit, first, err);
    if (rc == 0)
        rc = kv_cursor_move(cursor, KV_LAST, NULL, &commit)
                 ? journal_commit_decode(commit, last, &entries, err)
                 : ERR_NOT_FOUND;
    kv_cursor_close(cursor);
    if (kv_failed(kv))
        return record_result(kv, err);
    return rc == ERR_NOT_FOUND ? no_commit(err) : rc;
}

/* --- fetching */

static int check_link(uint64_t from_offset, const uint8_t asked[HASH_BYTES],
                      const uint8_t ours[HASH_BYTES], struct err *err)
{
    if (memcmp(asked, ours, HASH_BYTES) == 0)
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "the journal's commit before offset %llu is not the one that was read: one of "
                   "the two was restored from a backup; compare heads before going on",
                   (unsigned long long)from_offset);
}

static int explain_no_start(uint64_t from_offset, uint64_t first_offset, uint64_t next_offset,
                            struct err *err)
{
    if (from_offset == 0 || from_offset > next_offset)
        return err_set(err, ERR_INVALID,
                       "offset %llu was asked for, the journal has %llu to %llu: it is another "
                       "journal, or this one was restored from a backup",
                       (unsigned long long)from_offset, (unsigned long long)first_offset,
                       (unsigned long long)next_offset - 1);
    if (from_offset < first_offset)
        return err_set(err, ERR_NOT_FOUND,
                       "offset %llu is older than what is kept here (first is %llu): start from a "
                       "backup's base",
                       (unsigned long long)from_offset, (unsigned long long)first_offset);
    return err_set(err, ERR_INVALID,
                   "offset %llu starts no commit: ask for the one after the last commit read",
                   (unsigned long long)from_offset);
}

/* No commit starts at from_offset: it is the next one, which is not there yet, or a mistake. */
static int fetch_nothing(struct kv_cursor *cursor, uint64_t from_offset,
                         const uint8_t previous_hash[HASH_BYTES], struct err *err)
{
    struct slice first, last;
    struct commit_head head;
    if (!kv_cursor_move(cursor, KV_FIRST, &first, NULL))
        return no_commit(err);
    uint64_t first_offset = offset_of(first);
    if (!kv_cursor_move(cursor, KV_LAST, NULL, &last))
        return no_commit(err);
    int rc = journal_commit_peek(last, &head, err);
    if (rc != 0)
        return rc;
    uint64_t next_offset = head.first_offset + head.entry_count;
    return from_offset == next_offset
               ? check_link(from_offset, previous_hash, head.hash, err)
               : explain_no_start(from_offset, first_offset, next_offset, err);
}

static uint32_t append_commits(struct kv_cursor *cursor, struct slice commit, size_t bytes_max,
                               struct buf *out)
{
    size_t start = out->len;
    uint32_t count = 0;
    do {
        buf_u32(out, (uint32_t)commit.len);
        buf_bytes(out, commit.data, commit.len);
        count++;
    } while (kv_cursor_move(cursor, KV_NEXT, NULL, &commit) &&
             out->len - start + sizeof(uint32_t) + commit.len <= bytes_max);
    return count;
}

static int fetch_from(struct kv_cursor *cursor, uint64_t from_offset,
                      const uint8_t previous_hash[HASH_BYTES], size_t bytes_max, struct buf *out,
                      uint32_t *count, struct err *err)
{
    uint64_t found;
    struct slice commit;
    struct commit_head head;
    if (!seek(cursor, from_offset, &found, &commit) || found != from_offset)
        return fetch_nothing(cursor, from_offset, previous_hash, err);
    int rc = journal_commit_peek(commit, &head, err);
    if (rc == 0)
        rc = check_link(from_offset, previous_hash, head.previous_hash, err);
    if (rc == 0)
        *count = append_commits(cursor, commit, bytes_max, out);
    return rc;
}

int journal_store_fetch(struct kv *kv, uint64_t from_offset,
                        const uint8_t previous_hash[HASH_BYTES], size_t bytes_max, struct buf *out,
                        uint32_t *count, struct err *err)
{
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_COMMITS);
    *count = 0;
    int rc = fetch_from(cursor, from_offset, previous_hash, bytes_max, out, count, err);
    kv_cursor_close(cursor);
    return kv_failed(kv) ? record_result(kv, err) : rc;
}

/* --- one entry */

static int no_entry(const struct kv *kv, uint64_t offset, struct err *err)
{
    int rc = record_result(kv, err);
    if (rc != 0)
        return rc;
    return err_set(err, ERR_NOT_FOUND, "the journal has no entry %llu", (unsigned long long)offset);
}

/* Those before it are read over. */
static int decode_nth(struct slice rest, const struct commit_head *head, uint32_t index,
                      struct arena *arena, struct entry *out, struct err *err)
{
    struct arena passing;
    int rc = 0;
    arena_init(&passing, 0);
    for (uint32_t i = 0; i < index && rc == 0; i++) {
        rc = journal_entry_decode(&rest, head, i, false, &passing, out, err);
        arena_reset(&passing);
    }
    arena_fini(&passing);
    return rc != 0 ? rc : journal_entry_decode(&rest, head, index, true, arena, out, err);
}

int journal_store_entry(struct kv *kv, uint64_t offset, struct arena *arena, struct entry *out,
                        struct err *err)
{
    struct slice commit, rest;
    struct commit_head head;
    if (!find_around(kv, offset, &commit))
        return no_entry(kv, offset, err);
    int rc = journal_commit_decode(commit, &head, &rest, err);
    if (rc != 0)
        return rc;
    if (offset - head.first_offset >= head.entry_count)
        return no_entry(kv, offset, err);
    return decode_nth(rest, &head, (uint32_t)(offset - head.first_offset), arena, out, err);
}

int journal_store_peek(struct kv *kv, uint64_t offset, uint32_t position, struct arena *arena,
                       struct entry *out, struct err *err)
{
    struct slice commit;
    if (!find_around(kv, offset, &commit))
        return no_entry(kv, offset, err);
    return journal_entry_peek(commit, offset, position, arena, out, err);
}

/* --- trimming */

/* The first commit, if another follows that starts at `offset` or below: then nothing of it lies
 * above. */
static bool find_cut(struct kv_cursor *cursor, uint64_t offset, uint64_t *first)
{
    struct slice key;
    if (!kv_cursor_move(cursor, KV_FIRST, &key, NULL))
        return false;
    *first = offset_of(key);
    return kv_cursor_move(cursor, KV_NEXT, &key, NULL) && offset_of(key) <= offset;
}

void journal_store_trim(struct kv *kv, uint64_t offset)
{
    uint8_t key[OFFSET_KEY_BYTES];
    uint64_t first;
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_COMMITS);
    while (find_cut(cursor, offset, &first)) {
        be_put_u64(key, first);
        kv_del(kv, COLLECTOR_COMMITS, slice_of(key, sizeof key));
    }
    kv_cursor_close(cursor);
}
