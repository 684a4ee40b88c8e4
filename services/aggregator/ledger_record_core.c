#include "services/aggregator/ledger_internal.h"

#include "common/base/be.h"

const char *const ledger_table_names[LEDGER_TABLE_COUNT] = {
    "meta", "registry", "facts", "adds", "versions", "cells", "days", "frames", "unframed",
};

enum { FACT_CLEARED = 1 << 2, ROW_WON = 1 << 2, ROW_REFUSED = 1 << 3, OP_MASK = 3 };

static void put_day(uint8_t *out, day_t day)
{
    be_put_u32(out, (uint32_t)day ^ 0x80000000u);
}

void fact_key_encode(struct fact_key key, uint8_t out[FACT_KEY_BYTES])
{
    be_put_u16(out, (uint16_t)key.indicator);
    be_put_u32(out + 2, key.code);
    put_day(out + 6, key.day);
    be_put_u16(out + 10, (uint16_t)key.source);
}

struct fact_key fact_key_decode(struct slice key)
{
    struct reader r = reader_of(key);
    struct fact_key out;
    out.indicator = reader_u16(&r);
    out.code = reader_u32(&r);
    out.day = reader_i32_ordered(&r);
    out.source = reader_u16(&r);
    return out;
}

void fact_encode(const struct fact *f, struct buf *out)
{
    buf_u8(out, (uint8_t)(f->op | (f->cleared ? FACT_CLEARED : 0)));
    buf_varint(out, f->newest);
    buf_zigzag(out, f->first_day);
    if (f->op == OP_ADD) {
        buf_zigzag(out, (int64_t)(f->sum >> 64));
        buf_varint(out, (uint64_t)f->sum);
        buf_varint(out, f->adds);
    } else {
        buf_zigzag(out, f->value);
    }
    if (f->op == OP_ADD && !f->cleared)
        return;
    buf_varint(out, f->newest - f->holds);
    buf_zigzag(out, f->stamp.reported_at_ms);
    buf_varint(out, f->stamp.producer);
    buf_bytes(out, f->stamp.spool.bytes, SPOOL_ID_BYTES);
    buf_varint(out, f->stamp.number);
    buf_varint(out, f->stamp.row);
}

static void fact_decode_stamp(struct reader *r, struct fact *out)
{
    out->holds = out->newest - reader_varint(r);
    out->stamp.reported_at_ms = reader_zigzag(r);
    out->stamp.producer = (uint32_t)reader_varint(r);
    struct slice spool = reader_bytes(r, SPOOL_ID_BYTES);
    if (!r->bad)
        memcpy(out->stamp.spool.bytes, spool.data, SPOOL_ID_BYTES);
    out->stamp.number = reader_varint(r);
    out->stamp.row = (uint32_t)reader_varint(r);
}

static void fact_decode_sum(struct reader *r, struct fact *out)
{
    uint64_t high = (uint64_t)reader_zigzag(r);
    out->sum = (__int128)(((unsigned __int128)high << 64) | reader_varint(r));
    out->adds = reader_varint(r);
}

bool fact_decode(struct slice value, struct fact *out)
{
    struct reader r = reader_of(value);
    memset(out, 0, sizeof *out);
    uint8_t flags = reader_u8(&r);
    out->op = (enum op)(flags & OP_MASK);
    out->cleared = (flags & FACT_CLEARED) != 0;
    out->newest = reader_varint(&r);
    out->first_day = (day_t)reader_zigzag(&r);
    out->holds = VERSION_NONE;
    if (out->op == OP_ADD)
        fact_decode_sum(&r, out);
    else
        out->value = reader_zigzag(&r);
    if (out->op != OP_ADD || out->cleared)
        fact_decode_stamp(&r, out);
    return reader_done(&r) && out->op < OP_COUNT;
}

bool tally_figure(__int128 sum, uint64_t adds, int64_t *value)
{
    *value = (int64_t)sum;
    return adds > 0 && sum <= OBSERVATION_VALUE_MAX && sum >= -OBSERVATION_VALUE_MAX;
}

bool fact_figure(const struct fact *f, int64_t *value)
{
    if (f->op == OP_ADD)
        return tally_figure(f->sum, f->adds, value);
    *value = f->value;
    return f->op == OP_SET;
}

void stamp_encode(const struct stamp *s, uint8_t out[STAMP_BYTES])
{
    be_put_u64(out, (uint64_t)s->reported_at_ms ^ (UINT64_C(1) << 63));
    be_put_u32(out + 8, s->producer);
    memcpy(out + 12, s->spool.bytes, SPOOL_ID_BYTES);
    be_put_u64(out + 28, s->number);
    be_put_u32(out + 36, s->row);
}

void cell_key_encode(struct ledger_cell_key key, uint8_t out[CELL_KEY_BYTES])
{
    be_put_u16(out, (uint16_t)key.indicator);
    be_put_u32(out + 2, key.code);
    put_day(out + 6, key.day);
}

