#include "services/collector/collector_internal.h"

#include "common/base/be.h"

const char *const collector_table_names[COLLECTOR_TABLE_COUNT] = {
    [COLLECTOR_META] = "meta",         [COLLECTOR_COMMITS] = "commits",
    [COLLECTOR_SPOOLS] = "spools",     [COLLECTOR_NUMBERS] = "numbers",
    [COLLECTOR_REGISTRY] = "registry",
};

/* Keys and the smaller values are written into the caller's frame. */
enum {
    OFFSET_KEY_BYTES = 8,
    SPOOL_KEY_BYTES = 4 + SPOOL_ID_BYTES,
    SPOOL_BYTES = 4 + 8,
    NUMBER_KEY_BYTES = 4 + 8,
    NUMBER_BYTES = 8 + 4,
};

static const char state_key[] = "state";

static void spool_key(uint32_t producer, const struct spool_id *spool, uint8_t out[SPOOL_KEY_BYTES])
{
    be_put_u32(out, producer);
    memcpy(out + 4, spool->bytes, SPOOL_ID_BYTES);
}

static void number_key(uint32_t spool, uint64_t number, uint8_t out[NUMBER_KEY_BYTES])
{
    be_put_u32(out, spool);
    be_put_u64(out + 4, number);
}

/* The first fault stays, as everywhere in a transaction. */
static void fail_corrupt(struct kv *kv, const char *what)
{
    if (!kv_failed(kv))
        err_set(&kv->err, ERR_CORRUPT,
                "the journal's store: a record of %s does not read as one: restore the store from "
                "a backup",
                what);
}

int record_result(const struct kv *kv, struct err *err)
{
    return kv_failed(kv) ? err_set(err, kv->err.code, "%s", kv->err.text) : 0;
}

static struct slice state_slice(void)
{
    return slice_of(state_key, sizeof state_key - 1);
}

static void put_mark(struct buf *b, const struct clock_mark *m)
{
    buf_u64(b, (uint64_t)m->time_ms);
    buf_u64(b, (uint64_t)m->tick_ms);
    buf_u64(b, (uint64_t)m->monotonic_ms);
    buf_u64(b, (uint64_t)m->lag_ms);
    buf_bytes(b, m->boot_id, sizeof m->boot_id);
    buf_u8(b, m->held);
}

void record_state_put(struct kv *kv, const struct collector_state *s)
{
    struct buf b = {0};
    buf_u8(&b, COLLECTOR_FORMAT);
    buf_u64(&b, s->next_offset);
    buf_u64(&b, s->commit_number);
    buf_bytes(&b, s->hash, HASH_BYTES);
    put_mark(&b, &s->clock);
    buf_u64(&b, s->next_row);
    buf_u32(&b, s->next_spool);
    buf_u8(&b, s->replay);
    buf_bytes(&b, s->instance, sizeof s->instance);
    kv_put(kv, COLLECTOR_META, state_slice(), buf_slice(&b));
    buf_fini(&b);
}

static void take_bytes(struct reader *r, void *out, size_t len)
{
    struct slice s = reader_bytes(r, len);
    if (!r->bad)
        memcpy(out, s.data, len);
}

static void take_mark(struct reader *r, struct clock_mark *out)
{
    out->time_ms = (int64_t)reader_u64(r);
    out->tick_ms = (int64_t)reader_u64(r);
    out->monotonic_ms = (int64_t)reader_u64(r);
    out->lag_ms = (int64_t)reader_u64(r);
    take_bytes(r, out->boot_id, sizeof out->boot_id);
    out->held = reader_u8(r) != 0;
}

static bool decode_state(struct slice value, struct collector_state *out)
{
    struct reader r = reader_of(value);
    reader_u8(&r);
    out->next_offset = reader_u64(&r);
    out->commit_number = reader_u64(&r);
    take_bytes(&r, out->hash, HASH_BYTES);
    take_mark(&r, &out->clock);
    out->next_row = reader_u64(&r);
    out->next_spool = reader_u32(&r);
    out->replay = reader_u8(&r) != 0;
    take_bytes(&r, out->instance, sizeof out->instance);
    return reader_done(&r);
}

bool record_state_get(struct kv *kv, struct collector_state *out)
{
    struct slice value;
    if (!kv_get(kv, COLLECTOR_META, state_slice(), &value))
        return false;
    const uint8_t *format = value.data;
    if (value.len > 0 && format[0] > COLLECTOR_FORMAT)
        err_set(&kv->err, ERR_VERSION,
                "the journal's store has format %u, this program reads up to %d: install the newer "
                "version that wrote it",
                format[0], COLLECTOR_FORMAT);
    else if (!decode_state(value, out))
        fail_corrupt(kv, "where the journal stands");
    return !kv_failed(kv);
}

