#include "submit.pb-c.h"
#include "tests/support/suite.h"
#include "tests/unit/common/wire/wire_random.h"

enum { ROWS = 300, WORDS = 40 };

struct sample {
    struct batch batch;
    struct ident words[2 * WORDS];
    struct slice units[WORDS];
    struct slice indicators[WORDS];
    uint32_t unit_refs[ROWS];
    uint32_t indicator_refs[ROWS];
    day_t days[ROWS];
    uint8_t ops[ROWS];
    int64_t values[ROWS];
};

static void sample_init(struct sample *s, struct random *r)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < WORDS; i++) {
        s->words[2 * i] = random_ident(r);
        s->words[2 * i + 1] = random_ident(r);
        s->units[i] = ident_slice(&s->words[2 * i]);
        s->indicators[i] = ident_slice(&s->words[2 * i + 1]);
    }
    struct batch *b = &s->batch;
    b->reported_at_ms = random_time(r);
    b->unit_count = 1 + random_below(r, WORDS);
    b->indicator_count = 1 + random_below(r, WORDS);
    b->row_count = random_below(r, ROWS + 1);
    b->units = s->units;
    b->indicators = s->indicators;
    b->unit_refs = s->unit_refs;
    b->indicator_refs = s->indicator_refs;
    b->days = s->days;
    b->ops = random_below(r, 2) == 0 ? NULL : s->ops;
    b->values = s->values;
    for (unsigned i = 0; i < ROWS; i++) {
        s->unit_refs[i] = random_below(r, b->unit_count);
        s->indicator_refs[i] = random_below(r, b->indicator_count);
        s->days[i] = random_day(r);
        s->ops[i] = (uint8_t)random_below(r, OP_COUNT);
        s->values[i] = random_i64(r);
    }
}

static void assert_same_words(const struct slice *got, const struct slice *want, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ck_assert_msg(slice_equal(got[i], want[i]), "entry %u: '%.*s'", i, (int)got[i].len,
                      (const char *)got[i].data);
}

static void assert_same_batch(const struct batch *got, const struct batch *want)
{
    ck_assert_int_eq(got->reported_at_ms, want->reported_at_ms);
    ck_assert_uint_eq(got->unit_count, want->unit_count);
    ck_assert_uint_eq(got->indicator_count, want->indicator_count);
    ck_assert_uint_eq(got->row_count, want->row_count);
    assert_same_words(got->units, want->units, want->unit_count);
    assert_same_words(got->indicators, want->indicators, want->indicator_count);
    ck_assert((got->ops == NULL) == (want->ops == NULL || want->row_count == 0));
    for (uint32_t i = 0; i < want->row_count; i++) {
        ck_assert_uint_eq(got->unit_refs[i], want->unit_refs[i]);
        ck_assert_uint_eq(got->indicator_refs[i], want->indicator_refs[i]);
        ck_assert_int_eq(got->days[i], want->days[i]);
        ck_assert_uint_eq(got->ops == NULL ? 0 : got->ops[i], want->ops == NULL ? 0 : want->ops[i]);
        ck_assert_int_eq(got->values[i], want->values[i]);
    }
}

START_TEST(a_batch_comes_back_as_it_went)
{
    struct random r = {7};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (unsigned round = 0; round < 300; round++) {
        struct sample s;
        struct buf bytes = {0};
        struct batch got;
        struct err err = {0};
        sample_init(&s, &r);
        wire_pack_batch(&s.batch, &bytes);
        ck_assert_msg(wire_unpack_batch(buf_slice(&bytes), &arena, &got, &err) == 0, "%s",
                      err.text);
        assert_same_batch(&got, &s.batch);
        arena_reset(&arena);
        buf_fini(&bytes);
    }
    arena_fini(&arena);
}
END_TEST

