#include "common/wire/frame_wire.h"

#include "common/base/alloc.h"
#include "tests/support/suite.h"
#include "tests/unit/common/wire/wire_random.h"

#include <stdio.h>

enum { PARTS = 5 };

struct sample {
    struct wire_frame frame;
    struct wire_frame_entry entries[PARTS];
    struct wire_frame_cell cells[PARTS];
    struct ident names[2 * PARTS];
};

static void sample_init(struct sample *s, struct random *r)
{
    s->frame = (struct wire_frame){.previous_offset = random_u64(r) / 2,
                                   .time_ms = random_time(r),
                                   .everything = random_below(r, 2) == 1,
                                   .entry_count = random_below(r, PARTS + 1),
                                   .entries = s->entries,
                                   .cell_count = random_below(r, PARTS + 1),
                                   .cells = s->cells};
    s->frame.offset = s->frame.previous_offset + 1 + random_below(r, 1000);
    for (unsigned i = 0; i < PARTS; i++) {
        s->entries[i] = (struct wire_frame_entry){(enum entry_kind)(3 + random_below(r, 3)),
                                                  random_u64(r), slice_str(random_text(r))};
        s->names[2 * i] = random_ident(r);
        s->names[2 * i + 1] = random_ident(r);
        s->cells[i] = (struct wire_frame_cell){.indicator = s->names[2 * i].text,
                                               .unit = s->names[2 * i + 1].text,
                                               .day = random_day(r),
                                               .amount = random_i64(r),
                                               .figures = (int32_t)random_i64(r),
                                               .reported = (uint32_t)random_u64(r),
                                               .on_time = (uint32_t)random_u64(r)};
    }
}

static void assert_same(const struct wire_frame *got, const struct wire_frame *want)
{
    ck_assert_uint_eq(got->offset, want->offset);
    ck_assert_uint_eq(got->previous_offset, want->previous_offset);
    ck_assert_int_eq(got->time_ms, want->time_ms);
    ck_assert_int_eq(got->everything, want->everything);
    ck_assert_uint_eq(got->entry_count, want->entry_count);
    for (uint32_t i = 0; i < want->entry_count; i++) {
        ck_assert_int_eq(got->entries[i].kind, want->entries[i].kind);
        ck_assert_uint_eq(got->entries[i].offset, want->entries[i].offset);
        ck_assert(slice_equal(got->entries[i].body, want->entries[i].body));
    }
    ck_assert_uint_eq(got->cell_count, want->cell_count);
    for (uint32_t i = 0; i < want->cell_count; i++) {
        ck_assert_str_eq(got->cells[i].indicator, want->cells[i].indicator);
        ck_assert_str_eq(got->cells[i].unit, want->cells[i].unit);
        ck_assert_int_eq(got->cells[i].day, want->cells[i].day);
        ck_assert_int_eq(got->cells[i].amount, want->cells[i].amount);
        ck_assert_int_eq(got->cells[i].figures, want->cells[i].figures);
        ck_assert_uint_eq(got->cells[i].reported, want->cells[i].reported);
        ck_assert_uint_eq(got->cells[i].on_time, want->cells[i].on_time);
    }
}

static int decode_frames(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_frame frame;
    int rc = 0;
    while (s.len > 0 && rc == 0)
        rc = wire_unpack_frame(&s, arena, &frame, err);
    return rc;
}

START_TEST(frames_come_back_one_after_the_other_as_they_went)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct random r = {seed};
        struct sample samples[3];
        struct buf bytes = {0};
        struct arena arena;
        struct wire_frame got;
        struct err err = {0};
        arena_init(&arena, 0);
        for (unsigned i = 0; i < 3; i++) {
            sample_init(&samples[i], &r);
            ck_assert_int_eq(wire_pack_frame(&samples[i].frame, &bytes, &err), 0);
        }
        struct slice rest = buf_slice(&bytes);
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_msg(wire_unpack_frame(&rest, &arena, &got, &err) == 0, "%s", err.text);
            assert_same(&got, &samples[i].frame);
        }
        ck_assert_uint_eq(rest.len, 0);
        if (seed <= 5)
            attack(decode_frames, &bytes, &r);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

static int decode_request(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_frames_request request;
    (void)arena;
    return wire_unpack_frames_request(s, &request, err);
}

static int decode_answer(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_frames answer;
    (void)arena;
    return wire_unpack_frames(s, &answer, err);
}

START_TEST(request_and_answer_come_back_as_they_went)
{
    struct random r = {7};
    struct wire_frames_request asked = {UINT64_MAX, 1 << 20, 30000}, asked_got;
    struct wire_frames told = {3, 1234567, 1725494400000}, told_got;
    struct buf request = {0}, answer = {0};
    wire_pack_frames_request(&asked, &request);
    ck_assert_int_eq(wire_unpack_frames_request(buf_slice(&request), &asked_got, NULL), 0);
    ck_assert_uint_eq(asked_got.after_offset, asked.after_offset);
    ck_assert_uint_eq(asked_got.bytes_max, asked.bytes_max);
    ck_assert_uint_eq(asked_got.wait_ms, asked.wait_ms);
    wire_pack_frames(&told, &answer);
    ck_assert_int_eq(wire_unpack_frames(buf_slice(&answer), &told_got, NULL), 0);
    ck_assert_uint_eq(told_got.frame_count, told.frame_count);
    ck_assert_uint_eq(told_got.head_offset, told.head_offset);
    ck_assert_int_eq(told_got.head_time_ms, told.head_time_ms);
    attack(decode_request, &request, &r);
    attack(decode_answer, &answer, &r);
    buf_fini(&request);
    buf_fini(&answer);
}
END_TEST

