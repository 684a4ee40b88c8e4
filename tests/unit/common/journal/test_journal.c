#include "common/journal/journal.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/parse.h"
#include "tests/support/suite.h"

enum { SAMPLE_ENTRIES = 8 };

static const struct row_refusal sample_refused[] = {{0, 33}, {7, 35}, {299, 40}};

/* One of every kind, and a batch refused whole, whose body is not kept. */
static void sample_entries(struct entry out[SAMPLE_ENTRIES])
{
    memset(out, 0, SAMPLE_ENTRIES * sizeof *out);
    for (unsigned i = 0; i < SAMPLE_ENTRIES; i++) {
        out[i].delegate = UINT32_MAX;
        out[i].operator_producer = UINT32_MAX;
    }
    out[0].kind = ENTRY_GENESIS;
    memcpy(out[0].instance, "an instance's id", 16);
    out[0].replay = true;
    out[1].kind = ENTRY_CATALOGUE;
    out[1].body = slice_str("catalogue");
    out[2].kind = ENTRY_PLAN;
    out[2].body = slice_str("plan");
    out[3].kind = ENTRY_PRODUCER;
    out[3].body = slice_str("producer change");
    out[3].operator_producer = 0;
    out[4].kind = ENTRY_BATCH;
    out[4].body = slice_str("the columns of a batch, as they came");
    out[4].producer = 3;
    out[4].delegate = 0;
    memcpy(out[4].spool.bytes, "spool of a phone", SPOOL_ID_BYTES);
    out[4].number = 129;
    out[4].reported_at_ms = -1;
    out[4].first_row = UINT64_C(1) << 40;
    out[4].row_count = 300;
    out[4].refused = (struct row_refusal *)(uintptr_t)sample_refused;
    out[4].refused_count = 3;
    out[5].kind = ENTRY_BATCH;
    out[5].body_bytes = 2000000;
    memset(out[5].body_hash, 0xA5, HASH_BYTES);
    out[5].number = 130;
    out[5].refusal = REFUSAL_TOO_LARGE;
    out[6].kind = ENTRY_TICK;
    out[7].kind = ENTRY_CLOCK;
    out[7].operator_producer = 70000;
    out[7].time_before_ms = INT64_C(1725490800000);
    for (unsigned i = 0; i < SAMPLE_ENTRIES; i++) {
        if (out[i].body_bytes != 0)
            continue;
        journal_hash(out[i].body, out[i].body_hash);
        out[i].body_bytes = (uint32_t)out[i].body.len;
    }
}

static struct commit_head sample_head(void)
{
    struct commit_head head = {.number = 12,
                               .first_offset = 345,
                               .entry_count = SAMPLE_ENTRIES,
                               .time_ms = INT64_C(1725494400000)};
    memset(head.previous_hash, 0x11, HASH_BYTES);
    return head;
}

static void sample_commit(struct buf *out, struct commit_head *head)
{
    struct entry entries[SAMPLE_ENTRIES];
    struct buf encoded = {0};
    sample_entries(entries);
    for (unsigned i = 0; i < SAMPLE_ENTRIES; i++)
        journal_entry_encode(&encoded, &entries[i]);
    *head = sample_head();
    journal_commit_encode(out, head, buf_slice(&encoded));
    buf_fini(&encoded);
}

