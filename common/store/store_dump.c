#include "common/base/buf.h"
#include "common/store/store.h"

static void put_hex(struct buf *line, struct slice s)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = s.data;
    buf_reserve(line, 2 * s.len);
    for (size_t i = 0; i < s.len; i++) {
        buf_u8(line, (uint8_t)digits[bytes[i] >> 4]);
        buf_u8(line, (uint8_t)digits[bytes[i] & 15]);
    }
    if (s.len == 0)
        buf_u8(line, '-');
}

static void put_record(struct buf *line, const char *table, struct slice key, struct slice value)
{
    buf_clear(line);
    buf_printf(line, "%s ", table);
    put_hex(line, key);
    buf_u8(line, ' ');
    put_hex(line, value);
    buf_u8(line, '\0');
}

int store_dump(struct kv *kv, const char *const *tables, unsigned count,
               void (*line)(void *arg, const char *text), void *arg)
{
    struct buf text;
    struct slice key, value;
    buf_init(&text);
    for (unsigned table = 0; table < count; table++) {
        struct kv_cursor *c = kv_cursor_open(kv, table);
        for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more;
             more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
            put_record(&text, tables[table], key, value);
            line(arg, (const char *)text.data);
        }
        kv_cursor_close(c);
    }
    buf_fini(&text);
    return kv->err.code;
}
