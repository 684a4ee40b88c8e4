#include "common/journal/journal.h"

#include <inttypes.h>
#include <sodium.h>

#include "common/base/check.h"

/* All before the commit's own hash. */
enum { HASHED_HEAD_BYTES = JOURNAL_COMMIT_HEAD_BYTES - HASH_BYTES };

_Static_assert(HASH_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

void journal_hash(struct slice body, uint8_t out[HASH_BYTES])
{
    crypto_generichash(out, HASH_BYTES, body.data, body.len, NULL, 0);
}

/* Entries, written. */

/* An ordinal that may be missing: 0 stands for none. */
static void put_ordinal(struct buf *out, uint32_t ordinal)
{
    buf_varint(out, ordinal == UINT32_MAX ? 0 : (uint64_t)ordinal + 1);
}

static void put_body_claim(struct buf *out, const struct entry *e)
{
    buf_bytes(out, e->body_hash, HASH_BYTES);
    buf_varint(out, e->body_bytes);
}

static void put_batch_head(struct buf *out, const struct entry *e)
{
    put_body_claim(out, e);
    buf_varint(out, e->producer);
    put_ordinal(out, e->delegate);
    buf_bytes(out, e->spool.bytes, SPOOL_ID_BYTES);
    buf_varint(out, e->number);
    buf_zigzag(out, e->reported_at_ms);
    buf_varint(out, e->first_row);
    buf_varint(out, e->row_count);
    buf_varint(out, e->refusal);
    buf_varint(out, e->refused_count);
    uint32_t before = 0;
    for (uint32_t i = 0; i < e->refused_count; i++) {
        buf_varint(out, e->refused[i].row - before);
        buf_varint(out, e->refused[i].code);
        before = e->refused[i].row;
    }
}

static void put_head(struct buf *out, const struct entry *e)
{
    switch (e->kind) {
    case ENTRY_GENESIS:
        buf_bytes(out, e->instance, sizeof e->instance);
        buf_u8(out, e->replay ? 1 : 0);
        break;
    case ENTRY_BATCH:
        put_batch_head(out, e);
        break;
    case ENTRY_CATALOGUE:
    case ENTRY_PLAN:
    case ENTRY_PRODUCER:
        put_body_claim(out, e);
        put_ordinal(out, e->operator_producer);
        break;
    case ENTRY_TICK:
        break;
    case ENTRY_CLOCK:
        put_ordinal(out, e->operator_producer);
        buf_zigzag(out, e->time_before_ms);
        break;
    }
}

void journal_entry_encode(struct buf *out, const struct entry *e)
{
    struct buf head = {0};
    put_head(&head, e);
    buf_u8(out, (uint8_t)e->kind);
    buf_block(out, buf_slice(&head));
    buf_block(out, e->body);
    buf_fini(&head);
}

/* Entries, taken apart. */

struct parts {
    uint8_t kind;
    struct slice head;
    struct slice body;
};

static struct parts take_parts(struct reader *r)
{
    struct parts parts;
    parts.kind = reader_u8(r);
    parts.head = reader_block(r);
    parts.body = reader_block(r);
    return parts;
}

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {"entry", "genesis",  "batch", "catalogue",
                                        "plan",  "producer", "tick",  "clock"};
    return kind < sizeof names / sizeof *names ? names[kind] : names[0];
}

static bool kind_known(uint8_t kind)
{
    return kind >= ENTRY_GENESIS && kind <= ENTRY_CLOCK;
}

static bool kind_has_body(uint8_t kind)
{
    return kind >= ENTRY_BATCH && kind <= ENTRY_PRODUCER;
}

/* Every take_… marks the reader bad when what it read makes no sense. */

static uint64_t take_up_to(struct reader *r, uint64_t max)
{
    uint64_t v = reader_varint(r);
    if (v > max)
        r->bad = true;
    return r->bad ? 0 : v;
}

static uint32_t take_ordinal(struct reader *r)
{
    uint64_t v = take_up_to(r, UINT32_MAX);
    return v == 0 ? UINT32_MAX : (uint32_t)(v - 1);
}

static void take_bytes(struct reader *r, void *out, size_t len)
{
    struct slice s = reader_bytes(r, len);
    if (!r->bad)
        memcpy(out, s.data, len);
}