/* A message to play with, in protobuf-c's own form. */
struct raw {
    Tonghop__V1__Batch m;
    char *units[WORDS];
    char *indicators[WORDS];
    uint32_t ops[ROWS];
    int32_t deltas[ROWS];
};

static void raw_init(struct raw *raw, const struct sample *s)
{
    Tonghop__V1__Batch *m = &raw->m;
    const struct batch *b = &s->batch;
    tonghop__v1__batch__init(m);
    m->reported_at_ms = b->reported_at_ms;
    m->base_day = b->row_count == 0 ? 0 : b->days[0];
    m->n_units = b->unit_count;
    m->units = raw->units;
    m->n_indicators = b->indicator_count;
    m->indicators = raw->indicators;
    for (unsigned i = 0; i < WORDS; i++) {
        raw->units[i] = (char *)(uintptr_t)s->units[i].data;
        raw->indicators[i] = (char *)(uintptr_t)s->indicators[i].data;
    }
    m->n_unit_refs = m->n_indicator_refs = m->n_day_deltas = m->n_values = b->row_count;
    m->n_ops = b->ops == NULL ? 0 : b->row_count;
    m->unit_refs = b->unit_refs;
    m->indicator_refs = b->indicator_refs;
    m->day_deltas = raw->deltas;
    m->ops = raw->ops;
    m->values = b->values;
    for (unsigned i = 0; i < ROWS; i++) {
        raw->deltas[i] = s->days[i] - m->base_day;
        raw->ops[i] = s->ops[i];
    }
}

static void raw_pack(const struct raw *raw, struct buf *out)
{
    buf_reserve(out, tonghop__v1__batch__get_packed_size(&raw->m) + 1);
    out->len = tonghop__v1__batch__pack(&raw->m, out->data);
}

START_TEST(packing_by_hand_gives_the_bytes_of_protobuf)
{
    struct random r = {11};
    for (unsigned round = 0; round < 500; round++) {
        struct sample s;
        struct raw raw;
        struct buf ours = {0}, theirs = {0};
        sample_init(&s, &r);
        if (round == 0)
            s.batch.reported_at_ms = s.batch.days[0] = 0;
        raw_init(&raw, &s);
        wire_pack_batch(&s.batch, &ours);
        raw_pack(&raw, &theirs);
        ck_assert_uint_eq(ours.len, theirs.len);
        ck_assert(ours.len == 0 || memcmp(ours.data, theirs.data, ours.len) == 0);
        buf_fini(&ours);
        buf_fini(&theirs);
    }
}
END_TEST

/* Ten rows, two units, one indicator, every op a set: then one thing is changed. */
static void plain_init(struct raw *raw, struct sample *s)
{
    struct random r = {3};
    sample_init(s, &r);
    s->batch.unit_count = 2;
    s->batch.indicator_count = 1;
    s->batch.row_count = 10;
    s->batch.ops = s->ops;
    memset(s->ops, 0, sizeof s->ops);
    for (unsigned i = 0; i < ROWS; i++) {
        s->unit_refs[i] = i % 2;
        s->indicator_refs[i] = 0;
        s->days[i] = 20000;
    }
    raw_init(raw, s);
}