static void assert_same_entry(const struct entry *got, const struct entry *want, unsigned i)
{
    ck_assert_msg(got->kind == want->kind, "entry %u: kind %d, not %d", i, got->kind, want->kind);
    ck_assert_uint_eq(got->offset, 345 + i);
    ck_assert_int_eq(got->time_ms, INT64_C(1725494400000));
    ck_assert_mem_eq(got->body_hash, want->body_hash, HASH_BYTES);
    ck_assert_uint_eq(got->body_bytes, want->body_bytes);
    ck_assert(slice_equal(got->body, want->body));
    ck_assert_uint_eq(got->producer, want->producer);
    ck_assert_uint_eq(got->delegate, want->delegate);
    ck_assert_mem_eq(got->spool.bytes, want->spool.bytes, SPOOL_ID_BYTES);
    ck_assert_uint_eq(got->number, want->number);
    ck_assert_int_eq(got->reported_at_ms, want->reported_at_ms);
    ck_assert_uint_eq(got->first_row, want->first_row);
    ck_assert_uint_eq(got->row_count, want->row_count);
    ck_assert_uint_eq(got->refusal, want->refusal);
    ck_assert_uint_eq(got->refused_count, want->refused_count);
    for (uint32_t r = 0; r < want->refused_count; r++) {
        ck_assert_uint_eq(got->refused[r].row, want->refused[r].row);
        ck_assert_uint_eq(got->refused[r].code, want->refused[r].code);
    }
    ck_assert_uint_eq(got->operator_producer, want->operator_producer);
    ck_assert_int_eq(got->time_before_ms, want->time_before_ms);
    ck_assert_mem_eq(got->instance, want->instance, sizeof want->instance);
    ck_assert_int_eq(got->replay, want->replay);
}

/* Every entry of a commit that has been decoded; the first code that is not 0. */
static int decode_entries(struct slice entries, const struct commit_head *head, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    int rc = 0;
    for (uint32_t i = 0; i < head->entry_count && rc == 0; i++) {
        struct entry e;
        rc = journal_entry_decode(&entries, head, i, true, &arena, &e, err);
    }
    arena_fini(&arena);
    return rc;
}

START_TEST(every_kind_comes_back_as_it_went)
{
    struct buf commit = {0};
    struct commit_head head, read;
    struct slice entries;
    struct err err = {0};
    struct arena arena;
    struct entry want[SAMPLE_ENTRIES], got;
    arena_init(&arena, 0);
    sample_commit(&commit, &head);
    sample_entries(want);
    ck_assert_msg(journal_commit_decode(buf_slice(&commit), &read, &entries, &err) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(read.number, 12);
    ck_assert_uint_eq(read.first_offset, 345);
    ck_assert_uint_eq(read.entry_count, SAMPLE_ENTRIES);
    ck_assert_int_eq(read.time_ms, head.time_ms);
    ck_assert_mem_eq(read.previous_hash, head.previous_hash, HASH_BYTES);
    ck_assert_mem_eq(read.hash, head.hash, HASH_BYTES);
    for (unsigned i = 0; i < SAMPLE_ENTRIES; i++) {
        int rc = journal_entry_decode(&entries, &read, i, true, &arena, &got, &err);
        ck_assert_msg(rc == 0, "entry %u: %s", i, err.text);
        assert_same_entry(&got, &want[i], i);
    }
    ck_assert_uint_eq(entries.len, 0);
    arena_fini(&arena);
    buf_fini(&commit);
}
END_TEST

START_TEST(peeking_reads_the_head_alone)
{
    struct buf commit = {0};
    struct commit_head head, read;
    sample_commit(&commit, &head);
    commit.data[commit.len - 1] ^= 1;
    ck_assert_int_eq(journal_commit_peek(buf_slice(&commit), &read, NULL), 0);
    ck_assert_uint_eq(read.number, head.number);
    ck_assert_mem_eq(read.hash, head.hash, HASH_BYTES);
    buf_fini(&commit);
}
END_TEST

/* Is this byte of the commit inside a body? */
static bool in_a_body(const struct buf *commit, struct slice entries, size_t at)
{
    struct reader r = reader_of(entries);
    while (r.at != r.end) {
        reader_u8(&r);
        reader_block(&r);
        struct slice body = reader_block(&r);
        const uint8_t *first = body.data;
        if (body.len > 0 && commit->data + at >= first && commit->data + at < first + body.len)
            return true;
    }
    return false;
}

START_TEST(every_changed_byte_is_noticed)
{
    struct buf commit = {0};
    struct commit_head head, read;
    struct slice entries;
    struct err err;
    unsigned bodies = 0;
    sample_commit(&commit, &head);
    ck_assert_int_eq(journal_commit_decode(buf_slice(&commit), &read, &entries, NULL), 0);
    struct slice whole = entries;
    for (size_t at = 0; at < commit.len; at++) {
        bool body = in_a_body(&commit, whole, at);
        bodies += body;
        for (unsigned change = 1; change < 256; change++) {
            commit.data[at] ^= (uint8_t)change;
            int rc = journal_commit_decode(buf_slice(&commit), &read, &entries, &err);
            if (body && rc == 0)
                rc = decode_entries(entries, &read, &err);
            ck_assert_msg(rc < 0, "byte %zu changed by 0x%02x was not noticed", at, change);
            commit.data[at] ^= (uint8_t)change;
        }
    }
    ck_assert_uint_eq(bodies, 9 + 4 + 15 + 36);
    buf_fini(&commit);
}
END_TEST

/* Copies to memory of just that size, so that the sanitizer sees a read past the end. */
static int decode_exact(const uint8_t *bytes, size_t len, struct err *err)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    if (len > 0)
        memcpy(copy, bytes, len);
    struct commit_head head;
    struct slice entries;
    int rc = journal_commit_decode(slice_of(copy, len), &head, &entries, err);
    if (rc == 0)
        rc = decode_entries(entries, &head, err);
    free(copy);
    return rc;
}