static void take_body_claim(struct reader *r, struct entry *out)
{
    take_bytes(r, out->body_hash, HASH_BYTES);
    out->body_bytes = (uint32_t)take_up_to(r, UINT32_MAX);
}

/* A batch's head up to the verdict on the whole. */
static void take_batch_verdict(struct reader *r, struct entry *out)
{
    take_body_claim(r, out);
    out->producer = (uint32_t)take_up_to(r, UINT32_MAX - 1);
    out->delegate = take_ordinal(r);
    take_bytes(r, out->spool.bytes, SPOOL_ID_BYTES);
    out->number = reader_varint(r);
    out->reported_at_ms = reader_zigzag(r);
    out->first_row = reader_varint(r);
    out->row_count = (uint32_t)take_up_to(r, BATCH_ROWS_MAX);
    out->refusal = (uint16_t)take_up_to(r, UINT16_MAX);
}

/* A body and its length are outside the chain's hash, the head is inside: a body that was cut out
 * must not pass for one that is not kept, and none may be slipped in. */
static bool body_agrees(const struct parts *parts)
{
    if (!kind_known(parts->kind))
        return true; /* refused by its kind when it is decoded */
    if (!kind_has_body(parts->kind))
        return parts->body.len == 0;
    struct entry e = {0};
    struct reader r = reader_of(parts->head);
    if (parts->kind == ENTRY_BATCH)
        take_batch_verdict(&r, &e);
    else
        take_body_claim(&r, &e);
    return !r.bad && parts->body.len == (e.refusal == REFUSAL_NONE ? e.body_bytes : 0);
}

/* Commits. */

static void put_hashed_head(struct buf *out, const struct commit_head *head)
{
    buf_u8(out, JOURNAL_FORMAT);
    buf_u64(out, head->number);
    buf_u64(out, head->first_offset);
    buf_u32(out, head->entry_count);
    buf_u64(out, (uint64_t)head->time_ms);
    buf_bytes(out, head->previous_hash, HASH_BYTES);
}

/* Hashes the head and each entry's kind and head. Entries are `count` exactly; *bad_index is the
 * first that does not hold together when false comes back. */
static bool hash_commit(struct slice head, struct slice entries, uint32_t count,
                        uint8_t out[HASH_BYTES], uint32_t *bad_index)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&state, head.data, head.len);
    struct reader r = reader_of(entries);
    for (uint32_t i = 0; i < count; i++) {
        struct parts parts = take_parts(&r);
        *bad_index = i;
        if (r.bad || !body_agrees(&parts))
            return false;
        crypto_generichash_update(&state, &parts.kind, 1);
        crypto_generichash_update(&state, parts.head.data, parts.head.len);
    }
    crypto_generichash_final(&state, out, HASH_BYTES);
    return reader_done(&r);
}

void journal_commit_encode(struct buf *out, struct commit_head *head, struct slice entries)
{
    require(head->entry_count > 0);
    require(entries.len <= JOURNAL_COMMIT_BYTES_MAX - JOURNAL_COMMIT_HEAD_BYTES);
    size_t start = out->len;
    put_hashed_head(out, head);
    uint32_t bad_index;
    bool whole = hash_commit(slice_of(out->data + start, HASHED_HEAD_BYTES), entries,
                             head->entry_count, head->hash, &bad_index);
    require(whole);
    buf_bytes(out, head->hash, HASH_BYTES);
    buf_bytes(out, entries.data, entries.len);
}

static int check_format(struct slice commit, struct err *err)
{
    if (commit.len < JOURNAL_COMMIT_HEAD_BYTES)
        return err_set(err, ERR_CORRUPT,
                       "journal commit of %zu bytes: shorter than its head of %d bytes; fetch it "
                       "again or restore the journal from a backup",
                       commit.len, JOURNAL_COMMIT_HEAD_BYTES);
    uint8_t format = *(const uint8_t *)commit.data;
    if (format == 0)
        return err_set(err, ERR_CORRUPT, "journal commit with format 0, which never existed");
    if (format > JOURNAL_FORMAT)
        return err_set(err, ERR_VERSION,
                       "journal commit with format %u: this program reads up to %d; install the "
                       "newer version that wrote it",
                       format, JOURNAL_FORMAT);
    return 0;
}