static void change_nothing(struct raw *raw)
{
    (void)raw;
}
static void drop_ops(struct raw *raw)
{
    raw->m.n_ops = 0;
}
static void cut_ops(struct raw *raw)
{
    raw->m.n_ops = 9;
}
static void cut_unit_refs(struct raw *raw)
{
    raw->m.n_unit_refs = 9;
}
static void cut_indicator_refs(struct raw *raw)
{
    raw->m.n_indicator_refs = 0;
}
static void lengthen_days(struct raw *raw)
{
    raw->m.n_day_deltas = 11;
}
static void cut_values(struct raw *raw)
{
    raw->m.n_values = 9;
}
static void break_unit_ref(struct raw *raw)
{
    raw->m.unit_refs[9] = 2;
}
static void break_indicator_ref(struct raw *raw)
{
    raw->m.indicator_refs[0] = UINT32_MAX;
}
static void break_op(struct raw *raw)
{
    raw->ops[4] = OP_COUNT;
}
static void day_before_all(struct raw *raw)
{
    raw->deltas[3] = DAY_FIRST - 20000 - 1;
}
static void day_after_all(struct raw *raw)
{
    raw->deltas[3] = DAY_LAST - 20000 + 1;
}
static void day_of_the_last_year(struct raw *raw)
{
    raw->deltas[3] = DAY_LAST - 20000;
}
static void day_overflows(struct raw *raw)
{
    raw->m.base_day = INT32_MAX;
    raw->deltas[0] = INT32_MAX;
}
static void reported_on_the_first_day(struct raw *raw)
{
    raw->m.reported_at_ms = day_start_ms(DAY_FIRST);
}
static void reported_before_it(struct raw *raw)
{
    raw->m.reported_at_ms = day_start_ms(DAY_FIRST) - 1;
}
static void reported_before_all(struct raw *raw)
{
    raw->m.reported_at_ms = INT64_MIN;
}
static void reported_on_the_last_day(struct raw *raw)
{
    raw->m.reported_at_ms = day_start_ms(DAY_LAST + 1) - 1;
}
static void reported_after_it(struct raw *raw)
{
    raw->m.reported_at_ms = day_start_ms(DAY_LAST + 1);
}
static void reported_after_all(struct raw *raw)
{
    raw->m.reported_at_ms = INT64_MAX;
}
static void no_dictionary(struct raw *raw)
{
    raw->m.n_units = 0;
}
static void value_beyond_all_figures(struct raw *raw)
{
    raw->m.values[0] = INT64_MIN;
}
static void no_rows(struct raw *raw)
{
    raw->m.n_unit_refs = raw->m.n_indicator_refs = raw->m.n_day_deltas = 0;
    raw->m.n_ops = raw->m.n_values = 0;
}
static void word_of_free_text(struct raw *raw)
{
    static char text[] = "Nguyễn Văn A, sinh năm 1950";
    raw->units[0] = text;
}
static void word_that_is_not_utf8(struct raw *raw)
{
    static char text[] = "\xC3\x28";
    raw->units[0] = text;
}
static void empty_word(struct raw *raw)
{
    static char text[] = "";
    raw->indicators[0] = text;
}