/* One entry alone, its body replaced after the fact: the chain does not cover it. */
static void commit_with_body(const struct entry *e, struct slice body, struct buf *out)
{
    struct commit_head head = sample_head();
    struct buf whole = {0};
    head.entry_count = 1;
    journal_entry_encode(&whole, e);
    journal_commit_encode(out, &head, buf_slice(&whole));
    out->len = JOURNAL_COMMIT_HEAD_BYTES;
    struct reader r = reader_of(buf_slice(&whole));
    buf_u8(out, reader_u8(&r));
    buf_block(out, reader_block(&r));
    buf_block(out, body);
    buf_fini(&whole);
}

static bool names_the_entry(const struct err *err)
{
    return strstr(err->text, "offset 345") != NULL;
}

/* The commit's own check, and that of the entry when somebody skips the first. */
static void assert_body_refused(const struct entry *e, struct slice body, const char *why)
{
    struct buf commit = {0};
    struct commit_head head;
    struct arena arena;
    struct entry got;
    struct err err = {0};
    arena_init(&arena, 0);
    commit_with_body(e, body, &commit);
    int rc = decode_exact(commit.data, commit.len, &err);
    ck_assert_msg(rc == ERR_CORRUPT && names_the_entry(&err), "%s, %d: %d, %s", why, e->kind, rc,
                  err.text);
    err = (struct err){0};
    ck_assert_int_eq(journal_commit_peek(buf_slice(&commit), &head, NULL), 0);
    struct slice entries =
        slice_of(commit.data + JOURNAL_COMMIT_HEAD_BYTES, commit.len - JOURNAL_COMMIT_HEAD_BYTES);
    rc = journal_entry_decode(&entries, &head, 0, true, &arena, &got, &err);
    ck_assert_msg(rc == ERR_CORRUPT && names_the_entry(&err), "%s, %d alone: %d, %s", why, e->kind,
                  rc, err.text);
    arena_fini(&arena);
    buf_fini(&commit);
}

START_TEST(a_body_is_there_whole_unless_its_batch_was_refused)
{
    struct entry all[SAMPLE_ENTRIES];
    sample_entries(all);
    for (unsigned i = 0; i < SAMPLE_ENTRIES; i++) {
        const struct entry *e = &all[i];
        struct slice more = slice_str("a body of another size than any of the samples");
        if (e->body.len > 0) {
            assert_body_refused(e, slice_of(NULL, 0), "cut out");
            assert_body_refused(e, slice_of(e->body.data, e->body.len - 1), "a byte short");
        }
        assert_body_refused(e, more, "slipped in");
    }
    struct entry kept = all[5];
    kept.body_bytes = 4;
    assert_body_refused(&kept, slice_str("text"), "kept of a batch that was refused");
}
END_TEST