struct ledger_cell_key cell_key_decode(struct slice key)
{
    struct reader r = reader_of(key);
    struct ledger_cell_key out;
    out.indicator = reader_u16(&r);
    out.code = reader_u32(&r);
    out.day = reader_i32_ordered(&r);
    return out;
}

void cell_encode(const struct ledger_cell *c, struct buf *out)
{
    buf_zigzag(out, c->amount);
    buf_zigzag(out, c->figures);
    buf_varint(out, c->reported);
    buf_varint(out, c->on_time);
}

struct ledger_cell cell_decode(struct slice value)
{
    struct reader r = reader_of(value);
    struct ledger_cell c;
    c.amount = reader_zigzag(&r);
    c.figures = (int32_t)reader_zigzag(&r);
    c.reported = (uint32_t)reader_varint(&r);
    c.on_time = (uint32_t)reader_varint(&r);
    return c;
}

void version_head_encode(const struct version_head *h, struct buf *out)
{
    buf_varint(out, h->batch_row);
    buf_varint(out, h->offset);
    buf_varint(out, h->commit);
    buf_zigzag(out, h->time_ms);
    buf_zigzag(out, h->reported_at_ms - h->time_ms);
    buf_varint(out, h->producer);
    buf_varint(out, h->delegate == UINT32_MAX ? 0 : (uint64_t)h->delegate + 1);
    buf_bytes(out, h->spool.bytes, SPOOL_ID_BYTES);
    buf_varint(out, h->number);
}

static void version_head_decode(struct reader *r, struct version_head *h)
{
    h->batch_row = reader_varint(r);
    h->offset = reader_varint(r);
    h->commit = reader_varint(r);
    h->time_ms = reader_zigzag(r);
    h->reported_at_ms = h->time_ms + reader_zigzag(r);
    h->producer = (uint32_t)reader_varint(r);
    uint64_t delegate = reader_varint(r);
    h->delegate = delegate == 0 ? UINT32_MAX : (uint32_t)(delegate - 1);
    struct slice spool = reader_bytes(r, SPOOL_ID_BYTES);
    if (!r->bad)
        memcpy(h->spool.bytes, spool.data, SPOOL_ID_BYTES);
    h->number = reader_varint(r);
}

void version_row_encode(uint64_t version, const struct version_row *row, struct buf *out)
{
    if (row->refused) {
        buf_u8(out, ROW_REFUSED);
        return;
    }
    buf_u8(out, (uint8_t)(row->op | (row->won ? ROW_WON : 0)));
    if (row->op != OP_CLEAR)
        buf_zigzag(out, row->value);
    buf_varint(out, row->previous == VERSION_NONE ? 0 : version - row->previous);
}

static void version_row_decode(struct reader *r, uint64_t version, struct version_row *row)
{
    uint8_t flags = reader_u8(r);
    row->refused = (flags & ROW_REFUSED) != 0;
    row->op = (enum op)(flags & OP_MASK);
    row->won = (flags & ROW_WON) != 0;
    row->value = 0;
    row->previous = VERSION_NONE;
    if (row->refused)
        return;
    if (row->op != OP_CLEAR)
        row->value = reader_zigzag(r);
    uint64_t distance = reader_varint(r);
    if (distance != 0)
        row->previous = version - distance;
}

/* The block that holds a version: the last whose first row is not above it. */
static bool version_block_find(struct kv_cursor *c, uint64_t version, struct slice *key,
                               struct slice *value)
{
    uint8_t wanted[8];
    be_put_u64(wanted, version);
    if (!kv_cursor_seek(c, slice_of(wanted, sizeof wanted), key, value))
        return kv_cursor_move(c, KV_LAST, key, value);
    if (slice_compare(*key, slice_of(wanted, sizeof wanted)) == 0)
        return true;
    return kv_cursor_move(c, KV_PREV, key, value);
}

bool version_find(struct kv *kv, uint64_t version, struct version_head *head,
                  struct version_row *row)
{
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_VERSIONS);
    struct slice key, value;
    bool found = version_block_find(c, version, &key, &value);
    if (found) {
        struct reader k = reader_of(key);
        struct reader r = reader_of(value);
        head->first_row = reader_u64(&k);
        version_head_decode(&r, head);
        for (uint64_t at = head->first_row; at <= version && !r.bad; at++)
            version_row_decode(&r, at, row);
        found = !r.bad && version >= head->first_row;
    }
    kv_cursor_close(c);
    return found;
}

struct stamp version_stamp(const struct version_head *head, uint64_t version)
{
    return (struct stamp){
        .reported_at_ms = head->reported_at_ms,
        .producer = head->producer,
        .spool = head->spool,
        .number = head->number,
        .row = (uint32_t)(head->batch_row + (version - head->first_row)),
    };
}
