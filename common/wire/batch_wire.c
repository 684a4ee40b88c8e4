/* The hot path: a day's figures of a province come through here. Packed by hand, since protobuf-c
 * would want terminated copies of the dictionaries and widened copies of the columns; a test holds
 * the result against protobuf-c's, byte by byte. */
#include <inttypes.h>

#include "common/wire/proto.h"
#include "common/wire/wire.h"
#include "submit.pb-c.h"

/* 65,536 rows and full dictionaries decode into less than 8 MiB; a million references, which a
 * payload may hold, must decode as well so that they are refused by their number. */
static const struct proto_limit batch_limit = {BATCH_PAYLOAD_BYTES_MAX, 32 << 20};

enum batch_field {
    FIELD_REPORTED_AT = 1,
    FIELD_UNITS = 2,
    FIELD_INDICATORS = 3,
    FIELD_BASE_DAY = 4,
    FIELD_UNIT_REFS = 5,
    FIELD_INDICATOR_REFS = 6,
    FIELD_DAY_DELTAS = 7,
    FIELD_OPS = 8,
    FIELD_VALUES = 9,
};

/* Out. */

static void put_tag(struct buf *out, enum batch_field field, ProtobufCWireType type)
{
    buf_u8(out, (uint8_t)((unsigned)field << 3 | (unsigned)type));
}

static void put_signed(struct buf *out, enum batch_field field, int64_t v)
{
    if (v == 0)
        return; /* proto3: the default is not sent */
    put_tag(out, field, PROTOBUF_C_WIRE_TYPE_VARINT);
    buf_zigzag(out, v);
}