void record_spool_put(struct kv *kv, uint32_t producer, const struct spool_id *spool,
                      const struct spool_record *record)
{
    uint8_t key[SPOOL_KEY_BYTES], value[SPOOL_BYTES];
    spool_key(producer, spool, key);
    be_put_u32(value, record->ordinal);
    be_put_u64(value + 4, record->last_number);
    kv_put(kv, COLLECTOR_SPOOLS, slice_of(key, sizeof key), slice_of(value, sizeof value));
}

bool record_spool_get(struct kv *kv, uint32_t producer, const struct spool_id *spool,
                      struct spool_record *out)
{
    uint8_t key[SPOOL_KEY_BYTES];
    struct slice value;
    spool_key(producer, spool, key);
    if (!kv_get(kv, COLLECTOR_SPOOLS, slice_of(key, sizeof key), &value))
        return false;
    struct reader r = reader_of(value);
    out->ordinal = reader_u32(&r);
    out->last_number = reader_u64(&r);
    if (!reader_done(&r))
        fail_corrupt(kv, "a spool");
    return !kv_failed(kv);
}

void record_number_put(struct kv *kv, uint32_t spool, uint64_t number,
                       const struct entry_place *place)
{
    uint8_t key[NUMBER_KEY_BYTES], value[NUMBER_BYTES];
    number_key(spool, number, key);
    be_put_u64(value, place->offset);
    be_put_u32(value + 8, place->position);
    kv_put(kv, COLLECTOR_NUMBERS, slice_of(key, sizeof key), slice_of(value, sizeof value));
}

static bool decode_place(struct slice value, struct entry_place *out)
{
    struct reader r = reader_of(value);
    out->offset = reader_u64(&r);
    out->position = reader_u32(&r);
    return reader_done(&r);
}

bool record_number_get(struct kv *kv, uint32_t spool, uint64_t number, struct entry_place *out)
{
    uint8_t key[NUMBER_KEY_BYTES];
    struct slice value;
    number_key(spool, number, key);
    if (!kv_get(kv, COLLECTOR_NUMBERS, slice_of(key, sizeof key), &value))
        return false;
    if (!decode_place(value, out))
        fail_corrupt(kv, "a batch's number");
    return !kv_failed(kv);
}

/* A record of NUMBERS that a cursor stands on. */
struct number_at {
    uint32_t spool;
    uint64_t number;
    struct entry_place place;
};

static bool take_number(struct kv_cursor *cursor, bool found, struct slice key, struct slice value,
                        struct number_at *out)
{
    struct reader r = reader_of(key);
    if (!found)
        return false;
    out->spool = reader_u32(&r);
    out->number = reader_u64(&r);
    if (!reader_done(&r) || !decode_place(value, &out->place))
        fail_corrupt(cursor->kv, "a batch's number");
    return !kv_failed(cursor->kv);
}

static bool seek_number(struct kv_cursor *cursor, uint32_t spool, uint64_t number,
                        struct number_at *out)
{
    uint8_t from[NUMBER_KEY_BYTES];
    struct slice key = {0}, value = {0};
    number_key(spool, number, from);
    bool found = kv_cursor_seek(cursor, slice_of(from, sizeof from), &key, &value);
    return take_number(cursor, found, key, value, out);
}

static bool next_number(struct kv_cursor *cursor, struct number_at *out)
{
    struct slice key = {0}, value = {0};
    bool found = kv_cursor_move(cursor, KV_NEXT, &key, &value);
    return take_number(cursor, found, key, value, out);
}

/* The first from *at on whose entry lies below `offset` and that is not the last of its spool.
 * Offsets ascend with the numbers of a spool, so that one at `offset` or above ends its spool. */
static bool find_trimmed(struct kv_cursor *cursor, uint64_t offset, struct number_at *at)
{
    struct number_at next;
    bool more = seek_number(cursor, at->spool, at->number, at);
    while (more) {
        if (at->place.offset >= offset) {
            more = at->spool < UINT32_MAX && seek_number(cursor, at->spool + 1, 0, at);
            continue;
        }
        if (!next_number(cursor, &next))
            return false;
        if (next.spool == at->spool)
            return true;
        *at = next;
    }
    return false;
}

void record_number_trim(struct kv *kv, uint64_t offset)
{
    uint8_t key[NUMBER_KEY_BYTES];
    struct number_at at = {0};
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_NUMBERS);
    while (find_trimmed(cursor, offset, &at)) {
        number_key(at.spool, at.number, key);
        kv_del(kv, COLLECTOR_NUMBERS, slice_of(key, sizeof key));
    }
    kv_cursor_close(cursor);
}

void record_registry_put(struct kv *kv, uint64_t offset, struct slice entry)
{
    uint8_t key[OFFSET_KEY_BYTES];
    be_put_u64(key, offset);
    kv_append(kv, COLLECTOR_REGISTRY, slice_of(key, sizeof key), entry);
}

bool record_registry_move(struct kv_cursor *cursor, enum kv_move move, uint64_t *offset,
                          struct slice *entry)
{
    struct slice key;
    if (!kv_cursor_move(cursor, move, &key, entry))
        return false;
    struct reader r = reader_of(key);
    *offset = reader_u64(&r);
    return true;
}
