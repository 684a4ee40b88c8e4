/* Frames: at each tick, what changed in the cells that targets are judged by. What a cell held at
 * the frame before is noted when it first changes after it, here and with each flush in the store,
 * so that a frame hangs on the journal alone and never on where flushes fell: a cell that changed
 * and changed back is in no frame. */
#include "common/base/alloc.h"
#include "common/base/be.h"
#include "services/aggregator/ledger_internal.h"

#include <stdlib.h>

enum { FRAME_EVERYTHING = 1, LOG_INDEX_FIRST = 1024, OFFSET_BYTES = 8, BLOCK_KEY_BYTES = 4 };

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

/* --- what was noted since the last frame --- */

static uint32_t *log_probe(const struct frame_log *log, struct ledger_cell_key key)
{
    size_t at = cell_key_hash(key) & (log->index_size - 1);
    while (log->index[at] != 0 && cell_key_compare(log->items[log->index[at] - 1].key, key) != 0)
        at = (at + 1) & (log->index_size - 1);
    return &log->index[at];
}

static void log_grow(struct frame_log *log)
{
    log->index_size = log->index_size == 0 ? LOG_INDEX_FIRST : log->index_size * 2;
    free(log->index);
    log->index = alloc_zeroed(log->index_size, sizeof *log->index);
    for (size_t i = 0; i < log->count; i++)
        *log_probe(log, log->items[i].key) = (uint32_t)i + 1;
}

/* The first note of a cell is the one that counts. */
static void log_add(struct frame_log *log, struct ledger_cell_key key,
                    const struct ledger_cell *before)
{
    if (log->count * 2 >= log->index_size)
        log_grow(log);
    uint32_t *number = log_probe(log, key);
    if (*number != 0)
        return;
    alloc_reserve((void **)&log->items, &log->capacity, log->count + 1, sizeof *log->items);
    log->items[log->count] = (struct frame_note){key, *before};
    *number = (uint32_t)++log->count;
}

static void log_clear(struct frame_log *log)
{
    free(log->items);
    free(log->index);
    log->items = NULL;
    log->index = NULL;
    log->count = log->capacity = log->index_size = log->saved = 0;
}

static int note_compare(const void *a, const void *b)
{
    const struct frame_note *x = a, *y = b;
    return cell_key_compare(x->key, y->key);
}

void frame_log_fini(struct frame_log *log)
{
    log_clear(log);
}

void frame_log_note(struct frame_log *log, const struct registry *registry,
                    struct ledger_cell_key key, const struct ledger_cell *before)
{
    if (!log->everything && registry_is_targeted(registry, key.indicator))
        log_add(log, key, before);
}

void frame_log_save(struct frame_log *log, struct kv *kv)
{
    struct buf value = {0};
    struct ledger_cell_key at = {0};
    uint8_t key[BLOCK_KEY_BYTES];
    if (log->saved == log->count)
        return;
    for (size_t i = log->saved; i < log->count; i++)
        put_cell(&value, &at, log->items[i].key, &log->items[i].before);
    be_put_u32(key, log->block_count++);
    kv_append(kv, LEDGER_UNFRAMED, slice_of(key, sizeof key), buf_slice(&value));
    log->saved = log->count;
    buf_fini(&value);
}

static void forget(struct frame_log *log, struct kv *kv)
{
    uint8_t key[BLOCK_KEY_BYTES];
    for (uint32_t i = 0; i < log->block_count; i++) {
        be_put_u32(key, i);
        kv_del(kv, LEDGER_UNFRAMED, slice_of(key, sizeof key));
    }
    log->block_count = 0;
    log_clear(log);
}

void frame_log_expect_everything(struct frame_log *log, struct kv *kv)
{
    forget(log, kv);
    log->everything = true;
}

/* --- opening --- */

static bool load_block(struct frame_log *log, struct slice value)
{
    struct reader r = reader_of(value);
    struct ledger_cell_key key = {0};
    struct ledger_cell before;
    while (!reader_done(&r)) {
        take_cell(&r, &key, &before);
        if (r.bad)
            return false;
        log_add(log, key, &before);
    }
    return true;
}

static int load_blocks(struct frame_log *log, struct kv *kv, struct err *err)
{
    struct slice value;
    bool whole = true;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_UNFRAMED);
    for (bool more = kv_cursor_move(c, KV_FIRST, NULL, &value); more && whole;
         more = kv_cursor_move(c, KV_NEXT, NULL, &value)) {
        whole = load_block(log, value);
        log->block_count++;
    }
    kv_cursor_close(c);
    log->saved = log->count;
    return whole ? 0 : ledger_corrupt(err, "unframed");
}

/* Has a catalogue or a plan come since the last frame? */
static bool tree_may_differ(struct kv *kv, uint64_t since)
{
    uint64_t offset = since;
    enum entry_kind kind;
    struct slice body;
    while (ledger_registry_after(kv, offset, &offset, &kind, &body))
        if (kind != ENTRY_PRODUCER)
            return true;
    return false;
}

int frame_log_load(struct frame_log *log, struct kv *kv, uint64_t tick_offset, struct err *err)
{
    log->everything = tree_may_differ(kv, tick_offset);
    return load_blocks(log, kv, err);
}

/* --- making a frame --- */

static uint64_t put_changed(struct frame_log *log, struct kv *kv, struct buf *out)
{
    struct ledger_cell_key at = {0};
    uint64_t count = 0;
    if (log->count > 1)
        qsort(log->items, log->count, sizeof *log->items, note_compare);
    for (size_t i = 0; i < log->count; i++) {
        struct ledger_cell now = ledger_cell_get(kv, log->items[i].key);
        if (cell_equal(&now, &log->items[i].before))
            continue;
        put_cell(out, &at, log->items[i].key, &now);
        count++;
    }
    return count;
}

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

static uint64_t put_everything(const struct registry *registry, struct kv *kv, struct buf *out)
{
    struct put_walk w = {.out = out};
    for (uint32_t i = 0; i < registry_indicator_count(registry); i++)
        if (registry_is_targeted(registry, i))
            ledger_visit_cells(kv, i, put_visited, &w);
    return w.count;
}

void frame_log_make(struct frame_log *log, const struct registry *registry, struct kv *kv,
                    const struct entry *tick, uint64_t previous_offset)
{
    struct buf cells = {0}, value = {0};
    uint8_t key[OFFSET_BYTES];
    uint64_t count =
        log->everything ? put_everything(registry, kv, &cells) : put_changed(log, kv, &cells);
    buf_u8(&value, log->everything ? FRAME_EVERYTHING : 0);
    buf_varint(&value, tick->offset - previous_offset);
    buf_zigzag(&value, tick->time_ms);
    buf_varint(&value, count);
    buf_bytes(&value, cells.data, cells.len);
    be_put_u64(key, tick->offset);
    kv_append(kv, LEDGER_FRAMES, slice_of(key, sizeof key), buf_slice(&value));
    forget(log, kv);
    log->everything = false;
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

/* --- for the canonical dump --- */

void frame_log_visit(struct kv *kv,
                     void (*visit)(void *arg, struct ledger_cell_key key,
                                   struct ledger_cell before),
                     void *arg)
{
    struct frame_log log = {0};
    if (load_blocks(&log, kv, NULL) == 0 && log.count > 1)
        qsort(log.items, log.count, sizeof *log.items, note_compare);
    for (size_t i = 0; i < log.count; i++) {
        struct ledger_cell now = ledger_cell_get(kv, log.items[i].key);
        if (!cell_equal(&now, &log.items[i].before))
            visit(arg, log.items[i].key, log.items[i].before);
    }
    frame_log_fini(&log);
}
