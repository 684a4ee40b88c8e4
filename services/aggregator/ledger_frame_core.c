/* Frames: at each tick, what changed in the cells that targets are judged by. What such a cell held
 * at the tick before is kept in the store while it holds another value, so that a frame, and what
 * waits for one, hang on the journal alone and never on where flushes fell. */
#include "common/base/be.h"
#include "services/aggregator/ledger_internal.h"

enum { FRAME_EVERYTHING = 1, OFFSET_BYTES = 8 };

/* --- records --- */

/* A cell behind another: keys as steps, so that runs of days and of units take a byte each. */
static void put_cell(struct buf *out, struct ledger_cell_key *at, struct ledger_cell_key key,
                     const struct ledger_cell *cell)
{
    buf_zigzag(out, (int64_t)key.indicator - at->indicator);
    buf_zigzag(out, (int64_t)key.code - at->code);
    buf_zigzag(out, (int64_t)key.day - at->day);
    cell_encode(cell, out);
    *at = key;
}

static void take_cell(struct reader *r, struct ledger_cell_key *at, struct ledger_cell *cell)
{
    at->indicator += (uint32_t)reader_zigzag(r);
    at->code += (uint32_t)reader_zigzag(r);
    at->day = (day_t)(at->day + reader_zigzag(r));
    cell->amount = reader_zigzag(r);
    cell->figures = (int32_t)reader_zigzag(r);
    cell->reported = (uint32_t)reader_varint(r);
    cell->on_time = (uint32_t)reader_varint(r);
}

static bool frame_decode(struct slice key, struct slice value, struct ledger_frame *out)
{
    struct reader k = reader_of(key), r = reader_of(value);
    *out = (struct ledger_frame){.offset = reader_u64(&k)};
    uint8_t flags = reader_u8(&r);
    out->everything = (flags & FRAME_EVERYTHING) != 0;
    out->previous_offset = out->offset - reader_varint(&r);
    out->time_ms = reader_zigzag(&r);
    out->cell_count = reader_varint(&r);
    out->cells = slice_of(r.at, (size_t)(r.end - r.at));
    return reader_done(&k) && !r.bad && flags <= FRAME_EVERYTHING &&
           out->previous_offset < out->offset;
}

/* --- what changed since the last frame --- */

void frame_note(struct kv *kv, struct ledger_cell_key key, const struct ledger_cell *before,
                const struct ledger_cell *after)
{
    uint8_t bytes[CELL_KEY_BYTES];
    struct slice value;
    struct buf encoded = {0};
    cell_key_encode(key, bytes);
    if (!kv_get(kv, LEDGER_UNFRAMED, slice_of(bytes, sizeof bytes), &value)) {
        cell_encode(before, &encoded);
        kv_put(kv, LEDGER_UNFRAMED, slice_of(bytes, sizeof bytes), buf_slice(&encoded));
        buf_fini(&encoded);
        return;
    }
    struct ledger_cell framed = cell_decode(value);
    if (cell_equal(&framed, after))
        kv_del(kv, LEDGER_UNFRAMED, slice_of(bytes, sizeof bytes));
}

bool frame_holds_everything(struct kv *kv, uint64_t tick_offset)
{
    uint64_t offset = tick_offset;
    enum entry_kind kind;
    struct slice body;
    while (ledger_registry_after(kv, offset, &offset, &kind, &body))
        if (kind != ENTRY_PRODUCER)
            return true;
    return false;
}

/* --- making a frame --- */

struct put_walk {
    struct buf *out;
    struct ledger_cell_key at;
    uint64_t count;
};

static void put_visited(void *arg, struct ledger_cell_key key, struct ledger_cell cell)
{
    struct put_walk *w = arg;
    put_cell(w->out, &w->at, key, &cell);
    w->count++;
}

static uint64_t put_changed(struct kv *kv, struct buf *out)
{
    struct put_walk w = {.out = out};
    struct slice key;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_UNFRAMED);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, NULL); more;
         more = kv_cursor_move(c, KV_NEXT, &key, NULL))
        put_visited(&w, cell_key_decode(key), ledger_cell_get(kv, cell_key_decode(key)));
    kv_cursor_close(c);
    return w.count;
}

static uint64_t put_everything(const struct registry *registry, struct kv *kv, struct buf *out)
{
    struct put_walk w = {.out = out};
    for (uint32_t i = 0; i < registry_indicator_count(registry); i++)
        if (registry_is_targeted(registry, i))
            ledger_visit_cells(kv, i, put_visited, &w);
    return w.count;
}

void frame_make(const struct registry *registry, struct kv *kv, const struct entry *tick,
                uint64_t previous_offset, bool everything)
{
    struct buf cells = {0}, value = {0};
    uint8_t key[OFFSET_BYTES];
    uint64_t count = everything ? put_everything(registry, kv, &cells) : put_changed(kv, &cells);
    buf_u8(&value, everything ? FRAME_EVERYTHING : 0);
    buf_varint(&value, tick->offset - previous_offset);
    buf_zigzag(&value, tick->time_ms);
    buf_varint(&value, count);
    buf_bytes(&value, cells.data, cells.len);
    be_put_u64(key, tick->offset);
    kv_append(kv, LEDGER_FRAMES, slice_of(key, sizeof key), buf_slice(&value));
    ledger_clear_cells(kv, LEDGER_UNFRAMED);
    buf_fini(&cells);
    buf_fini(&value);
}

/* --- reading --- */

int ledger_frame_after(struct kv *kv, uint64_t after, struct ledger_frame *out, struct err *err)
{
    uint8_t from[OFFSET_BYTES];
    struct slice key, value;
    be_put_u64(from, after + 1);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_FRAMES);
    int rc = 0;
    if (!kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value))
        rc = ERR_NOT_FOUND;
    else if (!frame_decode(key, value, out))
        rc = ledger_corrupt(err, "frames");
    kv_cursor_close(c);
    return rc;
}

int ledger_frame_last(struct kv *kv, struct ledger_frame *out, struct err *err)
{
    struct slice key, value;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_FRAMES);
    int rc = 0;
    if (!kv_cursor_move(c, KV_LAST, &key, &value))
        rc = ERR_NOT_FOUND;
    else if (!frame_decode(key, value, out))
        rc = ledger_corrupt(err, "frames");
    kv_cursor_close(c);
    return rc;
}

bool ledger_frame_at(struct kv *kv, uint64_t offset)
{
    uint8_t key[OFFSET_BYTES];
    be_put_u64(key, offset);
    return kv_get(kv, LEDGER_FRAMES, slice_of(key, sizeof key), NULL);
}

bool ledger_frame_next_cell(struct ledger_frame *frame, struct ledger_cell_key *key,
                            struct ledger_cell *cell)
{
    struct reader r = reader_of(frame->cells);
    if (frame->cells.len == 0)
        return false;
    take_cell(&r, &frame->at, cell);
    *key = frame->at;
    frame->cells = slice_of(r.at, (size_t)(r.end - r.at));
    return !r.bad;
}

bool ledger_registry_after(struct kv *kv, uint64_t after, uint64_t *offset, enum entry_kind *kind,
                           struct slice *body)
{
    uint8_t from[OFFSET_BYTES];
    struct slice key, value;
    be_put_u64(from, after + 1);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_REGISTRY);
    bool found = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value) && value.len > 0;
    if (found) {
        struct reader k = reader_of(key), v = reader_of(value);
        *offset = reader_u64(&k);
        *kind = (enum entry_kind)reader_u8(&v);
        *body = reader_bytes(&v, value.len - 1);
    }
    kv_cursor_close(c);
    return found;
}