static void no_progress(struct sample *s)
{
    s->frame.previous_offset = s->frame.offset;
}
static void a_batch_among_entries(struct sample *s)
{
    s->entries[0].kind = ENTRY_BATCH;
}
static void no_code(struct sample *s)
{
    s->cells[0].unit = "Xã A";
}
static void no_day(struct sample *s)
{
    s->cells[0].day = DAY_NEVER;
}

START_TEST(a_frame_that_makes_no_sense_is_refused_with_its_place)
{
    static const struct {
        void (*spoil)(struct sample *s);
        const char *said;
    } rows[] = {
        {no_progress, "Frame.previous_offset"},
        {a_batch_among_entries, "entries[0].kind"},
        {no_code, "cells[0].unit"},
        {no_day, "cells[0].day"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct random r = {11};
        struct sample s;
        struct buf bytes = {0};
        struct arena arena;
        struct wire_frame got;
        struct err err = {0};
        arena_init(&arena, 0);
        sample_init(&s, &r);
        s.frame.entry_count = s.frame.cell_count = 1;
        rows[i].spoil(&s);
        ck_assert_int_eq(wire_pack_frame(&s.frame, &bytes, NULL), 0);
        struct slice rest = buf_slice(&bytes);
        int rc = wire_unpack_frame(&rest, &arena, &got, &err);
        ck_assert_msg(rc == ERR_INVALID && strstr(err.text, rows[i].said) != NULL, "%d: %s", rc,
                      err.text);
        ck_assert_uint_eq(rest.len, bytes.len);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

/* --- the largest */

enum { LARGE_UNITS = 10000, LARGE_INDICATORS = 50 };

/* A cell that takes more bytes than any real one. */
static struct wire_frame_cell long_cell(const char *indicator, const char *unit)
{
    return (struct wire_frame_cell){.indicator = indicator,
                                    .unit = unit,
                                    .day = day_of(2199, 12, 31),
                                    .amount = INT64_MIN,
                                    .figures = INT32_MIN,
                                    .reported = UINT32_MAX,
                                    .on_time = UINT32_MAX};
}

START_TEST(everything_of_ten_thousand_units_and_fifty_indicators_fits_into_a_frame)
{
    static struct wire_frame_cell cells[LARGE_UNITS * LARGE_INDICATORS];
    static char units[LARGE_UNITS][IDENT_BYTES_MAX + 1];
    static char indicators[LARGE_INDICATORS][IDENT_BYTES_MAX + 1];
    struct wire_frame got, frame = {.offset = 1, .everything = true, .cells = cells};
    struct buf bytes = {0};
    struct arena arena;
    struct err err = {0};
    for (unsigned i = 0; i < LARGE_INDICATORS; i++)
        snprintf(indicators[i], sizeof indicators[i], "%032u", i);
    for (unsigned u = 0; u < LARGE_UNITS; u++) {
        snprintf(units[u], sizeof units[u], "%032u", u);
        for (unsigned i = 0; i < LARGE_INDICATORS; i++)
            cells[frame.cell_count++] = long_cell(indicators[i], units[u]);
    }
    arena_init(&arena, 1 << 20);
    ck_assert_msg(wire_pack_frame(&frame, &bytes, &err) == 0, "%s", err.text);
    struct slice rest = buf_slice(&bytes);
    ck_assert_msg(wire_unpack_frame(&rest, &arena, &got, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(got.cell_count, frame.cell_count);
    ck_assert_str_eq(got.cells[got.cell_count - 1].unit, units[LARGE_UNITS - 1]);
    ck_assert_uint_le(bytes.len, WIRE_FRAMES_BYTES_MAX);
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

/* Of exactly so many bytes; one entry's body fills it up. */
static int pack_of(size_t bytes, struct buf *out, struct err *err)
{
    enum { BESIDE = 16 }; /* the frame's and the entry's other fields */
    void *body = alloc_zeroed(1, bytes);
    struct wire_frame_entry entry = {ENTRY_PLAN, 1, slice_of(body, bytes - BESIDE)};
    struct wire_frame frame = {.offset = 2, .entries = &entry, .entry_count = 1};
    int rc = wire_pack_frame(&frame, out, err);
    free(body);
    return rc;
}

START_TEST(a_frame_at_the_limit_passes_and_one_byte_more_is_refused)
{
    struct wire_frame got;
    struct buf bytes = {0};
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    ck_assert_msg(pack_of(WIRE_FRAME_BYTES_MAX, &bytes, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(bytes.len, sizeof(uint32_t) + WIRE_FRAME_BYTES_MAX);
    ck_assert_uint_le(bytes.len, WIRE_FRAMES_BYTES_MAX);
    struct slice rest = buf_slice(&bytes);
    ck_assert_msg(wire_unpack_frame(&rest, &arena, &got, &err) == 0, "%s", err.text);
    buf_clear(&bytes);
    ck_assert_int_eq(pack_of(WIRE_FRAME_BYTES_MAX + 1, &bytes, &err), ERR_LIMIT);
    ck_assert_uint_eq(bytes.len, 0);
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

SUITE_MAIN("wire_frame", frames_come_back_one_after_the_other_as_they_went,
           request_and_answer_come_back_as_they_went,
           a_frame_that_makes_no_sense_is_refused_with_its_place,
           everything_of_ten_thousand_units_and_fifty_indicators_fits_into_a_frame,
           a_frame_at_the_limit_passes_and_one_byte_more_is_refused)