START_TEST(shape_is_checked_and_sense_is_not)
{
    static const struct {
        const char *why;
        void (*change)(struct raw *raw);
        int code;
    } cases[] = {
        {"nothing wrong", change_nothing, 0},
        {"every row is a set", drop_ops, 0},
        {"ops of nine rows of ten", cut_ops, ERR_INVALID},
        {"unit_refs of nine rows of ten", cut_unit_refs, ERR_INVALID},
        {"no indicator_refs", cut_indicator_refs, ERR_INVALID},
        {"a day too many", lengthen_days, ERR_INVALID},
        {"a value missing", cut_values, ERR_INVALID},
        {"unit 2 of 0..1", break_unit_ref, ERR_INVALID},
        {"indicator 4294967295 of 0", break_indicator_ref, ERR_INVALID},
        {"op 3", break_op, ERR_INVALID},
        {"31 December 1899", day_before_all, ERR_INVALID},
        {"1 January 2200", day_after_all, ERR_INVALID},
        {"31 December 2199", day_of_the_last_year, 0},
        {"a sum of 33 bits", day_overflows, ERR_INVALID},
        {"reported on the first day of 1900", reported_on_the_first_day, 0},
        {"a millisecond earlier", reported_before_it, ERR_INVALID},
        {"before all time", reported_before_all, ERR_INVALID},
        {"reported on the last day of 2199", reported_on_the_last_day, 0},
        {"a millisecond later", reported_after_it, ERR_INVALID},
        {"after all time", reported_after_all, ERR_INVALID},
        {"references into an empty dictionary", no_dictionary, ERR_INVALID},
        {"intake refuses the row", value_beyond_all_figures, 0},
        {"intake refuses the batch", no_rows, 0},
        {"intake refuses free text", word_of_free_text, 0},
        {"intake refuses broken text", word_that_is_not_utf8, 0},
        {"intake refuses an empty code", empty_word, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sample s;
        struct raw raw;
        struct buf bytes = {0};
        struct arena arena;
        struct batch got;
        struct err err = {0};
        arena_init(&arena, 0);
        plain_init(&raw, &s);
        cases[i].change(&raw);
        raw_pack(&raw, &bytes);
        int rc = wire_unpack_batch(buf_slice(&bytes), &arena, &got, &err);
        ck_assert_msg(rc == cases[i].code, "%s: %d, not %d: %s", cases[i].why, rc, cases[i].code,
                      err.text);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(nothing_rides_along_in_a_batch)
{
    static const struct {
        const char *why;
        uint8_t tag;
        int code;
    } cases[] = {
        {"a field that a Batch has", 9 << 3 | 2, 0},
        {"the next one, which it has not", 10 << 3 | 2, ERR_INVALID},
        {"the last of one byte", 15 << 3 | 2, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct random r = {17};
        struct sample s;
        struct buf bytes = {0};
        struct arena arena;
        struct batch got;
        struct err err = {0};
        arena_init(&arena, 0);
        sample_init(&s, &r);
        wire_pack_batch(&s.batch, &bytes);
        buf_u8(&bytes, cases[i].tag);
        buf_block(&bytes, cases[i].code == 0 ? slice_of(NULL, 0) : slice_str("Nguyễn Văn A"));
        int rc = wire_unpack_batch(buf_slice(&bytes), &arena, &got, &err);
        ck_assert_msg(rc == cases[i].code, "%s: %d: %s", cases[i].why, rc, err.text);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(a_word_with_a_nul_is_not_its_beginning)
{
    struct slice word = slice_of("10\0x", 4);
    struct slice id = slice_str("members");
    uint32_t zero = 0;
    day_t day = 20000;
    int64_t value = 5;
    struct batch got, b = {.unit_count = 1,
                           .indicator_count = 1,
                           .row_count = 1,
                           .units = &word,
                           .indicators = &id,
                           .unit_refs = &zero,
                           .indicator_refs = &zero,
                           .days = &day,
                           .values = &value};
    struct buf bytes = {0};
    struct arena arena;
    arena_init(&arena, 0);
    wire_pack_batch(&b, &bytes);
    ck_assert_int_eq(wire_unpack_batch(buf_slice(&bytes), &arena, &got, NULL), 0);
    ck_assert(slice_equal(got.units[0], word));
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

static int decode_batch(struct slice s, struct arena *arena, struct err *err)
{
    struct batch b;
    int rc = wire_unpack_batch(s, arena, &b, err);
    for (uint32_t i = 0; rc == 0 && i < b.row_count; i++) {
        ck_assert_uint_lt(b.unit_refs[i], b.unit_count);
        ck_assert_uint_lt(b.indicator_refs[i], b.indicator_count);
        ck_assert_int_ge(b.days[i], DAY_FIRST);
        ck_assert_int_le(b.days[i], DAY_LAST);
        ck_assert_uint_lt(b.ops == NULL ? 0 : b.ops[i], OP_COUNT);
    }
    return rc;
}

/* `count` items of one byte each in a packed field. */
static void put_packed(struct buf *out, unsigned field, size_t count)
{
    buf_u8(out, (uint8_t)(field << 3 | 2));
    buf_varint(out, count);
    buf_reserve(out, count);
    memset(out->data + out->len, 0, count);
    out->len += count;
}

static void put_words(struct buf *out, unsigned field, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_u8(out, (uint8_t)(field << 3 | 2));
        buf_block(out, slice_str("a"));
    }
}

static void put_rows(struct buf *out, size_t count)
{
    put_packed(out, 5, count);
    put_packed(out, 6, count);
    put_packed(out, 7, count);
    put_packed(out, 9, count);
}

START_TEST(limits_are_where_they_are_said_to_be)
{
    static const struct {
        const char *why;
        size_t units;
        size_t rows;
        int code;
    } cases[] = {
        {"as many rows as may be", 1, BATCH_ROWS_MAX, 0},
        {"a row more", 1, BATCH_ROWS_MAX + 1, ERR_LIMIT},
        {"a full dictionary", BATCH_DICTIONARY_MAX, 1, 0},
        {"an entry more", BATCH_DICTIONARY_MAX + 1, 1, ERR_LIMIT},
        {"both at once", BATCH_DICTIONARY_MAX, BATCH_ROWS_MAX, 0},
        {"a dictionary as large as the payload", 340000, 1, ERR_LIMIT},
        {"columns as large as the payload", 1, 260000, ERR_LIMIT},
        {"a payload too large", 1, 270000, ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf bytes = {0};
        put_words(&bytes, 2, cases[i].units);
        put_words(&bytes, 3, 1);
        put_rows(&bytes, cases[i].rows);
        int rc = decode_exact(decode_batch, bytes.data, bytes.len);
        ck_assert_msg(rc == cases[i].code, "%s: %d", cases[i].why, rc);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(one_column_of_a_million_references_is_refused)
{
    for (unsigned field = 5; field <= 9; field++) {
        struct buf bytes = {0};
        put_packed(&bytes, field, BATCH_PAYLOAD_BYTES_MAX - 8);
        int rc = decode_exact(decode_batch, bytes.data, bytes.len);
        ck_assert_msg(rc == ERR_LIMIT, "field %u: %d", field, rc);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(a_column_in_pieces_is_one_column)
{
    struct buf bytes = {0};
    put_words(&bytes, 2, 1);
    put_words(&bytes, 3, 1);
    put_rows(&bytes, 2);
    put_rows(&bytes, 3);
    struct arena arena;
    struct batch b;
    arena_init(&arena, 0);
    ck_assert_int_eq(wire_unpack_batch(buf_slice(&bytes), &arena, &b, NULL), 0);
    ck_assert_uint_eq(b.row_count, 5);
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

START_TEST(hostile_batches_get_an_answer)
{
    struct random r = {1234567};
    for (unsigned round = 0; round < 20; round++) {
        struct sample s;
        struct buf bytes = {0};
        sample_init(&s, &r);
        s.batch.row_count = round;
        wire_pack_batch(&s.batch, &bytes);
        attack(decode_batch, &bytes, &r);
        buf_fini(&bytes);
    }
}
END_TEST

static int decode_answer(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_submit_answer a;
    return wire_unpack_submit_answer(s, arena, &a, err);
}

START_TEST(an_answer_comes_back_as_it_went)
{
    static const uint32_t rows[] = {0, 5, 65535}, codes[] = {33, 41, 43};
    struct wire_submit_answer got, want = {.refusal = REFUSAL_NUMBER_GAP,
                                           .offset = UINT64_MAX,
                                           .collector_time_ms = -7,
                                           .accepted_rows = 65533,
                                           .refused_count = 3,
                                           .refused_rows = rows,
                                           .refused_codes = codes,
                                           .expected_number = UINT64_C(1) << 63};
    struct random r = {5};
    struct buf bytes = {0};
    struct arena arena;
    arena_init(&arena, 0);
    wire_pack_submit_answer(&want, &bytes);
    ck_assert_int_eq(wire_unpack_submit_answer(buf_slice(&bytes), &arena, &got, NULL), 0);
    ck_assert_uint_eq(got.refusal, want.refusal);
    ck_assert_uint_eq(got.offset, want.offset);
    ck_assert_int_eq(got.collector_time_ms, want.collector_time_ms);
    ck_assert_uint_eq(got.accepted_rows, want.accepted_rows);
    ck_assert_uint_eq(got.refused_count, 3);
    ck_assert_mem_eq(got.refused_rows, rows, sizeof rows);
    ck_assert_mem_eq(got.refused_codes, codes, sizeof codes);
    ck_assert_uint_eq(got.expected_number, want.expected_number);
    attack(decode_answer, &bytes, &r);
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

START_TEST(a_refused_row_without_its_code_is_malformed)
{
    Tonghop__V1__SubmitAnswer m;
    uint32_t rows[] = {1, 2};
    tonghop__v1__submit_answer__init(&m);
    m.n_refused_rows = 2;
    m.n_refused_codes = 1;
    m.refused_rows = m.refused_codes = rows;
    uint8_t bytes[64];
    size_t len = tonghop__v1__submit_answer__pack(&m, bytes);
    ck_assert_int_eq(decode_exact(decode_answer, bytes, len), ERR_INVALID);
}
END_TEST

START_TEST(a_head_comes_back_as_it_went)
{
    struct wire_head got, want = {WIRE_VERSION, WIRE_QUERY, UINT64_C(0x0102030405060708), {{0}}};
    memcpy(want.spool.bytes, "0123456789abcdef", SPOOL_ID_BYTES);
    static const uint8_t expected[WIRE_HEAD_BYTES + 1] =
        "\x01\x10\0\0\x01\x02\x03\x04\x05\x06\x07\x08"
        "0123456789abcdef";
    uint8_t bytes[WIRE_HEAD_BYTES];
    wire_head_encode(&want, bytes);
    ck_assert_mem_eq(bytes, expected, WIRE_HEAD_BYTES);
    ck_assert_int_eq(wire_head_decode(slice_of(bytes, sizeof bytes), &got, NULL), 0);
    ck_assert_uint_eq(got.version, want.version);
    ck_assert_uint_eq(got.kind, want.kind);
    ck_assert_uint_eq(got.id, want.id);
    ck_assert_mem_eq(got.spool.bytes, want.spool.bytes, SPOOL_ID_BYTES);
}
END_TEST

START_TEST(a_head_of_another_version_can_still_be_answered)
{
    struct wire_head got, other = {2, WIRE_SUBMIT, 77, {{9}}};
    uint8_t bytes[WIRE_HEAD_BYTES];
    wire_head_encode(&other, bytes);
    ck_assert_int_eq(wire_head_decode(slice_of(bytes, sizeof bytes), &got, NULL), ERR_VERSION);
    ck_assert_uint_eq(got.id, 77);
    ck_assert_uint_eq(got.kind, WIRE_SUBMIT);
    bytes[0] = WIRE_VERSION;
    bytes[3] = 1;
    ck_assert_int_eq(wire_head_decode(slice_of(bytes, sizeof bytes), &got, NULL), ERR_INVALID);
    ck_assert_int_eq(wire_head_decode(slice_of(bytes, 27), &got, NULL), ERR_INVALID);
    ck_assert_int_eq(wire_head_decode(slice_of(NULL, 0), &got, NULL), ERR_INVALID);
}
END_TEST

SUITE_MAIN("wire_batch", a_batch_comes_back_as_it_went, packing_by_hand_gives_the_bytes_of_protobuf,
           shape_is_checked_and_sense_is_not, nothing_rides_along_in_a_batch,
           a_word_with_a_nul_is_not_its_beginning, limits_are_where_they_are_said_to_be,
           one_column_of_a_million_references_is_refused, a_column_in_pieces_is_one_column,
           hostile_batches_get_an_answer, an_answer_comes_back_as_it_went,
           a_refused_row_without_its_code_is_malformed, a_head_comes_back_as_it_went,
           a_head_of_another_version_can_still_be_answered)
