#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { VARINT_BYTES_MAX = 10 };

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_fini(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->data);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len)
        return;
    require(more <= SIZE_MAX - b->len);
    void *data = b->data;
    alloc_reserve(&data, &b->cap, b->len + more, 1);
    b->data = data;
}

static void put_big_endian(struct buf *b, uint64_t v, unsigned bytes)
{
    buf_reserve(b, bytes);
    uint8_t *at = b->data + b->len;
    for (unsigned i = bytes; i-- > 0; v >>= 8)
        at[i] = (uint8_t)v;
    b->len += bytes;
}

void buf_u8(struct buf *b, uint8_t v)
{
    put_big_endian(b, v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
    put_big_endian(b, v, 2);
}

void buf_u32(struct buf *b, uint32_t v)
{
    put_big_endian(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
    put_big_endian(b, v, 8);
}

void buf_i32_ordered(struct buf *b, int32_t v)
{
    buf_u32(b, (uint32_t)v ^ UINT32_C(0x80000000));
}

void buf_i64_ordered(struct buf *b, int64_t v)
{
    buf_u64(b, (uint64_t)v ^ (UINT64_C(1) << 63));
}

void buf_varint(struct buf *b, uint64_t v)
{
    buf_reserve(b, VARINT_BYTES_MAX);
    for (; v >= 0x80; v >>= 7)
        b->data[b->len++] = (uint8_t)(v | 0x80);
    b->data[b->len++] = (uint8_t)v;
}

void buf_zigzag(struct buf *b, int64_t v)
{
    uint64_t sign = v < 0 ? UINT64_MAX : 0;
    buf_varint(b, ((uint64_t)v << 1) ^ sign);
}

void buf_bytes(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buf_block(struct buf *b, struct slice s)
{
    buf_varint(b, s.len);
    buf_bytes(b, s.data, s.len);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    require(len >= 0);
    buf_reserve(b, (size_t)len + 1);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, again);
    va_end(again);
    b->len += (size_t)len;
}

struct reader reader_of(struct slice s)
{
    const uint8_t *at = s.data;
    return (struct reader){.at = at, .end = s.len == 0 ? at : at + s.len, .bad = false};
}

static size_t reader_left(const struct reader *r)
{
    return r->at == r->end ? 0 : (size_t)(r->end - r->at);
}

static uint64_t get_big_endian(struct reader *r, unsigned bytes)
{
    if (r->bad || reader_left(r) < bytes) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | r->at[i];
    r->at += bytes;
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)get_big_endian(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)get_big_endian(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)get_big_endian(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return get_big_endian(r, 8);
}

int32_t reader_i32_ordered(struct reader *r)
{
    uint32_t v = reader_u32(r);
    return r->bad ? 0 : (int32_t)(v ^ UINT32_C(0x80000000));
}

int64_t reader_i64_ordered(struct reader *r)
{
    uint64_t v = reader_u64(r);
    return r->bad ? 0 : (int64_t)(v ^ (UINT64_C(1) << 63));
}

uint64_t reader_varint(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_BYTES_MAX; shift += 7) {
        uint8_t byte = reader_u8(r);
        if (r->bad || (shift == 63 && byte > 1))
            break;
        v |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return v;
    }
    r->bad = true;
    return 0;
}

int64_t reader_zigzag(struct reader *r)
{
    uint64_t v = reader_varint(r);
    uint64_t sign = (v & 1) != 0 ? UINT64_MAX : 0;
    return (int64_t)(v >> 1 ^ sign);
}

struct slice reader_bytes(struct reader *r, size_t len)
{
    if (r->bad || reader_left(r) < len) {
        r->bad = true;
        return slice_of(NULL, 0);
    }
    struct slice s = slice_of(r->at, len);
    if (len > 0)
        r->at += len;
    return s;
}

struct slice reader_block(struct reader *r)
{
    uint64_t len = reader_varint(r);
    if (len > SIZE_MAX)
        r->bad = true;
    return reader_bytes(r, (size_t)len);
}