START_TEST(an_empty_body_is_whole)
{
    struct entry all[SAMPLE_ENTRIES];
    struct buf commit = {0};
    struct err err = {0};
    sample_entries(all);
    all[1].body = slice_of(NULL, 0);
    all[1].body_bytes = 0;
    journal_hash(all[1].body, all[1].body_hash);
    commit_with_body(&all[1], all[1].body, &commit);
    ck_assert_msg(decode_exact(commit.data, commit.len, &err) == 0, "%s", err.text);
    all[1].body_hash[0] ^= 1;
    buf_clear(&commit);
    commit_with_body(&all[1], all[1].body, &commit);
    ck_assert_int_eq(decode_exact(commit.data, commit.len, NULL), ERR_CORRUPT);
    buf_fini(&commit);
}
END_TEST

/* Where each entry of the sample begins, counted from the commit's first byte. */
static void sample_positions(struct slice entries, uint32_t out[SAMPLE_ENTRIES])
{
    struct reader r = reader_of(entries);
    for (unsigned i = 0; i < SAMPLE_ENTRIES; i++) {
        out[i] = JOURNAL_COMMIT_HEAD_BYTES + (uint32_t)(r.at - (const uint8_t *)entries.data);
        reader_u8(&r);
        reader_block(&r);
        reader_block(&r);
    }
}

START_TEST(peeking_at_an_entry_reads_no_other)
{
    struct buf commit = {0};
    struct commit_head head;
    struct slice entries;
    struct entry want[SAMPLE_ENTRIES], got;
    uint32_t at[SAMPLE_ENTRIES];
    struct arena arena;
    arena_init(&arena, 0);
    sample_entries(want);
    sample_commit(&commit, &head);
    ck_assert_int_eq(journal_commit_decode(buf_slice(&commit), &head, &entries, NULL), 0);
    sample_positions(entries, at);
    memset(commit.data + at[0], 0xFF, at[4] - at[0]); /* nothing there reads as anything */
    commit.data[HASH_BYTES] ^= 1;
    for (unsigned i = 4; i < SAMPLE_ENTRIES; i++) {
        struct err err = {0};
        int rc = journal_entry_peek(buf_slice(&commit), 345 + i, at[i], &arena, &got, &err);
        ck_assert_msg(rc == 0, "entry %u: %s", i, err.text);
        assert_same_entry(&got, &want[i], i);
    }
    arena_fini(&arena);
    buf_fini(&commit);
}
END_TEST

START_TEST(peeking_at_a_wrong_place_is_refused)
{
    struct buf commit = {0};
    struct commit_head head;
    struct entry got;
    struct arena arena;
    arena_init(&arena, 0);
    sample_commit(&commit, &head);
    const struct {
        const char *why;
        uint64_t offset;
        uint32_t position;
    } cases[] = {
        {"an offset before the commit", 344, JOURNAL_COMMIT_HEAD_BYTES},
        {"an offset after it", 345 + SAMPLE_ENTRIES, JOURNAL_COMMIT_HEAD_BYTES},
        {"no offset at all", 0, JOURNAL_COMMIT_HEAD_BYTES},
        {"a place in the commit's head", 345, JOURNAL_COMMIT_HEAD_BYTES - 1},
        {"a place after the commit", 345, (uint32_t)commit.len},
        {"a place far after it", 345, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = journal_entry_peek(buf_slice(&commit), cases[i].offset, cases[i].position, &arena,
                                    &got, NULL);
        ck_assert_msg(rc == ERR_CORRUPT, "%s: %d", cases[i].why, rc);
    }
    arena_fini(&arena);
    buf_fini(&commit);
}
END_TEST

START_TEST(a_commit_cut_anywhere_is_refused)
{
    struct buf commit = {0};
    struct commit_head head;
    sample_commit(&commit, &head);
    for (size_t len = 0; len < commit.len; len++) {
        struct err err = {0};
        ck_assert_msg(decode_exact(commit.data, len, &err) == ERR_CORRUPT, "%zu bytes: %s", len,
                      err.text);
    }
    buf_u8(&commit, 0);
    ck_assert_int_eq(decode_exact(commit.data, commit.len, NULL), ERR_CORRUPT);
    buf_fini(&commit);
}
END_TEST

START_TEST(random_bytes_are_refused)
{
    uint64_t seed = 88172645463325252;
    uint8_t bytes[256];
    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            bytes[i] = (uint8_t)seed;
        }
        bytes[0] = round % 2;
        ck_assert_int_lt(decode_exact(bytes, seed % sizeof bytes, NULL), 0);
    }
}
END_TEST

