#include "services/collector/collector_internal.h"

const char *const collector_table_names[COLLECTOR_TABLE_COUNT] = {
    [COLLECTOR_META] = "meta",         [COLLECTOR_COMMITS] = "commits",
    [COLLECTOR_SPOOLS] = "spools",     [COLLECTOR_NUMBERS] = "numbers",
    [COLLECTOR_REGISTRY] = "registry",
};

enum { OFFSET_KEY_BYTES = 8, SPOOL_KEY_BYTES = 4 + SPOOL_ID_BYTES, NUMBER_KEY_BYTES = 4 + 8 };

static const char state_key[] = "state";

/* Keys are small: they are written into the caller's frame, big-endian. */
static void put_be(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void offset_key(uint64_t offset, uint8_t out[OFFSET_KEY_BYTES])
{
    put_be(out, offset, OFFSET_KEY_BYTES);
}

static void spool_key(uint32_t producer, const struct spool_id *spool, uint8_t out[SPOOL_KEY_BYTES])
{
    put_be(out, producer, 4);
    memcpy(out + 4, spool->bytes, SPOOL_ID_BYTES);
}

static void number_key(uint32_t spool, uint64_t number, uint8_t out[NUMBER_KEY_BYTES])
{
    put_be(out, spool, 4);
    put_be(out + 4, number, 8);
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

void record_state_put(struct kv *kv, const struct collector_state *s)
{
    struct buf b = {0};
    buf_u8(&b, COLLECTOR_FORMAT);
    buf_u64(&b, s->next_offset);
    buf_u64(&b, s->commit_number);
    buf_bytes(&b, s->hash, HASH_BYTES);
    buf_u64(&b, (uint64_t)s->time_ms);
    buf_u64(&b, (uint64_t)s->tick_ms);
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

static bool decode_state(struct slice value, struct collector_state *out)
{
    struct reader r = reader_of(value);
    reader_u8(&r);
    out->next_offset = reader_u64(&r);
    out->commit_number = reader_u64(&r);
    take_bytes(&r, out->hash, HASH_BYTES);
    out->time_ms = (int64_t)reader_u64(&r);
    out->tick_ms = (int64_t)reader_u64(&r);
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
    uint8_t key[SPOOL_KEY_BYTES], value[4 + 8];
    spool_key(producer, spool, key);
    put_be(value, record->ordinal, 4);
    put_be(value + 4, record->last_number, 8);
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

void record_number_put(struct kv *kv, uint32_t spool, uint64_t number, uint64_t offset)
{
    uint8_t key[NUMBER_KEY_BYTES], value[8];
    number_key(spool, number, key);
    put_be(value, offset, 8);
    kv_put(kv, COLLECTOR_NUMBERS, slice_of(key, sizeof key), slice_of(value, sizeof value));
}

bool record_number_get(struct kv *kv, uint32_t spool, uint64_t number, uint64_t *offset)
{
    uint8_t key[NUMBER_KEY_BYTES];
    struct slice value;
    number_key(spool, number, key);
    if (!kv_get(kv, COLLECTOR_NUMBERS, slice_of(key, sizeof key), &value))
        return false;
    struct reader r = reader_of(value);
    *offset = reader_u64(&r);
    if (!reader_done(&r))
        fail_corrupt(kv, "a batch's number");
    return !kv_failed(kv);
}

void record_commit_put(struct kv *kv, uint64_t first_offset, struct slice commit)
{
    uint8_t key[OFFSET_KEY_BYTES];
    offset_key(first_offset, key);
    kv_append(kv, COLLECTOR_COMMITS, slice_of(key, sizeof key), commit);
}

void record_registry_put(struct kv *kv, uint64_t offset)
{
    uint8_t key[OFFSET_KEY_BYTES];
    offset_key(offset, key);
    kv_append(kv, COLLECTOR_REGISTRY, slice_of(key, sizeof key), slice_of("", 0));
}

static uint64_t offset_of(struct slice key)
{
    struct reader r = reader_of(key);
    return reader_u64(&r);
}

bool record_seek(struct kv_cursor *cursor, uint64_t offset, uint64_t *found, struct slice *value)
{
    uint8_t from[OFFSET_KEY_BYTES];
    struct slice key;
    offset_key(offset, from);
    if (!kv_cursor_seek(cursor, slice_of(from, sizeof from), &key, value))
        return false;
    *found = offset_of(key);
    return true;
}

bool record_next(struct kv_cursor *cursor, uint64_t *found, struct slice *value)
{
    struct slice key;
    if (!kv_cursor_move(cursor, KV_NEXT, &key, value))
        return false;
    *found = offset_of(key);
    return true;
}

bool record_commit_around(struct kv *kv, uint64_t offset, struct slice *commit)
{
    struct kv_cursor *cursor = kv_cursor_open(kv, COLLECTOR_COMMITS);
    uint64_t first;
    bool found = record_seek(cursor, offset, &first, commit);
    if (!found)
        found = kv_cursor_move(cursor, KV_LAST, NULL, commit);
    else if (first != offset)
        found = kv_cursor_move(cursor, KV_PREV, NULL, commit);
    kv_cursor_close(cursor);
    return found;
}