static void put_block(struct buf *out, enum batch_field field, struct slice bytes)
{
    put_tag(out, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    buf_block(out, bytes);
}

static void put_dictionary(struct buf *out, enum batch_field field, const struct slice *words,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put_block(out, field, words[i]);
}

/* Sends the column and leaves it empty for the next. */
static void put_column(struct buf *out, enum batch_field field, struct buf *column)
{
    if (column->len > 0)
        put_block(out, field, buf_slice(column));
    buf_clear(column);
}

static void put_columns(struct buf *out, const struct batch *b, day_t base_day)
{
    struct buf column = {0};
    for (uint32_t i = 0; i < b->row_count; i++)
        buf_varint(&column, b->unit_refs[i]);
    put_column(out, FIELD_UNIT_REFS, &column);
    for (uint32_t i = 0; i < b->row_count; i++)
        buf_varint(&column, b->indicator_refs[i]);
    put_column(out, FIELD_INDICATOR_REFS, &column);
    for (uint32_t i = 0; i < b->row_count; i++)
        buf_zigzag(&column, (int64_t)b->days[i] - base_day);
    put_column(out, FIELD_DAY_DELTAS, &column);
    for (uint32_t i = 0; b->ops != NULL && i < b->row_count; i++)
        buf_varint(&column, b->ops[i]);
    put_column(out, FIELD_OPS, &column);
    for (uint32_t i = 0; i < b->row_count; i++)
        buf_zigzag(&column, b->values[i]);
    put_column(out, FIELD_VALUES, &column);
    buf_fini(&column);
}

void wire_pack_batch(const struct batch *b, struct buf *out)
{
    day_t base_day = b->row_count == 0 ? 0 : b->days[0];
    put_signed(out, FIELD_REPORTED_AT, b->reported_at_ms);
    put_dictionary(out, FIELD_UNITS, b->units, b->unit_count);
    put_dictionary(out, FIELD_INDICATORS, b->indicators, b->indicator_count);
    put_signed(out, FIELD_BASE_DAY, base_day);
    put_columns(out, b, base_day);
}

/* In. */

/* An accepted payload is kept for ever as it came: nothing may ride along in it. */
static void check_known(struct proto_check *c, const Tonghop__V1__Batch *m)
{
    if (m->base.n_unknown_fields > 0)
        proto_fail(c, ERR_INVALID, "field",
                   "number %" PRIu32 " is none of a Batch's; mend the program that sent it",
                   m->base.unknown_fields[0].tag);
}

static void check_reported(struct proto_check *c, int64_t time_ms)
{
    if (time_ms < day_start_ms(DAY_FIRST) || time_ms >= day_start_ms(DAY_LAST + 1))
        proto_fail(c, ERR_INVALID, "reported_at_ms",
                   "%" PRId64 " ms since 1970-01-01 is not from 1900-01-01 to 2199-12-31", time_ms);
}

static void check_lengths(struct proto_check *c, const Tonghop__V1__Batch *m, struct batch *out)
{
    out->unit_count = proto_count(c, "units", m->n_units, BATCH_DICTIONARY_MAX);
    out->indicator_count = proto_count(c, "indicators", m->n_indicators, BATCH_DICTIONARY_MAX);
    out->row_count = proto_count(c, "values", m->n_values, BATCH_ROWS_MAX);
    const struct {
        const char *name;
        size_t count;
    } columns[] = {
        {"unit_refs", m->n_unit_refs},
        {"indicator_refs", m->n_indicator_refs},
        {"day_deltas", m->n_day_deltas},
        {"ops", m->n_ops == 0 ? m->n_values : m->n_ops},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        proto_count(c, columns[i].name, columns[i].count, BATCH_ROWS_MAX);
        if (columns[i].count != m->n_values)
            proto_fail(c, ERR_INVALID, columns[i].name,
                       "%zu items, and `values` has %zu: every column has one item a row",
                       columns[i].count, m->n_values);
    }
}

/* The dictionaries come from the payload itself: protobuf-c ends a string at its first NUL, and
 * "10\0x" must not pass for "10". A word that is no code is intake's matter: the answer lists the
 * rows that name it. */
static void take_dictionaries(struct proto_check *c, struct slice payload, struct arena *arena,
                              struct batch *out)
{
    out->units = arena_alloc(arena, out->unit_count * sizeof *out->units);
    out->indicators = arena_alloc(arena, out->indicator_count * sizeof *out->indicators);
    uint32_t units = 0, indicators = 0;
    struct reader r = reader_of(payload);
    struct proto_field field;
    while (proto_field_next(&r, &field)) {
        if (field.number == FIELD_UNITS && units < out->unit_count)
            out->units[units++] = field.bytes;
        else if (field.number == FIELD_INDICATORS && indicators < out->indicator_count)
            out->indicators[indicators++] = field.bytes;
    }
    if (r.bad || units != out->unit_count || indicators != out->indicator_count)
        proto_fail(c, ERR_INVALID, "units", "the dictionaries cannot be read");
}

static void check_refs(struct proto_check *c, const char *field, const uint32_t *refs,
                       uint32_t row_count, uint32_t entry_count)
{
    for (uint32_t i = 0; i < row_count; i++)
        if (refs[i] >= entry_count) {
            proto_fail(c, ERR_INVALID, field,
                       "row %" PRIu32 " refers to entry %" PRIu32 " of a dictionary with %" PRIu32,
                       i, refs[i], entry_count);
            return;
        }
}

/* In place: a delta and a day are of one size, and the message is ours. */
static day_t *take_days(struct proto_check *c, int32_t base_day, int32_t *deltas,
                        uint32_t row_count)
{
    for (uint32_t i = 0; i < row_count; i++) {
        int64_t day = (int64_t)base_day + deltas[i];
        if (day < DAY_FIRST || day > DAY_LAST) {
            proto_fail(c, ERR_INVALID, "day_deltas",
                       "row %" PRIu32 " is of day %" PRId64
                       " (since 1970-01-01), which is not from 1900-01-01 to 2199-12-31",
                       i, day);
            return NULL;
        }
        deltas[i] = (int32_t)day;
    }
    return deltas;
}

static uint8_t *take_ops(struct proto_check *c, const uint32_t *ops, size_t count,
                         struct arena *arena)
{
    if (count == 0)
        return NULL;
    uint8_t *out = arena_alloc(arena, count);
    for (size_t i = 0; i < count; i++) {
        if (ops[i] >= OP_COUNT) {
            proto_fail(c, ERR_INVALID, "ops", "row %zu has op %" PRIu32 ": 0 set, 1 clear, 2 add",
                       i, ops[i]);
            return NULL;
        }
        out[i] = (uint8_t)ops[i];
    }
    return out;
}

static void take_columns(struct proto_check *c, const Tonghop__V1__Batch *m, struct arena *arena,
                         struct batch *out)
{
    check_refs(c, "unit_refs", m->unit_refs, out->row_count, out->unit_count);
    check_refs(c, "indicator_refs", m->indicator_refs, out->row_count, out->indicator_count);
    out->unit_refs = m->unit_refs;
    out->indicator_refs = m->indicator_refs;
    out->days = take_days(c, m->base_day, m->day_deltas, out->row_count);
    out->ops = take_ops(c, m->ops, m->n_ops, arena);
    out->values = m->values;
}

int wire_unpack_batch(struct slice payload, struct arena *arena, struct batch *out, struct err *err)
{
    struct proto_check c = proto_check_of(&tonghop__v1__batch__descriptor, err);
    const Tonghop__V1__Batch *m =
        proto_unpack_raw(&c, payload, &tonghop__v1__batch__descriptor, &batch_limit, arena);
    if (m == NULL)
        return c.code;
    *out = (struct batch){.reported_at_ms = m->reported_at_ms};
    check_known(&c, m);
    check_reported(&c, m->reported_at_ms);
    check_lengths(&c, m, out);
    if (c.code == 0)
        take_dictionaries(&c, payload, arena, out);
    if (c.code == 0)
        take_columns(&c, m, arena, out);
    return c.code;
}

/* The answer. */

void wire_pack_submit_answer(const struct wire_submit_answer *a, struct buf *out)
{
    Tonghop__V1__SubmitAnswer m;
    tonghop__v1__submit_answer__init(&m);
    m.refusal = a->refusal;
    m.offset = a->offset;
    m.collector_time_ms = a->collector_time_ms;
    m.accepted_rows = a->accepted_rows;
    m.n_refused_rows = m.n_refused_codes = a->refused_count;
    m.refused_rows = (uint32_t *)(uintptr_t)a->refused_rows;
    m.refused_codes = (uint32_t *)(uintptr_t)a->refused_codes;
    m.expected_number = a->expected_number;
    proto_pack(&m.base, out);
}

int wire_unpack_submit_answer(struct slice s, struct arena *arena, struct wire_submit_answer *out,
                              struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__submit_answer__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__SubmitAnswer *m = proto_unpack(&c, s, type, &batch_limit, arena);
    if (m == NULL)
        return c.code;
    if (m->n_refused_rows != m->n_refused_codes)
        proto_fail(&c, ERR_INVALID, "refused_codes", "%zu items, and `refused_rows` has %zu",
                   m->n_refused_codes, m->n_refused_rows);
    *out = (struct wire_submit_answer){
        .refusal = m->refusal,
        .offset = m->offset,
        .collector_time_ms = m->collector_time_ms,
        .accepted_rows = m->accepted_rows,
        .refused_count = proto_count(&c, "refused_rows", m->n_refused_rows, BATCH_ROWS_MAX),
        .refused_rows = m->refused_rows,
        .refused_codes = m->refused_codes,
        .expected_number = m->expected_number,
    };
    return c.code;
}