START_TEST(random_heads_are_refused_or_read_but_never_crash)
{
    uint64_t seed = 42;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct commit_head commit = sample_head();
    for (unsigned round = 0; round < 200000; round++) {
        struct buf bytes = {0};
        buf_u8(&bytes, (uint8_t)(1 + round % 7));
        size_t len = round % 120;
        buf_varint(&bytes, len);
        for (size_t i = 0; i < len; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            buf_u8(&bytes, (uint8_t)(seed >> 33) & (round % 3 == 0 ? 0x0F : 0xFF));
        }
        buf_u8(&bytes, 0);
        struct slice entries = buf_slice(&bytes);
        struct entry e;
        int rc = journal_entry_decode(&entries, &commit, 0, true, &arena, &e, NULL);
        ck_assert(rc == 0 || rc == ERR_CORRUPT);
        arena_reset(&arena);
        buf_fini(&bytes);
    }
    arena_fini(&arena);
}
END_TEST

/* What a writer of another version, or a faulty one, may leave: the chain holds, the head does not
 * read. */
START_TEST(heads_that_make_no_sense_are_refused)
{
    static const struct {
        const char *why;
        uint8_t kind;
        const char *head; /* hexadecimal */
        int code;
    } cases[] = {
        {"a kind of the future", 8, "", ERR_VERSION},
        {"a tick has nothing in its head", ENTRY_TICK, "00", ERR_CORRUPT},
        {"a clock entry has two fields", ENTRY_CLOCK, "01", ERR_CORRUPT},
        {"a third field in a clock entry", ENTRY_CLOCK, "010000", ERR_CORRUPT},
        {"replay is 0 or 1", ENTRY_GENESIS, "0000000000000000000000000000000002", ERR_CORRUPT},
        {"no genesis is shorter", ENTRY_GENESIS, "00000000000000000000000000000000", ERR_CORRUPT},
        {"a clock entry that reads", ENTRY_CLOCK, "0100", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t head[32];
        size_t len = strlen(cases[i].head) / 2;
        ck_assert_int_eq(parse_hex(slice_str(cases[i].head), head, len, NULL), 0);
        struct buf entry = {0}, bytes = {0};
        buf_u8(&entry, cases[i].kind);
        buf_block(&entry, slice_of(head, len));
        buf_u8(&entry, 0);
        struct commit_head commit = sample_head();
        commit.entry_count = 1;
        journal_commit_encode(&bytes, &commit, buf_slice(&entry));
        struct err err = {0};
        int rc = decode_exact(bytes.data, bytes.len, &err);
        ck_assert_msg(rc == cases[i].code, "%s: %d, not %d: %s", cases[i].why, rc, cases[i].code,
                      err.text);
        ck_assert_msg(rc == 0 || strstr(err.text, "offset 345") != NULL, "%s: %s", cases[i].why,
                      err.text);
        buf_fini(&entry);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(refused_rows_out_of_order_or_range_are_refused)
{
    static const struct {
        const char *why;
        struct row_refusal rows[2];
        uint32_t count;
        int code;
    } cases[] = {
        {"ascending", {{1, 33}, {299, 33}}, 2, 0},
        {"the same row twice", {{1, 33}, {1, 34}}, 2, ERR_CORRUPT},
        {"descending", {{2, 33}, {1, 33}}, 2, ERR_CORRUPT},
        {"a row beyond the batch", {{1, 33}, {300, 33}}, 2, ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry all[SAMPLE_ENTRIES], got;
        struct row_refusal rows[2];
        memcpy(rows, cases[i].rows, sizeof rows);
        sample_entries(all);
        all[4].refused = rows;
        all[4].refused_count = cases[i].count;
        struct buf bytes = {0};
        journal_entry_encode(&bytes, &all[4]);
        struct arena arena;
        arena_init(&arena, 0);
        struct commit_head commit = sample_head();
        struct slice entries = buf_slice(&bytes);
        struct err err = {0};
        int rc = journal_entry_decode(&entries, &commit, 0, false, &arena, &got, &err);
        ck_assert_msg(rc == cases[i].code, "%s: %d: %s", cases[i].why, rc, err.text);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(a_batch_refused_whole_may_list_the_rows_to_mend)
{
    static const struct {
        const char *why;
        struct row_refusal rows[2];
        int code;
    } cases[] = {
        {"the first and the last that may be", {{0, 32}, {BATCH_ROWS_MAX - 1, 32}}, 0},
        {"one more", {{0, 32}, {BATCH_ROWS_MAX, 32}}, ERR_CORRUPT},
        {"the same row twice", {{7, 32}, {7, 32}}, ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry all[SAMPLE_ENTRIES], got;
        struct row_refusal rows[2];
        struct buf bytes = {0};
        struct arena arena;
        struct err err = {0};
        struct commit_head commit = sample_head();
        arena_init(&arena, 0);
        memcpy(rows, cases[i].rows, sizeof rows);
        sample_entries(all);
        all[5].refusal = REFUSAL_BAD_CODE;
        all[5].refused = rows;
        all[5].refused_count = 2;
        journal_entry_encode(&bytes, &all[5]);
        struct slice entries = buf_slice(&bytes);
        int rc = journal_entry_decode(&entries, &commit, 0, true, &arena, &got, &err);
        ck_assert_msg(rc == cases[i].code, "%s: %d: %s", cases[i].why, rc, err.text);
        ck_assert_msg(rc != 0 || (got.row_count == 0 && got.refused_count == 2 &&
                                  got.refused[1].row == rows[1].row),
                      "%s: %u rows, %u refused", cases[i].why, got.row_count, got.refused_count);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(a_newer_format_asks_for_a_newer_program)
{
    struct buf commit = {0};
    struct commit_head head;
    struct err err = {0};
    sample_commit(&commit, &head);
    commit.data[0] = JOURNAL_FORMAT + 1;
    ck_assert_int_eq(decode_exact(commit.data, commit.len, &err), ERR_VERSION);
    ck_assert_ptr_nonnull(strstr(err.text, "newer version"));
    buf_fini(&commit);
}
END_TEST

/* The file was written once and is never written again: who changes these bytes, changes the
 * format. */
START_TEST(format_1_is_what_it_always_was)
{
    const char *source = getenv("TONGHOP_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/journal-1.hex", source == NULL ? "." : source);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened: set TONGHOP_SOURCE to the source tree", path);
    static char golden[8192];
    size_t len = fread(golden, 1, sizeof golden, file);
    fclose(file);
    while (len > 0 && golden[len - 1] == '\n')
        len--;
    struct buf commit = {0};
    struct commit_head head;
    sample_commit(&commit, &head);
    char *hex = malloc(2 * commit.len + 1);
    format_hex(commit.data, commit.len, hex);
    ck_assert_msg(len == 2 * commit.len && memcmp(hex, golden, len) == 0,
                  "this program writes\n%s\nand %s holds\n%.*s", hex, path, (int)len, golden);
    free(hex);
    buf_fini(&commit);
}
END_TEST

SUITE_MAIN("journal", every_kind_comes_back_as_it_went, peeking_reads_the_head_alone,
           every_changed_byte_is_noticed, a_body_is_there_whole_unless_its_batch_was_refused,
           an_empty_body_is_whole, peeking_at_an_entry_reads_no_other,
           peeking_at_a_wrong_place_is_refused, a_commit_cut_anywhere_is_refused,
           random_bytes_are_refused, random_heads_are_refused_or_read_but_never_crash,
           heads_that_make_no_sense_are_refused, refused_rows_out_of_order_or_range_are_refused,
           a_batch_refused_whole_may_list_the_rows_to_mend, a_newer_format_asks_for_a_newer_program,
           format_1_is_what_it_always_was)