int journal_commit_peek(struct slice commit, struct commit_head *head, struct err *err)
{
    int rc = check_format(commit, err);
    if (rc != 0)
        return rc;
    struct reader r = reader_of(commit);
    reader_u8(&r);
    head->number = reader_u64(&r);
    head->first_offset = reader_u64(&r);
    head->entry_count = reader_u32(&r);
    head->time_ms = (int64_t)reader_u64(&r);
    memcpy(head->previous_hash, reader_bytes(&r, HASH_BYTES).data, HASH_BYTES);
    memcpy(head->hash, reader_bytes(&r, HASH_BYTES).data, HASH_BYTES);
    return 0;
}

static int check_numbers(const struct commit_head *head, struct err *err)
{
    if (head->number != 0 && head->first_offset != 0 && head->entry_count != 0 &&
        head->first_offset <= UINT64_MAX - head->entry_count)
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "journal commit %" PRIu64 " at offset %" PRIu64 " with %" PRIu32
                   " entries: no commit is numbered so; restore the journal from a backup",
                   head->number, head->first_offset, head->entry_count);
}

static int check_hash(struct slice commit, const struct commit_head *head, struct slice entries,
                      struct err *err)
{
    uint8_t hash[HASH_BYTES];
    uint32_t bad_index = 0;
    if (!hash_commit(slice_of(commit.data, HASHED_HEAD_BYTES), entries, head->entry_count, hash,
                     &bad_index))
        return err_set(err, ERR_CORRUPT,
                       "journal commit %" PRIu64 ": the entry at offset %" PRIu64
                       " does not fit its commit, or its body is not there whole; restore the "
                       "journal from a backup",
                       head->number, head->first_offset + bad_index);
    if (memcmp(hash, head->hash, HASH_BYTES) != 0)
        return err_set(err, ERR_CORRUPT,
                       "journal commit %" PRIu64 " at offset %" PRIu64
                       ": its content does not have its hash: damaged, or changed after the fact; "
                       "restore the journal from a backup",
                       head->number, head->first_offset);
    return 0;
}

int journal_commit_decode(struct slice commit, struct commit_head *head, struct slice *entries,
                          struct err *err)
{
    if (commit.len > JOURNAL_COMMIT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "journal commit of %zu bytes: the most is %d", commit.len,
                       JOURNAL_COMMIT_BYTES_MAX);
    int rc = journal_commit_peek(commit, head, err);
    if (rc == 0)
        rc = check_numbers(head, err);
    if (rc != 0)
        return rc;
    const uint8_t *bytes = commit.data;
    *entries = slice_of(bytes + JOURNAL_COMMIT_HEAD_BYTES, commit.len - JOURNAL_COMMIT_HEAD_BYTES);
    return check_hash(commit, head, *entries, err);
}

/* Entries, read. */

static void take_refused(struct reader *r, struct arena *arena, struct entry *out)
{
    /* Of a batch refused whole no rows are kept, and still it is told which were bad. */
    uint32_t rows = out->refusal == REFUSAL_NONE ? out->row_count : BATCH_ROWS_MAX;
    out->refused_count = (uint32_t)take_up_to(r, rows);
    /* Two bytes at least each: a count beyond that is a lie, and is not allocated for. */
    if (r->bad || out->refused_count > (size_t)(r->end - r->at) / 2) {
        r->bad = true;
        return;
    }
    out->refused = arena_alloc(arena, out->refused_count * sizeof *out->refused);
    uint64_t row = 0;
    for (uint32_t i = 0; i < out->refused_count; i++) {
        uint64_t step = take_up_to(r, BATCH_ROWS_MAX);
        row += step;
        out->refused[i].row = (uint32_t)row;
        out->refused[i].code = (uint16_t)take_up_to(r, UINT16_MAX);
        if (row >= rows || (i > 0 && step == 0))
            r->bad = true;
        if (r->bad)
            return;
    }
}

static void take_genesis_head(struct reader *r, struct entry *out)
{
    take_bytes(r, out->instance, sizeof out->instance);
    uint8_t replay = reader_u8(r);
    if (replay > 1)
        r->bad = true;
    out->replay = replay == 1;
}

static void take_head(struct reader *r, struct arena *arena, struct entry *out)
{
    switch (out->kind) {
    case ENTRY_GENESIS:
        take_genesis_head(r, out);
        break;
    case ENTRY_BATCH:
        take_batch_verdict(r, out);
        take_refused(r, arena, out);
        break;
    case ENTRY_CATALOGUE:
    case ENTRY_PLAN:
    case ENTRY_PRODUCER:
        take_body_claim(r, out);
        out->operator_producer = take_ordinal(r);
        break;
    case ENTRY_TICK:
        break;
    case ENTRY_CLOCK:
        out->operator_producer = take_ordinal(r);
        out->time_before_ms = reader_zigzag(r);
        break;
    }
}

static int read_head(const struct parts *parts, struct arena *arena, struct entry *out,
                     struct err *err)
{
    struct reader r = reader_of(parts->head);
    take_head(&r, arena, out);
    if (!reader_done(&r))
        return err_set(err, ERR_CORRUPT,
                       "journal entry at offset %" PRIu64 " (%s): its head of %zu bytes does not "
                       "read as one; restore the journal from a backup",
                       out->offset, kind_name(parts->kind), parts->head.len);
    if (!body_agrees(parts))
        return err_set(err, ERR_CORRUPT,
                       "journal entry at offset %" PRIu64 " (%s): its body of %zu bytes is not the "
                       "one that its head tells of; restore the journal from a backup",
                       out->offset, kind_name(parts->kind), parts->body.len);
    return 0;
}

static int check_body_hash(const struct entry *e, struct err *err)
{
    if (e->refusal != REFUSAL_NONE)
        return 0; /* not kept */
    uint8_t hash[HASH_BYTES];
    journal_hash(e->body, hash);
    if (memcmp(hash, e->body_hash, HASH_BYTES) == 0)
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "journal entry at offset %" PRIu64 " (%s): its body of %zu bytes does not have "
                   "the hash in its head: damaged, or changed after the fact; restore the journal "
                   "from a backup",
                   e->offset, kind_name((uint8_t)e->kind), e->body.len);
}

int journal_entry_decode(struct slice *entries, const struct commit_head *head, uint32_t index,
                         bool check_body, struct arena *arena, struct entry *out, struct err *err)
{
    *out = (struct entry){.offset = head->first_offset + index,
                          .commit = head->number,
                          .time_ms = head->time_ms,
                          .delegate = UINT32_MAX,
                          .operator_producer = UINT32_MAX};
    struct reader r = reader_of(*entries);
    struct parts parts = take_parts(&r);
    if (r.bad)
        return err_set(err, ERR_CORRUPT,
                       "journal entry at offset %" PRIu64 ": its commit ends in the middle of it; "
                       "restore the journal from a backup",
                       out->offset);
    if (!kind_known(parts.kind))
        return err_set(err, ERR_VERSION,
                       "journal entry at offset %" PRIu64 ": kind %u is not known here; install "
                       "the newer version that wrote it",
                       out->offset, parts.kind);
    out->kind = (enum entry_kind)parts.kind;
    out->body = parts.body;
    if (!kind_has_body(parts.kind))
        journal_hash(slice_of(NULL, 0), out->body_hash);
    int rc = read_head(&parts, arena, out, err);
    if (rc == 0 && check_body)
        rc = check_body_hash(out, err);
    if (rc == 0)
        *entries = slice_of(r.at, (size_t)(r.end - r.at));
    return rc;
}

int journal_entry_peek(struct slice commit, uint64_t offset, uint32_t position, struct arena *arena,
                       struct entry *out, struct err *err)
{
    struct commit_head head;
    int rc = journal_commit_peek(commit, &head, err);
    if (rc != 0)
        return rc;
    if (offset < head.first_offset || offset - head.first_offset >= head.entry_count ||
        position < JOURNAL_COMMIT_HEAD_BYTES || position >= commit.len)
        return err_set(err, ERR_CORRUPT,
                       "journal entry %" PRIu64 " is not at byte %" PRIu32 " of commit %" PRIu64
                       ": restore the store from a backup",
                       offset, position, head.number);
    const uint8_t *bytes = commit.data;
    struct slice rest = slice_of(bytes + position, commit.len - position);
    return journal_entry_decode(&rest, &head, (uint32_t)(offset - head.first_offset), false, arena,
                                out, err);
}
